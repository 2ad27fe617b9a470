//! Permanent materials, drafts, publications, cards (accounts §4 to §6).

use super::*;
use crate::defects::world::World;

/// A cover that lasts: a temporary one is not enough.
macro_rules! cover {
    ($at:literal) => {
        field!($at, Missing => 40007, WrongType => 40007, Is(unknown) => 40007,
            Foreign(|things| &things.kept_thumb) => 40007, OtherKind(|things| &things.thumb) => 40007)
    };
}

const NEWS: &[Field] = &[
    field!("/articles", Missing => 44003, WrongType => 40035, Is(empty) => 44003, Many(9) => 45008),
    cover!("/articles/0/thumb_media_id"),
    field!("/articles/0/title", Missing => 40227, WrongType => 40035, Long(65) => 45003),
    field!("/articles/0/content", Missing => 44004, WrongType => 40035, Long(20_000) => 45002),
    optional!("/articles/0/content_source_url", WrongType => 40035, Is(|| json!("javascript:x")) => 41039),
    optional!("/articles/0/digest", WrongType => 40035),
];

const PAGE: &[Field] = &[
    optional!("/offset", WrongType => 45076, Is(|| json!(-1)) => 45076, Is(|| json!("0")) => 0),
    field!("/count", Missing => 45076, WrongType => 45076, Is(|| json!(0)) => 45076, Is(|| json!(21)) => 45076,
        Is(|| json!(20)) => 0),
];

/// The fields of one article in place of another.
macro_rules! replacement {
    ($kind:ident) => {
        &[
            kept_id!("/media_id", $kind, news),
            optional!("/index", WrongType => 40114, Is(|| json!(8)) => 40114, Is(|| json!(-1)) => 40114),
            field!("/articles", Missing => 44003, WrongType => 40035),
            cover!("/articles/thumb_media_id"),
            field!("/articles/title", Missing => 40227, WrongType => 40035),
            field!("/articles/content", Missing => 44004, WrongType => 40035),
        ]
    };
}

fn article(world: &World) -> Value {
    json!({"title": "标题", "content": "<p>正文</p>", "thumb_media_id": world.own.kept_thumb, "digest": "摘要",
        "content_source_url": "https://e.org/"})
}

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/cgi-bin/material/get_material",
        good: |world, _| json!({"media_id": world.own.kept_news}),
        fields: &[kept_id!("/media_id", kept_news, image)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/material/batchget_material",
        good: |_, _| json!({"type": "image", "offset": 0, "count": 20}),
        fields: PAGE,
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/material/batchget_material",
        good: |_, _| json!({"type": "news", "offset": 0, "count": 1}),
        fields: &[field!("/type", Missing => 40004, WrongType => 40004, Is(unknown) => 40004)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/material/add_news",
        good: |world, _| json!({"articles": [article(world)]}),
        fields: NEWS,
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/material/update_news",
        good: |world, _| json!({"media_id": world.own.kept_news, "index": 0, "articles": article(world)}),
        fields: replacement!(kept_news),
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/material/del_material",
        good: |world, _| json!({"media_id": world.own.kept_image}),
        fields: &[kept_id!("/media_id", kept_image, image)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/add",
        good: |world, _| json!({"articles": [article(world)]}),
        fields: NEWS,
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/update",
        good: |world, _| json!({"media_id": world.own.draft, "index": 0, "articles": article(world)}),
        fields: replacement!(draft),
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/get",
        good: |world, _| json!({"media_id": world.own.draft}),
        fields: &[kept_id!("/media_id", draft, kept_news)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/batchget",
        good: |_, _| json!({"offset": 0, "count": 20, "no_content": 1}),
        fields: PAGE,
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/switch",
        body: Nothing,
        good: |_, _| json!({}),
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/freepublish/get",
        good: |world, _| json!({"publish_id": world.own.publish_id}),
        fields: &[
            field!("/publish_id", Missing => 40035, WrongType => 47003, Is(unknown) => 47003,
            Is(unknown_number) => 47003),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/freepublish/getarticle",
        good: |world, _| json!({"article_id": world.own.article_id}),
        fields: &[
            field!("/article_id", Missing => 40035, WrongType => 53600, Is(unknown) => 53600,
            Foreign(|things| &things.article_id) => 53600),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/freepublish/batchget",
        good: |_, _| json!({"offset": 0, "count": 20, "no_content": 1}),
        fields: PAGE,
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/freepublish/delete",
        good: |world, _| json!({"article_id": world.own.article_id}),
        fields: &[
            field!("/article_id", Missing => 40035, WrongType => 53600, Is(unknown) => 53600,
            Foreign(|things| &things.article_id) => 53600),
        ],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/freepublish/submit",
        good: |world, _| json!({"media_id": world.own.draft}),
        fields: &[kept_id!("/media_id", draft, kept_news)],
        ..OPEN
    },
    Endpoint {
        path: "/cgi-bin/draft/delete",
        good: |world, _| json!({"media_id": world.own.spare_draft}),
        fields: &[kept_id!("/media_id", spare_draft, kept_news)],
        ..OPEN
    },
];
