//! What commands that ask a running sandbox have in common.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::SANDBOX_TOKEN;
use crate::{
    admin::Admin,
    cli::{
        error::{CliError, Status},
        output,
    },
};

/// The sandbox to ask, and how to print what it says.
#[derive(Clone, Debug, Args)]
pub struct SandboxServer {
    /// The sandbox to ask
    #[arg(
        long,
        value_name = "URL",
        env = "QUNFA_SERVER",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    pub server: String,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub json: bool,
}

impl SandboxServer {
    /// Asks the sandbox; each of `path` is one segment behind `/sandbox`.
    pub async fn ask(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value, CliError> {
        let admin = Admin::new(&self.server, SANDBOX_TOKEN)?;
        Ok(admin.sandbox(method, path, body).await?)
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
