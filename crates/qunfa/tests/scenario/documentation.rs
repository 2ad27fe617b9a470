//! The reference for people names everything that a scenario can say, and its examples work.

use qunfa::sandbox::scenario::file::Scenario;

use crate::played;

const REFERENCE: &str = include_str!("../../../../docs/sandbox/scenarios.md");
const SHAPES: &str = include_str!("../../src/sandbox/scenario/file.rs");

fn examples() -> Vec<&'static str> {
    let blocks = REFERENCE.split("```yaml\n").skip(1);
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
    let examples = examples();
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
