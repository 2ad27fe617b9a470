//! The files that operators begin with work, and the pages about them say what is in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Parser;
use qunfa::cli::Cli;
use serde_json::Value;
use testkit::{Process, S3, port};

use crate::{fleet::Fleet, parts::until, process::Client};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_page_about_clusters_shows_the_settings_file_as_it_is() {
    let page = read("docs/operations/cluster.md");
    let shown = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    assert_eq!(shown, Some(read("deploy/qunfa.toml").as_str()));
}

#[test]
fn every_command_of_the_pages_and_units_is_one() {
    let mut commands = Vec::new();
    for page in ["docs/operations.md", "docs/operations/cluster.md"] {
        let lines = read(page);
        let lines = lines.lines().filter_map(|line| line.strip_prefix("    "));
        commands.extend(lines.filter(|line| line.starts_with("qunfa ")).map(str::to_owned));
    }
    for role in ["api", "worker", "live"] {
        let unit = read(&format!("deploy/systemd/qunfa-{role}.service"));
        let starts = unit
            .lines()
            .filter_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/"));
        let starts: Vec<&str> = starts.collect();
        assert!(
            starts.len() == 1 && starts[0].contains(&format!("--roles {role} ")),
            "{starts:?}"
        );
        commands.push(starts[0].to_owned());
    }
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let parsed = Cli::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {parsed:?}");
    }
}

#[test]
fn the_compose_file_sets_what_can_be_set_and_starts_nodes_by_a_command_that_is_one() {
    let compose: Value = serde_saphyr::from_str(&read("deploy/compose.yaml")).expect("YAML");
    let reference = read("docs/config.md");
    let environment = compose["x-environment"].as_object().expect("variables");
    assert!(environment.len() >= 8);
    for name in environment.keys() {
        assert!(reference.contains(&format!("`{name}`")), "{name} is no setting");
    }
    let words = compose["x-node"]["command"].as_array().expect("a command");
    let words = words.iter().map(|word| word.as_str().expect("a word"));
    let parsed = Cli::try_parse_from(std::iter::once("qunfa").chain(words));
    assert!(parsed.is_ok(), "{parsed:?}");
    for part in [
        "node-1", "node-2", "node-3", "postgres", "nats-1", "nats-2", "nats-3", "s3",
    ] {
        assert!(compose["services"][part].is_object(), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_starts_by_the_settings_file_and_checks_its_database() {
    let fleet = Fleet::without_nodes();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("qunfa.toml");
    let endpoint = fleet.servers.s3.endpoint();
    let nats = fleet.servers.nats.urls();
    // The same file with the addresses and secrets of these servers.
    let mut text = read("deploy/qunfa.toml");
    let database =
        "postgres://qunfa:replace-this-password@db.example.org:5432/qunfa?sslmode=require".to_owned();
    let key = folder.path().join("master.key");
    for (shown, ours) in [
        (database, fleet.database()),
        (
            "/etc/qunfa/master.key".to_owned(),
            key.to_str().expect("UTF-8").to_owned(),
        ),
        ("nats://nats-1.example.org:4222".to_owned(), nats[0].clone()),
        ("nats://nats-2.example.org:4222".to_owned(), nats[1].clone()),
        ("nats://nats-3.example.org:4222".to_owned(), nats[2].clone()),
        (
            "https://s3.example.org\"".to_owned(),
            format!("{endpoint}\"\nallow_http = true"),
        ),
        (
            "s3://qunfa/uploads".to_owned(),
            format!("s3://{}/uploads", crate::fleet::BUCKET),
        ),
        ("\"qunfa\"".to_owned(), format!("\"{}\"", S3::ACCESS_KEY_ID)),
        ("replace-this-secret".to_owned(), S3::SECRET_ACCESS_KEY.to_owned()),
    ] {
        assert!(text.contains(&shown), "{shown}");
        text = text.replace(&shown, &ours);
    }
    fs::write(&file, text).expect("writes");
    let qunfa = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qunfa"));
        command
            .args(words)
            .arg("--config")
            .arg(&file)
            .current_dir(folder.path());
        command
    };
    let shown = qunfa(&["config"]).output().expect("it runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("stop_pause_seconds"), "{shown}");
    assert!(!shown.contains("replace-this-admin-token"), "sec04: {shown}");
    let port = port::free();
    let address = format!("127.0.0.1:{port}");
    let mut serve = qunfa(&["serve", "--listen", &address, "--data", "data"]);
    let node = Process::start("a node", &mut serve, folder.path());
    let client = Client::new(&address, Duration::from_secs(5));
    until(crate::fleet::START, "it is ready", async || {
        let asked = client.request(reqwest::Method::GET, "/readyz").send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let checked = qunfa(&["check"]).output().expect("it runs");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    drop(node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_node_without_an_admin_token_is_told_to_have_the_first_ones() {
    let mut fleet = Fleet::without_nodes();
    fleet.share("QUNFA_ADMIN_TOKEN", None);
    fleet.add(&[]).await;
    // The first one may go and come back as often as it likes.
    fleet.nodes[0].process.kill();
    fleet.heal().await;
    let folder = tempfile::tempdir().expect("a folder");
    let second = Command::new(env!("CARGO_BIN_EXE_qunfa"))
        .args(["serve", "--listen", &format!("127.0.0.1:{}", port::free())])
        .current_dir(folder.path())
        .envs(fleet.shared().iter().map(|(name, value)| (name, value)))
        .env("QUNFA_STORE_URL", fleet.database())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("QUNFA_ADMIN_TOKEN"),
        "{said}"
    );
}
