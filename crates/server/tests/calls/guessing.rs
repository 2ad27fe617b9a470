//! Guessing is slow (SEC5), through every door that takes a secret or a token.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, header},
};
use futures::future::join_all;
use serde_json::json;
use server::source::Source;

use crate::{
    harness::{Account, Answer, Server},
    reading,
};

/// Instead of the three seconds of a real server.
const DELAY: Duration = Duration::from_millis(400);
const FREE: usize = 10;

fn server() -> Server {
    Server::start_with(|settings| settings.guess_delay = DELAY)
}

/// A request from an address.
async fn from(server: &Server, source: &str, mut request: Request<Body>) -> (Answer, Duration) {
    let address: IpAddr = source.parse().expect("an address");
    request.extensions_mut().insert(Source {
        address,
        doubtful: false,
    });
    let began = Instant::now();
    let answer = server.send(request).await;
    (answer, began.elapsed())
}

fn get(uri: &str, bearer: Option<&str>) -> Request<Body> {
    let mut request = Request::get(uri);
    if let Some(token) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::empty()).expect("a request")
}

fn token(account: &Account, secret: &str) -> Request<Body> {
    let appid = &account.appid;
    get(
        &format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}"),
        None,
    )
}

const HERE: &str = "198.51.100.1";
const ELSEWHERE: &str = "198.51.100.2";

#[tokio::test]
async fn sec05_after_ten_wrong_secrets_each_try_from_there_waits_and_nobody_is_locked_out() {
    let server = server();
    let (account, other) = (server.service().await, server.service().await);
    for _ in 0..FREE {
        let (answer, took) = from(&server, HERE, token(&account, "wrong")).await;
        assert_eq!(answer.errcode(), 40125);
        assert!(took < DELAY, "{took:?}");
    }
    let (answer, took) = from(&server, HERE, token(&account, "wrong")).await;
    assert!(took >= DELAY && answer.errcode() == 40125, "{took:?}");
    let (answer, took) = from(&server, HERE, token(&account, &account.secret)).await;
    assert!(took >= DELAY, "the right one tells nothing by its time: {took:?}");
    assert!(
        answer.json()["access_token"].is_string(),
        "and is not locked out: {}",
        answer.text()
    );
    for (source, account) in [(ELSEWHERE, &account), (HERE, &other)] {
        let (answer, took) = from(&server, source, token(account, &account.secret)).await;
        assert!(
            took < DELAY && answer.json()["access_token"].is_string(),
            "{took:?}"
        );
    }
    let body = json!({"grant_type": "client_credential", "appid": account.appid, "secret": "wrong"});
    let stable = Request::post("/cgi-bin/stable_token").body(Body::from(body.to_string()));
    let (_, took) = from(&server, HERE, stable.expect("a request")).await;
    assert!(
        took >= DELAY,
        "another call with the same secret is no way around: {took:?}"
    );
    let clear = json!({"appid": account.appid, "appsecret": "wrong"});
    let clear = Request::post("/cgi-bin/clear_quota/v2").body(Body::from(clear.to_string()));
    let (_, took) = from(&server, HERE, clear.expect("a request")).await;
    assert!(took >= DELAY, "{took:?}");
}

#[tokio::test]
async fn sec05_of_many_guesses_at_once_few_are_looked_at() {
    let server = server();
    let account = server.service().await;
    join_all((0..FREE).map(|_| from(&server, HERE, token(&account, "wrong")))).await;
    let all = join_all((0..20).map(|_| from(&server, HERE, token(&account, &account.secret)))).await;
    let unseen = all
        .iter()
        .filter(|(answer, _)| answer.json()["errcode"] == 45011)
        .count();
    assert_eq!(unseen, 16, "four wait, the others are refused unseen");
}

#[tokio::test]
async fn sec05_who_tries_many_appids_is_slow_and_learns_only_what_the_codes_tell() {
    let server = server();
    let nobody = |number: usize| {
        let uri = format!("/cgi-bin/token?grant_type=client_credential&appid=wx{number}&secret=x");
        get(&uri, None)
    };
    for number in 0..FREE {
        assert_eq!(from(&server, HERE, nobody(number)).await.0.errcode(), 40013);
    }
    let (answer, took) = from(&server, HERE, nobody(FREE)).await;
    assert!(took >= DELAY && answer.errcode() == 40013, "{took:?}");
    let account = server.service().await;
    let (_, took) = from(&server, HERE, token(&account, &account.secret)).await;
    assert!(took < DELAY, "who names a real one does not wait: {took:?}");
}

#[tokio::test]
async fn sec05_the_admin_token_is_not_guessed_faster() {
    let server = server();
    for _ in 0..FREE {
        let (answer, took) = from(&server, HERE, get("/v1/accounts", Some("wrong"))).await;
        assert!(answer.status == 401 && took < DELAY, "{took:?}");
    }
    let all = join_all((0..6).map(|_| from(&server, HERE, get("/v1/accounts", Some("wrong"))))).await;
    let late = all
        .iter()
        .filter(|(answer, took)| answer.status == 401 && *took >= DELAY)
        .count();
    let unseen = all.iter().filter(|(answer, _)| answer.status == 429).count();
    assert_eq!((late, unseen), (4, 2));
    let (answer, took) = from(&server, ELSEWHERE, get("/v1/accounts", Some("wrong"))).await;
    assert!(answer.status == 401 && took < DELAY, "{took:?}");
}

#[tokio::test]
async fn sec05_wrong_inbox_tokens_wait_and_right_ones_never_do() {
    let server = server();
    let account = server.service().await;
    let right = reading::token(&server, &account, 0).await;
    for _ in 0..FREE {
        assert_eq!(
            from(&server, HERE, get("/inbox/entries", Some("wrong")))
                .await
                .0
                .status,
            401
        );
    }
    let (answer, took) = from(&server, HERE, get("/inbox/entries", Some("wrong"))).await;
    assert!(answer.status == 401 && took >= DELAY, "{took:?}");
    let (answer, took) = from(&server, HERE, get("/inbox/entries", Some(&right))).await;
    assert!(
        answer.status == 200 && took < DELAY,
        "many readers share an address: {took:?}"
    );
}
