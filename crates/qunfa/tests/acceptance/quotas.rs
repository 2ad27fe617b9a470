//! S1–S9 and S21–S27: how often may be sent, and what enters the history (spec mass-send §3, §14.1).

use serde_json::json;

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, accepted, refused},
    help::{DAY, EVEN, TENTH, and, counts, element, medium, text, told},
};

const FIRST_OF_NEXT_MONTH: &str = "2026-12-01T00:00:00+08:00";
const LAST_SECOND_OF_MONTH: &str = "2026-11-30T23:59:59+08:00";
const LAST_SECOND_OF_DAY: &str = "2026-11-22T23:59:59+08:00";

#[tokio::test]
async fn s001_a_subscription_account_sends_once_a_day_on_the_operators_site() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    account.site_text("今天").await;
    account.site_refused("今天再来").await;
    server.clock_to(LAST_SECOND_OF_DAY).await;
    account.site_refused("还是今天").await;
    server.advance(1).await;
    account.site_text("明天").await;
    server.settle().await;
    let account = server.account(SUBSCRIPTION).await;
    assert_eq!(account.texts(0).await, ["今天", "明天"]);
}

#[tokio::test]
async fn s002_a_service_account_sends_four_times_a_calendar_month_on_the_operators_site() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=4 {
        account.site_text(&format!("第{number}条")).await;
    }
    account.site_refused("第5条").await;
    server.clock_to(LAST_SECOND_OF_MONTH).await;
    account.site_refused("第5条").await;
    server.advance(1).await;
    account.site_text("新的一月").await;
    server.settle().await;
    let account = server.account(SERVICE).await;
    assert_eq!(
        account.texts(0).await,
        ["第1条", "第2条", "第3条", "第4条", "新的一月"]
    );
}

#[tokio::test]
async fn s003_the_api_reaches_all_a_tag_or_a_list_where_the_slots_of_the_site_are_used_up() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.quota(json!({"receipts_per_month": null})).await;
    for number in 1..=4 {
        accepted(&account.send_all(text(&format!("all {number}"))).await);
    }
    refused(&account.send_all(text("all 5")).await, 45028);
    accepted(&account.send_tag(EVEN, text("tag")).await);
    let (first, second) = (account.open_id(0).await, account.open_id(1).await);
    accepted(&account.send_list(&[&first, &second], text("list")).await);
    server.settle().await;
    assert_eq!(
        account.texts(0).await,
        ["all 1", "all 2", "all 3", "all 4", "tag", "list"]
    );
    assert_eq!(
        account.texts(1).await,
        ["all 1", "all 2", "all 3", "all 4", "list"]
    );
    assert_eq!(account.texts(3).await, ["all 1", "all 2", "all 3", "all 4"]);
}

#[tokio::test]
async fn s004_a_subscription_account_calls_successfully_once_a_day() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    refused(&account.send_all(medium("image", "unknown")).await, 40007);
    accepted(&account.send_all(text("one")).await);
    refused(&account.send_all(text("two")).await, 45028);
    refused(&account.send_tag(EVEN, text("two")).await, 45028);
    server.clock_to(LAST_SECOND_OF_DAY).await;
    let account = server.account(SUBSCRIPTION).await;
    refused(&account.send_all(text("two")).await, 45028);
    server.advance(1).await;
    accepted(&account.send_all(text("two")).await);
    server.settle().await;
    assert_eq!(account.texts(0).await, ["one", "two"]);
}

#[tokio::test]
async fn s004_a_send_that_the_review_refused_was_not_successful() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    server.next_verdict(SUBSCRIPTION, json!({"code": 10001})).await;
    let id = accepted(&account.send_all(text("one")).await);
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    accepted(&account.send_all(text("two")).await);
    refused(&account.send_all(text("three")).await, 45028);
    server.advance(60).await;
    assert_eq!(account.texts(0).await, ["two"]);
}

