//! `/s?__biz=…&mid=…&idx=…&sn=…`: the long form of an article's address (spec accounts §12).
//!
//! The short form is canonical, so the long one leads there. `sn` is the sealed link in hexadecimal digits; nothing else
//! in a long form is secret, so without it there is no page, and what stands beside it must agree.

use crate::{api::query, app::App, pages::notice};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// The short form of a long one.
pub async fn short(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let field = |name: &str| query::value(&uri, name);
    let Some(link) = app.links.open_long(field) else {
        return notice::missing(&app, &headers);
    };
    let target = format!("/s/{}", app.links.seal(link));
    match HeaderValue::from_str(&target) {
        Ok(target) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response(),
        Err(_) => notice::missing(&app, &headers),
    }
}
