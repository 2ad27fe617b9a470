//! Releasing: leases, the outcome of each block, and the receipts it is decided by.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence, TagId},
    receipts::Receipts,
    release::{self, Facts, Outcomes},
    time::{Month, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Shared, SqliteStore, account, mass, rows,
    sets::{self, SetKind},
};
use crate::{
    StoreResult, crash_point,
    mass::{Lease, Released, WorkerId},
};

/// Blocks whose receipts are kept in memory: 24 KiB each, enough for 100 million followers.
const RECEIPTS_BLOCKS: u64 = 2_048;

/// Who holds which batch. It lives with the folder's lock, so no lease outlives the process; it is read and
/// changed by the writer thread only, so a check and the commit it allows are one step (I16).
#[derive(Debug, Default)]
pub(super) struct Leases {
    epoch: i64,
    held: HashMap<(AccountId, MassId, BlockNo), Held>,
}

#[derive(Debug)]
struct Held {
    epoch: i64,
    worker: WorkerId,
    until: Timestamp,
}

/// The month's receipts of blocks released lately; caught up from the delivery rows whenever used.
pub(super) struct ReceiptsCache(moka::sync::Cache<(AccountId, BlockNo), Arc<Receipts>>);

impl Default for ReceiptsCache {
    fn default() -> Self {
        Self(moka::sync::Cache::new(RECEIPTS_BLOCKS))
    }
}

impl Leases {
    /// Forgets who holds what; later leases still have larger numbers.
    pub(super) fn forget(&mut self) {
        self.held.clear();
    }
}

impl ReceiptsCache {
    /// Forgets all counts.
    pub(super) fn forget(&self) {
        self.0.invalidate_all();
    }
}

type Fresh = Vec<(BlockNo, Receipts)>;

/// Takes due batches that nobody holds.
pub(super) fn lease(
    db: &Connection,
    shared: &Shared,
    (account, mass): (AccountId, MassId),
    worker: &WorkerId,
    limit: usize,
    (now, lease_ms): (Timestamp, i64),
) -> StoreResult<Lease> {
    let mut leases = leases(shared);
    leases.epoch += 1;
    let epoch = leases.epoch;
    let mut taken = Lease {
        account,
        mass,
        epoch,
        blocks: Vec::new(),
    };
    if mass::pace(db, account, mass)?.is_none() {
        return Ok(taken);
    }
    // The pace begins when the checks are passed, or what was allowed meanwhile would burst out.
    db.prepare_cached(
        "UPDATE mass SET checked = 1, base_time = MAX(base_time, ?) WHERE account = ? AND id = ? AND checked = 0",
    )?
    .execute(params![now.0, account.0, mass.0])?;
    let Some(pace) = mass::pace(db, account, mass)? else {
        return Ok(taken);
    };
    let allowed = pace
        .allowed(now)
        .map_or(i64::MAX, |allowed| i64::try_from(allowed).unwrap_or(i64::MAX));
    let mut statement = db.prepare_cached(
        "SELECT block FROM batch WHERE account = ? AND mass = ? AND before <= ? ORDER BY block",
    )?;
    let mut rows = statement.query(params![account.0, mass.0, allowed])?;
    while let Some(row) = rows.next()? {
        let block = BlockNo(row.get(0)?);
        let key = (account, mass, block);
        let free = leases
            .held
            .get(&key)
            .is_none_or(|held| held.until <= now || held.worker == *worker);
        if free {
            leases.held.insert(
                key,
                Held {
                    epoch,
                    worker: worker.clone(),
                    until: now.plus_ms(lease_ms),
                },
            );
            taken.blocks.push(block);
        }
        if taken.blocks.len() == limit {
            break;
        }
    }
    Ok(taken)
}

/// Forgets who holds batches of a mass that will not be released.
pub(super) fn forget_leases(shared: &Shared, account: AccountId, mass: MassId) {
    leases(shared)
        .held
        .retain(|(held_account, held_mass, _), _| (*held_account, *held_mass) != (account, mass));
}

fn leases(shared: &Shared) -> MutexGuard<'_, Leases> {
    shared.leases.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SqliteStore {
    /// Releases the leased blocks in one commit. Receipts are read ahead on a reader, so that the writer
    /// only adds what was released since.
    pub(super) async fn release(&self, lease: Lease, now: Timestamp) -> StoreResult<Released> {
        let ahead = lease.clone();
        self.read(move |db, shared| warm_receipts(db, shared, &ahead, now))
            .await?;
        let (released, fresh) = self
            .write(move |db, shared| release_all(db, shared, &lease, now))
            .await?;
        // Only what is committed enters the cache; what is lost here is read from the rows again.
        if let Some((account, fresh)) = fresh {
            for (block, receipts) in fresh {
                self.shared
                    .receipts
                    .0
                    .insert((account, block), Arc::new(receipts));
            }
        }
        Ok(released)
    }
}

