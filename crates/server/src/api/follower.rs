//! Followers: the list, details, remarks, the blacklist (spec accounts §9).

use axum::extract::State;
use domain::{
    account::Account,
    follower::{Follower, REMARK_LIMIT},
    id::{Ordinal, TagId},
    tag,
};
use wire::{
    done::Done,
    errcode::ErrCode,
    field::Field,
    follower::{
        BatchBlacklist, BatchGet, BatchGetAnswer, GetBlacklist, Info, InfoQuery, ListAnswer, ListQuery,
        Profile, UpdateRemark,
    },
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
        query::Query,
    },
    app::App,
};

/// OpenIDs on one page of `user/get` and `user/tag/get`.
pub const OPEN_IDS_PER_PAGE: usize = 10_000;
/// OpenIDs on one page of the blacklist.
const BLACKLIST_PER_PAGE: usize = 1_000;
/// OpenIDs in one call of `batchblacklist` (40032).
const BLACKLIST_BATCH_MAX: usize = 20;
/// OpenIDs in one call of `user/info/batchget` (40032).
const INFO_BATCH_MAX: usize = 100;
/// How followers came, as far as anybody told us.
const SUBSCRIBE_SCENE: &str = "ADD_SCENE_OTHERS";

/// `GET /cgi-bin/user/get`: who follows now, page by page.
pub async fn list(
    State(app): State<App>,
    Caller(account): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<ListAnswer> {
    let after = page_start(&account, query.next_openid)?;
    let page = app
        .store
        .subscribed_after(account.id, after, OPEN_IDS_PER_PAGE)
        .await?;
    Ok(Answer(ListAnswer::page(
        total(page.total),
        sealed(&account, &page.ordinals),
    )))
}

/// `GET /cgi-bin/user/info`.
pub async fn info(
    State(app): State<App>,
    Caller(account): Caller,
    Query(query): Query<InfoQuery>,
) -> ApiResult<Info> {
    let open_id = query
        .openid
        .required_or(ErrCode::OpenIdMissing, ErrCode::InvalidOpenId)?;
    let follower = known_follower(&app, &account, &open_id).await?;
    let infos = infos(&app, &account, vec![follower]).await?;
    infos
        .into_iter()
        .next()
        .map(Answer)
        .ok_or(ErrCode::InvalidOpenId.into())
}

/// `POST /cgi-bin/user/info/batchget`.
pub async fn batch_info(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchGet>,
) -> ApiResult<BatchGetAnswer> {
    let items = request
        .user_list
        .required_or(ErrCode::InvalidOpenIdListSize, ErrCode::InvalidOpenIdList)?;
    let open_ids = items
        .into_iter()
        .map(|item| item.openid.required(ErrCode::InvalidOpenId));
    let open_ids = open_ids.collect::<Result<Vec<String>, ErrCode>>()?;
    let ordinals = opened(&account, &open_ids, INFO_BATCH_MAX)?;
    let followers = app.store.followers(account.id, &ordinals).await?;
    let followers: Option<Vec<Follower>> = followers.into_iter().collect();
    let user_info_list = infos(&app, &account, followers.ok_or(ErrCode::InvalidOpenId)?).await?;
    Ok(Answer(BatchGetAnswer { user_info_list }))
}

/// `POST /cgi-bin/user/info/updateremark`.
pub async fn update_remark(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<UpdateRemark>,
) -> ApiResult<Done> {
    let open_id = request.openid.required(ErrCode::InvalidOpenId)?;
    let remark = request
        .remark
        .or_malformed(ErrCode::InvalidRemarkName)?
        .unwrap_or_default();
    if remark.chars().count() >= REMARK_LIMIT {
        return Err(ErrCode::InvalidRemarkName.into());
    }
    let follower = known_follower(&app, &account, &open_id).await?;
    if !app
        .store
        .set_remark(account.id, follower.ordinal, &remark, app.now())
        .await?
    {
        return Err(ErrCode::RequireSubscribe.into());
    }
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/tags/members/getblacklist`: the old group 1, page by page.
pub async fn blacklist(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<GetBlacklist>,
) -> ApiResult<ListAnswer> {
    let after = page_start(&account, request.begin_openid)?;
    let page = app
        .store
        .tagged_after(account.id, tag::BLACKLIST, after, BLACKLIST_PER_PAGE)
        .await??;
    Ok(Answer(ListAnswer::page(
        total(page.total),
        sealed(&account, &page.ordinals),
    )))
}

/// `POST /cgi-bin/tags/members/batchblacklist`.
pub async fn batch_blacklist(
    state: State<App>,
    caller: Caller,
    request: Wire<BatchBlacklist>,
) -> ApiResult<Done> {
    set_blacklisted(state, caller, request, true).await
}

/// `POST /cgi-bin/tags/members/batchunblacklist`.
pub async fn batch_unblacklist(
    state: State<App>,
    caller: Caller,
    request: Wire<BatchBlacklist>,
) -> ApiResult<Done> {
    set_blacklisted(state, caller, request, false).await
}

async fn set_blacklisted(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchBlacklist>,
    blacklisted: bool,
) -> ApiResult<Done> {
    let open_ids = request
        .into_openids()
        .required_or(ErrCode::InvalidOpenIdListSize, ErrCode::InvalidOpenIdList)?;
    let ordinals = opened(&account, &open_ids, BLACKLIST_BATCH_MAX)?;
    if app
        .store
        .followers(account.id, &ordinals)
        .await?
        .iter()
        .any(Option::is_none)
    {
        return Err(ErrCode::InvalidOpenId.into());
    }
    app.store
        .set_blacklisted(account.id, &ordinals, blacklisted)
        .await?;
    Ok(Answer(Done::default()))
}

/// The follower that an OpenID names, also one who left; 40003 otherwise.
pub async fn known_follower(app: &App, account: &Account, open_id: &str) -> Result<Follower, ApiError> {
    let ordinal = account.open_id_key.open(open_id).ok_or(ErrCode::InvalidOpenId)?;
    let found = app.store.followers(account.id, &[ordinal]).await?;
    found
        .into_iter()
        .next()
        .flatten()
        .ok_or(ErrCode::InvalidOpenId.into())
}

/// The ordinals of a list of one to `max` OpenIDs of this account, in its order.
pub fn opened(account: &Account, open_ids: &[String], max: usize) -> Result<Vec<Ordinal>, ApiError> {
    if !(1..=max).contains(&open_ids.len()) {
        return Err(ErrCode::InvalidOpenIdListSize.into());
    }
    let ordinals = open_ids.iter().map(|open_id| account.open_id_key.open(open_id));
    ordinals
        .collect::<Option<Vec<Ordinal>>>()
        .ok_or(ErrCode::InvalidOpenId.into())
}

/// The OpenIDs of these followers.
pub fn sealed(account: &Account, ordinals: &[Ordinal]) -> Vec<String> {
    ordinals
        .iter()
        .map(|ordinal| account.open_id_key.seal(*ordinal).0)
        .collect()
}

/// The follower after whom a page starts; `None` for the first page.
pub fn page_start(account: &Account, next_open_id: Field<String>) -> Result<Option<Ordinal>, ApiError> {
    match next_open_id.or_malformed(ErrCode::InvalidOpenId)? {
        None => Ok(None),
        Some(open_id) => account
            .open_id_key
            .open(&open_id)
            .map(Some)
            .ok_or(ErrCode::InvalidOpenId.into()),
    }
}

async fn infos(app: &App, account: &Account, followers: Vec<Follower>) -> Result<Vec<Info>, ApiError> {
    let ordinals: Vec<Ordinal> = followers.iter().map(|follower| follower.ordinal).collect();
    let tags = app.store.tags_of(account.id, &ordinals).await?;
    Ok(followers
        .into_iter()
        .zip(tags)
        .map(|(follower, tags)| info_of(account, follower, &tags))
        .collect())
}

fn info_of(account: &Account, follower: Follower, tags: &[TagId]) -> Info {
    let open_id = account.open_id_key.seal(follower.ordinal).0;
    if !follower.subscribed {
        return Info::left(open_id);
    }
    let profile = Profile {
        nickname: follower.nickname,
        language: follower.language,
        headimgurl: follower.head_image,
        subscribe_time: follower.subscribed_at.seconds(),
        remark: follower.remark,
        groupid: tags.first().copied().unwrap_or(tag::UNTAGGED).0,
        subscribe_scene: SUBSCRIBE_SCENE.to_owned(),
        ..Profile::default()
    };
    Info::follower(open_id, tags.iter().map(|tag| tag.0).collect(), profile)
}

fn total(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
