//! Whether a call may go on and a mass send may go out: the quotas Q1–Q8 (spec mass-send §3).
//!
//! This module only decides. The store loads [`Usage`], asks, and writes it back in one transaction (I12,
//! I13). Q7 and Q8 are counted in `call`; Q3, the receipts of each follower, is decided at release (`receipts`).

use crate::{
    account::AccountKind,
    receipts::RECEIPTS_MAX,
    time::{Calendar, Day, Minute, Month, Timestamp, minute},
};

/// Q7: previews by name a day.
pub const NAME_PREVIEWS_PER_DAY: u32 = 100;
/// Q8 of the strict profile: uploads of news, and deletions, a day.
const STRICT_PER_DAY: u32 = 10;

/// What an account may do; `None` lifts a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Q1: accepted API mass sends a day.
    pub sends_per_day: Option<u32>,
    /// Q2: mass-send calls a day.
    pub calls_per_day: Option<u32>,
    /// Q3: mass sends that one follower receives a month, at most [`RECEIPTS_MAX`].
    pub receipts_per_month: Option<u8>,
    /// Q4: sends that enter the history, a day.
    pub history_per_day: Option<u32>,
    /// Q5: sends that enter the history, a month.
    pub history_per_month: Option<u32>,
    /// Q6: mass-send calls in one minute of the clock.
    pub calls_per_minute: Option<u32>,
    /// Q7: previews by name (`towxname`) a day.
    pub name_previews_per_day: Option<u32>,
    /// Q8: uploads of news a day.
    pub news_uploads_per_day: Option<u32>,
    /// Q8: deletions of mass sends a day.
    pub deletes_per_day: Option<u32>,
}

impl Quota {
    /// The document's numbers for `kind`.
    pub fn of(kind: AccountKind) -> Self {
        let none = Self {
            sends_per_day: None,
            calls_per_day: None,
            receipts_per_month: None,
            history_per_day: None,
            history_per_month: None,
            calls_per_minute: Some(60),
            name_previews_per_day: Some(NAME_PREVIEWS_PER_DAY),
            news_uploads_per_day: None,
            deletes_per_day: None,
        };
        match kind {
            AccountKind::Subscription => Self {
                sends_per_day: Some(1),
                history_per_day: Some(1),
                ..none
            },
            AccountKind::Service => Self {
                calls_per_day: Some(100),
                receipts_per_month: Some(4),
                history_per_month: Some(4),
                ..none
            },
        }
    }

    /// The same with the daily numbers of a new account in the frequency table (spec accounts §13): Q8 holds.
    pub fn strict(kind: AccountKind) -> Self {
        Self {
            news_uploads_per_day: Some(STRICT_PER_DAY),
            deletes_per_day: Some(STRICT_PER_DAY),
            ..Self::of(kind)
        }
    }

    /// Whether every number is one that the engine can keep.
    pub fn is_valid(&self) -> bool {
        self.receipts_per_month
            .is_none_or(|receipts| receipts <= RECEIPTS_MAX)
    }
}

/// What an account has used of its quota, in the day, month and minute named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The day that the daily numbers are of.
    pub day: Day,
    /// Accepted API mass sends of the day (Q1).
    pub sends_today: u32,
    /// Mass-send calls of the day (Q2).
    pub calls_today: u32,
    /// Sends of the day that enter the history (Q4).
    pub history_today: u32,
    /// The month that the monthly number is of.
    pub month: Month,
    /// Sends of the month that enter the history (Q5).
    pub history_this_month: u32,
    /// The minute that the last number is of.
    pub minute: Minute,
    /// Calls of the minute (Q6).
    pub calls_this_minute: u32,
    /// The latest time the account has seen; time never goes back behind it (I14).
    pub latest: Timestamp,
}

impl Usage {
    /// Nothing used.
    pub fn none() -> Self {
        Self {
            day: Day(i32::MIN),
            sends_today: 0,
            calls_today: 0,
            history_today: 0,
            month: Month(i32::MIN),
            history_this_month: 0,
            minute: Minute(i64::MIN),
            calls_this_minute: 0,
            latest: Timestamp(i64::MIN),
        }
    }

