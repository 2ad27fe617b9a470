//! Different sends at the same instant, more than fit: as many as fit are accepted (I12), and nobody receives
//! more than the month allows (I11).

use serde_json::{Value, json};

use crate::{
    nodes::{Nodes, text_to_all},
    table::{Row, rounds},
};

const CALLS: usize = 100;

/// A rule of which the last slots are fought for.
struct Rule {
    name: &'static str,
    quota: &'static str,
    used: &'static str,
    errcode: i64,
}

const RULES: [Rule; 3] = [
    Rule {
        name: "sends of the day",
        quota: "sends_per_day",
        used: "sends_today",
        errcode: 45_028,
    },
    Rule {
        name: "calls of the day",
        quota: "calls_per_day",
        used: "calls_today",
        errcode: 45_009,
    },
    Rule {
        name: "sends to all of the month",
        quota: "history_per_month",
        used: "history_this_month",
        errcode: 45_028,
    },
];

/// `calls` different sends to all.
fn bodies(calls: usize) -> Vec<Value> {
    (0..calls)
        .map(|call| text_to_all(&format!("send {call}")))
        .collect()
}

fn accepted(answers: &[Value]) -> Vec<usize> {
    (0..answers.len())
        .filter(|call| answers[*call]["errcode"] == 0)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i12_of_a_hundred_sends_against_the_last_slots_exactly_as_many_as_fit_are_accepted() {
    let nodes = Nodes::start().await;
    let mut rows = RULES.map(|rule| Row::new(rule.name, &["first-calls-won", "others-won"]));
    for round in 0..rounds() {
        let rule = &RULES[round % RULES.len()];
        let (left, used_before) = (1 + round % 7, round % 3);
        let account = nodes.account(3, &json!({rule.quota: left + used_before})).await;
        for before in 0..used_before {
            let answer = account
                .send_all(&[text_to_all(&format!("before {before}"))])
                .await;
            assert_eq!(answer[0]["errcode"], 0, "{answer:?}");
        }
        let answers = account.send_all(&bodies(CALLS)).await;
        let accepted = accepted(&answers);
        assert_eq!(accepted.len(), left, "round {round}, {}: {answers:?}", rule.name);
        for answer in answers.iter().filter(|answer| answer["errcode"] != 0) {
            assert_eq!(
                answer["errcode"], rule.errcode,
                "round {round}, {}: {answer}",
                rule.name
            );
        }
        let usage = account.get("/usage").await;
        assert_eq!(
            usage[rule.used],
            json!(left + used_before),
            "{}: {usage}",
            rule.name
        );
        let masses = account.finished_masses().await;
        assert_eq!(masses.len(), left + used_before, "{}", rule.name);
        assert_eq!(account.entries_of(round % 3).await, masses.len(), "{}", rule.name);
        let row = &mut rows[round % RULES.len()];
        let in_order = accepted.iter().copied().eq(0..left);
        row.saw(if in_order { "first-calls-won" } else { "others-won" });
        row.rounds += 1;
        row.calls += CALLS;
        row.accepted += accepted.len();
        row.refused += CALLS - accepted.len();
    }
    let mut all = Row::new("last slots of day and month", &["others-won"]);
    for row in &rows {
        println!("{row}");
        all.rounds += row.rounds;
        all.calls += row.calls;
        all.accepted += row.accepted;
        all.refused += row.refused;
        all.orders[0].1 += row.orders[1].1;
    }
    all.print();
}

const FOLLOWERS: usize = 5;
const A_MONTH: usize = 4;
/// Sends of the day that are accepted: more than a follower may receive, few enough to release them all.
const A_DAY: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_nobody_receives_a_fifth_however_many_sends_meet() {
    let nodes = Nodes::start().await;
    let mut row = Row::new("last receipts of a follower", &[]);
    for round in 0..rounds() {
        let before = round % A_MONTH;
        let quota = json!({"receipts_per_month": A_MONTH, "sends_per_day": before + A_DAY});
        let account = nodes.account(FOLLOWERS, &quota).await;
        for number in 0..before {
            let body = text_to_all(&format!("before {number}"));
            assert_eq!(account.send_all(&[body]).await[0]["errcode"], 0);
        }
        account.finished_masses().await;
        let answers = account.send_all(&bodies(CALLS)).await;
        assert_eq!(accepted(&answers).len(), A_DAY, "i12: round {round}: {answers:?}");
        row.calls += CALLS;
        let masses = account.finished_masses().await;
        let sum = |count: &dyn Fn(&Value) -> &Value| -> u64 {
            masses
                .iter()
                .map(|mass| count(mass).as_u64().expect("a number"))
                .sum()
        };
        let delivered = sum(&|mass| &mass["sent_count"]);
        let filtered = sum(&|mass| &mass["reasons"]["over_quota"]);
        assert_eq!(
            delivered as usize,
            FOLLOWERS * A_MONTH,
            "round {round}: {masses:?}"
        );
        assert_eq!(
            filtered as usize,
            FOLLOWERS * (masses.len() - A_MONTH),
            "round {round}: filtered, not failed"
        );
        for follower in 0..FOLLOWERS {
            assert_eq!(account.entries_of(follower).await, A_MONTH, "i11: round {round}");
        }
        row.rounds += 1;
        row.accepted += delivered as usize;
        row.refused += filtered as usize;
    }
    println!("{row}  (accepted and refused count entries of inboxes)");
}
