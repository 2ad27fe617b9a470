//! Chance that can be had again: one seed, one run.

use qunfa::settings::load::process_env;

/// A small generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// True `of_hundred` times of a hundred.
    pub fn chance(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }
}

/// The seed of this run: `QUNFA_SEED`, or always the same.
pub fn seed() -> u64 {
    process_env("QUNFA_SEED").map_or(20_261_123, |text| text.parse().expect("QUNFA_SEED is a number"))
}

/// Whether the long form is asked for.
pub fn long() -> bool {
    process_env("QUNFA_SOAK").is_some()
}
