//! S89–S98: sending to a list of OpenIDs (spec mass-send §9).

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused},
    help::{SEND, and, keyed, keys, medium, slow_server, string, text},
};

/// Sends a message to followers 1 and 2; the answer, and the entry that both of them and nobody else have.
async fn sent(server: &TestServer, message: Value) -> (Value, Value) {
    let account = server.account(SERVICE).await;
    let open_ids = account.open_ids(4).await;
    let answer = account.send_list(&[&open_ids[1], &open_ids[2]], message).await;
    accepted(&answer);
    server.settle().await;
    assert!(account.inbox(&open_ids[0]).await.is_empty());
    assert!(account.inbox(&open_ids[3]).await.is_empty());
    let mut found = [
        account.inbox(&open_ids[1]).await,
        account.inbox(&open_ids[2]).await,
    ];
    assert_eq!((found[0].len(), found[1].len()), (1, 1));
    let entry = found[0].remove(0);
    assert_eq!(
        (&entry["type"], &entry["msg_id"]),
        (&found[1][0]["type"], &answer["msg_id"])
    );
    (answer, entry)
}

#[tokio::test]
async fn s089_only_verified_service_accounts_send_to_a_list() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, UNVERIFIED] {
        let account = server.account(app_id).await;
        let open_ids = account.open_ids(2).await;
        let answer = account.send_list(&[&open_ids[0], &open_ids[1]], text("x")).await;
        refused(&answer, 48001);
        server.settle().await;
        assert!(account.texts(0).await.is_empty());
    }
    let account = server.account(SERVICE).await;
    let open_ids = account.open_ids(2).await;
    accepted(&account.send_list(&[&open_ids[0], &open_ids[1]], text("x")).await);
}

#[tokio::test]
async fn s090_send_is_posted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(SEND).await, 43002);
    let open_ids = account.open_ids(2).await;
    let body = json!({"touser": open_ids, "msgtype": "text", "text": {"content": "hello from boxer."}});
    accepted(&account.call("/cgi-bin/message/mass/send", body).await);
}

#[tokio::test]
async fn s091_a_news_to_a_list_has_a_msg_data_id() {
    let server = TestServer::start().await;
    let news = server.account(SERVICE).await.news(2).await;
    let (answer, entry) = sent(&server, medium("mpnews", &news)).await;
    assert!(answer["msg_data_id"].is_i64(), "{answer}");
    assert_eq!(entry["articles"].as_array().map(Vec::len), Some(2));
    assert!(server.page(&entry["url"]).await.contains("正文1"));
}

#[tokio::test]
async fn s092_a_text_to_a_list() {
    let server = TestServer::start().await;
    let (answer, entry) = sent(&server, text("hello from boxer.")).await;
    assert_eq!(keys(&answer), ["errcode", "errmsg", "msg_id"]);
    assert_eq!(entry["text"], "hello from boxer.");
}

#[tokio::test]
async fn s093_a_voice_to_a_list() {
    let server = TestServer::start().await;
    let voice = server.account(SERVICE).await.voice().await;
    let (_, entry) = sent(&server, medium("voice", &voice)).await;
    assert_eq!(entry["type"], "voice");
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::amr());
}

#[tokio::test]
async fn s094_a_picture_to_a_list() {
    let server = TestServer::start().await;
    let image = server.account(SERVICE).await.image().await;
    let (_, entry) = sent(&server, medium("image", &image)).await;
    assert_eq!(entry["type"], "image");
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::jpeg(60, 40));
}

#[tokio::test]
async fn s095_a_video_to_a_list_in_both_spellings() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let video = account.video("片", "说明").await;
    let open_ids = account.open_ids(2).await;
    let list = [open_ids[0].as_str(), open_ids[1].as_str()];
    let object = json!({"media_id": video, "title": "新标题", "description": "新说明"});
    let spellings = [
        json!({"msgtype": "mpvideo", "mpvideo": object}),
        json!({"msgtype": "video", "video": object}),
        json!({"msgtype": "mpvideo", "video": object}),
        json!({"msgtype": "video", "mpvideo": object}),
    ];
    for (number, message) in spellings.into_iter().enumerate() {
        accepted(
            &account
                .send_list(&list, keyed(message, &format!("{number}")))
                .await,
        );
    }
    server.settle().await;
    let inbox = account.inbox(&open_ids[0]).await;
    assert_eq!(inbox.len(), 4);
    for entry in inbox {
        assert_eq!(
            (&entry["type"], &entry["title"], &entry["digest"]),
            (&json!("mpvideo"), &json!("新标题"), &json!("新说明"))
        );
    }
}

#[tokio::test]
async fn s096_a_card_to_a_list() {
    let server = TestServer::start().await;
    let card = server.account(SERVICE).await.card("八折券").await;
    let message = json!({"msgtype": "wxcard", "wxcard": {"card_id": card}});
    let (_, entry) = sent(&server, message).await;
    assert_eq!(
        (&entry["type"], &entry["card_id"]),
        (&json!("wxcard"), &json!(card))
    );
}

#[tokio::test]
async fn s097_a_list_has_two_to_ten_thousand_openids() {
    let server = TestServer::with_followers(10_000).await;
    let account = server.account(SERVICE).await;
    let all = account.open_ids(10_000).await;
    let send = async |to_user: Value| {
        account
            .call(SEND, and(text("x"), json!({"touser": to_user})))
            .await
    };
    refused(&send(json!([])).await, 40130); // reading 10
    refused(&send(json!([all[0]])).await, 40130);
    let mut too_many = all.clone();
    too_many.push(all[0].clone());
    refused(&send(json!(too_many)).await, 40032);
    accepted(&send(json!(all[..2])).await);
    let id = accepted(&send(json!(all)).await);
    server.settle().await;
    let report = account.report(&id).await;
    assert_eq!(
        (&report["total_count"], &report["sent_count"]),
        (&json!(10_000), &json!(10_000))
    );
    assert_eq!(account.inbox_texts(&all[9_999]).await, ["x"]);
    assert_eq!(account.inbox_texts(&all[0]).await, ["x", "x"]);
    // A list of strangers alone is nobody.
    refused(&send(json!(["stranger", "another"])).await, 40003);
}

#[tokio::test]
async fn s098_an_accepted_send_to_a_list_is_answered_alike_and_has_not_ended_either() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let first = account.open_id(0).await;
    let news = account
        .send_list(&[&first, &last], medium("mpnews", &account.news(1).await))
        .await;
    assert_eq!(news["errmsg"], "send job submission success");
    assert_eq!(keys(&news), ["errcode", "errmsg", "msg_data_id", "msg_id"]);
    let answer = account.send_list(&[&first, &last], text("两批")).await;
    assert_eq!(answer["errmsg"], "send job submission success");
    assert_eq!(keys(&answer), ["errcode", "errmsg", "msg_id"]);
    server.settle().await;
    assert_eq!(account.status(&answer["msg_id"]).await, "SENDING");
    assert!(account.inbox(&last).await.is_empty());
    server.advance(1).await;
    assert_eq!(account.status(&answer["msg_id"]).await, "SEND_SUCCESS");
    let inbox = account.inbox(&last).await;
    let types: Vec<String> = inbox.iter().map(|entry| string(&entry["type"])).collect();
    assert_eq!(types.len(), 2, "{types:?}");
    assert!(account.delete(json!({"msg_id": news["msg_id"]})).await["errcode"] == 0);
}
