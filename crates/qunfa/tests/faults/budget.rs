//! How long the loops go on.

use std::time::{Duration, Instant};

use qunfa::settings::load::process_env;

/// How long a loop may go on: `QUNFA_SOAK_SECONDS`, or until it has done all of its work.
#[derive(Clone, Copy, Debug)]
pub struct Budget(Option<Instant>);

impl Budget {
    /// From now on.
    pub fn start() -> Self {
        let seconds = process_env("QUNFA_SOAK_SECONDS");
        let seconds = seconds.map(|text| text.parse().expect("QUNFA_SOAK_SECONDS is a number"));
        Self(seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)))
    }

    /// Whether there is one at all.
    pub fn is_limited(self) -> bool {
        self.0.is_some()
    }

    pub fn is_used_up(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}
