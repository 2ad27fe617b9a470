//! Copies taken while the store works keep every promise as of their instant.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Semaphore;

use super::*;
use crate::{backup, sql::Connection};

const BLOCKS: i64 = 16;
const IN_EACH: usize = 200;

/// Sixteen blocks with few followers each.
async fn many_blocks(folder: &Path) -> (SqlStore, AccountId) {
    let store = open(folder);
    let account = account(&store).await;
    let lifted = AccountChange {
        quota: Some(Quota {
            history_per_month: None,
            ..Quota::of(AccountKind::Service)
        }),
        ..AccountChange::default()
    };
    store.change_account(account, lifted).await.expect("writes");
    let db = rusqlite::Connection::open(folder.join("qunfa.db")).expect("opens");
    for block in 0..BLOCKS {
        let rows = (0..IN_EACH).map(|number| NewFollower {
            external_id: format!("{block}-{number}"),
            tags: vec![format!("tag{}", number % 3)],
            ..NewFollower::default()
        });
        store
            .import_followers(account, rows.collect(), START)
            .await
            .expect("imports");
        let next = (block + 1) << 16;
        db.execute("UPDATE counter SET next = ? WHERE name = 'ordinal'", [next])
            .expect("moves on");
    }
    (store, account)
}

/// Rounds of work during one copy.
const ROUNDS: usize = 1;

/// Everything that writes, over and over, a little later each time, as often as it may.
async fn work(store: &SqlStore, account: AccountId, may: &Semaphore) -> u64 {
    let worker = WorkerId("one".into());
    let (mut now, mut rounds) = (START, 0);
    while let Ok(permit) = may.acquire().await {
        permit.forget();
        now = now.plus_seconds(60);
        rounds += 1;
        let follower = NewFollower {
            external_id: format!("late-{rounds}"),
            tags: vec!["tag1".into()],
            ..NewFollower::default()
        };
        store
            .subscribe(account, follower, now)
            .await
            .expect("writes")
            .expect("has room");
        let leaver = Ordinal((rounds % BLOCKS as u64) as u32 * 65_536 + 7);
        store.unsubscribe(account, leaver, now).await.expect("writes");
        let preview = NewContent::Text(format!("preview {rounds}"));
        let preview = store
            .send_preview(account, preview, Ordinal(3), now)
            .await
            .expect("writes");
        preview.expect("is sent");
        let next = NewMass {
            per_minute: Some(1_000),
            ..to(Audience::All, &format!("mass {rounds}"))
        };
        // Refused where the day's calls are used up; then what runs goes on alone.
        let _ = store.accept_mass(account, next, now).await.expect("writes");
        for running in store.running_masses().await.expect("reads") {
            let lease = store.lease_batches(account, running.mass, &worker, 4, 1_000, now);
            let lease = lease.await.expect("leases");
            if !lease.blocks.is_empty() {
                store.release_batches(&lease, now).await.expect("releases");
            }
            store
                .finish_mass(account, running.mass, now)
                .await
                .expect("finishes");
        }
    }
    rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_during_paced_sends_each_keep_i02_to_i04_as_of_their_instant() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, account) = many_blocks(folder.path()).await;
    let may = Arc::new(Semaphore::new(0));
    let allowed = may.clone();
    let writer = tokio::spawn(async move { work(&store, account, &allowed).await });
    let allow = may.clone();
    let database = folder.path().join("qunfa.db");
    let copies = tokio::task::spawn_blocking(move || {
        let copies = tempfile::tempdir().expect("a folder");
        let (mut instants, mut under_way) = (BTreeSet::new(), 0);
        for number in 0..100 {
            allow.add_permits(ROUNDS);
            let file = copies.path().join(format!("{number}.db"));
            backup::copy(&database, &file, &|_, _| {}).expect("copies");
            let copy = Reader::open_file(file.clone()).expect("opens");
            let report = run(&copy, &Calendar::shanghai(), &quiet).expect("checks");
            assert_eq!(report.findings, [], "copy {number}: {:?}", report.seen);
            instants.insert((report.seen.masses, report.seen.deliveries));
            let waiting = "SELECT COUNT(*) FROM batch";
            let count = |db: &Connection| {
                Ok(db
                    .prepare_cached(waiting)?
                    .query_row([], |row| row.get::<_, i64>(0))?)
            };
            under_way += u64::from(copy.read(count).expect("reads") > 0);
            std::fs::remove_file(file).expect("removes");
        }
        (instants.len(), under_way)
    });
    let copies = copies.await;
    may.close();
    let rounds = writer.await.expect("the writer works on");
    let (instants, under_way) = copies.expect("every copy is sound");
    println!(
        "100 copies over {rounds} rounds of work: {instants} instants, {under_way} with sends under way"
    );
    assert!(
        instants >= 50 && under_way >= 50,
        "the copies must strike while it is sent"
    );
}

#[test]
fn a_copy_overwrites_nothing() {
    let folder = damaged("");
    let database = folder.path().join("qunfa.db");
    assert!(backup::copy(&database, &database, &|_, _| {}).is_err());
}
