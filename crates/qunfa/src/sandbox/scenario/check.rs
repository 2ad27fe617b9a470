//! Compares what was found with what was expected.

use serde_json::{Value, json};

use super::{file::Expect, steps::Broken, variables::Variables, variables::shorten};

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: a JSON pointer, or a word.
    pub at: String,
    /// What was expected, as JSON.
    pub expected: String,
    /// What was found, as JSON.
    pub found: String,
}

/// Something that was found: a value, and for a call its HTTP status.
#[derive(Clone, Debug)]
pub struct Found {
    /// As JSON.
    pub value: Value,
    /// Of a call.
    pub status: Option<u16>,
}

impl Found {
    /// A value without a status.
    pub fn value(value: Value) -> Self {
        Self { value, status: None }
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }
}

/// Everything about `found` that `expect` does not allow.
pub fn differences(expect: &Expect, found: &Found, variables: &Variables) -> Result<Vec<Difference>, Broken> {
    let mut all = Vec::new();
    all.extend(of_call(expect, found));
    for (pointer, expected) in &expect.equals {
        let expected = variables.fill(expected)?;
        if found.at(pointer) != Some(&expected) {
            all.push(difference(pointer, shorten(&expected), found));
        }
    }
    for (pointer, expected) in &expect.differs {
        let expected = variables.fill(expected)?;
        if found.at(pointer).is_none_or(|value| *value == expected) {
            all.push(difference(pointer, format!("not {}", shorten(&expected)), found));
        }
    }
    for (pointer, part) in &expect.contains {
        let part = variables.fill(part)?;
        if !found.at(pointer).is_some_and(|value| holds(value, &part)) {
            all.push(difference(pointer, format!("with {}", shorten(&part)), found));
        }
    }
    for (pointer, part) in &expect.lacks {
        let part = variables.fill(part)?;
        // A pointer to nothing is a slip of the pen, not a thing that lacks something.
        if found.at(pointer).is_none_or(|value| holds(value, &part)) {
            all.push(difference(pointer, format!("without {}", shorten(&part)), found));
        }
    }
    for (pointer, length) in &expect.lengths {
        if found.at(pointer).and_then(Value::as_array).map(Vec::len) != Some(*length) {
            all.push(difference(pointer, format!("{length} items"), found));
        }
    }
    for pointer in &expect.absent {
        if found.at(pointer).is_some() {
            all.push(difference(pointer, "nothing".to_owned(), found));
        }
    }
    Ok(all)
}

/// Status and errcode; the rest of the answer is shown too, since it says why.
fn of_call(expect: &Expect, found: &Found) -> Vec<Difference> {
    let mut all = Vec::new();
    if let Some(status) = expect.status.filter(|status| found.status != Some(*status)) {
        all.push(Difference {
            at: "HTTP status".to_owned(),
            expected: status.to_string(),
            found: format!("{} {}", found.status.unwrap_or_default(), shorten(&found.value)),
        });
    }
    // Data answers have no errcode; an answer that is no object, or a failure of HTTP, is no success either.
    let success = found.value.is_object() && matches!(found.status, None | Some(200..=299));
    let without = if success { json!(0) } else { json!("none") };
    let errcode = found.at("/errcode").cloned().unwrap_or(without);
    if let Some(expected) = expect.errcode.filter(|expected| errcode != json!(expected)) {
        all.push(Difference {
            at: "errcode".to_owned(),
            expected: expected.to_string(),
            found: format!("{errcode} {}", shorten(&found.value)),
        });
    }
    all
}

fn difference(pointer: &str, expected: String, found: &Found) -> Difference {
    Difference {
        at: pointer.to_owned(),
        expected,
        found: found
            .at(pointer)
            .map_or_else(|| format!("nothing, in {}", shorten(&found.value)), shorten),
    }
}

/// Whether a text, a list or an object has this part; an object has one when it has all its entries.
fn holds(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (value, part) if value == part => true,
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), part) => items.iter().any(|item| item == part || holds_entries(item, part)),
        (value, part) => holds_entries(value, part),
    }
}

fn holds_entries(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().all(|(key, part)| value.get(key) == Some(part))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: &str, expected: &[(&str, &str, &str)]) {
        let expect: Expect = serde_saphyr::from_str(expect).expect("an expectation");
        let value =
            json!({"errcode": 45028, "errmsg": "has no masssend quota", "list": [{"a": 1, "b": 2}, 3]});
        let found = Found {
            value,
            status: Some(200),
        };
        let found = differences(&expect, &found, &Variables::default()).expect("nothing to fill");
        let short: Vec<(&str, &str)> = found
            .iter()
            .map(|difference| (difference.at.as_str(), difference.expected.as_str()))
            .collect();
        let wanted: Vec<(&str, &str)> = expected.iter().map(|(at, wanted, _)| (*at, *wanted)).collect();
        assert_eq!(short, wanted);
        for (difference, (_, _, part)) in found.iter().zip(expected) {
            assert!(difference.found.contains(part), "{difference:?}");
        }
    }

    #[test]
    fn what_is_as_expected_makes_no_difference() {
        check("{}", &[]);
        check("{status: 200, errcode: 45028}", &[]);
        check(
            "{equals: {/list/1: 3}, contains: {/errmsg: quota, /list: {a: 1}}}",
            &[],
        );
        check(
            "{lacks: {/errmsg: rid, /list: {a: 2}}, lengths: {/list: 2}, absent: [/msg_id]}",
            &[],
        );
        check("{differs: {/errcode: 0}}", &[]);
    }

    #[test]
    fn every_difference_says_what_was_found() {
        check("{errcode: 0}", &[("errcode", "0", "has no masssend quota")]);
        check("{status: 201}", &[("HTTP status", "201", "200 {")]);
        check("{equals: {/list/1: 4}}", &[("/list/1", "4", "3")]);
        check("{equals: {/msg_id: 4}}", &[("/msg_id", "4", "nothing, in {")]);
        check(
            "{contains: {/errmsg: rid}}",
            &[("/errmsg", "with \"rid\"", "quota")],
        );
        check(
            "{lacks: {/errmsg: quota}}",
            &[("/errmsg", "without \"quota\"", "quota")],
        );
        check("{lengths: {/list: 1}}", &[("/list", "1 items", "[")]);
        check("{absent: [/errcode]}", &[("/errcode", "nothing", "45028")]);
        check(
            "{differs: {/errcode: 45028}}",
            &[("/errcode", "not 45028", "45028")],
        );
    }
}
