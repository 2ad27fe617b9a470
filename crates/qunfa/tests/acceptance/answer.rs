//! S81–S88: what the answer of a send says, and what it does not say (spec mass-send §8.4).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    common::{SERVICE, TestServer, accepted},
    help::{EVEN, SENDALL, and, element, finish, keys, medium, slow_server, string, text},
};

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
    assert_eq!(
        element(&finish(&server, &receiver).await, "MsgID"),
        id.to_string()
    );
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
    assert_eq!(element(&finish(&server, &receiver).await, "Status"), "err(20008)");
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
