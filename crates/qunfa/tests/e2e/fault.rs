//! The sandbox's own promises: calls are kept and shown, fault rules act at the edges and nowhere else.

use reqwest::Method;
use serde_json::{Value, json};
use wire::callback::signature;

use crate::common::{SERVICE, SUBSCRIPTION, TestServer, accepted, receiver::Receiver, refused};

const SENDALL: &str = "/cgi-bin/message/mass/sendall";

async fn rule(server: &TestServer, body: Value) -> Value {
    let (status, rule) = server.native(Method::POST, "/sandbox/faults", Some(body)).await;
    assert_eq!(status, 201, "{rule}");
    rule
}

async fn requests(server: &TestServer, query: &str) -> Vec<Value> {
    let (status, found) = server
        .native(Method::GET, &format!("/sandbox/requests?{query}"), None)
        .await;
    assert_eq!(status, 200, "{found}");
    found["requests"].as_array().expect("a list").clone()
}

async fn listen(server: &TestServer, app_id: &str) -> Receiver {
    let receiver = Receiver::start().await;
    let callback = json!({"url": receiver.url, "token": "token123", "mode": "plain",
        "aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"});
    let path = format!("/v1/accounts/{app_id}");
    let (status, answer) = server
        .native(Method::PATCH, &path, Some(json!({"callback": callback})))
        .await;
    assert_eq!(status, 200, "{answer}");
    receiver
}

#[tokio::test]
async fn a_refused_call_is_kept_with_its_reason_its_quota_and_a_curl() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_text("一").await);
    refused(&account.send_text("二").await, 45028);
    let found = requests(&server, "errcode=45028").await;
    let [call] = found.as_slice() else {
        panic!("one call: {found:?}");
    };
    assert_eq!(call["account"], SUBSCRIPTION);
    assert_eq!(call["path"], SENDALL);
    assert_eq!(call["query"], "access_token=***", "sec04");
    assert_eq!(call["at"], "2026-11-22T10:00:00+08:00");
    assert_eq!(call["quota"]["before"]["sends_today"], 1);
    assert_eq!(call["quota"]["limits"]["sends_today"], 1);
    assert_eq!(call["explanation"]["errcode"], 45028);
    assert_eq!(call["meaning"]["en"], "mass send · text → all followers");
    let curl = call["curl"].as_str().expect("a command");
    assert!(curl.contains(&account.token) && curl.contains("二"), "{curl}");
}

#[tokio::test]
async fn a_call_shows_the_mass_it_made_and_the_callback_it_caused() {
    let server = TestServer::start().await;
    let receiver = listen(&server, SERVICE).await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_text("一").await);
    server.settle().await;
    let found = requests(&server, "path=sendall").await;
    assert_eq!(found[0]["msg_id"], id);
    let sent = &found[0]["callbacks"][0];
    assert_eq!(sent["event"], "MASSSENDJOBFINISH");
    assert_eq!(
        (&sent["status"], &sent["answer"]),
        (&json!(200), &json!("success"))
    );
    assert_eq!(sent["plain"], receiver.events()[0].body);
    let query = &receiver.events()[0].query;
    let expected = signature("token123", &query["timestamp"], &query["nonce"]);
    assert!(
        sent["query"]
            .as_array()
            .expect("pairs")
            .contains(&json!(["signature", expected]))
    );
}

#[tokio::test]
async fn who_waits_for_a_call_gets_it_when_it_comes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let (_, before) = server.native(Method::GET, "/sandbox/requests", None).await;
    let path = format!("/sandbox/requests?after={}&wait_seconds=30", before["next"]);
    let (news, _) = tokio::join!(
        server.native(Method::GET, &path, None),
        account.get("/cgi-bin/tags/get")
    );
    assert_eq!(news.1["requests"][0]["path"], "/cgi-bin/tags/get");
    let (_, none) = server
        .native(
            Method::GET,
            &format!("/sandbox/requests?after={}", news.1["next"]),
            None,
        )
        .await;
    assert_eq!(none["requests"], json!([]));
    assert_eq!(
        server.native(Method::DELETE, "/sandbox/requests", None).await.0,
        204
    );
    assert!(requests(&server, "").await.is_empty());
}

#[tokio::test]
async fn a_form_is_described_and_its_bytes_are_not_kept() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let picture = crate::common::files::jpeg(8, 8);
    let bytes = picture.len();
    account
        .upload("/cgi-bin/media/upload?type=image", picture, "a.jpg")
        .await;
    let found = requests(&server, "path=media/upload").await;
    assert_eq!(
        found[0]["parts"],
        json!([{"name": "media", "filename": "a.jpg", "bytes": bytes}])
    );
    assert!(
        found[0]["curl"]
            .as_str()
            .expect("a command")
            .contains("-F media=@a.jpg")
    );
}

