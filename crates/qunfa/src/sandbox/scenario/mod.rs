//! Scenarios: YAML files that say what happens in a sandbox and what must come of it.
//!
//! [`file`] is their shape, [`world`] the sandbox that each of them gets, [`steps`] does what they say,
//! [`check`] compares, [`report`] and [`junit`] tell. The reference for people is `docs/sandbox/scenarios.md`.

use std::{path::Path, time::Instant};

pub mod check;
pub mod file;
pub mod junit;
pub mod receiver;
pub mod report;
pub mod steps;
pub mod variables;
pub mod world;

use check::Difference;
use file::Scenario;
use report::{Outcome, Report, StepReport};
use steps::Broken;
use world::World;

use crate::node::StartError;

/// Plays a scenario in a sandbox of its own; an error when that sandbox does not start. `seed` goes before
/// the file's own.
pub async fn play(scenario: &Scenario, path: &Path, seed: Option<u64>) -> Result<Report, StartError> {
    let began = Instant::now();
    let seed = seed.or(scenario.seed).unwrap_or(1);
    let mut world = World::start(scenario, path, seed).await?;
    let mut reports = Vec::new();
    let mut broken = false;
    for step in &scenario.steps {
        let began = Instant::now();
        let outcome = match broken {
            true => Outcome::LeftOut,
            false => outcome(world.play(&step.value).await),
        };
        broken |= matches!(outcome, Outcome::Broken(_));
        reports.push(StepReport {
            line: step.defined.line(),
            what: step.value.what(),
            outcome,
            took: began.elapsed(),
        });
    }
    world.stop().await;
    Ok(Report {
        file: path.to_owned(),
        scenario: scenario.scenario.clone(),
        seed,
        steps: reports,
        took: began.elapsed(),
    })
}

fn outcome(played: Result<Vec<Difference>, Broken>) -> Outcome {
    match played {
        Ok(differences) if differences.is_empty() => Outcome::Passed,
        Ok(differences) => Outcome::Failed(differences),
        Err(broken) => Outcome::Broken(broken.0),
    }
}
