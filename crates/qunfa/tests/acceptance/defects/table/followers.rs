//! Tags and followers (accounts §7 and §9).

use super::*;
pub const ENDPOINTS: &[Endpoint] = &[
    // Tags (accounts §7).
    Endpoint {
        path: "/cgi-bin/tags/create",
        good: |_, name| json!({"tag": {"name": name}}),
        fields: &[
            field!("/tag", Missing => 40035, WrongType => 40035),
            field!("/tag/name", Missing => 45157, WrongType => 45157, Long(31) => 45158,
                Is(|| json!("even")) => 45157),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/update",
        good: |world, name| json!({"tag": {"id": world.tag, "name": name}}),
        fields: &[
            field!("/tag", Missing => 40035, WrongType => 40035),
            field!("/tag/id", Missing => 45159, WrongType => 45159, Is(unknown) => 45159,
                Is(unknown_number) => 45159, Is(|| json!(2)) => 45058),
            field!("/tag/name", Missing => 45157, WrongType => 45157, Long(31) => 45158,
                Is(|| json!("even")) => 45157),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/delete",
        good: |world, _| json!({"tag": {"id": world.spare_tag}}),
        fields: &[
            field!("/tag", Missing => 40035, WrongType => 40035),
            field!("/tag/id", Missing => 45159, WrongType => 45159, Is(unknown_number) => 45159,
                Is(|| json!(0)) => 45058),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/getidlist",
        good: |world, _| json!({"openid": world.own.open_id}),
        fields: &[open_id!("/openid", 41009)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/members/batchtagging",
        good: |world, _| json!({"openid_list": world.own.open_ids, "tagid": world.tag}),
        fields: &[
            open_ids!("/openid_list", 51),
            field!("/tagid", Missing => 45159, WrongType => 45159, Is(unknown_number) => 45159),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/members/batchuntagging",
        good: |world, _| json!({"openid_list": world.own.open_ids, "tagid": world.tag}),
        fields: &[
            open_ids!("/openid_list", 51),
            field!("/tagid", Missing => 45159, WrongType => 45159, Is(unknown_number) => 45159),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/user/tag/get",
        good: |world, _| json!({"tagid": world.tag, "next_openid": ""}),
        fields: &[
            field!("/tagid", Missing => 45159, WrongType => 45159, Is(unknown_number) => 45159),
            optional!("/next_openid", WrongType => 40003, Is(unknown) => 40003,
                Foreign(|things| &things.open_id) => 40003),
        ],
        ..OPEN
    },
    // Followers (accounts §9).
    Endpoint {
        path: "/cgi-bin/user/info/batchget",
        good: |world, _| json!({"user_list": [{"openid": world.own.open_id, "lang": "zh_CN"}]}),
        fields: &[
            field!("/user_list", Missing => 40032, WrongType => 40031, Is(empty) => 40032, Many(101) => 40032),
            field!("/user_list/0/openid", Missing => 40003, WrongType => 40003, Is(unknown) => 40003,
                Foreign(|things| &things.open_id) => 40003),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/user/info/updateremark",
        good: |world, _| json!({"openid": world.own.open_id, "remark": "备注"}),
        fields: &[
            field!("/openid", Missing => 40003, WrongType => 40003, Is(unknown) => 40003,
                Foreign(|things| &things.open_id) => 40003),
            optional!("/remark", WrongType => 40092, Long(30) => 40092, Long(29) => 0),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/members/getblacklist",
        good: |_, _| json!({"begin_openid": ""}),
        fields: &[
            optional!("/begin_openid", WrongType => 40003, Is(unknown) => 40003,
            Foreign(|things| &things.open_id) => 40003),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/members/batchblacklist",
        good: |world, _| json!({"openid_list": world.own.open_ids}),
        fields: &[open_ids!("/openid_list", 21)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/tags/members/batchunblacklist",
        good: |world, _| json!({"openid_list": world.own.open_ids}),
        fields: &[open_ids!("/openid_list", 21)],
        ..OPEN
    },
];
