//! The real `qunfa serve`, killed in the middle of its channels' work.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Postgres, Process, port, postgres::database_of};

use crate::{
    listener::{Answer, Listener, Told},
    service::{Browser, PushService},
};

const ADMIN: &str = "push-admin-token-0123456789";
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A server over a folder that outlives it.
struct Server {
    process: Process,
    base: String,
    http: reqwest::Client,
}

/// When the server is killed, by batches told. A server on PostgreSQL waits until the dead one's lease is over.
fn kills(folder: &Path) -> &'static [usize] {
    match database_of(folder) {
        None => &[2, 6, 9, 13, 17, 21],
        Some(_) => &[6, 17],
    }
}

impl Server {
    async fn start(folder: &Path) -> Self {
        Self::start_on(folder, "data").await
    }

    /// One of several over the database of a folder.
    async fn start_on(folder: &Path, data: &str) -> Self {
        let port = port::free();
        let mut serve = Command::new(env!("CARGO_BIN_EXE_qunfa"));
        serve
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder.join(data))
            .env("QUNFA_STORE_MASTER_KEY_FILE", folder.join("master.key"))
            .env("QUNFA_ADMIN_TOKEN", ADMIN)
            .env("QUNFA_CALLBACK_ALLOW", "127.0.0.0/8")
            .env("QUNFA_PUSH_ALLOW", "127.0.0.0/8")
            .env("QUNFA_PUSH_CONTACT", "mailto:ops@example.org")
            .env("QUNFA_SPEED_LEVELS", "0,0,0,0,0")
            .env("QUNFA_LOG_LEVEL", "debug")
            .env("RUST_BACKTRACE", "0");
        if let Some(url) = database_of(folder) {
            serve.env("QUNFA_STORE_URL", format!("{url}?sslmode=disable"));
        }
        let server = Self {
            process: Process::start("the server", &mut serve, folder),
            base: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
        };
        let began = Instant::now();
        while server
            .http
            .get(format!("{}/readyz", server.base))
            .send()
            .await
            .is_err()
        {
            assert!(began.elapsed().as_secs() < 60, "it does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Value {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token);
        let answer = request.json(&body).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn native(&self, method: Method, path: &str, body: Value) -> Value {
        self.call(method, path, ADMIN, body).await
    }

    /// A service account with followers u0, u1, …
    async fn account(&self, followers: usize) -> String {
        let new = json!({"name": "城市公报", "kind": "service", "verified": true});
        let made = self.native(Method::POST, "/v1/accounts", new).await;
        let appid = made["appid"].as_str().expect("an appid").to_owned();
        let lifted = json!({"quota": {"history_per_day": null, "history_per_month": null}});
        self.native(Method::PATCH, &format!("/v1/accounts/{appid}"), lifted)
            .await;
        let rows: String = (0..followers).map(|number| format!("u{number}\n")).collect();
        let import = self
            .http
            .post(format!("{}/v1/accounts/{appid}/followers", self.base))
            .bearer_auth(ADMIN)
            .body(format!("external_id\n{rows}"));
        let answer = import.send().await.expect("an answer");
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.expect("text")
        );
        appid
    }

    /// Some browsers of each of the first followers of an account.
    async fn browsers(
        &self,
        service: &PushService,
        appid: &str,
        readers: usize,
        each: usize,
    ) -> Vec<Browser> {
        let mut browsers = Vec::new();
        for number in 0..readers {
            let who = json!({"external_id": format!("u{number}")});
            let tokens = format!("/v1/accounts/{appid}/inbox-tokens");
            let token = self.native(Method::POST, &tokens, who).await["token"].clone();
            let token = token.as_str().expect("a token");
            let key = self.call(Method::GET, "/inbox/push", token, json!({})).await;
            let key = key["public_key"].as_str().expect("a key");
            for _ in 0..each {
                let browser = service.browser(key).await;
                let subscription = browser.subscription.clone();
                self.call(Method::POST, "/inbox/push/subscriptions", token, subscription)
                    .await;
                browsers.push(browser);
            }
        }
        browsers
    }

    async fn send(&self, appid: &str, text: &str) {
        let body = json!({"filter": {"is_to_all": true}, "text": {"content": text}, "msgtype": "text"});
        self.native(Method::POST, &format!("/v1/accounts/{appid}/masses"), body)
            .await;
    }
}

/// SEC4: nothing secret in what the servers of a folder logged, at the level `debug`.
fn check_log(folder: &Path, secrets: &[&str]) {
    let log = std::fs::read_to_string(folder.join("log")).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
    for secret in secrets {
        assert!(!log.contains(secret), "sec04: {secret}");
    }
}

#[tokio::test]
async fn i09_a_server_killed_between_batches_tells_every_follower_in_order() {
    const FOLLOWERS: usize = 12_500;
    const SENDS: [&str; 2] = ["one", "two"];
    let folder = tempfile::tempdir().expect("a folder");
    let listener = Listener::start().await;
    let server = Server::start(folder.path()).await;
    let appid = server.account(FOLLOWERS).await;
    let path = format!("/v1/accounts/{appid}/push-bridge");
    server
        .native(Method::PUT, &path, json!({"url": listener.url, "secret": SECRET}))
        .await;
    listener.answer(Answer::Slow(Duration::from_millis(30)));
    for text in SENDS {
        server.send(&appid, text).await;
    }
    let mut server = server;
    let whole = SENDS.len() * FOLLOWERS.div_ceil(1_000);
    let kills = kills(folder.path());
    for batches in kills {
        listener.wait(*batches).await;
        server.process.kill();
        server = Server::start(folder.path()).await;
    }
    let distinct = |told: &[Told]| {
        told.iter()
            .map(|one| one.id().to_owned())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let told = listener.wait_for(|told| distinct(told) == whole).await;
    // The first time that each batch came, they came in order; what came again was the one that was under way.
    let mut firsts: Vec<&Told> = Vec::new();
    for one in &told {
        assert!(one.is_signed_with(SECRET));
        match firsts.iter().position(|first| first.id() == one.id()) {
            None => firsts.push(one),
            Some(place) => {
                assert_eq!(place + 1, firsts.len(), "only the last one is repeated");
                assert_eq!(firsts[place].body, one.body, "and it is the same");
            }
        }
    }
    for (send, text) in SENDS.iter().enumerate() {
        let part = &firsts[send * whole / 2..(send + 1) * whole / 2];
        assert!(part.iter().all(|one| one.json()["entry"]["text"] == **text));
        let named: Vec<String> = part.iter().flat_map(|one| one.external_ids()).collect();
        assert_eq!(
            named,
            (0..FOLLOWERS)
                .map(|number| format!("u{number}"))
                .collect::<Vec<_>>()
        );
    }
    println!(
        "{} kills, {} batches, {} told again",
        kills.len(),
        firsts.len(),
        told.len() - firsts.len()
    );
    server.process.kill();
    check_log(folder.path(), &[SECRET, &SECRET[6..], &listener.url, ADMIN]);
}

#[tokio::test]
async fn i09_a_server_killed_between_pages_pushes_to_every_browser() {
    const READERS: usize = 40;
    const EACH: usize = 15;
    let folder = tempfile::tempdir().expect("a folder");
    let service = PushService::start().await;
    let mut server = Server::start(folder.path()).await;
    let appid = server.account(READERS).await;
    let browsers = server.browsers(&service, &appid, READERS, EACH).await;
    server.send(&appid, "one").await;
    let times_killed = kills(folder.path()).len().min(3);
    for times in 0..times_killed {
        service.wait_total(100 + 200 * times as u64).await;
        server.process.kill();
        server = Server::start(folder.path()).await;
    }
    let mut times = BTreeMap::new();
    for browser in &browsers {
        let began = Instant::now();
        loop {
            let pushes = service.pushes(browser).await;
            if !pushes.is_empty() {
                *times.entry(pushes.len()).or_insert(0) += 1;
                assert_eq!(pushes[0]["claims"]["sub"], "mailto:ops@example.org");
                break;
            }
            assert!(began.elapsed().as_secs() < 60, "a browser was never pushed to");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    println!("{times_killed} kills, browsers by pushes: {times:?}");
    // A page that was under way is repeated, never more.
    assert!(
        times.keys().all(|pushes| *pushes <= times_killed + 1),
        "{times:?}"
    );
    server.process.kill();
    let endpoint = browsers[0].subscription["endpoint"].as_str().expect("text");
    let auth = browsers[0].subscription["keys"]["auth"].as_str().expect("text");
    check_log(folder.path(), &[endpoint, auth, ADMIN]);
}

#[tokio::test]
async fn i16_workers_on_one_database_share_lanes_and_push_and_tell_everything_once() {
    const FOLLOWERS: usize = 5_000;
    let folder = tempfile::tempdir().expect("a folder");
    let database = Postgres::shared().create_database();
    std::fs::write(folder.path().join("database.url"), database).expect("a note");
    let (service, listener) = tokio::join!(PushService::start(), Listener::start());
    let first = Server::start_on(folder.path(), "one").await;
    let second = Server::start_on(folder.path(), "two").await;
    let (appid, other) = (first.account(FOLLOWERS).await, second.account(FOLLOWERS).await);
    let bridge = json!({"url": listener.url, "secret": SECRET});
    for appid in [&appid, &other] {
        let path = format!("/v1/accounts/{appid}/push-bridge");
        first.native(Method::PUT, &path, bridge.clone()).await;
    }
    let mut browsers = first.browsers(&service, &appid, 30, 2).await;
    browsers.extend(second.browsers(&service, &other, 30, 2).await);
    for text in ["one", "two"] {
        first.send(&appid, text).await;
        second.send(&other, text).await;
    }
    let told = listener.wait(20).await;
    let ids: BTreeSet<&str> = told.iter().map(Told::id).collect();
    assert_eq!((told.len(), ids.len()), (20, 20), "no batch twice");
    for browser in &browsers {
        service.wait_pushes(browser, 2).await;
    }
}
