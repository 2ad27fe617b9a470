//! `qunfa doctor`: looks at an installation, item by item, and says what to do.

mod machine;
mod work;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use clap::Args;
use serde_json::{Value, json};
use store::vault::Vault;

use super::{
    check::InstallationArgs,
    error::{CliError, Status},
    output,
};
use crate::settings::{Settings, secret};

/// Look at an installation.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  qunfa doctor --data /var/lib/qunfa
  qunfa doctor --config /etc/qunfa.toml --json

Exit status: 0 nothing is wrong, 1 something is, 2 nothing could be looked at.")]
pub struct DoctorArgs {
    /// Which installation.
    #[command(flatten)]
    pub installation: InstallationArgs,
    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// How one item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Doubtful,
    Bad,
}

/// One thing that was looked at.
struct Item {
    name: &'static str,
    health: Health,
    found: String,
    /// What to do, in English and Chinese.
    remedy: Option<(String, &'static str)>,
}

impl Item {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            health: Health::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn not_good(
        name: &'static str,
        health: Health,
        found: impl Into<String>,
        (english, chinese): (String, &'static str),
    ) -> Self {
        Self {
            name,
            health,
            found: found.into(),
            remedy: Some((english, chinese)),
        }
    }
}

/// A log of this size is one that nobody takes in.
const LONG_LOG: u64 = 1 << 30;
const ANSWER: Duration = Duration::from_secs(5);

/// Does it.
pub async fn run(args: DoctorArgs) -> Result<Status, CliError> {
    let settings = args.installation.settings()?;
    let looked = settings.clone();
    // On a thread of its own: files and databases are waited for.
    let items = tokio::task::spawn_blocking(move || local(&looked)).await;
    let mut items = items.map_err(|error| CliError::failed(error.to_string()))?;
    if settings.blobs.bucket().is_some() {
        items.push(bucket(&settings).await);
    }
    items.extend(work::between_nodes(&settings).await);
    items.push(server(&settings).await);
    let bad = items.iter().any(|item| item.health == Health::Bad);
    if args.json {
        output::print_json(&as_json(&items))?;
    } else {
        output::print(&as_text(&items))?;
    }
    Ok(if bad { Status::Refused } else { Status::Done })
}

/// What this machine can say; a probe is a function in this list.
fn local(settings: &Settings) -> Vec<Item> {
    let probes = [
        folder,
        files,
        machine::room,
        machine::descriptors,
        database,
        master_key,
        log,
    ];
    let mut items: Vec<Item> = probes.map(|probe| probe(settings)).into();
    items.extend(work::items(settings));
    items
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path)
        .ok()
        .map(|found| found.permissions().mode() & 0o777)
}

fn folder(settings: &Settings) -> Item {
    const NAME: &str = "data folder 数据目录";
    let path = &settings.store.data;
    let shown = path.display();
    match mode(path) {
        Some(mode) if mode & 0o077 == 0 => Item::good(NAME, format!("{shown}, mode {mode:03o}")),
        Some(mode) => Item::not_good(
            NAME,
            Health::Bad,
            format!("{shown} can be entered by others (mode {mode:03o})"),
            (format!("chmod 700 {shown}"), "请收紧目录权限"),
        ),
        None => Item::not_good(
            NAME,
            Health::Bad,
            format!("{shown} is not there or cannot be entered"),
            (
                "name the right folder with --data, or start the server once".into(),
                "请用 --data 指定正确的目录",
            ),
        ),
    }
}

/// Files with secrets are their owner's alone (SEC3).
fn files(settings: &Settings) -> Item {
    const NAME: &str = "file rights 文件权限";
    let data = &settings.store.data;
    let paths = [
        data.join("qunfa.db"),
        settings.master_key_path(),
        settings.admin_token_path(),
    ];
    let open: Vec<String> = paths
        .iter()
        .filter(|path| mode(path).is_some_and(|mode| mode & 0o037 != 0))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        return Item::good(NAME, "no secret can be read by others");
    }
    let open = open.join(" ");
    let found = format!("can be read by others: {open}");
    Item::not_good(
        NAME,
        Health::Bad,
        found,
        (format!("chmod 600 {open}"), "请收紧文件权限"),
    )
}

