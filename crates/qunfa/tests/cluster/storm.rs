//! Three nodes at work while every part around them is killed, stopped, cut off and restarted.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{
    budget::Budget,
    cuts::{cuts_up_to, note_cuts},
    dice::{Dice, long, seed},
    fleet::{Fleet, Node, Servers},
    parts,
    proxy::Network,
    strikes::Table,
    work::Task,
    world::PURPOSES,
};

/// Who calls, each at a node of its choice.
const CALLERS: usize = 4;
/// Messages of a connection at which it is cut in passing.
const MESSAGES: usize = 60;

/// What happens to nodes, to PostgreSQL and to the network between.
#[derive(Clone, Copy, Debug)]
enum Fault {
    NodeKilled,
    NodeStopped,
    NodeEnded,
    PostgresRestarted,
    PostgresKilled,
    NetworkCut,
    NetworkHalfOpen,
    NetworkSlow,
    NetworkCutsAtMessages,
}

const FAULTS: [Fault; 9] = [
    Fault::NodeKilled,
    Fault::NodeStopped,
    Fault::NodeEnded,
    Fault::PostgresRestarted,
    Fault::PostgresKilled,
    Fault::NetworkCut,
    Fault::NetworkHalfOpen,
    Fault::NetworkSlow,
    Fault::NetworkCutsAtMessages,
];

/// What happens meanwhile to the servers that only help.
#[derive(Clone, Copy, Debug)]
enum Helper {
    OneNatsKilled,
    OneNatsStopped,
    OneNatsPaused,
    AllNatsKilled,
    S3Stopped,
    S3Killed,
}

const HELPERS: [Helper; 6] = [
    Helper::OneNatsKilled,
    Helper::OneNatsStopped,
    Helper::OneNatsPaused,
    Helper::AllNatsKilled,
    Helper::S3Stopped,
    Helper::S3Killed,
];

