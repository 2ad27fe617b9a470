//! `qunfa config`.

use clap::Args;

use super::{
    error::{CliError, Status},
    output,
    serve::SettingsArgs,
};
use crate::{
    numbers,
    settings::{
        load::{load, process_env},
        show,
    },
};

/// Print the settings.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa config                      what `qunfa serve` would use here, and where it comes from
  qunfa config --config /etc/qunfa.toml  check a file
  qunfa config --sample > qunfa.toml  a file to begin with
  qunfa config --reference > docs/config.md
  qunfa config --metrics > docs/metrics.md")]
pub struct ConfigArgs {
    /// Print a commented file with all defaults
    #[arg(long, conflicts_with_all = ["reference", "config", "listen", "public_url", "data", "roles"])]
    pub sample: bool,
    /// Print the reference as Markdown
    #[arg(long, conflicts_with_all = ["config", "listen", "public_url", "data", "roles"])]
    pub reference: bool,
    /// Print the reference of the metrics as Markdown
    #[arg(long, conflicts_with_all = ["sample", "reference", "config", "listen", "public_url", "data"])]
    pub metrics: bool,
    /// The flags of `qunfa serve`.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Prints what was asked for.
pub fn run(args: &ConfigArgs) -> Result<Status, CliError> {
    let text = if args.sample {
        show::sample()
    } else if args.reference {
        show::reference()
    } else if args.metrics {
        numbers::reference()
    } else {
        show::effective(&load(&args.settings.sources(&process_env))?)
    };
    output::print(&text)?;
    Ok(Status::Done)
}
