//! Reading an installation's rows beside the processes that work on them: a check, a backup, a look.
//!
//! SQLite's log lets any number of processes read while one writes, so the folder's lock is neither needed nor
//! taken; a server has many clients anyway.

use std::path::{Path, PathBuf};

use crate::{
    StoreError, StoreResult,
    postgres::{Postgres, PostgresOptions},
    rows::{Readers, migrations},
    sql::Connection,
    sqlite::connection::{self, Role},
    vault::Vault,
};

/// Rows that are only read.
#[derive(Debug)]
pub struct Reader(Source);

#[derive(Debug)]
enum Source {
    File(Readers, PathBuf),
    Server(Postgres),
}

impl Reader {
    /// Opens the embedded store in `folder`. Fails when there is none, or when its tables are of another version of
    /// this program.
    pub fn open(folder: &Path) -> StoreResult<Self> {
        Self::open_file(folder.join("qunfa.db"))
    }

    /// The same with the database file itself, such as that of a backup.
    pub fn open_file(path: PathBuf) -> StoreResult<Self> {
        if !path.is_file() {
            let missing = format!("there is no database {}", path.display());
            return Err(StoreError::Database(missing));
        }
        let file = path.clone();
        let readers = Readers::new(1, "BEGIN", move || {
            connection::open(&file, Role::Reader).map(Connection::Sqlite)
        });
        let reader = Self(Source::File(readers, path.clone()));
        reader.refuse_other_version(&path.display().to_string())?;
        Ok(reader)
    }

    /// Connects to the database server of an installation, and changes nothing there. Fails when it has no tables, or
    /// tables of another version of this program.
    pub fn connect(options: &PostgresOptions) -> StoreResult<Self> {
        let few = PostgresOptions {
            readers: 1,
            writers: 1,
            ..options.clone()
        };
        let reader = Self(Source::Server(Postgres::open_unchanged(&few)?));
        // On a thread of its own: the caller may be one of another runtime's.
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| reader.refuse_other_version("the PostgreSQL database"));
            looking.join().unwrap_or(Err(StoreError::Closed))
        })?;
        Ok(reader)
    }

    fn refuse_other_version(&self, place: &str) -> StoreResult<()> {
        let (found, known) = (self.version()?, migrations::newest());
        match found {
            Some(found) if found == known => Ok(()),
            Some(found) if found > known => Err(StoreError::Database(format!(
                "{place} has tables of version {found}, this program knows {known}; use the newer program that made them"
            ))),
            found => Err(StoreError::Database(format!(
                "{place} has tables of version {}, this program knows {known}; start the server once to bring them up to \
                 date",
                found.map_or("none".into(), |found| found.to_string()),
            ))),
        }
    }

    /// The database file, of an embedded store.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(_, path) => Some(path),
            Source::Server(_) => None,
        }
    }

    /// The number of its newest migration; `None` where there are no tables.
    pub fn version(&self) -> StoreResult<Option<i64>> {
        self.read(|db| {
            let listed = match db {
                Connection::Sqlite(_) => "SELECT 1 FROM sqlite_master WHERE name = 'refinery_schema_history'",
                Connection::Postgres(_) => {
                    "SELECT 1 WHERE to_regclass('refinery_schema_history') IS NOT NULL"
                }
            };
            if !db.prepare_cached(listed)?.exists([])? {
                return Ok(None);
            }
            let mut statement = db.prepare_cached("SELECT MAX(version) FROM refinery_schema_history")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    /// Whether the secrets of all accounts open with this master key; true while there is no account.
    pub fn opens_with(&self, vault: &Vault) -> StoreResult<bool> {
        let wrapped: Vec<Vec<u8>> = self.read(|db| {
            let mut statement = db.prepare_cached("SELECT open_id_secret FROM account")?;
            let wrapped = statement.query_map([], |row| row.get(0))?;
            Ok(wrapped.collect::<Result<_, _>>()?)
        })?;
        Ok(wrapped.iter().all(|wrapped| vault.unwrap(wrapped).is_ok()))
    }

    /// Runs `work` on one snapshot.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        match &self.0 {
            Source::File(readers, _) => readers.run(work),
            Source::Server(server) => server.readers.run(work),
        }
    }

    /// What the database itself says is damaged in its files; a server looks after its own.
    pub(crate) fn damage(&self) -> StoreResult<Vec<String>> {
        let Source::File(_, path) = &self.0 else {
            return Ok(Vec::new());
        };
        let connection = connection::open(path, Role::Reader)?;
        let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
        let messages = statement.query_map([], |row| row.get(0))?;
        let messages: Vec<String> = messages.collect::<Result<_, _>>()?;
        Ok(messages.into_iter().filter(|message| message != "ok").collect())
    }
}
