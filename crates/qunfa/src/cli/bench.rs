//! `qunfa bench`: what can be measured. The measuring is in `crate::bench`.

use clap::{Args, Subcommand, ValueEnum};

use super::error::{CliError, Status};

/// Measure this machine.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Mass sends through the real API, from call to success (群发性能)
    Send(SendArgs),
    /// The import of followers, beside raw SQLite (导入性能)
    Import(ImportArgs),
}

/// Mass sends through the real API.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa bench send --followers 1000000 --rounds 5
  qunfa bench send --followers 10000000 --rounds 3 --vs rows")]
pub struct SendArgs {
    /// Followers of the account
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Mass sends
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// The part of the followers that carries the tag which is sent to
    #[arg(long, value_name = "PART", default_value_t = 0.5, value_parser = part)]
    pub tag_density: f64,
    /// Also measure another way of doing it, in the same run and alternating
    #[arg(long, value_name = "WAY")]
    pub vs: Option<Versus>,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// What to measure against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Versus {
    /// A row per follower and a counter per follower, in SQLite.
    Rows,
}

/// The import of followers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  qunfa bench import --followers 1000000")]
pub struct ImportArgs {
    /// Followers to import
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("must be a number from 0 to 1".into()),
    }
}

/// Measures.
pub async fn run(command: BenchCommand) -> Result<Status, CliError> {
    crate::run::bench(command).await
}
