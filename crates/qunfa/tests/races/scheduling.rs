//! A schedule falls due for two workers at once: one of them makes a mass of it.

use domain::{
    audience::Audience,
    content::NewContent,
    schedule::{Request, ScheduleState},
};

use crate::{
    table::{Row, rounds},
    worlds::{Ground, HeadStart, NOW, spin},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i02_a_schedule_that_two_workers_accept_at_once_becomes_one_mass() {
    let ground = Ground::with_followers(10).await;
    let orders = ["first-won", "second-won"];
    let (mut row, mut head_start) = (
        Row::new("two workers, one schedule", &orders),
        HeadStart::default(),
    );
    for round in 0..rounds() {
        let request = Request {
            content: NewContent::Text(format!("round {round}")),
            audience: Audience::All,
            client_msg_id: None,
            send_ignore_reprint: false,
        };
        let id = ground.stores[0]
            .add_schedule(ground.account, request, NOW, NOW)
            .await;
        let id = id.expect("works").expect("its content exists");
        let (first_waits, second_waits) = head_start.waits();
        let workers = [first_waits, second_waits]
            .into_iter()
            .zip(ground.stores.clone())
            .map(|(wait, store)| {
                let account = ground.account;
                tokio::spawn(async move {
                    spin(wait);
                    store
                        .accept_schedule(account, id, None, NOW)
                        .await
                        .expect("works")
                })
            });
        let workers: Vec<_> = workers.collect();
        let mut made = Vec::new();
        for (number, worker) in workers.into_iter().enumerate() {
            if let Some(schedule) = worker.await.expect("ends") {
                made.push((number, schedule.state));
            }
        }
        let [(winner, ScheduleState::Sent(mass))] = made[..] else {
            panic!("round {round}: {made:?}");
        };
        row.saw(orders[winner]);
        match winner {
            0 => head_start.later(),
            _ => head_start.earlier(),
        }
        let kept = ground.stores[1]
            .schedule(ground.account, id)
            .await
            .expect("works")
            .expect("exists");
        assert_eq!(kept.state, ScheduleState::Sent(mass), "round {round}");
        let masses = ground.stores[1]
            .masses(ground.account, None, 10_000)
            .await
            .expect("works");
        assert_eq!(
            (masses.len(), masses[0].id),
            (round + 1, mass),
            "one mass a schedule"
        );
        row.rounds += 1;
        row.calls += 2;
        row.accepted += 1;
        row.refused += 1;
    }
    let used = ground.stores[0].usage(ground.account, NOW).await.expect("works");
    assert_eq!(
        used.history_this_month as usize, row.rounds,
        "i12: charged once each"
    );
    row.print();
}
