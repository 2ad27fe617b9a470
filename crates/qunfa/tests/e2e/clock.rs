//! The sandbox's clock: everything obeys it, whether it is moved, stands, or runs faster than the machine's.

use std::sync::Arc;

use qunfa::{clock::VirtualClock, sandbox::World};
use reqwest::Method;
use serde_json::{Value, json};
use store::clock::Clock;

use crate::common::{SERVICE, TestAccount, TestServer, accepted, at, files, receiver::Receiver, refused};

async fn clock(server: &TestServer, body: Value) -> Value {
    let (status, answer) = server.native(Method::POST, "/sandbox/clock", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn shown(server: &TestServer) -> Value {
    server.native(Method::GET, "/sandbox/clock", None).await.1
}

/// A server beside a machine whose clock the test moves.
async fn beside_a_wall() -> (tempfile::TempDir, Arc<VirtualClock>, TestServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let wall = Arc::new(VirtualClock::standing_at(at("2026-01-01T00:00:00+08:00")));
    let server = TestServer::open(folder.path(), 10, (World::default(), wall.clone()), None).await;
    (folder, wall, server)
}

/// How long a step may take on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Lets real time pass, and looks until the clock has made the step.
async fn pass(server: &TestServer, wall: &VirtualClock, real_ms: i64) -> Value {
    let before = server.now();
    wall.set(wall.now().plus_ms(real_ms));
    let began = std::time::Instant::now();
    while began.elapsed() < PATIENCE {
        if server.now() != before {
            // After the step under way.
            clock(server, json!({"advance_seconds": 0})).await;
            return shown(server).await;
        }
        tokio::task::yield_now().await;
    }
    panic!("the clock stands")
}

#[tokio::test]
async fn the_clock_goes_to_the_next_midnight_and_the_next_first() {
    let server = TestServer::start().await;
    let shown = shown(&server).await;
    assert_eq!(
        (&shown["now"], &shown["mode"]),
        (&json!("2026-11-22T10:00:00+08:00"), &json!("frozen"))
    );
    for (next, now) in [
        ("day", "2026-11-23T00:00:00+08:00"),
        ("day", "2026-11-24T00:00:00+08:00"),
        ("month", "2026-12-01T00:00:00+08:00"),
        ("month", "2027-01-01T00:00:00+08:00"),
    ] {
        assert_eq!(clock(&server, json!({"next": next})).await["now"], now);
    }
}

#[tokio::test]
async fn the_clock_says_what_falls_due_next() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    assert_eq!(shown(&server).await.get("next_due"), None);
    schedule(&account, "2026-11-22T20:00:00+08:00").await;
    assert_eq!(shown(&server).await["next_due"], "2026-11-22T20:00:00+08:00");
}

#[tokio::test]
async fn the_clock_is_not_moved_into_the_past_or_by_halves() {
    let server = TestServer::start().await;
    for bad in [
        json!({"advance_seconds": -1}),
        json!({"rate": 0}),
        json!({}),
        json!({"next": "day", "advance_seconds": 5}),
        json!({"advance_seconds": 5, "mode": "frozen", "rate": 2}),
    ] {
        let (status, answer) = server
            .native(Method::POST, "/sandbox/clock", Some(bad.clone()))
            .await;
        assert_eq!(status, 400, "{bad} {answer}");
    }
    assert_eq!(server.now(), at("2026-11-22T10:00:00+08:00"), "nothing half done");
}

async fn schedule(account: &TestAccount<'_>, send_at: &str) {
    let path = format!("/v1/accounts/{SERVICE}/masses");
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "晚上好"}, "send_at": send_at});
    let (status, answer) = account.server.native(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{answer}");
}

