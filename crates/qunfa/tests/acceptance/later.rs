//! L1–L21: rules that the platform added later.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures::stream;
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use wire::callback::{AesKey, decrypt, encrypt, msg_signature, signature};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted, files, receiver::Receiver, refused},
    help::{
        DAY, DELETED, EVEN, GET, SENDALL, SPEED_GET, SPEED_SET, UPLOADNEWS, and, counts, element, finish,
        finishes, keyed, keys, medium, number, slow_server, string, text,
    },
};

const AES_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const TAGGING: &str = "/cgi-bin/tags/members/batchtagging";
const BLACKLIST: &str = "/cgi-bin/tags/members/batchblacklist";
const BATCHGET: &str = "/cgi-bin/user/info/batchget";

/// A text that is long enough to be somebody's work.
fn essay(words: &str) -> String {
    let sentences: String = (0..40)
        .map(|number| {
            format!(
                "{words}的第{number}段，讲{}件不同的事，结论是{}。",
                number * 7,
                number * 13
            )
        })
        .collect();
    format!("<p>{sentences}</p>")
}

/// The subscription account declares an article original, after sending it; its link.
async fn original(server: &TestServer, words: &str, can_reprint: bool) -> String {
    let author = server.account(SUBSCRIPTION).await;
    author
        .quota(json!({"sends_per_day": null, "history_per_day": null}))
        .await;
    let news = author
        .news_of(json!({"title": words, "content": essay(words)}))
        .await;
    accepted(&author.send_all(medium("mpnews", &news)).await);
    server.settle().await;
    let body = json!({"media_id": news, "article_idx": 1, "can_reprint": can_reprint});
    let path = format!("/v1/accounts/{SUBSCRIPTION}/originals");
    let (status, answer) = server.native(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{answer}");
    string(&author.newest(0).await["url"])
}

/// The service account sends the same text; the event.
async fn repeated(server: &TestServer, words: &str, ignore: Value) -> String {
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let news = account
        .news_of(json!({"title": "转来的", "content": essay(words)}))
        .await;
    let message = and(medium("mpnews", &news), json!({"send_ignore_reprint": ignore}));
    accepted(&account.send_tag(EVEN, message).await);
    server.advance(60).await;
    finish(&receiver)
}

#[tokio::test]
async fn l01_a_reprint_stops_the_send_unless_the_sender_goes_on() {
    let server = TestServer::start().await;
    original(&server, "春天", true).await;
    let account = server.account(SERVICE).await;
    for ignore in [json!(null), json!(0)] {
        let event = repeated(&server, "春天", ignore).await;
        assert_eq!(element(&event, "Status"), "err(30003)", "{event}");
        assert!(account.inbox(&account.open_id(0).await).await.is_empty());
    }
    let event = repeated(&server, "春天", json!(1)).await;
    assert_eq!(element(&event, "Status"), "send success", "{event}");
    let page = server.page(&account.newest(0).await["url"]).await;
    assert!(page.contains("沙盒订阅号"), "the source is shown: {page}");
}

#[tokio::test]
async fn l01_what_must_not_be_reprinted_is_not_sent_whatever_the_flag() {
    let server = TestServer::start().await;
    original(&server, "秋天", false).await;
    for ignore in [0, 1] {
        let event = repeated(&server, "秋天", json!(ignore)).await;
        assert_eq!(element(&event, "Status"), "err(30002)", "{event}");
    }
    let event = repeated(&server, "另一个季节", json!(0)).await;
    assert_eq!(element(&event, "Status"), "send success", "another text: {event}");
}

#[tokio::test]
async fn l02_a_key_is_taken_once_in_a_day() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let first = accepted(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await);
    let again = account.send_tag(EVEN, keyed(text("another text"), "钥匙")).await;
    assert_eq!(
        again,
        json!({"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": first})
    );
    let open_ids = account.open_ids(2).await;
    let list = account
        .send_list(&[&open_ids[0], &open_ids[1]], keyed(text("b"), "钥匙"))
        .await;
    assert_eq!(
        (&list["errcode"], &list["msg_id"]),
        (&json!(45065), &first),
        "one space of keys"
    );
    server.advance(DAY - 1).await;
    let account = server.account(SERVICE).await;
    refused(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await, 45065);
    server.advance(1).await;
    accepted(&account.send_tag(EVEN, keyed(text("a"), "钥匙")).await);
}

