//! Snapshots, restore and reset: the whole world goes back, and goes on as it would have then.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted, at, files, receiver::Receiver,
};

async fn take(server: &TestServer, name: &str) -> Value {
    let (status, answer) = server
        .native(Method::POST, "/sandbox/snapshots", Some(json!({"name": name})))
        .await;
    assert_eq!(status, 201, "{answer}");
    answer
}

async fn restore(server: &TestServer, name: &str) -> Value {
    let path = format!("/sandbox/snapshots/{name}/restore");
    let (status, answer) = server.native(Method::POST, &path, None).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// What can be seen of an account from outside.
async fn seen(account: &TestAccount<'_>) -> Vec<Value> {
    let path = format!("/v1/accounts/{}", account.app_id);
    let mut seen = vec![
        account.get("/cgi-bin/user/get").await,
        account.get("/cgi-bin/tags/get").await,
        account.server.native(Method::GET, &path, None).await.1,
        account
            .server
            .native(Method::GET, &format!("{path}/masses"), None)
            .await
            .1,
        account.server.native(Method::GET, "/sandbox/clock", None).await.1,
    ];
    seen.extend(account.inbox(&account.open_id(0).await).await);
    seen
}

/// Something of everything; the ids that it made.
async fn live_a_day(server: &TestServer) -> Vec<Value> {
    let account = server.account(SERVICE).await;
    let image = account
        .upload("/cgi-bin/media/upload?type=image", files::png(9, 9), "b.png")
        .await;
    let tag = account
        .call("/cgi-bin/tags/create", json!({"tag": {"name": "new"}}))
        .await;
    let someone = account.open_id(3).await;
    account
        .call(
            "/cgi-bin/tags/members/batchblacklist",
            json!({"openid_list": [someone]}),
        )
        .await;
    let news = account.news(1).await;
    let id = accepted(&account.send_text("danach").await);
    server.advance(5 * 86_400).await;
    vec![
        image["media_id"].clone(),
        tag["tag"]["id"].clone(),
        json!(news),
        id,
    ]
}

#[tokio::test]
async fn a_restore_brings_everything_back_and_the_same_ids_follow() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_text("davor").await);
    server.advance(60).await;
    let image = account
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
        .await;
    take(&server, "davor").await;
    let before = seen(&account).await;
    let first = live_a_day(&server).await;
    assert_ne!(seen(&server.account(SERVICE).await).await, before);

    for _ in 0..2 {
        restore(&server, "davor").await;
        assert_eq!(server.now(), at("2026-11-22T10:01:00+08:00"));
        assert_eq!(seen(&account).await, before, "the old token is good again");
        // Its bytes were cleared away meanwhile.
        let path = format!(
            "/cgi-bin/media/get?media_id={}",
            image["media_id"].as_str().expect("an id")
        );
        let answer = server.request(Method::GET, &account.path(&path)).send().await;
        assert_eq!(answer.expect("an answer").headers()["content-type"], "image/png");
        assert_eq!(live_a_day(&server).await, first, "same calls, same ids");
    }
}

#[tokio::test]
async fn months_are_counted_anew_after_a_restore() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    take(&server, "month").await;
    for _ in 0..3 {
        for number in 0..4 {
            let id = accepted(&account.send_text(&format!("Nr. {number}")).await);
            server.settle().await;
            assert_eq!(account.report(&id).await["sent_count"], 10, "Nr. {number}");
        }
        let id = accepted(&account.send_text_to_tag(100, "Nr. 5").await);
        server.settle().await;
        assert_eq!(account.report(&id).await["sent_count"], 0);
        restore(&server, "month").await;
    }
}

#[tokio::test]
async fn a_paced_mass_goes_on_from_where_it_was() {
    let server = TestServer::with_followers(70_000).await;
    let account = server.account(SERVICE).await;
    account
        .call("/cgi-bin/message/mass/speed/set", json!({"speed": 4}))
        .await;
    let open_id = account.open_id(0).await;
    let id = accepted(&account.send_text("two blocks").await);
    server.settle().await;
    assert_eq!(account.report(&id).await["state"], "sending");
    take(&server, "half-way").await;
    for _ in 0..2 {
        server.advance(86_400).await;
        let account = server.account(SERVICE).await;
        let report = account.report(&id).await;
        assert_eq!(
            (&report["state"], &report["sent_count"]),
            (&json!("succeeded"), &json!(70_000))
        );
        assert_eq!(account.inbox_texts(&open_id).await, ["two blocks"]);
        restore(&server, "half-way").await;
        assert_eq!(account.report(&id).await["state"], "sending");
    }
}

