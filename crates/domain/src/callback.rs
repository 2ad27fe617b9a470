//! When an event that could not be delivered is tried again (spec events §3.2, I19).

use crate::time::Timestamp;

/// The documented tries: at once, 5 s and 10 s after the first.
pub const DOCUMENTED_TRIES: u32 = 3;
const DOCUMENTED_SPACING_SECONDS: i64 = 5;
const LONG_FIRST_SECONDS: i64 = 60;
const LONG_LAST_SECONDS: i64 = 24 * 3_600;
const LONG_TOTAL_SECONDS: i64 = 72 * 3_600;

/// How long delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// The three documented tries and no more.
    Documented,
    /// Then 1 minute, doubling up to 24 hours, until at least 72 hours have passed.
    Long,
}

/// When to try again after `attempts` failed tries, of which the first began at `first_try`; `None` is
/// never. `jitter` 0…255 spreads the later tries by up to a quarter, so that receivers do not see waves.
pub fn next_try(
    retries: Retries,
    first_try: Timestamp,
    attempts: u32,
    now: Timestamp,
    jitter: u8,
) -> Option<Timestamp> {
    if attempts < DOCUMENTED_TRIES {
        return Some(
            first_try
                .plus_seconds(DOCUMENTED_SPACING_SECONDS * i64::from(attempts))
                .max(now),
        );
    }
    if retries == Retries::Documented || now.ms_since(first_try) >= LONG_TOTAL_SECONDS * 1_000 {
        return None;
    }
    let doublings = (attempts - DOCUMENTED_TRIES).min(16);
    let pause_ms = (LONG_FIRST_SECONDS << doublings).min(LONG_LAST_SECONDS) * 1_000;
    Some(now.plus_ms(pause_ms + pause_ms / 4 * i64::from(jitter) / 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l15_the_documented_tries_start_0_5_and_10_seconds_after_the_first() {
        let first = Timestamp(1_000_000);
        assert_eq!(
            next_try(Retries::Documented, first, 1, first, 0),
            Some(first.plus_seconds(5))
        );
        assert_eq!(
            next_try(Retries::Documented, first, 1, first.plus_seconds(5), 0),
            Some(first.plus_seconds(5))
        );
        assert_eq!(
            next_try(Retries::Documented, first, 2, first.plus_seconds(10), 0),
            Some(first.plus_seconds(10))
        );
        assert_eq!(
            next_try(Retries::Documented, first, 3, first.plus_seconds(15), 0),
            None
        );
    }

    #[test]
    fn i19_long_retries_go_on_for_at_least_three_days_and_then_end() {
        for jitter in [0, 255] {
            let first = Timestamp(0);
            let (mut now, mut attempts) = (first, 1);
            while let Some(next) = next_try(Retries::Long, first, attempts, now, jitter) {
                assert!(next >= now && next.ms_since(now) <= 30 * 3_600 * 1_000);
                now = next;
                attempts += 1;
            }
            assert!(now.seconds() >= LONG_TOTAL_SECONDS, "{}", now.seconds());
            assert!(attempts < 40);
        }
    }
}
