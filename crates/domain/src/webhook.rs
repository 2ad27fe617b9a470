//! The webhook channel: batches of released entries on their way to an organisation's own push bridge.
//!
//! One batch after the other for each account. A batch that the bridge does not take is tried again at growing
//! distances; in the end it is set aside as a dead letter, so that what comes behind it goes on.

use crate::time::Timestamp;

/// Followers that one batch names, at most.
pub const FOLLOWERS_MAX: usize = 1_000;
/// The first pause after a failed try; it doubles up to the longest.
const PAUSE_MS: i64 = 5_000;
const PAUSE_MS_MAX: i64 = 3_600 * 1_000;
/// A bridge that has been failing for so long gets one try for what is left of each block.
const PATIENCE_MS: i64 = 24 * 3_600 * 1_000;
/// Tries of a batch that the bridge answers and refuses.
const REFUSED_TRIES: u32 = 5;

/// How a bridge did not take a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answered that it will never take this one: 4xx but 408, 425 and 429.
    Refused,
    /// It did not answer, or not for now.
    Unavailable,
}

/// How a bridge has been doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Failed tries of the batch that is next.
    pub attempts: u32,
    /// Since when nothing was taken; `None` while all is well.
    pub failing_since: Option<Timestamp>,
    /// What was set aside since something was taken.
    pub set_aside: u32,
}

/// What becomes of a batch after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again then.
    TryAgain(Timestamp),
    /// It becomes a dead letter alone.
    SetAside,
    /// It becomes a dead letter with all of the same mass in its block that would come behind it.
    SetAsideRest,
}

/// Decides after a failed try, which `trouble` counts already. `asked` is what the bridge asked for (`Retry-After`,
/// milliseconds); `jitter` spreads tries by up to a quarter.
pub fn after_failure(trouble: Trouble, fault: Fault, asked: Option<i64>, now: Timestamp, jitter: u8) -> Next {
    let failing_ms = trouble.failing_since.map_or(0, |since| now.ms_since(since));
    if failing_ms >= PATIENCE_MS {
        return Next::SetAsideRest;
    }
    if fault == Fault::Refused && trouble.attempts >= REFUSED_TRIES {
        return if trouble.set_aside == 0 {
            Next::SetAside
        } else {
            Next::SetAsideRest
        };
    }
    let doublings = trouble.attempts.saturating_sub(1).min(16);
    let pause = (PAUSE_MS << doublings).min(PAUSE_MS_MAX);
    let pause = pause.max(asked.unwrap_or(0).clamp(0, PAUSE_MS_MAX));
    Next::TryAgain(now.plus_ms(pause + pause / 4 * i64::from(jitter) / 255))
}

/// What an HTTP status says about the batch; `None` means that it was taken.
pub fn fault_of(status: u16) -> Option<Fault> {
    match status {
        200..=299 => None,
        408 | 425 | 429 => Some(Fault::Unavailable),
        400..=499 => Some(Fault::Refused),
        _ => Some(Fault::Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_bridge_is_tried_for_a_day_and_then_once_for_each_block() {
        let start = Timestamp(0);
        let (mut now, mut tries) = (start, 0);
        loop {
            tries += 1;
            let trouble = Trouble {
                attempts: tries,
                failing_since: Some(start),
                set_aside: 0,
            };
            match after_failure(trouble, Fault::Unavailable, None, now, 0) {
                Next::TryAgain(at) => now = at,
                end => {
                    assert_eq!(end, Next::SetAsideRest);
                    break;
                }
            }
        }
        assert!(now.ms_since(start) >= PATIENCE_MS && tries < 50, "{tries}");
        let next = Trouble {
            attempts: 1,
            failing_since: Some(start),
            set_aside: 1,
        };
        assert_eq!(
            after_failure(next, Fault::Unavailable, None, now, 0),
            Next::SetAsideRest
        );
    }

    #[test]
    fn one_refused_batch_goes_alone_and_a_second_one_takes_the_rest_along() {
        let refused = |attempts, set_aside| {
            let trouble = Trouble {
                attempts,
                failing_since: Some(Timestamp(0)),
                set_aside,
            };
            after_failure(trouble, Fault::Refused, None, Timestamp(60_000), 0)
        };
        assert_eq!(refused(1, 0), Next::TryAgain(Timestamp(65_000)));
        assert_eq!(refused(4, 0), Next::TryAgain(Timestamp(100_000)));
        assert_eq!(
            (refused(5, 0), refused(5, 1)),
            (Next::SetAside, Next::SetAsideRest)
        );
    }

    #[test]
    fn a_status_says_whether_the_batch_was_taken_refused_or_came_at_a_bad_time() {
        assert_eq!((fault_of(200), fault_of(204)), (None, None));
        for status in [301, 408, 425, 429, 500, 503, 599] {
            assert_eq!(fault_of(status), Some(Fault::Unavailable), "{status}");
        }
        for status in [400, 401, 404, 410, 413, 422] {
            assert_eq!(fault_of(status), Some(Fault::Refused), "{status}");
        }
    }
}
