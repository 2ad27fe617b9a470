//! S42–S59: news materials (spec mass-send §6).

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused},
    help::{UPLOADNEWS, UPLOADVIDEO, keys, medium, string},
};

const SOURCE_WORDS: &str = "阅读原文";

#[tokio::test]
async fn s042_verified_accounts_of_both_kinds_upload_news() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let account = server.account(app_id).await;
        assert!(!account.news(1).await.is_empty());
    }
    let unverified = server.account(UNVERIFIED).await;
    let body = json!({"articles": [unverified.article(json!({})).await]});
    refused(&unverified.call(UPLOADNEWS, body.clone()).await, 48001);
    server.change(UNVERIFIED, json!({"verified": true})).await;
    let answer = unverified.call(UPLOADNEWS, body).await;
    assert_eq!(answer["type"], "news", "{answer}");
}

#[tokio::test]
async fn s043_news_are_posted_as_json() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(UPLOADNEWS).await, 43002);
    refused(&server.post(&account.path(UPLOADNEWS), "").await, 44002);
    refused(&server.post(&account.path(UPLOADNEWS), "{").await, 47001);
}

#[tokio::test]
async fn s044_the_sample_with_two_articles_is_taken() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let thumb = account.thumb().await;
    let sample = json!({"articles": [
        {"thumb_media_id": thumb, "author": "xxx", "title": "Happy Day", "content_source_url": "www.qq.com",
            "content": "content", "digest": "digest", "show_cover_pic": 1},
        {"thumb_media_id": thumb, "author": "xxx", "title": "Happy Day 2", "content_source_url": "www.qq.com",
            "content": "content", "digest": "digest", "show_cover_pic": 0}
    ]});
    let answer = account.call(UPLOADNEWS, sample).await;
    accepted(
        &account
            .send_all(medium("mpnews", &string(&answer["media_id"])))
            .await,
    );
    server.settle().await;
    let entry = account.newest(0).await;
    let titles: Vec<&str> = entry["articles"]
        .as_array()
        .expect("articles")
        .iter()
        .map(|article| article["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["Happy Day", "Happy Day 2"]);
}

#[tokio::test]
async fn s045_a_news_has_one_to_eight_articles() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let article = account.article(json!({})).await;
    let upload = async |key: &str, count: usize| {
        account
            .call(UPLOADNEWS, json!({key: vec![article.clone(); count]}))
            .await
    };
    refused(&upload("articles", 0).await, 44003);
    refused(&account.call(UPLOADNEWS, json!({})).await, 44003);
    for (key, count) in [("articles", 1), ("articles", 8), ("Articles", 8)] {
        let answer = upload(key, count).await;
        assert!(answer["media_id"].is_string(), "{key} {count}: {answer}");
    }
    refused(&upload("articles", 9).await, 45008);
}

#[tokio::test]
async fn s046_the_cover_is_an_uploaded_thumb_or_image() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let with_cover = async |cover: Value| {
        let article = json!({"title": "标题", "content": "正文", "thumb_media_id": cover});
        account.call(UPLOADNEWS, json!({"articles": [article]})).await
    };
    let missing = json!({"articles": [{"title": "标题", "content": "正文"}]});
    refused(&account.call(UPLOADNEWS, missing).await, 40007);
    refused(&with_cover(json!("unknown")).await, 40007);
    refused(&with_cover(json!(account.voice().await)).await, 40007);
    let foreign = server.account(SUBSCRIPTION).await.thumb().await;
    refused(&with_cover(json!(foreign)).await, 40007);

    let path = "/cgi-bin/media/upload?type=thumb";
    let picture = files::jpeg(64, 64);
    let thumb = account.upload(path, picture.clone(), "a.jpg").await;
    assert_eq!(with_cover(thumb["media_id"].clone()).await["type"], "news");
    assert_eq!(with_cover(json!(account.image().await)).await["type"], "news");
    let news = with_cover(thumb["thumb_media_id"].clone()).await;
    accepted(
        &account
            .send_all(medium("mpnews", &string(&news["media_id"])))
            .await,
    );
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(
        server.fetch(&entry["cover_url"]).await.2,
        picture,
        "the card's cover"
    );
}

#[tokio::test]
async fn s047_the_author_is_optional_and_stands_on_the_page() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    assert!(
        account
            .page_of(json!({"author": "欧阳子涵"}))
            .await
            .contains("欧阳子涵")
    );
    assert!(
        account.page_of(json!({})).await.contains("正文"),
        "absent is fine"
    );
}

#[tokio::test]
async fn s048_the_title_is_required_and_stands_on_card_and_page() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for title in [json!(null), json!(""), json!("  ")] {
        let article = account.article(json!({"title": title})).await;
        refused(
            &account.call(UPLOADNEWS, json!({"articles": [article]})).await,
            40227,
        );
    }
    let page = account.page_of(json!({"title": "独一无二的题目"})).await;
    assert!(page.contains("独一无二的题目"), "{page}");
    assert_eq!(account.newest(0).await["title"], "独一无二的题目");
}

#[tokio::test]
async fn s049_the_source_is_a_link_with_its_words_and_absent_without_one() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let page = account
        .page_of(json!({"content_source_url": "https://example.org/a"}))
        .await;
    let (before, _) = page.split_once(SOURCE_WORDS).expect("the words");
    let link = before.rsplit_once("<a ").expect("a link").1;
    assert!(link.contains(r#"href="https://example.org/a""#), "{page}");
    let page = account.page_of(json!({"title": "没有"})).await;
    assert!(!page.contains(SOURCE_WORDS), "{page}");
}

#[tokio::test]
async fn s050_the_source_passes_a_security_filter() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "JavaScript:alert(1)",
    ] {
        let article = account.article(json!({"content_source_url": bad})).await;
        let answer = account.call(UPLOADNEWS, json!({"articles": [article]})).await;
        assert_eq!(answer["errcode"], 41039, "{bad}: {answer}");
    }
    let page = account.page_of(json!({"content_source_url": "www.qq.com"})).await;
    assert!(
        page.contains(r#"href="http://www.qq.com"#),
        "bare is http: {page}"
    );
}