/// A request whose headers are with the server while its body still is in the test's hands.
fn begun(
    account: &TestAccount<'_>,
    body: &Value,
) -> (
    mpsc::Sender<Result<Bytes, std::io::Error>>,
    reqwest::RequestBuilder,
) {
    let (feed, mut fed) = mpsc::channel(1);
    let stream = stream::poll_fn(move |context| fed.poll_recv(context));
    let length = body.to_string().len();
    let request = account
        .server
        .request(Method::POST, &account.path(SENDALL))
        .header("content-length", length)
        .body(reqwest::Body::wrap_stream(stream));
    (feed, request)
}

/// Nothing is decided while this lives: the store cannot write.
fn stalled(folder: &Path) -> rusqlite::Connection {
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("a database");
    let connection = rusqlite::Connection::open(file).expect("opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("is set");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locks");
    connection
}

#[tokio::test]
async fn l03_the_second_of_two_equal_calls_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::in_folder(folder.path(), 10).await;
    let account = server.account(SERVICE).await;
    let body = and(
        keyed(text("x"), "the same"),
        json!({"filter": {"is_to_all": true}}),
    );
    // Both calls are admitted and counted; then the store stops writing; then both say what they want.
    let (first_feed, first) = begun(&account, &body);
    let (second_feed, second) = begun(&account, &body);
    let first = tokio::spawn(first.send());
    let second = tokio::spawn(second.send());
    let usage = format!("/v1/accounts/{SERVICE}/usage");
    while server.native(Method::GET, &usage, None).await.1["calls_this_minute"] != 2 {
        tokio::task::yield_now().await;
    }
    let stall = stalled(folder.path());
    for feed in [&first_feed, &second_feed] {
        feed.send(Ok(Bytes::from(body.to_string())))
            .await
            .expect("is read");
    }
    drop((first_feed, second_feed));
    let (loser, winner) = match futures::future::select(first, second).await {
        futures::future::Either::Left((loser, winner)) | futures::future::Either::Right((loser, winner)) => {
            (loser, winner)
        }
    };
    let loser: Value = loser
        .expect("ends")
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    refused(&loser, 45066);
    stall.execute_batch("ROLLBACK").expect("unlocks");
    drop(stall);
    let winner: Value = winner
        .await
        .expect("ends")
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = accepted(&winner);
    let third = account.call(SENDALL, body).await;
    assert_eq!(
        (&third["errcode"], &third["msg_id"]),
        (&json!(45065), &id),
        "decided by now"
    );
    server.stop().await;
}

#[tokio::test]
async fn l04_a_key_has_at_most_sixty_four_bytes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let of_bytes = |bytes: usize| "k".repeat(bytes);
    refused(
        &account.send_tag(EVEN, keyed(text("x"), &of_bytes(65))).await,
        45067,
    );
    refused(
        &account.send_tag(EVEN, keyed(text("x"), &"钥".repeat(22))).await,
        45067,
    );
    accepted(&account.send_tag(EVEN, keyed(text("x"), &of_bytes(64))).await);
}

#[tokio::test]
async fn l05_without_a_key_audience_and_content_are_the_key() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let first = accepted(&account.send_tag(EVEN, text("same")).await);
    let again = account.send_tag(EVEN, text("same")).await;
    assert_eq!((&again["errcode"], &again["msg_id"]), (&json!(45065), &first));
    accepted(&account.send_tag(EVEN, text("other")).await);
    accepted(&account.send_tag(101, text("same")).await);
    accepted(&account.send_all(text("same")).await);
    server.advance(DAY).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("same")).await);
    // The operator may switch the rule off.
    server.change(SERVICE, json!({"repeat_check": false})).await;
    accepted(&account.send_tag(EVEN, text("same")).await);
}