#[tokio::test]
async fn a_rule_answers_with_an_errcode_as_often_as_it_says_and_nothing_is_done() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let rule = rule(
        &server,
        json!({"match": {"account": SERVICE, "path": SENDALL, "msgtype": "text"},
            "effect": {"errcode": -1}, "expires": {"hits": 2}}),
    )
    .await;
    refused(&account.send_text("一").await, -1);
    refused(&account.send_text("一").await, -1);
    accepted(&account.send_text("一").await);
    let (_, seen) = server
        .native(Method::GET, &format!("/sandbox/faults/{}", rule["id"]), None)
        .await;
    assert_eq!((&seen["hits"], &seen["active"]), (&json!(2), &json!(false)));
    let found = requests(&server, "errcode=-1").await;
    assert_eq!(found[0]["fault"]["rule"], rule["id"]);
    assert_eq!(
        found[0]["quota"]["after"]["calls_today"], 0,
        "the call never arrived"
    );
}

#[tokio::test]
async fn a_rule_ends_with_the_virtual_time() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    rule(&server, json!({"use": "system-busy"})).await;
    refused(&account.get("/cgi-bin/tags/get").await, -1);
    server.advance(30).await;
    assert!(account.get("/cgi-bin/tags/get").await["tags"].is_array());
}

#[tokio::test]
async fn two_processes_with_tokens_of_their_own_meet_40001() {
    let server = TestServer::start().await;
    rule(&server, json!({"use": "token-overlap-two-processes"})).await;
    let first = server.account(SERVICE).await;
    assert!(first.get("/cgi-bin/tags/get").await["tags"].is_array());
    let second = server.account(SERVICE).await;
    refused(&first.get("/cgi-bin/tags/get").await, 40001);
    assert!(second.get("/cgi-bin/tags/get").await["tags"].is_array());
    let found = requests(&server, "errcode=40001").await;
    assert_eq!(found[0]["account"], SERVICE, "the log knows whose token it was");
}

#[tokio::test]
async fn a_token_ends_in_the_middle_and_a_new_one_helps() {
    let server = TestServer::start().await;
    let stable = async || {
        let body = json!({"grant_type": "client_credential", "appid": SERVICE,
            "secret": "00000000000000000000000000000001"});
        let answer = server.post("/cgi-bin/stable_token", body.to_string()).await;
        answer["access_token"].as_str().expect("a token").to_owned()
    };
    for (name, code) in [("token-expired", 42001), ("token-revoked", 40001)] {
        let token = stable().await;
        let matching = json!({"path": "/cgi-bin/tags/get"});
        rule(&server, json!({"use": name, "match": matching})).await;
        let path = format!("/cgi-bin/tags/get?access_token={token}");
        refused(&server.get(&path).await, code);
        refused(&server.get(&path).await, code);
        let new = stable().await;
        assert_ne!(new, token);
        assert!(server.get(&format!("/cgi-bin/tags/get?access_token={new}")).await["tags"].is_array());
    }
}

#[tokio::test]
async fn a_lost_answer_is_no_lost_send() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    rule(&server, json!({"use": "answer-lost"})).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "一"},
        "clientmsgid": "once"});
    let lost = server
        .request(Method::POST, &account.path(SENDALL))
        .body(body.to_string())
        .send()
        .await;
    assert!(lost.is_err(), "{lost:?}");
    let again = account.call(SENDALL, body).await;
    refused(&again, 45065);
    let found = requests(&server, "path=sendall").await;
    assert_eq!(found[0]["msg_id"], again["msg_id"]);
    assert!(found[0].get("status").is_none() && found[0]["failed"] == true);
}

#[tokio::test]
async fn a_connection_breaks_before_the_call_or_in_the_middle_of_its_answer() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    rule(&server, json!({"use": "connection-dropped"})).await;
    let path = account.path("/cgi-bin/tags/get");
    assert!(server.request(Method::GET, &path).send().await.is_err());
    rule(&server, json!({"use": "half-answer"})).await;
    let half = server
        .request(Method::GET, &path)
        .send()
        .await
        .expect("a beginning");
    assert_eq!(half.status(), 200);
    assert!(half.text().await.is_err());
    assert!(account.get("/cgi-bin/tags/get").await["tags"].is_array());
}

#[tokio::test]
async fn a_verdict_is_for_the_mass_of_the_call_and_for_no_later_one() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    rule(&server, json!({"use": "reprint-refused"})).await;
    let missing = json!({"filter": {"is_to_all": true}, "msgtype": "image", "image": {"media_id": "x"}});
    refused(&account.call(SENDALL, missing).await, 40007);
    let passed = accepted(&account.send_text("一").await);
    server.settle().await;
    rule(&server, json!({"use": "reprint-refused"})).await;
    let stopped = accepted(&account.send_text("二").await);
    server.settle().await;
    assert_eq!(account.report(&passed).await["state"], "succeeded");
    let status = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": stopped}))
        .await;
    assert_ne!(status["msg_status"], "SEND_SUCCESS", "{status}");
    assert!(account.report(&stopped).await.to_string().contains("30003"));
}

