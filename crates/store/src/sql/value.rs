//! Values on their way into statements and out of rows.

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef as SqliteValue};
use tokio_postgres::types::{FromSql as FromPostgres, IsNull, ToSql as ToPostgres, Type, to_sql_checked};

use super::{Error, Result};

type AnyError = Box<dyn std::error::Error + Sync + Send>;

/// A value that a statement takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// A value as a row has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ValueRef<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl Value<'_> {
    /// The type that a server is told for it; `None` leaves it to the statement.
    pub(crate) fn postgres_type(&self) -> Option<Type> {
        match self {
            Self::Null => None,
            Self::Integer(_) => Some(Type::INT8),
            Self::Text(_) => Some(Type::TEXT),
            Self::Blob(_) => Some(Type::BYTEA),
        }
    }
}

macro_rules! from_integers {
    ($($kind:ty),*) => { $(
        impl From<$kind> for Value<'_> {
            fn from(number: $kind) -> Self {
                Self::Integer(number.into())
            }
        }
    )* };
}
from_integers!(i64, i32, u32, u16, u8, bool);

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => SqliteValue::Null,
            Self::Integer(number) => SqliteValue::Integer(number),
            Self::Text(text) => SqliteValue::Text(text.as_bytes()),
            Self::Blob(bytes) => SqliteValue::Blob(bytes),
        }))
    }
}

impl ToPostgres for Value<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, AnyError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => ToPostgres::to_sql(number, &Type::INT8, out),
            Self::Text(text) => ToPostgres::to_sql(text, &Type::TEXT, out),
            Self::Blob(bytes) => ToPostgres::to_sql(bytes, &Type::BYTEA, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> ValueRef<'a> {
    pub(super) fn of_sqlite(value: SqliteValue<'a>) -> Result<Self> {
        Ok(match value {
            SqliteValue::Null => Self::Null,
            SqliteValue::Integer(number) => Self::Integer(number),
            SqliteValue::Real(number) => Self::Real(number),
            SqliteValue::Text(text) => {
                Self::Text(std::str::from_utf8(text).map_err(|_| Error::Misfit("no UTF-8"))?)
            }
            SqliteValue::Blob(bytes) => Self::Blob(bytes),
        })
    }
}

impl<'a> FromPostgres<'a> for ValueRef<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, AnyError> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(<i64 as FromPostgres>::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(<i32 as FromPostgres>::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Integer(<bool as FromPostgres>::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(<f64 as FromPostgres>::from_sql(kind, raw)?),
            Type::TEXT | Type::VARCHAR => Self::Text(<&str as FromPostgres>::from_sql(kind, raw)?),
            Type::BYTEA => Self::Blob(raw),
            _ => return Err(format!("a column of the type {kind}").into()),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, AnyError> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What a statement can take.
pub(crate) trait ToSql {
    /// As the databases know it.
    fn to_sql(&self) -> Result<Value<'_>>;
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn to_sql(&self) -> Result<Value<'_>> {
        (**self).to_sql()
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn to_sql(&self) -> Result<Value<'_>> {
        self.as_ref().map_or(Ok(Value::Null), ToSql::to_sql)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(*self)
    }
}

impl ToSql for str {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Text(self))
    }
}

impl ToSql for String {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Text(self))
    }
}

impl ToSql for Vec<u8> {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Blob(self))
    }
}

impl ToSql for [u8] {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Blob(self))
    }
}

impl<const N: usize> ToSql for [u8; N] {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Blob(self))
    }
}

macro_rules! integers {
    ($($kind:ty),*) => { $(
        impl ToSql for $kind {
            fn to_sql(&self) -> Result<Value<'_>> {
                i64::try_from(*self).map(Value::Integer).map_err(|_| Error::Misfit("a number beyond 64 bits"))
            }
        }

        impl FromSql for $kind {
            fn from_sql(value: ValueRef<'_>) -> Result<Self> {
                match value {
                    ValueRef::Integer(number) => number.try_into().map_err(|_| Error::Misfit("a number out of range")),
                    _ => Err(Error::Misfit("no number")),
                }
            }
        }
    )* };
}
integers!(i64, u64, i32, u32, u16, u8, usize);

impl ToSql for bool {
    fn to_sql(&self) -> Result<Value<'_>> {
        Ok(Value::Integer(i64::from(*self)))
    }
}

/// What a column can be read as.
pub(crate) trait FromSql: Sized {
    /// The value, where it fits.
    fn from_sql(value: ValueRef<'_>) -> Result<Self>;
}

impl FromSql for bool {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Integer(number) => Ok(number != 0),
            _ => Err(Error::Misfit("no truth value")),
        }
    }
}

impl FromSql for f64 {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Real(number) => Ok(number),
            _ => Err(Error::Misfit("no real number")),
        }
    }
}

impl FromSql for String {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Text(text) => Ok(text.to_owned()),
            _ => Err(Error::Misfit("no text")),
        }
    }
}

impl FromSql for Vec<u8> {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
            _ => Err(Error::Misfit("no bytes")),
        }
    }
}

impl<const N: usize> FromSql for [u8; N] {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Blob(bytes) => bytes
                .try_into()
                .map_err(|_| Error::Misfit("bytes of another length")),
            _ => Err(Error::Misfit("no bytes")),
        }
    }
}

impl<T: FromSql> FromSql for Option<T> {
    fn from_sql(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_sql(value).map(Some),
        }
    }
}

/// The values of a statement's parameters, in order.
pub(crate) trait Params {
    /// As the databases know them.
    fn values(&self) -> Result<Vec<Value<'_>>>;
}

impl Params for &[&dyn ToSql] {
    fn values(&self) -> Result<Vec<Value<'_>>> {
        self.iter().map(|value| value.to_sql()).collect()
    }
}

/// No parameters.
impl Params for [&(dyn ToSql + Send + Sync); 0] {
    fn values(&self) -> Result<Vec<Value<'_>>> {
        Ok(Vec::new())
    }
}

macro_rules! arrays {
    ($($count:literal),*) => { $(
        impl<T: ToSql> Params for [T; $count] {
            fn values(&self) -> Result<Vec<Value<'_>>> {
                self.iter().map(ToSql::to_sql).collect()
            }
        }
    )* };
}
arrays!(1, 2, 3, 4);

/// Parameters of several types.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::ToSql),*] as &[&dyn $crate::sql::ToSql]
    };
}
pub(crate) use params;
