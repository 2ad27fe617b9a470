//! The sets of a block: who follows, who carries a tag, who refuses.

use crate::sql::{Connection, OptionalExtension, params};
use domain::{
    block::Block,
    id::{AccountId, BlockNo, Ordinal, TagId},
};

use crate::{StoreResult, follower::FollowerPage};

/// Which set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SetKind {
    Subscribed,
    Blacklisted,
    OptedOut,
    OptedOutOf(TagId),
    Tag(TagId),
}

impl SetKind {
    /// Its two key columns.
    pub(super) fn key(self) -> (i64, i64) {
        match self {
            SetKind::Subscribed => (0, 0),
            SetKind::Blacklisted => (1, 0),
            SetKind::OptedOut => (2, 0),
            SetKind::OptedOutOf(tag) => (3, tag.0),
            SetKind::Tag(tag) => (4, tag.0),
        }
    }
}

/// The set of one block; empty when there is no row.
pub(super) fn read(db: &Connection, account: AccountId, kind: SetKind, block: BlockNo) -> StoreResult<Block> {
    Ok(read_if_any(db, account, kind, block)?.unwrap_or_default())
}

/// The set of one block, if it has a row.
pub(super) fn read_if_any(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    block: BlockNo,
) -> StoreResult<Option<Block>> {
    let (number, id) = kind.key();
    let mut statement = db.prepare_cached(
        "SELECT bits FROM block_set WHERE account = ? AND kind = ? AND id = ? AND block = ?",
    )?;
    let mut rows = statement.query(params![account.0, number, id, block.0])?;
    match rows.next()? {
        Some(row) => Ok(Some(Block::decode(row.blob(0)?)?)),
        None => Ok(None),
    }
}

