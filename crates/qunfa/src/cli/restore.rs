//! `qunfa restore`: makes an installation from a backup, and checks it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::migrate::postgres_url;
use super::{
    bar,
    check::{self, InstallationArgs},
    error::{CliError, Status},
    output,
};
use crate::{backup, settings::secret};

/// Make an installation from a backup.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa restore /backup/monday --data /var/lib/qunfa
  qunfa serve --data /var/lib/qunfa

  qunfa restore /backup/monday --data /var/lib/qunfa --url postgres://qunfa@db.example.org/qunfa

The data folder must be new or empty; only master.key may lie in it already. With a PostgreSQL database, that must
be empty instead. Digests are compared before
anything is written, and `qunfa check` runs over the result.

Exit status: 0 restored and checked, 1 restored with differences, 2 nothing restored.")]
pub struct RestoreArgs {
    /// The folder of the backup
    pub source: PathBuf,
    /// Where to.
    #[command(flatten)]
    pub installation: InstallationArgs,
    /// The PostgreSQL database that is filled with the rows, instead of a file in the data folder [default: store.url]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub async fn run(args: RestoreArgs) -> Result<Status, CliError> {
    let mut settings = args.installation.settings()?;
    if let Some(url) = &args.url {
        settings.store.url = Some(postgres_url(url)?);
    }
    let quiet = args.quiet || args.json;
    let bar = bar::bar(quiet);
    let progress = |what: &str, done, all| bar::show(&bar, what, done, all);
    let restored = backup::restore(&args.source, &settings, &progress).await;
    bar.finish_and_clear();
    let manifest = restored?;
    let report = check::check_installation(&settings, true, quiet).await?;
    let key_path = settings.master_key_path();
    let has_key = secret::read_key(&key_path)?.is_some();
    if args.json {
        output::print_json(&json!({
            "manifest": &manifest,
            "master_key": has_key,
            "check": check::as_json(&report),
        }))?;
        return Ok(check::status(&report));
    }
    let data = match settings.postgres() {
        Some(_) => "the PostgreSQL database".to_owned(),
        None => settings.store.data.display().to_string(),
    };
    let mut text = format!("restored to {data} (已恢复), as of {}\n", manifest.taken_at);
    if !has_key {
        text.push_str(&format!(
            "Before the server starts, put the master key to {0} (mode 600); it was {1}.\n\
             启动服务前，请将主密钥放到 {0}（权限 600）；它原先位于 {1}。\n",
            key_path.display(),
            manifest.master_key.path.display()
        ));
    }
    if manifest.time_zone != settings.store.time_zone {
        text.push_str(&format!(
            "The backup counts days and months in {}: set [store] time_zone before the server starts.\n\
             备份按 {} 计日计月：启动前请设置 [store] time_zone。\n",
            manifest.time_zone, manifest.time_zone
        ));
    }
    output::print(&(output::safe_lines(&text) + &check::as_text(&report)))?;
    Ok(check::status(&report))
}
