//! Tags and their members (spec accounts §7).

use axum::extract::State;
use domain::{
    account::Account,
    id::{Ordinal, TagId},
    tag::TAGGING_BATCH_MAX,
};
use wire::{
    done::Done,
    errcode::ErrCode,
    field::Field,
    tag::{
        BatchTagging, Change, CreateAnswer, CreatedTag, GetAnswer, GetIdList, IdListAnswer, Members,
        MembersAnswer, Tag, TagPart,
    },
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
        follower::{OPEN_IDS_PER_PAGE, known_follower, opened, page_start, sealed},
    },
    app::App,
};

/// `POST /cgi-bin/tags/create`.
pub async fn create(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<CreateAnswer> {
    let name = tag_name(request.tag.required(ErrCode::InvalidArgsSize)?.name)?;
    let tag = app.store.create_tag(account.id, &name).await??;
    Ok(Answer(CreateAnswer {
        tag: CreatedTag {
            id: tag.id.0,
            name: tag.name,
        },
    }))
}

/// `GET /cgi-bin/tags/get`.
pub async fn get(State(app): State<App>, Caller(account): Caller) -> ApiResult<GetAnswer> {
    let tags = app.store.tags(account.id).await?;
    let tags = tags.into_iter().map(|tag| Tag {
        id: tag.id.0,
        name: tag.name,
        count: signed(tag.count),
    });
    Ok(Answer(GetAnswer { tags: tags.collect() }))
}

/// `POST /cgi-bin/tags/update`.
pub async fn update(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<Done> {
    let TagPart { id, name } = request.tag.required(ErrCode::InvalidArgsSize)?;
    let id = TagId(id.required(ErrCode::InvalidTagId)?);
    app.store.rename_tag(account.id, id, &tag_name(name)?).await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/tags/delete`.
pub async fn delete(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<Done> {
    let id = request
        .tag
        .required(ErrCode::InvalidArgsSize)?
        .id
        .required(ErrCode::InvalidTagId)?;
    app.store.delete_tag(account.id, TagId(id)).await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/user/tag/get`: the followers who carry a tag, page by page.
pub async fn members(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Members>,
) -> ApiResult<MembersAnswer> {
    let tag = TagId(request.tag().required(ErrCode::InvalidTagId)?);
    let after = page_start(&account, request.next_openid)?;
    let page = app
        .store
        .tagged_after(account.id, tag, after, OPEN_IDS_PER_PAGE)
        .await??;
    Ok(Answer(MembersAnswer::page(sealed(&account, &page.ordinals))))
}

/// `POST /cgi-bin/tags/members/batchtagging`.
pub async fn tag(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchTagging>,
) -> ApiResult<Done> {
    let (tag, ordinals) = tagging(&account, request)?;
    app.store.tag_followers(account.id, tag, &ordinals).await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/tags/members/batchuntagging`.
pub async fn untag(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchTagging>,
) -> ApiResult<Done> {
    let (tag, ordinals) = tagging(&account, request)?;
    app.store.untag_followers(account.id, tag, &ordinals).await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/tags/getidlist`: the tags of one follower.
pub async fn id_list(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<GetIdList>,
) -> ApiResult<IdListAnswer> {
    let open_id = request
        .openid
        .required_or(ErrCode::OpenIdMissing, ErrCode::InvalidOpenId)?;
    let follower = known_follower(&app, &account, &open_id).await?;
    let tags = app.store.tags_of(account.id, &[follower.ordinal]).await?;
    let tagid_list = tags.into_iter().flatten().map(|tag| tag.0).collect();
    Ok(Answer(IdListAnswer { tagid_list }))
}

fn tagging(account: &Account, request: BatchTagging) -> Result<(TagId, Vec<Ordinal>), ApiError> {
    let tag = TagId(request.tag().required(ErrCode::InvalidTagId)?);
    let open_ids = request
        .into_openids()
        .required_or(ErrCode::InvalidOpenIdListSize, ErrCode::InvalidOpenIdList)?;
    Ok((tag, opened(account, &open_ids, TAGGING_BATCH_MAX)?))
}

/// An absent name is an empty one, which the rules refuse.
fn tag_name(name: Field<String>) -> Result<String, ApiError> {
    Ok(name.or_malformed(ErrCode::InvalidTagName)?.unwrap_or_default())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
