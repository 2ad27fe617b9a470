//! Every call of the compatible API as data: how it is made, how it is limited by day, and in what it differs from
//! the platform's. A test compares the table with the router; `qunfa compat` prints it.

use domain::{
    account::{Account, AccountKind},
    call::CountedCall,
};

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By GET and, by some clients, by POST.
    Read,
    /// By POST.
    Write,
}

/// How a call is limited by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Q2, or Q1.
    Sends,
    /// Counted on its own.
    Counted(CountedCall),
    /// The number of spec accounts §13 (§1 for tokens); not counted.
    Documented(i64),
    /// No document has a number.
    None,
}

/// Which accounts may make a call (spec mass-send §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// All.
    Nothing,
    /// Verified ones.
    Verified,
    /// Verified service accounts.
    VerifiedService,
}

impl Needs {
    /// Whether this account may.
    pub fn met_by(self, account: &Account) -> bool {
        match self {
            Needs::Nothing => true,
            Needs::Verified => account.verified,
            Needs::VerifiedService => account.verified && account.kind == AccountKind::Service,
        }
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Where.
    pub path: &'static str,
    /// How it is made.
    pub kind: Kind,
    /// How it is limited by day.
    pub limit: Limit,
    /// Who may make it.
    pub needs: Needs,
    /// What there is to know beside the platform's own page; may be empty.
    pub note: &'static str,
}

const fn endpoint(path: &'static str, kind: Kind, limit: Limit, note: &'static str) -> Endpoint {
    Endpoint {
        path,
        kind,
        limit,
        needs: Needs::Nothing,
        note,
    }
}

impl Endpoint {
    const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }
}

use Kind::{Read, Write};

