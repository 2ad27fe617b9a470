//! Files and news that stay.

use axum::http::header;
use domain::library::LibraryLimits;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{OK, Part, add, added, advance, article, form, kept, local, pinned, relogin};
use crate::harness::{Server, fixture};

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
async fn the_type_of_an_upload_may_stand_in_the_form_behind_the_file() {
    let server = Server::start();
    let account = server.service().await;
    let picture = fixture("test.jpg");
    let upload = async |path: &str, kind: &str, file: &[u8]| {
        let parts: [Part<'_>; 2] = [("media", Some("x"), file), ("type", None, kind.as_bytes())];
        form(&server, &account, path, &parts).await
    };
    for path in ["media/upload", "material/add_material"] {
        assert_eq!(
            upload(path, "image", &picture).await.json()["media_id"]
                .as_str()
                .map(str::len),
            Some(64)
        );
        assert_eq!(upload(path, "gif", &picture).await.errcode(), 40004);
        assert_eq!(upload(path, "thumb", &vec![0; 70_000]).await.errcode(), 40012);
        let typed = format!("{path}?type=thumb");
        assert_eq!(
            upload(&typed, "image", &picture).await.json()["media_id"]
                .as_str()
                .map(str::len),
            Some(64)
        );
        assert_eq!(
            upload(&format!("{path}?type=gif"), "image", &picture)
                .await
                .errcode(),
            40004
        );
    }
}
