//! `qunfa mass`.

use clap::{ArgGroup, Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{AccountClientArgs, List},
    error::{CliError, Status},
    output::{Column, column},
};

/// Mass sends.
#[derive(Clone, Debug, Subcommand)]
pub enum MassCommand {
    /// List an account's mass sends, newest first
    #[command(after_help = "Example:\n  qunfa mass list --account wx0000000000000001 --limit 10")]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = super::at_least_one)]
        limit: usize,
        /// Only those before this msg_id
        #[arg(long, value_name = "MSG_ID")]
        before: Option<i64>,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Show one mass send: state, counts, and why followers did not get it
    #[command(after_help = "Example:\n  qunfa mass show 1000001625 --account wx0000000000000001")]
    Show {
        /// The msg_id
        msg_id: i64,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Send as the operator's site does: now, later, or as a dry run (官网群发)
    #[command(after_help = "Examples:
  qunfa mass send --all --text '九点开门' --dry-run --account wx0000000000000001
  qunfa mass send --tag 101 --text '今晚八点直播' --at 2026-11-23T20:00:00+08:00 --account wx0000000000000001
  qunfa mass send --all --news MEDIA_ID --account wx0000000000000001")]
    Send(Box<SendArgs>),
    /// Let a mass send go that waits for the administrator (群发保护)
    #[command(after_help = "Example:\n  qunfa mass confirm 1000001625 --account wx0000000000000001")]
    Confirm(OneMass),
    /// Refuse a mass send that waits for the administrator
    #[command(after_help = "Example:\n  qunfa mass refuse 1000001625 --account wx0000000000000001")]
    Refuse(OneMass),
    /// Take a mass send back: entries and pages are gone, the rest never starts (撤回)
    #[command(after_help = "Example:\n  qunfa mass recall 1000001625 --account wx0000000000000001")]
    Recall(OneMass),
    /// List what stands in the history list, newest first (历史消息)
    #[command(after_help = "Example:\n  qunfa mass history --account wx0000000000000001")]
    History {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = super::at_least_one)]
        limit: usize,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// List scheduled mass sends, newest first (定时群发)
    #[command(after_help = "Example:\n  qunfa mass schedules --account wx0000000000000001")]
    Schedules {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = super::at_least_one)]
        limit: usize,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
    /// Cancel a scheduled mass send
    #[command(after_help = "Example:\n  qunfa mass cancel 3 --account wx0000000000000001")]
    Cancel {
        /// The schedule's number
        schedule_id: i64,
        /// Where.
        #[command(flatten)]
        at: AccountClientArgs,
    },
}

/// One mass send of an account.
#[derive(Clone, Debug, Args)]
pub struct OneMass {
    /// The msg_id
    pub msg_id: i64,
    /// Where.
    #[command(flatten)]
    pub at: AccountClientArgs,
}

/// What to send to whom.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("audience").required(true)), group(ArgGroup::new("content").required(true)))]
pub struct SendArgs {
    /// To all followers
    #[arg(long, group = "audience")]
    pub all: bool,
    /// To the followers who carry this tag
    #[arg(long, value_name = "TAG_ID", group = "audience")]
    pub tag: Option<i64>,
    /// To these followers, 2 to 10000
    #[arg(long, value_name = "OPENID", group = "audience", value_delimiter = ',')]
    pub to: Vec<String>,
    /// A text
    #[arg(long, group = "content")]
    pub text: Option<String>,
    /// News: a media_id of uploadnews, add_news or draft/add
    #[arg(long, value_name = "MEDIA_ID", group = "content")]
    pub news: Option<String>,
    /// Pictures, 1 to 20
    #[arg(long, value_name = "MEDIA_ID", group = "content", value_delimiter = ',')]
    pub images: Vec<String>,
    /// A voice
    #[arg(long, value_name = "MEDIA_ID", group = "content")]
    pub voice: Option<String>,
    /// A video
    #[arg(long, value_name = "MEDIA_ID", group = "content")]
    pub video: Option<String>,
    /// A card
    #[arg(long, value_name = "CARD_ID", group = "content")]
    pub card: Option<String>,
    /// Send then, an RFC 3339 instant
    #[arg(long = "at", value_name = "TIME", conflicts_with = "dry_run")]
    pub at_time: Option<String>,
    /// Only say what would happen: people, reasons, quota, time
    #[arg(long)]
    pub dry_run: bool,
    /// Do it once: refused if this key was used within 24 hours
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Where.
    #[command(flatten)]
    pub at: AccountClientArgs,
}

