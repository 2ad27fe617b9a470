//! What readers read: `/inbox/**`, by an inbox token of one follower or of one person over all accounts.

mod article;
mod entries;
pub mod entry;
mod push;
pub mod reader;

use axum::{
    Router,
    routing::{delete, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{app::App, transport::PanicAnswer, v1::problem::Problem};

/// All calls of readers' apps.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/inbox/entries", get(entries::list).fallback(wrong_method))
        .route("/inbox/entries/{entry}", get(entries::get).fallback(wrong_method))
        .route(
            "/inbox/entries/{entry}/comments",
            post(article::comment).fallback(wrong_method),
        )
        .route(
            "/inbox/entries/{entry}/comments/{comment}",
            delete(article::withdraw).fallback(wrong_method),
        )
        .route(
            "/inbox/entries/{entry}/reads",
            post(article::read).fallback(wrong_method),
        )
        .route("/inbox/push", get(push::key).fallback(wrong_method))
        .route(
            "/inbox/push/subscriptions",
            get(push::list)
                .post(push::subscribe)
                .delete(push::unsubscribe)
                .fallback(wrong_method),
        )
        .layer(CatchPanicLayer::custom(PanicAnswer::Problem))
}

async fn wrong_method() -> Problem {
    Problem::method_not_allowed()
}
