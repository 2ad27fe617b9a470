//! S10–S20 and S28–S30: the ways through the document, from preparing to deleting (spec mass-send §4, §14).

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, accepted, files, refused},
    help::{
        DAY, DELETED, EVEN, UPLOADIMG, UPLOADNEWS, UPLOADVIDEO, keyed, made::mp3, medium, slow_server,
        string, text,
    },
};

const LINKED: &str = r#"<p>前<a href="https://e.org/shop">去商店</a>后</p>"#;

#[tokio::test]
async fn s010_only_an_account_with_the_payment_permission_links_out_of_its_articles() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let page = account.page_of(json!({"content": LINKED})).await;
    assert!(page.contains(r#"href="https://e.org/shop""#), "{page}");
    assert!(page.contains("去商店"));

    server.change(SERVICE, json!({"pay_enabled": false})).await;
    let page = account
        .page_of(json!({"content": LINKED, "title": "没有权限"}))
        .await;
    assert!(!page.contains("e.org"), "{page}");
    assert!(page.contains("去商店"), "the text stays");
}

#[tokio::test]
async fn s011_the_preview_looks_like_what_is_sent_later() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account
        .news_of(
            json!({"author": "李", "show_cover_pic": 1, "content_source_url": "https://e.org/",
            "content": "<p style=\"color:red\">红<b>粗</b></p>"}),
        )
        .await;
    let open_id = account.open_id(0).await;
    account.preview(&open_id, medium("mpnews", &news)).await;
    let preview = account.newest(0).await;
    let preview_page = server.page(&preview["url"]).await;
    accepted(&account.send_all(medium("mpnews", &news)).await);
    server.settle().await;
    let sent = account.newest(0).await;
    let page = server.page(&sent["url"]).await;
    assert_ne!(
        preview["url"], sent["url"],
        "the preview's page is a temporary one"
    );
    assert!(page.contains("<b>粗</b>"));
    let rendering = |page: &str| {
        let (_, rest) = page.split_once("<article").expect("an article");
        let (before, rest) = rest.split_once("<time").expect("a date");
        let (_, after) = rest.split_once("</time>").expect("its end");
        let after = after.split_once("</body>").map_or(after, |(body, _)| body);
        format!("{before}{after}")
    };
    assert_eq!(rendering(&preview_page), rendering(&page));
    for field in ["title", "digest", "cover_url"] {
        assert_eq!(preview[field], sent[field], "the card's {field}");
    }
}

#[tokio::test]
async fn s012_a_preview_reaches_the_named_follower_only() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let open_ids = account.open_ids(10).await;
    let answer = account.preview(&open_ids[3], text("只给你")).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    server.settle().await;
    for (number, open_id) in open_ids.iter().enumerate() {
        let expected: &[&str] = if number == 3 { &["只给你"] } else { &[] };
        assert_eq!(account.inbox_texts(open_id).await, expected, "follower {number}");
    }
}

#[tokio::test]
async fn s013_a_picture_for_an_article_has_a_url_with_the_same_bytes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (bytes, kind) in [
        (files::jpeg(60, 40), "image/jpeg"),
        (files::png(60, 40), "image/png"),
    ] {
        let answer = account.upload(UPLOADIMG, bytes.clone(), "a").await;
        assert_eq!(
            server.fetch(&answer["url"]).await,
            (200, kind.to_owned(), bytes),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn s014_an_article_shows_the_picture_at_that_url_and_no_foreign_one() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let url = string(&account.upload(UPLOADIMG, files::png(60, 40), "a.png").await["url"]);
    let content = format!(r#"<p>图：<img src="{url}"><img src="https://foreign.example/x.png"></p>"#);
    let page = account.page_of(json!({"content": content})).await;
    assert!(page.contains(&format!("<img src=\"{url}\"")), "{page}");
    assert!(!page.contains("foreign.example"), "{page}");
}

#[tokio::test]
async fn s015_a_news_goes_to_those_who_carry_the_tag() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    accepted(&account.send_tag(EVEN, medium("mpnews", &news)).await);
    server.settle().await;
    for (number, open_id) in account.open_ids(10).await.iter().enumerate() {
        let inbox = account.inbox(open_id).await;
        assert_eq!(inbox.len(), usize::from(number % 2 == 0), "follower {number}");
        if let Some(entry) = inbox.first() {
            assert_eq!(
                (&entry["type"], &entry["title"]),
                (&json!("mpnews"), &json!("第1篇"))
            );
        }
    }
}

#[tokio::test]
async fn s016_a_news_goes_to_exactly_the_two_openids_of_the_list() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(1).await;
    let open_ids = account.open_ids(10).await;
    let list = [open_ids[1].as_str(), open_ids[6].as_str()];
    accepted(&account.send_list(&list, medium("mpnews", &news)).await);
    server.settle().await;
    for (number, open_id) in open_ids.iter().enumerate() {
        let expected = usize::from(number == 1 || number == 6);
        assert_eq!(account.inbox(open_id).await.len(), expected, "follower {number}");
    }
}

#[tokio::test]
async fn s017_one_material_is_previewed_sent_asked_after_and_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = medium("mpnews", &account.news(1).await);
    let open_id = account.open_id(0).await;
    let preview = account.preview(&open_id, news.clone()).await;
    assert_eq!(preview["errmsg"], "preview success", "{preview}");
    let id = accepted(&account.send_all(news).await);
    server.settle().await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    let deleted = account.delete(json!({"msg_id": id})).await;
    assert_eq!(deleted, json!({"errcode": 0, "errmsg": "ok"}));
    assert_eq!(account.status(&id).await, "DELETE");
}

