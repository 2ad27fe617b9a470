//! The command line: what can be asked, and who does it.
//!
//! `serve`, `sandbox` and `bench` start things in this process; all others ask a running server through its
//! native API. Exit status: 0 done, 1 refused or done in part, 2 nothing could be done.

use clap::{CommandFactory, Parser, Subcommand};

use crate::settings::LogArea;

pub mod account;
pub mod backup;
pub mod bar;
pub mod bench;
pub mod bridge;
pub mod check;
pub mod client;
pub mod config;
pub mod doctor;
pub mod error;
pub mod event;
pub mod follower;
pub mod import;
pub mod mass;
pub mod migrate;
pub mod output;
pub mod restore;
pub mod sandbox;
pub mod serve;
pub mod tag;
#[cfg(test)]
mod tests;

use error::{CliError, Status};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "qunfa",
    version,
    about = "A mass-messaging server compatible with WeChat's mass-send API (群发)",
    after_help = "Examples:
  qunfa sandbox                     a server to try things out, with 1000 followers
  qunfa serve --listen 0.0.0.0:8080 --public-url https://push.example.org
  qunfa account create '城市公报' --kind service --verified
  qunfa follower import followers.csv --account wx0123456789abcdef

Exit status: 0 done, 1 refused or done in part, 2 nothing could be done.",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server (启动服务)
    Serve(serve::ServeArgs),
    /// Run a server to test against: made-up followers, a clock that can be moved (沙箱)
    Sandbox(Box<sandbox::SandboxArgs>),
    /// Accounts: create, list, show, change (公众号)
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Followers: import, list, subscribe, opt out (粉丝)
    #[command(subcommand)]
    Follower(follower::FollowerCommand),
    /// Tags: list, create (标签)
    #[command(subcommand)]
    Tag(tag::TagCommand),
    /// Mass sends: send, schedule, recall, list, show with the reasons why followers did not get it (群发)
    #[command(subcommand)]
    Mass(mass::MassCommand),
    /// Events to the accounts' servers: list, send again (事件推送)
    #[command(subcommand)]
    Event(event::EventCommand),
    /// Push bridges: tell an organisation's own server who got what (推送桥)
    #[command(subcommand)]
    Bridge(bridge::BridgeCommand),
    /// Recompute all counts and promises from the rows, also while the server runs (检查)
    Check(check::CheckArgs),
    /// Copy an installation while it runs: database and files (备份)
    Backup(backup::BackupArgs),
    /// Make an installation from a backup (恢复)
    Restore(restore::RestoreArgs),
    /// Move all rows between a SQLite folder and a PostgreSQL database, either way (迁移)
    Migrate(migrate::MigrateArgs),
    /// Look at an installation and say what to do: rights, key, database, server (体检)
    Doctor(doctor::DoctorArgs),
    /// Measure this machine (性能测试)
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print the settings in force, a sample file or the reference (配置)
    Config(config::ConfigArgs),
    /// Print what is compatible, in what it differs, every call and every errcode (兼容性)
    #[command(after_help = "Example:\n  qunfa compat > docs/compat.md\n  qunfa compat | grep 45028")]
    Compat,
    /// Print the completion script of a shell
    #[command(
        after_help = "Example:\n  qunfa completions bash > ~/.local/share/bash-completion/completions/qunfa"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A command with the settings it needs; read before anything starts, so that the log can be set up first.
#[derive(Debug)]
pub enum Job {
    /// `qunfa serve`.
    Serve(Box<serve::Start>),
    /// `qunfa sandbox`.
    Sandbox(Box<sandbox::Start>),
    /// Everything else.
    Other(Box<Command>),
}

impl Job {
    /// Reads the settings that `command` needs.
    pub fn prepare(command: Command) -> Result<Self, CliError> {
        Ok(match command {
            Command::Serve(args) => Job::Serve(Box::new(args.prepare()?)),
            Command::Sandbox(args) if args.command.is_none() => Job::Sandbox(Box::new(args.prepare()?)),
            other => Job::Other(Box::new(other)),
        })
    }

    /// How to log, for what runs a server.
    pub fn log(&self) -> Option<&LogArea> {
        match self {
            Job::Serve(start) => Some(&start.settings.log),
            Job::Sandbox(start) => Some(&start.settings.log),
            Job::Other(_) => None,
        }
    }

    /// Does it.
    pub async fn run(self) -> Result<Status, CliError> {
        match self {
            Job::Serve(start) => serve::run(*start).await,
            Job::Sandbox(start) => sandbox::run(*start).await,
            Job::Other(command) => run(*command).await,
        }
    }
}

async fn run(command: Command) -> Result<Status, CliError> {
    match command {
        Command::Serve(args) => serve::run(args.prepare()?).await,
        Command::Sandbox(args) => match args.command.clone() {
            Some(command) => command.run().await,
            None => sandbox::run(args.prepare()?).await,
        },
        Command::Account(command) => account::run(command).await,
        Command::Follower(command) => follower::run(command).await,
        Command::Tag(command) => tag::run(command).await,
        Command::Mass(command) => mass::run(command).await,
        Command::Event(command) => event::run(command).await,
        Command::Bridge(command) => bridge::run(command).await,
        Command::Check(args) => check::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Bench(command) => bench::run(command).await,
        Command::Config(args) => config::run(&args),
        Command::Compat => {
            output::print(&server::api::compat::markdown())?;
            Ok(Status::Done)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "qunfa", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(Status::Done)
        }
    }
}

/// A number of items to list.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a number from 1 upward".into()),
    }
}
