//! Nodes, the servers around them, and the network between a node and PostgreSQL.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use reqwest::Method;
use rustix::process::Signal;
use testkit::{Nats, Postgres, Process, S3, port};

use crate::{
    process::{ADMIN_TOKEN, BAD_WORD, Client},
    proxy::{Network, Proxy},
};

pub const BUCKET: &str = "qunfa-cluster";
/// How long a node may take to be ready on a busy machine.
pub const START: Duration = Duration::from_secs(60);
/// How long a caller waits for an answer; a stopped node gives none.
const PATIENCE: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(20);

/// The servers that nodes share.
pub struct Servers {
    pub postgres: Postgres,
    pub nats: Nats,
    pub s3: S3,
}

/// One `qunfa serve`.
pub struct Node {
    pub client: Client,
    pub proxy: Proxy,
    pub process: Process,
    folder: PathBuf,
    command: Vec<(String, String)>,
    port: u16,
}

/// Nodes over one database.
pub struct Fleet {
    // Before the servers and the folder, so that nodes end first.
    pub nodes: Vec<Node>,
    pub servers: Servers,
    database: String,
    folder: tempfile::TempDir,
    shared: Vec<(String, String)>,
}

impl Fleet {
    /// Servers, and `nodes` nodes that do everything.
    pub async fn start(nodes: usize) -> Self {
        let mut fleet = Self::without_nodes();
        for _ in 0..nodes {
            fleet.add(&[]).await;
        }
        fleet
    }

    /// Servers alone.
    pub fn without_nodes() -> Self {
        let (postgres, nats, s3) = (Postgres::start(), Nats::cluster(3), S3::start());
        s3.create_bucket(BUCKET);
        let database = postgres.create_database();
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("master.key");
        fs::write(&key, "5a".repeat(32)).expect("writes");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("closes");
        let words = folder.path().join("words.toml");
        fs::write(&words, format!("advertising = [\"{BAD_WORD}\"]\n")).expect("writes");
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let shared = [
            ("QUNFA_STORE_MASTER_KEY_FILE", path(&key)),
            // Many nodes share two cores here.
            ("QUNFA_STORE_READERS", "3".to_owned()),
            ("QUNFA_STORE_WRITERS", "2".to_owned()),
            ("QUNFA_BLOBS_URL", format!("s3://{BUCKET}/uploads")),
            ("QUNFA_BLOBS_ENDPOINT", s3.endpoint()),
            ("QUNFA_BLOBS_ALLOW_HTTP", "true".to_owned()),
            ("QUNFA_BLOBS_ACCESS_KEY_ID", S3::ACCESS_KEY_ID.to_owned()),
            ("QUNFA_BLOBS_SECRET_ACCESS_KEY", S3::SECRET_ACCESS_KEY.to_owned()),
            ("QUNFA_CLUSTER_NATS", nats.urls().join(",")),
            ("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("QUNFA_CALLBACK_ALLOW", "127.0.0.0/8".to_owned()),
            ("QUNFA_REVIEW_WORDS_FILE", path(&words)),
            ("QUNFA_SERVER_PUBLIC_URL", "http://faults.test".to_owned()),
            ("QUNFA_LOG_LEVEL", "warn".to_owned()),
            // Level 1 is that of the wide account: two full blocks in four seconds.
            ("QUNFA_SPEED_LEVELS", "0,2000000,1000000,500000,250000".to_owned()),
            ("RUST_BACKTRACE", "0".to_owned()),
        ];
        let shared = shared.map(|(name, value)| (name.to_owned(), value));
        Self {
            nodes: Vec::new(),
            servers: Servers { postgres, nats, s3 },
            database,
            folder,
            shared: shared.to_vec(),
        }
    }

    /// Starts one more node, otherwise than the others where `special` says so.
    pub async fn add(&mut self, special: &[(&str, String)]) {
        let number = self.nodes.len();
        let folder = self.folder.path().join(format!("node-{number}"));
        fs::create_dir(&folder).expect("makes");
        let proxy = Proxy::start(self.servers.postgres.port()).await;
        let url = self.database.replace(
            &format!(":{}/", self.servers.postgres.port()),
            &format!(":{}/", proxy.port),
        );
        let mut command = self.shared.clone();
        command.push(("QUNFA_STORE_URL".into(), format!("{url}?sslmode=disable")));
        command.push(("QUNFA_NODE_NAME".into(), format!("node-{number}")));
        command.extend(
            special
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let port = port::free();
        let node = Node {
            client: Client::new(&format!("127.0.0.1:{port}"), PATIENCE),
            process: launch(&folder, port, &command),
            proxy,
            folder,
            command,
            port,
        };
        self.nodes.push(node);
        self.nodes[number].ready().await;
    }

    /// What SQL answers in the nodes' database.
    pub fn query(&self, sql: &str) -> String {
        let name = self.database.rsplit_once('/').expect("a URL").1;
        self.servers.postgres.query(name, sql)
    }

    /// Where the nodes' database is, without a network in between.
    pub fn database(&self) -> String {
        format!("{}?sslmode=disable", self.database)
    }

    /// The settings that all nodes share, as variables.
    pub fn shared(&self) -> &[(String, String)] {
        &self.shared
    }

    /// Another value of a variable that all nodes started from now on have, or none.
    pub fn share(&mut self, name: &str, value: Option<&str>) {
        self.shared.retain(|(known, _)| known != name);
        self.shared
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    /// All parts work again, and every node says so.
    pub async fn heal(&mut self) {
        for node in &mut self.nodes {
            node.proxy.set(Network::Works);
            node.process.resume();
            node.start_again();
        }
        for node in &self.nodes {
            node.ready().await;
        }
    }

    /// No node has panicked (SEC12) or said a secret (SEC4).
    pub fn check_logs(&self) {
        for node in &self.nodes {
            let log = node.log();
            assert!(!log.contains("panicked"), "{log}");
            for secret in [ADMIN_TOKEN, S3::SECRET_ACCESS_KEY, &"5a".repeat(32)] {
                assert!(!log.contains(secret), "sec04: {log}");
            }
        }
    }
}

impl Node {
    /// Starts the process again where it does not run.
    pub fn start_again(&mut self) {
        if !self.process.runs() {
            self.process = launch(&self.folder, self.port, &self.command);
        }
    }

    /// Another value of a variable, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.command.retain(|(known, _)| known != name);
        self.command.push((name.to_owned(), value.to_owned()));
    }

    /// Waits until the node says that it is ready.
    pub async fn ready(&self) {
        let started = Instant::now();
        while !self.is_ready().await {
            assert!(started.elapsed() < START, "not ready: {}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let asked = self.client.request(Method::GET, "/readyz").send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) {
        let started = Instant::now();
        while self.process.runs() {
            assert!(started.elapsed() < START, "it goes on: {}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the process has stopped itself.
    pub async fn stopped(&self) {
        let started = Instant::now();
        while !self.is_stopped() {
            assert!(started.elapsed() < START, "it does not stop: {}", self.log());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether the process stands still.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    }

    /// Ends it as an administrator does.
    pub fn stop(&mut self) {
        self.process.stop(Signal::TERM);
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn launch(folder: &Path, port: u16, command: &[(String, String)]) -> Process {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_qunfa"));
    serve
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.join("data"))
        .current_dir(folder)
        .envs(command.iter().map(|(name, value)| (name, value)));
    Process::start("a node", &mut serve, folder)
}
