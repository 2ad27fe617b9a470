//! The second process of `bench live`: ten thousand readers in one thread, who only count what arrives.
//!
//! Each event carries `MARK` once, whatever is written around it. The first process gives orders on standard input and
//! hears on standard output, a line of JSON each.

use std::{
    io::{self, BufRead, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream as StdStream},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use serde::{Deserialize, Serialize};

use crate::{bench::BenchResult, descriptors};

/// Stands in each event once and nowhere else.
pub(super) const MARK: u8 = b'~';
/// How long events may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections from one address of this machine: fewer than it has ports.
const PER_ADDRESS: usize = 10_000;
const READ_BYTES: usize = 64 << 10;

/// What the readers are to do.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Order {
    /// Connect, one after the other; the connection is there when `until` was read.
    Open {
        address: SocketAddr,
        requests: Vec<String>,
        until: String,
    },
    /// Count, from now until each reader has seen so many marks.
    Count { marks: u32 },
    /// Hang up.
    Close,
}

/// What they did.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum Report {
    Opened,
    /// They count from now on.
    Counting,
    /// All have what they waited for.
    Counted,
    Closed,
}

/// Follows orders until there are none.
pub async fn run() -> BenchResult<()> {
    tokio::task::spawn_blocking(follow).await?
}

fn follow() -> BenchResult<()> {
    descriptors::raise();
    let mut crowd = Crowd {
        poll: Poll::new()?,
        readers: Vec::new(),
        opened: 0,
        buffer: vec![0; READ_BYTES],
    };
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Order::Open {
                address,
                requests,
                until,
            } => {
                for request in &requests {
                    crowd.open(address, request, &until)?;
                }
                say(&Report::Opened)?;
            }
            Order::Count { marks } => {
                crowd.settle()?;
                say(&Report::Counting)?;
                crowd.count(marks)?;
                say(&Report::Counted)?;
            }
            Order::Close => {
                crowd.readers.clear();
                say(&Report::Closed)?;
            }
        }
    }
    Ok(())
}

fn say(report: &Report) -> BenchResult<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(report)?)?;
    Ok(out.flush()?)
}

struct Crowd {
    poll: Poll,
    readers: Vec<Reader>,
    /// Connections so far; a closed one's port is not free for a minute.
    opened: usize,
    buffer: Vec<u8>,
}

struct Reader {
    stream: TcpStream,
    missing: u32,
}

impl Crowd {
    fn open(&mut self, address: SocketAddr, request: &str, until: &str) -> BenchResult<()> {
        let mut stream = connect(address, self.opened)?;
        self.opened += 1;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        while !until.is_empty() && !contains(&answer, until.as_bytes()) {
            let length = stream.read(&mut self.buffer)?;
            if length == 0 {
                let answer = String::from_utf8_lossy(&answer);
                return Err(format!("a reader was refused: {answer}").into());
            }
            answer.extend_from_slice(self.buffer.get(..length).unwrap_or_default());
        }
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let token = Token(self.readers.len());
        self.poll
            .registry()
            .register(&mut stream, token, Interest::READABLE)?;
        self.readers.push(Reader { stream, missing: 0 });
        Ok(())
    }

    /// Reads away what came since.
    fn settle(&mut self) -> BenchResult<()> {
        let mut events = Events::with_capacity(1_024);
        loop {
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            if events.is_empty() {
                return Ok(());
            }
            for event in &events {
                if let Some(reader) = self.readers.get_mut(event.token().0) {
                    reader.read(&mut self.buffer)?;
                }
            }
        }
    }

    fn count(&mut self, marks: u32) -> BenchResult<()> {
        for reader in &mut self.readers {
            reader.missing = marks;
        }
        let mut waiting = self.readers.len();
        let mut events = Events::with_capacity(1_024);
        let began = Instant::now();
        while waiting > 0 {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            for event in &events {
                let Some(reader) = self.readers.get_mut(event.token().0) else {
                    continue;
                };
                let seen = reader.read(&mut self.buffer)?;
                if reader.missing > 0 {
                    reader.missing = reader.missing.saturating_sub(seen);
                    waiting -= usize::from(reader.missing == 0);
                }
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{waiting} readers still wait").into());
            }
        }
        Ok(())
    }
}

impl Reader {
    /// Reads what there is; how many marks were in it.
    fn read(&mut self, buffer: &mut [u8]) -> BenchResult<u32> {
        let mut marks = 0;
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err("a reader's connection was closed".into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(marks),
                Err(error) => return Err(error.into()),
            };
            let read = buffer.get(..length).unwrap_or_default();
            marks += u32::try_from(read.iter().filter(|byte| **byte == MARK).count())?;
            // The ping of a WebSocket wants its pong; a mask of zeros is one.
            if read.ends_with(&[0x89, 0]) {
                self.stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0])?;
            }
            // A short read has emptied the socket, and what comes later is another event.
            if length < buffer.len() {
                return Ok(marks);
            }
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A connection from an address of this machine that has ports left.
fn connect(address: SocketAddr, number: usize) -> BenchResult<StdStream> {
    // Another process may have used up the ports of its addresses a moment ago.
    let of_process = u8::try_from(std::process::id() % 250 + 1)?;
    let last = u8::try_from(number / PER_ADDRESS + 1)?;
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(
        IpAddr::V4(Ipv4Addr::new(127, of_process, 0, last)),
        0,
    ))?;
    let handle = tokio::runtime::Handle::current();
    let stream = handle.block_on(socket.connect(address))?.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
