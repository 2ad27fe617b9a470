//! The connection to PostgreSQL is cut at the first message, at the second, at the third …, either way.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{
    budget::Budget,
    dice::{Dice, long, seed},
    fleet::Fleet,
    parts,
    proxy::{Cut, Network, Proxy, Way},
    strikes::Table,
    work::Task,
    world::Purpose,
};

/// The cuts of a run must be over by then.
const PATIENCE: Duration = Duration::from_secs(300);
const CALLERS: usize = 4;

/// What leads to the transactions that matter: accepted, leased, released, finished, told.
const TASKS: [Task; 5] = [
    Task::Send,
    Task::Send,
    Task::Recall,
    Task::Restless,
    Task::Schedule,
];

/// One cut at each message up to the `last`, both ways, in an order of the dice's.
pub fn cuts_up_to(last: usize, dice: &mut Dice) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = (1..=last)
        .flat_map(|at| [(Way::ToServer, at), (Way::ToNode, at)])
        .collect();
    for place in (1..cuts.len()).rev() {
        cuts.swap(place, dice.below(place + 1));
    }
    cuts
}

/// Notes what was cut since there were `before` cuts.
pub fn note_cuts(proxy: &Proxy, before: usize, table: &Table) {
    let strikes = proxy.strikes();
    let cuts = strikes.at_messages.load(Ordering::Relaxed) - before;
    table.add("messages lost", cuts as u64);
    table.note(
        "among them COMMIT",
        strikes.lost_commits.swap(0, Ordering::Relaxed) as u64,
    );
    table.note(
        "among them an answer to COMMIT",
        strikes.lost_commit_answers.swap(0, Ordering::Relaxed) as u64,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i01_i02_i03_i04_i10_i12_i19_i20_hold_when_a_connection_is_cut_at_any_message() {
    let (last, times) = if long() { (250, 10) } else { (200, 2) };
    // One node does all the work and all its connections are cut; the other only answers, to look at the outcome.
    let mut fleet = Fleet::start(1).await;
    fleet.add(&[("QUNFA_NODE_ROLES", "api,live".to_owned())]).await;
    let purposes = [Purpose::Open, Purpose::Subscription, Purpose::Limited];
    let world = parts::world(&fleet.nodes[1].client, &purposes).await;
    let table = Table::expecting([
        "messages lost",
        "among them COMMIT",
        "among them an answer to COMMIT",
    ]);
    let (started, budget, over) = (Instant::now(), Budget::start(), AtomicBool::new(false));
    let node = &fleet.nodes[0];
    let mut dice = Dice::new(seed());
    let mut plan = Vec::new();
    for _ in 0..times {
        plan.extend(cuts_up_to(last, &mut dice));
    }
    let planned = plan.len();
    node.proxy.plan(plan);
    node.proxy.set(Network::CutAtMessages);
    let callers = (0..CALLERS).map(|caller| {
        let mut dice = Dice::new(seed().wrapping_add(1 + caller as u64));
        let (world, over, client, table) = (&world, &over, &node.client, &table);
        async move {
            while !over.load(Ordering::Relaxed) {
                let task = *dice.one_of(&TASKS);
                let name = match world.act(client, task, &mut dice).await {
                    Some(()) => "calls answered",
                    None => "calls without an answer",
                };
                table.add(name, 1);
            }
        }
    });
    let watch = async {
        while node.proxy.planned() > 0 && started.elapsed() < PATIENCE && !budget.is_used_up() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let _ = tokio::join!(watch, futures::future::join_all(callers));
    node.proxy.set(Network::Works);
    let left = node.proxy.planned();
    println!(
        "{} cuts in {:.0} s",
        planned - left,
        started.elapsed().as_secs_f64()
    );
    note_cuts(&node.proxy, 0, &table);
    let (cut, client) = (table.of("messages lost"), fleet.nodes[1].client.clone());
    fleet.heal().await;
    world.settle(&client).await;
    table.add("entries seen", world.verify(&client).await as u64);
    world.verify_told(&client).await;
    table.add("mass sends", world.asks().sent.len() as u64);
    fleet.check();
    fleet.check_logs();
    table.finish(&format!(
        "connections cut at each of {last} messages, both ways, {times} times, QUNFA_SEED={}",
        seed()
    ));
    assert!(
        budget.is_limited() || cut >= 500,
        "{cut} cuts, {left} were still to come"
    );
}
