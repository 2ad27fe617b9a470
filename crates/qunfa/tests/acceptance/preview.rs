//! S107–S122: previews (spec mass-send §10).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused},
    help::{DAY, PREVIEW, and, finishes, keys, medium, string, text},
};

/// The WeChat name of the follower with this number.
fn name(number: usize) -> String {
    format!("user-{number:09}")
}

/// Previews a message to follower 0; the entry that this follower and nobody else has.
async fn previewed(server: &TestServer, to: Value, message: Value) -> Value {
    let account = server.account(SERVICE).await;
    let answer = account.call(PREVIEW, and(message, to)).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    server.settle().await;
    assert!(account.inbox(&account.open_id(1).await).await.is_empty());
    account.newest(0).await
}

async fn to_first(server: &TestServer) -> Value {
    json!({"touser": server.account(SERVICE).await.open_id(0).await})
}

#[tokio::test]
async fn s107_verified_accounts_of_both_kinds_preview() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let account = server.account(app_id).await;
        let answer = account.preview(&account.open_id(0).await, text("x")).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
    }
    let account = server.account(UNVERIFIED).await;
    let open_id = account.open_id(0).await;
    refused(&account.preview(&open_id, text("x")).await, 48001);
    assert!(account.inbox(&open_id).await.is_empty());
    server.change(UNVERIFIED, json!({"verified": true})).await;
    assert_eq!(account.preview(&open_id, text("x")).await["errcode"], 0);
}

#[tokio::test]
async fn s108_the_named_follower_reads_the_preview_on_a_page_for_small_screens() {
    let server = TestServer::start().await;
    let news = server.account(SERVICE).await.news(1).await;
    let entry = previewed(&server, to_first(&server).await, medium("mpnews", &news)).await;
    assert_eq!(entry["preview"], true, "{entry}");
    let page = server.page(&entry["url"]).await;
    assert!(
        page.contains("正文1") && page.contains("name=\"viewport\""),
        "{page}"
    );
    // The link is a temporary one: twelve hours.
    server.advance(12 * 3_600 - 1).await;
    assert_eq!(server.fetch(&entry["url"]).await.0, 200);
    server.advance(1).await;
    assert_eq!(server.fetch(&entry["url"]).await.0, 404);
}

#[tokio::test]
async fn s109_a_preview_goes_to_a_wechat_name() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = and(text("给名字"), json!({"towxname": name(4)}));
    let answer = account.call(PREVIEW, body).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    assert_eq!(account.texts(4).await, ["给名字"]);
    assert!(account.texts(0).await.is_empty());
    refused(
        &account
            .call(PREVIEW, and(text("x"), json!({"towxname": "nobody"})))
            .await,
        40132,
    );
}

#[tokio::test]
async fn s110_a_hundred_previews_a_day_go_to_wechat_names() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let by_name = async || {
        account
            .call(PREVIEW, and(text("x"), json!({"towxname": name(0)})))
            .await
    };
    for number in 1..=100 {
        let answer = by_name().await;
        assert_eq!(answer["errcode"], 0, "preview {number}: {answer}");
    }
    refused(&by_name().await, 45009);
    assert_eq!(account.texts(0).await.len(), 100);
    let open_id = account.open_id(0).await;
    assert_eq!(account.preview(&open_id, text("by OpenID")).await["errcode"], 0);
    server.advance(DAY).await;
    let account = server.account(SERVICE).await;
    let answer = account
        .call(PREVIEW, and(text("x"), json!({"towxname": name(0)})))
        .await;
    assert_eq!(answer["errcode"], 0, "the next day: {answer}");
}

#[tokio::test]
async fn s111_preview_is_posted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(PREVIEW).await, 43002);
    let body = and(text("x"), to_first(&server).await);
    let answer = account.call("/cgi-bin/message/mass/preview", body).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
}

#[tokio::test]
async fn s112_a_preview_of_a_news() {
    let server = TestServer::start().await;
    let news = server.account(SERVICE).await.news(2).await;
    let entry = previewed(&server, to_first(&server).await, medium("mpnews", &news)).await;
    let articles = entry["articles"].as_array().expect("articles");
    assert_eq!(articles.len(), 2, "{entry}");
    assert!(server.page(&articles[1]["url"]).await.contains("正文2"));
}

#[tokio::test]
async fn s113_a_preview_of_a_text() {
    let server = TestServer::start().await;
    let entry = previewed(&server, to_first(&server).await, text("CONTENT")).await;
    assert_eq!(
        (&entry["type"], &entry["text"]),
        (&json!("text"), &json!("CONTENT"))
    );
}

#[tokio::test]
async fn s114_a_preview_of_a_voice() {
    let server = TestServer::start().await;
    let voice = server.account(SERVICE).await.voice().await;
    let entry = previewed(&server, to_first(&server).await, medium("voice", &voice)).await;
    assert_eq!(entry["type"], "voice");
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::amr());
}

#[tokio::test]
async fn s115_a_preview_of_a_picture() {
    let server = TestServer::start().await;
    let image = server.account(SERVICE).await.image().await;
    let entry = previewed(&server, to_first(&server).await, medium("image", &image)).await;
    assert_eq!(entry["type"], "image");
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::jpeg(60, 40));
}

#[tokio::test]
async fn s116_a_preview_of_a_video() {
    let server = TestServer::start().await;
    let video = server.account(SERVICE).await.video("片", "说明").await;
    let entry = previewed(&server, to_first(&server).await, medium("mpvideo", &video)).await;
    assert_eq!(
        (&entry["type"], &entry["title"]),
        (&json!("mpvideo"), &json!("片"))
    );
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::mp4());
}

