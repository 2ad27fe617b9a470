//! The compatible API: `/cgi-bin/**` and `/datacube/**`.
//!
//! Every answer is HTTP 200 with one line of JSON, or the bytes of a file. One module per area, named as in
//! `domain` and `wire`; what a call needs of its request are extractors, which refuse in the order of the
//! checks: [`caller`], then [`body`].

pub mod article;
pub mod body;
pub mod call;
pub mod caller;
pub mod card;
pub mod comment;
pub mod compat;
pub mod draft;
pub mod endpoint;
pub mod error;
pub mod follower;
pub mod group;
pub mod inflight;
pub mod library;
pub mod mass;
pub mod material;
pub mod media;
pub mod network;
pub mod publication;
pub mod query;
pub mod refused;
pub mod statistics;
pub mod tag;
pub mod token;
pub mod upload;

use axum::{
    Router,
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
        .merge(services())
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

/// Quotas, addresses, groups, comments, statistics.
fn services() -> Router<App> {
    Router::new()
        .route("/cgi-bin/clear_quota", write_call(call::clear))
        .route("/cgi-bin/clear_quota/v2", write_call(call::clear_by_secret))
        .route("/cgi-bin/openapi/quota/clear", write_call(call::clear_one))
        .route("/cgi-bin/openapi/quota/get", write_call(call::get))
        .route("/cgi-bin/openapi/rid/get", write_call(refused::get))
        .route("/cgi-bin/getcallbackip", read_call(network::addresses))
        .route("/cgi-bin/get_api_domain_ip", read_call(network::addresses))
        .route("/cgi-bin/callback/check", write_call(network::check))
        .route("/cgi-bin/groups/create", write_call(group::create))
        .route("/cgi-bin/groups/get", read_call(group::get))
        .route("/cgi-bin/groups/getid", write_call(group::get_id))
        .route("/cgi-bin/groups/update", write_call(group::update))
        .route("/cgi-bin/groups/delete", write_call(group::delete))
        .route("/cgi-bin/groups/members/update", write_call(group::move_one))
        .route(
            "/cgi-bin/groups/members/batchupdate",
            write_call(group::move_many),
        )
        .route("/cgi-bin/comment/open", write_call(comment::open))
        .route("/cgi-bin/comment/close", write_call(comment::close))
        .route("/cgi-bin/comment/list", write_call(comment::list))
        .route("/cgi-bin/comment/markelect", write_call(comment::elect))
        .route("/cgi-bin/comment/unmarkelect", write_call(comment::unelect))
        .route("/cgi-bin/comment/delete", write_call(comment::delete))
        .route("/cgi-bin/comment/reply/add", write_call(comment::reply))
        .route("/cgi-bin/comment/reply/delete", write_call(comment::delete_reply))
        .route(
            "/datacube/getarticlesummary",
            write_call(statistics::article_summary),
        )
        .route("/datacube/getarticletotal", write_call(statistics::article_total))
        .route("/datacube/getuserread", write_call(statistics::user_read))
        .route(
            "/datacube/getuserreadhour",
            write_call(statistics::user_read_hour),
        )
        .route("/datacube/getusershare", write_call(statistics::user_share))
        .route(
            "/datacube/getusersharehour",
            write_call(statistics::user_share_hour),
        )
        .route("/datacube/getusersummary", write_call(statistics::user_summary))
        .route("/datacube/getusercumulate", write_call(statistics::user_cumulate))
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
