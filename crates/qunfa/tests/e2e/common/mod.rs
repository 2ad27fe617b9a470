//! A server of its own for every test: the real node on a real socket, with a clock that stands still.

pub mod files;
pub mod receiver;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::time::{Calendar, Timestamp, parse_rfc3339};
use qunfa::{
    clock::{VirtualClock, WallClock},
    sandbox::{Sandbox, SandboxConfig, World, intercept::Interception},
};
use reqwest::Method;
use serde_json::{Value, json};
use store::{check, clock::Clock, postgres::PostgresOptions, reader::Reader};
use testkit::postgres::database_of;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The verified service account with the payment permission.
pub const SERVICE: &str = "wx0000000000000001";
/// The verified subscription account.
pub const SUBSCRIPTION: &str = "wx0000000000000002";
/// The service account that is not verified.
pub const UNVERIFIED: &str = "wx0000000000000003";

/// A running server.
pub struct TestServer {
    pub base: String,
    pub clock: Arc<VirtualClock>,
    http: reqwest::Client,
    folder: Option<tempfile::TempDir>,
    data: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl TestServer {
    /// A server with three accounts of ten followers each, on a Sunday morning.
    pub async fn start() -> Self {
        Self::with_followers(10).await
    }

    /// The same with another number of followers.
    pub async fn with_followers(followers: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self::in_folder(folder.path(), followers).await;
        server.folder = Some(folder);
        server
    }

    /// A server over a folder that outlives it.
    pub async fn in_folder(folder: &Path, followers: usize) -> Self {
        Self::launch(folder, followers, None).await
    }

    /// The same, also in the place of WeChat's hosts.
    pub async fn launch(folder: &Path, followers: usize, interception: Option<Interception>) -> Self {
        let usual: (_, Arc<dyn Clock>) = (World::default(), Arc::new(WallClock::default()));
        Self::open(folder, followers, usual, interception).await
    }

    /// The same with followers as described, and with another clock for the machine's.
    pub async fn open(
        folder: &Path,
        followers: usize,
        (world, wall): (World, Arc<dyn Clock>),
        interception: Option<Interception>,
    ) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let config = SandboxConfig {
            folder: folder.to_owned(),
            postgres: database_of(folder).map(PostgresOptions::new),
            public_url: base.clone(),
            followers,
            seed: 1,
            clock_runs: false,
            start: Some(at("2026-11-22T10:00:00+08:00")),
            world,
            keep_start: true,
        };
        let sandbox = Sandbox::open_beside(wall, &config, &|_, _| {})
            .await
            .expect("the sandbox opens");
        let (clock, control) = (sandbox.clock.clone(), sandbox.control.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            sandbox
                .node
                .serve_intercepting(listener, Some(control), interception, shutdown)
                .await;
        });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            base,
            clock,
            http: http.expect("a client"),
            folder: None,
            data: folder.to_owned(),
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// Stops the server and waits until its folder is free.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(task) = self.task.take() {
            task.await.expect("the server ends without a panic");
        }
    }

    /// An account of the sandbox, logged in.
    pub async fn account(&self, app_id: &str) -> TestAccount<'_> {
        let secret = format!("000000000000000000000000000000{}", &app_id[app_id.len() - 2..]);
        let answer = self
            .get(&format!(
                "/cgi-bin/token?grant_type=client_credential&appid={app_id}&secret={secret}"
            ))
            .await;
        let token = answer["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {answer}"))
            .to_owned();
        TestAccount {
            server: self,
            app_id: app_id.to_owned(),
            token,
        }
    }

    /// GET; the answer must be HTTP 200 with one line of JSON.
    pub async fn get(&self, path: &str) -> Value {
        self.api(self.http.get(format!("{}{path}", self.base))).await
    }

    /// POST of a text.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Value {
        self.api(self.http.post(format!("{}{path}", self.base)).body(body))
            .await
    }

    /// Any request to the compatible API, held to the rules of clients.md §1.
    pub async fn api(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "rule 1: HTTP 200 always");
        let kind = answer.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        assert_eq!(kind, "application/json", "rule 4");
        let text = answer.text().await.expect("a body");
        assert!(!text.contains(['\n', '\r', '\t']), "rule 3: one line: {text}");
        assert!(!text.contains("null"), "rule 5: nothing is null: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A request without any expectation.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A call of the native API as the operator; status and body.
    pub async fn native(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path).bearer_auth("sandbox");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        };
        (status, value)
    }

    /// Moves the clock through the sandbox's route, which lets everything happen that falls due.
    pub async fn advance(&self, seconds: i64) {
        let (status, answer) = self
            .native(
                Method::POST,
                "/sandbox/clock",
                Some(json!({"advance_seconds": seconds})),
            )
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Lets everything happen that is due now.
    pub async fn settle(&self) {
        self.advance(0).await;
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Drop for TestServer {
    /// I21: whatever a test did, the rows keep every promise at its end; the server may be running still.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let opened = match database_of(&self.data) {
                Some(url) => Reader::connect(&PostgresOptions::new(url)),
                None => Reader::open(&self.data),
            };
            let reader = opened.expect("the store opens beside the server");
            let checked = || check::run(&reader, &Calendar::shanghai(), &|_, _, _| {}).expect("checks");
            // On a thread of its own: a server's rows are waited for.
            let report = std::thread::scope(|scope| scope.spawn(checked).join().expect("no panic"));
            assert_eq!(report.findings, [], "{:#?}", report.seen);
        }
    }
}

