//! Connections: accepted, limited, served, and brought to an end (SEC10).
//!
//! `axum::serve` sets no times and no limits, so connections are built here.

mod patience;

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use tower::ServiceExt;

use crate::{
    api::refused::Peer,
    app::ServerSettings,
    listen::patience::{Patience, Stage},
    sandbox::observe::HangUp,
};

/// Bytes of all headers of a request, at most (SEC10).
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Header fields of a request, at most (SEC10).
const HEADER_FIELDS_MAX: usize = 100;
/// How long running requests may take once the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A stream of requests: a connection, or what a handshake made of one.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

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

/// Serves `router` until `shutdown` is done and running requests have ended, or ten seconds are over.
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
    // Dropped when the server stops: who still stands at the door goes.
    let (serving, _) = watch::channel(());
    let graceful = GracefulShutdown::new();
    let sources = Sources::default();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, source) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let Some(place) = sources.enter(source, settings.connections_per_source) else {
            continue;
        };
        let watcher = graceful.watcher();
        let (door, settings) = (Arc::clone(&door), Arc::clone(&settings));
        let mut stopping = serving.subscribe();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let passed = tokio::select! {
                passed = door.pass(stream) => passed,
                _ = stopping.changed() => None,
            };
            if let Some((stream, router)) = passed {
                connection(stream, Peer(source), router, settings, watcher).await;
            }
            drop(place);
        });
    }
    drop((listener, serving));
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// One connection from its first byte to its last, or until the server stops.
async fn connection(
    stream: Box<dyn Stream>,
    peer: Peer,
    router: Router,
    settings: Arc<ServerSettings>,
    watcher: Watcher,
) {
    let stage = Stage::new();
    let stream = Patience::new(
        stream,
        stage.clone(),
        settings.header_timeout,
        settings.keep_alive_timeout,
    );
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let served = stage.serving();
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let Ok(response) = answer.await;
            if response.extensions().get::<HangUp>().is_some() {
                return Err("hung up as a fault rule says");
            }
            // The connection waits for its next request when the answer is gone, not when it begins.
            Ok(response.map(|body| served.until_sent(body)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
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
