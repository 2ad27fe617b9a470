//! Follower files, read row by row: CSV with a header, or one JSON object on each line.
//!
//! Memory stays bounded by [`RECORD_MAX`], whatever a file holds. A faulty row has a fault with the number of
//! the line on which it starts; reading goes on behind it.

use std::io::{self, BufRead, BufReader, Read};

use domain::{
    follower::{self, NewFollower},
    time::{Timestamp, parse_rfc3339},
};
use serde::Deserialize;

/// Bytes of one row, at most.
pub const RECORD_MAX: usize = 1 << 20;

/// A row, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it starts, from 1.
    pub line: u64,
    /// The follower, checked; or the reason, for people.
    pub follower: Result<NewFollower, String>,
}

/// Why a file cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// Its first line does not name the columns; nothing was read.
    #[error("{0}")]
    Header(String),
    /// A row is larger than [`RECORD_MAX`]; in CSV often a quote that is never closed.
    #[error("a row has more than 1 MiB; is there a quote that is never closed?")]
    RowTooLarge {
        /// Where it starts.
        line: u64,
    },
    /// The upload broke off.
    #[error("the upload broke off")]
    Broken(#[from] io::Error),
}

/// Reads the rows of a file of either form; a `{` as its first sign means JSON.
pub fn read(source: impl Read, on_row: &mut dyn FnMut(Row) -> bool) -> Result<(), FileFault> {
    let mut source = BufReader::with_capacity(64 << 10, source);
    if source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    let first = source
        .fill_buf()?
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace());
    if first == Some(b'{') {
        read_json(source, on_row)
    } else {
        read_csv(source, on_row)
    }
}

/// A row as JSON; also the body of a single subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonRow {
    external_id: String,
    nickname: Option<String>,
    remark: Option<String>,
    language: Option<String>,
    tags: Option<JsonTags>,
    subscribe_time: Option<JsonTime>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum JsonTags {
    List(Vec<String>),
    Text(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum JsonTime {
    Seconds(i64),
    Text(String),
}

impl JsonRow {
    /// The follower, not yet checked.
    pub fn into_follower(self) -> Result<NewFollower, String> {
        let tags = match self.tags {
            None => Vec::new(),
            Some(JsonTags::List(names)) => names,
            Some(JsonTags::Text(text)) => tag_names(&text),
        };
        let subscribed_at = match self.subscribe_time {
            None => None,
            Some(JsonTime::Seconds(seconds)) => Some(checked_seconds(seconds)?),
            Some(JsonTime::Text(text)) => Some(time(&text)?),
        };
        let JsonRow {
            external_id,
            nickname,
            remark,
            language,
            ..
        } = self;
        Ok(NewFollower {
            external_id,
            nickname,
            remark,
            language,
            tags,
            subscribed_at,
        })
    }
}

fn read_json(mut source: impl BufRead, on_row: &mut dyn FnMut(Row) -> bool) -> Result<(), FileFault> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let limit = RECORD_MAX as u64 + 1;
        if (&mut source).take(limit).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() > RECORD_MAX {
            return Err(FileFault::RowTooLarge { line });
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let row = serde_json::from_slice::<JsonRow>(&bytes).map_err(|error| error.to_string());
        let follower = row.and_then(JsonRow::into_follower).and_then(checked);
        if !on_row(Row { line, follower }) {
            break;
        }
    }
    Ok(())
}

fn read_csv(source: impl Read, on_row: &mut dyn FnMut(Row) -> bool) -> Result<(), FileFault> {
    let lines = Lines {
        source,
        since_row: 0,
        last: b'\n',
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(lines);
    let mut record = csv::ByteRecord::new();
    let mut columns: Option<Vec<Column>> = None;
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(fault(error, line)),
        }
        reader.get_mut().since_row = 0;
        let Some(columns) = &columns else {
            columns = Some(header(&record)?);
            continue;
        };
        // Behind its last line, less its own lines: rows that quote line breaks have several. A quote that is never
        // closed takes the end of the file in too, so that no line is behind it.
        let breaks = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = reader.position().line().saturating_sub(1 + breaks).max(line);
        if !on_row(Row {
            line,
            follower: from_record(columns, &record).and_then(checked),
        }) {
            return Ok(());
        }
    }
    columns
        .map(|_| ())
        .ok_or_else(|| FileFault::Header("the file is empty".to_owned()))
}

