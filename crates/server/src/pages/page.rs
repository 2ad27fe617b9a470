//! How pages look and leave: templates and headers.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::media::scale::PictureSize;
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    app::App,
    pages::{
        furniture::{AccountCard, Furniture, When},
        notice::Notice,
    },
    v1::history::Item,
};

/// The page at `/`.
#[derive(Template)]
#[template(path = "front.html")]
pub struct Front {
    /// Fixed words.
    pub furniture: Furniture,
    /// Whether this is a sandbox.
    pub sandbox: bool,
}

/// An article.
#[derive(Template)]
#[template(path = "article.html")]
pub struct ArticlePage<'a> {
    /// Fixed words.
    pub furniture: Furniture,
    /// Who sent it.
    pub account: AccountCard,
    /// The language of the article, as far as it is known.
    pub language: &'static str,
    /// Headline.
    pub title: &'a str,
    /// Who wrote it; may be empty.
    pub author: &'a str,
    /// Its first sending.
    pub when: When,
    /// For the preview of links in other applications.
    pub digest: &'a str,
    /// The page's own address.
    pub address: String,
    /// The cover's address, for the preview of links.
    pub share_image: String,
    /// The cover, where it is shown above the body.
    pub cover: Option<Cover>,
    /// The body, sanitised when it was handed in (SEC8).
    pub body: String,
    /// Target of 阅读原文; may be empty.
    pub source: &'a str,
    /// Its host: where a click would lead.
    pub source_host: String,
    /// The other articles of the same news.
    pub siblings: Vec<Sibling>,
    /// Elected comments; `None` where the article takes none.
    pub comments: Option<Vec<CommentBlock>>,
    /// Whether it is the temporary page of a preview.
    pub preview: bool,
    /// Where it was reprinted from (转载).
    pub reprinted: Option<Source>,
}

/// A picture above the body.
pub struct Cover {
    /// Where it is.
    pub url: String,
    /// How large it is, if that is known.
    pub size: Option<PictureSize>,
}

/// Another article of the same news.
pub struct Sibling {
    /// Headline.
    pub title: String,
    /// Its page.
    pub url: String,
}

/// The original in whose place a reprint stands.
#[derive(Clone, Debug)]
pub struct Source {
    /// The account that declared it.
    pub account: String,
    /// The original's page, if there is one.
    pub url: Option<String>,
}

/// The history list of an account.
#[derive(Template)]
#[template(path = "history.html")]
pub struct HistoryPage<'a> {
    /// Fixed words.
    pub furniture: Furniture,
    /// Whose.
    pub account: AccountCard,
    /// What the account is.
    pub kind: &'static str,
    /// The page's own address.
    pub address: String,
    /// The messages, newest first.
    pub items: &'a [Item],
    /// Whether this is not the first page.
    pub older: bool,
    /// Where the next, older page begins.
    pub next: Option<i64>,
}

/// A comment below an article; every part of it is text and escaped (SEC8).
pub struct CommentBlock {
    /// Who wrote it; may be empty.
    pub nickname: String,
    /// The letter of its writer's avatar.
    pub letter: String,
    /// The colour of it.
    pub shade: u32,
    /// When.
    pub when: When,
    /// What it says.
    pub content: String,
    /// The account's reply.
    pub reply: Option<String>,
}

/// The page of a video.
#[derive(Template)]
#[template(path = "video.html")]
pub struct VideoPage<'a> {
    /// Fixed words.
    pub furniture: Furniture,
    /// Who sent it.
    pub account: AccountCard,
    /// The language of its texts, as far as it is known.
    pub language: &'static str,
    /// Its title.
    pub title: &'a str,
    /// A text below it.
    pub description: &'a str,
    /// When it was sent.
    pub when: When,
    /// The page's own address.
    pub address: String,
    /// Where the bytes are.
    pub source: String,
    /// Whether it is the temporary page of a preview.
    pub preview: bool,
}

/// A page that says why there is nothing to see.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct NoticePage {
    /// Fixed words.
    pub furniture: Furniture,
    /// Why.
    pub notice: Notice,
    /// Whose page it was.
    pub account: Option<AccountCard>,
}

