//! The real `qunfa serve` as a process of its own, and how it is started, asked and ended.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

pub const ADMIN_TOKEN: &str = "faults-admin-token";
/// A busy machine may take long to start a process; a healthy one takes 0.05 s.
const START: Duration = Duration::from_secs(60);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The point at which it ends, `POINT:N`.
    pub crash: Option<String>,
    /// What stands before it on the command line: a tracer with its arguments.
    pub under: Vec<String>,
}

/// A running server. Dropping it kills it.
pub struct Process {
    pub child: Child,
    pub client: Client,
}

/// Asks a server; outlives it.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    http: reqwest::Client,
}

impl Launch {
    /// Starts the server over the folder `data` inside `folder`; its process where it ended before it was ready.
    pub async fn start(&self, folder: &Path) -> Result<Process, ExitStatus> {
        let (mut child, address) = self.spawn(folder);
        let ready = tokio::time::timeout(START, ready(&mut child)).await;
        if !ready.expect("the server starts in time") {
            return Err(child.wait().await.expect("the process ends"));
        }
        Ok(Process {
            child,
            client: Client::new(&address, PATIENCE),
        })
    }

    /// Starts the process and does not wait for it; it will listen at the address.
    pub fn spawn(&self, folder: &Path) -> (Child, String) {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let address = format!("127.0.0.1:{port}");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log_of(folder))
            .expect("a log");
        let words = folder.join("words.toml");
        std::fs::write(&words, format!("advertising = [\"{BAD_WORD}\"]\n")).expect("writes");
        let program = env!("CARGO_BIN_EXE_qunfa").to_owned();
        let mut line = self.under.iter().chain([&program]);
        let mut command = Command::new(line.next().expect("a program"));
        command
            .args(line)
            .args(["serve", "--listen", &address, "--data"])
            .arg(folder.join("data"))
            .env("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("QUNFA_CALLBACK_ALLOW", "127.0.0.0/8")
            .env("QUNFA_REVIEW_WORDS_FILE", words)
            // Links stay the same over restarts, though ports do not.
            .env("QUNFA_SERVER_PUBLIC_URL", "http://faults.test")
            .env("QUNFA_LOG_LEVEL", "warn")
            .env("QUNFA_SPEED_LEVELS", "0,16000000,8000000,4000000,1000000")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if let Some(point) = &self.crash {
            command.env("QUNFA_CRASH", point);
        }
        (command.spawn().expect("the binary starts"), address)
    }
}

/// Waits until a server says that it is ready; false when it ends before.
pub async fn ready(child: &mut Child) -> bool {
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = lines.next_line().await.expect("text");
    if !line.is_some_and(|line| line.contains("ready")) {
        return false;
    }
    // What it says later must find a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    true
}

/// A word that the reviewers of these servers refuse.
pub const BAD_WORD: &str = "forbidden-word";

/// Where the servers of a folder write what they log.
pub fn log_of(folder: &Path) -> PathBuf {
    folder.join("stderr.log")
}

/// Starts a server that nothing is done to.
pub async fn start(folder: &Path) -> Process {
    let started = Launch::default().start(folder).await;
    started.unwrap_or_else(|status| panic!("the server does not start: {status}\n{}", tail_of_log(folder)))
}

/// The last lines that the servers of a folder wrote.
pub fn tail_of_log(folder: &Path) -> String {
    let text = std::fs::read_to_string(log_of(folder)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

impl Process {
    /// SIGKILL: nothing is flushed, nothing is said.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Client {
    /// Asks the server at `address` and waits this long for an answer.
    pub fn new(address: &str, patience: Duration) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(patience)
            .build();
        Self {
            base: format!("http://{address}"),
            http: http.expect("a client"),
        }
    }

    /// A request that the caller completes.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// The answer of the compatible API; `None` when there was none.
    pub async fn api(&self, request: RequestBuilder) -> Option<Value> {
        let answer = request.send().await.ok()?;
        assert_eq!(answer.status(), 200, "the compatible API answers 200 always");
        let text = answer.text().await.ok()?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// POST of JSON to the compatible API.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Option<Value> {
        let path = format!("{path}?access_token={token}");
        self.api(self.request(Method::POST, &path).body(body.to_string()))
            .await
    }

    /// Status and body of a call of the native API; `None` when there was no answer.
    pub async fn native(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.request(method, path).bearer_auth(ADMIN_TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    /// Status and body of any call; `None` when there was no answer.
    pub async fn answer(&self, request: RequestBuilder) -> Option<(u16, Value)> {
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// A call of the native API that must be answered well.
    pub async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.native(method, path, body).await.expect("an answer");
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }
}
