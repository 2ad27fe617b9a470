//! A paced send to a million followers while a part dies: only the time changes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::{
    dice::long,
    fleet::Fleet,
    parts::{account, mass, people, reader, send, token, until},
    receiver::Receiver,
    world::Account,
};

/// Followers of the short form: four blocks.
const SHORT: usize = 4 * 65_536;
const MILLION: usize = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// What happens when the first blocks are out.
#[derive(Clone, Copy, Debug)]
enum Accident {
    Nothing,
    NodeKilled(usize),
    PostgresRestarted,
    PostgresKilled,
    NatsKilled,
}

const ACCIDENTS: [Accident; 7] = [
    Accident::Nothing,
    Accident::NodeKilled(0),
    Accident::NodeKilled(1),
    Accident::NodeKilled(2),
    Accident::PostgresRestarted,
    Accident::PostgresKilled,
    Accident::NatsKilled,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i02_i03_i18_i19_only_the_time_of_a_paced_send_changes_when_a_part_dies() {
    let followers = if long() { MILLION } else { SHORT };
    let mut fleet = Fleet::start(3).await;
    let receiver = Receiver::start().await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Million").await;
    let callback = json!({"callback": {"url": receiver.url(0), "token": "token123", "mode": "plain"}});
    let path = format!("/v1/accounts/{}", one.app_id);
    client.must(Method::PATCH, &path, Some(&callback)).await;
    let importing = Instant::now();
    people(&client, &one, followers).await;
    println!(
        "{followers} followers imported in {:.1} s",
        importing.elapsed().as_secs_f64()
    );
    let access = token(&client, &one).await;
    // A million in ten seconds or so, four blocks in five.
    let level = if long() { 0 } else { 1 };
    println!("accident                 finished after   tries of the event");
    for node in &mut fleet.nodes {
        node.set("QUNFA_SPEED_LEVELS", "6000000,3000000,1000000,500000,250000");
        node.process.kill();
    }
    fleet.heal().await;
    let set = client
        .post(
            "/cgi-bin/message/mass/speed/set",
            &access,
            &json!({"speed": level}),
        )
        .await;
    assert_eq!(set.expect("an answer")["errcode"], 0);
    let readers = [0, followers / 2, followers - 1];
    let mut tokens = Vec::new();
    for number in readers {
        tokens.push(reader(&client, &one, number).await.token);
    }
    for (round, accident) in ACCIDENTS.into_iter().enumerate() {
        let sent = Instant::now();
        // Through a node that lives on.
        let through = fleet.nodes[2].client.clone();
        let id = send(&through, &access, &format!("round-{round}")).await;
        begun(&fleet, &one, id).await;
        happen(&mut fleet, accident);
        let alive = fleet.nodes[match accident {
            Accident::NodeKilled(2) => 1,
            _ => 2,
        }]
        .client
        .clone();
        until(PATIENCE, "it is finished", async || {
            let path = format!("/v1/accounts/{}/masses/{id}", one.app_id);
            let said = alive.native(Method::GET, &path, None).await;
            said.is_some_and(|(status, mass)| status == 200 && mass["state"] == "succeeded")
        })
        .await;
        let took = sent.elapsed();
        until(PATIENCE, "i19: the event", async || {
            !receiver.told(0, id).is_empty()
        })
        .await;
        fleet.servers.nats.start_again();
        fleet.heal().await;
        for node in &fleet.nodes {
            let mass = mass(&node.client, &one, id).await;
            assert_eq!(
                (&mass["total_count"], &mass["sent_count"], &mass["error_count"]),
                (&json!(followers), &json!(followers), &json!(0)),
                "i02, i03, i04: {mass}"
            );
        }
        for reads in &tokens {
            let entries = client.entries(reads).await.expect("an inbox");
            assert_eq!(entries.len(), round + 1, "i02, i03");
        }
        let told = receiver.told(0, id);
        assert!(told.iter().all(|event| event == &told[0]), "i19: {told:?}");
        assert_eq!(
            (told[0].total, told[0].sent),
            (followers as i64, followers as i64),
            "i04"
        );
        let name = format!("{accident:?}");
        println!("{name:<24} {:>10.1} s {:>12}", took.as_secs_f64(), told.len());
    }
    assert_eq!(fleet.entries(), (ACCIDENTS.len() * followers) as u64, "i02, i03");
    let events = crate::verify::all(&client, &one, "events").await;
    let finish = events
        .iter()
        .filter(|event| event["event"] == "MASSSENDJOBFINISH");
    assert_eq!(finish.count(), ACCIDENTS.len(), "i19: exactly one each");
    fleet.check();
    fleet.check_logs();
}

/// Waits until the first blocks are out and others are not.
async fn begun(fleet: &Fleet, one: &Account, id: i64) {
    let client = &fleet.nodes[2].client;
    until(PATIENCE, "the first block", async || {
        let mass = mass(client, one, id).await;
        assert_eq!(mass["state"], "sending", "too fast for an accident: {mass}");
        fleet
            .query(&format!("SELECT COUNT(*) FROM delivery WHERE mass = {id}"))
            .trim()
            != "0"
    })
    .await;
}

fn happen(fleet: &mut Fleet, accident: Accident) {
    let servers = &mut fleet.servers;
    tokio::task::block_in_place(|| match accident {
        Accident::Nothing => {}
        Accident::NodeKilled(place) => fleet.nodes[place].process.kill(),
        Accident::PostgresRestarted => servers.postgres.restart(),
        Accident::PostgresKilled => {
            servers.postgres.kill();
            servers.postgres.start_again();
        }
        Accident::NatsKilled => servers.nats.kill_all(),
    });
}
