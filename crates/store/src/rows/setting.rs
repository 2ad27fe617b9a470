//! [`SettingStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension};
use async_trait::async_trait;

use super::{SqlStore, writer::Scope};
use crate::{StoreResult, setting::SettingStore};

#[async_trait]
impl SettingStore for SqlStore {
    async fn setting(&self, name: &str) -> StoreResult<Option<String>> {
        let name = name.to_owned();
        self.read(move |db, _| {
            let mut statement = db.prepare_cached("SELECT value FROM setting WHERE name = ?")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn set_setting(&self, name: &str, value: &str) -> StoreResult<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(Scope::Common, move |db, _| put(db, &name, &value))
            .await
    }

    async fn check_health(&self) -> StoreResult<()> {
        self.write(Scope::Common, |db, _| put(db, "health", "ok")).await?;
        self.read(|db, _| {
            let mut statement = db.prepare_cached("SELECT value FROM setting WHERE name = 'health'")?;
            Ok(statement.query_row([], |_| Ok(()))?)
        })
        .await
    }
}

fn put(db: &Connection, name: &str, value: &str) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO setting (name, value) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}
