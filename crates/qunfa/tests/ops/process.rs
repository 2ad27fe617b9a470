//! `qunfa serve` as a process, its log in a file.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

/// The operator's token.
pub const ADMIN: &str = "admin-token-of-this-test-0123456789";
/// How long a server that answers may take until it is ready, if it comes to be.
const READY_MAX: Duration = Duration::from_secs(3);
const START_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running server.
pub struct Process {
    pub child: Child,
    pub base: String,
    pub http: reqwest::Client,
    log: PathBuf,
}

/// An account, logged in.
pub struct Account {
    pub appid: String,
    pub secret: String,
    pub token: String,
    pub open_ids: Vec<String>,
}

impl Process {
    /// Starts over the data in `folder`, with more settings in the environment.
    pub async fn start(folder: &Path, env: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let log = folder.with_extension(format!("{port}.log"));
        let child = Command::new(env!("CARGO_BIN_EXE_qunfa"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder)
            .env("QUNFA_ADMIN_TOKEN", ADMIN)
            .env("QUNFA_CALLBACK_ALLOW", "127.0.0.0/8")
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("the binary starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut process = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            http,
            log,
        };
        let began = Instant::now();
        while process.http.get(process.url("/healthz")).send().await.is_err() {
            let ended = process.child.try_wait().expect("a state");
            assert_eq!(ended, None, "the server ended: {}", process.log());
            assert!(began.elapsed() < START_MAX, "the server did not start");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        // It answers before all of its parts have begun; one that some tests begin without something is never ready.
        let began = Instant::now();
        while process.get("/readyz").await.0 != 200 && began.elapsed() < READY_MAX {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        process
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Everything that it wrote to its standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(self.url(path)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// A call of the compatible API.
    pub async fn call(&self, account: &Account, path: &str, body: Value) -> Value {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = self.url(&format!("{path}{mark}access_token={}", account.token));
        let answer = self
            .http
            .post(url)
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// A call of the native API as the operator.
    pub async fn native(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, self.url(path)).bearer_auth(ADMIN);
        let answer = request.json(&body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    pub async fn token(&self, appid: &str, secret: &str) -> Value {
        let path = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        serde_json::from_str(&self.get(&path).await.1).expect("JSON")
    }

    /// A verified service account with followers.
    pub async fn account(&self, followers: usize) -> Account {
        let asked = json!({"name": "植物园", "kind": "service", "verified": true});
        let (status, made) = self.native(Method::POST, "/v1/accounts", asked).await;
        assert_eq!(status, 201, "{made}");
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        let (appid, secret) = (text("appid"), text("secret"));
        let rows: String = (0..followers)
            .map(|number| format!("user-{number},粉丝{number}\n"))
            .collect();
        let import = self
            .http
            .post(self.url(&format!("/v1/accounts/{appid}/followers")))
            .bearer_auth(ADMIN)
            .body(format!("external_id,nickname\n{rows}"));
        assert!(import.send().await.expect("an answer").status().is_success());
        let token = self.token(&appid, &secret).await["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let list = self
            .get(&format!("/cgi-bin/user/get?access_token={token}"))
            .await
            .1;
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let open_ids = list["data"]["openid"].as_array().expect("a list");
        Account {
            appid,
            secret,
            token,
            open_ids: open_ids
                .iter()
                .map(|id| id.as_str().expect("a text").to_owned())
                .collect(),
        }
    }

    /// Asks the process to stop.
    pub fn terminate(&self) {
        let done = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .expect("kill runs");
        assert!(done.success());
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        until("the process ends", within, async || {
            self.child.try_wait().expect("a state")
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a failed assertion nothing must go on running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < within, "{what}: not within {within:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
