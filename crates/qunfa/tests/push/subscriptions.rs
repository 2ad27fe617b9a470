//! Subscribing and unsubscribing browsers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    calls::Reader,
    common::{SERVICE, SUBSCRIPTION, TestServer, accepted},
    service::PushService,
};

const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn at(endpoint: &str) -> Value {
    json!({"endpoint": endpoint, "keys": {"p256dh": P256DH, "auth": AUTH}})
}

async fn end(reader: &Reader<'_>, ended: &Value) -> u16 {
    let path = "/inbox/push/subscriptions";
    reader.call(Method::DELETE, path, Some(ended)).await.0
}

#[tokio::test]
async fn sec06_endpoints_are_public_and_encrypted_in_every_spelling() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let reader = Reader::of(&account, 0).await;
    for good in [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://1.1.1.1/abc",
        // A sandbox's receivers may be on its own machine.
        "http://127.0.0.1:9/abc",
        "https://[::1]:9/abc",
    ] {
        let (status, answer) = reader.subscribe(&at(good)).await;
        assert_eq!(status, 201, "{good}: {answer}");
    }
    let bad = [
        "",
        "abc",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "http://example.org/abc",
        "http://1.1.1.1/abc",
        "http://localhost:9/abc",
        "https://user:secret@example.org/",
        "https://user@example.org/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/latest/meta-data/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
        "https://0300.0250.1.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:a00:1::]/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
    ];
    for endpoint in bad {
        let (status, answer) = reader.subscribe(&at(endpoint)).await;
        assert_eq!(status, 400, "{endpoint}: {answer}");
        let message = answer["error"]["message"].as_str().expect("a sentence");
        assert!(message.starts_with("endpoint cannot be used: it "), "{message}");
    }
    let long = format!("https://example.org/{}", "x".repeat(1_024));
    assert_eq!(reader.subscribe(&at(&long)).await.0, 400);
    assert_eq!(reader.subscriptions().await.len(), 6);
}

#[tokio::test]
async fn keys_and_bodies_that_no_browser_makes_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let reader = Reader::of(&account, 0).await;
    let endpoint = "https://push.example.org/abc";
    let keys =
        |p256dh: &str, auth: &str| json!({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}});
    // The last digit changed: no point of the curve.
    let off_curve = P256DH.replace("Aiw4", "Aiw8");
    for (body, reason) in [
        (
            keys("", AUTH),
            "keys.p256dh must be an uncompressed P-256 point in base64url",
        ),
        (
            keys(&off_curve, AUTH),
            "keys.p256dh must be an uncompressed P-256 point in base64url",
        ),
        (
            keys(AUTH, AUTH),
            "keys.p256dh must be an uncompressed P-256 point in base64url",
        ),
        (keys(P256DH, ""), "keys.auth must be 16 bytes in base64url"),
        (keys(P256DH, P256DH), "keys.auth must be 16 bytes in base64url"),
        (json!({"endpoint": endpoint}), "missing field `keys`"),
        (
            json!({"keys": {"p256dh": P256DH, "auth": AUTH}}),
            "missing field `endpoint`",
        ),
    ] {
        let (status, answer) = reader.subscribe(&body).await;
        assert_eq!(
            (status, &answer["error"]["message"]),
            (400, &json!(reason)),
            "{body}"
        );
    }
    let mut body = at(endpoint);
    body["language"] = "fr".into();
    assert_eq!(reader.subscribe(&body).await.0, 400);
    body["language"] = "en".into();
    body["surprise"] = 1.into();
    assert_eq!(reader.subscribe(&body).await.0, 400);
    assert_eq!(reader.call(Method::PUT, "/inbox/push", None).await.0, 405);
    for (method, path) in [
        (Method::GET, "/inbox/push"),
        (Method::GET, "/inbox/push/subscriptions"),
        (Method::POST, "/inbox/push/subscriptions"),
        (Method::DELETE, "/inbox/push/subscriptions"),
    ] {
        let nobody = Reader {
            server: &server,
            token: "wrong".into(),
        };
        assert_eq!(
            nobody.call(method, path, Some(&at(endpoint))).await.0,
            401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_reader_has_twenty_browsers_and_the_oldest_gives_way() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let (reader, other) = (Reader::of(&account, 0).await, Reader::of(&account, 1).await);
    for number in 0..25 {
        let body = at(&format!("https://push-{number}.example.org/abc"));
        assert_eq!(reader.subscribe(&body).await.0, 201);
        // The same again is the same.
        assert_eq!(reader.subscribe(&body).await.0, 201);
        server.advance(1).await;
    }
    let list = reader.subscriptions().await;
    let hosts: Vec<String> = (5..25)
        .map(|number| format!("push-{number}.example.org"))
        .collect();
    let listed: Vec<&str> = list
        .iter()
        .filter_map(|one| one["endpoint_host"].as_str())
        .collect();
    assert_eq!(listed, hosts);
    assert_eq!(list[0]["created_at"], "2026-11-22T10:00:05+08:00");
    assert!(
        list[0].as_object().is_some_and(|shown| shown.len() == 2),
        "sec04: {}",
        list[0]
    );
    assert_eq!(other.subscriptions().await.len(), 0);

    let ended = json!({"endpoint": "https://push-7.example.org/abc"});
    assert_eq!(
        end(&other, &ended).await,
        404,
        "sec01: another reader's is like an unknown one"
    );
    assert_eq!(end(&reader, &ended).await, 204);
    assert_eq!(end(&reader, &ended).await, 404);
    assert_eq!(reader.subscriptions().await.len(), 19);
}

#[tokio::test]
async fn a_browser_belongs_to_whoever_subscribed_it_last() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let (account, second) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let (before, after) = (Reader::of(&account, 0).await, Reader::of(&account, 1).await);
    let elsewhere = Reader::of(&second, 0).await;
    let browser = before.browser(&service, "zh").await;
    assert_eq!(elsewhere.subscribe(&browser.subscription).await.0, 201);
    assert_eq!(
        before.subscriptions().await.len(),
        1,
        "the same person in another account"
    );
    // Somebody else logs in on the same device.
    assert_eq!(after.subscribe(&browser.subscription).await.0, 201);
    assert_eq!(before.subscriptions().await.len(), 0);
    assert_eq!(elsewhere.subscriptions().await.len(), 0);
    accepted(&account.send_text("one").await);
    accepted(&second.send_text("other").await);
    server.settle().await;
    let seen = service.wait_seen(&browser, 1).await;
    assert_eq!(seen[0]["body"], "one", "once, for the one who reads there now");
}

