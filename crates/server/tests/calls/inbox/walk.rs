//! I8 by chance: sends, recalls, pages, positions and marks in any order, beside a model that knows what each person
//! must see.

use std::collections::BTreeSet;

use axum::http::Method;
use domain::time::Timestamp;
use proptest::{collection::vec, prelude::*, test_runner::Config};
use serde_json::{Value, json};
use server::app::SandboxControl;
use store::clock::Clock;

use super::Person;
use crate::harness::{Account, Server};

const ACCOUNTS: usize = 3;
const PERSONS: usize = 3;
/// Followers of each account; the persons are the first of them, and every second carries the tag `even`.
const FOLLOWERS: usize = 5;

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    SendToAll(usize),
    SendToTag(usize),
    /// To the followers whose bits are set, two at least.
    SendTo(usize, u8),
    Recall(usize),
    Wait(u8),
    /// Reads a first page.
    Open(usize, usize),
    /// Reads the next page of an open list.
    Turn(usize, usize),
    /// Takes the position after everything.
    Stand(usize),
    /// Reads on from a position.
    GoOn(usize, usize),
    /// Marks one of the person's newest entries as read.
    Mark(usize, usize),
    /// Marks everything up to a position as read.
    MarkPosition(usize),
    /// Counts what is unread.
    Count(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (account, person, any) = (0..ACCOUNTS, 0..PERSONS, 0..1_000_usize);
    let limit = 1..5_usize;
    prop_oneof![
        3 => account.clone().prop_map(Step::SendToAll),
        2 => account.clone().prop_map(Step::SendToTag),
        2 => (account, 0..32_u8).prop_map(|(account, to)| Step::SendTo(account, to)),
        1 => any.clone().prop_map(Step::Recall),
        2 => (0..3_u8).prop_map(Step::Wait),
        2 => (person.clone(), limit.clone()).prop_map(|(person, limit)| Step::Open(person, limit)),
        3 => (any.clone(), limit.clone()).prop_map(|(list, limit)| Step::Turn(list, limit)),
        2 => person.clone().prop_map(Step::Stand),
        3 => (any.clone(), limit).prop_map(|(stand, limit)| Step::GoOn(stand, limit)),
        2 => (person.clone(), 0..6_usize).prop_map(|(person, entry)| Step::Mark(person, entry)),
        1 => any.prop_map(Step::MarkPosition),
        2 => person.prop_map(Step::Count),
    ]
}

/// What a person received, in the order of its release; equally old ones in the order of accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Received {
    at: Timestamp,
    account: usize,
    mass: i64,
}

/// A list that is read page by page: what was there when it was opened, and what was seen.
struct List {
    person: usize,
    there: Vec<Received>,
    seen: Vec<Received>,
    cursor: Option<String>,
}

/// A position: how many of the masses were sent before it, and what was seen after it.
struct Stand {
    person: usize,
    sent: usize,
    seen: Vec<Received>,
    position: String,
    /// How much of each account is behind it.
    passed: [usize; ACCOUNTS],
}

struct Walk {
    server: Server,
    accounts: Vec<Account>,
    tags: Vec<i64>,
    persons: Vec<Person>,
    /// All entries of each person in the order of sending; masses have different numbers in this test.
    received: Vec<Vec<Received>>,
    recalled: BTreeSet<(usize, i64)>,
    sent: Vec<(usize, i64)>,
    /// What each person has read of each account, by how many were received until then.
    read: [[usize; ACCOUNTS]; PERSONS],
    lists: Vec<List>,
    stands: Vec<Stand>,
}

