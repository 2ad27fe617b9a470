//! The embedded database: one SQLite file, one writer thread, a pool of readers.
//!
//! The folder is locked by its process, so leases and caches can live in memory: nothing outside this process writes.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    StoreError, StoreResult, crash_point,
    rows::{Readers, migrations, writer::Writer},
    sql::Connection,
};

mod commit;
pub(crate) mod connection;

use connection::Role;

/// Readers at work at the same time.
const READERS: usize = 8;

/// The database in a folder.
pub(crate) struct Sqlite {
    pub(crate) writer: Writer,
    pub(crate) readers: Arc<Readers>,
    path: PathBuf,
    // Held as long as the database is open: a second process cannot open the folder.
    _lock: File,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sqlite({})", self.path.display())
    }
}

impl Sqlite {
    /// Opens the database in `folder`, which must exist, and brings its tables up to date.
    pub(crate) fn open(folder: &Path) -> StoreResult<Self> {
        let lock = lock(folder)?;
        let path = folder.join("qunfa.db");
        private_file(&path)?;
        let mut connection = connection::open(&path, Role::Writer)?;
        crash_point!("store.opened");
        migrations::on_sqlite(&mut connection)?;
        crash_point!("store.migrated");
        let committer = commit::SqliteCommitter::new(path.clone(), connection)?;
        let read = path.clone();
        Ok(Self {
            writer: Writer::start(vec![Box::new(committer)])?,
            readers: Arc::new(Readers::new(READERS, "BEGIN", move || {
                connection::open(&read, Role::Reader).map(Connection::Sqlite)
            })),
            path,
            _lock: lock,
        })
    }

    /// The database file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

pub(crate) fn lock(folder: &Path) -> StoreResult<File> {
    let file = private_file(&folder.join("lock"))?;
    file.try_lock()
        .map_err(|_| StoreError::Database(format!("{} is in use by another process", folder.display())))?;
    Ok(file)
}

/// Opens a file that only its owner may read (SEC3); SQLite gives its log the same mode.
pub(crate) fn private_file(path: &Path) -> StoreResult<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| StoreError::Database(format!("{}: {error}", path.display())))
}
