//! What is unread, marks, and what was taken back.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use domain::{
    id::Sequence,
    position::{Membership, Position},
    time::{Timestamp, parse_rfc3339},
};
use serde::{Deserialize, Serialize};
use store::reading::{RecalledEntry, Unread};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::query,
    app::App,
    inbox::{entry, reader::Reader},
    live,
    v1::{
        problem::{NativeResult, Problem, ProblemShape},
        request::Strict,
    },
};

/// Entries in one answer about what was taken back, about.
const RECALLS: usize = 1_000;
/// Seconds that two answers about what was taken back overlap: a recall is dated before it is committed.
const OVERLAP_SECONDS: i64 = 60;

/// How much is unread.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadShape {
    /// The sum over all accounts that are not muted.
    unread: u32,
    /// By account; 999 stands for 999 and more.
    accounts: BTreeMap<String, u32>,
}

/// Up to where everything was read; one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    /// Everything of this entry's account, up to and including the entry.
    entry: Option<String>,
    /// Everything of this account.
    account: Option<String>,
    /// Everything up to this position, in all accounts.
    position: Option<String>,
}

/// Since when.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// An instant in RFC 3339: `until` of the answer before.
    #[param(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// Entries that were taken back, the earliest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recalls {
    /// Entries that a cache may still have.
    recalls: Vec<RecallShape>,
    /// The `since` of the next call. Answers overlap a little.
    #[schema(format = DateTime)]
    until: String,
}

/// An entry that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecallShape {
    id: String,
    account: String,
    #[schema(format = DateTime)]
    recalled_at: String,
}

impl UnreadShape {
    /// The sum and the parts.
    pub fn of(unread: &[Unread]) -> Self {
        Self {
            unread: sum(unread),
            accounts: unread
                .iter()
                .map(|unread| (unread.account.app_id.0.clone(), unread.entries))
                .collect(),
        }
    }
}

/// What is unread in all accounts that are not muted.
pub fn sum<'a>(unread: impl IntoIterator<Item = &'a Unread>) -> u32 {
    let heard = unread.into_iter().filter(|unread| !unread.muted);
    heard.map(|unread| unread.entries).sum()
}

/// How much is unread.
#[utoipa::path(get, path = "/inbox/unread", responses(
    (status = 200, body = UnreadShape),
    (status = 401, body = ProblemShape)
))]
pub async fn unread(reader: Reader, State(app): State<App>) -> NativeResult<UnreadShape> {
    let unread = app.store.unread(reader.memberships()).await?;
    Ok(Json(UnreadShape::of(&unread)))
}

/// Marks entries as read. A mark never goes back.
#[utoipa::path(post, path = "/inbox/read", request_body = NewMark, responses(
    (status = 200, description = "What is unread now", body = UnreadShape),
    (status = 400, body = ProblemShape),
    (status = 401, body = ProblemShape),
    (status = 404, description = "No such entry or account of this reader", body = ProblemShape)
))]
pub async fn mark(
    reader: Reader,
    State(app): State<App>,
    Strict(new): Strict<NewMark>,
) -> NativeResult<UnreadShape> {
    let position = position(&app, &reader, new).await?;
    app.store.mark_read(reader.memberships(), &position).await?;
    live::reader_changed(&app, reader.memberships());
    unread(reader, State(app)).await
}

async fn position(app: &App, reader: &Reader, new: NewMark) -> Result<Position, Problem> {
    match new {
        NewMark {
            entry: Some(id),
            account: None,
            position: None,
        } => {
            let unknown = || Problem::not_found("entry");
            let (of, sequence) = reader.entry(app, &id).ok_or_else(unknown)?;
            let entry = app.store.inbox_entry(of, sequence).await?;
            let Membership { account, .. } = entry.map(|_| of).ok_or_else(unknown)?;
            Ok([(account, Sequence(sequence.0 + 1))].into_iter().collect())
        }
        NewMark {
            entry: None,
            account: Some(app_id),
            position: None,
        } => {
            let of = reader.follower_of(app, &app_id).await?;
            Ok(app.store.heads(&[of]).await?)
        }
        NewMark {
            entry: None,
            account: None,
            position: Some(text),
        } => reader.open(app, &text),
        NewMark { .. } => Err(Problem::bad_request("give entry, account or position")),
    }
}

/// Which entries of this reader were taken back since an instant, so that an app's own copies go as well.
#[utoipa::path(get, path = "/inbox/recalls", params(Since), responses(
    (status = 200, body = Recalls),
    (status = 400, body = ProblemShape),
    (status = 401, body = ProblemShape)
))]
pub async fn recalls(reader: Reader, State(app): State<App>, since: Since) -> NativeResult<Recalls> {
    let now = app.now();
    let found = app
        .store
        .recalled_since(reader.memberships(), since.since, RECALLS)
        .await?;
    let complete = now.plus_seconds(-OVERLAP_SECONDS).max(since.since.min(now));
    // All of the last one's second are there.
    let told = |last: &RecalledEntry| Timestamp::from_seconds(last.recalled_at.seconds() + 1);
    let until = match found.last() {
        Some(last) if found.len() >= RECALLS => told(last).min(complete),
        Some(_) | None => complete,
    };
    let recalls = found.iter().map(|recalled| RecallShape {
        id: entry::id(&app, recalled.account.id, recalled.sequence),
        account: recalled.account.app_id.0.clone(),
        recalled_at: app.rfc3339(recalled.recalled_at),
    });
    Ok(Json(Recalls {
        recalls: recalls.collect(),
        until: app.rfc3339(until),
    }))
}

impl<S: Send + Sync> FromRequestParts<S> for Since {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let since = query::value(&parts.uri, "since").and_then(|text| parse_rfc3339(&text));
        let since = since.ok_or_else(|| Problem::bad_request("since must be an instant in RFC 3339"))?;
        Ok(Self { since })
    }
}