impl Walk {
    async fn new() -> Self {
        let server = Server::start();
        let (mut accounts, mut tags) = (Vec::new(), Vec::new());
        for _ in 0..ACCOUNTS {
            let account = super::unlimited(&server, FOLLOWERS).await;
            let found = server
                .get(&format!("/cgi-bin/tags/get?access_token={}", account.token))
                .await
                .json();
            tags.push(found["tags"][1]["id"].as_i64().expect("the tag of every second"));
            accounts.push(account);
        }
        let mut persons = Vec::new();
        for number in 0..PERSONS {
            persons.push(Person::new(&server, &format!("user-{number}")).await);
        }
        Self {
            server,
            accounts,
            tags,
            persons,
            received: vec![Vec::new(); PERSONS],
            recalled: BTreeSet::new(),
            sent: Vec::new(),
            read: [[0; ACCOUNTS]; PERSONS],
            lists: Vec::new(),
            stands: Vec::new(),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::SendToAll(account) => {
                let body = json!({"filter": {"is_to_all": true}});
                self.send(account, "sendall", body, |_| true).await;
            }
            Step::SendToTag(account) => {
                let body = json!({"filter": {"is_to_all": false, "tag_id": self.tags[account]}});
                self.send(account, "sendall", body, |person| person % 2 == 0)
                    .await;
            }
            Step::SendTo(account, bits) => {
                let chosen = |number: usize| number > 2 || bits >> number & 1 == 1;
                let ids = self.accounts[account].open_ids.iter().enumerate();
                let ids: Vec<&String> = ids
                    .filter(|(number, _)| chosen(*number))
                    .map(|(_, id)| id)
                    .collect();
                let body = json!({"touser": ids});
                self.send(account, "send", body, chosen).await;
            }
            Step::Recall(which) if !self.sent.is_empty() => {
                let (account, mass) = self.sent[which % self.sent.len()];
                let uri = format!(
                    "/v1/accounts/{}/masses/{mass}/recall",
                    self.accounts[account].appid
                );
                assert_eq!(self.server.native(Method::POST, &uri, "").await.status, 200);
                self.recalled.insert((account, mass));
            }
            Step::Wait(minutes) => {
                let later = self.server.clock.now().plus_seconds(60 * i64::from(minutes));
                self.server.clock.advance_to(later).await.expect("advances");
            }
            Step::Open(person, limit) => self.open(person, limit).await,
            Step::Turn(which, limit) if !self.lists.is_empty() => {
                let which = which % self.lists.len();
                self.turn(which, limit).await;
            }
            Step::Stand(person) => self.stand(person).await,
            Step::GoOn(which, limit) if !self.stands.is_empty() => {
                let which = which % self.stands.len();
                self.go_on(which, limit).await;
            }
            Step::Mark(person, entry) => self.mark(person, entry).await,
            Step::MarkPosition(which) if !self.stands.is_empty() => {
                let stand = &self.stands[which % self.stands.len()];
                let (person, passed) = (stand.person, stand.passed);
                let body = json!({"position": stand.position});
                assert_eq!(
                    self.persons[person]
                        .post(&self.server, "/inbox/read", body)
                        .await
                        .status,
                    200
                );
                for (read, passed) in self.read[person].iter_mut().zip(passed) {
                    *read = (*read).max(passed);
                }
            }
            Step::Count(person) => self.count(person).await,
            Step::Recall(_) | Step::Turn(..) | Step::GoOn(..) | Step::MarkPosition(_) => {}
        }
    }

    async fn send(&mut self, account: usize, call: &str, mut body: Value, reaches: impl Fn(usize) -> bool) {
        body["msgtype"] = json!("text");
        body["text"] = json!({"content": format!("{account} {}", self.sent.len())});
        let path = format!("message/mass/{call}");
        let answer = self
            .server
            .call(&self.accounts[account], &path, body)
            .await
            .json();
        let mass = answer["msg_id"].as_i64().unwrap_or_else(|| panic!("{answer}"));
        self.server.deliver().await;
        self.sent.push((account, mass));
        let at = self.server.clock.now();
        for (person, received) in self.received.iter_mut().enumerate() {
            if reaches(person) {
                received.push(Received { at, account, mass });
            }
        }
    }

    fn stands(&self, entry: &Received) -> bool {
        !self.recalled.contains(&(entry.account, entry.mass))
    }

