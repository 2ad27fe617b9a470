//! Push services that do not answer are left alone for a while: one that is out of reach must not hold up the browsers
//! of all others.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{push::next_try, time::Timestamp};

/// Failures in a row after which a host is left alone.
const FAILURES: u32 = 8;
/// Hosts that are remembered; readers name them, so there may be many.
const HOSTS: usize = 4_096;

/// How hosts do, as this worker saw it.
#[derive(Default)]
pub(super) struct Hosts(Mutex<HashMap<String, Standing>>);

#[derive(Clone, Copy, Default)]
struct Standing {
    failures: u32,
    until: Option<Timestamp>,
}

impl Hosts {
    /// Until when a host is left alone; `None` when it may be asked.
    pub(super) fn closed(&self, host: &str, now: Timestamp) -> Option<Timestamp> {
        let until = self.hosts().get(host)?.until?;
        (until > now).then_some(until)
    }

    /// Notes that a host answered.
    pub(super) fn answered(&self, host: &str) {
        self.hosts().remove(host);
    }

    /// Notes that a host did not answer, or that it could not.
    pub(super) fn failed(&self, host: &str, now: Timestamp, jitter: u8) {
        let mut hosts = self.hosts();
        if hosts.len() >= HOSTS && !hosts.contains_key(host) {
            hosts.clear();
        }
        let standing = hosts.entry(host.to_owned()).or_default();
        standing.failures = standing.failures.saturating_add(1);
        if standing.failures >= FAILURES {
            standing.until = Some(next_try(standing.failures - FAILURES + 1, None, now, jitter));
        }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_never_answers_is_left_alone_and_asked_again_later() {
        let (hosts, now) = (Hosts::default(), Timestamp(0));
        for _ in 1..FAILURES {
            hosts.failed("push.test", now, 0);
            assert_eq!(hosts.closed("push.test", now), None);
        }
        hosts.failed("push.test", now, 0);
        let until = hosts.closed("push.test", now).expect("left alone");
        assert_eq!(hosts.closed("other.test", now), None);
        assert_eq!(hosts.closed("push.test", until), None, "one more look");
        hosts.failed("push.test", until, 0);
        let later = hosts.closed("push.test", until).expect("left alone again");
        assert!(later.ms_since(until) > until.ms_since(now));
        hosts.answered("push.test");
        assert_eq!(hosts.closed("push.test", until), None);
    }
}
