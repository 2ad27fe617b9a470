//! The shipped scenarios: all pass, and each fails with a clear message when something else is expected.

use std::path::{Path, PathBuf};

use qunfa::sandbox::scenario::{
    file::Scenario,
    junit::junit,
    play,
    report::{Outcome, Report, StepReport},
};

mod command;
mod documentation;

/// Where the scenarios are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// The names of all shipped scenarios, in order.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the folder");
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.yaml"))).expect("a scenario")
}

async fn played(name: &str, text: &str) -> Report {
    let path = folder().join(format!("{name}.yaml"));
    let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    play(&scenario, &path, None).await.expect("the sandbox starts")
}

/// Whether the report ends at a fault rule that this server does not know yet.
fn needs_faults(report: &Report) -> bool {
    let without = |step: &StepReport| {
        step.what.starts_with("fault")
            && matches!(&step.outcome, Outcome::Broken(why) if why.contains("/sandbox/faults answers 404"))
    };
    report.steps.iter().any(without)
}

#[tokio::test]
async fn every_shipped_scenario_passes() {
    let names = names();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let report = played(&name, &text(&name)).await;
        assert!(report.passed() || needs_faults(&report), "{}", report.text());
    }
}

/// An expectation turned into its opposite: in which scenario, what becomes what, and what the report says then.
struct Inverted {
    name: &'static str,
    from: &'static str,
    to: &'static str,
    step: &'static str,
    expected: &'static str,
    found: &'static str,
}

