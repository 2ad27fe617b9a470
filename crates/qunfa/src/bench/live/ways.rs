//! What the live feed is compared with: a bare event loop that writes the same bytes, and NATS core.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::bench::BenchResult;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);
/// The first is on the PATH of most; Debian keeps it where only root's PATH looks.
const NATS: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];
/// The subject of the measurement.
const SUBJECT: &str = "live";

/// Sockets, and a loop that writes to each.
pub(super) struct EventLoop {
    listener: TcpListener,
    poll: Poll,
    sockets: Vec<mio::net::TcpStream>,
}

impl EventLoop {
    pub(super) fn start() -> BenchResult<Self> {
        Ok(Self {
            listener: TcpListener::bind("127.0.0.1:0")?,
            poll: Poll::new()?,
            sockets: Vec::new(),
        })
    }

    pub(super) fn address(&self) -> BenchResult<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Takes in so many connections.
    pub(super) fn accept(&mut self, count: usize) -> BenchResult<()> {
        for number in 0..count {
            let (stream, _) = self.listener.accept()?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            let registry = self.poll.registry();
            registry.register(&mut stream, Token(number), Interest::WRITABLE)?;
            self.sockets.push(stream);
        }
        Ok(())
    }

    /// Writes `bytes` to every socket; one that takes no more is waited for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> BenchResult<()> {
        let mut rest: Vec<&[u8]> = vec![bytes; self.sockets.len()];
        let mut waiting = 0_usize;
        for (socket, rest) in self.sockets.iter_mut().zip(&mut rest) {
            waiting += usize::from(!write_some(socket, rest)?);
        }
        let mut events = Events::with_capacity(1_024);
        while waiting > 0 {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                let place = event.token().0;
                if let (Some(socket), Some(rest)) = (self.sockets.get_mut(place), rest.get_mut(place))
                    && !rest.is_empty()
                {
                    waiting -= usize::from(write_some(socket, rest)?);
                }
            }
        }
        Ok(())
    }
}

/// Writes what goes; whether that was all.
fn write_some(socket: &mut mio::net::TcpStream, rest: &mut &[u8]) -> BenchResult<bool> {
    while !rest.is_empty() {
        match socket.write(rest) {
            Ok(length) => *rest = rest.get(length..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// A NATS server and who publishes there.
pub(super) struct Nats {
    process: Child,
    address: SocketAddr,
    publisher: TcpStream,
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Nats {
    /// `None` where there is no NATS server on this machine.
    pub(super) fn start() -> BenchResult<Option<Self>> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = address.port().to_string();
        let started = NATS.iter().find_map(|program| {
            let mut command = Command::new(program);
            command
                .args(["--addr", "127.0.0.1", "--port", &port])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().ok()
        });
        let Some(mut process) = started else {
            return Ok(None);
        };
        let began = Instant::now();
        let publisher = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) if began.elapsed() > START => {
                    let _ = process.kill();
                    return Err(error.into());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let mut nats = Self {
            process,
            address,
            publisher,
        };
        nats.publisher.set_nodelay(true)?;
        nats.publisher
            .write_all(b"CONNECT {\"verbose\":false,\"echo\":false}\r\nPING\r\n")?;
        let mut read = Vec::new();
        let mut buffer = [0; 4_096];
        while !read.ends_with(b"PONG\r\n") {
            let length = nats.publisher.read(&mut buffer)?;
            read.extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
        Ok(Some(nats))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a subscriber says; it is there when it is answered `PONG`.
    pub(super) fn subscription() -> String {
        format!("CONNECT {{\"verbose\":false}}\r\nSUB {SUBJECT} 1\r\nPING\r\n")
    }

    /// Publishes `event` so many times, in one write.
    pub(super) fn publish(&mut self, event: &[u8], times: usize) -> BenchResult<()> {
        let mut one = format!("PUB {SUBJECT} {}\r\n", event.len()).into_bytes();
        one.extend_from_slice(event);
        one.extend_from_slice(b"\r\n");
        Ok(self.publisher.write_all(&one.repeat(times))?)
    }
}
