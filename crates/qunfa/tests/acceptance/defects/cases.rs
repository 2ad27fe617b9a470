//! The words of the table: endpoints, fields, defects.

use serde_json::{Value, json};

use super::world::{Things, World};

/// A call with a JSON body.
pub struct Endpoint {
    pub path: &'static str,
    /// Whether it asks for an access token.
    pub token: bool,
    /// Whether it is for verified accounts only (48001).
    pub verified: bool,
    pub body: Body,
    /// A body that is accepted; the text makes it another one each time.
    pub good: fn(&World, &str) -> Value,
    pub fields: &'static [Field],
}

/// Whether a call has a body.
#[derive(Clone, Copy)]
pub enum Body {
    /// A JSON object; nothing at all is 44002.
    Json,
    /// A JSON object or nothing, which is answered with this errcode.
    Optional(i64),
    /// It is not looked at.
    Nothing,
}

/// A field of the body, and what its defects are answered with; 0 is success.
pub struct Field {
    /// Where it is, as a JSON pointer.
    pub at: &'static str,
    pub defects: &'static [(Defect, i64)],
}

/// What can be wrong with a field.
#[derive(Clone, Copy)]
pub enum Defect {
    /// Not there, `null`, or an empty text.
    Missing,
    /// Something of another type: an object or array for a value, a text for an object or array.
    WrongType,
    /// So many characters.
    Long(usize),
    /// An array with its first item so many times.
    Many(usize),
    /// Another value.
    Is(fn() -> Value),
    /// Something of another account.
    Foreign(fn(&Things) -> &Value),
    /// Something that was here and is no more.
    Expired(fn(&Things) -> &Value),
    /// Something of this account, but of another kind.
    OtherKind(fn(&Things) -> &Value),
}

/// A call with a file.
pub struct Upload {
    pub path: &'static str,
    pub query: &'static str,
    /// A file that is accepted.
    pub good: fn() -> Vec<u8>,
    pub cases: &'static [UploadCase],
}

/// A name, the query, the file, and the errcode.
pub type UploadCase = (&'static str, &'static str, fn() -> Vec<u8>, i64);

impl Defect {
    /// The bodies that have this defect, each with a name.
    pub fn apply(self, world: &World, at: &str, good: Value) -> Vec<(String, Value)> {
        let set = |value: Value| {
            let mut body = good.clone();
            put(&mut body, at, value);
            body
        };
        let named = |name: &str, value: Value| (format!("{name} {}", shown(&value)), set(value));
        match self {
            Defect::Missing => {
                let mut absent = good.clone();
                take(&mut absent, at);
                vec![
                    ("missing".to_owned(), absent),
                    named("missing", Value::Null),
                    named("missing", json!("")),
                ]
            }
            Defect::WrongType => match good.pointer(at) {
                Some(Value::Object(_) | Value::Array(_)) => {
                    vec![named("wrong type", json!("x")), named("wrong type", json!(true))]
                }
                _ => vec![
                    named("wrong type", json!({"x": 1})),
                    named("wrong type", json!([[]])),
                ],
            },
            Defect::Long(characters) => {
                vec![(
                    format!("{characters} characters"),
                    set(json!("x".repeat(characters))),
                )]
            }
            Defect::Many(count) => {
                let first = good
                    .pointer(at)
                    .and_then(|list| list.get(0))
                    .cloned()
                    .expect("a list");
                vec![(format!("{count} items"), set(json!(vec![first; count])))]
            }
            Defect::Is(value) => vec![named("is", value())],
            Defect::Foreign(thing) => vec![named("foreign", thing(&world.foreign).clone())],
            Defect::Expired(thing) => vec![named("expired", thing(&world.expired).clone())],
            Defect::OtherKind(thing) => vec![named("other kind", thing(&world.own).clone())],
        }
    }
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

/// Puts a value at a place; the key may be new.
fn put(body: &mut Value, at: &str, value: Value) {
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    match body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
        }
        Value::Array(list) => list[key.parse::<usize>().expect("a place")] = value,
        other => panic!("{at} in {other}"),
    }
}

fn take(body: &mut Value, at: &str) {
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    match body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Object(object) => {
            object.remove(key);
        }
        Value::Array(list) => {
            list.remove(key.parse().expect("a place"));
        }
        other => panic!("{at} in {other}"),
    }
}
