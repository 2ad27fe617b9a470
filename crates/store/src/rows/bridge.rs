//! [`BridgeStore`]: batches are made from the deliveries as they are told, in the order of their release.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence},
    time::Timestamp,
    webhook::{FOLLOWERS_MAX, Next, Trouble},
};

use super::{
    Shared, SqlStore,
    channel::{self, Delivered, keep, next_delivery},
    columns, follower, sets,
};
use crate::{
    StoreResult,
    bridge::{Bridge, BridgeAddress, BridgeStore, DeadLetter, Letter, Range, Told},
    channel::{Lane, LaneLease},
    sql::{Connection, OptionalExtension, Row, params},
};

/// Characters of a reason that are kept.
const REASON_CHARS: usize = 200;
const DEAD_COLUMNS: &str =
    "id, mass, block, sequence, from_place, to_place, followers, reason, set_aside_at, resend";

#[async_trait]
impl BridgeStore for SqlStore {
    async fn bridge(&self, account: AccountId) -> StoreResult<Option<Bridge>> {
        self.read(move |db, shared| bridge(db, shared, account)).await
    }

    async fn set_bridge(
        &self,
        account: AccountId,
        address: &BridgeAddress,
        now: Timestamp,
    ) -> StoreResult<()> {
        let address = address.clone();
        self.write_aside(account, move |db, shared| {
            let sealed = seal(shared, &address)?;
            let changed = db
                .prepare_cached(
                    "UPDATE push_bridge SET sealed = ?, attempts = 0, failing_since = NULL, set_aside = 0, due_at = 0,
                         last_error = '' WHERE account = ?",
                )?
                .execute(params![sealed, account.0])?;
            if changed == 0 {
                begin(db, account, &sealed, now)?;
            }
            Ok(())
        })
        .await
    }

    async fn remove_bridge(&self, account: AccountId) -> StoreResult<bool> {
        self.write_aside(account, move |db, _| {
            let mut gone = 0;
            for table in ["bridge_block", "dead_letter", "push_bridge"] {
                gone = db
                    .prepare_cached(&format!("DELETE FROM {table} WHERE account = ?"))?
                    .execute([account.0])?;
            }
            Ok(gone == 1)
        })
        .await
    }

    async fn next_letter(&self, lease: LaneLease, now: Timestamp) -> StoreResult<Option<Letter>> {
        self.read(move |db, shared| {
            let account = lease.lane.account();
            let held = db
                .prepare_cached("SELECT 1 FROM push_bridge WHERE account = ? AND epoch = ?")?
                .exists(params![account.0, lease.epoch])?;
            let Some(bridge) = bridge(db, shared, account)?.filter(|_| held) else {
                return Ok(None);
            };
            if let Some(dead) = to_resend(db, account)? {
                let delivered = delivery(db, (account, dead.range.block), dead.range.sequence)?;
                return letter(
                    db,
                    shared,
                    account,
                    bridge,
                    Part {
                        range: dead.range,
                        delivered,
                        again: Some(dead.id),
                    },
                )
                .map(Some);
            }
            if bridge.due_at > now {
                return Ok(None);
            }
            match next_part(db, account)? {
                Some(part) => letter(db, shared, account, bridge, part).map(Some),
                None => Ok(None),
            }
        })
        .await
    }

    async fn report_letter(
        &self,
        lease: LaneLease,
        letter: &Letter,
        told: Told,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (range, more, again) = (letter.range, letter.more, letter.again);
        self.write_aside(lease.lane.account(), move |db, _| {
            let Lane::Bridge(account) = lease.lane else {
                return Ok(false);
            };
            if !keep(db, lease, until)? {
                return Ok(false);
            }
            match again {
                Some(id) => told_again(db, account, (id, range, more), &told, now)?,
                None => told_first(db, account, (range, more), &told, now)?,
            }
            Ok(true)
        })
        .await
    }

    async fn dead_letters(
        &self,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<DeadLetter>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {DEAD_COLUMNS} FROM dead_letter WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?"
            ))?;
            let found = statement.query_map(params![account.0, before.unwrap_or(i64::MAX), limit], dead)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn resend_dead_letter(&self, account: AccountId, id: i64) -> StoreResult<bool> {
        self.write_aside(account, move |db, _| {
            let changed = db
                .prepare_cached("UPDATE dead_letter SET resend = 1 WHERE account = ? AND id = ?")?
                .execute(params![account.0, id])?;
            Ok(changed == 1)
        })
        .await
    }
}

