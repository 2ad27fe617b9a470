//! Who a mass is meant for (群发对象).

use std::collections::BTreeMap;

use crate::{
    block::Block,
    id::{BlockNo, Ordinal, TagId},
};

/// OpenIDs in one list at least (40130).
pub const LIST_MIN: usize = 2;
/// OpenIDs in one list at most (40032).
pub const LIST_MAX: usize = 10_000;

/// The receivers of a mass, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every follower.
    All,
    /// The followers who carry a tag.
    Tag(TagId),
    /// Named followers.
    OpenIds(FollowerList),
}

/// A list of OpenIDs after duplicates were merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerList {
    /// Those that name somebody of this account, ascending.
    pub ordinals: Vec<Ordinal>,
    /// How many distinct others there were; they count in TotalCount only (U12).
    pub strangers: u32,
}

impl FollowerList {
    /// The list as a set per block.
    pub fn blocks(&self) -> BTreeMap<BlockNo, Block> {
        let mut blocks: BTreeMap<BlockNo, Block> = BTreeMap::new();
        for ordinal in &self.ordinals {
            blocks.entry(ordinal.block()).or_default().insert(ordinal.place());
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_falls_into_the_blocks_of_its_ordinals() {
        let list = FollowerList {
            ordinals: vec![Ordinal(1), Ordinal(65_536), Ordinal(65_540)],
            strangers: 0,
        };
        let blocks = list.blocks();
        let counts: Vec<(u32, u32)> = blocks.iter().map(|(no, block)| (no.0, block.count())).collect();
        assert_eq!(counts, [(0, 1), (1, 2)]);
    }
}
