//! A connection to the server, used from threads that may wait.

use std::{cell::RefCell, collections::HashMap};

use tokio::runtime::Runtime;
use tokio_postgres::{
    Client, Row, Statement,
    types::{ToSql, Type},
};

use crate::{
    StoreError, StoreResult,
    sql::{Column, Kind, Result, Value, dialect},
};

/// A connection with its prepared statements. Whoever waits for an answer carries the bytes as well: handing each statement
/// to another thread and its answer back would cost more than the statement.
pub(crate) struct Session {
    client: Client,
    carrier: Carrier,
    // By the statement and the types of its parameters: an absent value has none.
    statements: RefCell<HashMap<String, Statement>>,
}

impl Session {
    pub(super) fn new(client: Client, carrier: Carrier) -> Self {
        Self {
            client,
            carrier,
            statements: RefCell::default(),
        }
    }

    /// Waits for an answer; a statement that fails is named in the log, without its values (SEC4).
    fn wait<T>(
        &self,
        sql: &str,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let answer = self.carrier.wait(answer);
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

/// What carries one connection while somebody waits for it.
pub(super) struct Carrier(Option<Runtime>);

impl Carrier {
    pub(super) fn new() -> StoreResult<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| StoreError::Database(error.to_string()))
    }

    /// Waits for something of this connection.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        runtime.block_on(work)
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // Waiting for it is not allowed everywhere, and nothing is left to wait for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
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
