//! The webhook channel: what a push bridge is told, and what happens when it does not listen.

use std::{process::Command, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    calls::bridge,
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted},
    listener::{Answer, Listener, Told},
};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Sets the account's bridge.
async fn set(account: &TestAccount<'_>, listener: &Listener) {
    let body = json!({"url": listener.url, "secret": SECRET});
    let (status, answer) = bridge(account, Method::PUT, "", Some(body)).await;
    assert!(status == 200 || status == 201, "{answer}");
    assert_eq!(answer["secret"], Value::Null, "its owner knows it");
}

async fn shown(account: &TestAccount<'_>) -> Value {
    let (status, answer) = bridge(account, Method::GET, "", None).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn dead_letters(account: &TestAccount<'_>) -> Vec<Value> {
    let (status, answer) = bridge(account, Method::GET, "/dead-letters", None).await;
    assert_eq!(status, 200, "{answer}");
    answer["dead_letters"].as_array().expect("a list").clone()
}

fn ids(told: &[Told]) -> Vec<&str> {
    told.iter().map(Told::id).collect()
}

/// The external ids of the sandbox's followers.
fn users(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("user-{number:09}")).collect()
}

#[tokio::test]
async fn a_bridge_is_told_in_signed_batches_who_got_what_from_then_on() {
    let server = TestServer::with_followers(2_500).await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    accepted(&account.send_text("before").await);
    server.settle().await;
    set(&account, &listener).await;
    let id = accepted(&account.send_text("停水通知").await);
    server.settle().await;
    let told = listener.wait(3).await;
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|one| one.is_signed_with(SECRET)));
    assert_eq!(told[0].headers["content-type"], "application/json");
    let named: Vec<String> = told.iter().flat_map(Told::external_ids).collect();
    assert_eq!(named, users(0..2_500));
    assert_eq!(told[0].external_ids().len(), 1_000);
    let body = told[0].json();
    let open_id = account.open_id(0).await;
    assert_eq!(
        body["followers"][0],
        json!({"openid": open_id, "external_id": "user-000000000"})
    );
    let entry = &account.inbox(&open_id).await[0];
    assert_eq!(
        (&body["type"], &body["account"], &body["msg_id"]),
        (&json!("entries.released"), &json!(SERVICE), &id)
    );
    for field in ["id", "msg_id", "type", "text", "sent_at"] {
        assert_eq!(body["entry"][field], entry[field], "{field}");
    }
    assert_eq!(body["entry"]["account_name"], "沙盒服务号");
    assert_eq!(listener.most_at_once(), 1);
    let shown = shown(&account).await;
    assert_eq!(
        (&shown["state"], &shown["waiting"]),
        (&json!("ok"), &json!(0)),
        "{shown}"
    );
    assert_eq!(shown["secret"], Value::Null, "sec03: never shown again");
    // Another account's followers are none of its business.
    let other = server.account(SUBSCRIPTION).await;
    accepted(&other.send_text("other").await);
    server.settle().await;
    assert_eq!(listener.told().len(), 3);
}

