//! Somebody else holds the database's write lock, or the whole server is stopped for a while: nobody sees
//! "locked", calls are refused after five seconds at most, and afterwards everything goes on.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::{
    checked,
    dice::{Dice, long, seed},
    process::{Client, log_of},
    table::Table,
    work::Task,
    world::{Purpose, Template, World},
};

const PURPOSES: [Purpose; 5] = [
    Purpose::Open,
    Purpose::Subscription,
    Purpose::Limited,
    Purpose::Wide,
    Purpose::Bulk,
];
/// Five seconds and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(6_500);

/// Sends once; true when it was accepted, false when it was refused with -1 and nothing else.
async fn send(world: &World, client: &Client, table: &Table) -> bool {
    let token = world.asks().tokens[0].clone();
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "x"},
        "clientmsgid": format!("busy-{}", world.number())});
    let began = Instant::now();
    let place = {
        let mut asks = world.asks();
        asks.sent.push(crate::world::Sent {
            account: 0,
            body: body.clone(),
            whom: crate::world::Whom::All,
            id: None,
            news: false,
            recalled: crate::world::Asked::No,
            deleted: crate::world::Asked::No,
        });
        asks.sent.len() - 1
    };
    let answer = client
        .post("/cgi-bin/message/mass/sendall", &token, &body)
        .await
        .expect("an answer");
    assert!(
        began.elapsed() < ANSWERED_WITHIN,
        "answered after {:?}",
        began.elapsed()
    );
    assert!(!answer.to_string().contains("lock"), "{answer}");
    if answer["errcode"] == 0 {
        world.asks().sent[place].id = answer["msg_id"].as_i64();
        table.add("accepted", 1);
        return true;
    }
    assert_eq!(answer["errcode"], -1, "{answer}");
    table.add("refused with -1", 1);
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_lock_held_by_another_process_is_waited_for_and_never_shown() {
    let table = Table::expecting(["accepted", "refused with -1", "times locked"]);
    let template = Template::make(&PURPOSES).await;
    let world = template.world().await;
    let process = world.start().await;
    let client = &process.client;
    world.settle(client).await;
    let path = world.folder.path().join("data").join("qunfa.db");
    let mut held = vec![100, 500, 1_000, 3_000, 6_000, 10_000];
    if long() {
        held.extend((0..20).map(|step| 250 + step * 500));
    }
    for ms in held {
        let mut dice = Dice::new(seed().wrapping_add(ms));
        let _ = world.act(client, Task::Wide, &mut dice).await;
        let path = path.clone();
        let (locked, is_locked) = tokio::sync::oneshot::channel();
        let holder = tokio::task::spawn_blocking(move || {
            let other = rusqlite::Connection::open(path).expect("opens");
            other.busy_timeout(Duration::from_secs(10)).expect("sets");
            other.execute_batch("BEGIN IMMEDIATE").expect("locks");
            locked.send(()).expect("somebody waits");
            // This is the fault itself, not a wait for something.
            std::thread::sleep(Duration::from_millis(ms));
            other.execute_batch("ROLLBACK").expect("unlocks");
        });
        is_locked.await.expect("locked");
        table.add("times locked", 1);
        let began = Instant::now();
        let accepted = send(&world, client, &table).await;
        assert!(
            accepted || began.elapsed() > Duration::from_secs(4),
            "refused too early"
        );
        assert!(
            accepted || ms > 4_000,
            "locked for {ms} ms, refused after {:?}",
            began.elapsed()
        );
        for account in &world.accounts {
            client
                .must(
                    Method::GET,
                    &format!("/v1/accounts/{}/masses", account.app_id),
                    None,
                )
                .await;
        }
        holder.await.expect("ends");
        world.settle(client).await;
        table.add("entries seen", world.verify(client).await as u64);
    }
    world.verify_told(client).await;
    process.kill().await;
    checked::all(&world).await;
    let log = std::fs::read_to_string(log_of(world.folder.path())).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
    table.finish(&format!("locked by somebody else, QUNFA_SEED={}", seed()));
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_a_server_that_was_stopped_for_a_while_goes_on_as_if_it_had_not_been() {
    let table = Table::expecting(["times stopped", "times stopped with a send under way"]);
    let template = Template::make(&PURPOSES).await;
    let world = template.world().await;
    let process = world.start().await;
    let client = &process.client;
    world.settle(client).await;
    // The lease is over after ten seconds.
    let mut stops = vec![50, 100, 200, 400, 700, 1_000, 1_500, 3_000, 12_000];
    if long() {
        stops.extend([20_000, 40_000, 60_000]);
        stops.extend((0..100).map(|step| 20 * step));
    }
    for ms in stops {
        let mut dice = Dice::new(seed().wrapping_add(ms));
        let wide = world.act(client, Task::Wide, &mut dice);
        let stop = async {
            // Anywhere between the call and the last block, half a second later.
            tokio::time::sleep(Duration::from_micros(dice_of(ms).next() % 400_000)).await;
            process.signal("STOP");
            tokio::time::sleep(Duration::from_millis(ms)).await;
            process.signal("CONT");
        };
        let (_, ()) = tokio::join!(wide, stop);
        table.add("times stopped", 1);
        let runs = client
            .must(
                Method::GET,
                &format!(
                    "/v1/accounts/{}/masses?limit=1",
                    world.accounts[world.of(Purpose::Wide)].app_id
                ),
                None,
            )
            .await;
        table.add(
            "times stopped with a send under way",
            u64::from(runs["masses"][0]["state"] == "sending"),
        );
        world.settle(client).await;
        table.add("entries seen", world.verify(client).await as u64);
    }
    world.verify_told(client).await;
    process.kill().await;
    checked::all(&world).await;
    table.finish(&format!("stopped for a while, QUNFA_SEED={}", seed()));
}

fn dice_of(ms: u64) -> Dice {
    Dice::new(seed().wrapping_mul(31).wrapping_add(ms))
}