fn warm_receipts(db: &Connection, shared: &Shared, lease: &Lease, now: Timestamp) -> StoreResult<()> {
    let quota =
        account::by_id(db, shared, lease.account)?.and_then(|account| account.quota.receipts_per_month);
    if quota.is_none() {
        return Ok(());
    }
    let month = shared.calendar.month(now);
    for block in &lease.blocks {
        let key = (lease.account, *block);
        if shared
            .receipts
            .0
            .get(&key)
            .is_none_or(|known| known.month != month)
        {
            let receipts = receipts(db, shared, lease.account, *block, month)?;
            shared.receipts.0.insert(key, Arc::new(receipts));
        }
    }
    Ok(())
}

/// The receipts of a block in `month`, from the cache and what was delivered since.
fn receipts(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    block: BlockNo,
    month: Month,
) -> StoreResult<Receipts> {
    let known = shared
        .receipts
        .0
        .get(&(account, block))
        .filter(|known| known.month == month);
    let mut receipts = known.map_or_else(|| Receipts::none(month), |known| (*known).clone());
    let mut statement = db.prepare_cached(
        "SELECT sequence, month, preview, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence > ? ORDER BY sequence DESC",
    )?;
    let mut rows = statement.query(params![account.0, block.0, receipts.seen.0])?;
    while let Some(row) = rows.next()? {
        // Months never go back within a block, so everything before is older still.
        if row.get::<_, i32>(1)? < month.0 {
            break;
        }
        let sequence = Sequence(row.get(0)?);
        if row.get(2)? {
            receipts.seen = receipts.seen.max(sequence);
        } else {
            let delivered = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            receipts.add(sequence, &Block::decode(delivered)?);
        }
    }
    Ok(receipts)
}

/// By what the outcome of a block is decided.
pub(super) struct Rules {
    pub(super) account: AccountId,
    /// The tag that the mass goes to; its opt-outs count.
    pub(super) tag: Option<TagId>,
    pub(super) receipts_per_month: Option<u8>,
}

/// What a release needs to know besides its block.
struct Context {
    rules: Rules,
    mass: MassId,
    now: Timestamp,
}

fn release_all(
    db: &Connection,
    shared: &Shared,
    lease: &Lease,
    now: Timestamp,
) -> StoreResult<(Released, Option<(AccountId, Fresh)>)> {
    {
        let leases = leases(shared);
        let held = |block: &BlockNo| leases.held.get(&(lease.account, lease.mass, *block));
        let ours = lease
            .blocks
            .iter()
            .all(|block| held(block).is_some_and(|held| held.epoch == lease.epoch));
        if !ours || mass::pace(db, lease.account, lease.mass)?.is_none() {
            return Ok((Released::LeaseLost, None));
        }
    }
    let context = context(db, shared, lease, now)?;
    let mut delivered = 0;
    let mut fresh = Vec::new();
    for block in &lease.blocks {
        let (count, receipts) = release_block(db, shared, &context, *block)?;
        delivered += count;
        fresh.extend(receipts.map(|receipts| (*block, receipts)));
    }
    let mut leases = leases(shared);
    for block in &lease.blocks {
        leases.held.remove(&(lease.account, lease.mass, *block));
    }
    Ok((
        Released::Committed {
            blocks: lease.blocks.len(),
            delivered,
        },
        Some((lease.account, fresh)),
    ))
}

fn context(db: &Connection, shared: &Shared, lease: &Lease, now: Timestamp) -> StoreResult<Context> {
    let account =
        account::by_id(db, shared, lease.account)?.ok_or_else(|| rows::damaged("an account number"))?;
    let tag: Option<i64> = db
        .prepare_cached("SELECT audience_tag FROM mass WHERE account = ? AND id = ?")?
        .query_row(params![lease.account.0, lease.mass.0], |row| row.get(0))?;
    Ok(Context {
        rules: Rules {
            account: lease.account,
            tag: tag.map(TagId),
            receipts_per_month: account.quota.receipts_per_month,
        },
        mass: lease.mass,
        now,
    })
}

fn release_block(
    db: &Connection,
    shared: &Shared,
    context: &Context,
    block: BlockNo,
) -> StoreResult<(u64, Option<Receipts>)> {
    let account = context.rules.account;
    let target = take_batch(db, context, block)?;
    let head = head(db, account, block, context.now)?;
    let month = shared.calendar.month(head.released_at);
    let (outcomes, mut counted) = decide(db, shared, &context.rules, block, month, &target)?;
    write_delivery(
        db,
        account,
        &Delivery {
            block,
            head,
            mass: context.mass,
            preview: false,
            month,
        },
        &outcomes,
    )?;
    crash_point!("release.block");
    if let Some(counted) = &mut counted {
        counted.add(head.sequence, &outcomes.delivered);
    }
    Ok((u64::from(outcomes.delivered.count()), counted))
}

