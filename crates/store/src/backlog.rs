//! What waits in the rows, for those who watch the installation.

use async_trait::async_trait;

use crate::StoreResult;

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
