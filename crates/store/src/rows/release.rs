//! Releasing: leases, the outcome of each block, and the receipts it is decided by.

use std::{collections::HashMap, sync::Arc};

use crate::sql::{Column, Connection, Kind, Value, params};
use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence, TagId},
    receipts::Receipts,
    release::{self, Facts, Outcomes},
    time::{Month, Timestamp},
};

use super::{
    Shared, SqlStore, account, columns,
    lease::Wish,
    mass, seal,
    sets::{self, SetKind},
};
use crate::{
    StoreResult, crash_point,
    mass::{Lease, Released, WorkerId},
};

/// Blocks whose receipts are kept in memory: 24 KiB each, enough for 100 million followers.
const RECEIPTS_BLOCKS: u64 = 2_048;

/// The month's receipts of blocks released lately; caught up from the delivery rows whenever used.
pub(super) struct ReceiptsCache(moka::sync::Cache<(AccountId, BlockNo), Arc<Receipts>>);

impl Default for ReceiptsCache {
    fn default() -> Self {
        Self(moka::sync::Cache::new(RECEIPTS_BLOCKS))
    }
}

impl ReceiptsCache {
    /// Forgets all counts.
    pub(super) fn forget(&self) {
        self.0.invalidate_all();
    }
}

/// The receipts of blocks that were just released.
pub(super) type Fresh = Vec<(BlockNo, Receipts)>;

/// Takes due batches that nobody holds.
pub(super) fn lease(
    db: &Connection,
    shared: &Shared,
    (account, mass): (AccountId, MassId),
    worker: &WorkerId,
    limit: usize,
    (now, lease_ms): (Timestamp, i64),
) -> StoreResult<Lease> {
    let none = Lease {
        account,
        mass,
        epoch: 0,
        blocks: Vec::new(),
    };
    if mass::pace(db, account, mass)?.is_none() {
        return Ok(none);
    }
    note_checked(db, (account, mass), now)?;
    let Some(pace) = mass::pace(db, account, mass)? else {
        return Ok(none);
    };
    let allowed = pace
        .allowed(now)
        .map_or(i64::MAX, |allowed| i64::try_from(allowed).unwrap_or(i64::MAX));
    shared.leases.take(
        db,
        &Wish {
            account,
            mass,
            worker,
            limit,
            allowed,
            now,
            until: now.plus_ms(lease_ms),
        },
    )
}

/// Notes that a mass has passed its checks. Its pace begins now, or what was allowed meanwhile would burst out.
pub(super) fn note_checked(
    db: &Connection,
    (account, mass): (AccountId, MassId),
    now: Timestamp,
) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE mass SET checked = 1, base_time = CASE WHEN base_time > ?1 THEN base_time ELSE ?1 END
         WHERE account = ?2 AND id = ?3 AND checked = 0",
    )?
    .execute(params![now.0, account.0, mass.0])?;
    Ok(())
}

impl SqlStore {
    /// Releases the leased blocks in one commit. Receipts are read ahead on a reader, so that the writer
    /// only adds what was released since.
    pub(super) async fn release(&self, lease: Lease, now: Timestamp) -> StoreResult<Released> {
        let (account, blocks) = (lease.account, lease.blocks.clone());
        self.read(move |db, shared| warm_receipts(db, shared, account, &blocks, now))
            .await?;
        let (released, fresh) = self
            .write(lease.account, move |db, shared| {
                release_leased(db, shared, &lease, now)
            })
            .await?;
        self.keep_receipts(fresh);
        Ok(released)
    }

    /// Keeps what is committed in memory; what is lost here is read from the rows again.
    pub(super) fn keep_receipts(&self, (account, fresh): (AccountId, Fresh)) {
        for (block, receipts) in fresh {
            self.shared
                .receipts
                .0
                .insert((account, block), Arc::new(receipts));
        }
    }
}

/// Reads the month's receipts of some blocks into memory.
pub(super) fn warm_receipts(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    blocks: &[BlockNo],
    now: Timestamp,
) -> StoreResult<()> {
    let quota = account::by_id(db, shared, account)?.and_then(|account| account.quota.receipts_per_month);
    if quota.is_none() {
        return Ok(());
    }
    let month = shared.calendar.month(now);
    for block in blocks {
        let key = (account, *block);
        if shared
            .receipts
            .0
            .get(&key)
            .is_none_or(|known| known.month != month)
        {
            let receipts = receipts(db, shared, account, *block, month)?;
            shared.receipts.0.insert(key, Arc::new(receipts));
        }
    }
    Ok(())
}

