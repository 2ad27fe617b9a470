//! Mass sends and previews.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

fn text(content: &str) -> Value {
    json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": content}})
}

#[tokio::test]
async fn a_mass_is_accepted_once_and_its_repeat_names_it() {
    let server = Server::start();
    let account = server.service().await;
    let answer = server
        .call(&account, "message/mass/sendall", text("早上好"))
        .await;
    assert_eq!(
        answer.text(),
        r#"{"errcode":0,"errmsg":"send job submission success","msg_id":1000000001}"#
    );
    let again = server
        .call(&account, "message/mass/sendall", text("早上好"))
        .await;
    assert_eq!(
        again.text(),
        r#"{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":1000000001}"#
    );
    let state = server
        .call(&account, "message/mass/get", json!({"msg_id": "1000000001"}))
        .await;
    assert_eq!(state.text(), r#"{"msg_id":1000000001,"msg_status":"SENDING"}"#);
    for body in [json!({"msg_id": 999}), json!({}), json!({"msg_id": "x"})] {
        assert_eq!(
            server.call(&account, "message/mass/get", body).await.errcode(),
            40059
        );
    }
    let list = json!({"touser": &account.open_ids[..2], "msgtype": "text", "text": {"content": "两位"}});
    assert_eq!(
        server.call(&account, "message/mass/send", list).await.errcode(),
        0
    );
    let tag = json!({"filter": {"tag_id": "100"}, "msgtype": "text", "text": {"content": "偶数"}, "clientmsgid": "k"});
    assert_eq!(
        server.call(&account, "message/mass/sendall", tag).await.errcode(),
        0
    );
}

#[tokio::test]
async fn the_first_failing_check_decides() {
    let server = Server::start();
    let account = server.service().await;
    let check = async |path: &str, body: Value, expected: i64| {
        let answer = server.call(&account, path, body.clone()).await;
        assert_eq!(answer.errcode(), expected, "{path} {body}");
    };
    let all = json!({"is_to_all": true});
    check("message/mass/sendall", json!({}), 40008).await;
    check(
        "message/mass/sendall",
        json!({"msgtype": "image", "image": {"media_id": "x"}}),
        40007,
    )
    .await;
    check(
        "message/mass/sendall",
        json!({"filter": all, "msgtype": "text", "text": {"content": ""}}),
        44004,
    )
    .await;
    check(
        "message/mass/sendall",
        json!({"msgtype": "text", "text": {"content": "a"}}),
        40035,
    )
    .await;
    check(
        "message/mass/sendall",
        json!({"filter": {}, "msgtype": "text", "text": {"content": "a"}}),
        40152,
    )
    .await;
    let key = "k".repeat(65);
    let tag = |id: i64| json!({"filter": {"tag_id": id}, "msgtype": "text", "text": {"content": "a"}, "clientmsgid": key});
    check("message/mass/sendall", tag(99_999), 40152).await;
    check("message/mass/sendall", tag(100), 45067).await;
    let list = |to: Value| json!({"touser": to, "msgtype": "text", "text": {"content": "a"}});
    check("message/mass/send", list(json!([])), 40130).await;
    check("message/mass/send", list(json!("x")), 40031).await;
    check("message/mass/send", list(json!(["x", "y"])), 40003).await;
    check("message/mass/send", list(json!(vec!["x"; 10_001])), 40032).await;
    check("message/mass/delete", json!({"msg_id": 5}), 40059).await;
    check("message/mass/speed/set", json!({}), 45084).await;
    check("message/mass/speed/set", json!({"speed": 5}), 45083).await;
    check("message/mass/speed/set", json!({"speed": "4"}), 0).await;
    let speed = server.call(&account, "message/mass/speed/get", json!({})).await;
    assert_eq!(speed.text(), r#"{"speed":4,"realspeed":10}"#);
    let empty = server
        .post(
            &format!("/cgi-bin/message/mass/sendall?access_token={}", account.token),
            "",
        )
        .await;
    assert_eq!(empty.errcode(), 44002);
}

#[tokio::test]
async fn permission_stands_before_the_body() {
    let server = Server::start();
    let unverified = server
        .account(json!({"name": "未认证", "verified": false}), 2)
        .await;
    assert_eq!(
        server
            .call(&unverified, "message/mass/sendall", Value::Null)
            .await
            .errcode(),
        48001
    );
    assert!(
        server
            .call(&unverified, "tags/create", json!({"tag": {"name": "a"}}))
            .await
            .json()["tag"]["id"]
            .is_i64()
    );
    let settings = json!({"name": "订阅号", "kind": "subscription", "verified": true});
    let subscription = server.account(settings, 2).await;
    assert_eq!(
        server
            .call(&subscription, "message/mass/send", json!({}))
            .await
            .errcode(),
        48001
    );
    assert_eq!(
        server
            .call(&subscription, "message/mass/sendall", text("a"))
            .await
            .errcode(),
        0
    );
    assert_eq!(
        server
            .call(&subscription, "message/mass/sendall", text("b"))
            .await
            .errcode(),
        45028
    );
}

#[tokio::test]
async fn l06_the_minute_has_sixty_calls() {
    let server = Server::start();
    let account = server.service().await;
    for _ in 0..60 {
        assert_eq!(
            server
                .call(&account, "message/mass/sendall", json!({}))
                .await
                .errcode(),
            40008
        );
    }
    let answer = server.call(&account, "message/mass/sendall", Value::Null).await;
    assert_eq!(answer.errcode(), 45011);
}

#[tokio::test]
async fn a_preview_has_its_own_refusals() {
    let server = Server::start();
    let account = server.service().await;
    let preview = async |to: Value| {
        let mut body = json!({"msgtype": "text", "text": {"content": "看"}});
        for (key, value) in to.as_object().expect("an object") {
            body[key] = value.clone();
        }
        server
            .call(&account, "message/mass/preview", body)
            .await
            .errcode()
    };
    assert_eq!(preview(json!({})).await, 40003);
    assert_eq!(preview(json!({"touser": "x"})).await, 40003);
    assert_eq!(
        preview(json!({"touser": account.open_ids[0], "towxname": "nobody"})).await,
        40132
    );
    assert_eq!(preview(json!({"touser": "x", "towxname": "user-1"})).await, 0);
    let follower = |n: usize| format!("/v1/accounts/{}/followers/{}", account.appid, account.open_ids[n]);
    server
        .native(Method::POST, &format!("{}/unsubscribe", follower(2)), "")
        .await;
    assert_eq!(preview(json!({"touser": account.open_ids[2]})).await, 43004);
    server
        .native(
            Method::PUT,
            &format!("{}/opt-out", follower(3)),
            r#"{"opted_out":true}"#,
        )
        .await;
    assert_eq!(preview(json!({"touser": account.open_ids[3]})).await, 48002);
    let black = json!({"openid_list": [account.open_ids[4]]});
    assert_eq!(
        server
            .call(&account, "tags/members/batchblacklist", black)
            .await
            .errcode(),
        0
    );
    assert_eq!(preview(json!({"touser": account.open_ids[4]})).await, 43019);
}
