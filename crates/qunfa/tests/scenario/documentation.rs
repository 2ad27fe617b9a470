//! The reference for people names everything that a scenario can say, and its examples work.

use clap::Parser;
use qunfa::{cli::Cli, sandbox::scenario::file::Scenario};
use serde_json::Value;

use crate::played;

const REFERENCE: &str = include_str!("../../../../docs/sandbox/scenarios.md");
const CI: &str = include_str!("../../../../docs/sandbox/ci.md");
const DOCKERFILE: &str = include_str!("../../../../Dockerfile");
const SHAPES: &str = include_str!("../../src/sandbox/scenario/file.rs");

fn yaml_of(page: &str) -> Vec<&str> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).collect()
}

/// The fields and variants of the shapes, as files write them.
fn keys() -> Vec<String> {
    let shapes = SHAPES
        .split("/// Why a scenario cannot be played.")
        .next()
        .expect("the shapes");
    let mut keys = Vec::new();
    let mut in_steps = false;
    for line in shapes.lines() {
        in_steps = line.starts_with("pub enum Step ") || (in_steps && line != "}");
        let field = line
            .strip_prefix("    pub ")
            .and_then(|line| line.split_once(": "));
        let variant = line
            .strip_prefix("    ")
            .filter(|line| in_steps && line.starts_with(char::is_uppercase));
        if let Some((name, _)) = field.filter(|(name, _)| !name.contains(' ')) {
            keys.push(if name == "account" {
                "as".to_owned()
            } else {
                name.to_owned()
            });
        }
        if let Some((name, _)) = variant.and_then(|line| line.split_once('(')) {
            keys.push(name.to_lowercase());
        }
    }
    keys
}

#[test]
fn the_reference_names_every_key() {
    let keys = keys();
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        assert!(
            REFERENCE.contains(&format!("`{key}`")),
            "{key} is not in the reference"
        );
    }
}

#[tokio::test]
async fn the_examples_of_the_reference_pass() {
    let examples = yaml_of(REFERENCE);
    assert!(!examples.is_empty());
    for (number, example) in examples.into_iter().enumerate() {
        let whole = match example.starts_with("scenario:") {
            true => example.to_owned(),
            false => format!("scenario: example {number}\nsteps:\n{example}"),
        };
        Scenario::parse(&whole).unwrap_or_else(|error| panic!("{error}\n{whole}"));
        let report = played("example", &whole).await;
        assert!(report.passed(), "{}", report.text());
    }
}

#[test]
fn the_workflow_is_yaml_and_every_command_is_one() {
    for block in yaml_of(CI) {
        let workflow: Value = serde_saphyr::from_str(block).expect("YAML");
        let steps = workflow["jobs"]["tests"]["steps"].as_array().expect("steps");
        let does = |step: &Value| step["uses"].is_string() != step["run"].is_string();
        assert!(steps.iter().all(does), "{steps:?}");
    }
    let lines = [REFERENCE, CI].into_iter().flat_map(str::lines);
    let commands: Vec<String> = lines
        .map(|line| {
            let line = line.trim().trim_start_matches("run: ");
            line.replace("$QUNFA_BIN", "qunfa")
        })
        .filter(|line| line.starts_with("qunfa "))
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let parsed = Cli::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {parsed:?}");
    }
    let image = DOCKERFILE.lines().filter_map(|line| line.strip_prefix("CMD ["));
    let words: Vec<String> = image
        .flat_map(|words| words.trim_end_matches(']').split(", "))
        .map(|word| word.trim_matches('"').to_owned())
        .collect();
    let parsed = Cli::try_parse_from(std::iter::once("qunfa".to_owned()).chain(words));
    assert!(parsed.is_ok(), "{parsed:?}");
}
