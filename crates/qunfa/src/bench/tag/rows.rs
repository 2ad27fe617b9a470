//! The usual way to follow and to be tagged: a row each, with the indexes that a send needs.

use std::{sync::Arc, time::Instant};

use rusqlite::{Connection, params};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Statement};

use super::{Change, Took};
use crate::bench::{
    BenchResult, people,
    place::{Database, Place},
    usual::Usual,
};

/// The tables of the sends' usual way, and one of tags.
pub(super) struct Rows {
    usual: Usual,
}

const TAGS: &str =
    "CREATE TABLE follower_tag (tag BIGINT NOT NULL, follower BIGINT NOT NULL, PRIMARY KEY (tag, follower))";

impl Rows {
    /// As many followers as the other side has, with the same tags.
    pub(super) async fn open(place: &Place, followers: u64, density: f64) -> BenchResult<Self> {
        let mut usual = Usual::open(place).await?;
        usual.import(followers, density).await?;
        usual.make_counters(followers, density).await?;
        match &mut usual {
            Usual::Sqlite(rows) => rows.connection().execute_batch(&format!(
                "{TAGS} WITHOUT ROWID; INSERT INTO follower_tag SELECT 1, id FROM follower WHERE tagged ORDER BY id"
            ))?,
            Usual::Postgres(client, _) => {
                let fill = "INSERT INTO follower_tag SELECT 1, id FROM follower WHERE tags IS NOT NULL ORDER BY id";
                client.batch_execute(&format!("{TAGS}; {fill}; ANALYZE")).await?;
            }
        }
        Ok(Self { usual })
    }

    /// Makes the changes, a transaction each.
    pub(super) async fn change(&mut self, changes: &[Change], callers: usize) -> BenchResult<Took> {
        let started = Instant::now();
        let calls = match &mut self.usual {
            Usual::Sqlite(rows) => embedded(rows.connection(), changes)?,
            Usual::Postgres(_, database) => on_server(database, changes, callers).await?,
        };
        Ok(Took {
            seconds: started.elapsed().as_secs_f64(),
            calls,
        })
    }

    pub(super) async fn clear(self) -> BenchResult<()> {
        self.usual.clear().await
    }
}

fn embedded(db: &mut Connection, changes: &[Change]) -> BenchResult<Vec<f64>> {
    let mut times = Vec::with_capacity(changes.len());
    for change in changes {
        let started = Instant::now();
        let transaction = db.transaction()?;
        match change {
            Change::Follow(number) => {
                transaction
                    .prepare_cached("INSERT INTO follower VALUES (?, ?, ?, '', '', 'zh_CN', ?, FALSE)")?
                    .execute(params![
                        number,
                        people::external_id(*number),
                        people::nickname(*number),
                        1_790_000_000_000_i64
                    ])?;
                transaction
                    .prepare_cached("INSERT INTO state VALUES (?, TRUE, FALSE, FALSE, FALSE, 0, 0)")?
                    .execute([number])?;
            }
            Change::Tag(numbers) => {
                for number in numbers {
                    let sql = "INSERT INTO follower_tag VALUES (1, ?) ON CONFLICT DO NOTHING";
                    transaction.prepare_cached(sql)?.execute([number])?;
                    let sql = "UPDATE state SET tagged = TRUE WHERE follower = ?";
                    transaction.prepare_cached(sql)?.execute([number])?;
                }
            }
        }
        transaction.commit()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

async fn on_server(database: &Database, changes: &[Change], callers: usize) -> BenchResult<Vec<f64>> {
    let changes = Arc::new(changes.to_vec());
    let mut running = JoinSet::new();
    for first in 0..callers {
        let session = Session::open(database).await?;
        let changes = changes.clone();
        running.spawn(async move {
            let mut times = Vec::new();
            for change in changes.iter().skip(first).step_by(callers) {
                let started = Instant::now();
                session.change(change).await?;
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
            BenchResult::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = running.join_next().await {
        times.extend(done??);
    }
    Ok(times)
}

/// A connection with both statements prepared; each is a transaction.
struct Session {
    client: Client,
    follow: Statement,
    tag: Statement,
}

impl Session {
    async fn open(database: &Database) -> BenchResult<Self> {
        let client = database.connect().await?;
        let follow = "WITH new AS (
                 INSERT INTO follower (external_id, nickname, language) VALUES ($1, $2, 'zh_CN') RETURNING id)
             INSERT INTO state SELECT id, 0, 0, true, false, false, false FROM new";
        let tag = "WITH new AS (
                 INSERT INTO follower_tag SELECT 1, unnest($1::BIGINT[]) ON CONFLICT DO NOTHING)
             UPDATE state SET tagged = true WHERE follower = ANY($1::BIGINT[])";
        Ok(Self {
            follow: client.prepare(follow).await?,
            tag: client.prepare(tag).await?,
            client,
        })
    }

    async fn change(&self, change: &Change) -> BenchResult<()> {
        match change {
            Change::Follow(number) => {
                let (external_id, nickname) = (people::external_id(*number), people::nickname(*number));
                self.client
                    .execute(&self.follow, &[&external_id, &nickname])
                    .await?;
            }
            Change::Tag(numbers) => {
                let numbers: Vec<i64> = numbers
                    .iter()
                    .map(|number| i64::try_from(*number))
                    .collect::<Result<_, _>>()?;
                self.client.execute(&self.tag, &[&numbers]).await?;
            }
        }
        Ok(())
    }
}
