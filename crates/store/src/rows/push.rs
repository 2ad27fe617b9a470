//! [`PushStore`]: the walk over the browsers of a block.

use async_trait::async_trait;
use domain::{
    block::Block,
    id::{AccountId, BlockNo, Ordinal},
    push::{self, Language},
    time::Timestamp,
};

use super::{
    Shared, SqlStore,
    channel::{self, keep, next_delivery},
    subscription::{open, remove},
};
use crate::{
    StoreResult,
    channel::{Lane, LaneLease},
    push::{Cursor, EndpointHash, PushPage, PushStore, Pushed, Target},
    sql::{Connection, OptionalExtension, Row, params},
};

/// Targets of one page, about: a page ends with a follower.
const TARGETS: usize = 128;
/// Rows that are read at once; more than one reader has.
const ROWS: usize = 512;
/// Deliveries to so few are walked by follower, those to more by subscription.
const FEW: u32 = 1_024;
const COLUMNS: &str = "ordinal, hash, language, sealed, failures, not_before";

#[async_trait]
impl PushStore for SqlStore {
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
