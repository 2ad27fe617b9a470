//! Inboxes, pages and files.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::time::Timestamp;
use serde_json::{Value, json};
use server::app::SandboxControl;
use store::clock::Clock;

use crate::{
    harness::{Account, Server, fixture},
    media::news,
};

pub async fn token(server: &Server, account: &Account, follower: usize) -> String {
    let uri = format!("/v1/accounts/{}/inbox-tokens", account.appid);
    let answer = server
        .native(
            Method::POST,
            &uri,
            json!({"openid": account.open_ids[follower]}).to_string(),
        )
        .await;
    answer.json()["token"].as_str().expect("a token").to_owned()
}

pub async fn inbox(server: &Server, account: &Account, follower: usize) -> Vec<Value> {
    let token = token(server, account, follower).await;
    let page = server.get(&format!("/inbox/entries?token={token}")).await.json();
    page["entries"].as_array().expect("a list").clone()
}

async fn preview(server: &Server, account: &Account, content: Value) {
    let mut body = content;
    body["touser"] = json!(account.open_ids[0]);
    assert_eq!(
        server.call(account, "message/mass/preview", body).await.errcode(),
        0
    );
}

pub fn local(url: &Value) -> String {
    url.as_str()
        .expect("a URL")
        .strip_prefix("http://qunfa.test")
        .expect("ours")
        .to_owned()
}

#[tokio::test]
async fn an_inbox_is_read_page_by_page_with_its_own_token_only() {
    let server = Server::start();
    let account = server.service().await;
    for number in 0..3 {
        preview(
            &server,
            &account,
            json!({"msgtype": "text", "text": {"content": format!("第{number}")}}),
        )
        .await;
    }
    let token = token(&server, &account, 0).await;
    let read = async |query: &str| {
        let request = Request::get(format!("/inbox/entries{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        server.send(request.body(Body::empty()).expect("a request")).await
    };
    let first = read("?limit=2").await.json();
    let texts = |page: &Value| {
        page["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| entry["text"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&first), ["第2", "第1"]);
    let second = read(&format!(
        "?limit=2&cursor={}",
        first["next_cursor"].as_str().expect("more")
    ))
    .await
    .json();
    assert_eq!(
        (texts(&second), &second["next_cursor"]),
        (vec![json!("第0")], &json!(null))
    );
    let keys: Vec<&String> = second["entries"][0]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    let all = [
        "account",
        "account_name",
        "id",
        "msg_id",
        "preview",
        "sent_at",
        "text",
        "type",
    ];
    assert_eq!(keys, all);
    assert_eq!(read("?cursor=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(read("?limit=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        server.get("/inbox/entries").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        server
            .get(&format!("/inbox/entries?token={}", account.token))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(inbox(&server, &account, 1).await.len(), 0);
}

#[tokio::test]
async fn a_preview_of_news_has_a_page_for_twelve_hours() {
    let server = Server::start();
    let account = server.service().await;
    let uploaded = news(
        &server,
        &account,
        "<p>从第一朵玉兰说起<script>alert(1)</script></p>",
    )
    .await;
    preview(
        &server,
        &account,
        json!({"msgtype": "mpnews", "mpnews": {"media_id": uploaded["media_id"]}}),
    )
    .await;
    let entry = inbox(&server, &account, 0).await.remove(0);
    assert_eq!(
        (&entry["title"], &entry["digest"]),
        (&json!("春天"), &json!("从第一朵玉兰说起"))
    );
    assert_eq!(entry["articles"][0]["url"], entry["url"]);
    let page = server.get(&local(&entry["url"])).await;
    for part in [
        "春天",
        "李",
        "植物园",
        "2026-11-22",
        "从第一朵玉兰说起",
        "阅读原文",
        "noopener nofollow ugc",
        "class=\"cover\"",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("<script") && !page.text().contains("Read more"));
    assert!(
        page.header(header::CONTENT_SECURITY_POLICY)
            .starts_with("default-src 'none'")
    );
    let request = Request::get(local(&entry["url"])).header(header::IF_NONE_MATCH, page.header(header::ETAG));
    assert_eq!(
        server
            .send(request.body(Body::empty()).expect("a request"))
            .await
            .status,
        StatusCode::NOT_MODIFIED
    );
    let cover = server.get(&local(&entry["cover_url"])).await;
    assert_eq!(cover.bytes, fixture("test.jpg"));
    assert_eq!(
        cover.header(header::CONTENT_SECURITY_POLICY),
        "default-src 'none'; sandbox"
    );

    server
        .clock
        .advance_to(Timestamp(server.clock.now().0 + 12 * 3_600_000))
        .await
        .expect("advances");
    assert_eq!(
        server.get(&local(&entry["url"])).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_video_has_a_page_and_its_bytes_come_in_ranges() {
    let server = Server::start();
    let account = server.service().await;
    let raw = server
        .upload(&account, "media/upload?type=video", &fixture("test.mp4"))
        .await
        .json();
    let video = json!({"media_id": raw["media_id"], "title": "春天的湖", "description": "两秒钟"});
    let video = server.call(&account, "media/uploadvideo", video).await.json();
    assert_eq!(video["type"], "video");
    preview(
        &server,
        &account,
        json!({"msgtype": "mpvideo", "mpvideo": {"media_id": video["media_id"]}}),
    )
    .await;
    let entry = inbox(&server, &account, 0).await.remove(0);
    assert_eq!(
        (&entry["type"], &entry["title"], &entry["digest"]),
        (&json!("mpvideo"), &json!("春天的湖"), &json!("两秒钟"))
    );
    let page = server.get(&local(&entry["url"])).await.text();
    assert!(page.contains("春天的湖") && page.contains("<video"));
    let request = Request::get(local(&entry["media_url"])).header(header::RANGE, "bytes=0-9");
    let part = server.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (part.status, part.bytes.as_slice()),
        (StatusCode::PARTIAL_CONTENT, &fixture("test.mp4")[..10])
    );
    let no_title = json!({"media_id": raw["media_id"]});
    assert_eq!(
        server
            .call(&account, "media/uploadvideo", no_title)
            .await
            .errcode(),
        40227
    );
}

#[tokio::test]
async fn unknown_links_have_a_page_that_says_so() {
    let server = Server::start();
    for path in [
        "/s/x",
        "/s/AAAAAAAAAAAAAAAAAAAAAA",
        "/media/x",
        "/mmbiz_png/x/0",
        "/mmbiz_jpg/AAAAAAAAAAAAAAAAAAAAAA/640",
        "/s/%ff",
    ] {
        let answer = server.get(path).await;
        assert!(answer.status.is_client_error(), "{path} {}", answer.status);
    }
    assert!(server.get("/").await.text().contains("qunfa"));
    assert_eq!(server.get("/healthz").await.text(), "ok");
    assert_eq!(server.get("/readyz").await.status, StatusCode::OK);
}