#[tokio::test]
async fn s005_the_call_of_a_subscription_account_goes_to_all_or_to_a_tag() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_text("to all").await);
    server.advance(DAY).await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_text_to_tag(EVEN, "to a tag").await);
    server.settle().await;
    assert_eq!(account.texts(2).await, ["to all", "to a tag"]);
    assert_eq!(account.texts(3).await, ["to all"]);
}

#[tokio::test]
async fn s006_a_service_account_calls_a_hundred_times_a_day() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=100 {
        if number == 51 {
            server.advance(60).await; // Q6
        }
        let answer = account.send_tag(EVEN, text(&format!("call {number}"))).await;
        assert_eq!(answer["errcode"], 0, "call {number}: {answer}");
    }
    refused(&account.send_tag(EVEN, text("call 101")).await, 45009);
    server.clock_to(LAST_SECOND_OF_DAY).await;
    let account = server.account(SERVICE).await;
    refused(&account.send_tag(EVEN, text("call 101")).await, 45009);
    server.advance(1).await;
    accepted(&account.send_tag(EVEN, text("call 101")).await);
}

#[tokio::test]
async fn s007_a_follower_of_a_service_account_receives_four_a_month() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=5 {
        accepted(&account.send_tag(EVEN, text(&format!("第{number}条"))).await);
        server.settle().await;
    }
    for member in [0, 2, 4, 6, 8] {
        assert_eq!(
            account.texts(member).await,
            ["第1条", "第2条", "第3条", "第4条"],
            "follower {member}"
        );
    }
    server.clock_to(LAST_SECOND_OF_MONTH).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("still this month")).await);
    server.settle().await;
    assert_eq!(account.texts(0).await.len(), 4);
    server.advance(1).await;
    assert_eq!(server.now(), crate::common::at(FIRST_OF_NEXT_MONTH));
    accepted(&account.send_tag(EVEN, text("新的一月")).await);
    server.settle().await;
    assert_eq!(
        account.texts(0).await,
        ["第1条", "第2条", "第3条", "第4条", "新的一月"]
    );
}

#[tokio::test]
async fn s008_the_operators_site_and_the_api_count_together_for_each_follower() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=2 {
        account.site_text(&format!("site {number}")).await;
        server.settle().await;
    }
    for number in 1..=3 {
        accepted(&account.send_tag(EVEN, text(&format!("api {number}"))).await);
        server.settle().await;
    }
    assert_eq!(account.texts(0).await, ["site 1", "site 2", "api 1", "api 2"]);
    assert_eq!(account.texts(1).await, ["site 1", "site 2"]);
}

#[tokio::test]
async fn s009_the_fifth_of_a_month_fails_for_that_follower_only() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    for number in 1..=4 {
        accepted(&account.send_tag(TENTH, text(&format!("{number}"))).await);
        server.settle().await;
    }
    accepted(&account.send_tag(EVEN, text("5")).await);
    server.settle().await;
    let events = told(&server, &receiver, 5).await;
    assert_eq!(element(&events[4], "Status"), "send success");
    assert_eq!(
        counts(&events[4]),
        [5, 4, 4, 0],
        "one of five is not in the count"
    );
    assert_eq!(account.texts(0).await, ["1", "2", "3", "4"]);
    for other in [2, 4, 6, 8] {
        assert_eq!(account.texts(other).await, ["5"], "follower {other}");
    }
}

#[tokio::test]
async fn s021_a_subscription_account_enters_the_history_once_a_day_by_the_api_or_by_the_site() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    account.site_text("site first").await;
    refused(&account.send_all(text("api second")).await, 45028);
    server.settle().await;
    accepted(&account.send_tag(EVEN, text("api tag")).await); // reading 2
    server.advance(DAY).await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_all(text("api first")).await);
    account.site_refused("site second").await;
    server.settle().await;
    assert_eq!(account.texts(0).await, ["site first", "api tag", "api first"]);
}

