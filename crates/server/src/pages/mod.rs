//! Pages and files that anyone with the link may see: articles, videos, pictures, histories (SEC8, SEC9).
//!
//! Pages are rendered here and need no script; links are sealed, so they name exactly one thing of one account
//! and cannot be guessed.

mod article;
mod file;
pub(crate) mod furniture;
mod history;
mod long_link;
pub(crate) mod notice;
pub(crate) mod page;
pub mod picture;
mod reprint;

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};

use crate::{app::App, pages::furniture::Furniture};

/// All pages and files.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(front))
        .route("/s", get(long_link::short))
        .route("/s/{link}", get(article::page))
        .route("/mp/history/{appid}", get(history::page))
        .route("/media/{link}", get(file::media))
        .route("/media/{link}/{size}", get(file::sized_media))
        .route("/mmbiz_jpg/{link}/{size}", get(file::picture))
        .route("/mmbiz_png/{link}/{size}", get(file::picture))
        .route("/mmbiz_gif/{link}/{size}", get(file::picture))
        .route("/mmbiz_bmp/{link}/{size}", get(file::picture))
}

/// Whether the reader asks for English first.
pub fn english_asked(headers: &HeaderMap) -> bool {
    Furniture::of(headers).english
}

/// `GET /`: what this server is.
async fn front(State(app): State<App>, headers: HeaderMap) -> Response {
    page::render(
        &app,
        &headers,
        &page::Front {
            furniture: Furniture::of(&headers),
            sandbox: app.sandbox.is_some(),
        },
    )
}
