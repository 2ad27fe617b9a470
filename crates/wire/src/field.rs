//! Input as it comes: fields that are absent, understood, or malformed, and never an error while reading.
//!
//! Existing clients write numbers as strings, strings as numbers, and `null` or `""` for "not given". Reading
//! must not stop at such a field, because the errcode depends on which field is wrong and in which order they are
//! looked at. What is required and which values are allowed is decided elsewhere.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// One field of a request. `null`, `""` and a missing key are all [`Field::Absent`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not given.
    #[default]
    Absent,
    /// Given and understood.
    Present(T),
    /// Given, but not something of this type.
    Malformed,
}

/// A type that can be understood from several JSON spellings.
pub trait Loose: Sized {
    /// The value, or `None` if `value` is no spelling of this type.
    fn loose(value: &Value) -> Option<Self>;
}

impl<T> Field<T> {
    /// The value if it was given and understood.
    pub fn present(self) -> Option<T> {
        match self {
            Field::Present(value) => Some(value),
            Field::Absent | Field::Malformed => None,
        }
    }

    /// The same field, borrowed.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Field::Absent => Field::Absent,
            Field::Present(value) => Field::Present(value),
            Field::Malformed => Field::Malformed,
        }
    }

    /// Whether nothing was given.
    pub fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    /// The value if given; `malformed` if it is not of this type.
    pub fn or_malformed<E>(self, malformed: E) -> Result<Option<T>, E> {
        match self {
            Field::Absent => Ok(None),
            Field::Present(value) => Ok(Some(value)),
            Field::Malformed => Err(malformed),
        }
    }

    /// The value; `missing` if it was not given or is not of this type.
    pub fn required<E>(self, missing: E) -> Result<T, E> {
        self.present().ok_or(missing)
    }

    /// The value; `missing` if it was not given, `malformed` if it is not of this type.
    pub fn required_or<E>(self, missing: E, malformed: E) -> Result<T, E> {
        match self {
            Field::Absent => Err(missing),
            Field::Present(value) => Ok(value),
            Field::Malformed => Err(malformed),
        }
    }

    /// This field, or `other` if it was not given: for a field that has two names.
    #[must_use]
    pub fn or(self, other: Field<T>) -> Field<T> {
        match self {
            Field::Absent => other,
            given => given,
        }
    }

    /// The same field with another value in it.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Field::Absent => Field::Absent,
            Field::Present(value) => Field::Present(change(value)),
            Field::Malformed => Field::Malformed,
        }
    }
}

impl<T: Clone> Field<&T> {
    /// The same field, owned.
    pub fn cloned(self) -> Field<T> {
        self.map(T::clone)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Field::Present(value)
    }
}

impl From<&str> for Field<String> {
    fn from(value: &str) -> Self {
        Field::Present(value.to_owned())
    }
}

impl<'de, T: Loose> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match &value {
            Value::Null => Field::Absent,
            Value::String(text) if text.is_empty() => Field::Absent,
            value => T::loose(value).map_or(Field::Malformed, Field::Present),
        })
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Present(value) => value.serialize(serializer),
            Field::Absent | Field::Malformed => serializer.serialize_unit(),
        }
    }
}

/// 2^63 as a float: the first one that no longer fits.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

