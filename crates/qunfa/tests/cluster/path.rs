//! The shortest way through a cluster: what one node is told, all others know.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fleet::Fleet,
    parts::{account, mass, people, reader, send, token, until},
    process::Client,
    receiver::Receiver,
    world::Account,
};

/// I15: on every node.
const SEEN: Duration = Duration::from_secs(5);
const DELIVERED: Duration = Duration::from_secs(15);
const FOLLOWERS: usize = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_is_told_all_nodes_know() {
    let mut fleet = Fleet::start(3).await;
    let [a, b, c] = &fleet.nodes[..] else {
        panic!("three nodes")
    };
    let receiver = Receiver::start().await;
    let one = account(&a.client, "Path").await;
    let callback = json!({"callback": {"url": receiver.url(0), "token": "token123", "mode": "plain"}});
    let path = format!("/v1/accounts/{}", one.app_id);
    b.client.must(Method::PATCH, &path, Some(&callback)).await;
    people(&a.client, &one, FOLLOWERS).await;
    let access = token(&b.client, &one).await;
    let reads = reader(&a.client, &one, FOLLOWERS - 1).await.token;

    let id = send(&b.client, &access, "one").await;
    let took = until(DELIVERED, "the entry", async || {
        entries(&c.client, &reads).await == 1
    })
    .await;
    println!(
        "sent through one node, read through another after {} ms",
        took.as_millis()
    );
    until(DELIVERED, "the event", async || receiver.told(0, id).len() == 1).await;
    for node in &fleet.nodes {
        let mass = mass(&node.client, &one, id).await;
        assert_eq!(
            (&mass["sent_count"], &mass["state"]),
            (&json!(FOLLOWERS), &json!("succeeded")),
            "i04: {mass}"
        );
    }

    recall_is_seen_everywhere(&fleet, &one, id, &reads).await;
    deletion_is_seen_everywhere(&fleet, &one, &access, &reads).await;
    a_token_that_ends_ends_everywhere(&fleet, &one).await;
    assert_eq!(receiver.told(0, id).len(), 1, "i19: once");
    fleet.check();
    fleet.heal().await;
    fleet.check_logs();
}

async fn recall_is_seen_everywhere(fleet: &Fleet, one: &Account, id: i64, reads: &str) {
    let path = format!("/v1/accounts/{}/masses/{id}/recall", one.app_id);
    fleet.nodes[0].client.must(Method::POST, &path, None).await;
    for node in &fleet.nodes {
        let gone = async || entries(&node.client, reads).await == 0;
        let took = until(SEEN, "i15: the entry is gone", gone).await;
        println!("a recall is seen after {} ms", took.as_millis());
    }
}

/// News whose cover one node takes and whose text the other; its media_id.
pub async fn news(takes_cover: &Client, takes_text: &Client, access: &str) -> Value {
    let part = reqwest::multipart::Part::bytes(picture()).file_name("cover.jpg");
    let form = reqwest::multipart::Form::new().part("media", part);
    let upload = format!("/cgi-bin/media/upload?type=thumb&access_token={access}");
    let upload = takes_cover.request(Method::POST, &upload).multipart(form);
    let upload = takes_cover.api(upload).await;
    let thumb = upload.expect("an answer")["thumb_media_id"].clone();
    let articles = json!({"articles": [{"title": "t", "thumb_media_id": thumb, "content": "<p>正文</p>"}]});
    let news = takes_text
        .post("/cgi-bin/media/uploadnews", access, &articles)
        .await;
    news.expect("an answer")["media_id"].clone()
}

async fn deletion_is_seen_everywhere(fleet: &Fleet, one: &Account, access: &str, reads: &str) {
    let [a, b, c] = &fleet.nodes[..] else {
        panic!("three nodes")
    };
    let news = news(&a.client, &b.client, access).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    let sent = c
        .client
        .post("/cgi-bin/message/mass/sendall", access, &body)
        .await;
    let id = sent.expect("an answer")["msg_id"].clone();
    until(DELIVERED, "the news", async || {
        entries(&a.client, reads).await == 1
    })
    .await;
    let entry = b.client.entries(reads).await.expect("an inbox").remove(0);
    let link = link_of(&entry);
    for node in &fleet.nodes {
        assert!(page(&node.client, &link).await.contains("正文"));
    }
    let finished =
        async || mass(&b.client, one, id.as_i64().expect("a number")).await["state"] == "succeeded";
    until(DELIVERED, "it is finished", finished).await;
    let body = json!({"msg_id": id});
    let deleted = b.client.post("/cgi-bin/message/mass/delete", access, &body).await;
    assert_eq!(deleted.expect("an answer")["errcode"], 0);
    for node in &fleet.nodes {
        let dead = async || !page(&node.client, &link).await.contains("正文");
        let took = until(SEEN, "i15: the page is dead", dead).await;
        println!("a deletion is seen after {} ms", took.as_millis());
        assert_eq!(entries(&node.client, reads).await, 1, "the card stays");
    }
}

async fn a_token_that_ends_ends_everywhere(fleet: &Fleet, one: &Account) {
    let renew = async |client: &Client, force: bool| -> String {
        let body = json!({"grant_type": "client_credential", "appid": one.app_id, "secret": one.secret,
            "force_refresh": force});
        let request = client.request(Method::POST, "/cgi-bin/stable_token");
        let answer = client
            .api(request.body(body.to_string()))
            .await
            .expect("an answer");
        answer["access_token"].as_str().expect("a token").to_owned()
    };
    let old = renew(&fleet.nodes[0].client, false).await;
    let works = async |client: &Client, token: &str| {
        let answer = client
            .post("/cgi-bin/message/mass/speed/get", token, &json!({}))
            .await;
        answer.expect("an answer")["errcode"].as_i64().unwrap_or_default()
    };
    for node in &fleet.nodes {
        assert_eq!(works(&node.client, &old).await, 0);
        assert_eq!(
            renew(&node.client, false).await,
            old,
            "i10: the same on every node"
        );
    }
    let new = renew(&fleet.nodes[1].client, true).await;
    for node in &fleet.nodes {
        assert_eq!(works(&node.client, &new).await, 0);
        let refused = works(&node.client, &old).await;
        assert!(matches!(refused, 40_001 | 42_001), "sec02: {refused}");
    }
}

async fn entries(client: &Client, reads: &str) -> usize {
    client.entries(reads).await.expect("an inbox").len()
}

/// Where the first article of an entry is, on any node.
fn link_of(entry: &Value) -> String {
    let url = entry["articles"][0]["url"].as_str().or(entry["url"].as_str());
    let url = url.unwrap_or_else(|| panic!("no link: {entry}"));
    format!("/s/{}", url.split_once("/s/").expect("a link").1)
}

async fn page(client: &Client, link: &str) -> String {
    let answer = client.request(Method::GET, link).send().await.expect("an answer");
    answer.text().await.expect("a text")
}

fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 5, y as u8 * 5, 9]))
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .expect("a picture can be written");
    bytes.into_inner()
}
