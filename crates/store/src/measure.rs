//! What the server counts about itself: every metric, its labels and its meaning, in one table.
//!
//! Store, engine and server count through the `metrics` facade by these names; the binary describes them, shows
//! them at `/metrics` and writes `docs/metrics.md` from this table. Labels have few values: never an address, an
//! account, an OpenID or a path as it was asked for.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of spans of time by length.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name: base units, and `_total` for what only grows, as Prometheus wants it.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// In what it is counted.
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        labels,
        unit,
        help,
    }
}

const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        labels,
        unit,
        help,
    }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Histogram,
        labels,
        unit: "seconds",
        help,
    }
}

macro_rules! metrics_table {
    ($($constant:ident = $metric:expr;)*) => {
        $(
            #[expect(missing_docs, reason = "`help` says it")]
            pub const $constant: Metric = $metric;
        )*
        /// Every metric of our own, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$($constant),*];
    };
}

metrics_table! {
    HTTP_REQUESTS = counter("qunfa_http_requests_total", &["method", "route", "status"], "requests",
        "HTTP requests that were answered, by method, route template and class of the status (2xx …)");
    HTTP_DURATION = histogram("qunfa_http_request_duration_seconds", &["route"],
        "Time from the headers of a request to the beginning of its answer");
    API_REFUSALS = counter("qunfa_api_refusals_total", &["route", "errcode"], "calls",
        "Calls of the compatible API that were refused, by errcode; -1 is a fault of our own");
    HTTP_CONNECTIONS = gauge("qunfa_http_connections", &[], "connections",
        "Connections that are open");
    CONNECTIONS_REFUSED = counter("qunfa_http_connections_refused_total", &[], "connections",
        "Connections and forwarded requests beyond the limit of their source");
    LIVE_CONNECTIONS = gauge("qunfa_live_connections", &["transport"], "connections",
        "Live feeds that are open, by transport: sse or ws");
    LIVE_EVENTS = counter("qunfa_live_events_total", &["event"], "events",
        "Events put into the queues of live feeds: entry, recall or change; read is what feeds looked up");
    LIVE_SLOW = counter("qunfa_live_slow_readers_total", &[], "connections",
        "Live feeds that were ended because their reader did not keep up; it resumes without a loss");
    WRONG_CREDENTIALS = counter("qunfa_wrong_credentials_total", &["kind"], "calls",
        "Calls with a wrong appsecret, admin token or inbox token");
    GUESSES_HELD_UP = counter("qunfa_guesses_held_up_total", &["kind"], "calls",
        "Calls that were answered late or not looked at because their source had guessed wrong too often");
    MASSES_ACCEPTED = counter("qunfa_masses_accepted_total", &["origin"], "mass sends",
        "Mass sends that were accepted, by where they came from: call or schedule");
    MASSES_FINISHED = counter("qunfa_masses_finished_total", &["state"], "mass sends",
        "Mass sends that this node brought to their end: delivered, refused, failed");
    MASSES_RUNNING = gauge("qunfa_masses_running", &[], "mass sends",
        "Mass sends that are not at their end, in the whole installation");
    BLOCKS_RELEASED = counter("qunfa_blocks_released_total", &[], "blocks",
        "Blocks of at most 65,536 followers that this node released");
    ENTRIES_DELIVERED = counter("qunfa_entries_delivered_total", &[], "entries",
        "Entries that came into inboxes by this node");
    RELEASE_DURATION = histogram("qunfa_release_duration_seconds", &[],
        "Time of one release: up to 256 blocks in one commit");
    LEASES_LOST = counter("qunfa_leases_lost_total", &[], "leases",
        "Releases that were refused because the lease had passed to another node");
    BATCHES_WAITING = gauge("qunfa_batches_waiting", &[], "batches",
        "Batches (one mass send in one block) that are not released, in the whole installation");
    OLDEST_DUE = gauge("qunfa_batches_oldest_due_age_seconds", &[], "seconds",
        "For how long the oldest batch has been due; 0 when none is");
    TURNS_FAILED = counter("qunfa_engine_turns_failed_total", &[], "turns",
        "Turns of the engine that failed as a whole, and were repeated");
    CALLBACKS = counter("qunfa_callbacks_total", &["outcome"], "tries",
        "Tries to bring an event to its account's server: received, failed or held_back");
    CALLBACK_DURATION = histogram("qunfa_callback_duration_seconds", &[],
        "Time of one such try");
    CALLBACKS_WAITING = gauge("qunfa_callbacks_waiting", &[], "events",
        "Events that wait for their next try, in the whole installation");
    PUSHES = counter("qunfa_web_pushes_total", &["outcome"], "tries",
        "Tries to push an entry to a reader's browser: taken, gone (the subscription is removed), refused, failed (it is \
         tried again) or waits (the push service is left alone for now)");
    WEBHOOKS = counter("qunfa_webhook_batches_total", &["outcome"], "tries",
        "Tries to tell a push bridge a batch of followers: taken or failed");
    DEAD_LETTERS = gauge("qunfa_webhook_dead_letters", &[], "dead letters",
        "What push bridges did not take and nobody has sent again, in the whole installation");
    IMPORT_ROWS = counter("qunfa_import_rows_total", &["outcome"], "rows",
        "Rows of imported follower files: imported, updated or refused");
    COMMIT_DURATION = histogram("qunfa_store_commit_duration_seconds", &[],
        "Time of one write transaction from its begin to the flushed commit");
    COMMITS_FAILED = counter("qunfa_store_commits_failed_total", &[], "transactions",
        "Write transactions that failed as a whole; what was in them was answered with -1");
    QUEUE_LENGTH = gauge("qunfa_store_queue_length", &["queue"], "writes",
        "Writes that wait for the writer: calls, and bulk behind them");
    BLOB_BYTES = counter("qunfa_blob_bytes_total", &["direction"], "bytes",
        "Bytes of pictures, voices and videos that were stored (in) and read (out)");
    PART_OK = gauge("qunfa_part_ok", &["part"], "0 or 1",
        "Whether a part that `/readyz` lists is in order");
    BUILD_INFO = gauge("qunfa_build_info", &["version"], "always 1",
        "The version that runs");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_and_are_there_once() {
        let mut names = HashSet::new();
        for metric in METRICS {
            let Metric { name, kind, unit, .. } = metric;
            assert!(names.insert(name), "{name} stands there twice");
            assert!(name.starts_with("qunfa_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), *unit == "seconds", "{name}");
            assert_eq!(name.ends_with("_bytes_total"), *unit == "bytes", "{name}");
            assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
        }
    }
}
