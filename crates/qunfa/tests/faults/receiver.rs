//! A callback receiver that keeps every event by account and mass.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    routing::any,
};
use tokio::net::TcpListener;
use wire::callback::event::MassFinished;

#[derive(Default)]
struct Shared {
    told: Mutex<HashMap<(usize, i64), Vec<MassFinished>>>,
}

/// A receiver on a port of its own, for as long as the test runs.
pub struct Receiver {
    base: String,
    shared: Arc<Shared>,
}

impl Receiver {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let base = format!("http://{}/wx", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/wx/{account}", any(receive))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, shared }
    }

    /// Where the events of an account go.
    pub fn url(&self, account: usize) -> String {
        format!("{}/{account}", self.base)
    }

    /// What was told of a mass, once for each try that arrived.
    pub fn told(&self, account: usize, mass: i64) -> Vec<MassFinished> {
        let told = self.shared.told.lock().expect("not poisoned");
        told.get(&(account, mass)).cloned().unwrap_or_default()
    }

    /// How many events arrived, and how many of them were repeats.
    pub fn arrived(&self) -> (usize, usize) {
        let told = self.shared.told.lock().expect("not poisoned");
        let all = told.values().map(Vec::len).sum::<usize>();
        (all, all - told.len())
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<usize>,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> String {
    if let Some(echo) = query.get("echostr") {
        return echo.clone();
    }
    // Comings and goings of followers come here too.
    if let Ok(event) = MassFinished::from_xml(&body) {
        let mut told = shared.told.lock().expect("not poisoned");
        told.entry((account, event.msg_id)).or_default().push(event);
    }
    "success".to_owned()
}
