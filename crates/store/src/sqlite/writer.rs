//! The one writer of the database: a thread that takes calls before bulk work and lets waiting calls share
//! a commit, a savepoint each.

use std::{
    cell::Cell,
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection;
use crate::{StoreError, StoreResult, measure};

/// Calls that share one commit, at most.
const CALLS_PER_COMMIT: usize = 128;
/// How long calls are gathered into one commit.
const GATHER: Duration = Duration::from_millis(10);
/// A passive checkpoint is asked for beyond this many pages of log (16 MiB).
const CHECKPOINT_PAGES: i32 = 4_096;
/// Beyond this many pages the writer itself waits until the log starts again (512 MiB).
const RESTART_PAGES: i32 = 131_072;

thread_local! {
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Somebody waits for the answer.
    Call,
    /// Imports and clean-up; the job itself ends soon when a call waits.
    Bulk,
}

trait Job: Send {
    /// Runs inside a savepoint; false rolls it back.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, after the commit.
    fn finish(self: Box<Self>, committed: Result<(), String>);
}

struct Work<F, T> {
    work: Option<F>,
    result: Option<StoreResult<T>>,
    answer: oneshot::Sender<StoreResult<T>>,
}

impl<F, T> Job for Work<F, T>
where
    F: FnOnce(&Connection) -> StoreResult<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // A panic is a defect; it must fail its own call and not silence the thread that everybody waits for.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(connection)))
            .unwrap_or_else(|_| Err(StoreError::Database("a write ended in a panic".into())));
        let ok = result.is_ok();
        self.result = Some(result);
        ok
    }

    fn finish(self: Box<Self>, committed: Result<(), String>) {
        let result = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(StoreError::Database(error)),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // The caller may have gone away; what was committed stays.
        let _ = self.answer.send(result);
    }
}

#[derive(Default)]
struct Queues {
    calls: VecDeque<Box<dyn Job>>,
    bulk: VecDeque<Box<dyn Job>>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    calls_waiting: Arc<AtomicUsize>,
    arrived: Condvar,
    log_is_long: Mutex<bool>,
    checkpoint: Condvar,
}

impl Queues {
    /// Shows how long the queues are.
    fn measure(&self) {
        let show = |queue: &'static str, length: usize| {
            metrics::gauge!(measure::QUEUE_LENGTH.name, "queue" => queue)
                .set(u32::try_from(length).unwrap_or(u32::MAX));
        };
        show("calls", self.calls.len());
        show("bulk", self.bulk.len());
    }
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop_call(&self, queues: &mut Queues) -> Option<Box<dyn Job>> {
        let call = queues.calls.pop_front();
        self.calls_waiting.store(queues.calls.len(), Ordering::Relaxed);
        queues.measure();
        call
    }
}

/// Hands jobs to the writer thread. Dropping it ends the threads after what was queued.
pub(super) struct Writer {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer thread and the checkpoint thread for the database at `path`.
    pub(super) fn start(path: PathBuf, connection: Connection) -> StoreResult<Self> {
        let shared = Arc::new(Shared::default());
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            let builder = std::thread::Builder::new().name(name.into());
            builder
                .spawn(body)
                .map_err(|error| StoreError::Database(error.to_string()))
        };
        let (ours, at) = (shared.clone(), path.clone());
        let writer = spawn(
            "sqlite-writer",
            Box::new(move || write_loop(&ours, connection, &at)),
        )?;
        let ours = shared.clone();
        let checkpoints = connection::open(&path, connection::Role::Checkpoint)?;
        let checkpointer = spawn(
            "sqlite-checkpoint",
            Box::new(move || checkpoint_loop(&ours, &checkpoints)),
        )?;
        Ok(Self {
            shared,
            threads: vec![writer, checkpointer],
        })
    }

    /// How many calls wait at the moment; bulk work looks at it to know whether it is in the way.
    pub(super) fn calls_waiting(&self) -> Arc<AtomicUsize> {
        self.shared.calls_waiting.clone()
    }

    /// Runs `work` in a transaction and returns when that is committed and flushed (I1).
    pub(super) async fn run<F, T>(&self, priority: Priority, work: F) -> StoreResult<T>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let result = self.post(priority, work)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Sends `work` off to be run in a transaction; nobody has to wait for the answer.
    pub(super) fn post<F, T>(
        &self,
        priority: Priority,
        work: F,
    ) -> StoreResult<oneshot::Receiver<StoreResult<T>>>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job = Box::new(Work {
            work: Some(work),
            result: None,
            answer,
        });
        {
            let mut queues = self.shared.queues();
            if queues.closed {
                return Err(StoreError::Closed);
            }
            match priority {
                Priority::Call => {
                    queues.calls.push_back(job);
                    self.shared
                        .calls_waiting
                        .store(queues.calls.len(), Ordering::Relaxed);
                }
                Priority::Bulk => queues.bulk.push_back(job),
            }
            queues.measure();
        }
        self.shared.arrived.notify_one();
        Ok(result)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queues().closed = true;
        self.shared.arrived.notify_all();
        *self
            .shared
            .log_is_long
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.checkpoint.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the database ended in a panic");
            }
        }
    }
}