    /// The same at `now`: numbers of days, months and minutes that are over start again. A clock stepped
    /// back re-opens nothing (I14).
    pub fn at(mut self, now: Timestamp, calendar: &Calendar) -> Self {
        self.latest = self.latest.max(now);
        let (day, month, minute) = (
            calendar.day(self.latest),
            calendar.month(self.latest),
            minute(self.latest),
        );
        if day > self.day {
            (self.day, self.sends_today, self.calls_today, self.history_today) = (day, 0, 0, 0);
        }
        if month > self.month {
            (self.month, self.history_this_month) = (month, 0);
        }
        if minute > self.minute {
            (self.minute, self.calls_this_minute) = (minute, 0);
        }
        self
    }
}

/// A counted call: whether it was still within the day's calls (Q2). The refusal itself comes later, in the
/// order of checks of spec mass-send §8.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTicket {
    /// Whether the day's calls were not yet used up.
    pub within_day: bool,
}

/// Too many calls in this minute (Q6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the minute's calls are used up")]
pub struct MinuteUsedUp;

/// Counts one mass-send call. Calls beyond the day's number are not counted, calls that later fail are.
pub fn count_call(quota: &Quota, usage: &mut Usage) -> Result<CallTicket, MinuteUsedUp> {
    if used_up(quota.calls_per_minute, usage.calls_this_minute) {
        return Err(MinuteUsedUp);
    }
    usage.calls_this_minute += 1;
    let within_day = !used_up(quota.calls_per_day, usage.calls_today);
    if within_day {
        usage.calls_today += 1;
    }
    Ok(CallTicket { within_day })
}

/// Which of the counters one send uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// It came through the API (Q1).
    pub api: bool,
    /// It enters the history list (Q4, Q5): to all, or from the operator's site.
    pub history: bool,
}

/// The account's mass sends of the day or month are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaRefusal {
    /// Q1.
    #[error("the day's mass sends are used up")]
    SendsUsedUp,
    /// Q4.
    #[error("the day's sends that enter the history are used up")]
    HistoryOfDayUsedUp,
    /// Q5.
    #[error("the month's sends that enter the history are used up")]
    HistoryOfMonthUsedUp,
}

/// Decides whether one more send fits, and charges it.
pub fn charge(quota: &Quota, usage: &mut Usage, charge: Charge) -> Result<(), QuotaRefusal> {
    if charge.api && used_up(quota.sends_per_day, usage.sends_today) {
        return Err(QuotaRefusal::SendsUsedUp);
    }
    if charge.history && used_up(quota.history_per_day, usage.history_today) {
        return Err(QuotaRefusal::HistoryOfDayUsedUp);
    }
    if charge.history && used_up(quota.history_per_month, usage.history_this_month) {
        return Err(QuotaRefusal::HistoryOfMonthUsedUp);
    }
    usage.sends_today += u32::from(charge.api);
    usage.history_today += u32::from(charge.history);
    usage.history_this_month += u32::from(charge.history);
    Ok(())
}

/// Gives back what a send charged that ended before any delivery, as far as its day and month still run
/// (I12).
pub fn give_back(usage: &mut Usage, charge: Charge, day: Day, month: Month) {
    if usage.day == day {
        usage.sends_today = usage.sends_today.saturating_sub(u32::from(charge.api));
        usage.history_today = usage.history_today.saturating_sub(u32::from(charge.history));
    }
    if usage.month == month {
        usage.history_this_month = usage.history_this_month.saturating_sub(u32::from(charge.history));
    }
}

