//! Days and months in Shanghai, eight hours ahead for ever, by arithmetic.

use domain::time::Timestamp;

const HOURS_AHEAD: i64 = 8;
const DAY_MS: i64 = 86_400_000;

/// Days since 1970 in Shanghai.
pub fn day(at: Timestamp) -> i64 {
    (at.0 + HOURS_AHEAD * 3_600_000).div_euclid(DAY_MS)
}

/// Year and month, counted from year 0.
pub fn month(at: Timestamp) -> i64 {
    let mut days = day(at);
    let mut year = 1970;
    while days >= length_of(year) {
        days -= length_of(year);
        year += 1;
    }
    let mut month = 0;
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    year * 12 + month
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn length_of(year: i64) -> i64 {
    365 + i64::from(is_leap(year))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        1 => 28 + i64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The minute of the clock.
pub fn minute(at: Timestamp) -> i64 {
    at.0.div_euclid(60_000)
}

/// The first instant of the next day.
pub fn next_midnight(at: Timestamp) -> Timestamp {
    Timestamp((day(at) + 1) * DAY_MS - HOURS_AHEAD * 3_600_000)
}

/// The first instant of the next month.
pub fn next_month(at: Timestamp) -> Timestamp {
    let mut next = next_midnight(at);
    while month(next) == month(at) {
        next = next_midnight(next);
    }
    next
}
