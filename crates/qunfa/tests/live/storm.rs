//! Many readers online, masses on their way, the server killed under them: everybody's list is their inbox in the end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::{StreamExt, stream};
use qunfa::settings::load::process_env;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    budget::Budget,
    reader::{Met, Persistent, Transport},
    server::{Account, LOOK_EVERY, Server, inbox, until},
};

/// A number of what a reader met.
type Count = fn(&Met) -> usize;

/// Inboxes that are read at a time, to be compared.
const AT_ONCE: usize = 16;
/// Masses that the sender may be ahead of what the readers have: a mass costs the same for any number of readers, so that a
/// sender who never waits finds out what the machine can write, and nothing else.
const AHEAD_MAX: usize = 64;

/// Over PostgreSQL each read of a reader who comes back is a journey, in a debug build and beside the database itself.
fn readers() -> usize {
    if let Some(wanted) = process_env("QUNFA_LIVE_READERS") {
        return wanted.parse().expect("a number of readers");
    }
    match (soak(), process_env("QUNFA_TEST_STORE").is_some()) {
        (true, _) => 10_000,
        (false, false) => 1_000,
        (false, true) => 500,
    }
}

fn rounds() -> usize {
    if soak() { 12 } else { 3 }
}

fn soak() -> bool {
    process_env("QUNFA_SOAK").is_some()
}

/// Waits until everybody is online for the `times`th time.
async fn online(readers: &[Persistent], times: usize) {
    until("everybody is online", async || {
        readers
            .iter()
            .all(|reader| reader.look(|met| met.connected >= times))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_a_server_killed_again_and_again_under_its_readers_costs_nobody_an_entry_and_repeats_none() {
    let mut server = Server::start().await;
    let account = Account::new(&server.client, readers()).await;
    let tokens = account.readers(readers()).await;
    let online_readers: Arc<[Persistent]> = (0_u64..)
        .zip(&tokens)
        .map(|(number, token)| {
            // Neighbours carry other tags: both transports have readers of both kinds.
            let transport = match number / 2 % 2 {
                0 => Transport::Sse,
                _ => Transport::WebSocket,
            };
            Persistent::start(transport, server.address(), token.clone(), number)
        })
        .collect();
    online(&online_readers, 1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sender = tokio::spawn(send_until(account.clone(), online_readers.clone(), stop.clone()));
    let (budget, mut ended) = (Budget::start(), 0);
    for round in 0..rounds() {
        if budget.is_used_up() {
            break;
        }
        let before: usize = total(&online_readers, |met| met.entries.len());
        until("entries arrive", async || {
            total(&online_readers, |met| met.entries.len()) > before + 2 * readers()
        })
        .await;
        // Every third time it is asked to stop, and says goodbye.
        if round % 3 == 2 {
            server.process.stop(Signal::TERM);
        } else {
            server.process.kill();
        }
        server.start_again().await;
        ended += 1;
        online(&online_readers, round + 2).await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sender.await.expect("no panic");
    for msg_id in &sent {
        account.delivered(*msg_id).await;
    }
    let inboxes: Vec<Vec<Value>> = stream::iter(&tokens)
        .map(|token| inbox(&server.client, token))
        .buffered(AT_ONCE)
        .collect()
        .await;
    until("everybody has everything", async || {
        let lists = online_readers.iter().zip(&inboxes);
        lists
            .into_iter()
            .all(|(reader, inbox)| reader.look(|met| met.entries.len() >= inbox.len()))
    })
    .await;
    let mut entries = 0;
    for (number, (reader, inbox)) in online_readers.iter().zip(&inboxes).enumerate() {
        let ids: Vec<&str> = inbox
            .iter()
            .map(|entry| entry["id"].as_str().expect("an id"))
            .collect();
        assert!(!ids.is_empty(), "reader {number} got nothing");
        assert_eq!(reader.met().entries, ids, "i08: reader {number}");
        entries += ids.len();
    }
    let log = server.log();
    assert!(!log.contains("panicked"), "sec12: {log}");
    println!(
        "live storm: {} readers, half SSE, half WebSocket; server ended {ended} times",
        readers()
    );
    println!("  masses sent                    {:>8}", sent.len());
    println!("  entries, each once, in order   {entries:>8}");
    let rows: [(&str, Count); 5] = [
        ("connections", |met| met.connected),
        ("connections cut off", |met| met.cut_off),
        ("goodbyes of the server", |met| met.said_goodbye),
        ("tries while it was away", |met| met.refused),
        ("entries after coming back", |met| met.after_return),
    ];
    for (what, of) in rows {
        println!("  {what:<30} {:>8}", total(&online_readers, of));
    }
}

fn total(readers: &[Persistent], of: impl Fn(&Met) -> usize) -> usize {
    readers.iter().map(|reader| reader.look(&of)).sum()
}

/// Sends one mass after the other, to everybody and to the tag, which half of them carry, in turn.
async fn send_until(account: Account, readers: Arc<[Persistent]>, stop: Arc<AtomicBool>) -> Vec<i64> {
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = sent.len();
        let had = total(&readers, |met| met.entries.len()) * 4 / (readers.len() * 3);
        if number > had + AHEAD_MAX {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        let msg_id = account
            .send(&format!("第{number}条：花开了"), number % 2 == 1)
            .await;
        account.delivered(msg_id).await;
        sent.push(msg_id);
    }
    sent
}
