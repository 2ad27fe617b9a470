//! What followers read: `/inbox/entries`, newest first, by an inbox token.

mod article;
mod cursor;
pub mod entry;
mod push;

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::request::Parts,
    routing::{delete, get, post},
};
use domain::id::{AccountId, Ordinal};
use serde::Serialize;
use store::vault;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    api::{query, refused::SharedTrace},
    app::App,
    guess::{Guessed, Guesser},
    inbox::entry::EntryShape,
    source::Source,
    transport::PanicAnswer,
    v1::{
        problem::{NativeResult, Problem},
        request::{bearer, limit},
    },
};

/// Entries on one page, unless asked otherwise.
const PAGE: usize = 20;
/// Entries on one page, at most.
const PAGE_MAX: usize = 100;

/// The follower whom an inbox token stands for.
pub struct Reader {
    /// Of which account.
    pub account: AccountId,
    /// Which follower.
    pub ordinal: Ordinal,
}

/// Where and how much to read.
pub struct InboxQuery {
    cursor: Option<String>,
    limit: usize,
}

/// A page of an inbox.
#[derive(Debug, Serialize)]
pub struct InboxPage {
    entries: Vec<EntryShape>,
    next_cursor: Option<String>,
}

/// All calls of followers' apps.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/inbox/entries",
            get(entries).fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/inbox/entries/{entry}/comments",
            post(article::comment).fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/inbox/entries/{entry}/comments/{comment}",
            delete(article::withdraw).fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/inbox/entries/{entry}/reads",
            post(article::read).fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/inbox/push",
            get(push::key).fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/inbox/push/subscriptions",
            get(push::list)
                .post(push::subscribe)
                .delete(push::unsubscribe)
                .fallback(async || Problem::method_not_allowed()),
        )
        .layer(CatchPanicLayer::custom(PanicAnswer::Problem))
}

/// `GET /inbox/entries?cursor=&limit=`.
pub async fn entries(reader: Reader, State(app): State<App>, query: InboxQuery) -> NativeResult<InboxPage> {
    let before = match &query.cursor {
        Some(text) => Some(
            cursor::open(&app.links, reader.account, text)
                .ok_or_else(|| Problem::bad_request("bad cursor"))?,
        ),
        None => None,
    };
    let page = app
        .store
        .inbox_page(reader.account, reader.ordinal, before, query.limit)
        .await?;
    Ok(Json(InboxPage {
        entries: page
            .entries
            .iter()
            .map(|entry| entry::shape(&app, reader.account, entry))
            .collect(),
        next_cursor: page
            .next
            .map(|next| cursor::seal(&app.links, reader.account, next)),
    }))
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)
            .map(str::to_owned)
            .or_else(|| query::value(&parts.uri, "token"));
        let token = token.ok_or_else(Problem::unauthorized)?;
        let found = app.store.inbox_reader(vault::digest(&token), app.now()).await?;
        let Some((account, ordinal)) = found else {
            let guesser = Guesser::new(Guessed::InboxToken, "", Source::of(&parts.extensions));
            app.guesses().miss(&guesser).await?;
            return Err(Problem::unauthorized());
        };
        if let Some(trace) = parts.extensions.get::<SharedTrace>() {
            trace.is_of(account);
        }
        Ok(Self { account, ordinal })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InboxQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self {
            cursor: query::value(&parts.uri, "cursor"),
            limit: limit(query::value(&parts.uri, "limit").as_deref(), PAGE, PAGE_MAX)?,
        })
    }
}
