//! What a scenario came to, for people.

use std::{fmt::Write, path::PathBuf, time::Duration};

use comfy_table::{ContentArrangement, Table, presets};

use super::check::Difference;

/// Letters of a line that a difference may use, when the terminal's are not known.
const WIDTH: u16 = 110;

/// What a scenario came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its file.
    pub file: PathBuf,
    /// What it is called.
    pub scenario: String,
    /// What its ids were made from.
    pub seed: u64,
    /// Its steps, in order.
    pub steps: Vec<StepReport>,
    /// How long it took, in real time.
    pub took: Duration,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// What it does.
    pub what: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in real time.
    pub took: Duration,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected; the next steps are played all the same.
    Failed(Vec<Difference>),
    /// It could not be done; the next steps are left out.
    Broken(String),
    /// Left out, since an earlier one could not be done.
    LeftOut,
}

impl Report {
    /// Whether every step came out as expected.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.outcome == Outcome::Passed)
    }

    /// The scenario and a line for every step; what is expected and what was found side by side.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}  {} (seed {})\n",
            self.file.display(),
            self.scenario,
            self.seed
        );
        for step in &self.steps {
            text.push_str(&self.step(step));
        }
        let count = |passed: fn(&Outcome) -> bool| {
            let steps = self.steps.iter().filter(|step| passed(&step.outcome));
            steps.count()
        };
        let passed = count(|outcome| *outcome == Outcome::Passed);
        let left_out = count(|outcome| *outcome == Outcome::LeftOut);
        let failed = self.steps.len() - passed - left_out;
        let _ = write!(text, "  {passed} passed, {failed} failed");
        if left_out > 0 {
            let _ = write!(text, ", {left_out} left out");
        }
        let _ = writeln!(text, ", {:.2} s", self.took.as_secs_f64());
        text
    }

    fn step(&self, step: &StepReport) -> String {
        let (line, what) = (step.line, &step.what);
        let place = format!("{}:{line}", self.file.display());
        match &step.outcome {
            Outcome::Passed => format!("  ✓ {line:>3}  {what}\n"),
            Outcome::LeftOut => format!("  - {line:>3}  {what}\n"),
            Outcome::Broken(why) => format!("  ✗ {line:>3}  {what}\n        {why}\n        at {place}\n"),
            Outcome::Failed(differences) => {
                let table = indented(&side_by_side(differences));
                format!("  ✗ {line:>3}  {what}\n{table}        at {place}\n")
            }
        }
    }
}

/// Expected and found beside each other.
pub fn side_by_side(differences: &[Difference]) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["", "expected", "found"]);
    for difference in differences {
        table.add_row([&difference.at, &difference.expected, &difference.found]);
    }
    table.to_string()
}

fn indented(table: &str) -> String {
    // Each line of the table begins with a space of its own.
    let lines = table.lines().map(|line| format!("       {}\n", line.trim_end()));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let step = |line, what: &str, outcome| StepReport {
            line,
            what: what.to_owned(),
            outcome,
            took: Duration::from_millis(1),
        };
        let difference = Difference {
            at: "/texts".to_owned(),
            expected: "[\"第1条\",\"第2条\"]".to_owned(),
            found: "[\"第1条\"]".to_owned(),
        };
        Report {
            file: "a.yaml".into(),
            scenario: "Two sends".to_owned(),
            seed: 1,
            steps: vec![
                step(5, "settle", Outcome::Passed),
                step(
                    7,
                    "inbox of follower 0 of service",
                    Outcome::Failed(vec![difference]),
                ),
                step(
                    12,
                    "page ${url}",
                    Outcome::Broken("${url} is not known".to_owned()),
                ),
                step(14, "settle", Outcome::LeftOut),
            ],
            took: Duration::from_millis(1_500),
        }
    }

    #[test]
    fn a_report_says_what_failed_where_and_how() {
        let expected = r#"a.yaml  Two sends (seed 1)
  ✓   5  settle
  ✗   7  inbox of follower 0 of service
                expected           found
        /texts  ["第1条","第2条"]  ["第1条"]
        at a.yaml:7
  ✗  12  page ${url}
        ${url} is not known
        at a.yaml:12
  -  14  settle
  1 passed, 2 failed, 1 left out, 1.50 s
"#;
        assert_eq!(report().text(), expected);
    }
}
