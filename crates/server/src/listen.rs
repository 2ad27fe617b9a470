//! Connections: accepted, limited, served, and brought to an end (SEC10).
//!
//! `axum::serve` sets no times and no limits, so connections are built here.

mod hold;
mod patience;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use store::measure;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};
use tower::ServiceExt;

pub use crate::listen::hold::Hold;
use crate::{
    app::ServerSettings,
    listen::{
        hold::Entrance,
        patience::{Patience, Stage},
    },
    sandbox::observe::HangUp,
    source::{Source, source},
};

/// Bytes of all headers of a request, at most (SEC10).
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Header fields of a request, at most (SEC10).
const HEADER_FIELDS_MAX: usize = 100;
/// When no connection came for this long after the server was asked to stop, nobody stands before its door: those
/// who did would be cut off with the listener.
const LAST_GUEST: Duration = Duration::from_millis(20);
/// For how long such connections are still taken, at most.
const LAST_GUESTS: Duration = Duration::from_secs(1);
/// What the system keeps for a connection beyond what is on its way, about: a peer that does not read is soon known, and
/// many of them do not fill the memory.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT_BYTES_MAX: u32 = 64 << 10;
/// How long to wait when no connection can be accepted, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A stream of requests: a connection, or what a handshake made of one.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// What a connection passes before its requests are read, for instance a TLS handshake.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// The stream behind the door and who answers on it; `None` when the connection ended at the door. It
    /// keeps its own time and size limits.
    async fn pass(&self, stream: TcpStream) -> Option<(Box<dyn Stream>, Router)>;
}

/// The door of a plain HTTP server.
struct Open(Router);

#[async_trait]
impl Door for Open {
    async fn pass(&self, stream: TcpStream) -> Option<(Box<dyn Stream>, Router)> {
        Some((Box::new(stream), self.0.clone()))
    }
}

/// Serves `router` until `shutdown` is done and running requests have ended, or `stop_timeout` is over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: Arc<ServerSettings>,
    shutdown: impl Future<Output = ()>,
) {
    serve_behind(Arc::new(Open(router)), listener, settings, shutdown).await;
}

/// The same for connections that pass a door first.
pub async fn serve_behind(
    door: Arc<dyn Door>,
    listener: TcpListener,
    settings: Arc<ServerSettings>,
    shutdown: impl Future<Output = ()>,
) {
    let mut house = House {
        door,
        settings,
        sources: Sources::default(),
        stopping: watch::Sender::new(()),
    };
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => house.receive(accepted).await,
            () = &mut shutdown => break,
        }
    }
    let end = Instant::now() + LAST_GUESTS;
    while let Ok(Ok(accepted)) = timeout_at(end, timeout(LAST_GUEST, listener.accept())).await {
        house.receive(accepted).await;
    }
    // Who stands in the queue at this moment is let in: closing it would cut them off.
    if let Ok(queue) = listener.into_std() {
        while let Ok((stream, peer)) = queue.accept() {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            house.receive(stream.map(|stream| (stream, peer))).await;
        }
    }
    house.close().await;
}

/// What connections are received with.
struct House {
    door: Arc<dyn Door>,
    settings: Arc<ServerSettings>,
    sources: Sources,
    // Told when the server stops: who still stands at the door goes, and requests under way are the last of their
    // connections. Everybody inside holds a receiver.
    stopping: watch::Sender<()>,
}