/// Every call that is served.
pub const ENDPOINTS: &[Endpoint] = &[
    endpoint(
        "/cgi-bin/token",
        Read,
        Limit::Documented(2_000),
        "IP lists and confirmations of callers (40164, 8950x) are not there",
    ),
    endpoint("/cgi-bin/stable_token", Write, Limit::Documented(500_000), ""),
    endpoint(
        "/cgi-bin/clear_quota",
        Write,
        Limit::None,
        "10 a month together with v2; clears Q2, Q7, Q8 and never Q1, Q3, Q4, Q5",
    ),
    endpoint(
        "/cgi-bin/clear_quota/v2",
        Write,
        Limit::None,
        "appid and secret in the body or the query",
    ),
    endpoint(
        "/cgi-bin/openapi/quota/get",
        Write,
        Limit::None,
        "counted numbers for sendall, send, preview, uploadnews and delete; else the documented limit with 0 used",
    ),
    endpoint(
        "/cgi-bin/openapi/quota/clear",
        Write,
        Limit::None,
        "50 a month for all calls together",
    ),
    endpoint(
        "/cgi-bin/openapi/rid/get",
        Write,
        Limit::None,
        "refused calls of this process, the last 100 of an account, 7 days; a foreign rid is unknown (76001, not 76003)",
    ),
    endpoint(
        "/cgi-bin/getcallbackip",
        Read,
        Limit::None,
        "setting `server.addresses`; without it the public or the listen address",
    ),
    endpoint(
        "/cgi-bin/get_api_domain_ip",
        Read,
        Limit::None,
        "as getcallbackip",
    ),
    endpoint(
        "/cgi-bin/callback/check",
        Write,
        Limit::None,
        "resolves and connects for real, within the address rules; the operator is always DEFAULT",
    ),
    endpoint(
        "/cgi-bin/media/upload",
        Write,
        Limit::Documented(100_000),
        "thumb answers `media_id` and `thumb_media_id`; today's larger limits",
    ),
    endpoint(
        "/cgi-bin/media/get",
        Read,
        Limit::Documented(200_000),
        "also by POST, as one SDK asks",
    ),
    endpoint(
        "/cgi-bin/media/uploadimg",
        Write,
        Limit::None,
        "below 1 MiB, JPEG or PNG by content",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/media/uploadnews",
        Write,
        Limit::Counted(CountedCall::NewsUpload),
        "three days; an absent digest is the first 64 characters",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/media/uploadvideo",
        Write,
        Limit::None,
        "JSON or multipart; lives as long as its source",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/material/add_material",
        Write,
        Limit::None,
        "image, thumb, video, voice (AMR, MP3, WAV; WMA is refused: its play time can only be believed). A video's description as form field, query, or absent; 45074 when full",
    ),
    endpoint(
        "/cgi-bin/material/get_material",
        Write,
        Limit::None,
        "temporary ids 40007",
    ),
    endpoint(
        "/cgi-bin/material/del_material",
        Write,
        Limit::None,
        "what was sent keeps its copy; temporary ids 40007",
    ),
    endpoint(
        "/cgi-bin/material/get_materialcount",
        Read,
        Limit::None,
        "covers count as images; uploadimg never counts",
    ),
    endpoint(
        "/cgi-bin/material/batchget_material",
        Write,
        Limit::None,
        "newest first; count 1 to 20, else 45076",
    ),
    endpoint(
        "/cgi-bin/material/add_news",
        Write,
        Limit::None,
        "kept alive (the platform answers 45103 since 2022); the cover must be permanent",
    ),
    endpoint(
        "/cgi-bin/material/update_news",
        Write,
        Limit::None,
        "index from 0, 40114; what was sent keeps its version and link",
    ),
    endpoint(
        "/cgi-bin/draft/add",
        Write,
        Limit::Documented(1_000),
        "news and newspic; `pic_crop_*`, `cover_info`, `product_info` are read over; an absent digest is the first 54 characters",
    ),
    endpoint(
        "/cgi-bin/draft/get",
        Write,
        Limit::Documented(500),
        "also `article_type`, `create_time`, `update_time`",
    ),
    endpoint(
        "/cgi-bin/draft/update",
        Write,
        Limit::Documented(1_000),
        "index from 0; `articles` may be a list of one",
    ),
    endpoint(
        "/cgi-bin/draft/delete",
        Write,
        Limit::Documented(1_000),
        "final; again is 40007",
    ),
    endpoint("/cgi-bin/draft/count", Read, Limit::Documented(1_000), ""),
    endpoint(
        "/cgi-bin/draft/batchget",
        Write,
        Limit::Documented(1_000),
        "newest first",
    ),
    endpoint("/cgi-bin/draft/switch", Write, Limit::None, "always open"),
    endpoint(
        "/cgi-bin/freepublish/submit",
        Write,
        Limit::Documented(100),
        "public at once: no inbox, no history; the draft is gone; `publish_id` is a number, as the SDKs that read it need",
    ),
    endpoint(
        "/cgi-bin/freepublish/get",
        Write,
        Limit::Documented(100),
        "status 0, or 5 once all was deleted",
    ),
    endpoint(
        "/cgi-bin/freepublish/delete",
        Write,
        Limit::Documented(10),
        "index from 1, 0 or absent is all; again is fine",
    ),
    endpoint(
        "/cgi-bin/freepublish/getarticle",
        Write,
        Limit::Documented(100),
        "with `is_deleted`",
    ),
    endpoint(
        "/cgi-bin/freepublish/batchget",
        Write,
        Limit::Documented(100),
        "what still has an article",
    ),
    endpoint(
        "/card/create",
        Write,
        Limit::None,
        "in its simplest form: the title of the card's kind; the rest is read over",
    ),
    endpoint("/cgi-bin/tags/create", Write, Limit::None, ""),
    endpoint("/cgi-bin/tags/get", Read, Limit::None, ""),
    endpoint("/cgi-bin/tags/update", Write, Limit::None, ""),
    endpoint("/cgi-bin/tags/delete", Write, Limit::None, ""),
    endpoint("/cgi-bin/tags/getidlist", Write, Limit::None, ""),
    endpoint(
        "/cgi-bin/tags/members/batchtagging",
        Write,
        Limit::None,
        "50 at a time",
    ),
    endpoint("/cgi-bin/tags/members/batchuntagging", Write, Limit::None, ""),
    endpoint(
        "/cgi-bin/tags/members/getblacklist",
        Write,
        Limit::None,
        "1,000 a page",
    ),
    endpoint(
        "/cgi-bin/tags/members/batchblacklist",
        Write,
        Limit::None,
        "20 at a time",
    ),
    endpoint("/cgi-bin/tags/members/batchunblacklist", Write, Limit::None, ""),
    endpoint(
        "/cgi-bin/groups/create",
        Write,
        Limit::Documented(1_000),
        "groups are tags under their old name: one id space",
    ),
    endpoint("/cgi-bin/groups/get", Read, Limit::Documented(1_000), ""),
    endpoint("/cgi-bin/groups/getid", Write, Limit::None, "the first tag, or 0"),
    endpoint("/cgi-bin/groups/update", Write, Limit::Documented(1_000), ""),
    endpoint(
        "/cgi-bin/groups/delete",
        Write,
        Limit::None,
        "called by old clients",
    ),
    endpoint(
        "/cgi-bin/groups/members/update",
        Write,
        Limit::Documented(100_000),
        "takes the follower's other tags away; group 1 is the blacklist",
    ),
    endpoint(
        "/cgi-bin/groups/members/batchupdate",
        Write,
        Limit::Documented(100_000),
        "50 at a time",
    ),
    endpoint("/cgi-bin/user/tag/get", Write, Limit::None, "10,000 a page"),
    endpoint(
        "/cgi-bin/user/get",
        Read,
        Limit::Documented(500),
        "10,000 a page, by first subscription",
    ),
    endpoint(
        "/cgi-bin/user/info",
        Read,
        Limit::Documented(5_000_000),
        "nickname and picture as the follower set them, else empty",
    ),
    endpoint("/cgi-bin/user/info/batchget", Write, Limit::None, "100 at a time"),
    endpoint(
        "/cgi-bin/user/info/updateremark",
        Write,
        Limit::Documented(10_000),
        "",
    ),
    endpoint(
        "/cgi-bin/message/mass/sendall",
        Write,
        Limit::Sends,
        "every type; several pictures; `video` or `mpvideo`; `group_id` or `tag_id`",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/message/mass/send",
        Write,
        Limit::Sends,
        "2 to 10,000 OpenIDs; service accounts only",
    )
    .needs(Needs::VerifiedService),
    endpoint(
        "/cgi-bin/message/mass/preview",
        Write,
        Limit::Counted(CountedCall::NamePreview),
        "`towxname` is the follower's external id",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/message/mass/get",
        Write,
        Limit::None,
        "what was recalled reads as DELETE",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/message/mass/delete",
        Write,
        Limit::Counted(CountedCall::Delete),
        "by `msg_id` or `url`; again is fine",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/message/mass/speed/get",
        Read,
        Limit::None,
        "by POST or GET",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/message/mass/speed/set",
        Write,
        Limit::None,
        "holds for running mass sends too",
    )
    .needs(Needs::Verified),
    endpoint(
        "/cgi-bin/comment/open",
        Write,
        Limit::None,
        "before the article's own switch",
    ),
    endpoint("/cgi-bin/comment/close", Write, Limit::None, ""),
    endpoint(
        "/cgi-bin/comment/list",
        Write,
        Limit::None,
        "newest first, 1 to 50",
    ),
    endpoint(
        "/cgi-bin/comment/markelect",
        Write,
        Limit::None,
        "100 on an article",
    ),
    endpoint("/cgi-bin/comment/unmarkelect", Write, Limit::None, ""),
    endpoint("/cgi-bin/comment/delete", Write, Limit::None, ""),
    endpoint("/cgi-bin/comment/reply/add", Write, Limit::None, ""),
    endpoint(
        "/cgi-bin/comment/reply/delete",
        Write,
        Limit::None,
        "of a missing reply is fine",
    ),
    endpoint(
        "/datacube/getarticlesummary",
        Write,
        Limit::None,
        "real reads; people where readers say who they are; shares and favourites are 0",
    ),
    endpoint(
        "/datacube/getarticletotal",
        Write,
        Limit::None,
        "as getarticlesummary; 7 days",
    ),
    endpoint("/datacube/getuserread", Write, Limit::None, ""),
    endpoint(
        "/datacube/getuserreadhour",
        Write,
        Limit::None,
        "`ref_hour` 1400 is 14:00 to 15:00",
    ),
    endpoint(
        "/datacube/getusershare",
        Write,
        Limit::None,
        "always empty: there is no sharing here",
    ),
    endpoint("/datacube/getusersharehour", Write, Limit::None, "always empty"),
    endpoint(
        "/datacube/getusersummary",
        Write,
        Limit::None,
        "`user_source` 0 only; an import counts as new followers",
    ),
    endpoint("/datacube/getusercumulate", Write, Limit::None, ""),
];

