//! `qunfa sandbox snapshot` and `qunfa sandbox reset`: ways back to an earlier state of a running sandbox.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::SandboxServer;
use crate::cli::{
    error::{CliError, Status},
    output::{self, Column, column},
};

/// Keep the state of a running sandbox and go back to it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa sandbox snapshot take before-send
  qunfa sandbox snapshot restore before-send
  qunfa sandbox snapshot list")]
pub struct SnapshotArgs {
    /// What to do
    #[command(subcommand)]
    pub command: SnapshotCommand,
    /// The sandbox.
    #[command(flatten)]
    pub server: SandboxServer,
}

/// What can be done with snapshots.
#[derive(Clone, Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Keep the state as it is now, in the place of an earlier snapshot of this name
    #[command(after_help = "Example:\n  qunfa sandbox snapshot take before-send")]
    Take {
        /// Letters, digits, dots, hyphens and underscores
        name: String,
    },
    /// Make everything as it was, the clock and the ids too
    #[command(after_help = "Example:\n  qunfa sandbox snapshot restore before-send")]
    Restore {
        /// Its name
        name: String,
    },
    /// List all snapshots
    #[command(after_help = "Example:\n  qunfa sandbox snapshot list")]
    List,
    /// Forget one
    #[command(after_help = "Example:\n  qunfa sandbox snapshot remove before-send")]
    Remove {
        /// Its name
        name: String,
    },
}

/// Make everything as it was right after the start.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  qunfa sandbox reset")]
pub struct ResetArgs {
    /// The sandbox.
    #[command(flatten)]
    pub server: SandboxServer,
}

const COLUMNS: &[Column] = &[
    column("name", "/name"),
    column("clock", "/now"),
    column("bytes", "/bytes"),
];

/// Does it.
pub async fn run(args: SnapshotArgs) -> Result<Status, CliError> {
    let server = &args.server;
    match &args.command {
        SnapshotCommand::Take { name } => {
            let body = json!({"name": name});
            let taken = server.ask(Method::POST, &["snapshots"], Some(&body)).await?;
            server.print(&taken)
        }
        SnapshotCommand::Restore { name } => {
            let path = ["snapshots", name.as_str(), "restore"];
            let clock = server.ask(Method::POST, &path, None).await?;
            server.print(&clock)
        }
        SnapshotCommand::Remove { name } => {
            server
                .ask(Method::DELETE, &["snapshots", name.as_str()], None)
                .await?;
            Ok(Status::Done)
        }
        SnapshotCommand::List => {
            let answer = server.ask(Method::GET, &["snapshots"], None).await?;
            if server.json {
                return server.print(&answer);
            }
            let rows: &[Value] = answer["snapshots"].as_array().map_or(&[], Vec::as_slice);
            output::print(&output::table(COLUMNS, rows, "no snapshots"))?;
            Ok(Status::Done)
        }
    }
}

/// Does it and prints what the clock shows.
pub async fn reset(args: ResetArgs) -> Result<Status, CliError> {
    let clock = args.server.ask(Method::POST, &["reset"], None).await?;
    args.server.print(&clock)
}
