//! Entries: listed newest first, on from a position, and one by one.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::position::Membership;
use serde::Serialize;
use store::inbox::Search;
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::query,
    app::App,
    inbox::{
        entry::{EntryJson, EntryShape},
        reader::{OfEntry, Reader},
    },
    v1::{
        problem::{NativeResult, Problem, ProblemShape},
        request::limit,
    },
};

/// Entries on one page, unless asked otherwise.
const PAGE: usize = 20;
/// Entries on one page, at most.
const PAGE_MAX: usize = 100;
/// Characters of a search, at most.
const SEARCH_MAX: usize = 100;
/// Bytes of a page beside its entries, about: a cursor and a position of a few accounts.
const AROUND_BYTES: usize = 512;

/// Where and how much to read.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// A position: what came after it, oldest first; without `cursor` and `q`.
    after: Option<String>,
    /// Only entries of the account with this appid.
    account: Option<String>,
    /// Words that titles, digests or texts must have, 100 characters at most. A page may be short; go on while there is
    /// a `next_cursor`.
    #[param(rename = "q", value_type = Option<String>)]
    search: Option<Search>,
    /// Entries on the page: 1 to 100, 20 when left out.
    #[param(value_type = Option<u32>)]
    limit: usize,
}

/// A page of an inbox: with `next_cursor` one newest first, with `more` one on from a position.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum InboxPage {
    /// Newest first.
    Back {
        /// The entries.
        #[schema(value_type = Vec<EntryShape>)]
        entries: Vec<EntryJson>,
        /// Where the next, older page begins; `null` at the end.
        next_cursor: Option<String>,
        /// The position of the first page of this list: `after` it comes what is sent later.
        position: String,
    },
    /// Oldest first.
    On {
        /// The entries.
        #[schema(value_type = Vec<EntryShape>)]
        entries: Vec<EntryJson>,
        /// The position after them.
        position: String,
        /// Whether there are more already.
        more: bool,
    },
}

impl IntoResponse for InboxPage {
    fn into_response(self) -> Response {
        let (Self::Back { entries, .. } | Self::On { entries, .. }) = &self;
        // Room for all of it at once: a text that grows is copied again and again.
        let room = entries.iter().map(|entry| entry.bytes() + 1).sum::<usize>() + AROUND_BYTES;
        let mut text = Vec::with_capacity(room);
        match serde_json::to_writer(&mut text, &self) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
            Err(_) => Problem::internal().into_response(),
        }
    }
}

/// Entries newest first, page by page; or with `after` those that came after a position, oldest first.
#[utoipa::path(get, path = "/inbox/entries", params(InboxQuery), responses(
    (status = 200, body = InboxPage),
    (status = 304, description = "As in If-None-Match; every other read answers so too"),
    (status = 400, body = ProblemShape),
    (status = 401, body = ProblemShape),
    (status = 404, description = "No such account of this reader", body = ProblemShape)
))]
pub async fn list(reader: Reader, State(app): State<App>, query: InboxQuery) -> Result<InboxPage, Problem> {
    let of = narrowed(&app, &reader, query.account.as_deref()).await?;
    if let Some(after) = &query.after {
        let position = reader.open(&app, after)?;
        let new = app
            .store
            .entries_after(&of, &position, &position, query.limit)
            .await?;
        return Ok(InboxPage::On {
            entries: EntryJson::all(&app, &new.entries),
            position: reader.seal(&app, &new.position),
            more: new.more,
        });
    }
    let cursor = query.cursor.as_deref();
    let cursor = cursor.map(|text| reader.open_cursor(&app, text)).transpose()?;
    let page = app
        .store
        .inbox_page(&of, cursor.as_ref(), query.search.as_ref(), query.limit)
        .await?;
    Ok(InboxPage::Back {
        entries: EntryJson::all(&app, &page.entries),
        next_cursor: page.next.map(|next| reader.seal_cursor(&app, &next)),
        position: reader.seal(&app, &page.position),
    })
}

/// One entry.
#[utoipa::path(get, path = "/inbox/entries/{entry}", params(("entry" = String, Path)), responses(
    (status = 200, body = EntryShape),
    (status = 401, body = ProblemShape),
    (status = 404, description = "Not in this inbox, or taken back", body = ProblemShape)
))]
pub async fn get(of: OfEntry, State(app): State<App>) -> NativeResult<EntryJson> {
    let entry = app.store.inbox_entry(of.follower, of.entry).await?;
    let entry = entry.ok_or_else(|| Problem::not_found("entry"))?;
    Ok(Json(EntryJson::of(&app, &entry)))
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