#[tokio::test]
async fn a_batch_tells_of_every_kind_of_message_what_the_inbox_tells() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    let news = account.news(2).await;
    let picture = account
        .upload(
            "/cgi-bin/media/upload?type=image",
            crate::common::files::jpeg(8, 8),
            "a.jpg",
        )
        .await;
    let messages = [
        json!({"msgtype": "mpnews", "mpnews": {"media_id": news}}),
        json!({"msgtype": "image", "image": {"media_id": picture["media_id"]}}),
        json!({"msgtype": "text", "text": {"content": "一"}}),
    ];
    for mut message in messages {
        message["filter"] = json!({"is_to_all": true});
        accepted(&account.call("/cgi-bin/message/mass/sendall", message).await);
        server.settle().await;
    }
    let told = listener.wait(3).await;
    let entries = account.inbox(&account.open_id(0).await).await;
    for (one, entry) in told.iter().zip(entries.iter().rev()) {
        let body = one.json();
        let told = body["entry"].as_object().expect("an object");
        assert!(told.len() >= 7, "{told:?}");
        for (field, value) in told {
            assert_eq!(Some(value), entry.get(field), "{field} of {}", entry["type"]);
        }
    }
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_the_same_and_nothing_overtakes_it() {
    let server = TestServer::with_followers(1_200).await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    listener.answer(Answer::Status(503));
    accepted(&account.send_text("one").await);
    server.settle().await;
    listener.wait(1).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    assert_eq!(listener.told().len(), 1, "it waits");
    let state = shown(&account).await;
    assert_eq!(
        (&state["state"], &state["attempts"]),
        (&json!("retrying"), &json!(1)),
        "{state}"
    );
    assert_eq!(state["last_error"], "the bridge answered 503");
    assert_eq!(state["waiting"], 2);
    // After five seconds and up to a quarter more, then twice as long.
    server.advance(7).await;
    listener.wait(2).await;
    listener.answer(Answer::Status(200));
    server.advance(13).await;
    let told = listener.wait(6).await;
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[0].body, told[2].body);
    assert_eq!((told[0].id(), told[1].id()), (told[2].id(), told[2].id()));
    assert_ne!(
        told[0].headers["webhook-timestamp"],
        told[2].headers["webhook-timestamp"]
    );
    assert!(told.iter().all(|one| one.is_signed_with(SECRET)));
    let taken: Vec<(Value, usize)> = told[2..]
        .iter()
        .map(|one| (one.json()["entry"]["text"].clone(), one.external_ids().len()))
        .collect();
    let expected = [("one", 1_000), ("one", 200), ("two", 1_000), ("two", 200)];
    assert_eq!(taken, expected.map(|(text, count)| (json!(text), count)));
    assert_eq!(listener.most_at_once(), 1);
    assert_eq!(shown(&account).await["state"], "ok");
}

#[tokio::test]
async fn sec06_a_redirect_is_not_followed_and_a_forbidden_address_not_set() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    listener.answer(Answer::Redirect);
    accepted(&account.send_text("one").await);
    server.settle().await;
    listener.wait(1).await;
    server.settle().await;
    assert_eq!(shown(&account).await["last_error"], "the bridge answered 307");
    assert_eq!(listener.elsewhere(), 0);
    for url in [
        "",
        "no url",
        "ftp://example.org/",
        "http://user:password@example.org/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "https://[fd00::1]/",
        "http://2852039166/",
    ] {
        let (status, answer) = bridge(&account, Method::PUT, "", Some(json!({"url": url}))).await;
        assert_eq!(status, 400, "{url}: {answer}");
        let message = answer["error"]["message"].as_str().expect("a sentence");
        assert!(message.starts_with("url cannot be used: it "), "{message}");
    }
    let long = format!("https://example.org/{}", "x".repeat(1_024));
    assert_eq!(
        bridge(&account, Method::PUT, "", Some(json!({"url": long})))
            .await
            .0,
        400
    );
    for secret in ["", "short", "whsec_AAAA", "whsec_!"] {
        let body = json!({"url": listener.url, "secret": secret});
        let (status, answer) = bridge(&account, Method::PUT, "", Some(body)).await;
        assert_eq!(status, 400, "{secret}: {answer}");
    }
}