impl House {
    /// Takes a connection in, unless its source has too many.
    async fn receive(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => return pause_after(&error).await,
        };
        // A trusted proxy has the connections of many: its requests are counted by what it forwards.
        let proxy = self
            .settings
            .trusted_proxies
            .iter()
            .any(|network| network.contains(&peer));
        let max = if proxy {
            usize::MAX
        } else {
            self.settings.connections_per_source
        };
        let Some(place) = self.sources.enter(peer, max) else {
            metrics::counter!(measure::CONNECTIONS_REFUSED.name).increment(1);
            return;
        };
        let guest = Guest {
            peer,
            proxy,
            sources: self.sources.clone(),
            settings: Arc::clone(&self.settings),
            entrance: Arc::new(Entrance {
                _place: place,
                _counted: Counted::new(),
                stopping: self.stopping.subscribe(),
            }),
        };
        let door = Arc::clone(&self.door);
        tokio::spawn(async move {
            let mut stopping = guest.entrance.stopping.clone();
            prepare(&stream);
            let passed = tokio::select! {
                passed = door.pass(stream) => passed,
                _ = stopping.changed() => None,
            };
            if let Some((stream, router)) = passed {
                connection(stream, guest, router, stopping).await;
            }
        });
    }

    /// Lets the requests under way end.
    async fn close(self) {
        self.stopping.send_replace(());
        if timeout(self.settings.stop_timeout, self.stopping.closed())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time");
        }
    }
}

/// Counts a connection as long as it is open.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!(measure::HTTP_CONNECTIONS.name).increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!(measure::HTTP_CONNECTIONS.name).decrement(1);
    }
}

/// Who is at the other end of a connection.
struct Guest {
    peer: IpAddr,
    /// Whether it is a trusted proxy.
    proxy: bool,
    sources: Sources,
    settings: Arc<ServerSettings>,
    entrance: Arc<Entrance>,
}

impl Guest {
    /// Where a request comes from, and the place that it has there if it was forwarded; `None` when there is none.
    fn place(&self, request: &Request<Incoming>) -> (Source, Option<Option<Place>>) {
        let source = source(self.peer, request.headers(), &self.settings.trusted_proxies);
        if !self.proxy || source.address == self.peer {
            return (source, Some(None));
        }
        let place = self
            .sources
            .enter(source.address, self.settings.connections_per_source);
        (source, place.map(Some))
    }
}

/// One connection from its first byte to its last, or until the server stops.
async fn connection(
    stream: Box<dyn Stream>,
    guest: Guest,
    router: Router,
    mut stopping: watch::Receiver<()>,
) {
    let stage = Stage::new();
    let stream = Patience::new(
        stream,
        stage.clone(),
        guest.settings.header_timeout,
        guest.settings.keep_alive_timeout,
    );
    let service = service_fn(move |mut request: Request<Incoming>| {
        let within = header_bytes(&request) <= HEADER_BYTES_MAX;
        let (source, place) = guest.place(&request);
        let crowded = place.is_none();
        let hold = Hold::new(stage.serving(), place.flatten(), guest.entrance.clone());
        request.extensions_mut().insert(source);
        request.extensions_mut().insert(hold.clone());
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            if crowded {
                metrics::counter!(measure::CONNECTIONS_REFUSED.name).increment(1);
                return Ok(too_many().map(|body| hold.until_sent(body)));
            }
            if !within {
                // hyper's buffer may take in a little more than its limit when the end comes with the last read.
                let refused = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
                return Ok(refused.map(|body| hold.until_sent(body)));
            }
            let Ok(response) = answer.await;
            if response.extensions().get::<HangUp>().is_some() {
                return Err("hung up as a fault rule says");
            }
            // The connection waits for its next request when the answer is gone, not when it begins.
            Ok(response.map(|body| hold.until_sent(body)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Bytes of a request's line and headers, as they came.
fn header_bytes(request: &Request<Incoming>) -> usize {
    let line = request.method().as_str().len()
        + request.uri().path().len()
        + request.uri().query().map_or(0, str::len);
    let fields = request.headers().iter();
    line + fields
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
}

/// The answer to who has too many requests under way behind a proxy.
fn too_many() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, "too many requests at a time\n").into_response()
}

async fn pause_after(error: &io::Error) {
    let of_the_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !of_the_peer {
        tracing::error!(%error, "no connection could be accepted");
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Sets a new connection up; one that its peer has closed already fails later by itself.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
}

/// How many connections each address has.
#[derive(Clone, Default)]
struct Sources(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address; given back when dropped.
struct Place {
    sources: Sources,
    source: IpAddr,
}

impl Sources {
    fn enter(&self, source: IpAddr, max: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place {
            sources: self.clone(),
            source,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests;
