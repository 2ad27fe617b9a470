//! The native API and the sandbox's clock.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn nothing_is_told_without_the_admin_token() {
    let server = Server::start();
    for token in ["", "Bearer ", "Bearer wrong", "Basic admin-token"] {
        let request = Request::get("/v1/accounts").header(header::AUTHORIZATION, token);
        let answer = server.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        assert_eq!(answer.json()["error"]["code"], "unauthorized");
    }
    assert_eq!(
        server.native(Method::GET, "/v1/nothing", "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        server.native(Method::DELETE, "/v1/accounts", "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        server.native(Method::GET, "/v1/accounts/wx0", "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_account_is_made_shown_without_secrets_and_changed() {
    let server = Server::start();
    let account = server.service().await;
    assert_eq!((account.appid.len(), account.secret.len()), (18, 32));
    let uri = format!("/v1/accounts/{}", account.appid);
    let change = json!({"quota": {"calls_per_minute": null}, "pay_enabled": true,
        "callback": {"url": "http://example.org/wx", "token": "abcToken", "mode": "plain"}});
    let changed = server.native(Method::PATCH, &uri, change.to_string()).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let shown = server.native(Method::GET, &uri, "").await.json();
    assert_eq!(shown, changed.json());
    assert_eq!(shown["quota"]["calls_per_minute"], json!(null));
    assert_eq!(shown["quota"]["calls_per_day"], 100);
    assert_eq!(
        shown["callback"],
        json!({"url": "http://example.org/wx", "mode": "plain"})
    );
    assert!(!shown.to_string().contains("abcToken") && !shown.to_string().contains(&account.secret));

    let patch = async |body: &str| server.native(Method::PATCH, &uri, body.to_owned()).await;
    let refused = patch(r#"{"callback":{"url":"http://a.test/","token":"abc"}}"#).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("nobody answers there"));
    assert_eq!(
        patch(r#"{"callback":{"url":"http://a.test/","token":"abc","verify":false}}"#)
            .await
            .status,
        StatusCode::OK
    );
    for body in [
        "",
        "[]",
        "{\"x\":1}",
        r#"{"kind":"x"}"#,
        r#"{"callback":{"url":"ftp://a","token":"abc"}}"#,
        r#"{"quota":{"receipts_per_month":8}}"#,
    ] {
        assert_eq!(patch(body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(
        patch(r#"{"callback":null}"#).await.json()["callback"],
        json!(null)
    );
}

#[tokio::test]
async fn an_import_tells_what_it_did_line_by_line() {
    let server = Server::start();
    let account = server.account(json!({"name": "a"}), 0).await;
    let uri = format!("/v1/accounts/{}/followers", account.appid);
    let file = "\u{feff}external_id,nickname,remark,language,tags,subscribe_time\nu1,李雷,园丁,zh_CN,a;b,1700000000\n,x,,,,\nu2,,,,,\nu1,韩,,,,\n";
    let report = server.native(Method::POST, &uri, file).await.json();
    assert_eq!(
        report["errors"],
        json!([{"line": 3, "reason": "external_id is missing"}])
    );
    assert_eq!(
        report["imported"].as_u64().zip(report["updated"].as_u64()),
        Some((2, 1)),
        "{report}"
    );
    let lines = "{\"external_id\":\"u2\",\"remark\":\"二\"}\n{\"external_id\":\"u3\"}\n";
    let report = server.native(Method::POST, &uri, lines).await.json();
    assert_eq!(
        (&report["imported"], &report["updated"], &report["errors"]),
        (&json!(1), &json!(1), &json!([]))
    );
    assert_eq!(
        server.native(Method::POST, &uri, "age\n7\n").await.status,
        StatusCode::BAD_REQUEST
    );
    let first = server
        .native(Method::GET, &format!("{uri}?limit=2"), "")
        .await
        .json();
    assert_eq!(
        (&first["total"], &first["followers"][0]["nickname"]),
        (&json!(3), &json!("韩"))
    );
    let rest = format!(
        "{uri}?limit=2&after={}",
        first["next"].as_str().expect("a next page")
    );
    let rest = server.native(Method::GET, &rest, "").await.json();
    assert_eq!(
        (&rest["followers"][0]["external_id"], &rest["next"]),
        (&json!("u3"), &json!(null))
    );
    let tags = server
        .native(Method::GET, &format!("/v1/accounts/{}/tags", account.appid), "")
        .await
        .json();
    assert!(tags["tags"].to_string().contains("\"a\""), "{tags}");
    let new = server
        .native(
            Method::POST,
            &format!("{uri}/subscribe"),
            r#"{"external_id":"u9"}"#,
        )
        .await
        .json();
    assert_eq!(new["subscribed"], true);
}

#[tokio::test]
async fn the_ledger_shows_a_mass_with_its_counts() {
    let server = Server::start();
    let account = server.service().await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "a"}});
    let id = server.call(&account, "message/mass/sendall", body).await.json()["msg_id"].clone();
    let uri = format!("/v1/accounts/{}/masses", account.appid);
    let mass = server
        .native(Method::GET, &format!("{uri}/{id}"), "")
        .await
        .json();
    assert_eq!(
        (&mass["state"], &mass["type"], &mass["total_count"]),
        (&json!("sending"), &json!("text"), &json!(10))
    );
    assert_eq!(
        mass["reasons"],
        json!({"over_quota": 0, "blacklisted": 0, "opted_out": 0, "left": 0, "failed": 0})
    );
    let list = server.native(Method::GET, &uri, "").await.json();
    assert_eq!(list["masses"][0], mass);
    assert_eq!(
        server.native(Method::GET, &format!("{uri}/x"), "").await.status,
        StatusCode::NOT_FOUND
    );
    let usage = server
        .native(Method::GET, &format!("/v1/accounts/{}/usage", account.appid), "")
        .await
        .json();
    assert_eq!(
        (&usage["calls_today"], &usage["history_this_month"]),
        (&json!(1), &json!(1))
    );
    let events = server
        .native(Method::GET, &format!("/v1/accounts/{}/events", account.appid), "")
        .await
        .json();
    assert_eq!(events["events"], json!([]));
}

#[tokio::test]
async fn the_clock_is_read_and_moved_forward() {
    let server = Server::start();
    let post = async |body: &str| server.post("/sandbox/clock", body.to_owned()).await;
    assert_eq!(
        post(r#"{"advance_seconds":0}"#).await.json()["now"],
        "2026-11-22T10:00:00+08:00"
    );
    assert_eq!(
        post(r#"{"advance_seconds":60}"#).await.json()["now"],
        "2026-11-22T10:01:00+08:00"
    );
    assert_eq!(
        post(r#"{"set":"2026-12-01T00:00:00+08:00"}"#).await.json()["now"],
        "2026-12-01T00:00:00+08:00"
    );
    assert_eq!(
        server.get("/sandbox/clock").await.json()["now"],
        "2026-12-01T00:00:00+08:00"
    );
    for body in [
        r#"{"set":"2026-11-01T00:00:00+08:00"}"#,
        r#"{"advance":1}"#,
        "{}",
        "",
        "x",
    ] {
        assert_eq!(post(body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}
