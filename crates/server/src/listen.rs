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

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
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

/// Serves `router` until `shutdown` is done and running requests have ended, or ten seconds are over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: Arc<ServerSettings>,
    shutdown: impl Future<Output = ()>,
) {
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
        let (router, settings) = (router.clone(), Arc::clone(&settings));
        tokio::spawn(async move {
            connection(stream, Peer(source), router, settings, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// One connection from its first byte to its last, or until the server stops.
async fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    settings: Arc<ServerSettings>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
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
