//! [`PushStore`]: browsers of readers, and the walk over those of a block.

use std::collections::HashSet;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    block::Block,
    id::{AccountId, BlockNo, Ordinal},
    push::{self, Language, SUBSCRIPTIONS_MAX, Subscription},
    time::Timestamp,
};

use super::{
    Shared, SqlStore,
    channel::{self, keep, next_delivery},
    columns, follower,
    writer::Scope,
};
use crate::{
    StoreResult,
    channel::{Lane, LaneLease},
    push::{Browser, Cursor, EndpointHash, PushPage, PushStore, Pushed, Target},
    sql::{Connection, OptionalExtension, Row, params},
    vault,
};

/// Targets of one page, about: a page ends with a follower.
const TARGETS: usize = 128;
/// Rows that are read at once; more than one reader has.
const ROWS: usize = 512;
/// Deliveries to so few are walked by follower, those to more by subscription.
const FEW: u32 = 1_024;
/// The setting with the private key of this installation's pushes.
const KEY_SETTING: &str = "web push key";
const COLUMNS: &str = "ordinal, hash, language, sealed, failures, not_before";
const AUTH_BYTES: usize = 16;
const POINT_BYTES: usize = 65;

#[async_trait]
impl PushStore for SqlStore {
    async fn push_key(&self, candidate: [u8; 32]) -> StoreResult<[u8; 32]> {
        if let Some(known) = self.read(|db, shared| key(db, shared)).await? {
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

    async fn push_page(&self, lease: LaneLease, now: Timestamp) -> StoreResult<Option<PushPage>> {
        self.read(move |db, shared| {
            let Lane::Push(account, block) = lease.lane else {
                return Ok(None);
            };
            let cursor = db
                .prepare_cached(
                    "SELECT next, place FROM push_block WHERE account = ? AND block = ? AND epoch = ?",
                )?
                .query_row(params![account.0, block.0, lease.epoch], |row| {
                    Ok(Cursor {
                        next: row.get(0)?,
                        place: row.get(1)?,
                    })
                })
                .optional()?;
            let Some(cursor) = cursor else { return Ok(None) };
            match new_page(db, shared, (account, block), cursor, now)? {
                Some(page) => Ok(Some(page)),
                None => retry_page(db, shared, (account, block), now),
            }
        })
        .await
    }

    async fn report_push(
        &self,
        lease: LaneLease,
        (sequence, after): (i64, Option<Cursor>),
        results: Vec<(Ordinal, EndpointHash, Pushed)>,
        until: Timestamp,
    ) -> StoreResult<bool> {
        self.write_aside(lease.lane.account(), move |db, _| {
            let Lane::Push(account, block) = lease.lane else {
                return Ok(false);
            };
            if !keep(db, lease, until)? {
                return Ok(false);
            }
            if let Some(after) = after {
                db.prepare_cached(
                    "UPDATE push_block SET next = ?, place = ? WHERE account = ? AND block = ?",
                )?
                .execute(params![after.next, after.place, account.0, block.0])?;
            }
            for (ordinal, hash, pushed) in &results {
                note(db, account, (*ordinal, hash), *pushed, sequence)?;
            }
            db.prepare_cached(
                "UPDATE push_block SET retry_at = (SELECT MIN(s.not_before) FROM push_subscription s
                     WHERE s.account = ?1 AND s.block = ?2 AND s.pending IS NOT NULL)
                 WHERE account = ?1 AND block = ?2",
            )?
            .execute(params![account.0, block.0])?;
            Ok(true)
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

fn open(shared: &Shared, sealed: &[u8], language: Language) -> StoreResult<Subscription> {
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

fn remove(db: &Connection, account: AccountId, ordinal: Ordinal, hash: &EndpointHash) -> StoreResult<bool> {
    let gone = db
        .prepare_cached(
            "DELETE FROM push_subscription WHERE account = ? AND block = ? AND ordinal = ? AND hash = ?",
        )?
        .execute(params![account.0, ordinal.block().0, ordinal.0, hash])?;
    Ok(gone == 1)
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

/// The next targets of a delivery that was not pushed yet.
fn new_page(
    db: &Connection,
    shared: &Shared,
    (account, block): (AccountId, BlockNo),
    cursor: Cursor,
    now: Timestamp,
) -> StoreResult<Option<PushPage>> {
    // What is older is found in the inbox anyway (I9).
    let since = push::fresh_since(now);
    let Some(delivered) = next_delivery(db, (account, block), cursor.next, since)? else {
        return skip_to_end(db, (account, block), cursor);
    };
    let sequence = delivered.head.sequence.0;
    let done = Cursor {
        next: sequence + 1,
        place: 0,
    };
    let mut page = PushPage {
        release: channel::release(db, shared, account, &delivered.head)?,
        targets: Vec::new(),
        after: Some(done),
        sequence,
    };
    if page.release.is_some() {
        let from = if sequence == cursor.next { cursor.place } else { 0 };
        let (targets, more) = targets(db, shared, (account, block), &delivered.to, from)?;
        page.targets = targets;
        if let Some(place) = more {
            page.after = Some(Cursor {
                next: sequence,
                place,
            });
        }
    }
    Ok(Some(page))
}

/// Nothing young enough is left: the walk goes to the end of what there is.
fn skip_to_end(
    db: &Connection,
    (account, block): (AccountId, BlockNo),
    cursor: Cursor,
) -> StoreResult<Option<PushPage>> {
    let next: Option<i64> = db
        .prepare_cached("SELECT next_sequence FROM block_head WHERE account = ? AND block = ?")?
        .query_row(params![account.0, block.0], |row| row.get(0))
        .optional()?;
    Ok(next.filter(|next| *next > cursor.next).map(|next| PushPage {
        release: None,
        targets: Vec::new(),
        after: Some(Cursor { next, place: 0 }),
        sequence: cursor.next,
    }))
}

/// Subscriptions of those who got a delivery, from a place on; and where to go on when there are more.
fn targets(
    db: &Connection,
    shared: &Shared,
    (account, block): (AccountId, BlockNo),
    to: &Block,
    from: u16,
) -> StoreResult<(Vec<Target>, Option<u16>)> {
    let mut found = Vec::new();
    if to.count() <= FEW {
        let wanted = channel::list(to.places_from(from).map(|place| block.ordinal(place)))?;
        let mut statement = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM push_subscription WHERE account = ? AND block = ?
                 AND ordinal IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) ORDER BY ordinal, hash"
        ))?;
        let mut rows = statement.query(params![account.0, block.0, wanted])?;
        while let Some(row) = rows.next()? {
            found.push(target(&row, shared)?);
        }
        return Ok((unmuted(db, account, found)?, None));
    }
    let mut first = block.ordinal(from);
    loop {
        let mut statement = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM push_subscription WHERE account = ? AND block = ? AND ordinal >= ?
             ORDER BY ordinal, hash LIMIT ?"
        ))?;
        let mut rows = statement.query(params![account.0, block.0, first.0, ROWS])?;
        let (mut read, mut page, mut last) = (0, Vec::new(), first);
        while let Some(row) = rows.next()? {
            read += 1;
            last = Ordinal(row.get(0)?);
            if to.contains(last.place()) {
                page.push(target(&row, shared)?);
            }
        }
        if read < ROWS {
            found.extend(page);
            return Ok((unmuted(db, account, found)?, None));
        }
        // The last one may have more browsers than were read.
        page.retain(|target| target.ordinal != last);
        found.extend(page);
        first = last;
        if found.len() >= TARGETS {
            return Ok((unmuted(db, account, found)?, Some(first.place())));
        }
    }
}

/// A row of [`COLUMNS`].
fn target(row: &Row<'_>, shared: &Shared) -> StoreResult<Target> {
    let language: String = row.get(2)?;
    let language = Language::from_word(&language).unwrap_or(Language::Chinese);
    let subscription = open(shared, row.blob(3)?, language);
    if let Err(error) = &subscription {
        tracing::error!(%error, "a push subscription cannot be read");
    }
    Ok(Target {
        ordinal: Ordinal(row.get(0)?),
        hash: row.get(1)?,
        subscription: subscription.ok(),
        failures: row.get(4)?,
        not_before: Timestamp(row.get(5)?),
    })
}

/// Those who have not muted the account.
fn unmuted(db: &Connection, account: AccountId, targets: Vec<Target>) -> StoreResult<Vec<Target>> {
    let muted = channel::muted(db, account, targets.iter().map(|target| target.ordinal))?;
    let heard = targets
        .into_iter()
        .filter(|target| !muted.contains(&target.ordinal));
    Ok(heard.collect())
}

/// Tries that are repeated: of one delivery, the oldest that waits.
fn retry_page(
    db: &Connection,
    shared: &Shared,
    (account, block): (AccountId, BlockNo),
    now: Timestamp,
) -> StoreResult<Option<PushPage>> {
    let sequence: Option<i64> = db
        .prepare_cached(
            "SELECT MIN(pending) FROM push_subscription
             WHERE account = ? AND block = ? AND pending IS NOT NULL AND not_before <= ?",
        )?
        .query_row(params![account.0, block.0, now.0], |row| row.get(0))?;
    let Some(sequence) = sequence else { return Ok(None) };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM push_subscription
         WHERE account = ? AND block = ? AND pending = ? AND not_before <= ? ORDER BY ordinal, hash LIMIT ?"
    ))?;
    let mut rows = statement.query(params![account.0, block.0, sequence, now.0, TARGETS])?;
    let mut targets = Vec::new();
    while let Some(row) = rows.next()? {
        targets.push(target(&row, shared)?);
    }
    let delivered = next_delivery(db, (account, block), sequence, push::fresh_since(now))?;
    let delivered = delivered.filter(|delivered| delivered.head.sequence.0 == sequence);
    let release = match delivered {
        Some(delivered) => channel::release(db, shared, account, &delivered.head)?,
        None => None,
    };
    Ok(Some(PushPage {
        release,
        targets,
        after: None,
        sequence,
    }))
}

fn note(
    db: &Connection,
    account: AccountId,
    (ordinal, hash): (Ordinal, &EndpointHash),
    pushed: Pushed,
    sequence: i64,
) -> StoreResult<()> {
    let (failures, at, pending) = match pushed {
        Pushed::Gone => return remove(db, account, ordinal, hash).map(drop),
        Pushed::Taken => (0, 0, None),
        Pushed::Later { failures, at } => (failures, at.0, Some(sequence)),
        Pushed::Failed { failures, at } => (failures, at.0, None),
    };
    db.prepare_cached(
        "UPDATE push_subscription SET failures = ?, not_before = ?, pending = ?
         WHERE account = ? AND block = ? AND ordinal = ? AND hash = ?",
    )?
    .execute(params![
        failures,
        at,
        pending,
        account.0,
        ordinal.block().0,
        ordinal.0,
        hash
    ])?;
    Ok(())
}
