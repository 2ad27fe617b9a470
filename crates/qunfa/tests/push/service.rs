//! The push service and its browsers: `service/service.mjs`, with what npm brings.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::OnceCell,
};

/// A running push service. Dropping it ends it, and fails the test when something was wrong with a push.
pub struct PushService {
    pub base: String,
    http: reqwest::Client,
    wrong: Arc<Mutex<Vec<String>>>,
    _child: Child,
}

/// A browser that was subscribed.
pub struct Browser {
    pub id: u64,
    pub subscription: Value,
}

/// The folder with the service and its library, made once.
async fn installed() -> &'static Path {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    FOLDER
        .get_or_init(async || {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/push/service");
            let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("push-service");
            fs::create_dir_all(&to).expect("makes");
            let lock = fs::File::create(to.join("lock")).expect("a lock");
            lock.lock().expect("locks");
            let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
            let same = read(from.join("package-lock.json")) == read(to.join("package-lock.json"));
            for name in ["package.json", "package-lock.json", "service.mjs"] {
                fs::copy(from.join(name), to.join(name)).expect("copies");
            }
            if !same || !to.join("node_modules/http_ece").exists() {
                let npm = Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                    .current_dir(&to)
                    .status();
                assert!(npm.await.expect("npm starts").success(), "npm ci");
            }
            to
        })
        .await
}

impl PushService {
    pub async fn start() -> Self {
        let mut child = Command::new("node")
            .arg("service.mjs")
            .current_dir(installed().await)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.next_line().await.expect("text").expect("a line");
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let mut errors = BufReader::new(child.stderr.take().expect("piped")).lines();
        let noted = wrong.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                noted.lock().expect("not poisoned").push(line);
            }
        });
        Self {
            base: ready.strip_prefix("ready ").expect("ready").to_owned(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            wrong,
            _child: child,
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        let answer = request.send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// A browser that subscribes with this key.
    pub async fn browser(&self, public_key: &str) -> Browser {
        let made = self
            .post("/browsers", &json!({"applicationServerKey": public_key}))
            .await;
        Browser {
            id: made["id"].as_u64().expect("a number"),
            subscription: made["subscription"].clone(),
        }
    }

    /// How pushes to a browser are answered from now on.
    pub async fn behave(&self, browser: &Browser, behaviour: Value) {
        self.post(&format!("/browsers/{}", browser.id), &behaviour).await;
    }

    async fn state(&self, browser: &Browser) -> Value {
        let url = format!("{}/browsers/{}", self.base, browser.id);
        let answer = self.http.get(url).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// What the browser's user saw.
    pub async fn seen(&self, browser: &Browser) -> Vec<Value> {
        self.state(browser).await["seen"]
            .as_array()
            .expect("a list")
            .clone()
    }

    /// Every push that came for the browser, taken or not.
    pub async fn pushes(&self, browser: &Browser) -> Vec<Value> {
        self.state(browser).await["pushes"]
            .as_array()
            .expect("a list")
            .clone()
    }

    /// Waits until so many pushes came for all browsers.
    pub async fn wait_total(&self, count: u64) {
        for _ in 0..3_000 {
            let answer = self.http.get(format!("{}/pushes", self.base)).send().await;
            let total: u64 = answer.expect("an answer").json().await.expect("a number");
            if total >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {count} pushes; {:?}", self.wrong.lock());
    }

    /// What the user saw, once it is so many.
    pub async fn wait_seen(&self, browser: &Browser, count: usize) -> Vec<Value> {
        for _ in 0..1_000 {
            let seen = self.seen(browser).await;
            if seen.len() >= count {
                assert_eq!(seen.len(), count, "{seen:?}");
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "not {count}: {:?}; {:?}",
            self.seen(browser).await,
            self.wrong.lock()
        );
    }

    /// Every push that came for the browser, once it is so many.
    pub async fn wait_pushes(&self, browser: &Browser, count: usize) -> Vec<Value> {
        for _ in 0..1_000 {
            let pushes = self.pushes(browser).await;
            if pushes.len() >= count {
                assert_eq!(pushes.len(), count, "{pushes:?}");
                return pushes;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "not {count}: {:?}; {:?}",
            self.pushes(browser).await,
            self.wrong.lock()
        );
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        let wrong = self.wrong.lock().expect("not poisoned");
        if !std::thread::panicking() {
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }
}
