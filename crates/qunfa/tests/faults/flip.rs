//! One bit of the database file is flipped: it is noticed where it is read, or it changes nothing that is told.
//!
//! SQLite keeps no checksums of its pages; sets, masses, deliveries and articles carry their own. Its indexes have none:
//! what a search there misses, only `qunfa check` tells.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use domain::{
    id::{AccountId, AppId, Ordinal},
    position::Membership,
};
use store::{StoreResult, account::AccountStore, inbox::InboxStore, mass::MassStore};

use crate::{
    budget::Budget,
    checked,
    dice::{Dice, long, seed},
    power::{Opened, master_key, open},
    table::Table,
    work::Task,
    world::{Purpose, STEADY, Template, World},
};

/// Small accounts only: in a file full of followers' names few flips would meet what is looked at.
const PURPOSES: [Purpose; 3] = [Purpose::Open, Purpose::Subscription, Purpose::Limited];

/// The answers of one database: every mass with its counts, every entry of every inbox.
type Picture = BTreeMap<String, String>;

/// A server's folder with a week's work in it, all of it in the one file.
async fn worked() -> World {
    let template = Template::make(&PURPOSES).await;
    let world = template.world().await;
    let process = world.start().await;
    world.settle(&process.client).await;
    let mut dice = Dice::new(seed());
    for _ in 0..40 {
        let task = *dice.one_of(&[Task::Send, Task::News, Task::Restless]);
        world
            .act(&process.client, task, &mut dice)
            .await
            .expect("an answer");
    }
    world.settle(&process.client).await;
    process.kill().await;
    let db = rusqlite::Connection::open(world.folder.path().join("data").join("qunfa.db")).expect("opens");
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("writes back");
    world
}

/// What the store says of this account; an error is part of what it says.
async fn look(opened: &Opened, app_id: &str, purpose: Purpose) -> StoreResult<Picture> {
    let mut picture = Picture::new();
    let Some(account) = opened.store.account(&AppId(app_id.to_owned())).await? else {
        return Ok(picture);
    };
    let id: AccountId = account.id;
    for mass in opened.store.masses(id, None, 1_000).await? {
        picture.insert(
            format!("{purpose:?} mass {}", mass.id.0),
            format!("{:?} {:?} {:?}", mass.state, mass.counts, mass.content),
        );
    }
    for ordinal in 0..=STEADY as u32 {
        let reader = Membership {
            account: id,
            ordinal: Ordinal(ordinal),
        };
        let page = opened.store.inbox_page(&[reader], None, None, 1_000).await?;
        let mut text = String::new();
        for entry in &page.entries {
            let _ = write!(
                text,
                "{} {:?} {:?};",
                entry.mass.0,
                entry.content,
                entry.news.as_ref().map(|news| &news.news)
            );
        }
        picture.insert(format!("{purpose:?} inbox {ordinal}"), text);
    }
    Ok(picture)
}

/// What became of one flipped bit.
enum Found {
    AtOpen,
    AtRead,
    /// Every answer is right, and `qunfa check` names the damage.
    ByCheck,
    Harmless,
    /// What differs without a word, and whether `qunfa check` names the damage.
    Wrong(Vec<String>, bool),
}

async fn flipped(folder: &std::path::Path, world: &World, key: [u8; 32], whole: &Picture) -> Found {
    let Ok(opened) = open(folder, key) else {
        return Found::AtOpen;
    };
    let mut seen = Picture::new();
    let mut detected = false;
    for account in &world.accounts {
        match look(&opened, &account.app_id, account.purpose).await {
            Ok(picture) => seen.extend(picture),
            Err(_) => detected = true,
        }
    }
    let differs = |(name, value): (&String, &String)| (whole.get(name) != Some(value)).then(|| name.clone());
    let mut wrong: Vec<String> = seen.iter().filter_map(differs).collect();
    if !detected {
        wrong.extend(whole.keys().filter(|name| !seen.contains_key(*name)).cloned());
    }
    drop(opened);
    if wrong.is_empty() && detected {
        return Found::AtRead;
    }
    let named = checked::report(folder).map_or(true, |report| report.found > 0);
    match (wrong.is_empty(), named) {
        (false, named) => Found::Wrong(wrong, named),
        (true, true) => Found::ByCheck,
        (true, false) => Found::Harmless,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_noticed_where_it_is_read_or_named_by_the_check() {
    let places = if long() { 40_000 } else { 500 };
    let world = Arc::new(worked().await);
    let data = world.folder.path().join("data");
    let key = master_key(&data);
    let bytes = Arc::new(std::fs::read(data.join("qunfa.db")).expect("reads"));
    let table = Arc::new(Table::expecting([
        "found at open",
        "found at read",
        "found by the check alone",
        "harmless",
    ]));
    let whole = {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("qunfa.db"), &*bytes).expect("writes");
        let opened = open(folder.path(), key).expect("opens");
        let mut whole = Picture::new();
        for account in &world.accounts {
            whole.extend(
                look(&opened, &account.app_id, account.purpose)
                    .await
                    .expect("reads"),
            );
        }
        Arc::new(whole)
    };
    table.add("answers compared", whole.len() as u64);
    let budget = Budget::start();
    let workers = (0..2).map(|worker| {
        let (world, bytes, whole, table) = (world.clone(), bytes.clone(), whole.clone(), table.clone());
        tokio::spawn(async move {
            for number in (worker..places).step_by(2) {
                if budget.is_used_up() {
                    break;
                }
                let mut dice = Dice::new(seed().wrapping_add(number as u64));
                let (at, bit) = (dice.below(bytes.len()), dice.below(8));
                let folder = tempfile::tempdir().expect("a folder");
                let mut damaged = bytes.to_vec();
                damaged[at] ^= 1 << bit;
                std::fs::write(folder.path().join("qunfa.db"), damaged).expect("writes");
                match flipped(folder.path(), &world, key, &whole).await {
                    Found::AtOpen => table.add("found at open", 1),
                    Found::AtRead => table.add("found at read", 1),
                    Found::ByCheck => table.add("found by the check alone", 1),
                    Found::Harmless => table.add("harmless", 1),
                    Found::Wrong(names, named) => {
                        println!("wrong: byte {at} bit {bit}, named by the check: {named}: {names:?}");
                        table.add("wrong", 1);
                        if !named {
                            table.add("wrong and not named by the check", 1);
                        }
                    }
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker
            .await
            .unwrap_or_else(|error| panic!("QUNFA_SEED={}: {error}", seed()));
    }
    let wrong = table.of("wrong");
    table.finish(&format!("flipped bits, QUNFA_SEED={}", seed()));
    // What is left are the database's own indexes: a search goes astray, and the check says so.
    assert_eq!(table.of("wrong and not named by the check"), 0);
    assert!(wrong * 200 < places as u64, "{wrong} of {places} flips");
}
