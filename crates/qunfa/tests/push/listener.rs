//! A push bridge: a real HTTP server that keeps what it is told and answers as it is asked to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::any,
};
use serde_json::Value;
use tokio::net::TcpListener;

/// One call.
#[derive(Clone, Debug)]
pub struct Told {
    pub headers: HeaderMap,
    pub body: String,
}

/// How calls are answered.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Status(u16),
    /// This status until so many calls have come, then 200.
    Until(usize, u16),
    Redirect,
    /// Never.
    Hang,
    /// 200 after this time.
    Slow(Duration),
}

struct Shared {
    told: Mutex<Vec<Told>>,
    answer: Mutex<Answer>,
    now: AtomicUsize,
    most: AtomicUsize,
    elsewhere: AtomicUsize,
}

/// A bridge on a port of its own.
pub struct Listener {
    pub url: String,
    shared: Arc<Shared>,
}

impl Told {
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The external ids that it names.
    pub fn external_ids(&self) -> Vec<String> {
        let body = self.json();
        let followers = body["followers"].as_array().expect("a list").clone();
        let id = |follower: &Value| follower["external_id"].as_str().expect("text").to_owned();
        followers.iter().map(id).collect()
    }

    /// Whether the reference implementation signs this the same way.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let text = |name: &str| self.headers[name].to_str().expect("text");
        let at: i64 = text("webhook-timestamp").parse().expect("a number");
        let webhook = standardwebhooks::Webhook::new(secret).expect("a secret");
        let expected = webhook.sign(self.id(), at, self.body.as_bytes()).expect("signs");
        text("webhook-signature") == expected
    }
}

impl Listener {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            told: Mutex::default(),
            answer: Mutex::new(Answer::Status(200)),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            elsewhere: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let url = format!("http://{}/qunfa", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/qunfa", any(receive))
            .route("/elsewhere", any(elsewhere))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// How calls are answered from now on.
    pub fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().expect("not poisoned") = answer;
    }

    /// All calls so far.
    pub fn told(&self) -> Vec<Told> {
        self.shared.told.lock().expect("not poisoned").clone()
    }

    /// All calls, once they are so many.
    pub async fn wait(&self, count: usize) -> Vec<Told> {
        self.wait_for(|told| told.len() >= count).await
    }

    /// All calls, once they are as wanted.
    pub async fn wait_for(&self, wanted: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        for _ in 0..1_500 {
            let told = self.told();
            if wanted(&told) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "not told: {:#?}",
            self.told().iter().map(Told::id).collect::<Vec<_>>()
        );
    }

    /// Calls that were under way at the same time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    /// Calls that followed a redirect.
    pub fn elsewhere(&self) -> usize {
        self.shared.elsewhere.load(Ordering::SeqCst)
    }
}

async fn elsewhere(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.elsewhere.fetch_add(1, Ordering::SeqCst);
    StatusCode::OK
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let at_once = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(at_once, Ordering::SeqCst);
    let answer = *shared.answer.lock().expect("not poisoned");
    let before = shared.told.lock().expect("not poisoned").len();
    let status = match answer {
        Answer::Status(status) => status,
        Answer::Until(calls, status) if before < calls => status,
        Answer::Until(..) => 200,
        Answer::Slow(_) => 200,
        Answer::Redirect => 307,
        Answer::Hang => 0,
    };
    shared.told.lock().expect("not poisoned").push(Told {
        headers,
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    });
    match answer {
        Answer::Hang => {
            shared.now.fetch_sub(1, Ordering::SeqCst);
            std::future::pending().await
        }
        Answer::Slow(time) => tokio::time::sleep(time).await,
        Answer::Status(_) | Answer::Until(..) | Answer::Redirect => {}
    }
    shared.now.fetch_sub(1, Ordering::SeqCst);
    match answer {
        Answer::Redirect => Redirect::temporary("/elsewhere").into_response(),
        _ => StatusCode::from_u16(status).expect("a status").into_response(),
    }
}