/// The page as a response; 304 when the reader has it already.
pub fn render(app: &App, headers: &HeaderMap, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => page_response(app, headers, html),
        Err(error) => {
            tracing::error!(%error, "a page was not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The entity tag of an answer. It tells versions apart for whoever kept one; it keeps nobody from making two of their own
/// that look alike.
pub fn etag_of(bytes: &[u8]) -> String {
    format!("\"{:032x}\"", xxh3_128(bytes))
}

/// What `If-None-Match` names, as far as it matters here.
pub fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    given
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}

fn page_response(app: &App, headers: &HeaderMap, html: String) -> Response {
    let etag = etag_of(html.as_bytes());
    let fresh = has_already(headers, &etag);
    let mut response = Response::new(if fresh { Body::empty() } else { Body::from(html) });
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let fields = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::ETAG, &etag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept-Language, Accept"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            &content_policy(&app.settings.public_url),
        ),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// No script, no frame, no form; pictures and videos of this server only (SEC8).
fn content_policy(public_url: &str) -> String {
    let origin = Url::parse(public_url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    format!(
        "default-src 'none'; img-src 'self' data: {origin}; media-src 'self' {origin}; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::notice;

    #[test]
    fn an_etag_is_found_in_a_list_and_in_its_weak_form() {
        let with = |value| HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
        for value in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(has_already(&with(value), "\"a\""));
        }
        assert!(!has_already(&with("\"b\""), "\"a\""));
        assert!(!has_already(&HeaderMap::new(), "\"a\""));
    }

    #[test]
    fn s102_the_notice_of_a_deleted_article_is_chinese_in_every_language() {
        for english in [true, false] {
            let page = NoticePage {
                furniture: Furniture { english },
                notice: notice::DELETED,
                account: None,
            };
            let html = page.render().expect("renders");
            assert!(html.contains("该内容已被发布者删除"));
            assert_eq!(html.contains("Deleted by its publisher"), english);
        }
    }

    #[test]
    fn sec08_everything_but_the_body_is_escaped() {
        let hostile = "\"><script>alert(1)</script>";
        let account = || AccountCard {
            name: hostile.into(),
            letter: "<".into(),
            shade: 0,
            history: format!("/mp/history/{hostile}"),
        };
        let when = || Furniture { english: true }.when("2026-11-22T10:00:00+08:00");
        let page = ArticlePage {
            furniture: Furniture { english: true },
            account: account(),
            language: "",
            title: hostile,
            author: hostile,
            when: when(),
            digest: hostile,
            address: hostile.into(),
            share_image: hostile.into(),
            cover: Some(Cover {
                url: hostile.into(),
                size: None,
            }),
            body: "<p>正文</p>".into(),
            source: "http://example.org/\"><script>",
            source_host: hostile.into(),
            siblings: vec![Sibling {
                title: hostile.into(),
                url: hostile.into(),
            }],
            comments: Some(vec![CommentBlock {
                nickname: hostile.into(),
                letter: "<".into(),
                shade: 0,
                when: when(),
                content: hostile.into(),
                reply: Some(hostile.into()),
            }]),
            preview: false,
            reprinted: Some(Source {
                account: hostile.into(),
                url: Some("http://example.org/\"><script>".into()),
            }),
        };
        let video = VideoPage {
            furniture: Furniture { english: false },
            account: account(),
            language: "",
            title: hostile,
            description: hostile,
            when: when(),
            address: hostile.into(),
            source: hostile.into(),
            preview: false,
        };
        for html in [page.render(), video.render()].map(|html| html.expect("renders")) {
            assert!(!html.contains("<script"), "{html}");
        }
        let html = page.render().expect("renders");
        assert!(html.contains("<p>正文</p>") && html.contains("noopener nofollow ugc"));
    }

    #[test]
    fn sec08_pages_run_no_script() {
        let policy = content_policy("https://example.org:8443/x");
        assert!(policy.starts_with("default-src 'none'; img-src 'self' data: https://example.org:8443;"));
        assert!(!policy.contains("script-src"));
    }
}