/// Address and secret as they are kept.
fn seal(shared: &Shared, address: &BridgeAddress) -> StoreResult<Vec<u8>> {
    let length = u8::try_from(address.secret.len()).map_err(|_| columns::damaged("a bridge's secret"))?;
    let plain = [&[length][..], &address.secret, address.url.as_bytes()].concat();
    shared.vault.wrap(&plain, shared.random.bytes())
}

fn open(shared: &Shared, sealed: &[u8]) -> StoreResult<BridgeAddress> {
    let damaged = || columns::damaged("a bridge's address");
    let plain = shared.vault.unwrap(sealed)?;
    let (length, rest) = plain.split_first().ok_or_else(damaged)?;
    let (secret, url) = rest.split_at_checked(usize::from(*length)).ok_or_else(damaged)?;
    Ok(BridgeAddress {
        url: String::from_utf8(url.to_vec()).map_err(|_| damaged())?,
        secret: secret.to_vec(),
    })
}

fn bridge(db: &Connection, shared: &Shared, account: AccountId) -> StoreResult<Option<Bridge>> {
    let mut statement = db.prepare_cached(
        "SELECT sealed, created_at, attempts, failing_since, set_aside, due_at, last_error, taken_at
         FROM push_bridge WHERE account = ?",
    )?;
    let mut rows = statement.query([account.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (failing_since, taken_at): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(7)?);
    Ok(Some(Bridge {
        address: open(shared, row.blob(0)?)?,
        created_at: Timestamp(row.get(1)?),
        trouble: Trouble {
            attempts: row.get(2)?,
            failing_since: failing_since.map(Timestamp),
            set_aside: row.get(4)?,
        },
        due_at: Timestamp(row.get(5)?),
        last_error: row.get(6)?,
        taken_at: taken_at.map(Timestamp),
        waiting: waiting(db, account)?,
        dead_letters: db
            .prepare_cached("SELECT COUNT(*) FROM dead_letter WHERE account = ?")?
            .query_row([account.0], |row| row.get(0))?,
    }))
}

fn waiting(db: &Connection, account: AccountId) -> StoreResult<u64> {
    let mut statement = db.prepare_cached(
        "SELECT CAST(COALESCE(SUM(h.next_sequence - COALESCE(c.next, 0)), 0) AS BIGINT)
         FROM block_head h LEFT JOIN bridge_block c ON c.account = h.account AND c.block = h.block
         WHERE h.account = ?",
    )?;
    Ok(statement.query_row([account.0], |row| row.get(0))?)
}

/// A new bridge: what was released before is not told.
fn begin(db: &Connection, account: AccountId, sealed: &[u8], now: Timestamp) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO push_bridge (account, sealed, created_at, attempts, failing_since, set_aside, due_at, last_error,
             taken_at, epoch, worker, until)
         VALUES (?, ?, ?, 0, NULL, 0, 0, '', NULL, 0, '', 0)",
    )?
    .execute(params![account.0, sealed, now.0])?;
    db.prepare_cached(
        "INSERT INTO bridge_block (account, block, next, place)
         SELECT account, block, next_sequence, 0 FROM block_head WHERE account = ?",
    )?
    .execute([account.0])?;
    Ok(())
}

/// Part of a delivery that is told; the delivery is `None` when retention dropped it.
struct Part {
    range: Range,
    delivered: Option<Delivered>,
    again: Option<i64>,
}

fn to_resend(db: &Connection, account: AccountId) -> StoreResult<Option<DeadLetter>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {DEAD_COLUMNS} FROM dead_letter WHERE account = ? AND resend = 1 ORDER BY id LIMIT 1"
    ))?;
    Ok(statement.query_row([account.0], dead).optional()?)
}

fn dead(row: &Row<'_>) -> crate::sql::Result<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        range: Range {
            mass: MassId(row.get(1)?),
            block: BlockNo(row.get(2)?),
            sequence: Sequence(row.get(3)?),
            from: row.get(4)?,
            to: row.get(5)?,
        },
        followers: row.get(6)?,
        reason: row.get(7)?,
        set_aside_at: Timestamp(row.get(8)?),
        resend: row.get(9)?,
    })
}

fn delivery(db: &Connection, of: (AccountId, BlockNo), sequence: Sequence) -> StoreResult<Option<Delivered>> {
    let found = next_delivery(db, of, sequence.0, Timestamp(i64::MIN))?;
    Ok(found.filter(|found| found.head.sequence == sequence))
}

