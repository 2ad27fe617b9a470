//! `qunfa follower`, except for the import itself.

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{AccountClientArgs, List},
    error::{CliError, Status},
    import,
    output::{Column, column},
};

/// Followers.
#[derive(Clone, Debug, Subcommand)]
pub enum FollowerCommand {
    /// Import followers from a file: new ones are added, known ones updated (导入粉丝)
    #[command(after_help = "\
The file is CSV with the header external_id,nickname,remark,language,tags,subscribe_time (all but
the first optional; tags by name, separated by `;`), or has one JSON object with these keys on each
line. An import sends no events, and importing the same file again changes nothing.

Examples:
  qunfa follower import followers.csv --account wx0000000000000001
  zcat followers.csv.gz | qunfa follower import - --account wx0000000000000001

Exit status: 0 all rows taken, 1 some rows refused (they are listed), 2 nothing could be done.")]
    Import {
        /// The file; `-` is standard input
        file: PathBuf,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// List those who follow now
    #[command(after_help = "Example:\n  qunfa follower list --account wx0000000000000001 --limit 10")]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = super::at_least_one)]
        limit: usize,
        /// Only those after this one
        #[arg(long, value_name = "OPENID")]
        after: Option<String>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Somebody begins to follow, or follows again; sends the subscribe event (关注)
    #[command(
        after_help = "Example:\n  qunfa follower subscribe user-17 --nickname 小明 --tag 广东 --account wx0000000000000001"
    )]
    Subscribe {
        /// Your own id of the person
        external_id: String,
        /// The nickname
        #[arg(long)]
        nickname: Option<String>,
        /// The account's remark
        #[arg(long)]
        remark: Option<String>,
        /// The language, such as zh_CN
        #[arg(long)]
        language: Option<String>,
        /// A tag by name; may be repeated
        #[arg(long = "tag", value_name = "NAME")]
        tags: Vec<String>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// A follower leaves; sends the unsubscribe event (取消关注)
    #[command(after_help = "Example:\n  qunfa follower unsubscribe OPENID --account wx0000000000000001")]
    Unsubscribe {
        /// The follower
        openid: String,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// A follower refuses mass sends, or with --off takes them again (拒收群发)
    #[command(after_help = "Examples:
  qunfa follower opt-out OPENID --account wx0000000000000001
  qunfa follower opt-out OPENID --tag 100 --off --account wx0000000000000001")]
    OptOut {
        /// The follower
        openid: String,
        /// Take mass sends again
        #[arg(long)]
        off: bool,
        /// Only mass sends to this tag
        #[arg(long, value_name = "TAG_ID")]
        tag: Option<i64>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Issue a token that reads one follower's inbox; it is shown this one time
    #[command(after_help = "Examples:
  qunfa follower inbox-token OPENID --account wx0000000000000001
  qunfa follower inbox-token --external-id user-17 --expires-in 86400 --account wx0000000000000001")]
    InboxToken {
        /// The follower
        #[arg(required_unless_present = "external_id", conflicts_with = "external_id")]
        openid: Option<String>,
        /// The follower, by your own id
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// How long it is good for [default: 7200]
        #[arg(long, value_name = "SECONDS")]
        expires_in: Option<i64>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

const COLUMNS: &[Column] = &[
    column("openid", "/openid"),
    column("external id", "/external_id"),
    column("nickname", "/nickname"),
    column("remark", "/remark"),
    column("language", "/language"),
    column("tags", "/tags"),
];

/// Does it.
pub async fn run(command: FollowerCommand) -> Result<Status, CliError> {
    match command {
        FollowerCommand::Import { file, at } => import::run(&file, &at).await,
        FollowerCommand::List { limit, after, at } => {
            let list = List {
                path: &["accounts", &at.account, "followers"],
                items: "followers",
                from: "after",
                start: after,
                limit,
                columns: COLUMNS,
                empty: "no followers",
            };
            list.print(&at.client).await
        }
        FollowerCommand::Subscribe {
            external_id,
            nickname,
            remark,
            language,
            tags,
            at,
        } => {
            let mut row = json!({ "external_id": external_id });
            for (key, value) in [("nickname", nickname), ("remark", remark), ("language", language)] {
                if let Some(value) = value {
                    row[key] = value.into();
                }
            }
            if !tags.is_empty() {
                row["tags"] = tags.into();
            }
            ask(&at, Method::POST, &["subscribe"], &row).await
        }
        FollowerCommand::Unsubscribe { openid, at } => {
            ask(&at, Method::POST, &[&openid, "unsubscribe"], &json!({})).await
        }
        FollowerCommand::OptOut { openid, off, tag, at } => {
            let mut body = json!({ "opted_out": !off });
            if let Some(tag) = tag {
                body["tag_id"] = tag.into();
            }
            ask(&at, Method::PUT, &[&openid, "opt-out"], &body).await
        }
        FollowerCommand::InboxToken {
            openid,
            external_id,
            expires_in,
            at,
        } => {
            let mut body = json!({});
            let who = openid
                .map(|id| ("openid", id))
                .or(external_id.map(|id| ("external_id", id)));
            if let Some((key, id)) = who {
                body[key] = id.into();
            }
            if let Some(seconds) = expires_in {
                body["expires_in"] = seconds.into();
            }
            let path = ["accounts", at.account.as_str(), "inbox-tokens"];
            let answer = at.client.open().await?.change(Method::POST, &path, &body).await?;
            at.client.print(&answer)
        }
    }
}

/// One call below an account's followers, and its answer.
async fn ask(
    at: &AccountClientArgs,
    method: Method,
    tail: &[&str],
    body: &Value,
) -> Result<Status, CliError> {
    let path = [&["accounts", at.account.as_str(), "followers"], tail].concat();
    let answer = at.client.open().await?.change(method, &path, body).await?;
    at.client.print(&answer)
}
