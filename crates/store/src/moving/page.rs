//! The rows of a table, page by page in the order of its key, and what they add up to.

use sha2::{Digest, Sha256};

use super::schema::Table;
use crate::{
    StoreError, StoreResult,
    sql::{Connection, Row, ToSql, Value, ValueRef},
};

/// Rows of one page: of the widest some forty megabytes at most.
const PAGE: usize = 1_000;

/// A value that outlives its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Kept {
    fn of(value: ValueRef<'_>, table: &Table, place: usize) -> StoreResult<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(text) => Self::Text(text.to_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
            ValueRef::Real(_) => {
                let column = table.columns.get(place).map_or("", |column| column.name.as_str());
                return Err(StoreError::Damaged(format!(
                    "{}.{column} holds a broken number",
                    table.name
                )));
            }
        })
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }

    /// Kind, length and bytes, so that no two rows look alike.
    fn add_to(&self, digest: &mut Sha256) {
        let number;
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Integer(value) => {
                number = value.to_be_bytes();
                (1, &number)
            }
            Self::Text(text) => (2, text.as_bytes()),
            Self::Blob(bytes) => (3, bytes),
        };
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
}

impl ToSql for Kept {
    fn to_sql(&self) -> crate::sql::Result<Value<'_>> {
        Ok(self.value())
    }
}

/// What rows add up to, in any order: the two databases sort texts differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    rows: u64,
    total: [u64; 4],
}

impl Sum {
    pub(super) fn add(&mut self, rows: &[Vec<Kept>]) {
        for row in rows {
            let mut digest = Sha256::new();
            row.iter().for_each(|value| value.add_to(&mut digest));
            let digest = digest.finalize();
            for (total, part) in self.total.iter_mut().zip(digest.as_chunks::<8>().0) {
                *total = total.wrapping_add(u64::from_be_bytes(*part));
            }
        }
        self.rows += rows.len() as u64;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn digest(&self) -> String {
        self.total.iter().map(|part| format!("{part:016x}")).collect()
    }
}

/// Hands `take` all rows of a table.
pub(super) fn pages(
    db: &Connection,
    table: &Table,
    mut take: impl FnMut(&[Vec<Kept>]) -> StoreResult<()>,
) -> StoreResult<()> {
    let mut after: Option<Vec<Kept>> = None;
    loop {
        let rows = page(db, table, after.as_deref())?;
        if !rows.is_empty() {
            take(&rows)?;
        }
        after = match rows.last() {
            Some(last) if rows.len() == PAGE => Some(key(table, last)),
            _ => return Ok(()),
        };
    }
}

fn key(table: &Table, row: &[Kept]) -> Vec<Kept> {
    let places = table.key.iter();
    places.filter_map(|place| row.get(*place).cloned()).collect()
}

fn page(db: &Connection, table: &Table, after: Option<&[Kept]>) -> StoreResult<Vec<Vec<Kept>>> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let keys: Vec<&str> = table
        .key
        .iter()
        .filter_map(|place| columns.get(*place).copied())
        .collect();
    let (columns_listed, keys_listed) = (columns.join(", "), keys.join(", "));
    let beyond = match after {
        None => String::new(),
        Some(_) => format!("WHERE ({keys_listed}) > ({})", vec!["?"; keys.len()].join(", ")),
    };
    let name = &table.name;
    let sql = format!("SELECT {columns_listed} FROM {name} {beyond} ORDER BY {keys_listed} LIMIT {PAGE}");
    let params: Vec<&dyn ToSql> = after
        .unwrap_or_default()
        .iter()
        .map(|value| value as &dyn ToSql)
        .collect();
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params.as_slice())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(kept(&row, table)?);
    }
    Ok(found)
}

fn kept(row: &Row<'_>, table: &Table) -> StoreResult<Vec<Kept>> {
    let places = 0..table.columns.len();
    places
        .map(|place| Kept::of(row.value(place)?, table, place))
        .collect()
}

pub(super) fn count(db: &Connection, table: &Table) -> StoreResult<u64> {
    let mut statement = db.prepare_cached(&format!("SELECT COUNT(*) FROM {}", table.name))?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub(super) fn is_empty(db: &Connection, table: &Table) -> StoreResult<bool> {
    let mut statement = db.prepare_cached(&format!("SELECT 1 FROM {} LIMIT 1", table.name))?;
    Ok(!statement.exists([])?)
}
