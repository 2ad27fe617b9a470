//! `/metrics`: what the server counts about itself, for Prometheus.
//!
//! On the same listener as everything else, so it needs no port of its own. It names no account and no follower, but how
//! much is sent is nobody else's business: it is for the networks of the settings, which are those of this machine
//! unless set, for the token of the settings, and for the operator. A request that came through a proxy which is not
//! trusted has the proxy's address, often this machine's: it needs a token.

use async_trait::async_trait;
use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use ipnet::IpNet;
use store::vault;
use subtle::ConstantTimeEq;

use crate::{
    app::App,
    source::Source,
    v1::{
        problem::Problem,
        request::{Admin, bearer},
    },
};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes out all numbers as they are now.
#[async_trait]
pub trait Scrape: Send + Sync {
    /// In the text format of Prometheus.
    async fn scrape(&self) -> String;
}

/// Who may read the numbers, beside the operator.
#[derive(Clone, Debug, Default)]
pub struct MetricsAccess {
    /// Without a token, from here.
    pub allow: Vec<IpNet>,
    /// The SHA-256 of a token for this alone.
    pub token_hash: Option<[u8; 32]>,
}

impl MetricsAccess {
    fn allows(&self, source: Source) -> bool {
        !source.doubtful && self.allow.iter().any(|network| network.contains(&source.address))
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let (Some(hash), Some(token)) = (self.token_hash, bearer(headers)) else {
            return false;
        };
        bool::from(vault::digest(token).ct_eq(&hash))
    }
}

/// Somebody who may read the numbers.
struct Watcher;

impl FromRequestParts<App> for Watcher {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let access = &app.settings.metrics;
        if !access.allows(Source::of(&parts.extensions)) && !access.knows(&parts.headers) {
            Admin::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}

/// `/metrics`.
pub fn routes() -> Router<App> {
    Router::new().route(
        "/metrics",
        get(metrics).fallback(async || Problem::method_not_allowed()),
    )
}

async fn metrics(_watcher: Watcher, State(app): State<App>) -> Response {
    match &app.scrape {
        Some(scrape) => ([(header::CONTENT_TYPE, TEXT)], scrape.scrape().await).into_response(),
        None => Problem::not_found("page").into_response(),
    }
}
