//! `qunfa backup`: copies an installation while it runs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use store::clock::Clock;

use super::{
    bar,
    check::InstallationArgs,
    error::{CliError, Status},
    output,
};
use crate::{
    backup::{self, BackupError, Manifest, Plan},
    clock::WallClock,
};

/// Copy an installation.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa backup /backup/monday --data /var/lib/qunfa
  qunfa backup /backup/monday --into --data /var/lib/qunfa    bring it up to date

The master key is not copied unless asked for with --with-key: keep it apart, and keep it well. Without it a
backup cannot be used.")]
pub struct BackupArgs {
    /// The folder of the backup; it must be new or empty
    pub folder: PathBuf,
    /// Which installation.
    #[command(flatten)]
    pub installation: InstallationArgs,
    /// The folder holds an earlier backup: bring it up to date, copying only new files
    #[arg(long)]
    pub into: bool,
    /// Copy the master key too; then the backup is as secret as the key
    #[arg(long)]
    pub with_key: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub async fn run(args: BackupArgs) -> Result<Status, CliError> {
    let settings = args.installation.settings()?;
    let plan = Plan {
        folder: args.folder.clone(),
        into_earlier: args.into,
        with_key: args.with_key,
        taken_at: settings.calendar().rfc3339(WallClock::default().now()),
    };
    let bar = bar::bar(args.quiet || args.json);
    let progress = |what: &str, done, all| bar::show(&bar, what, done, all);
    let made = backup::backup(&settings, &plan, &progress).await;
    bar.finish_and_clear();
    let (manifest, added) = made?;
    if args.json {
        output::print_json(&json!({"manifest": &manifest, "files_added": added}))?;
    } else {
        output::print(&output::safe_lines(&summary(
            &args.folder.display().to_string(),
            &manifest,
            added,
        )))?;
    }
    Ok(Status::Done)
}

fn summary(folder: &str, manifest: &Manifest, added: u64) -> String {
    let counts = manifest.counts;
    let key = manifest.master_key.path.display();
    let about_key = match manifest.master_key.included {
        true => format!(
            "The master key is in this backup: whoever has it can read every secret. Keep it as you keep {key}.\n\
             主密钥已包含在此备份中，请像保管 {key} 一样保管它。\n"
        ),
        false => format!(
            "The master key is NOT in this backup. It is {key}: keep a copy elsewhere, or the backup is useless.\n\
             主密钥不在此备份中。它位于 {key}：请另存一份，否则备份无法使用。\n"
        ),
    };
    format!(
        "backed up to {folder} (已备份), as of {}\n\
         {} accounts, {} followers, {} mass sends and previews, {} deliveries, {} files ({added} new), \
         database of {} bytes\n\
         {about_key}",
        manifest.taken_at,
        counts.accounts,
        counts.followers,
        counts.masses,
        counts.deliveries,
        manifest.blobs.files,
        manifest.database.bytes,
    )
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::InTheWay(_) => CliError::failed(message)
                .hint("name a new folder; `qunfa backup DEST --into` brings an earlier backup up to date"),
            _ => CliError::failed(message),
        }
    }
}