#[tokio::test]
async fn callbacks_get_lost_come_twice_late_and_with_wrong_signatures() {
    let server = TestServer::start().await;
    let receiver = listen(&server, SERVICE).await;
    let account = server.account(SERVICE).await;
    let mut so_far = 0;
    let mut send = async |name: &str, text: &str, later: i64| {
        let rule = rule(&server, json!({"use": name})).await;
        accepted(&account.send_text(text).await);
        server.settle().await;
        let at_once = receiver.events().len() - so_far;
        server.advance(later).await;
        let then = receiver.events().len() - so_far;
        so_far += then;
        let path = format!("/sandbox/faults/{}", rule["id"]);
        assert_eq!(server.native(Method::DELETE, &path, None).await.0, 204);
        (at_once, then)
    };
    assert_eq!(send("callback-never-came", "一", 600).await, (0, 0));
    assert_eq!(send("callback-came-twice", "二", 60).await, (2, 2));
    assert_eq!(send("callback-came-late", "三", 3_599).await, (0, 0));
    server.advance(1).await;
    assert_eq!(receiver.events().len(), 3);
    rule(&server, json!({"use": "callback-wrong-signature"})).await;
    account.quota(json!({"history_per_month": null})).await;
    accepted(&account.send_text("四").await);
    server.settle().await;
    let query = &receiver.events()[3].query;
    assert_ne!(
        query["signature"],
        signature("token123", &query["timestamp"], &query["nonce"])
    );
}

#[tokio::test]
async fn an_answer_that_comes_too_late_makes_a_callback_come_again() {
    let server = TestServer::start().await;
    let receiver = listen(&server, SERVICE).await;
    let account = server.account(SERVICE).await;
    rule(
        &server,
        json!({"use": "callback-timeout", "expires": {"hits": 1}}),
    )
    .await;
    accepted(&account.send_text("一").await);
    server.settle().await;
    assert_eq!(receiver.events().len(), 1);
    server.advance(60).await;
    assert_eq!(receiver.events().len(), 2, "once more, then it was received");
    assert_eq!(receiver.events()[0].body, receiver.events()[1].body);
}

#[tokio::test]
async fn events_out_of_order_come_all_the_same() {
    let server = TestServer::start().await;
    let receiver = listen(&server, SERVICE).await;
    let account = server.account(SERVICE).await;
    rule(
        &server,
        json!({"use": "callback-out-of-order", "expires": {"hits": 1}}),
    )
    .await;
    let first = accepted(&account.send_text("一").await);
    server.settle().await;
    assert_eq!(receiver.events().len(), 0);
    let second = accepted(&account.send_text("二").await);
    server.advance(60).await;
    let bodies: Vec<String> = receiver.events().into_iter().map(|event| event.body).collect();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].contains(&second.to_string()) && bodies[1].contains(&first.to_string()));
}

#[tokio::test]
async fn rules_and_calls_are_for_the_operator_and_pages_for_everybody_here() {
    let server = TestServer::start().await;
    for path in [
        "/sandbox/requests",
        "/sandbox/requests/1",
        "/sandbox/faults",
        "/sandbox/faults/catalogue",
    ] {
        let answer = server.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{path}");
    }
    let refusals = [
        json!({}),
        json!({"use": "nothing"}),
        json!({"use": "half-answer", "effect": "half_answer"}),
        json!({"effect": {"errcode": 12}}),
        json!({"effect": "half_answer", "more": 1}),
    ];
    for body in refusals {
        let (status, answer) = server.native(Method::POST, "/sandbox/faults", Some(body)).await;
        assert_eq!(status, 400, "{answer}");
    }
    for (path, language, words) in [
        ("/sandbox/inspector", "zh-CN", "检查器"),
        ("/sandbox/inspector", "en", "Inspector"),
        ("/sandbox/errcodes/45028", "zh-CN", "群发次数已用完。"),
        (
            "/sandbox/errcodes/45028?lang=en",
            "zh-CN",
            "mass sends are used up",
        ),
        ("/sandbox/errcodes", "en", "268488001"),
    ] {
        let page = server
            .request(Method::GET, path)
            .header("accept-language", language);
        let page = page.send().await.expect("an answer");
        assert_eq!(page.status(), 200, "{path}");
        let policy = page.headers()["content-security-policy"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let text = page.text().await.expect("a page");
        assert!(text.contains(words), "{path}: {text}");
    }
    let code = server
        .request(Method::GET, "/sandbox/errcodes/40007")
        .header("accept", "application/json");
    let code: Value = code.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&code["errcode"], &code["retry"]), (&json!(40007), &json!("no")));
    let (_, all) = server
        .native(Method::GET, "/sandbox/faults/catalogue", None)
        .await;
    assert!(all["catalogue"].as_array().expect("a list").len() >= 20);
}
