//! S68–S71: videos made ready for sending (spec mass-send §7).

use reqwest::Method;
use serde_json::json;

use crate::{
    common::{SERVICE, TestServer, accepted, files, refused},
    help::{EVEN, UPLOADVIDEO, keys, medium, string},
};

#[tokio::test]
async fn s068_videos_are_made_ready_at_uploadvideo_on_whatever_host() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for host in ["file.api.weixin.qq.com", "api.weixin.qq.com"] {
        let body = json!({"media_id": account.raw_video().await, "title": "片", "description": "说明"});
        let request = server
            .request(Method::POST, &account.path("/cgi-bin/media/uploadvideo"))
            .header("host", host)
            .body(body.to_string());
        let answer = server.api(request).await;
        accepted(
            &account
                .send_tag(EVEN, medium("mpvideo", &string(&answer["media_id"])))
                .await,
        );
    }
}

#[tokio::test]
async fn s069_uploadvideo_makes_a_new_id_with_title_and_description() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let raw = account.raw_video().await;
    let body = |id: &str| json!({"media_id": id, "title": "发布会", "description": "两分钟"});
    let answer = account.call(UPLOADVIDEO, body(&raw)).await;
    assert_ne!(answer["media_id"], json!(raw), "{answer}");
    refused(&account.call(UPLOADVIDEO, body("unknown")).await, 40007);
    refused(
        &account.call(UPLOADVIDEO, body(&account.image().await)).await,
        40007,
    );
    refused(&account.call(UPLOADVIDEO, json!({"title": "片"})).await, 40007);
    let long = json!({"media_id": raw, "title": "长".repeat(129)});
    refused(&account.call(UPLOADVIDEO, long).await, 45003);
}

#[tokio::test]
async fn s070_uploadvideo_answers_with_type_media_id_and_created_at() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = json!({"media_id": account.raw_video().await, "title": "片", "description": "说明"});
    let answer = account.call(UPLOADVIDEO, body).await;
    assert_eq!(keys(&answer), ["created_at", "media_id", "type"], "no errcode");
    assert_eq!(answer["type"], "video");
    assert!(answer["media_id"].is_string());
    let created_at = answer["created_at"].as_i64().expect("a number");
    assert!((created_at - server.now().seconds()).abs() <= 5);
}

#[tokio::test]
async fn s071_the_follower_sees_the_video_with_title_and_description() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let video = account.video("发布会", "两分钟").await;
    accepted(&account.send_tag(EVEN, medium("mpvideo", &video)).await);
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(
        (&entry["type"], &entry["title"], &entry["digest"]),
        (&json!("mpvideo"), &json!("发布会"), &json!("两分钟"))
    );
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::mp4());
    let page = server.page(&entry["url"]).await;
    assert!(
        page.contains("<video") && page.contains("发布会") && page.contains("两分钟"),
        "{page}"
    );
}
