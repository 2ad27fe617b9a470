//! S60–S67 and S72–S80: what may be sent to all or to a tag, and how it is written (spec mass-send §8).

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused},
    help::{DAY, EVEN, SENDALL, and, keyed, keys, medium, string, text},
};

#[tokio::test]
async fn s060_verified_accounts_of_both_kinds_send_to_tags() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        accepted(&server.account(app_id).await.send_tag(EVEN, text("x")).await);
    }
    let unverified = server.account(UNVERIFIED).await;
    refused(&unverified.send_tag(EVEN, text("x")).await, 48001);
    server.change(UNVERIFIED, json!({"verified": true})).await;
    accepted(&unverified.send_tag(EVEN, text("x")).await);
}

#[tokio::test]
async fn s061_sendall_is_posted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(SENDALL).await, 43002);
    let body = r#"{"filter":{"is_to_all":true},"text":{"content":"x"},"msgtype":"text"}"#;
    accepted(
        &server
            .post(&account.path("/cgi-bin/message/mass/sendall"), body)
            .await,
    );
}

#[tokio::test]
async fn s062_a_news_needs_an_id_of_uploadnews() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(1).await;
    for wrong in [
        account.image().await,
        account.thumb().await,
        account.video("片", "").await,
    ] {
        refused(&account.send_tag(EVEN, medium("mpnews", &wrong)).await, 40007);
    }
    let body = json!({"filter": {"is_to_all": false, "tag_id": EVEN}, "mpnews": {"media_id": news},
        "msgtype": "mpnews", "send_ignore_reprint": 0});
    accepted(&account.call(SENDALL, body).await);
    server.settle().await;
    assert_eq!(account.newest(0).await["type"], "mpnews");
}

#[tokio::test]
async fn s063_the_tag_is_a_number_or_a_string_and_tag_two_is_on_every_account() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for app_id in [SERVICE, SUBSCRIPTION] {
        let tags = server.account(app_id).await.get("/cgi-bin/tags/get").await;
        let starred = tags["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .find(|tag| tag["id"] == 2);
        assert_eq!(starred.expect("tag 2")["name"], "星标组", "{tags}");
    }
    let member = account.open_id(3).await;
    let tagging = json!({"openid_list": [member], "tagid": 2});
    let answer = account.call("/cgi-bin/tags/members/batchtagging", tagging).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    for (number, tag) in [json!(2), json!("2")].into_iter().enumerate() {
        let filter = json!({"filter": {"is_to_all": false, "tag_id": tag}});
        accepted(
            &account
                .call(SENDALL, and(text(&format!("星标 {number}")), filter))
                .await,
        );
    }
    server.settle().await;
    assert_eq!(account.texts(3).await, ["星标 0", "星标 1"]);
    assert!(account.texts(2).await.is_empty());
    let rename = json!({"tag": {"id": 2, "name": "别的"}});
    refused(&account.call("/cgi-bin/tags/update", rename).await, 45058);
    refused(
        &account
            .call("/cgi-bin/tags/delete", json!({"tag": {"id": 2}}))
            .await,
        45058,
    );
}

#[tokio::test]
async fn s064_a_text_arrives_as_it_was_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let content = " 第一行\n第二行\r\n\t“引号” \\ / <b>&amp; 😀👨‍👩‍👧 é\u{3000}末 \n";
    accepted(&account.send_all(text(content)).await);
    server.settle().await;
    assert_eq!(account.texts(9).await, [content]);
}

/// Sends media of a type; the bytes behind the entry are the uploaded ones, and other kinds are refused.
async fn medium_arrives(server: &TestServer, kind: &str, bytes: Vec<u8>, name: &str, wrong: &[String]) {
    let account = server.account(SERVICE).await;
    for wrong in wrong {
        refused(&account.send_tag(EVEN, medium(kind, wrong)).await, 40007);
    }
    let id = account.uploaded(kind, bytes.clone(), name).await;
    accepted(&account.send_tag(EVEN, medium(kind, &id)).await);
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(entry["type"], kind);
    assert_eq!(server.fetch(&entry["media_url"]).await.2, bytes);
}

