//! Reading a folder beside the process that holds it: SQLite's log lets any number of processes read while one
//! writes.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{
    SqliteStore,
    connection::{self, Readers, Role},
};
use crate::{StoreError, StoreResult, check::CheckStore};

/// An embedded store that is only read; the folder's lock is neither needed nor taken.
pub struct SqliteReader {
    readers: Readers,
    path: PathBuf,
}

impl std::fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteReader({})", self.path.display())
    }
}

impl SqliteReader {
    /// Opens the store in `folder` for reading. Fails when there is none, or when it was written by another
    /// version of this program.
    pub fn open(folder: &Path) -> StoreResult<Self> {
        let path = folder.join("qunfa.db");
        if !path.is_file() {
            return Err(StoreError::Database(format!(
                "there is no database {}",
                path.display()
            )));
        }
        let reader = Self {
            readers: Readers::new(path.clone()),
            path,
        };
        let newest = super::migrations::migrations::runner()
            .get_migrations()
            .iter()
            .map(|migration| i64::from(migration.version()))
            .max();
        let ours = reader.readers.run(super::snapshot::version)?;
        if ours != newest {
            let version = |number: Option<i64>| number.map_or("none".into(), |number| number.to_string());
            return Err(StoreError::Database(format!(
                "{} has tables of version {}, this program knows {}; start the server once to bring them up to date",
                reader.path.display(),
                version(ours),
                version(newest)
            )));
        }
        Ok(reader)
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl CheckStore for SqliteReader {
    fn snapshot(&self, work: &mut dyn FnMut(&Connection) -> StoreResult<()>) -> StoreResult<()> {
        self.readers.run(work)
    }

    fn damage(&self) -> StoreResult<Vec<String>> {
        damage(&self.path)
    }
}

impl CheckStore for SqliteStore {
    fn snapshot(&self, work: &mut dyn FnMut(&Connection) -> StoreResult<()>) -> StoreResult<()> {
        self.readers.run(work)
    }

    fn damage(&self) -> StoreResult<Vec<String>> {
        damage(&self.path)
    }
}

/// `PRAGMA integrity_check`; empty when all is well.
fn damage(path: &Path) -> StoreResult<Vec<String>> {
    let connection = connection::open(path, Role::Reader)?;
    let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
    let messages = statement.query_map([], |row| row.get(0))?;
    let messages: Vec<String> = messages.collect::<Result<_, _>>()?;
    Ok(messages.into_iter().filter(|message| message != "ok").collect())
}
