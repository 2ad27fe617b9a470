//! Opening connections, each with what its role needs.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::{StoreError, StoreResult};

/// Readers at work at the same time.
const READERS: usize = 8;
const STATEMENTS: usize = 128;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
    Checkpoint,
}

/// Opens the database at `path`.
pub(super) fn open(path: &Path, role: Role) -> StoreResult<Connection> {
    let flags = match role {
        Role::Writer | Role::Checkpoint => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let cache_kib = if role == Role::Writer { 65_536 } else { 8_192 };
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if role != Role::Reader {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // I1: a commit is flushed before it is answered. Checkpoints run on a connection of their own.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    }
    Ok(connection)
}

/// Connections for reading, handed out one by one.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
            places: Semaphore::new(READERS),
        }
    }

    /// A place among the readers at work; wait for it before [`Readers::run`].
    pub(super) async fn place(&self) -> StoreResult<tokio::sync::SemaphorePermit<'_>> {
        self.places.acquire().await.map_err(|_| StoreError::Closed)
    }

    /// Runs `work` on one snapshot of the database.
    pub(super) fn run<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(&self.path, Role::Reader)?,
        };
        connection.execute_batch("BEGIN")?;
        let result = work(&connection);
        // A connection whose snapshot cannot be given up is not used again.
        if connection.execute_batch("COMMIT").is_ok() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
        result
    }
}
