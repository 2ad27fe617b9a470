//! `qunfa bridge`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{AccountClientArgs, List},
    error::{CliError, Status},
    output::{self, Column, column},
};

/// Push bridges.
#[derive(Clone, Debug, Subcommand)]
pub enum BridgeCommand {
    /// Show an account's push bridge and how it does
    #[command(after_help = "Example:\n  qunfa bridge show --account wx0000000000000001")]
    Show(AccountClientArgs),
    /// Tell an organisation's own server who got what, from now on; prints the secret that batches are signed with
    #[command(after_help = "Examples:
  qunfa bridge set https://push.example.org/qunfa --account wx0000000000000001
  QUNFA_BRIDGE_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw qunfa bridge set https://push.example.org/qunfa --account wx0000000000000001")]
    Set(SetArgs),
    /// Tell it nothing any more, and forget its dead letters
    #[command(after_help = "Example:\n  qunfa bridge remove --account wx0000000000000001")]
    Remove(AccountClientArgs),
    /// Send a signed test call
    #[command(after_help = "Example:\n  qunfa bridge test --account wx0000000000000001")]
    Test(AccountClientArgs),
    /// List what the bridge did not take, newest first
    #[command(after_help = "Example:\n  qunfa bridge dead-letters --account wx0000000000000001")]
    DeadLetters {
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
    /// Send a dead letter again
    #[command(after_help = "Example:\n  qunfa bridge resend 3 --account wx0000000000000001")]
    Resend {
        /// Its id
        id: i64,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

/// A bridge to set.
#[derive(Clone, Args)]
pub struct SetArgs {
    /// Where batches are posted
    #[arg(value_name = "URL")]
    url: String,
    /// What they are signed with: whsec_ and base64; left out, the one that is there stays, or one is made
    #[arg(
        long,
        value_name = "SECRET",
        env = "QUNFA_BRIDGE_SECRET",
        hide_env_values = true
    )]
    secret: Option<String>,
    /// Where.
    #[command(flatten)]
    at: AccountClientArgs,
}

impl std::fmt::Debug for SetArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SetArgs({})", self.url) // SEC4: not the secret
    }
}

const COLUMNS: &[Column] = &[
    column("id", "/id"),
    column("msg_id", "/msg_id"),
    column("followers", "/followers"),
    column("set aside", "/set_aside_at"),
    column("resend", "/resend"),
    column("reason", "/reason"),
];

/// Does it.
pub async fn run(command: BridgeCommand) -> Result<Status, CliError> {
    match command {
        BridgeCommand::Show(at) => {
            let answer = at.client.open().await?.get(&path(&at, &[]), &[]).await?;
            at.client.print(&answer)
        }
        BridgeCommand::Set(SetArgs { url, secret, at }) => {
            let mut body = json!({"url": url});
            if let Some(secret) = secret {
                body["secret"] = secret.into();
            }
            let answer = change(&at, Method::PUT, &[], &body).await?;
            at.client.print(&answer)
        }
        BridgeCommand::Remove(at) => {
            change(&at, Method::DELETE, &[], &json!({})).await?;
            say(
                &at,
                &json!({"removed": true}),
                "the bridge is told nothing any more\n",
            )
        }
        BridgeCommand::Test(at) => {
            let answer = change(&at, Method::POST, &["test"], &json!({})).await?;
            at.client.print(&answer)?;
            let taken = answer["taken"] == true;
            Ok(if taken { Status::Done } else { Status::Refused })
        }
        BridgeCommand::DeadLetters { limit, before, at } => {
            let list = List {
                path: &path(&at, &["dead-letters"]),
                items: "dead_letters",
                from: "before",
                start: before.map(|id| id.to_string()),
                limit,
                columns: COLUMNS,
                empty: "no dead letters",
            };
            list.print(&at.client).await
        }
        BridgeCommand::Resend { id, at } => {
            let number = id.to_string();
            change(
                &at,
                Method::POST,
                &["dead-letters", &number, "resend"],
                &json!({}),
            )
            .await?;
            let answer = json!({ "id": id, "resend": true });
            say(&at, &answer, &format!("dead letter {id} is on its way again\n"))
        }
    }
}

fn path<'a>(at: &'a AccountClientArgs, rest: &[&'a str]) -> Vec<&'a str> {
    [&["accounts", &at.account, "push-bridge"], rest].concat()
}

async fn change(
    at: &AccountClientArgs,
    method: Method,
    rest: &[&str],
    body: &Value,
) -> Result<Value, CliError> {
    let admin = at.client.open().await?;
    Ok(admin.change(method, &path(at, rest), body).await?)
}

fn say(at: &AccountClientArgs, json: &Value, text: &str) -> Result<Status, CliError> {
    if at.client.json {
        output::print_json(json)?;
    } else {
        output::print(text)?;
    }
    Ok(Status::Done)
}