/// What was released first of what is not told; a delivery that was begun comes before all others.
fn next_part(db: &Connection, account: AccountId) -> StoreResult<Option<Part>> {
    let mut statement = db.prepare_cached(
        "SELECT h.block, COALESCE(c.next, 0), COALESCE(c.place, 0), h.next_sequence,
             (SELECT MIN(d.sequence) FROM delivery d
              WHERE d.account = h.account AND d.block = h.block AND d.sequence >= COALESCE(c.next, 0))
         FROM block_head h LEFT JOIN bridge_block c ON c.account = h.account AND c.block = h.block
         WHERE h.account = ? AND h.next_sequence > COALESCE(c.next, 0) ORDER BY h.block",
    )?;
    let mut rows = statement.query([account.0])?;
    let mut released = db.prepare_cached(
        "SELECT released_at, mass FROM delivery WHERE account = ? AND block = ? AND sequence = ?",
    )?;
    let mut first: Option<((i64, i64), (BlockNo, i64, u16))> = None;
    while let Some(row) = rows.next()? {
        let (block, next, place): (_, i64, u16) = (BlockNo(row.get(0)?), row.get(1)?, row.get(2)?);
        let found: Option<i64> = row.get(4)?;
        let Some(sequence) = found else {
            // Retention dropped them all: nothing to tell, up to the end.
            let end: i64 = row.get(3)?;
            return Ok(Some(nothing(block, end - 1)));
        };
        let begun = place > 0 && sequence == next;
        let place = if begun { place } else { 0 };
        let at = released.query_row(params![account.0, block.0, sequence], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        if begun {
            first = Some((at, (block, sequence, place)));
            break;
        }
        if first.is_none_or(|(sooner, _)| at < sooner) {
            first = Some((at, (block, sequence, place)));
        }
    }
    let Some((_, (block, sequence, place))) = first else {
        return Ok(None);
    };
    let Some(delivered) = delivery(db, (account, block), Sequence(sequence))? else {
        return Ok(None);
    };
    Ok(Some(Part {
        range: Range {
            mass: delivered.head.mass,
            block,
            sequence: Sequence(sequence),
            from: place,
            to: u16::MAX,
        },
        delivered: Some(delivered),
        again: None,
    }))
}

fn nothing(block: BlockNo, sequence: i64) -> Part {
    Part {
        range: Range {
            mass: MassId(0),
            block,
            sequence: Sequence(sequence),
            from: 0,
            to: u16::MAX,
        },
        delivered: None,
        again: None,
    }
}

/// The letter about the first followers of a part. Its range follows from the delivery alone, so that it is the same at
/// every try, whoever mutes meanwhile.
fn letter(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    bridge: Bridge,
    part: Part,
) -> StoreResult<Letter> {
    let mut letter = Letter {
        address: bridge.address,
        trouble: bridge.trouble,
        range: part.range,
        more: false,
        release: None,
        followers: Vec::new(),
        again: part.again,
    };
    let Some(delivered) = part.delivered else {
        return Ok(letter);
    };
    letter.release = channel::release(db, shared, account, &delivered.head)?;
    if letter.release.is_none() {
        return Ok(letter);
    }
    let Range { block, from, to, .. } = part.range;
    let within = delivered.to.places_from(from).take_while(|place| *place <= to);
    let mut places: Vec<u16> = within.take(FOLLOWERS_MAX + 1).collect();
    if places.len() > FOLLOWERS_MAX {
        places.truncate(FOLLOWERS_MAX);
        letter.more = true;
        letter.range.to = places.last().copied().unwrap_or(to);
    }
    let ordinals: Vec<Ordinal> = places.into_iter().map(|place| block.ordinal(place)).collect();
    letter.followers = followers(db, account, &ordinals)?;
    Ok(letter)
}

/// Those of some followers who have not muted the account, with the organisation's own ids.
fn followers(
    db: &Connection,
    account: AccountId,
    ordinals: &[Ordinal],
) -> StoreResult<Vec<(Ordinal, String)>> {
    let muted = channel::muted(db, account, ordinals.iter().copied())?;
    let keys: Vec<i64> = ordinals
        .iter()
        .map(|ordinal| follower::key(account, *ordinal))
        .collect();
    let mut statement = db.prepare_cached(
        "SELECT key, external_id FROM follower WHERE key IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let found = statement.query_map([serde_json::to_string(&keys)?], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let mut names: HashMap<i64, String> = found.collect::<Result<_, _>>()?;
    let heard = ordinals.iter().filter(|ordinal| !muted.contains(ordinal));
    Ok(heard
        .map(|ordinal| {
            let name = names.remove(&follower::key(account, *ordinal));
            (*ordinal, name.unwrap_or_default())
        })
        .collect())
}

/// Goes on behind what was told in the usual course.
fn told_first(
    db: &Connection,
    account: AccountId,
    (range, more): (Range, bool),
    told: &Told,
    now: Timestamp,
) -> StoreResult<()> {
    match told {
        Told::Taken => {
            db.prepare_cached(
                "UPDATE push_bridge SET attempts = 0, failing_since = NULL, set_aside = 0, due_at = 0, last_error = '',
                     taken_at = ? WHERE account = ?",
            )?
            .execute(params![now.0, account.0])?;
            go_on(db, account, range, more)
        }
        Told::Skipped => go_on(db, account, range, more),
        Told::Failed { error, trouble, next } => {
            let (attempts, set_aside, due_at) = match next {
                Next::TryAgain(at) => (trouble.attempts, trouble.set_aside, at.0),
                Next::SetAside | Next::SetAsideRest => (0, trouble.set_aside + 1, 0),
            };
            db.prepare_cached(
                "UPDATE push_bridge SET attempts = ?, failing_since = ?, set_aside = ?, due_at = ?, last_error = ?
                 WHERE account = ?",
            )?
            .execute(params![
                attempts,
                trouble.failing_since.map(|at| at.0),
                set_aside,
                due_at,
                short(error),
                account.0
            ])?;
            match next {
                Next::TryAgain(_) => Ok(()),
                Next::SetAside => {
                    set_aside_range(db, account, range, error, now)?;
                    go_on(db, account, range, more)
                }
                Next::SetAsideRest => {
                    let rest = Range {
                        to: u16::MAX,
                        ..range
                    };
                    set_aside_range(db, account, rest, error, now)?;
                    go_on(db, account, rest, false)
                }
            }
        }
    }
}

fn go_on(db: &Connection, account: AccountId, range: Range, more: bool) -> StoreResult<()> {
    let (next, place) = match range.to.checked_add(1).filter(|_| more) {
        Some(place) => (range.sequence.0, place),
        None => (range.sequence.0 + 1, 0),
    };
    db.prepare_cached(
        "INSERT INTO bridge_block (account, block, next, place) VALUES (?, ?, ?, ?)
         ON CONFLICT (account, block) DO UPDATE SET next = excluded.next, place = excluded.place",
    )?
    .execute(params![account.0, range.block.0, next, place])?;
    Ok(())
}

fn set_aside_range(
    db: &Connection,
    account: AccountId,
    range: Range,
    reason: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let id = sets::take_numbers(db, account, "dead letter", 1, 1)?;
    let followers = match delivery(db, (account, range.block), range.sequence)? {
        Some(delivered) => {
            let within = delivered.to.places_from(range.from);
            within.take_while(|place| *place <= range.to).count()
        }
        None => 0,
    };
    db.prepare_cached(
        "INSERT INTO dead_letter (account, id, mass, block, sequence, from_place, to_place, followers, reason,
             set_aside_at, resend)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
    )?
    .execute(params![
        account.0,
        id,
        range.mass.0,
        range.block.0,
        range.sequence.0,
        range.from,
        range.to,
        followers,
        short(reason),
        now.0
    ])?;
    Ok(())
}

/// Goes on with a dead letter: it shrinks by what was taken, is gone with its last follower, and waits again when it was not
/// taken.
fn told_again(
    db: &Connection,
    account: AccountId,
    (id, range, more): (i64, Range, bool),
    told: &Told,
    now: Timestamp,
) -> StoreResult<()> {
    match told {
        Told::Taken | Told::Skipped if more => {
            let told = i64::try_from(FOLLOWERS_MAX).unwrap_or(i64::MAX);
            db.prepare_cached(
                "UPDATE dead_letter SET from_place = ?, followers = followers - ? WHERE account = ? AND id = ?",
            )?
            .execute(params![i64::from(range.to) + 1, told, account.0, id])?;
        }
        Told::Taken | Told::Skipped => {
            db.prepare_cached("DELETE FROM dead_letter WHERE account = ? AND id = ?")?
                .execute(params![account.0, id])?;
        }
        Told::Failed { error, .. } => {
            db.prepare_cached(
                "UPDATE dead_letter SET resend = 0, reason = ?, set_aside_at = ? WHERE account = ? AND id = ?",
            )?
            .execute(params![short(error), now.0, account.0, id])?;
        }
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(REASON_CHARS).collect()
}
