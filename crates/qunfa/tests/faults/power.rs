//! Power that goes away: of what was written, what was flushed stays, of the rest a part, torn at sectors.
//!
//! A server at work is traced; from its writes and flushes the files are built as a disk may hold them after the
//! power went at some instant. Each of these must open, be whole, hold every send that was answered before, and
//! work.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{
    audience::Audience,
    callback::Retries,
    content::NewContent,
    id::{AccountId, AppId, MassId},
    mass::{MassState, NewMass, Origin},
    quota::CallTicket,
    time::{Calendar, Timestamp},
};
use engine::{
    Engine, Turn,
    callback::{AddressRules, CallbackSender, CallbackSettings},
};
use qunfa::clock::WallClock;
use store::{
    Store,
    account::AccountStore,
    blob::Blobs,
    bus::Bus,
    clock::Clock,
    mass::{MassStore, WorkerId},
    rows::SqlStore,
    vault::Vault,
};

use crate::{
    budget::Budget,
    checked,
    dice::{Dice, long, seed},
    process::Launch,
    table::Table,
    work::Task,
    world::{Purpose, Template, World, copy},
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
const FILES: [&str; 2] = ["qunfa.db", "qunfa.db-wal"];
const SMALL: [Purpose; 4] = [
    Purpose::Open,
    Purpose::Subscription,
    Purpose::Limited,
    Purpose::Bulk,
];

/// One thing that was done to a file.
#[derive(Debug)]
enum Change {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(usize),
    Remove,
    /// Everything that was done to the file before the event of this number is on the disk.
    Flushed(usize),
}

/// A change of one of the [`FILES`], and when it began (a flush: when it was over), in seconds since 1970.
#[derive(Debug)]
struct Event {
    file: usize,
    at: f64,
    change: Change,
}

/// A send that was answered with 0, and when the answer had come.
#[derive(Clone, Copy, Debug)]
struct Answered {
    account: usize,
    id: i64,
    at: f64,
}

/// A run with everything that it wrote.
struct Recording {
    world: World,
    before: BTreeMap<usize, Vec<u8>>,
    events: Vec<Event>,
    answered: Vec<Answered>,
}

/// Lets a server work under a tracer and stops it as an operator would, which writes the log back.
async fn record(tasks: usize) -> Recording {
    let template = Template::make(&SMALL).await;
    let world = template.world().await;
    let data = world.folder.path().join("data");
    let aside = world.folder.path().join("before");
    copy(&data, &aside);
    let before = FILES.iter().enumerate();
    let before = before
        .filter_map(|(file, name)| Some((file, std::fs::read(aside.join(name)).ok()?)))
        .collect();
    let log = world.folder.path().join("strace.log");
    let mut under: Vec<String> = ["strace", "-D", "-f", "-qq", "-ttt", "-y", "-xx", "-s", "1000000"]
        .map(str::to_owned)
        .into();
    under.extend([
        "-e".into(),
        "trace=pwrite64,write,fdatasync,fsync,ftruncate,unlink".into(),
    ]);
    under.extend(["-o".into(), log.display().to_string()]);
    for name in FILES {
        under.extend(["-P".into(), data.join(name).display().to_string()]);
    }
    let launch = Launch { under, crash: None };
    let started = launch.start(world.folder.path()).await;
    let process =
        started.expect("strace is installed and ptrace is allowed (Debian: apt-get install strace)");
    let mut dice = Dice::new(seed());
    let mut answered: Vec<Answered> = Vec::new();
    for _ in 0..tasks {
        let task = match Task::any(&mut dice) {
            Task::Wide | Task::Refused | Task::Recall | Task::Delete => Task::Send,
            task => task,
        };
        world
            .act(&process.client, task, &mut dice)
            .await
            .expect("an answer");
        let at = seconds(WallClock::default().now());
        for sent in &world.asks().sent[answered.len()..] {
            let id = sent.id.expect("answered");
            answered.push(Answered {
                account: sent.account,
                id,
                at,
            });
        }
    }
    world.settle(&process.client).await;
    world.verify(&process.client).await;
    process.signal("TERM");
    let mut child = process.child;
    assert!(child.wait().await.expect("ends").success());
    let events = read_trace(&ended_trace(&log).await, &data);
    Recording {
        world,
        before,
        events,
        answered,
    }
}

/// The whole trace; the tracer outlives the process by a moment.
async fn ended_trace(log: &Path) -> String {
    let mut length = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let text = std::fs::read_to_string(log).expect("a trace");
        if text.len() == length {
            return text;
        }
        length = text.len();
    }
}

