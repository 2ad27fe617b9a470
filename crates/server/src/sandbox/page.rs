//! The inspector's page, and what the sandbox's pages have in common: language, headers, style.
//!
//! The page is a frame in the reader's language; one small script of this server fills it from
//! `/sandbox/requests`. Nothing is loaded from elsewhere, and nothing that came with a call is ever read as HTML.

use askama::Template;
use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{api::query, app::App, pages::english_asked, v1::problem::Problem};

/// No script, style or connection but of this server; no frame, no form (SEC8).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The paths.
pub fn routes() -> Router<App> {
    let wrong = async || Problem::method_not_allowed();
    Router::new()
        .route(
            "/sandbox",
            get(async || Redirect::temporary("/sandbox/inspector")).fallback(wrong),
        )
        .route("/sandbox/inspector", get(inspector).fallback(wrong))
        .route("/sandbox/inspector.js", get(script).fallback(wrong))
        .route("/sandbox/inspector.css", get(style).fallback(wrong))
}

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// zh-CN.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// By `lang` in the query, else by `Accept-Language`.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        match query::value(uri, "lang").as_deref() {
            Some("en") => Self::English,
            Some("zh") => Self::Chinese,
            _ if english_asked(headers) => Self::English,
            _ => Self::Chinese,
        }
    }

    /// Whether it is Chinese.
    pub fn is_chinese(self) -> bool {
        self == Self::Chinese
    }

    /// What `lang` in the query says of it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// One of two words.
    pub fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

#[derive(Template)]
#[template(path = "inspector.html")]
struct InspectorPage {
    language: Language,
}

/// `GET /sandbox/inspector`.
async fn inspector(uri: Uri, headers: HeaderMap) -> Response {
    let language = Language::of(&uri, &headers);
    html(&InspectorPage { language })
}

async fn script() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("page/inspector.js"),
    )
}

async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/inspector.css"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let fields = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (fields, text).into_response()
}

/// A page as a response.
pub fn html(page: &impl Template) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page was not rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = text.into_response();
    let fields = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language, Accept"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in fields {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a program asks, not a browser.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}
