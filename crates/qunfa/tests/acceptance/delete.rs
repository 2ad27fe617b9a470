//! S99–S106: deleting what was sent (spec mass-send §11).

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, UNVERIFIED, accepted, refused},
    help::{DAY, DELETE, DELETED, EVEN, keyed, medium, slow_server},
};

/// A news that was sent to everybody.
async fn sent_news(account: &TestAccount<'_>) -> Value {
    let id = accepted(&account.send_all(medium("mpnews", &account.news(1).await)).await);
    account.server.settle().await;
    id
}

#[tokio::test]
async fn s099_verified_accounts_of_both_kinds_delete() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let account = server.account(app_id).await;
        let id = sent_news(&account).await;
        assert_eq!(account.delete(json!({"msg_id": id})).await["errcode"], 0);
        let page = server.page(&account.newest(0).await["url"]).await;
        assert!(page.contains(DELETED), "{page}");
    }
    let unverified = server.account(UNVERIFIED).await;
    refused(&unverified.delete(json!({"msg_id": 1})).await, 48001);
    server.change(UNVERIFIED, json!({"verified": true})).await;
    let id = sent_news(&unverified).await;
    server.change(UNVERIFIED, json!({"verified": false})).await;
    refused(&unverified.delete(json!({"msg_id": id})).await, 48001);
    let page = server.page(&unverified.newest(0).await["url"]).await;
    assert!(!page.contains(DELETED), "still there");
}

#[tokio::test]
async fn s100_a_send_can_be_deleted_after_two_months() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let id = sent_news(&account).await;
    server.advance(60 * DAY).await;
    let account = server.account(SERVICE).await;
    let entry = account.newest(0).await;
    assert!(server.page(&entry["url"]).await.contains("正文1"));
    assert_eq!(account.delete(json!({"msg_id": id})).await["errcode"], 0);
    assert!(server.page(&entry["url"]).await.contains(DELETED));
}

#[tokio::test]
async fn s101_what_is_still_being_sent_cannot_be_deleted() {
    let (server, _) = slow_server().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(medium("mpnews", &account.news(1).await)).await);
    server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    refused(&account.delete(json!({"msg_id": id})).await, 40065);
    server.advance(60).await;
    assert_eq!(account.delete(json!({"msg_id": id})).await["errcode"], 0);
}

#[tokio::test]
async fn s101_what_has_failed_cannot_be_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    server.next_verdict(SERVICE, json!({"code": 10001})).await;
    let id = accepted(&account.send_all(medium("mpnews", &account.news(1).await)).await);
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    refused(&account.delete(json!({"msg_id": id})).await, 40065);
}

#[tokio::test]
async fn s102_the_page_dies_and_the_card_stays() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let id = sent_news(&account).await;
    let before = account.newest(0).await;
    let cover = server.fetch(&before["cover_url"]).await;
    assert_eq!(account.delete(json!({"msg_id": id})).await["errcode"], 0);
    let after = account.newest(0).await;
    for field in ["msg_id", "title", "digest", "cover_url", "articles"] {
        assert!(!before[field].is_null(), "{before}");
        assert_eq!(before[field], after[field], "the card's {field}");
    }
    assert_eq!(server.fetch(&after["cover_url"]).await, cover);
    let page = server.page(&after["url"]).await;
    assert!(page.contains(DELETED) && !page.contains("正文1"), "{page}");
}

#[tokio::test]
async fn s103_only_news_and_videos_can_be_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.quota(json!({"receipts_per_month": null})).await;
    for (word, message) in account.every_message().await {
        let id = accepted(&account.send_tag(EVEN, message).await);
        server.settle().await;
        let answer = account.delete(json!({"msg_id": id})).await;
        if word == "mpnews" || word == "mpvideo" {
            assert_eq!(answer["errcode"], 0, "{word}: {answer}");
            let page = server.page(&account.newest(0).await["url"]).await;
            assert!(page.contains(DELETED), "{word}: {page}");
        } else {
            assert_eq!(answer["errcode"], 40008, "{word}: {answer}");
            assert_eq!(account.status(&id).await, "SEND_SUCCESS");
        }
    }
}

#[tokio::test]
async fn s103_a_card_cannot_be_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let message = json!({"msgtype": "wxcard", "wxcard": {"card_id": account.card("券").await}});
    let id = accepted(&account.send_tag(EVEN, message).await);
    server.settle().await;
    refused(&account.delete(json!({"msg_id": id})).await, 40008);
}

#[tokio::test]
async fn s104_deleting_one_send_of_a_news_deletes_all_of_them() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = medium("mpnews", &account.news(1).await);
    let mut ids = Vec::new();
    for key in ["1", "2", "3"] {
        ids.push(accepted(&account.send_all(keyed(news.clone(), key)).await));
    }
    let other = sent_news(&account).await;
    assert_eq!(account.delete(json!({"msg_id": ids[1]})).await["errcode"], 0);
    for id in &ids {
        assert_eq!(account.status(id).await, "DELETE");
    }
    for entry in account.inbox(&account.open_id(0).await).await {
        let page = server.page(&entry["url"]).await;
        assert_eq!(page.contains(DELETED), entry["msg_id"] != other, "{entry}");
    }
    assert_eq!(account.status(&other).await, "SEND_SUCCESS", "another news");
}

#[tokio::test]
async fn s105_the_msg_id_is_a_number_or_a_string_and_must_be_there() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(DELETE).await, 43002);
    for as_string in [false, true] {
        let id = sent_news(&account).await;
        let id = if as_string { json!(id.to_string()) } else { id };
        let answer = account.delete(json!({"msg_id": id})).await;
        assert_eq!(answer["errcode"], 0, "{id}: {answer}");
        assert!(
            server
                .page(&account.newest(0).await["url"])
                .await
                .contains(DELETED)
        );
    }
    for nothing in [
        json!({}),
        json!({"msg_id": null}),
        json!({"msg_id": 30124}),
        json!({"msg_id": "x"}),
    ] {
        refused(&account.delete(nothing).await, 40059);
    }
}

#[tokio::test]
async fn s106_a_delete_answers_ok() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let id = sent_news(&account).await;
    let answer = account.delete(json!({"msg_id": id})).await;
    assert_eq!(answer, json!({"errcode": 0, "errmsg": "ok"}));
    // Once more is fine (U13).
    let again = account.delete(json!({"msg_id": id})).await;
    assert_eq!(again, json!({"errcode": 0, "errmsg": "ok"}));
}
