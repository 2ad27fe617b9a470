//! Leases over several nodes: a dead worker's batches go on elsewhere (I18), a stopped one that comes back cannot
//! write (I16), nobody needs NATS (I17), and a node without its database says so in time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    budget::Budget,
    dice::long,
    fleet::Fleet,
    parts::{account, mass, people, reader, send, token, until},
    process::Client,
    proxy::Network,
    strikes::Table,
    world::Account,
};

/// I18.
const TAKEN_OVER: Duration = Duration::from_secs(15);
const WORKS: &str = "worker";
const ANSWERS: &str = "api,live";
const FINISHED: Duration = Duration::from_secs(60);

fn roles(roles: &str) -> (&'static str, String) {
    ("QUNFA_NODE_ROLES", roles.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i18_the_batches_of_a_dead_node_run_elsewhere_within_15_s() {
    let mut fleet = Fleet::without_nodes();
    fleet.add(&[roles(ANSWERS)]).await;
    fleet
        .add(&[roles(WORKS), ("QUNFA_CRASH", "lease.taken:1".to_owned())])
        .await;
    fleet.add(&[roles(WORKS)]).await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Takeover").await;
    people(&client, &one, 10).await;
    let access = token(&client, &one).await;
    paced(&client, &access).await;
    let reads = reader(&client, &one, 0).await.token;
    // Whoever is to die takes the lease.
    fleet.nodes[2].process.pause();
    let id = send(&client, &access, "takeover").await;
    fleet.nodes[1].ended().await;
    let died = Instant::now();
    fleet.nodes[2].process.resume();
    let there = async || client.entries(&reads).await.expect("an inbox").len() == 1;
    until(TAKEN_OVER, "i18: the entry", there).await;
    println!("taken over {:.1} s after the death", died.elapsed().as_secs_f64());
    finished(&client, &one, id, 10).await;
    fleet.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i16_a_worker_that_was_stopped_with_a_lease_cannot_write_when_it_comes_back() {
    let rounds = if long() { 2_000 } else { 200 };
    let mut fleet = Fleet::without_nodes();
    fleet.add(&[roles(ANSWERS)]).await;
    fleet
        .add(&[roles(WORKS), ("QUNFA_PAUSE", "lease.taken:1".to_owned())])
        .await;
    fleet.add(&[roles(WORKS)]).await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Stopped").await;
    people(&client, &one, 10).await;
    let access = token(&client, &one).await;
    paced(&client, &access).await;
    let table = Table::expecting(["workers stopped before their commit", "late commits refused"]);
    let (mut sent, began) = (Vec::new(), Instant::now());
    let budget = Budget::start();
    for round in 0..rounds {
        if budget.is_used_up() {
            break;
        }
        let [_, stopping, other] = &fleet.nodes[..] else {
            panic!("three nodes")
        };
        other.process.pause();
        let id = send(&client, &access, &format!("round-{round}")).await;
        stopping.stopped().await;
        table.add("workers stopped before their commit", 1);
        // The ten seconds of its lease pass at once, and the other one hears of it by the next send.
        fleet.query("UPDATE lease SET until = 0");
        other.process.resume();
        let hint = send(&client, &access, &format!("hint-{round}")).await;
        finished(&client, &one, id, 10).await;
        finished(&client, &one, hint, 10).await;
        let lost = lines(&stopping.log(), LOST);
        stopping.process.resume();
        until(FINISHED, "the late commit is refused", async || {
            lines(&stopping.log(), LOST) > lost
        })
        .await;
        table.add("late commits refused", 1);
        sent.extend([id, hint]);
    }
    println!(
        "{} rounds in {:.0} s",
        sent.len() / 2,
        began.elapsed().as_secs_f64()
    );
    table.finish("i16: SIGSTOP with a lease, taken over, resumed");
    check_masses(&fleet, &client, &one, &sent, 10).await;
}

/// Only what has a pace is leased; without one, lease and commit are one transaction.
async fn paced(client: &Client, access: &str) {
    let answer = client
        .post("/cgi-bin/message/mass/speed/set", access, &json!({"speed": 1}))
        .await;
    assert_eq!(answer.expect("an answer")["errcode"], 0);
}

const LOST: &str = "a lease had passed to another worker";

fn lines(log: &str, with: &str) -> usize {
    log.lines().filter(|line| line.contains(with)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i16_i18_a_worker_that_stops_inside_its_transaction_loses_it_and_the_block_goes_on_elsewhere() {
    let mut fleet = Fleet::without_nodes();
    fleet.add(&[roles(ANSWERS)]).await;
    fleet
        .add(&[roles(WORKS), ("QUNFA_PAUSE", "release.written:1".to_owned())])
        .await;
    fleet.add(&[roles(WORKS)]).await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Inside").await;
    people(&client, &one, 10).await;
    let access = token(&client, &one).await;
    let [_, stopping, other] = &fleet.nodes[..] else {
        panic!("three nodes")
    };
    other.process.pause();
    let id = send(&client, &access, "inside").await;
    stopping.stopped().await;
    let stopped = Instant::now();
    other.process.resume();
    let reads = async || mass(&client, &one, id).await["sent_count"] == 10;
    until(TAKEN_OVER, "i18: its transaction is given up", reads).await;
    println!(
        "given up and taken over {:.1} s after the stop",
        stopped.elapsed().as_secs_f64()
    );
    stopping.process.resume();
    finished(&client, &one, id, 10).await;
    check_masses(&fleet, &client, &one, &[id], 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i17_everything_works_without_nats_only_later() {
    let mut fleet = Fleet::without_nodes();
    fleet.servers.nats.kill_all();
    fleet.add(&[roles(ANSWERS)]).await;
    fleet.add(&[roles(WORKS)]).await;
    fleet.add(&[]).await;
    let client = fleet.nodes[0].client.clone();
    let one = account(&client, "Silent").await;
    people(&client, &one, 10).await;
    let access = token(&client, &one).await;
    let reads = reader(&client, &one, 0).await.token;
    let (mut sent, mut slowest) = (Vec::new(), Duration::ZERO);
    for round in 0..5 {
        sent.push(send(&client, &access, &format!("round-{round}")).await);
        let there = async || client.entries(&reads).await.expect("an inbox").len() > round;
        // The scan comes after five seconds at most; the rest is work.
        let took = until(Duration::from_secs(7), "i17: the entry", there).await;
        slowest = slowest.max(took);
    }
    println!(
        "without NATS the slowest entry came after {:.1} s",
        slowest.as_secs_f64()
    );
    for id in &sent {
        finished(&client, &one, *id, 10).await;
    }
    check_masses(&fleet, &client, &one, &sent, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_from_its_database_says_so_within_5_s() {
    let fleet = Fleet::start(2).await;
    let [cut_off, other] = &fleet.nodes[..] else {
        panic!("two nodes")
    };
    let one = account(&other.client, "Cut off").await;
    people(&other.client, &one, 10).await;
    let access = token(&other.client, &one).await;
    let reads = reader(&other.client, &one, 0).await.token;
    for (network, name) in [(Network::Cut, "cut"), (Network::HalfOpen, "half-open")] {
        cut_off.proxy.set(network);
        let began = Instant::now();
        let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": name}});
        let calls = (0..8).map(|call| {
            let (mut body, access) = (body.clone(), &access);
            body["clientmsgid"] = json!(format!("{name}-{call}"));
            async move {
                let answer = cut_off
                    .client
                    .post("/cgi-bin/message/mass/sendall", access, &body)
                    .await;
                (body, answer.expect("an answer"), began.elapsed())
            }
        });
        let answers: Vec<(Value, Value, Duration)> = futures::future::join_all(calls).await;
        for (_, answer, took) in &answers {
            assert_eq!(answer["errcode"], -1, "{answer}");
            assert!(*took < Duration::from_millis(5_500), "{took:?}");
        }
        let inbox = cut_off
            .client
            .request(reqwest::Method::GET, "/inbox/entries")
            .bearer_auth(&reads);
        let (status, _) = cut_off.client.answer(inbox).await.expect("an answer");
        assert!((500..600).contains(&status), "{status}");
        let slowest = answers.iter().map(|(_, _, took)| *took).max().unwrap_or_default();
        println!("{name}: -1 after {:.1} s at most", slowest.as_secs_f64());
        // The other node works, and what the cut one was asked is asked there.
        for (body, ..) in &answers {
            let answer = other
                .client
                .post("/cgi-bin/message/mass/sendall", &access, body)
                .await;
            let answer = answer.expect("an answer");
            assert!(
                matches!(answer["errcode"].as_i64(), Some(0 | 45_065)),
                "i10: {answer}"
            );
        }
        cut_off.proxy.set(Network::Works);
        let back = until(FINISHED, "it is back", async || {
            let answer = cut_off
                .client
                .post("/cgi-bin/message/mass/speed/get", &access, &json!({}))
                .await;
            answer.is_some_and(|answer| answer["errcode"] == 0 || answer["speed"].is_number())
        });
        println!(
            "{name}: answers {:.1} s after it was over",
            back.await.as_secs_f64()
        );
    }
    let all = async || {
        other
            .client
            .entries(&reads)
            .await
            .is_some_and(|entries| entries.len() == 16)
    };
    until(FINISHED, "i02, i03: sixteen entries", all).await;
    fleet.check();
}

/// Waits until a mass is finished, and holds its counts against what was sent.
async fn finished(client: &Client, one: &Account, id: i64, followers: usize) {
    until(FINISHED, "the mass is finished", async || {
        mass(client, one, id).await["state"] == "succeeded"
    })
    .await;
    let mass = mass(client, one, id).await;
    assert_eq!(mass["sent_count"], followers, "i02, i03: {mass}");
}

/// Each was delivered once, has one finish event, and the rows are sound.
async fn check_masses(fleet: &Fleet, client: &Client, one: &Account, sent: &[i64], followers: usize) {
    for id in sent {
        let mass = mass(client, one, *id).await;
        assert_eq!(mass["sent_count"], followers, "i04: {mass}");
    }
    assert_eq!(fleet.entries(), (sent.len() * followers) as u64, "i02, i03");
    let events = crate::verify::all(client, one, "events").await;
    let finished = |id: &i64| {
        let of = |event: &&Value| event["event"] == "MASSSENDJOBFINISH" && event["msg_id"] == *id;
        events.iter().filter(of).count()
    };
    assert!(sent.iter().all(|id| finished(id) == 1), "i19");
    fleet.check();
    fleet.check_logs();
}
