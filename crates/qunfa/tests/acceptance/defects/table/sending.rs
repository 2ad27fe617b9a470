//! Credentials, materials for sending, mass sends (accounts §1, mass-send §6 to §13).

use super::*;
use crate::common::SERVICE;

pub const ENDPOINTS: &[Endpoint] = &[
    // First, because a refused call is forgotten when a hundred others were refused after it (accounts §1.4).
    Endpoint {
        path: "/cgi-bin/openapi/rid/get",
        good: |world, _| json!({"rid": world.own.rid}),
        fields: &[
            field!("/rid", Missing => 76002, WrongType => 76002, Is(unknown) => 76002,
            Foreign(|things| &things.rid) => 76001),
        ],
        ..OPEN
    },
    // Credentials (accounts §1.2).
    Endpoint {
        path: "/cgi-bin/stable_token",
        token: false,
        good: |world, _| {
            json!({"grant_type": "client_credential", "appid": SERVICE, "secret": world.secret,
                "force_refresh": false})
        },
        fields: &[
            field!("/appid", Missing => 41002, WrongType => 40013, Is(unknown) => 40013),
            field!("/grant_type", Missing => 40002, WrongType => 40002, Is(unknown) => 40002),
            field!("/secret", Missing => 41004, WrongType => 40125, Is(unknown) => 40125),
            optional!("/force_refresh", WrongType => 40035, Is(unknown) => 40035),
        ],
        ..OPEN
    },
    // Materials for sending (mass-send §6 and §7).
    Endpoint {
        path: "/cgi-bin/media/uploadnews",
        good: |world, _| {
            json!({"articles": [{"title": "标题", "content": "<p>正文</p>", "thumb_media_id": world.own.thumb,
                "author": "李", "content_source_url": "https://e.org/", "digest": "摘要", "show_cover_pic": 1,
                "need_open_comment": 0, "only_fans_can_comment": 0}]})
        },
        fields: &[
            field!("/articles", Missing => 44003, WrongType => 40035, Is(empty) => 44003, Many(9) => 45008),
            field!("/articles/0", WrongType => 40035),
            medium_id!("/articles/0/thumb_media_id", thumb, voice),
            field!("/articles/0/title", Missing => 40227, WrongType => 40035, Long(65) => 45003, Long(64) => 0),
            field!("/articles/0/content", Missing => 44004, WrongType => 40035, Long(20_000) => 45002,
                Long(19_999) => 0),
            optional!("/articles/0/author", WrongType => 40035, Long(65) => 40192, Long(64) => 0),
            optional!("/articles/0/content_source_url", WrongType => 40035, Long(1025) => 45005,
                Is(|| json!("javascript:alert(1)")) => 41039, Is(|| json!("file:///etc/passwd")) => 41039),
            optional!("/articles/0/digest", WrongType => 40035, Long(121) => 45004, Long(120) => 0),
            optional!("/articles/0/show_cover_pic", WrongType => 40035, Is(|| json!("1")) => 0),
            optional!("/articles/0/need_open_comment", WrongType => 40035, Is(|| json!("1")) => 0),
            optional!("/articles/0/only_fans_can_comment", WrongType => 40035, Is(|| json!("1")) => 0),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/media/uploadvideo",
        good: |world, _| json!({"media_id": world.own.raw_video, "title": "片", "description": "说明"}),
        fields: &[
            medium_id!("/media_id", raw_video, image),
            field!("/title", Missing => 40227, WrongType => 40035, Long(129) => 45003, Long(128) => 0),
            optional!("/description", WrongType => 40035, Long(513) => 45004, Long(512) => 0),
        ],
        ..MASS
    },
    // To all or to a tag (mass-send §8).
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |_, words| {
            to_tag(with(
                text(words),
                json!({"clientmsgid": words, "send_ignore_reprint": 0}),
            ))
        },
        fields: &[
            field!("/filter", Missing => 40035, WrongType => 40035),
            optional!("/filter/is_to_all", WrongType => 40035, Is(unknown) => 40035),
            field!("/filter/tag_id", Missing => 40152, WrongType => 40152, Is(unknown) => 40152,
                Is(unknown_number) => 40152, Is(|| json!(-1)) => 40152, Is(|| json!("100")) => 0),
            field!("/msgtype", Missing => 40008, WrongType => 40008, Is(unknown) => 40008,
                Is(|| json!("image")) => 40008),
            field!("/text", Missing => 40008, WrongType => 40008),
            field!("/text/content", Missing => 44004, WrongType => 40035, Long(2049) => 45002, Long(2048) => 0),
            optional!("/clientmsgid", WrongType => 40035, Long(65) => 45067),
            optional!("/send_ignore_reprint"),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "mpnews", "mpnews": {"media_id": world.own.news}, "clientmsgid": key}))
        },
        fields: &[
            field!("/mpnews", Missing => 40008, WrongType => 40008),
            medium_id!("/mpnews/media_id", news, image),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "image", "image": {"media_id": world.own.image}, "clientmsgid": key}))
        },
        fields: &[
            field!("/image", Missing => 40008, WrongType => 40008),
            medium_id!("/image/media_id", image, voice),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "image", "images": {"media_ids": world.own.images}, "clientmsgid": key}))
        },
        fields: &[
            field!("/images", Missing => 40008, WrongType => 40008),
            field!("/images/media_ids", Missing => 40215, WrongType => 40215, Is(empty) => 40215,
                Many(21) => 40215, Is(strangers) => 40007, Foreign(|things| &things.images) => 40007,
                Expired(|things| &things.images) => 40007),
            optional!("/images/recommend", WrongType => 40194, Long(301) => 40193, Long(300) => 0),
            optional!("/images/title", WrongType => 40035, Long(65) => 45003, Long(64) => 0),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "voice", "voice": {"media_id": world.own.voice}, "clientmsgid": key}))
        },
        fields: &[
            field!("/voice", Missing => 40008, WrongType => 40008),
            medium_id!("/voice/media_id", voice, image),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "mpvideo", "clientmsgid": key,
                "mpvideo": {"media_id": world.own.video, "title": "片", "description": "说明"}}))
        },
        fields: &[
            field!("/mpvideo", Missing => 40008, WrongType => 40008),
            medium_id!("/mpvideo/media_id", video, image),
            optional!("/mpvideo/title", WrongType => 40035, Long(129) => 45003, Long(128) => 0),
            optional!("/mpvideo/description", WrongType => 40035, Long(513) => 45004, Long(512) => 0),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/sendall",
        good: |world, key| {
            to_tag(json!({"msgtype": "wxcard", "wxcard": {"card_id": world.own.card}, "clientmsgid": key}))
        },
        fields: &[
            field!("/wxcard", Missing => 40008, WrongType => 40008),
            field!("/wxcard/card_id", Missing => 40073, WrongType => 40073, Is(unknown) => 40073,
                Foreign(|things| &things.card) => 40073),
        ],
        ..MASS
    },
    Endpoint {
        path: "/card/create",
        good: |_, title| json!({"card": {"card_type": "GROUPON", "groupon": {"base_info": {"title": title}}}}),
        fields: &[
            field!("/card", Missing => 40097, WrongType => 40097),
            field!("/card/card_type", Missing => 40097, WrongType => 40097),
            field!("/card/groupon/base_info/title", Missing => 40097, WrongType => 40097, Long(1_000) => 40097),
        ],
        ..MASS
    },
    // To a list (mass-send §9).
    Endpoint {
        path: "/cgi-bin/message/mass/send",
        good: |world, words| {
            with(
                text(words),
                json!({"touser": world.own.open_ids, "clientmsgid": words}),
            )
        },
        fields: &[
            field!("/touser", Missing => 40130, WrongType => 40031, Is(empty) => 40130, Many(1) => 40130,
                Is(no_texts) => 40031, Many(10_001) => 40032, Is(strangers) => 40003,
                Foreign(|things| &things.open_ids) => 40003),
            field!("/msgtype", Missing => 40008, WrongType => 40008, Is(unknown) => 40008),
            field!("/text", Missing => 40008, WrongType => 40008),
            field!("/text/content", Missing => 44004, WrongType => 40035, Long(2049) => 45002),
            optional!("/clientmsgid", WrongType => 40035, Long(65) => 45067),
        ],
        ..MASS
    },
    // Previews (mass-send §10).
    Endpoint {
        path: "/cgi-bin/message/mass/preview",
        good: |world, words| with(text(words), json!({"touser": world.own.open_id})),
        fields: &[
            field!("/touser", Missing => 40003, WrongType => 40003, Is(unknown) => 40003,
                Foreign(|things| &things.open_id) => 40003),
            optional!("/towxname", WrongType => 40132, Is(unknown) => 40132),
            field!("/msgtype", Missing => 40008, WrongType => 40008, Is(unknown) => 40008),
            field!("/text", Missing => 40008, WrongType => 40008),
            field!("/text/content", Missing => 44004, WrongType => 40035, Long(2049) => 45002),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/preview",
        good: |world, _| json!({"towxname": "user-000000001", "msgtype": "mpnews", "mpnews": {"media_id": world.own.news}}),
        fields: &[
            field!("/towxname", Missing => 40003, Is(unknown) => 40132),
            medium_id!("/mpnews/media_id", news, video),
        ],
        ..MASS
    },
    // Asking after, deleting, speed (mass-send §11 to §13).
    Endpoint {
        path: "/cgi-bin/message/mass/get",
        good: |world, _| json!({"msg_id": world.msg_id}),
        fields: &[
            field!("/msg_id", Missing => 40059, WrongType => 40059, Is(unknown) => 40059,
            Is(unknown_number) => 40059, Is(|| json!(-1)) => 40059, Is(|| json!(1.5)) => 40059),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/delete",
        good: |world, _| json!({"msg_id": world.msg_id, "article_idx": 1}),
        fields: &[
            field!("/msg_id", Missing => 40059, WrongType => 40059, Is(unknown) => 40059,
                Is(unknown_number) => 40059),
            field!("/article_idx", WrongType => 40060, Is(|| json!(3)) => 40060, Is(|| json!(-1)) => 40060,
                Is(|| json!(256)) => 40060),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/delete",
        good: |world, _| json!({"url": world.own.url}),
        fields: &[
            field!("/url", Missing => 40059, WrongType => 40059, Is(unknown) => 40059,
            Is(|| json!("https://e.org/s/unknown")) => 40059, Foreign(|things| &things.url) => 40059),
        ],
        ..MASS
    },
    Endpoint {
        path: "/cgi-bin/message/mass/speed/set",
        good: |_, _| json!({"speed": 0}),
        fields: &[
            field!("/speed", Missing => 45084, WrongType => 45083, Is(unknown) => 45083,
            Is(|| json!(5)) => 45083, Is(|| json!(-1)) => 45083, Is(|| json!("0")) => 0),
        ],
        ..MASS
    },
];
