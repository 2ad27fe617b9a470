//! Whether the server lives, and whether it can work.

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::app::App;

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
}

/// 503 while the store cannot be used or the clock cannot be relied on (I14): the one place where the server says so by its status.
async fn ready(State(app): State<App>) -> (StatusCode, String) {
    if let Err(doubt) = app.clock.check() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no work is done: {doubt}"),
        );
    }
    match app.store.check_health().await {
        Ok(()) => (StatusCode::OK, "ok".into()),
        Err(error) => {
            tracing::error!(%error, "the store is not healthy");
            (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be used".into())
        }
    }
}
