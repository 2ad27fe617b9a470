//! A year of virtual time: 365 days, twelve month turns, 50,000 followers of each account; every day's quotas,
//! every event and ten inboxes against a count that knows nothing of the server's ([`model`]).

#[path = "../e2e/common/mod.rs"]
#[expect(dead_code, reason = "a year needs less of it than the other tests")]
mod common;
mod model;

use std::time::Instant;

use common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted, at, receiver::Receiver, refused};
use model::{Audience, Counts, Followers, HISTORY_PER_MONTH, MONTHS, RECEIPTS_PER_MONTH, days};
use reqwest::Method;
use serde_json::{Value, json};
use wire::callback::event::MassFinished;

const FOLLOWERS: usize = 50_000;
/// Ten followers whose inboxes are compared; with and without each tag, the first and the last.
const WATCHED: [usize; 10] = [0, 1, 2, 10, 100, 777, 10_000, 25_001, 49_998, 49_999];
/// Those who a list names; some of them carry tags as well.
const NAMED: &[usize] = &[0, 1, 10, 777];
const DAY: i64 = 86_400;

/// The service account's audience of a day of the year, from 0.
fn audience(day: usize) -> Audience {
    match day % 6 {
        0 => Audience::Everybody,
        1 => Audience::Every(2),
        2 => Audience::Every(10),
        3 => Audience::Named(NAMED),
        4 => Audience::Every(100),
        _ => Audience::Everybody,
    }
}

/// One account through the year.
struct Account {
    app_id: &'static str,
    followers: Followers,
    receiver: Receiver,
    open_ids: Vec<String>,
    token: String,
    /// What every event must say, in order.
    expected: Vec<(Value, Counts)>,
}

impl Account {
    async fn new(server: &TestServer, app_id: &'static str, limit: Option<u8>) -> Self {
        let receiver = Receiver::start().await;
        let callback = json!({"callback": {"url": receiver.url, "token": "token123"}});
        let path = format!("/v1/accounts/{app_id}");
        let (status, answer) = server.native(Method::PATCH, &path, Some(callback)).await;
        assert_eq!(status, 200, "{answer}");
        Self {
            app_id,
            followers: Followers::new(FOLLOWERS, limit, &WATCHED),
            receiver,
            open_ids: open_ids(server, app_id).await,
            token: String::new(),
            expected: Vec::new(),
        }
    }

    /// Sends a text and remembers what must come of it.
    async fn send(&mut self, server: &TestServer, audience: Audience, text: &str) {
        let id = accepted(&self.call(server, audience, text).await);
        let counts = self.followers.send(audience, text);
        self.expected.push((id, counts));
    }

    /// Fetches the day's token.
    async fn log_in(&mut self, server: &TestServer) {
        self.token = server.account(self.app_id).await.token;
    }

    async fn call(&self, server: &TestServer, audience: Audience, text: &str) -> Value {
        let (path, mut body) = audience.call(&self.open_ids);
        body["msgtype"] = json!("text");
        body["text"] = json!({ "content": text });
        let account = TestAccount {
            server,
            app_id: self.app_id.to_owned(),
            token: self.token.clone(),
        };
        account.call(path, body).await
    }

    /// The native report of what is used must be this.
    async fn used(&self, server: &TestServer, expected: Value) {
        let path = format!("/v1/accounts/{}/usage", self.app_id);
        let (_, usage) = server.native(Method::GET, &path, None).await;
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&usage[key], value, "{key} of {}: {usage}", self.app_id);
        }
    }

    /// Every send was told once, with exactly these counts.
    fn check_events(&self) {
        let events: Vec<MassFinished> = self
            .receiver
            .events()
            .iter()
            .map(|event| MassFinished::from_xml(&event.body).expect("an event"))
            .collect();
        assert_eq!(events.len(), self.expected.len(), "{}", self.app_id);
        for (event, (id, counts)) in events.iter().zip(&self.expected) {
            assert_eq!(json!(event.msg_id), *id);
            assert_eq!((event.status.as_str(), event.error), ("send success", 0));
            let found = Counts {
                total: event.total,
                filtered: event.filtered,
                sent: event.sent,
            };
            assert_eq!(found, *counts, "{} {id}", self.app_id);
        }
    }

    async fn check_inboxes(&self, server: &TestServer) -> usize {
        let account = server.account(self.app_id).await;
        let mut entries = 0;
        for (number, expected) in WATCHED.iter().zip(&self.followers.inboxes) {
            let found = account.inbox_texts(&self.open_ids[*number]).await;
            assert_eq!(found, *expected, "follower {number} of {}", self.app_id);
            entries += found.len();
        }
        entries
    }
}

