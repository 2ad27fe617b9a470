//! The log tells what happened to a request and never what it carried (SEC4).

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    process::{ADMIN, Account, Process, until},
    receiver,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// A value that would end a log line, begin a false one and clear the screen.
const HOSTILE: &str = "evil\r\n2026-01-01T00:00:00Z ERROR forged line\u{1b}[2J\u{7}";
const CONTENT: &str = "本周六上午讲植物标本的制作";
const REMARK: &str = "remark-only-for-the-account";
const WRONG_SECRET: &str = "wrong-secret-5f1d7c";
const WRONG_TOKEN: &str = "wrong-token-8a31ee";
const CALLBACK_TOKEN: &str = "callbackTokenQ7w8e9";
const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const RECEIVER_SAYS: &str = "what-the-receiver-answered\u{1b}[31m";
const QUERY_OF_URL: &str = "secret-in-the-callback-url";

/// Everything that an account, its followers and an attacker do; gives back what no log may hold.
async fn flow(process: &Process) -> Vec<String> {
    let account = process.account(3).await;
    let path = format!("/v1/accounts/{}", account.appid);
    let callback = json!({"callback": {"url": format!("{}?key={QUERY_OF_URL}", receiver::failing(RECEIVER_SAYS).await), "token": CALLBACK_TOKEN, "aes_key": AES_KEY,
        "mode": "safe"}});
    let (status, answer) = process.native(Method::PATCH, &path, callback).await;
    assert_eq!(status, 200, "{answer}");
    let stable = json!({"grant_type": "client_credential", "appid": account.appid, "secret": account.secret});
    let stable = process.call(&account, "/cgi-bin/stable_token", stable).await;
    let inbox = json!({"openid": account.open_ids[0]});
    let (_, inbox) = process
        .native(Method::POST, &format!("{path}/inbox-tokens"), inbox)
        .await;
    let inbox = inbox["token"].as_str().expect("a token").to_owned();
    let media = uploads_and_sends(process, &account).await;
    for uri in ["/inbox/entries", "/inbox/entries?cursor=forged-cursor-value"] {
        let request = process.http.get(process.url(uri)).bearer_auth(&inbox);
        request.send().await.expect("an answer");
    }
    process.get(&format!("/inbox/entries?token={inbox}")).await;
    attack(process, &account).await;
    until("the event was tried", PATIENCE, async || {
        process.log().contains("a callback failed").then_some(())
    })
    .await;
    let mut secrets = vec![
        ADMIN.to_owned(),
        account.secret,
        account.token,
        stable["access_token"].as_str().expect("a token").to_owned(),
        inbox,
        media,
    ];
    secrets.extend(account.open_ids);
    let known = [
        CONTENT,
        REMARK,
        WRONG_SECRET,
        WRONG_TOKEN,
        CALLBACK_TOKEN,
        AES_KEY,
        QUERY_OF_URL,
        "what-the-receiver-answered",
        "msg_signature",
        "forged-cursor-value",
        "access_token=",
    ];
    secrets.extend(known.map(str::to_owned));
    secrets
}

async fn uploads_and_sends(process: &Process, account: &Account) -> String {
    let url = process.url(&format!(
        "/cgi-bin/media/upload?type=image&access_token={}",
        account.token
    ));
    let part = reqwest::multipart::Part::bytes(b"no picture".to_vec()).file_name(HOSTILE.to_owned());
    let form = reqwest::multipart::Form::new().part("media", part);
    process
        .http
        .post(url)
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    let media = "media-id-of-nobody-3c9b".to_owned();
    let text = |content: &str| json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": content}});
    let answer = process
        .call(account, "/cgi-bin/message/mass/sendall", text(CONTENT))
        .await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    let bodies = [
        ("/cgi-bin/message/mass/sendall", text(HOSTILE)),
        (
            "/cgi-bin/message/mass/sendall",
            json!({"filter": {"is_to_all": true}, "msgtype": "image", "image": {"media_id": media}}),
        ),
        (
            "/cgi-bin/message/mass/send",
            json!({"touser": account.open_ids, "msgtype": HOSTILE, "text": {"content": CONTENT}}),
        ),
        (
            "/cgi-bin/message/mass/preview",
            json!({"touser": account.open_ids[0], "msgtype": "text", "text": {"content": CONTENT}}),
        ),
        (
            "/cgi-bin/user/info/updateremark",
            json!({"openid": account.open_ids[1], "remark": REMARK}),
        ),
        (
            "/cgi-bin/user/info/updateremark",
            json!({"openid": HOSTILE, "remark": REMARK}),
        ),
        ("/cgi-bin/tags/create", json!({"tag": {"name": HOSTILE}})),
        ("/cgi-bin/openapi/rid/get", json!({"rid": HOSTILE})),
    ];
    for (path, body) in bodies {
        process.call(account, path, body).await;
    }
    process
        .get(&format!(
            "/cgi-bin/user/info?access_token={}&openid={}",
            account.token, account.open_ids[0]
        ))
        .await;
    media
}

