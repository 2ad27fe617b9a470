//! Who releases which batch (I16, I18).
//!
//! Embedded, leases live in memory with the folder's lock, so none outlives the process, and only the writer thread reads
//! and changes them. On a server they are rows, under the account's lock. Either way a check and the commit that it allows
//! are one step.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    id::{AccountId, BlockNo, MassId},
    time::Timestamp,
};

use super::sets;
use crate::{
    StoreResult,
    mass::{Lease, WorkerId},
    sql::{Column, Connection, Kind, params},
};

const COLUMNS: [Column; 6] = [
    ("account", Kind::Integer),
    ("mass", Kind::Integer),
    ("block", Kind::Integer),
    ("epoch", Kind::Integer),
    ("worker", Kind::Text),
    ("until", Kind::Integer),
];

/// All leases of a store.
pub(super) enum Leases {
    /// Of one process.
    InMemory(Mutex<Memory>),
    /// Of any number of nodes.
    InRows,
}

/// The leases of one process.
#[derive(Debug, Default)]
pub(super) struct Memory {
    epoch: i64,
    held: HashMap<(AccountId, MassId, BlockNo), Held>,
}

#[derive(Debug)]
struct Held {
    epoch: i64,
    worker: WorkerId,
    until: Timestamp,
}

/// What is asked for.
pub(super) struct Wish<'a> {
    pub(super) account: AccountId,
    pub(super) mass: MassId,
    pub(super) worker: &'a WorkerId,
    /// Batches, at most.
    pub(super) limit: usize,
    /// How many targets may stand before a batch that is due.
    pub(super) allowed: i64,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

impl Leases {
    pub(super) fn in_memory() -> Self {
        Self::InMemory(Mutex::default())
    }

    pub(super) fn in_rows() -> Self {
        Self::InRows
    }

    /// Due batches that nobody else holds, for a transaction that also releases them: it has the account to itself, so
    /// nothing has to be written down.
    pub(super) fn free(&self, db: &Connection, wish: &Wish<'_>) -> StoreResult<Vec<BlockNo>> {
        match self {
            Self::InMemory(memory) => locked(memory).free(db, wish),
            Self::InRows => free_rows(db, wish),
        }
    }

    /// Takes due batches that nobody holds.
    pub(super) fn take(&self, db: &Connection, wish: &Wish<'_>) -> StoreResult<Lease> {
        match self {
            Self::InMemory(memory) => locked(memory).take(db, wish),
            Self::InRows => take_rows(db, wish),
        }
    }

    /// Whether all of it is still held under its epoch.
    pub(super) fn is_held(&self, db: &Connection, lease: &Lease) -> StoreResult<bool> {
        match self {
            Self::InMemory(memory) => Ok(locked(memory).is_held(lease)),
            Self::InRows => rows_are_held(db, lease),
        }
    }

    /// Forgets a lease whose batches were released.
    pub(super) fn give_back(&self, db: &Connection, lease: &Lease) -> StoreResult<()> {
        match self {
            Self::InMemory(memory) => {
                let mut memory = locked(memory);
                for block in &lease.blocks {
                    memory.held.remove(&(lease.account, lease.mass, *block));
                }
            }
            Self::InRows => {
                db.prepare_cached("DELETE FROM lease WHERE account = ? AND mass = ? AND epoch = ?")?
                    .execute(params![lease.account.0, lease.mass.0, lease.epoch])?;
            }
        }
        Ok(())
    }

    /// Forgets who holds batches of a mass that will not be released.
    pub(super) fn forget_mass(&self, db: &Connection, account: AccountId, mass: MassId) -> StoreResult<()> {
        match self {
            Self::InMemory(memory) => locked(memory)
                .held
                .retain(|(held_account, held_mass, _), _| (*held_account, *held_mass) != (account, mass)),
            Self::InRows => {
                db.prepare_cached("DELETE FROM lease WHERE account = ? AND mass = ?")?
                    .execute(params![account.0, mass.0])?;
            }
        }
        Ok(())
    }

    /// Forgets all that this process knows; later leases still have larger numbers.
    pub(super) fn forget(&self) {
        if let Self::InMemory(memory) = self {
            locked(memory).held.clear();
        }
    }
}