fn write_loop(shared: &Shared, mut connection: Connection, path: &std::path::Path) {
    watch_log(&connection);
    while let Some(jobs) = next_jobs(shared) {
        let committed = commit(shared, &connection, jobs);
        if !committed {
            // I20: a failed flush is never retried on the same connection; rows are read anew.
            match connection::open(path, connection::Role::Writer) {
                Ok(fresh) => {
                    watch_log(&fresh);
                    connection = fresh;
                }
                Err(error) => tracing::error!(%error, "the database cannot be opened again"),
            }
        }
        care_for_log(shared, &connection);
    }
}

fn watch_log(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(pages);
        Ok(())
    }));
}

/// Waits for a first job, a call before bulk work. `None` when closed and empty.
fn next_jobs(shared: &Shared) -> Option<Vec<Box<dyn Job>>> {
    let mut queues = shared.queues();
    loop {
        let call = shared.pop_call(&mut queues);
        if let Some(job) = call.or_else(|| queues.bulk.pop_front()) {
            return Some(vec![job]);
        }
        if queues.closed {
            return None;
        }
        queues = shared
            .arrived
            .wait(queues)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn commit(shared: &Shared, connection: &Connection, mut jobs: Vec<Box<dyn Job>>) -> bool {
    let began = Instant::now();
    let result = in_transaction(shared, connection, &mut jobs);
    metrics::histogram!(measure::COMMIT_DURATION.name).record(began.elapsed());
    if let Err(error) = &result {
        metrics::counter!(measure::COMMITS_FAILED.name).increment(1);
        tracing::error!(error, "a commit failed");
        // Nothing to do if this fails too: the connection is opened anew.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let ok = result.is_ok();
    for job in jobs {
        job.finish(result.clone());
    }
    ok
}

fn in_transaction(
    shared: &Shared,
    connection: &Connection,
    jobs: &mut Vec<Box<dyn Job>>,
) -> Result<(), String> {
    let text = |error: rusqlite::Error| error.to_string();
    connection.execute_batch("BEGIN IMMEDIATE").map_err(text)?;
    let started = Instant::now();
    let mut done = 0;
    while done < jobs.len() {
        connection.execute_batch("SAVEPOINT job").map_err(text)?;
        let ok = jobs[done].run(connection);
        connection
            .execute_batch(if ok {
                "RELEASE job"
            } else {
                "ROLLBACK TO job; RELEASE job"
            })
            .map_err(text)?;
        done += 1;
        if done == jobs.len() && done < CALLS_PER_COMMIT && started.elapsed() < GATHER {
            jobs.extend(shared.pop_call(&mut shared.queues()));
        }
    }
    connection.execute_batch("COMMIT").map_err(text)
}

fn care_for_log(shared: &Shared, connection: &Connection) {
    let pages = LOG_PAGES.get();
    if pages > RESTART_PAGES {
        if let Err(error) = checkpoint(connection, "RESTART") {
            tracing::warn!(%error, "the log could not be restarted");
        }
        LOG_PAGES.set(0);
    } else if pages > CHECKPOINT_PAGES {
        *shared.log_is_long.lock().unwrap_or_else(PoisonError::into_inner) = true;
        shared.checkpoint.notify_one();
    }
}

fn checkpoint_loop(shared: &Shared, connection: &Connection) {
    loop {
        {
            let mut long = shared.log_is_long.lock().unwrap_or_else(PoisonError::into_inner);
            while !*long {
                long = shared
                    .checkpoint
                    .wait(long)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            *long = false;
        }
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::warn!(%error, "a checkpoint failed");
        }
        if shared.queues().closed {
            return;
        }
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}