#[tokio::test]
async fn a_persons_browser_hears_of_all_accounts_also_of_those_joined_later() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let (account, second) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let new = json!({"name": "第四个号", "kind": "service", "verified": true});
    let (status, third) = server.native(Method::POST, "/v1/accounts", Some(new)).await;
    assert_eq!(status, 201, "{third}");
    let who = json!({"external_id": "user-000000004"});
    let person = Reader::of_person(&server, 4).await;
    let browser = person.browser(&service, "zh").await;
    assert_eq!(
        person.subscriptions().await.len(),
        1,
        "one browser, whatever it hears of"
    );
    accepted(&account.send_text("one").await);
    accepted(&second.send_text("two").await);
    server.settle().await;
    service.wait_seen(&browser, 2).await;

    let appid = third["appid"].as_str().expect("an appid");
    let joins = format!("/v1/accounts/{appid}/followers/subscribe");
    let (status, answer) = server.native(Method::POST, &joins, Some(who)).await;
    assert!(status < 300, "{answer}");
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "three"}});
    let sends = format!("/v1/accounts/{appid}/masses");
    let (status, answer) = server.native(Method::POST, &sends, Some(body)).await;
    assert!(status < 300, "{answer}");
    server.settle().await;
    let seen = service.wait_seen(&browser, 3).await;
    assert_eq!(
        (&seen[2]["body"], &seen[2]["account"]),
        (&json!("three"), &json!(appid))
    );

    let ended = json!({"endpoint": browser.subscription["endpoint"]});
    assert_eq!(end(&person, &ended).await, 204);
    accepted(&account.send_text("four").await);
    server.settle().await;
    assert_eq!(service.pushes(&browser).await.len(), 3);
}

#[tokio::test]
async fn who_is_logged_out_everywhere_is_not_pushed_to_any_more() {
    let server = TestServer::start().await;
    let (account, second) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let follower = Reader::of(&account, 3).await;
    let person = Reader::of_person(&server, 3).await;
    let neighbour = Reader::of_person(&server, 4).await;
    for (reader, host) in [(&follower, "one"), (&person, "two"), (&neighbour, "three")] {
        let body = at(&format!("https://{host}.example.org/abc"));
        assert_eq!(reader.subscribe(&body).await.0, 201);
        server.advance(1).await;
    }
    let elsewhere = Reader::of(&second, 3).await;
    assert_eq!(follower.hosts().await, ["one.example.org", "two.example.org"]);
    assert_eq!(elsewhere.hosts().await, ["two.example.org"]);

    // One token of several: the browsers stay.
    assert_eq!(follower.call(Method::DELETE, "/inbox/token", None).await.0, 204);
    let follower = Reader::of(&account, 3).await;
    assert_eq!(follower.hosts().await.len(), 2);

    let of_account = format!("/v1/accounts/{}/inbox-tokens", account.app_id);
    let who = json!({"external_id": "user-000000003"});
    let ended = server
        .native(Method::DELETE, &of_account, Some(who.clone()))
        .await;
    assert_eq!(ended.0, 204, "{}", ended.1);
    let follower = Reader::of(&account, 3).await;
    assert_eq!(
        follower.hosts().await,
        ["two.example.org"],
        "the person's own stays"
    );

    let ended = server.native(Method::DELETE, "/v1/inbox-tokens", Some(who)).await;
    assert_eq!(ended.0, 204, "{}", ended.1);
    assert_eq!(follower.hosts().await.len(), 0);
    assert_eq!(elsewhere.hosts().await.len(), 0, "in every account");
    assert_eq!(neighbour.hosts().await, ["three.example.org"]);
}
