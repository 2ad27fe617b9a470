//! Equal calls at the same instant: one is accepted, all others learn of it (I10).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    nodes::{Account, Nodes, text_to_all},
    table::{Row, rounds},
};

const CALLS: usize = 100;
const REPEATED: i64 = 45_065;
const UNDECIDED: i64 = 45_066;

/// Calls that are equal by their key, whatever they say, or without a key by what they say.
fn bodies(round: usize) -> Vec<Value> {
    let with_key = |call: usize| {
        let mut body = text_to_all(&format!("call {call} of round {round}"));
        body["clientmsgid"] = json!(format!("key-{round}"));
        body
    };
    match round % 2 {
        0 => (0..CALLS).map(with_key).collect(),
        _ => vec![text_to_all(&format!("round {round}")); CALLS],
    }
}

/// The same again for a call that met one which stayed undecided for two seconds, which I10 allows.
async fn decided(account: &Account<'_>, body: &Value, mut answer: Value) -> Value {
    for _ in 0..100 {
        if answer["errcode"] != UNDECIDED {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = account.send_all(std::slice::from_ref(body)).await.remove(0);
    }
    panic!("undecided for ever: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_of_a_hundred_equal_calls_one_is_accepted_and_all_others_learn_its_number() {
    let nodes = Nodes::start().await;
    let account = nodes.account(10, &json!({})).await;
    let mut row = Row::new("100 equal calls", &["first-call-won", "later-call-won"]);
    let mut undecided = 0;
    for round in 0..rounds() {
        let bodies = bodies(round);
        let mut answers = account.send_all(&bodies).await;
        for (answer, body) in answers.iter_mut().zip(&bodies) {
            undecided += usize::from(answer["errcode"] == UNDECIDED);
            *answer = decided(&account, body, answer.take()).await;
        }
        let accepted: Vec<usize> = (0..CALLS).filter(|call| answers[*call]["errcode"] == 0).collect();
        let [winner] = accepted[..] else {
            panic!("round {round}: calls {accepted:?} were accepted: {answers:?}");
        };
        let number = &answers[winner]["msg_id"];
        for (call, answer) in answers.iter().enumerate().filter(|(call, _)| *call != winner) {
            assert_eq!(
                (&answer["errcode"], &answer["msg_id"]),
                (&json!(REPEATED), number),
                "round {round}, call {call}: {answer}"
            );
        }
        row.saw(if winner == 0 {
            "first-call-won"
        } else {
            "later-call-won"
        });
        row.rounds += 1;
        row.calls += CALLS;
        row.accepted += 1;
        row.refused += CALLS - 1;
    }
    let masses = account.finished_masses().await;
    assert_eq!(masses.len(), row.rounds, "one mass a round");
    for mass in &masses {
        assert_eq!(
            (&mass["state"], &mass["sent_count"]),
            (&json!("succeeded"), &json!(10)),
            "{mass}"
        );
    }
    let usage = account.get("/usage").await;
    assert_eq!(
        usage["history_this_month"],
        json!(row.rounds),
        "charged once each: {usage}"
    );
    println!("{undecided} calls met one that was undecided for two seconds (45066)");
    row.print();
}
