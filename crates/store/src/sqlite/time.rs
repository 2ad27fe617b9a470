//! [`TimeStore`] on SQLite: a file has no clock, but what is in it has a time.

use async_trait::async_trait;
use domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use crate::{
    StoreResult,
    time::{DatabaseTime, LATEST_SETTING, TimeStore},
};

#[async_trait]
impl TimeStore for SqliteStore {
    async fn database_time(&self) -> StoreResult<DatabaseTime> {
        self.read(|db, _| latest(db).map(DatabaseTime::Latest)).await
    }
}

/// The latest time at which something was counted, accepted or released, or that was noted while nothing was.
fn latest(db: &Connection) -> StoreResult<Option<Timestamp>> {
    let noted: Option<String> = db
        .prepare_cached("SELECT value FROM setting WHERE name = ?")?
        .query_row([LATEST_SETTING], |row| row.get(0))
        .optional()?;
    let mut latest = noted.and_then(|text| text.parse().ok());
    for sql in [
        "SELECT MAX(latest) FROM usage",
        "SELECT MAX(released_at) FROM block_head",
        "SELECT MAX(created_at) FROM account",
    ] {
        let of_rows: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        latest = latest.max(of_rows);
    }
    Ok(latest.map(Timestamp))
}

#[cfg(test)]
mod tests {
    use domain::time::Calendar;

    use super::*;
    use crate::{setting::SettingStore, vault::Vault};

    #[tokio::test]
    async fn i14_the_latest_time_stored_is_found_wherever_it_stands() {
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            SqliteStore::open(folder.path(), Vault::new([1; 32]), Calendar::shanghai()).expect("opens");
        let time = async || store.database_time().await.expect("reads");
        assert_eq!(time().await, DatabaseTime::Latest(None));
        store.set_setting(LATEST_SETTING, "5").await.expect("notes");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(5))));
        store
            .write(|db, _| Ok(db.execute("INSERT INTO usage SELECT 1, 0, 0, 0, 0, 0, 0, 0, 0, 7", [])?))
            .await
            .expect("counts");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(7))));
        store.set_setting(LATEST_SETTING, "9").await.expect("notes");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(9))));
    }
}
