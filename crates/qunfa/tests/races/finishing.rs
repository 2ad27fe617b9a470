//! Two workers want to finish the same mass: one does, and there is one event (I19).

use domain::{mass::Counts, mass::MassState};

use crate::{
    table::{Row, rounds},
    worlds::{Ground, HeadStart, LEASE_MS, NOW, listed, spin, worker},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i19_of_two_who_finish_a_mass_one_does_and_there_is_one_event() {
    let ground = Ground::with_followers(10).await;
    let (mut row, mut head_start) = (
        Row::new("two finishers", &["first-won", "second-won"]),
        HeadStart::default(),
    );
    for round in 0..rounds() {
        let mass = ground.send(format!("round {round}"), listed(0..10)).await;
        let lease = ground.stores[0]
            .lease_batches(ground.account, mass, &worker(0), 1, LEASE_MS, NOW)
            .await;
        ground.stores[0]
            .release_batches(&lease.expect("works"), NOW)
            .await
            .expect("works");
        let (first_waits, second_waits) = head_start.waits();
        let finishers = [first_waits, second_waits]
            .into_iter()
            .zip(ground.stores.clone())
            .map(|(wait, store)| {
                let account = ground.account;
                tokio::spawn(async move {
                    spin(wait);
                    store.finish_mass(account, mass, NOW).await.expect("works")
                })
            });
        let finishers: Vec<_> = finishers.collect();
        let mut won = Vec::new();
        for (number, finisher) in finishers.into_iter().enumerate() {
            if finisher.await.expect("ends") {
                won.push(number);
            }
        }
        match won[..] {
            [0] => {
                row.saw("first-won");
                head_start.later();
            }
            [1] => {
                row.saw("second-won");
                head_start.earlier();
            }
            _ => panic!("i19: round {round}: {won:?} finished it"),
        }
        assert_eq!(ground.ends_of(mass).await, 1, "i19: round {round}");
        let found = ground.stores[0]
            .mass(ground.account, mass)
            .await
            .expect("works")
            .expect("exists");
        let counts = Counts {
            total: 10,
            delivered: 10,
            ..Counts::default()
        };
        assert_eq!(
            (found.state, found.counts),
            (MassState::Succeeded, counts),
            "i04: round {round}"
        );
        row.rounds += 1;
        row.calls += 2;
        row.accepted += 1;
        row.refused += 1;
    }
    row.print();
}