#[tokio::test]
async fn s051_the_short_links_to_the_app_store_are_kept_as_they_are() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for link in [
        "https://appsto.re/xx#wechat_redirect",
        "https://itun.es/cn/abc#wechat_redirect",
    ] {
        let page = account
            .page_of(json!({"content_source_url": link, "title": link}))
            .await;
        assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    }
}

#[tokio::test]
async fn s052_the_content_is_required_html_without_scripts() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let content = "<p>段落<b>粗体</b></p><script>alert('盗')</script><p onclick=\"x()\">后</p>";
    let page = account.page_of(json!({"content": content})).await;
    assert!(page.contains("<p>段落<b>粗体</b></p>"), "rendered: {page}");
    assert!(
        !page.contains("<script") && !page.contains("alert(") && !page.contains("onclick"),
        "{page}"
    );
    for missing in [json!(null), json!("")] {
        let article = account.article(json!({"content": missing})).await;
        refused(
            &account.call(UPLOADNEWS, json!({"articles": [article]})).await,
            44004,
        );
    }
}

#[tokio::test]
async fn s053_other_accounts_cannot_link_out_of_their_articles() {
    let server = TestServer::start().await;
    let content = r#"<a href="https://e.org/pay">付款</a><a href="http://e.org/two">二</a>"#;
    let page = server
        .account(SERVICE)
        .await
        .page_of(json!({"content": content}))
        .await;
    assert_eq!(page.matches("e.org").count(), 2, "with the permission: {page}");
    let page = server
        .account(SUBSCRIPTION)
        .await
        .page_of(json!({"content": content}))
        .await;
    assert!(!page.contains("e.org"), "without: {page}");
    assert!(page.contains("付款") && page.contains("二"));
}

#[tokio::test]
async fn s054_the_digest_stands_on_the_card() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.page_of(json!({"digest": "一句话说明"})).await;
    assert_eq!(account.newest(0).await["digest"], "一句话说明");
    let long = "字".repeat(70);
    account
        .page_of(json!({"title": "没有摘要", "content": format!("<p><b>{long}</b></p>")}))
        .await;
    assert_eq!(
        account.newest(0).await["digest"],
        json!("字".repeat(64)),
        "absent: the text's first 64 characters (reading 14)"
    );
}

#[tokio::test]
async fn s055_the_cover_stands_above_the_body_if_asked_for() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account
        .quota(json!({"receipts_per_month": null, "history_per_month": null}))
        .await;
    let asked = [
        (json!(1), true),
        (json!("1"), true),
        (json!(0), false),
        (json!("0"), false),
        (json!(null), false),
    ];
    for (number, (flag, shown)) in asked.into_iter().enumerate() {
        let page = account
            .page_of(json!({"show_cover_pic": flag, "title": format!("封面{number}")}))
            .await;
        // In the head it is named for previews of the link, shown or not.
        let (_, page) = page.split_once("<article").expect("an article");
        let cover = string(&account.newest(0).await["cover_url"]);
        let path = cover.strip_prefix(&server.base).expect("here");
        let place = page.find(path);
        assert_eq!(place.is_some(), shown, "{flag}: {page}");
        assert!(place < page.rfind("正文") || place.is_none(), "above: {page}");
    }
}

#[tokio::test]
async fn s056_the_type_of_a_news_is_news() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = json!({"articles": [account.article(json!({})).await]});
    let answer = account.call(UPLOADNEWS, body).await;
    assert_eq!(answer["type"], "news", "{answer}");
    assert_eq!(keys(&answer), ["created_at", "media_id", "type"], "no errcode");
}

#[tokio::test]
async fn s057_each_upload_has_its_own_media_id() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = json!({"articles": [account.article(json!({})).await]});
    let first = string(&account.call(UPLOADNEWS, body.clone()).await["media_id"]);
    let second = string(&account.call(UPLOADNEWS, body).await["media_id"]);
    assert_ne!(first, second);
}

#[tokio::test]
async fn s058_created_at_is_the_time_of_the_upload() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for _ in 0..2 {
        let body = json!({"articles": [account.article(json!({})).await]});
        let answer = account.call(UPLOADNEWS, body).await;
        let created_at = answer["created_at"].as_i64().expect("a number");
        assert!((created_at - server.now().seconds()).abs() <= 5, "{answer}");
        server.advance(3_600).await;
    }
}

#[tokio::test]
async fn s059_every_upload_names_its_type() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (kind, bytes) in [
        ("image", files::png(9, 9)),
        ("voice", files::amr()),
        ("video", files::mp4()),
        ("thumb", files::jpeg(9, 9)),
    ] {
        let path = format!("/cgi-bin/media/upload?type={kind}");
        let answer = account.upload(&path, bytes, "a").await;
        assert_eq!(answer["type"], kind, "{answer}");
    }
    let body = json!({"articles": [account.article(json!({})).await]});
    assert_eq!(account.call(UPLOADNEWS, body).await["type"], "news");
    let body = json!({"media_id": account.raw_video().await, "title": "片"});
    assert_eq!(account.call(UPLOADVIDEO, body).await["type"], "video");
}
