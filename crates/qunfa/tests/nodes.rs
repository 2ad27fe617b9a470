//! Nodes as processes, with real servers around them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Cursor,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Nats, S3, port, process::PATIENCE};
use wire::client::Client;

const ADMIN_TOKEN: &str = "an-admin-token-of-the-tests";
const BUCKET: &str = "qunfa-nodes";

/// `qunfa serve` as a process of its own.
struct Node {
    child: Child,
    base: String,
    http: reqwest::Client,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node about to be started, with these settings in its environment.
fn command(folder: &Path, port: u16, settings: &BTreeMap<&str, String>) -> Command {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_file(folder))
        .expect("a log file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_qunfa"));
    command
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.join("data"))
        .current_dir(folder)
        .env("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN)
        .envs(settings)
        .stdout(Stdio::null())
        .stderr(log);
    command
}

fn log_file(folder: &Path) -> std::path::PathBuf {
    folder.join("log")
}

impl Node {
    async fn start(folder: &Path, settings: &BTreeMap<&str, String>) -> Self {
        let port = port::free();
        let node = Self {
            child: command(folder, port, settings)
                .spawn()
                .expect("the binary starts"),
            base: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
        };
        let ready = async {
            while node
                .http
                .get(format!("{}/healthz", node.base))
                .send()
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let log = || fs::read_to_string(log_file(folder)).unwrap_or_default();
        tokio::time::timeout(PATIENCE, ready)
            .await
            .unwrap_or_else(|_| panic!("it does not start: {}", log()));
        node
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self
            .http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .expect("an answer");
        (answer.status(), answer.text().await.expect("a text"))
    }

    async fn account(&self) -> wire::client::Account {
        let body = json!({"name": "Nodes", "kind": "service", "verified": true});
        let created = self
            .http
            .post(format!("{}/v1/accounts", self.base))
            .bearer_auth(ADMIN_TOKEN)
            .json(&body);
        let created: Value = created
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let text = |name: &str| {
            created[name]
                .as_str()
                .unwrap_or_else(|| panic!("{created}"))
                .to_owned()
        };
        let client = Client::new(&self.base);
        let token = client
            .token(&text("appid"), &text("secret"))
            .await
            .expect("a token");
        client.account(&token.access_token)
    }
}

#[tokio::test]
async fn a_node_answers_the_paths_of_its_roles_and_says_who_answers_the_others() {
    let paths = [
        ("api", "/cgi-bin/token"),
        ("api", "/v1/accounts"),
        ("live", "/inbox/entries"),
        ("live", "/s/abc"),
    ];
    for roles in ["worker", "api,worker", "live", "api,worker,live"] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = BTreeMap::from([("QUNFA_NODE_ROLES", roles.to_owned())]);
        let node = Node::start(folder.path(), &settings).await;
        for path in ["/healthz", "/readyz"] {
            assert_eq!(node.get(path).await.0, StatusCode::OK, "{roles} {path}");
        }
        for (role, path) in paths {
            let (status, text) = node.get(path).await;
            let refused = format!(
                "nodes with the role {role}, and this node has {}",
                roles.replace(',', ", ")
            );
            assert_eq!(
                text.contains(&refused),
                !roles.contains(role),
                "{roles} {path}: {status} {text}"
            );
            if !roles.contains(role) {
                assert_eq!(status, StatusCode::NOT_FOUND);
            }
        }
        assert_eq!(
            node.get("/nowhere").await,
            (StatusCode::NOT_FOUND, "404 not found".into())
        );
    }
}

#[tokio::test]
async fn uploads_lie_in_the_bucket_and_i17_a_node_works_while_nats_is_away() {
    let s3 = S3::start();
    s3.create_bucket(BUCKET);
    let mut nats = Nats::cluster(3);
    let settings = BTreeMap::from([
        ("QUNFA_NODE_NAME", "one".to_owned()),
        ("QUNFA_CLUSTER_NATS", nats.urls().join(",")),
        ("QUNFA_BLOBS_URL", format!("s3://{BUCKET}/uploads")),
        ("QUNFA_BLOBS_ENDPOINT", s3.endpoint()),
        ("QUNFA_BLOBS_ALLOW_HTTP", "true".to_owned()),
        ("QUNFA_BLOBS_ACCESS_KEY_ID", S3::ACCESS_KEY_ID.to_owned()),
        ("QUNFA_BLOBS_SECRET_ACCESS_KEY", S3::SECRET_ACCESS_KEY.to_owned()),
        ("QUNFA_LOG_LEVEL", "trace".to_owned()),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let node = Node::start(folder.path(), &settings).await;
    let account = node.account().await;
    let picture = picture();
    let url = account
        .uploadimg(picture.clone(), "a.png")
        .await
        .expect("accepted")
        .url;
    nats.kill_all();
    let again = account
        .uploadimg(picture.clone(), "b.png")
        .await
        .expect("accepted")
        .url;
    for url in [url, again] {
        let shown = node.http.get(url).send().await.expect("an answer");
        assert_eq!(shown.bytes().await.expect("bytes"), picture);
    }
    assert!(s3.bucket(BUCKET).join("uploads").is_dir());
    assert!(!folder.path().join("data/blobs").exists());
    drop(node);
    // Started again while NATS is away.
    let node = Node::start(folder.path(), &settings).await;
    assert_eq!(node.get("/readyz").await.0, StatusCode::OK);
    let log = fs::read_to_string(log_file(folder.path())).expect("a log");
    assert!(!log.contains(S3::SECRET_ACCESS_KEY), "sec04");
    assert!(log.contains("NATS"), "{log}");
}

#[test]
fn sec03_a_server_refuses_data_of_another_master_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    drop(runtime.block_on(Node::start(folder.path(), &BTreeMap::new())));
    fs::write(folder.path().join("data/master.key"), "ab".repeat(32)).expect("writes");
    let output = command(folder.path(), port::free(), &BTreeMap::new())
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("master key"), "{text}");
}

/// A small picture.
fn picture() -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 4) as u8, (y * 4) as u8, 7]));
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture can be written");
    bytes.into_inner()
}