#[tokio::test]
async fn s018_a_text_is_sent_without_anything_prepared() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_all(text("直接群发")).await);
    server.settle().await;
    assert_eq!(account.texts(9).await, ["直接群发"]);
}

#[tokio::test]
async fn s019_pictures_and_videos_need_a_media_id_prepared_before() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for kind in ["image", "mpvideo", "voice", "mpnews"] {
        refused(&account.send_all(medium(kind, "never-uploaded")).await, 40007);
    }
    let foreign = server.account(SUBSCRIPTION).await.image().await;
    refused(&account.send_all(medium("image", &foreign)).await, 40007);
    accepted(&account.send_all(medium("image", &account.image().await)).await);
    accepted(
        &account
            .send_all(medium("mpvideo", &account.video("片", "").await))
            .await,
    );
    server.settle().await;
    assert_eq!(account.inbox(&account.open_id(0).await).await.len(), 2);
}

#[tokio::test]
async fn s020_a_send_to_all_enters_the_history_when_it_has_succeeded() {
    let (server, _) = slow_server().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(text("进入历史")).await);
    server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert!(account.history().await.is_empty(), "not before it has ended");
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    let history = account.history().await;
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(
        (&history[0]["msg_id"], &history[0]["text"]),
        (&id, &json!("进入历史"))
    );
    // The page is for everybody.
    let page = server
        .page(&json!(format!("{}/mp/history/{SERVICE}", server.base)))
        .await;
    assert!(page.contains("进入历史"), "{page}");

    server.next_verdict(SERVICE, json!({"code": 10001})).await;
    let refused = accepted(&account.send_all(text("没有发出")).await);
    server.advance(120).await;
    assert_eq!(account.status(&refused).await, "SEND_FAIL");
    assert_eq!(account.history_ids().await, [id], "a failed one never enters");
}

#[tokio::test]
async fn s028_permanent_materials_stand_wherever_a_media_id_does() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account
        .quota(json!({"receipts_per_month": null, "history_per_month": null}))
        .await;
    let add = async |kind: &str, bytes: Vec<u8>, name: &str| {
        let path = format!("/cgi-bin/material/add_material?type={kind}");
        string(&account.upload(&path, bytes, name).await["media_id"])
    };
    let image = add("image", files::jpeg(60, 40), "a.jpg").await;
    let voice = add("voice", mp3(), "a.mp3").await;
    let video = add("video", files::mp4(), "a.mp4").await;
    let thumb = add("thumb", files::jpeg(64, 64), "t.jpg").await;
    let articles =
        json!({"articles": [{"title": "永久", "content": "<p>正文</p>", "thumb_media_id": thumb}]});
    let temporary_news = account.call(UPLOADNEWS, articles.clone()).await;
    assert_eq!(
        temporary_news["type"], "news",
        "a permanent cover: {temporary_news}"
    );
    let news = account.call("/cgi-bin/material/add_news", articles).await;
    let news = string(&news["media_id"]);
    let converted = account
        .call(UPLOADVIDEO, json!({"media_id": video, "title": "片"}))
        .await;
    assert_eq!(converted["type"], "video", "a permanent video: {converted}");
    // Temporary ones would be dead by now.
    server.advance(4 * DAY).await;
    let account = server.account(SERVICE).await;
    let sent = [
        ("image", image),
        ("voice", voice),
        ("mpvideo", video),
        ("mpnews", news),
    ];
    for (kind, id) in &sent {
        accepted(&account.send_all(medium(kind, id)).await);
    }
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    let types: Vec<&str> = inbox
        .iter()
        .rev()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["image", "voice", "mpvideo", "mpnews"]);
}

/// One material sent twice with different keys (reading 1); the entries of one inbox, older first.
async fn sent_twice(server: &TestServer) -> (Vec<Value>, [Value; 2]) {
    let account = server.account(SERVICE).await;
    let news = medium("mpnews", &account.news(1).await);
    let first = accepted(&account.send_all(keyed(news.clone(), "first")).await);
    server.settle().await;
    let second = accepted(&account.send_all(keyed(news, "second")).await);
    server.settle().await;
    let mut inbox = account.inbox(&account.open_id(0).await).await;
    inbox.reverse();
    assert_eq!(inbox.len(), 2);
    (inbox, [first, second])
}

#[tokio::test]
async fn s029_sends_of_one_material_carry_one_link() {
    let server = TestServer::start().await;
    let (inbox, ids) = sent_twice(&server).await;
    assert_ne!(ids[0], ids[1]);
    assert!(inbox[0]["url"].is_string(), "{inbox:?}");
    assert_eq!(inbox[0]["url"], inbox[1]["url"]);
    assert_eq!(inbox[0]["articles"][0]["url"], inbox[1]["articles"][0]["url"]);
    assert!(server.page(&inbox[0]["url"]).await.contains("正文1"));
}

#[tokio::test]
async fn s030_deleting_one_send_kills_the_link_in_the_other() {
    let server = TestServer::start().await;
    let (inbox, [first, _]) = sent_twice(&server).await;
    let account = server.account(SERVICE).await;
    assert!(!server.page(&inbox[1]["url"]).await.contains(DELETED));
    let answer = account.delete(json!({"msg_id": first})).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    let page = server.page(&inbox[1]["url"]).await;
    assert!(page.contains(DELETED) && !page.contains("正文1"), "{page}");
}
