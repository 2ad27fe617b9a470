use super::*;

fn rule(matching: &str, effect: &str, expires: &str) -> NewRule {
    NewRule {
        from: None,
        matching: serde_json::from_str(matching).expect("a match"),
        effect: serde_json::from_str(effect).expect("an effect"),
        expires: serde_json::from_str(expires).expect("an end"),
    }
}

/// The numbers of the calls that a rule acts on, among the first `calls`.
fn struck(rule: NewRule, calls: u64) -> Vec<u64> {
    let faults = Faults::default();
    let now = Timestamp::from_seconds(1_000);
    faults.add(rule, now).expect("a rule");
    let facts = Facts {
        path: Some("/cgi-bin/tags/get"),
        ..Facts::default()
    };
    (1..=calls)
        .filter(|_| faults.strike(&facts, now).is_some())
        .collect()
}

#[test]
fn a_rule_acts_on_the_calls_it_counts() {
    let busy = r#"{"errcode":-1}"#;
    assert_eq!(struck(rule("{}", busy, "{}"), 3), [1, 2, 3]);
    assert_eq!(struck(rule(r#"{"nth":2}"#, busy, "{}"), 5), [2]);
    assert_eq!(struck(rule(r#"{"every":2}"#, busy, "{}"), 5), [2, 4]);
    assert_eq!(struck(rule("{}", busy, r#"{"hits":2}"#), 5), [1, 2]);
    assert_eq!(
        struck(rule(r#"{"path_prefix":"/cgi-bin/tags"}"#, busy, "{}"), 1),
        [1]
    );
    assert_eq!(struck(rule(r#"{"path":"/cgi-bin/tags"}"#, busy, "{}"), 1), [0; 0]);
}

#[test]
fn the_same_seed_hits_the_same_share_of_the_calls() {
    let some = |seed| {
        struck(
            rule(
                &format!(r#"{{"probability":0.3,"seed":{seed}}}"#),
                "\"half_answer\"",
                "{}",
            ),
            1_000,
        )
    };
    assert_eq!(some(7), some(7));
    assert_ne!(some(7), some(8));
    assert!((250..350).contains(&some(7).len()), "{}", some(7).len());
}

#[test]
fn a_rule_ends_with_its_virtual_time() {
    let faults = Faults::default();
    let start = Timestamp::from_seconds(1_000);
    faults
        .add(rule("{}", r#"{"errcode":-1}"#, r#"{"seconds":60}"#), start)
        .expect("a rule");
    let facts = Facts {
        path: Some("/cgi-bin/x"),
        ..Facts::default()
    };
    assert!(faults.strike(&facts, start.plus_seconds(59)).is_some());
    assert!(faults.strike(&facts, start.plus_seconds(60)).is_none());
}

#[test]
fn rules_that_cannot_act_are_refused() {
    for (matching, effect, expires) in [
        ("{}", r#"{"errcode":1}"#, "{}"),
        ("{}", r#"{"errcode":0}"#, "{}"),
        ("{}", r#"{"delay_ms":60001}"#, "{}"),
        ("{}", r#"{"verdict":1}"#, "{}"),
        ("{}", r#"{"callback_late_seconds":0}"#, "{}"),
        (r#"{"nth":0}"#, r#"{"errcode":-1}"#, "{}"),
        (r#"{"probability":1.5}"#, r#"{"errcode":-1}"#, "{}"),
        (r#"{"path":"/x"}"#, r#"{"callback":"lost"}"#, "{}"),
        (r#"{"event":"x"}"#, r#"{"errcode":-1}"#, "{}"),
        ("{}", r#"{"errcode":-1}"#, r#"{"hits":0}"#),
    ] {
        assert!(
            rule(matching, effect, expires).check().is_err(),
            "{matching} {effect} {expires}"
        );
    }
}