#[tokio::test]
async fn events_are_told_again_after_a_restore() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let callback = json!({"url": receiver.url, "token": "token123", "mode": "plain"});
    let path = format!("/v1/accounts/{SERVICE}");
    let (status, answer) = server
        .native(Method::PATCH, &path, Some(json!({"callback": callback})))
        .await;
    assert_eq!(status, 200, "{answer}");
    let account = server.account(SERVICE).await;
    take(&server, "quiet").await;
    for round in 1..=3 {
        accepted(&account.send_text("hallo").await);
        server.advance(60).await;
        assert_eq!(receiver.events().len(), round);
        restore(&server, "quiet").await;
    }
}

#[tokio::test]
async fn what_the_next_review_says_goes_back_too() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let path = format!("/sandbox/accounts/{SERVICE}/next-verdict");
    server
        .native(Method::PUT, &path, Some(json!({"code": 20_001})))
        .await;
    take(&server, "verdict").await;
    for _ in 0..2 {
        let id = accepted(&account.send_text("schlimm").await);
        server.settle().await;
        assert_eq!(account.report(&id).await["state"], "refused");
        restore(&server, "verdict").await;
    }
}

#[tokio::test]
async fn a_reset_is_the_beginning() {
    let server = TestServer::start().await;
    let before = {
        let account = server.account(SUBSCRIPTION).await;
        seen(&account).await
    };
    let first = live_a_day(&server).await;
    for _ in 0..2 {
        let (status, clock) = server.native(Method::POST, "/sandbox/reset", None).await;
        assert_eq!(status, 200, "{clock}");
        assert_eq!(clock["now"], "2026-11-22T10:00:00+08:00");
        let account = server.account(SUBSCRIPTION).await;
        assert_eq!(seen(&account).await, before);
        assert_eq!(live_a_day(&server).await, first);
    }
}

#[tokio::test]
async fn snapshots_are_listed_replaced_and_removed() {
    let server = TestServer::start().await;
    take(&server, "b").await;
    take(&server, "a").await;
    server.advance(60).await;
    let taken = take(&server, "b").await;
    assert_eq!(taken["now"], "2026-11-22T10:01:00+08:00");
    let list = async || {
        let (_, list) = server.native(Method::GET, "/sandbox/snapshots", None).await;
        let names = list["snapshots"].as_array().expect("a list").iter();
        names
            .map(|one| one["name"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list().await, ["a", "b"]);
    let gone = server
        .native(Method::DELETE, "/sandbox/snapshots/a", None)
        .await
        .0;
    let unknown = server
        .native(Method::DELETE, "/sandbox/snapshots/a", None)
        .await
        .0;
    assert_eq!((gone, unknown), (204, 404));
    let path = "/sandbox/snapshots/a/restore";
    assert_eq!(server.native(Method::POST, path, None).await.0, 404);
    assert_eq!(list().await, ["b"]);
    for bad in ["", "..", ".start", "a/b", "half way"] {
        let body = json!({"name": bad});
        let (status, _) = server
            .native(Method::POST, "/sandbox/snapshots", Some(body))
            .await;
        assert_eq!(status, 400, "{bad}");
    }
    let answer = server.request(Method::GET, "/sandbox/snapshots").send().await;
    assert_eq!(answer.expect("an answer").status(), 401);
}

#[tokio::test]
async fn calls_during_a_restore_see_one_world_or_the_other() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    take(&server, "quiet").await;
    for _ in 0..5 {
        let restoring = restore(&server, "quiet");
        let calling = async {
            for _ in 0..10 {
                let answer = account.send_text_to_tag(101, "dazwischen").await;
                // The second of two equal ones within one world.
                assert!(
                    [0, 45065].contains(&answer["errcode"].as_i64().expect("a code")),
                    "{answer}"
                );
            }
        };
        futures::join!(restoring, calling);
    }
    restore(&server, "quiet").await;
    let (_, masses) = server
        .native(Method::GET, &format!("/v1/accounts/{SERVICE}/masses"), None)
        .await;
    assert_eq!(masses["masses"], json!([]));
}
