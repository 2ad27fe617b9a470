//! The sets of a block: counted right, tagged only who follows, and nobody who does not exist.

use super::{
    decode,
    finding::{Finding, Table, What},
};
use crate::{
    block::Block,
    id::{AccountId, BlockNo},
};

/// Who follows.
pub const SUBSCRIBED: i64 = 0;
/// Who carries a tag.
pub const TAG: i64 = 4;

/// One set of one block.
#[derive(Clone, Debug)]
pub struct SetRow {
    /// Which kind, as stored.
    pub kind: i64,
    /// Which tag.
    pub id: i64,
    /// What its column says.
    pub cardinality: u64,
    /// Who is in it.
    pub bits: Vec<u8>,
}

/// Looks at all sets of one block; also tells who is in any of them.
pub fn findings(account: AccountId, block: BlockNo, rows: &[SetRow]) -> (Vec<Finding>, Block) {
    let mut found = Vec::new();
    let mut say = |what: What| found.push(what.at(account, None, block));
    let mut sets = Vec::with_capacity(rows.len());
    for row in rows {
        match decode(Table::BlockSet, &row.bits) {
            Err(what) => say(what),
            Ok(set) => {
                let (kind, id, column, bits) = (row.kind, row.id, row.cardinality, u64::from(set.count()));
                if column != bits {
                    say(What::SetCount {
                        kind,
                        id,
                        column,
                        bits,
                    });
                }
                sets.push((kind, id, set));
            }
        }
    }
    let nobody = Block::empty();
    let subscribed = sets
        .iter()
        .find(|(kind, _, _)| *kind == SUBSCRIBED)
        .map_or(&nobody, |(_, _, set)| set);
    for (_, tag, set) in sets.iter().filter(|(kind, _, _)| *kind == TAG) {
        let followers = beyond(set, subscribed);
        if followers > 0 {
            say(What::TaggedStranger { tag: *tag, followers });
        }
    }
    let mut everybody = Block::empty();
    sets.iter().for_each(|(_, _, set)| everybody.unite(set));
    (found, everybody)
}

/// How many of `set` are not in `known`.
pub fn beyond(set: &Block, known: &Block) -> u32 {
    let mut strangers = set.clone();
    strangers.subtract(known);
    strangers.count()
}