impl SendArgs {
    fn body(&self) -> Value {
        let media = |kind: &str, id: &str| json!({"msgtype": kind, kind: {"media_id": id}});
        let mut body = match (&self.text, &self.news, &self.voice, &self.video, &self.card) {
            (Some(text), ..) => json!({"msgtype": "text", "text": {"content": text}}),
            (_, Some(id), ..) => media("mpnews", id),
            (_, _, Some(id), ..) => media("voice", id),
            (_, _, _, Some(id), _) => media("mpvideo", id),
            (.., Some(id)) => json!({"msgtype": "wxcard", "wxcard": {"card_id": id}}),
            _ => json!({"msgtype": "image", "images": {"media_ids": self.images}}),
        };
        if self.to.is_empty() {
            body["filter"] = match self.tag {
                Some(tag) => json!({"is_to_all": false, "tag_id": tag}),
                None => json!({"is_to_all": true}),
            };
        } else {
            body["touser"] = json!(self.to);
        }
        if let Some(at) = &self.at_time {
            body["send_at"] = json!(at);
        }
        if self.dry_run {
            body["dry_run"] = json!(true);
        }
        if let Some(key) = &self.key {
            body["clientmsgid"] = json!(key);
        }
        body
    }
}

const COLUMNS: &[Column] = &[
    column("msg_id", "/msg_id"),
    column("type", "/type"),
    column("state", "/state"),
    column("accepted", "/accepted_at"),
    column("finished", "/finished_at"),
    column("total", "/total_count"),
    column("filtered", "/filter_count"),
    column("sent", "/sent_count"),
    column("errors", "/error_count"),
];

const HISTORY: &[Column] = &[
    column("msg_id", "/msg_id"),
    column("type", "/type"),
    column("sent", "/sent_at"),
    column("title", "/title"),
    column("text", "/text"),
    column("url", "/url"),
];

const SCHEDULES: &[Column] = &[
    column("id", "/schedule_id"),
    column("send_at", "/send_at"),
    column("state", "/state"),
    column("type", "/type"),
    column("audience", "/audience"),
    column("msg_id", "/msg_id"),
    column("errcode", "/errcode"),
];

/// Does it.
pub async fn run(command: MassCommand) -> Result<Status, CliError> {
    match command {
        MassCommand::List { limit, before, at } => {
            let list = List {
                path: &["accounts", &at.account, "masses"],
                items: "masses",
                from: "before",
                start: before.map(|id| id.to_string()),
                limit,
                columns: COLUMNS,
                empty: "no mass sends",
            };
            list.print(&at.client).await
        }
        MassCommand::Show { msg_id, at } => {
            let path = ["accounts", at.account.as_str(), "masses", &msg_id.to_string()];
            let answer = at.client.open().await?.get(&path, &[]).await?;
            at.client.print(&answer)
        }
        MassCommand::Send(args) => {
            let path = ["accounts", args.at.account.as_str(), "masses"];
            change(&args.at, Method::POST, &path, &args.body()).await
        }
        MassCommand::Confirm(one) => act(&one, "confirm").await,
        MassCommand::Refuse(one) => act(&one, "refuse").await,
        MassCommand::Recall(one) => act(&one, "recall").await,
        MassCommand::History { limit, at } => {
            list(
                &at,
                ("history", "items"),
                limit,
                HISTORY,
                "nothing in the history",
            )
            .await
        }
        MassCommand::Schedules { limit, at } => {
            list(&at, ("schedules", "schedules"), limit, SCHEDULES, "no schedules").await
        }
        MassCommand::Cancel { schedule_id, at } => {
            let number = schedule_id.to_string();
            let path = ["accounts", at.account.as_str(), "schedules", &number];
            let admin = at.client.open().await?;
            admin.change(Method::DELETE, &path, &json!({})).await?;
            at.client.print(&admin.get(&path, &[]).await?)
        }
    }
}

async fn act(one: &OneMass, what: &str) -> Result<Status, CliError> {
    let path = [
        "accounts",
        one.at.account.as_str(),
        "masses",
        &one.msg_id.to_string(),
        what,
    ];
    change(&one.at, Method::POST, &path, &json!({})).await
}

async fn change(
    at: &AccountClientArgs,
    method: Method,
    path: &[&str],
    body: &Value,
) -> Result<Status, CliError> {
    let answer = at.client.open().await?.change(method, path, body).await?;
    at.client.print(&answer)
}

async fn list(
    at: &AccountClientArgs,
    (path, items): (&str, &'static str),
    limit: usize,
    columns: &'static [Column],
    empty: &'static str,
) -> Result<Status, CliError> {
    let list = List {
        path: &["accounts", &at.account, path],
        items,
        from: "before",
        start: None,
        limit,
        columns,
        empty,
    };
    list.print(&at.client).await
}
