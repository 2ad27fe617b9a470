//! Comments: written by readers, handled by the account, shown below the article.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    harness::{Account, Answer, Server, fixture},
    reading::{inbox, local, token},
};

/// A news of two articles, delivered to all; the first takes comments of everybody, the second of nobody.
async fn sent_news(server: &Server, account: &Account, flags: [Value; 2]) -> i64 {
    let thumb = server
        .upload(account, "media/upload?type=thumb", &fixture("test.jpg"))
        .await
        .json();
    let articles: Vec<Value> = flags
        .into_iter()
        .zip(["第一篇", "第二篇"])
        .map(|(flags, title)| {
            let mut article =
                json!({"thumb_media_id": thumb["media_id"], "title": title, "content": "<p>正文</p>"});
            for (key, value) in flags.as_object().expect("flags") {
                article[key] = value.clone();
            }
            article
        })
        .collect();
    let news = server
        .call(account, "media/uploadnews", json!({"articles": articles}))
        .await
        .json();
    let body =
        json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news["media_id"]}});
    let sent = server.call(account, "message/mass/sendall", body).await.json();
    server.deliver().await;
    sent["msg_data_id"]
        .as_i64()
        .unwrap_or_else(|| panic!("not sent: {sent}"))
}

fn open_to(fans_only: i64) -> [Value; 2] {
    [
        json!({"need_open_comment": 1, "only_fans_can_comment": fans_only}),
        json!({"need_open_comment": 0}),
    ]
}

/// A reader with the newest entry of the inbox.
struct Reader<'a> {
    server: &'a Server,
    token: String,
    entry: Value,
}

impl<'a> Reader<'a> {
    async fn of(server: &'a Server, account: &Account, follower: usize) -> Self {
        let entry = inbox(server, account, follower).await.swap_remove(0);
        let token = token(server, account, follower).await;
        Self { server, token, entry }
    }

    async fn request(&self, method: Method, path: &str, body: Value) -> Answer {
        let uri = format!(
            "/inbox/entries/{}{path}",
            self.entry["id"].as_str().expect("an id")
        );
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request.body(Body::from(body.to_string())).expect("a request");
        self.server.send(request).await
    }

    async fn comment(&self, index: u8, content: &str) -> Answer {
        let body = json!({"index": index, "content": content});
        self.request(Method::POST, "/comments", body).await
    }
}

async fn list(server: &Server, account: &Account, news: i64, kind: i64) -> Value {
    let body = json!({"msg_data_id": news, "index": 0, "begin": 0, "count": 50, "type": kind});
    server.call(account, "comment/list", body).await.json()
}

