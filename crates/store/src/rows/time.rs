//! [`TimeStore`]: a server has a clock; a file has none, but what is in it has a time.

use async_trait::async_trait;
use domain::time::Timestamp;

use super::SqlStore;
use crate::{
    StoreResult,
    sql::{Connection, OptionalExtension},
    time::{DatabaseTime, LATEST_SETTING, TimeStore},
};

/// Whole milliseconds, as the clock goes: not of the transaction's begin.
const SERVER_TIME: &str = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";

#[async_trait]
impl TimeStore for SqlStore {
    async fn database_time(&self) -> StoreResult<DatabaseTime> {
        self.read(|db, _| database_time(db)).await
    }
}

/// What the database says of the time.
pub fn database_time(db: &Connection) -> StoreResult<DatabaseTime> {
    match db {
        Connection::Postgres(_) => {
            let now = db.prepare_cached(SERVER_TIME)?.query_row([], |row| row.get(0))?;
            Ok(DatabaseTime::Clock(Timestamp(now)))
        }
        Connection::Sqlite(_) => latest(db).map(DatabaseTime::Latest),
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
    use domain::{id::AccountId, time::Calendar};
    use testkit::Postgres;

    use super::*;
    use crate::{postgres::PostgresOptions, setting::SettingStore, vault::Vault};

    #[tokio::test]
    async fn i14_the_latest_time_stored_is_found_wherever_it_stands() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqlStore::open(folder.path(), Vault::new([1; 32]), Calendar::shanghai()).expect("opens");
        let time = async || store.database_time().await.expect("reads");
        assert_eq!(time().await, DatabaseTime::Latest(None));
        store.set_setting(LATEST_SETTING, "5").await.expect("notes");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(5))));
        let counted = store.write(AccountId(1), |db, _| {
            Ok(db
                .prepare_cached("INSERT INTO usage SELECT 1, 0, 0, 0, 0, 0, 0, 0, 0, 7")?
                .execute([])?)
        });
        counted.await.expect("counts");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(7))));
        store.set_setting(LATEST_SETTING, "9").await.expect("notes");
        assert_eq!(time().await, DatabaseTime::Latest(Some(Timestamp(9))));
    }

    #[tokio::test]
    async fn i14_a_server_tells_its_own_time() {
        let server = Postgres::shared();
        let options = PostgresOptions::new(server.create_database());
        let store = SqlStore::connect(&options, Vault::new([1; 32]), Calendar::shanghai()).expect("connects");
        let ask = || {
            let text = server.query(
                "postgres",
                "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)",
            );
            text.trim().parse::<i64>().expect("a number")
        };
        let before = ask();
        let time = store.database_time().await.expect("tells the time");
        let DatabaseTime::Clock(now) = time else {
            panic!("{time:?}")
        };
        assert!((before..=ask()).contains(&now.0));
    }
}
