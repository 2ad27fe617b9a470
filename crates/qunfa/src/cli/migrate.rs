//! `qunfa migrate`: moves all rows from one database to another.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use store::{
    StoreError,
    moving::{self, Alone, Moved},
    vault::Vault,
};

use super::{
    bar, check,
    error::{CliError, Status},
    output,
};
use crate::{
    backup::aside,
    settings::{
        Secret, Settings, is_postgres_url,
        load::{Sources, load, process_env},
        secret,
    },
};

/// Move all rows.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa migrate --from sqlite:/var/lib/qunfa --to postgres://qunfa@db.example.org/qunfa
  qunfa migrate --from postgres://qunfa@db.example.org/qunfa --to sqlite:/var/lib/qunfa-back
  qunfa migrate --from sqlite:/var/lib/qunfa --to settings --config /etc/qunfa.toml

Stop all servers of the source first. The target must be empty. All rows go in one transaction, are read back and
compared, and then checked: what interrupts it leaves the target as it was, so start it again. The source is only
read and stays as it is.

Exit status: 0 moved and checked, 1 moved with differences that the source has too, 2 nothing moved.")]
pub struct MigrateArgs {
    /// From where: sqlite:FOLDER, postgres://…, or `settings` for the database that the settings name
    #[arg(long, value_name = "PLACE")]
    pub from: String,
    /// To where, named in the same way
    #[arg(long, value_name = "PLACE")]
    pub to: String,
    /// The settings file; without it, $QUNFA_CONFIG, then ./qunfa.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub async fn run(args: MigrateArgs) -> Result<Status, CliError> {
    let sources = Sources {
        file: args.config.clone(),
        env: &process_env,
        flags: Vec::new(),
    };
    let settings = load(&sources)?.settings;
    let (from, to) = (place(&args.from, &settings)?, place(&args.to, &settings)?);
    let quiet = args.quiet || args.json;
    let bar = bar::bar(quiet);
    let moved = aside(|| move_rows(&from, &to, &|table, done, all| bar::show(&bar, table, done, all)));
    bar.finish_and_clear();
    let moved = moved.map_err(|error| {
        CliError::failed(format!("nothing was moved: {error}"))
            .hint("the target is as it was: put right what is said above, and start again")
    })?;
    let report = check::check_installation(&to, false, quiet).await?;
    if args.json {
        let tables = moved
            .iter()
            .map(|table| json!({"table": table.table, "rows": table.rows, "digest": table.digest}));
        output::print_json(&json!({
            "tables": tables.collect::<Vec<_>>(),
            "check": check::as_json(&report),
        }))?;
    } else {
        output::print(&(output::safe_lines(&summary(&from, &to, &moved)) + &check::as_text(&report)))?;
    }
    Ok(check::status(&report))
}

/// These settings with the rows at another place.
fn place(text: &str, settings: &Settings) -> Result<Settings, CliError> {
    let mut settings = settings.clone();
    if let Some(folder) = text.strip_prefix("sqlite:").filter(|folder| !folder.is_empty()) {
        settings.store.url = None;
        settings.store.data = folder.into();
    } else if text != "settings" {
        settings.store.url = Some(postgres_url(text)?);
    }
    Ok(settings)
}

/// The URL of a PostgreSQL database.
pub(super) fn postgres_url(text: &str) -> Result<Secret, CliError> {
    let url = Secret(text.to_owned());
    match is_postgres_url(&url) {
        true => Ok(url),
        // Not repeated: it may hold a password (SEC4).
        false => Err(CliError::failed("a place is named that is no database")
            .hint("sqlite:FOLDER, or postgres://user@host/database")),
    }
}

fn move_rows(
    from: &Settings,
    to: &Settings,
    progress: moving::Progress<'_>,
) -> Result<Vec<Moved>, StoreError> {
    let source = from.reader()?;
    let _alone = Alone::on(&source)?;
    let Some(server) = to.postgres() else {
        let folder = &to.store.data;
        secret::open_data_folder(folder).map_err(|error| StoreError::Database(error.to_string()))?;
        if let Ok(Some(key)) = secret::read_key(&to.master_key_path())
            && !source.opens_with(&Vault::new(key))?
        {
            return Err(StoreError::Database(format!(
                "{} is not the master key of the source",
                to.master_key_path().display()
            )));
        }
        return moving::into_folder(&source, folder, progress);
    };
    moving::into_server(&source, &server, progress)
}

fn summary(from: &Settings, to: &Settings, moved: &[Moved]) -> String {
    let rows: u64 = moved.iter().map(|table| table.rows).sum();
    let shown = |settings: &Settings| match settings.postgres() {
        Some(_) => "the PostgreSQL database".to_owned(),
        None => settings.store.data.display().to_string(),
    };
    let mut text = format!(
        "moved {rows} rows of {} tables from {} to {}, equal row by row (已迁移，逐行一致)\n\
         What goes along by hand (需另行带走):\n\
         - the master key, now {}: the same key for every node, or nothing opens (主密钥)\n",
        moved.len(),
        shown(from),
        shown(to),
        from.master_key_path().display(),
    );
    text.push_str(&match from.blobs.bucket() {
        Some(_) => "- uploads stay in the bucket of [blobs] url (上传文件留在存储桶中)\n".to_owned(),
        None => format!(
            "- uploads, now in {}: keep the data folder, or copy them (上传文件)\n",
            from.store.data.join("blobs").display()
        ),
    });
    text.push_str(
        "- the settings [store] time_zone and [server] public_url, unchanged; [store] url names the new place (配置)\n\
         The source is as it was: do not start a server on it again (请勿再用旧库启动服务).\n",
    );
    text
}
