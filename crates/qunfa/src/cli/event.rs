//! `qunfa event`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::{
    client::{AccountClientArgs, List},
    error::{CliError, Status},
    output::{self, Column, column},
};

/// Events.
#[derive(Clone, Debug, Subcommand)]
pub enum EventCommand {
    /// List an account's events, newest first, and how far each came
    #[command(after_help = "Example:\n  qunfa event list --account wx0000000000000001")]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = super::at_least_one)]
        limit: usize,
        /// Only those before this id
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Send an event again from the beginning
    #[command(after_help = "Example:\n  qunfa event resend 17 --account wx0000000000000001")]
    Resend {
        /// Its id
        id: i64,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

const COLUMNS: &[Column] = &[
    column("id", "/id"),
    column("event", "/event"),
    column("msg_id", "/msg_id"),
    column("openid", "/openid"),
    column("state", "/state"),
    column("tries", "/attempts"),
    column("first try", "/first_try_at"),
    column("last error", "/last_error"),
];

/// Does it.
pub async fn run(command: EventCommand) -> Result<Status, CliError> {
    match command {
        EventCommand::List { limit, before, at } => {
            let list = List {
                path: &["accounts", &at.account, "events"],
                items: "events",
                from: "before",
                start: before.map(|id| id.to_string()),
                limit,
                columns: COLUMNS,
                empty: "no events",
            };
            list.print(&at.client).await
        }
        EventCommand::Resend { id, at } => {
            let path = [
                "accounts",
                at.account.as_str(),
                "events",
                &id.to_string(),
                "resend",
            ];
            at.client
                .open()
                .await?
                .change(Method::POST, &path, &json!({}))
                .await?;
            if at.client.json {
                output::print_json(&json!({ "id": id, "resend": true }))?;
            } else {
                output::print(&format!("event {id} is on its way again\n"))?;
            }
            Ok(Status::Done)
        }
    }
}
