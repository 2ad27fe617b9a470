//! Whether the server lives, and whether it can work: `/healthz` and `/readyz`.
//!
//! A server is made of [`Part`]s. Each is really tried: the store writes, the blobs are written and read. What is
//! told to everybody is which part is in order and since when; the cause is in the log, because it may name paths
//! and hosts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::time::Timestamp;
use futures::future::join_all;
use serde::Serialize;
use store::{Store, blob::Blobs, bus::Bus, clock::Clock};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::app::App;

/// Answers within this time share one look at the parts, so that nobody can make the server write by asking.
const FRESH: Duration = Duration::from_secs(1);
/// Time that a part has for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What it means when a part is not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The server cannot do its work: 503.
    Needed,
    /// It works on, later or worse: a warning.
    Helpful,
}

/// Why a part is not in order.
#[derive(Clone, Debug)]
pub struct Fault {
    /// For everybody: names no path, host or value.
    pub reason: &'static str,
    /// For the log.
    pub cause: String,
}

/// Something that the server needs or that helps it.
#[async_trait]
pub trait Part: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// What it means when it is not in order.
    fn weight(&self) -> Weight {
        Weight::Needed
    }
    /// Tries it; nothing may grow by being asked again and again.
    async fn check(&self) -> Result<(), Fault>;
}

/// How a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which part.
    pub part: &'static str,
    /// What it means when it is not in order.
    pub weight: Weight,
    /// Why it is not in order; `None` when it is.
    pub reason: Option<&'static str>,
    /// Since when, as far as was seen.
    pub since: Timestamp,
}

/// The parts of this server, and how they stood when they were last looked at.
#[derive(Default)]
pub struct Health {
    parts: Vec<Box<dyn Part>>,
    latest: Mutex<Option<(Instant, Vec<Standing>)>>,
    stopping: AtomicBool,
}

impl Health {
    /// A server of these parts.
    pub fn new(parts: Vec<Box<dyn Part>>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// From now on the server is not ready: it is about to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it is about to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// How every part stands; at most a second old.
    pub async fn standings(&self, now: Timestamp) -> Vec<Standing> {
        let mut latest = self.latest.lock().await;
        let before = match latest.take() {
            Some((at, standings)) if at.elapsed() < FRESH => {
                *latest = Some((at, standings.clone()));
                return standings;
            }
            Some((_, standings)) => standings,
            None => Vec::new(),
        };
        let standings: Vec<Standing> = join_all(self.parts.iter().map(|part| look_at(part.as_ref())))
            .await
            .into_iter()
            .zip(&self.parts)
            .map(|(found, part)| standing(part.as_ref(), found, &before, now))
            .collect();
        *latest = Some((Instant::now(), standings.clone()));
        standings
    }
}

async fn look_at(part: &dyn Part) -> Result<(), Fault> {
    let late = Fault {
        reason: "does not answer",
        cause: format!("no answer within {} s", PATIENCE.as_secs()),
    };
    timeout(PATIENCE, part.check()).await.unwrap_or(Err(late))
}

/// How a part stands now; a change is logged.
fn standing(part: &dyn Part, found: Result<(), Fault>, before: &[Standing], now: Timestamp) -> Standing {
    let (name, reason) = (part.name(), found.as_ref().err().map(|fault| fault.reason));
    let earlier = before.iter().find(|earlier| earlier.part == name);
    let changed = earlier.is_none_or(|earlier| earlier.reason != reason);
    match &found {
        Err(fault) if changed => {
            tracing::error!(part = name, reason, cause = fault.cause, "a part is not in order");
        }
        Ok(()) if changed && earlier.is_some() => tracing::info!(part = name, "a part is in order again"),
        _ => {}
    }
    Standing {
        part: name,
        weight: part.weight(),
        reason,
        since: earlier.filter(|_| !changed).map_or(now, |earlier| earlier.since),
    }
}

impl Standing {
    /// Whether the server can work with a part that stands like this.
    fn lets_work(&self) -> bool {
        self.reason.is_none() || self.weight == Weight::Helpful
    }

