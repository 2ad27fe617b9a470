//! Which tables and columns there are: what the migrations make, asked of a database in memory.

use crate::{StoreError, StoreResult, rows::migrations, sql::Kind};

/// A table with rows that belong to an installation. What only a server has besides (locks and leases) is of the
/// moment and stays behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The places of the key's columns, in the key's order.
    pub(super) key: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// All tables, by name.
pub(super) fn tables() -> StoreResult<Vec<Table>> {
    let mut db = rusqlite::Connection::open_in_memory()?;
    migrations::on_sqlite(&mut db)?;
    let mut statement = db.prepare(
        "SELECT name FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history' ORDER BY name",
    )?;
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    names.into_iter().map(|name| table(&db, name)).collect()
}

fn table(db: &rusqlite::Connection, name: String) -> StoreResult<Table> {
    let mut statement = db.prepare("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid")?;
    let mut rows = statement.query([&name])?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (column, declared, in_key): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if in_key > 0 {
            key.push((in_key, columns.len()));
        }
        let kind = match declared.as_str() {
            "INTEGER" => Kind::Integer,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Blob,
            other => {
                return Err(StoreError::Database(format!(
                    "{name}.{column} is of the unknown type {other}"
                )));
            }
        };
        columns.push(Column { name: column, kind });
    }
    if key.is_empty() {
        return Err(StoreError::Database(format!("the table {name} has no key")));
    }
    key.sort_unstable();
    let key = key.into_iter().map(|(_, place)| place).collect();
    Ok(Table { name, columns, key })
}
