//! What several of these tests ask of nodes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    process::Client,
    world::{self, Account, Purpose, Reader, World, import, log_in},
};

/// A new world on nodes that run.
pub async fn world(client: &Client, purposes: &[Purpose]) -> World {
    let mut accounts = Vec::new();
    for purpose in purposes {
        accounts.push(world::account(client, *purpose).await);
    }
    let world = World::new(tempfile::tempdir().expect("a folder"), accounts).await;
    world.enter(client).await;
    world
}

/// An account whose quota allows everything, as most tests need it.
pub async fn account(client: &Client, name: &str) -> Account {
    let body = json!({"name": name, "kind": "service", "verified": true, "quota": {
        "sends_per_day": null, "calls_per_day": null, "receipts_per_month": null, "history_per_day": null,
        "history_per_month": null, "calls_per_minute": null}});
    let made = client.must(Method::POST, "/v1/accounts", Some(&body)).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    Account {
        purpose: Purpose::Open,
        app_id: text("appid"),
        secret: text("secret"),
        tag: 0,
        other_tag: 0,
        readers: Vec::new(),
    }
}

/// Imports followers `p0` … in files of a hundred thousand.
pub async fn people(client: &Client, account: &Account, followers: usize) {
    const FILE: usize = 100_000;
    for first in (0..followers).step_by(FILE) {
        let rows = (first..(first + FILE).min(followers)).map(|number| format!("p{number}\n"));
        let file = format!("external_id\n{}", rows.collect::<String>());
        let (status, report) = import(client, &account.app_id, file).await.expect("an answer");
        assert_eq!(status, 200, "{report}");
    }
}

/// How often a send that was answered with -1 is repeated.
const TRIES: usize = 5;

/// A token that reads the inbox of this follower.
pub async fn reader(client: &Client, account: &Account, number: usize) -> Reader {
    let who = json!({"external_id": format!("p{number}"), "expires_in": 86_400});
    let path = format!("/v1/accounts/{}/inbox-tokens", account.app_id);
    let issued = client.must(Method::POST, &path, Some(&who)).await;
    Reader {
        open_id: String::new(),
        token: issued["token"].as_str().expect("a token").to_owned(),
    }
}

/// Sends a text to everybody; its number. A busy machine may make the server say -1: then again, as a caller does; the key
/// sees to it that it is one send.
pub async fn send(client: &Client, token: &str, key: &str) -> i64 {
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "text"},
        "clientmsgid": key});
    let mut answer = Value::Null;
    for _ in 0..TRIES {
        let told = client.post("/cgi-bin/message/mass/sendall", token, &body).await;
        answer = told.expect("an answer");
        if answer["errcode"] != -1 {
            break;
        }
    }
    answer["msg_id"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// What the native API says of a mass.
pub async fn mass(client: &Client, account: &Account, id: i64) -> Value {
    let path = format!("/v1/accounts/{}/masses/{id}", account.app_id);
    client.must(Method::GET, &path, None).await
}

/// A token of the account.
pub async fn token(client: &Client, account: &Account) -> String {
    log_in(client, account).await.expect("a token")
}

/// Asks again until it holds; how long that took.
pub async fn until(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}
