//! Sends that reach readers' browsers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    calls::{Reader, bridge},
    common::{SERVICE, SUBSCRIPTION, TestServer, accepted},
    listener::Listener,
    service::PushService,
};

#[tokio::test]
async fn i09_a_send_is_pushed_to_the_browsers_of_those_who_got_it() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let (first, other) = (Reader::of(&account, 0).await, Reader::of(&account, 1).await);
    let chinese = first.browser(&service, "zh").await;
    let english = first.browser(&service, "en").await;
    let others = other.browser(&service, "zh").await;
    // Tag 101 is every tenth follower: the first alone.
    accepted(
        &account
            .send_text_to_tag(101, "停水通知：\n明天 8 点至 12 点")
            .await,
    );
    server.settle().await;
    let seen = service.wait_seen(&chinese, 1).await;
    let entries = account.inbox(&account.open_id(0).await).await;
    let expected = json!({
        "title": "沙盒服务号",
        "body": "停水通知： 明天 8 点至 12 点",
        "url": format!("{}/reader", server.base),
        "account": SERVICE,
        "account_name": "沙盒服务号",
        "entry": entries[0]["id"],
        "tag": SERVICE,
    });
    assert_eq!(seen, [expected]);
    service.wait_seen(&english, 1).await;
    let push = &service.pushes(&chinese).await[0];
    assert_eq!(
        (&push["ttl"], &push["urgency"]),
        (&json!("2419200"), &json!("normal"))
    );
    let hours = push["claims"]["exp"].as_i64().expect("a time") - server.now().seconds();
    assert!((11 * 3_600..=24 * 3_600).contains(&hours), "{hours} s");

    // News say their title, and lead to the article; a picture says what it is in the reader's language.
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let seen = service.wait_seen(&others, 1).await;
    assert_eq!(seen[0]["body"], "第1篇");
    let url = seen[0]["url"].as_str().expect("a URL");
    let page = server.request(Method::GET, url.strip_prefix(&server.base).expect("here"));
    let page = page.send().await.expect("a page").text().await.expect("text");
    assert!(page.contains("正文1"), "{page}");
    service.wait_seen(&chinese, 2).await;
    let picture = account
        .upload(
            "/cgi-bin/media/upload?type=image",
            crate::common::files::jpeg(8, 8),
            "a.jpg",
        )
        .await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "image", "image": {"media_id": picture["media_id"]}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    assert_eq!(service.wait_seen(&chinese, 3).await[2]["body"], "[图片]");
    assert_eq!(service.wait_seen(&english, 3).await[2]["body"], "[Picture]");
}

#[tokio::test]
async fn a_device_that_was_off_shows_one_notice_of_each_account_the_newest() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let (account, second) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let reader = Reader::of(&account, 3).await;
    let browser = reader.browser(&service, "zh").await;
    // The same person reads the other account in the same browser.
    let same = Reader::of(&second, 3).await;
    assert_eq!(same.subscribe(&browser.subscription).await.0, 201);
    service.behave(&browser, json!({"offline": true})).await;
    for text in ["one", "two", "three"] {
        accepted(&account.send_text(text).await);
        server.settle().await;
    }
    accepted(&second.send_text("other").await);
    server.settle().await;
    let pushes = service.wait_pushes(&browser, 4).await;
    assert_eq!(pushes[0]["topic"], pushes[2]["topic"]);
    assert_ne!(pushes[0]["topic"], pushes[3]["topic"]);
    service.behave(&browser, json!({})).await;
    let mut bodies: Vec<Value> = service
        .seen(&browser)
        .await
        .iter()
        .map(|notice| notice["body"].clone())
        .collect();
    bodies.sort_by_key(Value::to_string);
    assert_eq!(bodies, ["other", "three"]);
}

#[tokio::test]
async fn a_browser_that_has_gone_is_forgotten() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let reader = Reader::of(&account, 0).await;
    let (gone, unknown, stays) = (
        reader.browser(&service, "zh").await,
        reader.browser(&service, "zh").await,
        reader.browser(&service, "zh").await,
    );
    service.behave(&gone, json!({"answer": 410})).await;
    service.behave(&unknown, json!({"answer": 404})).await;
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_seen(&stays, 1).await;
    service.wait_pushes(&gone, 1).await;
    service.wait_pushes(&unknown, 1).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    service.wait_seen(&stays, 2).await;
    assert_eq!(reader.subscriptions().await.len(), 1);
    assert_eq!(service.pushes(&gone).await.len(), 1);
    assert_eq!(service.pushes(&unknown).await.len(), 1);
}

#[tokio::test]
async fn a_busy_push_service_is_tried_again_when_it_asked_for_it_with_the_newest_entry() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let browser = Reader::of(&account, 0).await.browser(&service, "zh").await;
    service
        .behave(&browser, json!({"answer": 429, "retryAfter": 120}))
        .await;
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_pushes(&browser, 1).await;
    service.behave(&browser, json!({})).await;
    server.advance(60).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    server.advance(50).await;
    assert_eq!(
        service.pushes(&browser).await.len(),
        1,
        "not before it asked for it"
    );
    server.advance(60).await;
    let seen = service.wait_seen(&browser, 1).await;
    assert_eq!(
        seen[0]["body"], "two",
        "what was overtaken is not pushed any more"
    );
    accepted(&account.send_text("three").await);
    server.settle().await;
    service.wait_seen(&browser, 2).await;
}