    fn word(&self) -> &'static str {
        match (self.reason, self.weight) {
            (None, _) => "ok",
            (Some(_), Weight::Needed) => "failed",
            (Some(_), Weight::Helpful) => "warning",
        }
    }
}

/// The rows: a real write and a real read.
pub struct StorePart(
    /// The store.
    pub Arc<dyn Store>,
);

/// The bytes: a real write and a real read.
pub struct BlobsPart(
    /// The blob store.
    pub Blobs,
);

/// The wake-ups. Without them everything comes with the next scan (I17).
pub struct BusPart(
    /// The bus.
    pub Bus,
);

/// The clock.
pub struct ClockPart(
    /// The one clock.
    pub Arc<dyn Clock>,
);

#[async_trait]
impl Part for StorePart {
    fn name(&self) -> &'static str {
        "store"
    }

    async fn check(&self) -> Result<(), Fault> {
        self.0.check_health().await.map_err(|error| Fault {
            reason: "cannot be written and read",
            cause: error.to_string(),
        })
    }
}

#[async_trait]
impl Part for BlobsPart {
    fn name(&self) -> &'static str {
        "blobs"
    }

    async fn check(&self) -> Result<(), Fault> {
        self.0.check_health().await.map_err(|error| Fault {
            reason: "cannot be written and read",
            cause: error.to_string(),
        })
    }
}

#[async_trait]
impl Part for BusPart {
    fn name(&self) -> &'static str {
        "bus"
    }

    fn weight(&self) -> Weight {
        Weight::Helpful
    }

    async fn check(&self) -> Result<(), Fault> {
        match self.0.listeners() {
            0 => Err(Fault {
                reason: "wake-ups reach nobody",
                cause: "the bus has no listener".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Part for ClockPart {
    fn name(&self) -> &'static str {
        "clock"
    }

    async fn check(&self) -> Result<(), Fault> {
        self.0.check().map_err(|doubt| Fault {
            reason: "does not agree with the clock of the installation; no work is done",
            cause: doubt.to_string(),
        })
    }
}

/// What `/readyz` answers.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    parts: Vec<PartShape>,
}

#[derive(Debug, Serialize)]
struct PartShape {
    part: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
}

/// `GET /readyz`: 200, or 503 while the server cannot do its work or is about to stop. JSON; lines of text for
/// `Accept: text/plain`.
async fn ready(State(app): State<App>, headers: HeaderMap) -> Response {
    let standings = app.health.standings(app.now()).await;
    let stopping = app.health.stopping();
    let readiness = Readiness {
        ready: !stopping && standings.iter().all(Standing::lets_work),
        parts: shapes(&app, stopping, &standings),
    };
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = match wants_text(&headers) {
        true => readiness.text().into_response(),
        false => Json(readiness).into_response(),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn shapes(app: &App, stopping: bool, standings: &[Standing]) -> Vec<PartShape> {
    let server = stopping.then_some(PartShape {
        part: "server",
        state: "failed",
        reason: Some("is stopping"),
        since: None,
    });
    let parts = standings.iter().map(|standing| PartShape {
        part: standing.part,
        state: standing.word(),
        reason: standing.reason,
        since: Some(app.rfc3339(standing.since)),
    });
    server.into_iter().chain(parts).collect()
}

impl Readiness {
    fn text(&self) -> String {
        let mut text = String::from(if self.ready { "ready\n" } else { "not ready\n" });
        for PartShape {
            part,
            state,
            reason,
            since,
        } in &self.parts
        {
            let since = since
                .as_ref()
                .map_or(String::new(), |since| format!(" since {since}"));
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            text.push_str(&format!("{part} {state}{since}{reason}\n"));
        }
        text
    }
}

/// Whether the caller asks for text rather than JSON.
fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| {
        let mut kinds = accept
            .split(',')
            .map(|kind| kind.split(';').next().unwrap_or_default().trim());
        matches!(
            kinds.find(|kind| matches!(*kind, "text/plain" | "application/json")),
            Some("text/plain")
        )
    })
}
