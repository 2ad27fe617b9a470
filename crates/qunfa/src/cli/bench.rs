//! `qunfa bench`: what can be measured. The measuring is in `crate::bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::{CliError, Status};
use crate::bench::{neighbours::Cluster, place::Place, report::Common};

/// Measure this machine.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Mass sends through the real API, from call to success (群发性能)
    Send(SendArgs),
    /// The import of followers, beside raw SQLite (导入性能)
    Import(ImportArgs),
    /// Following and tagging, one by one and by 50, into full sets (关注与打标签性能)
    Tag(TagArgs),
    /// Inbox pages with their token check, beside a bare small answer (收件箱读取性能)
    Inbox(ReadsArgs),
    /// API calls that only read, beside a bare small answer (只读接口性能)
    Api(ReadsArgs),
    /// One event to all readers who are online, beside a bare event loop and NATS (实时推送性能)
    Live(LiveArgs),
    /// The second process of `inbox` and `api`
    #[command(hide = true)]
    Load,
    /// The second process of `live`
    #[command(hide = true)]
    Crowd,
}

/// What every measurement is asked.
#[derive(Clone, Debug, Args)]
pub struct CommonArgs {
    /// sqlite, or postgres://… of a server where databases may be made
    #[arg(long, value_name = "STORE", default_value = "sqlite")]
    pub store: Place,
    /// Nodes over that server, this process's own and further ones of this program
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub nodes: u32,
    /// NATS servers between the nodes
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    pub nats: Vec<String>,
    /// Also write the numbers to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl From<CommonArgs> for Common {
    fn from(args: CommonArgs) -> Self {
        Self {
            place: args.store,
            cluster: Cluster {
                nodes: args.nodes as usize,
                nats: args.nats,
            },
            json: args.json,
        }
    }
}

/// Mass sends through the real API.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa bench send --followers 1000000 --rounds 5
  qunfa bench send --followers 10000000 --rounds 3 --vs rows
  qunfa bench send --rounds 3 --store postgres://qunfa@127.0.0.1/postgres --nodes 3 --nats nats://127.0.0.1:4222")]
pub struct SendArgs {
    /// Followers of the account
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Mass sends
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// The part of the followers that carries the tag which is sent to
    #[arg(long, value_name = "PART", default_value_t = 0.5, value_parser = part)]
    pub tag_density: f64,
    /// Also measure another way of doing it, in the same run and alternating
    #[arg(long, value_name = "WAY")]
    pub vs: Option<Versus>,
    /// Store and file
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to measure against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Versus {
    /// A row per follower and a counter per follower, in the same database.
    Rows,
}

/// The import of followers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  qunfa bench import --followers 1000000")]
pub struct ImportArgs {
    /// Followers to import
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Store and file
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Following and tagging.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  qunfa bench tag --followers 10000000 --vs rows")]
pub struct TagArgs {
    /// Followers of the account; half of them carry the tag
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Calls of each kind
    #[arg(long, value_name = "C", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub calls: u32,
    /// Callers, each with one call under way
    #[arg(long, value_name = "K", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub callers: u32,
    /// Also measure another way of doing it, in the same run
    #[arg(long, value_name = "WAY")]
    pub vs: Option<Versus>,
    /// Store and file
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Reads over HTTP.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  qunfa bench inbox --followers 1000000\n  qunfa bench api --store postgres://qunfa@127.0.0.1/postgres"
)]
pub struct ReadsArgs {
    /// Followers of the account
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// How often each side is measured
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Seconds of each time
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// Connections that ask
    #[arg(long, value_name = "C", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub connections: u32,
    /// Store and file
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The live feed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  qunfa bench live --connections 10000 --vs epoll,nats")]
pub struct LiveArgs {
    /// Readers who are online; each takes an open file in both processes
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub connections: u64,
    /// Followers of the account, online or not; at least as many as are online
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub followers: u64,
    /// Events in a burst
    #[arg(long, value_name = "EVENTS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub bursts: u32,
    /// How often each is measured
    #[arg(long, value_name = "R", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// Also measure other ways of carrying the same bytes, in the same run
    #[arg(long, value_name = "WAYS", value_delimiter = ',')]
    pub vs: Vec<LiveVersus>,
    /// Store and file
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to measure the live feed against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LiveVersus {
    /// A bare event loop that writes the same bytes to as many sockets.
    Epoll,
    /// NATS core with as many subscribers; a nats-server must be installed.
    Nats,
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("must be a number from 0 to 1".into()),
    }
}

/// Measures.
pub async fn run(command: BenchCommand) -> Result<Status, CliError> {
    crate::run::bench(command).await
}
