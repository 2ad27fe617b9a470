//! Copies of the whole database, and putting one in its place while the store stays open: for a sandbox, whose
//! world can be taken back.
//!
//! Whoever calls sees to it that nobody reads or writes meanwhile: a transaction is never torn, but two of them
//! could see two worlds.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, backup};

use super::{Database, SqlStore, writer::Scope};
use crate::statistics::StatisticsStore;
use crate::{
    StoreError, StoreResult,
    sqlite::{
        connection::{self, Role},
        private_file,
    },
};

/// Pages copied in one step: all of them.
const ALL: std::ffi::c_int = -1;

impl SqlStore {
    /// Writes a copy of everything to the file `to`, which appears when it is complete.
    pub async fn save_copy(&self, to: PathBuf) -> StoreResult<()> {
        self.flush_reads().await?;
        let from = self.own_file()?;
        in_background(move || {
            let unfinished = to.with_extension("unfinished");
            remove(&unfinished)?;
            private_file(&unfinished)?;
            let mut copy = Connection::open(&unfinished)?;
            // Nobody needs a copy that the machine did not live to finish.
            copy.pragma_update(None, "synchronous", "OFF")?;
            copy_all(&connection::open(&from, Role::Reader)?, &mut copy)?;
            // A file that is opened without a log of its own beside it.
            copy.pragma_update(None, "journal_mode", "DELETE")?;
            copy.close().map_err(|(_, error)| error)?;
            std::fs::rename(&unfinished, &to).map_err(|error| io(&to, &error))
        })
        .await
    }

    /// Makes everything as it was when `from` was written, in one transaction.
    pub async fn take_copy(&self, from: PathBuf) -> StoreResult<()> {
        // Whatever was asked for before is done: calls go first, and this is bulk.
        self.write_bulk(Scope::Common, |_, _| Ok(())).await?;
        let path = self.own_file()?;
        in_background(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let copy = Connection::open_with_flags(from, flags)?;
            let mut database = connection::open(&path, Role::Writer)?;
            if version(&copy)? != version(&database)? {
                return Err(StoreError::Database(
                    "the copy was made by another version of this program".into(),
                ));
            }
            // The log is flushed at the next checkpoint at the latest; a machine that fails before has the world
            // from before.
            database.pragma_update(None, "synchronous", "NORMAL")?;
            copy_all(&copy, &mut database)
        })
        .await?;
        self.shared.forget();
        Ok(())
    }
}

impl SqlStore {
    fn own_file(&self) -> StoreResult<PathBuf> {
        match &self.database {
            Database::Sqlite(sqlite) => Ok(sqlite.path().to_owned()),
            Database::Postgres(_) => Err(StoreError::Database(
                "a server's database is copied by its own tools".into(),
            )),
        }
    }
}

impl super::Shared {
    /// Empties what is known from rows.
    fn forget(&self) {
        self.leases.forget();
        self.kept.forget();
        self.receipts.forget();
        self.news.invalidate_all();
        self.reads.forget();
    }
}

fn copy_all(from: &Connection, to: &mut Connection) -> StoreResult<()> {
    let copy = backup::Backup::new(from, to)?;
    match copy.step(ALL)? {
        backup::StepResult::Done => Ok(()),
        _ => Err(StoreError::Database("the database is busy".into())),
    }
}

/// The newest migration of a database.
pub(super) fn version(database: &Connection) -> StoreResult<Option<i64>> {
    let newest = database
        .query_row("SELECT MAX(version) FROM refinery_schema_history", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(newest.flatten())
}

fn remove(path: &Path) -> StoreResult<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path, &error)),
        _ => Ok(()),
    }
}

fn io(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Database(format!("{}: {error}", path.display()))
}

async fn in_background<F>(work: F) -> StoreResult<()>
where
    F: FnOnce() -> StoreResult<()> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Database(error.to_string()))?
}
