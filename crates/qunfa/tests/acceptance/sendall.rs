//! S60–S88: sending to all or to a tag (spec mass-send §7, §8).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused},
    help::{
        DAY, EVEN, SENDALL, UPLOADVIDEO, and, element, finish, keyed, keys, medium, slow_server, string, text,
    },
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
    let content = "第一行\n第二行\r\n\t“引号” \\ / <b>&amp; 😀👨‍👩‍👧 é\u{3000}末";
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
async fn s068_videos_are_made_ready_at_uploadvideo_on_whatever_host() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for host in ["file.api.weixin.qq.com", "api.weixin.qq.com"] {
        let body = json!({"media_id": account.raw_video().await, "title": "片", "description": "说明"});
        let request = server
            .request(Method::POST, &account.path("/cgi-bin/media/uploadvideo"))
            .header("host", host)
            .body(body.to_string());
        let answer = server.api(request).await;
        accepted(
            &account
                .send_tag(EVEN, medium("mpvideo", &string(&answer["media_id"])))
                .await,
        );
    }
}

#[tokio::test]
async fn s069_uploadvideo_makes_a_new_id_with_title_and_description() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let raw = account.raw_video().await;
    let body = |id: &str| json!({"media_id": id, "title": "发布会", "description": "两分钟"});
    let answer = account.call(UPLOADVIDEO, body(&raw)).await;
    assert_ne!(answer["media_id"], json!(raw), "{answer}");
    refused(&account.call(UPLOADVIDEO, body("unknown")).await, 40007);
    refused(
        &account.call(UPLOADVIDEO, body(&account.image().await)).await,
        40007,
    );
    refused(&account.call(UPLOADVIDEO, json!({"title": "片"})).await, 40007);
    let long = json!({"media_id": raw, "title": "长".repeat(129)});
    refused(&account.call(UPLOADVIDEO, long).await, 45003);
}

#[tokio::test]
async fn s070_uploadvideo_answers_with_type_media_id_and_created_at() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = json!({"media_id": account.raw_video().await, "title": "片", "description": "说明"});
    let answer = account.call(UPLOADVIDEO, body).await;
    assert_eq!(keys(&answer), ["created_at", "media_id", "type"], "no errcode");
    assert_eq!(answer["type"], "video");
    assert!(answer["media_id"].is_string());
    let created_at = answer["created_at"].as_i64().expect("a number");
    assert!((created_at - server.now().seconds()).abs() <= 5);
}

#[tokio::test]
async fn s071_the_follower_sees_the_video_with_title_and_description() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let video = account.video("发布会", "两分钟").await;
    accepted(&account.send_tag(EVEN, medium("mpvideo", &video)).await);
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(
        (&entry["type"], &entry["title"], &entry["digest"]),
        (&json!("mpvideo"), &json!("发布会"), &json!("两分钟"))
    );
    assert_eq!(server.fetch(&entry["media_url"]).await.2, files::mp4());
    let page = server.page(&entry["url"]).await;
    assert!(
        page.contains("<video") && page.contains("发布会") && page.contains("两分钟"),
        "{page}"
    );
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

#[tokio::test]
async fn s081_an_accepted_send_says_send_job_submission_success() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let answer = account.send_all(text("x")).await;
    assert_eq!(answer["errcode"], json!(0));
    assert_eq!(answer["errmsg"], "send job submission success");
}

#[tokio::test]
async fn s082_msg_id_is_the_number_that_get_delete_and_the_event_know() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let answer = account.send_all(medium("mpnews", &account.news(1).await)).await;
    let id = answer["msg_id"].as_i64().expect("a number");
    server.settle().await;
    assert_eq!(element(&finish(&receiver), "MsgID"), id.to_string());
    let state = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": id}))
        .await;
    assert_eq!(state, json!({"msg_id": id, "msg_status": "SEND_SUCCESS"}));
    assert_eq!(account.delete(json!({"msg_id": id})).await["errcode"], 0);
    let other = account.send_all(text("x")).await["msg_id"]
        .as_i64()
        .expect("a number");
    assert!(other > id, "ids only grow");
}