fn locked(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    fn take(&mut self, db: &Connection, wish: &Wish<'_>) -> StoreResult<Lease> {
        self.epoch += 1;
        let taken = self.free(db, wish)?;
        for block in &taken {
            let held = Held {
                epoch: self.epoch,
                worker: wish.worker.clone(),
                until: wish.until,
            };
            self.held.insert((wish.account, wish.mass, *block), held);
        }
        Ok(wish.lease(self.epoch, taken))
    }

    fn free(&self, db: &Connection, wish: &Wish<'_>) -> StoreResult<Vec<BlockNo>> {
        let mut free = Vec::new();
        let mut statement = db.prepare_cached(
            "SELECT block FROM batch WHERE account = ? AND mass = ? AND before <= ? ORDER BY block",
        )?;
        let mut rows = statement.query(params![wish.account.0, wish.mass.0, wish.allowed])?;
        while let Some(row) = rows.next()? {
            let block = BlockNo(row.get(0)?);
            let key = (wish.account, wish.mass, block);
            let held = self.held.get(&key);
            if held.is_none_or(|held| held.until <= wish.now || held.worker == *wish.worker) {
                free.push(block);
            }
            if free.len() == wish.limit {
                break;
            }
        }
        Ok(free)
    }

    fn is_held(&self, lease: &Lease) -> bool {
        lease.blocks.iter().all(|block| {
            let held = self.held.get(&(lease.account, lease.mass, *block));
            held.is_some_and(|held| held.epoch == lease.epoch)
        })
    }
}

impl Wish<'_> {
    fn lease(&self, epoch: i64, blocks: Vec<BlockNo>) -> Lease {
        Lease {
            account: self.account,
            mass: self.mass,
            epoch,
            blocks,
        }
    }
}

fn free_rows(db: &Connection, wish: &Wish<'_>) -> StoreResult<Vec<BlockNo>> {
    let mut statement = db.prepare_cached(
        "SELECT batch.block FROM batch LEFT JOIN lease ON lease.account = batch.account AND lease.mass = batch.mass
             AND lease.block = batch.block
         WHERE batch.account = ? AND batch.mass = ? AND batch.before <= ?
             AND (lease.until IS NULL OR lease.until <= ? OR lease.worker = ?)
         ORDER BY batch.block LIMIT ?",
    )?;
    let free = statement.query_map(
        params![
            wish.account.0,
            wish.mass.0,
            wish.allowed,
            wish.now.0,
            wish.worker.0,
            wish.limit
        ],
        |row| row.get(0).map(BlockNo),
    )?;
    Ok(free.collect::<Result<_, _>>()?)
}

fn take_rows(db: &Connection, wish: &Wish<'_>) -> StoreResult<Lease> {
    let blocks = free_rows(db, wish)?;
    if blocks.is_empty() {
        return Ok(wish.lease(0, blocks));
    }
    let epoch = sets::take_numbers(db, wish.account, "lease", 1, 1)?;
    let mut rows = Vec::with_capacity(blocks.len());
    for block in &blocks {
        rows.push(vec![
            wish.account.0.into(),
            wish.mass.0.into(),
            block.0.into(),
            epoch.into(),
            wish.worker.0.as_str().into(),
            wish.until.0.into(),
        ]);
    }
    db.insert_many(
        "lease",
        &COLUMNS,
        "ON CONFLICT (account, mass, block) DO UPDATE
         SET epoch = excluded.epoch, worker = excluded.worker, until = excluded.until",
        &rows,
    )?;
    Ok(wish.lease(epoch, blocks))
}

fn rows_are_held(db: &Connection, lease: &Lease) -> StoreResult<bool> {
    let (Some(first), Some(last)) = (lease.blocks.first(), lease.blocks.last()) else {
        return Ok(true);
    };
    let held: usize = db
        .prepare_cached(
            "SELECT COUNT(*) FROM lease
             WHERE account = ? AND mass = ? AND epoch = ? AND block BETWEEN ? AND ?",
        )?
        .query_row(
            params![lease.account.0, lease.mass.0, lease.epoch, first.0, last.0],
            |row| row.get(0),
        )?;
    Ok(held == lease.blocks.len())
}
