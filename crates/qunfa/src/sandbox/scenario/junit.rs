//! What scenarios came to, as JUnit XML: a suite for every file, a case for every step.

use std::fmt::Write;

use super::report::{Outcome, Report, side_by_side};

/// The XML of these reports.
pub fn junit(reports: &[Report]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        suite(&mut xml, report);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, report: &Report) {
    let count = |wanted: fn(&Outcome) -> bool| {
        let steps = report.steps.iter().filter(|step| wanted(&step.outcome));
        steps.count()
    };
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" file=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
        escaped(&report.scenario),
        escaped(&report.file.to_string_lossy()),
        report.steps.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Broken(_))),
        count(|outcome| matches!(outcome, Outcome::LeftOut)),
        report.took.as_secs_f64()
    );
    let file = escaped(&report.file.to_string_lossy());
    for step in &report.steps {
        let _ = write!(
            xml,
            "    <testcase classname=\"{}\" name=\"line {}: {}\" file=\"{file}\" line=\"{}\" time=\"{:.3}\"",
            escaped(&report.scenario),
            step.line,
            escaped(&step.what),
            step.line,
            step.took.as_secs_f64()
        );
        match &step.outcome {
            Outcome::Passed => xml.push_str("/>\n"),
            Outcome::LeftOut => xml.push_str("><skipped/></testcase>\n"),
            Outcome::Broken(why) => {
                let _ = writeln!(xml, "><error message=\"{}\"/></testcase>", escaped(why));
            }
            Outcome::Failed(differences) => {
                let first = differences.first().map_or_else(String::new, |first| {
                    format!("{}: expected {}, found {}", first.at, first.expected, first.found)
                });
                let _ = writeln!(
                    xml,
                    "><failure message=\"{}\">{}</failure></testcase>",
                    escaped(&first),
                    escaped(&side_by_side(differences))
                );
            }
        }
    }
    xml.push_str("  </testsuite>\n");
}

/// A text for an attribute or an element; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(letter),
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::{check::Difference, report::StepReport};
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_outcome_has_its_element_and_nothing_breaks_the_xml() {
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed(vec![Difference {
                at: "/a".to_owned(),
                expected: "\"<1>\"".to_owned(),
                found: "\"&\u{1}\"".to_owned(),
            }]),
            Outcome::Broken("why".to_owned()),
            Outcome::LeftOut,
        ];
        let report = Report {
            file: "a.yaml".into(),
            scenario: "群发 & more".to_owned(),
            seed: 1,
            steps: outcomes
                .into_iter()
                .zip(2..)
                .map(|(outcome, line)| StepReport {
                    line,
                    what: "settle".to_owned(),
                    outcome,
                    took: Duration::from_millis(2),
                })
                .collect(),
            took: Duration::from_millis(10),
        };
        let xml = junit(&[report]);
        assert!(
            xml.contains("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""),
            "{xml}"
        );
        assert!(
            xml.contains("/a: expected &quot;&lt;1&gt;&quot;, found &quot;&amp;&quot;"),
            "{xml}"
        );
        assert!(
            xml.contains("name=\"群发 &amp; more\"") && xml.contains("<skipped/>"),
            "{xml}"
        );
    }
}
