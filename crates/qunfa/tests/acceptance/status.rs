//! S123–S126: asking after a send (spec mass-send §12).

use serde_json::json;

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, refused},
    help::{GET, keys, slow_server, text},
};

#[tokio::test]
async fn s123_verified_accounts_of_both_kinds_ask_after_their_sends() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let account = server.account(app_id).await;
        let id = accepted(&account.send_all(text("x")).await);
        server.settle().await;
        assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    }
    let account = server.account(UNVERIFIED).await;
    server.change(UNVERIFIED, json!({"verified": true})).await;
    let id = accepted(&account.send_all(text("x")).await);
    server.change(UNVERIFIED, json!({"verified": false})).await;
    refused(&account.call(GET, json!({"msg_id": id})).await, 48001);
}

#[tokio::test]
async fn s124_the_msg_id_is_a_string_or_a_number() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(GET).await, 43002);
    accepted(&account.send_all(text("first")).await);
    let id = accepted(&account.send_all(text("x")).await);
    for given in [id.clone(), json!(id.to_string())] {
        let answer = account
            .call("/cgi-bin/message/mass/get", json!({"msg_id": given}))
            .await;
        assert_eq!(answer["msg_id"], id, "{given}");
    }
    for unknown in [
        json!("201053012"),
        json!(7),
        json!("x"),
        json!(null),
        json!({}),
        json!(""),
    ] {
        refused(&account.call(GET, json!({"msg_id": unknown})).await, 40059);
    }
    // Ids are each account's own (reading 11): nobody else has the second one.
    let other = server.account(SUBSCRIPTION).await;
    accepted(&other.send_all(text("x")).await);
    refused(&other.call(GET, json!({"msg_id": id})).await, 40059);
}

#[tokio::test]
async fn s125_the_answer_is_the_id_as_a_number_and_the_status_as_a_word() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(text("x")).await);
    server.settle().await;
    let answer = account.call(GET, json!({"msg_id": id.to_string()})).await;
    assert_eq!(keys(&answer), ["msg_id", "msg_status"], "no errcode");
    assert!(answer["msg_id"].is_i64() && answer["msg_id"] == id, "{answer}");
    assert!(answer["msg_status"].is_string());
}

#[tokio::test]
async fn s126_send_success_stands_for_a_send_that_has_ended() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(text("x")).await);
    server.settle().await;
    assert_ne!(account.status(&id).await, "SEND_SUCCESS");
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(account.inbox_texts(&last).await, ["x"]);
}