/// What is known of the receipts of a block in `month`, from the cache.
fn known_receipts(shared: &Shared, account: AccountId, block: BlockNo, month: Month) -> Receipts {
    let known = shared.receipts.0.get(&(account, block));
    known
        .filter(|known| known.month == month)
        .map_or_else(|| Receipts::none(month), |known| (*known).clone())
}

/// The receipts of a block in `month`, from the cache and what was delivered since.
fn receipts(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    block: BlockNo,
    month: Month,
) -> StoreResult<Receipts> {
    let mut receipts = known_receipts(shared, account, block, month);
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence > ? ORDER BY sequence DESC",
        seal::DELIVERY
    ))?;
    let mut rows = statement.query(params![account.0, block.0, receipts.seen.0])?;
    while let Some(row) = rows.next()? {
        let head = seal::delivery(&row)?;
        // Months never go back within a block, so everything before is older still.
        if head.month < month.0 {
            break;
        }
        if head.preview {
            receipts.seen = receipts.seen.max(head.sequence);
        } else {
            let delivered = Block::decode(row.blob(seal::DELIVERY_COLUMNS + 1)?)?;
            receipts.add(head.sequence, &delivered);
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

fn rules(db: &Connection, shared: &Shared, (account, mass): (AccountId, MassId)) -> StoreResult<Rules> {
    let found = account::by_id(db, shared, account)?.ok_or_else(|| columns::damaged("an account number"))?;
    let tag: Option<i64> = db
        .prepare_cached("SELECT audience_tag FROM mass WHERE account = ? AND id = ?")?
        .query_row(params![account.0, mass.0], |row| row.get(0))?;
    Ok(Rules {
        account,
        tag: tag.map(TagId),
        receipts_per_month: found.quota.receipts_per_month,
    })
}

/// Releases all blocks of the lease.
fn release_leased(
    db: &Connection,
    shared: &Shared,
    lease: &Lease,
    now: Timestamp,
) -> StoreResult<(Released, (AccountId, Fresh))> {
    let account = lease.account;
    if !shared.leases.is_held(db, lease)? || mass::pace(db, account, lease.mass)?.is_none() {
        return Ok((Released::LeaseLost, (account, Vec::new())));
    }
    let (delivered, fresh) = release_blocks(db, shared, (account, lease.mass), &lease.blocks, now)?;
    shared.leases.give_back(db, lease)?;
    let blocks = lease.blocks.len();
    Ok((Released::Committed { blocks, delivered }, (account, fresh)))
}

/// Decides and writes the outcome of blocks that nobody else can release now; gives the entries created. Rows are read and
/// written for all blocks at once: on a server every statement is a journey.
pub(super) fn release_blocks(
    db: &Connection,
    shared: &Shared,
    (account, mass): (AccountId, MassId),
    blocks: &[BlockNo],
    now: Timestamp,
) -> StoreResult<(u64, Fresh)> {
    let rules = rules(db, shared, (account, mass))?;
    let mut targets = take_batches(db, (account, mass), blocks)?;
    let mut heads = Heads::read(db, account, blocks)?;
    let sets = Sets::read(db, &rules, blocks)?;
    let mut deliveries = Vec::with_capacity(blocks.len());
    let mut fresh = Vec::new();
    for block in blocks {
        let target = targets
            .remove(block)
            .ok_or_else(|| columns::damaged("a lease of no batch"))?;
        let head = heads.next(*block, now);
        let month = shared.calendar.month(head.released_at);
        let mut counted = counted(db, shared, &rules, *block, (month, head.sequence))?;
        let outcomes = decide(&rules, sets.of(*block), counted.as_ref(), &target);
        if let Some(counted) = &mut counted {
            counted.add(head.sequence, &outcomes.delivered);
        }
        fresh.extend(counted.map(|receipts| (*block, receipts)));
        deliveries.push(Delivery {
            block: *block,
            head,
            month,
            outcomes,
        });
    }
    write_deliveries(db, account, (mass, false), &deliveries)?;
    crash_point!("release.written");
    let delivered = deliveries
        .iter()
        .map(|row| u64::from(row.outcomes.delivered.count()));
    Ok((delivered.sum(), fresh))
}

/// The receipts that a block is decided by, where the account has such a rule; `next` is the sequence number that is given
/// now, so what is known is complete when it reaches to the one before.
fn counted(
    db: &Connection,
    shared: &Shared,
    rules: &Rules,
    block: BlockNo,
    (month, next): (Month, Sequence),
) -> StoreResult<Option<Receipts>> {
    if rules.receipts_per_month.is_none() {
        return Ok(None);
    }
    let known = known_receipts(shared, rules.account, block, month);
    if known.seen.0 + 1 == next.0 {
        return Ok(Some(known));
    }
    receipts(db, shared, rules.account, block, month).map(Some)
}

/// The sets that decide the outcome of some blocks.
#[derive(Default)]
pub(super) struct Sets(HashMap<BlockNo, BlockSets>);

/// The sets of one block.
#[derive(Clone, Default)]
pub(super) struct BlockSets {
    subscribed: Block,
    blacklisted: Block,
    opted_out: Block,
}

impl Sets {
    /// The sets of `blocks` as they are now.
    pub(super) fn read(db: &Connection, rules: &Rules, blocks: &[BlockNo]) -> StoreResult<Self> {
        let mut sets = Self::default();
        let mut each = |kind, take: fn(&mut BlockSets, Block)| -> StoreResult<()> {
            for (block, set) in sets::read_blocks(db, rules.account, kind, blocks)? {
                take(sets.0.entry(block).or_default(), set);
            }
            Ok(())
        };
        each(SetKind::Subscribed, |sets, set| sets.subscribed = set)?;
        each(SetKind::Blacklisted, |sets, set| sets.blacklisted = set)?;
        each(SetKind::OptedOut, |sets, set| sets.opted_out = set)?;
        if let Some(tag) = rules.tag {
            each(SetKind::OptedOutOf(tag), |sets, set| sets.opted_out.unite(&set))?;
        }
        Ok(sets)
    }

    fn of(&self, block: BlockNo) -> Option<&BlockSets> {
        self.0.get(&block)
    }
}

/// What becomes of each of `target`.
fn decide(rules: &Rules, sets: Option<&BlockSets>, counted: Option<&Receipts>, target: &Block) -> Outcomes {
    let nobody = BlockSets::default();
    let sets = sets.unwrap_or(&nobody);
    let used_up = match (counted, rules.receipts_per_month) {
        (Some(counted), Some(quota)) => counted.used_up(quota),
        _ => Block::empty(),
    };
    release::release(&Facts {
        target,
        subscribed: &sets.subscribed,
        blacklisted: &sets.blacklisted,
        opted_out: &sets.opted_out,
        used_up: &used_up,
    })
}

/// What would become of each of `target` if its block were released in `month`.
pub(super) fn foresee(
    db: &Connection,
    shared: &Shared,
    rules: &Rules,
    sets: &Sets,
    (block, month): (BlockNo, Month),
    target: &Block,
) -> StoreResult<Outcomes> {
    let counted = match rules.receipts_per_month {
        Some(_) => Some(receipts(db, shared, rules.account, block, month)?),
        None => None,
    };
    Ok(decide(rules, sets.of(block), counted.as_ref(), target))
}

/// Removes batches and gives their targets.
fn take_batches(
    db: &Connection,
    (account, mass): (AccountId, MassId),
    blocks: &[BlockNo],
) -> StoreResult<HashMap<BlockNo, Block>> {
    let mut statement = db.prepare_cached(
        "DELETE FROM batch WHERE account = ? AND mass = ? AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?))
         RETURNING block, target",
    )?;
    let mut rows = statement.query(params![account.0, mass.0, sets::list(blocks)?])?;
    let mut targets = HashMap::with_capacity(blocks.len());
    while let Some(row) = rows.next()? {
        targets.insert(BlockNo(row.get(0)?), Block::decode(row.blob(1)?)?);
    }
    Ok(targets)
}

/// The places that come next in the order of some blocks.
struct Heads(HashMap<BlockNo, Head>);

/// The next place in a block's order.
#[derive(Clone, Copy)]
struct Head {
    sequence: Sequence,
    released_at: Timestamp,
}

impl Heads {
    fn read(db: &Connection, account: AccountId, blocks: &[BlockNo]) -> StoreResult<Self> {
        let mut statement = db.prepare_cached(
            "SELECT block, next_sequence, released_at FROM block_head
             WHERE account = ? AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
        )?;
        let mut rows = statement.query(params![account.0, sets::list(blocks)?])?;
        let mut heads = HashMap::with_capacity(blocks.len());
        while let Some(row) = rows.next()? {
            let head = Head {
                sequence: Sequence(row.get(1)?),
                released_at: Timestamp(row.get(2)?),
            };
            heads.insert(BlockNo(row.get(0)?), head);
        }
        Ok(Self(heads))
    }

    /// The block's next sequence number (I8). Release times never fall within a block.
    fn next(&mut self, block: BlockNo, now: Timestamp) -> Head {
        let known = self.0.get(&block).copied();
        let mut head = known.unwrap_or(Head {
            sequence: Sequence(0),
            released_at: now,
        });
        head.released_at = head.released_at.max(now);
        head
    }
}

struct Delivery {
    block: BlockNo,
    head: Head,
    month: Month,
    outcomes: Outcomes,
}

const HEAD_COLUMNS: [Column; 4] = [
    ("account", Kind::Integer),
    ("block", Kind::Integer),
    ("next_sequence", Kind::Integer),
    ("released_at", Kind::Integer),
];

const DELIVERY_COLUMNS: [Column; 18] = [
    ("account", Kind::Integer),
    ("block", Kind::Integer),
    ("sequence", Kind::Integer),
    ("mass", Kind::Integer),
    ("preview", Kind::Integer),
    ("month", Kind::Integer),
    ("released_at", Kind::Integer),
    ("delivered_count", Kind::Integer),
    ("over_quota_count", Kind::Integer),
    ("blacklisted_count", Kind::Integer),
    ("opted_out_count", Kind::Integer),
    ("left_count", Kind::Integer),
    ("seal", Kind::Integer),
    ("delivered", Kind::Blob),
    ("over_quota", Kind::Blob),
    ("blacklisted", Kind::Blob),
    ("opted_out", Kind::Blob),
    ("left_since", Kind::Blob),
];

/// Writes delivery rows and moves the heads of their blocks. (account, mass, block) is unique, so a block is never released
/// twice (I2).
fn write_deliveries(
    db: &Connection,
    account: AccountId,
    (mass, preview): (MassId, bool),
    deliveries: &[Delivery],
) -> StoreResult<()> {
    let bits: Vec<[Option<Vec<u8>>; 5]> = deliveries.iter().map(|row| encoded(&row.outcomes)).collect();
    let mut heads = Vec::with_capacity(deliveries.len());
    let mut rows = Vec::with_capacity(deliveries.len());
    for (row, bits) in deliveries.iter().zip(&bits) {
        let Delivery {
            block,
            head,
            month,
            outcomes,
        } = row;
        let next = head.sequence.0 + 1;
        heads.push(vec![
            account.0.into(),
            block.0.into(),
            next.into(),
            head.released_at.0.into(),
        ]);
        let mut columns: Vec<Value<'_>> = vec![
            account.0.into(),
            block.0.into(),
            head.sequence.0.into(),
            mass.0.into(),
            preview.into(),
            month.0.into(),
            head.released_at.0.into(),
            outcomes.delivered.count().into(),
            outcomes.over_quota.count().into(),
            outcomes.blacklisted.count().into(),
            outcomes.opted_out.count().into(),
            outcomes.left.count().into(),
        ];
        columns.push(seal::of_values(&columns).into());
        columns.extend(
            bits.iter()
                .map(|set| set.as_deref().map_or(Value::Null, Value::Blob)),
        );
        rows.push(columns);
    }
    db.insert_many(
        "block_head",
        &HEAD_COLUMNS,
        "ON CONFLICT (account, block) DO UPDATE
         SET next_sequence = excluded.next_sequence, released_at = excluded.released_at",
        &heads,
    )?;
    db.insert_many("delivery", &DELIVERY_COLUMNS, "", &rows)?;
    Ok(())
}

/// The sets of a delivery row; a reason that nobody had is left out.
fn encoded(outcomes: &Outcomes) -> [Option<Vec<u8>>; 5] {
    let reason = |set: &Block| (!set.is_empty()).then(|| set.encode());
    [
        Some(outcomes.delivered.encode()),
        reason(&outcomes.over_quota),
        reason(&outcomes.blacklisted),
        reason(&outcomes.opted_out),
        reason(&outcomes.left),
    ]
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
    let head = Heads::read(db, account, &[block])?.next(block, now);
    let delivery = Delivery {
        block,
        head,
        month: shared.calendar.month(head.released_at),
        outcomes: Outcomes {
            delivered: Block::from_iter([to.place()]),
            ..Outcomes::default()
        },
    };
    write_deliveries(db, account, (preview, true), &[delivery])
}
