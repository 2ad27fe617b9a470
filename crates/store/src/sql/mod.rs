//! One way to speak SQL to both databases, so that every statement of the store is written once.
//!
//! The shapes are those of `rusqlite`: prepare, execute, query row by row. Statements are written in the SQL that
//! both understand: parameters as `?` or `?1`, integers as 64 bits, truth as 0 or 1, `ON CONFLICT` with its
//! target, no function that only one of them has. What still differs is translated in [`dialect`].

pub(crate) mod dialect;
mod many;
mod value;

pub(crate) use many::{Column, Kind};
pub(crate) use value::{FromSql, Params, ToSql, Value, ValueRef, params};

use crate::{StoreError, postgres};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The embedded database.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The database server.
    #[error("{}", postgres::describe(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// A row was asked for and there is none.
    #[error("no row")]
    NoRow,
    /// A value does not fit where it is read or written.
    #[error("a value does not fit: {0}")]
    Misfit(&'static str),
}

/// What a statement answers.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Misfit(_) => StoreError::Damaged(error.to_string()),
            other => StoreError::Database(other.to_string()),
        }
    }
}

/// No row is an answer.
pub(crate) trait OptionalExtension<T> {
    /// `None` where there is no row.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoRow | Error::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A connection to either database.
pub(crate) enum Connection {
    /// The embedded one.
    Sqlite(rusqlite::Connection),
    /// A server.
    Postgres(postgres::Session),
}

impl Connection {
    /// Prepares a statement, or takes it from among those prepared before.
    pub(crate) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::Sqlite(connection.prepare_cached(sql)?),
            Self::Postgres(session) => Statement::Postgres {
                session,
                sql: sql.to_owned(),
            },
        })
    }

    /// Runs statements that take nothing and answer nothing.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(session) => session.batch(sql),
        }
    }
}

/// A prepared statement.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres {
        session: &'c postgres::Session,
        sql: String,
    },
}

impl Statement<'_> {
    /// Runs it and tells how many rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize> {
        let values = params.values()?;
        match self {
            Self::Sqlite(statement) => {
                bind(statement, &values)?;
                Ok(statement.raw_execute()?)
            }
            Self::Postgres { session, sql } => session.execute(sql, &values),
        }
    }

    /// Runs it and gives its rows.
    pub(crate) fn query(&mut self, params: impl Params) -> Result<Rows<'_>> {
        let values = params.values()?;
        match self {
            Self::Sqlite(statement) => {
                bind(statement, &values)?;
                Ok(Rows::Sqlite(statement.raw_query()))
            }
            Self::Postgres { session, sql } => {
                Ok(Rows::Postgres(session.query(sql, &values)?.into_iter(), None))
            }
        }
    }

    /// The first row through `read`; [`Error::NoRow`] where there is none.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut rows = self.query(params)?;
        let row = rows.next()?.ok_or(Error::NoRow)?;
        read(&row)
    }

    /// All rows through `read`.
    pub(crate) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<std::vec::IntoIter<Result<T>>> {
        let mut rows = self.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&row));
        }
        Ok(found.into_iter())
    }

    /// Whether it has a row.
    pub(crate) fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value<'_>]) -> Result<()> {
    if statement.parameter_count() != values.len() {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), statement.parameter_count()).into());
    }
    for (place, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, value)?;
    }
    Ok(())
}

/// The rows of an answer, one after the other.
pub(crate) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Postgres(
        std::vec::IntoIter<tokio_postgres::Row>,
        Option<tokio_postgres::Row>,
    ),
}

impl Rows<'_> {
    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Self::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
            Self::Postgres(rows, current) => {
                *current = rows.next();
                Ok(current.as_ref().map(Row::Postgres))
            }
        }
    }
}

/// One row.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// The place of a column. A trait with one implementation, so that a bare number is understood.
pub(crate) trait Place {
    fn place(self) -> usize;
}

impl Place for usize {
    fn place(self) -> usize {
        self
    }
}

impl Row<'_> {
    /// The value in a column.
    pub(crate) fn get<P: Place, T: FromSql>(&self, place: P) -> Result<T> {
        T::from_sql(self.value(place.place())?)
    }

    /// The bytes in a column, not copied.
    pub(crate) fn blob(&self, place: usize) -> Result<&[u8]> {
        match self.value(place)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(Error::Misfit("no bytes")),
        }
    }

    /// A column as it came.
    pub(crate) fn value(&self, place: usize) -> Result<ValueRef<'_>> {
        match self {
            Self::Sqlite(row) => ValueRef::of_sqlite(row.get_ref(place)?),
            Self::Postgres(row) => Ok(row.try_get::<_, ValueRef<'_>>(place)?),
        }
    }
}
