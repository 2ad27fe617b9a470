//! `qunfa bench live`: one event, and a burst of events, to ten thousand readers who are online.
//!
//! The server runs in this process, its readers in a second one. The clock runs from the hint that a release is committed
//! to the moment when the last reader has the event: reading the delivery row, finding those online among its followers
//! and writing are in it, accepting and committing the mass are not. Beside it, in the same run, a bare event loop writes
//! the same bytes to as many sockets, and NATS core carries them to as many subscribers.

pub mod crowd;
mod report;
mod ways;
mod world;

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use self::{
    crowd::{MARK, Order, Report},
    report::{LiveReport, Way, WayReport},
    ways::{EventLoop, Nats},
    world::World,
};
use super::{BenchResult, place::Ground, report::Common, system};
use crate::descriptors;

/// Descriptors that either process needs besides its connections.
const OTHER_DESCRIPTORS: u64 = 200;
/// Before memory is looked at, and between two measurements: what was opened comes to rest, what was freed is given back.
const REST: Duration = Duration::from_millis(1_500);

/// What is measured.
#[derive(Clone, Debug)]
pub struct LivePlan {
    /// Store and file.
    pub common: Common,
    /// Followers of the account, online or not.
    pub followers: u64,
    /// Readers who are online.
    pub connections: u64,
    /// Events in a burst.
    pub bursts: u32,
    /// How often each is measured.
    pub rounds: u32,
    /// Whether a bare event loop is measured too.
    pub vs_epoll: bool,
    /// Whether NATS core is measured too.
    pub vs_nats: bool,
}

/// Measures and prints.
pub async fn run(plan: LivePlan) -> BenchResult<()> {
    let enough = plan.connections + OTHER_DESCRIPTORS;
    if descriptors::raise().is_some_and(|limit| limit < enough) {
        return Err(format!("this needs {enough} open files; raise the hard limit (ulimit -Hn)").into());
    }
    if plan.common.cluster.nodes > 1 {
        return Err("a live feed is measured on one node".into());
    }
    let ground = plan.common.ground().await?;
    let measured = measure(&plan, &ground).await;
    ground.clear().await?;
    let report = measured?;
    plan.common.write("live", &report)?;
    report.print();
    Ok(())
}

async fn measure(plan: &LivePlan, ground: &Ground) -> BenchResult<LiveReport> {
    let world = World::start(ground, plan.followers.max(plan.connections)).await?;
    let tokens = world
        .tokens(plan.connections, plan.followers.max(plan.connections))
        .await?;
    let mut crowd = Crowd::start()?;
    let mut report = LiveReport::new(plan);
    for way in [Way::WebSocket, Way::Sse] {
        // The first half takes what memory lay free in the process: the second one's is what a connection costs.
        let (first, second) = tokens.split_at(tokens.len() / 2);
        let mut memory = 0;
        for half in [first, second] {
            let before = resident();
            let requests = half.iter().map(|token| request(way, token)).collect();
            crowd.open(world.address, requests, "ready").await?;
            tokio::time::sleep(REST).await;
            memory = resident().saturating_sub(before) / half.len().max(1) as u64;
        }
        let times = measure_feed(plan, &world, &mut crowd).await?;
        crowd.close().await?;
        tokio::time::sleep(REST).await;
        report.ways.push(WayReport::new(way, plan, &times, Some(memory)));
    }
    // What the others carry is what the last one wrote.
    let event = world.event(&tokens).await?;
    report.event_bytes = event.len();
    if plan.vs_epoll {
        let times = measure_loop(plan, &event, &mut crowd).await?;
        report
            .ways
            .push(WayReport::new(Way::EventLoop, plan, &times, None));
    }
    if plan.vs_nats {
        match measure_nats(plan, &event, &mut crowd).await? {
            Some(times) => report.ways.push(WayReport::new(Way::Nats, plan, &times, None)),
            None => report.without_nats = true,
        }
    }
    crowd.end().await?;
    world.stop().await?;
    Ok(report)
}

/// How long single events and bursts took, in milliseconds.
#[derive(Default)]
struct Times {
    single: Vec<f64>,
    burst: Vec<f64>,
}

impl Times {
    /// Singles and bursts in turn; the first of each warms up and is left out.
    fn note(&mut self, round: u32, events: u32, took: Duration) {
        if round > 0 {
            let times = if events == 1 {
                &mut self.single
            } else {
                &mut self.burst
            };
            times.push(took.as_secs_f64() * 1e3);
        }
    }
}