#[tokio::test]
async fn i09_what_could_not_be_pushed_within_an_hour_is_left_to_the_inbox() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let browser = Reader::of(&account, 0).await.browser(&service, "zh").await;
    service.behave(&browser, json!({"answer": 503})).await;
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_pushes(&browser, 1).await;
    for _ in 0..12 {
        server.advance(600).await;
    }
    let tries = service.pushes(&browser).await.len();
    assert!((4..16).contains(&tries), "{tries}");
    server.advance(24 * 3_600).await;
    assert_eq!(
        service.pushes(&browser).await.len(),
        tries,
        "nothing more for this entry"
    );
    let account = server.account(SERVICE).await;
    service.behave(&browser, json!({})).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    assert_eq!(service.wait_seen(&browser, 1).await[0]["body"], "two");
}

#[tokio::test]
async fn i15_what_was_taken_back_is_not_pushed_any_more() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let browser = Reader::of(&account, 0).await.browser(&service, "zh").await;
    service.behave(&browser, json!({"answer": 503})).await;
    let id = accepted(&account.send_text("wrong").await);
    server.settle().await;
    service.wait_pushes(&browser, 1).await;
    let recall = format!("/v1/accounts/{SERVICE}/masses/{id}/recall");
    let (status, answer) = server.native(Method::POST, &recall, Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    service.behave(&browser, json!({})).await;
    server.advance(600).await;
    assert_eq!(service.pushes(&browser).await.len(), 1);
    // The browser itself is as welcome as before.
    accepted(&account.send_text("right").await);
    server.settle().await;
    assert_eq!(service.wait_seen(&browser, 1).await[0]["body"], "right");
}

#[tokio::test]
async fn a_push_service_that_hangs_holds_up_nobody_else() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let hanging = Reader::of(&account, 0).await.browser(&service, "zh").await;
    let well = Reader::of(&account, 1).await.browser(&service, "zh").await;
    service.behave(&hanging, json!({"hang": true})).await;
    let began = std::time::Instant::now();
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_seen(&well, 1).await;
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    assert_eq!(service.pushes(&hanging).await.len(), 0);
}

#[tokio::test]
async fn every_browser_of_a_block_is_pushed_to_once_over_many_pages() {
    const READERS: usize = 32;
    const EACH: usize = 20;
    let (server, service) = tokio::join!(TestServer::with_followers(2_000), PushService::start());
    let account = server.account(SERVICE).await;
    let mut browsers = Vec::new();
    for number in 0..READERS {
        // Spread over the block, and not all of them even: tag 100 is every second follower.
        let reader = Reader::of(&account, number * 61).await;
        let key = reader.public_key().await;
        for _ in 0..EACH {
            let browser = service.browser(&key).await;
            assert_eq!(reader.subscribe(&browser.subscription).await.0, 201);
            browsers.push((number * 61 % 2 == 0, browser));
        }
    }
    accepted(&account.send_text("to all").await);
    server.settle().await;
    for (_, browser) in &browsers {
        service.wait_pushes(browser, 1).await;
    }
    accepted(&account.send_text_to_tag(100, "to the even").await);
    server.settle().await;
    for (even, browser) in &browsers {
        service.wait_pushes(browser, 1 + usize::from(*even)).await;
    }
}

#[tokio::test]
async fn who_left_is_not_pushed_to_and_who_comes_back_is() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let (leaver, stayer) = (Reader::of(&account, 0).await, Reader::of(&account, 1).await);
    let (gone, there) = (
        leaver.browser(&service, "zh").await,
        stayer.browser(&service, "zh").await,
    );
    let path = format!("/v1/accounts/{SERVICE}/followers/{}", account.open_id(0).await);
    let change = async |what: &str| {
        let (status, answer) = server
            .native(Method::POST, &format!("{path}/{what}"), Some(json!({})))
            .await;
        assert!(status < 300, "{answer}");
    };
    change("unsubscribe").await;
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_seen(&there, 1).await;
    change("subscribe").await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    service.wait_seen(&there, 2).await;
    assert_eq!(service.wait_seen(&gone, 1).await[0]["body"], "two");
}

#[tokio::test]
async fn a_muted_account_is_silent_on_both_channels() {
    let (server, service) = tokio::join!(TestServer::start(), PushService::start());
    let account = server.account(SERVICE).await;
    let listener = Listener::start().await;
    let body = json!({"url": listener.url});
    assert_eq!(bridge(&account, Method::PUT, "", Some(body)).await.0, 201);
    let (quiet, other) = (Reader::of(&account, 0).await, Reader::of(&account, 1).await);
    let (muted, heard) = (
        quiet.browser(&service, "zh").await,
        other.browser(&service, "zh").await,
    );
    let wish = async |muted: bool| {
        let path = format!("/inbox/accounts/{SERVICE}");
        let (status, answer) = quiet
            .call(Method::PATCH, &path, Some(&json!({"muted": muted})))
            .await;
        assert_eq!(status, 200, "{answer}");
    };
    wish(true).await;
    accepted(&account.send_text("one").await);
    server.settle().await;
    service.wait_seen(&heard, 1).await;
    let named = listener.wait(1).await[0].external_ids();
    assert!(
        named.len() == 9 && !named.contains(&"user-000000000".to_owned()),
        "{named:?}"
    );
    assert_eq!(account.inbox_texts(&account.open_id(0).await).await, ["one"]);
    wish(false).await;
    accepted(&account.send_text("two").await);
    server.settle().await;
    assert_eq!(service.wait_seen(&muted, 1).await[0]["body"], "two");
    assert_eq!(listener.wait(2).await[1].external_ids().len(), 10);
}
