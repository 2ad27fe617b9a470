//! All paths of the server, and what lies around them.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Extensions, HeaderMap, StatusCode, Version},
    middleware,
};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
};

use crate::{
    api,
    app::App,
    health, inbox, metrics, pages,
    role::{self, Role},
    sandbox,
    transport::{self, PanicAnswer},
    v1, watch, web,
};

/// Bytes from which on an answer is worth compressing.
const COMPRESSED_MIN: u64 = 512;

/// The whole server as one service.
pub fn router(app: App) -> Router {
    let mut routes = health::routes().merge(metrics::routes());
    let in_time = middleware::from_fn_with_state(app.clone(), transport::limit_reading);
    if app.settings.roles.contains(&Role::Api) {
        let native = v1::routes().layer(in_time.clone());
        routes = routes.merge(api::routes(&app)).merge(native);
    }
    if app.settings.roles.contains(&Role::Live) {
        let live = inbox::routes(&app).merge(pages::routes()).merge(web::routes());
        let around = ServiceBuilder::new()
            .layer(in_time)
            .layer(CatchPanicLayer::custom(PanicAnswer::Problem));
        routes = routes.merge(live.layer(around));
    }
    if app.world.is_some() {
        routes = routes.layer(middleware::from_fn_with_state(
            app.clone(),
            sandbox::snapshots::gate,
        ));
    }
    if app.sandbox.is_some() {
        routes = routes.merge(sandbox::routes());
    }
    let text = |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| transport::is_text(headers);
    if app.inspector.is_some() {
        routes = routes.layer(middleware::from_fn_with_state(
            app.clone(),
            sandbox::observe::observe,
        ));
    }
    // One stack, outermost first: every layer of its own would cost each request a copy of all that is below it.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(app.clone(), watch::watch))
        .layer(middleware::from_fn(transport::refuse_connect))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_MIN).and(text)))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            transport::limit_body_idle,
        ))
        .layer(DefaultBodyLimit::disable());
    let routes = routes.fallback(role::not_found).layer(around).with_state(app);
    // The path is put in order before anything is routed.
    Router::new().fallback_service(routes.map_request(|request: Request| transport::normalise(request)))
}