#[tokio::test]
async fn s022_a_send_of_the_site_to_one_group_enters_the_history_and_uses_the_slot() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    let to_group = and(
        text("to one group"),
        json!({"filter": {"is_to_all": false, "tag_id": EVEN}}),
    );
    let (status, answer) = account.site(to_group).await;
    assert_eq!(status, 201, "{answer}");
    server.settle().await;
    assert_eq!(account.texts(0).await, ["to one group"]);
    assert!(account.texts(1).await.is_empty());
    assert_eq!(account.history_ids().await, [answer["msg_id"].clone()]);
    refused(&account.send_all(text("to all")).await, 45028);
    account.site_refused("to all").await;
}

#[tokio::test]
async fn s023_no_day_of_a_subscription_account_has_two_messages_in_the_history() {
    let server = TestServer::start().await;
    for day in 0..3 {
        let account = server.account(SUBSCRIPTION).await;
        let all = json!({"filter": {"is_to_all": true}});
        let group = json!({"filter": {"tag_id": EVEN}});
        let name = |way: &str| text(&format!("{way} {day}"));
        // Another way comes first every day; everything is tried.
        if day == 1 {
            accepted(&account.send_all(name("api")).await);
        }
        if day == 2 {
            assert_eq!(account.site(and(name("group"), group.clone())).await.0, 201);
        }
        let (status, _) = account.site(and(name("site"), all)).await;
        assert_eq!(status == 201, day == 0);
        account.send_all(name("api again")).await;
        account.site(and(name("group again"), group)).await;
        account.send_tag(EVEN, name("api tag")).await;
        server.advance(DAY).await;
    }
    let account = server.account(SUBSCRIPTION).await;
    let history = account.history().await;
    let mut days: Vec<String> = history
        .iter()
        .map(|item| item["sent_at"].as_str().expect("an instant")[..10].to_owned())
        .collect();
    assert_eq!(days.len(), 3, "{history:?}");
    days.dedup();
    assert_eq!(days.len(), 3, "one a day: {history:?}");
}

#[tokio::test]
async fn s024_a_service_account_enters_the_history_four_times_a_month_by_the_api_and_the_site_together() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.site_text("site 1").await;
    accepted(&account.send_all(text("api 1")).await);
    account.site_text("site 2").await;
    accepted(&account.send_all(text("api 2")).await);
    account.site_refused("site 3").await;
    refused(&account.send_all(text("api 3")).await, 45028);
    server.clock_to(LAST_SECOND_OF_MONTH).await;
    let account = server.account(SERVICE).await;
    account.site_refused("site 3").await;
    refused(&account.send_all(text("api 3")).await, 45028);
    server.advance(1).await;
    account.site_text("site 3").await;
    accepted(&account.send_all(text("api 3")).await);
    server.settle().await;
    assert_eq!(account.history().await.len(), 6);
}

#[tokio::test]
async fn s025_sends_that_are_not_to_all_may_be_many_in_one_day() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=6 {
        accepted(&account.send_tag(EVEN, text(&format!("tag {number}"))).await);
    }
    for number in 1..=4 {
        accepted(&account.send_all(text(&format!("all {number}"))).await);
    }
}

#[tokio::test]
async fn s026_of_many_tag_sends_each_follower_receives_four() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(accepted(
            &account.send_tag(EVEN, text(&format!("tag {number}"))).await,
        ));
        server.settle().await;
    }
    for member in [0, 2, 4, 6, 8] {
        assert_eq!(account.texts(member).await, ["tag 1", "tag 2", "tag 3", "tag 4"]);
    }
    for id in &ids {
        assert_eq!(account.status(id).await, "SEND_SUCCESS");
    }
}

#[tokio::test]
async fn s027_tag_sends_do_not_enter_the_history() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let to_all = accepted(&account.send_all(text("to all")).await);
    server.settle().await;
    for number in 1..=6 {
        accepted(&account.send_tag(EVEN, text(&format!("tag {number}"))).await);
    }
    let (first, second) = (account.open_id(0).await, account.open_id(1).await);
    accepted(&account.send_list(&[&first, &second], text("list")).await);
    server.settle().await;
    assert_eq!(account.history_ids().await, [to_all]);
}
