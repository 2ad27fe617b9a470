//! The sets of a block: who follows, who carries a tag, who refuses.

use std::collections::HashMap;

use crate::sql::{Column, Connection, Kind, OptionalExtension, Value, params};
use domain::{
    block::Block,
    id::{AccountId, BlockNo, Ordinal, TagId},
};

use crate::{StoreResult, follower::FollowerPage};

/// Blocks whose sets of all tags are read at once: an account may have a hundred of 8 kB in each.
const BLOCKS_AT_ONCE: usize = 16;

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

/// Writes sets of blocks: which, how many are in it, and how it is stored.
fn write_blocks(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    sets: &[(BlockNo, u32, Vec<u8>)],
) -> StoreResult<()> {
    let (number, id) = kind.key();
    let mut rows = Vec::with_capacity(sets.len());
    for (block, count, bits) in sets {
        let key = [
            i64::from(account.0),
            number,
            id,
            i64::from(block.0),
            i64::from(*count),
        ];
        let mut row: Vec<Value<'_>> = key.into_iter().map(Value::from).collect();
        row.push(bits.as_slice().into());
        rows.push(row);
    }
    db.insert_many(
        "block_set",
        &COLUMNS,
        "ON CONFLICT (account, kind, id, block) DO UPDATE SET cardinality = excluded.cardinality, bits = excluded.bits",
        &rows,
    )?;
    Ok(())
}

const COLUMNS: [Column; 6] = [
    ("account", Kind::Integer),
    ("kind", Kind::Integer),
    ("id", Kind::Integer),
    ("block", Kind::Integer),
    ("cardinality", Kind::Integer),
    ("bits", Kind::Blob),
];

/// The blocks of some followers, ascending.
fn blocks_of(ordinals: &[Ordinal]) -> Vec<BlockNo> {
    let mut blocks: Vec<BlockNo> = ordinals.iter().map(|ordinal| ordinal.block()).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
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
    let known = read_blocks(db, account, kind, &blocks_of(ordinals))?;
    let mut known: HashMap<BlockNo, Block> = known.into_iter().collect();
    let (mut changes, mut written) = (0, Vec::new());
    for group in sorted.chunk_by(|a, b| a.block() == b.block()) {
        let Some(block) = group.first().map(|ordinal| ordinal.block()) else {
            continue;
        };
        let mut set = known.remove(&block).unwrap_or_default();
        let mut changed = 0;
        for ordinal in group {
            changed += u64::from(if put_in {
                set.insert(ordinal.place())
            } else {
                set.remove(ordinal.place())
            });
        }
        if changed > 0 {
            written.push((block, set.count(), set.encode()));
            changes += changed;
        }
    }
    write_blocks(db, account, kind, &written)?;
    Ok(changes)
}

/// Which of these followers are in a set, in their order.
pub(super) fn contains_each(
    db: &Connection,
    account: AccountId,
    kind: SetKind,
    ordinals: &[Ordinal],
) -> StoreResult<Vec<bool>> {
    let sets = read_blocks(db, account, kind, &blocks_of(ordinals))?;
    let sets: HashMap<BlockNo, Block> = sets.into_iter().collect();
    let is_in = |ordinal: &Ordinal| {
        let set = sets.get(&ordinal.block());
        set.is_some_and(|set| set.contains(ordinal.place()))
    };
    Ok(ordinals.iter().map(is_in).collect())
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
            "SELECT CAST(COALESCE(SUM(cardinality), 0) AS BIGINT) FROM block_set WHERE account = ? AND kind = ? AND id = ?",
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
    let mut tags = tags_of_each(db, account, &[ordinal])?;
    Ok(tags.pop().unwrap_or_default())
}

/// The tags that each of these followers carries, ascending.
pub(super) fn tags_of_each(
    db: &Connection,
    account: AccountId,
    ordinals: &[Ordinal],
) -> StoreResult<Vec<Vec<TagId>>> {
    let mut tags = vec![Vec::new(); ordinals.len()];
    let mut statement = db.prepare_cached(
        "SELECT s.id, s.block, s.bits FROM (SELECT CAST(value AS BIGINT) AS block FROM json_each(?2)) AS wanted
         CROSS JOIN (SELECT 2 AS id UNION ALL SELECT id FROM tag WHERE account = ?1) AS every_tag
         JOIN block_set AS s ON s.account = ?1 AND s.kind = 4 AND s.id = every_tag.id AND s.block = wanted.block
         ORDER BY s.id",
    )?;
    for blocks in blocks_of(ordinals).chunks(BLOCKS_AT_ONCE) {
        let mut rows = statement.query(params![account.0, list(blocks)?])?;
        while let Some(row) = rows.next()? {
            let (id, block, bits) = (TagId(row.get(0)?), BlockNo(row.get(1)?), row.blob(2)?);
            for (ordinal, tags) in ordinals.iter().zip(&mut tags) {
                if ordinal.block() == block && domain::block::encoded_contains(bits, ordinal.place())? {
                    tags.push(id);
                }
            }
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
