//! Uploads and news.

use axum::http::header;
use serde_json::{Value, json};

use crate::harness::{Account, Server, fixture};

#[tokio::test]
async fn uploads_are_judged_by_their_bytes_and_come_back_unchanged() {
    let server = Server::start();
    let account = server.service().await;
    for (kind, name, extension) in [
        ("image", "test.jpg", "jpg"),
        ("image", "test.png", "png"),
        ("voice", "test.amr", "amr"),
        ("thumb", "test.jpg", "jpg"),
    ] {
        let answer = server
            .upload(&account, &format!("media/upload?type={kind}"), &fixture(name))
            .await
            .json();
        let id = answer["media_id"].as_str().expect("an id");
        assert_eq!((id.len(), answer["type"].as_str()), (64, Some(kind)));
        assert_eq!(answer.get("thumb_media_id").is_some(), kind == "thumb");
        let uri = format!("/cgi-bin/media/get?access_token={}&media_id={id}", account.token);
        for file in [server.get(&uri).await, server.post(&uri, "").await] {
            assert_eq!(file.bytes, fixture(name));
            assert_eq!(
                file.header(header::CONTENT_DISPOSITION),
                format!("attachment; filename=\"{id}.{extension}\"")
            );
        }
    }
    let video = server
        .upload(&account, "media/upload?type=video", &fixture("test.mp4"))
        .await
        .json();
    let uri = format!(
        "/cgi-bin/media/get?access_token={}&media_id={}",
        account.token,
        video["media_id"].as_str().expect("an id")
    );
    let url = server.get(&uri).await.json()["video_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    assert_eq!(
        server
            .get(url.strip_prefix("http://qunfa.test").expect("ours"))
            .await
            .bytes,
        fixture("test.mp4")
    );

    let code = async |path: &str, file: &[u8]| server.upload(&account, path, file).await.errcode();
    assert_eq!(code("media/upload?type=gif", b"x").await, 40004);
    assert_eq!(code("media/upload", b"x").await, 40004);
    assert_eq!(code("media/upload?type=image", b"").await, 44001);
    assert_eq!(code("media/upload?type=image", &fixture("test.amr")).await, 40005);
    assert_eq!(code("media/upload?type=thumb", &vec![0; 70_000]).await, 40012);
    assert_eq!(code("media/uploadimg", &vec![0; (1 << 20) + 1]).await, 40009);
    assert_eq!(code("media/upload?type=video", &vec![0; 10 << 20]).await, 40005);
    assert_eq!(
        code("media/upload?type=video", &vec![0; (10 << 20) + 1]).await,
        40011
    );
    assert_eq!(code("media/uploadimg", b"\xff\xd8\xff\xe0nonsense").await, 40137);
    assert_eq!(
        server
            .call(&account, "media/uploadimg", json!({}))
            .await
            .errcode(),
        41005
    );
    let nothing = format!("/cgi-bin/media/get?access_token={}", account.token);
    assert_eq!(server.get(&nothing).await.errcode(), 41006);
    assert_eq!(
        server.get(&format!("{nothing}&media_id=x")).await.errcode(),
        40007
    );
}

pub async fn news(server: &Server, account: &Account, content: &str) -> Value {
    let thumb = server
        .upload(account, "media/upload?type=thumb", &fixture("test.jpg"))
        .await
        .json();
    let article = json!({"thumb_media_id": thumb["media_id"], "title": "春天", "author": "李", "content": content,
        "content_source_url": "https://example.org/a", "digest": "", "show_cover_pic": "1"});
    server
        .call(account, "media/uploadnews", json!({"articles": [article]}))
        .await
        .json()
}

#[tokio::test]
async fn news_keep_their_own_pictures_and_lose_foreign_ones() {
    let server = Server::start();
    let account = server.service().await;
    let answer = server
        .upload(&account, "media/uploadimg", &fixture("test.png"))
        .await;
    let url = answer.json()["url"].as_str().expect("a URL").to_owned();
    assert!(
        url.starts_with("http://qunfa.test/mmbiz_png/") && url.ends_with("/0?wx_fmt=png"),
        "{url}"
    );
    let picture = server
        .get(url.strip_prefix("http://qunfa.test").expect("ours"))
        .await;
    assert_eq!(picture.bytes, fixture("test.png"));
    assert_eq!(picture.header(header::CONTENT_TYPE), "image/png");
    let foreign = url.replace("qunfa.test", "tracker.example");
    let body =
        format!("<p>你好</p><img src=\"{url}\"><img src=\"{foreign}\"><a href=\"https://x.example/\">去</a>");
    let uploaded = news(&server, &account, &body).await;
    assert_eq!(uploaded["type"], "news");
    let preview = json!({"touser": account.open_ids[0], "msgtype": "mpnews", "mpnews": {"media_id": uploaded["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview)
            .await
            .json()["errmsg"],
        "preview success"
    );
    let entries = crate::reading::inbox(&server, &account, 0).await;
    let page = entries[0]["url"]
        .as_str()
        .expect("a URL")
        .strip_prefix("http://qunfa.test")
        .expect("ours")
        .to_owned();
    let page = server.get(&page).await.text();
    assert!(
        page.contains(&url) && page.contains("你好") && !page.contains("tracker.example"),
        "{page}"
    );
    assert!(page.contains("去") && !page.contains("x.example"), "{page}");

    let code = async |articles: Value| {
        server
            .call(&account, "media/uploadnews", json!({"articles": articles}))
            .await
            .errcode()
    };
    assert_eq!(code(json!([])).await, 44003);
    assert_eq!(code(json!(vec![json!({}); 9])).await, 45008);
    assert_eq!(
        code(json!([{"title": "t", "content": "c", "thumb_media_id": "x"}])).await,
        40007
    );
    assert_eq!(code(json!([{"title": "t", "content": "c"}])).await, 40007);
    assert_eq!(
        server
            .call(&account, "media/uploadnews", json!({}))
            .await
            .errcode(),
        44003
    );
}
