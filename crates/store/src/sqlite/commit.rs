//! Committing to the file: a savepoint per call, and the care for the log.

use std::{
    cell::Cell,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Instant,
};

use super::connection::{self, Role};
use crate::{
    StoreError, StoreResult,
    rows::writer::{CALLS_PER_COMMIT, Committer, GATHER, Job, Lane},
    sql::Connection,
};

/// A passive checkpoint is asked for beyond this many pages of log (16 MiB).
const CHECKPOINT_PAGES: i32 = 4_096;
/// Beyond this many pages the writer itself waits until the log starts again (512 MiB).
const RESTART_PAGES: i32 = 131_072;

thread_local! {
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The one writer of the file.
pub(super) struct SqliteCommitter {
    path: PathBuf,
    connection: Connection,
    watched: bool,
    checkpoints: Checkpoints,
}

impl SqliteCommitter {
    /// Writes through `connection`, which is to the file at `path`.
    pub(super) fn new(path: PathBuf, connection: rusqlite::Connection) -> StoreResult<Self> {
        Ok(Self {
            checkpoints: Checkpoints::start(connection::open(&path, Role::Checkpoint)?)?,
            path,
            connection: Connection::Sqlite(connection),
            watched: false,
        })
    }

    fn in_transaction(&self, lane: &Lane, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), String> {
        let batch = |sql: &str| {
            self.connection
                .execute_batch(sql)
                .map_err(|error| error.to_string())
        };
        batch("BEGIN IMMEDIATE")?;
        let started = Instant::now();
        let mut done = 0;
        while let Some(job) = jobs.get_mut(done) {
            batch("SAVEPOINT job")?;
            let ok = job.run(&self.connection);
            batch(if ok {
                "RELEASE job"
            } else {
                "ROLLBACK TO job; RELEASE job"
            })?;
            done += 1;
            if done == jobs.len() && done < CALLS_PER_COMMIT && started.elapsed() < GATHER {
                jobs.extend(lane.next_call(None));
            }
        }
        batch("COMMIT")
    }

    /// The log's length is known on the thread that writes it only.
    fn watch_log(&mut self) {
        if let (false, Connection::Sqlite(connection)) = (self.watched, &self.connection) {
            connection.wal_hook(Some(|_, pages| {
                LOG_PAGES.set(pages);
                Ok(())
            }));
            self.watched = true;
        }
    }

    /// I20: a failed flush is never retried on the same connection; rows are read anew.
    fn reopen(&mut self) {
        // Nothing to do if this fails too: the connection is opened anew.
        let _ = self.connection.execute_batch("ROLLBACK");
        match connection::open(&self.path, Role::Writer) {
            Ok(fresh) => {
                self.connection = Connection::Sqlite(fresh);
                self.watched = false;
            }
            Err(error) => tracing::error!(%error, "the database cannot be opened again"),
        }
    }

    fn care_for_log(&self) {
        let pages = LOG_PAGES.get();
        if pages > RESTART_PAGES {
            if let Connection::Sqlite(connection) = &self.connection
                && let Err(error) = checkpoint(connection, "RESTART")
            {
                tracing::warn!(%error, "the log could not be restarted");
            }
            LOG_PAGES.set(0);
        } else if pages > CHECKPOINT_PAGES {
            self.checkpoints.ask();
        }
    }
}

impl Committer for SqliteCommitter {
    fn commit(&mut self, lane: &Lane, first: Box<dyn Job>) {
        self.watch_log();
        let mut jobs = vec![first];
        let result = self.in_transaction(lane, &mut jobs);
        if let Err(error) = &result {
            tracing::error!(error, "a commit failed");
            self.reopen();
        }
        for job in jobs {
            job.finish(result.clone());
        }
        self.care_for_log();
    }
}

/// The thread that moves the log into the file, on a connection of its own. Ends when this is dropped.
struct Checkpoints {
    requests: Option<mpsc::Sender<()>>,
    asked: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Checkpoints {
    fn start(connection: rusqlite::Connection) -> StoreResult<Self> {
        let (requests, asked_for) = mpsc::channel();
        let asked = Arc::new(AtomicBool::new(false));
        let pending = asked.clone();
        let body = move || {
            for () in asked_for {
                pending.store(false, Ordering::Relaxed);
                if let Err(error) = checkpoint(&connection, "PASSIVE") {
                    tracing::warn!(%error, "a checkpoint failed");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(body)
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self {
            requests: Some(requests),
            asked,
            thread: Some(thread),
        })
    }

    fn ask(&self) {
        if !self.asked.swap(true, Ordering::Relaxed)
            && let Some(requests) = &self.requests
        {
            // Nobody listens only when the thread ended in a panic, which is told at the end.
            let _ = requests.send(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.requests = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the checkpoints ended in a panic");
        }
    }
}

fn checkpoint(connection: &rusqlite::Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}
