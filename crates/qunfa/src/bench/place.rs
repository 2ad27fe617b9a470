//! Where a measurement keeps its rows: a folder of its own, and on a server a database of its own beside it.

use std::{path::Path, str::FromStr};

use store::{bus::Bus, postgres::PostgresOptions};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use url::Url;

use super::{
    BenchResult,
    neighbours::{Cluster, Neighbours},
};

/// Which store is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The embedded one.
    Sqlite,
    /// On the server of this address; databases are made there, and removed in the end.
    Postgres(Url),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        match Url::parse(text) {
            Ok(url) if ["postgres", "postgresql"].contains(&url.scheme()) => Ok(Self::Postgres(url)),
            _ => Err("must be sqlite or postgres://user:password@host:port/database".into()),
        }
    }
}

impl Place {
    /// `sqlite` or `postgres`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// A ground of its own to measure on.
    pub(super) async fn ground(&self, cluster: &Cluster) -> BenchResult<Ground> {
        if cluster.nodes > 1 && *self == Self::Sqlite {
            return Err("the nodes of a cluster share a PostgreSQL server; name it with --store".into());
        }
        let folder = tempfile::tempdir()?;
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres(server) => Some(Database::create(server, "server").await?),
        };
        Ok(Ground {
            folder,
            database,
            cluster: cluster.clone(),
        })
    }
}

/// A folder and, on a server, a database, that nobody else uses.
pub(super) struct Ground {
    folder: TempDir,
    database: Option<Database>,
    cluster: Cluster,
}

impl Ground {
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How the store reaches its database; `None` for the embedded one.
    pub(super) fn postgres(&self) -> Option<PostgresOptions> {
        let database = self.database.as_ref()?;
        Some(PostgresOptions::new(database.url.as_str()))
    }

    /// Starts the other nodes, if a cluster is measured, and links them with the one whose `bus` this is.
    pub(super) async fn neighbours(&self, master_key: &[u8], bus: &Bus) -> BenchResult<Neighbours> {
        match &self.database {
            Some(database) => Neighbours::start(&self.cluster, database.url.as_str(), master_key, bus).await,
            None => Ok(Neighbours::default()),
        }
    }

    /// Bytes that the rows take, without free pages and logs.
    pub(super) async fn bytes(&self) -> BenchResult<u64> {
        match &self.database {
            Some(database) => database.bytes().await,
            None => super::system::bytes_in_use(&self.folder().join("qunfa.db")),
        }
    }

    /// Lets the system forget what it keeps in memory of the folder's files, where it takes such advice.
    pub(super) fn cool(&self) -> BenchResult<()> {
        for entry in std::fs::read_dir(self.folder())? {
            let path = entry?.path();
            if path.is_file() {
                let file = std::fs::File::open(path)?;
                // Only what is on the disk can be forgotten.
                file.sync_all()?;
                #[cfg(target_os = "linux")]
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
            }
        }
        Ok(())
    }

    /// Removes what was made on a server; the folder goes by itself.
    pub(super) async fn clear(self) -> BenchResult<()> {
        match self.database {
            Some(database) => database.remove().await,
            None => Ok(()),
        }
    }
}

/// A database made for a measurement.
pub(super) struct Database {
    server: Url,
    name: String,
    url: Url,
}

impl Database {
    /// Makes one; `part` keeps the names of one measurement apart.
    pub(super) async fn create(server: &Url, part: &str) -> BenchResult<Self> {
        let name = format!("qunfa_bench_{}_{part}", std::process::id());
        let client = connect(server).await?;
        let sql =
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name} TEMPLATE template0");
        for statement in sql.split("; ") {
            client.batch_execute(statement).await?;
        }
        let mut url = server.clone();
        url.set_path(&format!("/{name}"));
        Ok(Self {
            server: server.clone(),
            name,
            url,
        })
    }

    pub(super) async fn connect(&self) -> BenchResult<Client> {
        connect(&self.url).await
    }

    async fn bytes(&self) -> BenchResult<u64> {
        let row = self
            .connect()
            .await?
            .query_one("SELECT pg_database_size(current_database())", &[])
            .await?;
        Ok(u64::try_from(row.get::<_, i64>(0))?)
    }

    pub(super) async fn remove(self) -> BenchResult<()> {
        let client = connect(&self.server).await?;
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        Ok(client.batch_execute(&sql).await?)
    }
}

/// A connection that flushes every commit before it is answered.
async fn connect(url: &Url) -> BenchResult<Client> {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a connection of the measurement ended");
        }
    });
    client.batch_execute("SET synchronous_commit = on").await?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_its_kind_or_address() {
        assert_eq!("sqlite".parse(), Ok(Place::Sqlite));
        let server: Place = "postgres://qunfa@127.0.0.1:5432/postgres"
            .parse()
            .expect("an address");
        assert_eq!(server.name(), "postgres");
        for bad in ["", "mysql://host/db", "sqlite:///x", "127.0.0.1"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
