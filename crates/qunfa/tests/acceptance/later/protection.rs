//! L12: sends to all that wait for the administrator (spec mass-send §14.6).

use crate::{
    common::{SERVICE, TestAccount, TestServer, accepted, refused},
    help::{EVEN, element, finish, finishes, text, told},
};
use reqwest::Method;
use serde_json::{Value, json};

/// A protected account that has sent to all; the `msg_id`.
async fn waiting(account: &TestAccount<'_>) -> Value {
    account.server.change(SERVICE, json!({"protect": true})).await;
    let id = accepted(&account.send_all(text("等确认")).await);
    account.server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert_eq!(account.report(&id).await["waiting_for"], "confirmation");
    assert!(account.texts(0).await.is_empty());
    id
}

/// The administrator decides.
async fn decide(server: &TestServer, id: &Value, what: &str) {
    let path = format!("/v1/accounts/{SERVICE}/masses/{id}/{what}");
    let (status, answer) = server.native(Method::POST, &path, None).await;
    assert!((200..300).contains(&status), "{status} {answer}");
    server.settle().await;
}

#[tokio::test]
async fn l12_a_protected_send_goes_out_when_it_is_confirmed() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    refused(&account.send_all(text("noch eins")).await, 89504);
    accepted(&account.send_tag(EVEN, text("to a tag")).await);
    server.settle().await;
    assert_eq!(account.texts(0).await, ["to a tag"], "only sends to all wait");
    server.advance(29 * 60).await;
    decide(&server, &id, "confirm").await;
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(account.texts(1).await, ["等确认"]);
    assert!(
        told(&server, &receiver, 2)
            .await
            .iter()
            .all(|event| element(event, "Status") == "send success")
    );
}

#[tokio::test]
async fn l12_a_protected_send_that_is_refused_fails_with_40001() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    decide(&server, &id, "refuse").await;
    assert_eq!(element(&finish(&server, &receiver).await, "Status"), "err(40001)");
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    assert!(account.texts(0).await.is_empty());
}

#[tokio::test]
async fn l12_a_protected_send_that_nobody_answers_for_fails_after_thirty_minutes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    server.advance(30 * 60 - 1).await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert!(finishes(&receiver).is_empty());
    server.advance(1).await;
    assert_eq!(element(&finish(&server, &receiver).await, "Status"), "err(40002)");
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    assert!(account.texts(0).await.is_empty());
}
