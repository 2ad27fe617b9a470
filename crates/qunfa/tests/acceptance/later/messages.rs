//! L7–L11, L14, L20, L21: deleting in parts, states, speed, several pictures, drafts, old spellings.

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted, files, refused},
    help::{
        DELETED, EVEN, GET, SENDALL, SPEED_GET, SPEED_SET, UPLOADNEWS, and, keyed, keys, medium, slow_server,
        string, text,
    },
};
use reqwest::Method;
use reqwest::multipart;
use serde_json::{Value, json};

const TAGGING: &str = "/cgi-bin/tags/members/batchtagging";

/// Sends a news of three articles; its `msg_id` and the links.
async fn three_articles(account: &TestAccount<'_>) -> (Value, Vec<Value>) {
    let id = accepted(&account.send_all(medium("mpnews", &account.news(3).await)).await);
    account.server.settle().await;
    let entry = account.newest(0).await;
    let links = entry["articles"].as_array().expect("articles");
    (id, links.iter().map(|article| article["url"].clone()).collect())
}

/// Which of the pages are dead.
async fn dead(server: &TestServer, links: &[Value]) -> Vec<bool> {
    let mut dead = Vec::new();
    for link in links {
        dead.push(server.page(link).await.contains(DELETED));
    }
    dead
}

#[tokio::test]
async fn l07_one_article_or_all_of_a_news_are_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let (id, links) = three_articles(&account).await;
    for none in [4, -1, 256] {
        refused(
            &account.delete(json!({"msg_id": id, "article_idx": none})).await,
            40060,
        );
    }
    assert_eq!(dead(&server, &links).await, [false; 3]);
    assert_eq!(
        account.delete(json!({"msg_id": id, "article_idx": 2})).await["errcode"],
        0
    );
    assert_eq!(dead(&server, &links).await, [false, true, false]);
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(
        account.delete(json!({"msg_id": id, "article_idx": "3"})).await["errcode"],
        0
    );
    assert_eq!(dead(&server, &links).await, [false, true, true]);
    assert_eq!(
        account.delete(json!({"msg_id": id, "article_idx": 0})).await["errcode"],
        0
    );
    assert_eq!(dead(&server, &links).await, [true; 3]);
    assert_eq!(account.status(&id).await, "DELETE");
}

#[tokio::test]
async fn l08_an_article_is_deleted_by_its_url_if_no_msg_id_is_given() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let (first, first_links) = three_articles(&account).await;
    let (_, links) = three_articles(&account).await;
    assert_eq!(account.delete(json!({"url": links[1]})).await["errcode"], 0);
    assert_eq!(dead(&server, &links).await, [false, true, false]);
    let both = json!({"msg_id": first, "url": links[0], "article_idx": 1});
    assert_eq!(account.delete(both).await["errcode"], 0, "the msg_id wins");
    assert_eq!(dead(&server, &first_links).await, [true, false, false]);
    assert_eq!(dead(&server, &links).await, [false, true, false]);
    refused(&account.delete(json!({})).await, 40059);
    refused(
        &account
            .delete(json!({"url": format!("{}/s/unknown", server.base)}))
            .await,
        40059,
    );
    let other = server.account(SUBSCRIPTION).await;
    refused(&other.delete(json!({"url": links[0]})).await, 40059);
    assert_eq!(dead(&server, &links).await, [false, true, false]);
}

#[tokio::test]
async fn l09_sending_and_delete_are_states_too() {
    let (server, _) = slow_server().await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_all(medium("mpnews", &account.news(1).await)).await);
    server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    account.delete(json!({"msg_id": id})).await;
    assert_eq!(account.status(&id).await, "DELETE");
}

#[tokio::test]
async fn l09_send_fail_is_a_state_too() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    server.next_verdict(SERVICE, json!({"send_fail": true})).await;
    let failed = accepted(&account.send_tag(EVEN, text("x")).await);
    server.advance(60).await;
    assert_eq!(account.status(&failed).await, "SEND_FAIL");
    server.next_verdict(SERVICE, json!({"code": 20002})).await;
    let judged = accepted(&account.send_tag(EVEN, text("y")).await);
    server.advance(60).await;
    assert_eq!(account.status(&judged).await, "SEND_FAIL");
}

#[tokio::test]
async fn l10_the_speed_is_one_of_five() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let get = async || account.call(SPEED_GET, json!({})).await;
    assert_eq!(get().await, json!({"speed": 0, "realspeed": 80}));
    for (speed, realspeed) in [(4, 10), (3, 30), (2, 45), (1, 60), (0, 80)] {
        let set = account.call(SPEED_SET, json!({"speed": speed})).await;
        assert_eq!(set, json!({"errcode": 0, "errmsg": "ok"}));
        assert_eq!(get().await, json!({"speed": speed, "realspeed": realspeed}));
    }
    for out in [json!(5), json!(-1), json!("5"), json!("fast")] {
        refused(&account.call(SPEED_SET, json!({"speed": out})).await, 45083);
    }
    refused(&account.call(SPEED_SET, json!({})).await, 45084);
    assert_eq!(
        account.get(SPEED_GET).await,
        json!({"speed": 0, "realspeed": 80}),
        "nothing changed"
    );
}

