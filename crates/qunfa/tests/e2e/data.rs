//! Check, backup and restore as commands, beside a running server.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::common::{SERVICE, TestServer};

fn qunfa(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_qunfa")).args(args).output();
    output.expect("the binary starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn damage(folder: &Path, sql: &str) {
    let db = rusqlite::Connection::open(folder.join("qunfa.db")).expect("opens");
    db.execute_batch(sql).expect("damages");
}

/// A server that has sent news to its followers, and its folder.
async fn sent() -> (tempfile::TempDir, TestServer) {
    let folder = tempfile::tempdir().expect("a folder");
    // A key of a file, as `serve` has it, is what backups are about; the sandbox's is fixed.
    let server = TestServer::in_folder(folder.path(), 100).await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    let answer = account.call("/cgi-bin/message/mass/sendall", body).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    server.settle().await;
    (folder, server)
}

#[tokio::test]
async fn i21_check_runs_beside_the_server_and_says_what_is_wrong_in_two_languages() {
    let (folder, server) = sent().await;
    let data = text(folder.path());
    let clean = qunfa(&["check", "--data", data, "--blobs", "--json"]);
    assert_eq!(clean.status.code(), Some(0));
    let report = json_of(&clean);
    assert_eq!(
        (&report["clean"], &report["seen"]["masses"]),
        (&json!(true), &json!(1))
    );
    assert!(report["seen"]["blobs"].as_u64() > Some(0), "{report}");
    server.stop().await;
    damage(folder.path(), "UPDATE mass SET delivered = delivered + 1");
    let found = qunfa(&["check", "--data", data]);
    assert_eq!(found.status.code(), Some(1));
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    let lines = [
        "I4 account 1, mass 1000000001: delivered: the mass send says 101",
        "已投递：群发记为 101",
    ];
    assert!(lines.iter().all(|line| said.contains(line)), "{said}");
    let nowhere = tempfile::tempdir().expect("a folder");
    let nothing = qunfa(&["check", "--data", text(nowhere.path())]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no database"));
}

#[tokio::test]
async fn a_backup_taken_from_a_running_server_becomes_a_server_again() {
    let (folder, server) = sent().await;
    let place = tempfile::tempdir().expect("a folder");
    let (backup, restored) = (place.path().join("backup"), place.path().join("restored"));
    let data = text(folder.path());
    let made = qunfa(&["backup", text(&backup), "--data", data]);
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert_eq!(
        made.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(
        said.contains("The master key is NOT in this backup") && said.contains("主密钥不在此备份中"),
        "{said}"
    );
    assert!(!backup.join("master.key").exists());

    let again = qunfa(&["backup", text(&backup), "--data", data]);
    assert_eq!(
        again.status.code(),
        Some(2),
        "an earlier backup is not overwritten"
    );

    // Sent on, backed up again into the same folder: the files that are there are not copied again.
    server.account(SERVICE).await.send_text("more").await;
    server.settle().await;
    let newer = qunfa(&["backup", text(&backup), "--into", "--data", data, "--json"]);
    let newer = json_of(&newer);
    assert_eq!(
        (&newer["files_added"], &newer["manifest"]["counts"]["masses"]),
        (&json!(0), &json!(2))
    );
    server.stop().await;

    let made = qunfa(&["restore", text(&backup), "--data", text(&restored), "--json"]);
    assert_eq!(
        made.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let report = json_of(&made);
    assert_eq!(report["check"]["clean"], true, "{report}");
    assert_eq!(report["check"]["seen"]["masses"], 2);
    let twice = qunfa(&["restore", text(&backup), "--data", text(&restored)]);
    assert_eq!(twice.status.code(), Some(2), "nothing is overwritten");

    let server = TestServer::in_folder(&restored, 100).await;
    let account = server.account(SERVICE).await;
    let report = account.report(&json!(1_000_000_001)).await;
    assert_eq!(
        (&report["state"], &report["sent_count"]),
        (&json!("succeeded"), &json!(100)),
        "{report}"
    );
    let open_id = account.open_id(0).await;
    assert_eq!(account.inbox(&open_id).await.len(), 2);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let (folder, server) = sent().await;
    server.stop().await;
    let place = tempfile::tempdir().expect("a folder");
    let backup = place.path().join("backup");
    let made = qunfa(&["backup", text(&backup), "--data", text(folder.path())]);
    assert_eq!(made.status.code(), Some(0));
    let restore = |to: &str| {
        let to = place.path().join(to);
        let refused = qunfa(&["restore", text(&backup), "--data", text(&to)]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(!to.join("qunfa.db").exists());
        String::from_utf8_lossy(&refused.stderr).into_owned()
    };
    let files = std::fs::read_dir(&backup)
        .expect("reads")
        .map(|file| file.expect("reads").path());
    let database = files
        .into_iter()
        .find(|file| file.extension().is_some_and(|end| end == "db"));
    let database = database.expect("a database");
    let sound = std::fs::read(&database).expect("reads");
    let mut bytes = sound.clone();
    bytes[5_000] ^= 1;
    std::fs::write(&database, bytes).expect("writes");
    assert!(restore("one").contains("it is not what the manifest says"));
    std::fs::write(&database, sound).expect("writes");
    std::fs::remove_dir_all(backup.join("blobs")).expect("removes");
    assert!(restore("two").contains("is missing"));
}

#[tokio::test]
async fn every_command_of_the_documentation_does_what_it_says() {
    let (folder, _server) = sent().await;
    let key = folder.path().join("master.key");
    std::fs::write(&key, "00".repeat(32)).expect("writes");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, private).expect("changes");
    let place = tempfile::tempdir().expect("a folder");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations");
    let mut ran = 0;
    for file in ["backup.md", "check.md"] {
        let page = std::fs::read_to_string(docs.join(file)).expect("the page");
        for line in page.lines().filter_map(|line| line.strip_prefix("    qunfa ")) {
            let command = line.split(" #").next().unwrap_or_default();
            let command = command
                .replace("/var/lib/qunfa-restored", text(&place.path().join("restored")))
                .replace("/var/lib/qunfa", text(folder.path()))
                .replace("/backup/qunfa", text(&place.path().join("backup")));
            let words: Vec<&str> = command.split_whitespace().collect();
            if words.first() == Some(&"serve") {
                continue;
            }
            let output = qunfa(&words);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{line}: {said}");
            ran += 1;
        }
    }
    assert_eq!(ran, 6);
}

#[tokio::test]
async fn sec03_the_doctor_finds_open_files_and_a_foreign_key_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, server) = sent().await;
    server.stop().await;
    let key = folder.path().join("master.key");
    std::fs::write(&key, "ab".repeat(32)).expect("writes");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("changes");
    let database = folder.path().join("qunfa.db");
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o644)).expect("changes");
    let seen = qunfa(&["doctor", "--data", text(folder.path()), "--json"]);
    assert_eq!(seen.status.code(), Some(1));
    let items = json_of(&seen);
    let of = |name| item(&items, name);
    assert_eq!(
        of("file rights")["remedy"],
        format!("chmod 600 {}", text(&database))
    );
    assert!(
        of("master key")["found"]
            .as_str()
            .expect("text")
            .contains("is not the key of this database")
    );
    assert_eq!(of("database 数据库")["health"], "good");
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o600)).expect("changes");
    std::fs::remove_file(&key).expect("removes");
    let seen = qunfa(&["doctor", "--data", text(folder.path())]);
    let said = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(
        said.contains("✓ file rights") && said.contains("✗ master key 主密钥"),
        "{said}"
    );
}

