//! A recall meets the release of two blocks: each block has one of the two orders, never a mixture (I15).

use domain::{
    id::Ordinal,
    mass::{Counts, MassState},
};
use store::mass::Released;

use crate::{
    table::{Row, rounds},
    worlds::{Ground, HeadStart, LEASE_MS, NOW, listed, spin, worker},
};

const BLOCK: u32 = 65_536;
/// Targets in each of the two blocks.
const EACH: u32 = 5;
const ORDERS: [&str; 3] = ["recall-first", "recall-between", "recall-last"];

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn i15_a_recall_that_meets_two_releases_comes_before_or_after_each() {
    let ground = Ground::with_followers(BLOCK + EACH).await;
    let targets = BLOCK - EACH..BLOCK + EACH;
    let (mut row, mut head_start) = (Row::new("recall meets release", &ORDERS), HeadStart::default());
    for round in 0..rounds() {
        let mass = ground
            .send(format!("round {round}"), listed(targets.clone()))
            .await;
        let mut leases = Vec::new();
        for (number, store) in ground.stores.iter().enumerate() {
            let lease = store
                .lease_batches(ground.account, mass, &worker(number), 1, LEASE_MS, NOW)
                .await;
            leases.push(lease.expect("works"));
        }
        let (recall_waits, releases_wait) = head_start.waits();
        let releases =
            leases
                .into_iter()
                .zip(ground.stores.clone())
                .enumerate()
                .map(|(number, (lease, store))| {
                    tokio::spawn(async move {
                        // The second comes a little later, so that there is a moment between them.
                        spin(releases_wait * (number as u32 + 1));
                        store.release_batches(&lease, NOW).await.expect("works")
                    })
                });
        let releases: Vec<_> = releases.collect();
        let (store, account) = (ground.stores[1].clone(), ground.account);
        let recall = tokio::spawn(async move {
            spin(recall_waits);
            store.recall_mass(account, mass, NOW).await.expect("works")
        });
        recall
            .await
            .expect("ends")
            .expect("i15: a recall is never refused");
        let mut delivered = 0;
        let mut blocks = 0;
        for release in releases {
            if let Released::Committed {
                delivered: entries, ..
            } = release.await.expect("ends")
            {
                assert_eq!(
                    entries,
                    u64::from(EACH),
                    "i15: round {round}: a block is released whole"
                );
                delivered += entries;
                blocks += 1;
            }
        }
        check(&ground, mass, delivered).await;
        for target in targets.clone() {
            assert!(
                !ground.shows(Ordinal(target), mass).await,
                "i15: {target} still sees round {round}"
            );
        }
        row.saw(ORDERS[blocks]);
        match blocks {
            0 => head_start.later(),
            2 => head_start.earlier(),
            _ => {}
        }
        row.rounds += 1;
        row.calls += 3;
        row.accepted += blocks;
        row.refused += 2 - blocks;
    }
    row.print();
}

async fn check(ground: &Ground, mass: domain::id::MassId, delivered: u64) {
    let found = ground.stores[0]
        .mass(ground.account, mass)
        .await
        .expect("works")
        .expect("exists");
    let total = u64::from(2 * EACH);
    let state = if delivered == 0 {
        MassState::Failed
    } else {
        MassState::Succeeded
    };
    let counts = Counts {
        total,
        delivered,
        failed: total - delivered,
        ..Counts::default()
    };
    assert_eq!(
        (found.state, found.counts, found.batches_left),
        (state, counts, 0),
        "i03, i04: {mass:?}"
    );
    assert!(found.recalled_at.is_some());
    assert_eq!(ground.ends_of(mass).await, 1, "i19: {mass:?}");
}
