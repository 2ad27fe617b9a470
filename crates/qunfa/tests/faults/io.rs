//! Writes and flushes of the database that fail: nothing half done, reads go on, healed within ten seconds.

use std::{path::Path, process::Stdio, time::Duration};

use reqwest::Method;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::{
    checked,
    dice::{Dice, long, seed},
    process::{Client, Process, log_of},
    table::Table,
    work::Task,
    world::{Purpose, Template, World},
};

/// The calls by which SQLite writes and flushes.
const WRITES: &str = "pwrite64,write,fdatasync,fsync,ftruncate";
/// A run that is still struck here has more writes than the work can have.
const END: usize = 400;
/// How soon `/readyz` has to notice that nothing can be written.
const NOTICED: Duration = Duration::from_secs(3);
/// How long a server may take to work again once writes work again.
const HEALS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A tracer that lets system calls on the database fail.
struct Tracer {
    child: Child,
    log: std::path::PathBuf,
}

impl Tracer {
    /// Lets the calls `when` (an expression of strace) on the database of a running server fail with `error`.
    async fn attach(world: &World, process: &Process, error: &str, when: &str) -> Self {
        let data = world.folder.path().join("data");
        let log = world.folder.path().join("strace.log");
        let child = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&log)
            .args(["-e", &format!("trace={WRITES}")])
            .args(["-e", &format!("inject={WRITES}:error={error}:when={when}")])
            .arg("-P")
            .arg(data.join("qunfa.db"))
            .arg("-P")
            .arg(data.join("qunfa.db-wal"))
            .args(["-p", &process.child.id().expect("it runs").to_string()])
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.expect("strace is installed (Debian: apt-get install strace)");
        // It says so when it holds all threads.
        let said = child.stderr.take().expect("piped");
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(said));
        let line = lines.next_line().await.expect("text").unwrap_or_default();
        assert!(
            line.contains("attached"),
            "ptrace is forbidden here, so this cannot be tested: {line}"
        );
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, log }
    }

    /// Lets go of the server; how many calls failed.
    async fn detach(mut self) -> u64 {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(told.expect("kill runs").success());
        self.child.wait().await.expect("it ends");
        let text = std::fs::read_to_string(&self.log).expect("a log");
        text.lines().filter(|line| line.contains("(INJECTED)")).count() as u64
    }
}

/// A small piece of everything that matters: accepted, released, finished, counted.
async fn work(world: &World, client: &Client, dice: &mut Dice) {
    for task in [Task::Send, Task::Restless, Task::Send] {
        let _ = world.act(client, task, dice).await;
    }
}

/// Reads are answered whatever becomes of writes.
async fn reads_go_on(world: &World, client: &Client) {
    for account in &world.accounts {
        client
            .must(
                Method::GET,
                &format!("/v1/accounts/{}/masses", account.app_id),
                None,
            )
            .await;
        for reader in &account.readers {
            client.entries(&reader.token).await.expect("an inbox");
        }
    }
}

