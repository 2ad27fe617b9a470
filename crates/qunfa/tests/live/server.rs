//! One server as a process that can be killed and started again at its address, and accounts on it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Process, port, postgres::database_of};

use crate::process::{ADMIN_TOKEN, Client};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at what is waited for.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Tokens that are asked for at a time.
const AT_ONCE: usize = 16;

/// A server; killed when dropped.
pub struct Server {
    pub client: Client,
    pub process: Process,
    port: u16,
    data: PathBuf,
    env: Vec<(&'static str, String)>,
    // After the process, which lies in it.
    _folder: tempfile::TempDir,
}

/// An account that may send as often as it likes.
#[derive(Clone)]
pub struct Account {
    pub appid: String,
    pub token: String,
    pub client: Client,
}

impl Server {
    /// A server that is ready.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("node");
        std::fs::create_dir(&data).expect("makes");
        let mut env = vec![
            ("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("QUNFA_LOG_LEVEL", "warn".to_owned()),
            ("QUNFA_SERVER_CONNECTIONS_PER_SOURCE", "65535".to_owned()),
            ("QUNFA_SERVER_PUBLIC_URL", "http://live.test".to_owned()),
            ("RUST_BACKTRACE", "0".to_owned()),
        ];
        if let Some(url) = database_of(&data) {
            env.push(("QUNFA_STORE_URL", format!("{url}?sslmode=disable")));
        }
        let port = port::free();
        let server = Self {
            client: Client::new(&format!("127.0.0.1:{port}"), PATIENCE),
            process: launch(&data, port, &env),
            port,
            data,
            env,
            _folder: folder,
        };
        server.ready().await;
        server
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it again at its address, over its data.
    pub async fn start_again(&mut self) {
        self.process = launch(&self.data, self.port, &self.env);
        self.ready().await;
    }

    async fn ready(&self) {
        until("the server is ready", async || {
            let asked = self.client.request(Method::GET, "/readyz").send().await;
            asked.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    /// The number of a metric without labels or with these.
    pub async fn number(&self, metric: &str) -> u64 {
        let request = self.client.request(Method::GET, "/metrics");
        let text = request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        line.map_or(0, |number| number.parse::<f64>().expect("a number") as u64)
    }
}

fn launch(data: &Path, port: u16, env: &[(&'static str, String)]) -> Process {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_qunfa"));
    serve
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data.join("data"))
        .envs(env.iter().map(|(name, value)| (*name, value)));
    Process::start("a server", &mut serve, data)
}

impl Account {
    /// A service account with followers `user-0` …, every second of whom carries the tag `even`.
    pub async fn new(client: &Client, followers: usize) -> Self {
        let asked = json!({"name": "植物园", "kind": "service", "verified": true});
        let made = client.must(Method::POST, "/v1/accounts", Some(&asked)).await;
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        let (appid, secret) = (text("appid"), text("secret"));
        let quota = json!({"quota": {"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
            "history_per_day": null, "history_per_month": null, "calls_per_minute": null}});
        let path = format!("/v1/accounts/{appid}");
        client.must(Method::PATCH, &path, Some(&quota)).await;
        let rows: String = (0..followers)
            .map(|number| format!("user-{number},{}\n", if number % 2 == 0 { "even" } else { "" }))
            .collect();
        let import = client
            .request(Method::POST, &format!("/v1/accounts/{appid}/followers"))
            .bearer_auth(ADMIN_TOKEN)
            .body(format!("external_id,tags\n{rows}"));
        let imported = import.send().await.expect("an answer");
        assert!(
            imported.status().is_success(),
            "{}",
            imported.text().await.expect("text")
        );
        let path = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        let token = client
            .api(client.request(Method::GET, &path))
            .await
            .expect("an answer");
        Self {
            appid,
            token: token["access_token"].as_str().expect("a token").to_owned(),
            client: client.clone(),
        }
    }

    /// An inbox token of one follower, for so many seconds.
    pub async fn reader(&self, number: usize, seconds: u32) -> String {
        let path = format!("/v1/accounts/{}/inbox-tokens", self.appid);
        let body = json!({"external_id": format!("user-{number}"), "expires_in": seconds});
        let issued = self.client.must(Method::POST, &path, Some(&body)).await;
        issued["token"].as_str().expect("a token").to_owned()
    }

    /// Tokens of the first followers.
    pub async fn readers(&self, count: usize) -> Vec<String> {
        let tokens = stream::iter(0..count).map(|number| self.reader(number, 7_200));
        tokens.buffered(AT_ONCE).collect().await
    }

    /// Sends a text to everybody, or to the tag; the same text as often as it takes until it is accepted. Its `msg_id`.
    pub async fn send(&self, text: &str, to_tag: bool) -> i64 {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let filter = match to_tag {
            true => json!({"is_to_all": false, "tag_id": 100}),
            false => json!({"is_to_all": true}),
        };
        let key = format!("live-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let body =
            json!({"filter": filter, "msgtype": "text", "text": {"content": text}, "clientmsgid": key});
        let began = Instant::now();
        loop {
            let answer = self
                .client
                .post("/cgi-bin/message/mass/sendall", &self.token, &body)
                .await;
            match answer {
                // 45065: it was accepted, and the answer was lost.
                Some(answer) if answer["errcode"] == 0 || answer["errcode"] == 45065 => {
                    return answer["msg_id"].as_i64().expect("a number");
                }
                Some(answer) if answer["errcode"] != -1 => panic!("{answer}"),
                Some(_) | None => tokio::time::sleep(LOOK_EVERY).await,
            }
            assert!(began.elapsed() < PATIENCE, "it is not accepted");
        }
    }

    /// Waits until a mass has reached everybody.
    pub async fn delivered(&self, msg_id: i64) {
        let body = json!({"msg_id": msg_id});
        let path = "/cgi-bin/message/mass/get";
        let began = Instant::now();
        // No `until`: a task of its own waits here, and must be able to change threads.
        loop {
            let answer = self.client.post(path, &self.token, &body).await;
            if answer.is_some_and(|answer| answer["msg_status"] == "SEND_SUCCESS") {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the mass is not delivered");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A reader's whole inbox, oldest first.
pub async fn inbox(client: &Client, token: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/inbox/entries?limit=100{cursor}");
        let request = client.request(Method::GET, &path).bearer_auth(token);
        let (status, page) = client.answer(request).await.expect("an answer");
        assert_eq!(status, 200, "{page}");
        all.extend(page["entries"].as_array().expect("a list").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            all.reverse();
            return all;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Looks again and again until it holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "{what}: not in time");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
