//! How many mass sends each follower of a block received in a month: three bit planes, derived from the
//! delivery rows and never stored (I11).

use crate::{block::Block, id::Sequence, time::Month};

/// The largest number that three planes hold, and so the largest monthly quota.
pub const RECEIPTS_MAX: u8 = 7;

/// The month's counts of one block, up to and with the delivery numbered `seen`.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipts {
    /// The month that is counted.
    pub month: Month,
    /// The last delivery that is included.
    pub seen: Sequence,
    planes: [Block; 3],
}

impl Receipts {
    /// Nobody has received anything in `month`.
    pub fn none(month: Month) -> Self {
        Self {
            month,
            seen: Sequence(-1),
            planes: Default::default(),
        }
    }

    /// Counts one delivery. Counts stop at [`RECEIPTS_MAX`], which no quota exceeds.
    pub fn add(&mut self, sequence: Sequence, delivered: &Block) {
        Block::count_up(&mut self.planes, delivered);
        self.seen = self.seen.max(sequence);
    }

    /// Who has received `quota` or more.
    pub fn used_up(&self, quota: u8) -> Block {
        Block::at_least(&self.planes, quota.min(RECEIPTS_MAX))
    }

    /// How many one follower received.
    pub fn of(&self, place: u16) -> u8 {
        (0..3)
            .map(|bit| u8::from(self.planes[bit].contains(place)) << bit)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn i11_planes_count_like_plain_numbers(deliveries in prop::collection::vec(prop::collection::vec(0..40_u16, 0..40), 0..12)) {
            let mut receipts = Receipts::none(Month(1));
            let mut plain = [0_u8; 40];
            for (sequence, delivered) in deliveries.iter().enumerate() {
                let block: Block = delivered.iter().copied().collect();
                receipts.add(Sequence(sequence as i64), &block);
                for place in block.places() {
                    plain[usize::from(place)] = (plain[usize::from(place)] + 1).min(RECEIPTS_MAX);
                }
            }
            for quota in 0..=RECEIPTS_MAX {
                let used_up = receipts.used_up(quota);
                for (place, count) in plain.iter().enumerate() {
                    prop_assert_eq!(receipts.of(place as u16), *count);
                    prop_assert_eq!(used_up.contains(place as u16), *count >= quota);
                }
            }
        }
    }
}
