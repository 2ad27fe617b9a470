//! A PostgreSQL server that any number of nodes share.
//!
//! Every node writes an account's rows through one of its own lanes, and a transaction begins by locking the account's
//! row of `account_lock`: accounts go on side by side, and within one account transactions follow each other, over all
//! nodes. A node that stops in the middle loses its transaction after ten seconds, and the lock with it (I18).

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    StoreError, StoreResult,
    rows::{
        Readers, migrations,
        writer::{Committer, Writer},
    },
    sql::Connection,
};

mod commit;
mod connect;
mod session;

use session::Carrier;
pub(crate) use session::{Session, describe};

/// How to reach the server.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=…`, or `host=… dbname=…`.
    pub url: String,
    /// A file of PEM certificates that the server's is checked against, besides the system's.
    pub root_certificates: Option<PathBuf>,
    /// Connections for reading, at most; 1 or more.
    pub readers: usize,
    /// Connections for writing, each for a share of the accounts; 1 or more.
    pub writers: usize,
}

impl PostgresOptions {
    /// The server at `url`, with 16 connections for reading and 8 for writing.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            root_certificates: None,
            readers: 16,
            writers: 8,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    // The address may hold a password (SEC4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PostgresOptions({} readers, {} writers)",
            self.readers, self.writers
        )
    }
}

/// A database on a server.
pub(crate) struct Postgres {
    pub(crate) writer: Writer,
    pub(crate) readers: Arc<Readers>,
    open: Arc<Open>,
    connector: Arc<connect::Connector>,
}

type Open = dyn Fn() -> StoreResult<Connection> + Send + Sync;

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({:?}, {:?})", self.writer, self.readers)
    }
}

/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(4);
/// How often, and how long apart, the tables are tried to be made when several nodes start at once.
const MIGRATION_TRIES: usize = 20;
const MIGRATION_PAUSE: Duration = Duration::from_millis(250);
/// What a reader's snapshot begins with.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Postgres {
    /// Connects and brings the tables up to date.
    pub(crate) fn open(options: &PostgresOptions) -> StoreResult<Self> {
        let server = Self::open_unchanged(options)?;
        // On a thread of its own: the caller may be one of another runtime's.
        std::thread::scope(|scope| {
            let migrating = scope.spawn(|| Carrier::new()?.wait(migrate(&server.connector)));
            migrating.join().unwrap_or(Err(StoreError::Closed))
        })?;
        Ok(server)
    }

    /// Prepares to connect, and leaves the tables as they are; nothing is sent yet.
    pub(crate) fn open_unchanged(options: &PostgresOptions) -> StoreResult<Self> {
        let connector = Arc::new(connect::Connector::new(options)?);
        let open = {
            let connector = connector.clone();
            move || -> StoreResult<Connection> {
                let carrier = Carrier::new()?;
                let client = carrier.wait(connector.connect())?;
                Ok(Connection::Postgres(Session::new(client, carrier)))
            }
        };
        let open: Arc<Open> = Arc::new(open);
        let committers = (0..options.writers.max(1)).map(|_| {
            let open = open.clone();
            Box::new(commit::PostgresCommitter::new(move || open())) as Box<dyn Committer>
        });
        Ok(Self {
            writer: Writer::start(committers.collect())?,
            readers: Arc::new(Readers::new(options.readers.max(1), SNAPSHOT, {
                let open = open.clone();
                move || open()
            })),
            open,
            connector,
        })
    }
}

impl Postgres {
    /// A connection of its own, for work that no other may share.
    pub(crate) fn connection(&self) -> StoreResult<Connection> {
        (self.open)()
    }
}

/// Makes the tables. Several nodes may start at once and fail on each other's half: then again, until nothing is left to do.
async fn migrate(connector: &connect::Connector) -> StoreResult<()> {
    let mut client = connector.connect().await?;
    for _ in 0..MIGRATION_TRIES {
        if migrations::on_postgres(&mut client).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(MIGRATION_PAUSE).await;
    }
    migrations::on_postgres(&mut client).await
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    StoreError::Database(describe(&error))
}
