//! Instants as values, and the days, months and minutes that quotas speak of.
//!
//! Nothing here asks what time it is: `now` always comes in as an argument.

use jiff::{ToSpan, tz::TimeZone};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970, as the wire shows them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `seconds` since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// `milliseconds` later (earlier where negative); stops at the ends of the range.
    pub fn plus_ms(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// `seconds` later.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_ms(seconds.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this instant.
    pub fn ms_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Year, month and day of a text `YYYY-MM-DD`; `None` when it names no day.
pub fn civil_date(text: &str) -> Option<(i16, i8, i8)> {
    if text.len() != 10 {
        return None;
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    Some((date.year(), date.month(), date.day()))
}

/// A calendar day: days since 1970-01-01 in the deployment's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day that a text such as `2026-11-22` names; exactly ten characters.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 {
            return None;
        }
        text.parse().ok().map(Self::of)
    }

    /// The day as text, `2026-11-22`.
    pub fn text(self) -> String {
        self.date().strftime("%Y-%m-%d").to_string()
    }

    /// So many days later (earlier where negative).
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// 1970 for a day beyond every calendar.
    fn date(self) -> jiff::civil::Date {
        let epoch = jiff::civil::date(1970, 1, 1);
        let span = jiff::Span::new().try_days(self.0);
        span.and_then(|span| epoch.checked_add(span)).unwrap_or(epoch)
    }

    fn of(date: jiff::civil::Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = date.since((jiff::Unit::Day, epoch));
        Self(days.map_or(0, |span| span.get_days()))
    }
}

/// A calendar month (自然月): months since year 0 in the deployment's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(pub i32);

/// A minute of the clock: minutes since 1970 (Q6 counts by fixed minutes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

/// The zone in which days and months are counted.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// Asia/Shanghai, the default of the wire contract (U1).
    pub fn shanghai() -> Self {
        Self {
            zone: TimeZone::fixed(jiff::tz::offset(8)),
        }
    }

    /// The calendar of an IANA zone; `None` for a name that the database does not hold.
    pub fn named(zone: &str) -> Option<Self> {
        if zone == "Asia/Shanghai" {
            return Some(Self::shanghai());
        }
        TimeZone::get(zone).ok().map(|zone| Self { zone })
    }

    /// The day that holds `at`.
    pub fn day(&self, at: Timestamp) -> Day {
        Day::of(self.zoned(at).date())
    }

    /// The hour of its day in which `at` lies, 0 to 23.
    pub fn hour(&self, at: Timestamp) -> u8 {
        self.zoned(at).hour().unsigned_abs()
    }

    /// The first instant of `day`; 1970 for a day beyond every calendar.
    pub fn day_start(&self, day: Day) -> Timestamp {
        day.date()
            .to_zoned(self.zone.clone())
            .map_or(Timestamp(0), |zoned| {
                Timestamp(zoned.timestamp().as_millisecond())
            })
    }

    /// The month that holds `at`.
    pub fn month(&self, at: Timestamp) -> Month {
        let date = self.zoned(at).date();
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// The first instant of the month that holds `at`.
    pub fn month_start(&self, at: Timestamp) -> Timestamp {
        let first = self.zoned(at).date().first_of_month();
        first
            .to_zoned(self.zone.clone())
            .map_or(at, |zoned| Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// The first instant of the next month after `at`.
    pub fn next_month(&self, at: Timestamp) -> Timestamp {
        let next = self.zoned(at).date().first_of_month().checked_add(1.month());
        next.and_then(|date| date.to_zoned(self.zone.clone()))
            .map_or(at, |zoned| Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// The first instant of the next day after `at`.
    pub fn next_day(&self, at: Timestamp) -> Timestamp {
        self.day_start(self.day(at).plus(1)).max(at)
    }

    /// `at` as RFC 3339 with this zone's offset, for people and for the sandbox's clock.
    pub fn rfc3339(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// `at` as a date, `2026-11-22`.
    pub fn date(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%d").to_string()
    }

    fn zoned(&self, at: Timestamp) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(at.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }
}

/// The minute of the clock that holds `at`.
pub fn minute(at: Timestamp) -> Minute {
    Minute(at.seconds().div_euclid(60))
}

/// The instant that an RFC 3339 text names.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.trim()
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|instant| Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_rfc3339(text).expect("a valid instant")
    }

    #[test]
    fn days_and_months_turn_at_midnight_in_shanghai() {
        let calendar = Calendar::shanghai();
        let before = at("2026-11-30T15:59:59Z");
        let after = at("2026-11-30T16:00:00Z");
        assert_eq!(calendar.day(before).0 + 1, calendar.day(after).0);
        assert_eq!(calendar.month(before).0 + 1, calendar.month(after).0);
        assert_eq!(calendar.next_month(before), after);
        assert_eq!(calendar.next_day(before), after);
        assert_eq!(calendar.next_day(after), at("2026-12-01T16:00:00Z"));
        assert_eq!(calendar.month_start(after), after);
        assert_eq!(calendar.rfc3339(after), "2026-12-01T00:00:00+08:00");
    }

    #[test]
    fn a_day_is_written_and_read_and_begins_at_its_midnight() {
        let calendar = Calendar::shanghai();
        let day = Day::parse("2028-02-29").expect("a day");
        assert_eq!(
            (day.text().as_str(), day.plus(1).text().as_str()),
            ("2028-02-29", "2028-03-01")
        );
        let midnight = at("2028-02-29T00:00:00+08:00");
        assert_eq!((calendar.day_start(day), calendar.day(midnight)), (midnight, day));
        assert_eq!(calendar.hour(at("2028-02-29T14:59:59+08:00")), 14);
        for bad in [
            "",
            "2026-02-30",
            "2026-2-3",
            "20260203",
            "2026/02/03",
            " 2026-02-03",
            "2026-02-03T00",
            "-009999-01",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_leap_day_is_a_day() {
        let calendar = Calendar::shanghai();
        let days = [
            "2028-02-28T12:00:00+08:00",
            "2028-02-29T12:00:00+08:00",
            "2028-03-01T12:00:00+08:00",
        ];
        let days: Vec<i32> = days.iter().map(|text| calendar.day(at(text)).0).collect();
        assert_eq!(days, [days[0], days[0] + 1, days[0] + 2]);
    }

    #[test]
    fn instants_beyond_every_calendar_do_not_panic() {
        let calendar = Calendar::shanghai();
        for extreme in [i64::MIN, i64::MAX, 0, -1] {
            calendar.day(Timestamp(extreme));
            calendar.hour(Timestamp(extreme));
            let _ = (
                Day(i32::MIN).text(),
                Day(i32::MAX).text(),
                calendar.day_start(Day(i32::MAX)),
            );
            calendar.month(Timestamp(extreme));
            calendar.next_month(Timestamp(extreme));
            calendar.rfc3339(Timestamp(extreme));
        }
    }
}
