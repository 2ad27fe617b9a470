//! Killed at every crash point and at any instant, a thousand times: never lost, never twice.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use store::crash::POINTS;

use crate::{
    dice::{Dice, long, seed},
    process::{Launch, Process, tail_of_log},
    table::Table,
    work::Task,
    world::{Template, World},
};

/// Worlds at work at the same time: two processes are busy while others wait for their disk.
const WORKERS: usize = 4;
/// Rounds over one folder, so that it stays small.
const ROUNDS_PER_WORLD: usize = 13;
/// A server that does not come to its point is killed after this time.
const PATIENCE: Duration = Duration::from_millis(2_500);
const SIGABRT: i32 = 6;
/// Calls at the same time.
const CALLERS: usize = 3;

/// How a server ends.
#[derive(Clone, Debug)]
enum End {
    /// At the n-th time that it comes to a point.
    At(&'static str, u32),
    /// After a time, wherever it is.
    After(Duration),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i01_i02_i03_i04_i10_i11_i12_i19_hold_over_a_thousand_kills() {
    let rounds = if long() { 5_200 } else { 10 * POINTS.len() };
    let started = Instant::now();
    let template = Arc::new(Template::make().await);
    let table = Arc::new(Table::expecting(POINTS));
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..WORKERS).map(|_| {
        let (template, table, next) = (template.clone(), table.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let first = next.fetch_add(ROUNDS_PER_WORLD, Ordering::Relaxed);
                if first >= rounds {
                    return;
                }
                let last = (first + ROUNDS_PER_WORLD).min(rounds);
                history(&template, first..last, &table).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap_or_else(|error| panic!("QUNFA_SEED={}: {error}", seed()));
    }
    println!("{rounds} rounds in {:.0} s", started.elapsed().as_secs_f64());
    let restarts = table.of("restarts");
    table.finish(&format!("crash points and random kills, QUNFA_SEED={}", seed()));
    assert!(restarts >= 2 * rounds as u64, "{restarts}");
}

/// Rounds over one folder: killed at a point, looked at, killed at random.
async fn history(template: &Template, rounds: std::ops::Range<usize>, table: &Table) {
    let world = template.world().await;
    for round in rounds {
        let mut dice = Dice::new(seed().wrapping_add(round as u64));
        let point = POINTS[round % POINTS.len()];
        let times = 1 + (round / POINTS.len()) as u32 % 4;
        // A large import comes by its point once.
        let times = if point.starts_with("checkpoint") || point.starts_with("store") { 1 } else { times };
        println!("round {round}: {point}:{times} in {}", world.folder.path().display());
        if point.starts_with("blob.") {
            leave_unused_bytes(&world, round);
        }
        live(&world, &End::At(point, times), &mut dice, table).await;
        let after = Duration::from_micros(dice.next() % 400_000);
        live(&world, &End::After(after), &mut dice, table).await;
    }
    let process = world.start().await;
    world.settle(&process.client).await;
    table.add("entries seen", world.verify(&process.client).await as u64);
    world.verify_told(&process.client).await;
    let (told, repeated) = world.receiver.arrived();
    table.add("events told", told as u64);
    table.add("events told again", repeated as u64);
    table.add("mass sends", world.asks().sent.len() as u64);
    process.kill().await;
    let log = std::fs::read_to_string(crate::process::log_of(world.folder.path())).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

/// One life of a server: started, looked at where it is whole, put to work, ended.
async fn live(world: &World, end: &End, dice: &mut Dice, table: &Table) {
    let crash = match end {
        End::At(point, times) => Some(format!("{point}:{times}")),
        End::After(_) => None,
    };
    let launch = Launch { crash, ..Launch::default() };
    table.add("restarts", 1);
    let Process { mut child, client } = match launch.start(world.folder.path()).await {
        Ok(process) => process,
        Err(status) => return struck(world, end, status, table),
    };
    let killer = async {
        let patience = match end {
            End::At(..) => PATIENCE,
            End::After(_) => Duration::from_secs(600),
        };
        match tokio::time::timeout(patience, child.wait()).await {
            Ok(status) => status.expect("the process ends"),
            Err(_) => {
                child.kill().await.expect("kills");
                child.wait().await.expect("the process ends")
            }
        }
    };
    let _ = killer;
    todo!("{client:?}", client = client.base)
}
