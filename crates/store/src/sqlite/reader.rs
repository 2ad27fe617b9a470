//! Reading a folder beside the process that holds it: SQLite's log lets any number of processes read while one
//! writes.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{
    SqliteStore,
    connection::{self, Readers, Role},
};
use crate::{StoreError, StoreResult, check::CheckStore, vault::Vault};

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
        Self::open_file(folder.join("qunfa.db"))
    }

    /// The same with the database file itself, such as that of a backup.
    pub fn open_file(path: PathBuf) -> StoreResult<Self> {
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
        let ours = reader.version()?;
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

    /// Whether the secrets of all accounts open with this master key; true while there is no account.
    pub fn opens_with(&self, vault: &Vault) -> StoreResult<bool> {
        self.readers.run(|db| {
            let mut statement = db.prepare("SELECT open_id_secret FROM account")?;
            let wrapped = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let wrapped: Vec<_> = wrapped.collect::<Result<_, _>>()?;
            Ok(wrapped.iter().all(|wrapped| vault.unwrap(wrapped).is_ok()))
        })
    }

    /// The number of its newest migration.
    pub fn version(&self) -> StoreResult<Option<i64>> {
        self.readers.run(super::snapshot::version)
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
