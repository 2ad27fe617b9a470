//! A server under measurement, and what the machine says of this process.

use std::{net::SocketAddr, path::Path, sync::Arc};

use domain::time::Timestamp;
use store::clock::Clock;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{BenchResult, neighbours::Neighbours, place::Ground};
use crate::{
    clock::{VirtualClock, WallClock},
    sandbox::{ADMIN_TOKEN, Sandbox, SandboxConfig, World, master_key},
};

/// What everything random here comes from.
const SEED: u64 = 1;

/// A server in this process, on a real socket, over a folder on disk; and its neighbours, where a cluster is measured.
pub(super) struct System {
    pub(super) base: String,
    pub(super) clock: Arc<VirtualClock>,
    neighbours: Neighbours,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl System {
    /// Opens the folder and serves; the clock shows `start`, or now, and runs.
    pub(super) async fn start(ground: &Ground, start: Option<Timestamp>) -> BenchResult<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let config = SandboxConfig {
            folder: ground.folder().to_owned(),
            postgres: ground.postgres(),
            public_url: base.clone(),
            followers: 0,
            seed: SEED,
            clock_runs: true,
            start,
            world: World::default(),
            keep_start: false,
        };
        let sandbox = Sandbox::open(&config, &|_, _| {}).await?;
        if let Some(start) = start {
            sandbox.clock.set(start);
        }
        let neighbours = ground.neighbours(&master_key(SEED), sandbox.node.bus()).await?;
        let (clock, control) = (sandbox.clock.clone(), sandbox.control.clone());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            sandbox.node.serve(listener, Some(control), shutdown).await;
        });
        Ok(Self {
            base,
            clock,
            neighbours,
            stop: Some(stop),
            task,
        })
    }

    /// Ends the server and waits until it has let go of its folder.
    pub(super) async fn stop(mut self) -> BenchResult<Timestamp> {
        self.neighbours.stop().await?;
        let now = self.clock.now();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.task.await?;
        Ok(now)
    }
}

/// A client of the native API.
pub(super) struct Admin {
    http: reqwest::Client,
    base: String,
}

impl Admin {
    pub(super) fn new(base: &str) -> BenchResult<Self> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base: base.to_owned(),
        })
    }

    pub(super) async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> BenchResult<serde_json::Value> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(ADMIN_TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// Imports a CSV text that is made while it is sent.
    pub(super) async fn import(
        &self,
        app_id: &str,
        pieces: impl Iterator<Item = String> + Send + 'static,
    ) -> BenchResult<serde_json::Value> {
        let stream = futures::stream::iter(pieces.map(Ok::<_, std::io::Error>));
        let request = self
            .http
            .post(format!("{}/v1/accounts/{app_id}/followers", self.base))
            .bearer_auth(ADMIN_TOKEN)
            .header("Content-Type", "text/csv")
            .body(reqwest::Body::wrap_stream(stream));
        answer(request).await
    }

    /// What the inbox of this token holds, newest first, as texts.
    pub(super) async fn inbox(&self, token: &str) -> BenchResult<Vec<String>> {
        let request = self
            .http
            .get(format!("{}/inbox/entries?limit=100", self.base))
            .bearer_auth(token);
        let page = answer(request).await?;
        let entries = page["entries"].as_array().ok_or("the inbox has no entries")?;
        Ok(entries
            .iter()
            .filter_map(|entry| entry["text"].as_str())
            .map(str::to_owned)
            .collect())
    }
}

async fn answer(request: reqwest::RequestBuilder) -> BenchResult<serde_json::Value> {
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        return Err(format!("the server answered {status}: {text}").into());
    }
    Ok(serde_json::from_str(&text)?)
}

/// The largest resident memory of this process since [`reset_peak_memory`], in bytes; `None` where the
/// system does not tell.
pub(super) fn peak_memory() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// A number of bytes that the system says of this process under this name; `None` where it does not tell.
pub(super) fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1_024)
}

/// The processor time of a process so far, in seconds; 0 where the system does not tell.
pub(super) fn processor_seconds(process: u32) -> f64 {
    /// What the system counts in, the same on all processors that Linux runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Starts a new measurement of [`peak_memory`], where the system can.
pub(super) fn reset_peak_memory() {
    // On other systems the peak of the whole process is reported, which is never too small.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Bytes in use in a SQLite file, without free pages and without the log.
pub(super) fn bytes_in_use(path: &Path) -> BenchResult<u64> {
    let db = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}

/// The machine's time, where a measurement starts its clock.
pub(super) fn wall_now() -> Timestamp {
    WallClock::default().now()
}
