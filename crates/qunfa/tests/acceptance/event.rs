//! S127–S143: the event at the end of a send (spec events §4).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{SERVICE, TestAccount, TestServer, accepted, receiver::Receiver},
    help::{
        DELETE, EVEN, GET, PREVIEW, SEND, SENDALL, SPEED_SET, TENTH, TWO_BATCHES, UPLOADNEWS, and, counts,
        element, finish, finishes, medium, number, slow_server, text, told,
    },
    uploadimg::is_error,
};

/// Sends a message to a tag of five; the `msg_id` and the event.
async fn ended(server: &TestServer) -> (Value, String) {
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = accepted(&account.send_tag(EVEN, text("结束")).await);
    server.settle().await;
    (id, finish(server, &receiver).await)
}

#[tokio::test]
async fn s127_the_call_itself_says_nothing_of_the_result() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let answer = account.send_all(text("x")).await;
    accepted(&answer);
    let words = answer.to_string();
    for word in ["Count", "count", "Status", "status", "state"] {
        assert!(!words.contains(word), "{words}");
    }
}

#[tokio::test]
async fn s128_the_end_of_each_send_is_posted_once_to_the_callback_url() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(accepted(&account.send_tag(EVEN, text(&format!("{number}"))).await).to_string());
        server.settle().await;
    }
    server.advance(24 * 3_600).await;
    let numbers: Vec<String> = told(&server, &receiver, 3)
        .await
        .iter()
        .map(|body| element(body, "MsgID").to_owned())
        .collect();
    assert_eq!(numbers, ids, "exactly one each");
}

#[tokio::test]
async fn s129_the_counts_of_the_event_add_up_to_what_arrived_in_the_end() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = accepted(&account.send_all(text("x")).await);
    server.settle().await;
    assert!(finishes(&receiver).is_empty(), "the send has not ended");
    // Who leaves before the second batch is an error, not a receiver.
    account.follower(Method::POST, &last, "unsubscribe", None).await;
    server.advance(60).await;
    let all = TWO_BATCHES as i64 + 1;
    assert_eq!(counts(&finish(&server, &receiver).await), [all, all, all - 1, 1]);
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(account.report(&id).await["sent_count"], all - 1);
    assert!(account.inbox(&last).await.is_empty());
}

#[tokio::test]
async fn s130_the_event_is_addressed_to_the_accounts_original_id() {
    let server = TestServer::start().await;
    let (_, event) = ended(&server).await;
    let path = format!("/v1/accounts/{SERVICE}");
    let (_, account) = server.native(Method::GET, &path, None).await;
    let original_id = account["original_id"].as_str().expect("a text");
    assert!(original_id.starts_with("gh_"));
    assert_eq!(element(&event, "ToUserName"), original_id);
    assert!(event.contains(&format!("<ToUserName><![CDATA[{original_id}]]></ToUserName>")));
}

#[tokio::test]
async fn s131_the_event_comes_from_mphelper() {
    let server = TestServer::start().await;
    let (_, event) = ended(&server).await;
    assert!(
        event.contains("<FromUserName><![CDATA[mphelper]]></FromUserName>"),
        "{event}"
    );
}

#[tokio::test]
async fn s132_create_time_is_unix_seconds() {
    let server = TestServer::start().await;
    server.advance(3_601).await;
    let (_, event) = ended(&server).await;
    let created = number(&event, "CreateTime");
    assert!((created - server.now().seconds()).abs() <= 5, "{event}");
}

#[tokio::test]
async fn s133_the_event_is_masssendjobfinish() {
    let server = TestServer::start().await;
    let (_, event) = ended(&server).await;
    assert!(event.starts_with("<xml>") && event.ends_with("</xml>"), "{event}");
    assert!(event.contains("<MsgType><![CDATA[event]]></MsgType>"), "{event}");
    assert!(
        event.contains("<Event><![CDATA[MASSSENDJOBFINISH]]></Event>"),
        "{event}"
    );
}

#[tokio::test]
async fn s134_msgid_is_the_msg_id_of_the_call() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("an earlier one")).await);
    server.settle().await;
    let (id, event) = ended(&server).await;
    assert!(event.contains(&format!("<MsgID>{id}</MsgID>")), "{event}");
}

