//! Points at which a test lets the process end as a `kill -9` would end it. A release build has none.
//!
//! `crash_point!("accept.written")` stands wherever something durable begins or has just happened. A process that
//! was [armed](arm) with `accept.written:3` ends the third time it comes there: no destructor runs, nothing is
//! flushed, nobody is told. One that is told to [pause] there stops itself instead, every third time, until somebody
//! lets it go on.

/// Every point there is. The compiler refuses one that is not listed; the restart loop fails when one listed is
/// never reached.
pub const POINTS: [&str; 51] = [
    "store.opened",
    "store.migrated",
    "commit.before",
    "commit.flushed",
    "commit.answered",
    "checkpoint.before",
    "checkpoint.after",
    "accept.before",
    "accept.written",
    "accept.committed",
    "preview.committed",
    "lease.before",
    "lease.taken",
    "release.written",
    "release.committed",
    "finish.before",
    "finish.written",
    "finish.committed",
    "end.written",
    "recall.before",
    "recall.written",
    "recall.committed",
    "delete.before",
    "delete.written",
    "delete.committed",
    "schedule.added",
    "schedule.before",
    "schedule.written",
    "schedule.committed",
    "event.before",
    "event.claimed",
    "event.posted",
    "event.answered",
    "import.numbered",
    "import.slice",
    "import.committed",
    "blob.noted",
    "blob.put",
    "blob.forgotten",
    "blob.deleted",
    "media.added",
    "news.added",
    "token.written",
    "token.committed",
    "inbox-token.committed",
    "reads.taken",
    "reads.written",
    "subscribe.written",
    "unsubscribe.written",
    "blacklist.written",
    "tag.written",
];

/// A point of [`POINTS`] at which an armed process ends; nothing in a release build.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {{
        const { assert!($crate::crash::is_listed($name), "not in store::crash::POINTS") };
        #[cfg(debug_assertions)]
        $crate::crash::reached($name);
    }};
}

/// Whether there is such a point.
pub const fn is_listed(name: &str) -> bool {
    let mut at = 0;
    while at < POINTS.len() {
        if same(POINTS[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(debug_assertions)]
pub use armed::{arm, pause, reached};

#[cfg(debug_assertions)]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };

    struct Armed {
        point: String,
        left: AtomicU32,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    struct Paused {
        point: String,
        every: u32,
        come: AtomicU32,
    }

    static PAUSED: OnceLock<Paused> = OnceLock::new();

    /// Lets this process end at `POINT:N`, the N-th time (from 1) that it comes to this point. Once only.
    pub fn arm(at: &str) -> Result<(), String> {
        let (point, times) = parse(at)?;
        let armed = Armed {
            point,
            left: AtomicU32::new(times),
        };
        ARMED
            .set(armed)
            .map_err(|_| "already armed for another point".to_owned())
    }

    /// Lets this process stop itself (`SIGSTOP`) at `POINT:N`, every N-th time that it comes to this point; it goes on
    /// there when somebody sends `SIGCONT`.
    pub fn pause(at: &str) -> Result<(), String> {
        let (point, every) = parse(at)?;
        let come = AtomicU32::new(0);
        PAUSED
            .set(Paused { point, every, come })
            .map_err(|_| "already told to pause at another point".to_owned())
    }

    fn parse(at: &str) -> Result<(String, u32), String> {
        let (point, times) = at.split_once(':').unwrap_or((at, "1"));
        let times = times.parse::<u32>().ok().filter(|times| *times > 0);
        match (super::is_listed(point), times) {
            (true, Some(times)) => Ok((point.to_owned(), times)),
            _ => Err(format!("{at:?} is no POINT:N with a point of this build")),
        }
    }

    /// Ends or stops the process if it is told so for this point and this time.
    pub fn reached(point: &'static str) {
        let paused = PAUSED.get().filter(|paused| paused.point == point);
        if paused.is_some_and(|paused| {
            (paused.come.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(paused.every)
        }) {
            stop_here();
        }
        let armed = ARMED.get().filter(|armed| armed.point == point);
        if armed.is_some_and(|armed| armed.left.fetch_sub(1, Ordering::Relaxed) == 1) {
            std::process::abort();
        }
    }

    /// A signal to the process may be taken by another thread; until that one has stopped them all, this one waits,
    /// or it would be past its point.
    #[cfg(unix)]
    const TAKEN: std::time::Duration = std::time::Duration::from_millis(100);

    #[cfg(unix)]
    fn stop_here() {
        use rustix::process::{Signal, getpid, kill_process};
        match kill_process(getpid(), Signal::STOP) {
            Ok(()) => std::thread::sleep(TAKEN),
            Err(error) => tracing::error!(%error, "the process cannot stop itself"),
        }
    }

    #[cfg(not(unix))]
    fn stop_here() {
        tracing::error!("processes of this system cannot be stopped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_listed_once_and_a_process_is_armed_for_those_only() {
        let mut names = POINTS.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), POINTS.len());
        assert!(POINTS.iter().all(|name| is_listed(name)));
        for wrong in [
            "",
            "accept",
            "accept.written2",
            "nowhere:1",
            "accept.written:0",
            "accept.written:x",
        ] {
            assert!(arm(wrong).is_err() && pause(wrong).is_err(), "{wrong}");
        }
    }
}
