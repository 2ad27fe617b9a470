//! The rows of the table: each call × each kind of id that it takes.

/// One call with one kind of id.
pub struct Row {
    pub path: &'static str,
    /// Whether the body's pairs stand in the query of a GET.
    pub in_query: bool,
    /// Of which kind the id is.
    pub kind: &'static str,
    /// `ID` is the id, `OWN kind` something that the caller has.
    pub body: &'static str,
    /// Whether the owner of the id is answered otherwise than for an unknown one.
    pub owner_differs: bool,
    /// Whether the owner's call takes away what other rows need.
    pub uses_up: bool,
}

const fn row(path: &'static str, kind: &'static str, body: &'static str) -> Row {
    Row {
        path,
        in_query: false,
        kind,
        body,
        owner_differs: true,
        uses_up: false,
    }
}

impl Row {
    const fn in_query(mut self) -> Self {
        self.in_query = true;
        self
    }

    const fn uses_up(mut self) -> Self {
        self.uses_up = true;
        self
    }

    /// The owner is answered the same; why stands beside the row.
    const fn same_for_all(mut self) -> Self {
        self.owner_differs = false;
        self
    }
}

const SENDALL: &str = "/cgi-bin/message/mass/sendall";
const SEND: &str = "/cgi-bin/message/mass/send";
const PREVIEW: &str = "/cgi-bin/message/mass/preview";

/// Calls that take no id of anything: there is nothing foreign to name.
pub const NAMES_NOTHING: &[&str] = &[
    "/cgi-bin/token",
    "/cgi-bin/stable_token",
    "/cgi-bin/clear_quota/v2",
    "/cgi-bin/openapi/quota/get",
    "/cgi-bin/openapi/quota/clear",
    "/cgi-bin/getcallbackip",
    "/cgi-bin/get_api_domain_ip",
    "/cgi-bin/callback/check",
    "/cgi-bin/media/upload",
    "/cgi-bin/media/uploadimg",
    "/cgi-bin/material/add_material",
    "/cgi-bin/material/get_materialcount",
    "/cgi-bin/material/batchget_material",
    "/cgi-bin/draft/count",
    "/cgi-bin/draft/batchget",
    "/cgi-bin/draft/switch",
    "/cgi-bin/freepublish/batchget",
    "/card/create",
    "/cgi-bin/tags/create",
    "/cgi-bin/tags/get",
    "/cgi-bin/groups/create",
    "/cgi-bin/groups/get",
    "/cgi-bin/message/mass/speed/get",
    "/cgi-bin/message/mass/speed/set",
    "/datacube/getarticlesummary",
    "/datacube/getarticletotal",
    "/datacube/getuserread",
    "/datacube/getuserreadhour",
    "/datacube/getusershare",
    "/datacube/getusersharehour",
    "/datacube/getusersummary",
    "/datacube/getusercumulate",
];