    /// What a person has now, newest first.
    fn inbox(&self, person: usize) -> Vec<Received> {
        let mut all: Vec<Received> = self.received[person]
            .iter()
            .filter(|entry| self.stands(entry))
            .cloned()
            .collect();
        all.sort();
        all.reverse();
        all
    }

    fn entries(&self, page: &Value) -> Vec<Received> {
        let entries = page["entries"].as_array().expect("a list").iter();
        entries
            .map(|entry| {
                let of = |account: &Account| entry["account"] == account.appid;
                let at = domain::time::parse_rfc3339(entry["sent_at"].as_str().expect("a text"));
                Received {
                    at: at.expect("an instant"),
                    account: self.accounts.iter().position(of).expect("an account"),
                    mass: entry["msg_id"].as_i64().expect("a number"),
                }
            })
            .collect()
    }

    async fn page(&self, person: usize, query: &str) -> Value {
        let answer = self.persons[person]
            .get(&self.server, &format!("/inbox/entries?{query}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn open(&mut self, person: usize, limit: usize) {
        let page = self.page(person, &format!("limit={limit}")).await;
        self.lists.push(List {
            person,
            there: self.inbox(person),
            seen: self.entries(&page),
            cursor: page["next_cursor"].as_str().map(str::to_owned),
        });
        self.stands.push(Stand {
            position: page["position"].as_str().expect("a text").to_owned(),
            ..self.here(person)
        });
    }

    async fn turn(&mut self, which: usize, limit: usize) {
        let List { person, cursor, .. } = &self.lists[which];
        let Some(cursor) = cursor else { return };
        let page = self
            .page(*person, &format!("limit={limit}&cursor={cursor}"))
            .await;
        let seen = self.entries(&page);
        let list = &mut self.lists[which];
        list.seen.extend(seen);
        list.cursor = page["next_cursor"].as_str().map(str::to_owned);
    }

    /// A position at the end of everything, still without its text.
    fn here(&self, person: usize) -> Stand {
        let of = |account| {
            let all = self.received[person].iter();
            all.filter(|entry| entry.account == account).count()
        };
        Stand {
            person,
            sent: self.received[person].len(),
            seen: Vec::new(),
            position: String::new(),
            passed: std::array::from_fn(of),
        }
    }

    async fn stand(&mut self, person: usize) {
        let answer = self.persons[person]
            .get(&self.server, "/inbox/accounts")
            .await
            .json();
        let position = answer["position"].as_str().expect("a text").to_owned();
        self.stands.push(Stand {
            position,
            ..self.here(person)
        });
    }

    async fn go_on(&mut self, which: usize, limit: usize) -> bool {
        let Stand { person, position, .. } = &self.stands[which];
        let page = self
            .page(*person, &format!("limit={limit}&after={position}"))
            .await;
        let (person, seen) = (*person, self.entries(&page));
        let more = page["more"].as_bool().expect("yes or no");
        let mut stand = Stand {
            position: page["position"].as_str().expect("a text").to_owned(),
            ..self.here(person)
        };
        if more {
            // What is behind it now: of each account all before the first that was not seen and still stands.
            let before = &self.stands[which];
            let all: Vec<&Received> = before.seen.iter().chain(&seen).collect();
            for account in 0..ACCOUNTS {
                let of = self.received[person]
                    .iter()
                    .filter(|entry| entry.account == account);
                let first = of.enumerate().position(|(place, entry)| {
                    place >= before.passed[account] && self.stands(entry) && !all.contains(&entry)
                });
                stand.passed[account] = first.unwrap_or(stand.passed[account]);
            }
        }
        let known = &mut self.stands[which];
        known.seen.extend(seen);
        (known.position, known.passed) = (stand.position, stand.passed);
        more
    }

    async fn mark(&mut self, person: usize, which: usize) {
        let page = self.page(person, "limit=6").await;
        let entries = self.entries(&page);
        let Some(entry) = entries.get(which) else { return };
        let body = json!({"entry": page["entries"][which]["id"]});
        assert_eq!(
            self.persons[person]
                .post(&self.server, "/inbox/read", body)
                .await
                .status,
            200
        );
        let of = self.received[person]
            .iter()
            .filter(|other| other.account == entry.account);
        let place = of
            .clone()
            .position(|other| other == entry)
            .expect("it was received");
        let read = &mut self.read[person][entry.account];
        *read = (*read).max(place + 1);
    }

    /// The counts are those of the model, and those of whoever counts a whole list.
    async fn count(&self, person: usize) {
        let told = self.persons[person]
            .get(&self.server, "/inbox/unread")
            .await
            .json();
        let accounts = self.persons[person]
            .get(&self.server, "/inbox/accounts")
            .await
            .json();
        let mut sum = 0;
        for (account, read) in self.read[person].iter().enumerate() {
            let of = self.received[person]
                .iter()
                .filter(|entry| entry.account == account);
            let (behind, ahead): (Vec<_>, Vec<_>) = of.enumerate().partition(|(place, _)| place < read);
            let unread = ahead.iter().filter(|(_, entry)| self.stands(entry)).count();
            sum += unread;
            let appid = &self.accounts[account].appid;
            assert_eq!(told["accounts"][appid], unread, "{told}");
            let list = self.page(person, &format!("limit=100&account={appid}")).await;
            let shown = accounts["accounts"].as_array().expect("a list").iter();
            let shown = shown
                .clone()
                .find(|shown| shown["account"] == **appid)
                .expect("it is there");
            assert_eq!(shown["unread"], unread, "{shown}");
            let ids: Vec<&Value> = list["entries"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|e| &e["id"])
                .collect();
            let counted = ids.iter().position(|id| **id == shown["read_up_to"]);
            assert_eq!(counted.unwrap_or(ids.len()), unread, "{shown}");
            assert_eq!(
                shown["read_up_to"].is_null(),
                !behind.iter().any(|(_, entry)| self.stands(entry))
            );
        }
        assert_eq!((&told["unread"], &accounts["unread"]), (&json!(sum), &json!(sum)));
    }

    /// Reads everything to its end and compares.
    async fn end(&mut self) {
        for which in 0..self.lists.len() {
            while self.lists[which].cursor.is_some() {
                self.turn(which, 3).await;
            }
        }
        for which in 0..self.stands.len() {
            while self.go_on(which, 3).await {}
        }
        for list in &self.lists {
            self.compare(&list.seen, &list.there);
            let newest_first = list.seen.windows(2).all(|pair| pair[0] > pair[1]);
            assert!(newest_first, "{:?}", list.seen);
        }
        for stand in &self.stands {
            self.compare(&stand.seen, &self.received[stand.person][stand.sent..]);
        }
        for person in 0..PERSONS {
            self.count(person).await;
            let page = self.page(person, "limit=100").await;
            assert_eq!(self.entries(&page), self.inbox(person));
        }
    }

    /// Each was seen once that stands, the others once at most, and nothing else.
    fn compare(&self, seen: &[Received], expected: &[Received]) {
        let once: BTreeSet<&Received> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "repeated: {seen:?}");
        for entry in seen {
            assert!(expected.contains(entry), "not of this list: {entry:?}");
        }
        for entry in expected {
            assert!(once.contains(entry) || !self.stands(entry), "skipped: {entry:?}");
        }
    }
}

/// As many as are asked for; few on a server, where every statement is a journey.
fn config() -> Config {
    let asked = Config::default();
    let on_server = std::env::var_os("QUNFA_TEST_STORE").is_some_and(|store| store == "postgres");
    let usual = if on_server { 3 } else { 12 };
    let cases = if asked.cases == 256 { usual } else { asked.cases };
    Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..asked
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn i08_whatever_happens_lists_and_positions_skip_and_repeat_nothing_and_counts_are_the_rows(
        steps in vec(step(), 20..60)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut walk = Walk::new().await;
            for step in steps {
                walk.take(step).await;
            }
            walk.end().await;
        });
    }
}
