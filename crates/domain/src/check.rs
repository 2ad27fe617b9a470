//! What `qunfa check` holds against the rows (I21): every rule a function over rows as they are stored.
//!
//! The rules know nothing of how the rows came to be: they are the promises once more, written a second time,
//! so that a mistake in the code that keeps a promise is not repeated where it is looked for.

use crate::block::Block;

pub mod finding;
pub mod mass;
pub mod order;
pub mod sets;
pub mod usage;

use finding::Table;
pub use finding::{Finding, What};

/// Reads a stored set; what cannot be read is a finding.
fn decode(table: Table, bytes: &[u8]) -> Result<Block, What> {
    Block::decode(bytes).map_err(|_| What::Unreadable { table })
}
