//! Many rows in one statement.

use super::{Connection, Result, Value, bind};

/// The type of a column that is written in bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Blob,
}

/// A column that is written in bulk.
pub(crate) type Column<'n> = (&'n str, Kind);

impl Connection {
    /// Inserts `rows`, each with a value per column, into `table`; `conflict` is what follows. Returns how many rows
    /// were written. On a server it is one statement of arrays, embedded a prepared one row by row: each the fastest
    /// way there.
    pub(crate) fn insert_many(
        &self,
        table: &str,
        columns: &[Column<'_>],
        conflict: &str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<usize> {
        if rows.is_empty() {
            return Ok(0);
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        match self {
            Self::Sqlite(connection) => {
                let places = vec!["?"; columns.len()].join(", ");
                let mut statement = connection.prepare_cached(&format!(
                    "INSERT INTO {table} ({names}) VALUES ({places}) {conflict}"
                ))?;
                let mut written = 0;
                for row in rows {
                    bind(&mut statement, row)?;
                    written += statement.raw_execute()?;
                }
                Ok(written)
            }
            Self::Postgres(session) => session.insert_many(table, &names, columns, conflict, rows),
        }
    }
}
