//! What waits in the rows, for those who watch the installation.

use async_trait::async_trait;
use domain::time::Timestamp;

use crate::{StoreResult, reader::Reader, rows};

/// What waits, in the whole installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Batches that are not released.
    pub batches: u64,
    /// Events that wait for their next try.
    pub events: u64,
    /// What push bridges did not take.
    pub dead_letters: u64,
}

/// Looks at what waits.
#[async_trait]
pub trait BacklogStore {
    /// Counts what waits; a few index pages, for the scrape of every few seconds.
    async fn backlog(&self) -> StoreResult<Backlog>;
}

/// What waits for so long that somebody should look, in the whole installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Mass sends under way.
    pub masses: u64,
    /// Events that wait for their next try.
    pub events: u64,
    /// Accounts that these events are of.
    pub accounts: u64,
}

/// Mass sends accepted before `accepted` that are under way still, and events of before `happened` that nobody took.
pub fn overdue(reader: &Reader, accepted: Timestamp, happened: Timestamp) -> StoreResult<Overdue> {
    reader.read(|db| rows::backlog::overdue(db, accepted, happened))
}