#[tokio::test]
async fn tokens_media_and_keys_expire_by_the_clock() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let image = account
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
        .await;
    let keyed = json!({"filter": {"tag_id": 100}, "msgtype": "text", "text": {"content": "一"}, "clientmsgid": "key"});
    let send = "/cgi-bin/message/mass/sendall";
    accepted(&account.call(send, keyed.clone()).await);

    server.advance(7_199).await;
    assert!(account.get("/cgi-bin/user/get").await["errcode"].is_null());
    server.advance(1).await;
    refused(&account.get("/cgi-bin/user/get").await, 42001);

    server.advance(86_400 - 7_200 - 1).await;
    let account = server.account(SERVICE).await;
    refused(&account.call(send, keyed.clone()).await, 45065);
    server.advance(1).await;
    accepted(&account.call(send, keyed).await);

    server.advance(2 * 86_400 - 1).await;
    let account = server.account(SERVICE).await;
    let path = format!(
        "/cgi-bin/media/get?media_id={}",
        image["media_id"].as_str().expect("an id")
    );
    let kind = async || {
        let answer = server.request(Method::GET, &account.path(&path)).send().await;
        answer.expect("an answer").headers()["content-type"].clone()
    };
    assert_eq!(kind().await, "image/png");
    server.advance(1).await;
    refused(&account.get(&path).await, 40007);
}

#[tokio::test]
async fn a_schedule_a_protected_send_and_a_retry_happen_in_one_advance() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let path = format!("/v1/accounts/{SERVICE}");
    let callback = json!({"url": receiver.url, "token": "token123", "mode": "plain"});
    let change = json!({"callback": callback, "protect": true});
    let (status, answer) = server.native(Method::PATCH, &path, Some(change)).await;
    assert_eq!(status, 200, "{answer}");
    let account = server.account(SERVICE).await;
    let waiting = accepted(&account.send_text("wartet").await);
    receiver.fail(2);
    server.advance(30 * 60 + 4).await;
    assert_eq!(account.report(&waiting).await["state"], "refused");
    assert_eq!(receiver.events().len(), 1, "the first try, after 30 minutes");
    server.advance(11).await;
    assert_eq!(receiver.events().len(), 3, "again after 5 and 10 seconds");
}

#[tokio::test]
async fn an_accelerated_clock_keeps_its_rate_and_does_what_falls_due_at_its_time() {
    let (_folder, wall, server) = beside_a_wall().await;
    let account = server.account(SERVICE).await;
    let open_id = account.open_id(0).await;
    schedule(&account, "2026-11-22T23:59:59+08:00").await;
    let fast = clock(&server, json!({"mode": "running", "rate": 36_000})).await;
    assert_eq!(
        (&fast["mode"], &fast["rate"]),
        (&json!("running"), &json!(36_000.0))
    );
    let shown = pass(&server, &wall, 1_000).await;
    assert_eq!(shown["now"], "2026-11-22T20:00:00+08:00");
    assert!(account.inbox(&open_id).await.is_empty());
    let shown = pass(&server, &wall, 1_000).await;
    assert_eq!(shown["now"], "2026-11-23T06:00:00+08:00");
    let entry = account.inbox(&open_id).await.swap_remove(0);
    assert!(
        entry.to_string().contains("2026-11-22T23:59:59"),
        "one step over midnight, and yet at its time: {entry}"
    );
}

#[tokio::test]
async fn an_accelerated_clock_can_be_advanced_frozen_and_slowed_down() {
    let (_folder, wall, server) = beside_a_wall().await;
    clock(&server, json!({"rate": 60})).await;
    let shown_then = clock(&server, json!({"advance_seconds": 3_600})).await;
    assert_eq!(shown_then["now"], "2026-11-22T11:00:00+08:00");
    assert_eq!(shown_then["rate"], 60.0, "it goes on as it went");
    let now = pass(&server, &wall, 1_000).await;
    assert_eq!(now["now"], "2026-11-22T11:01:00+08:00");
    let frozen = clock(&server, json!({"mode": "frozen"})).await;
    wall.set(wall.now().plus_seconds(3_600));
    assert_eq!(shown(&server).await, frozen);
    clock(&server, json!({"mode": "running", "rate": 0.5})).await;
    pass(&server, &wall, 1_000).await;
    let slow = pass(&server, &wall, 1_000).await;
    assert_eq!(slow["now"], "2026-11-22T11:01:01+08:00");
}