#[tokio::test]
async fn l11_one_message_carries_several_pictures() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut pictures = Vec::new();
    let mut ids = Vec::new();
    for width in [30, 40, 50] {
        let picture = files::png(width, 20);
        ids.push(account.uploaded("image", picture.clone(), "a.png").await);
        pictures.push(picture);
    }
    let message = |ids: Value, more: Value| {
        let images = and(json!({"media_ids": ids}), more);
        json!({"msgtype": "image", "images": images})
    };
    let words = json!({"recommend": "Three views", "title": "Harbour", "need_open_comment": 1,
        "only_fans_can_comment": "0"});
    accepted(&account.send_tag(EVEN, message(json!(ids), words)).await);
    server.settle().await;
    let entry = account.newest(0).await;
    assert_eq!(
        (&entry["type"], &entry["title"], &entry["text"]),
        (&json!("image"), &json!("Harbour"), &json!("Three views"))
    );
    let urls = entry["media_urls"].as_array().expect("media_urls");
    assert_eq!(urls.len(), 3, "{entry}");
    assert_eq!(urls[0], entry["media_url"]);
    for (url, picture) in urls.iter().zip(&pictures) {
        assert_eq!(&server.fetch(url).await.2, picture);
    }
    accepted(&account.send_tag(EVEN, message(json!(ids[..2]), json!({}))).await);
    server.settle().await;
    assert_eq!(account.newest(0).await["text"], "分享图片", "recommend's default");
    let many = |count: usize| json!(vec![ids[0].clone(); count]);
    refused(&account.send_tag(EVEN, message(many(0), json!({}))).await, 40215);
    refused(&account.send_tag(EVEN, message(many(21), json!({}))).await, 40215);
    refused(
        &account
            .send_tag(EVEN, message(json!([ids[0], "unknown"]), json!({})))
            .await,
        40007,
    );
    accepted(&account.send_tag(EVEN, message(many(20), json!({}))).await);
}

#[tokio::test]
async fn l14_a_draft_is_gone_after_it_was_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let path = "/cgi-bin/material/add_material?type=thumb";
    let thumb = account.upload(path, files::jpeg(64, 64), "t.jpg").await;
    let draft = async |title: &str| {
        let article = json!({"title": title, "content": "<p>草稿</p>", "thumb_media_id": thumb["media_id"]});
        let answer = account
            .call("/cgi-bin/draft/add", json!({"articles": [article]}))
            .await;
        string(&answer["media_id"])
    };
    let (sent, kept) = (draft("发了").await, draft("没发").await);
    let open_id = account.open_id(0).await;
    assert_eq!(
        account.preview(&open_id, medium("mpnews", &sent)).await["errcode"],
        0
    );
    accepted(&account.send_tag(EVEN, medium("mpnews", &sent)).await);
    server.settle().await;
    refused(
        &account
            .send_tag(EVEN, keyed(medium("mpnews", &sent), "again"))
            .await,
        40007,
    );
    let get = async |id: &str| account.call("/cgi-bin/draft/get", json!({"media_id": id})).await;
    refused(&get(&sent).await, 40007);
    assert_eq!(get(&kept).await["news_item"][0]["title"], "没发");
    assert!(
        server
            .page(&account.newest(0).await["url"])
            .await
            .contains("草稿"),
        "what was sent stays"
    );
    accepted(&account.send_tag(EVEN, medium("mpnews", &kept)).await);
}

#[tokio::test]
async fn l20_the_old_group_id_is_a_tag() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (number, group) in [json!({"group_id": EVEN}), json!({"group_id": EVEN.to_string()})]
        .into_iter()
        .enumerate()
    {
        let body = and(text(&format!("{number}")), json!({"filter": group}));
        accepted(&account.call(SENDALL, body).await);
    }
    refused(
        &account
            .call(SENDALL, and(text("x"), json!({"filter": {"group_id": 99_999}})))
            .await,
        40152,
    );
    server.settle().await;
    assert_eq!(account.texts(0).await, ["0", "1"]);
    assert!(account.texts(1).await.is_empty());
}

#[tokio::test]
async fn l21_paths_methods_and_bodies_that_are_wrong_have_their_codes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for unknown in [
        "/cgi-bin/message/mass/nothing",
        "/cgi-bin/nothing",
        "/datacube/nothing",
        "/cgi-bin/",
    ] {
        refused(&account.call(unknown, json!({})).await, 40066);
        refused(&account.get(unknown).await, 40066);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = server.request(method, &account.path(SENDALL));
        refused(&server.api(request).await, 43002);
    }
    refused(
        &server
            .api(server.request(Method::DELETE, &account.path("/cgi-bin/user/get")))
            .await,
        43001,
    );
    for path in [SENDALL, GET, UPLOADNEWS, TAGGING] {
        for broken in ["{", "[]", "x", "{\"a\":1", "\"text\"", "\u{0}"] {
            let answer = server.post(&account.path(path), broken).await;
            assert_eq!(answer["errcode"], 47001, "{path} {broken}: {answer}");
        }
        refused(&server.post(&account.path(path), "").await, 44002);
    }
    let no_file = multipart::Form::new().text("x", "y");
    let request = server.request(Method::POST, &account.path("/cgi-bin/media/uploadimg"));
    refused(&server.api(request.multipart(no_file)).await, 41005);
    assert_eq!(
        keys(&account.get("/cgi-bin/nothing").await),
        ["errcode", "errmsg"]
    );
}