#[tokio::test]
async fn s135_a_send_that_went_well_is_send_success() {
    let server = TestServer::start().await;
    let (_, event) = ended(&server).await;
    assert!(
        event.contains("<Status><![CDATA[send success]]></Status>"),
        "{event}"
    );
}

#[tokio::test]
async fn s135_an_outage_is_send_fail() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    server.next_verdict(SERVICE, json!({"send_fail": true})).await;
    let id = accepted(&account.send_tag(EVEN, text("x")).await);
    server.advance(3_600).await;
    assert!(
        finish(&server, &receiver)
            .await
            .contains("<Status><![CDATA[send fail]]></Status>")
    );
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    assert!(account.texts(0).await.is_empty());
}

/// The event after a verdict of the review.
async fn judged(account: &TestAccount<'_>, receiver: &Receiver, code: i64) -> String {
    let before = finishes(receiver).len();
    account
        .server
        .next_verdict(&account.app_id, json!({"code": code}))
        .await;
    let id = accepted(&account.send_tag(EVEN, text(&format!("verdict {code}"))).await);
    account.server.advance(60).await;
    let mut events = told(account.server, receiver, before + 1).await;
    assert_eq!(events.len(), before + 1, "one event for {code}");
    assert_eq!(account.status(&id).await, "SEND_FAIL", "{code}");
    let event = events.remove(before);
    assert_eq!(element(&event, "MsgID"), id.to_string());
    event
}

#[tokio::test]
async fn s135_a_refusal_by_the_review_is_err_with_its_number() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let event = judged(&account, &receiver, 20431).await;
    assert!(
        event.contains("<Status><![CDATA[err(20431)]]></Status>"),
        "{event}"
    );
    assert_eq!(counts(&event), [0, 0, 0, 0]);
}

#[tokio::test]
async fn s136_send_success_also_when_somebody_refuses_messages() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let refuser = account.open_id(2).await;
    let body = json!({"opted_out": true});
    account
        .follower(Method::PUT, &refuser, "opt-out", Some(body))
        .await;
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let event = finish(&server, &receiver).await;
    assert_eq!(element(&event, "Status"), "send success");
    assert_eq!(number(&event, "SentCount"), 4, "four of five");
    assert!(account.inbox(&refuser).await.is_empty());
    assert_eq!(account.texts(4).await, ["x"]);
}

#[tokio::test]
async fn s137_suspected_advertising_is_err_10001() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let event = judged(&account, &receiver, 10001).await;
    assert!(
        event.contains("<Status><![CDATA[err(10001)]]></Status>"),
        "{event}"
    );
    assert!(account.texts(0).await.is_empty());
}

#[tokio::test]
async fn s138_every_other_verdict_has_its_number() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    for code in [20001, 20004, 20002, 20006, 20008, 20013, 22000, 21000] {
        let event = judged(&account, &receiver, code).await;
        assert!(
            event.contains(&format!("<Status><![CDATA[err({code})]]></Status>")),
            "{event}"
        );
    }
    assert!(account.texts(0).await.is_empty());
}

#[tokio::test]
async fn s139_total_count_is_the_size_of_the_tag_or_of_the_list() {
    let server = TestServer::with_followers(20).await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    accepted(&account.send_tag(EVEN, text("tag")).await);
    server.settle().await;
    let open_ids = account.open_ids(3).await;
    let list = [open_ids[0].as_str(), open_ids[1].as_str(), open_ids[2].as_str()];
    accepted(&account.send_list(&list, text("list")).await);
    server.settle().await;
    let totals: Vec<i64> = told(&server, &receiver, 2)
        .await
        .iter()
        .map(|event| number(event, "TotalCount"))
        .collect();
    assert_eq!(totals, [10, 3]);
}