/// The OpenIDs of all followers of an account, by number.
async fn open_ids(server: &TestServer, app_id: &str) -> Vec<String> {
    let mut open_ids = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/v1/accounts/{app_id}/followers?limit=1000&after={next}");
        let (status, page) = server.native(Method::GET, &path, None).await;
        assert_eq!(status, 200, "{page}");
        let followers = page["followers"].as_array().expect("followers");
        let page_ids = followers.iter().map(|follower| follower["openid"].as_str());
        open_ids.extend(page_ids.map(|id| id.expect("an OpenID").to_owned()));
        match page["next"].as_str() {
            Some(after) => next = after.to_owned(),
            None => return open_ids,
        }
    }
}

/// In memory where there is a folder for that: thousands of commits are flushed, and a busy disk would be measured.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

#[tokio::test]
async fn a_year_of_daily_sends_is_exact_on_every_day() {
    let began = Instant::now();
    let folder = folder();
    let server = TestServer::in_folder(folder.path(), FOLLOWERS).await;
    let new_year = at("2027-01-01T00:00:00+08:00");
    server.advance(new_year.ms_since(server.now()) / 1_000).await;
    let mut service = Account::new(&server, SERVICE, Some(RECEIPTS_PER_MONTH)).await;
    let mut subscription = Account::new(&server, SUBSCRIPTION, None).await;
    let (mut history, mut turns, mut refusals) = (0, 0, 0);

    for (number, (month, day)) in days().enumerate() {
        if day == 1 {
            service.followers.begin_month();
            subscription.followers.begin_month();
            (history, turns) = (0, turns + usize::from(month > 1));
        }
        let text = format!("{month}月{day}日");
        // At another minute of each day, the first and the last among them.
        let minute = [0, 1_439, 720, 1, 1_438][number % 5];
        let at = new_year.plus_seconds(DAY * number as i64 + minute * 60);
        server.advance(at.ms_since(server.now()) / 1_000).await;
        service.log_in(&server).await;
        subscription.log_in(&server).await;

        let (mut wanted, mut calls) = (audience(number), 1);
        if wanted == Audience::Everybody && history == HISTORY_PER_MONTH {
            refused(&service.call(&server, wanted, &text).await, 45028);
            (refusals, calls) = (refusals + 1, 2);
            wanted = Audience::Every(2);
        }
        history += u32::from(wanted == Audience::Everybody);
        service.send(&server, wanted, &text).await;
        subscription.send(&server, Audience::Everybody, &text).await;
        refused(
            &subscription.call(&server, Audience::Everybody, "第二条").await,
            45028,
        );
        server.settle().await;

        let (today, this_month) = (u32::from(wanted == Audience::Everybody), history);
        let used = json!({"sends_today": 1, "calls_today": calls, "history_today": today, "history_this_month": this_month});
        service.used(&server, used).await;
        let used = json!({"sends_today": 1, "calls_today": 2, "history_today": 1, "history_this_month": day});
        subscription.used(&server, used).await;
    }
    let end = at("2028-01-01T00:00:00+08:00");
    server.advance(end.ms_since(server.now()) / 1_000).await;
    turns += 1;
    assert_eq!(
        (turns, service.expected.len(), MONTHS.iter().sum()),
        (12, 365, 365)
    );
    service
        .used(&server, json!({"sends_today": 0, "history_this_month": 0}))
        .await;
    assert!(refusals > 0, "the history's limit was met");

    for account in [&service, &subscription] {
        account.check_events();
        let entries = account.check_inboxes(&server).await;
        assert!(entries > 300, "{entries}");
    }
    let full = service
        .followers
        .inboxes
        .iter()
        .any(|inbox| inbox.len() == 12 * 4);
    assert!(full, "somebody met the limit in every month");
    let took = began.elapsed();
    server.stop().await;
    // The goal is a minute; whether that is kept is not the test's to judge.
    println!("a year took {:.1} s", took.as_secs_f64());
}
