//! `qunfa sandbox`.

pub mod intercept;
pub mod scenario;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use domain::time::{Timestamp, parse_rfc3339};

use super::error::{CliError, Status};
use crate::{
    cli::sandbox::intercept::InterceptArgs,
    sandbox::ready::ReadyTo,
    settings::{
        Secret, Settings,
        load::{Sources, load, process_env},
    },
};

pub mod clock;
pub mod server;
pub mod snapshot;
pub mod span;
pub mod world;

/// The admin token of every sandbox.
pub const SANDBOX_TOKEN: &str = crate::sandbox::ADMIN_TOKEN;

/// Run a server to test against.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  qunfa sandbox                     three accounts with 1000 followers each, gone at the end
  qunfa sandbox --followers 1000000 --data ./sandbox
  qunfa sandbox --listen 127.0.0.1:9000 --seed 7
  qunfa sandbox --tag vip=0.05 --tag city=0.3 --opt-out-rate 0.02 --open-rate 0.2
  qunfa sandbox --frozen --start 2026-11-22T10:00:00+08:00
  qunfa sandbox --intercept         also for SDKs whose hosts cannot be changed
  qunfa sandbox --listen 127.0.0.1:0 --ready - --stop-with-stdin     for tests: any free port, told in JSON
  qunfa sandbox run scenarios/*.yaml
  qunfa sandbox clock advance 2h    of a sandbox that runs

Its admin token is `sandbox`; the same seed makes the same ids. Speed is unlimited until speed/set
is called, and callbacks may go to this machine. Of the settings only QUNFA_LOG_LEVEL and
QUNFA_LOG_FORMAT apply.")]
pub struct SandboxArgs {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Followers of each account [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    pub followers: Option<u64>,
    /// Keep the state in this folder; without it, everything is gone at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What ids are made from [default: 1]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Let the clock stand until it is moved
    #[arg(long)]
    pub frozen: bool,
    /// Where the clock starts in an empty folder, such as 2026-11-22T10:00:00+08:00 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub start: Option<Timestamp>,
    /// Write one JSON object to FILE as soon as calls are answered: base_url, admin_token, accounts, pid;
    /// `-` writes it to standard output, alone. The file is removed at the end
    #[arg(long, value_name = "FILE")]
    pub ready: Option<ReadyTo>,
    /// Stop when standard input is closed, so that nothing is left when the test that started it dies
    #[arg(long)]
    pub stop_with_stdin: bool,
    /// SDKs with literal hosts.
    #[command(flatten)]
    pub interception: InterceptArgs,
    /// What its followers are like.
    #[command(flatten)]
    pub world: world::WorldArgs,
    /// What to do with it.
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
}

/// What else the sandbox does.
#[derive(Clone, Debug, Subcommand)]
pub enum SandboxCommand {
    /// Play scenarios, each in a sandbox of its own, and say what was not as expected (跑场景)
    Run(scenario::RunArgs),
    /// Look at or move the clock of a sandbox that runs (时钟)
    Clock(clock::ClockArgs),
    /// Keep the state of a sandbox that runs, and go back to it (快照)
    Snapshot(snapshot::SnapshotArgs),
    /// Make everything as it was right after the start (重置)
    Reset(snapshot::ResetArgs),
}

fn instant(text: &str) -> Result<Timestamp, String> {
    parse_rfc3339(text).ok_or_else(|| "must be an instant such as 2026-11-22T10:00:00+08:00".into())
}

impl SandboxCommand {
    /// Does it.
    pub async fn run(self) -> Result<Status, CliError> {
        match self {
            SandboxCommand::Run(args) => scenario::run(args).await,
            SandboxCommand::Clock(args) => clock::run(args).await,
            SandboxCommand::Snapshot(args) => snapshot::run(args).await,
            SandboxCommand::Reset(args) => snapshot::reset(args).await,
        }
    }
}

/// A sandbox about to be started.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its settings; `store.data` is to be replaced by a temporary folder when `args.data` is absent.
    pub settings: Settings,
    /// What was asked for.
    pub args: SandboxArgs,
    /// Who lives in it.
    pub world: world::Described,
}

impl SandboxArgs {
    /// The settings of a sandbox: fixed, so that it is the same everywhere, except for the log.
    pub fn prepare(self) -> Result<Start, CliError> {
        let log_only = |name: &str| process_env(name).filter(|_| name.starts_with("QUNFA_LOG_"));
        // An empty file: without a name, `load` would look for qunfa.toml.
        let mut settings = Settings::default();
        settings.log = load(&Sources {
            file: Some("/dev/null".into()),
            env: &log_only,
            flags: Vec::new(),
        })?
        .settings
        .log;
        settings.server.listen = self.listen;
        settings.server.admin_token = Some(Secret(SANDBOX_TOKEN.into()));
        settings.callback.allow = loopback();
        settings.speed.unset = Some(0);
        if let Some(data) = &self.data {
            settings.store.data.clone_from(data);
        }
        let world = self.world.describe(self.followers, self.seed)?;
        Ok(Start {
            settings,
            args: self,
            world,
        })
    }
}

fn loopback() -> Vec<ipnet::IpNet> {
    let v4 = ipnet::Ipv4Net::new_assert([127, 0, 0, 0].into(), 8);
    let v6 = ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128);
    vec![v4.into(), v6.into()]
}

/// Runs the sandbox until it is told to stop.
pub async fn run(start: Start) -> Result<Status, CliError> {
    crate::run::sandbox(start).await
}