#[tokio::test]
async fn l06_sixty_calls_a_minute() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=60 {
        let answer = account.send_tag(EVEN, text(&format!("call {number}"))).await;
        assert_eq!(answer["errcode"], 0, "call {number}: {answer}");
    }
    refused(&account.send_tag(EVEN, text("call 61")).await, 45011);
    let open_ids = account.open_ids(2).await;
    refused(
        &account
            .send_list(&[&open_ids[0], &open_ids[1]], text("call 61"))
            .await,
        45011,
    );
    server.advance(59).await;
    refused(&account.send_tag(EVEN, text("call 61")).await, 45011);
    server.advance(1).await;
    accepted(&account.send_tag(EVEN, text("call 61")).await);
}

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
    server.advance(3_600).await;
    assert_eq!(account.status(&failed).await, "SEND_FAIL");
    server.next_verdict(SERVICE, json!({"code": 20002})).await;
    let judged = accepted(&account.send_tag(EVEN, text("y")).await);
    server.advance(3_600).await;
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

/// A protected account that has sent to all; the `msg_id`.
async fn waiting(account: &TestAccount<'_>) -> Value {
    account.server.change(SERVICE, json!({"protect": true})).await;
    let id = accepted(&account.send_all(text("等确认")).await);
    account.server.settle().await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert_eq!(account.report(&id).await["waiting_for"], "confirmation");
    assert!(account.texts(0).await.is_empty());
    id
}

/// The administrator decides.
async fn decide(server: &TestServer, id: &Value, what: &str) {
    let path = format!("/v1/accounts/{SERVICE}/masses/{id}/{what}");
    let (status, answer) = server.native(Method::POST, &path, None).await;
    assert!((200..300).contains(&status), "{status} {answer}");
    server.settle().await;
}

#[tokio::test]
async fn l12_a_protected_send_goes_out_when_it_is_confirmed() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    refused(&account.send_all(text("noch eins")).await, 89504);
    accepted(&account.send_tag(EVEN, text("to a tag")).await);
    server.settle().await;
    assert_eq!(account.texts(0).await, ["to a tag"], "only sends to all wait");
    server.advance(29 * 60).await;
    decide(&server, &id, "confirm").await;
    server.advance(60).await;
    assert_eq!(account.status(&id).await, "SEND_SUCCESS");
    assert_eq!(account.texts(1).await, ["等确认"]);
    assert!(
        finishes(&receiver)
            .iter()
            .all(|event| element(event, "Status") == "send success")
    );
}

#[tokio::test]
async fn l12_a_protected_send_that_is_refused_fails_with_40001() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    decide(&server, &id, "refuse").await;
    assert_eq!(element(&finish(&receiver), "Status"), "err(40001)");
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    assert!(account.texts(0).await.is_empty());
}

#[tokio::test]
async fn l12_a_protected_send_that_nobody_answers_for_fails_after_thirty_minutes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let id = waiting(&account).await;
    server.advance(30 * 60 - 1).await;
    assert_eq!(account.status(&id).await, "SENDING");
    assert!(finishes(&receiver).is_empty());
    server.advance(1).await;
    assert_eq!(element(&finish(&receiver), "Status"), "err(40002)");
    assert_eq!(account.status(&id).await, "SEND_FAIL");
    assert!(account.texts(0).await.is_empty());
}

#[tokio::test]
async fn l13_the_event_of_a_news_names_its_links_after_the_result_of_the_check() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    accepted(
        &account
            .send_tag(EVEN, medium("mpnews", &account.news(2).await))
            .await,
    );
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let mut events = finishes(&receiver);
    events.sort_unstable_by_key(|event| number(event, "MsgID"));
    let check = element(&events[0], "CopyrightCheckResult");
    assert_eq!(
        check, "<Count>0</Count><ResultList></ResultList><CheckState>0</CheckState>",
        "reading 17"
    );
    let urls = element(&events[0], "ArticleUrlResult");
    assert_eq!(number(urls, "Count"), 2);
    let entry = account.inbox(&account.open_id(0).await).await;
    let news = entry
        .iter()
        .find(|entry| entry["type"] == "mpnews")
        .expect("the news");
    for (number, item) in urls.split("<item>").skip(1).enumerate() {
        assert_eq!(element(item, "ArticleIdx"), (number + 1).to_string());
        let url = json!(element(item, "ArticleUrl"));
        assert_eq!(url, news["articles"][number]["url"]);
        assert!(server.page(&url).await.contains(&format!("正文{}", number + 1)));
    }
    let place = |name: &str| events[0].find(name).expect("there");
    assert!(place("</ErrorCount>") < place("<CopyrightCheckResult>"));
    assert!(place("</CopyrightCheckResult>") < place("<ArticleUrlResult>"));
    assert_eq!(
        number(element(&events[1], "ArticleUrlResult"), "Count"),
        0,
        "a text has none"
    );
}

