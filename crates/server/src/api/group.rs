//! Groups (分组), as clients from before 2016 call tags (spec accounts §8).
//!
//! A group is a tag with the same number. A follower is in one group only: moving one takes all its other tags
//! away, group 1 is the blacklist, and group 0 is having no tag.

use axum::extract::State;
use domain::{
    account::Account,
    id::TagId,
    tag::{self, TAGGING_BATCH_MAX, Tag},
};
use wire::{
    done::Done,
    errcode::ErrCode,
    field::Field,
    group::{Change, CreateAnswer, CreatedGroup, GetAnswer, GetId, GetIdAnswer, Group, GroupPart, Move},
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiResult, group_refusal},
        follower::{known_follower, opened},
    },
    app::App,
};

/// `POST /cgi-bin/groups/create`.
pub async fn create(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<CreateAnswer> {
    let name = name(request.group.required(ErrCode::InvalidArgsSize)?.name)?;
    let tag = app.store.create_tag(account.id, &name).await?;
    let tag = tag.map_err(group_refusal)?;
    Ok(Answer(CreateAnswer {
        group: CreatedGroup {
            id: tag.id.0,
            name: tag.name,
        },
    }))
}

/// `GET /cgi-bin/groups/get`: the built-in groups 0, 1 and 2 first.
pub async fn get(State(app): State<App>, Caller(account): Caller) -> ApiResult<GetAnswer> {
    let groups = app.store.groups(account.id).await?;
    Ok(Answer(GetAnswer {
        groups: groups.into_iter().map(group).collect(),
    }))
}

/// `POST /cgi-bin/groups/getid`: 1 for the blacklist, else the first tag, else 0.
pub async fn get_id(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<GetId>,
) -> ApiResult<GetIdAnswer> {
    let open_id = request
        .openid
        .required_or(ErrCode::OpenIdMissing, ErrCode::InvalidOpenId)?;
    let follower = known_follower(&app, &account, &open_id).await?;
    let (_, blacklisted) = app.store.refusals(account.id, follower.ordinal).await?;
    let tags = app.store.tags_of(account.id, &[follower.ordinal]).await?;
    let first = tags.into_iter().flatten().next();
    let group = if blacklisted {
        tag::BLACKLIST
    } else {
        first.unwrap_or(tag::UNTAGGED)
    };
    Ok(Answer(GetIdAnswer { groupid: group.0 }))
}

/// `POST /cgi-bin/groups/update`: another name.
pub async fn update(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<Done> {
    let GroupPart { id, name: new } = request.group.required(ErrCode::InvalidArgsSize)?;
    let id = TagId(id.required(ErrCode::InvalidGroupId)?);
    let renamed = app.store.rename_tag(account.id, id, &name(new)?).await?;
    renamed.map_err(group_refusal)?;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/groups/delete`: its members fall back to group 0.
pub async fn delete(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Change>,
) -> ApiResult<Done> {
    let group = request.group.required(ErrCode::InvalidArgsSize)?;
    let id = TagId(group.id.required(ErrCode::InvalidGroupId)?);
    let deleted = app.store.delete_tag(account.id, id).await?;
    deleted.map_err(group_refusal)?;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/groups/members/update`: one follower.
pub async fn move_one(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Move>,
) -> ApiResult<Done> {
    let open_id = request
        .openid
        .required_or(ErrCode::OpenIdMissing, ErrCode::InvalidOpenId)?;
    move_followers(&app, &account, &[open_id], request.to_groupid).await
}

/// `POST /cgi-bin/groups/members/batchupdate`: up to fifty.
pub async fn move_many(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Move>,
) -> ApiResult<Done> {
    let open_ids = request
        .openid_list
        .required_or(ErrCode::InvalidOpenIdListSize, ErrCode::InvalidOpenIdList)?;
    move_followers(&app, &account, &open_ids, request.to_groupid).await
}

async fn move_followers(
    app: &App,
    account: &Account,
    open_ids: &[String],
    to: Field<i64>,
) -> ApiResult<Done> {
    let to = TagId(to.required(ErrCode::InvalidGroupId)?);
    let ordinals = opened(account, open_ids, TAGGING_BATCH_MAX)?;
    let moved = app.store.move_to_group(account.id, to, &ordinals).await?;
    moved.map_err(group_refusal)?;
    Ok(Answer(Done::default()))
}

/// An absent name is an empty one, which the rules refuse.
fn name(name: Field<String>) -> Result<String, ErrCode> {
    Ok(name.or_malformed(ErrCode::InvalidGroupName)?.unwrap_or_default())
}

fn group(tag: Tag) -> Group {
    Group {
        id: tag.id.0,
        name: tag.name,
        count: i64::try_from(tag.count).unwrap_or(i64::MAX),
    }
}
