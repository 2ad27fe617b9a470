//! Made-up followers: as described, the same for the same seed, and readers of what arrives.

use std::{sync::Arc, time::Duration};

use qunfa::{
    clock::WallClock,
    sandbox::{Reading, World},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{SERVICE, TestAccount, TestServer, accepted};

fn world() -> World {
    World {
        tags: vec![("vip".into(), 0.05), ("city".into(), 0.3)],
        languages: vec![("zh_CN".into(), 0.8), ("ja".into(), 0.2)],
        opt_out_rate: 0.1,
        unsubscribe_rate: 0.2,
        ..World::default()
    }
}

async fn start(folder: &tempfile::TempDir, followers: usize, world: World) -> TestServer {
    TestServer::open(
        folder.path(),
        followers,
        (world, Arc::new(WallClock::default())),
        None,
    )
    .await
}

/// Everybody and everything that the API tells of them.
async fn export(account: &TestAccount<'_>) -> Vec<Value> {
    let all = account.get("/cgi-bin/user/get").await;
    let mut export = vec![account.get("/cgi-bin/tags/get").await, all.clone()];
    for open_ids in all["data"]["openid"].as_array().expect("OpenIDs").chunks(100) {
        let list: Vec<Value> = open_ids
            .iter()
            .map(|open_id| json!({"openid": open_id}))
            .collect();
        let answer = account
            .call("/cgi-bin/user/info/batchget", json!({"user_list": list}))
            .await;
        assert!(answer["user_info_list"].is_array(), "{answer}");
        export.push(answer);
    }
    export
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let first = start(&folders[0], 500, world()).await;
    let second = start(&folders[1], 500, world()).await;
    let (one, two) = (first.account(SERVICE).await, second.account(SERVICE).await);
    assert_eq!(export(&one).await, export(&two).await);
}

#[tokio::test]
async fn followers_are_as_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder, 2_000, world()).await;
    let account = server.account(SERVICE).await;
    let about = |found: &Value, expected: i64| {
        let found = found.as_i64().expect("a number");
        assert!((found - expected).abs() < expected / 4, "{found}, not {expected}");
    };
    let tags = account.get("/cgi-bin/tags/get").await;
    let tag = |name: &str| {
        let tags = tags["tags"].as_array().expect("tags");
        let tag = tags.iter().find(|tag| tag["name"] == name);
        tag.unwrap_or_else(|| panic!("no {name}: {tags:?}")).clone()
    };
    about(&account.get("/cgi-bin/user/get").await["total"], 1_600);
    about(&tag("even")["count"], 800);
    about(&tag("vip")["count"], 80);
    about(&tag("city")["count"], 480);
    assert_eq!(
        (&tag("even")["id"], &tag("vip")["id"]),
        (&json!(100), &json!(103))
    );
    let id = accepted(&account.send_text("hallo").await);
    server.settle().await;
    let report = account.report(&id).await;
    about(&report["total_count"], 1_600);
    about(&report["sent_count"], 1_440);
}

#[tokio::test]
async fn who_left_is_known_and_does_not_follow() {
    let folder = tempfile::tempdir().expect("a folder");
    let everybody = World {
        unsubscribe_rate: 1.0,
        ..World::default()
    };
    let server = start(&folder, 20, everybody).await;
    let account = server.account(SERVICE).await;
    let all = account.get("/cgi-bin/user/get").await;
    assert_eq!(all["total"], 0, "{all}");
    let id = accepted(&account.send_text_to_tag(100, "nobody").await);
    server.settle().await;
    assert_eq!(account.report(&id).await["total_count"], 0);
}

/// Reads of the sent news by day: count and people, of the article with this number.
async fn reads(account: &TestAccount<'_>, day: &str, article: &str) -> (u64, u64) {
    let body = json!({"begin_date": day, "end_date": day});
    let answer = account.call("/datacube/getarticlesummary", body).await;
    let list = answer["list"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let row = list
        .iter()
        .find(|row| row["msgid"].as_str().is_some_and(|id| id.ends_with(article)));
    row.map_or((0, 0), |row| {
        let number = |name: &str| row[name].as_u64().expect("a number");
        (number("int_page_read_count"), number("int_page_read_user"))
    })
}

fn readers(open_rate: f64) -> World {
    World {
        reading: Reading {
            open_rate,
            median: Duration::from_secs(3_600),
        },
        ..World::default()
    }
}

async fn send_news(account: &TestAccount<'_>) -> Value {
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await)
}

#[tokio::test]
async fn readers_open_what_arrives_after_a_while_of_virtual_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder, 1_000, readers(0.4)).await;
    let account = server.account(SERVICE).await;
    send_news(&account).await;
    server.advance(13 * 3_600).await;
    server.advance(33 * 3_600).await;
    let account = server.account(SERVICE).await;
    let (times, people) = reads(&account, "2026-11-22", "_1").await;
    assert!((350..450).contains(&people), "{people}");
    assert_eq!(times, people, "everybody opens it once");
    let (_, second) = reads(&account, "2026-11-22", "_2").await;
    assert!((100..220).contains(&second), "some go on: {second}");
    let next_day = reads(&account, "2026-11-23", "_1").await;
    assert!(next_day.0 < 10, "a few are late: {next_day:?}");
}

#[tokio::test]
async fn readers_are_the_same_however_the_clock_moved() {
    let mut found = Vec::new();
    for steps in [1, 23] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = start(&folder, 300, readers(0.5)).await;
        let account = server.account(SERVICE).await;
        send_news(&account).await;
        for _ in 0..steps {
            server.advance(46 * 3_600 / steps).await;
        }
        let account = server.account(SERVICE).await;
        found.push([
            reads(&account, "2026-11-22", "_1").await,
            reads(&account, "2026-11-22", "_2").await,
        ]);
    }
    assert_eq!(found[0], found[1]);
    assert!(found[0][0].0 > 100);
}

#[tokio::test]
async fn nobody_reads_what_was_recalled() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder, 200, readers(1.0)).await;
    let account = server.account(SERVICE).await;
    let id = send_news(&account).await;
    server.settle().await;
    let path = format!("/v1/accounts/{SERVICE}/masses/{id}/recall");
    let (status, answer) = server.native(Method::POST, &path, None).await;
    assert!(status < 300, "{answer}");
    server.advance(46 * 3_600).await;
    let account = server.account(SERVICE).await;
    assert_eq!(reads(&account, "2026-11-22", "_1").await, (0, 0));
}

#[tokio::test]
async fn a_restarted_sandbox_counts_nobody_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder, 300, readers(1.0)).await;
    let account = server.account(SERVICE).await;
    send_news(&account).await;
    server.advance(3_600).await;
    server.stop().await;
    let server = start(&folder, 300, readers(1.0)).await;
    server.advance(45 * 3_600).await;
    let account = server.account(SERVICE).await;
    let (times, people) = reads(&account, "2026-11-22", "_1").await;
    assert_eq!(times, people);
    assert!(people > 290, "{people}");
}