#[tokio::test]
async fn s083_msg_data_id_is_there_for_news_only() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (word, message) in account.every_message().await {
        let answer = account.send_tag(EVEN, message).await;
        accepted(&answer);
        assert_eq!(
            answer["msg_data_id"].is_i64(),
            word == "mpnews",
            "{word}: {answer}"
        );
        assert_eq!(keys(&answer).contains(&"msg_data_id"), word == "mpnews");
    }
}

#[tokio::test]
async fn s083_a_card_has_no_msg_data_id() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let message = json!({"msgtype": "wxcard", "wxcard": {"card_id": account.card("券").await}});
    let answer = account.send_tag(EVEN, message).await;
    accepted(&answer);
    assert_eq!(keys(&answer), ["errcode", "errmsg", "msg_id"]);
}

#[tokio::test]
async fn s084_the_statistics_name_an_article_by_its_msg_data_id() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let answer = account.send_all(medium("mpnews", &account.news(2).await)).await;
    accepted(&answer);
    server.settle().await;
    let entry = account.newest(0).await;
    for article in entry["articles"].as_array().expect("articles") {
        server.page(&article["url"]).await;
    }
    server.clock_to("2026-11-23T09:00:00+08:00").await;
    let account = server.account(SERVICE).await;
    let day = json!({"begin_date": "2026-11-22", "end_date": "2026-11-22"});
    let total = account.call("/datacube/getarticletotal", day).await;
    let mut ids: Vec<String> = total["list"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {total}"))
        .iter()
        .map(|row| string(&row["msgid"]))
        .collect();
    ids.sort_unstable();
    let data_id = &answer["msg_data_id"];
    assert_eq!(ids, [format!("{data_id}_1"), format!("{data_id}_2")], "{total}");
}

#[tokio::test]
async fn s085_an_accepted_send_has_the_fields_of_the_sample_and_no_type() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account
        .send_tag(EVEN, medium("mpnews", &account.news(1).await))
        .await;
    assert_eq!(keys(&news), ["errcode", "errmsg", "msg_data_id", "msg_id"]);
    let text = account.send_tag(EVEN, text("x")).await;
    assert_eq!(keys(&text), ["errcode", "errmsg", "msg_id"]);
}

#[tokio::test]
async fn s086_an_accepted_send_has_not_ended() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(text("很多人")).await);
    assert_eq!(account.status(&id).await, "SENDING", "right after");
    server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert!(account.inbox(&last).await.is_empty(), "submitted, not delivered");
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(account.inbox_texts(&last).await, ["很多人"]);
}

#[tokio::test]
async fn s087_a_send_that_the_review_refuses_was_accepted_and_reaches_nobody() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    server.next_verdict(SERVICE, json!({"code": 20008})).await;
    let id = accepted(&account.send_all(text("中奖了")).await);
    server.advance(60).await;
    assert_eq!(element(&finish(&receiver), "Status"), "err(20008)");
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    for open_id in account.open_ids(10).await {
        assert!(account.inbox(&open_id).await.is_empty());
    }
    accepted(&account.send_all(text("下一条")).await);
    server.advance(60).await;
    assert_eq!(account.texts(0).await, ["下一条"], "one verdict, one mass");
}

#[tokio::test]
async fn s088_a_large_send_takes_as_long_as_its_speed_says_and_nobody_waits_for_it() {
    let (server, _) = slow_server().await;
    let account = server.account(SERVICE).await;
    let send = async |words: &str| {
        let body = and(text(words), json!({"filter": {"is_to_all": true}}));
        let request = server
            .request(Method::POST, &account.path(SENDALL))
            .timeout(Duration::from_secs(3)) // the shortest patience of a known client
            .body(body.to_string());
        accepted(&server.api(request).await)
    };
    // 65,536 followers stand before the second batch: 39.3 s at 100,000 a minute, 4.9 s at 800,000.
    for (level, before, after) in [(4, 39, 1), (0, 4, 1)] {
        account.paced(level).await;
        let id = send(&format!("speed {level}")).await;
        server.advance(before).await;
        assert_eq!(
            account.status(&id).await,
            "SENDING",
            "speed {level} after {before} s"
        );
        server.advance(after).await;
        assert_eq!(account.status(&id).await, "SEND_SUCCESS", "speed {level}");
    }
}
