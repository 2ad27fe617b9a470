//! Calls that are counted on their own: Q7, Q8, and how often a quota may be cleared (spec mass-send §3,
//! accounts §1.3).
//!
//! This module only says which calls these are and how many are allowed; the store counts, in one transaction
//! with the account's day and month. The calls of Q2 and Q6 are in `quota`.

use crate::quota::{Quota, used_up};

/// A call that is counted by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountedCall {
    /// A preview by name (Q7); previews by OpenID are not counted.
    NamePreview,
    /// An upload of news (Q8).
    NewsUpload,
    /// A deletion of a mass send (Q8).
    Delete,
}

impl CountedCall {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NamePreview, Self::NewsUpload, Self::Delete];

    /// The name it is counted under.
    pub fn word(self) -> &'static str {
        match self {
            CountedCall::NamePreview => "name_preview",
            CountedCall::NewsUpload => "news_upload",
            CountedCall::Delete => "delete",
        }
    }

    /// How many the account may make a day; `None` is without limit.
    pub fn limit(self, quota: &Quota) -> Option<u32> {
        match self {
            CountedCall::NamePreview => quota.name_previews_per_day,
            CountedCall::NewsUpload => quota.news_uploads_per_day,
            CountedCall::Delete => quota.deletes_per_day,
        }
    }
}

/// How many calls of each kind an account has made today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Previews by name (Q7).
    pub name_previews: u32,
    /// Uploads of news (Q8).
    pub news_uploads: u32,
    /// Deletions (Q8).
    pub deletes: u32,
}

impl CallCounts {
    /// How many of one kind.
    pub fn of(&self, call: CountedCall) -> u32 {
        match call {
            CountedCall::NamePreview => self.name_previews,
            CountedCall::NewsUpload => self.news_uploads,
            CountedCall::Delete => self.deletes,
        }
    }
}

/// The day's calls of this kind are used up (45009).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the day's calls are used up")]
pub struct CallsUsedUp;

/// Counts one more call; one beyond the limit is refused and not counted.
pub fn count(limit: Option<u32>, used: &mut u32) -> Result<(), CallsUsedUp> {
    if used_up(limit, *used) {
        return Err(CallsUsedUp);
    }
    *used = used.saturating_add(1);
    Ok(())
}

/// What a clearing of the quota clears. Q1, Q3, Q4 and Q5 are never cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clearing {
    /// Q2, Q7 and Q8: `clear_quota` and its second version.
    All,
    /// Q2: the calls that send.
    Sends,
    /// One of the counted calls.
    Call(CountedCall),
    /// A call that is not counted: nothing is cleared.
    Nothing,
}

impl Clearing {
    /// The name its uses are counted under; the clearings of single calls share one number.
    pub fn word(self) -> &'static str {
        match self {
            Clearing::All => "clear_all",
            Clearing::Sends | Clearing::Call(_) | Clearing::Nothing => "clear_one",
        }
    }

    /// Uses a calendar month (spec accounts §1.3).
    pub fn per_month(self) -> u32 {
        match self {
            Clearing::All => 10,
            Clearing::Sends | Clearing::Call(_) | Clearing::Nothing => 50,
        }
    }

    /// Whether it starts the count of `call` anew.
    pub fn clears(self, call: CountedCall) -> bool {
        match self {
            Clearing::All => true,
            Clearing::Call(cleared) => cleared == call,
            Clearing::Sends | Clearing::Nothing => false,
        }
    }

    /// Whether it starts the count of mass-send calls anew (Q2).
    pub fn clears_sends(self) -> bool {
        matches!(self, Clearing::All | Clearing::Sends)
    }
}

/// The month's clearings are used up (48006).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the month's clearings are used up")]
pub struct ClearingsUsedUp;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountKind;

    #[test]
    fn s110_the_hundred_and_first_call_is_refused_and_not_counted() {
        let quota = Quota::of(AccountKind::Subscription);
        let limit = CountedCall::NamePreview.limit(&quota);
        let mut used = 0;
        for _ in 0..100 {
            assert_eq!(count(limit, &mut used), Ok(()));
        }
        assert_eq!(count(limit, &mut used), Err(CallsUsedUp));
        assert_eq!(used, 100);
    }

    #[test]
    fn q8_holds_in_the_strict_profile_only() {
        for (quota, expected) in [
            (Quota::of(AccountKind::Service), None),
            (Quota::strict(AccountKind::Service), Some(10)),
        ] {
            assert_eq!(CountedCall::NewsUpload.limit(&quota), expected);
            assert_eq!(CountedCall::Delete.limit(&quota), expected);
        }
    }

    #[test]
    fn a_clearing_clears_what_it_names() {
        let cleared = |clearing: Clearing| {
            let calls = CountedCall::ALL.map(|call| clearing.clears(call));
            (clearing.clears_sends(), calls)
        };
        assert_eq!(cleared(Clearing::All), (true, [true; 3]));
        assert_eq!(cleared(Clearing::Sends), (true, [false; 3]));
        assert_eq!(
            cleared(Clearing::Call(CountedCall::NewsUpload)),
            (false, [false, true, false])
        );
        assert_eq!(cleared(Clearing::Nothing), (false, [false; 3]));
    }
}
