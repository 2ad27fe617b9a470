//! The documents of operators name what is there.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use store::measure::{Kind, METRICS};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of our metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("qunfa_")).collect()
}

/// Everything that a query may name.
fn known() -> BTreeSet<String> {
    let names = METRICS.iter().flat_map(|metric| match metric.kind {
        Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
        Kind::Histogram => ["bucket", "sum", "count"]
            .map(|end| format!("{}_{end}", metric.name))
            .to_vec(),
    });
    names.collect()
}

#[test]
fn docs_metrics_md_is_up_to_date() {
    assert!(
        document("metrics.md") == qunfa::numbers::reference(),
        "run: cargo run -- config --metrics > docs/metrics.md"
    );
}

#[test]
fn alerts_and_the_dashboard_name_metrics_that_are_there() {
    let known = known();
    for (name, at_least) in [("alerts.yml", 9), ("grafana.json", METRICS.len())] {
        let text = document(name);
        let named = named(&text);
        for metric in &named {
            assert!(known.contains(*metric), "{name} names {metric}");
        }
        assert!(named.len() >= at_least, "{name} names only {named:?}");
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_can_be_read() {
    let text = document("grafana.json");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    assert!(
        dashboard["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 10)
    );
    for metric in METRICS {
        assert!(text.contains(metric.name), "{} has no panel", metric.name);
    }
}

#[test]
fn every_alert_has_an_expression_and_a_text() {
    #[derive(serde::Deserialize)]
    struct Rules {
        groups: Vec<Group>,
    }
    #[derive(serde::Deserialize)]
    struct Group {
        rules: Vec<Rule>,
    }
    #[derive(serde::Deserialize)]
    struct Rule {
        alert: String,
        expr: String,
        labels: std::collections::BTreeMap<String, String>,
        annotations: std::collections::BTreeMap<String, String>,
    }
    let rules: Rules = serde_saphyr::from_str(&document("alerts.yml")).expect("YAML");
    let rules: Vec<Rule> = rules.groups.into_iter().flat_map(|group| group.rules).collect();
    assert!(rules.len() >= 9);
    for Rule {
        alert,
        expr,
        labels,
        annotations,
    } in rules
    {
        assert!(!expr.is_empty() && labels.contains_key("severity"), "{alert}");
        assert!(annotations.contains_key("summary"), "{alert}");
    }
}