#[tokio::test]
async fn s140_filter_count_leaves_out_who_refuses_is_blacklisted_or_at_four() {
    let server = TestServer::with_followers(20).await;
    let account = server.account(SERVICE).await;
    let open_ids = account.open_ids(20).await;
    for number in 0..4 {
        let list = [open_ids[4].as_str(), open_ids[1].as_str()];
        accepted(&account.send_list(&list, text(&format!("{number}"))).await);
    }
    server.settle().await;
    let body = json!({"opted_out": true});
    account
        .follower(Method::PUT, &open_ids[0], "opt-out", Some(body))
        .await;
    let ban = json!({"openid_list": [open_ids[2]]});
    let answer = account.call("/cgi-bin/tags/members/batchblacklist", ban).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    let receiver = account.listen().await;
    accepted(&account.send_tag(EVEN, text("ten members")).await);
    server.settle().await;
    assert_eq!(counts(&finish(&server, &receiver).await), [10, 7, 7, 0]);
    for filtered in [0, 2, 4] {
        let texts = account.inbox_texts(&open_ids[filtered]).await;
        assert!(!texts.contains(&"ten members".to_owned()), "follower {filtered}");
    }
    assert_eq!(account.inbox_texts(&open_ids[6]).await, ["ten members"]);
}

#[tokio::test]
async fn s141_filter_count_is_sent_count_and_error_count_in_every_event() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let open_ids = account.open_ids(3).await;
    // A list with a stranger; a tag with somebody who refuses; a tag of nobody; all, with one who leaves.
    accepted(
        &account
            .send_list(&[&open_ids[0], &open_ids[1], "stranger"], text("1"))
            .await,
    );
    server.advance(1).await;
    let body = json!({"opted_out": true});
    account
        .follower(Method::PUT, &open_ids[2], "opt-out", Some(body))
        .await;
    accepted(&account.send_tag(TENTH, text("2")).await);
    server.advance(60).await;
    accepted(&account.send_tag(2, text("3")).await);
    server.advance(60).await;
    accepted(&account.send_all(text("4")).await);
    server.settle().await;
    account.follower(Method::POST, &last, "unsubscribe", None).await;
    server.advance(120).await;
    let events = told(&server, &receiver, 4).await;
    assert_eq!(events.len(), 4);
    for event in &events {
        let [total, filtered, sent, error] = counts(event);
        assert_eq!(filtered, sent + error, "{event}");
        assert!(filtered <= total, "{event}");
    }
    assert_eq!(
        counts(&events[0]),
        [3, 2, 2, 0],
        "a stranger counts in the total only (U12)"
    );
    assert_eq!(counts(&events[2]), [0, 0, 0, 0]);
    let all = TWO_BATCHES as i64 + 1;
    assert_eq!(counts(&events[3]), [all, all - 1, all - 2, 1]);
}

#[tokio::test]
async fn s142_sent_count_is_the_number_of_new_inbox_entries_and_error_count_of_those_who_left() {
    let (server, last) = slow_server().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let open_ids = account.open_ids(10).await;
    let mut list: Vec<&str> = open_ids.iter().map(String::as_str).collect();
    list.push(&last);
    accepted(&account.send_list(&list, text("x")).await);
    server.settle().await;
    account.follower(Method::POST, &last, "unsubscribe", None).await;
    server.advance(60).await;
    let mut entries = 0;
    for open_id in &list {
        entries += account.inbox(open_id).await.len();
    }
    let event = finish(&server, &receiver).await;
    assert_eq!(number(&event, "SentCount"), entries as i64);
    assert_eq!(
        (number(&event, "SentCount"), number(&event, "ErrorCount")),
        (10, 1)
    );
}

#[tokio::test]
async fn s143_every_section_answers_its_errors_in_the_one_form() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let paths = [SENDALL, SEND, PREVIEW, DELETE, GET, SPEED_SET, UPLOADNEWS];
    for path in paths {
        is_error(path, &account.call(path, json!({})).await);
        is_error(path, &account.get(path).await);
        is_error(path, &server.post(path, "{}").await);
        is_error(
            path,
            &server.post(&format!("{path}?access_token=wrong"), "{}").await,
        );
        is_error(path, &server.post(&account.path(path), "").await);
        is_error(path, &server.post(&account.path(path), "[1").await);
    }
    let unknown = and(medium("image", "x"), json!({"filter": {"is_to_all": true}}));
    let answer = account.call(SENDALL, unknown).await;
    assert_eq!(answer["errcode"], 40007);
    assert!(
        answer["errmsg"]
            .as_str()
            .is_some_and(|text| text.starts_with("invalid media_id rid: "))
    );
}
