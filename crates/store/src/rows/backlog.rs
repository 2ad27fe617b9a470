//! [`BacklogStore`] on SQLite.

use crate::sql::Connection;
use async_trait::async_trait;

use super::SqlStore;
use crate::{
    StoreResult,
    backlog::{Backlog, BacklogStore},
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
