//! The compatible API: `/cgi-bin/**` and `/datacube/**`.
//!
//! Every answer is HTTP 200 with one line of JSON, or the bytes of a file. One module per area, named as in
//! `domain` and `wire`; what a call needs of its request are extractors, which refuse in the order of the
//! checks: [`caller`], then [`body`].

pub mod article;
pub mod body;
pub mod caller;
pub mod card;
pub mod draft;
pub mod error;
pub mod follower;
pub mod inflight;
pub mod library;
pub mod mass;
pub mod material;
pub mod media;
pub mod publication;
pub mod query;
pub mod tag;
pub mod token;
pub mod upload;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    middleware,
    routing::{MethodRouter, any, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;
use wire::errcode::ErrCode;

use crate::{api::error::ApiError, app::App, transport};

/// All calls of the compatible API.
pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/cgi-bin/token", read_call(token::token))
        .route("/cgi-bin/stable_token", write_call(token::stable_token))
        .route("/cgi-bin/media/upload", write_call(media::upload))
        .route("/cgi-bin/media/get", read_call(media::get))
        .route("/cgi-bin/media/uploadimg", write_call(media::upload_img))
        .route("/cgi-bin/media/uploadnews", write_call(article::upload_news))
        .route("/cgi-bin/media/uploadvideo", write_call(article::upload_video))
        .route("/cgi-bin/tags/create", write_call(tag::create))
        .route("/cgi-bin/tags/get", read_call(tag::get))
        .route("/cgi-bin/tags/update", write_call(tag::update))
        .route("/cgi-bin/tags/delete", write_call(tag::delete))
        .route("/cgi-bin/tags/getidlist", write_call(tag::id_list))
        .route("/cgi-bin/tags/members/batchtagging", write_call(tag::tag))
        .route("/cgi-bin/tags/members/batchuntagging", write_call(tag::untag))
        .route(
            "/cgi-bin/tags/members/getblacklist",
            write_call(follower::blacklist),
        )
        .route(
            "/cgi-bin/tags/members/batchblacklist",
            write_call(follower::batch_blacklist),
        )
        .route(
            "/cgi-bin/tags/members/batchunblacklist",
            write_call(follower::batch_unblacklist),
        )
        .route("/cgi-bin/user/tag/get", write_call(tag::members))
        .route("/cgi-bin/user/get", read_call(follower::list))
        .route("/cgi-bin/user/info", read_call(follower::info))
        .route("/cgi-bin/user/info/batchget", write_call(follower::batch_info))
        .route(
            "/cgi-bin/user/info/updateremark",
            write_call(follower::update_remark),
        )
        .route("/cgi-bin/message/mass/sendall", write_call(mass::send_all))
        .route("/cgi-bin/message/mass/send", write_call(mass::send))
        .route("/cgi-bin/message/mass/preview", write_call(mass::preview))
        .route("/cgi-bin/message/mass/get", write_call(mass::get))
        .route("/cgi-bin/message/mass/delete", write_call(mass::delete))
        .route("/cgi-bin/message/mass/speed/get", read_call(mass::speed))
        .route("/cgi-bin/message/mass/speed/set", write_call(mass::set_speed))
        .route("/card/create", write_call(card::create))
        .merge(library_routes())
        .route("/cgi-bin", any(unknown))
        .route("/cgi-bin/{*path}", any(unknown))
        .route("/card", any(unknown))
        .route("/card/{*path}", any(unknown))
        .route("/datacube", any(unknown))
        .route("/datacube/{*path}", any(unknown))
        .layer(CatchPanicLayer::custom(transport::PanicAnswer::Errcode))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            transport::finish_api_call,
        ))
        .layer(DefaultBodyLimit::disable())
}

/// Permanent materials, drafts, publications.
fn library_routes() -> Router<App> {
    Router::new()
        .route("/cgi-bin/material/add_material", write_call(material::add))
        .route("/cgi-bin/material/get_material", write_call(material::get))
        .route("/cgi-bin/material/del_material", write_call(material::delete))
        .route("/cgi-bin/material/get_materialcount", read_call(material::count))
        .route("/cgi-bin/material/batchget_material", write_call(material::list))
        .route("/cgi-bin/material/add_news", write_call(material::add_news))
        .route("/cgi-bin/material/update_news", write_call(material::update_news))
        .route("/cgi-bin/draft/add", write_call(draft::add))
        .route("/cgi-bin/draft/update", write_call(draft::update))
        .route("/cgi-bin/draft/get", write_call(draft::get))
        .route("/cgi-bin/draft/delete", write_call(draft::delete))
        .route("/cgi-bin/draft/count", read_call(draft::count))
        .route("/cgi-bin/draft/batchget", write_call(draft::list))
        .route("/cgi-bin/draft/switch", write_call(draft::switch))
        .route("/cgi-bin/freepublish/submit", write_call(publication::submit))
        .route("/cgi-bin/freepublish/get", write_call(publication::get))
        .route("/cgi-bin/freepublish/delete", write_call(publication::delete))
        .route(
            "/cgi-bin/freepublish/getarticle",
            write_call(publication::article),
        )
        .route("/cgi-bin/freepublish/batchget", write_call(publication::list))
}

/// A call that is made with GET and, by some clients, with POST (spec errors §1).
fn read_call<H: Handler<T, App>, T: 'static>(handler: H) -> MethodRouter<App> {
    get(handler.clone()).post(handler).fallback(require_get)
}

/// A call that is made with POST only.
fn write_call<H: Handler<T, App>, T: 'static>(handler: H) -> MethodRouter<App> {
    post(handler).fallback(require_post)
}

async fn require_get() -> ApiError {
    ErrCode::RequireGet.into()
}

async fn require_post() -> ApiError {
    ErrCode::RequirePost.into()
}

async fn unknown() -> ApiError {
    ErrCode::InvalidUrl.into()
}
