//! [`FollowerStore`] on SQLite; imports are in `import`.

use crate::sql::{Column, Connection, Kind, OptionalExtension, Value, params};
use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    follower::{Follower, NewFollower},
    id::{AccountId, ExternalId, Ordinal, TagId},
    tag::TagRefusal,
    time::Timestamp,
};

use super::{
    Shared, SqlStore, outbox,
    sets::{self, SetKind},
    statistics, subscription, tag,
};
use crate::{
    StoreError, StoreResult, crash_point,
    follower::{FollowerPage, FollowerStore, Imported, Subscribed},
    outbox::EventKind,
};

#[async_trait]
impl FollowerStore for SqlStore {
    async fn import_followers(
        &self,
        account: AccountId,
        rows: Vec<NewFollower>,
        now: Timestamp,
    ) -> StoreResult<Imported> {
        self.import(account, rows, now).await
    }

    async fn subscribe(
        &self,
        account: AccountId,
        follower: NewFollower,
        now: Timestamp,
    ) -> StoreResult<Result<Subscribed, TagRefusal>> {
        self.write(account, move |db, shared| {
            subscribe(db, shared, account, &follower, now)
        })
        .await
    }

    async fn subscribe_again(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.write(account, move |db, shared| {
            if !exists(db, account, ordinal)? {
                return Ok(false);
            }
            begin_subscription(db, shared, account, ordinal, now)?;
            crash_point!("subscribe.written");
            Ok(true)
        })
        .await
    }

    async fn unsubscribe(&self, account: AccountId, ordinal: Ordinal, now: Timestamp) -> StoreResult<bool> {
        self.write(account, move |db, shared| {
            if !exists(db, account, ordinal)? {
                return Ok(false);
            }
            if sets::contains(db, account, SetKind::Subscribed, ordinal)? {
                for tag in sets::tags_of(db, account, ordinal)? {
                    sets::change(db, account, SetKind::Tag(tag), &[ordinal], false)?;
                }
                sets::change(db, account, SetKind::Subscribed, &[ordinal], false)?;
                crash_point!("unsubscribe.written");
                statistics::count_followers(db, account, shared.calendar.day(now), 0, 1)?;
                outbox::add(db, account, EventKind::Unsubscribed(ordinal), now)?;
            }
            Ok(true)
        })
        .await
    }

    async fn set_opt_out(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        tag: Option<TagId>,
        opted_out: bool,
    ) -> StoreResult<bool> {
        self.write(account, move |db, _| {
            if !exists(db, account, ordinal)? {
                return Ok(false);
            }
            let kind = tag.map_or(SetKind::OptedOut, SetKind::OptedOutOf);
            sets::change(db, account, kind, &[ordinal], opted_out)?;
            Ok(true)
        })
        .await
    }

    async fn set_blacklisted(
        &self,
        account: AccountId,
        ordinals: &[Ordinal],
        blacklisted: bool,
    ) -> StoreResult<()> {
        let ordinals = ordinals.to_vec();
        self.write(account, move |db, _| {
            let changed = sets::change(db, account, SetKind::Blacklisted, &ordinals, blacklisted)?;
            crash_point!("blacklist.written");
            Ok(changed)
        })
        .await
        .map(drop)
    }

    async fn refusals(&self, account: AccountId, ordinal: Ordinal) -> StoreResult<(bool, bool)> {
        self.read(move |db, _| {
            let opted_out = sets::contains(db, account, SetKind::OptedOut, ordinal)?;
            Ok((
                opted_out,
                sets::contains(db, account, SetKind::Blacklisted, ordinal)?,
            ))
        })
        .await
    }

