//! The accounts of a reader, and what the reader wants of each.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use domain::{id::TagId, position::Membership};
use serde::{Deserialize, Serialize};
use store::{bus::Hint, reading::ReaderAccount};
use utoipa::ToSchema;

use crate::{
    app::App,
    inbox::{
        entry::{self, EntryJson, EntryShape},
        reader::Reader,
        reading,
    },
    live,
    v1::{
        problem::{NativeResult, Problem, ProblemShape},
        request::Strict,
    },
};

/// All accounts of a reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountList {
    /// Who wrote last comes first.
    accounts: Vec<AccountShape>,
    /// What is unread in all accounts that are not muted.
    unread: u32,
    /// The position after everything that there is.
    position: String,
}

/// An account as one reader stands to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxAccount)]
pub struct AccountShape {
    /// Its appid.
    account: String,
    name: String,
    /// Whether the reader follows it; who left keeps what was received.
    following: bool,
    /// Whether it is left out of the sum of what is unread, and out of pushes.
    muted: bool,
    /// Whether the reader refuses its mass sends.
    opted_out: bool,
    /// The account's tags that the reader carries or refuses.
    tags: Vec<TagShape>,
    /// Entries after the mark; 999 stands for 999 and more.
    unread: u32,
    /// The newest entry that was read: it and all older ones of the account are read.
    read_up_to: Option<String>,
    /// The newest entry.
    #[schema(value_type = Option<EntryShape>)]
    latest: Option<EntryJson>,
}

/// A tag of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxTag)]
pub struct TagShape {
    id: i64,
    name: String,
    /// Whether the reader refuses mass sends to it.
    opted_out: bool,
}

/// What a reader wants of an account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    muted: Option<bool>,
    opted_out: Option<bool>,
    /// False leaves the account, with the event that it gets for that; true follows again.
    following: Option<bool>,
    /// By the number of a tag, true refuses mass sends to it.
    #[serde(default)]
    tags: BTreeMap<String, bool>,
}

/// An account of the reader, as the path names it; 404 for every other one.
pub struct OfAccount(Membership);

/// All accounts of the reader.
#[utoipa::path(get, path = "/inbox/accounts", responses(
    (status = 200, body = AccountList),
    (status = 401, body = ProblemShape)
))]
pub async fn list(reader: Reader, State(app): State<App>) -> NativeResult<AccountList> {
    let (mut accounts, position) = app.store.reader_accounts(reader.memberships()).await?;
    // The order of those that are equal is that of their numbers.
    accounts.sort_by_key(|account| std::cmp::Reverse(account.latest.as_ref().map(|entry| entry.sent_at)));
    Ok(Json(AccountList {
        unread: reading::sum(accounts.iter().map(|account| &account.unread)),
        accounts: accounts.iter().map(|account| shape(&app, account)).collect(),
        position: reader.seal(&app, &position),
    }))
}

/// Mutes an account, refuses its mass sends or those to a tag, leaves it or follows it again.
#[utoipa::path(patch, path = "/inbox/accounts/{appid}", params(("appid" = String, Path)), request_body = Wishes,
    responses(
        (status = 200, body = AccountShape),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape),
        (status = 404, description = "No such account or tag of this reader", body = ProblemShape)
    )
)]
pub async fn change(
    OfAccount(follower): OfAccount,
    State(app): State<App>,
    Strict(wishes): Strict<Wishes>,
) -> NativeResult<AccountShape> {
    let tags = tags(&app, follower, &wishes.tags).await?;
    for (tag, opted_out) in tags {
        refuse(&app, follower, Some(tag), opted_out).await?;
    }
    if let Some(opted_out) = wishes.opted_out {
        refuse(&app, follower, None, opted_out).await?;
    }
    if let Some(muted) = wishes.muted {
        app.store.mute(follower, muted).await?;
    }
    if let Some(following) = wishes.following {
        follow(&app, follower, following).await?;
    }
    live::reader_changed(&app, &[follower]);
    let account = standing(&app, follower).await?;
    let account = account.ok_or_else(|| Problem::not_found("account"))?;
    Ok(Json(shape(&app, &account)))
}

/// The tags that are named, all of them this follower's.
async fn tags(
    app: &App,
    follower: Membership,
    wishes: &BTreeMap<String, bool>,
) -> Result<Vec<(TagId, bool)>, Problem> {
    if wishes.is_empty() {
        return Ok(Vec::new());
    }
    let known = standing(app, follower)
        .await?
        .map_or_else(Vec::new, |account| account.tags);
    let named = wishes.iter().map(|(id, opted_out)| {
        let tag = known.iter().find(|tag| tag.id.0.to_string() == *id);
        let tag = tag.ok_or_else(|| Problem::not_found("tag"))?;
        Ok((tag.id, *opted_out))
    });
    named.collect()
}

async fn standing(app: &App, follower: Membership) -> Result<Option<ReaderAccount>, Problem> {
    let (accounts, _) = app.store.reader_accounts(&[follower]).await?;
    Ok(accounts.into_iter().next())
}

async fn refuse(app: &App, of: Membership, tag: Option<TagId>, opted_out: bool) -> Result<(), Problem> {
    let known = app
        .store
        .set_opt_out(of.account, of.ordinal, tag, opted_out)
        .await?;
    known.then_some(()).ok_or_else(|| Problem::not_found("account"))
}

/// Follows or leaves, with the event that the account gets for it.
async fn follow(app: &App, of: Membership, following: bool) -> Result<(), Problem> {
    let now = app.now();
    let known = if following {
        app.store.subscribe_again(of.account, of.ordinal, now).await?
    } else {
        app.store.unsubscribe(of.account, of.ordinal, now).await?
    };
    app.bus.publish(Hint::Work);
    known.then_some(()).ok_or_else(|| Problem::not_found("account"))
}

fn shape(app: &App, account: &ReaderAccount) -> AccountShape {
    let named = &account.unread.account;
    AccountShape {
        account: named.app_id.0.clone(),
        name: named.name.clone(),
        following: account.following,
        muted: account.unread.muted,
        opted_out: account.opted_out,
        tags: account
            .tags
            .iter()
            .map(|tag| TagShape {
                id: tag.id.0,
                name: tag.name.clone(),
                opted_out: tag.opted_out,
            })
            .collect(),
        unread: account.unread.entries,
        read_up_to: account
            .read_up_to
            .map(|sequence| entry::id(app, named.id, sequence)),
        latest: account.latest.as_ref().map(|entry| EntryJson::of(app, entry)),
    }
}

impl FromRequestParts<App> for OfAccount {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let reader = Reader::from_request_parts(parts, app).await?;
        let unknown = || Problem::not_found("account");
        let names: Path<HashMap<String, String>> = Path::from_request_parts(parts, app)
            .await
            .map_err(|_| unknown())?;
        let app_id = names.get("appid").ok_or_else(unknown)?;
        reader.follower_of(app, app_id).await.map(Self)
    }
}
