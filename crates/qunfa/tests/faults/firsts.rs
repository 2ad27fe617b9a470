//! Killed while it starts for the first time: the folder is a data folder afterwards, whatever was made of it.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    budget::Budget,
    dice::{Dice, long, seed},
    process::{self, Launch},
    table::Table,
};

/// Points that a first start comes by, beside any instant.
const POINTS: [&str; 2] = ["store.opened:1", "store.migrated:1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_cut_off_leaves_nothing_in_the_way_of_the_next() {
    let rounds = if long() { 1_000 } else { 60 };
    let table = Table::expecting([
        "ended at a point",
        "ended at any instant",
        "was whole before it was ended",
    ]);
    let budget = Budget::start();
    for round in 0..rounds {
        if budget.is_used_up() {
            break;
        }
        let mut dice = Dice::new(seed().wrapping_add(round));
        let folder = tempfile::tempdir().expect("a folder");
        for point in POINTS.iter().take(dice.below(3)) {
            let launch = Launch {
                crash: Some((*point).to_owned()),
                ..Launch::default()
            };
            let status = launch.start(folder.path()).await.err();
            // The second time there may be nothing to do any more; the server then ends at the point all the same.
            assert!(status.is_some(), "it did not come by {point}");
            table.add("ended at a point", 1);
        }
        let (mut child, _) = Launch::default().spawn(folder.path());
        let patience = Duration::from_micros(dice.next() % 120_000);
        let waited = tokio::time::timeout(patience, process::ready(&mut child)).await;
        child.kill().await.expect("kills");
        let name = match waited {
            Ok(ready) => {
                assert!(
                    ready,
                    "round {round}: it ended by itself\n{}",
                    process::tail_of_log(folder.path())
                );
                "was whole before it was ended"
            }
            Err(_) => "ended at any instant",
        };
        table.add(name, 1);
        let process = process::start(folder.path()).await;
        let body = json!({"name": "first"});
        process
            .client
            .must(Method::POST, "/v1/accounts", Some(&body))
            .await;
        process.kill().await;
    }
    table.finish(&format!("first starts, QUNFA_SEED={}", seed()));
}
