//! [`TagStore`] on SQLite.

use std::{collections::BTreeMap, sync::Arc};

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    block::Block,
    id::{AccountId, Ordinal, TagId},
    tag::{self, Tag, TagRefusal},
};

use super::{
    Shared, SqlStore, accept, account,
    sets::{self, SetKind},
};
use crate::{StoreResult, crash_point, follower::FollowerPage, tag::TagStore};

const STARRED_NAME: &str = "星标组";
const UNTAGGED_NAME: &str = "未分组";
const BLACKLIST_NAME: &str = "黑名单";

#[async_trait]
impl TagStore for SqlStore {
    async fn create_tag(&self, account: AccountId, name: &str) -> StoreResult<Result<Tag, TagRefusal>> {
        let name = name.to_owned();
        self.write(account, move |db, _| {
            if let Err(refusal) = check_free_name(db, account, &name)? {
                return Ok(Err(refusal));
            }
            Ok(find_or_create(db, account, &name)?.map(|id| Tag { id, name, count: 0 }))
        })
        .await
    }

    async fn tags(&self, account: AccountId) -> StoreResult<Vec<Tag>> {
        let kept = &self.shared.kept;
        if let Some(tags) = kept.tags(&account) {
            return Ok((*tags).clone());
        }
        let before = kept.before();
        let tags = self.read(move |db, _| list(db, account)).await?;
        kept.keep_tags(account, account, before, &Arc::new(tags.clone()));
        Ok(tags)
    }

    async fn rename_tag(
        &self,
        account: AccountId,
        tag: TagId,
        name: &str,
    ) -> StoreResult<Result<(), TagRefusal>> {
        let name = name.to_owned();
        self.write(account, move |db, _| {
            let same: Option<String> = db
                .prepare_cached("SELECT name FROM tag WHERE account = ? AND id = ?")?
                .query_row(params![account.0, tag.0], |row| row.get(0))
                .optional()?;
            match same {
                _ if tag::is_preset(tag) => return Ok(Err(TagRefusal::Preset)),
                None => return Ok(Err(TagRefusal::Unknown)),
                Some(same) if same == name => return Ok(Ok(())),
                Some(_) => {}
            }
            if let Err(refusal) = check_free_name(db, account, &name)? {
                return Ok(Err(refusal));
            }
            db.prepare_cached("UPDATE tag SET name = ? WHERE account = ? AND id = ?")?
                .execute(params![name, account.0, tag.0])?;
            Ok(Ok(()))
        })
        .await
    }

    async fn delete_tag(&self, account: AccountId, tag: TagId) -> StoreResult<Result<(), TagRefusal>> {
        self.write(account, move |db, _| {
            if tag::is_preset(tag) {
                return Ok(Err(TagRefusal::Preset));
            }
            if !exists(db, account, tag)? {
                return Ok(Err(TagRefusal::Unknown));
            }
            if sets::total(db, account, SetKind::Tag(tag))? > tag::DELETABLE_FOLLOWERS_MAX {
                return Ok(Err(TagRefusal::TooManyFollowers));
            }
            db.prepare_cached("DELETE FROM tag WHERE account = ? AND id = ?")?
                .execute(params![account.0, tag.0])?;
            db.prepare_cached("DELETE FROM block_set WHERE account = ? AND kind IN (3, 4) AND id = ?")?
                .execute(params![account.0, tag.0])?;
            Ok(Ok(()))
        })
        .await
    }

