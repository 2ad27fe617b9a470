//! `qunfa sandbox run`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        error::{CliError, Status},
        output,
    },
    sandbox::scenario::{file::Scenario, junit::junit, play},
};

/// Play scenarios.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa sandbox run scenarios/*.yaml
  qunfa sandbox run my-campaign.yaml --junit results.xml
  qunfa sandbox run my-campaign.yaml --seed 7

A scenario says who follows, what is called, how the clock moves and what must come of it; each is played
in a sandbox of its own, in this process, with a clock that stands. docs/sandbox/scenarios.md has every step.

Exit status: 0 everything was as expected, 1 something was not, 2 a file could not be read.")]
pub struct RunArgs {
    /// Scenario files (YAML)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// What ids are made from, instead of each file's own seed
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
}

/// Plays all files; those that cannot be read are found before the first is played.
pub async fn run(args: RunArgs) -> Result<Status, CliError> {
    let mut scenarios = Vec::new();
    for file in &args.files {
        let scenario = Scenario::read(file).map_err(|error| {
            CliError::failed(error.to_string()).hint("docs/sandbox/scenarios.md has every step")
        })?;
        scenarios.push((file, scenario));
    }
    let mut reports = Vec::new();
    for (file, scenario) in &scenarios {
        let played = play(scenario, file, args.seed).await;
        let report = played.map_err(|error| CliError::failed(error.to_string()))?;
        output::print(&format!("{}\n", report.text()))?;
        reports.push(report);
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&reports))
            .map_err(|error| CliError::failed(format!("{} cannot be written: {error}", path.display())))?;
    }
    let failed = reports.iter().filter(|report| !report.passed()).count();
    output::print(&format!("{} scenarios, {failed} failed\n", reports.len()))?;
    match failed {
        0 => Ok(Status::Done),
        _ => Ok(Status::Refused),
    }
}
