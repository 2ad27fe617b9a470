//! `qunfa check`: reads all rows of an installation and holds the promises against them (I21).

use std::path::PathBuf;

use clap::Args;
use domain::{check::Finding, time::Calendar};
use serde_json::{Value, json};
use store::blob::object::BlobObject;
use store::{
    check::{self, Report, Seen, Step},
    reader::Reader,
};

use super::{
    bar,
    error::{CliError, Status},
    output,
    serve::SettingsArgs,
};
use crate::settings::{
    Settings,
    load::{load, process_env},
};

/// Check an installation.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa check                       the data in ./qunfa-data, also while the server runs
  qunfa check --data /var/lib/qunfa --blobs
  qunfa check --quiet || echo 'call somebody'

Exit status: 0 nothing found, 1 differences found, 2 the check could not be made.")]
pub struct CheckArgs {
    /// Which installation.
    #[command(flatten)]
    pub installation: InstallationArgs,
    /// Read every kept file too (uploads) and compare it with its digest
    #[arg(long)]
    pub blobs: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which installation a command is about.
#[derive(Clone, Debug, Default, Args)]
pub struct InstallationArgs {
    /// The settings file; without it, $QUNFA_CONFIG, then ./qunfa.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./qunfa-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
}

impl InstallationArgs {
    /// Its settings.
    pub fn settings(&self) -> Result<Settings, CliError> {
        let args = SettingsArgs {
            config: self.config.clone(),
            data: self.data.clone(),
            ..SettingsArgs::default()
        };
        Ok(load(&args.sources(&process_env))?.settings)
    }
}

/// Does it.
pub async fn run(args: CheckArgs) -> Result<Status, CliError> {
    let settings = args.installation.settings()?;
    let report = check_installation(&settings, args.blobs, args.quiet || args.json).await?;
    if args.json {
        output::print_json(&as_json(&report))?;
    } else {
        output::print(&as_text(&report))?;
    }
    Ok(status(&report))
}

/// How a command ends that checked.
pub fn status(report: &Report) -> Status {
    match report.found {
        0 => Status::Done,
        _ => Status::Refused,
    }
}

/// Checks the installation of these settings; fails when it cannot be read.
pub async fn check_installation(settings: &Settings, blobs: bool, quiet: bool) -> Result<Report, CliError> {
    let failed = |error: store::StoreError| CliError::failed(format!("the check could not be made: {error}"));
    let opened = settings.reader().map_err(failed)?;
    let (mut report, used) = check_rows(opened, settings.calendar(), quiet).await?;
    if blobs {
        let bar = bar::bar(quiet);
        let blobs = settings.uploads().map_err(failed)?;
        let progress = |step, done, all| bar::show(&bar, word(step), done, all);
        let checked = check::run_blobs(&used, &blobs, &progress, &mut report).await;
        bar.finish_and_clear();
        checked.map_err(failed)?;
    }
    Ok(report)
}

/// Checks the rows of a store; also tells which bytes they use.
async fn check_rows(
    store: Reader,
    calendar: Calendar,
    quiet: bool,
) -> Result<(Report, Vec<BlobObject>), CliError> {
    let bar = bar::bar(quiet);
    let shown = bar.clone();
    let task = tokio::task::spawn_blocking(move || {
        let progress = |step, done, all| bar::show(&shown, word(step), done, all);
        let report = check::run(&store, &calendar, &progress)?;
        Ok::<_, store::StoreError>((report, check::used_blobs(&store)?))
    });
    let report = task.await;
    bar.finish_and_clear();
    let failed = |error: String| CliError::failed(format!("the check could not be made: {error}"));
    report
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))
}

fn word(step: Step) -> &'static str {
    match step {
        Step::Database => "database 数据库",
        Step::Masses => "mass sends 群发",
        Step::Blocks => "blocks 块",
        Step::Followers => "followers 粉丝",
        Step::Blobs => "files 文件",
    }
}

/// What people see: one line a finding in English, one in Chinese.
pub fn as_text(report: &Report) -> String {
    let Seen {
        accounts,
        masses,
        deliveries,
        followers,
        blobs,
    } = report.seen;
    let mut text = String::new();
    for finding in &report.findings {
        let place = finding.place();
        let place = if place.is_empty() {
            place
        } else {
            format!("{place}: ")
        };
        let what = &finding.what;
        text.push_str(&output::safe(&format!(
            "✗ {} {place}{}",
            what.invariant(),
            what.english()
        )));
        text.push_str(&format!("\n  {}\n", output::safe(&what.chinese())));
    }
    let unlisted = report.found - report.findings.len() as u64;
    if unlisted > 0 {
        text.push_str(&format!("… and {unlisted} more (另有 {unlisted} 处)\n"));
    }
    let looked_at = format!(
        "{accounts} accounts, {masses} mass sends and previews, {deliveries} deliveries, {followers} followers, \
         {blobs} files"
    );
    text.push_str(&match report.found {
        0 => format!("✓ no difference found (未发现差异): {looked_at}\n"),
        found => format!("✗ {found} differences found (发现 {found} 处差异): {looked_at}\n"),
    });
    text
}

/// What programs see.
pub fn as_json(report: &Report) -> Value {
    let Seen {
        accounts,
        masses,
        deliveries,
        followers,
        blobs,
    } = report.seen;
    let finding = |finding: &Finding| {
        json!({
            "invariant": finding.what.invariant(),
            "account": finding.account.map(|account| account.0),
            "mass": finding.mass.map(|mass| mass.0),
            "block": finding.block.map(|block| block.0),
            "en": finding.what.english(),
            "zh": finding.what.chinese(),
        })
    };
    json!({
        "clean": report.found == 0,
        "found": report.found,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "seen": {
            "accounts": accounts,
            "masses": masses,
            "deliveries": deliveries,
            "followers": followers,
            "blobs": blobs,
        },
    })
}
