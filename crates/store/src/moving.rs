//! Moving all rows from one database to another, of the same kind or not: embedded, or on a server.
//!
//! What there is to move is read from the tables themselves (`schema`), so that a new migration needs nothing here.
//! One snapshot of the source is read page by page in the order of the keys; the target is written in one transaction
//! that ends only after all of it was read back and compared. Whatever interrupts it leaves the target as it was.

use std::{fs::File, path::Path};

use crate::{
    StoreError, StoreResult,
    postgres::{Postgres, PostgresOptions},
    reader::Reader,
    rows::migrations,
    sql::Connection,
    sqlite::{self, private_file},
};

mod alone;
mod page;
mod schema;
#[cfg(test)]
mod tests;

pub use alone::Alone;
use page::{Sum, pages};
use schema::Table;

/// Told of each table: its name, how many rows are done, of how many.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// A table that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// What all of its rows add up to, in hexadecimal: equal where the rows are equal, whatever their order.
    pub digest: String,
}

/// Copies all rows into the new database file `to`, and flushes it. The source may be worked on meanwhile.
pub fn into_file(from: &Reader, to: &Path, progress: Progress<'_>) -> StoreResult<Vec<Moved>> {
    if to.exists() {
        return Err(StoreError::Database(format!("{} exists already", to.display())));
    }
    drop(private_file(to)?);
    let written = write_file(from, to, progress);
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed changes nothing about the failure.
        let _ = std::fs::remove_file(to);
    }
    written
}

fn write_file(from: &Reader, to: &Path, progress: Progress<'_>) -> StoreResult<Vec<Moved>> {
    let mut file = rusqlite::Connection::open(to)?;
    // Nobody needs a copy that was not finished; it is flushed as a whole at the end.
    file.pragma_update(None, "journal_mode", "OFF")?;
    file.pragma_update(None, "synchronous", "OFF")?;
    migrations::on_sqlite(&mut file)?;
    let target = Connection::Sqlite(file);
    target.execute_batch("BEGIN")?;
    let tables = schema::tables()?;
    let moved = move_all(from, &target, &tables, progress)?;
    target.execute_batch("COMMIT")?;
    drop(target);
    let flushed = File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.sync_all());
    flushed.map_err(|error| StoreError::Database(format!("{}: {error}", to.display())))?;
    Ok(moved)
}

/// Makes an embedded store in `folder`, which must exist and hold none, of all rows. It appears under its name at once,
/// when it is complete; what an interrupted try left is thrown away.
pub fn into_folder(from: &Reader, folder: &Path, progress: Progress<'_>) -> StoreResult<Vec<Moved>> {
    let _lock = sqlite::lock(folder)?;
    let (file, unfinished) = (folder.join("qunfa.db"), folder.join("qunfa.db.unfinished"));
    let failed =
        |path: &Path, error: std::io::Error| StoreError::Database(format!("{}: {error}", path.display()));
    if file.exists() {
        return Err(StoreError::Database(format!("{} exists already", file.display())));
    }
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(|error| failed(&unfinished, error))?;
    }
    let moved = into_file(from, &unfinished, progress)?;
    std::fs::rename(&unfinished, &file).map_err(|error| failed(&file, error))?;
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(|error| failed(folder, error))?;
    Ok(moved)
}

/// Copies all rows into the database on a server, whose tables are made and must be empty. The source may be worked on
/// meanwhile; nobody else can write to the target.
pub fn into_server(from: &Reader, to: &PostgresOptions, progress: Progress<'_>) -> StoreResult<Vec<Moved>> {
    let server = Postgres::open(&PostgresOptions {
        readers: 1,
        writers: 1,
        ..to.clone()
    })?;
    let target = server.connection()?;
    let tables = schema::tables()?;
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    target.execute_batch(&format!(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; BEGIN; \
         LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
        names.join(", ")
    ))?;
    refuse_filled(&target, &tables)?;
    let moved = move_all(from, &target, &tables, progress)?;
    target.execute_batch("COMMIT")?;
    Ok(moved)
}

/// Whether the database on a server holds no row, or not even tables.
pub fn is_empty(server: &PostgresOptions) -> StoreResult<bool> {
    let server = Postgres::open_unchanged(server)?;
    let db = server.connection()?;
    for table in schema::tables()? {
        let made = db
            .prepare_cached("SELECT 1 WHERE to_regclass(?) IS NOT NULL")?
            .exists([&table.name])?;
        if made && !page::is_empty(&db, &table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn refuse_filled(target: &Connection, tables: &[Table]) -> StoreResult<()> {
    for table in tables {
        if !page::is_empty(target, table)? {
            return Err(StoreError::Database(format!(
                "the target is not empty (table {}); nothing is overwritten",
                table.name
            )));
        }
    }
    Ok(())
}

/// Copies and compares within the target's open transaction.
fn move_all(
    from: &Reader,
    target: &Connection,
    tables: &[Table],
    progress: Progress<'_>,
) -> StoreResult<Vec<Moved>> {
    let sent: Vec<Sum> = from.read(|source| {
        if matches!(source, Connection::Postgres(_)) {
            // The snapshot is held while the target is written to.
            source.execute_batch(
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
            )?;
        }
        let moving = tables
            .iter()
            .map(|table| move_table(source, target, table, progress));
        moving.collect()
    })?;
    if matches!(target, Connection::Postgres(_)) {
        // So that it knows how to read what it just got.
        target.execute_batch("ANALYZE")?;
    }
    let mut moved = Vec::with_capacity(tables.len());
    for (table, sent) in tables.iter().zip(sent) {
        let mut arrived = Sum::default();
        pages(target, table, |rows| {
            arrived.add(rows);
            progress(&format!("= {}", table.name), arrived.rows(), sent.rows());
            Ok(())
        })?;
        if arrived != sent {
            let name = &table.name;
            return Err(StoreError::Damaged(format!(
                "the rows of {name} did not arrive as they were"
            )));
        }
        moved.push(Moved {
            table: table.name.clone(),
            rows: sent.rows(),
            digest: sent.digest(),
        });
    }
    Ok(moved)
}

fn move_table(
    source: &Connection,
    target: &Connection,
    table: &Table,
    progress: Progress<'_>,
) -> StoreResult<Sum> {
    let all = page::count(source, table)?;
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.kind))
        .collect();
    let mut sum = Sum::default();
    progress(&table.name, 0, all);
    pages(source, table, |rows| {
        sum.add(rows);
        let values: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(page::Kept::value).collect())
            .collect();
        target.insert_many(&table.name, &columns, "", &values)?;
        progress(&table.name, sum.rows(), all);
        Ok(())
    })?;
    Ok(sum)
}

/// What all rows of every table add up to: two stores with the same are equal row by row.
pub fn digests(store: &Reader) -> StoreResult<Vec<Moved>> {
    let tables = schema::tables()?;
    store.read(|db| {
        let of = |table: &Table| {
            let mut sum = Sum::default();
            pages(db, table, |rows| {
                sum.add(rows);
                Ok(())
            })?;
            Ok(Moved {
                table: table.name.clone(),
                rows: sum.rows(),
                digest: sum.digest(),
            })
        };
        tables.iter().map(of).collect()
    })
}