#[tokio::test]
async fn s065_a_voice_needs_the_id_of_an_uploaded_voice() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let wrong = [account.image().await, account.raw_video().await];
    medium_arrives(&server, "voice", files::amr(), "a.amr", &wrong).await;
}

#[tokio::test]
async fn s066_a_picture_needs_the_id_of_an_uploaded_picture() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for wrong in [
        account.voice().await,
        account.raw_video().await,
        account.news(1).await,
    ] {
        refused(&account.send_tag(EVEN, medium("image", &wrong)).await, 40007);
    }
    accepted(
        &account
            .send_tag(EVEN, medium("image", &account.image().await))
            .await,
    );
    // The id lives for three days, to the second.
    let id = account.image().await;
    server.advance(3 * DAY - 1).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, medium("image", &id)).await);
    server.advance(1).await;
    refused(
        &account.send_tag(EVEN, keyed(medium("image", &id), "later")).await,
        40007,
    );
}

#[tokio::test]
async fn s067_a_picture_arrives_byte_for_byte() {
    let server = TestServer::start().await;
    medium_arrives(&server, "image", files::jpeg(123, 45), "a.jpg", &[]).await;
}

#[tokio::test]
async fn s072_a_card_is_sent_by_its_id_to_a_tag_written_as_a_string() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let card = account.card("八折券").await;
    let body = |card: &str| {
        json!({"filter": {"is_to_all": false, "tag_id": EVEN.to_string()}, "wxcard": {"card_id": card},
            "msgtype": "wxcard"})
    };
    refused(&account.call(SENDALL, body("unknown")).await, 40073);
    let foreign = server.account(SUBSCRIPTION).await.card("别人的").await;
    refused(&account.call(SENDALL, body(&foreign)).await, 40073);
    accepted(&account.call(SENDALL, body(&card)).await);
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(
        (&entry["type"], &entry["card_id"], &entry["title"]),
        (&json!("wxcard"), &json!(card), &json!("八折券"))
    );
    assert!(account.inbox(&account.open_id(1).await).await.is_empty());
}

#[tokio::test]
async fn s073_without_a_filter_nothing_is_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.call(SENDALL, text("x")).await, 40035);
    for filter in [json!(null), json!("all"), json!([])] {
        refused(
            &account
                .call(SENDALL, and(text("x"), json!({"filter": filter})))
                .await,
            40035,
        );
    }
    server.settle().await;
    for open_id in account.open_ids(10).await {
        assert!(account.inbox(&open_id).await.is_empty());
    }
}

#[tokio::test]
async fn s074_to_all_reaches_everybody_whatever_the_tag() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (number, tag) in [json!(EVEN), json!(99_999)].into_iter().enumerate() {
        let filter = json!({"filter": {"is_to_all": true, "tag_id": tag}});
        accepted(
            &account
                .call(SENDALL, and(text(&format!("{number}")), filter))
                .await,
        );
    }
    server.settle().await;
    for open_id in account.open_ids(10).await {
        assert_eq!(account.inbox_texts(&open_id).await, ["0", "1"]);
    }
}

#[tokio::test]
async fn s075_not_to_all_reaches_the_tag_only_and_is_the_default() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let filters = [
        json!({"is_to_all": false, "tag_id": EVEN}),
        json!({"tag_id": EVEN}),
        json!({"is_to_all": null, "tag_id": EVEN}),
    ];
    for (number, filter) in filters.into_iter().enumerate() {
        let body = and(text(&format!("{number}")), json!({"filter": filter}));
        accepted(&account.call(SENDALL, body).await);
    }
    server.settle().await;
    for (number, open_id) in account.open_ids(10).await.iter().enumerate() {
        let expected: &[&str] = if number % 2 == 0 { &["0", "1", "2"] } else { &[] };
        assert_eq!(account.inbox_texts(open_id).await, expected, "follower {number}");
    }
}

