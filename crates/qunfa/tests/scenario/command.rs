//! What tests and CI do with the command: start it on any port, read where it is, let it go.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const QUNFA: &str = env!("CARGO_BIN_EXE_qunfa");
/// Real time for what happens at once on any machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sandbox of its own process, with its temporary files in a folder that the test can look into.
struct Started {
    process: Child,
    ready: Value,
    folder: tempfile::TempDir,
}

impl Started {
    fn start(followers: usize, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(QUNFA)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--ready", "-"])
            .args(["--followers", &followers.to_string()])
            .args(more)
            .env("TMPDIR", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self {
            process,
            ready,
            folder,
        }
    }

    fn base(&self) -> String {
        self.ready["base_url"].as_str().expect("base_url").to_owned()
    }

    /// Waits for its end, which must be clean and leave nothing.
    fn ends(mut self) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("its state") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::yield_now();
        };
        assert!(status.success(), "{status}");
        let left: Vec<_> = std::fs::read_dir(self.folder.path())
            .expect("the folder")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(QUNFA)
        .args(["sandbox", "run"])
        .args(arguments)
        .output()
        .expect("it runs")
}

async fn get(url: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.get(url).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn a_sandbox_on_any_port_says_where_it_is_and_goes_with_its_input() {
    let mut sandbox = Started::start(10, &["--stop-with-stdin"]);
    let ready = sandbox.ready.clone();
    assert_eq!(ready["admin_token"], "sandbox");
    assert_eq!(ready["pid"], sandbox.process.id());
    let accounts = ready["accounts"].as_array().expect("accounts");
    let kinds: Vec<_> = accounts
        .iter()
        .map(|account| (account["kind"].as_str(), account["verified"].as_bool()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Some("service"), Some(true)),
            (Some("subscription"), Some(true)),
            (Some("service"), Some(false))
        ]
    );
    for account in accounts {
        let (appid, secret) = (&account["appid"], &account["secret"]);
        let (appid, secret) = (appid.as_str().expect("appid"), secret.as_str().expect("secret"));
        let path = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        let token = get(&(sandbox.base() + &path)).await;
        assert_eq!(token["expires_in"], 7_200, "{token}");
    }
    drop(sandbox.process.stdin.take());
    sandbox.ends();
}

#[cfg(unix)]
#[test]
fn a_sandbox_that_is_terminated_leaves_nothing() {
    for signal in ["TERM", "INT"] {
        for more in [&[][..], &["--stop-with-stdin"]] {
            let sandbox = Started::start(10, more);
            let id = sandbox.process.id().to_string();
            let killed = Command::new("kill").args(["-s", signal, &id]).status();
            assert!(killed.expect("kill runs").success());
            sandbox.ends();
        }
    }
}

#[test]
fn the_ready_file_appears_whole_and_goes_with_the_sandbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready.json");
    let mut process = Command::new(QUNFA)
        .args([
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--followers",
            "10",
            "--stop-with-stdin",
        ])
        .arg("--ready")
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let deadline = Instant::now() + PATIENCE;
    let text = loop {
        if let Ok(text) = std::fs::read_to_string(&file) {
            break text;
        }
        assert!(Instant::now() < deadline, "no file");
        std::thread::yield_now();
    };
    let ready: Value = serde_json::from_str(&text).expect("the whole object");
    assert_eq!(ready["pid"], process.id());
    drop(process.stdin.take());
    assert!(process.wait().expect("its end").success());
    assert!(!file.exists());
    let mut said = String::new();
    let mut out = process.stdout.take().expect("its output");
    out.read_to_string(&mut said).expect("text");
    assert!(said.contains("is ready at http://127.0.0.1:"), "{said}");
}

#[tokio::test]
async fn three_sandboxes_at_once_know_nothing_of_each_other() {
    let sandboxes = [1, 2, 3].map(|number| Started::start(10 * number, &["--stop-with-stdin"]));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (number, sandbox) in (1..).zip(&sandboxes) {
        let clock = format!("{}/sandbox/clock", sandbox.base());
        let advance = serde_json::json!({"advance_seconds": number * 86_400});
        let answer = http
            .post(clock)
            .bearer_auth("sandbox")
            .json(&advance)
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    let mut times = Vec::new();
    for (number, sandbox) in (1..).zip(&sandboxes) {
        let base = sandbox.base();
        let list = http
            .get(format!("{base}/v1/accounts/wx0000000000000001/followers"))
            .bearer_auth("sandbox")
            .send()
            .await
            .expect("an answer");
        let list: Value = list.json().await.expect("JSON");
        assert_eq!(list["total"], 10 * number);
        let clock = http
            .get(format!("{base}/sandbox/clock"))
            .bearer_auth("sandbox")
            .send()
            .await;
        let clock: Value = clock.expect("an answer").json().await.expect("JSON");
        times.push(clock["now"].as_str().expect("a time").to_owned());
    }
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    for mut sandbox in sandboxes {
        drop(sandbox.process.stdin.take());
        sandbox.ends();
    }
}

#[test]
fn the_exit_status_and_the_junit_file_say_what_came_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it is written");
        path.to_str().expect("a path").to_owned()
    };
    let good = write(
        "good.yaml",
        "scenario: good\nfollowers: 3\nsteps:\n  - inbox: {count: 0}\n",
    );
    let bad = write(
        "bad.yaml",
        "scenario: bad\nfollowers: 3\nsteps:\n  - inbox: {count: 1}\n",
    );
    let broken = write("broken.yaml", "scenario: broken\nsteps:\n  - inbax: {count: 1}\n");
    let junit = folder.path().join("junit.xml");
    let junit = junit.to_str().expect("a path");

    let passed = run(&[&good, "--junit", junit]);
    assert_eq!(passed.status.code(), Some(0));
    let failed = run(&[&good, &bad, "--junit", junit]);
    assert_eq!(failed.status.code(), Some(1));
    let said = String::from_utf8(failed.stdout).expect("text");
    assert!(
        said.contains("2 scenarios, 1 failed") && said.contains("bad.yaml:4"),
        "{said}"
    );
    let xml = std::fs::read_to_string(junit).expect("the file");
    assert!(
        xml.contains("<failure message=\"/count: expected 1, found 0\">"),
        "{xml}"
    );
    let unclear = run(&[&good, &broken]);
    assert_eq!(unclear.status.code(), Some(2));
    let said = String::from_utf8(unclear.stderr).expect("text");
    assert!(said.contains("inbax") && said.contains("line 3"), "{said}");
    assert!(
        unclear.stdout.is_empty(),
        "nothing is played before all files are read"
    );
    assert_eq!(run(&["no-such-file.yaml"]).status.code(), Some(2));
    assert!(!Path::new("no-such-file.yaml").exists());
}
