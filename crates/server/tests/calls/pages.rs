//! Pages as browsers and other programs get them: pictures in sizes, parts of videos, both forms of an address, what
//! stands in the place of what is gone, and how much a page weighs.

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use domain::{
    link::Link,
    media::scale::{PictureSize, picture_size},
    statistics::ReadCounting,
    time::Timestamp,
};
use serde_json::{Value, json};
use server::app::SandboxControl;
use store::{clock::Clock, vault::Vault};

use crate::{
    harness::{Account, Answer, Server, fixture},
    media::news,
    reading::{inbox, local, token},
};

/// An article page without its pictures, at most (bytes).
const PAGE_BYTES_MAX: usize = 60_000;

async fn get(server: &Server, uri: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    server.send(request.body(Body::empty()).expect("a request")).await
}

/// Sends a news with this body to all; its page.
async fn sent(server: &Server, account: &Account, body: &str) -> String {
    let media = news(server, account, body).await;
    sent_media(server, account, &media).await;
    local(&inbox(server, account, 0).await[0]["url"])
}

async fn sent_media(server: &Server, account: &Account, media: &Value) -> Value {
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": media["media_id"]}});
    let sent = server.call(account, "message/mass/sendall", body).await.json();
    assert_eq!(sent["errcode"], 0, "{sent}");
    server.deliver().await;
    sent
}

async fn picture(server: &Server, account: &Account) -> String {
    let answer = server
        .upload(account, "media/uploadimg", &fixture("test.jpg"))
        .await;
    answer.json()["url"].as_str().expect("a URL").to_owned()
}

