//! `qunfa mass`.

use clap::Subcommand;

use super::{
    client::{AccountClientArgs, List},
    error::{CliError, Status},
    output::{Column, column},
};

/// Mass sends.
#[derive(Clone, Debug, Subcommand)]
pub enum MassCommand {
    /// List an account's mass sends, newest first
    #[command(after_help = "Example:\n  qunfa mass list --account wx0000000000000001 --limit 10")]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = super::at_least_one)]
        limit: usize,
        /// Only those before this msg_id
        #[arg(long, value_name = "MSG_ID")]
        before: Option<i64>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Show one mass send: state, counts, and why followers did not get it
    #[command(after_help = "Example:\n  qunfa mass show 1000001625 --account wx0000000000000001")]
    Show {
        /// The msg_id
        msg_id: i64,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

const COLUMNS: &[Column] = &[
    column("msg_id", "/msg_id"),
    column("type", "/type"),
    column("state", "/state"),
    column("accepted", "/accepted_at"),
    column("finished", "/finished_at"),
    column("total", "/total_count"),
    column("filtered", "/filter_count"),
    column("sent", "/sent_count"),
    column("errors", "/error_count"),
];

/// Does it.
pub async fn run(command: MassCommand) -> Result<Status, CliError> {
    match command {
        MassCommand::List { limit, before, at } => {
            let list = List {
                path: &["accounts", &at.account, "masses"],
                items: "masses",
                from: "before",
                start: before.map(|id| id.to_string()),
                limit,
                columns: COLUMNS,
                empty: "no mass sends",
            };
            list.print(&at.client).await
        }
        MassCommand::Show { msg_id, at } => {
            let path = ["accounts", at.account.as_str(), "masses", &msg_id.to_string()];
            let answer = at.client.open().await?.get(&path, &[]).await?;
            at.client.print(&answer)
        }
    }
}
