//! Followers: listed, subscribing, leaving, refusing.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use domain::{
    account::Account,
    follower::{self, Follower},
    id::{Ordinal, TagId},
};
use serde::{Deserialize, Serialize};
use store::bus::Hint;

use crate::{
    app::App,
    v1::{
        import::rows::JsonRow,
        problem::{NativeResult, Problem},
        request::{OfAccount, Page, Strict},
    },
};

/// A page of followers.
#[derive(Debug, Serialize)]
pub struct FollowerList {
    total: u64,
    followers: Vec<FollowerShape>,
    next: Option<String>,
}

/// A follower.
#[derive(Debug, Serialize)]
pub struct FollowerShape {
    openid: String,
    external_id: String,
    nickname: String,
    remark: String,
    language: String,
    subscribed: bool,
    subscribe_time: i64,
    tags: Vec<i64>,
}

/// Whether a follower follows after the call.
#[derive(Debug, Serialize)]
pub struct Subscription {
    openid: String,
    subscribed: bool,
}

/// Whether a follower refuses mass sends: all of the account's, or those to one tag.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    opted_out: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag_id: Option<i64>,
}

/// The follower that the path names, of the account that the path names.
pub struct OfFollower {
    account: Account,
    ordinal: Ordinal,
}

impl FromRequestParts<App> for OfFollower {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let OfAccount(account) = OfAccount::from_request_parts(parts, app).await?;
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let names = names.map_err(|_| Problem::not_found("follower"))?;
        let open_id = names
            .get("openid")
            .ok_or_else(|| Problem::not_found("follower"))?;
        let ordinal = known(app, &account, open_id).await?;
        Ok(Self { account, ordinal })
    }
}

/// `GET /v1/accounts/{appid}/followers?after=&limit=`: who follows now.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<FollowerList> {
    let open = |open_id: &String| account.open_id_key.open(open_id);
    let after = page
        .from
        .as_ref()
        .map(|open_id| open(open_id).ok_or_else(|| Problem::bad_request("after must be an openid")));
    let found = app
        .store
        .subscribed_after(account.id, after.transpose()?, page.limit)
        .await?;
    let followers = app.store.followers(account.id, &found.ordinals).await?;
    let tags = app.store.tags_of(account.id, &found.ordinals).await?;
    let next = found
        .ordinals
        .last()
        .filter(|_| found.ordinals.len() == page.limit);
    let next = next.map(|ordinal| account.open_id_key.seal(*ordinal).0);
    let followers = followers
        .into_iter()
        .zip(tags)
        .filter_map(|(follower, tags)| Some(shape(&account, follower?, &tags)));
    Ok(Json(FollowerList {
        total: found.total,
        followers: followers.collect(),
        next,
    }))
}

/// `POST /v1/accounts/{appid}/followers/subscribe`: somebody begins to follow, with the event; the body is one
/// row of an import.
pub async fn subscribe_new(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(row): Strict<JsonRow>,
) -> NativeResult<Subscription> {
    let new = row.into_follower().map_err(Problem::bad_request)?;
    follower::check(&new).map_err(|refusal| Problem::bad_request(refusal.to_string()))?;
    let subscribed = app.store.subscribe(account.id, new, app.now()).await??;
    app.bus.publish(Hint::Work);
    Ok(subscription(&account, subscribed.ordinal, true))
}

/// `POST /v1/accounts/{appid}/followers/{openid}/subscribe`: follows again, with the event.
pub async fn subscribe(of: OfFollower, State(app): State<App>) -> NativeResult<Subscription> {
    if !app
        .store
        .subscribe_again(of.account.id, of.ordinal, app.now())
        .await?
    {
        return Err(Problem::not_found("follower"));
    }
    app.bus.publish(Hint::Work);
    Ok(subscription(&of.account, of.ordinal, true))
}

/// `POST /v1/accounts/{appid}/followers/{openid}/unsubscribe`: leaves, with the event.
pub async fn unsubscribe(of: OfFollower, State(app): State<App>) -> NativeResult<Subscription> {
    if !app
        .store
        .unsubscribe(of.account.id, of.ordinal, app.now())
        .await?
    {
        return Err(Problem::not_found("follower"));
    }
    app.bus.publish(Hint::Work);
    Ok(subscription(&of.account, of.ordinal, false))
}

/// `PUT /v1/accounts/{appid}/followers/{openid}/opt-out`.
pub async fn opt_out(
    of: OfFollower,
    State(app): State<App>,
    Strict(body): Strict<OptOut>,
) -> NativeResult<OptOut> {
    let tag = body.tag_id.map(TagId);
    if !app
        .store
        .set_opt_out(of.account.id, of.ordinal, tag, body.opted_out)
        .await?
    {
        return Err(Problem::not_found("follower"));
    }
    Ok(Json(body))
}

/// The follower of an OpenID, also one who left; 404 otherwise.
pub async fn known(app: &App, account: &Account, open_id: &str) -> Result<Ordinal, Problem> {
    let unknown = || Problem::not_found("follower");
    let ordinal = account.open_id_key.open(open_id).ok_or_else(unknown)?;
    let found = app.store.followers(account.id, &[ordinal]).await?;
    found
        .into_iter()
        .next()
        .flatten()
        .map(|follower| follower.ordinal)
        .ok_or_else(unknown)
}

fn subscription(account: &Account, ordinal: Ordinal, subscribed: bool) -> Json<Subscription> {
    Json(Subscription {
        openid: account.open_id_key.seal(ordinal).0,
        subscribed,
    })
}

fn shape(account: &Account, follower: Follower, tags: &[TagId]) -> FollowerShape {
    FollowerShape {
        openid: account.open_id_key.seal(follower.ordinal).0,
        external_id: follower.external_id.0,
        nickname: follower.nickname,
        remark: follower.remark,
        language: follower.language,
        subscribed: follower.subscribed,
        subscribe_time: follower.subscribed_at.seconds(),
        tags: tags.iter().map(|tag| tag.0).collect(),
    }
}
