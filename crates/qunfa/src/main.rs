//! Reads the command line, does what it says, and ends with the right exit status.

use std::process::ExitCode;

use clap::Parser;
use qunfa::{
    cli::{
        Cli, Job,
        error::{CliError, Status},
        output,
    },
    settings::{LogArea, LogFormat},
};
use tracing_subscriber::EnvFilter;

#[cfg(debug_assertions)]
use qunfa::settings::load::process_env;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let status = run(Cli::parse()).unwrap_or_else(|error| {
        output::print_error(&format!("{error}\n"));
        error.status
    });
    ExitCode::from(status.code())
}

fn run(cli: Cli) -> Result<Status, CliError> {
    let job = Job::prepare(cli.command)?;
    #[cfg(debug_assertions)]
    if let Some(at) = process_env("QUNFA_CRASH") {
        store::crash::arm(&at).map_err(|error| CliError::failed(format!("QUNFA_CRASH: {error}")))?;
    }
    if let Some(log) = job.log() {
        start_log(log);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("no threads can be started: {error}")))?;
    runtime.block_on(job.run())
}

/// Logs go to standard error; colours only on a terminal.
fn start_log(log: &LogArea) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(log.level.filter()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match log.format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
