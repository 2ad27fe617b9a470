//! The embedded store: one SQLite file, one writer thread, a pool of readers.
//!
//! The folder is locked by its process, so leases and caches can live in memory: nothing outside this
//! process writes. Each area has the file of its trait's name; [`super::Store`] is implemented area by area.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use domain::time::Calendar;
use rusqlite::Connection;

use crate::{StoreError, StoreResult, random::Random, vault::Vault};

mod accept;
mod account;
pub mod backup;
mod call;
mod card;
mod comment;
mod connection;
mod content;
mod delete;
mod dry_run;
mod end;
mod follower;
mod import;
mod inbox;
mod library;
mod mass;
mod media;
mod original;
mod outbox;
mod preview;
mod publication;
mod reader;
mod release;
pub(crate) mod rows;
mod schedule;
mod sets;
mod setting;
mod snapshot;
mod statistics;
mod tag;
mod token;
mod usage;
pub mod world;
mod writer;

use connection::{Readers, Role};
pub use reader::SqliteReader;
use release::{Leases, ReceiptsCache};
use writer::{Priority, Writer};

mod migrations {
    refinery::embed_migrations!("src/sqlite/migrations");
}

/// Bytes of frozen articles that are kept in memory.
const NEWS_BYTES: u64 = 64 << 20;

/// The embedded store.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    shared: Arc<Shared>,
    path: PathBuf,
    imports: import::Pipeline,
    // Held as long as the store lives: a second process cannot open the folder.
    _lock: File,
}

/// What transactions need besides the connection.
struct Shared {
    vault: Vault,
    calendar: Calendar,
    random: Random,
    leases: Mutex<Leases>,
    receipts: ReceiptsCache,
    news: moka::sync::Cache<(u32, i64), Arc<crate::media::FrozenNews>>,
    reads: statistics::Unwritten,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore({})", self.path.display())
    }
}

impl SqliteStore {
    /// Opens the store in `folder`, which must exist, and brings its tables up to date. Fails when another
    /// process has it open.
    pub fn open(folder: &Path, vault: Vault, calendar: Calendar) -> StoreResult<Self> {
        let lock = lock(folder)?;
        let path = folder.join("qunfa.db");
        private_file(&path)?;
        let mut connection = connection::open(&path, Role::Writer)?;
        migrations::migrations::runner()
            .run(&mut connection)
            .map_err(|error| StoreError::Database(error.to_string()))?;
        let shared = Shared {
            vault,
            calendar,
            random: Random::system(),
            leases: Mutex::default(),
            receipts: ReceiptsCache::default(),
            news: moka::sync::Cache::builder()
                .weigher(|_, news| media::weight(news))
                .max_capacity(NEWS_BYTES)
                .build(),
            reads: statistics::Unwritten::default(),
        };
        Ok(Self {
            writer: Writer::start(path.clone(), connection)?,
            readers: Arc::new(Readers::new(path.clone())),
            shared: Arc::new(shared),
            path,
            imports: import::Pipeline::default(),
            _lock: lock,
        })
    }

    /// The database file, for measurements and backups.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on one snapshot.
    async fn read<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let _place = self.readers.place().await?;
        let (readers, shared) = (self.readers.clone(), self.shared.clone());
        let task = tokio::task::spawn_blocking(move || readers.run(|connection| work(connection, &shared)));
        task.await
            .map_err(|error| StoreError::Database(error.to_string()))?
    }

    /// Runs `work` in a transaction that somebody waits for.
    async fn write<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.writer
            .run(Priority::Call, move |connection| work(connection, &shared))
            .await
    }

    /// Runs `work` in a transaction behind all calls; it should end after 20 ms.
    async fn write_bulk<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> StoreResult<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.writer
            .run(Priority::Bulk, move |connection| work(connection, &shared))
            .await
    }
}

fn lock(folder: &Path) -> StoreResult<File> {
    let file = private_file(&folder.join("lock"))?;
    file.try_lock()
        .map_err(|_| StoreError::Database(format!("{} is in use by another process", folder.display())))?;
    Ok(file)
}

/// Opens a file that only its owner may read (SEC3); SQLite gives its log the same mode.
fn private_file(path: &Path) -> StoreResult<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| StoreError::Database(format!("{}: {error}", path.display())))
}
