//! [`SubscriptionStore`]: browsers of readers that are pushed to.

use std::collections::HashSet;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::{AccountId, BlockNo, ExternalId, Ordinal},
    position::Membership,
    push::{self, Language, SUBSCRIPTIONS_MAX, Subscription},
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, follower, writer::Scope};
use crate::{
    StoreResult,
    inbox_token::InboxTokenEnd,
    push::EndpointHash,
    sql::{Connection, OptionalExtension, params},
    subscription::{Browser, SubscriptionStore},
    vault,
};

/// The setting with the private key of this installation's pushes.
const KEY_SETTING: &str = "web push key";
const AUTH_BYTES: usize = 16;
const POINT_BYTES: usize = 65;

#[async_trait]
impl SubscriptionStore for SqlStore {
    async fn push_key(&self, candidate: [u8; 32]) -> StoreResult<[u8; 32]> {
        if let Some(known) = self.read(key).await? {
            return Ok(known);
        }
        self.write(Scope::Common, move |db, shared| {
            let wrapped = shared.vault.wrap(&candidate, shared.random.bytes())?;
            db.prepare_cached(
                "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![KEY_SETTING, URL_SAFE_NO_PAD.encode(wrapped)])?;
            key(db, shared)?.ok_or_else(|| columns::damaged("the key of pushes"))
        })
        .await
    }

    async fn add_subscription(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        subscription: &Subscription,
        person: bool,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let subscription = subscription.clone();
        let hash = vault::digest(&subscription.endpoint);
        let whose = self.write_aside(account, move |db, shared| {
            let Some(external_id) = external_id(db, account, ordinal)? else {
                return Ok(None);
            };
            let sealed = seal(shared, &subscription)?;
            let row = NewRow {
                hash: &hash,
                external_id: &external_id,
                person,
                language: subscription.language.word(),
                sealed: &sealed,
                now,
            };
            add(db, account, ordinal, &row)?;
            let_oldest_go(db, account, ordinal)?;
            Ok(Some(external_id))
        });
        let Some(external_id) = whose.await? else {
            return Ok(false);
        };
        // A browser has one reader at a time: whoever had it before is not pushed to there any more.
        let others = {
            let external_id = external_id.clone();
            self.read(move |db, _| others(db, &hash, &external_id)).await?
        };
        for other in others {
            let external_id = external_id.clone();
            self.write_aside(other, move |db, _| {
                db.prepare_cached(
                    "DELETE FROM push_subscription WHERE account = ? AND hash = ? AND external_id <> ?",
                )?
                .execute(params![other.0, hash, external_id])?;
                Ok(())
            })
            .await?;
        }
        Ok(true)
    }

    async fn remove_subscription(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        endpoint: &str,
    ) -> StoreResult<bool> {
        let hash = vault::digest(endpoint);
        self.write_aside(account, move |db, _| remove(db, account, ordinal, &hash))
            .await
    }

    async fn end_subscriptions(&self, end: &InboxTokenEnd) -> StoreResult<()> {
        match end.clone() {
            InboxTokenEnd::Token(_) | InboxTokenEnd::TokenOf(..) => {}
            InboxTokenEnd::Follower(Membership { account, ordinal }) => {
                self.write_aside(account, move |db, _| {
                    db.prepare_cached(
                        "DELETE FROM push_subscription
                         WHERE account = ? AND block = ? AND ordinal = ? AND person = 0",
                    )?
                    .execute(params![account.0, ordinal.block().0, ordinal.0])?;
                    Ok(())
                })
                .await?;
            }
            InboxTokenEnd::Person(ExternalId(id)) => {
                let person = id.clone();
                for account in self.read(move |db, _| accounts_of_person(db, &person)).await? {
                    let id = id.clone();
                    self.write_aside(account, move |db, _| {
                        db.prepare_cached(
                            "DELETE FROM push_subscription WHERE account = ? AND external_id = ? AND person = 1",
                        )?
                        .execute(params![account.0, id])?;
                        Ok(())
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }

    async fn subscriptions(&self, account: AccountId, ordinal: Ordinal) -> StoreResult<Vec<Browser>> {
        self.read(move |db, shared| {
            let mut statement = db.prepare_cached(
                "SELECT sealed, created_at, hash FROM push_subscription
                 WHERE account = ? AND block = ? AND ordinal = ? ORDER BY created_at, hash",
            )?;
            let mut rows = statement.query(params![account.0, ordinal.block().0, ordinal.0])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let subscription = open(shared, row.blob(0)?, Language::Chinese)?;
                found.push(Browser {
                    hash: row.get(2)?,
                    host: push::host(&subscription.endpoint),
                    created_at: Timestamp(row.get(1)?),
                });
            }
            Ok(found)
        })
        .await
    }
}

fn key(db: &Connection, shared: &Shared) -> StoreResult<Option<[u8; 32]>> {
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM setting WHERE name = ?")?
        .query_row([KEY_SETTING], |row| row.get(0))
        .optional()?;
    let Some(text) = text else { return Ok(None) };
    let damaged = || columns::damaged("the key of pushes");
    let wrapped = URL_SAFE_NO_PAD.decode(text).map_err(|_| damaged())?;
    let key = shared.vault.unwrap(&wrapped)?;
    key.try_into().map(Some).map_err(|_| damaged())
}

/// Endpoint and keys as they are kept.
fn seal(shared: &Shared, subscription: &Subscription) -> StoreResult<Vec<u8>> {
    let Subscription {
        endpoint,
        p256dh,
        auth,
        ..
    } = subscription;
    if auth.len() != AUTH_BYTES || p256dh.len() != POINT_BYTES {
        return Err(columns::damaged("the keys of a subscription"));
    }
    let plain = [auth.as_slice(), p256dh, endpoint.as_bytes()].concat();
    shared.vault.wrap(&plain, shared.random.bytes())
}

pub(super) fn open(shared: &Shared, sealed: &[u8], language: Language) -> StoreResult<Subscription> {
    let damaged = || columns::damaged("a subscription");
    let plain = shared.vault.unwrap(sealed)?;
    let (auth, rest) = plain.split_at_checked(AUTH_BYTES).ok_or_else(damaged)?;
    let (p256dh, endpoint) = rest.split_at_checked(POINT_BYTES).ok_or_else(damaged)?;
    Ok(Subscription {
        endpoint: String::from_utf8(endpoint.to_vec()).map_err(|_| damaged())?,
        p256dh: p256dh.to_vec(),
        auth: auth.to_vec(),
        language,
    })
}

fn external_id(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<Option<String>> {
    if !follower::exists(db, account, ordinal)? {
        return Ok(None);
    }
    let mut statement = db.prepare_cached("SELECT external_id FROM follower WHERE key = ?")?;
    Ok(statement
        .query_row([follower::key(account, ordinal)], |row| row.get(0))
        .optional()?)
}

struct NewRow<'a> {
    hash: &'a [u8],
    external_id: &'a str,
    person: bool,
    language: &'a str,
    sealed: &'a [u8],
    now: Timestamp,
}

fn add(db: &Connection, account: AccountId, ordinal: Ordinal, row: &NewRow<'_>) -> StoreResult<()> {
    let block = ordinal.block();
    begin_block(db, account, block)?;
    db.prepare_cached(
        "INSERT INTO push_subscription (account, block, ordinal, hash, external_id, person, language, sealed, created_at,
             failures, not_before, pending)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL)
         ON CONFLICT (account, block, ordinal, hash) DO UPDATE SET external_id = excluded.external_id,
             person = excluded.person, language = excluded.language, sealed = excluded.sealed,
             created_at = excluded.created_at, failures = 0, not_before = 0, pending = NULL",
    )?
    .execute(params![
        account.0,
        block.0,
        ordinal.0,
        row.hash,
        row.external_id,
        row.person,
        row.language,
        row.sealed,
        row.now.0
    ])?;
    Ok(())
}

/// Lets the walk of a block without subscriptions begin where its deliveries end now.
fn begin_block(db: &Connection, account: AccountId, block: BlockNo) -> StoreResult<()> {
    if db
        .prepare_cached("SELECT 1 FROM push_subscription WHERE account = ? AND block = ? LIMIT 1")?
        .exists(params![account.0, block.0])?
    {
        return Ok(());
    }
    let next: Option<i64> = db
        .prepare_cached("SELECT next_sequence FROM block_head WHERE account = ? AND block = ?")?
        .query_row(params![account.0, block.0], |row| row.get(0))
        .optional()?;
    db.prepare_cached(
        "INSERT INTO push_block (account, block, next, place, retry_at, epoch, worker, until)
         VALUES (?, ?, ?, 0, NULL, 0, '', 0)
         ON CONFLICT (account, block) DO UPDATE SET next = excluded.next, place = 0, retry_at = NULL,
             epoch = push_block.epoch + 1, until = 0",
    )?
    .execute(params![account.0, block.0, next.unwrap_or(0)])?;
    Ok(())
}

/// Keeps the newest subscriptions of a reader.
fn let_oldest_go(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<()> {
    let mut statement = db.prepare_cached(
        "SELECT hash FROM push_subscription WHERE account = ? AND block = ? AND ordinal = ?
         ORDER BY created_at DESC, hash",
    )?;
    let hashes = statement.query_map(params![account.0, ordinal.block().0, ordinal.0], |row| row.get(0))?;
    let hashes: Vec<EndpointHash> = hashes.collect::<Result<_, _>>()?;
    for hash in hashes.iter().skip(SUBSCRIPTIONS_MAX) {
        remove(db, account, ordinal, hash)?;
    }
    Ok(())
}

pub(super) fn remove(
    db: &Connection,
    account: AccountId,
    ordinal: Ordinal,
    hash: &EndpointHash,
) -> StoreResult<bool> {
    let gone = db
        .prepare_cached(
            "DELETE FROM push_subscription WHERE account = ? AND block = ? AND ordinal = ? AND hash = ?",
        )?
        .execute(params![account.0, ordinal.block().0, ordinal.0, hash])?;
    Ok(gone == 1)
}

/// Accounts in which a person's browsers are pushed to.
fn accounts_of_person(db: &Connection, external_id: &str) -> StoreResult<Vec<AccountId>> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT account FROM push_subscription WHERE external_id = ? AND person = 1",
    )?;
    let found = statement.query_map(params![external_id], |row| row.get(0).map(AccountId))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Accounts in which somebody else has this browser.
fn others(db: &Connection, hash: &EndpointHash, external_id: &str) -> StoreResult<Vec<AccountId>> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT account FROM push_subscription WHERE hash = ? AND external_id <> ?",
    )?;
    let found = statement.query_map(params![hash, external_id], |row| row.get(0).map(AccountId))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Brings the browsers of persons along who are new followers of an account.
pub(super) fn follow_persons(
    db: &Connection,
    account: AccountId,
    new: &[(&str, Ordinal)],
) -> StoreResult<()> {
    let any = db
        .prepare_cached("SELECT 1 FROM push_subscription WHERE person = 1 LIMIT 1")?
        .exists([])?;
    if !any {
        return Ok(());
    }
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT hash, language, sealed, created_at FROM push_subscription
         WHERE external_id = ? AND person = 1 AND account <> ?",
    )?;
    for (external_id, ordinal) in new {
        let found = statement.query_map(params![external_id, account.0], |row| {
            let hash: EndpointHash = row.get(0)?;
            let (language, sealed, at): (String, Vec<u8>, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((hash, language, sealed, at))
        })?;
        let mut known = HashSet::new();
        for copy in found {
            let (hash, language, sealed, at) = copy?;
            if known.insert(hash) {
                let row = NewRow {
                    hash: &hash,
                    external_id,
                    person: true,
                    language: &language,
                    sealed: &sealed,
                    now: Timestamp(at),
                };
                add(db, account, *ordinal, &row)?;
            }
        }
    }
    Ok(())
}