fn seconds(at: Timestamp) -> f64 {
    // The clock shows whole milliseconds, cut off.
    (at.0 + 1) as f64 / 1_000.0
}

/// The events of a trace, in order.
fn read_trace(text: &str, data: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let mut begun: BTreeMap<&str, Call> = BTreeMap::new();
    for line in text.lines() {
        // Short thread numbers are padded.
        let parts = line
            .split_once(' ')
            .map(|(thread, rest)| (thread, rest.trim_start().split_once(' ')));
        let Some((thread, Some((at, rest)))) = parts else {
            continue;
        };
        let at: f64 = at.parse().expect("an instant");
        if rest.starts_with("<... ") {
            if let Some(call) = begun.remove(thread) {
                assert!(!rest.contains("= -1"), "{rest}");
                call.over(at, &mut events);
            }
        } else if let Some(call) = Call::begin(rest, at, data, &mut events) {
            if rest.ends_with("<unfinished ...>") {
                begun.insert(thread, call);
            } else {
                assert!(!rest.contains("= -1"), "{rest}");
                call.over(at, &mut events);
            }
        }
    }
    events
}

/// A flush under way: it covers what was written before it began.
struct Call {
    file: usize,
    covers: usize,
    flush: bool,
}

impl Call {
    /// Notes what a call changes from the moment it begins; `None` for other files.
    fn begin(text: &str, at: f64, data: &Path, events: &mut Vec<Event>) -> Option<Self> {
        let (name, arguments) = text.split_once('(')?;
        let quoted = |text: &str| -> Option<Vec<u8>> { Some(unhex(text.split('"').nth(1)?)) };
        let path = match name {
            "unlink" => quoted(arguments)?,
            _ => unhex(arguments.split_once('<')?.1.split_once('>')?.0),
        };
        let path = PathBuf::from(String::from_utf8(path).expect("a path"));
        let file = FILES.iter().position(|name| path == data.join(name))?;
        let last = |text: &str| -> usize {
            let text = text
                .split(')')
                .next()
                .unwrap_or_default()
                .trim_end_matches("<unfinished ...>");
            text.rsplit(',')
                .next()
                .and_then(|number| number.trim().parse().ok())
                .expect("a number")
        };
        let change = match name {
            "pwrite64" => Some(Change::Write {
                bytes: quoted(arguments)?,
                at: last(arguments.rsplit('"').next()?),
            }),
            "ftruncate" => Some(Change::Truncate(last(arguments))),
            "unlink" => Some(Change::Remove),
            "fsync" | "fdatasync" => None,
            _ => panic!("unexpected: {text}"),
        };
        let flush = change.is_none();
        events.extend(change.map(|change| Event { file, at, change }));
        Some(Self {
            file,
            covers: events.len(),
            flush,
        })
    }

    fn over(self, at: f64, events: &mut Vec<Event>) {
        if self.flush {
            events.push(Event {
                file: self.file,
                at,
                change: Change::Flushed(self.covers),
            });
        }
    }
}

/// `\x2f\x74` as bytes.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.split("\\x").flat_map(str::bytes).collect();
    hex::decode(digits).expect("hexadecimal")
}

/// What the power did to writes that were not flushed.
#[derive(Default)]
struct Fate {
    kept: u64,
    dropped: u64,
    torn: u64,
}

