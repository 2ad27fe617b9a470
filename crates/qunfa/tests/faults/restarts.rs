//! Killed at every crash point and at any instant, a thousand times: never lost, never twice.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use store::crash::POINTS;

use crate::{
    budget::Budget,
    checked,
    dice::{Dice, long, seed},
    process::{Launch, Process, tail_of_log},
    table::Table,
    work::Task,
    world::{PURPOSES, Template, World},
};

/// Worlds at work at the same time: two processes are busy while others wait for their disk.
const WORKERS: usize = 6;
/// Rounds over one folder, so that it stays small.
const ROUNDS_PER_WORLD: usize = 13;
/// A server that does not come to its point is killed after this time.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// The same for one that is given a large file first.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
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
    let (started, budget) = (Instant::now(), Budget::start());
    let template = Arc::new(Template::make(&PURPOSES).await);
    let table = Arc::new(Table::expecting(POINTS));
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..WORKERS).map(|_| {
        let (template, table, next) = (template.clone(), table.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let first = next.fetch_add(ROUNDS_PER_WORLD, Ordering::Relaxed);
                if first >= rounds || budget.is_used_up() {
                    return;
                }
                let last = (first + ROUNDS_PER_WORLD).min(rounds);
                history(&template, first..last, &table).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker
            .await
            .unwrap_or_else(|error| panic!("QUNFA_SEED={}: {error}", seed()));
    }
    let restarts = table.of("restarts");
    println!("{restarts} restarts in {:.0} s", started.elapsed().as_secs_f64());
    table.finish(&format!("crash points and random kills, QUNFA_SEED={}", seed()));
    assert!(budget.is_limited() || restarts >= 2 * rounds as u64, "{restarts}");
}

/// Rounds over one folder: killed at a point, looked at, killed at random.
async fn history(template: &Template, rounds: std::ops::Range<usize>, table: &Table) {
    let world = template.world().await;
    for round in rounds {
        let mut dice = Dice::new(seed().wrapping_add(round as u64));
        let point = POINTS[round % POINTS.len()];
        let times = 1 + (round / POINTS.len()) as u32 % 4;
        let once = point.starts_with("checkpoint") || point.starts_with("store");
        let times = if once { 1 } else { times };
        println!(
            "round {round}: {point}:{times} in {}",
            world.folder.path().display()
        );
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
    table.note("events told again", repeated as u64);
    table.add("mass sends", world.asks().sent.len() as u64);
    process.kill().await;
    table.add("pictures in use", checked::all(&world).await);
    table.add("checks without a finding", 1);
    let log = std::fs::read_to_string(crate::process::log_of(world.folder.path())).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

/// One life of a server: started, looked at where it is whole, put to work, ended.
async fn live(world: &World, end: &End, dice: &mut Dice, table: &Table) {
    let crash = match end {
        End::At(point, times) => Some(format!("{point}:{times}")),
        End::After(_) => None,
    };
    let launch = Launch {
        crash,
        ..Launch::default()
    };
    table.add("restarts", 1);
    let Process { mut child, client } = match launch.start(world.folder.path()).await {
        Ok(process) => process,
        Err(status) => return ended(world, end, status, table),
    };
    let patience = match end {
        End::At(point, _) if point.starts_with("checkpoint") => LONG_PATIENCE,
        End::At(..) => PATIENCE,
        End::After(after) => {
            world.settle(&client).await;
            table.add("entries seen", world.verify(&client).await as u64);
            *after
        }
    };
    let dead = AtomicBool::new(false);
    let killer = async {
        let status = match tokio::time::timeout(patience, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                child.start_kill().expect("kills");
                child.wait().await
            }
        };
        dead.store(true, Ordering::Relaxed);
        status.expect("the process ends")
    };
    let callers = (0..CALLERS).map(|_| {
        let mut dice = Dice::new(dice.next());
        let (dead, client) = (&dead, &client);
        async move {
            while !dead.load(Ordering::Relaxed) {
                let task = match end {
                    End::At(point, _) if dice.chance(70) => Task::to(point, &mut dice),
                    _ => Task::any(&mut dice),
                };
                if world.act(client, task, &mut dice).await.is_none() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    });
    let (status, _) = tokio::join!(killer, futures::future::join_all(callers));
    ended(world, end, status, table);
}

/// Notes how a server ended; only at its point and by our own hand are right.
fn ended(world: &World, end: &End, status: ExitStatus, table: &Table) {
    match (status.signal(), end) {
        (Some(SIGABRT), End::At(point, _)) => table.add(point, 1),
        (Some(SIGKILL), End::At(..)) => table.add("killed on the way to a point", 1),
        (Some(SIGKILL), End::After(_)) => table.add("killed at random", 1),
        _ => panic!(
            "a server ended by itself: {status}, {end:?}\n{}",
            tail_of_log(world.folder.path())
        ),
    }
}

/// Puts bytes into a folder that the next clearing away takes out again.
fn leave_unused_bytes(world: &World, round: usize) {
    let data = world.folder.path().join("data");
    let db = rusqlite::Connection::open(data.join("qunfa.db")).expect("opens");
    for number in 0..4 {
        let id = format!("{round:060x}{number:04x}");
        let folder = data.join("blobs").join(&id[..2]);
        std::fs::create_dir_all(&folder).expect("makes");
        std::fs::write(folder.join(&id), "unused").expect("writes");
        db.execute("INSERT OR REPLACE INTO blob (id, used_until) VALUES (?, 0)", [id])
            .expect("writes");
    }
}
