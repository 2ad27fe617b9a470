//! What is said differently to a server.

use std::fmt::Write;

/// A statement for PostgreSQL: parameters are numbered with `$`, and a list that came as JSON is unfolded its way.
pub(crate) fn to_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut chars = sql.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '?' {
            out.push(char);
            continue;
        }
        let mut number = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        if number.is_empty() {
            count += 1;
            // Writing to a string does not fail.
            let _ = write!(out, "${count}");
        } else {
            out.push('$');
            out.push_str(&number);
        }
    }
    unfold_lists(&out)
}

/// `json_each($1)` is a function of one of them; its values are read as text and cast by the statement.
fn unfold_lists(sql: &str) -> String {
    let mut parts = sql.split("json_each(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (list, rest) = part.split_once(')').unwrap_or((part, ""));
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "json_array_elements_text(CAST({list} AS json)) AS list (value){rest}"
        );
    }
    out
}

/// A migration for PostgreSQL: the same tables with its types. Lines that begin with `-- postgres:` are for it alone.
pub(crate) fn schema_to_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for line in sql.lines() {
        if let Some(own) = line.strip_prefix("-- postgres:") {
            out.push_str(own);
        } else {
            let code = line.split("--").next().unwrap_or_default();
            out.push_str(&words_to_postgres(code));
        }
        out.push('\n');
    }
    out.replace(") WITHOUT ROWID;", ");")
}

fn words_to_postgres(line: &str) -> String {
    line.split_inclusive(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .map(|part| {
            let word = part.trim_end_matches(|char: char| !char.is_ascii_alphanumeric() && char != '_');
            let rest = &part[word.len()..];
            match word {
                "INTEGER" => format!("BIGINT{rest}"),
                "BLOB" => format!("BYTEA{rest}"),
                _ => part.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_numbers_or_get_the_next() {
        assert_eq!(
            to_postgres("SELECT a FROM t WHERE b = ? AND c = ?"),
            "SELECT a FROM t WHERE b = $1 AND c = $2"
        );
        assert_eq!(
            to_postgres("UPDATE t SET a = ?2 WHERE b = ?1"),
            "UPDATE t SET a = $2 WHERE b = $1"
        );
    }

    #[test]
    fn tables_keep_their_columns_and_change_their_types() {
        let sql = "CREATE TABLE t (\n    id INTEGER PRIMARY KEY,  -- a number\n    bits BLOB NOT NULL\n) WITHOUT ROWID;\n\
                   -- postgres: ALTER TABLE t ALTER COLUMN bits SET STORAGE EXTERNAL;\n";
        let ours = schema_to_postgres(sql);
        assert!(ours.contains("id BIGINT PRIMARY KEY,") && ours.contains("bits BYTEA NOT NULL\n);"));
        assert!(ours.contains("\n ALTER TABLE t ALTER COLUMN bits SET STORAGE EXTERNAL;"));
        assert!(!ours.contains("a number") && !ours.contains("ROWID"));
    }
}