/// The files as a disk may hold them after the first `end` events.
fn image(recording: &Recording, end: usize, dice: &mut Dice, fate: &mut Fate) -> Vec<Option<Vec<u8>>> {
    let done = &recording.events[..end];
    let contents = (0..FILES.len()).map(|file| {
        let flushed = done
            .iter()
            .filter(|event| event.file == file)
            .filter_map(|event| match event.change {
                Change::Flushed(covers) => Some(covers),
                _ => None,
            });
        let flushed = flushed.max().unwrap_or_default();
        let mut content = recording.before.get(&file).cloned();
        for (number, event) in done.iter().enumerate().filter(|(_, event)| event.file == file) {
            let sure = number < flushed;
            let keep = sure || dice.chance(40);
            match &event.change {
                Change::Flushed(_) => {}
                Change::Write { at, bytes } if keep || dice.chance(50) => {
                    let content = content.get_or_insert_default();
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if keep || dice.chance(50) {
                            write(content, at + index * SECTOR, sector);
                        }
                    }
                    fate.kept += u64::from(keep && !sure);
                    fate.torn += u64::from(!keep);
                }
                Change::Write { .. } => fate.dropped += 1,
                Change::Truncate(length) if keep => content.get_or_insert_default().resize(*length, 0),
                Change::Remove if keep => content = None,
                Change::Truncate(_) | Change::Remove => fate.dropped += 1,
            }
        }
        content
    });
    contents.collect()
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A data folder that this process works on itself.
pub struct Opened {
    pub store: Arc<SqlStore>,
    pub engine: Engine,
    pub clock: WallClock,
}

/// Opens a data folder without a server before it.
pub fn open(folder: &Path, key: [u8; 32]) -> Result<Opened, String> {
    let vault = Vault::new(key);
    let store =
        SqlStore::open(folder, vault.clone(), Calendar::shanghai()).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    let shared: Arc<dyn Store> = store.clone();
    let blobs = Blobs::in_folder(&folder.join("blobs")).map_err(|error| error.to_string())?;
    let clock = || Arc::new(WallClock::default());
    let settings = CallbackSettings {
        public_url: "http://faults.test".into(),
        addresses: AddressRules { allow: Vec::new() },
        retries: Retries::Long,
        timeout: Duration::from_secs(5),
        per_endpoint: 8,
    };
    let callbacks = CallbackSender::new(
        shared.clone(),
        clock(),
        Bus::default(),
        vault.link_key(),
        settings,
    )?;
    let engine = Engine::new(
        shared,
        blobs,
        Bus::default(),
        clock(),
        callbacks,
        WorkerId("images".into()),
    );
    Ok(Opened {
        store,
        engine,
        clock: WallClock::default(),
    })
}

/// The master key of a data folder.
pub fn master_key(data: &Path) -> [u8; 32] {
    let text = std::fs::read_to_string(data.join("master.key")).expect("a key");
    hex::decode(text.trim())
        .expect("hexadecimal")
        .try_into()
        .expect("32 bytes")
}

impl Opened {
    /// Does everything that is due.
    async fn run_down(&self) {
        while let Turn::Worked = self.engine.step(self.clock.now()).await.expect("a turn") {}
    }
}

