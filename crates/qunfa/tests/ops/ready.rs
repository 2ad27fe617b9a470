//! `/readyz` says what is wrong, and heals.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::process::{Process, until};

/// How soon a part must be well again when the cause is gone.
const HEALS: Duration = Duration::from_secs(10);

async fn ready(process: &Process) -> (u16, Value) {
    let (status, text) = process.get("/readyz").await;
    (status, serde_json::from_str(&text).expect("JSON"))
}

fn part<'a>(readiness: &'a Value, name: &str) -> &'a Value {
    let parts = readiness["parts"].as_array().expect("a list");
    parts
        .iter()
        .find(|part| part["part"] == name)
        .expect("the part is listed")
}

#[tokio::test]
async fn a_server_lists_its_parts_for_programs_and_for_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(&folder.path().join("data"), &[]).await;
    let (status, readiness) = ready(&process).await;
    assert_eq!((status, &readiness["ready"]), (200, &json!(true)), "{readiness}");
    for name in ["store", "blobs", "engine", "clock", "bus"] {
        let part = part(&readiness, name);
        assert_eq!(part["state"], "ok", "{readiness}");
        assert!(
            part["since"].as_str().is_some_and(|since| since.contains('T')),
            "{part}"
        );
    }
    let text = process
        .http
        .get(process.url("/readyz"))
        .header(ACCEPT, "text/plain");
    let text = text
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert!(text.starts_with("ready\nstore ok since "), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[tokio::test]
async fn asking_again_and_again_makes_nothing_grow() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(&folder.path().join("data"), &[]).await;
    let files = || {
        let blobs = fs::read_dir(folder.path().join("data/blobs"))
            .expect("a folder")
            .count();
        (
            blobs,
            fs::metadata(folder.path().join("data/qunfa.db"))
                .expect("a file")
                .len(),
        )
    };
    ready(&process).await;
    let before = files();
    let mut since = String::new();
    for _ in 0..200 {
        let (_, readiness) = ready(&process).await;
        since = part(&readiness, "store")["since"].to_string();
    }
    assert_eq!(files(), before);
    assert_eq!(
        part(&ready(&process).await.1, "store")["since"].to_string(),
        since
    );
}

#[tokio::test]
async fn bytes_that_cannot_be_written_are_told_and_heal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let process = Process::start(&data, &[]).await;
    assert_eq!(ready(&process).await.0, 200);
    // A folder that is gone, not one without permissions: the tests may run as root.
    fs::rename(data.join("blobs"), data.join("away")).expect("moved");
    fs::write(data.join("blobs"), "no folder").expect("written");
    let readiness = until("the fault is told", HEALS, async || {
        let (status, readiness) = ready(&process).await;
        (status == 503).then_some(readiness)
    })
    .await;
    assert_eq!(readiness["ready"], false);
    let blobs = part(&readiness, "blobs");
    assert_eq!(
        (&blobs["state"], &blobs["reason"]),
        (&json!("failed"), &json!("cannot be written and read"))
    );
    assert_eq!(part(&readiness, "store")["state"], "ok", "{readiness}");
    assert!(
        !readiness.to_string().contains(data.to_str().expect("text")),
        "no paths for everybody"
    );
    assert_eq!(process.get("/healthz").await.0, 200, "it lives all the same");
    fs::remove_file(data.join("blobs")).expect("removed");
    fs::rename(data.join("away"), data.join("blobs")).expect("moved back");
    fs::set_permissions(data.join("blobs"), fs::Permissions::from_mode(0o700)).expect("set");
    until("it heals", HEALS, async || {
        (ready(&process).await.0 == 200).then_some(())
    })
    .await;
    let log = process.log();
    assert_eq!(
        log.matches("a part is not in order").count(),
        1,
        "once, not at every look: {log}"
    );
    assert!(log.contains("a part is in order again"), "{log}");
}

#[tokio::test]
async fn rows_that_cannot_be_written_are_told_and_heal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let process = Process::start(&data, &[]).await;
    // Another program holds the write lock of the database, for longer than a probe may take.
    let other = rusqlite::Connection::open(data.join("qunfa.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let readiness = until("the fault is told", HEALS, async || {
        let (status, readiness) = ready(&process).await;
        (status == 503).then_some(readiness)
    })
    .await;
    assert_eq!(part(&readiness, "store")["state"], "failed", "{readiness}");
    other.execute_batch("ROLLBACK").expect("unlocks");
    until("it heals", HEALS, async || {
        (ready(&process).await.0 == 200).then_some(())
    })
    .await;
}
