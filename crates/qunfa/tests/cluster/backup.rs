//! A backup of rows on PostgreSQL and uploads in a bucket, and an installation made from it on another database and
//! another part of the bucket.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    fleet::{BUCKET, Fleet},
    parts::{account, people, reader, token, until},
    path,
};

/// The command with the settings of the nodes, and with these.
fn qunfa(fleet: &Fleet, args: &[&str], special: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qunfa"));
    command.args(args).env("QUNFA_STORE_URL", fleet.database());
    command.envs(fleet.shared().iter().map(|(name, value)| (name, value)));
    command.envs(special.iter().copied());
    command.output().expect("it runs")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// All uploads below a folder, without what a node writes to see whether it can.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.ends_with("health") => {}
            false => found.push(path),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i21_rows_on_a_server_and_uploads_in_a_bucket_are_checked_backed_up_and_restored_elsewhere() {
    let mut fleet = Fleet::start(1).await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Kept").await;
    people(&client, &one, 10).await;
    let access = token(&client, &one).await;
    let reads = reader(&client, &one, 3).await.token;
    let news = path::news(&client, &client, &access).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    let sent = client.post("/cgi-bin/message/mass/sendall", &access, &body).await;
    assert_eq!(sent.expect("an answer")["errcode"], 0);
    let there = async || client.entries(&reads).await.expect("an inbox").len() == 1;
    until(crate::fleet::START, "the entry", there).await;

    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("makes");
    let (data, backup) = (data.to_str().expect("UTF-8"), folder.path().join("backup"));
    let backup = backup.to_str().expect("UTF-8");
    let check = || qunfa(&fleet, &["check", "--blobs", "--json", "--data", data], &[]);
    let clean = json_of(&check());
    assert_eq!(clean["clean"], true, "{clean}");
    assert!(clean["seen"]["blobs"].as_u64() > Some(0), "{clean}");
    let made = json_of(&qunfa(&fleet, &["backup", backup, "--data", data, "--json"], &[]));
    assert_eq!(made["manifest"]["counts"]["masses"], 1, "{made}");

    // What is lost in the bucket is found, and is in the backup.
    let uploads = fleet.servers.s3.bucket(BUCKET).join("uploads");
    let kept = files(&uploads);
    assert!(!kept.is_empty());
    kept.iter().for_each(|file| fs::remove_file(file).expect("goes"));
    let found = check();
    assert_eq!(found.status.code(), Some(1), "{}", json_of(&found));

    let database = fleet.servers.postgres.create_database();
    let place = format!("s3://{BUCKET}/restored");
    let restored = [
        ("QUNFA_BLOBS_URL", place.as_str()),
        ("QUNFA_STORE_URL", database.as_str()),
    ];
    let args = [
        "restore",
        backup,
        "--data",
        data,
        "--url",
        database.as_str(),
        "--json",
    ];
    let report = json_of(&qunfa(&fleet, &args, &restored));
    assert_eq!(report["check"]["clean"], true, "{report}");
    let count = files(&fleet.servers.s3.bucket(BUCKET).join("restored")).len();
    assert_eq!(count, kept.len(), "every upload is in its new place");
    let checked = qunfa(&fleet, &["check", "--blobs", "--data", data], &restored);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );

    // A node over the restored rows shows the same inbox to the same token.
    fleet.share("QUNFA_BLOBS_URL", Some(&place));
    fleet
        .add(&[("QUNFA_STORE_URL", format!("{database}?sslmode=disable"))])
        .await;
    assert_eq!(
        fleet.nodes[1]
            .client
            .entries(&reads)
            .await
            .expect("an inbox")
            .len(),
        1
    );
    fleet.check_logs();
}
