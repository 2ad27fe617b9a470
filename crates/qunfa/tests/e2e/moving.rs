//! An installation moves from a folder to a PostgreSQL server and back, and goes on there.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use testkit::Postgres;

use crate::common::{SERVICE, TestServer, accepted};

fn qunfa(args: &[&str], url: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qunfa"));
    if let Some(url) = url {
        command.env("QUNFA_STORE_URL", url);
    }
    command.args(args).output().expect("the binary starts")
}

fn done(args: &[&str], url: Option<&str>) -> Value {
    let output = qunfa(args, url);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn place(folder: &Path) -> String {
    format!("sqlite:{}", text(folder))
}

fn migrate(from: &str, to: &str) -> Value {
    done(&["migrate", "--from", from, "--to", to, "--json"], None)
}

/// A folder whose server keeps its rows in the database at `url`.
fn folder_on(url: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("database.url"), url).expect("a note");
    folder
}

/// Followers with tags, news sent to all, texts to a tag, a recalled one and one for later.
async fn lived_in(folder: &Path) -> Value {
    let server = TestServer::in_folder(folder, 50).await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let recalled = accepted(&account.send_text("recalled").await);
    server.settle().await;
    let path = format!("/v1/accounts/{SERVICE}/masses/{recalled}/recall");
    let (status, answer) = server.native(reqwest::Method::POST, &path, None).await;
    assert!((200..300).contains(&status), "{status} {answer}");
    accepted(&account.send_text("stays").await);
    server.settle().await;
    let seen = seen(&server).await;
    server.stop().await;
    seen
}

/// What followers and the account see.
async fn seen(server: &TestServer) -> Value {
    let account = server.account(SERVICE).await;
    let open_id = account.open_id(7).await;
    json!({"inbox": account.inbox(&open_id).await.len(), "texts": account.inbox_texts(&open_id).await, "openid": open_id})
}

#[tokio::test]
async fn an_installation_moves_to_a_server_and_back_and_goes_on_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = lived_in(folder.path()).await;
    let url = Postgres::shared().create_database();
    let there = migrate(&place(folder.path()), &url);
    assert_eq!(there["check"]["clean"], true, "{there}");

    // Nothing is overwritten, and a folder that is worked on is not moved away.
    let again = qunfa(&["migrate", "--from", &place(folder.path()), "--to", &url], None);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));

    let back = tempfile::tempdir().expect("a folder");
    let returned = migrate(&url, &place(back.path()));
    assert_eq!(returned["tables"], there["tables"], "equal row by row");
    let server = TestServer::in_folder(back.path(), 50).await;
    assert_eq!(seen(&server).await, before);
    let running = qunfa(
        &[
            "migrate",
            "--from",
            &place(back.path()),
            "--to",
            &Postgres::shared().create_database(),
        ],
        None,
    );
    assert_eq!(running.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&running.stderr).contains("in use by another process"));
    server.stop().await;

    let nodes = folder_on(&url);
    let server = TestServer::in_folder(nodes.path(), 50).await;
    assert_eq!(seen(&server).await, before, "the same OpenIDs and inboxes");
    let account = server.account(SERVICE).await;
    accepted(&account.send_text("from the server").await);
    server.settle().await;
    let texts = seen(&server).await;
    assert_eq!(
        texts["inbox"].as_u64(),
        before["inbox"].as_u64().map(|seen| seen + 1)
    );
    server.stop().await;
}

#[tokio::test]
async fn every_command_of_the_page_on_migrating_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    lived_in(folder.path()).await;
    let places = tempfile::tempdir().expect("a folder");
    let url = Postgres::shared().create_database();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations/migrate.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let commands = page.lines().filter_map(|line| line.strip_prefix("    qunfa "));
    let mut ran = 0;
    for line in commands {
        let command = line
            .replace("/var/lib/qunfa-back", text(&places.path().join("back")))
            .replace("/var/lib/qunfa", text(folder.path()))
            .replace("postgres://qunfa@db.example.org/qunfa", &url);
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = qunfa(&words, None);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains("the master key, now") && said.contains("已迁移"),
            "{said}"
        );
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[tokio::test]
async fn a_backup_of_a_running_server_with_postgres_becomes_either_kind_again() {
    let url = Postgres::shared().create_database();
    let nodes = folder_on(&url);
    let server = TestServer::in_folder(nodes.path(), 50).await;
    let account = server.account(SERVICE).await;
    let news = account.news(1).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let before = seen(&server).await;
    let places = tempfile::tempdir().expect("a folder");
    let (backup, restored) = (places.path().join("backup"), places.path().join("restored"));
    let data = text(nodes.path());
    let made = done(&["backup", text(&backup), "--data", data, "--json"], Some(&url));
    assert_eq!(made["manifest"]["counts"]["masses"], 1);
    assert!(made["files_added"].as_u64() > Some(0), "{made}");
    let checked = done(&["check", "--data", data, "--blobs", "--json"], Some(&url));
    assert_eq!(checked["clean"], true, "{checked}");
    server.stop().await;

    let report = done(
        &["restore", text(&backup), "--data", text(&restored), "--json"],
        None,
    );
    assert_eq!(report["check"]["clean"], true, "{report}");
    let server = TestServer::in_folder(&restored, 50).await;
    assert_eq!(seen(&server).await, before);
    server.stop().await;

    let fresh = Postgres::shared().create_database();
    let other = tempfile::tempdir().expect("a folder");
    let restore = [
        "restore",
        text(&backup),
        "--data",
        text(other.path()),
        "--url",
        &fresh,
        "--json",
    ];
    let report = done(&restore, None);
    assert_eq!(report["check"]["clean"], true, "{report}");
    let twice = qunfa(&restore, None);
    assert_eq!(twice.status.code(), Some(2), "nothing is overwritten");
    std::fs::write(other.path().join("database.url"), &fresh).expect("a note");
    let server = TestServer::in_folder(other.path(), 50).await;
    assert_eq!(seen(&server).await, before);
    server.stop().await;
}