#[tokio::test]
async fn a_comment_is_written_elected_answered_and_shown() {
    let server = Server::start();
    let account = server.service().await;
    let news = sent_news(&server, &account, open_to(1)).await;
    let reader = Reader::of(&server, &account, 1).await;
    let first = reader.comment(1, " <script>alert(1)</script> 好 ").await;
    assert_eq!(
        (first.status, first.text().as_str()),
        (StatusCode::CREATED, r#"{"comment_id":1}"#)
    );
    assert_eq!(reader.comment(1, "再说一句").await.status, StatusCode::CREATED);
    let of = |id: i64| json!({"msg_data_id": news.to_string(), "index": 0, "user_comment_id": id});
    let call = async |path: &str, body: Value| server.call(&account, &format!("comment/{path}"), body).await;
    insta::assert_snapshot!(call("markelect", of(1)).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    assert_eq!(call("markelect", of(1)).await.errcode(), 0);
    let mut reply = of(1);
    reply["content"] = json!("谢谢 <b>你</b>");
    assert_eq!(call("reply/add", reply.clone()).await.errcode(), 0);
    assert_eq!(call("reply/add", reply.clone()).await.errcode(), 88005);
    let open_id = &account.open_ids[1];
    let all = list(&server, &account, news, 0)
        .await
        .to_string()
        .replace(open_id, "OPENID");
    insta::assert_snapshot!(
        all,
        @r#"{"comment":[{"comment_type":0,"content":"再说一句","create_time":1795312800,"openid":"OPENID","user_comment_id":2},{"comment_type":1,"content":"<script>alert(1)</script> 好","create_time":1795312800,"openid":"OPENID","reply":{"content":"谢谢 <b>你</b>","create_time":1795312800},"user_comment_id":1}],"errcode":0,"errmsg":"ok","total":2}"#
    );
    for (kind, expected) in [(1, 2), (2, 1)] {
        let found = list(&server, &account, news, kind).await;
        assert_eq!(
            (&found["total"], &found["comment"][0]["user_comment_id"]),
            (&json!(1), &json!(expected))
        );
    }

    let url = local(&reader.entry["articles"][0]["url"]);
    let page = server.get(&url).await.text();
    assert!(page.contains("留言") && page.contains("粉丝1"), "{page}");
    assert!(
        page.contains("&#60;script&#62;alert(1)") && !page.contains("<script"),
        "{page}"
    );
    assert!(page.contains("谢谢 &#60;b&#62;") && !page.contains("再说一句"));
    assert!(!page.contains(open_id));
    let second = server
        .get(&local(&reader.entry["articles"][1]["url"]))
        .await
        .text();
    assert!(!second.contains("留言"));

    assert_eq!(call("reply/delete", of(1)).await.errcode(), 0);
    assert_eq!(call("reply/delete", of(1)).await.errcode(), 0);
    assert_eq!(call("unmarkelect", of(1)).await.errcode(), 0);
    let page = server.get(&url).await.text();
    assert!(page.contains("留言") && !page.contains("粉丝1"), "{page}");
    assert_eq!(call("delete", of(1)).await.errcode(), 0);
    assert_eq!(call("delete", of(1)).await.errcode(), 88008);
    assert_eq!(list(&server, &account, news, 0).await["total"], 1);

    // What its reader takes back is gone for the account, and says so.
    let gone = reader
        .request(Method::DELETE, "/comments/2?index=1", json!({}))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let gone = reader.request(Method::DELETE, "/comments/2", json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(call("markelect", of(2)).await.errcode(), 88004);
    assert_eq!(list(&server, &account, news, 0).await["total"], 0);
}

#[tokio::test]
async fn opening_and_closing_decide_who_may_write() {
    let server = Server::start();
    let account = server.service().await;
    let news = sent_news(&server, &account, open_to(1)).await;
    let call = async |path: &str, body: Value| server.call(&account, &format!("comment/{path}"), body).await;
    let reader = Reader::of(&server, &account, 1).await;
    assert_eq!(reader.comment(2, "好").await.status, StatusCode::CONFLICT);
    let second = json!({"msg_data_id": news, "index": "1"});
    assert_eq!(call("open", second.clone()).await.errcode(), 0);
    assert_eq!(reader.comment(2, "好").await.status, StatusCode::CREATED);
    assert_eq!(call("close", second).await.errcode(), 0);
    assert_eq!(reader.comment(2, "好").await.status, StatusCode::CONFLICT);
    assert_eq!(call("close", json!({"msg_data_id": news})).await.errcode(), 0);
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CONFLICT);
    assert_eq!(call("open", json!({"msg_data_id": news})).await.errcode(), 0);
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CREATED);

    for (index, content, expected) in [
        (0, "好", StatusCode::NOT_FOUND),
        (3, "好", StatusCode::NOT_FOUND),
        (1, " ", StatusCode::BAD_REQUEST),
        (1, &"字".repeat(601), StatusCode::BAD_REQUEST),
        (1, &"字".repeat(600), StatusCode::CREATED),
    ] {
        assert_eq!(
            reader.comment(index, content).await.status,
            expected,
            "{index} {content}"
        );
    }
    let unknown_key = json!({"index": 1, "content": "好", "x": 1});
    assert_eq!(
        reader
            .request(Method::POST, "/comments", unknown_key)
            .await
            .status,
        StatusCode::BAD_REQUEST
    );

    let uri = |n: usize, what: &str| {
        format!(
            "/v1/accounts/{}/followers/{}/{what}",
            account.appid, account.open_ids[n]
        )
    };
    server.native(Method::POST, &uri(1, "unsubscribe"), "").await;
    assert_eq!(reader.comment(1, "走了").await.status, StatusCode::FORBIDDEN);
    let listed = Reader::of(&server, &account, 2).await;
    let blacklist = json!({"openid_list": [account.open_ids[2]]});
    assert_eq!(
        server
            .call(&account, "tags/members/batchblacklist", blacklist)
            .await
            .errcode(),
        0
    );
    assert_eq!(listed.comment(1, "好").await.status, StatusCode::FORBIDDEN);

    let deleted = json!({"msg_id": reader.entry["msg_id"], "article_idx": 1});
    assert_eq!(
        server
            .call(&account, "message/mass/delete", deleted)
            .await
            .errcode(),
        0
    );
    let other = Reader::of(&server, &account, 3).await;
    assert_eq!(other.comment(1, "好").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn who_left_may_still_comment_where_everybody_may() {
    let server = Server::start();
    let account = server.service().await;
    sent_news(&server, &account, open_to(0)).await;
    let reader = Reader::of(&server, &account, 1).await;
    let uri = format!(
        "/v1/accounts/{}/followers/{}/unsubscribe",
        account.appid, account.open_ids[1]
    );
    server.native(Method::POST, &uri, "").await;
    for _ in 0..100 {
        assert_eq!(reader.comment(1, "好").await.status, StatusCode::CREATED);
    }
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_comment_call_has_its_own_errcodes() {
    let server = Server::start();
    let account = server.service().await;
    let other = server.service().await;
    let news = sent_news(&server, &account, open_to(1)).await;
    let reader = Reader::of(&server, &account, 1).await;
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CREATED);
    let check = async |account: &Account, path: &str, body: Value, expected: i64| {
        let answer = server
            .call(account, &format!("comment/{path}"), body.clone())
            .await;
        assert_eq!(answer.errcode(), expected, "{path} {body}");
    };
    for body in [
        json!({}),
        json!({"msg_data_id": news + 1}),
        json!({"msg_data_id": news, "index": 2}),
        json!({"msg_data_id": news, "index": -1}),
        json!({"msg_data_id": news, "index": 255}),
        json!({"msg_data_id": news, "index": i64::MAX}),
        json!({"msg_data_id": "x"}),
    ] {
        check(&account, "open", body, 88001).await;
    }
    check(&other, "open", json!({"msg_data_id": news}), 88001).await;
    let page = |begin: i64, count: Value, kind: i64| json!({"msg_data_id": news, "begin": begin, "count": count, "type": kind});
    check(&account, "list", page(0, json!(50), 0), 0).await;
    check(&account, "list", page(0, json!(51), 0), 88010).await;
    check(&account, "list", page(0, json!(0), 0), 88010).await;
    check(&account, "list", page(0, json!(null), 0), 88010).await;
    check(&account, "list", page(-1, json!(1), 0), 88010).await;
    check(&account, "list", page(0, json!(1), 3), 47003).await;
    check(&account, "list", page(i64::MAX, json!(1), 0), 0).await;
    let of = |id: Value| json!({"msg_data_id": news, "user_comment_id": id});
    for path in ["markelect", "unmarkelect", "delete", "reply/delete"] {
        check(&account, path, of(json!(99)), 88008).await;
        check(&account, path, of(json!(null)), 88008).await;
    }
    let reply = |text: &str| json!({"msg_data_id": news, "user_comment_id": 1, "content": text});
    check(&account, "reply/add", reply(""), 88007).await;
    check(&account, "reply/add", reply(&"字".repeat(601)), 88007).await;
    check(&account, "reply/add", reply(&"字".repeat(600)), 0).await;

    let uri = format!("/v1/accounts/{}", account.appid);
    let off = json!({"comment_enabled": false}).to_string();
    assert_eq!(
        server.native(Method::PATCH, &uri, off).await.json()["comment_enabled"],
        false
    );
    check(&account, "list", page(0, json!(1), 0), 88000).await;
    check(&account, "open", json!({}), 88000).await;
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CONFLICT);
    let article = local(&reader.entry["url"]);
    assert!(!server.get(&article).await.text().contains("留言"));
}

#[tokio::test]
async fn a_hundred_comments_of_an_article_are_elected_at_most() {
    let server = Server::start();
    let account = server.service().await;
    let news = sent_news(&server, &account, open_to(1)).await;
    let elect = async |id: i64| {
        let body = json!({"msg_data_id": news, "user_comment_id": id});
        server.call(&account, "comment/markelect", body).await.errcode()
    };
    let readers = [
        Reader::of(&server, &account, 1).await,
        Reader::of(&server, &account, 2).await,
    ];
    for number in 0..101 {
        let written = readers[number % 2].comment(1, "好").await;
        assert_eq!(written.status, StatusCode::CREATED);
    }
    for id in 1..=100 {
        assert_eq!(elect(id).await, 0);
    }
    assert_eq!(elect(101).await, 88003);
    assert_eq!(elect(100).await, 0, "it is elected already");
}

#[tokio::test]
async fn sec01_readers_comment_on_what_is_in_their_own_inbox_only() {
    let server = Server::start();
    let account = server.service().await;
    let other = server.service().await;
    sent_news(&server, &account, open_to(0)).await;
    let mut reader = Reader::of(&server, &account, 1).await;
    sent_news(&server, &other, open_to(0)).await;
    let stranger = Reader::of(&server, &other, 1).await;
    let own = reader.entry.clone();
    reader.entry = stranger.entry.clone();
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::NOT_FOUND);
    reader.entry = own;
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::CREATED);
    let foreign = Reader::of(&server, &account, 2).await;
    let stolen = foreign.request(Method::DELETE, "/comments/1", json!({})).await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND);

    // A tag's send is in the inbox of its members only, and a preview takes no comments.
    let text = json!({"filter": {"tag_id": 100}, "msgtype": "text", "text": {"content": "偶数"}});
    assert_eq!(
        server
            .call(&account, "message/mass/sendall", text)
            .await
            .errcode(),
        0
    );
    server.deliver().await;
    let even = Reader::of(&server, &account, 0).await;
    assert_eq!(
        even.comment(1, "好").await.status,
        StatusCode::NOT_FOUND,
        "a text has no article"
    );
    reader.token = String::new();
    assert_eq!(reader.comment(1, "好").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn comments_that_the_account_deleted_count_for_their_reader() {
    let server = Server::start();
    let account = server.service().await;
    let news = sent_news(&server, &account, open_to(0)).await;
    let reader = Reader::of(&server, &account, 1).await;
    for number in 1..=100 {
        assert_eq!(reader.comment(1, "好").await.status, StatusCode::CREATED);
        let of = json!({"msg_data_id": news, "index": 0, "user_comment_id": number});
        assert_eq!(server.call(&account, "comment/delete", of).await.errcode(), 0);
    }
    assert_eq!(list(&server, &account, news, 0).await["total"], 0);
    let again = json!({"msg_data_id": news, "index": 0, "user_comment_id": 1});
    assert_eq!(
        server.call(&account, "comment/delete", again).await.errcode(),
        88008
    );
    assert_ne!(reader.comment(1, "好").await.status, StatusCode::CREATED);
}
