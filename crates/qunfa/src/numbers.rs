//! The numbers of `/metrics`: the recorder behind the `metrics` facade, what is looked up at each scrape, and the
//! reference in `docs/metrics.md`.

use std::{
    fmt::Write,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use server::{health::Health, metrics::Scrape};
use store::{
    Store,
    clock::Clock,
    measure::{self, Kind, METRICS, Metric},
};

/// Upper ends of the buckets of all spans of time, in seconds: from a read out of memory to the longest answer.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Spans that were measured are put into their buckets this often, so that they do not pile up between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Writes the numbers of this process out.
pub struct Numbers {
    handle: PrometheusHandle,
    process: Collector,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
}

impl Numbers {
    /// Numbers of the process that this node is in; counting begins with the first node of the process.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, health: Arc<Health>) -> Result<Self, String> {
        let process = Collector::default();
        process.describe();
        Ok(Self {
            handle: recorder()?,
            process,
            store,
            clock,
            health,
        })
    }

    /// Keeps the numbers small between scrapes, until the future is dropped.
    pub async fn care(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }

    /// What is not counted as it happens but looked up.
    async fn look_up(&self) {
        let now = self.clock.now();
        for standing in self.health.standings(now).await {
            let ok = if standing.reason.is_none() { 1.0 } else { 0.0 };
            metrics::gauge!(measure::PART_OK.name, "part" => standing.part).set(ok);
        }
        match self.store.backlog().await {
            Ok(backlog) => {
                set(&measure::BATCHES_WAITING, backlog.batches);
                set(&measure::CALLBACKS_WAITING, backlog.events);
                set(&measure::DEAD_LETTERS, backlog.dead_letters);
            }
            Err(error) => tracing::warn!(%error, "what waits could not be counted"),
        }
        match self.store.running_masses().await {
            Ok(running) => {
                set(&measure::MASSES_RUNNING, running.len() as u64);
                let oldest = running.iter().filter_map(|mass| mass.next_due).min();
                let age_ms = oldest.map_or(0, |due| now.ms_since(due).max(0));
                let age = Duration::from_millis(age_ms.unsigned_abs());
                metrics::gauge!(measure::OLDEST_DUE.name).set(age);
            }
            Err(error) => tracing::warn!(%error, "running mass sends could not be counted"),
        }
    }
}

#[async_trait]
impl Scrape for Numbers {
    async fn scrape(&self) -> String {
        self.look_up().await;
        self.process.collect();
        self.handle.render()
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn set(metric: &Metric, number: u64) {
    metrics::gauge!(metric.name).set(number as f64);
}

/// The recorder of this process, made when first asked for.
fn recorder() -> Result<PrometheusHandle, String> {
    static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    RECORDER.get_or_init(install).clone()
}

fn install() -> Result<PrometheusHandle, String> {
    let text = |error: metrics_exporter_prometheus::BuildError| format!("numbers cannot be kept: {error}");
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(text)?;
    let handle = builder.install_recorder().map_err(text)?;
    for metric in METRICS {
        describe(metric);
    }
    for (metric, label, values) in KNOWN {
        for value in values {
            match metric.kind {
                Kind::Gauge => metrics::gauge!(metric.name, label => *value).set(0),
                Kind::Counter | Kind::Histogram => {
                    metrics::counter!(metric.name, label => *value).absolute(0)
                }
            }
        }
    }
    metrics::gauge!(measure::BUILD_INFO.name, "version" => env!("CARGO_PKG_VERSION")).set(1);
    Ok(handle)
}

/// Series whose few labels are known, and which most installations wait long for: they are shown from the start.
const KNOWN: [(Metric, &str, &[&str]); 4] = [
    (measure::LIVE_CONNECTIONS, "transport", &["sse", "ws"]),
    (
        measure::LIVE_EVENTS,
        "event",
        &["entry", "recall", "change", "read"],
    ),
    (
        measure::PUSHES,
        "outcome",
        &["taken", "gone", "refused", "failed", "waits"],
    ),
    (measure::WEBHOOKS, "outcome", &["taken", "failed"]),
];

/// Tells the meaning, and shows what has no labels from the start: a series that comes later has no rate.
fn describe(metric: &Metric) {
    let Metric {
        name, help, labels, ..
    } = *metric;
    match metric.kind {
        Kind::Counter => metrics::describe_counter!(name, help),
        Kind::Gauge => metrics::describe_gauge!(name, help),
        Kind::Histogram => metrics::describe_histogram!(name, help),
    }
    match metric.kind {
        Kind::Counter if labels.is_empty() => metrics::counter!(name).absolute(0),
        Kind::Gauge if labels.is_empty() => metrics::gauge!(name).set(0),
        _ => {}
    }
}

/// The Markdown of `docs/metrics.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "<!-- Made by `qunfa config --metrics`; a test keeps it up to date. -->\n\
         # Metrics\n\n\
         `GET /metrics` shows what a node counts about itself, in the text format of Prometheus. It answers to the\n\
         networks of `metrics.allow` (this machine, unless set), to the token of `metrics.token`, and to the admin\n\
         token; see [config.md](config.md). A request that came through a proxy which is not among\n\
         `server.trusted_proxies` needs a token.\n\n\
         ```yaml\n\
         scrape_configs:\n\
         \x20 - job_name: qunfa\n\
         \x20   authorization: {credentials_file: /etc/prometheus/qunfa.token}\n\
         \x20   static_configs: [{targets: [\"push.example.org:8080\"]}]\n\
         ```\n\n\
         No label holds an account, a follower, an address or a path as it was asked for: routes are templates.\n\
         [grafana.json](grafana.json) is a dashboard, [alerts.yml](alerts.yml) has alerting rules to begin with.\n\n\
         | name | kind | labels | unit | meaning |\n\
         |---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            out,
            "| `{}` | {kind} | {} | {} | {} |",
            metric.name,
            labels.join(", "),
            metric.unit,
            metric.help
        );
    }
    out.push_str(
        "\nBeside them, of the process: `process_cpu_seconds_total`, `process_max_fds`, `process_open_fds`,\n\
         `process_resident_memory_bytes`, `process_start_time_seconds`, `process_threads`,\n\
         `process_virtual_memory_bytes` and `process_virtual_memory_max_bytes`, where the system tells them.\n",
    );
    out
}
