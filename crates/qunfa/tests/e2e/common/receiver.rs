//! A callback receiver: a real HTTP server that keeps what it gets and answers as told.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    routing::any,
};
use tokio::net::TcpListener;

/// One request it got.
#[derive(Clone, Debug)]
pub struct Received {
    pub query: HashMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    failures_left: Mutex<usize>,
}

/// A receiver on a port of its own.
pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// A receiver that answers `success`.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let url = format!("http://{}/wx?a=1", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/wx", any(receive))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Answers the next `count` events with HTTP 500.
    pub fn fail(&self, count: usize) {
        *self.shared.failures_left.lock().expect("not poisoned") = count;
    }

    /// The events so far, without the handshake.
    pub fn events(&self) -> Vec<Received> {
        self.shared.received.lock().expect("not poisoned").clone()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> (StatusCode, String) {
    if let Some(echo) = query.get("echostr") {
        let expected = wire::callback::signature("token123", &query["timestamp"], &query["nonce"]);
        let answer = if query["signature"] == expected {
            echo.clone()
        } else {
            "wrong signature".to_owned()
        };
        return (StatusCode::OK, answer);
    }
    shared
        .received
        .lock()
        .expect("not poisoned")
        .push(Received { query, body });
    let mut failures = shared.failures_left.lock().expect("not poisoned");
    if *failures > 0 {
        *failures -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    (StatusCode::OK, "success".to_owned())
}
