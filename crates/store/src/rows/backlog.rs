//! [`BacklogStore`] on SQLite.

use crate::sql::{Connection, params};
use async_trait::async_trait;
use domain::time::Timestamp;

use super::SqlStore;
use crate::{
    StoreResult,
    backlog::{Backlog, BacklogStore, Overdue},
};

#[async_trait]
impl BacklogStore for SqlStore {
    async fn backlog(&self) -> StoreResult<Backlog> {
        self.read(|db, _| backlog(db)).await
    }
}

fn backlog(db: &Connection) -> StoreResult<Backlog> {
    let count =
        |sql: &str| -> StoreResult<u64> { Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
    Ok(Backlog {
        batches: count("SELECT count(*) FROM batch")?,
        events: count("SELECT count(*) FROM outbox WHERE state = 0")?,
        dead_letters: count("SELECT count(*) FROM dead_letter")?,
    })
}

/// What waits since before these times.
pub fn overdue(db: &Connection, accepted: Timestamp, happened: Timestamp) -> StoreResult<Overdue> {
    let masses = db
        .prepare_cached("SELECT count(*) FROM mass WHERE state = 0 AND accepted_at < ?")?
        .query_row([accepted.0], |row| row.get(0))?;
    let (events, accounts) = db
        .prepare_cached(
            "SELECT count(*), count(DISTINCT account) FROM outbox WHERE state = 0 AND create_time < ?",
        )?
        .query_row(params![happened.0 / 1_000], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Overdue {
        masses,
        events,
        accounts,
    })
}
