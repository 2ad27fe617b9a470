//! What the database knows of the time (I14).

use async_trait::async_trait;
use domain::time::Timestamp;

use crate::{StoreResult, reader::Reader, rows};

/// The name of the value in which an installation without a database server keeps how late it was.
pub const LATEST_SETTING: &str = "latest_time";

/// What a database says when it is asked for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseTime {
    /// It has a clock of its own, which all nodes follow.
    Clock(Timestamp),
    /// It has none; this is the latest time that was stored in it, behind which no clock may start.
    Latest(Option<Timestamp>),
}

/// The time in the database.
#[async_trait]
pub trait TimeStore {
    /// The time by the database's clock, or the latest that it holds.
    async fn database_time(&self) -> StoreResult<DatabaseTime>;
}

/// The same beside the processes that work on it.
pub fn of(reader: &Reader) -> StoreResult<DatabaseTime> {
    reader.read(rows::time::database_time)
}
