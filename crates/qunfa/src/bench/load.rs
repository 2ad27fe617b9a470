//! The load of a measurement: a second process that asks over connections which are kept, one request after the other
//! on each.

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use super::BenchResult;

/// What is asked, of whom, and for how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Load {
    /// Its connections take turns with these.
    pub(super) addresses: Vec<SocketAddr>,
    /// Each has one request under way.
    pub(super) connections: usize,
    pub(super) seconds: f64,
    /// Asked in turn, every connection from a place of its own.
    pub(super) calls: Vec<Call>,
}

/// One request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) bearer: Option<String>,
    /// Posted, where there is one.
    pub(super) body: Option<String>,
}

/// What came back.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct Loaded {
    /// Answers with status 200.
    pub(super) answers: u64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Bytes of one answer's body, mean.
    pub(super) body_bytes: u64,
}

impl Load {
    /// Has a second process do it.
    pub(super) async fn run(&self) -> BenchResult<Loaded> {
        let mut process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["bench", "load"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = process.stdin.take().ok_or("no way to the second process")?;
        input.write_all(&serde_json::to_vec(self)?).await?;
        drop(input);
        let output = process.wait_with_output().await?;
        if !output.status.success() {
            return Err("the second process failed; its reason is above".into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// The second process: reads what to do from standard input and prints what came back.
#[expect(clippy::print_stdout, reason = "the answer to the first process")]
pub async fn run() -> BenchResult<()> {
    let load: Load = serde_json::from_reader(std::io::stdin().lock())?;
    let mut connections = JoinSet::new();
    for (number, address) in (0..load.connections).zip(load.addresses.iter().cycle()) {
        connections.spawn(ask(
            load.clone(),
            *address,
            number * load.calls.len() / load.connections.max(1),
        ));
    }
    let started = Instant::now();
    let (mut times, mut body_bytes) = (Vec::new(), 0);
    while let Some(asked) = connections.join_next().await {
        let (took, bytes) = asked??;
        times.extend(took);
        body_bytes += bytes;
    }
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let answers = times.len() as u64;
    let loaded = Loaded {
        answers,
        seconds: started.elapsed().as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
        body_bytes: body_bytes / answers.max(1),
    };
    println!("{}", serde_json::to_string(&loaded)?);
    Ok(())
}

/// One connection; the time of every answer, and the bytes of all bodies.
async fn ask(load: Load, address: SocketAddr, first: usize) -> BenchResult<(Vec<Duration>, u64)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let end = Instant::now() + Duration::from_secs_f64(load.seconds);
    let (mut times, mut bytes) = (Vec::new(), 0);
    for call in load.calls.iter().cycle().skip(first) {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        sender.ready().await?;
        let answer = sender.send_request(request(call)?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK || body.starts_with(b"{\"errcode\":4") {
            return Err(format!(
                "{} answered {status}: {}",
                call.path,
                String::from_utf8_lossy(&body)
            )
            .into());
        }
        times.push(asked.elapsed());
        bytes += body.len() as u64;
    }
    drop(sender);
    connection.await??;
    Ok((times, bytes))
}

fn request(call: &Call) -> BenchResult<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .uri(&call.path)
        .header(header::HOST, "bench")
        .method(if call.body.is_some() { "POST" } else { "GET" });
    if let Some(bearer) = &call.bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    Ok(request.body(Full::from(call.body.clone().unwrap_or_default()))?)
}
