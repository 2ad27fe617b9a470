//! Permanent materials, drafts, publications: every answer as it is, and what is refused.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use domain::{library::LibraryLimits, time::Timestamp};
use insta::assert_snapshot;
use serde_json::{Value, json};
use server::app::SandboxControl;
use store::clock::Clock;

use crate::harness::{Account, Answer, Server, fixture};

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

/// One part of a form: its name, the file's name if it is one, the bytes.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

async fn form(server: &Server, account: &Account, path: &str, parts: &[Part<'_>]) -> Answer {
    let mut body = Vec::new();
    for (name, filename, bytes) in parts {
        let filename = filename.map_or_else(String::new, |name| format!("; filename=\"{name}\""));
        body.extend(
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n").bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    let join = if path.contains('?') { '&' } else { '?' };
    let request = Request::post(format!("/cgi-bin/{path}{join}access_token={}", account.token))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
    server
        .send(request.body(Body::from(body)).expect("a request"))
        .await
}

async fn add(server: &Server, account: &Account, kind: &str, name: &str) -> Answer {
    let path = format!("material/add_material?type={kind}");
    form(server, account, &path, &[("media", Some(name), &fixture(name))]).await
}

pub async fn added(server: &Server, account: &Account, kind: &str, name: &str) -> Value {
    add(server, account, kind, name).await.json()["media_id"].clone()
}

fn article(title: &str, cover: &Value) -> Value {
    json!({"title": title, "author": "李", "content": format!("<p>{title}的正文</p>"), "thumb_media_id": cover,
        "content_source_url": "https://example.org/a", "show_cover_pic": "1", "need_open_comment": 1})
}

async fn kept(server: &Server, account: &Account, path: &str, articles: usize) -> Value {
    let cover = added(server, account, "thumb", "test.jpg").await;
    let articles: Vec<Value> = (1..=articles)
        .map(|n| article(&format!("第{n}篇"), &cover))
        .collect();
    let answer = server.call(account, path, json!({"articles": articles})).await;
    answer.json()["media_id"].clone()
}

/// The answer with ids and links replaced, which are other ones each time.
fn pinned(answer: &Answer) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for letter in answer.text().chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' {
            word.push(letter);
            continue;
        }
        match word.len() {
            64 => text.push_str("ID"),
            22 if !word.contains("content") => text.push_str("LINK"),
            _ => text.push_str(&word),
        }
        word.clear();
        text.push(letter);
    }
    text.trim_end().to_owned()
}

fn local(url: &Value) -> String {
    let url = url.as_str().expect("a URL");
    url.strip_prefix("http://qunfa.test").expect("ours").to_owned()
}

async fn advance(server: &Server, seconds: i64) {
    let target = server.clock.now().plus_seconds(seconds);
    server
        .clock
        .advance_to(Timestamp(target.0))
        .await
        .expect("advances");
}

