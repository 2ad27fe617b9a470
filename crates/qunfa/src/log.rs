//! The log of the process: lines for people or JSON, on standard error, and nothing in them that could be taken for
//! another line or a command to the terminal (SEC4).

use std::{
    fmt,
    io::{self, IsTerminal},
    panic,
};

use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt,
    fmt::format::{Writer, debug_fn},
};

use crate::settings::{LogArea, LogFormat};

/// Starts the log; colours only on a terminal. Panics become lines of it.
pub fn start(log: &LogArea) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(log.level.filter()))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => subscriber.fmt_fields(debug_fn(field).delimited(" ")).init(),
        LogFormat::Json => subscriber.json().init(),
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, cause = panic.payload_as_str(), "a panic");
    }));
}

/// One field of a line. Texts come quoted; what has a form of its own may hold anything.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = escaped(&format!("{value:?}"));
    match field.name() {
        "message" => writer.write_str(&text),
        name => write!(writer, "{name}={text}"),
    }
}

/// The same with every control character (CR, LF, ESC and the like) written out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            true => out.extend(letter.escape_default()),
            false => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec04_no_value_breaks_its_line_or_speaks_to_the_terminal() {
        assert_eq!(escaped("植物园 a\"b"), "植物园 a\"b");
        assert_eq!(
            escaped("a\r\nINFO forged\u{1b}[2J\u{9b}\0\u{2028}"),
            "a\\r\\nINFO forged\\u{1b}[2J\\u{9b}\\u{0}\\u{2028}"
        );
    }
}
