//! What readers read: `/inbox/**`, by an inbox token of one follower or of one person over all accounts.

pub mod accounts;
pub mod article;
pub mod entries;
pub mod entry;
mod fresh;
pub mod me;
mod origins;
pub mod push;
pub mod reader;
pub mod reading;

use axum::{
    Router, middleware,
    routing::{delete, get, patch, post},
};

use crate::{app::App, live, openapi, v1::problem::Problem};

/// All calls of readers' apps.
pub fn routes(app: &App) -> Router<App> {
    let routes = answers().merge(live::routes());
    match origins::layer(&app.settings.reader_origins) {
        Some(layer) => routes.layer(layer),
        None => routes,
    }
}

/// The calls with one answer each; what is read of them is tagged.
fn answers() -> Router<App> {
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
        .route("/inbox/accounts", get(accounts::list).fallback(wrong_method))
        .route(
            "/inbox/accounts/{appid}",
            patch(accounts::change).fallback(wrong_method),
        )
        .route("/inbox/unread", get(reading::unread).fallback(wrong_method))
        .route("/inbox/read", post(reading::mark).fallback(wrong_method))
        .route("/inbox/recalls", get(reading::recalls).fallback(wrong_method))
        .route("/inbox/me", get(me::me).fallback(wrong_method))
        .route("/inbox/token", delete(me::log_out).fallback(wrong_method))
        .route("/openapi.json", get(openapi::show).fallback(wrong_method))
        .layer(middleware::from_fn(fresh::tag))
}

async fn wrong_method() -> Problem {
    Problem::method_not_allowed()
}