const NAMES: [&str; 15] = [
    "node: killed",
    "node: stopped and resumed",
    "node: ended and started",
    "PostgreSQL: restarted",
    "PostgreSQL: killed",
    "network: cut",
    "network: half-open",
    "network: slow",
    "network: cut at a message",
    "NATS: one killed",
    "NATS: one ended",
    "NATS: one stopped and resumed",
    "NATS: all killed",
    "S3: ended",
    "S3: killed",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i01_i02_i03_i04_i10_i11_i12_i19_hold_on_three_nodes_under_faults() {
    // Each fault the same number of times, in an order of the seed's.
    let (rounds, helped, entries) = if long() {
        (180, 70, 10_000_000)
    } else {
        (4, 3, 100_000)
    };
    let mut fleet = Fleet::start(3).await;
    let world = parts::world(&fleet.nodes[0].client, &PURPOSES).await;
    let table = Table::expecting(NAMES);
    let (started, budget) = (Instant::now(), Budget::start());
    let over = AtomicBool::new(false);
    let clients: Vec<_> = fleet.nodes.iter().map(|node| node.client.clone()).collect();
    let Fleet { nodes, servers, .. } = &mut fleet;
    let Servers { postgres, nats, s3 } = servers;
    let mut dice = Dice::new(seed());
    let mut helper_dice = Dice::new(seed().wrapping_add(1));
    let callers = (0..CALLERS).map(|caller| {
        let mut dice = Dice::new(seed().wrapping_add(100 + caller as u64));
        let (world, over, clients, table) = (&world, &over, &clients, &table);
        async move {
            while !over.load(Ordering::Relaxed) {
                let client = dice.one_of(clients);
                // The wide sends are rare, so that they are over at the end.
                let task = Task::any(&mut dice);
                if task == Task::Wide && dice.chance(70) {
                    continue;
                }
                let name = match world.act(client, task, &mut dice).await {
                    Some(()) => "calls answered",
                    None => "calls without an answer",
                };
                table.add(name, 1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let disturb = async {
        for round in 0..rounds {
            if budget.is_used_up() {
                break;
            }
            for fault in shuffled(&FAULTS, &mut dice) {
                println!("{:>6.1} s  {round} {fault:?}", started.elapsed().as_secs_f64());
                strike(fault, nodes, postgres, &mut dice, &table).await;
                pause(dice.below(1_500)).await;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let hinder = async {
        'all: for _ in 0..helped {
            for helper in shuffled(&HELPERS, &mut helper_dice) {
                if over.load(Ordering::Relaxed) {
                    break 'all;
                }
                println!("{:>6.1} s    {helper:?}", started.elapsed().as_secs_f64());
                hit(helper, nats, s3, &mut helper_dice, &table).await;
                pause(helper_dice.below(2_000)).await;
            }
        }
    };
    let _ = tokio::join!(disturb, hinder, futures::future::join_all(callers));
    let disturbed = started.elapsed();
    fleet.heal().await;
    let client = fleet.nodes[0].client.clone();
    // Whatever the faults left of the time: enough entries for the run to mean something.
    while fleet.entries() < entries && !budget.is_used_up() {
        world.act(&client, Task::Wide, &mut Dice::new(seed())).await;
        pause(2_000).await;
    }
    world.settle(&client).await;
    let faults: u64 = NAMES.iter().map(|name| table.of(name)).sum();
    for node in &fleet.nodes {
        table.add("entries seen", world.verify(&node.client).await as u64);
    }
    world.verify_told(&client).await;
    let (told, repeated) = world.receiver.arrived();
    table.add("events told", told as u64);
    table.note("events told again", repeated as u64);
    table.add("mass sends", world.asks().sent.len() as u64);
    table.add("entries", fleet.entries());
    fleet.check();
    fleet.check_logs();
    println!(
        "{faults} faults in {:.0} s, all in all {:.0} s",
        disturbed.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    table.finish(&format!("three nodes under faults, QUNFA_SEED={}", seed()));
    assert!(budget.is_limited() || faults >= 50, "{faults} faults");
}

fn shuffled<T: Copy>(items: &[T], dice: &mut Dice) -> Vec<T> {
    let mut left = items.to_vec();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        order.push(left.remove(dice.below(left.len())));
    }
    order
}

async fn pause(ms: usize) {
    tokio::time::sleep(Duration::from_millis(ms as u64)).await;
}

/// Stopping and starting servers waits for them.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Lets a fault happen and be over.
async fn strike(
    fault: Fault,
    nodes: &mut [Node],
    postgres: &mut testkit::Postgres,
    dice: &mut Dice,
    table: &Table,
) {
    let place = dice.below(nodes.len());
    let node = &mut nodes[place];
    match fault {
        Fault::NodeKilled => {
            table.add("node: killed", u64::from(node.process.runs()));
            waiting(|| node.process.kill());
            pause(dice.below(2_000)).await;
            node.start_again();
            node.ready().await;
        }
        Fault::NodeEnded => {
            table.add("node: ended and started", u64::from(node.process.runs()));
            waiting(|| node.stop());
            node.start_again();
            node.ready().await;
        }
        Fault::NodeStopped => {
            waiting(|| node.process.pause());
            table.add("node: stopped and resumed", u64::from(node.is_stopped()));
            pause(1_000 + dice.below(11_000)).await;
            node.process.resume();
        }
        Fault::PostgresRestarted => {
            waiting(|| postgres.restart());
            table.add("PostgreSQL: restarted", 1);
            all_ready(nodes).await;
        }
        Fault::PostgresKilled => {
            waiting(|| {
                postgres.kill();
                postgres.start_again();
            });
            table.add("PostgreSQL: killed", 1);
            all_ready(nodes).await;
        }
        Fault::NetworkCut => {
            disturb(
                node,
                Network::Cut,
                1_000 + dice.below(5_000),
                "network: cut",
                table,
            )
            .await
        }
        Fault::NetworkHalfOpen => {
            disturb(
                node,
                Network::HalfOpen,
                1_000 + dice.below(9_000),
                "network: half-open",
                table,
            )
            .await;
        }
        Fault::NetworkSlow => {
            let slow = Network::Slow(Duration::from_millis(5 + dice.below(60) as u64));
            disturb(node, slow, 1_000 + dice.below(3_000), "network: slow", table).await;
        }
        Fault::NetworkCutsAtMessages => {
            let before = node.proxy.strikes().at_messages.load(Ordering::Relaxed);
            node.proxy.plan(cuts_up_to(MESSAGES, dice));
            node.proxy.set(Network::CutAtMessages);
            pause(3_000).await;
            node.proxy.set(Network::Works);
            let cuts = node.proxy.strikes().at_messages.load(Ordering::Relaxed) - before;
            // Many cuts, one fault.
            table.add("network: cut at a message", u64::from(cuts > 0));
            note_cuts(&node.proxy, before, table);
            node.ready().await;
        }
    }
}

async fn all_ready(nodes: &[Node]) {
    for node in nodes {
        node.ready().await;
    }
}

/// Lets the network of a node do this for a while.
async fn disturb(node: &Node, network: Network, ms: usize, name: &str, table: &Table) {
    let met = || node.proxy.strikes().connections.load(Ordering::Relaxed);
    let before = met();
    node.proxy.set(network);
    pause(ms).await;
    node.proxy.set(Network::Works);
    table.add(name, u64::from(met() > before));
    node.ready().await;
}

async fn hit(helper: Helper, nats: &mut testkit::Nats, s3: &mut testkit::S3, dice: &mut Dice, table: &Table) {
    let server = dice.below(3);
    let ms = 500 + dice.below(3_000);
    match helper {
        Helper::OneNatsKilled => {
            waiting(|| nats.kill(server));
            table.add("NATS: one killed", 1);
            pause(ms).await;
            waiting(|| nats.start_again());
        }
        Helper::OneNatsStopped => {
            waiting(|| nats.stop(server));
            table.add("NATS: one ended", 1);
            pause(ms).await;
            waiting(|| nats.start_again());
        }
        Helper::OneNatsPaused => {
            waiting(|| nats.process(server).pause());
            table.add("NATS: one stopped and resumed", 1);
            pause(ms).await;
            nats.process(server).resume();
        }
        Helper::AllNatsKilled => {
            waiting(|| nats.kill_all());
            table.add("NATS: all killed", 1);
            pause(ms).await;
            waiting(|| nats.start_again());
        }
        Helper::S3Stopped => {
            waiting(|| s3.stop());
            table.add("S3: ended", 1);
            pause(ms).await;
            waiting(|| s3.start_again());
        }
        Helper::S3Killed => {
            waiting(|| s3.kill());
            table.add("S3: killed", 1);
            pause(ms).await;
            waiting(|| s3.start_again());
        }
    }
}