/// Looks at one image: opens it, asks for what was answered, goes on.
async fn look(recording: &Recording, accounts: &[AccountId], folder: &Path, until: f64) -> u64 {
    let world = &recording.world;
    let opened = open(folder, master_key(&world.folder.path().join("data")))
        .unwrap_or_else(|error| panic!("it does not open: {error}"));
    opened.run_down().await;
    let mut there = 0;
    for answered in recording.answered.iter().filter(|answered| answered.at <= until) {
        let (account, id) = (accounts[answered.account], MassId(answered.id));
        let mass = opened.store.mass(account, id).await.expect("reads");
        let mass = mass.unwrap_or_else(|| panic!("i01: {id:?} of {account:?} was answered and is lost"));
        assert_eq!(mass.state, MassState::Succeeded, "i01: {mass:?}");
        assert_eq!(
            mass.counts.after_filters(),
            mass.counts.sent() + mass.counts.errors(),
            "i04: {mass:?}"
        );
        there += 1;
    }
    let more = NewMass {
        content: NewContent::Text("after the power came back".into()),
        audience: Audience::All,
        client_msg_id: Some("after".into()),
        send_ignore_reprint: false,
        ticket: CallTicket { within_day: true },
        origin: Origin::Api,
        per_minute: None,
    };
    let accepted = opened
        .store
        .accept_mass(accounts[0], more, opened.clock.now())
        .await;
    let accepted = accepted.expect("writes").expect("accepted");
    opened.run_down().await;
    let mass = opened
        .store
        .mass(accounts[0], accepted.id)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(mass.state, MassState::Succeeded, "{mass:?}");
    checked::rows(folder);
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i01_hundreds_of_disks_after_the_power_went_hold_everything_that_was_answered() {
    let images = if long() { 20_000 } else { 400 };
    let recording = Arc::new(record(60).await);
    let budget = Budget::start();
    let table = Arc::new(Table::expecting([
        "images",
        "writes kept",
        "writes dropped",
        "writes torn",
        "answered sends found",
        "flushes",
        "cut while the log was written back",
    ]));
    let flushes = recording
        .events
        .iter()
        .filter(|event| matches!(event.change, Change::Flushed(_)));
    table.add("flushes", flushes.count() as u64);
    table.add("events in the trace", recording.events.len() as u64);
    let accounts = {
        let folder = tempfile::tempdir().expect("a folder");
        copy(
            &recording.world.folder.path().join("data"),
            &folder.path().join("data"),
        );
        let opened = open(
            &folder.path().join("data"),
            master_key(&folder.path().join("data")),
        )
        .expect("opens");
        let mut accounts = Vec::new();
        for account in &recording.world.accounts {
            let found = opened
                .store
                .account(&AppId(account.app_id.clone()))
                .await
                .expect("reads");
            accounts.push(found.expect("there").id);
        }
        Arc::new(accounts)
    };
    let written_back = recording.events.iter().position(|event| event.file == 0);
    let workers = (0..2).map(|worker| {
        let (recording, table, accounts) = (recording.clone(), table.clone(), accounts.clone());
        tokio::spawn(async move {
            for number in (worker..images).step_by(2) {
                if budget.is_used_up() {
                    break;
                }
                let mut dice = Dice::new(seed().wrapping_add(number as u64));
                // One cut of five falls into the end, where the log is written back.
                let end = match written_back {
                    Some(first) if number % 5 == 0 => first + dice.below(recording.events.len() + 1 - first),
                    _ => 1 + dice.below(recording.events.len()),
                };
                let mut fate = Fate::default();
                let files = image(&recording, end, &mut dice, &mut fate);
                let folder = tempfile::tempdir().expect("a folder");
                for (name, content) in FILES.iter().zip(files) {
                    if let Some(content) = content {
                        std::fs::write(folder.path().join(name), content).expect("writes");
                    }
                }
                let until = recording.events[end - 1].at;
                println!("image {number}: {end} events");
                table.add(
                    "answered sends found",
                    look(&recording, &accounts, folder.path(), until).await,
                );
                table.add("images", 1);
                table.add("writes kept", fate.kept);
                table.add("writes dropped", fate.dropped);
                table.add("writes torn", fate.torn);
                let back = written_back.is_some_and(|first| end > first);
                table.add("cut while the log was written back", u64::from(back));
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker
            .await
            .unwrap_or_else(|error| panic!("QUNFA_SEED={}: {error}", seed()));
    }
    table.finish(&format!("power loss, QUNFA_SEED={}", seed()));
}