/// The call with this path.
pub fn find(path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The routes in the source of the router: path and which of its two helpers.
    fn routes() -> Vec<(&'static str, Kind)> {
        let source = include_str!("mod.rs");
        let calls = source.split(".route(").skip(1);
        calls
            .filter_map(|call| {
                let path = call.split('"').nth(1)?;
                let handler = call.split_once(path)?.1.trim_start_matches(['"', ',', ' ', '\n']);
                let kind = match handler {
                    handler if handler.starts_with("read_call") => Read,
                    handler if handler.starts_with("write_call") => Write,
                    _ => return None,
                };
                Some((path, kind))
            })
            .collect()
    }

    /// The extractor of the caller in the source of a handler such as `mass::send_all`.
    fn extractor(handler: &str) -> Needs {
        let (module, function) = handler.split_once("::").expect("a module");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api");
        let source = std::fs::read_to_string(format!("{folder}/{module}.rs")).expect("a source");
        let from = source
            .split_once(&format!("pub async fn {function}("))
            .expect("a function")
            .1;
        let head = from.split_once("->").expect("an answer").0;
        match head {
            head if head.contains("CountedServiceCaller") => Needs::VerifiedService,
            head if head.contains("CountedCaller") || head.contains("VerifiedCaller") => Needs::Verified,
            _ => Needs::Nothing,
        }
    }

    #[test]
    fn the_table_tells_who_may_call_as_the_handlers_do() {
        let calls = include_str!("mod.rs").split(".route(").skip(1);
        let mut seen = 0;
        for call in calls {
            let path = call.split('"').nth(1).expect("a path");
            let handler = call
                .split_once("_call(")
                .map(|(_, rest)| rest.split(')').next().expect("text"));
            let (Some(endpoint), Some(handler)) = (find(path), handler) else {
                continue;
            };
            assert_eq!(endpoint.needs, extractor(handler), "{path} {handler}");
            seen += 1;
        }
        assert_eq!(seen, ENDPOINTS.len());
    }

    #[test]
    fn every_call_that_is_served_has_its_line_in_the_table() {
        let routes = routes();
        assert!(routes.len() > 70, "{}", routes.len());
        for (path, kind) in &routes {
            assert_eq!(find(path).map(|endpoint| endpoint.kind), Some(*kind), "{path}");
        }
        for endpoint in ENDPOINTS {
            assert!(
                routes.contains(&(endpoint.path, endpoint.kind)),
                "{}",
                endpoint.path
            );
        }
        assert_eq!(routes.len(), ENDPOINTS.len(), "a path stands there twice");
    }
}
