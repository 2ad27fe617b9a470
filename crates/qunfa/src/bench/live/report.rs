//! The numbers of `bench live`.

use serde::Serialize;

use super::{LivePlan, Times};
use crate::bench::report::{Spread, bytes, thousands};

/// How events reach readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    WebSocket,
    Sse,
    EventLoop,
    Nats,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::WebSocket => "qunfa, WebSocket",
            Way::Sse => "qunfa, SSE",
            Way::EventLoop => "bare event loop",
            Way::Nats => "NATS core",
        }
    }
}

/// One way.
#[derive(Debug, Serialize)]
pub(super) struct WayReport {
    pub(super) way: Way,
    /// One event to all readers, in milliseconds.
    pub(super) single_ms: Spread,
    /// A burst to all readers, in milliseconds.
    pub(super) burst_ms: Spread,
    /// Deliveries a second, by the medians.
    pub(super) single_per_second: f64,
    pub(super) burst_per_second: f64,
    /// Resident memory of the server for an idle connection, in bytes.
    pub(super) idle_bytes: Option<u64>,
}

impl WayReport {
    pub(super) fn new(way: Way, plan: &LivePlan, times: &Times, idle_bytes: Option<u64>) -> Self {
        let (single_ms, burst_ms) = (Spread::of(&times.single), Spread::of(&times.burst));
        let readers = plan.connections as f64;
        Self {
            way,
            single_per_second: readers / single_ms.median * 1e3,
            burst_per_second: readers * f64::from(plan.bursts) / burst_ms.median * 1e3,
            single_ms,
            burst_ms,
            idle_bytes,
        }
    }
}

/// A whole measurement.
#[derive(Debug, Serialize)]
pub(super) struct LiveReport {
    followers: u64,
    connections: u64,
    burst: u32,
    rounds: u32,
    pub(super) event_bytes: usize,
    pub(super) ways: Vec<WayReport>,
    /// NATS was asked for, and this machine has none.
    pub(super) without_nats: bool,
}

impl LiveReport {
    pub(super) fn new(plan: &LivePlan) -> Self {
        Self {
            followers: plan.followers,
            connections: plan.connections,
            burst: plan.bursts,
            rounds: plan.rounds,
            event_bytes: 0,
            ways: Vec::new(),
            without_nats: false,
        }
    }

    fn of(&self, way: Way) -> Option<&WayReport> {
        self.ways.iter().find(|report| report.way == way)
    }

    #[expect(clippy::print_stdout, reason = "the report is the command's output")]
    pub(super) fn print(&self) {
        println!(
            "{} readers online of {} followers, an event of {}, {} rounds",
            thousands(self.connections),
            thousands(self.followers),
            bytes(self.event_bytes as u64),
            self.rounds
        );
        for report in &self.ways {
            println!(
                "{:<18} one event {} ({} a second); {} events {} ({} a second)",
                report.way.name(),
                report.single_ms,
                thousands(report.single_per_second as u64),
                self.burst,
                report.burst_ms,
                thousands(report.burst_per_second as u64)
            );
            if let Some(idle) = report.idle_bytes {
                println!("{:<18} an idle connection takes {}", "", bytes(idle));
            }
        }
        for ours in [Way::WebSocket, Way::Sse]
            .into_iter()
            .filter_map(|way| self.of(way))
        {
            for other in [Way::EventLoop, Way::Nats]
                .into_iter()
                .filter_map(|way| self.of(way))
            {
                println!(
                    "{:<18} {:.2} times the {} with one event, {:.2} times with a burst",
                    ours.way.name(),
                    ours.single_per_second / other.single_per_second,
                    other.way.name(),
                    ours.burst_per_second / other.burst_per_second
                );
            }
        }
        if self.without_nats {
            println!("NATS core is left out: there is no nats-server on this machine");
        }
    }
}
