//! The library together with the engine: what a send leaves behind, the event of a publication, bytes that go.

use crate::common::{SERVICE, TestAccount, TestServer, accepted, files, receiver::Receiver, refused};
use reqwest::Method;
use serde_json::{Value, json};
use wire::callback::event::PublishFinished;

const DAY: i64 = 24 * 3600;

async fn cover(account: &TestAccount<'_>) -> Value {
    account
        .upload(
            "/cgi-bin/material/add_material?type=thumb",
            files::jpeg(64, 64),
            "cover.jpg",
        )
        .await["media_id"]
        .clone()
}

async fn kept(account: &TestAccount<'_>, call: &str, title: &str) -> Value {
    let article =
        json!({"title": title, "content": format!("<p>{title}</p>"), "thumb_media_id": cover(account).await});
    let answer = account
        .call(&format!("/cgi-bin/{call}"), json!({"articles": [article]}))
        .await;
    assert!(answer["media_id"].is_string(), "{answer}");
    answer["media_id"].clone()
}

fn to_all(id: &Value, key: &str) -> Value {
    json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": id}, "clientmsgid": key})
}

async fn status(url: &Value) -> u16 {
    let page = reqwest::get(url.as_str().expect("a URL"))
        .await
        .expect("an answer");
    page.status().as_u16()
}

#[tokio::test]
async fn l14_a_draft_leaves_its_box_once_it_was_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let draft = kept(&account, "draft/add", "草稿").await;
    let get = async || {
        account
            .call("/cgi-bin/draft/get", json!({"media_id": draft}))
            .await
    };
    let link = get().await["news_item"][0]["url"].clone();
    assert_eq!(status(&link).await, 404, "not public before it is sent");

    let mut preview = to_all(&draft, "");
    preview["touser"] = json!(account.open_id(0).await);
    let previewed = account.call("/cgi-bin/message/mass/preview", preview).await;
    assert_eq!(previewed["errcode"], 0, "{previewed}");
    server.settle().await;
    assert!(get().await["news_item"].is_array(), "a preview is no send");

    account.quota(json!({"history_per_month": 0})).await;
    refused(
        &account
            .call("/cgi-bin/message/mass/sendall", to_all(&draft, "first"))
            .await,
        45028,
    );
    server.settle().await;
    assert!(
        get().await["news_item"].is_array(),
        "what was refused was not sent"
    );

    account.quota(json!({"history_per_month": 4})).await;
    let id = accepted(
        &account
            .call("/cgi-bin/message/mass/sendall", to_all(&draft, "first"))
            .await,
    );
    assert!(get().await["news_item"].is_array(), "it is still on its way");
    server.settle().await;
    assert_eq!(account.report(&id).await["state"], "succeeded");
    assert_eq!(status(&link).await, 200, "the link that the draft had");
    refused(&get().await, 40007);
    refused(
        &account
            .call("/cgi-bin/message/mass/sendall", to_all(&draft, "second"))
            .await,
        40007,
    );
    assert_eq!(account.get("/cgi-bin/draft/count").await["total_count"], 0);
    let entries = account.inbox(&account.open_id(1).await).await;
    assert_eq!(entries[0]["url"], link);
}

#[tokio::test]
async fn s028_a_news_material_stays_and_a_changed_one_gets_other_links() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = kept(&account, "material/add_news", "初稿").await;
    let get = async || {
        account
            .call("/cgi-bin/material/get_material", json!({"media_id": news}))
            .await
    };
    let first = get().await["news_item"][0]["url"].clone();
    for key in ["monday", "tuesday"] {
        accepted(
            &account
                .call("/cgi-bin/message/mass/sendall", to_all(&news, key))
                .await,
        );
        server.settle().await;
    }
    let entries = account.inbox(&account.open_id(0).await).await;
    assert_eq!(
        (&entries[0]["url"], &entries[1]["url"]),
        (&first, &first),
        "mass-send 14.3"
    );

    let article = json!({"title": "二稿", "content": "<p>二稿</p>", "thumb_media_id": cover(&account).await});
    let update = json!({"media_id": news, "index": 0, "articles": article});
    assert_eq!(
        account.call("/cgi-bin/material/update_news", update).await["errcode"],
        0
    );
    let second = get().await["news_item"][0]["url"].clone();
    assert_ne!(second, first);
    assert_eq!((status(&first).await, status(&second).await), (200, 404));
    accepted(
        &account
            .call("/cgi-bin/message/mass/sendall", to_all(&news, "wednesday"))
            .await,
    );
    server.settle().await;
    assert_eq!(status(&second).await, 200);
    let page = reqwest::get(first.as_str().expect("a URL"))
        .await
        .expect("a page");
    assert!(
        page.text().await.expect("a text").contains("初稿"),
        "what was sent stays as it was"
    );
}

