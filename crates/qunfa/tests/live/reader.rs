//! A reader who is online: over SSE or a WebSocket, for one connection or coming back until told to stop.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::server::PATIENCE;

/// How a reader is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Sse,
    WebSocket,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: String,
    pub id: String,
    pub data: Value,
}

/// One connection.
pub enum Feed {
    Sse {
        lines: Lines<BufReader<OwnedReadHalf>>,
        // Closed with it.
        _write: OwnedWriteHalf,
    },
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

/// What a connection brings.
#[derive(Debug)]
pub enum Incoming {
    Event(Event),
    /// The server said when to come back, in milliseconds.
    Retry(u64),
    /// The server closed a WebSocket with this code.
    Closed(u16),
    /// The connection is gone.
    Gone,
}

impl Feed {
    /// Connects; the status of the answer where it is a refusal, 0 where there is none.
    pub async fn open(
        transport: Transport,
        address: &str,
        token: &str,
        last: Option<&str>,
    ) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.map_err(|_| 0_u16)?;
        Self::over(stream, transport, address, token, last).await
    }

    /// The same over a connection that there is.
    pub async fn over(
        stream: TcpStream,
        transport: Transport,
        address: &str,
        token: &str,
        last: Option<&str>,
    ) -> Result<Self, u16> {
        match transport {
            Transport::Sse => sse(stream, address, token, last).await,
            Transport::WebSocket => web_socket(stream, address, token, last).await,
        }
    }

    /// What comes next.
    pub async fn next(&mut self) -> Incoming {
        match self {
            Self::Sse { lines, .. } => next_sse(lines).await,
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Incoming::Event(parse(&text)),
                    Some(Ok(Message::Close(frame))) => {
                        return Incoming::Closed(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Incoming::Gone,
                }
            },
        }
    }

    /// The next event; it must come in time.
    pub async fn event(&mut self) -> Event {
        loop {
            match timeout(PATIENCE, self.next()).await.expect("something in time") {
                Incoming::Event(event) => return event,
                Incoming::Retry(_) => {}
                other => panic!("an event was expected: {other:?}"),
            }
        }
    }

    /// The next event, which is of this kind.
    pub async fn expect(&mut self, kind: &str) -> Event {
        let event = self.event().await;
        assert_eq!(event.kind, kind, "{event:?}");
        event
    }

    /// What ends the connection, which must be soon; events before it are of no interest.
    pub async fn end(&mut self) -> Incoming {
        loop {
            match timeout(PATIENCE, self.next()).await.expect("something in time") {
                Incoming::Event(_) | Incoming::Retry(_) => {}
                end => return end,
            }
        }
    }
}

async fn sse(mut stream: TcpStream, address: &str, token: &str, last: Option<&str>) -> Result<Feed, u16> {
    let last = last.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
    let request = format!(
        "GET /inbox/live HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n{last}\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|_| 0_u16)?;
    let (read, write) = stream.into_split();
    let mut lines = BufReader::with_capacity(1_024, read).lines();
    let mut status = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).and_then(|status| status.parse().ok());
        }
        assert!(
            !line.starts_with("content-encoding"),
            "events must not wait in a compressor"
        );
        if line.is_empty() {
            return match status {
                Some(200) => Ok(Feed::Sse { lines, _write: write }),
                other => Err(other.unwrap_or(0)),
            };
        }
    }
    Err(0)
}

