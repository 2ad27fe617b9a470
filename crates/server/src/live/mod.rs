//! The live feed: what arrives in an inbox, told at once over SSE (`/inbox/live`) or WebSocket (`/inbox/ws`).
//!
//! A feed is only a hint (I9): it carries what the inbox holds, and whoever was away goes on after its last position. One
//! [`hub::Hub`] of a node knows who is online; a hint makes it read the new deliveries of a block once, test only the
//! online ordinals and write each entry once. A [`feed::Feed`] is one reader's: first what came after its position, from
//! the rows, then what the hub puts into its [`mailbox::Mailbox`].

pub mod event;
pub mod feed;
pub mod hub;
pub mod mailbox;
pub mod sse;
mod watch;
pub mod ws;

pub use watch::run;

use axum::{Router, routing::get};
use domain::position::Membership;
use store::{StoreResult, bus::Hint, inbox_token::InboxTokenEnd};

use crate::{app::App, v1::problem::Problem};

/// Has the feeds of these followers look at their reader again, on every node.
pub fn reader_changed(app: &App, followers: &[Membership]) {
    for of in followers {
        app.bus.publish(Hint::Reader(of.account, of.ordinal));
    }
}

/// Ends inbox tokens, and with them the feeds that they opened; all of somebody, and their browsers are not pushed to any more.
pub async fn end_tokens(app: &App, end: InboxTokenEnd) -> StoreResult<()> {
    let followers = app.store.followers_of_tokens(&end).await?;
    app.store.end_subscriptions(&end).await?;
    app.store.end_inbox_tokens(end).await?;
    reader_changed(app, &followers);
    Ok(())
}

/// Both transports.
pub fn routes() -> Router<App> {
    let wrong_method = async || Problem::method_not_allowed();
    Router::new()
        .route("/inbox/live", get(sse::live).fallback(wrong_method))
        .route("/inbox/ws", get(ws::live).fallback(wrong_method))
}
