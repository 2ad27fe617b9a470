//! Inboxes: one person over all accounts, positions and cursors, what is unread, what a reader wants of an account.

mod access;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    SERVICE, SUBSCRIPTION, TestAccount, TestServer, UNVERIFIED, accepted, receiver::Receiver,
};

/// A reader with a token.
struct Reader<'a> {
    server: &'a TestServer,
    token: String,
}

impl<'a> Reader<'a> {
    /// A person, by the operator's token.
    async fn person(server: &'a TestServer, external_id: &str) -> Self {
        let body = json!({"external_id": external_id});
        let (status, answer) = server.native(Method::POST, "/v1/inbox-tokens", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        Self::with(server, &answer)
    }

    /// A follower of one account.
    async fn follower(server: &'a TestServer, app_id: &str, external_id: &str) -> Self {
        let path = format!("/v1/accounts/{app_id}/inbox-tokens");
        let body = json!({"external_id": external_id});
        let (status, answer) = server.native(Method::POST, &path, Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        Self::with(server, &answer)
    }

    fn with(server: &'a TestServer, answer: &Value) -> Self {
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { server, token }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.server.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn texts(&self, path: &str) -> Vec<String> {
        texts(&self.get(path).await)
    }

    async fn unread(&self) -> u64 {
        self.get("/inbox/unread").await["unread"]
            .as_u64()
            .expect("a number")
    }

    /// How the reader stands to an account.
    async fn account(&self, app_id: &str) -> Value {
        let all = self.get("/inbox/accounts").await;
        let all = all["accounts"].as_array().expect("a list");
        let found = all.iter().find(|account| account["account"] == app_id);
        found.unwrap_or_else(|| panic!("no {app_id}: {all:?}")).clone()
    }

    async fn wish(&self, app_id: &str, wishes: Value) -> Value {
        let path = format!("/inbox/accounts/{app_id}");
        let (status, answer) = self.call(Method::PATCH, &path, Some(wishes)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

fn texts(page: &Value) -> Vec<String> {
    let entries = page["entries"].as_array().expect("a list").iter();
    entries
        .map(|entry| entry["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The two accounts that may send, without quotas.
async fn senders(server: &TestServer) -> [TestAccount<'_>; 2] {
    let senders = [server.account(SERVICE).await, server.account(SUBSCRIPTION).await];
    for sender in &senders {
        let none = [
            "sends_per_day",
            "calls_per_day",
            "receipts_per_month",
            "history_per_day",
            "history_per_month",
            "calls_per_minute",
        ];
        let quota: serde_json::Map<String, Value> =
            none.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
        sender.quota(quota.into()).await;
    }
    senders
}

/// Sends to all and waits a minute of the clock, so that no two entries are equally old.
async fn send(sender: &TestAccount<'_>, text: &str) -> Value {
    let id = accepted(&sender.send_text(text).await);
    sender.server.settle().await;
    sender.server.advance(60).await;
    id
}

#[tokio::test]
async fn a_person_reads_all_accounts_in_one_inbox_newest_first() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    send(&service, "一").await;
    send(&subscription, "二").await;
    send(&service, "三").await;
    let person = Reader::person(&server, "user-000000004").await;
    let page = person.get("/inbox/entries").await;
    assert_eq!(texts(&page), ["三", "二", "一"]);
    let first = &page["entries"][0];
    assert_eq!(first["account"], SERVICE);
    assert!(!text(&first["account_name"]).is_empty(), "{first}");
    assert_eq!(
        person
            .texts(&format!("/inbox/entries?account={SUBSCRIPTION}"))
            .await,
        ["二"]
    );
    assert_eq!(person.texts("/inbox/entries?q=%E4%B8%89").await, ["三"]);
    let id = text(&first["id"]);
    assert_eq!(&person.get(&format!("/inbox/entries/{id}")).await, first);

    let accounts = person.get("/inbox/accounts").await;
    let named: Vec<&str> = accounts["accounts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|account| text(&account["account"]))
        .collect();
    assert_eq!(
        named,
        [SERVICE, SUBSCRIPTION, UNVERIFIED],
        "who wrote last is first"
    );
    assert_eq!(accounts["unread"], 3);
    assert_eq!(accounts["accounts"][2]["latest"], Value::Null);
    assert_eq!(&accounts["accounts"][0]["latest"], first);

    let follower = Reader::follower(&server, SUBSCRIPTION, "user-000000004").await;
    assert_eq!(follower.texts("/inbox/entries").await, ["二"]);
    let me = follower.get("/inbox/me").await;
    assert_eq!(
        (&me["kind"], &me["openid"]),
        (&json!("follower"), &json!(subscription.open_id(4).await))
    );
    let me = person.get("/inbox/me").await;
    assert_eq!(
        (&me["kind"], &me["external_id"], &me["sandbox"]),
        (&json!("person"), &json!("user-000000004"), &json!(true))
    );
}

#[tokio::test]
async fn i08_cursors_and_positions_skip_and_repeat_nothing_while_sends_go_on() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    for (number, sender) in [&service, &subscription, &service, &service, &subscription]
        .into_iter()
        .enumerate()
    {
        send(sender, &number.to_string()).await;
    }
    let person = Reader::person(&server, "user-000000001").await;
    let first = person.get("/inbox/entries?limit=2").await;
    send(&subscription, "5").await;
    send(&service, "6").await;
    let (mut seen, mut page) = (texts(&first), first.clone());
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = person
            .get(&format!("/inbox/entries?limit=2&cursor={cursor}"))
            .await;
        assert_eq!(
            page["position"], first["position"],
            "the position is that of the list"
        );
        seen.extend(texts(&page));
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let mut position = text(&first["position"]).to_owned();
    let mut new = Vec::new();
    loop {
        let next = person
            .get(&format!("/inbox/entries?limit=1&after={position}"))
            .await;
        new.extend(texts(&next));
        text(&next["position"]).clone_into(&mut position);
        if next["more"] == false {
            break;
        }
    }
    assert_eq!(new, ["5", "6"]);
    send(&subscription, "7").await;
    assert_eq!(
        person.texts(&format!("/inbox/entries?after={position}")).await,
        ["7"]
    );
}

#[tokio::test]
async fn i08_a_position_moves_on_in_one_account_and_stays_in_the_others() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    let person = Reader::person(&server, "user-000000001").await;
    send(&subscription, "旧").await;
    let position = text(&person.get("/inbox/accounts").await["position"]).to_owned();
    send(&service, "一").await;
    send(&subscription, "二").await;
    let one = person
        .get(&format!("/inbox/entries?after={position}&account={SERVICE}"))
        .await;
    assert_eq!(texts(&one), ["一"]);
    let rest = format!("/inbox/entries?after={}", text(&one["position"]));
    assert_eq!(person.texts(&rest).await, ["二"]);
}

#[tokio::test]
async fn i08_a_position_from_before_a_restore_skips_nothing_of_what_is_sent_after_it() {
    let server = TestServer::start().await;
    let [service, _] = senders(&server).await;
    let person = Reader::person(&server, "user-000000001").await;
    send(&service, "保存").await;
    let body = json!({"name": "then"});
    let (status, answer) = server
        .native(Method::POST, "/sandbox/snapshots", Some(body))
        .await;
    assert_eq!(status, 201, "{answer}");
    send(&service, "一").await;
    send(&service, "二").await;
    let position = text(&person.get("/inbox/entries").await["position"]).to_owned();
    let path = "/sandbox/snapshots/then/restore";
    assert_eq!(server.native(Method::POST, path, None).await.0, 200);
    send(&service, "又").await;
    let after = format!("/inbox/entries?after={position}");
    assert_eq!(person.texts(&after).await, ["又"]);
    let answer = person.post("/inbox/read", json!({"position": position})).await;
    assert_eq!(answer["unread"], 0);
    send(&service, "再").await;
    assert_eq!(person.unread().await, 1, "the mark is not ahead of what there is");
}

#[tokio::test]
async fn i08_an_account_that_is_followed_later_begins_at_its_first_entry() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    let join = async |sender: &TestAccount<'_>| {
        let path = format!("/v1/accounts/{}/followers/subscribe", sender.app_id);
        let body = json!({"external_id": "newcomer"});
        let (status, answer) = server.native(Method::POST, &path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
    };
    join(&service).await;
    send(&service, "一").await;
    send(&subscription, "之前").await;
    let person = Reader::person(&server, "newcomer").await;
    let page = person.get("/inbox/entries").await;
    assert_eq!(texts(&page), ["一"]);
    join(&subscription).await;
    send(&subscription, "二").await;
    let after = format!("/inbox/entries?after={}", text(&page["position"]));
    assert_eq!(
        person.texts(&after).await,
        ["二"],
        "the token sees the new account at once"
    );
}

#[tokio::test]
async fn unread_counts_follow_the_marks_and_a_mark_never_goes_back() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    for number in 0..3 {
        send(&service, &number.to_string()).await;
    }
    send(&subscription, "x").await;
    let person = Reader::person(&server, "user-000000002").await;
    assert_eq!(
        person.get("/inbox/unread").await,
        json!({"unread": 4, "accounts": {SERVICE: 3, SUBSCRIPTION: 1, UNVERIFIED: 0}})
    );
    let of_service = person.get(&format!("/inbox/entries?account={SERVICE}")).await;
    let id = |place: usize| of_service["entries"][place]["id"].clone();
    let answer = person.post("/inbox/read", json!({"entry": id(1)})).await;
    assert_eq!(
        (&answer["unread"], &answer["accounts"][SERVICE]),
        (&json!(2), &json!(1))
    );
    assert_eq!(person.account(SERVICE).await["read_up_to"], id(1));
    person.post("/inbox/read", json!({"entry": id(2)})).await;
    assert_eq!(person.account(SERVICE).await["read_up_to"], id(1), "not back");

    let position = text(&person.get("/inbox/accounts").await["position"]).to_owned();
    send(&service, "new").await;
    let answer = person.post("/inbox/read", json!({"position": position})).await;
    assert_eq!(answer["unread"], 1, "what came after the position is unread");
    person.post("/inbox/read", json!({"account": SERVICE})).await;
    assert_eq!(person.unread().await, 0);
    assert!(person.account(SUBSCRIPTION).await["read_up_to"].is_string());

    let follower = Reader::follower(&server, SERVICE, "user-000000002").await;
    assert_eq!(
        follower.unread().await,
        0,
        "the mark is the follower's, whatever the token"
    );
    let other = Reader::person(&server, "user-000000003").await;
    assert_eq!(other.unread().await, 5);
    for bad in [
        json!({}),
        json!({"entry": id(0), "account": SERVICE}),
        json!({"position": "x"}),
    ] {
        assert_eq!(person.call(Method::POST, "/inbox/read", Some(bad)).await.0, 400);
    }
}

#[tokio::test]
async fn a_muted_account_is_left_out_of_the_sum_and_still_counted() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    send(&service, "一").await;
    send(&subscription, "二").await;
    let person = Reader::person(&server, "user-000000002").await;
    let account = person.wish(SERVICE, json!({"muted": true})).await;
    assert_eq!((&account["muted"], &account["unread"]), (&json!(true), &json!(1)));
    assert_eq!(
        person.get("/inbox/unread").await,
        json!({"unread": 1, "accounts": {SERVICE: 1, SUBSCRIPTION: 1, UNVERIFIED: 0}})
    );
    assert_eq!(person.get("/inbox/accounts").await["unread"], 1);
    person.wish(SERVICE, json!({"muted": false})).await;
    assert_eq!(person.unread().await, 2);
}

#[tokio::test]
async fn readers_refuse_leave_and_come_back_by_their_own_act() {
    let server = TestServer::start().await;
    let [service, _] = senders(&server).await;
    let person = Reader::person(&server, "user-000000003").await;
    let account = person.wish(SERVICE, json!({"opted_out": true})).await;
    assert_eq!(account["opted_out"], true);
    send(&service, "不要").await;
    person.wish(SERVICE, json!({"opted_out": false})).await;
    send(&service, "要").await;
    assert_eq!(person.texts("/inbox/entries").await, ["要"]);

    let made = service
        .call("/cgi-bin/tags/create", json!({"tag": {"name": "讲座"}}))
        .await;
    let tag = made["tag"]["id"].as_i64().expect("a tag");
    let (status, _) = person
        .call(
            Method::PATCH,
            &format!("/inbox/accounts/{SERVICE}"),
            Some(json!({"tags": {tag.to_string(): true}})),
        )
        .await;
    assert_eq!(
        status, 404,
        "a tag that the reader does not carry is none of the reader's business"
    );
    let body = json!({"openid_list": [service.open_id(3).await], "tagid": tag});
    assert_eq!(
        service.call("/cgi-bin/tags/members/batchtagging", body).await["errcode"],
        0
    );
    let account = person
        .wish(SERVICE, json!({"tags": {tag.to_string(): true}}))
        .await;
    let refused = json!({"id": tag, "name": "讲座", "opted_out": true});
    assert!(
        account["tags"].as_array().expect("a list").contains(&refused),
        "{account}"
    );
    accepted(&service.send_text_to_tag(tag, "讲座").await);
    server.settle().await;
    assert_eq!(person.texts("/inbox/entries").await, ["要"]);

    let receiver = Receiver::start().await;
    let callback = json!({"callback": {"url": receiver.url, "token": "token123", "mode": "plain"}});
    let path = format!("/v1/accounts/{SERVICE}");
    let (status, answer) = server.native(Method::PATCH, &path, Some(callback)).await;
    assert_eq!(status, 200, "{answer}");
    let account = person.wish(SERVICE, json!({"following": false})).await;
    assert_eq!(account["following"], false);
    server.settle().await;
    let events = receiver.events();
    let left = |body: &str| body.contains("<![CDATA[unsubscribe]]>");
    assert!(events.iter().any(|event| left(&event.body)), "{events:?}");
    send(&service, "没有").await;
    assert_eq!(
        person.texts("/inbox/entries").await,
        ["要"],
        "what was received stays"
    );
    assert_eq!(
        person.wish(SERVICE, json!({"following": true})).await["following"],
        true
    );
    send(&service, "回来").await;
    assert_eq!(person.texts("/inbox/entries").await, ["回来", "要"]);
}

#[tokio::test]
async fn i15_a_recalled_entry_is_gone_everywhere_and_told_to_caches() {
    let server = TestServer::start().await;
    let [service, subscription] = senders(&server).await;
    send(&service, "旧").await;
    let id = send(&service, "撤回").await;
    send(&subscription, "另").await;
    let person = Reader::person(&server, "user-000000000").await;
    let page = person.get(&format!("/inbox/entries?account={SERVICE}")).await;
    let entry = text(&page["entries"][0]["id"]).to_owned();
    person.post("/inbox/read", json!({"entry": entry})).await;
    let since = "/inbox/recalls?since=2026-11-22T00:00:00%2B08:00";
    assert_eq!(person.get(since).await["recalls"], json!([]));
    let path = format!("/v1/accounts/{SERVICE}/masses/{id}/recall");
    assert_eq!(server.native(Method::POST, &path, None).await.0, 200);

    assert_eq!(person.texts("/inbox/entries").await, ["另", "旧"]);
    let (status, _) = person
        .call(Method::GET, &format!("/inbox/entries/{entry}"), None)
        .await;
    assert_eq!(status, 404);
    let (status, _) = person
        .call(Method::POST, "/inbox/read", Some(json!({"entry": entry})))
        .await;
    assert_eq!(status, 404);
    let account = person.account(SERVICE).await;
    assert_eq!(
        account["read_up_to"], page["entries"][1]["id"],
        "the newest that is left"
    );
    assert_eq!(account["latest"]["text"], "旧");
    let told = person.get(since).await;
    assert_eq!(
        (&told["recalls"][0]["id"], &told["recalls"][0]["account"]),
        (&json!(entry), &json!(SERVICE))
    );
    let again = format!(
        "/inbox/recalls?since={}",
        text(&told["until"]).replace('+', "%2B")
    );
    assert_eq!(
        person.get(&again).await["recalls"].as_array().map(Vec::len),
        Some(1),
        "answers overlap, so that none is missed"
    );
    server.advance(300).await;
    let later = person.get(&again).await;
    let again = format!(
        "/inbox/recalls?since={}",
        text(&later["until"]).replace('+', "%2B")
    );
    assert_eq!(person.get(&again).await["recalls"], json!([]));
    assert_eq!(
        person
            .call(Method::GET, "/inbox/recalls?since=gestern", None)
            .await
            .0,
        400
    );
}
