//! L2–L6: one message once, and not too many at a time (spec mass-send §14.4, §3).

use crate::{
    common::{SERVICE, TestAccount, TestServer, accepted, refused},
    help::{DAY, EVEN, SENDALL, and, keyed, text},
};
use bytes::Bytes;
use futures::stream;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

#[tokio::test]
async fn l02_a_key_is_taken_once_in_a_day() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let first = accepted(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await);
    let again = account.send_tag(EVEN, keyed(text("another text"), "钥匙")).await;
    assert_eq!(
        again,
        json!({"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": first})
    );
    let open_ids = account.open_ids(2).await;
    let list = account
        .send_list(&[&open_ids[0], &open_ids[1]], keyed(text("b"), "钥匙"))
        .await;
    assert_eq!(
        (&list["errcode"], &list["msg_id"]),
        (&json!(45065), &first),
        "one space of keys"
    );
    server.advance(DAY - 1).await;
    let account = server.account(SERVICE).await;
    refused(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await, 45065);
    server.advance(1).await;
    accepted(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await);
}

/// A request whose headers are with the server while its body still is in the test's hands.
fn begun(
    account: &TestAccount<'_>,
    body: &Value,
) -> (
    mpsc::Sender<Result<Bytes, std::io::Error>>,
    reqwest::RequestBuilder,
) {
    let (feed, mut fed) = mpsc::channel(1);
    let stream = stream::poll_fn(move |context| fed.poll_recv(context));
    let length = body.to_string().len();
    let request = account
        .server
        .request(Method::POST, &account.path(SENDALL))
        .header("content-length", length)
        .body(reqwest::Body::wrap_stream(stream));
    (feed, request)
}

/// Nothing is decided while this lives: the store cannot write.
enum Stall {
    File(#[expect(dead_code, reason = "holds the lock of the file")] rusqlite::Connection),
    Server(#[expect(dead_code, reason = "holds the locks of the accounts")] tokio_postgres::Client),
}

async fn stalled(folder: &Path) -> Stall {
    let Some(url) = testkit::postgres::database_of(folder) else {
        return Stall::File(stalled_file(folder));
    };
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .expect("connects");
    tokio::spawn(connection);
    client
        .batch_execute("BEGIN; SELECT account FROM account_lock FOR UPDATE")
        .await
        .expect("locks");
    Stall::Server(client)
}

fn stalled_file(folder: &Path) -> rusqlite::Connection {
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("a database");
    let connection = rusqlite::Connection::open(file).expect("opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("is set");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locks");
    connection
}

#[tokio::test]
async fn l03_the_second_of_two_equal_calls_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::in_folder(folder.path(), 10).await;
    let account = server.account(SERVICE).await;
    let body = and(
        keyed(text("x"), "the same"),
        json!({"filter": {"is_to_all": true}}),
    );
    // Both calls are admitted and counted; then the store stops writing; then both say what they want.
    let (first_feed, first) = begun(&account, &body);
    let (second_feed, second) = begun(&account, &body);
    let first = tokio::spawn(first.send());
    let second = tokio::spawn(second.send());
    let usage = format!("/v1/accounts/{SERVICE}/usage");
    let counted = async {
        while server.native(Method::GET, &usage, None).await.1["calls_this_minute"] != 2 {
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(20), counted).await;
    counted.expect("calls are counted before their bodies are read");
    let stall = stalled(folder.path()).await;
    for feed in [&first_feed, &second_feed] {
        feed.send(Ok(Bytes::from(body.to_string())))
            .await
            .expect("is read");
    }
    drop((first_feed, second_feed));
    let (loser, winner) = match futures::future::select(first, second).await {
        futures::future::Either::Left((loser, winner)) | futures::future::Either::Right((loser, winner)) => {
            (loser, winner)
        }
    };
    let loser: Value = loser
        .expect("ends")
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    refused(&loser, 45066);
    drop(stall);
    let winner: Value = winner
        .await
        .expect("ends")
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = accepted(&winner);
    let third = account.call(SENDALL, body).await;
    assert_eq!(
        (&third["errcode"], &third["msg_id"]),
        (&json!(45065), &id),
        "decided by now"
    );
    server.stop().await;
}

#[tokio::test]
async fn l04_a_key_has_at_most_sixty_four_bytes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let of_bytes = |bytes: usize| "k".repeat(bytes);
    refused(
        &account.send_tag(EVEN, keyed(text("x"), &of_bytes(65))).await,
        45067,
    );
    refused(
        &account.send_tag(EVEN, keyed(text("x"), &"钥".repeat(22))).await,
        45067,
    );
    accepted(&account.send_tag(EVEN, keyed(text("x"), &of_bytes(64))).await);
}

#[tokio::test]
async fn l05_without_a_key_audience_and_content_are_the_key() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let first = accepted(&account.send_tag(EVEN, text("same")).await);
    let again = account.send_tag(EVEN, text("same")).await;
    assert_eq!((&again["errcode"], &again["msg_id"]), (&json!(45065), &first));
    accepted(&account.send_tag(EVEN, text("other")).await);
    accepted(&account.send_tag(101, text("same")).await);
    accepted(&account.send_all(text("same")).await);
    server.advance(DAY).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("same")).await);
    // The operator may switch the rule off.
    server.change(SERVICE, json!({"repeat_check": false})).await;
    accepted(&account.send_tag(EVEN, text("same")).await);
}

#[tokio::test]
async fn l06_sixty_calls_a_minute() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=60 {
        let answer = account.send_tag(EVEN, text(&format!("call {number}"))).await;
        assert_eq!(answer["errcode"], 0, "call {number}: {answer}");
    }
    refused(&account.send_tag(EVEN, text("call 61")).await, 45011);
    let open_ids = account.open_ids(2).await;
    refused(
        &account
            .send_list(&[&open_ids[0], &open_ids[1]], text("call 61"))
            .await,
        45011,
    );
    server.advance(59).await;
    refused(&account.send_tag(EVEN, text("call 61")).await, 45011);
    server.advance(1).await;
    accepted(&account.send_tag(EVEN, text("call 61")).await);
}