async fn attack(process: &Process, account: &Account) {
    process.token(&account.appid, WRONG_SECRET).await;
    process.token("wx-of-nobody", WRONG_SECRET).await;
    for path in [
        format!("/cgi-bin/tags/get?access_token={WRONG_TOKEN}"),
        "/cgi-bin/tags/get?access_token=%0d%0aevil%1b%5b2J".to_owned(),
        "/made/%0d%0aup?secret=x".to_owned(),
        "/v1/accounts/%0d%0aevil/followers".to_owned(),
    ] {
        process.get(&path).await;
    }
    let wrong = process
        .http
        .get(process.url("/v1/accounts"))
        .bearer_auth(WRONG_TOKEN);
    wrong.send().await.expect("an answer");
    let odd = process
        .http
        .post(process.url("/v1/accounts"))
        .bearer_auth(ADMIN)
        .header(header::USER_AGENT, "\u{9b}31m");
    odd.body(HOSTILE).send().await.expect("an answer");
    let name = json!({"name": HOSTILE, "kind": HOSTILE});
    process.native(Method::POST, "/v1/accounts", name).await;
}

async fn check(level: &str, format: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("QUNFA_LOG_LEVEL", level), ("QUNFA_LOG_FORMAT", format)];
    let process = Process::start(&folder.path().join("data"), &env).await;
    let secrets = flow(&process).await;
    let log = process.log();
    for secret in &secrets {
        assert!(
            !log.contains(secret.as_str()),
            "{level} {format}: {secret} in\n{log}"
        );
    }
    assert!(!log.contains("panic"), "{log}");
    let odd = log.chars().find(|letter| letter.is_control() && *letter != '\n');
    assert_eq!(odd, None, "{level} {format}: a raw control character in\n{log}");
    for line in log.lines() {
        match format {
            "json" => {
                drop(serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            }
            _ => assert!(
                line.starts_with("20") && line.contains('Z'),
                "a line of its own: {line}"
            ),
        }
        assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{line}");
    }
    let refused = log
        .lines()
        .find(|line| line.contains("40125"))
        .expect("the wrong secret was refused");
    for part in ["/cgi-bin/token", "request", "duration_ms", "127.0.0.1"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert_eq!(log.contains("answered a request"), level == "debug");
}

#[tokio::test]
async fn sec04_the_log_for_people_holds_no_secret_and_no_false_line() {
    check("info", "text").await;
}

#[tokio::test]
async fn sec04_the_log_for_programs_holds_no_secret_and_no_false_line() {
    check("info", "json").await;
}

#[tokio::test]
async fn sec04_the_log_for_people_holds_none_at_debug_either() {
    check("debug", "text").await;
}

#[tokio::test]
async fn sec04_the_log_for_programs_holds_none_at_debug_either() {
    check("debug", "json").await;
}

#[tokio::test]
async fn a_refused_call_is_found_by_what_its_caller_was_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("QUNFA_LOG_FORMAT", "json")];
    let process = Process::start(&folder.path().join("data"), &env).await;
    let account = process.account(1).await;
    let answer = process
        .call(&account, "/cgi-bin/message/mass/get", json!({"msg_id": 5}))
        .await;
    let rid = answer["errmsg"]
        .as_str()
        .and_then(|text| text.split("rid: ").nth(1))
        .expect("a request id");
    let native = process
        .http
        .get(process.url("/v1/accounts/nobody"))
        .bearer_auth(ADMIN)
        .send()
        .await;
    let native = native.expect("an answer").headers()["x-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    let log = process.log();
    let line = |id: &str| -> Value {
        let line = log
            .lines()
            .find(|line| line.contains(id))
            .unwrap_or_else(|| panic!("{id} in {log}"));
        serde_json::from_str(line).expect("JSON")
    };
    let fields = &line(rid)["fields"];
    assert_eq!(fields["route"], "/cgi-bin/message/mass/get");
    assert_eq!(fields["errcode"], answer["errcode"]);
    assert_eq!(fields["account.id"], 1);
    assert_eq!(fields["source"], "127.0.0.1");
    let fields = &line(&native)["fields"];
    assert_eq!(
        (&fields["route"], &fields["status"]),
        (&json!("/v1/accounts/{appid}"), &json!(404))
    );
}

#[tokio::test]
async fn sec10_a_trusted_proxy_names_the_source_and_nobody_else_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = [
        ("QUNFA_LOG_FORMAT", "json"),
        ("QUNFA_SERVER_TRUSTED_PROXIES", "127.0.0.1/32"),
    ];
    for (env, source) in [(&base[..], "198.51.100.7"), (&base[..1], "127.0.0.1")] {
        let process = Process::start(&folder.path().join(source), env).await;
        let request = process
            .http
            .get(process.url("/cgi-bin/tags/get"))
            .header("x-forwarded-for", "6.6.6.6, 198.51.100.7");
        request.send().await.expect("an answer");
        let log = process.log();
        let line = log.lines().find(|line| line.contains("41001")).expect("a line");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["fields"]["source"], source);
    }
}
