//! A connection to the server, used from threads that may wait.

use std::{cell::RefCell, collections::HashMap};

use tokio::runtime::Handle;
use tokio_postgres::{
    Client, Row, Statement,
    types::{ToSql, Type},
};

use crate::sql::{Column, Kind, Result, Value, dialect};

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: Client,
    runtime: Handle,
    // By the statement and the types of its parameters: an absent value has none.
    statements: RefCell<HashMap<String, Statement>>,
}

impl Session {
    pub(super) fn new(client: Client, runtime: Handle) -> Self {
        Self {
            client,
            runtime,
            statements: RefCell::default(),
        }
    }

    /// Waits for an answer; a statement that fails is named in the log, without its values (SEC4).
    fn wait<T>(
        &self,
        sql: &str,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let answer = self.runtime.block_on(answer);
        answer
            .inspect_err(|error| tracing::warn!(error = describe(error), sql, "a statement failed"))
            .map_err(Into::into)
    }

    fn prepared(&self, sql: &str, types: &[Type]) -> Result<Statement> {
        let mut key = String::with_capacity(sql.len() + types.len());
        key.push_str(sql);
        key.extend(types.iter().map(letter));
        if let Some(known) = self.statements.borrow().get(&key) {
            return Ok(known.clone());
        }
        let translated = dialect::to_postgres(sql);
        let statement = self.wait(sql, self.client.prepare_typed(&translated, types))?;
        self.statements.borrow_mut().insert(key, statement.clone());
        Ok(statement)
    }

    fn of_values(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement> {
        let types: Vec<Type> = values
            .iter()
            .map(|value| value.postgres_type().unwrap_or(Type::UNKNOWN))
            .collect();
        self.prepared(sql, &types)
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        let statement = self.of_values(sql, values)?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let changed = self.wait(sql, self.client.execute(&statement, &params))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs a statement and gives its rows.
    pub(crate) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let statement = self.of_values(sql, values)?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.wait(sql, self.client.query(&statement, &params))
    }

    /// Runs statements that take nothing and answer nothing.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        self.wait(sql, self.client.batch_execute(sql))
    }

    /// Whether the other end is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Inserts rows as one statement of arrays.
    pub(crate) fn insert_many(
        &self,
        table: &str,
        names: &str,
        columns: &[Column<'_>],
        conflict: &str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<usize> {
        let places: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, (_, kind))| format!("${}::{}[]", place + 1, array_of(*kind)))
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({names}) SELECT * FROM unnest({}) {conflict}",
            places.join(", ")
        );
        let arrays: Vec<Box<dyn ToSql + Sync + '_>> = columns
            .iter()
            .enumerate()
            .map(|(place, (_, kind))| array(*kind, rows, place))
            .collect();
        let statement = self.prepared(&sql, &[])?;
        let params: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(AsRef::as_ref).collect();
        let written = self.wait(&sql, self.client.execute(&statement, &params))?;
        Ok(usize::try_from(written).unwrap_or(usize::MAX))
    }
}

fn letter(kind: &Type) -> char {
    match *kind {
        Type::INT8 => 'i',
        Type::FLOAT8 => 'r',
        Type::TEXT => 't',
        Type::BYTEA => 'b',
        _ => 'n',
    }
}

fn array_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "bigint",
        Kind::Text => "text",
        Kind::Blob => "bytea",
    }
}

/// A column of all rows as an array; what is of another kind is absent.
fn array<'a>(kind: Kind, rows: &'a [Vec<Value<'a>>], place: usize) -> Box<dyn ToSql + Sync + 'a> {
    let values = rows
        .iter()
        .map(move |row| row.get(place).copied().unwrap_or(Value::Null));
    match kind {
        Kind::Integer => Box::new(
            values
                .map(|value| match value {
                    Value::Integer(number) => Some(number),
                    _ => None,
                })
                .collect::<Vec<Option<i64>>>(),
        ),
        Kind::Text => Box::new(
            values
                .map(|value| match value {
                    Value::Text(text) => Some(text),
                    _ => None,
                })
                .collect::<Vec<Option<&str>>>(),
        ),
        Kind::Blob => Box::new(
            values
                .map(|value| match value {
                    Value::Blob(bytes) => Some(bytes),
                    _ => None,
                })
                .collect::<Vec<Option<&[u8]>>>(),
        ),
    }
}

/// What the server says, without the values that it may quote (SEC4).
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => error.to_string(),
    }
}
