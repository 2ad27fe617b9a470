//! One feed: what it begins with, what it tells, where it goes on, when it ends.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    reader::{Feed, Incoming, Transport, close},
    server::{Account, Server, inbox},
};

const BOTH: [Transport; 2] = [Transport::Sse, Transport::WebSocket];

async fn open(transport: Transport, server: &Server, token: &str, last: Option<&str>) -> Feed {
    let feed = Feed::open(transport, &server.address(), token, last).await;
    feed.unwrap_or_else(|status| panic!("refused with {status}: {}", server.log()))
}

async fn send(account: &Account, text: &str) -> i64 {
    let msg_id = account.send(text, false).await;
    account.delivered(msg_id).await;
    msg_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_a_feed_tells_what_the_inbox_holds_and_goes_on_after_its_last_id() {
    let server = Server::start().await;
    let account = Account::new(&server.client, 3).await;
    let token = account.reader(0, 7_200).await;
    send(&account, "before anybody was online").await;
    for transport in BOTH {
        let mut feed = open(transport, &server, &token, None).await;
        let ready = feed.expect("ready").await;
        assert_eq!(ready.data["position"], Value::from(ready.id.clone()));
        let held = inbox(&server.client, &token).await.len();
        assert_eq!(ready.data["unread"], held, "nothing was read so far");
        send(&account, "\"quoted\" \\ and\nnew 你好 line").await;
        let entry = feed.expect("entry").await;
        let newest = inbox(&server.client, &token).await.pop().expect("an entry");
        assert_eq!(entry.data, newest, "the same object as in the inbox");
        close(feed).await;

        // The position is one of the inbox too.
        let path = format!("/inbox/entries?after={}", entry.id);
        let request = server.client.request(Method::GET, &path).bearer_auth(&token);
        let (_, page) = server.client.answer(request).await.expect("an answer");
        assert_eq!(page["entries"], json!([]));
        for number in 0..3 {
            send(&account, &format!("while it was away {number}")).await;
        }
        for (last, held) in [(&entry.id, held + 1), (&ready.id, held)] {
            let mut feed = open(transport, &server, &token, Some(last)).await;
            assert_eq!(
                &feed.expect("ready").await.id,
                last,
                "who is lost at once is lost there"
            );
            let all = inbox(&server.client, &token).await;
            assert!(all.len() >= held + 3);
            for missed in &all[held..] {
                assert_eq!(&feed.expect("entry").await.data, missed);
            }
            // Nothing stands between what was missed and what comes now.
            let now = send(&account, "now").await;
            assert_eq!(feed.expect("entry").await.data["msg_id"], now);
        }
    }
    assert_eq!(server.number("qunfa_live_slow_readers_total").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec01_a_feed_needs_a_token_and_a_position_of_its_reader() {
    let server = Server::start().await;
    let account = Account::new(&server.client, 2).await;
    let (mine, theirs) = (account.reader(0, 7_200).await, account.reader(1, 7_200).await);
    for transport in BOTH {
        let refused = async |token: &str, last: Option<&str>| {
            Feed::open(transport, &server.address(), token, last).await.err()
        };
        assert_eq!(refused("wrong", None).await, Some(401));
        assert_eq!(
            refused(&account.token, None).await,
            Some(401),
            "an account is no reader"
        );
        let position = open(transport, &server, &theirs, None)
            .await
            .expect("ready")
            .await
            .id;
        assert_eq!(
            refused(&mine, Some(&position)).await,
            Some(400),
            "another's position"
        );
        assert_eq!(refused(&mine, Some("nonsense")).await, Some(400));
        assert_eq!(refused(&theirs, Some(&position)).await, None);
    }
    let request = server.client.request(Method::GET, "/inbox/ws").bearer_auth(&mine);
    let (status, answer) = server.client.answer(request).await.expect("an answer");
    assert_eq!(
        (status, &answer["error"]["code"]),
        (400, &json!("bad_request")),
        "no WebSocket"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i15_what_is_recalled_or_deleted_is_told_to_whom_it_reached() {
    let server = Server::start().await;
    let account = Account::new(&server.client, 4).await;
    let (even, odd) = (account.reader(0, 7_200).await, account.reader(1, 7_200).await);
    let mut feeds = Vec::new();
    for (transport, token) in [(Transport::Sse, &even), (Transport::WebSocket, &odd)] {
        let mut feed = open(transport, &server, token, None).await;
        feed.expect("ready").await;
        feeds.push(feed);
    }
    let to_tag = account.send("only for even ones", true).await;
    account.delivered(to_tag).await;
    let entry = feeds[0].expect("entry").await;
    let path = format!("/v1/accounts/{}/masses/{to_tag}/recall", account.appid);
    server.client.must(Method::POST, &path, None).await;
    let recall = feeds[0].expect("recall").await;
    assert_eq!(
        recall.data,
        json!({"id": entry.data["id"], "account": account.appid})
    );
    assert_eq!(recall.id, entry.id, "a recall moves nobody on");

    let news = news(&account).await;
    let mut cards = Vec::new();
    for feed in &mut feeds {
        // The other one was told of nothing in between.
        cards.push(feed.expect("entry").await.data);
    }
    let body = json!({"msg_id": news, "article_idx": 2});
    let path = "/cgi-bin/message/mass/delete";
    let deleted = server
        .client
        .post(path, &account.token, &body)
        .await
        .expect("an answer");
    assert_eq!(deleted["errcode"], 0, "{deleted}");
    for (feed, card) in feeds.iter_mut().zip(&cards) {
        assert_eq!(feed.expect("change").await.data["id"], card["id"]);
    }
    let preview =
        json!({"touser": open_id(&account, 1).await, "msgtype": "text", "text": {"content": "预览"}});
    let path = "/cgi-bin/message/mass/preview";
    let previewed = server
        .client
        .post(path, &account.token, &preview)
        .await
        .expect("an answer");
    assert_eq!(previewed["errcode"], 0, "{previewed}");
    assert_eq!(feeds[1].expect("entry").await.data["preview"], true);
    send(&account, "for both").await;
    assert_eq!(
        feeds[0].expect("entry").await.data["text"],
        "for both",
        "no preview of another"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_on_one_device_is_told_to_the_others() {
    let server = Server::start().await;
    let account = Account::new(&server.client, 2).await;
    let token = account.reader(0, 7_200).await;
    let mut feeds = Vec::new();
    for transport in BOTH {
        let mut feed = open(transport, &server, &token, None).await;
        assert_eq!(feed.expect("ready").await.data["unread"], 0);
        feeds.push(feed);
    }
    send(&account, "unread").await;
    for feed in &mut feeds {
        feed.expect("entry").await;
    }
    let request = server
        .client
        .request(Method::POST, "/inbox/read")
        .bearer_auth(&token);
    let (status, unread) = server
        .client
        .answer(request.json(&json!({"account": account.appid})))
        .await
        .expect("an answer");
    assert_eq!((status, &unread["unread"]), (200, &json!(0)), "{unread}");
    for feed in &mut feeds {
        assert_eq!(feed.expect("read").await.data, unread);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_one_feed_of_a_person_tells_what_all_accounts_send_and_misses_none_while_away() {
    let server = Server::start().await;
    let mut accounts = [
        Account::new(&server.client, 2).await,
        Account::new(&server.client, 2).await,
    ]
    .to_vec();
    let who = json!({"external_id": "user-1"});
    let issued = server
        .client
        .must(Method::POST, "/v1/inbox-tokens", Some(&who))
        .await;
    let token = issued["token"].as_str().expect("a token").to_owned();
    for transport in BOTH {
        let mut feed = open(transport, &server, &token, None).await;
        feed.expect("ready").await;
        let mut last = String::new();
        for account in &accounts {
            let msg_id = send(account, "to everybody of one account").await;
            let entry = feed.expect("entry").await;
            assert_eq!(
                (&entry.data["account"], &entry.data["msg_id"]),
                (&json!(account.appid), &json!(msg_id))
            );
            last = entry.id;
        }
        close(feed).await;
        // An account that only comes to know the person while they are away.
        accounts.push(Account::new(&server.client, 2).await);
        let mut sent = Vec::new();
        for account in &accounts {
            sent.push((account.appid.clone(), send(account, "while they were away").await));
        }
        let mut feed = open(transport, &server, &token, Some(&last)).await;
        feed.expect("ready").await;
        let mut told = Vec::new();
        for _ in &sent {
            let entry = feed.expect("entry").await.data;
            let appid = entry["account"].as_str().expect("an appid").to_owned();
            told.push((appid, entry["msg_id"].as_i64().expect("a number")));
        }
        sent.sort();
        told.sort();
        assert_eq!(told, sent, "each once");
        close(feed).await;
    }
    assert_eq!(inbox(&server.client, &token).await.len(), 2 + 3 + 3 + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec02_a_feed_ends_when_its_token_expires_or_is_revoked() {
    let server = Server::start().await;
    let account = Account::new(&server.client, 2).await;
    for transport in BOTH {
        let (short, long) = (account.reader(0, 2).await, account.reader(1, 7_200).await);
        let mut expiring = open(transport, &server, &short, None).await;
        let mut revoked = open(transport, &server, &long, None).await;
        expiring.expect("ready").await;
        revoked.expect("ready").await;
        let path = format!("/v1/accounts/{}/inbox-tokens", account.appid);
        server
            .client
            .must(Method::DELETE, &path, Some(&json!({"token": long})))
            .await;
        for feed in [&mut revoked, &mut expiring] {
            let end = feed.end().await;
            match transport {
                Transport::Sse => assert!(matches!(end, Incoming::Gone), "{end:?}"),
                Transport::WebSocket => assert!(matches!(end, Incoming::Closed(4401)), "{end:?}"),
            }
        }
        for token in [&short, &long] {
            let again = Feed::open(transport, &server.address(), token, None).await;
            assert_eq!(again.err(), Some(401));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_when_to_come_back_and_does_not_wait_for_its_readers() {
    let mut server = Server::start().await;
    let account = Account::new(&server.client, 2).await;
    let token = account.reader(0, 7_200).await;
    let mut feeds = Vec::new();
    for transport in BOTH {
        let mut feed = open(transport, &server, &token, None).await;
        feed.expect("ready").await;
        feeds.push(feed);
    }
    assert_eq!(
        server.number("qunfa_live_connections{transport=\"sse\"}").await,
        1
    );
    assert_eq!(server.number("qunfa_live_connections{transport=\"ws\"}").await, 1);
    server.process.stop(Signal::TERM);
    assert!(!server.log().contains("did not end in time"), "{}", server.log());
    let Incoming::Retry(ms) = feeds[0].next().await else {
        panic!("no word of when to come back");
    };
    assert!((1_000..=5_000).contains(&ms), "{ms}");
    assert!(matches!(feeds[0].next().await, Incoming::Gone));
    assert!(matches!(feeds[1].next().await, Incoming::Closed(1012)));
}

async fn open_id(account: &Account, number: usize) -> String {
    let path = format!("/cgi-bin/user/get?access_token={}", account.token);
    let request = account.client.request(Method::GET, &path);
    let list = account.client.api(request).await.expect("an answer");
    list["data"]["openid"][number]
        .as_str()
        .expect("an OpenID")
        .to_owned()
}

/// Sends two articles to everybody.
async fn news(account: &Account) -> i64 {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 64)
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .expect("written");
    let part = reqwest::multipart::Part::bytes(bytes.into_inner()).file_name("a.jpg");
    let path = format!("/cgi-bin/media/upload?type=thumb&access_token={}", account.token);
    let form = reqwest::multipart::Form::new().part("media", part);
    let request = account.client.request(Method::POST, &path).multipart(form);
    let thumb = account.client.api(request).await.expect("an answer");
    let article = |title: &str| json!({"title": title, "content": "<p>文</p>", "thumb_media_id": thumb["thumb_media_id"]});
    let articles = json!({"articles": [article("一"), article("二")]});
    let path = "/cgi-bin/media/uploadnews";
    let made = account
        .client
        .post(path, &account.token, &articles)
        .await
        .expect("an answer");
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "send_ignore_reprint": 1,
        "mpnews": {"media_id": made["media_id"]}});
    let path = "/cgi-bin/message/mass/sendall";
    let sent = account
        .client
        .post(path, &account.token, &body)
        .await
        .expect("an answer");
    let msg_id = sent["msg_id"].as_i64().unwrap_or_else(|| panic!("{made} {sent}"));
    account.delivered(msg_id).await;
    msg_id
}