impl Loose for i64 {
    fn loose(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().or_else(|| integral(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

/// The integer that `float` stands for, if it has no fraction and fits.
fn integral(float: f64) -> Option<i64> {
    let fits = float.fract() == 0.0 && (-I64_END..I64_END).contains(&float);
    fits.then_some(float as i64)
}

impl Loose for bool {
    fn loose(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => flag_of(number.as_i64()?),
            Value::String(text) => match text.trim() {
                "true" => Some(true),
                "false" => Some(false),
                digits => flag_of(digits.parse().ok()?),
            },
            _ => None,
        }
    }
}

fn flag_of(number: i64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

impl Loose for String {
    fn loose(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl<T: Loose> Loose for Vec<T> {
    fn loose(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::loose).collect()
    }
}

/// A switch that is written as 0 or 1, and read like a `bool`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(
    /// Whether it is on.
    pub bool,
);

impl Loose for Flag {
    fn loose(value: &Value) -> Option<Self> {
        bool::loose(value).map(Flag)
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(u8::from(self.0))
    }
}

/// A text that holds JSON; some clients send the JSON itself, which is then turned into text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JsonText(
    /// The JSON as text.
    pub String,
);

impl Loose for JsonText {
    fn loose(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(JsonText(text.clone())),
            Value::Object(_) => Some(JsonText(value.to_string())),
            _ => None,
        }
    }
}

/// Lets structs be read from any JSON object; their own fields are lenient again.
macro_rules! loose_object {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::field::Loose for $name {
            fn loose(value: &serde_json::Value) -> Option<Self> {
                if !value.is_object() {
                    return None;
                }
                <$name as serde::Deserialize>::deserialize(value).ok()
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: Loose>(value: Value) -> Field<T> {
        serde_json::from_value(value).expect("a field never fails")
    }

    #[test]
    fn null_and_the_empty_text_mean_absent() {
        assert_eq!(read::<i64>(json!(null)), Field::Absent);
        assert_eq!(read::<i64>(json!("")), Field::Absent);
        assert_eq!(read::<String>(json!("")), Field::Absent);
        assert_eq!(read::<Vec<String>>(json!(null)), Field::Absent);
    }

    #[test]
    fn a_number_is_understood_in_every_spelling() {
        for value in [json!(12), json!(12.0), json!("12"), json!(" 12 ")] {
            assert_eq!(read::<i64>(value), Field::Present(12));
        }
        let others = [
            json!(1.5),
            json!("1.5"),
            json!("x"),
            json!(true),
            json!([1]),
            json!(u64::MAX),
            json!(1e300),
        ];
        for value in others {
            assert_eq!(read::<i64>(value), Field::Malformed);
        }
    }

    #[test]
    fn a_switch_is_understood_in_every_spelling() {
        for value in [json!(true), json!("true"), json!(1), json!("1")] {
            assert_eq!(read::<bool>(value.clone()), Field::Present(true));
            assert_eq!(read::<Flag>(value), Field::Present(Flag(true)));
        }
        for value in [json!(false), json!("false"), json!(0), json!("0")] {
            assert_eq!(read::<bool>(value), Field::Present(false));
        }
        for value in [json!(2), json!("yes"), json!({})] {
            assert_eq!(read::<bool>(value), Field::Malformed);
        }
    }

    #[test]
    fn a_text_may_be_sent_as_a_number_but_not_as_an_object() {
        assert_eq!(read::<String>(json!(7)), Field::Present("7".to_owned()));
        assert_eq!(read::<String>(json!({})), Field::Malformed);
    }

    #[test]
    fn a_list_needs_every_element_understood() {
        assert_eq!(read::<Vec<i64>>(json!([1, "2"])), Field::Present(vec![1, 2]));
        assert_eq!(read::<Vec<i64>>(json!([1, "x"])), Field::Malformed);
        assert_eq!(read::<Vec<i64>>(json!(1)), Field::Malformed);
    }

    #[test]
    fn json_text_may_be_sent_as_an_object() {
        assert_eq!(
            read::<JsonText>(json!({"a": 1})),
            Field::Present(JsonText(r#"{"a":1}"#.to_owned()))
        );
        assert_eq!(
            read::<JsonText>(json!(r#"{"a":1}"#)),
            Field::Present(JsonText(r#"{"a":1}"#.to_owned()))
        );
    }

    #[test]
    fn required_tells_missing_from_malformed() {
        assert_eq!(
            Field::<i64>::Absent.required_or("missing", "malformed"),
            Err("missing")
        );
        assert_eq!(
            Field::<i64>::Malformed.required_or("missing", "malformed"),
            Err("malformed")
        );
        assert_eq!(Field::<i64>::Malformed.required("missing"), Err("missing"));
        assert_eq!(
            Field::<i64>::Malformed.or_malformed("malformed"),
            Err("malformed")
        );
        assert_eq!(Field::<i64>::Absent.or_malformed("malformed"), Ok(None));
        assert_eq!(Field::Present(1).required("missing"), Ok(1));
    }

    #[test]
    fn the_second_name_counts_only_if_the_first_is_absent() {
        assert_eq!(Field::Absent.or(Field::Present(2)), Field::Present(2));
        assert_eq!(Field::Present(1).or(Field::Present(2)), Field::Present(1));
        assert_eq!(Field::Malformed.or(Field::Present(2)), Field::Malformed);
    }
}