/// The sets of some blocks, as far as they have rows.
pub(super) fn read_blocks(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    blocks: &[BlockNo],
) -> StoreResult<Vec<(BlockNo, Block)>> {
    let (number, id) = kind.key();
    let mut statement = db.prepare_cached(
        "SELECT block, bits FROM block_set WHERE account = ? AND kind = ? AND id = ?
             AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let mut rows = statement.query(params![account.0, number, id, list(blocks)?])?;
    let mut sets = Vec::with_capacity(blocks.len());
    while let Some(row) = rows.next()? {
        sets.push((BlockNo(row.get(0)?), Block::decode(row.blob(1)?)?));
    }
    Ok(sets)
}

/// Blocks as statements take them.
pub(super) fn list(blocks: &[BlockNo]) -> StoreResult<String> {
    let numbers: Vec<u32> = blocks.iter().map(|block| block.0).collect();
    Ok(serde_json::to_string(&numbers)?)
}

/// Writes the set of one block.
pub(super) fn write(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    block: BlockNo,
    set: &Block,
) -> StoreResult<()> {
    let (number, id) = kind.key();
    db.prepare_cached(
        "INSERT INTO block_set (account, kind, id, block, cardinality, bits) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, kind, id, block) DO UPDATE SET cardinality = excluded.cardinality, bits = excluded.bits",
    )?
    .execute(params![account.0, number, id, block.0, set.count(), set.encode()])?;
    Ok(())
}

/// Puts followers into a set or takes them out, block by block; returns how many that changed.
pub(super) fn change(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    ordinals: &[Ordinal],
    put_in: bool,
) -> StoreResult<u64> {
    let mut sorted = ordinals.to_vec();
    sorted.sort_unstable();
    let mut changes = 0;
    for group in sorted.chunk_by(|a, b| a.block() == b.block()) {
        let Some(block) = group.first().map(|ordinal| ordinal.block()) else {
            continue;
        };
        let mut set = read(db, account, kind, block)?;
        let mut changed = 0;
        for ordinal in group {
            changed += u64::from(if put_in {
                set.insert(ordinal.place())
            } else {
                set.remove(ordinal.place())
            });
        }
        if changed > 0 {
            write(db, account, kind, block, &set)?;
            changes += changed;
        }
    }
    Ok(changes)
}

/// Whether a follower is in a set.
pub(super) fn contains(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    ordinal: Ordinal,
) -> StoreResult<bool> {
    let (number, id) = kind.key();
    let mut statement = db.prepare_cached(
        "SELECT bits FROM block_set WHERE account = ? AND kind = ? AND id = ? AND block = ?",
    )?;
    let mut rows = statement.query(params![account.0, number, id, ordinal.block().0])?;
    match rows.next()? {
        Some(row) => {
            let bits = row.blob(0)?;
            Ok(domain::block::encoded_contains(bits, ordinal.place())?)
        }
        None => Ok(false),
    }
}

/// How many are in a set over all blocks.
pub(super) fn total(db: &Connection, account: AccountId, kind: SetKind) -> StoreResult<u64> {
    let (number, id) = kind.key();
    let total: i64 = db
        .prepare_cached(
            "SELECT COALESCE(SUM(cardinality), 0) FROM block_set WHERE account = ? AND kind = ? AND id = ?",
        )?
        .query_row(params![account.0, number, id], |row| row.get(0))?;
    Ok(total.unsigned_abs())
}

/// A page of a set, after `after`.
pub(super) fn page(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    after: Option<Ordinal>,
    limit: usize,
) -> StoreResult<FollowerPage> {
    let (number, id) = kind.key();
    let first = after.map_or(Some(0), |after| after.0.checked_add(1));
    let mut page = FollowerPage {
        total: total(db, account, kind)?,
        ordinals: Vec::new(),
    };
    let Some(first) = first.map(Ordinal) else {
        return Ok(page);
    };
    let mut statement = db.prepare_cached(
        "SELECT block, bits FROM block_set
         WHERE account = ? AND kind = ? AND id = ? AND block >= ? AND cardinality > 0 ORDER BY block",
    )?;
    let mut rows = statement.query(params![account.0, number, id, first.block().0])?;
    while let Some(row) = rows.next()? {
        let block = BlockNo(row.get(0)?);
        let set = Block::decode(row.blob(1)?)?;
        let from = if block == first.block() { first.place() } else { 0 };
        let room = limit - page.ordinals.len();
        page.ordinals
            .extend(set.places_from(from).take(room).map(|place| block.ordinal(place)));
        if page.ordinals.len() == limit {
            break;
        }
    }
    Ok(page)
}

/// The tags that a follower carries, ascending.
pub(super) fn tags_of(db: &Connection, account: AccountId, ordinal: Ordinal) -> StoreResult<Vec<TagId>> {
    let mut statement = db.prepare_cached(
        "SELECT id, bits FROM block_set
         WHERE account = ?1 AND kind = 4 AND block = ?2 AND id IN (SELECT 2 UNION ALL SELECT id FROM tag WHERE account = ?1)
         ORDER BY id",
    )?;
    let mut rows = statement.query(params![account.0, ordinal.block().0])?;
    let mut tags = Vec::new();
    while let Some(row) = rows.next()? {
        let bits = row.blob(1)?;
        if domain::block::encoded_contains(bits, ordinal.place())? {
            tags.push(TagId(row.get(0)?));
        }
    }
    Ok(tags)
}

/// The next number of a series of the account, and the one after it for the next caller. `count` numbers
/// are taken; the first is returned.
pub(super) fn take_numbers(
    db: &Connection,
    account: AccountId,
    name: &str,
    first: i64,
    count: i64,
) -> StoreResult<i64> {
    let next: Option<i64> = db
        .prepare_cached("SELECT next FROM counter WHERE account = ? AND name = ?")?
        .query_row(params![account.0, name], |row| row.get(0))
        .optional()?;
    let number = next.unwrap_or(first);
    db.prepare_cached(
        "INSERT INTO counter (account, name, next) VALUES (?, ?, ?)
         ON CONFLICT (account, name) DO UPDATE SET next = excluded.next",
    )?
    .execute(params![account.0, name, number + count])?;
    Ok(number)
}