#[tokio::test]
async fn l13_the_event_of_a_reprint_says_what_it_is_like() {
    let server = TestServer::start().await;
    let link = original(&server, "夏天", true).await;
    let event = repeated(&server, "夏天", json!(1)).await;
    let check = element(&event, "CopyrightCheckResult");
    assert_eq!(number(check, "Count"), 1, "{check}");
    assert_eq!(number(check, "ArticleIdx"), 1);
    assert_eq!(element(check, "OriginalArticleUrl"), link);
    assert_eq!(number(check, "OriginalArticleType"), 1);
    assert_eq!(number(check, "CanReprint"), 1);
    assert_eq!(number(check, "CheckState"), 2);
    assert!(server.page(&json!(link)).await.contains("夏天"), "the link opens");
    assert_eq!(number(element(&event, "ArticleUrlResult"), "Count"), 1);

    let link = original(&server, "冬天", false).await;
    let event = repeated(&server, "冬天", json!(1)).await;
    let check = element(&event, "CopyrightCheckResult");
    assert_eq!(element(check, "OriginalArticleUrl"), link);
    assert_eq!((number(check, "CanReprint"), number(check, "CheckState")), (0, 3));
    assert_eq!(
        number(element(&event, "ArticleUrlResult"), "Count"),
        0,
        "nothing was sent"
    );
    assert_eq!(counts(&event), [0, 0, 0, 0]);
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

/// Answers the handshake and then only listens: the first event until the other side gives up, all later
/// ones are cut off at once.
struct Silent {
    url: String,
    bodies: mpsc::UnboundedReceiver<(String, Duration)>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/wx", listener.local_addr().expect("an address"));
        let (told, bodies) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut patient = true;
            while let Ok((mut stream, _)) = listener.accept().await {
                let (head, body) = read_request(&mut stream).await;
                if let Some((_, echo)) = head.split_once("echostr=") {
                    let echo = echo.split(['&', ' ']).next().expect("a value");
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{echo}",
                        echo.len()
                    );
                    stream.write_all(answer.as_bytes()).await.expect("is written");
                    continue;
                }
                let began = tokio::time::Instant::now();
                if std::mem::take(&mut patient) {
                    let _ = stream.read(&mut [0]).await;
                }
                let _ = told.send((body, began.elapsed()));
            }
        });
        Self { url, bodies }
    }
}

/// The first line with the headers, and the body.
async fn read_request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .map_or(0, |length| length.trim().parse().expect("a number"));
            if body.len() >= length {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.expect("is read");
        assert!(read > 0, "a whole request");
        bytes.extend_from_slice(&part[..read]);
    }
}

#[tokio::test]
async fn l15_a_receiver_that_never_answers_sees_the_same_event_three_times() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut silent = Silent::start().await;
    let callback = json!({"url": silent.url, "token": "token123", "mode": "plain"});
    server.change(SERVICE, json!({"callback": callback})).await;
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let (first, held) = silent.bodies.recv().await.expect("a try");
    assert!(
        held >= Duration::from_millis(4_500) && held < Duration::from_secs(8),
        "5 s: {held:?}"
    );
    assert!(first.contains("MASSSENDJOBFINISH"));
    for _ in 0..2 {
        assert!(silent.bodies.try_recv().is_err(), "not before its time");
        server.advance(5).await;
        let (again, _) = silent.bodies.recv().await.expect("a try");
        assert_eq!(again, first);
    }
    server.advance(DAY).await;
    assert!(silent.bodies.try_recv().is_err(), "three tries and no more");
}

#[tokio::test]
async fn l15_a_receiver_that_answers_an_error_is_tried_three_times_too() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    receiver.fail(usize::MAX);
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    for tries in 1..=3 {
        assert_eq!(receiver.events().len(), tries);
        server.advance(4).await;
        assert_eq!(receiver.events().len(), tries, "five seconds apart");
        server.advance(1).await;
    }
    server.advance(DAY).await;
    let events = receiver.events();
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!(event.body, events[0].body);
        let expected = signature("token123", &event.query["timestamp"], &event.query["nonce"]);
        assert_eq!(event.query["signature"], expected);
    }
}