fn fault(error: csv::Error, line: u64) -> FileFault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            FileFault::RowTooLarge { line }
        }
        csv::ErrorKind::Io(error) => FileFault::Broken(error),
        other => FileFault::Broken(io::Error::other(format!("{other:?}"))),
    }
}

/// Gives every line the same end, so that lines can be counted, and stops a reader that has taken in
/// [`RECORD_MAX`] without a row coming out.
struct Lines<R> {
    source: R,
    since_row: usize,
    last: u8,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > RECORD_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        loop {
            let count = self.source.read(buffer)?;
            if count == 0 {
                return Ok(self.end_last_line(buffer));
            }
            let mut kept = 0;
            for from in 0..count {
                let Some(byte) = buffer.get(from).copied() else {
                    break;
                };
                let second_half = byte == b'\n' && self.last == b'\r';
                self.last = byte;
                if second_half {
                    continue;
                }
                if let Some(place) = buffer.get_mut(kept) {
                    *place = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            if kept > 0 {
                self.since_row += kept;
                return Ok(kept);
            }
        }
    }
}

impl<R> Lines<R> {
    fn end_last_line(&mut self, buffer: &mut [u8]) -> usize {
        let ended = matches!(self.last, b'\n' | b'\r');
        let Some(place) = buffer.first_mut().filter(|_| !ended) else {
            return 0;
        };
        *place = b'\n';
        self.last = b'\n';
        1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    ExternalId,
    Nickname,
    Remark,
    Language,
    Tags,
    SubscribeTime,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "external_id" => Column::ExternalId,
            "nickname" => Column::Nickname,
            "remark" => Column::Remark,
            "language" => Column::Language,
            "tags" => Column::Tags,
            "subscribe_time" => Column::SubscribeTime,
            _ => return None,
        })
    }
}

fn header(record: &csv::ByteRecord) -> Result<Vec<Column>, FileFault> {
    let mut columns = Vec::new();
    for name in record {
        let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
        let column = Column::named(&name);
        let column = column.ok_or_else(|| FileFault::Header(format!("there is no column {name:?}")))?;
        if columns.contains(&column) {
            return Err(FileFault::Header(format!("the column {name:?} is named twice")));
        }
        columns.push(column);
    }
    if !columns.contains(&Column::ExternalId) {
        return Err(FileFault::Header(
            "the first line must name the columns, external_id among them".to_owned(),
        ));
    }
    Ok(columns)
}

/// Empty cells leave what is known; a row may be shorter than the header, but not longer.
fn from_record(columns: &[Column], record: &csv::ByteRecord) -> Result<NewFollower, String> {
    if record.len() > columns.len() {
        return Err(format!(
            "{} columns, but the header names {}",
            record.len(),
            columns.len()
        ));
    }
    let mut follower = NewFollower::default();
    for (column, cell) in columns.iter().zip(record) {
        let cell = std::str::from_utf8(cell).map_err(|_| "not UTF-8".to_owned())?;
        if cell.is_empty() {
            continue;
        }
        match column {
            Column::ExternalId => follower.external_id = cell.to_owned(),
            Column::Nickname => follower.nickname = Some(cell.to_owned()),
            Column::Remark => follower.remark = Some(cell.to_owned()),
            Column::Language => follower.language = Some(cell.to_owned()),
            Column::Tags => follower.tags = tag_names(cell),
            Column::SubscribeTime if cell.trim().is_empty() => {}
            Column::SubscribeTime => follower.subscribed_at = Some(time(cell)?),
        }
    }
    Ok(follower)
}

fn checked(follower: NewFollower) -> Result<NewFollower, String> {
    follower::check(&follower)
        .map(|()| follower)
        .map_err(|refusal| refusal.to_string())
}

fn tag_names(text: &str) -> Vec<String> {
    text.split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Unix seconds or RFC 3339.
fn time(text: &str) -> Result<Timestamp, String> {
    match text.trim().parse::<i64>() {
        Ok(seconds) => checked_seconds(seconds),
        Err(_) => parse_rfc3339(text).map_or_else(|| checked_seconds(-1), |at| checked_seconds(at.seconds())),
    }
}

/// Clients read the time into 32 bits (clients.md §5).
fn checked_seconds(seconds: i64) -> Result<Timestamp, String> {
    if !(0..1 << 31).contains(&seconds) {
        return Err("subscribe_time must be Unix seconds or RFC 3339, from 1970 to 2038".to_owned());
    }
    Ok(Timestamp::from_seconds(seconds))
}

#[cfg(test)]
mod tests;