async fn measure_feed(plan: &LivePlan, world: &World, crowd: &mut Crowd) -> BenchResult<Times> {
    let mut times = Times::default();
    for round in 0..=plan.rounds {
        for events in [1, plan.bursts] {
            // They count before: a scan may come between release and hint, which shortens one time of many.
            crowd.count(events).await?;
            world.release(&text(), events).await?;
            let began = Instant::now();
            world.hint();
            crowd.counted().await?;
            times.note(round, events, began.elapsed());
        }
    }
    Ok(times)
}

async fn measure_loop(plan: &LivePlan, event: &[u8], crowd: &mut Crowd) -> BenchResult<Times> {
    let mut bare = EventLoop::start()?;
    let address = bare.address()?;
    let count = usize::try_from(plan.connections)?;
    let accepting = tokio::task::spawn_blocking(move || bare.accept(count).map(|()| bare));
    crowd.open(address, vec![String::new(); count], "").await?;
    let mut bare = accepting.await??;
    let mut times = Times::default();
    for round in 0..=plan.rounds {
        for events in [1, plan.bursts] {
            let bytes = event.repeat(events as usize);
            crowd.count(events).await?;
            let began = Instant::now();
            let writing = tokio::task::spawn_blocking(move || bare.write(&bytes).map(|()| bare));
            crowd.counted().await?;
            times.note(round, events, began.elapsed());
            bare = writing.await??;
        }
    }
    crowd.close().await?;
    Ok(times)
}

async fn measure_nats(plan: &LivePlan, event: &[u8], crowd: &mut Crowd) -> BenchResult<Option<Times>> {
    let Some(mut nats) = tokio::task::spawn_blocking(Nats::start).await?? else {
        return Ok(None);
    };
    let count = usize::try_from(plan.connections)?;
    crowd
        .open(nats.address(), vec![Nats::subscription(); count], "PONG")
        .await?;
    let mut times = Times::default();
    for round in 0..=plan.rounds {
        for events in [1, plan.bursts] {
            crowd.count(events).await?;
            let began = Instant::now();
            nats.publish(event, events as usize)?;
            crowd.counted().await?;
            times.note(round, events, began.elapsed());
        }
    }
    crowd.close().await?;
    Ok(Some(times))
}

fn request(way: Way, token: &str) -> String {
    match way {
        Way::WebSocket => format!(
            "GET /inbox/ws HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
        _ => format!("GET /inbox/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"),
    }
}

/// A message of usual length, with the mark that is counted.
fn text() -> String {
    let mark = char::from(MARK);
    format!("{mark}{}", "明天上午九点在图书馆集合，请带好证件。".repeat(4))
}

/// Resident memory of this process, in bytes; 0 where the system does not tell.
fn resident() -> u64 {
    system::status_bytes("VmRSS:").unwrap_or(0)
}

/// The second process.
struct Crowd {
    process: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Crowd {
    fn start() -> BenchResult<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["bench", "crowd"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = process.stdin.take().ok_or("no way to the second process")?;
        let reports = process.stdout.take().ok_or("no way from the second process")?;
        Ok(Self {
            process,
            orders,
            reports: BufReader::new(reports).lines(),
        })
    }

    async fn open(&mut self, address: SocketAddr, requests: Vec<String>, until: &str) -> BenchResult<()> {
        let order = Order::Open {
            address,
            requests,
            until: until.to_owned(),
        };
        self.order(&order).await?;
        self.report(Report::Opened).await
    }

    /// Has them count from now on.
    async fn count(&mut self, marks: u32) -> BenchResult<()> {
        self.order(&Order::Count { marks }).await?;
        self.report(Report::Counting).await
    }

    /// Waits until all have what they wait for.
    async fn counted(&mut self) -> BenchResult<()> {
        self.report(Report::Counted).await
    }

    async fn close(&mut self) -> BenchResult<()> {
        self.order(&Order::Close).await?;
        self.report(Report::Closed).await
    }

    async fn end(mut self) -> BenchResult<()> {
        drop(self.orders);
        let status = self.process.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err("the second process failed; its reason is above".into())
    }

    async fn order(&mut self, order: &Order) -> BenchResult<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        Ok(self.orders.write_all(&line).await?)
    }

    async fn report(&mut self, expected: Report) -> BenchResult<()> {
        let line = self.reports.next_line().await?;
        let line = line.ok_or("the second process ended; its reason is above")?;
        let report: Report = serde_json::from_str(&line)?;
        if report == expected {
            return Ok(());
        }
        Err(format!("the second process said {report:?}, not {expected:?}").into())
    }
}
