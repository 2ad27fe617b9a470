//! The usual way on either database, behind one face.

use std::time::Instant;

use tokio_postgres::Client;

use super::{
    BenchResult, people,
    place::{Database, Place},
    rows::Rows,
};

/// A row per follower and mass, and a counter per follower.
pub(super) enum Usual {
    Sqlite(Rows),
    Postgres(Client, Database),
}

/// Who gets a mass: the flags, and the quota of the month. `$1` the mass, `$2` whether only to the tag, `$3` the month.
const WHO: &str =
    "subscribed AND NOT blacklisted AND NOT opted_out AND (tagged OR NOT $2) AND (count < 4 OR month <> $3)";

impl Usual {
    pub(super) async fn open(place: &Place) -> BenchResult<Self> {
        match place {
            Place::Sqlite => Ok(Self::Sqlite(Rows::open()?)),
            Place::Postgres(server) => {
                let database = Database::create(server, "rows").await?;
                let client = database.connect().await?;
                client
                    .batch_execute(
                        "CREATE TABLE follower (
                             id BIGINT GENERATED ALWAYS AS IDENTITY (START 0 MINVALUE 0),
                             external_id TEXT NOT NULL, nickname TEXT NOT NULL, language TEXT NOT NULL, tags TEXT);
                         CREATE TABLE state (
                             follower BIGINT NOT NULL, month INTEGER NOT NULL, count INTEGER NOT NULL,
                             subscribed BOOLEAN NOT NULL, blacklisted BOOLEAN NOT NULL, opted_out BOOLEAN NOT NULL,
                             tagged BOOLEAN NOT NULL);
                         CREATE TABLE entry (mass BIGINT, follower BIGINT, PRIMARY KEY (mass, follower));
                         CREATE TABLE mass (id BIGINT PRIMARY KEY, text TEXT NOT NULL);",
                    )
                    .await?;
                Ok(Self::Postgres(client, database))
            }
        }
    }

    /// The same file by the fastest way there is: in one transaction, COPY on a server, the index on the external ids
    /// afterwards. The seconds it took.
    pub(super) async fn import(&mut self, followers: u64, density: f64) -> BenchResult<f64> {
        let client = match self {
            Self::Sqlite(rows) => return rows.import(followers, density),
            Self::Postgres(client, _) => client,
        };
        let started = Instant::now();
        let copy =
            "COPY follower (external_id, nickname, language, tags) FROM STDIN (FORMAT csv, HEADER true)";
        let sink = client.copy_in(copy).await?;
        futures::pin_mut!(sink);
        for piece in people::csv(followers, density) {
            futures::SinkExt::send(&mut sink, bytes::Bytes::from(piece)).await?;
        }
        sink.finish().await?;
        client
            .batch_execute("CREATE UNIQUE INDEX follower_external ON follower (external_id)")
            .await?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// The flags and counters, which an import does not need and a send does.
    pub(super) async fn make_counters(&mut self, followers: u64, density: f64) -> BenchResult<()> {
        match self {
            Self::Sqlite(rows) => rows.make_counters(followers, density),
            Self::Postgres(client, _) => {
                let sql = "INSERT INTO state
                         SELECT id, 0, 0, true, false, false, tags IS NOT NULL FROM follower ORDER BY id;
                     ALTER TABLE state ADD PRIMARY KEY (follower);
                     ANALYZE state";
                Ok(client.batch_execute(sql).await?)
            }
        }
    }

    /// One mass send, in one transaction; the milliseconds it took.
    pub(super) async fn send(&mut self, mass: i64, text: &str, to_tag: bool, month: i32) -> BenchResult<f64> {
        let client = match self {
            Self::Sqlite(rows) => return rows.send(mass.unsigned_abs(), text, to_tag, i64::from(month)),
            Self::Postgres(client, _) => client,
        };
        let started = Instant::now();
        let transaction = client.transaction().await?;
        transaction
            .execute("INSERT INTO mass VALUES ($1, $2)", &[&mass, &text])
            .await?;
        let entries = format!(
            "INSERT INTO entry (mass, follower) SELECT $1::BIGINT, follower FROM state WHERE {WHO} ORDER BY follower"
        );
        transaction.execute(&entries, &[&mass, &to_tag, &month]).await?;
        let counters = format!(
            "UPDATE state SET count = CASE month WHEN $3 THEN count + 1 ELSE 1 END, month = $3
             WHERE $1::BIGINT IS NOT NULL AND {WHO}"
        );
        transaction.execute(&counters, &[&mass, &to_tag, &month]).await?;
        transaction.commit().await?;
        Ok(started.elapsed().as_secs_f64() * 1_000.0)
    }

    /// Tidies up behind a send, as the database would by itself in the minutes after it, and lets the disk come to rest: what
    /// is measured next pays for nothing that was written before. This time is not counted.
    pub(super) async fn rest(&mut self) -> BenchResult<()> {
        match self {
            Self::Sqlite(rows) => rows.checkpoint()?,
            Self::Postgres(client, _) => {
                for statement in ["VACUUM state", "CHECKPOINT"] {
                    client.batch_execute(statement).await?;
                }
            }
        }
        rustix::fs::sync();
        Ok(())
    }

    /// A follower's texts, newest first.
    pub(super) async fn inbox(&self, follower: u64) -> BenchResult<Vec<String>> {
        let client = match self {
            Self::Sqlite(rows) => return rows.inbox(follower),
            Self::Postgres(client, _) => client,
        };
        let sql = "SELECT text FROM mass WHERE EXISTS
                     (SELECT 1 FROM entry WHERE entry.mass = mass.id AND entry.follower = $1) ORDER BY id DESC";
        let texts = client.query(sql, &[&i64::try_from(follower)?]).await?;
        Ok(texts.iter().map(|row| row.get(0)).collect())
    }

    /// How far the usual way is from the same two statements without any rule: their milliseconds, and those of a send
    /// that everybody receives. Embedded only: on a server the two passes over all rows take minutes.
    pub(super) fn yardstick(&mut self, next_month: i64) -> BenchResult<Option<(f64, f64)>> {
        match self {
            Self::Sqlite(rows) => rows.yardstick(next_month).map(Some),
            Self::Postgres(..) => Ok(None),
        }
    }

    /// Removes what was made on a server; the folder goes by itself.
    pub(super) async fn clear(self) -> BenchResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_, database) => database.remove().await,
        }
    }
}