#[tokio::test]
async fn a_bridge_that_never_answers_is_left_after_ten_seconds_and_holds_up_no_other_account() {
    let server = TestServer::start().await;
    let (account, other) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let (hanging, well) = (Listener::start().await, Listener::start().await);
    set(&account, &hanging).await;
    set(&other, &well).await;
    hanging.answer(Answer::Hang);
    accepted(&account.send_text("one").await);
    accepted(&other.send_text("two").await);
    server.settle().await;
    well.wait(1).await;
    hanging.wait(1).await;
    let patience = std::time::Instant::now();
    while shown(&account).await["attempts"] == 0 {
        assert!(patience.elapsed().as_secs() < 30);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(shown(&account).await["last_error"], "no answer within 10 s");
}

#[tokio::test]
async fn a_refused_batch_is_set_aside_and_can_be_sent_again() {
    let server = TestServer::with_followers(1_500).await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    listener.answer(Answer::Until(5, 422));
    let id = accepted(&account.send_text("one").await);
    server.advance(300).await;
    // The one after it was taken.
    let told = listener.wait(6).await;
    let first = told[0].id();
    assert!(told[..5].iter().all(|one| one.id() == first), "{:?}", ids(&told));
    assert_eq!(told[5].external_ids(), users(1_000..1_500));
    let dead = dead_letters(&account).await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!((&dead[0]["msg_id"], &dead[0]["followers"]), (&id, &json!(1_000)));
    assert_eq!(dead[0]["reason"], "the bridge answered 422");
    assert_eq!(shown(&account).await["dead_letters"], 1);

    let resend = format!("/dead-letters/{}/resend", dead[0]["id"]);
    listener.answer(Answer::Status(500));
    assert_eq!(
        bridge(&account, Method::POST, &resend, Some(json!({}))).await.0,
        202
    );
    listener.wait(7).await;
    server.settle().await;
    let again = dead_letters(&account).await;
    assert_eq!(again[0]["reason"], "the bridge answered 500", "{again:?}");
    assert_eq!(again[0]["resend"], false, "one try each time");
    listener.answer(Answer::Status(200));
    assert_eq!(
        bridge(&account, Method::POST, &resend, Some(json!({}))).await.0,
        202
    );
    let told = listener.wait(8).await;
    assert_eq!((told[7].id(), told[7].external_ids()), (first, users(0..1_000)));
    server.settle().await;
    assert_eq!(dead_letters(&account).await, Vec::<Value>::new());
    assert_eq!(
        bridge(&account, Method::POST, &resend, Some(json!({}))).await.0,
        404
    );
}

#[tokio::test]
async fn a_bridge_that_is_away_for_days_leaves_dead_letters_that_all_arrive_when_they_are_sent_again() {
    let server = TestServer::with_followers(2_100).await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    listener.answer(Answer::Status(500));
    accepted(&account.send_text("one").await);
    for _ in 0..60 {
        server.advance(1_800).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let tries = listener.told().len();
    assert!((20..60).contains(&tries), "{tries}");
    let account = server.account(SERVICE).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    listener.wait(tries + 1).await;
    server.settle().await;
    let dead = dead_letters(&account).await;
    assert_eq!(dead.len(), 2, "{dead:?}");
    assert!(dead.iter().all(|letter| letter["followers"] == 2_100), "{dead:?}");
    let state = shown(&account).await;
    assert_eq!(
        (&state["state"], &state["waiting"]),
        (&json!("failing"), &json!(0)),
        "{state}"
    );
    listener.answer(Answer::Status(200));
    for letter in dead.iter().rev() {
        let resend = format!("/dead-letters/{}/resend", letter["id"]);
        assert_eq!(
            bridge(&account, Method::POST, &resend, Some(json!({}))).await.0,
            202
        );
    }
    let before = tries + 1;
    let told = listener.wait(before + 6).await;
    for (text, batches) in [("one", &told[before..before + 3]), ("two", &told[before + 3..])] {
        assert!(batches.iter().all(|one| one.json()["entry"]["text"] == text));
        let named: Vec<String> = batches.iter().flat_map(Told::external_ids).collect();
        assert_eq!(named, users(0..2_100), "{text}");
    }
    server.settle().await;
    assert_eq!(dead_letters(&account).await, Vec::<Value>::new());
    accepted(&account.send_text("three").await);
    server.settle().await;
    listener.wait(before + 9).await;
    server.settle().await;
    assert_eq!(shown(&account).await["state"], "ok");
}

#[tokio::test]
async fn i15_a_bridge_is_not_told_of_what_was_taken_back() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    set(&account, &listener).await;
    listener.answer(Answer::Status(503));
    let id = accepted(&account.send_text("wrong").await);
    server.settle().await;
    listener.wait(1).await;
    let recall = format!("/v1/accounts/{SERVICE}/masses/{id}/recall");
    let (status, answer) = server.native(Method::POST, &recall, Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    listener.answer(Answer::Status(200));
    accepted(&account.send_text("right").await);
    server.advance(60).await;
    let told = listener.wait(2).await;
    assert_eq!(told[1].json()["entry"]["text"], "right");
}

#[tokio::test]
async fn a_bridge_is_set_shown_tested_changed_and_removed() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let other = server.account(SUBSCRIPTION).await;
    let listener = Listener::start().await;
    for (method, path) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/test"),
        (Method::POST, "/dead-letters/1/resend"),
    ] {
        assert_eq!(bridge(&account, method, path, None).await.0, 404, "{path}");
    }
    let (status, made) = bridge(&account, Method::PUT, "", Some(json!({"url": listener.url}))).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"]
        .as_str()
        .expect("made here, and shown once")
        .to_owned();
    let (status, answer) = bridge(&account, Method::POST, "/test", Some(json!({}))).await;
    assert_eq!((status, answer), (200, json!({"taken": true})));
    let told = listener.wait(1).await;
    assert_eq!(told[0].json()["type"], "test");
    assert!(told[0].is_signed_with(&secret));
    listener.answer(Answer::Status(401));
    let (_, answer) = bridge(&account, Method::POST, "/test", Some(json!({}))).await;
    assert_eq!(
        answer,
        json!({"taken": false, "error": "the bridge answered 401"})
    );
    // Another address keeps the secret, unless another one is given.
    let moved = Listener::start().await;
    let (status, answer) = bridge(&account, Method::PUT, "", Some(json!({"url": moved.url}))).await;
    assert_eq!((status, &answer["secret"]), (200, &Value::Null), "{answer}");
    bridge(&account, Method::POST, "/test", Some(json!({}))).await;
    assert!(moved.wait(1).await[0].is_signed_with(&secret));
    set(&account, &moved).await;
    bridge(&account, Method::POST, "/test", Some(json!({}))).await;
    assert!(moved.wait(2).await[1].is_signed_with(SECRET));
    assert_eq!(bridge(&other, Method::GET, "", None).await.0, 404, "sec01");
    assert_eq!(bridge(&account, Method::DELETE, "", None).await.0, 204);
    assert_eq!(bridge(&account, Method::GET, "", None).await.0, 404);
    accepted(&account.send_text("one").await);
    server.settle().await;
    assert_eq!(moved.told().len(), 2);
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    let qunfa = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qunfa"));
        command
            .arg("bridge")
            .args(arguments)
            .args([
                "--account",
                SERVICE,
                "--server",
                &server.base,
                "--admin-token",
                "sandbox",
            ])
            .env("QUNFA_BRIDGE_SECRET", SECRET);
        let output = tokio::task::spawn_blocking(move || command.output().expect("runs"));
        let output = output.await.expect("no panic");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let (code, text) = qunfa(&["show"]).await;
    assert_eq!(
        (code, text.contains("no such push bridge")),
        (Some(1), true),
        "{text}"
    );
    let (code, text) = qunfa(&["set", &listener.url]).await;
    assert_eq!((code, text.contains(&listener.url)), (Some(0), true), "{text}");
    assert!(!text.contains("whsec_"), "sec04: {text}");
    let (code, text) = qunfa(&["test"]).await;
    assert_eq!((code, text.as_str()), (Some(0), "taken  yes\n"));
    listener.answer(Answer::Status(400));
    assert_eq!(qunfa(&["test"]).await.0, Some(1));
    accepted(&account.send_text("one").await);
    for tries in 3..=7 {
        server.advance(60).await;
        listener.wait(tries).await;
        server.settle().await;
    }
    let (code, text) = qunfa(&["dead-letters"]).await;
    assert_eq!(
        (code, text.contains("the bridge answered 400")),
        (Some(0), true),
        "{text}"
    );
    listener.answer(Answer::Status(200));
    let (code, text) = qunfa(&["resend", "1"]).await;
    assert_eq!(
        (code, text.as_str()),
        (Some(0), "dead letter 1 is on its way again\n")
    );
    listener.wait(8).await;
    server.settle().await;
    assert_eq!(qunfa(&["dead-letters"]).await.1, "no dead letters\n");
    let (code, text) = qunfa(&["show"]).await;
    assert_eq!((code, text.contains("last_taken_at")), (Some(0), true), "{text}");
    assert_eq!(
        qunfa(&["remove"]).await,
        (Some(0), "the bridge is told nothing any more\n".to_owned())
    );
}
