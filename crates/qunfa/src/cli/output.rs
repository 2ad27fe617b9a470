//! What commands print: aligned tables for people, JSON for programs, errors in one line.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::error::CliError;

/// Prints to standard output. A reader that has gone away (`| head`) is not an error.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints to standard error, where nothing can be done about a failure.
pub fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints an answer as it came.
pub fn print_json(value: &Value) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&format!("{text}\n"))
}

/// A column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub heading: &'static str,
    /// The field it shows, as a JSON pointer.
    pub pointer: &'static str,
}

/// Shorthand for a [`Column`].
pub const fn column(heading: &'static str, pointer: &'static str) -> Column {
    Column { heading, pointer }
}

/// A table of JSON objects, or `empty` where there are none.
pub fn table(columns: &[Column], rows: &[Value], empty: &str) -> String {
    if rows.is_empty() {
        return format!("{empty}\n");
    }
    let mut table = plain();
    table.set_header(columns.iter().map(|column| column.heading));
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(row.pointer(column.pointer))));
    }
    for (index, column) in columns.iter().enumerate() {
        let numbers = rows.iter().all(|row| {
            row.pointer(column.pointer)
                .is_none_or(|v| v.is_number() || v.is_null())
        });
        if let Some(column) = table.column_mut(index).filter(|_| numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    lines(&table)
}

/// An object as names and values, one a line; inner objects as `outer.inner`.
pub fn record(value: &Value) -> String {
    let mut table = plain();
    rows_of(&mut table, "", value);
    lines(&table)
}

/// What people look for first; what is not named here comes behind, by the alphabet.
const ORDER: [&str; 16] = [
    "appid",
    "secret",
    "original_id",
    "id",
    "msg_id",
    "name",
    "kind",
    "type",
    "state",
    "accepted_at",
    "finished_at",
    "total_count",
    "filter_count",
    "sent_count",
    "error_count",
    "reasons",
];

fn rows_of(table: &mut Table, prefix: &str, value: &Value) {
    let Some(object) = value.as_object() else { return };
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by_key(|(name, _)| {
        ORDER
            .iter()
            .position(|known| known == name)
            .unwrap_or(ORDER.len())
    });
    for (name, value) in fields {
        let name = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        if value.as_object().is_some_and(|inner| !inner.is_empty()) {
            rows_of(table, &name, value);
        } else {
            table.add_row([safe(&name), cell(Some(value))]);
        }
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// Columns stand two blanks apart, and lines do not end in blanks.
fn lines(table: &Table) -> String {
    let mut table = table.clone();
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        Some(Value::Bool(true)) => "yes".into(),
        Some(Value::Bool(false)) => "no".into(),
        Some(Value::String(text)) => safe(text),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| cell(Some(item))).collect();
            items.join(", ")
        }
        Some(other) => safe(&other.to_string()),
    }
}

/// Nicknames come from anywhere: no control character of theirs reaches the terminal.
pub fn safe(text: &str) -> String {
    let direction = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || direction(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The same of several lines, which stay lines.
pub fn safe_lines(text: &str) -> String {
    text.lines().map(|line| safe(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_also_where_names_are_chinese() {
        let rows = [
            json!({"id": 100, "name": "广东"}),
            json!({"id": 2, "name": "star"}),
        ];
        let text = table(
            &[
                column("id", "/id"),
                column("name", "/name"),
                column("count", "/count"),
            ],
            &rows,
            "none",
        );
        assert_eq!(text, " id  name  count\n100  广东      -\n  2  star      -\n");
        assert_eq!(table(&[column("id", "/id")], &[], "no tags"), "no tags\n");
    }

    #[test]
    fn a_record_begins_with_what_people_look_for_and_shows_inner_objects_with_their_path() {
        let text =
            record(&json!({"zeta": true, "kind": "service", "quota": {"calls": null}, "appid": "wx1"}));
        assert_eq!(
            text,
            "appid        wx1\nkind         service\nquota.calls  -\nzeta         yes\n"
        );
    }

    #[test]
    fn sec04_no_control_character_of_a_name_reaches_the_terminal() {
        assert_eq!(safe("a\u{1b}[31m\r\n\u{202e}b"), "a\\u{1b}[31m\\r\\n\\u{202e}b");
        assert_eq!(safe("小明 😀"), "小明 😀");
    }
}
