//! How long it is remembered who got a mass send (design: whole masses, never of this or last month).

use crate::time::{Calendar, Timestamp};

/// This month and the one before it are always kept: their deliveries are what the month's quota is counted from.
pub const MONTHS_MIN: u32 = 2;

/// Masses that ended before this instant may be forgotten, where `months` are kept: this one and those before it.
pub fn forget_before(calendar: &Calendar, months: u32, now: Timestamp) -> Timestamp {
    let mut first = calendar.month_start(now);
    for _ in 1..months.max(MONTHS_MIN) {
        first = calendar.month_start(first.plus_ms(-1));
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339;

    #[test]
    fn this_and_last_month_are_kept_whatever_is_asked_for() {
        let at = |text| parse_rfc3339(text).expect("an instant");
        let now = at("2026-11-22T10:00:00+08:00");
        let before = |months| forget_before(&Calendar::shanghai(), months, now);
        for months in [0, 1, 2] {
            assert_eq!(before(months), at("2026-10-01T00:00:00+08:00"));
        }
        assert_eq!(before(3), at("2026-09-01T00:00:00+08:00"));
        assert_eq!(before(13), at("2025-11-01T00:00:00+08:00"));
    }
}
