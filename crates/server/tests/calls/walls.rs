//! Accounts are walls (SEC1): every call × every kind of id of another account answers exactly as an unknown id.
//!
//! The rows are in [`rows`], what the accounts have in [`world`]. A call of the server's own table that has no row
//! here fails, and so does a native or inbox route with an id in its path.

mod native;
mod rows;
mod world;

use std::collections::BTreeSet;

use serde_json::Value;
use server::api::endpoint::ENDPOINTS;

use crate::harness::{Account, Answer, Server};
use rows::{NAMES_NOTHING, ROWS, Row};
use world::{Things, World, unknown};

/// One call of a row as `caller`, with `id` in the place of the id.
async fn call(server: &Server, caller: (&Account, &Things), row: &Row, id: &Value) -> String {
    let (account, own) = caller;
    let filled = own.fill(row.body, id);
    let uri = format!("{}?access_token={}", row.path, account.token);
    let answer = match row.in_query {
        true => {
            let pairs = filled.as_object().expect("an object").iter();
            let pairs = pairs.map(|(key, value)| format!("&{key}={}", value.as_str().expect("a text")));
            server.get(&format!("{uri}{}", pairs.collect::<String>())).await
        }
        false => server.post(&uri, filled.to_string()).await,
    };
    told(&answer, id)
}

/// An answer without what differs between any two calls: the request id, and the id that was asked for.
fn told(answer: &Answer, id: &Value) -> String {
    let mut text = answer.text();
    if let Some(at) = text.find("rid: ") {
        let end = text[at..].find('"').map_or(text.len(), |length| at + length);
        text.replace_range(at..end, "rid");
    }
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    format!("{} {}", answer.status, text.replace(&id, "ID"))
}

#[test]
fn sec01_every_call_that_is_served_has_its_rows() {
    let served: BTreeSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
    let with_rows: BTreeSet<&str> = ROWS.iter().map(|row| row.path).collect();
    let without: BTreeSet<&str> = NAMES_NOTHING.iter().copied().collect();
    assert_eq!(
        with_rows.intersection(&without).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
    assert_eq!(
        with_rows.union(&without).copied().collect::<BTreeSet<_>>(),
        served
    );
}

#[tokio::test]
async fn sec01_a_foreign_id_answers_exactly_as_an_unknown_one_and_touches_nothing() {
    let world = World::new().await;
    let ours = (&world.ours, &world.our_things);
    let before = world.seen_by_its_owner().await;
    for row in ROWS {
        let foreign = world.their_things.get(row.kind);
        let unknown = unknown(foreign);
        let answers = [
            call(&world.server, ours, row, &unknown).await,
            call(&world.server, ours, row, foreign).await,
        ];
        assert_eq!(answers[0], answers[1], "{} with a foreign {}", row.path, row.kind);
    }
    assert_eq!(
        world.seen_by_its_owner().await,
        before,
        "nothing of the other account changed"
    );
}

#[tokio::test]
async fn sec01_the_owner_of_the_id_is_answered_otherwise() {
    let mut world = World::new().await;
    for row in ROWS.iter().filter(|row| row.owner_differs) {
        if row.uses_up {
            world = World::new().await;
        }
        let theirs = (&world.theirs, &world.their_things);
        let own = world.their_things.get(row.kind).clone();
        let unknown = call(&world.server, theirs, row, &unknown(&own)).await;
        let known = call(&world.server, theirs, row, &own).await;
        assert_ne!(
            unknown, known,
            "{} with an own {}: the row shows nothing",
            row.path, row.kind
        );
    }
}
