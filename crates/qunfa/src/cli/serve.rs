//! `qunfa serve`.

use std::path::PathBuf;

use clap::Args;

use super::error::{CliError, Status};
use crate::settings::{
    Settings,
    load::{Flag, Sources, load, process_env},
    show::FLAGS,
};

/// Run the server.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa serve                       on 127.0.0.1:8080, data in ./qunfa-data
  qunfa serve --listen 0.0.0.0:8080 --public-url https://push.example.org
  qunfa serve --config /etc/qunfa.toml
  qunfa serve --roles api,worker    a node that answers no followers
  QUNFA_STORE_DATA=/var/lib/qunfa qunfa serve

All settings: qunfa config --sample")]
pub struct ServeArgs {
    /// The flags that are settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Settings as flags.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArgs {
    /// The settings file; without it, $QUNFA_CONFIG, then ./qunfa.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// The address under which others reach this server [default: http://LISTEN]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The data folder [default: ./qunfa-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// What this node does, of api, worker and live, separated by commas [default: all]
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<String>,
}

/// A server about to be started.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its settings.
    pub settings: Settings,
}

impl SettingsArgs {
    /// Where to read settings from.
    pub fn sources<'a>(&self, env: &'a dyn Fn(&str) -> Option<String>) -> Sources<'a> {
        let values = [&self.listen, &self.public_url, &self.data, &self.roles];
        let flags = FLAGS.into_iter().zip(values).filter_map(|((name, key), value)| {
            let value = value.clone()?;
            Some(Flag { name, key, value })
        });
        Sources {
            file: self.config.clone(),
            env,
            flags: flags.collect(),
        }
    }
}

impl ServeArgs {
    /// Reads the settings.
    pub fn prepare(self) -> Result<Start, CliError> {
        let loaded = load(&self.settings.sources(&process_env))?;
        Ok(Start {
            settings: loaded.settings,
        })
    }
}

/// Runs the server until it is told to stop.
pub async fn run(start: Start) -> Result<Status, CliError> {
    crate::run::serve(&start.settings).await
}