fn database(settings: &Settings) -> Item {
    const NAME: &str = "database 数据库";
    let counted = settings.reader().and_then(|reader| store::check::count(&reader));
    match counted {
        Ok(seen) => Item::good(
            NAME,
            format!(
                "{} accounts, {} followers, {} mass sends and previews",
                seen.accounts, seen.followers, seen.masses
            ),
        ),
        Err(error) => Item::not_good(
            NAME,
            Health::Bad,
            error.to_string(),
            (
                "start the server once, or restore a backup".into(),
                "请启动一次服务，或恢复备份",
            ),
        ),
    }
}

fn master_key(settings: &Settings) -> Item {
    const NAME: &str = "master key 主密钥";
    let path = settings.master_key_path();
    let shown = path.display();
    let restore = || {
        (
            "restore it from where you keep it; a new one would rename every follower".into(),
            "请从保管处恢复",
        )
    };
    let key = match secret::read_key(&path) {
        Ok(Some(key)) => key,
        Ok(None) => return Item::not_good(NAME, Health::Bad, format!("{shown} is missing"), restore()),
        Err(error) => return Item::not_good(NAME, Health::Bad, error.to_string(), restore()),
    };
    match settings
        .reader()
        .and_then(|reader| reader.opens_with(&Vault::new(key)))
    {
        Ok(true) => Item::good(NAME, format!("{shown} opens the database; keep a copy elsewhere")),
        Ok(false) => Item::not_good(
            NAME,
            Health::Bad,
            format!("{shown} is not the key of this database"),
            restore(),
        ),
        Err(_) => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("{shown} could not be tried on the database"),
            ("see the database above".into(), "请先处理数据库"),
        ),
    }
}

fn log(settings: &Settings) -> Item {
    const NAME: &str = "database log 数据库日志";
    let path = settings.store.data.join("qunfa.db-wal");
    let bytes = fs::metadata(&path).map_or(0, |found| found.len());
    if bytes < LONG_LOG {
        return Item::good(NAME, format!("{bytes} bytes"));
    }
    Item::not_good(
        NAME,
        Health::Doubtful,
        format!("{} has {bytes} bytes", path.display()),
        (
            "end programs that read the database for hours, then restart the server".into(),
            "请结束长时间读取数据库的程序，再重启服务",
        ),
    )
}

/// Whether the server answers under its public address, and says that it can work.
async fn server(settings: &Settings) -> Item {
    const NAME: &str = "server 服务";
    let url = format!("{}/readyz", settings.public_url());
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build();
    let answer = match client {
        Ok(client) => client.get(&url).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => Item::good(NAME, format!("{url} answers")),
        Ok(answer) => Item::not_good(
            NAME,
            Health::Bad,
            format!("{url} answers {}", answer.status()),
            ("see the server's log".into(), "请查看服务日志"),
        ),
        Err(_) => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("nobody answers at {url}"),
            (
                "start it with `qunfa serve`, or set [server] public_url".into(),
                "请启动服务，或设置 [server] public_url",
            ),
        ),
    }
}

/// Whether uploads can be stored in the bucket and read again.
async fn bucket(settings: &Settings) -> Item {
    const NAME: &str = "bucket 存储桶";
    let tried = match settings.uploads() {
        Ok(uploads) => uploads.check_health().await,
        Err(error) => Err(error),
    };
    match tried {
        Ok(()) => Item::good(NAME, "uploads can be stored and read"),
        Err(error) => Item::not_good(
            NAME,
            Health::Bad,
            error.to_string(),
            (
                "see [blobs] in the settings: address, name of the bucket, credentials".into(),
                "请检查 [blobs] 配置：地址、桶名与凭据",
            ),
        ),
    }
}

fn as_text(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let sign = match item.health {
            Health::Good => '✓',
            Health::Doubtful => '!',
            Health::Bad => '✗',
        };
        text.push_str(&format!("{sign} {}: {}\n", item.name, output::safe(&item.found)));
        if let Some((english, chinese)) = &item.remedy {
            text.push_str(&format!("  → {} ({chinese})\n", output::safe(english)));
        }
    }
    text
}

fn as_json(items: &[Item]) -> Value {
    let item = |item: &Item| {
        json!({
            "name": item.name,
            "health": match item.health {
                Health::Good => "good",
                Health::Doubtful => "doubtful",
                Health::Bad => "bad",
            },
            "found": item.found,
            "remedy": item.remedy.as_ref().map(|(english, _)| english),
            "remedy_zh": item.remedy.as_ref().map(|(_, chinese)| chinese),
        })
    };
    Value::Array(items.iter().map(item).collect())
}