#[tokio::test]
async fn a_file_is_kept_and_comes_back_as_it_was() {
    let server = Server::start();
    let account = server.service().await;
    assert_snapshot!(pinned(&add(&server, &account, "image", "test.png").await), @r#"{"media_id":"ID","url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png"}"#);
    assert_snapshot!(pinned(&add(&server, &account, "thumb", "test.jpg").await), @r#"{"media_id":"ID","url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg"}"#);
    assert_snapshot!(pinned(&add(&server, &account, "voice", "test.amr").await), @r#"{"media_id":"ID"}"#);
    assert_snapshot!(pinned(&add(&server, &account, "video", "test.mp4").await), @r#"{"media_id":"ID"}"#);
    advance(&server, 30 * 24 * 3600).await;
    let account = relogin(&server, account).await;
    for (kind, name, content_type, extension) in [
        ("image", "test.png", "image/png", "png"),
        ("thumb", "test.jpg", "image/jpeg", "jpg"),
        ("voice", "test.amr", "audio/amr", "amr"),
    ] {
        let answer = add(&server, &account, kind, name).await.json();
        advance(&server, 600).await;
        let file = server
            .call(
                &account,
                "material/get_material",
                json!({"media_id": answer["media_id"]}),
            )
            .await;
        assert_eq!(file.bytes, fixture(name));
        assert_eq!(file.header(header::CONTENT_TYPE), content_type);
        let id = answer["media_id"].as_str().expect("an id");
        assert_eq!(
            file.header(header::CONTENT_DISPOSITION),
            format!("attachment; filename=\"{id}.{extension}\"")
        );
        if kind != "voice" {
            assert_eq!(server.get(&local(&answer["url"])).await.bytes, fixture(name));
        }
    }
}

async fn relogin(server: &Server, account: Account) -> Account {
    let uri = format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        account.appid, account.secret
    );
    let token = server.get(&uri).await.json()["access_token"].clone();
    Account {
        token: token.as_str().expect("a token").to_owned(),
        ..account
    }
}

#[tokio::test]
async fn a_videos_texts_come_from_the_form_the_query_or_its_name() {
    let server = Server::start();
    let account = server.service().await;
    let video = fixture("test.mp4");
    let get = async |id: &Value| {
        server
            .call(&account, "material/get_material", json!({"media_id": id}))
            .await
    };
    let texts = "{\"title\":\"湖\",\"introduction\":\"两秒钟\"}";
    let media = ("media", Some("/home/li/lake.mp4"), &video[..]);
    let described = ("description", None, texts.as_bytes());
    for parts in [[media, described], [described, media]] {
        let answer = form(&server, &account, "material/add_material?type=video", &parts).await;
        assert_eq!(pinned(&answer), r#"{"media_id":"ID"}"#);
        let found = get(&answer.json()["media_id"]).await;
        assert_eq!(
            pinned(&found),
            r#"{"title":"湖","description":"两秒钟","down_url":"http://qunfa.test/media/LINK"}"#
        );
        assert_eq!(server.get(&local(&found.json()["down_url"])).await.bytes, video);
    }
    let query = "material/add_material?type=video&description=%7B%22title%22%3A%22%E6%B9%96%22%7D";
    let answer = form(&server, &account, query, &[media]).await.json();
    assert_eq!(get(&answer["media_id"]).await.json()["title"], "湖");
    let answer = form(&server, &account, "material/add_material?type=video", &[media]).await;
    let found = get(&answer.json()["media_id"]).await.json();
    assert_eq!(
        (&found["title"], &found["description"]),
        (&json!("lake.mp4"), &json!(""))
    );
    let code = async |description: &str| {
        let parts = [media, ("description", None, description.as_bytes())];
        form(&server, &account, "material/add_material?type=video", &parts)
            .await
            .errcode()
    };
    assert_eq!(code("not JSON").await, 47001);
    assert_eq!(
        code(&format!("{{\"title\":\"{}\"}}", "t".repeat(129))).await,
        45003
    );
    assert_eq!(code("{\"introduction\":[]}").await, 40035);
}

#[tokio::test]
async fn files_are_checked_like_temporary_ones() {
    let server = Server::start();
    let account = server.service().await;
    let code = async |path: &str, file: &[u8]| server.upload(&account, path, file).await.errcode();
    assert_eq!(code("material/add_material?type=gif", b"x").await, 40004);
    assert_eq!(code("material/add_material", b"x").await, 40004);
    assert_eq!(code("material/add_material?type=news", b"x").await, 40004);
    assert_eq!(code("material/add_material?type=image", b"").await, 44001);
    assert_eq!(
        code("material/add_material?type=image", &fixture("test.amr")).await,
        40005
    );
    assert_eq!(
        code("material/add_material?type=thumb", &vec![0; 70_000]).await,
        40012
    );
    assert_eq!(
        code("material/add_material?type=voice", &vec![0; (2 << 20) + 1]).await,
        40010
    );
    assert_eq!(
        code("material/add_material?type=image", &vec![0; (10 << 20) + 1]).await,
        40009
    );
    let answer = form(
        &server,
        &account,
        "material/add_material?type=image",
        &[("file", Some("a"), b"x")],
    )
    .await;
    assert_eq!(answer.errcode(), 41005);
    let answer = server
        .call(&account, "material/add_material?type=image", json!({}))
        .await;
    assert_eq!(
        answer.errcode(),
        41001,
        "the token follows in a second question mark"
    );
    assert_eq!(
        server
            .get("/cgi-bin/material/add_material?type=image")
            .await
            .errcode(),
        43002
    );
}

#[tokio::test]
async fn materials_are_counted_and_listed_newest_first() {
    let server = Server::start();
    let account = server.service().await;
    let count = format!(
        "/cgi-bin/material/get_materialcount?access_token={}",
        account.token
    );
    assert_snapshot!(server.get(&count).await.text(), @r#"{"voice_count":0,"video_count":0,"image_count":0,"news_count":0}"#);
    for name in ["a.png", "b.png", "c.png"] {
        let part = ("media", Some(name), &fixture("test.png")[..]);
        form(&server, &account, "material/add_material?type=image", &[part]).await;
        advance(&server, 10).await;
    }
    add(&server, &account, "voice", "test.amr").await;
    kept(&server, &account, "material/add_news", 1).await;
    server
        .upload(&account, "media/upload?type=image", &fixture("test.png"))
        .await;
    server
        .upload(&account, "media/upload?type=voice", &fixture("test.amr"))
        .await;
    assert_snapshot!(server.get(&count).await.text(), @r#"{"voice_count":1,"video_count":0,"image_count":4,"news_count":1}"#);
    assert_eq!(server.post(&count, "").await.json()["voice_count"], 1);

    let list = async |body: Value| server.call(&account, "material/batchget_material", body).await;
    assert_snapshot!(pinned(&list(json!({"type": "image", "offset": 1, "count": 2})).await), @r#"{"total_count":4,"item_count":2,"item":[{"media_id":"ID","name":"c.png","update_time":1795312820,"url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png"},{"media_id":"ID","name":"b.png","update_time":1795312810,"url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png"}]}"#);
    assert_snapshot!(pinned(&list(json!({"type": "voice", "offset": "0", "count": "20"})).await), @r#"{"total_count":1,"item_count":1,"item":[{"media_id":"ID","name":"test.amr","update_time":1795312830}]}"#);
    assert_snapshot!(pinned(&list(json!({"type": "video", "offset": 0, "count": 1})).await), @r#"{"total_count":0,"item_count":0,"item":[]}"#);
    assert_snapshot!(pinned(&list(json!({"type": "news", "count": 20})).await), @r#"{"total_count":1,"item_count":1,"item":[{"media_id":"ID","content":{"news_item":[{"title":"第1篇","author":"李","digest":"第1篇的正文","content":"<p>第1篇的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0}]},"update_time":1795312830}]}"#);
    let names: Vec<Value> = list(json!({"type": "image", "offset": 0, "count": 20}))
        .await
        .json()["item"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["name"].clone())
        .collect();
    assert_eq!(
        names,
        ["test.jpg", "c.png", "b.png", "a.png"],
        "covers stand among pictures"
    );
    assert_eq!(
        list(json!({"type": "image", "offset": 9, "count": 1}))
            .await
            .json()["item"],
        json!([])
    );
    for body in [
        json!({"type": "image", "offset": 0, "count": 21}),
        json!({"type": "image", "offset": 0, "count": 0}),
        json!({"type": "image", "offset": -1, "count": 1}),
        json!({"type": "image", "offset": 0}),
        json!({"type": "image", "offset": [], "count": 1}),
    ] {
        assert_eq!(list(body.clone()).await.errcode(), 45076, "{body}");
    }
    assert_eq!(list(json!({"type": "thumb", "count": 1})).await.errcode(), 40004);
    assert_eq!(list(json!({"count": 1})).await.errcode(), 40004);
}

#[tokio::test]
async fn a_deleted_material_is_gone_and_a_temporary_one_is_no_material() {
    let server = Server::start();
    let account = server.service().await;
    let temporary = server
        .upload(&account, "media/upload?type=image", &fixture("test.png"))
        .await
        .json()["media_id"]
        .clone();
    let call = async |path: &str, id: &Value| server.call(&account, path, json!({"media_id": id})).await;
    for path in ["material/get_material", "material/del_material"] {
        assert_eq!(call(path, &temporary).await.errcode(), 40007);
        assert_eq!(call(path, &json!("x")).await.errcode(), 40007);
        assert_eq!(call(path, &json!(null)).await.errcode(), 41006);
        assert_eq!(call(path, &json!([])).await.errcode(), 40007);
    }
    let image = added(&server, &account, "image", "test.png").await;
    let news = kept(&server, &account, "material/add_news", 1).await;
    let draft = kept(&server, &account, "draft/add", 1).await;
    assert_eq!(
        call("material/get_material", &draft).await.errcode(),
        40007,
        "a draft is no material"
    );
    assert_eq!(call("material/del_material", &draft).await.errcode(), 40007);
    assert_eq!(call("draft/get", &news).await.errcode(), 40007, "and the reverse");
    for id in [&image, &news] {
        assert_eq!(call("material/del_material", id).await.text(), OK);
        assert_eq!(call("material/get_material", id).await.errcode(), 40007);
        assert_eq!(call("material/del_material", id).await.errcode(), 40007);
    }
}

#[tokio::test]
async fn news_are_kept_with_permanent_covers_and_changed_article_by_article() {
    let server = Server::start();
    let account = server.service().await;
    let temporary = server
        .upload(&account, "media/upload?type=thumb", &fixture("test.jpg"))
        .await
        .json()["media_id"]
        .clone();
    let add = async |articles: Value| {
        server
            .call(&account, "material/add_news", json!({"articles": articles}))
            .await
    };
    assert_eq!(add(json!([article("春", &temporary)])).await.errcode(), 40007);
    assert_eq!(add(json!([])).await.errcode(), 44003);
    let cover = added(&server, &account, "image", "test.png").await;
    assert_eq!(add(json!(vec![article("春", &cover); 9])).await.errcode(), 45008);
    let answer = add(json!([article("春", &cover), article("夏", &cover)])).await;
    assert_snapshot!(pinned(&answer), @r#"{"media_id":"ID"}"#);
    let id = answer.json()["media_id"].clone();
    let get = async || {
        server
            .call(&account, "material/get_material", json!({"media_id": id}))
            .await
    };
    let before = get().await;
    assert_snapshot!(pinned(&before), @r#"{"news_item":[{"title":"春","author":"李","digest":"春的正文","content":"<p>春的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0},{"title":"夏","author":"李","digest":"夏的正文","content":"<p>夏的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0}],"create_time":1795312800,"update_time":1795312800}"#);
    let thumb = server
        .get(&local(&before.json()["news_item"][0]["thumb_url"]))
        .await;
    assert_eq!(thumb.bytes, fixture("test.png"));

    advance(&server, 60).await;
    let update = async |index: Value, article: Value| {
        let body = json!({"media_id": id, "index": index, "articles": article});
        server.call(&account, "material/update_news", body).await
    };
    assert_snapshot!(update(json!("1"), article("秋", &cover)).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    let after = get().await.json();
    assert_eq!(after["news_item"][0], before.json()["news_item"][0]);
    assert_eq!(after["news_item"][1]["title"], "秋");
    assert_eq!(
        after["news_item"][1]["url"],
        before.json()["news_item"][1]["url"],
        "what was never sent keeps its links"
    );
    assert_eq!(
        after["update_time"].as_i64(),
        after["create_time"].as_i64().map(|time| time + 60)
    );
    for index in [json!(2), json!(-1), json!("x")] {
        assert_eq!(update(index, article("冬", &cover)).await.errcode(), 40114);
    }
    assert_eq!(update(json!(0), article("冬", &temporary)).await.errcode(), 40007);
    assert_eq!(
        update(json!(0), json!({"thumb_media_id": cover, "content": "c"}))
            .await
            .errcode(),
        40227
    );
    assert_eq!(update(json!(0), json!(null)).await.errcode(), 44003);
    assert_eq!(update(json!(0), json!([])).await.errcode(), 40035);
    let other = json!({"media_id": "x", "index": 0, "articles": article("冬", &cover)});
    assert_eq!(
        server
            .call(&account, "material/update_news", other)
            .await
            .errcode(),
        40007
    );
}

#[tokio::test]
async fn s032_pictures_of_articles_neither_count_nor_need_room() {
    let server = Server::start_with(|settings| {
        settings.library = LibraryLimits {
            images: 2,
            voices: 1,
            videos: 1,
            news: 1,
            drafts: 1,
        };
    });
    let account = server.service().await;
    let count = async || {
        let uri = format!(
            "/cgi-bin/material/get_materialcount?access_token={}",
            account.token
        );
        server.get(&uri).await.json()
    };
    let cover = added(&server, &account, "thumb", "test.jpg").await;
    let before = count().await;
    let uploaded = server
        .upload(&account, "media/uploadimg", &fixture("test.png"))
        .await;
    assert!(uploaded.json()["url"].is_string());
    assert_eq!(count().await, before);
    added(&server, &account, "image", "test.png").await;
    for (kind, name) in [("image", "test.png"), ("thumb", "test.jpg")] {
        assert_eq!(add(&server, &account, kind, name).await.errcode(), 45074);
    }
    for (kind, name) in [("voice", "test.amr"), ("video", "test.mp4")] {
        assert!(added(&server, &account, kind, name).await.is_string());
        assert_eq!(add(&server, &account, kind, name).await.errcode(), 45074);
    }
    for path in ["material/add_news", "draft/add"] {
        let body = json!({"articles": [article("春", &cover)]});
        assert!(server.call(&account, path, body.clone()).await.json()["media_id"].is_string());
        assert_eq!(server.call(&account, path, body).await.errcode(), 45074);
    }
    let uploaded = server
        .upload(&account, "media/uploadimg", &fixture("test.png"))
        .await;
    assert!(
        uploaded.json()["url"].is_string(),
        "also when the library is full"
    );
    let gone = json!({"media_id": cover});
    assert_eq!(
        server
            .call(&account, "material/del_material", gone)
            .await
            .errcode(),
        0
    );
    assert!(
        added(&server, &account, "image", "test.png").await.is_string(),
        "there is room again"
    );
}

#[tokio::test]
async fn drafts_are_added_changed_listed_and_deleted() {
    let server = Server::start();
    let account = server.service().await;
    let cover = added(&server, &account, "image", "test.png").await;
    let long = "字".repeat(60);
    let mut first = article("草稿", &cover);
    first["content"] = json!(format!("<p>{long}</p>"));
    first["article_type"] = json!("news");
    let answer = server
        .call(&account, "draft/add", json!({"articles": [first]}))
        .await;
    assert_snapshot!(pinned(&answer), @r#"{"media_id":"ID"}"#);
    let id = answer.json()["media_id"].clone();
    let get = async || server.call(&account, "draft/get", json!({"media_id": id})).await;
    assert_eq!(
        get().await.json()["news_item"][0]["digest"],
        "字".repeat(54),
        "reading 14"
    );
    let update = json!({"media_id": id, "index": 0, "articles": article("定稿", &cover)});
    assert_snapshot!(server.call(&account, "draft/update", update).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    assert_snapshot!(pinned(&get().await), @r#"{"news_item":[{"title":"定稿","author":"李","digest":"定稿的正文","content":"<p>定稿的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0}],"create_time":1795312800,"update_time":1795312800}"#);
    let second = kept(&server, &account, "draft/add", 2).await;

    let count = format!("/cgi-bin/draft/count?access_token={}", account.token);
    assert_snapshot!(server.get(&count).await.text(), @r#"{"total_count":2}"#);
    let list = async |body: Value| server.call(&account, "draft/batchget", body).await;
    assert_snapshot!(pinned(&list(json!({"offset": 1, "count": 1, "no_content": 1})).await), @r#"{"total_count":2,"item_count":1,"item":[{"media_id":"ID","content":{"news_item":[{"title":"定稿","author":"李","digest":"定稿的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0}]},"update_time":1795312800}]}"#);
    let page = list(json!({"offset": 0, "count": 20, "no_content": 0}))
        .await
        .json();
    assert_eq!(page["item"][0]["media_id"], second);
    assert!(page["item"][1]["content"]["news_item"][0]["content"].is_string());
    assert_eq!(list(json!({"offset": 0, "count": 21})).await.errcode(), 45076);
    for query in ["", "&checkonly=1"] {
        let uri = format!("/cgi-bin/draft/switch?access_token={}{query}", account.token);
        assert_eq!(
            server.post(&uri, "").await.text(),
            r#"{"errcode":0,"errmsg":"ok","is_open":1}"#
        );
    }

    assert_snapshot!(server.call(&account, "draft/delete", json!({"media_id": id})).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    assert_eq!(
        server
            .call(&account, "draft/delete", json!({"media_id": id}))
            .await
            .errcode(),
        40007
    );
    assert_eq!(get().await.errcode(), 40007);
    assert_eq!(server.get(&count).await.json()["total_count"], 1);
    let code = async |change: &[(&str, Value)]| {
        let mut article = article("坏", &cover);
        for (key, value) in change {
            article[key] = value.clone();
        }
        server
            .call(&account, "draft/add", json!({"articles": [article]}))
            .await
            .errcode()
    };
    assert_eq!(code(&[("article_type", json!("newspic"))]).await, 47003);
    assert_eq!(code(&[("thumb_media_id", json!(""))]).await, 40007);
    assert_eq!(code(&[("title", json!(null))]).await, 40227);
    assert_eq!(code(&[("content", json!(""))]).await, 44004);
    assert_eq!(
        code(&[("content_source_url", json!("javascript:x"))]).await,
        41039
    );
    assert_eq!(
        server.call(&account, "draft/add", json!({})).await.errcode(),
        44003
    );
}

#[tokio::test]
async fn s028_permanent_ids_do_wherever_a_media_id_is_asked_for() {
    let server = Server::start();
    let account = server.service().await;
    let image = added(&server, &account, "image", "test.png").await;
    let thumb = added(&server, &account, "thumb", "test.jpg").await;
    let voice = added(&server, &account, "voice", "test.amr").await;
    let video = added(&server, &account, "video", "test.mp4").await;
    let news = kept(&server, &account, "material/add_news", 1).await;
    let draft = kept(&server, &account, "draft/add", 1).await;
    let body = json!({"articles": [article("春", &thumb)]});
    let temporary_news = server.call(&account, "media/uploadnews", body).await.json();
    assert_eq!(temporary_news["type"], "news", "{temporary_news}");
    let body = json!({"media_id": video, "title": "湖", "description": "两秒钟"});
    let made = server.call(&account, "media/uploadvideo", body).await.json();
    advance(&server, 4 * 24 * 3600).await;
    let account = relogin(&server, account).await;
    for (number, (msgtype, id)) in [
        ("image", &image),
        ("image", &thumb),
        ("voice", &voice),
        ("music", &voice),
        ("mpvideo", &video),
        ("mpvideo", &made["media_id"]),
        ("mpnews", &news),
        ("mpnews", &draft),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = json!({"touser": account.open_ids[0], "msgtype": msgtype});
        body[msgtype] = json!({"media_id": id});
        let previewed = server.call(&account, "message/mass/preview", body.clone()).await;
        assert_eq!(previewed.errcode(), 0, "{msgtype}");
        body["touser"] = json!(account.open_ids);
        body["clientmsgid"] = json!(format!("send-{number}"));
        assert_eq!(
            server
                .call(&account, "message/mass/send", body.clone())
                .await
                .errcode(),
            0
        );
        body["filter"] = json!({"is_to_all": false, "tag_id": 100});
        body["clientmsgid"] = json!(format!("all-{number}"));
        assert_eq!(
            server
                .call(&account, "message/mass/sendall", body)
                .await
                .errcode(),
            0
        );
    }
    let body = json!({"touser": account.open_ids[0], "msgtype": "mpnews", "mpnews": {"media_id": temporary_news["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", body)
            .await
            .errcode(),
        40007,
        "that one has expired"
    );
}

#[tokio::test]
async fn a_made_video_lives_as_long_as_its_source_and_comes_from_a_form_too() {
    let server = Server::start();
    let account = server.service().await;
    let source = added(&server, &account, "video", "test.mp4").await;
    let parts: [Part<'_>; 3] = [
        ("media_id", None, source.as_str().expect("an id").as_bytes()),
        ("title", None, "湖".as_bytes()),
        ("description", None, "两秒钟".as_bytes()),
    ];
    let made = form(&server, &account, "media/uploadvideo", &parts).await;
    assert_snapshot!(pinned(&made), @r#"{"type":"video","media_id":"ID","created_at":1795312800}"#);
    let missing = form(&server, &account, "media/uploadvideo", &parts[..1]).await;
    assert_eq!(missing.errcode(), 40227);
    let preview = json!({"touser": account.open_ids[0], "msgtype": "mpvideo",
        "mpvideo": {"media_id": made.json()["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview.clone())
            .await
            .errcode(),
        0
    );
    let list = json!({"type": "video", "offset": 0, "count": 20});
    let list = server
        .call(&account, "material/batchget_material", list)
        .await
        .json();
    assert_eq!(
        list["total_count"], 1,
        "what is made of a material is none itself"
    );
    let made_ref = json!({"media_id": made.json()["media_id"]});
    assert_eq!(
        server
            .call(&account, "material/del_material", made_ref)
            .await
            .errcode(),
        40007
    );
    let gone = json!({"media_id": source});
    assert_eq!(
        server
            .call(&account, "material/del_material", gone)
            .await
            .errcode(),
        0
    );
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview)
            .await
            .errcode(),
        40007
    );
}

#[tokio::test]
async fn a_draft_is_published_without_reaching_anybody() {
    let server = Server::start();
    let account = server.service().await;
    let draft = kept(&server, &account, "draft/add", 2).await;
    let links = server
        .call(&account, "draft/get", json!({"media_id": draft}))
        .await
        .json();
    let page = local(&links["news_item"][0]["url"]);
    assert_eq!(server.get(&page).await.status, 404, "nothing is public before");
    let submit = async |id: &Value| {
        server
            .call(&account, "freepublish/submit", json!({"media_id": id}))
            .await
    };
    let answer = submit(&draft).await;
    assert_snapshot!(answer.text(), @r#"{"errcode":0,"errmsg":"ok","publish_id":"100000001","msg_data_id":1000000001}"#);
    assert!(server.get(&page).await.text().contains("第1篇的正文"));
    let publish_id = answer.json()["publish_id"].clone();
    let get = async || {
        server
            .call(&account, "freepublish/get", json!({"publish_id": publish_id}))
            .await
    };
    let status = get().await;
    assert_snapshot!(pinned(&status), @r#"{"publish_id":"100000001","publish_status":0,"article_id":"LINK","article_detail":{"count":2,"item":[{"idx":1,"article_url":"http://qunfa.test/s/LINK"},{"idx":2,"article_url":"http://qunfa.test/s/LINK"}]},"fail_idx":[]}"#);
    assert_eq!(
        status.json()["article_detail"]["item"][0]["article_url"],
        links["news_item"][0]["url"]
    );
    assert_eq!(
        submit(&draft).await.errcode(),
        40007,
        "the draft has left the box"
    );
    assert_eq!(
        server
            .call(&account, "draft/get", json!({"media_id": draft}))
            .await
            .errcode(),
        40007
    );
    assert!(crate::reading::inbox(&server, &account, 0).await.is_empty());
    let masses = server
        .native(Method::GET, &format!("/v1/accounts/{}/masses", account.appid), "")
        .await;
    assert_eq!(masses.json()["masses"], json!([]));

    let article_id = status.json()["article_id"].clone();
    let article = async || {
        server
            .call(
                &account,
                "freepublish/getarticle",
                json!({"article_id": article_id}),
            )
            .await
    };
    assert_snapshot!(pinned(&article().await), @r#"{"news_item":[{"title":"第1篇","author":"李","digest":"第1篇的正文","content":"<p>第1篇的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false},{"title":"第2篇","author":"李","digest":"第2篇的正文","content":"<p>第2篇的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false}],"create_time":1795312800,"update_time":1795312800}"#);
    let list = async |no_content: u8| {
        let body = json!({"offset": 0, "count": 20, "no_content": no_content});
        server.call(&account, "freepublish/batchget", body).await
    };
    assert_snapshot!(pinned(&list(1).await), @r#"{"total_count":1,"item_count":1,"item":[{"article_id":"LINK","content":{"news_item":[{"title":"第1篇","author":"李","digest":"第1篇的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false},{"title":"第2篇","author":"李","digest":"第2篇的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false}]},"update_time":1795312800}]}"#);
    let delete = async |index: Value| {
        let body = json!({"article_id": article_id, "index": index});
        server.call(&account, "freepublish/delete", body).await
    };
    assert_eq!(delete(json!(3)).await.errcode(), 40114);
    assert_eq!(delete(json!(-1)).await.errcode(), 40114);
    assert_snapshot!(delete(json!("1")).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    let deleted: Vec<Value> = article().await.json()["news_item"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["is_deleted"].clone())
        .collect();
    assert_eq!(deleted, [true, false]);
    assert!(server.get(&page).await.text().contains("该内容已被发布者删除"));
    assert_eq!(get().await.json()["publish_status"], 0);
    assert_eq!(list(0).await.json()["total_count"], 1);
    assert_eq!(delete(json!(null)).await.errcode(), 0);
    assert_eq!(delete(json!(0)).await.errcode(), 0, "repeating is fine");
    assert_snapshot!(get().await.text(), @r#"{"publish_id":"100000001","publish_status":5,"fail_idx":[]}"#);
    assert_snapshot!(list(0).await.text(), @r#"{"total_count":0,"item_count":0,"item":[]}"#);
}

#[tokio::test]
async fn a_publication_that_is_none_has_its_errcode() {
    let server = Server::start();
    let account = server.service().await;
    let news = kept(&server, &account, "material/add_news", 1).await;
    let code = async |path: &str, body: Value| server.call(&account, path, body).await.errcode();
    assert_eq!(code("freepublish/submit", json!({})).await, 41006);
    assert_eq!(code("freepublish/submit", json!({"media_id": "x"})).await, 40007);
    assert_eq!(
        code("freepublish/submit", json!({"media_id": news})).await,
        40007,
        "only drafts"
    );
    assert_eq!(code("freepublish/get", json!({})).await, 40035);
    assert_eq!(code("freepublish/get", json!({"publish_id": "x"})).await, 47003);
    assert_eq!(
        code("freepublish/get", json!({"publish_id": 100000001})).await,
        47003
    );
    for path in ["freepublish/getarticle", "freepublish/delete"] {
        assert_eq!(code(path, json!({})).await, 40035);
        assert_eq!(
            code(path, json!({"article_id": "AAAAAAAAAAAAAAAAAAAAAA"})).await,
            53600
        );
        assert_eq!(code(path, json!({"article_id": []})).await, 53600);
    }
    assert_eq!(code("freepublish/batchget", json!({"offset": 0})).await, 45076);
}

#[tokio::test]
async fn sec1_another_accounts_ids_are_unknown_ids() {
    let server = Server::start();
    let (owner, other) = (server.service().await, server.service().await);
    let image = added(&server, &owner, "image", "test.png").await;
    let news = kept(&server, &owner, "material/add_news", 1).await;
    let draft = kept(&server, &owner, "draft/add", 1).await;
    let published = kept(&server, &owner, "draft/add", 1).await;
    let submitted = server
        .call(&owner, "freepublish/submit", json!({"media_id": published}))
        .await
        .json();
    let status = json!({"publish_id": submitted["publish_id"]});
    let article_id = server
        .call(&owner, "freepublish/get", status.clone())
        .await
        .json()["article_id"]
        .clone();
    let code = async |path: &str, body: Value| server.call(&other, path, body).await.errcode();
    for id in [&image, &news] {
        assert_eq!(
            code("material/get_material", json!({"media_id": id})).await,
            40007
        );
        assert_eq!(
            code("material/del_material", json!({"media_id": id})).await,
            40007
        );
    }
    let cover = added(&server, &other, "image", "test.png").await;
    for (path, id) in [("material/update_news", &news), ("draft/update", &draft)] {
        let body = json!({"media_id": id, "index": 0, "articles": article("偷", &cover)});
        assert_eq!(code(path, body).await, 40007);
    }
    for path in ["draft/get", "draft/delete", "freepublish/submit"] {
        assert_eq!(code(path, json!({"media_id": draft})).await, 40007);
    }
    let stolen = json!({"articles": [article("偷", &image)]});
    assert_eq!(code("draft/add", stolen).await, 40007);
    assert_eq!(code("freepublish/get", status).await, 47003);
    for path in ["freepublish/getarticle", "freepublish/delete"] {
        assert_eq!(code(path, json!({"article_id": article_id})).await, 53600);
    }
    for (path, kind) in [
        ("material/batchget_material", "news"),
        ("draft/batchget", ""),
        ("freepublish/batchget", ""),
    ] {
        let body = json!({"type": kind, "offset": 0, "count": 20});
        assert_eq!(server.call(&other, path, body).await.json()["total_count"], 0);
    }
    assert_eq!(
        server
            .call(&owner, "draft/get", json!({"media_id": draft}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn library_pictures_may_stand_in_articles() {
    let server = Server::start();
    let account = server.service().await;
    let image = add(&server, &account, "image", "test.png").await.json();
    let url = image["url"].as_str().expect("a URL");
    let mut body = article("图", &image["media_id"]);
    body["content"] = json!(format!("<p>看</p><img src=\"{url}\">"));
    let draft = server
        .call(&account, "draft/add", json!({"articles": [body]}))
        .await
        .json();
    let found = server
        .call(&account, "draft/get", json!({"media_id": draft["media_id"]}))
        .await
        .json();
    let content = found["news_item"][0]["content"].as_str().expect("a text");
    assert!(content.contains(url), "{content}");
}