/// Every other call, with every kind of id that it takes.
pub const ROWS: &[Row] = &[
    row("/cgi-bin/clear_quota", "appid", r#"{"appid":"ID"}"#),
    row("/cgi-bin/openapi/rid/get", "rid", r#"{"rid":"ID"}"#),
    row("/cgi-bin/media/get", "image", r#"{"media_id":"ID"}"#).in_query(),
    row(
        "/cgi-bin/media/uploadnews",
        "thumb",
        r#"{"articles":[{"title":"t","content":"c","thumb_media_id":"ID"}]}"#,
    ),
    row(
        "/cgi-bin/media/uploadvideo",
        "video",
        r#"{"media_id":"ID","title":"t","description":"d"}"#,
    ),
    row(
        "/cgi-bin/material/get_material",
        "material",
        r#"{"media_id":"ID"}"#,
    ),
    row(
        "/cgi-bin/material/get_material",
        "material news",
        r#"{"media_id":"ID"}"#,
    ),
    row(
        "/cgi-bin/material/add_news",
        "cover",
        r#"{"articles":[{"title":"t","content":"c","thumb_media_id":"ID"}]}"#,
    ),
    row(
        "/cgi-bin/material/update_news",
        "material news",
        r#"{"media_id":"ID","index":0,"articles":{"title":"t","content":"c","thumb_media_id":"OWN cover"}}"#,
    ),
    row(
        "/cgi-bin/material/update_news",
        "cover",
        r#"{"media_id":"OWN material news","index":0,"articles":{"title":"t","content":"c","thumb_media_id":"ID"}}"#,
    ),
    row(
        "/cgi-bin/draft/add",
        "cover",
        r#"{"articles":[{"title":"t","content":"c","thumb_media_id":"ID"}]}"#,
    ),
    row(
        "/cgi-bin/draft/add",
        "material",
        r#"{"articles":[{"article_type":"newspic","title":"t","content":"c","image_info":{"image_list":[{"image_media_id":"ID"}]}}]}"#,
    ),
    row("/cgi-bin/draft/get", "draft", r#"{"media_id":"ID"}"#),
    row(
        "/cgi-bin/draft/update",
        "draft",
        r#"{"media_id":"ID","index":0,"articles":{"title":"t","content":"c","thumb_media_id":"OWN cover"}}"#,
    ),
    row(
        "/cgi-bin/draft/update",
        "cover",
        r#"{"media_id":"OWN draft","index":0,"articles":{"title":"t","content":"c","thumb_media_id":"ID"}}"#,
    ),
    row("/cgi-bin/freepublish/get", "publish_id", r#"{"publish_id":"ID"}"#),
    row(
        "/cgi-bin/freepublish/getarticle",
        "article_id",
        r#"{"article_id":"ID"}"#,
    ),
    row("/cgi-bin/tags/getidlist", "openid", r#"{"openid":"ID"}"#),
    row(
        "/cgi-bin/tags/members/batchtagging",
        "tag",
        r#"{"openid_list":["OWN openid"],"tagid":"ID"}"#,
    ),
    row(
        "/cgi-bin/tags/members/batchtagging",
        "openid",
        r#"{"openid_list":["ID"],"tagid":"OWN tag"}"#,
    ),
    row(
        "/cgi-bin/tags/members/batchuntagging",
        "openid",
        r#"{"openid_list":["ID"],"tagid":"OWN tag"}"#,
    ),
    row(
        "/cgi-bin/tags/members/batchuntagging",
        "tag",
        r#"{"openid_list":["OWN openid"],"tagid":"ID"}"#,
    ),
    row(
        "/cgi-bin/tags/members/getblacklist",
        "openid",
        r#"{"begin_openid":"ID"}"#,
    ),
    row(
        "/cgi-bin/tags/members/batchblacklist",
        "openid",
        r#"{"openid_list":["ID"]}"#,
    ),
    row(
        "/cgi-bin/tags/members/batchunblacklist",
        "openid",
        r#"{"openid_list":["ID"]}"#,
    ),
    row("/cgi-bin/groups/getid", "openid", r#"{"openid":"ID"}"#),
    row(
        "/cgi-bin/groups/members/update",
        "openid",
        r#"{"openid":"ID","to_groupid":0}"#,
    ),
    row(
        "/cgi-bin/groups/members/update",
        "tag",
        r#"{"openid":"OWN openid","to_groupid":"ID"}"#,
    ),
    row(
        "/cgi-bin/groups/members/batchupdate",
        "openid",
        r#"{"openid_list":["ID"],"to_groupid":0}"#,
    ),
    row(
        "/cgi-bin/groups/members/batchupdate",
        "tag",
        r#"{"openid_list":["OWN openid"],"to_groupid":"ID"}"#,
    ),
    row(
        "/cgi-bin/groups/update",
        "tag",
        r#"{"group":{"id":"ID","name":"改名"}}"#,
    ),
    row(
        "/cgi-bin/tags/update",
        "tag",
        r#"{"tag":{"id":"ID","name":"再改名"}}"#,
    ),
    row(
        "/cgi-bin/user/tag/get",
        "tag",
        r#"{"tagid":"ID","next_openid":""}"#,
    ),
    row(
        "/cgi-bin/user/tag/get",
        "openid",
        r#"{"tagid":"OWN tag","next_openid":"ID"}"#,
    ),
    row("/cgi-bin/user/get", "openid", r#"{"next_openid":"ID"}"#).in_query(),
    row("/cgi-bin/user/info", "openid", r#"{"openid":"ID"}"#).in_query(),
    row(
        "/cgi-bin/user/info/batchget",
        "openid",
        r#"{"user_list":[{"openid":"ID"}]}"#,
    ),
    row(
        "/cgi-bin/user/info/updateremark",
        "openid",
        r#"{"openid":"ID","remark":"x"}"#,
    ),
    row(
        SENDALL,
        "tag",
        r#"{"filter":{"is_to_all":false,"tag_id":"ID"},"msgtype":"text","text":{"content":"1"}}"#,
    ),
    row(
        SENDALL,
        "news",
        r#"{"filter":{"is_to_all":true},"msgtype":"mpnews","mpnews":{"media_id":"ID"},"send_ignore_reprint":1}"#,
    ),
    row(
        SENDALL,
        "draft",
        r#"{"filter":{"is_to_all":true},"msgtype":"mpnews","mpnews":{"media_id":"ID"},"send_ignore_reprint":1}"#,
    ),
    row(
        SENDALL,
        "msg_data_id",
        r#"{"filter":{"is_to_all":true},"msgtype":"mpnews","mpnews":{"msg_data_id":"ID"}}"#,
    )
    .same_for_all(),
    row(
        SENDALL,
        "image",
        r#"{"filter":{"is_to_all":true},"msgtype":"image","image":{"media_id":"ID"}}"#,
    ),
    row(
        SENDALL,
        "material",
        r#"{"filter":{"is_to_all":true},"msgtype":"image","images":{"media_ids":["ID"]}}"#,
    ),
    row(
        SENDALL,
        "video",
        r#"{"filter":{"is_to_all":true},"msgtype":"mpvideo","mpvideo":{"media_id":"ID"}}"#,
    ),
    row(
        SENDALL,
        "card",
        r#"{"filter":{"is_to_all":true},"msgtype":"wxcard","wxcard":{"card_id":"ID"}}"#,
    ),
    row(
        SEND,
        "openid",
        r#"{"touser":["ID","ID"],"msgtype":"text","text":{"content":"2"}}"#,
    ),
    row(
        SEND,
        "news",
        r#"{"touser":["OWN openid","OWN another openid"],"msgtype":"mpnews","mpnews":{"media_id":"ID"}}"#,
    ),
    row(
        SEND,
        "image",
        r#"{"touser":["OWN openid","OWN another openid"],"msgtype":"image","image":{"media_id":"ID"}}"#,
    ),
    row(
        SEND,
        "card",
        r#"{"touser":["OWN openid","OWN another openid"],"msgtype":"wxcard","wxcard":{"card_id":"ID"}}"#,
    ),
    row(
        PREVIEW,
        "openid",
        r#"{"touser":"ID","msgtype":"text","text":{"content":"3"}}"#,
    ),
    row(
        PREVIEW,
        "name",
        r#"{"towxname":"ID","msgtype":"text","text":{"content":"4"}}"#,
    ),
    row(
        PREVIEW,
        "news",
        r#"{"touser":"OWN openid","msgtype":"mpnews","mpnews":{"media_id":"ID"}}"#,
    ),
    row(
        PREVIEW,
        "image",
        r#"{"touser":"OWN openid","msgtype":"image","image":{"media_id":"ID"}}"#,
    ),
    row(
        PREVIEW,
        "card",
        r#"{"touser":"OWN openid","msgtype":"wxcard","wxcard":{"card_id":"ID"}}"#,
    ),
    row("/cgi-bin/message/mass/get", "msg_id", r#"{"msg_id":"ID"}"#),
    row(
        "/cgi-bin/comment/list",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"begin":0,"count":50,"type":0}"#,
    ),
    row(
        "/cgi-bin/comment/close",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0}"#,
    ),
    row(
        "/cgi-bin/comment/open",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0}"#,
    ),
    row(
        "/cgi-bin/comment/markelect",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"user_comment_id":1}"#,
    ),
    row(
        "/cgi-bin/comment/markelect",
        "comment",
        r#"{"msg_data_id":"OWN msg_data_id","index":0,"user_comment_id":"ID"}"#,
    ),
    row(
        "/cgi-bin/comment/unmarkelect",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"user_comment_id":1}"#,
    ),
    row(
        "/cgi-bin/comment/unmarkelect",
        "comment",
        r#"{"msg_data_id":"OWN msg_data_id","index":0,"user_comment_id":"ID"}"#,
    ),
    row(
        "/cgi-bin/comment/reply/add",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"user_comment_id":1,"content":"谢"}"#,
    ),
    row(
        "/cgi-bin/comment/reply/add",
        "comment",
        r#"{"msg_data_id":"OWN msg_data_id","index":0,"user_comment_id":"ID","content":"谢"}"#,
    ),
    row(
        "/cgi-bin/comment/reply/delete",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"user_comment_id":1}"#,
    ),
    row(
        "/cgi-bin/comment/reply/delete",
        "comment",
        r#"{"msg_data_id":"OWN msg_data_id","index":0,"user_comment_id":"ID"}"#,
    ),
    row(
        "/cgi-bin/comment/delete",
        "msg_data_id",
        r#"{"msg_data_id":"ID","index":0,"user_comment_id":1}"#,
    ),
    row(
        "/cgi-bin/comment/delete",
        "comment",
        r#"{"msg_data_id":"OWN msg_data_id","index":0,"user_comment_id":"ID"}"#,
    ),
    row("/cgi-bin/message/mass/delete", "msg_id", r#"{"msg_id":"ID"}"#).uses_up(),
    row("/cgi-bin/message/mass/delete", "url", r#"{"url":"ID"}"#).uses_up(),
    row(
        "/cgi-bin/freepublish/delete",
        "article_id",
        r#"{"article_id":"ID","index":1}"#,
    )
    .uses_up(),
    row("/cgi-bin/freepublish/submit", "draft", r#"{"media_id":"ID"}"#).uses_up(),
    row("/cgi-bin/draft/delete", "draft", r#"{"media_id":"ID"}"#).uses_up(),
    row(
        "/cgi-bin/material/del_material",
        "material",
        r#"{"media_id":"ID"}"#,
    )
    .uses_up(),
    row(
        "/cgi-bin/material/del_material",
        "material news",
        r#"{"media_id":"ID"}"#,
    )
    .uses_up(),
    row("/cgi-bin/tags/delete", "tag", r#"{"tag":{"id":"ID"}}"#).uses_up(),
    row("/cgi-bin/groups/delete", "tag", r#"{"group":{"id":"ID"}}"#).uses_up(),
];
