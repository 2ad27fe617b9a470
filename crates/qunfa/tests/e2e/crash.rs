//! The process is killed in the middle of a paced send; the next one finishes it.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::common::{SERVICE, receiver::Receiver};
use reqwest::Method;
use serde_json::{Value, json};

const FOLLOWERS: usize = 200_000;
const SECRET: &str = "00000000000000000000000000000001";

/// The real binary as a process of its own.
struct Process {
    child: Child,
    base: String,
    http: reqwest::Client,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port();
        let child = Command::new(env!("CARGO_BIN_EXE_qunfa"))
            .args(["sandbox", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--followers", &FOLLOWERS.to_string(), "--data"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let process = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            http,
        };
        for _ in 0..1_200 {
            if process
                .http
                .get(format!("{}/healthz", process.base))
                .send()
                .await
                .is_ok()
            {
                return process;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the sandbox did not start within a minute");
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    async fn native(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth("sandbox");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    }

    async fn log_in(&self) -> wire::client::Account {
        let client = wire::client::Client::new(&self.base);
        let token = client.token(SERVICE, SECRET).await.expect("a token");
        client.account(&token.access_token)
    }

    async fn report(&self, id: &Value) -> Value {
        self.native(Method::GET, &format!("/v1/accounts/{SERVICE}/masses/{id}"), None)
            .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a failed assertion nothing must go on running; after kill() there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn i01_a_killed_server_finishes_the_send_with_exact_counts_and_one_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start().await;
    let process = Process::start(folder.path()).await;
    let callback = json!({"callback": {"url": receiver.url, "token": "token123", "mode": "plain"}});
    process
        .native(Method::PATCH, &format!("/v1/accounts/{SERVICE}"), Some(callback))
        .await;
    let account = process.log_in().await;
    account
        .raw("/cgi-bin/message/mass/speed/set", &json!({"speed": 4}))
        .await
        .expect("an answer");
    let body =
        json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "before the crash"}});
    let answer = account
        .raw("/cgi-bin/message/mass/sendall", &body)
        .await
        .expect("an answer");
    assert_eq!(answer["errcode"], 0, "{answer}");
    let id = answer["msg_id"].clone();
    // Two of four blocks are due within the first minute.
    process
        .native(
            Method::POST,
            "/sandbox/clock",
            Some(json!({"advance_seconds": 45})),
        )
        .await;
    let before = process.report(&id).await;
    assert_eq!(
        (&before["state"], &before["batches_left"]),
        (&json!("sending"), &json!(2)),
        "{before}"
    );
    process.kill();

    // Killed again between the blocks, this time at an unknown point: right after the clock was told to move.
    let process = Process::start(folder.path()).await;
    let http = process.http.clone();
    let clock = format!("{}/sandbox/clock", process.base);
    let moving = tokio::spawn(async move {
        http.post(clock)
            .json(&json!({"advance_seconds": 40}))
            .send()
            .await
    });
    tokio::time::sleep(Duration::from_millis(2)).await;
    process.kill();
    let _ = moving.await;

    let process = Process::start(folder.path()).await;
    process
        .native(
            Method::POST,
            "/sandbox/clock",
            Some(json!({"advance_seconds": 600})),
        )
        .await;
    let after = process.report(&id).await;
    assert_eq!(
        (&after["state"], &after["batches_left"]),
        (&json!("succeeded"), &json!(0)),
        "{after}"
    );
    assert_eq!(
        (&after["total_count"], &after["sent_count"]),
        (&json!(FOLLOWERS), &json!(FOLLOWERS)),
        "i04: {after}"
    );
    process
        .native(
            Method::POST,
            "/sandbox/clock",
            Some(json!({"advance_seconds": 86_400})),
        )
        .await;
    assert_eq!(receiver.events().len(), 1, "i19: exactly one event");

    // A repeat of the call is known as one, and nobody has the entry twice.
    let account = process.log_in().await;
    for follower in [0, 65_535, 65_536, 131_072, FOLLOWERS - 1] {
        let who = json!({"external_id": format!("user-{follower:09}")});
        let token = process
            .native(
                Method::POST,
                &format!("/v1/accounts/{SERVICE}/inbox-tokens"),
                Some(who),
            )
            .await;
        let request = process.http.get(format!("{}/inbox/entries", process.base));
        let page: Value = request
            .bearer_auth(token["token"].as_str().unwrap())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(
            page["entries"].as_array().map(Vec::len),
            Some(1),
            "i02: follower {follower}"
        );
    }
    let users = account
        .raw("/cgi-bin/user/tag/get", &json!({"tagid": 101}))
        .await
        .expect("an answer");
    assert_eq!(users["count"], 10_000);
}