#[tokio::test]
async fn l16_the_url_is_verified_with_a_signed_get_before_it_is_saved() {
    // The official sample; the receiver below checks every handshake with the same function.
    let sample = signature("AAAAA", "1714037059", "486452656");
    assert_eq!(sample, "899cf89e464efb63f54ddac96b0a0a235f53aa78");
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let save = async |url: &str, token: &str| {
        let callback = json!({"url": url, "token": token, "mode": "plain"});
        let path = format!("/v1/accounts/{SERVICE}");
        server
            .native(Method::PATCH, &path, Some(json!({"callback": callback})))
            .await
            .0
    };
    assert_eq!(save(&receiver.url, "token123").await, 200);
    assert_eq!(
        save(&receiver.url, "othertoken").await,
        400,
        "the receiver has another token"
    );
    assert_eq!(
        save(&receiver.url.replace("/wx", "/nothing"), "token123").await,
        400
    );
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let event = &receiver.events()[0];
    let expected = signature("token123", &event.query["timestamp"], &event.query["nonce"]);
    assert_eq!(event.query["signature"], expected, "the saved token stays");
}

#[tokio::test]
async fn l17_events_are_encrypted_as_the_vector_says() {
    let key = AesKey::parse(AES_KEY).expect("a key");
    let sealed = encrypt(
        &key,
        *b"0123456789abcdef",
        "<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName></xml>",
        "wx0123456789abcdef",
    );
    assert_eq!(
        sealed,
        "4j/AuRx71kQlxVlzbpsMWPUqllsaXV9t+0K48Eyy8R/9zYbSmBKc+8Go7kOiwcq0+fdPG1YP9u2xzkC0z+1xu7E7qQxxNbGEZOJzO\
         BlywptaVSPlgEFaaWDEX0hPvkJv"
    );
    assert_eq!(
        msg_signature("qunfaToken", "1790000000", "4711", &sealed),
        "a5409251ec2676b0d4497b5c173e0901c867aba4"
    );
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let account = server.account(SERVICE).await;
    for (number, mode) in ["plain", "compatible", "safe"].into_iter().enumerate() {
        let callback = json!({"url": receiver.url, "token": "token123", "aes_key": AES_KEY, "mode": mode});
        server.change(SERVICE, json!({"callback": callback})).await;
        let id = accepted(&account.send_tag(EVEN, text(mode)).await);
        server.settle().await;
        let event = receiver.events()[number].clone();
        assert_eq!(
            event.body.contains("MASSSENDJOBFINISH"),
            mode != "safe",
            "{mode}: {}",
            event.body
        );
        if mode == "plain" {
            assert!(!event.body.contains("<Encrypt>") && !event.query.contains_key("msg_signature"));
            continue;
        }
        let sealed = element(&event.body, "Encrypt");
        let (timestamp, nonce) = (&event.query["timestamp"], &event.query["nonce"]);
        let signed = msg_signature("token123", timestamp, nonce, sealed);
        assert_eq!(
            (
                &event.query["msg_signature"],
                event.query["encrypt_type"].as_str()
            ),
            (&signed, "aes")
        );
        let open = decrypt(&key, sealed, SERVICE).expect("opens");
        assert_eq!(element(&open, "MsgID"), id.to_string());
        assert!(event.body.contains("<ToUserName>"));
    }
}

