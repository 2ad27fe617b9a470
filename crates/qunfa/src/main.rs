//! Reads the command line, does what it says, and ends with the right exit status.

use std::process::ExitCode;

use clap::Parser;
use qunfa::{
    cli::{
        Cli, Job,
        error::{CliError, Status},
        output,
    },
    log,
};

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
    #[cfg(debug_assertions)]
    if let Some(at) = process_env("QUNFA_PAUSE") {
        store::crash::pause(&at).map_err(|error| CliError::failed(format!("QUNFA_PAUSE: {error}")))?;
    }
    if let Some(area) = job.log() {
        log::start(area);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("no threads can be started: {error}")))?;
    runtime.block_on(job.run())
}
