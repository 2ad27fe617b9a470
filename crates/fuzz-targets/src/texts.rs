//! Short texts of callers: times, query strings.

use axum::http::Uri;
use domain::time::{Calendar, Day, Timestamp, civil_date, parse_rfc3339};
use server::api::query::{self, Query};
use wire::{follower::ListQuery, token::TokenQuery};

/// The years 1 to 9998: those at the ends of the calendar have neighbours that cannot be written.
const YEARS: std::ops::Range<Timestamp> =
    Timestamp(-62_135_596_800_000 + 86_400_000)..Timestamp(253_370_736_000_000);

/// A time that is read is written and read back the same; a day is one of the calendar.
pub fn time(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let calendar = Calendar::shanghai();
    if let Some(at) = parse_rfc3339(text).filter(|at| YEARS.contains(at)) {
        assert_eq!(
            parse_rfc3339(&calendar.rfc3339(at)).map(|at| at.seconds()),
            Some(at.seconds()),
            "{text}"
        );
        assert!(
            calendar.month_start(at) <= at && at < calendar.next_month(at),
            "{text}"
        );
        let day = calendar.day(at);
        assert!(
            calendar.day_start(day) <= at && at < calendar.next_day(at),
            "{text}"
        );
    }
    assert_eq!(Day::parse(text).is_some(), civil_date(text).is_some(), "{text}");
    if let Some(day) = Day::parse(text) {
        assert_eq!(Day::parse(&day.text()), Some(day), "{text}");
    }
}

/// A query is read or refused with an errcode; a value that is found was given.
pub fn query(data: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/cgi-bin/token?", data].concat()) else {
        return;
    };
    if let Some(token) = query::value(&uri, "access_token") {
        assert!(!token.is_empty() && token.len() <= data.len() * 3);
    }
    for error in [
        Query::<TokenQuery>::of(&uri).err(),
        Query::<ListQuery>::of(&uri).err(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(error.code.code() > 40_000, "{:?}", error.code);
    }
}
