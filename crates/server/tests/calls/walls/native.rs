//! The same walls between the accounts of the native API and between inboxes.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::Value;

use super::{
    told,
    world::{World, unknown},
};

/// A route with an id in it: method, path below the account, kind of id, body.
const ROWS: &[(Method, &str, &str, &str)] = &[
    (Method::POST, "/followers/{openid}/subscribe", "openid", "{}"),
    (Method::POST, "/followers/{openid}/unsubscribe", "openid", "{}"),
    (
        Method::PUT,
        "/followers/{openid}/opt-out",
        "openid",
        r#"{"opted_out":true}"#,
    ),
    (Method::GET, "/masses/{msg_id}", "msg_id", ""),
    (Method::POST, "/masses/{msg_id}/confirm", "msg_id", "{}"),
    (Method::POST, "/masses/{msg_id}/refuse", "msg_id", "{}"),
    (Method::POST, "/masses/{msg_id}/recall", "msg_id", "{}"),
    (Method::GET, "/schedules/{id}", "schedule", ""),
    (
        Method::PATCH,
        "/schedules/{id}",
        "schedule",
        r#"{"send_at":"2026-11-24T20:00:00+08:00"}"#,
    ),
    (Method::DELETE, "/schedules/{id}", "schedule", ""),
    (Method::PUT, "/originals/{id}/allowed/{other}", "original", ""),
    (Method::DELETE, "/originals/{id}/allowed/{other}", "original", ""),
    (Method::POST, "/events/{id}/resend", "event", ""),
    (
        Method::POST,
        "/push-bridge/dead-letters/{id}/resend",
        "dead letter",
        "",
    ),
];

/// Ids in bodies.
const BODIES: &[(&str, &str, &str)] = &[
    ("/inbox-tokens", "openid", r#"{"openid":"ID"}"#),
    ("/inbox-tokens", "name", r#"{"external_id":"ID"}"#),
    (
        "/masses",
        "tag",
        r#"{"filter":{"tag_id":"ID"},"msgtype":"text","text":{"content":"5"}}"#,
    ),
    (
        "/masses",
        "image",
        r#"{"filter":{"is_to_all":true},"msgtype":"image","image":{"media_id":"ID"}}"#,
    ),
    (
        "/masses",
        "news",
        r#"{"filter":{"is_to_all":true},"msgtype":"mpnews","mpnews":{"media_id":"ID"}}"#,
    ),
    (
        "/masses",
        "openid",
        r#"{"touser":["ID","ID"],"msgtype":"text","text":{"content":"6"}}"#,
    ),
    ("/originals", "material news", r#"{"media_id":"ID"}"#),
];

/// Routes below an account with an id in their path, as the router has them.
fn served() -> BTreeSet<String> {
    let source = include_str!("../../../src/v1/mod.rs");
    let paths = source
        .split(".route(")
        .skip(1)
        .filter_map(|call| call.split('"').nth(1));
    let below = paths.filter_map(|path| path.strip_prefix("/v1/accounts/{appid}"));
    below
        .filter(|path| path.contains('{'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn sec01_every_native_route_with_an_id_has_its_row() {
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.1.to_owned()).collect();
    assert_eq!(rows, served());
}

#[tokio::test]
async fn sec01_the_native_api_knows_no_id_of_another_account() {
    let world = World::new().await;
    let before = world.seen_by_its_owner().await;
    let path = |template: &str, id: &Value| {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let below = template.replace("{other}", &world.theirs.appid);
        let below: Vec<&str> = below
            .split('/')
            .map(|part| if part.starts_with('{') { &id } else { part })
            .collect();
        format!("/v1/accounts/{}{}", world.ours.appid, below.join("/"))
    };
    for (method, template, kind, body) in ROWS {
        let foreign = world.their_things.get(kind);
        let mut answers = Vec::new();
        for id in [&unknown(foreign), foreign] {
            let answer = world
                .server
                .native(method.clone(), &path(template, id), *body)
                .await;
            assert_eq!(answer.status, 404, "{method} {template}: {}", answer.text());
            answers.push(told(&answer, id));
        }
        assert_eq!(answers[0], answers[1], "{method} {template}");
    }
    for (below, kind, body) in BODIES {
        let foreign = world.their_things.get(kind);
        let mut answers = Vec::new();
        for id in [&unknown(foreign), foreign] {
            let uri = format!("/v1/accounts/{}{below}", world.ours.appid);
            let body = world.our_things.fill(body, id).to_string();
            let answer = world.server.native(Method::POST, &uri, body).await;
            assert!(
                answer.status.is_client_error(),
                "{below} {kind}: {}",
                answer.text()
            );
            answers.push(told(&answer, id));
        }
        assert_eq!(answers[0], answers[1], "{below} {kind}");
    }
    assert_eq!(
        world.seen_by_its_owner().await,
        before,
        "nothing of the other account changed"
    );
}

#[tokio::test]
async fn sec01_an_inbox_token_opens_no_entry_of_another_account() {
    let world = World::new().await;
    let before = world.seen_by_its_owner().await;
    let foreign = world.their_things.get("entry");
    for (method, below, body) in [
        (Method::GET, "", ""),
        (Method::POST, "comments", r#"{"index":1,"content":"x"}"#),
        (Method::DELETE, "comments/1?index=1", ""),
        (Method::POST, "reads", r#"{"index":1}"#),
    ] {
        let mut answers = Vec::new();
        for id in [&unknown(foreign), foreign] {
            let uri = format!("/inbox/entries/{}/{below}", id.as_str().expect("a text"));
            let token = world.our_things.get("inbox token").as_str().expect("a text");
            let request = Request::builder().method(method.clone()).uri(uri);
            let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            let answer = world
                .server
                .send(request.body(Body::from(body)).expect("a request"))
                .await;
            assert_eq!(answer.status, 404, "{below}: {}", answer.text());
            answers.push(told(&answer, id));
        }
        assert_eq!(answers[0], answers[1], "{method} {below}");
    }
    assert_eq!(world.seen_by_its_owner().await, before);
}