async fn is_ready(client: &Client) -> bool {
    let answer = client.request(Method::GET, "/readyz").send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

/// `/readyz` says within seconds that nothing can be written; what it tells may be a second old.
async fn notices(client: &Client) {
    let noticed = async {
        while is_ready(client).await {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(
        tokio::time::timeout(NOTICED, noticed).await.is_ok(),
        "/readyz while nothing can be written"
    );
}

/// Works again in time, and everything holds.
async fn heals(world: &World, client: &Client, table: &Table) {
    let healed = async {
        while !is_ready(client).await {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(
        tokio::time::timeout(HEALS, healed).await.is_ok(),
        "it does not heal"
    );
    world.settle(client).await;
    table.add("entries seen", world.verify(client).await as u64);
}

fn has_no_panic(folder: &Path) {
    let log = std::fs::read_to_string(log_of(folder)).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

const SMALL: [Purpose; 4] = [
    Purpose::Open,
    Purpose::Subscription,
    Purpose::Limited,
    Purpose::Bulk,
];

/// Strikes the n-th write for n = 1, 2, 3 … until a whole run passes untouched.
async fn once_each(error: &str, table: &Table) {
    let template = Template::make(&SMALL).await;
    let world = template.world().await;
    let process = world.start().await;
    let client = &process.client;
    world.settle(client).await;
    let stride = if long() { 1 } else { 3 };
    let mut at = 1;
    loop {
        assert!(at < END, "still struck at {at}");
        let tracer = Tracer::attach(&world, &process, error, &at.to_string()).await;
        let mut dice = Dice::new(seed().wrapping_add(at as u64));
        work(&world, client, &mut dice).await;
        let struck = tracer.detach().await;
        table.add(&format!("{error} at the n-th write"), struck);
        reads_go_on(&world, client).await;
        heals(&world, client, table).await;
        if struck == 0 {
            break;
        }
        at += if at < 12 { 1 } else { stride };
    }
    table.add(&format!("{error}: first n that nothing came to"), at as u64);
    world.verify_told(client).await;
    process.kill().await;
    has_no_panic(world.folder.path());
    checked::all(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i20_a_write_or_flush_that_fails_once_is_answered_and_nothing_is_half_done() {
    let table = Table::default();
    tokio::join!(once_each("EIO", &table), once_each("ENOSPC", &table));
    table.finish(&format!("writes that fail once, QUNFA_SEED={}", seed()));
}

#[tokio::test(flavor = "multi_thread")]
async fn i20_while_every_write_fails_reads_go_on_and_calls_are_refused_until_it_heals() {
    let table = Table::expecting(["calls refused with -1"]);
    let template = Template::make(&SMALL).await;
    let world = template.world().await;
    let process = world.start().await;
    let client = &process.client;
    world.settle(client).await;
    for (round, error) in ["ENOSPC", "EIO", "ENOSPC", "EIO"].into_iter().enumerate() {
        let mut dice = Dice::new(seed().wrapping_add(round as u64));
        // Something is under way when it begins.
        let _ = world.act(client, Task::Send, &mut dice).await;
        let tracer = Tracer::attach(&world, &process, error, "1+").await;
        for _ in 0..6 {
            let open = &world.accounts[0];
            let token = world.asks().tokens[0].clone();
            let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "x"},
                "clientmsgid": format!("full-{round}-{}", world.number())});
            let answer = client
                .post("/cgi-bin/message/mass/sendall", &token, &body)
                .await
                .expect("an answer");
            assert_eq!(answer["errcode"], -1, "{} {answer}", open.app_id);
            table.add("calls refused with -1", 1);
            work(&world, client, &mut dice).await;
            notices(client).await;
            reads_go_on(&world, client).await;
        }
        table.add(&format!("{error}: writes that failed"), tracer.detach().await);
        heals(&world, client, &table).await;
    }
    process.kill().await;
    has_no_panic(world.folder.path());
    checked::all(&world).await;
    table.finish(&format!("writes that keep failing, QUNFA_SEED={}", seed()));
}

#[tokio::test(flavor = "multi_thread")]
async fn i20_a_disk_that_is_full_refuses_calls_and_works_again_once_there_is_room() {
    let table = Table::expecting(["calls refused with -1", "times full"]);
    let template = Template::make(&SMALL).await;
    let world = template.world().await;
    let data = world.folder.path().join("data");
    let disk = Disk::over(&data);
    let process = world.start().await;
    let client = &process.client;
    world.settle(client).await;
    for round in 0..3 {
        let mut dice = Dice::new(seed().wrapping_add(round));
        let filler = data.join("blobs").join("filler");
        disk.fill(&filler);
        let mut refused = 0;
        while refused < 3 {
            let before = world.asks().sent.len();
            let _ = world.act(client, Task::Send, &mut dice).await;
            let asks = world.asks();
            refused += asks.sent[before..]
                .iter()
                .filter(|sent| sent.id.is_none())
                .count();
        }
        table.add("calls refused with -1", refused as u64);
        table.add("times full", 1);
        notices(client).await;
        reads_go_on(&world, client).await;
        std::fs::remove_file(&filler).expect("removes");
        heals(&world, client, &table).await;
    }
    process.kill().await;
    has_no_panic(world.folder.path());
    checked::all(&world).await;
    table.finish(&format!("full disk ({}), QUNFA_SEED={}", disk.kind(), seed()));
}

/// A small disk of its own over a folder.
struct Disk(std::path::PathBuf);

impl Disk {
    /// Mounts it and moves what was in the folder there.
    fn over(folder: &Path) -> Self {
        let aside = folder.with_extension("aside");
        crate::world::copy(folder, &aside);
        let run = |program: &str, args: &[&str]| {
            let done = std::process::Command::new(program)
                .args(args)
                .arg(folder)
                .status();
            done.is_ok_and(|status| status.success())
        };
        assert!(
            run("mount", &["-t", "tmpfs", "-o", "size=24m,mode=0700", "none"]),
            "mounting is forbidden here, so a full disk cannot be tested"
        );
        let disk = Self(folder.into());
        for entry in std::fs::read_dir(&aside).expect("reads") {
            let entry = entry.expect("reads");
            let target = folder.join(entry.file_name());
            if entry.path().is_dir() {
                crate::world::copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).expect("copies");
            }
        }
        disk
    }

    /// Fills it to the last byte.
    fn fill(&self, filler: &Path) {
        let mut file = std::fs::File::create(filler).expect("makes");
        while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    }

    fn kind(&self) -> &'static str {
        "a tmpfs of 24 MiB"
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test left running still has files there.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
