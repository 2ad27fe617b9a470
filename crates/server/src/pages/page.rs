//! How pages look and leave: templates, their few fixed words, headers.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::id::BlobId;
use url::Url;

use crate::{app::App, v1::history::Item};

/// The fixed words of pages: Chinese, and English beside it for readers who ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Furniture {
    /// Whether English stands beside the Chinese.
    pub english: bool,
}

impl Furniture {
    /// By `Accept-Language`: English unless Chinese comes first or nothing is said.
    pub fn of(headers: &HeaderMap) -> Self {
        let language = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let first = language
            .split([',', ';'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        Self {
            english: !first.is_empty() && !first.starts_with("zh") && first != "*",
        }
    }
}

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
    /// The account's name.
    pub account: &'a str,
    /// Headline.
    pub title: &'a str,
    /// Who wrote it; may be empty.
    pub author: &'a str,
    /// The day of its first sending.
    pub date: String,
    /// For the preview of links in other applications.
    pub digest: &'a str,
    /// The cover, where it is shown above the body.
    pub cover: Option<String>,
    /// The body, sanitised when it was handed in (SEC8).
    pub body: &'a str,
    /// Target of 阅读原文; may be empty.
    pub source: &'a str,
    /// Elected comments; `None` where the article takes none.
    pub comments: Option<Vec<CommentBlock>>,
    /// Whether it is the temporary page of a preview.
    pub preview: bool,
    /// Where it was reprinted from (转载).
    pub reprinted: Option<Source>,
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
    /// The account's name.
    pub account: &'a str,
    /// The messages, newest first.
    pub items: &'a [Item],
    /// Where the next, older page begins.
    pub next: Option<i64>,
}

/// A comment below an article; every part of it is text and escaped (SEC8).
pub struct CommentBlock {
    /// Who wrote it; may be empty.
    pub nickname: String,
    /// On which day.
    pub date: String,
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
    /// The account's name.
    pub account: &'a str,
    /// Its title.
    pub title: &'a str,
    /// A text below it.
    pub description: &'a str,
    /// The day on which it was sent.
    pub date: String,
    /// Where the bytes are.
    pub source: String,
}

/// A page that says why there is nothing to see.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct Notice {
    /// Fixed words.
    pub furniture: Furniture,
    /// In Chinese.
    pub chinese: &'static str,
    /// In English.
    pub english: &'static str,
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

/// The page of something that its publisher deleted: still 200 for browsers, 410 for programs (spec accounts
/// §12; always with the Chinese words, reading 19).
pub fn deleted(app: &App, headers: &HeaderMap) -> Response {
    if wants_json(headers) {
        return (
            StatusCode::GONE,
            axum::Json(
                serde_json::json!({"error": {"code": "deleted", "message": "deleted by its publisher"}}),
            ),
        )
            .into_response();
    }
    let notice = Notice {
        furniture: Furniture::of(headers),
        chinese: "该内容已被发布者删除",
        english: "This content has been deleted by its publisher.",
    };
    render(app, headers, &notice)
}

/// The page of what does not exist, or no more.
pub fn missing(app: &App, headers: &HeaderMap) -> Response {
    let notice = Notice {
        furniture: Furniture::of(headers),
        chinese: "页面不存在或已失效",
        english: "There is no such page.",
    };
    let mut response = render(app, &HeaderMap::new(), &notice);
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
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
    let digest = BlobId::of(html.as_bytes()).0;
    let etag = format!("\"{}\"", digest.get(..32).unwrap_or(&digest));
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

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn english_stands_beside_the_chinese_for_those_who_ask() {
        let english = |value| Furniture::of(&with(header::ACCEPT_LANGUAGE, value)).english;
        assert!(english("en-US,en;q=0.9,zh;q=0.8"));
        for chinese in ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "", "*"] {
            assert!(!english(chinese), "{chinese}");
        }
        assert!(!Furniture::of(&HeaderMap::new()).english);
    }

    #[test]
    fn an_etag_is_found_in_a_list_and_in_its_weak_form() {
        for value in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(has_already(&with(header::IF_NONE_MATCH, value), "\"a\""));
        }
        assert!(!has_already(&with(header::IF_NONE_MATCH, "\"b\""), "\"a\""));
        assert!(!has_already(&HeaderMap::new(), "\"a\""));
    }

    #[test]
    fn s102_the_notice_of_a_deleted_article_is_chinese_in_every_language() {
        for english in [true, false] {
            let furniture = Furniture { english };
            let notice = Notice {
                furniture,
                chinese: "该内容已被发布者删除",
                english: "Deleted.",
            };
            let html = notice.render().expect("renders");
            assert!(html.contains("该内容已被发布者删除"));
            assert_eq!(html.contains("Deleted."), english);
        }
    }

    #[test]
    fn sec08_everything_but_the_body_is_escaped() {
        let hostile = "<script>alert(1)</script>";
        let page = ArticlePage {
            furniture: Furniture { english: true },
            account: hostile,
            title: hostile,
            author: hostile,
            date: "2026-11-22".into(),
            digest: "\"><script>",
            cover: Some("\"><script>".into()),
            body: "<p>正文</p>",
            source: "http://example.org/\"><script>",
            comments: Some(vec![CommentBlock {
                nickname: hostile.into(),
                date: "2026-11-22".into(),
                content: hostile.into(),
                reply: Some(hostile.into()),
            }]),
            preview: true,
            reprinted: Some(Source {
                account: hostile.into(),
                url: Some("http://example.org/\"><script>".into()),
            }),
        };
        let html = page.render().expect("renders");
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("<p>正文</p>"));
        assert!(html.contains("noopener nofollow ugc"));
    }

    #[test]
    fn sec08_pages_run_no_script() {
        let policy = content_policy("https://example.org:8443/x");
        assert!(policy.starts_with("default-src 'none'; img-src 'self' data: https://example.org:8443;"));
        assert!(!policy.contains("script-src"));
    }
}
