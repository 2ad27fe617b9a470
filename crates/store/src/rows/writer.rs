//! Writing in line: threads that take calls before bulk work and let waiting calls of one scope share a commit.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::id::AccountId;
use tokio::sync::oneshot;

use super::kept::Versions;
use crate::{StoreError, StoreResult, measure, sql::Connection};

/// Calls that share one commit, at most.
pub(crate) const CALLS_PER_COMMIT: usize = 128;
/// How long calls are gathered into one commit.
pub(crate) const GATHER: Duration = Duration::from_millis(10);

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Somebody waits for the answer.
    Call,
    /// The same, and nothing that is kept of reads shows what it writes.
    Aside,
    /// Imports and clean-up; the job itself ends soon when a call waits.
    Bulk,
}

/// What a transaction has to itself while it lasts, over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The rows of one account.
    Account(AccountId),
    /// What belongs to no account.
    Common,
}

/// One piece of work with its caller's address.
pub(crate) trait Job: Send {
    /// What it needs to itself.
    fn scope(&self) -> Scope;
    /// Whether something that is kept of reads may show what it writes.
    fn is_shown(&self) -> bool;
    /// Runs inside a transaction; false asks for what it did to be rolled back.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, after the commit.
    fn finish(self: Box<Self>, committed: Result<(), String>);
}

struct Work<F, T, A> {
    scope: Scope,
    // What is kept of reads is counted on here, unless it shows nothing of this.
    versions: Option<Arc<Versions>>,
    work: Option<F>,
    result: Option<StoreResult<T>>,
    answer: A,
}

impl<F, T, A> Job for Work<F, T, A>
where
    F: FnOnce(&Connection) -> StoreResult<T> + Send,
    T: Send,
    A: FnOnce(StoreResult<T>) + Send,
{
    fn scope(&self) -> Scope {
        self.scope
    }

    fn is_shown(&self) -> bool {
        self.versions.is_some()
    }

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
        // Also after a failure: a commit whose outcome is unknown may have happened.
        if let Some(versions) = &self.versions {
            versions.changed(self.scope);
        }
        let result = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(StoreError::Database(error)),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        (self.answer)(result);
    }
}

#[derive(Default)]
struct Queues {
    calls: VecDeque<Box<dyn Job>>,
    bulk: VecDeque<Box<dyn Job>>,
    closed: bool,
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

/// The jobs that wait for one thread.
#[derive(Default)]
pub(crate) struct Lane {
    queues: Mutex<Queues>,
    calls_waiting: Arc<AtomicUsize>,
    arrived: Condvar,
}

impl Lane {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_waiting(&self, queues: &Queues) {
        queues.measure();
        self.calls_waiting.store(queues.calls.len(), Ordering::Relaxed);
    }

    /// Waits for a job, a call before bulk work. `None` when closed and empty.
    fn next(&self) -> Option<Box<dyn Job>> {
        let mut queues = self.queues();
        loop {
            let call = queues.calls.pop_front();
            self.note_waiting(&queues);
            if let Some(job) = call.or_else(|| queues.bulk.pop_front()) {
                return Some(job);
            }
            if queues.closed {
                return None;
            }
            queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The call that waits longest, if it may share a commit of `scope`; of any scope where that is `None`.
    pub(crate) fn next_call(&self, scope: Option<Scope>) -> Option<Box<dyn Job>> {
        let mut queues = self.queues();
        let fits = queues
            .calls
            .front()
            .is_some_and(|job| scope.is_none_or(|scope| job.scope() == scope));
        let call = if fits { queues.calls.pop_front() } else { None };
        self.note_waiting(&queues);
        call
    }
}

/// What a thread does with the jobs of its lane.
pub(crate) trait Committer: Send {
    /// Runs `first`, and calls that wait meanwhile, in one transaction, commits and tells the callers. False when that
    /// failed.
    fn commit(&mut self, lane: &Lane, first: Box<dyn Job>) -> bool;
}

/// Hands jobs to its threads, those of one account always to the same. Dropping it ends the threads after what was
/// queued.
pub(crate) struct Writer {
    lanes: Vec<Arc<Lane>>,
    versions: Arc<Versions>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} lanes)", self.lanes.len())
    }
}

impl Writer {
    /// Starts a thread for each committer.
    pub(crate) fn start(committers: Vec<Box<dyn Committer>>) -> StoreResult<Self> {
        let mut writer = Self {
            lanes: Vec::new(),
            versions: Arc::default(),
            threads: Vec::new(),
        };
        for mut committer in committers {
            let lane = Arc::new(Lane::default());
            writer.lanes.push(lane.clone());
            let body = move || {
                while let Some(job) = lane.next() {
                    let began = Instant::now();
                    if !committer.commit(&lane, job) {
                        metrics::counter!(measure::COMMITS_FAILED.name).increment(1);
                    }
                    metrics::histogram!(measure::COMMIT_DURATION.name).record(began.elapsed());
                }
            };
            let thread = std::thread::Builder::new()
                .name("store-writer".into())
                .spawn(body);
            writer
                .threads
                .push(thread.map_err(|error| StoreError::Database(error.to_string()))?);
        }
        Ok(writer)
    }

    /// Counts what it writes.
    pub(crate) fn versions(&self) -> Arc<Versions> {
        self.versions.clone()
    }

    fn lane(&self, scope: Scope) -> Option<&Arc<Lane>> {
        let place = match scope {
            Scope::Account(account) => account.0 as usize % self.lanes.len().max(1),
            Scope::Common => 0,
        };
        self.lanes.get(place)
    }

    /// How many calls wait at the moment where `scope` is written.
    pub(crate) fn calls_waiting(&self, scope: Scope) -> Arc<AtomicUsize> {
        self.lane(scope)
            .map_or_else(Arc::default, |lane| lane.calls_waiting.clone())
    }

    /// Sends `work` off to be run in a transaction; nobody has to wait for the answer.
    pub(crate) fn post<F, T>(
        &self,
        scope: Scope,
        priority: Priority,
        work: F,
    ) -> StoreResult<oneshot::Receiver<StoreResult<T>>>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.post_to(scope, priority, work, move |result| {
            // The caller may have gone away; what was committed stays.
            let _ = answer.send(result);
        })?;
        Ok(result)
    }

    /// The same with `answer` told of the outcome, after the commit and before the next job.
    pub(crate) fn post_to<F, T, A>(
        &self,
        scope: Scope,
        priority: Priority,
        work: F,
        answer: A,
    ) -> StoreResult<()>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
        A: FnOnce(StoreResult<T>) + Send + 'static,
    {
        let job = Box::new(Work {
            scope,
            versions: (priority != Priority::Aside).then(|| self.versions.clone()),
            work: Some(work),
            result: None,
            answer,
        });
        let lane = self.lane(scope).ok_or(StoreError::Closed)?;
        {
            let mut queues = lane.queues();
            if queues.closed {
                return Err(StoreError::Closed);
            }
            match priority {
                Priority::Call | Priority::Aside => queues.calls.push_back(job),
                Priority::Bulk => queues.bulk.push_back(job),
            }
            lane.note_waiting(&queues);
        }
        lane.arrived.notify_one();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.queues().closed = true;
            lane.arrived.notify_all();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the database ended in a panic");
            }
        }
    }
}
