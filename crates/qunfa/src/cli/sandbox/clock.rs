//! `qunfa sandbox clock`: looks at and moves the clock of a running sandbox.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::{server::SandboxServer, span::parse_span};
use crate::cli::error::{CliError, Status};

/// Look at or move the clock of a running sandbox.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa sandbox clock                                  what it shows, and what falls due next
  qunfa sandbox clock advance 2h                       also 90s, 30m, 3d, 1h30m
  qunfa sandbox clock set 2026-12-01T00:00:00+08:00
  qunfa sandbox clock next month                       the first of the next month, 00:00
  qunfa sandbox clock freeze
  qunfa sandbox clock run --rate 60                    a minute in a second

Everything that falls due on the way is done, in order, before the command ends.")]
pub struct ClockArgs {
    /// What to do; without it, what the clock shows
    #[command(subcommand)]
    pub command: Option<ClockCommand>,
    /// The sandbox.
    #[command(flatten)]
    pub server: SandboxServer,
}

/// What can be done with a clock.
#[derive(Clone, Debug, Subcommand)]
pub enum ClockCommand {
    /// What it shows, and what falls due next
    #[command(after_help = "Example:\n  qunfa sandbox clock show")]
    Show,
    /// Move it forward by a span
    #[command(after_help = "Example:\n  qunfa sandbox clock advance 2h")]
    Advance {
        /// Such as 90s, 30m, 2h, 3d
        #[arg(value_name = "SPAN", value_parser = parse_span)]
        span: i64,
    },
    /// Move it forward to an instant
    #[command(after_help = "Example:\n  qunfa sandbox clock set 2026-12-01T00:00:00+08:00")]
    Set {
        /// Such as 2026-12-01T00:00:00+08:00
        #[arg(value_name = "INSTANT")]
        instant: String,
    },
    /// Move it to the next midnight or the next first of a month
    #[command(after_help = "Example:\n  qunfa sandbox clock next month")]
    Next {
        /// Which
        turn: Turn,
    },
    /// Let it stand until it is moved
    #[command(after_help = "Example:\n  qunfa sandbox clock freeze")]
    Freeze,
    /// Let it run
    #[command(after_help = "Example:\n  qunfa sandbox clock run --rate 60")]
    Run {
        /// Its seconds in one real second, 0.1 to 100000
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        rate: f64,
    },
}

/// A turn of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Turn {
    /// Midnight.
    Day,
    /// Midnight of a first.
    Month,
}

impl ClockCommand {
    /// What the sandbox is asked for; `None` to look only.
    fn body(&self) -> Option<Value> {
        Some(match self {
            ClockCommand::Show => return None,
            ClockCommand::Advance { span } => json!({"advance_seconds": span}),
            ClockCommand::Set { instant } => json!({"set": instant}),
            ClockCommand::Next { turn: Turn::Day } => json!({"next": "day"}),
            ClockCommand::Next { turn: Turn::Month } => json!({"next": "month"}),
            ClockCommand::Freeze => json!({"mode": "frozen"}),
            ClockCommand::Run { rate } => json!({"mode": "running", "rate": rate}),
        })
    }
}

/// Does it and prints what the clock shows.
pub async fn run(args: ClockArgs) -> Result<Status, CliError> {
    let path = ["clock"];
    let answer = match args.command.as_ref().and_then(ClockCommand::body) {
        None => args.server.ask(Method::GET, &path, None).await?,
        Some(body) => args.server.ask(Method::POST, &path, Some(&body)).await?,
    };
    args.server.print(&answer)
}
