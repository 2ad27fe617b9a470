//! The tables, one list for both databases: a server gets the same files in its own types.

use refinery::{Migration, Runner};

use crate::{StoreError, StoreResult, sql::dialect};

mod embedded {
    refinery::embed_migrations!("src/rows/migrations");
}

/// Brings the tables of the embedded database up to date.
pub(crate) fn on_sqlite(connection: &mut rusqlite::Connection) -> StoreResult<()> {
    // One transaction: a migration and the note that it was made are otherwise two, and a process killed between them
    // never starts again.
    let runner = embedded::migrations::runner().set_grouped(true);
    // The library panics where its own table holds nonsense.
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runner.run(connection)));
    ran.map_err(|_| StoreError::Damaged("the list of migrations".into()))?
        .map(drop)
        .map_err(failed)
}

/// Brings the tables of a server up to date.
pub(crate) async fn on_postgres(client: &mut tokio_postgres::Client) -> StoreResult<()> {
    let runner = embedded::migrations::runner();
    let translated = runner.get_migrations().iter().map(|migration| {
        let sql = dialect::schema_to_postgres(migration.sql().unwrap_or_default());
        let name = format!("V{}__{}", migration.version(), migration.name());
        Migration::unapplied(&name, &sql)
    });
    let translated: Vec<Migration> = translated.collect::<Result<_, _>>().map_err(failed)?;
    Runner::new(&translated)
        .set_grouped(true)
        .run_async(client)
        .await
        .map(drop)
        .map_err(failed)
}

/// The number of the newest.
pub(crate) fn newest() -> i64 {
    let runner = embedded::migrations::runner();
    let numbers = runner
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()));
    numbers.max().unwrap_or(0)
}

fn failed(error: refinery::Error) -> StoreError {
    StoreError::Database(error.to_string())
}
