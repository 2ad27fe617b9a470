//! Nodes over one store, reached by HTTP: those named from outside, or one started here.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::worlds;

const ADMIN_TOKEN: &str = "races-admin-token";

/// Running nodes over one store.
pub struct Nodes {
    bases: Vec<String>,
    admin_token: String,
    http: reqwest::Client,
    _own: Option<Process>,
}

/// A node of our own; it ends with the test, and a check of all rows (I21).
struct Process {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            worlds::check(&self.folder.path().join("data"));
        }
    }
}

impl Nodes {
    /// The nodes named by the environment, or one of our own.
    pub async fn start() -> Self {
        let named = std::env::var_os("QUNFA_RACES_NODES");
        let (bases, admin_token, own) = match named.as_ref().and_then(|named| named.to_str()) {
            Some(named) => {
                let token =
                    std::env::var_os("QUNFA_RACES_ADMIN_TOKEN").and_then(|token| token.into_string().ok());
                let bases = named.split(',').map(|base| base.trim_end_matches('/').to_owned());
                (
                    bases.collect(),
                    token.expect("QUNFA_RACES_ADMIN_TOKEN is set too"),
                    None,
                )
            }
            None => {
                let (base, process) = launch();
                (vec![base], ADMIN_TOKEN.to_owned(), Some(process))
            }
        };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let nodes = Self {
            bases,
            admin_token,
            http,
            _own: own,
        };
        for node in 0..nodes.bases.len() {
            nodes.wait_for(node).await;
        }
        nodes
    }

    async fn wait_for(&self, node: usize) {
        for _ in 0..1_200 {
            if self
                .http
                .get(format!("{}/healthz", self.base(node)))
                .send()
                .await
                .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} does not answer", self.base(node));
    }

    /// The node that call number `call` goes to.
    fn base(&self, call: usize) -> &str {
        &self.bases[call % self.bases.len()]
    }

    /// A call of the native API as the operator; what is no success is a failure of the test.
    pub async fn native(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base(0)))
            .bearer_auth(&self.admin_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A new verified service account with `followers` followers and the whole quota lifted but for `quota`.
    pub async fn account(&self, followers: usize, quota: &Value) -> Account<'_> {
        let mut all = json!({"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
            "history_per_day": null, "history_per_month": null, "calls_per_minute": null});
        for (rule, number) in quota.as_object().expect("rules") {
            all[rule] = number.clone();
        }
        let body =
            json!({"name": "races", "kind": "service", "verified": true, "repeat_check": true, "quota": all});
        let made = self.native(Method::POST, "/v1/accounts", Some(body)).await;
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let (app_id, secret) = (text("appid"), text("secret"));
        let rows: String = (0..followers).map(|number| format!("u{number}\n")).collect();
        let imported = self
            .http
            .post(format!("{}/v1/accounts/{app_id}/followers", self.base(0)))
            .bearer_auth(&self.admin_token)
            .body(format!("external_id\n{rows}"))
            .send()
            .await
            .expect("an answer");
        let imported: Value = imported.json().await.expect("JSON");
        assert_eq!(imported["imported"], json!(followers), "{imported}");
        let token: Value = self
            .http
            .get(format!("{}/cgi-bin/token", self.base(0)))
            .query(&[
                ("grant_type", "client_credential"),
                ("appid", &app_id),
                ("secret", &secret),
            ])
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let token = token["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {token}"));
        Account {
            nodes: self,
            app_id,
            token: token.to_owned(),
        }
    }
}

/// An account and its token.
pub struct Account<'a> {
    nodes: &'a Nodes,
    app_id: String,
    token: String,
}

impl Account<'_> {
    /// All of these mass sends at once, spread over the nodes; answers in the order of the bodies.
    pub async fn send_all(&self, bodies: &[Value]) -> Vec<Value> {
        let calls = bodies.iter().enumerate().map(|(call, body)| async move {
            let url = format!(
                "{}/cgi-bin/message/mass/sendall?access_token={}",
                self.nodes.base(call),
                self.token
            );
            let answer = self
                .nodes
                .http
                .post(url)
                .body(body.to_string())
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.json::<Value>().await.expect("JSON")
        });
        join_all(calls).await
    }

    /// What the native API says at a path of this account.
    pub async fn get(&self, path: &str) -> Value {
        let path = format!("/v1/accounts/{}{path}", self.app_id);
        self.nodes.native(Method::GET, &path, None).await
    }

    /// The ledger, once everything is final.
    pub async fn finished_masses(&self) -> Vec<Value> {
        for _ in 0..2_400 {
            let mut masses = Vec::new();
            let mut page = self.get("/masses?limit=100").await;
            loop {
                masses.extend(page["masses"].as_array().expect("masses").iter().cloned());
                let Some(next) = page["next"].as_i64() else { break };
                page = self.get(&format!("/masses?limit=100&before={next}")).await;
            }
            if masses.iter().all(|mass| mass["state"] != "sending") {
                return masses;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the masses of {} are not final after a minute", self.app_id);
    }

    /// How many entries the inbox of a follower has.
    pub async fn entries_of(&self, follower: usize) -> usize {
        let who = json!({"external_id": format!("u{follower}")});
        let path = format!("/v1/accounts/{}/inbox-tokens", self.app_id);
        let token = self.nodes.native(Method::POST, &path, Some(who)).await;
        let page: Value = self
            .nodes
            .http
            .get(format!("{}/inbox/entries?limit=100", self.nodes.base(follower)))
            .bearer_auth(token["token"].as_str().expect("a token"))
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        page["entries"]
            .as_array()
            .unwrap_or_else(|| panic!("no entries: {page}"))
            .len()
    }
}

/// A body of sendall: a text to all.
pub fn text_to_all(text: &str) -> Value {
    json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": text}})
}

fn launch() -> (String, Process) {
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let listen = free.expect("a port").to_string();
    let child = Command::new(env!("CARGO_BIN_EXE_qunfa"))
        .args(["serve", "--listen", &listen, "--data"])
        .arg(folder.path().join("data"))
        .current_dir(folder.path())
        .env("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN)
        .env("QUNFA_LOG_LEVEL", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary starts");
    let process = Process { child, folder };
    (format!("http://{listen}"), process)
}