#[tokio::test]
async fn l18_tokens_live_two_hours_and_the_old_one_five_minutes_beside_the_new() {
    let server = TestServer::start().await;
    let old = server.account(SERVICE).await;
    let new = server.account(SERVICE).await;
    assert_ne!(old.token, new.token);
    let works = async |account: &TestAccount<'_>| account.get("/cgi-bin/tags/get").await;
    server.advance(299).await;
    assert!(works(&old).await["tags"].is_array());
    server.advance(2).await;
    refused(&works(&old).await, 40001);
    assert!(works(&new).await["tags"].is_array());
    server.advance(7_200 - 301 - 1).await;
    assert!(works(&new).await["tags"].is_array());
    server.advance(1).await;
    refused(&works(&new).await, 42001);

    let secret = "00000000000000000000000000000001";
    let stable = async |force: bool| {
        let body = json!({"grant_type": "client_credential", "appid": SERVICE, "secret": secret,
            "force_refresh": force});
        server.post("/cgi-bin/stable_token", body.to_string()).await
    };
    let first = stable(false).await;
    server.advance(1_000).await;
    let plain = server.account(SERVICE).await;
    let second = stable(false).await;
    assert_eq!(
        first["access_token"], second["access_token"],
        "unchanged on repeat"
    );
    assert_eq!(
        (&first["expires_in"], &second["expires_in"]),
        (&json!(7_200), &json!(6_200))
    );
    let by_stable = TestAccount {
        server: &server,
        app_id: SERVICE.into(),
        token: string(&first["access_token"]),
    };
    assert!(works(&by_stable).await["tags"].is_array(), "beside a plain one");
    let forced = stable(true).await;
    assert_ne!(forced["access_token"], first["access_token"]);
    refused(&works(&by_stable).await, 40001);
    assert!(
        works(&plain).await["tags"].is_array(),
        "plain ones are another matter"
    );
}

#[tokio::test]
async fn l19_tag_user_and_blacklist_calls_take_fifty_a_hundred_and_twenty() {
    let server = TestServer::with_followers(110).await;
    let account = server.account(SERVICE).await;
    let all = account.open_ids(101).await;
    let tagging = async |count: usize| {
        account
            .call(TAGGING, json!({"openid_list": all[..count], "tagid": 102}))
            .await
    };
    assert_eq!(tagging(50).await["errcode"], 0);
    refused(&tagging(51).await, 40032);
    refused(&tagging(0).await, 40032);
    let list = |count: usize| -> Vec<Value> { all[..count].iter().map(|id| json!({"openid": id})).collect() };
    let infos = account.call(BATCHGET, json!({"user_list": list(100)})).await;
    assert_eq!(
        infos["user_info_list"].as_array().map(Vec::len),
        Some(100),
        "{infos}"
    );
    refused(
        &account.call(BATCHGET, json!({"user_list": list(101)})).await,
        40032,
    );
    let ban = async |count: usize| {
        account
            .call(BLACKLIST, json!({"openid_list": all[..count]}))
            .await
    };
    refused(&ban(21).await, 40032);
    let nobody = account
        .call("/cgi-bin/tags/members/getblacklist", json!({"begin_openid": ""}))
        .await;
    assert_eq!(nobody["total"], 0, "nothing half done: {nobody}");
    assert_eq!(ban(20).await["errcode"], 0);
    let banned = account
        .call("/cgi-bin/tags/members/getblacklist", json!({"begin_openid": ""}))
        .await;
    assert_eq!(banned["total"], 20);
}

#[tokio::test]
async fn l19_an_account_has_a_hundred_tags_and_a_follower_twenty() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut ids = vec![100, 101, 102];
    for number in 4..=100 {
        let body = json!({"tag": {"name": format!("标签{number}")}});
        let answer = account.call("/cgi-bin/tags/create", body).await;
        ids.push(answer["tag"]["id"].as_i64().unwrap_or_else(|| panic!("{answer}")));
    }
    let one_more = json!({"tag": {"name": "第一百零一"}});
    refused(&account.call("/cgi-bin/tags/create", one_more).await, 45056);
    // Follower 1 carries none of the sandbox's tags.
    let open_id = account.open_id(1).await;
    let tag = async |id: i64| {
        account
            .call(TAGGING, json!({"openid_list": [open_id], "tagid": id}))
            .await
    };
    for id in &ids[..20] {
        assert_eq!(tag(*id).await["errcode"], 0);
    }
    refused(&tag(ids[20]).await, 45059);
    let list = account
        .call("/cgi-bin/tags/getidlist", json!({"openid": open_id}))
        .await;
    assert_eq!(list["tagid_list"].as_array().map(Vec::len), Some(20));
    let long = json!({"tag": {"id": ids[5], "name": "长".repeat(31)}});
    refused(&account.call("/cgi-bin/tags/update", long).await, 45158);
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