const fn inverted(
    name: &'static str,
    [from, to]: [&'static str; 2],
    step: &'static str,
    [expected, found]: [&'static str; 2],
) -> Inverted {
    Inverted {
        name,
        from,
        to,
        step,
        expected,
        found,
    }
}

const INVERTED: &[Inverted] = &[
    inverted(
        "five-sends-in-a-month",
        [
            "texts: [第1条, 第2条, 第3条, 第4条]",
            "texts: [第1条, 第2条, 第3条, 第4条, 第5条]",
        ],
        "inbox of follower 0 of service",
        ["\"第5条\"]", "\"第4条\"]"],
    ),
    inverted(
        "clientmsgid-race",
        [r#"{"0": 1, "45065": 19}"#, r#"{"0": 20}"#],
        "20 times at once: the same job",
        [r#"{"0":20}"#, r#"{"0":1,"45065":19}"#],
    ),
    inverted(
        "callback-lost",
        ["fail: 3", "fail: 0"],
        "callbacks MASSSENDJOBFINISH to service",
        ["2", "1"],
    ),
    inverted(
        "protection-times-out",
        ["/msg_status: SEND_FAIL", "/msg_status: SEND_SUCCESS"],
        "POST /cgi-bin/message/mass/get",
        ["\"SEND_SUCCESS\"", "\"SEND_FAIL\""],
    ),
    inverted(
        "draft-dies-after-send",
        [
            "clientmsgid: again}\n      expect: {errcode: 40007}",
            "clientmsgid: again}",
        ],
        "a second send of it",
        ["0", "40007 {"],
    ),
    inverted(
        "reprint-refused",
        ["Status: err(30003)", "Status: send success"],
        "callbacks MASSSENDJOBFINISH to service",
        ["\"send success\"", "\"err(30003)\""],
    ),
    inverted(
        "tag-deleted-during-a-send",
        ["sent: 35000}", "sent: 0}"],
        "mass ${mass} of service",
        ["0", "35000"],
    ),
    inverted(
        "recall-shared-material",
        [
            "{url: \"${other}\", contains: 该内容已被发布者删除, lacks: 时间写错了}",
            "{url: \"${other}\", contains: 时间写错了}",
        ],
        "page ${other}",
        ["with \"时间写错了\"", "该内容已被发布者删除"],
    ),
    inverted(
        "token-overlap",
        ["expect: {errcode: 40001}", "expect: {errcode: 0}"],
        "A is thrown out",
        ["0", "40001 {"],
    ),
    inverted(
        "system-busy",
        ["expect: {errcode: -1}", "expect: {errcode: 0}"],
        "the first try",
        ["0", "-1 {"],
    ),
    inverted(
        "callback-never-comes",
        ["count: 0}", "count: 1}"],
        "callbacks MASSSENDJOBFINISH to service",
        ["1", "0"],
    ),
    inverted(
        "month-turn-at-midnight",
        ["expect: {errcode: 45028}", "expect: {errcode: 0}"],
        "one second before midnight",
        ["0", "45028 {"],
    ),
];

#[tokio::test]
async fn every_shipped_scenario_fails_clearly_when_something_else_is_expected() {
    let covered: Vec<&str> = INVERTED.iter().map(|inverted| inverted.name).collect();
    for name in names() {
        assert!(
            covered.contains(&name.as_str()),
            "{name} has no inverted expectation"
        );
    }
    for inverted in INVERTED {
        let text = text(inverted.name);
        assert!(
            text.contains(inverted.from),
            "{}: {}",
            inverted.name,
            inverted.from
        );
        let report = played(inverted.name, &text.replacen(inverted.from, inverted.to, 1)).await;
        if needs_faults(&report) {
            continue;
        }
        let said = report.text();
        let step = report
            .steps
            .iter()
            .find(|step| step.outcome != Outcome::Passed)
            .unwrap_or_else(|| panic!("it passes all the same:\n{said}"));
        assert!(step.what.contains(inverted.step), "{}: {said}", inverted.name);
        let Outcome::Failed(differences) = &step.outcome else {
            panic!("{}: {said}", inverted.name);
        };
        let differs = differences.iter().any(|difference| {
            difference.expected.contains(inverted.expected) && difference.found.contains(inverted.found)
        });
        assert!(differs, "{}: {differences:?}", inverted.name);
        let place = format!("{}.yaml:{}", inverted.name, step.line);
        assert!(
            said.contains(&format!("✗ {:>3}  {}", step.line, step.what)),
            "{said}"
        );
        assert!(said.contains(&place), "{place}: {said}");
        assert!(said.contains("expected") && said.contains("found"), "{said}");
        assert!(junit(&[report]).contains("<failure message="), "{said}");
    }
}

#[tokio::test]
async fn a_step_that_cannot_be_done_says_why_and_the_rest_is_left_out() {
    let text = "scenario: a\nfollowers: 3\nsteps:\n  - page: {url: \"${nothing}\"}\n  - settle: {}\n";
    let report = played("a", text).await;
    assert!(
        matches!(&report.steps[0].outcome, Outcome::Broken(why) if why.contains("${nothing} is not known"))
    );
    assert_eq!(report.steps[1].outcome, Outcome::LeftOut);
    for (step, part) in [
        ("call: {request: GET}", "a method and a path"),
        (
            "call: {request: POST /x, files: {media: no-such-file}}",
            "cannot be read",
        ),
        ("clock: {advance: 3w}", "3w is no span"),
        ("callbacks: {count: 1}", "has no receiver"),
        ("inbox: {follower: 3}", "no follower 3"),
        ("mass: {id: 4}", "answers 404"),
        ("account: {set: {protect: perhaps}}", "answers 400"),
        ("clock: {to: yesterday}", "RFC 3339"),
    ] {
        let report = played("a", &format!("scenario: a\nfollowers: 3\nsteps:\n  - {step}\n")).await;
        let Outcome::Broken(why) = &report.steps[0].outcome else {
            panic!("{step}: {}", report.text());
        };
        assert!(why.contains(part), "{step}: {why}");
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_another_seed_others() {
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let text = "scenario: a\nfollowers: 1\nsteps:\n  - call: {request: GET /cgi-bin/user/get, expect: {equals: {/x: \"${service.openid.0}\"}}}\n";
        let scenario = Scenario::parse(text).expect("a scenario");
        let report = play(&scenario, Path::new("a.yaml"), Some(seed))
            .await
            .expect("it starts");
        let Outcome::Failed(differences) = &report.steps[0].outcome else {
            panic!("{}", report.text());
        };
        seen.push(differences[0].expected.clone());
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}