pub(crate) fn used_up(quota: Option<u32>, used: u32) -> bool {
    quota.is_some_and(|quota| used >= quota)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339;

    fn at(text: &str) -> Timestamp {
        parse_rfc3339(text).expect("a valid instant")
    }

    const TAG: Charge = Charge {
        api: true,
        history: false,
    };
    const ALL: Charge = Charge {
        api: true,
        history: true,
    };
    const SITE: Charge = Charge {
        api: false,
        history: true,
    };

    #[test]
    fn s004_a_subscription_account_sends_once_a_day() {
        let (quota, calendar) = (Quota::of(AccountKind::Subscription), Calendar::shanghai());
        let mut usage = Usage::none().at(at("2026-11-22T10:00:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, TAG), Ok(()));
        assert_eq!(charge(&quota, &mut usage, TAG), Err(QuotaRefusal::SendsUsedUp));
        let mut usage = usage.at(at("2026-11-23T00:00:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, TAG), Ok(()));
    }

    #[test]
    fn s021_a_site_send_and_a_tag_send_fit_into_one_day_but_not_a_send_to_all() {
        let quota = Quota::of(AccountKind::Subscription);
        let mut usage = Usage::none();
        assert_eq!(charge(&quota, &mut usage, SITE), Ok(()));
        assert_eq!(
            charge(&quota, &mut usage, ALL),
            Err(QuotaRefusal::HistoryOfDayUsedUp)
        );
        assert_eq!(charge(&quota, &mut usage, TAG), Ok(()));
    }

    #[test]
    fn s024_a_service_account_enters_the_history_four_times_a_month() {
        let (quota, calendar) = (Quota::of(AccountKind::Service), Calendar::shanghai());
        let mut usage = Usage::none().at(at("2026-11-30T23:59:59+08:00"), &calendar);
        for send in [ALL, SITE, ALL, SITE] {
            assert_eq!(charge(&quota, &mut usage, send), Ok(()));
        }
        assert_eq!(
            charge(&quota, &mut usage, ALL),
            Err(QuotaRefusal::HistoryOfMonthUsedUp)
        );
        assert_eq!(charge(&quota, &mut usage, TAG), Ok(()));
        let mut usage = usage.at(at("2026-12-01T00:00:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, ALL), Ok(()));
    }

    #[test]
    fn s006_the_hundred_and_first_call_of_a_day_is_marked_and_not_counted() {
        let quota = Quota {
            calls_per_minute: None,
            ..Quota::of(AccountKind::Service)
        };
        let mut usage = Usage::none();
        for _ in 0..100 {
            assert_eq!(
                count_call(&quota, &mut usage),
                Ok(CallTicket { within_day: true })
            );
        }
        assert_eq!(
            count_call(&quota, &mut usage),
            Ok(CallTicket { within_day: false })
        );
        assert_eq!(usage.calls_today, 100);
    }

    #[test]
    fn l06_the_sixty_first_call_of_a_minute_is_refused() {
        let (quota, calendar) = (Quota::of(AccountKind::Service), Calendar::shanghai());
        let mut usage = Usage::none().at(at("2026-11-22T10:00:00+08:00"), &calendar);
        for _ in 0..60 {
            assert!(count_call(&quota, &mut usage).is_ok());
        }
        assert_eq!(count_call(&quota, &mut usage), Err(MinuteUsedUp));
        let mut usage = usage.at(at("2026-11-22T10:01:00+08:00"), &calendar);
        assert!(count_call(&quota, &mut usage).is_ok());
    }

    #[test]
    fn i14_a_clock_stepped_back_reopens_nothing() {
        let (quota, calendar) = (Quota::of(AccountKind::Subscription), Calendar::shanghai());
        let mut usage = Usage::none().at(at("2026-12-01T00:00:05+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, ALL), Ok(()));
        let mut usage = usage.at(at("2026-11-30T23:59:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, ALL), Err(QuotaRefusal::SendsUsedUp));
    }

    #[test]
    fn i12_what_ended_before_delivery_is_given_back_in_its_own_day_and_month() {
        let (quota, calendar) = (Quota::of(AccountKind::Subscription), Calendar::shanghai());
        let mut usage = Usage::none().at(at("2026-11-22T10:00:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, ALL), Ok(()));
        let (day, month) = (usage.day, usage.month);
        give_back(&mut usage, ALL, day, month);
        assert_eq!(charge(&quota, &mut usage, ALL), Ok(()));
        let mut usage = usage.at(at("2026-11-23T10:00:00+08:00"), &calendar);
        assert_eq!(charge(&quota, &mut usage, ALL), Ok(()));
        give_back(&mut usage, ALL, day, month);
        assert_eq!(usage.sends_today, 1, "yesterday's slot is not today's");
    }
}
