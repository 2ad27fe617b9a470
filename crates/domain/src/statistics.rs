//! Article statistics (图文分析): which days may be asked for, and how reads are added up (spec accounts §11).
//!
//! Times are counters. The store keeps people as bitmaps of ordinals, so that somebody who reads twice, or two
//! articles, is one person in every sum. Readers who do not say who they are count as times only.

use crate::{
    id::{NewsId, Ordinal},
    time::{Calendar, Day, Timestamp},
};

/// The hour of a day at which the figures of the day before are ready (spec accounts §11).
pub const READY_HOUR: u8 = 8;

/// Where a reader came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadSource {
    /// The reader's inbox: an inbox token said so.
    Session,
    /// Nobody knows.
    Other,
}

impl ReadSource {
    /// `user_source` of the original.
    pub fn number(self) -> i64 {
        match self {
            ReadSource::Session => 0,
            ReadSource::Other => 5,
        }
    }

    /// The source with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        [ReadSource::Session, ReadSource::Other]
            .into_iter()
            .find(|source| source.number() == number)
    }
}

/// One article of a sent news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArticleNo {
    /// `msg_data_id`.
    pub news: NewsId,
    /// Its position, from 1.
    pub index: u8,
}

/// One load of an article's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// What was read.
    pub article: ArticleNo,
    /// Who read it, if the reader said so.
    pub reader: Option<Ordinal>,
    /// Whether the page was loaded, or a load that was counted before is only given its reader.
    pub loaded: bool,
}

impl Read {
    /// Where it came from.
    pub fn source(&self) -> ReadSource {
        match self.reader {
            Some(_) => ReadSource::Session,
            None => ReadSource::Other,
        }
    }
}

/// How much of a read is kept: the reader's privacy against the account's curiosity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadCounting {
    /// How often, and for readers who come from their inbox who it was, so that people are counted once.
    #[default]
    People,
    /// How often, and nobody's name.
    Numbers,
    /// Nothing.
    Nothing,
}

impl ReadCounting {
    /// What is kept of a read. A note that only adds the reader's name to a load counted before is nothing
    /// where no names are kept.
    pub fn kept(self, read: Read) -> Option<Read> {
        match self {
            ReadCounting::People => Some(read),
            ReadCounting::Numbers => read.loaded.then_some(Read { reader: None, ..read }),
            ReadCounting::Nothing => None,
        }
    }
}

/// How often and by how many people something was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Loads of the page from inboxes.
    pub session: u64,
    /// Loads from elsewhere.
    pub other: u64,
    /// Distinct people who said who they are; they all came from their inboxes.
    pub people: u64,
}

impl Reads {
    /// Adds loads of a page.
    pub fn add_times(&mut self, source: ReadSource, times: u64) {
        match source {
            ReadSource::Session => self.session += times,
            ReadSource::Other => self.other += times,
        }
    }

    /// Adds reads by other people.
    pub fn add(&mut self, other: Reads) {
        self.session += other.session;
        self.other += other.other;
        self.people += other.people;
    }

    /// Loads of the page.
    pub fn times(&self) -> u64 {
        self.session + self.other
    }
}

/// Days from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: Day,
    /// The last; not before the first.
    pub last: Day,
}

impl Days {
    /// One day.
    pub fn one(day: Day) -> Self {
        Self {
            first: day,
            last: day,
        }
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = Day> {
        (self.first.0..=self.last.0).map(Day)
    }
}

/// Why days cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanRefusal {
    /// Not written as `2026-11-22` (61500).
    #[error("a date is not written as YYYY-MM-DD")]
    Format,
    /// Reversed, too long, or not over yet (61501).
    #[error("the range of dates is reversed, too long, or not over yet")]
    Range,
    /// Yesterday, before [`READY_HOUR`] (61503).
    #[error("the figures are not ready yet")]
    NotReady,
}

/// The days between two dates, at most `days_max` of them and all over by `now`.
pub fn check_span(
    first: &str,
    last: &str,
    days_max: i32,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Days, SpanRefusal> {
    let first = Day::parse(first).ok_or(SpanRefusal::Format)?;
    let last = Day::parse(last).ok_or(SpanRefusal::Format)?;
    let today = calendar.day(now);
    let length = i64::from(last.0) - i64::from(first.0) + 1;
    if !(1..=i64::from(days_max)).contains(&length) || last >= today {
        return Err(SpanRefusal::Range);
    }
    if last.plus(1) == today && calendar.hour(now) < READY_HOUR {
        return Err(SpanRefusal::NotReady);
    }
    Ok(Days { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339;

    fn check(now: &str, first: &str, last: &str, days_max: i32, expected: Result<i32, SpanRefusal>) {
        let now = parse_rfc3339(now).expect("an instant");
        let days = check_span(first, last, days_max, now, &Calendar::shanghai());
        assert_eq!(
            days.map(|days| days.last.0 - days.first.0 + 1),
            expected,
            "{now:?} {first} {last}"
        );
    }

    #[test]
    fn what_is_kept_of_a_read_is_what_the_setting_says() {
        let read = |reader: Option<u32>, loaded| Read {
            article: ArticleNo {
                news: NewsId(7),
                index: 1,
            },
            reader: reader.map(Ordinal),
            loaded,
        };
        let check = |given: Read, numbers: Option<Read>| {
            assert_eq!(ReadCounting::People.kept(given), Some(given));
            assert_eq!(ReadCounting::Numbers.kept(given), numbers);
            assert_eq!(ReadCounting::Nothing.kept(given), None);
        };
        check(read(Some(3), true), Some(read(None, true)));
        check(read(None, true), Some(read(None, true)));
        check(read(Some(3), false), None);
    }

    #[test]
    fn days_must_be_over_in_order_and_not_too_many() {
        use SpanRefusal::{Format, NotReady, Range};
        let now = "2026-11-22T08:00:00+08:00";
        check(now, "2026-11-21", "2026-11-21", 1, Ok(1));
        check(now, "2026-11-20", "2026-11-21", 1, Err(Range));
        check(now, "2026-11-15", "2026-11-21", 7, Ok(7));
        check(now, "2026-11-14", "2026-11-21", 7, Err(Range));
        check(now, "2026-11-21", "2026-11-20", 7, Err(Range));
        check(now, "2026-11-22", "2026-11-22", 7, Err(Range));
        check(now, "2026-11-31", "2026-11-31", 7, Err(Format));
        check(now, "20261121", "2026-11-21", 7, Err(Format));
        check(now, "0001-01-01", "9999-12-31", 7, Err(Range));
        let early = "2026-11-22T07:59:59+08:00";
        check(early, "2026-11-21", "2026-11-21", 1, Err(NotReady));
        check(early, "2026-11-20", "2026-11-20", 1, Ok(1));
    }
}