    async fn tag_followers(
        &self,
        account: AccountId,
        tag: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>> {
        let ordinals = ordinals.to_vec();
        self.write(account, move |db, shared| {
            if !can_be_carried(db, account, tag)? {
                return Ok(Err(TagRefusal::Unknown));
            }
            let limit = per_follower_max(db, shared, account)?;
            let follow = sets::contains_each(db, account, SetKind::Subscribed, &ordinals)?;
            let carried = sets::tags_of_each(db, account, &ordinals)?;
            for (follows, tags) in follow.into_iter().zip(carried) {
                if !follows {
                    return Ok(Err(TagRefusal::NotFollowing));
                }
                if !tags.contains(&tag) && tags.len() >= limit {
                    return Ok(Err(TagRefusal::TooManyOnFollower));
                }
            }
            sets::change(db, account, SetKind::Tag(tag), &ordinals, true)?;
            crash_point!("tag.written");
            Ok(Ok(()))
        })
        .await
    }

    async fn untag_followers(
        &self,
        account: AccountId,
        tag: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>> {
        let ordinals = ordinals.to_vec();
        self.write(account, move |db, _| {
            if !can_be_carried(db, account, tag)? {
                return Ok(Err(TagRefusal::Unknown));
            }
            if !all_follow(db, account, &ordinals)? {
                return Ok(Err(TagRefusal::NotFollowing));
            }
            sets::change(db, account, SetKind::Tag(tag), &ordinals, false)?;
            Ok(Ok(()))
        })
        .await
    }

    async fn groups(&self, account: AccountId) -> StoreResult<Vec<Tag>> {
        self.read(move |db, _| {
            let mut groups = built_in_groups(db, account)?;
            groups.extend(list(db, account)?);
            Ok(groups)
        })
        .await
    }

    async fn move_to_group(
        &self,
        account: AccountId,
        group: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>> {
        let ordinals = ordinals.to_vec();
        self.write(account, move |db, _| move_to_group(db, account, group, &ordinals))
            .await
    }

    async fn tags_of(&self, account: AccountId, ordinals: &[Ordinal]) -> StoreResult<Vec<Vec<TagId>>> {
        let ordinals = ordinals.to_vec();
        self.read(move |db, _| sets::tags_of_each(db, account, &ordinals))
            .await
    }

    async fn tagged_after(
        &self,
        account: AccountId,
        tag: TagId,
        after: Option<Ordinal>,
        limit: usize,
    ) -> StoreResult<Result<FollowerPage, TagRefusal>> {
        self.read(move |db, _| {
            let kind = match tag {
                tag::BLACKLIST => SetKind::Blacklisted,
                tag if can_be_carried(db, account, tag)? => SetKind::Tag(tag),
                _ => return Ok(Err(TagRefusal::Unknown)),
            };
            sets::page(db, account, kind, after, limit).map(Ok)
        })
        .await
    }
}

/// The starred preset and the account's own tags.
fn list(db: &Connection, account: AccountId) -> StoreResult<Vec<Tag>> {
    let mut statement = db.prepare_cached(
        "SELECT id, name FROM (SELECT 2 AS id, ?2 AS name UNION ALL
                               SELECT id, name FROM tag WHERE account = ?1) AS every_tag ORDER BY id",
    )?;
    let rows = statement.query_map(params![account.0, STARRED_NAME], |row| {
        Ok((TagId(row.get(0)?), row.get(1)?))
    })?;
    let tags = rows.map(|row| {
        let (id, name) = row?;
        Ok(Tag {
            id,
            name,
            count: sets::total(db, account, SetKind::Tag(id))?,
        })
    });
    tags.collect()
}

/// Groups 0 and 1: followers without a tag, and the blacklist.
fn built_in_groups(db: &Connection, account: AccountId) -> StoreResult<Vec<Tag>> {
    let blacklisted = accept::blacklisted(db, account)?;
    let mut untagged = accept::untagged(db, account)?;
    for target in &mut untagged {
        if let Some(listed) = blacklisted.iter().find(|listed| listed.block == target.block) {
            let mut rest = Block::decode(&target.bits)?;
            rest.subtract(&Block::decode(&listed.bits)?);
            target.count = u64::from(rest.count());
        }
    }
    let group = |id: TagId, name: &str, members: &[accept::Target]| Tag {
        id,
        name: name.to_owned(),
        count: members.iter().map(|target| target.count).sum(),
    };
    Ok(vec![
        group(tag::UNTAGGED, UNTAGGED_NAME, &untagged),
        group(tag::BLACKLIST, BLACKLIST_NAME, &blacklisted),
    ])
}

fn move_to_group(
    db: &Connection,
    account: AccountId,
    group: TagId,
    ordinals: &[Ordinal],
) -> StoreResult<Result<(), TagRefusal>> {
    let is_tag = can_be_carried(db, account, group)?;
    if !is_tag && ![tag::UNTAGGED, tag::BLACKLIST].contains(&group) {
        return Ok(Err(TagRefusal::Unknown));
    }
    if !all_follow(db, account, ordinals)? {
        return Ok(Err(TagRefusal::NotFollowing));
    }
    let mut others: BTreeMap<TagId, Vec<Ordinal>> = BTreeMap::new();
    for (ordinal, tags) in ordinals.iter().zip(sets::tags_of_each(db, account, ordinals)?) {
        for other in tags.into_iter().filter(|tag| *tag != group) {
            others.entry(other).or_default().push(*ordinal);
        }
    }
    for (other, carriers) in others {
        sets::change(db, account, SetKind::Tag(other), &carriers, false)?;
    }
    sets::change(
        db,
        account,
        SetKind::Blacklisted,
        ordinals,
        group == tag::BLACKLIST,
    )?;
    if is_tag {
        sets::change(db, account, SetKind::Tag(group), ordinals, true)?;
    }
    Ok(Ok(()))
}

/// Whether all of these follow now.
fn all_follow(db: &Connection, account: AccountId, ordinals: &[Ordinal]) -> StoreResult<bool> {
    let follow = sets::contains_each(db, account, SetKind::Subscribed, ordinals)?;
    Ok(follow.into_iter().all(|follows| follows))
}

/// Whether this is an own tag of the account.
pub(super) fn exists(db: &Connection, account: AccountId, tag: TagId) -> StoreResult<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM tag WHERE account = ? AND id = ?")?;
    Ok(statement.exists(params![account.0, tag.0])?)
}

/// How many tags a follower of this account may carry.
pub(super) fn per_follower_max(db: &Connection, shared: &Shared, account: AccountId) -> StoreResult<usize> {
    let found = account::by_id(db, shared, account)?;
    Ok(found.map_or(tag::TAGS_PER_FOLLOWER_MAX, |account| {
        tag::per_follower_max(&account)
    }))
}

/// Whether followers can carry this tag now.
pub(super) fn can_be_carried(db: &Connection, account: AccountId, tag: TagId) -> StoreResult<bool> {
    Ok(tag == tag::STARRED || exists(db, account, tag)?)
}

/// The tag of this name, made if the account can have one more.
pub(super) fn find_or_create(
    db: &Connection,
    account: AccountId,
    name: &str,
) -> StoreResult<Result<TagId, TagRefusal>> {
    if name == STARRED_NAME {
        return Ok(Ok(tag::STARRED));
    }
    if let Some(id) = by_name(db, account, name)? {
        return Ok(Ok(id));
    }
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM tag WHERE account = ?")?
        .query_row([account.0], |row| row.get(0))?;
    if count >= tag::TAGS_MAX {
        return Ok(Err(TagRefusal::TooMany));
    }
    let id = sets::take_numbers(db, account, "tag", tag::FIRST_OWN_TAG.0, 1)?;
    db.prepare_cached("INSERT INTO tag (account, id, name) VALUES (?, ?, ?)")?
        .execute(params![account.0, id, name])?;
    Ok(Ok(TagId(id)))
}

fn by_name(db: &Connection, account: AccountId, name: &str) -> StoreResult<Option<TagId>> {
    let mut statement = db.prepare_cached("SELECT id FROM tag WHERE account = ? AND name = ?")?;
    Ok(statement
        .query_row(params![account.0, name], |row| row.get(0).map(TagId))
        .optional()?)
}

fn check_free_name(db: &Connection, account: AccountId, name: &str) -> StoreResult<Result<(), TagRefusal>> {
    if let Err(refusal) = tag::check_name(name) {
        return Ok(Err(refusal));
    }
    let taken = name == STARRED_NAME || by_name(db, account, name)?.is_some();
    Ok(if taken {
        Err(TagRefusal::NameInvalid)
    } else {
        Ok(())
    })
}
