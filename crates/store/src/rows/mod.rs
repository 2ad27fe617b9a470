//! The rows: every statement of the store, written once for both databases.
//!
//! A file per trait of the crate, named like it; [`super::Store`] is implemented area by area. Where the rows lie is
//! `Database`'s affair: a SQLite file of one process, or a PostgreSQL server that any number of nodes share. A
//! transaction that writes rows of an account has the account to itself, on either: embedded there is one writer; on a
//! server it locks the account's row of `account_lock` first. So what is written here may read, decide and write.

use std::{path::Path, sync::Arc};

use domain::{id::AccountId, time::Calendar};

use crate::{
    StoreResult,
    postgres::{self, PostgresOptions},
    random::Random,
    sql::Connection,
    sqlite,
    vault::Vault,
};

mod accept;
mod account;
mod at_once;
pub(crate) mod backlog;
mod blob;
mod bridge;
mod call;
mod card;
mod channel;
pub(crate) mod columns;
mod comment;
mod content;
mod database;
mod delete;
mod dry_run;
mod end;
mod follower;
mod import;
mod inbox;
mod inbox_token;
mod kept;
mod lease;
mod library;
mod live;
mod mass;
mod media;
pub(crate) mod migrations;
mod original;
mod outbox;
mod preview;
mod publication;
mod push;
mod reading;
mod release;
mod retention;
mod schedule;
pub(crate) mod seal;
mod sets;
mod setting;
mod snapshot;
mod statistics;
mod subscription;
mod tag;
pub(crate) mod time;
mod token;
mod usage;
mod watch;
pub mod world;
pub(crate) mod writer;

pub(crate) use database::{Database, Readers};
use kept::Kept;
use lease::Leases;
use release::ReceiptsCache;
use watch::Watch;
use writer::{Priority, Scope};

/// Bytes of frozen articles that are kept in memory.
const NEWS_BYTES: u64 = 64 << 20;

/// The store of rows.
pub struct SqlStore {
    database: Database,
    shared: Arc<Shared>,
    imports: import::Pipeline,
}

/// What transactions need besides the connection.
pub(crate) struct Shared {
    vault: Vault,
    calendar: Calendar,
    random: Random,
    leases: Leases,
    receipts: ReceiptsCache,
    news: moka::sync::Cache<(u32, i64), Arc<crate::media::FrozenNews>>,
    reads: statistics::Unwritten,
    kept: Kept,
}

impl std::fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqlStore({:?})", self.database)
    }
}

impl SqlStore {
    /// Opens the embedded store in `folder`, which must exist, and brings its tables up to date. Fails when another
    /// process has it open.
    pub fn open(folder: &Path, vault: Vault, calendar: Calendar) -> StoreResult<Self> {
        let database = Database::Sqlite(sqlite::Sqlite::open(folder)?);
        Ok(Self::over(database, Leases::in_memory(), vault, calendar))
    }

    /// Opens the store on a PostgreSQL server and brings its tables up to date. Any number of processes may. Waits for the
    /// server, for some seconds at most.
    pub fn connect(options: &PostgresOptions, vault: Vault, calendar: Calendar) -> StoreResult<Self> {
        let database = Database::Postgres(postgres::Postgres::open(options)?);
        Ok(Self::over(database, Leases::in_rows(), vault, calendar))
    }

    fn over(database: Database, leases: Leases, vault: Vault, calendar: Calendar) -> Self {
        let kept = match &database {
            Database::Sqlite(sqlite) => Kept::new(sqlite.writer.versions(), None),
            Database::Postgres(postgres) => Kept::new(postgres.writer.versions(), Some(Watch::default())),
        };
        Self {
            database,
            shared: Arc::new(Shared {
                kept,
                vault,
                calendar,
                random: Random::system(),
                leases,
                receipts: ReceiptsCache::default(),
                news: moka::sync::Cache::builder()
                    .weigher(|_, news| media::weight(news))
                    .max_capacity(NEWS_BYTES)
                    .build(),
                reads: statistics::Unwritten::default(),
            }),
            imports: import::Pipeline::default(),
        }
    }

    /// The database file of an embedded store, for measurements and backups.
    pub fn file(&self) -> Option<&Path> {
        match &self.database {
            Database::Sqlite(sqlite) => Some(sqlite.path()),
            Database::Postgres(_) => None,
        }
    }

    /// Runs `work` on one snapshot.
    async fn read<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.database
            .read(move |connection| work(connection, &shared))
            .await
    }

    /// Runs `work` in a transaction that somebody waits for, and that has `scope` to itself.
    async fn write<T, F>(&self, scope: impl Into<Scope>, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.database
            .write(scope.into(), Priority::Call, move |connection| {
                work(connection, &shared)
            })
            .await
    }

    /// The same for what no kept answer shows, so that these stay.
    async fn write_aside<T, F>(&self, scope: impl Into<Scope>, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.database
            .write(scope.into(), Priority::Aside, move |connection| {
                work(connection, &shared)
            })
            .await
    }

    /// Runs `work` in a transaction behind all calls; it should end after 20 ms.
    async fn write_bulk<T, F>(&self, scope: impl Into<Scope>, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.database
            .write(scope.into(), Priority::Bulk, move |connection| {
                work(connection, &shared)
            })
            .await
    }
}

impl From<AccountId> for Scope {
    fn from(account: AccountId) -> Self {
        Self::Account(account)
    }
}