/// An account with its token.
pub struct TestAccount<'a> {
    pub server: &'a TestServer,
    pub app_id: String,
    pub token: String,
}

impl TestAccount<'_> {
    /// The path with the token behind it.
    pub fn path(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{path}{mark}access_token={}", self.token)
    }

    /// POST of a JSON body.
    pub async fn call(&self, path: &str, body: Value) -> Value {
        self.server.post(&self.path(path), body.to_string()).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Value {
        self.server.get(&self.path(path)).await
    }

    /// Changes quota numbers through the native API.
    pub async fn quota(&self, quota: Value) {
        let path = format!("/v1/accounts/{}", self.app_id);
        let (status, answer) = self
            .server
            .native(Method::PATCH, &path, Some(json!({"quota": quota})))
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Uploads a file; the whole answer.
    pub async fn upload(&self, path: &str, bytes: Vec<u8>, name: &str) -> Value {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("media", part);
        self.server
            .api(
                self.server
                    .request(Method::POST, &self.path(path))
                    .multipart(form),
            )
            .await
    }

    /// A news material of `articles` articles.
    pub async fn news(&self, articles: usize) -> String {
        let thumb = self
            .upload(
                "/cgi-bin/media/upload?type=thumb",
                files::jpeg(64, 64),
                "cover.jpg",
            )
            .await;
        let articles: Vec<Value> = (1..=articles)
            .map(|number| {
                json!({"title": format!("第{number}篇"), "thumb_media_id": thumb["media_id"],
                    "content": format!("<p>正文{number}</p>"), "author": "李"})
            })
            .collect();
        let news = self
            .call("/cgi-bin/media/uploadnews", json!({"articles": articles}))
            .await;
        news["media_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no media_id: {news}"))
            .to_owned()
    }

    /// Sends a text to all; the answer.
    pub async fn send_text(&self, text: &str) -> Value {
        self.call(
            "/cgi-bin/message/mass/sendall",
            json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": text}}),
        )
        .await
    }

    /// Sends a text to a tag; the answer.
    pub async fn send_text_to_tag(&self, tag: i64, text: &str) -> Value {
        self.call(
            "/cgi-bin/message/mass/sendall",
            json!({"filter": {"is_to_all": false, "tag_id": tag}, "msgtype": "text", "text": {"content": text}}),
        )
        .await
    }

    /// The OpenID of the follower with this number.
    pub async fn open_id(&self, number: usize) -> String {
        let all = self.get("/cgi-bin/user/get").await;
        all["data"]["openid"][number]
            .as_str()
            .unwrap_or_else(|| panic!("no follower {number}: {all}"))
            .to_owned()
    }

    /// The native report of a mass.
    pub async fn report(&self, msg_id: &Value) -> Value {
        let path = format!("/v1/accounts/{}/masses/{msg_id}", self.app_id);
        let (status, report) = self.server.native(Method::GET, &path, None).await;
        assert_eq!(status, 200, "{report}");
        report
    }

    /// What a follower sees, newest first.
    pub async fn inbox(&self, open_id: &str) -> Vec<Value> {
        let path = format!("/v1/accounts/{}/inbox-tokens", self.app_id);
        let (status, token) = self
            .server
            .native(Method::POST, &path, Some(json!({"openid": open_id})))
            .await;
        assert!(status == 200 || status == 201, "{token}");
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/inbox/entries?limit=100&cursor={cursor}");
            let answer = self
                .server
                .request(Method::GET, &path)
                .bearer_auth(token["token"].as_str().expect("a token"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 200);
            let page: Value = answer.json().await.expect("JSON");
            entries.extend(page["entries"].as_array().expect("entries").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) if !next.is_empty() => cursor = next.to_owned(),
                _ => return entries,
            }
        }
    }

    /// The texts of an inbox, oldest first.
    pub async fn inbox_texts(&self, open_id: &str) -> Vec<String> {
        let entries = self.inbox(open_id).await;
        entries
            .iter()
            .rev()
            .map(|entry| entry["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// The instant of an RFC 3339 text.
pub fn at(text: &str) -> Timestamp {
    parse_rfc3339(text).expect("an instant")
}

/// Asserts the errcode, and that an error has a text.
#[track_caller]
pub fn refused(answer: &Value, errcode: i64) {
    assert_eq!(answer["errcode"], errcode, "{answer}");
    assert!(
        answer["errmsg"].as_str().is_some_and(|text| !text.is_empty()),
        "{answer}"
    );
}

/// Asserts success and returns `msg_id`.
#[track_caller]
pub fn accepted(answer: &Value) -> Value {
    assert_eq!(answer["errcode"], 0, "{answer}");
    assert_eq!(answer["errmsg"], "send job submission success");
    assert!(answer["msg_id"].is_i64(), "{answer}");
    answer["msg_id"].clone()
}
