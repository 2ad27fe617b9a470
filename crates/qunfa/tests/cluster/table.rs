//! How many rounds races have here; what they print is as everywhere.

use crate::dice::long;

pub use crate::row::Row;

/// Rounds of each race over three nodes.
pub fn rounds() -> usize {
    if long() { 200 } else { 12 }
}