#[tokio::test]
async fn a_publication_is_told_and_reaches_nobody() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let account = server.account(SERVICE).await;
    let callback =
        json!({"callback": {"url": receiver.url, "token": "token123", "aes_key": "", "mode": "plain"}});
    let (code, answer) = server
        .native(Method::PATCH, &format!("/v1/accounts/{SERVICE}"), Some(callback))
        .await;
    assert_eq!(code, 200, "{answer}");
    let draft = kept(&account, "draft/add", "公告").await;
    let submitted = account
        .call("/cgi-bin/freepublish/submit", json!({"media_id": draft}))
        .await;
    assert_eq!(submitted["errcode"], 0, "{submitted}");
    server.settle().await;
    let get = json!({"publish_id": submitted["publish_id"]});
    let published = account.call("/cgi-bin/freepublish/get", get).await;
    assert_eq!(receiver.events().len(), 1);
    let event = PublishFinished::from_xml(&receiver.events()[0].body).expect("an event");
    assert_eq!(json!(event.publish_id), submitted["publish_id"]);
    assert_eq!(event.publish_status, 0);
    assert_eq!(json!(event.article_id), published["article_id"]);
    assert_eq!(
        json!(event.articles[0]),
        published["article_detail"]["item"][0]["article_url"]
    );
    assert_eq!(status(&json!(event.articles[0])).await, 200);
    assert!(account.inbox(&account.open_id(0).await).await.is_empty());
    let (_, events) = server
        .native(Method::GET, &format!("/v1/accounts/{SERVICE}/events"), None)
        .await;
    assert_eq!(events["events"][0]["event"], "PUBLISHJOBFINISH");
    assert_eq!(events["events"][0]["state"], "delivered");
}

#[tokio::test]
async fn bytes_go_a_day_after_the_last_thing_that_shows_them() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let upload = async |side: u32| {
        account
            .upload(
                "/cgi-bin/material/add_material?type=image",
                files::jpeg(side, side),
                "a.jpg",
            )
            .await
    };
    let (unused, shown, stays) = (upload(20).await, upload(21).await, upload(22).await);
    let article = json!({"title": "图", "content": format!("<img src={}>", shown["url"]), "thumb_media_id": stays["media_id"]});
    let draft = account
        .call("/cgi-bin/draft/add", json!({"articles": [article]}))
        .await;
    let mut preview = to_all(&draft["media_id"], "");
    preview["touser"] = json!(account.open_id(0).await);
    let previewed = account.call("/cgi-bin/message/mass/preview", preview).await;
    assert_eq!(previewed["errcode"], 0, "{previewed}");
    server.advance(10 * DAY).await;
    let account = server.account(SERVICE).await;
    for picture in [&unused, &shown, &stays] {
        assert_eq!(status(&picture["url"]).await, 200, "what is permanent stays");
    }
    for picture in [&unused, &shown] {
        let gone = json!({"media_id": picture["media_id"]});
        assert_eq!(
            account.call("/cgi-bin/material/del_material", gone).await["errcode"],
            0
        );
    }
    server.advance(2 * DAY).await;
    let account = server.account(SERVICE).await;
    assert_eq!(status(&unused["url"]).await, 404);
    assert_eq!(status(&shown["url"]).await, 200, "a draft shows it");
    let gone = json!({"media_id": draft["media_id"]});
    assert_eq!(account.call("/cgi-bin/draft/delete", gone).await["errcode"], 0);
    server.advance(2 * DAY).await;
    assert_eq!(status(&shown["url"]).await, 404);
    assert_eq!(status(&stays["url"]).await, 200);
}