/// What becomes of each of `target`, by the sets as they are now; and the receipts that it was decided by,
/// where the account has such a rule.
pub(super) fn decide(
    db: &Connection,
    shared: &Shared,
    rules: &Rules,
    block: BlockNo,
    month: Month,
    target: &Block,
) -> StoreResult<(Outcomes, Option<Receipts>)> {
    let account = rules.account;
    let mut opted_out = sets::read(db, account, SetKind::OptedOut, block)?;
    if let Some(tag) = rules.tag
        && let Some(of_tag) = sets::read_if_any(db, account, SetKind::OptedOutOf(tag), block)?
    {
        opted_out.unite(&of_tag);
    }
    let counted = match rules.receipts_per_month {
        Some(_) => Some(receipts(db, shared, account, block, month)?),
        None => None,
    };
    let used_up = match (&counted, rules.receipts_per_month) {
        (Some(counted), Some(quota)) => counted.used_up(quota),
        _ => Block::empty(),
    };
    let outcomes = release::release(&Facts {
        target,
        subscribed: &sets::read(db, account, SetKind::Subscribed, block)?,
        blacklisted: &sets::read(db, account, SetKind::Blacklisted, block)?,
        opted_out: &opted_out,
        used_up: &used_up,
    });
    Ok((outcomes, counted))
}

fn take_batch(db: &Connection, context: &Context, block: BlockNo) -> StoreResult<Block> {
    let mut statement =
        db.prepare_cached("DELETE FROM batch WHERE account = ? AND mass = ? AND block = ? RETURNING target")?;
    let target: Vec<u8> = statement
        .query_row(params![context.rules.account.0, context.mass.0, block.0], |row| {
            row.get(0)
        })?;
    Ok(Block::decode(&target)?)
}

/// The next place in a block's order.
#[derive(Clone, Copy)]
struct Head {
    sequence: Sequence,
    released_at: Timestamp,
}

/// Takes the block's next sequence number (I8). Release times never fall within a block.
fn head(db: &Connection, account: AccountId, block: BlockNo, now: Timestamp) -> StoreResult<Head> {
    let known: Option<(i64, i64)> = db
        .prepare_cached("SELECT next_sequence, released_at FROM block_head WHERE account = ? AND block = ?")?
        .query_row(params![account.0, block.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (sequence, released_at) = known.unwrap_or((0, now.0));
    let released_at = now.max(Timestamp(released_at));
    db.prepare_cached(
        "INSERT INTO block_head (account, block, next_sequence, released_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET next_sequence = excluded.next_sequence, released_at = excluded.released_at",
    )?
    .execute(params![account.0, block.0, sequence + 1, released_at.0])?;
    Ok(Head {
        sequence: Sequence(sequence),
        released_at,
    })
}

struct Delivery {
    block: BlockNo,
    head: Head,
    mass: MassId,
    preview: bool,
    month: Month,
}

/// Writes one delivery row. (account, mass, block) is unique, so a block is never released twice (I2).
fn write_delivery(
    db: &Connection,
    account: AccountId,
    row: &Delivery,
    outcomes: &Outcomes,
) -> StoreResult<()> {
    let reason = |set: &Block| (!set.is_empty()).then(|| set.encode());
    db.prepare_cached(
        "INSERT INTO delivery (account, block, sequence, mass, preview, month, released_at, delivered_count,
             over_quota_count, blacklisted_count, opted_out_count, left_count, delivered, over_quota, blacklisted,
             opted_out, left_since)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        account.0,
        row.block.0,
        row.head.sequence.0,
        row.mass.0,
        row.preview,
        row.month.0,
        row.head.released_at.0,
        outcomes.delivered.count(),
        outcomes.over_quota.count(),
        outcomes.blacklisted.count(),
        outcomes.opted_out.count(),
        outcomes.left.count(),
        outcomes.delivered.encode(),
        reason(&outcomes.over_quota),
        reason(&outcomes.blacklisted),
        reason(&outcomes.opted_out),
        reason(&outcomes.left),
    ])?;
    Ok(())
}

/// Delivers a preview: one ordinal, the block's next sequence number, no receipt.
pub(super) fn deliver_preview(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    preview: MassId,
    to: Ordinal,
    now: Timestamp,
) -> StoreResult<()> {
    let block = to.block();
    let head = head(db, account, block, now)?;
    let month = shared.calendar.month(head.released_at);
    let outcomes = Outcomes {
        delivered: Block::from_iter([to.place()]),
        ..Outcomes::default()
    };
    write_delivery(
        db,
        account,
        &Delivery {
            block,
            head,
            mass: preview,
            preview: true,
            month,
        },
        &outcomes,
    )
}
