//! Quotas, the callback's check, groups, comments, statistics (accounts §1 to §2, §8, §10, §11).

use super::*;
use crate::common::{SERVICE, SUBSCRIPTION};

const DAYS: Endpoint = Endpoint {
    good: |_, _| json!({"begin_date": "2026-11-23", "end_date": "2026-11-23"}),
    fields: &[
        field!("/begin_date", Missing => 61500, WrongType => 61500, Is(unknown) => 61500,
            Is(|| json!("2026-02-30")) => 61500, Is(|| json!("2026-11-01")) => 61501,
            Is(|| json!("2026-11-24")) => 61501),
        field!("/end_date", Missing => 61500, WrongType => 61500, Is(unknown) => 61500,
            Is(|| json!("2026-11-26")) => 61501, Is(|| json!("2027-01-01")) => 61501),
    ],
    ..OPEN
};

/// The article that a call about comments names.
macro_rules! of_article {
    () => {
        field!("/msg_data_id", Missing => 88001, WrongType => 88001, Is(unknown) => 88001,
            Is(unknown_number) => 88001)
    };
}

/// A call about one comment.
macro_rules! about_comment {
    ($path:literal) => {
        Endpoint {
            path: $path,
            good: |world, _| json!({"msg_data_id": world.msg_data_id, "index": 0, "user_comment_id": world.comment}),
            fields: &[
                of_article!(),
                field!("/index", WrongType => 88001, Is(|| json!(9)) => 88001, Is(|| json!(-1)) => 88001),
                field!("/user_comment_id", Missing => 88008, WrongType => 88008, Is(unknown_number) => 88008),
            ],
            ..OPEN
        }
    };
}

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/cgi-bin/clear_quota",
        good: |_, _| json!({"appid": SERVICE}),
        fields: &[
            field!("/appid", Missing => 41002, WrongType => 40013, Is(unknown) => 40013,
            Is(|| json!(SUBSCRIPTION)) => 40013),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/clear_quota/v2",
        token: false,
        body: Optional(41002),
        good: |world, _| json!({"appid": SERVICE, "appsecret": world.secret}),
        fields: &[
            field!("/appid", Missing => 41002, WrongType => 40013, Is(unknown) => 40013),
            field!("/appsecret", Missing => 41004, WrongType => 40125, Is(unknown) => 40125),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/openapi/quota/clear",
        good: |_, _| json!({"cgi_path": "/cgi-bin/message/mass/sendall"}),
        fields: &[field!("/cgi_path", Missing => 76021, WrongType => 76021, Is(unknown) => 76021)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/openapi/quota/get",
        good: |_, _| json!({"cgi_path": "/cgi-bin/message/mass/sendall"}),
        fields: &[field!("/cgi_path", Missing => 76021, WrongType => 76021, Is(unknown) => 76021)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/callback/check",
        good: |_, _| json!({"action": "all", "check_operator": "DEFAULT"}),
        fields: &[
            field!("/action", Missing => 40202, WrongType => 40202, Is(unknown) => 40202),
            optional!("/check_operator", WrongType => 40203, Is(unknown) => 40203),
        ],
        ..OPEN
    },
    // Groups (accounts §8).
    Endpoint {
        path: "/cgi-bin/groups/create",
        good: |_, name| json!({"group": {"name": name}}),
        fields: &[
            field!("/group", Missing => 40035, WrongType => 40035),
            field!("/group/name", Missing => 40051, WrongType => 40051, Is(|| json!("even")) => 40051,
                Long(31) => 45017),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/groups/update",
        good: |world, name| json!({"group": {"id": world.tag, "name": name}}),
        fields: &[
            field!("/group", Missing => 40035, WrongType => 40035),
            field!("/group/id", Missing => 40152, WrongType => 40152, Is(unknown_number) => 40152,
                Is(|| json!(2)) => 45016),
            field!("/group/name", Missing => 40051, WrongType => 40051, Is(|| json!("even")) => 40051,
                Long(31) => 45017),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/groups/getid",
        good: |world, _| json!({"openid": world.own.open_id}),
        fields: &[open_id!("/openid", 41009)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/groups/members/update",
        good: |world, _| json!({"openid": world.own.open_id, "to_groupid": world.tag}),
        fields: &[
            open_id!("/openid", 41009),
            field!("/to_groupid", Missing => 40152, WrongType => 40152, Is(unknown_number) => 40152),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/groups/members/batchupdate",
        good: |world, _| json!({"openid_list": world.own.open_ids, "to_groupid": world.tag}),
        fields: &[
            open_ids!("/openid_list", 51),
            field!("/to_groupid", Missing => 40152, WrongType => 40152, Is(unknown_number) => 40152),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/groups/delete",
        good: |world, _| json!({"group": {"id": world.spare_group}}),
        fields: &[
            field!("/group", Missing => 40035, WrongType => 40035),
            field!("/group/id", Missing => 40152, WrongType => 40152, Is(unknown_number) => 40152,
                Is(|| json!(1)) => 45016),
        ],
        ..OPEN
    },
    // Comments (accounts §10).
    Endpoint {
        path: "/cgi-bin/comment/open",
        good: |world, _| json!({"msg_data_id": world.msg_data_id, "index": 0}),
        fields: &[
            of_article!(),
            optional!("/index", WrongType => 88001, Is(|| json!(9)) => 88001, Is(|| json!(-1)) => 88001),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/comment/list",
        good: |world, _| json!({"msg_data_id": world.msg_data_id, "index": 0, "begin": 0, "count": 10, "type": 0}),
        fields: &[
            of_article!(),
            optional!("/index", WrongType => 88001, Is(|| json!(9)) => 88001),
            optional!("/begin", WrongType => 88010, Is(|| json!(-1)) => 88010),
            field!("/count", Missing => 88010, WrongType => 88010, Is(|| json!(0)) => 88010,
                Is(|| json!(51)) => 88010),
            optional!("/type", WrongType => 47003, Is(|| json!(3)) => 47003),
        ],
        ..OPEN
    },
    about_comment!("/cgi-bin/comment/markelect"),
    about_comment!("/cgi-bin/comment/unmarkelect"),
    Endpoint {
        path: "/cgi-bin/comment/reply/add",
        good: |world, words| json!({"msg_data_id": world.msg_data_id, "index": 0, "user_comment_id": world.comment, "content": words}),
        fields: &[
            of_article!(),
            field!("/user_comment_id", Missing => 88008, WrongType => 88008, Is(unknown_number) => 88008),
            field!("/content", Missing => 88007, WrongType => 88007, Long(100_000) => 88007),
        ],
        ..OPEN
    },
    about_comment!("/cgi-bin/comment/reply/delete"),
    about_comment!("/cgi-bin/comment/delete"),
    Endpoint {
        path: "/cgi-bin/comment/close",
        good: |world, _| json!({"msg_data_id": world.msg_data_id, "index": 0}),
        fields: &[of_article!()],
        ..OPEN
    },
    // Statistics (accounts §11).
    Endpoint {
        path: "/datacube/getarticlesummary",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getarticletotal",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getuserread",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getuserreadhour",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getusershare",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getusersharehour",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getusersummary",
        ..DAYS
    },
    Endpoint {
        path: "/datacube/getusercumulate",
        ..DAYS
    },
];