#[tokio::test]
async fn s013_a_picture_comes_in_the_widths_of_pages_and_else_as_it_was_uploaded() {
    let server = Server::start();
    let account = server.service().await;
    let url = local(&json!(picture(&server, &account).await));
    let base = url
        .strip_suffix("/0?wx_fmt=jpeg")
        .expect("the original's address");
    let original = fixture("test.jpg");
    for size in ["0", "300", "960", "x"] {
        assert_eq!(
            server.get(&format!("{base}/{size}")).await.bytes,
            original,
            "{size}"
        );
    }
    for (width, height) in [(320, 178), (640, 356)] {
        let answer = server.get(&format!("{base}/{width}")).await;
        let etag = answer.header(header::ETAG).to_owned();
        assert_eq!(picture_size(&answer.bytes), Some(PictureSize { width, height }));
        assert!(answer.bytes.len() < original.len());
        assert_eq!(answer.header(header::CONTENT_TYPE), "image/jpeg");
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
        let again = get(
            &server,
            &format!("{base}/{width}"),
            &[(header::IF_NONE_MATCH, &etag)],
        )
        .await;
        assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
        let of_original = get(&server, &format!("{base}/0"), &[(header::IF_NONE_MATCH, &etag)]).await;
        assert_eq!(of_original.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_page_says_how_large_its_pictures_are_and_lets_the_browser_choose() {
    let server = Server::start();
    let account = server.service().await;
    let url = picture(&server, &account).await;
    let body = format!("<p><img src=\"{url}\"></p><p><img src=\"{url}\" width=\"80\" alt=\"湖\"></p>");
    let html = server.get(&sent(&server, &account, &body).await).await.text();
    let base = local(&json!(url));
    let base = base
        .strip_suffix("/0?wx_fmt=jpeg")
        .expect("the original's address");
    let forms = format!("srcset=\"{base}/320 320w, {base}/640 640w, {base}/0 900w\"");
    assert_eq!(html.matches(&forms).count(), 2, "{html}");
    assert_eq!(
        html.matches("width=\"900\" height=\"500\"").count(),
        2,
        "cover and picture: {html}"
    );
    assert!(
        html.contains("width=\"80\"") && html.contains("alt=\"湖\""),
        "{html}"
    );
    assert_eq!(
        html.matches("fetchpriority=\"high\"").count(),
        1,
        "the cover: {html}"
    );
    assert_eq!(html.matches("loading=\"lazy\"").count(), 2, "{html}");
    for tag in [
        "<meta property=\"og:title\" content=\"春天\">",
        "<meta property=\"og:type\" content=\"article\">",
        "<meta property=\"og:image\" content=\"http://qunfa.test/media/",
        "<meta property=\"og:url\" content=\"http://qunfa.test/s/",
        "<link rel=\"canonical\" href=\"http://qunfa.test/s/",
        "<meta property=\"article:published_time\" content=\"2026-11-22T10:00:00+08:00\">",
        "<meta name=\"twitter:card\" content=\"summary_large_image\">",
        "2026年11月22日 10:00",
    ] {
        assert!(html.contains(tag), "{tag}: {html}");
    }
}

#[tokio::test]
async fn an_article_is_light_and_asks_for_nothing_but_its_pictures() {
    let server = Server::start();
    let account = server.service().await;
    let url = picture(&server, &account).await;
    let paragraph =
        "<p>三月七日清晨，东门那株白玉兰开了第一朵。保安师傅老周比谁都早看见，他说花是夜里开的。</p>";
    let part = format!("{}<p><img src=\"{url}\"></p>", paragraph.repeat(20));
    let page = server.get(&sent(&server, &account, &part.repeat(10)).await).await;
    let html = page.text();
    assert!(page.bytes.len() < PAGE_BYTES_MAX, "{} bytes", page.bytes.len());
    assert!(
        page.bytes.len() > 28_000,
        "a long article: {} bytes",
        page.bytes.len()
    );
    for loading in [
        "<script",
        "<iframe",
        "@import",
        "url(",
        "<object",
        "<embed",
        "rel=\"preload\"",
        "rel=\"stylesheet\"",
    ] {
        assert!(!html.contains(loading), "{loading}");
    }
    // Everything that a browser loads by itself is a picture of this server.
    let ours = |address: &str| {
        let path = address.strip_prefix("http://qunfa.test").unwrap_or(address);
        path.starts_with("/mmbiz_jpg/") || path.starts_with("/media/")
    };
    let sources: Vec<&str> = html
        .split(" src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap_or(""))
        .collect();
    assert_eq!(sources.len(), 11);
    assert!(sources.iter().all(|source| ours(source)), "{sources:?}");
    assert!(
        html.contains("<link rel=\"icon\" href=\"data:,\">"),
        "no request for an icon"
    );
}

#[tokio::test]
async fn a_video_comes_in_parts_of_the_same_file_only() {
    let server = Server::start();
    let account = server.service().await;
    let raw = server
        .upload(&account, "media/upload?type=video", &fixture("test.mp4"))
        .await
        .json();
    let video = json!({"media_id": raw["media_id"], "title": "春天的湖", "description": ""});
    let video = server.call(&account, "media/uploadvideo", video).await.json();
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpvideo", "mpvideo": {"media_id": video["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/sendall", body)
            .await
            .errcode(),
        0
    );
    server.deliver().await;
    let entry = inbox(&server, &account, 0).await.swap_remove(0);
    let url = local(&entry["media_url"]);
    let (bytes, length) = (fixture("test.mp4"), fixture("test.mp4").len());
    let whole = server.get(&url).await;
    assert_eq!(whole.header(header::ACCEPT_RANGES), "bytes");
    let etag = whole.header(header::ETAG).to_owned();
    let part = get(
        &server,
        &url,
        &[(header::RANGE, "bytes=10-19"), (header::IF_RANGE, &etag)],
    )
    .await;
    assert_eq!(
        (part.status, part.bytes.as_slice()),
        (StatusCode::PARTIAL_CONTENT, &bytes[10..20])
    );
    assert_eq!(
        part.header(header::CONTENT_RANGE),
        format!("bytes 10-19/{length}")
    );
    let other = get(
        &server,
        &url,
        &[(header::RANGE, "bytes=10-19"), (header::IF_RANGE, "\"other\"")],
    )
    .await;
    assert_eq!((other.status, other.bytes.len()), (StatusCode::OK, length));
    let outside = get(&server, &url, &[(header::RANGE, "bytes=99999999-")]).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header(header::CONTENT_RANGE), format!("bytes */{length}"));
    let page = server.get(&local(&entry["url"])).await.text();
    assert!(
        page.contains("og:video") && page.contains("playsinline"),
        "{page}"
    );
    // A video has no smaller form.
    assert_eq!(server.get(&format!("{url}/640")).await.bytes, bytes);
}

#[tokio::test]
async fn the_long_form_of_an_address_leads_to_the_short_one() {
    let server = Server::start();
    let account = server.service().await;
    let page = sent(&server, &account, "<p>正文</p>").await;
    let links = Vault::new([7; 32]).link_key();
    let link: Link = links
        .open(page.strip_prefix("/s/").expect("short"))
        .expect("ours");
    let long = format!("/s?{}&chksm=1", links.long(link));
    let answer = server.get(&long).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.header(header::LOCATION), page);
    for bad in [
        "/s",
        "/s?__biz=MQ==&mid=1000000001&idx=1",
        &long.replace("idx=1", "idx=2"),
    ] {
        assert_eq!(server.get(bad).await.status, StatusCode::NOT_FOUND, "{bad}");
    }
    let delete = json!({"url": format!("https://mp.example.org{long}#rd")});
    assert_eq!(
        server
            .call(&account, "message/mass/delete", delete)
            .await
            .errcode(),
        0
    );
    let gone = server.get(&page).await;
    assert_eq!(gone.status, StatusCode::OK);
    for part in ["该内容已被发布者删除", "植物园", "/mp/history/", "noindex"] {
        assert!(gone.text().contains(part), "{part}: {}", gone.text());
    }
    let told = get(&server, &page, &[(header::ACCEPT, "application/json")]).await;
    assert_eq!(
        (told.status, told.json()["error"]["code"].as_str()),
        (StatusCode::GONE, Some("deleted"))
    );
}

#[tokio::test]
async fn what_waits_for_its_administrator_says_so_until_it_is_sent() {
    let server = Server::start();
    let account = server.service().await;
    let uri = format!("/v1/accounts/{}", account.appid);
    let protect = json!({"protect": true}).to_string();
    assert_eq!(
        server.native(Method::PATCH, &uri, protect).await.status,
        StatusCode::OK
    );
    let media = news(&server, &account, "<p>正文</p>").await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": media["media_id"]}});
    let sent = server.call(&account, "message/mass/sendall", body).await.json();
    let accounts = server.store.accounts().await.expect("reads");
    let link = Link {
        kind: domain::link::LinkKind::Article,
        account: accounts.last().expect("one").id,
        number: sent["msg_data_id"].as_u64().expect("a number"),
        index: 1,
    };
    let page = format!("/s/{}", Vault::new([7; 32]).link_key().seal(link));
    let waiting = server.get(&page).await;
    assert_eq!(waiting.status, StatusCode::NOT_FOUND);
    assert!(waiting.text().contains("内容正在审核"), "{}", waiting.text());
    assert!(
        !waiting.text().contains("正文") && !waiting.text().contains("春天"),
        "{}",
        waiting.text()
    );
    let refuse = format!("{uri}/masses/{}/refuse", sent["msg_id"]);
    assert!(server.native(Method::POST, &refuse, "").await.status.is_success());
    assert!(server.get(&page).await.text().contains("页面不存在"));
}

#[tokio::test]
async fn a_preview_that_is_over_says_so() {
    let server = Server::start();
    let account = server.service().await;
    let media = news(&server, &account, "<p>正文</p>").await;
    let preview = json!({"touser": account.open_ids[0], "msgtype": "mpnews", "mpnews": {"media_id": media["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview)
            .await
            .errcode(),
        0
    );
    let page = local(&inbox(&server, &account, 0).await[0]["url"]);
    let html = server.get(&page).await.text();
    assert!(html.contains("noindex") && !html.contains("og:url"), "{html}");
    let later = Timestamp(server.clock.now().0 + 12 * 3_600_000);
    server.clock.advance_to(later).await.expect("advances");
    let over = server.get(&page).await;
    assert_eq!(over.status, StatusCode::NOT_FOUND);
    assert!(over.text().contains("预览已失效"), "{}", over.text());
}

#[tokio::test]
async fn the_articles_of_one_issue_lead_to_each_other_until_they_are_deleted() {
    let server = Server::start();
    let account = server.service().await;
    let thumb = server
        .upload(&account, "media/upload?type=thumb", &fixture("test.jpg"))
        .await
        .json();
    let article =
        |title: &str| json!({"thumb_media_id": thumb["media_id"], "title": title, "content": "<p>文</p>"});
    let articles = json!({"articles": [article("头条"), article("次条"), article("末条")]});
    let media = server.call(&account, "media/uploadnews", articles).await.json();
    let sent = sent_media(&server, &account, &media).await;
    let entry = inbox(&server, &account, 0).await.swap_remove(0);
    let (first, second) = (
        local(&entry["articles"][0]["url"]),
        local(&entry["articles"][1]["url"]),
    );
    let html = server.get(&first).await.text();
    assert!(
        html.contains(&format!("<a href=\"{second}\">次条</a>")) && html.contains("末条"),
        "{html}"
    );
    let delete = json!({"msg_id": sent["msg_id"], "article_idx": 2});
    assert_eq!(
        server
            .call(&account, "message/mass/delete", delete)
            .await
            .errcode(),
        0
    );
    let html = server.get(&first).await.text();
    assert!(!html.contains("次条") && html.contains("末条"), "{html}");
}

#[tokio::test]
async fn the_fixed_words_of_a_page_are_in_the_readers_language() {
    let server = Server::start();
    let account = server.service().await;
    let page = sent(&server, &account, "<p>正文</p>").await;
    let english = get(&server, &page, &[(header::ACCEPT_LANGUAGE, "en-GB,en")])
        .await
        .text();
    for part in [
        "Read the original",
        "example.org",
        "22 Nov 2026, 10:00 UTC+8",
        "<html lang=\"en\">",
        "<article lang=\"zh-CN\">",
    ] {
        assert!(english.contains(part), "{part}: {english}");
    }
    let history = format!("/mp/history/{}", account.appid);
    let chinese = server.get(&history).await.text();
    assert!(
        chinese.contains("历史消息") && chinese.contains("服务号") && !chinese.contains("Message"),
        "{chinese}"
    );
    let english = get(&server, &history, &[(header::ACCEPT_LANGUAGE, "en")])
        .await
        .text();
    assert!(
        english.contains("Message history") && english.contains("Service account"),
        "{english}"
    );
}

#[tokio::test]
async fn reads_are_counted_as_far_as_the_setting_lets_them() {
    for (counting, times, people) in [
        (ReadCounting::People, 3, 1),
        (ReadCounting::Numbers, 3, 0),
        (ReadCounting::Nothing, 0, 0),
    ] {
        let server = Server::start_with(|settings| settings.read_counting = counting);
        let mut account = server.service().await;
        let page = sent(&server, &account, "<p>正文</p>").await;
        let entry = inbox(&server, &account, 0).await.swap_remove(0);
        let token = token(&server, &account, 0).await;
        let bearer = format!("Bearer {token}");
        for _ in 0..2 {
            get(&server, &page, &[(header::AUTHORIZATION, &bearer)]).await;
        }
        server.get(&page).await;
        // A note of who read adds a name to a load that was counted; where no names are kept it adds nothing.
        let uri = format!(
            "/inbox/entries/{}/reads?token={token}",
            entry["id"].as_str().expect("an id")
        );
        assert_eq!(
            server.post(&uri, r#"{"index":1}"#).await.status,
            StatusCode::NO_CONTENT
        );
        server.store.flush_reads().await.expect("writes");
        server.at("2026-11-23T10:00:00+08:00", &mut [&mut account]).await;
        let uri = format!("/datacube/getarticletotal?access_token={}", account.token);
        let days = json!({"begin_date": "2026-11-22", "end_date": "2026-11-22"});
        let total = server.post(&uri, days.to_string()).await.json();
        let detail = total["list"][0]["details"]
            .as_array()
            .expect("days")
            .last()
            .cloned()
            .expect("a day");
        assert_eq!(
            (&detail["int_page_read_count"], &detail["int_page_read_user"]),
            (&json!(times), &json!(people)),
            "{counting:?}: {total}"
        );
    }
}
