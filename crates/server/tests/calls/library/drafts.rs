//! Drafts, and what may stand in articles and sends.

use insta::assert_snapshot;
use serde_json::{Value, json};
use store::clock::Clock;

use super::{add, added, advance, article, kept, local, pinned, relogin};
use crate::harness::{Server, fixture};

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
    assert_snapshot!(pinned(&get().await), @r#"{"news_item":[{"article_type":"news","title":"定稿","author":"李","digest":"定稿的正文","content":"<p>定稿的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0}],"create_time":1795312800,"update_time":1795312800}"#);
    let second = kept(&server, &account, "draft/add", 2).await;

    let count = format!("/cgi-bin/draft/count?access_token={}", account.token);
    assert_snapshot!(server.get(&count).await.text(), @r#"{"total_count":2}"#);
    let list = async |body: Value| server.call(&account, "draft/batchget", body).await;
    assert_snapshot!(pinned(&list(json!({"offset": 1, "count": 1, "no_content": 1})).await), @r#"{"total_count":2,"item_count":1,"item":[{"media_id":"ID","content":{"news_item":[{"article_type":"news","title":"定稿","author":"李","digest":"定稿的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":1,"only_fans_can_comment":0}]},"update_time":1795312800}]}"#);
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
    assert_eq!(code(&[("article_type", json!("newspic"))]).await, 40215);
    assert_eq!(code(&[("article_type", json!("video"))]).await, 47003);
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

#[tokio::test]
async fn a_series_of_pictures_is_a_draft_too() {
    let server = Server::start();
    let account = server.service().await;
    let (first, second) = (
        added(&server, &account, "image", "test.png").await,
        added(&server, &account, "image", "test.jpg").await,
    );
    let pictures = |ids: &[&Value]| {
        let list: Vec<Value> = ids.iter().map(|id| json!({"image_media_id": id})).collect();
        json!({"article_type": "newspic", "title": "湖边", "content": "早上\n\n<晚上> & 夜里",
            "image_info": {"image_list": list}})
    };
    let add = async |article: Value| {
        server
            .call(&account, "draft/add", json!({"articles": [article]}))
            .await
    };
    let draft = add(pictures(&[&first, &second])).await.json()["media_id"].clone();
    let found = server
        .call(&account, "draft/get", json!({"media_id": draft}))
        .await;
    assert_snapshot!(pinned(&found), @r#"{"news_item":[{"article_type":"newspic","title":"湖边","author":"","digest":"早上 <晚上> & 夜里","content":"早上\n\n<晚上> & 夜里","content_source_url":"","thumb_media_id":"ID","show_cover_pic":0,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_png/LINK/0?wx_fmt=png","need_open_comment":0,"only_fans_can_comment":0,"image_info":{"image_list":[{"image_media_id":"ID"},{"image_media_id":"ID"}]}}],"create_time":1795312800,"update_time":1795312800}"#);
    assert_eq!(
        found.json()["news_item"][0]["image_info"]["image_list"][0]["image_media_id"],
        first
    );
    let preview = json!({"touser": account.open_ids[0], "msgtype": "mpnews", "mpnews": {"media_id": draft}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview)
            .await
            .errcode(),
        0
    );
    let entry = crate::reading::inbox(&server, &account, 0).await.remove(0);
    let page = server.get(&local(&entry["url"])).await.text();
    for part in [
        "<p>早上</p>",
        "<p>&lt;晚上&gt; &amp; 夜里</p>",
        "/mmbiz_png/",
        "/mmbiz_jpg/",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let voice = added(&server, &account, "voice", "test.amr").await;
    let temporary = server
        .upload(&account, "media/upload?type=image", &fixture("test.png"))
        .await
        .json()["media_id"]
        .clone();
    assert_eq!(add(pictures(&[])).await.errcode(), 40215);
    assert_eq!(add(pictures(&[&first; 21])).await.errcode(), 40215);
    assert_eq!(add(pictures(&[&voice])).await.errcode(), 40007);
    assert_eq!(add(pictures(&[&temporary])).await.errcode(), 40007);
    assert_eq!(add(pictures(&[&json!("")])).await.errcode(), 40007);
}

#[tokio::test]
async fn a_draft_that_was_changed_after_it_was_sent_stays() {
    let server = Server::start();
    let account = server.service().await;
    let cover = added(&server, &account, "thumb", "test.jpg").await;
    let mut left = Vec::new();
    for changed in [false, true] {
        let draft = kept(&server, &account, "draft/add", 1).await;
        let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": draft},
            "clientmsgid": format!("changed-{changed}")});
        let sent = server.call(&account, "message/mass/sendall", body).await;
        assert_eq!(sent.errcode(), 0, "{}", sent.text());
        if changed {
            let update = json!({"media_id": draft, "index": 0, "articles": article("改过", &cover)});
            assert_eq!(server.call(&account, "draft/update", update).await.errcode(), 0);
        }
        server.deliver().await;
        let found = server
            .call(&account, "draft/get", json!({"media_id": draft}))
            .await
            .json();
        left.push(found["news_item"][0]["title"].clone());
    }
    assert_eq!(left, [json!(null), json!("改过")]);
}

#[tokio::test]
async fn a_picture_whose_bytes_were_collected_is_taken_out_of_an_article() {
    let server = Server::start();
    let account = server.service().await;
    let cover = added(&server, &account, "thumb", "test.jpg").await;
    let picture = add(&server, &account, "image", "test.png").await.json();
    let content = async || {
        let mut with_picture = article("图", &cover);
        with_picture["content"] = json!(format!(
            "<p>图<img src=\"{}\"></p>",
            picture["url"].as_str().expect("a URL")
        ));
        let draft = server
            .call(&account, "draft/add", json!({"articles": [with_picture]}))
            .await
            .json();
        let id = json!({"media_id": draft["media_id"]});
        let found = server.call(&account, "draft/get", id.clone()).await.json();
        server.call(&account, "draft/delete", id).await;
        found["news_item"][0]["content"].to_string()
    };
    assert!(content().await.contains("<img"));
    let gone = json!({"media_id": picture["media_id"]});
    assert_eq!(
        server
            .call(&account, "material/del_material", gone)
            .await
            .errcode(),
        0
    );
    let later = server.clock.now().plus_seconds(48 * 3_600);
    let retired = server.store.retire_blobs(later, 8, later).await;
    assert_eq!(retired.expect("retires"), 1);
    let content = content().await;
    assert!(content.contains('图') && !content.contains("<img"), "{content}");
}
