//! What commands that ask a running server have in common.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{
    error::{CliError, Status},
    output::{self, Column},
};
use crate::{
    admin::{Admin, AdminError},
    settings::{ADMIN_TOKEN_FILE, secret},
};

/// The server to ask, and how to print what it says.
#[derive(Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ClientArgs {
    /// The server to ask
    #[arg(
        long,
        value_name = "URL",
        env = "QUNFA_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    pub server: String,
    /// Its admin token; without it, the one in the server's data folder is taken
    #[arg(long, value_name = "TOKEN", env = "QUNFA_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,
    /// The server's data folder, if it is on this machine
    #[arg(
        long,
        value_name = "DIR",
        env = "QUNFA_STORE_DATA",
        default_value = "./qunfa-data"
    )]
    pub data: PathBuf,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

impl std::fmt::Debug for ClientArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientArgs({})", self.server) // SEC4: not the token
    }
}

/// The same, and an account of that server.
#[derive(Clone, Debug, Args)]
pub struct AccountClientArgs {
    /// The account (公众号)
    #[arg(long, value_name = "APPID", env = "QUNFA_ACCOUNT")]
    pub account: String,
    /// The server.
    #[command(flatten)]
    pub client: ClientArgs,
}

impl ClientArgs {
    /// The client of the server.
    pub async fn open(&self) -> Result<Admin, CliError> {
        if let Some(token) = self.token()? {
            return Ok(Admin::new(&self.server, &token)?);
        }
        // Where no server runs, the missing token is not what people need to hear about.
        let asked = Admin::new(&self.server, "none")?.get(&["accounts"], &[]).await;
        if let Err(error @ AdminError::NoServer { .. }) = asked {
            return Err(error.into());
        }
        let path = self.data.join(ADMIN_TOKEN_FILE);
        Err(CliError::failed(format!("no admin token: {} does not exist", path.display())).hint(
            "give it with --admin-token or QUNFA_ADMIN_TOKEN (a sandbox's is `sandbox`), or name the server's data \
             folder with --data",
        ))
    }

    fn token(&self) -> Result<Option<String>, CliError> {
        match self.admin_token.as_ref().filter(|token| !token.is_empty()) {
            Some(token) => Ok(Some(token.clone())),
            None => Ok(secret::read_token(&self.data.join(ADMIN_TOKEN_FILE))?),
        }
    }

    /// Prints an answer: as it came, or as names and values.
    pub fn print(&self, answer: &Value) -> Result<Status, CliError> {
        if self.json {
            output::print_json(answer)?;
        } else {
            output::print(&output::record(answer))?;
        }
        Ok(Status::Done)
    }
}

/// A list that the server gives in pages.
pub struct List<'a> {
    /// Its path behind `/v1`.
    pub path: &'a [&'a str],
    /// The field with the items.
    pub items: &'static str,
    /// The parameter that continues it.
    pub from: &'static str,
    /// Where to start; `None` is at the beginning.
    pub start: Option<String>,
    /// How many items are wanted.
    pub limit: usize,
    /// What people see of an item.
    pub columns: &'static [Column],
    /// What people see when there is none.
    pub empty: &'static str,
}

/// Items that a server gives at once.
const PAGE_MAX: usize = 1_000;

impl List<'_> {
    /// Asks page by page and prints all at the end.
    pub async fn print(self, args: &ClientArgs) -> Result<Status, CliError> {
        let admin = args.open().await?;
        let mut rows = Vec::new();
        let mut next = self.start.clone();
        let mut last = Value::Null;
        while rows.len() < self.limit {
            let mut query = vec![("limit", (self.limit - rows.len()).min(PAGE_MAX).to_string())];
            query.extend(next.take().map(|next| (self.from, next)));
            last = admin.get(self.path, &query).await?;
            let Some(Value::Array(page)) = last.get_mut(self.items).map(Value::take) else {
                break;
            };
            rows.extend(page);
            match &last["next"] {
                Value::String(text) => next = Some(text.clone()),
                Value::Number(number) => next = Some(number.to_string()),
                _ => break,
            }
        }
        if args.json {
            last[self.items] = Value::Array(rows);
            output::print_json(&last)?;
            return Ok(Status::Done);
        }
        let mut text = output::table(self.columns, &rows, self.empty);
        if let Some(next) = next {
            let more = format!("… more with --{} {next} or a larger --limit\n", self.from);
            text.push_str(&more);
        }
        output::print(&text)?;
        Ok(Status::Done)
    }
}