/// The next event among the chunks of the body: their lengths stand on lines of their own.
async fn next_sse(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Incoming {
    let (mut kind, mut id) = (String::new(), String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "0" {
            // The last chunk: the feed is over, though the connection may stay.
            return Incoming::Gone;
        }
        if let Some(word) = line.strip_prefix("event: ") {
            word.clone_into(&mut kind);
        } else if let Some(text) = line.strip_prefix("id: ") {
            text.clone_into(&mut id);
        } else if let Some(ms) = line.strip_prefix("retry: ") {
            return Incoming::Retry(ms.parse().expect("a number"));
        } else if let Some(data) = line.strip_prefix("data: ") {
            return match serde_json::from_str(data) {
                Ok(data) => Incoming::Event(Event { kind, id, data }),
                // The connection was cut in the middle of it: as in a browser, that is no event.
                Err(error) if error.is_eof() => Incoming::Gone,
                Err(error) => panic!("{error}: {data}"),
            };
        }
    }
    Incoming::Gone
}

async fn web_socket(stream: TcpStream, address: &str, token: &str, last: Option<&str>) -> Result<Feed, u16> {
    let last = last.map_or_else(String::new, |last| format!("&after={last}"));
    let request = format!("ws://{address}/inbox/ws?token={token}{last}");
    let request = request.into_client_request().expect("a request");
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(Feed::WebSocket(Box::new(socket))),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(_) => Err(0),
    }
}

fn parse(text: &str) -> Event {
    let message: Value = serde_json::from_str(text).expect("JSON");
    let text = |key: &str| message[key].as_str().expect("a text").to_owned();
    Event {
        kind: text("event"),
        id: text("id"),
        data: message["data"].clone(),
    }
}

/// What a reader met who comes back again and again.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// The ids of the entries, in the order of their arrival.
    pub entries: Vec<String>,
    /// The position after the last event.
    pub last: Option<String>,
    pub connected: usize,
    pub refused: usize,
    pub cut_off: usize,
    pub said_goodbye: usize,
    /// Entries that came from the rows after coming back are not told from live ones; these came on a later connection.
    pub after_return: usize,
}

/// A reader who comes back until it is dropped.
pub struct Persistent {
    pub met: Arc<Mutex<Met>>,
    task: JoinHandle<()>,
}

impl Drop for Persistent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Persistent {
    /// Goes online.
    pub fn start(transport: Transport, address: String, token: String, number: u64) -> Self {
        let met = Arc::new(Mutex::new(Met::default()));
        let of_task = met.clone();
        let task = tokio::spawn(async move {
            let (mut pause, mut longer) = (1 + number % 97, 1);
            loop {
                let last = of_task.lock().expect("not poisoned").last.clone();
                match Feed::open(transport, &address, &token, last.as_deref()).await {
                    Ok(feed) => {
                        longer = 1;
                        follow(feed, &of_task).await;
                    }
                    Err(status) => {
                        // 500: on a machine that is busier than the storm alone makes it, an answer is not
                        // there in its five seconds.
                        assert!(matches!(status, 0 | 500 | 503), "refused with {status}");
                        of_task.lock().expect("not poisoned").refused += 1;
                        longer = (longer * 2).min(16);
                    }
                }
                // Not all at the same time, as the server asks.
                pause = pause * 31 % 251;
                tokio::time::sleep(Duration::from_millis((20 + pause) * longer)).await;
            }
        });
        Self { met, task }
    }

    /// What it met so far.
    pub fn met(&self) -> Met {
        self.met.lock().expect("not poisoned").clone()
    }

    /// Looks at what it met.
    pub fn look<T>(&self, look: impl FnOnce(&Met) -> T) -> T {
        look(&self.met.lock().expect("not poisoned"))
    }
}

async fn follow(mut feed: Feed, met: &Mutex<Met>) {
    loop {
        let incoming = feed.next().await;
        let mut met = met.lock().expect("not poisoned");
        match incoming {
            Incoming::Event(event) => {
                match event.kind.as_str() {
                    "ready" => met.connected += 1,
                    "entry" => {
                        let id = event.data["id"].as_str().expect("an id").to_owned();
                        met.entries.push(id);
                        met.after_return += usize::from(met.connected > 1);
                    }
                    _ => {}
                }
                met.last = Some(event.id);
            }
            Incoming::Retry(_) => {}
            Incoming::Closed(code) => {
                assert_eq!(code, 1012);
                met.said_goodbye += 1;
                return;
            }
            Incoming::Gone => {
                met.cut_off += 1;
                return;
            }
        }
    }
}

/// Closes a WebSocket as a browser does.
pub async fn close(feed: Feed) {
    if let Feed::WebSocket(mut socket) = feed {
        let _ = socket.send(Message::Close(None)).await;
    }
}
