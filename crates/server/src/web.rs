//! `/reader` and `/embed.js`: the files of `web/dist` as Vite built them, carried in an optimised binary; others read
//! them where they are.
//!
//! A binary that was built without Node has none of them and says at `/reader` how to get them. What the reader
//! shows comes from `/inbox` by its token; nothing here knows who reads.

use std::borrow::Cow;

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::id::ExternalId;
use rust_embed::Embed;
use store::{token::TOKEN_SECONDS, vault};
use url::Url;

use crate::{
    api::query,
    app::App,
    pages::{notice, page::has_already},
    v1::problem::Problem,
};

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Built;

/// A file as it leaves.
struct File {
    bytes: Cow<'static, [u8]>,
    etag: String,
}

/// The reader's page, its files, and the element for other pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/reader", get(reader))
        .route("/reader/{*path}", get(reader_file))
        .route("/embed.js", get(embed))
}

/// `GET /reader`: the page of the reader; the token is behind the `#`, which no server is told. In a sandbox
/// `?as=EXTERNAL_ID` opens that person's.
async fn reader(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match query::value(&uri, "as") {
        Some(person) if app.sandbox.is_some() => read_as(&app, &headers, ExternalId(person)).await,
        _ => Ok(reader_page(&app, &headers)),
    }
}

/// Leads to the reader with a new token of this person.
async fn read_as(app: &App, headers: &HeaderMap, person: ExternalId) -> Result<Response, Problem> {
    let token = app.secrets.text::<32>();
    let expires_at = app.now().plus_seconds(TOKEN_SECONDS);
    let known = app
        .store
        .issue_person_token(&person, vault::digest(&token), expires_at)
        .await?;
    if !known {
        return Ok(notice::answer(app, headers, notice::NO_SUCH_READER, None));
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in [
        (header::LOCATION, format!("/reader#token={token}")),
        (header::CACHE_CONTROL, "no-store".into()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn reader_page(app: &App, headers: &HeaderMap) -> Response {
    let Some(file) = find("reader/index.html") else {
        return notice::answer(app, headers, notice::READER_NOT_BUILT, None);
    };
    let policy = content_policy(&app.settings.public_url);
    let own = [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    send(headers, "reader/index.html", file, &own)
}

/// `GET /reader/{path}`: scripts, styles and pictures of the reader, and its service worker.
async fn reader_file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("reader/{path}");
    match find(&path) {
        Some(file) => send(&headers, &path, file, &headers_of(&path)),
        None => (StatusCode::NOT_FOUND, "404 not found").into_response(),
    }
}

/// `GET /embed.js`: the element `<qunfa-inbox>`, for pages of any origin. What it may read is decided at `/inbox`.
async fn embed(headers: HeaderMap) -> Response {
    let own = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    match find("embed.js") {
        Some(file) => send(&headers, "embed.js", file, &own),
        None => (StatusCode::NOT_FOUND, notice::READER_NOT_BUILT.english_advice).into_response(),
    }
}

fn find(path: &str) -> Option<File> {
    // Names in the binary have no such parts; names on disk must not either.
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    let file = Built::get(path)?;
    let digest = hex::encode(file.metadata.sha256_hash());
    Some(File {
        bytes: file.data,
        etag: format!("\"{}\"", digest.get(..32).unwrap_or(&digest)),
    })
}

/// How long a file of the reader may be kept, and what else is particular to it. Names in `assets/` hold a digest
/// of the content. The service worker lies below `/reader/`, and is for `/reader` too.
fn headers_of(path: &str) -> Vec<(HeaderName, &'static str)> {
    match path {
        "reader/sw.js" => vec![
            (header::CACHE_CONTROL, "no-cache"),
            (HeaderName::from_static("service-worker-allowed"), "/reader"),
        ],
        path if path.starts_with("reader/assets/") => {
            vec![
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                // For the scripts that are workers, whom the page's own policy does not bind: they only compute.
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
            ]
        }
        _ => vec![(header::CACHE_CONTROL, "public, max-age=3600")],
    }
}

fn send(headers: &HeaderMap, path: &str, file: File, own: &[(HeaderName, &str)]) -> Response {
    let fresh = has_already(headers, &file.etag);
    let mut response = Response::new(if fresh {
        Body::empty()
    } else {
        Body::from(file.bytes)
    });
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let all = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::ETAG, file.etag.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in all.iter().chain(own) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// Scripts of this server alone. Sounds may be made by them, of voices in AMR, which browsers do not play. Styles may be
/// inline: an article's own, shown in a frame in which no script runs and which is ruled by this policy too (SEC8).
fn content_policy(public_url: &str) -> String {
    let origin = Url::parse(public_url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: {origin}; \
         media-src 'self' blob: {origin}; connect-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        File {
            bytes: Cow::Borrowed(b"let a;"),
            etag: "\"abc\"".into(),
        }
    }

    fn header_of<'a>(response: &'a Response, name: &HeaderName) -> &'a str {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    #[test]
    fn a_name_with_a_digest_is_kept_for_ever_and_the_worker_is_asked_for_again() {
        let sent = |path: &str| send(&HeaderMap::new(), path, file(), &headers_of(path));
        let hashed = sent("reader/assets/index-abc.js");
        assert!(header_of(&hashed, &header::CACHE_CONTROL).contains("immutable"));
        assert_eq!(
            header_of(&hashed, &header::CONTENT_SECURITY_POLICY),
            "default-src 'none'"
        );
        assert_eq!(
            header_of(&hashed, &header::CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        let worker = sent("reader/sw.js");
        assert_eq!(header_of(&worker, &header::CACHE_CONTROL), "no-cache");
        assert_eq!(worker.headers()["service-worker-allowed"], "/reader");
    }

    #[test]
    fn who_has_a_file_is_not_sent_it_again() {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"abc\""))]);
        let answer = send(&headers, "embed.js", file(), &[]);
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header_of(&answer, &header::ETAG), "\"abc\"");
        let other = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"old\""))]);
        assert_eq!(send(&other, "embed.js", file(), &[]).status(), StatusCode::OK);
    }

    #[test]
    fn sec08_the_reader_runs_its_own_scripts_only() {
        let policy = content_policy("https://example.org:8443/x");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(policy.contains("img-src 'self' data: https://example.org:8443;"));
    }
}
