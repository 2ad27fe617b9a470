//! Committing to the server, and finding out what became of a commit whose answer was lost.

use std::time::{Duration, Instant};

use crate::{
    StoreResult, crash_point,
    rows::writer::{CALLS_PER_COMMIT, Committer, GATHER, Job, Lane, Scope},
    sql::Connection,
};

/// How long the outcome of a lost commit is asked for before the callers hear of a failure (SEC10: answers within 5 s).
const ASK: Duration = Duration::from_secs(4);
/// The pause between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Writes for a share of the accounts.
pub(super) struct PostgresCommitter<O> {
    open: O,
    connection: Option<Connection>,
}

/// How a transaction ended.
enum Ended {
    Committed,
    /// The one job asked for it; its caller hears why.
    RolledBack,
    /// Nothing of it was written.
    Failed(String),
    /// The answer to COMMIT did not come; the number is the transaction's.
    Unknown(i64),
}

impl<O> PostgresCommitter<O>
where
    O: Fn() -> StoreResult<Connection> + Send,
{
    pub(super) fn new(open: O) -> Self {
        Self {
            open,
            connection: None,
        }
    }

    /// Begins a transaction that has `scope` to itself and gives its number. An idle connection may have been closed at
    /// the other end: that is noticed here, and a fresh one is tried once.
    fn begin(&mut self, scope: Scope) -> Result<(Connection, i64), String> {
        if let Some(connection) = self.connection.take()
            && let Ok(number) = begin(&connection, scope)
        {
            return Ok((connection, number));
        }
        let connection = (self.open)().map_err(|error| error.to_string())?;
        let number = begin(&connection, scope).map_err(|error| error.to_string())?;
        Ok((connection, number))
    }

    fn in_transaction(&mut self, lane: &Lane, jobs: &mut Vec<Box<dyn Job>>) -> Ended {
        let Some(scope) = jobs.first().map(|job| job.scope()) else {
            return Ended::Committed;
        };
        let (connection, number) = match self.begin(scope) {
            Ok(begun) => begun,
            Err(error) => return Ended::Failed(error),
        };
        let ran = run(&connection, lane, scope, jobs);
        if !matches!(ran, Ok(true)) {
            // A connection that cannot roll back is not used again; the server rolls back for it.
            if connection.execute_batch("ROLLBACK").is_ok() {
                self.connection = Some(connection);
            }
            return ran.map_or_else(Ended::Failed, |_| Ended::RolledBack);
        }
        crash_point!("commit.before");
        let commit = match jobs.iter().any(|job| job.is_shown()) {
            // Other nodes keep answers in memory until they see this count (rows/watch.rs).
            true => format!(
                "UPDATE account_lock SET written = written + 1 WHERE account = {}; COMMIT",
                key(scope)
            ),
            false => "COMMIT".to_owned(),
        };
        match connection.execute_batch(&commit) {
            Ok(()) => {
                crash_point!("commit.flushed");
                self.connection = Some(connection);
                Ended::Committed
            }
            Err(error) if is_closed(&connection) => {
                tracing::warn!(%error, "the answer to a commit was lost");
                Ended::Unknown(number)
            }
            Err(error) => Ended::Failed(error.to_string()),
        }
    }

    /// I20: what became of the transaction is read from the server, never assumed.
    fn find_out(&mut self, number: i64) -> Result<(), String> {
        let until = Instant::now() + ASK;
        loop {
            match self.status(number).as_deref() {
                Ok("committed") => return Ok(()),
                Ok("aborted") => return Err("the transaction was rolled back".into()),
                _ if Instant::now() >= until => return Err("the outcome of a commit is unknown".into()),
                _ => std::thread::sleep(ASK_AGAIN),
            }
        }
    }

    fn status(&mut self, number: i64) -> StoreResult<String> {
        let connection = (self.open)()?;
        let status: Option<String> = connection
            .prepare_cached("SELECT pg_xact_status(CAST(CAST(? AS TEXT) AS xid8))")?
            .query_row([number.to_string()], |row| row.get(0))?;
        self.connection = Some(connection);
        Ok(status.unwrap_or_default())
    }
}

impl<O> Committer for PostgresCommitter<O>
where
    O: Fn() -> StoreResult<Connection> + Send,
{
    fn commit(&mut self, lane: &Lane, first: Box<dyn Job>) -> bool {
        let mut jobs = vec![first];
        let result = match self.in_transaction(lane, &mut jobs) {
            Ended::Committed | Ended::RolledBack => Ok(()),
            Ended::Failed(error) => Err(error),
            Ended::Unknown(number) => self.find_out(number),
        };
        if let Err(error) = &result {
            tracing::error!(error, "a transaction failed");
        }
        let committed = result.is_ok();
        for job in jobs {
            job.finish(result.clone());
        }
        crash_point!("commit.answered");
        committed
    }
}

fn is_closed(connection: &Connection) -> bool {
    matches!(connection, Connection::Postgres(session) if session.is_closed())
}

/// The row of `account_lock` that stands for it.
fn key(scope: Scope) -> i64 {
    match scope {
        Scope::Account(account) => i64::from(account.0),
        Scope::Common => 0,
    }
}

fn begin(connection: &Connection, scope: Scope) -> StoreResult<i64> {
    let key = key(scope);
    connection.execute_batch("BEGIN")?;
    let mut lock = connection.prepare_cached(
        "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT) FROM account_lock WHERE account = ? FOR UPDATE",
    )?;
    let locked = lock.query_row([key], |row| row.get(0));
    match crate::sql::OptionalExtension::optional(locked)? {
        Some(number) => Ok(number),
        None => {
            connection
                .prepare_cached(
                    "INSERT INTO account_lock (account) VALUES (?) ON CONFLICT (account) DO NOTHING",
                )?
                .execute([key])?;
            Ok(lock.query_row([key], |row| row.get(0))?)
        }
    }
}

/// Runs the first job and those of the same scope that wait meanwhile. False when the first one, alone so far, asked for what
/// it did to be rolled back.
fn run(
    connection: &Connection,
    lane: &Lane,
    scope: Scope,
    jobs: &mut Vec<Box<dyn Job>>,
) -> Result<bool, String> {
    let batch = |sql: &str| connection.execute_batch(sql).map_err(|error| error.to_string());
    let started = Instant::now();
    let mut done = 0;
    while let Some(job) = jobs.get_mut(done) {
        // Whoever is alone has the transaction for a savepoint; one trip to the server for the end of one and the next.
        match done {
            0 => {}
            1 => batch("SAVEPOINT job")?,
            _ => batch("RELEASE job; SAVEPOINT job")?,
        }
        let ok = job.run(connection);
        done += 1;
        match (ok, done) {
            (false, 1) => return Ok(false),
            (false, _) => batch("ROLLBACK TO job")?,
            (true, _) => {}
        }
        if done == jobs.len() && done < CALLS_PER_COMMIT && started.elapsed() < GATHER {
            jobs.extend(lane.next_call(Some(scope)));
        }
    }
    Ok(true)
}