/// What the doctor found of this name.
fn item<'a>(items: &'a Value, name: &str) -> &'a Value {
    let mut all = items.as_array().expect("a list").iter();
    all.find(|item| item["name"].as_str().is_some_and(|found| found.starts_with(name)))
        .unwrap_or_else(|| panic!("{name}: {items}"))
}

#[tokio::test]
async fn i14_the_doctor_sees_stuck_sends_unheard_events_a_clock_that_is_behind_and_a_silent_nats() {
    let (folder, server) = sent().await;
    server.stop().await;
    let doctor = || json_of(&qunfa(&["doctor", "--data", text(folder.path()), "--json"]));
    let items = doctor();
    for good in ["mass sends", "events", "disk"] {
        assert_ne!(item(&items, good)["health"], "bad", "{items}");
    }
    assert_eq!(item(&items, "mass sends")["health"], "good", "{items}");
    damage(
        folder.path(),
        "UPDATE mass SET state = 0, accepted_at = 1; UPDATE outbox SET state = 0, create_time = 1;
         UPDATE usage SET latest = 4000000000000",
    );
    let settings = folder.path().join("qunfa.toml");
    let nats = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = nats.local_addr().expect("an address").port();
    drop(nats);
    std::fs::write(
        &settings,
        format!("[cluster]\nnats = [\"nats://127.0.0.1:{port}\"]\n"),
    )
    .expect("writes");
    let args = [
        "doctor",
        "--data",
        text(folder.path()),
        "--config",
        text(&settings),
        "--json",
    ];
    let items = json_of(&qunfa(&args));
    for (name, health) in [
        ("mass sends", "doubtful"),
        ("events", "doubtful"),
        ("clock", "bad"),
        ("NATS", "doubtful"),
    ] {
        assert_eq!(item(&items, name)["health"], health, "{items}");
        assert!(item(&items, name)["remedy_zh"].is_string(), "{items}");
    }
}
