//! Entries: listed newest first, on from a position, and one by one.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use domain::position::Membership;
use serde::Serialize;
use store::inbox::Search;

use crate::{
    api::query,
    app::App,
    inbox::{
        entry::{self, EntryShape},
        reader::{OfEntry, Reader},
    },
    v1::{
        problem::{NativeResult, Problem},
        request::limit,
    },
};

/// Entries on one page, unless asked otherwise.
const PAGE: usize = 20;
/// Entries on one page, at most.
const PAGE_MAX: usize = 100;
/// Characters of a search, at most.
const SEARCH_MAX: usize = 100;

/// Where and how much to read.
pub struct InboxQuery {
    cursor: Option<String>,
    after: Option<String>,
    account: Option<String>,
    search: Option<Search>,
    limit: usize,
}

/// A page of an inbox: with `next_cursor` one newest first, with `more` one on from a position.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum InboxPage {
    /// Newest first.
    Back {
        /// The entries.
        entries: Vec<EntryShape>,
        /// Where the next, older page begins; `null` at the end.
        next_cursor: Option<String>,
        /// The position of the first page of this list: `after` it comes what is sent later.
        position: String,
    },
    /// Oldest first.
    On {
        /// The entries.
        entries: Vec<EntryShape>,
        /// The position after them.
        position: String,
        /// Whether there are more already.
        more: bool,
    },
}

/// `GET /inbox/entries?cursor=&limit=&account=&q=`, or `?after=&limit=&account=`.
pub async fn list(reader: Reader, State(app): State<App>, query: InboxQuery) -> NativeResult<InboxPage> {
    let of = narrowed(&app, &reader, query.account.as_deref()).await?;
    if let Some(after) = &query.after {
        let position = reader.open(&app, after)?;
        let new = app.store.entries_after(&of, &position, query.limit).await?;
        return Ok(Json(InboxPage::On {
            entries: new
                .entries
                .iter()
                .map(|entry| entry::shape(&app, entry))
                .collect(),
            position: reader.seal(&app, &new.position),
            more: new.more,
        }));
    }
    let cursor = query.cursor.as_deref();
    let cursor = cursor.map(|text| reader.open_cursor(&app, text)).transpose()?;
    let page = app
        .store
        .inbox_page(&of, cursor.as_ref(), query.search.as_ref(), query.limit)
        .await?;
    Ok(Json(InboxPage::Back {
        entries: page
            .entries
            .iter()
            .map(|entry| entry::shape(&app, entry))
            .collect(),
        next_cursor: page.next.map(|next| reader.seal_cursor(&app, &next)),
        position: reader.seal(&app, &page.position),
    }))
}

/// `GET /inbox/entries/{id}`.
pub async fn get(of: OfEntry, State(app): State<App>) -> NativeResult<EntryShape> {
    let entry = app.store.inbox_entry(of.follower, of.entry).await?;
    let entry = entry.ok_or_else(|| Problem::not_found("entry"))?;
    Ok(Json(entry::shape(&app, &entry)))
}

/// The reader's part in one account, or in all of them.
async fn narrowed(app: &App, reader: &Reader, app_id: Option<&str>) -> Result<Vec<Membership>, Problem> {
    match app_id {
        None => Ok(reader.memberships().to_vec()),
        Some(app_id) => Ok(vec![reader.follower_of(app, app_id).await?]),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InboxQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let value = |name| query::value(&parts.uri, name);
        let (cursor, after, search) = (value("cursor"), value("after"), value("q"));
        if after.is_some() && (cursor.is_some() || search.is_some()) {
            return Err(Problem::bad_request("after goes with neither cursor nor q"));
        }
        if search
            .as_ref()
            .is_some_and(|text| text.chars().count() > SEARCH_MAX)
        {
            return Err(Problem::bad_request(format!(
                "q must have {SEARCH_MAX} characters at most"
            )));
        }
        Ok(Self {
            cursor,
            after,
            account: value("account"),
            search: search.and_then(|text| Search::new(&text)),
            limit: limit(value("limit").as_deref(), PAGE, PAGE_MAX)?,
        })
    }
}