    async fn followers(
        &self,
        account: AccountId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Vec<Option<Follower>>> {
        let ordinals = ordinals.to_vec();
        self.read(move |db, _| {
            ordinals
                .iter()
                .map(|ordinal| find(db, account, *ordinal))
                .collect()
        })
        .await
    }

    async fn follower_by_external_id(
        &self,
        account: AccountId,
        external_id: &ExternalId,
    ) -> StoreResult<Option<Ordinal>> {
        let external_id = external_id.0.clone();
        self.read(move |db, _| by_external_id(db, account, &external_id))
            .await
    }

    async fn subscribed_after(
        &self,
        account: AccountId,
        after: Option<Ordinal>,
        limit: usize,
    ) -> StoreResult<FollowerPage> {
        self.read(move |db, _| sets::page(db, account, SetKind::Subscribed, after, limit))
            .await
    }

    async fn set_remark(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        remark: &str,
        _now: Timestamp,
    ) -> StoreResult<bool> {
        let remark = remark.to_owned();
        self.write(account, move |db, _| {
            if !sets::contains(db, account, SetKind::Subscribed, ordinal)? {
                return Ok(false);
            }
            db.prepare_cached("UPDATE follower SET remark = ? WHERE key = ?")?
                .execute(params![remark, key(account, ordinal)])?;
            Ok(true)
        })
        .await
    }
}

/// Who an external id is in this account.
pub(super) fn by_external_id(
    db: &Connection,
    account: AccountId,
    external_id: &str,
) -> StoreResult<Option<Ordinal>> {
    let mut statement =
        db.prepare_cached("SELECT ordinal FROM follower_external WHERE external_id = ? AND account = ?")?;
    Ok(statement
        .query_row(params![external_id, account.0], |row| row.get(0).map(Ordinal))
        .optional()?)
}

/// Whether such a follower was ever seen.
pub(super) fn exists(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<bool> {
    // A row alone is not enough: an import that was cut short leaves rows of nobody.
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM follower AS f JOIN follower_external AS e
             ON e.external_id = f.external_id AND e.account = ? AND e.ordinal = ?
         WHERE f.key = ?",
    )?;
    Ok(statement.exists(params![account.0, ordinal.0, key(account, ordinal)])?)
}

/// What a follower is called; empty when the follower never said.
pub(super) fn nickname(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<String> {
    let nickname = db
        .prepare_cached("SELECT nickname FROM follower WHERE key = ?")?
        .query_row([key(account, ordinal)], |row| row.get(0))
        .optional()?;
    Ok(nickname.unwrap_or_default())
}

fn find(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<Option<Follower>> {
    if !exists(db, account, ordinal)? {
        return Ok(None);
    }
    let subscribed = sets::contains(db, account, SetKind::Subscribed, ordinal)?;
    let mut statement = db.prepare_cached(
        "SELECT external_id, nickname, head_image, remark, language, subscribed_at
         FROM follower WHERE key = ?",
    )?;
    let follower = statement.query_row([key(account, ordinal)], |row| {
        Ok(Follower {
            ordinal,
            external_id: ExternalId(row.get(0)?),
            nickname: row.get(1)?,
            head_image: row.get(2)?,
            remark: row.get(3)?,
            language: row.get(4)?,
            subscribed_at: Timestamp(row.get(5)?),
            subscribed,
        })
    });
    Ok(follower.optional()?)
}

fn subscribe(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    follower: &NewFollower,
    now: Timestamp,
) -> StoreResult<Result<Subscribed, TagRefusal>> {
    let known = by_external_id(db, account, &follower.external_id)?;
    let mut tags = match known {
        Some(ordinal) => sets::tags_of(db, account, ordinal)?,
        None => Vec::new(),
    };
    for name in &follower.tags {
        match tag::find_or_create(db, account, name)? {
            Ok(tag) if tags.contains(&tag) => {}
            Ok(tag) => tags.push(tag),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    if !follower.tags.is_empty() && tags.len() > tag::per_follower_max(db, shared, account)? {
        return Ok(Err(TagRefusal::TooManyOnFollower));
    }
    let ordinal = match known {
        Some(ordinal) => {
            update_row(db, account, ordinal, follower)?;
            ordinal
        }
        None => add(db, account, follower, now)?,
    };
    begin_subscription(db, shared, account, ordinal, now)?;
    for tag in tags {
        sets::change(db, account, SetKind::Tag(tag), &[ordinal], true)?;
    }
    Ok(Ok(Subscribed {
        ordinal,
        first_time: known.is_none(),
    }))
}

/// Writes a new follower, not subscribed yet.
fn add(db: &Connection, account: AccountId, follower: &NewFollower, now: Timestamp) -> StoreResult<Ordinal> {
    let ordinal = take_ordinals(db, account, 1)?;
    insert_rows(db, account, std::iter::once((ordinal, follower)), now)?;
    insert_external_ids(
        db,
        account,
        std::iter::once((follower.external_id.as_str(), ordinal)),
    )?;
    Ok(ordinal)
}

fn begin_subscription(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    ordinal: Ordinal,
    now: Timestamp,
) -> StoreResult<()> {
    if sets::change(db, account, SetKind::Subscribed, &[ordinal], true)? == 0 {
        return Ok(());
    }
    statistics::count_followers(db, account, shared.calendar.day(now), 1, 0)?;
    db.prepare_cached("UPDATE follower SET subscribed_at = ? WHERE key = ?")?
        .execute(params![now.0, key(account, ordinal)])?;
    outbox::add(db, account, EventKind::Subscribed(ordinal), now)
}

/// Takes the next `count` ordinals and returns the first.
pub(super) fn take_ordinals(db: &Connection, account: AccountId, count: usize) -> StoreResult<Ordinal> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let first = sets::take_numbers(db, account, "ordinal", 0, count)?;
    let last = u32::try_from(first.saturating_add(count));
    last.map_err(|_| StoreError::Database("the account has no ordinals left".into()))?;
    u32::try_from(first)
        .map(Ordinal)
        .map_err(|_| StoreError::Database("the account has no ordinals left".into()))
}

/// Writes the rows of new followers; ones that an import cut short left behind are replaced.
pub(super) fn insert_rows<'a>(
    db: &Connection,
    account: AccountId,
    rows: impl Iterator<Item = (Ordinal, &'a NewFollower)>,
    now: Timestamp,
) -> StoreResult<()> {
    let rows: Vec<Vec<Value<'_>>> = rows
        .map(|(ordinal, follower)| {
            vec![
                key(account, ordinal).into(),
                follower.external_id.as_str().into(),
                follower.nickname.as_deref().unwrap_or_default().into(),
                "".into(),
                follower.remark.as_deref().unwrap_or_default().into(),
                follower.language.as_deref().unwrap_or_default().into(),
                follower.subscribed_at.unwrap_or(now).0.into(),
            ]
        })
        .collect();
    db.insert_many(
        "follower",
        &COLUMNS,
        "ON CONFLICT (key) DO UPDATE SET external_id = excluded.external_id, nickname = excluded.nickname,
             head_image = excluded.head_image, remark = excluded.remark, language = excluded.language,
             subscribed_at = excluded.subscribed_at",
        &rows,
    )?;
    Ok(())
}

const COLUMNS: [Column; 7] = [
    ("key", Kind::Integer),
    ("external_id", Kind::Text),
    ("nickname", Kind::Text),
    ("head_image", Kind::Text),
    ("remark", Kind::Text),
    ("language", Kind::Text),
    ("subscribed_at", Kind::Integer),
];

/// The key of a follower's row.
pub(super) fn key(account: AccountId, ordinal: Ordinal) -> i64 {
    i64::from(account.0) << 32 | i64::from(ordinal.0)
}

/// Removes the row of an ordinal that became nobody's.
pub(super) fn forget_row(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<()> {
    db.prepare_cached("DELETE FROM follower WHERE key = ?")?
        .execute([key(account, ordinal)])?;
    Ok(())
}

/// Names followers; returns the places of those whose external id is taken.
pub(super) fn insert_external_ids<'a>(
    db: &Connection,
    account: AccountId,
    names: impl Iterator<Item = (&'a str, Ordinal)>,
) -> StoreResult<Vec<usize>> {
    let names: Vec<(&str, Ordinal)> = names.collect();
    let rows: Vec<Vec<Value<'_>>> = names
        .iter()
        .map(|(external_id, ordinal)| vec![(*external_id).into(), account.0.into(), ordinal.0.into()])
        .collect();
    let written = db.insert_many(
        "follower_external",
        &EXTERNAL_COLUMNS,
        "ON CONFLICT (external_id, account) DO NOTHING",
        &rows,
    )?;
    subscription::follow_persons(db, account, &names)?;
    let mut taken = Vec::new();
    if written < names.len() {
        for (place, (external_id, ordinal)) in names.into_iter().enumerate() {
            if by_external_id(db, account, external_id)? != Some(ordinal) {
                taken.push(place);
            }
        }
    }
    Ok(taken)
}

const EXTERNAL_COLUMNS: [Column; 3] = [
    ("external_id", Kind::Text),
    ("account", Kind::Integer),
    ("ordinal", Kind::Integer),
];

/// Who some external ids are in this account; those of nobody are left out.
pub(super) fn by_external_ids<'a>(
    db: &Connection,
    account: AccountId,
    external_ids: impl Iterator<Item = &'a str>,
) -> StoreResult<HashMap<String, Ordinal>> {
    let list = serde_json::to_string(&external_ids.collect::<Vec<_>>())?;
    let mut statement = db.prepare_cached(
        "SELECT external_id, ordinal FROM follower_external
         WHERE account = ? AND external_id IN (SELECT CAST(value AS TEXT) FROM json_each(?))",
    )?;
    let found = statement.query_map(params![account.0, list], |row| {
        Ok((row.get(0)?, row.get(1).map(Ordinal)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Writes what a known follower's new row says; what it does not say stays.
pub(super) fn update_row(
    db: &Connection,
    account: AccountId,
    ordinal: Ordinal,
    follower: &NewFollower,
) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE follower SET nickname = COALESCE(?, nickname), remark = COALESCE(?, remark),
             language = COALESCE(?, language), subscribed_at = COALESCE(?, subscribed_at)
         WHERE key = ?",
    )?
    .execute(params![
        follower.nickname,
        follower.remark,
        follower.language,
        follower.subscribed_at.map(|at| at.0),
        key(account, ordinal),
    ])?;
    Ok(())
}