/// A card message with the extension that previews carry, as the JSON text of the document or as an object.
fn card_message(card: &str, as_text: bool) -> Value {
    let extension = json!({"code": "", "openid": "", "timestamp": "1402057159", "signature": "s"});
    let extension = if as_text {
        json!(extension.to_string())
    } else {
        extension
    };
    json!({"msgtype": "wxcard", "wxcard": {"card_id": card, "card_ext": extension}})
}

#[tokio::test]
async fn s117_a_preview_of_a_card_with_its_extension() {
    let server = TestServer::start().await;
    let card = server.account(SERVICE).await.card("八折券").await;
    for as_text in [true, false] {
        let to = to_first(&server).await;
        let entry = previewed(&server, to, card_message(&card, as_text)).await;
        assert_eq!(
            (&entry["type"], &entry["card_id"]),
            (&json!("wxcard"), &json!(card))
        );
    }
    let account = server.account(SERVICE).await;
    let open_id = account.open_id(0).await;
    refused(
        &account.preview(&open_id, card_message("unknown", true)).await,
        40073,
    );
}

#[tokio::test]
async fn s118_every_preview_can_go_to_a_wechat_name() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut expected = Vec::new();
    for (word, message) in account.every_message().await {
        let answer = account
            .call(PREVIEW, and(message, json!({"towxname": name(0)})))
            .await;
        assert_eq!(answer["errcode"], 0, "{word}: {answer}");
        expected.push(word);
    }
    let inbox = account.inbox(&account.open_id(0).await).await;
    let types: Vec<String> = inbox.iter().rev().map(|entry| string(&entry["type"])).collect();
    assert_eq!(types, expected);
}

#[tokio::test]
async fn s118_the_preview_of_a_card_can_go_to_a_wechat_name() {
    let server = TestServer::start().await;
    let card = server.account(SERVICE).await.card("八折券").await;
    let entry = previewed(&server, json!({"towxname": name(0)}), card_message(&card, true)).await;
    assert_eq!(entry["card_id"], json!(card));
}

#[tokio::test]
async fn s119_of_name_and_openid_the_name_wins() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let both = json!({"touser": account.open_id(0).await, "towxname": name(1)});
    let answer = account.call(PREVIEW, and(text("给谁"), both)).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    server.settle().await;
    assert!(account.texts(0).await.is_empty());
    assert_eq!(account.texts(1).await, ["给谁"]);
    let unknown = json!({"touser": account.open_id(0).await, "towxname": "nobody"});
    refused(&account.call(PREVIEW, and(text("给谁"), unknown)).await, 40132);
}

#[tokio::test]
async fn s120_each_missing_parameter_has_its_code() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let open_id = account.open_id(0).await;
    refused(&account.call(PREVIEW, text("x")).await, 40003);
    refused(&account.preview("unknown", text("x")).await, 40003);
    refused(
        &account.preview(&open_id, json!({"text": {"content": "x"}})).await,
        40008,
    );
    for word in ["mpnews", "voice", "image", "mpvideo"] {
        refused(
            &account
                .preview(&open_id, json!({"msgtype": word, word: {}}))
                .await,
            40007,
        );
        refused(&account.preview(&open_id, json!({"msgtype": word})).await, 40008);
    }
    refused(
        &account
            .preview(&open_id, json!({"msgtype": "text", "text": {}}))
            .await,
        44004,
    );
    account
        .follower(Method::POST, &open_id, "unsubscribe", None)
        .await;
    refused(&account.preview(&open_id, text("x")).await, 43004);
}

#[tokio::test]
async fn s121_a_preview_answers_preview_success_with_a_msg_id() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let answer = account.preview(&account.open_id(0).await, text("x")).await;
    assert_eq!(keys(&answer), ["errcode", "errmsg", "msg_id"]);
    assert_eq!(
        (&answer["errcode"], &answer["errmsg"]),
        (&json!(0), &json!("preview success"))
    );
    assert!(answer["msg_id"].is_i64(), "{answer}");
    let state = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": answer["msg_id"]}))
        .await;
    refused(&state, 40059);
}

#[tokio::test]
async fn s122_previews_use_up_nothing() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let account = server.account(app_id).await;
        let receiver = account.listen().await;
        let open_id = account.open_id(0).await;
        let usage = async || {
            let path = format!("/v1/accounts/{app_id}/usage");
            server.native(Method::GET, &path, None).await.1
        };
        let before = usage().await;
        for number in 0..10 {
            let answer = account.preview(&open_id, text(&format!("样稿 {number}"))).await;
            assert_eq!(answer["errcode"], 0, "{answer}");
        }
        server.settle().await;
        assert_eq!(usage().await, before);
        assert!(finishes(&receiver).is_empty(), "and tell nobody");
        let sends = if app_id == SUBSCRIPTION { 1 } else { 4 };
        for number in 0..sends {
            accepted(&account.send_all(text(&format!("正式 {number}"))).await);
        }
        refused(&account.send_all(text("one more")).await, 45028);
        server.settle().await;
        assert_eq!(account.texts(0).await.len(), 10 + sends);
    }
}

#[tokio::test]
async fn s122_previews_do_not_enter_the_history() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 0..10 {
        account
            .preview(&account.open_id(0).await, text(&format!("样稿 {number}")))
            .await;
    }
    server.settle().await;
    assert!(account.history().await.is_empty());
}
