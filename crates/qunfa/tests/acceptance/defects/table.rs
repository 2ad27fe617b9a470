//! The table itself, by the pages of the specification.

use serde_json::{Value, json};

use super::cases::{
    Body::{Json, Nothing, Optional},
    Defect::{Expired, Foreign, Is, Long, Many, Missing, OtherKind, WrongType},
    Endpoint, Field, Upload,
};

/// What every text or number that names a medium is answered with (40007).
macro_rules! medium_id {
    ($at:literal, $kind:ident, $other:ident) => {
        Field {
            at: $at,
            defects: &[
                (Missing, 40007),
                (WrongType, 40007),
                (Is(unknown), 40007),
                (Foreign(|things| &things.$kind), 40007),
                (Expired(|things| &things.$kind), 40007),
                (OtherKind(|things| &things.$other), 40007),
            ],
        }
    };
}

/// A field that may be missing.
macro_rules! optional {
    ($at:literal $(, $defect:expr => $code:literal)*) => {
        Field { at: $at, defects: &[(Missing, 0) $(, ($defect, $code))*] }
    };
}

/// Any other field.
macro_rules! field {
    ($at:literal $(, $defect:expr => $code:literal)+) => {
        Field { at: $at, defects: &[$(($defect, $code)),+] }
    };
}

/// A list of OpenIDs of at most so many.
macro_rules! open_ids {
    ($at:literal, $over:literal) => {
        field!($at, Missing => 40032, WrongType => 40031, Is(empty) => 40032, Is(no_texts) => 40031,
            Many($over) => 40032, Is(strangers) => 40003, Foreign(|things| &things.open_ids) => 40003)
    };
}

/// A `media_id` of the library; a temporary one is none.
macro_rules! kept_id {
    ($at:literal, $kind:ident, $other:ident) => {
        field!($at, Missing => 41006, WrongType => 40007, Is(unknown) => 40007,
            Foreign(|things| &things.$kind) => 40007, OtherKind(|things| &things.$other) => 40007)
    };
}

/// One OpenID; what its absence is answered with.
macro_rules! open_id {
    ($at:literal, $missing:literal) => {
        field!($at, Missing => $missing, WrongType => 40003, Is(unknown) => 40003,
            Foreign(|things| &things.open_id) => 40003)
    };
}

mod followers;
mod library;
mod sending;
mod services;
mod uploads;

pub use uploads::UPLOADS;

/// All calls with a JSON body. Some of them live on what the ones before them did.
pub fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    [
        sending::ENDPOINTS,
        followers::ENDPOINTS,
        library::ENDPOINTS,
        services::ENDPOINTS,
    ]
    .into_iter()
    .flatten()
}

const MASS: Endpoint = Endpoint {
    path: "",
    token: true,
    verified: true,
    body: Json,
    good: |_, _| Value::Null,
    fields: &[],
};
const OPEN: Endpoint = Endpoint {
    verified: false,
    ..MASS
};

fn unknown() -> Value {
    json!("unknown")
}

fn unknown_number() -> Value {
    json!(2_000_000_000)
}

fn empty() -> Value {
    json!([])
}

fn no_texts() -> Value {
    json!([{"x": 1}, {"x": 2}])
}

fn strangers() -> Value {
    json!(["stranger", "another"])
}

fn text(words: &str) -> Value {
    json!({"msgtype": "text", "text": {"content": words}})
}

fn with(mut base: Value, more: Value) -> Value {
    let (Some(object), Value::Object(more)) = (base.as_object_mut(), more) else {
        panic!("two objects")
    };
    object.extend(more);
    base
}

fn to_tag(message: Value) -> Value {
    with(message, json!({"filter": {"is_to_all": false, "tag_id": 100}}))
}
