//! [`RetentionStore`]: a mass goes whole or not at all, so that a check between two transactions finds nothing amiss.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{
    id::AccountId,
    retention::forget_before,
    time::{Day, Timestamp},
};

use super::SqlStore;
use crate::{
    StoreResult,
    retention::{Dropped, RetentionStore, dropped, note_dropped},
    sql::{Connection, params},
};

/// Bulk transactions end after this, so that calls pass.
const SLICE: Duration = Duration::from_millis(20);
/// Masses that are looked for at once.
const MASSES: usize = 16;
/// Rows of statistics that go at once.
const STRIDE: usize = 500;
/// The tables of reads with their keys.
const READS: [(&str, &str); 2] = [
    ("article_reads", "account, day, hour, news, article, source"),
    ("article_readers", "account, day, hour, news, article, block"),
];

#[async_trait]
impl RetentionStore for SqlStore {
    async fn drop_deliveries(&self, months: u32, now: Timestamp) -> StoreResult<u64> {
        let before = forget_before(&self.shared.calendar, months, now);
        let accounts = self.read(move |db, _| accounts_to_do(db, before)).await?;
        let mut gone = 0;
        for account in accounts {
            let mut finished = false;
            while !finished {
                let slice = move |db: &Connection, shared: &super::Shared| {
                    let day = shared.calendar.day(before);
                    drop_slice(db, account, before, day)
                };
                let (dropped, last) = self.write_bulk(account, slice).await?;
                gone += dropped;
                finished = last;
            }
        }
        Ok(gone)
    }
}

/// Accounts of which not everything before this instant was dropped.
fn accounts_to_do(db: &Connection, before: Timestamp) -> StoreResult<Vec<AccountId>> {
    let mut statement = db.prepare_cached("SELECT id FROM account ORDER BY id")?;
    let all: Vec<u32> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut to_do = Vec::new();
    for account in all.into_iter().map(AccountId) {
        let done = dropped(db, account)?;
        if done.before < before.0 || !done.finished {
            to_do.push(account);
        }
    }
    Ok(to_do)
}

/// What one transaction drops: how many deliveries, and whether nothing is left to drop.
fn drop_slice(db: &Connection, account: AccountId, before: Timestamp, day: Day) -> StoreResult<(u64, bool)> {
    let started = Instant::now();
    let mut note = dropped(db, account)?;
    if note.before < before.0 {
        note = Dropped {
            before: before.0,
            after: 0,
            finished: false,
            ..note
        };
    }
    let known = note.deliveries;
    while !note.finished && started.elapsed() < SLICE {
        note.finished = match next_masses(db, account, &note)?[..] {
            [] => !drop_reads(db, account, day)?,
            ref masses => {
                for mass in masses {
                    note.deliveries += drop_mass(db, account, *mass)?;
                    note.after = *mass;
                    if started.elapsed() >= SLICE {
                        break;
                    }
                }
                false
            }
        };
    }
    note_dropped(db, account, note)?;
    Ok((u64::try_from(note.deliveries - known).unwrap_or(0), note.finished))
}

fn next_masses(db: &Connection, account: AccountId, note: &Dropped) -> StoreResult<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM mass
         WHERE account = ? AND id > ? AND finished_at < ? AND state <> 0 AND origin <> 2
             AND EXISTS (SELECT 1 FROM delivery WHERE delivery.account = mass.account AND delivery.mass = mass.id)
         ORDER BY id LIMIT ?",
    )?;
    let ids = statement.query_map(params![account.0, note.after, note.before, MASSES], |row| {
        row.get(0)
    })?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn drop_mass(db: &Connection, account: AccountId, mass: i64) -> StoreResult<i64> {
    let gone = db
        .prepare_cached("DELETE FROM delivery WHERE account = ? AND mass = ?")?
        .execute(params![account.0, mass])?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

/// Drops some rows of reads before a day; whether there were any.
fn drop_reads(db: &Connection, account: AccountId, day: Day) -> StoreResult<bool> {
    let mut gone = 0;
    for (table, key) in READS {
        let mut statement = db.prepare_cached(&format!(
            "DELETE FROM {table} WHERE ({key}) IN
                 (SELECT {key} FROM {table} WHERE account = ? AND day < ? LIMIT ?)"
        ))?;
        gone += statement.execute(params![account.0, day.0, STRIDE])?;
    }
    Ok(gone > 0)
}
