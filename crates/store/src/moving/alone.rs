//! That no server works on rows that are about to be moved away: what it wrote from then on would be lost.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use crate::{StoreError, StoreResult, reader::Reader, sqlite};

/// How long a node that is just stopping has until its connections are gone.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Nobody else works on the rows; of an embedded store nobody can begin to while this is held.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "held, not read: it is the folder's lock")] Option<File>);

impl Alone {
    /// Fails while a server has the folder, or nodes are connected to the database.
    pub fn on(store: &Reader) -> StoreResult<Self> {
        let Some(file) = store.file() else {
            wait_for_nodes(store)?;
            return Ok(Self(None));
        };
        let folder = file.parent().unwrap_or(file);
        sqlite::lock(folder).map(|lock| Self(Some(lock)))
    }
}

fn wait_for_nodes(store: &Reader) -> StoreResult<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let connected: i64 = store.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT COUNT(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'qunfa' AND pid <> pg_backend_pid()",
            )?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })?;
        if connected == 0 {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(StoreError::Database(format!(
                "{connected} connections of servers to this database are open; stop all of its nodes first"
            )));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
