//! The native API: `/v1/**`, for what the compatible one lacks.
//!
//! Proper HTTP status codes, errors as [`problem::Problem`], the operator's admin token in front of
//! everything. Bodies with unknown keys are refused.

pub mod account;
pub mod bridge;
pub mod card;
pub mod event;
pub mod follower;
pub mod history;
pub mod import;
pub mod inbox_token;
pub mod mass;
pub mod original;
pub mod problem;
pub mod request;
pub mod schedule;
pub mod send;
pub mod tag;

use axum::{
    Router, middleware,
    routing::{any, get, post, put},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::App,
    transport::{self, PanicAnswer},
    v1::problem::Problem,
};

/// All calls of the native API.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/v1/accounts",
            get(account::list).post(account::create).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}",
            get(account::get).patch(account::change).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/followers",
            get(follower::list).post(import::import).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/followers/subscribe",
            post(follower::subscribe_new).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/followers/{openid}/subscribe",
            post(follower::subscribe).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/followers/{openid}/unsubscribe",
            post(follower::unsubscribe).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/followers/{openid}/opt-out",
            put(follower::opt_out).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/tags",
            get(tag::list).post(tag::create).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/inbox-tokens",
            post(inbox_token::issue)
                .delete(inbox_token::end)
                .fallback(wrong_method),
        )
        .route(
            "/v1/inbox-tokens",
            post(inbox_token::issue_to_person)
                .delete(inbox_token::end_of_person)
                .fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/masses",
            get(mass::list).post(send::send).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/masses/{msg_id}",
            get(mass::get).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/masses/{msg_id}/confirm",
            post(send::confirm).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/masses/{msg_id}/refuse",
            post(send::refuse).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/masses/{msg_id}/recall",
            post(send::recall).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/schedules",
            get(schedule::list).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/schedules/{id}",
            get(schedule::get)
                .patch(schedule::change)
                .delete(schedule::cancel)
                .fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/history",
            get(history::list).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/cards",
            get(card::list).post(card::create).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/originals",
            get(original::list).post(original::declare).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/originals/{id}/allowed/{other}",
            put(original::allow)
                .delete(original::disallow)
                .fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/usage",
            get(mass::usage).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/events",
            get(event::list).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/events/{id}/resend",
            post(event::resend).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/push-bridge",
            get(bridge::get)
                .put(bridge::put)
                .delete(bridge::delete)
                .fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/push-bridge/test",
            post(bridge::test).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/push-bridge/dead-letters",
            get(bridge::dead_letters).fallback(wrong_method),
        )
        .route(
            "/v1/accounts/{appid}/push-bridge/dead-letters/{id}/resend",
            post(bridge::resend).fallback(wrong_method),
        )
        .route("/v1", any(unknown))
        .route("/v1/{*path}", any(unknown))
        .layer(CatchPanicLayer::custom(PanicAnswer::Problem))
        .layer(middleware::from_fn(transport::finish_native_call))
}

async fn wrong_method() -> Problem {
    Problem::method_not_allowed()
}

async fn unknown() -> Problem {
    Problem::not_found("call")
}
