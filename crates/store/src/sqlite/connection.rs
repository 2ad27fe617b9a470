//! Opening connections, each with what its role needs.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::StoreResult;

const STATEMENTS: usize = 128;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
    Checkpoint,
}

/// Opens the database at `path`.
pub(crate) fn open(path: &Path, role: Role) -> StoreResult<Connection> {
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