#[tokio::test]
async fn s076_only_a_send_to_all_may_leave_the_tag_out() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let send = async |filter: Value| {
        account
            .call(SENDALL, and(text("x"), json!({"filter": filter})))
            .await
    };
    refused(&send(json!({"is_to_all": false})).await, 40152);
    refused(&send(json!({})).await, 40152);
    refused(&send(json!({"is_to_all": false, "tag_id": 99_999})).await, 40152);
    refused(&send(json!({"is_to_all": false, "tag_id": "x"})).await, 40152);
    accepted(&send(json!({"is_to_all": true})).await);
}

#[tokio::test]
async fn s077_a_news_needs_its_object_and_the_object_its_media_id() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.send_all(json!({"msgtype": "mpnews"})).await, 40008);
    let other = json!({"msgtype": "mpnews", "text": {"content": "x"}});
    refused(&account.send_all(other).await, 40008);
    refused(
        &account.send_all(json!({"msgtype": "mpnews", "mpnews": {}})).await,
        40007,
    );
    refused(&account.send_all(medium("mpnews", "")).await, 40007);
}

#[tokio::test]
async fn s078_every_word_of_msgtype_is_taken_and_no_other() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.quota(json!({"receipts_per_month": null})).await;
    let mut words = Vec::new();
    for (word, message) in account.every_message().await {
        accepted(&account.send_tag(EVEN, message).await);
        words.push(word);
    }
    accepted(
        &account
            .send_tag(EVEN, medium("music", &account.voice().await))
            .await,
    );
    words.push("music");
    // `video` is another spelling of `mpvideo`.
    accepted(
        &account
            .send_tag(EVEN, medium("video", &account.video("片", "").await))
            .await,
    );
    words.push("mpvideo");
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    let types: Vec<&str> = inbox
        .iter()
        .rev()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, words);
    let news = account.news(1).await;
    for word in ["news", "Text", "mptext", "", "link"] {
        let message = json!({"msgtype": word, "news": {"media_id": news}, "text": {"content": "x"}});
        refused(&account.send_tag(EVEN, message).await, 40008);
    }
    refused(
        &account.send_tag(EVEN, json!({"text": {"content": "x"}})).await,
        40008,
    );
}

#[tokio::test]
async fn s078_the_word_wxcard_is_taken_too() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let card = account.card("券").await;
    let message = json!({"msgtype": "wxcard", "wxcard": {"card_id": card}});
    accepted(&account.send_tag(EVEN, message).await);
    refused(&account.send_tag(EVEN, json!({"msgtype": "wxcard"})).await, 40008);
}

#[tokio::test]
async fn s079_title_and_description_are_optional_and_those_of_the_video_win() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let video = account.video("上传时的标题", "上传时的说明").await;
    accepted(&account.send_tag(EVEN, medium("mpvideo", &video)).await);
    let given = json!({"msgtype": "mpvideo", "title": "外面", "description": "外面",
        "mpvideo": {"media_id": video, "title": "新标题", "description": "新说明"}});
    accepted(&account.send_tag(EVEN, given).await);
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    let words = |entry: &Value| (string(&entry["title"]), string(&entry["digest"]));
    assert_eq!(words(&inbox[1]), ("上传时的标题".into(), "上传时的说明".into()));
    assert_eq!(words(&inbox[0]), ("新标题".into(), "新说明".into()));
}

#[tokio::test]
async fn s080_the_thumb_of_a_video_makes_no_difference() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let video = account.video("片", "说明").await;
    let thumb = account.thumb().await;
    let bodies = [
        medium("mpvideo", &video),
        and(medium("mpvideo", &video), json!({"thumb_media_id": thumb})),
        and(medium("mpvideo", &video), json!({"thumb_media_id": "unknown"})),
        json!({"msgtype": "mpvideo", "mpvideo": {"media_id": video, "thumb_media_id": "unknown"}}),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        accepted(&account.send_tag(EVEN, keyed(body, &format!("{number}"))).await);
    }
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    assert_eq!(inbox.len(), 4);
    for entry in &inbox {
        assert_eq!(keys(entry), keys(&inbox[0]));
        assert_eq!(
            (&entry["title"], &entry["type"]),
            (&json!("片"), &json!("mpvideo"))
        );
    }
}
