//! Inboxes of persons over several accounts, without an engine.

mod walk;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::{
    follower::NewFollower,
    id::{AppId, ExternalId},
    time::{Timestamp, parse_rfc3339},
};
use serde_json::{Value, json};

use crate::harness::{Account, Answer, Server};

/// Somebody with a token.
pub struct Person {
    pub token: String,
}

impl Person {
    pub async fn new(server: &Server, external_id: &str) -> Self {
        let body = json!({"external_id": external_id}).to_string();
        let answer = server.native(Method::POST, "/v1/inbox-tokens", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        Self { token }
    }

    pub async fn call(&self, server: &Server, method: Method, uri: &str, body: String) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        server
            .send(request.body(Body::from(body)).expect("a request"))
            .await
    }

    pub async fn get(&self, server: &Server, uri: &str) -> Answer {
        self.call(server, Method::GET, uri, String::new()).await
    }

    pub async fn post(&self, server: &Server, uri: &str, body: Value) -> Answer {
        self.call(server, Method::POST, uri, body.to_string()).await
    }
}

/// A service account without quotas.
pub async fn unlimited(server: &Server, followers: usize) -> Account {
    let new = json!({"name": "植物园", "kind": "service", "verified": true});
    let account = server.account(new, followers).await;
    let change = json!({"quota": {"calls_per_minute": null, "calls_per_day": null, "history_per_day": null,
        "history_per_month": null, "receipts_per_month": null}, "repeat_check": false});
    let uri = format!("/v1/accounts/{}", account.appid);
    let changed = server.native(Method::PATCH, &uri, change.to_string()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    account
}

async fn send_text(server: &Server, account: &Account, text: &str) {
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": text}});
    assert_eq!(
        server.call(account, "message/mass/sendall", body).await.errcode(),
        0
    );
    server.deliver().await;
}

fn texts(answer: &Answer) -> Vec<String> {
    let page = answer.json();
    let entries = page["entries"]
        .as_array()
        .unwrap_or_else(|| panic!("no page: {page}"))
        .iter();
    entries
        .map(|entry| entry["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn i08_cursors_and_positions_stay_good_when_old_entries_go() {
    let server = Server::start();
    let mut account = unlimited(&server, 3).await;
    for number in 0..4 {
        send_text(&server, &account, &number.to_string()).await;
    }
    let ask = async |query: String| {
        let person = Person::new(&server, "user-1").await;
        person.get(&server, &format!("/inbox/entries?{query}")).await
    };
    let first = ask("limit=2".into()).await.json();
    let (cursor, position) = (
        first["next_cursor"].as_str().expect("more").to_owned(),
        first["position"].as_str().expect("a text").to_owned(),
    );
    let later = "2027-03-01T10:00:00+08:00";
    server.at(later, &mut [&mut account]).await;
    let gone = server
        .store
        .drop_deliveries(2, parse_rfc3339(later).expect("an instant"))
        .await;
    assert_eq!(gone.expect("works"), 4);
    assert_eq!(texts(&ask(format!("cursor={cursor}")).await), [""; 0]);
    send_text(&server, &account, "new").await;
    let after = ask(format!("after={position}")).await;
    assert_eq!(texts(&after), ["new"]);
    assert_eq!(texts(&ask(format!("cursor={cursor}")).await), [""; 0]);
    assert_eq!(texts(&ask("limit=9".into()).await), ["new"]);
}

#[tokio::test]
async fn i08_more_entries_than_are_kept_in_memory_are_all_listed_and_counted() {
    let server = Server::start();
    let account = unlimited(&server, 3).await;
    let other = unlimited(&server, 3).await;
    let person = Person::new(&server, "user-1").await;
    let ask = async |query: String| person.get(&server, &format!("/inbox/entries?{query}")).await;
    let position = ask(String::new()).await.json()["position"]
        .as_str()
        .expect("a text")
        .to_owned();
    send_text(&server, &other, "other").await;
    for number in 0..80 {
        send_text(&server, &account, &number.to_string()).await;
    }
    let mut expected: Vec<String> = (0..80).map(|number| number.to_string()).collect();
    expected.push("other".into());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ask(format!("limit=30&cursor={cursor}")).await;
        seen.extend(texts(&page));
        match page.json()["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let (mut seen, mut position) = (Vec::new(), position);
    loop {
        let page = ask(format!("limit=30&after={position}")).await;
        seen.extend(texts(&page));
        page.json()["position"]
            .as_str()
            .expect("a text")
            .clone_into(&mut position);
        if page.json()["more"] == false {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, expected);
    let unread = person.get(&server, "/inbox/unread").await.json();
    assert_eq!(unread["accounts"][&account.appid], 80);
    let found = ask("q=79%20".into()).await;
    assert_eq!(texts(&found), ["79"]);
}

#[tokio::test]
async fn i08_followers_of_a_later_block_have_positions_of_their_own() {
    let server = Server::start_with(|settings| settings.speeds.default_per_minute = None);
    let account = unlimited(&server, 2).await;
    let id = server
        .store
        .account(&AppId(account.appid.clone()))
        .await
        .expect("works")
        .expect("is there")
        .id;
    let crowd = |range: std::ops::Range<u32>| {
        range
            .map(|number| NewFollower {
                external_id: format!("crowd-{number}"),
                ..NewFollower::default()
            })
            .collect()
    };
    server
        .store
        .import_followers(id, crowd(0..65_540), Timestamp(0))
        .await
        .expect("imports");
    send_text(&server, &account, "一").await;
    let late = ExternalId("crowd-65539".into());
    let ordinal = server
        .store
        .follower_by_external_id(id, &late)
        .await
        .expect("works")
        .expect("is there");
    assert_eq!(ordinal.block().0, 1);
    // The first block has one more.
    let body = json!({"touser": [account.open_ids[0], account.open_ids[1]], "msgtype": "text",
        "text": {"content": "二"}});
    assert_eq!(
        server.call(&account, "message/mass/send", body).await.errcode(),
        0
    );
    server.deliver().await;
    let (early, late) = (
        Person::new(&server, "user-1").await,
        Person::new(&server, &late.0).await,
    );
    for (person, unread) in [(&early, 2), (&late, 1)] {
        let accounts = person.get(&server, "/inbox/accounts").await.json();
        assert_eq!(accounts["unread"], unread);
        let after = format!(
            "/inbox/entries?after={}",
            accounts["position"].as_str().expect("a text")
        );
        assert_eq!(texts(&person.get(&server, &after).await), [""; 0]);
        let read = json!({"position": accounts["position"]});
        assert_eq!(
            person.post(&server, "/inbox/read", read).await.json()["unread"],
            0
        );
    }
    send_text(&server, &account, "三").await;
    assert_eq!(late.get(&server, "/inbox/unread").await.json()["unread"], 1);
}

#[tokio::test]
async fn sec01_a_reader_is_told_nothing_of_others_by_any_id_cursor_or_position() {
    let server = Server::start();
    let (ours, theirs) = (unlimited(&server, 3).await, unlimited(&server, 0).await);
    let uri = format!("/v1/accounts/{}/followers", theirs.appid);
    let imported = server
        .native(Method::POST, &uri, "external_id,tags\nelsewhere,vip\n")
        .await;
    assert_eq!(imported.status, 200, "{}", imported.text());
    for account in [&ours, &theirs] {
        for number in 0..3 {
            send_text(&server, account, &number.to_string()).await;
        }
    }
    let (here, there) = (
        Person::new(&server, "user-1").await,
        Person::new(&server, "elsewhere").await,
    );
    let neighbour = Person::new(&server, "user-2").await;
    let page = there.get(&server, "/inbox/entries?limit=1").await.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (entry, cursor, position) = (
        text(&page["entries"][0]["id"]),
        text(&page["next_cursor"]),
        text(&page["position"]),
    );
    let near = neighbour.get(&server, "/inbox/entries?limit=1").await.json();
    let (near_cursor, near_position) = (text(&near["next_cursor"]), text(&near["position"]));
    let before = there.get(&server, "/inbox/accounts").await.text();
    let nothing = "AAAAAAAAAAAAAAAAAAAAAA";
    let get = |uri: String| (Method::GET, uri, String::new());
    let mark = |body: Value| (Method::POST, "/inbox/read".to_owned(), body.to_string());
    let pairs = [
        (
            get(format!("/inbox/entries/{entry}")),
            get(format!("/inbox/entries/{nothing}")),
        ),
        (
            get(format!("/inbox/entries?account={}", theirs.appid)),
            get("/inbox/entries?account=wx0".into()),
        ),
        (
            get(format!("/inbox/entries?cursor={cursor}")),
            get(format!("/inbox/entries?cursor={nothing}")),
        ),
        (
            get(format!("/inbox/entries?cursor={near_cursor}")),
            get(format!("/inbox/entries?cursor={nothing}")),
        ),
        (
            get(format!("/inbox/entries?after={position}")),
            get(format!("/inbox/entries?after={nothing}")),
        ),
        (
            get(format!("/inbox/entries?after={near_position}")),
            get(format!("/inbox/entries?after={nothing}")),
        ),
        (mark(json!({"entry": entry})), mark(json!({"entry": nothing}))),
        (
            mark(json!({"account": theirs.appid})),
            mark(json!({"account": "wx0"})),
        ),
        (
            mark(json!({"position": position})),
            mark(json!({"position": nothing})),
        ),
        (
            (
                Method::PATCH,
                format!("/inbox/accounts/{}", theirs.appid),
                r#"{"muted":true}"#.into(),
            ),
            (
                Method::PATCH,
                "/inbox/accounts/wx0".into(),
                r#"{"muted":true}"#.into(),
            ),
        ),
        (
            (
                Method::PATCH,
                format!("/inbox/accounts/{}", ours.appid),
                r#"{"tags":{"101":true}}"#.into(),
            ),
            (
                Method::PATCH,
                format!("/inbox/accounts/{}", ours.appid),
                r#"{"tags":{"999":true}}"#.into(),
            ),
        ),
        (
            (
                Method::POST,
                format!("/inbox/entries/{entry}/comments"),
                r#"{"content":"x"}"#.into(),
            ),
            (
                Method::POST,
                format!("/inbox/entries/{nothing}/comments"),
                r#"{"content":"x"}"#.into(),
            ),
        ),
        (
            (Method::POST, format!("/inbox/entries/{entry}/reads"), "{}".into()),
            (
                Method::POST,
                format!("/inbox/entries/{nothing}/reads"),
                "{}".into(),
            ),
        ),
    ];
    for ((method, uri, body), unknown) in pairs {
        let foreign = here.call(&server, method, &uri, body).await;
        let unknown = here.call(&server, unknown.0, &unknown.1, unknown.2).await;
        assert!(
            foreign.status == 404 || foreign.status == 400,
            "{uri}: {}",
            foreign.text()
        );
        assert_eq!(
            (foreign.status, foreign.text()),
            (unknown.status, unknown.text()),
            "{uri}"
        );
    }
    assert_eq!(there.get(&server, "/inbox/accounts").await.text(), before);
    let followers = here.get(&server, "/inbox/accounts").await.json();
    assert_eq!(followers["accounts"].as_array().map(Vec::len), Some(1));
    // What is a person's is no follower's, though it is the same human being.
    let follower = Person {
        token: crate::reading::token(&server, &ours, 1).await,
    };
    let mine = text(&here.get(&server, "/inbox/entries").await.json()["position"]);
    assert_eq!(
        follower
            .get(&server, &format!("/inbox/entries?after={mine}"))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_where_they_are_named() {
    let preflight = async |server: &Server, origin: &str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri("/inbox/entries")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
        let answer = server.send(request.body(Body::empty()).expect("a request")).await;
        answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN).to_owned()
    };
    let nobody = Server::start();
    assert_eq!(preflight(&nobody, "https://app.example.org").await, "");
    let one = Server::start_with(|settings| settings.reader_origins = vec!["https://app.example.org".into()]);
    assert_eq!(
        preflight(&one, "https://app.example.org").await,
        "https://app.example.org"
    );
    assert_eq!(preflight(&one, "https://evil.example.org").await, "");
    let all = Server::start_with(|settings| settings.reader_origins = vec!["*".into()]);
    assert_eq!(preflight(&all, "https://app.example.org").await, "*");
}
