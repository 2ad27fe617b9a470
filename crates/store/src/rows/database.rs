//! Where the rows lie, and how work gets there: reads on snapshots of their own, writes in line.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::writer::{Priority, Scope, Writer};
use crate::{StoreError, StoreResult, postgres::Postgres, sql::Connection, sqlite::Sqlite};

/// Either database.
#[derive(Debug)]
pub(crate) enum Database {
    /// One file and one process.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

impl Database {
    fn readers(&self) -> &Arc<Readers> {
        match self {
            Self::Sqlite(sqlite) => &sqlite.readers,
            Self::Postgres(postgres) => &postgres.readers,
        }
    }

    fn writer(&self) -> &Writer {
        match self {
            Self::Sqlite(sqlite) => &sqlite.writer,
            Self::Postgres(postgres) => &postgres.writer,
        }
    }

    /// Runs `work` on one snapshot.
    pub(super) async fn read<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let readers = self.readers().clone();
        let place = self.readers().place().await?;
        // The thread keeps the place, not the caller: one who gave up leaves a thread behind that still waits for the
        // database, and those must not become more than there are places.
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            readers.run(work)
        });
        task.await
            .map_err(|error| StoreError::Database(error.to_string()))?
    }

    /// Runs `work` in a transaction and returns when that is committed and flushed (I1).
    pub(super) async fn write<T, F>(&self, scope: Scope, priority: Priority, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let result = self.post(scope, priority, work)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Sends `work` off to be run in a transaction; nobody has to wait for the answer.
    pub(super) fn post<T, F>(
        &self,
        scope: Scope,
        priority: Priority,
        work: F,
    ) -> StoreResult<tokio::sync::oneshot::Receiver<StoreResult<T>>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        self.writer().post(scope, priority, work)
    }

    /// The same with `answer` told of the outcome, after the commit and before the next job.
    pub(super) fn post_to<T, F, A>(
        &self,
        scope: Scope,
        priority: Priority,
        work: F,
        answer: A,
    ) -> StoreResult<()>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        A: FnOnce(StoreResult<T>) + Send + 'static,
    {
        self.writer().post_to(scope, priority, work, answer)
    }

    /// How many calls wait where `scope` is written; bulk work looks at it to know whether it is in the way.
    pub(super) fn calls_waiting(&self, scope: Scope) -> Arc<std::sync::atomic::AtomicUsize> {
        self.writer().calls_waiting(scope)
    }
}

type Open = dyn Fn() -> StoreResult<Connection> + Send + Sync;

/// Connections for reading, handed out one by one.
pub(crate) struct Readers {
    open: Box<Open>,
    begin: &'static str,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Readers({} free)", self.places.available_permits())
    }
}

impl Readers {
    /// At most `count` readers at work at the same time, on connections that `open` makes and snapshots that `begin`
    /// begins.
    pub(crate) fn new(
        count: usize,
        begin: &'static str,
        open: impl Fn() -> StoreResult<Connection> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Box::new(open),
            begin,
            idle: Mutex::new(Vec::new()),
            places: Arc::new(Semaphore::new(count)),
        }
    }

    /// A place among the readers at work; wait for it before [`Readers::run`].
    async fn place(&self) -> StoreResult<OwnedSemaphorePermit> {
        self.places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)
    }

    /// Runs `work` on one snapshot of the database.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let connection = self.begin()?;
        let result = work(&connection);
        // A connection whose snapshot cannot be given up is not used again.
        if connection.execute_batch("COMMIT").is_ok() {
            self.idle().push(connection);
        }
        result
    }

    /// A connection with a snapshot. One that was idle may have been closed at the other end meanwhile; then all idle
    /// ones are given up, as a server that went away closed them all.
    fn begin(&self) -> StoreResult<Connection> {
        if let Some(connection) = self.idle().pop()
            && connection.execute_batch(self.begin).is_ok()
        {
            return Ok(connection);
        }
        self.idle().clear();
        let connection = (self.open)()?;
        connection.execute_batch(self.begin)?;
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
