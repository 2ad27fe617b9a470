//! Chance that is always the same: numbers made from a seed, a purpose and a number, in any order.

use super::from_seed;

/// Odd, and spreads consecutive numbers over all 64 bits (Weyl sequence of SplitMix64).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Throws for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of a seed and a purpose.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = from_seed(seed, purpose);
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Dice of their own for this number.
    pub(super) fn of(self, number: u64) -> Self {
        Self(mix(self.0 ^ number.wrapping_mul(STEP)))
    }

    /// A throw from 0 up to 1, without 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what a float holds exactly"
    )]
    pub(super) fn share(self) -> f64 {
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether a throw falls into this share of all.
    pub(super) fn hits(self, share: f64) -> bool {
        self.share() < share
    }
}

/// The output step of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(STEP);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_are_even_and_always_the_same() {
        let dice = Dice::new(7, "vip");
        let hits = (0..100_000).filter(|number| dice.of(*number).hits(0.05)).count();
        assert!((4_800..5_200).contains(&hits), "{hits}");
        assert_eq!(
            Dice::new(7, "vip").of(42).share().to_bits(),
            dice.of(42).share().to_bits()
        );
        assert_ne!(Dice::new(8, "vip"), dice);
    }
}
