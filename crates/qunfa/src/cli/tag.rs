//! `qunfa tag`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::{
    client::AccountClientArgs,
    error::{CliError, Status},
    output::{self, Column, column},
};

/// Tags.
#[derive(Clone, Debug, Subcommand)]
pub enum TagCommand {
    /// List an account's tags with their numbers of followers
    #[command(after_help = "Example:\n  qunfa tag list --account wx0000000000000001")]
    List {
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Make a tag
    #[command(after_help = "Example:\n  qunfa tag create 广东 --account wx0000000000000001")]
    Create {
        /// Its name, 1 to 30 characters
        name: String,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

const COLUMNS: &[Column] = &[
    column("id", "/id"),
    column("name", "/name"),
    column("followers", "/count"),
];

/// Does it.
pub async fn run(command: TagCommand) -> Result<Status, CliError> {
    match command {
        TagCommand::List { at } => {
            let answer = at
                .client
                .open()
                .await?
                .get(&["accounts", &at.account, "tags"], &[])
                .await?;
            if at.client.json {
                output::print_json(&answer)?;
            } else {
                let tags = answer["tags"].as_array().map_or(&[][..], Vec::as_slice);
                output::print(&output::table(COLUMNS, tags, "no tags"))?;
            }
            Ok(Status::Done)
        }
        TagCommand::Create { name, at } => {
            let path = ["accounts", at.account.as_str(), "tags"];
            let answer = at
                .client
                .open()
                .await?
                .change(Method::POST, &path, &json!({ "name": name }))
                .await?;
            at.client.print(&answer)
        }
    }
}
