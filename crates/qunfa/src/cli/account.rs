//! `qunfa account`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    client::ClientArgs,
    error::{CliError, Status},
    output::{self, Column, column},
};

/// Accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; its secret is shown this one time (新建公众号)
    #[command(after_help = "Examples:
  qunfa account create '城市公报' --kind service --verified
  qunfa account create 'Daily' --kind subscription --verified")]
    Create {
        /// What followers see, 1 to 64 characters
        name: String,
        /// What it may do.
        #[command(flatten)]
        fields: Box<AccountFields>,
        /// Where.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// List all accounts
    #[command(after_help = "Example:\n  qunfa account list")]
    List {
        /// Where.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Show an account with its quota
    #[command(after_help = "Example:\n  qunfa account show wx0000000000000001")]
    Show {
        /// The account
        appid: String,
        /// Where.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Change an account; what is not named stays as it is
    #[command(after_help = "Examples:
  qunfa account set wx0000000000000001 --name '新名字' --pay-enabled=true
  qunfa account set wx0000000000000001 --calls-per-minute none
  qunfa account set wx0000000000000001 --callback-url https://example.org/wx \\
      --callback-token abc123 --callback-mode safe --callback-aes-key KEY43")]
    Set {
        /// The account
        appid: String,
        /// A new name, 1 to 64 characters
        #[arg(long)]
        name: Option<String>,
        /// What it may do.
        #[command(flatten)]
        fields: Box<AccountFields>,
        /// Where.
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// A flag that may stand alone or be given a value: `--verified`, `--verified=false`.
macro_rules! switch {
    () => {
        clap::builder::BoolishValueParser::new()
    };
}

/// What can be said of an account.
#[derive(Clone, Default, Args)]
pub struct AccountFields {
    /// 订阅号 or 服务号 [default for a new account: service]
    #[arg(long, value_parser = ["subscription", "service"])]
    kind: Option<String>,
    /// 认证: mass sends need it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    verified: Option<bool>,
    /// 微信支付权限: external links in articles stay
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    pay_enabled: Option<bool>,
    /// Refuse the same content to the same audience within 24 hours, also without a clientmsgid
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    repeat_check: Option<bool>,
    /// Let readers comment on articles that allow it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    comment_enabled: Option<bool>,
    /// Let sends to all wait for the administrator's confirmation (群发保护)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    protect: Option<bool>,
    /// Let it declare articles original (原创声明)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch!())]
    declare_original: Option<bool>,
    /// Behave as WeChat did on this day, YYYY-MM-DD; "today" is today's behaviour
    #[arg(long, value_name = "DAY")]
    compat_date: Option<String>,
    /// What it may use up.
    #[command(flatten)]
    quota: QuotaFields,
    /// Where its events go.
    #[command(flatten)]
    callback: CallbackFields,
}

#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Quota (`none` lifts a rule)")]
struct QuotaFields {
    /// Accepted mass sends a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    sends_per_day: Option<Value>,
    /// Mass-send calls a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    calls_per_day: Option<Value>,
    /// Mass sends that one follower receives a month, 0 to 7
    #[arg(long, value_name = "N|none", value_parser = quota)]
    receipts_per_month: Option<Value>,
    /// Sends that enter the history, a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    history_per_day: Option<Value>,
    /// Sends that enter the history, a month
    #[arg(long, value_name = "N|none", value_parser = quota)]
    history_per_month: Option<Value>,
    /// Mass-send calls in one minute
    #[arg(long, value_name = "N|none", value_parser = quota)]
    calls_per_minute: Option<Value>,
    /// Previews by name (towxname) a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    name_previews_per_day: Option<Value>,
    /// Uploads of news a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    news_uploads_per_day: Option<Value>,
    /// Deletions of mass sends a day
    #[arg(long, value_name = "N|none", value_parser = quota)]
    deletes_per_day: Option<Value>,
    /// Begin with the document's numbers for this kind of account, or with those of a new account
    #[arg(long, value_name = "PROFILE", value_parser = ["document", "strict"])]
    quota_profile: Option<String>,
}

#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Callback (服务器配置)")]
struct CallbackFields {
    /// Where events go; verified by a GET request first
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Signs every request: 3 to 32 letters and digits
    #[arg(long, value_name = "TOKEN", requires = "callback_url")]
    callback_token: Option<String>,
    /// EncodingAESKey, 43 characters
    #[arg(long, value_name = "KEY", requires = "callback_url")]
    callback_aes_key: Option<String>,
    /// 明文, 兼容 or 安全 [default: plain]
    #[arg(long, value_name = "MODE", requires = "callback_url", value_parser = ["plain", "compatible", "safe"])]
    callback_mode: Option<String>,
    /// Take the URL without verifying it
    #[arg(long, requires = "callback_url")]
    no_verify: bool,
    /// Send no events any more
    #[arg(long, conflicts_with = "callback_url")]
    no_callback: bool,
}

impl std::fmt::Debug for AccountFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountFields") // SEC4: holds a token and a key
    }
}

fn quota(text: &str) -> Result<Value, String> {
    match text.parse::<u32>() {
        Ok(number) => Ok(number.into()),
        Err(_) if text == "none" => Ok(Value::Null),
        Err(_) => Err("must be a number or `none`".into()),
    }
}

impl AccountFields {
    /// The body of a call: only what was given.
    pub fn body(self, name: Option<String>) -> Value {
        let mut body = Map::new();
        let mut put = |key: &str, value: Option<Value>| value.map(|value| body.insert(key.into(), value));
        put("name", name.map(Value::from));
        put("kind", self.kind.map(Value::from));
        put("verified", self.verified.map(Value::from));
        put("pay_enabled", self.pay_enabled.map(Value::from));
        put("repeat_check", self.repeat_check.map(Value::from));
        put("comment_enabled", self.comment_enabled.map(Value::from));
        put("protect", self.protect.map(Value::from));
        put("declare_original", self.declare_original.map(Value::from));
        let day = |day: &String| {
            if day == "today" {
                Value::Null
            } else {
                Value::from(day.as_str())
            }
        };
        put("compat_date", self.compat_date.as_ref().map(day));
        put("quota", self.quota.body());
        put("callback", self.callback.body());
        Value::Object(body)
    }
}

impl QuotaFields {
    fn body(self) -> Option<Value> {
        let given = [
            ("sends_per_day", self.sends_per_day),
            ("calls_per_day", self.calls_per_day),
            ("receipts_per_month", self.receipts_per_month),
            ("history_per_day", self.history_per_day),
            ("history_per_month", self.history_per_month),
            ("calls_per_minute", self.calls_per_minute),
            ("name_previews_per_day", self.name_previews_per_day),
            ("news_uploads_per_day", self.news_uploads_per_day),
            ("deletes_per_day", self.deletes_per_day),
            ("profile", self.quota_profile.map(Value::from)),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_string(), value?)));
        Some(given.collect::<Map<_, _>>())
            .filter(|quota| !quota.is_empty())
            .map(Value::Object)
    }
}

impl CallbackFields {
    fn body(self) -> Option<Value> {
        if self.no_callback {
            return Some(Value::Null);
        }
        let mut callback = json!({ "url": self.callback_url? });
        for (key, value) in [
            ("token", self.callback_token),
            ("aes_key", self.callback_aes_key),
            ("mode", self.callback_mode),
        ] {
            if let Some(value) = value {
                callback[key] = value.into();
            }
        }
        if self.no_verify {
            callback["verify"] = false.into();
        }
        Some(callback)
    }
}

const COLUMNS: &[Column] = &[
    column("appid", "/appid"),
    column("name", "/name"),
    column("kind", "/kind"),
    column("verified", "/verified"),
    column("pay", "/pay_enabled"),
    column("callback", "/callback/url"),
];

/// Does it.
pub async fn run(command: AccountCommand) -> Result<Status, CliError> {
    match command {
        AccountCommand::Create { name, fields, client } => {
            let body = fields.body(Some(name));
            let answer = client
                .open()
                .await?
                .change(Method::POST, &["accounts"], &body)
                .await?;
            client.print(&answer)?;
            if !client.json {
                output::print_error(
                    "Keep the secret: it is stored only as a hash and will not be shown again.\n",
                );
            }
            Ok(Status::Done)
        }
        AccountCommand::List { client } => {
            let answer = client.open().await?.get(&["accounts"], &[]).await?;
            if client.json {
                output::print_json(&answer)?;
            } else {
                let accounts = answer["accounts"].as_array().map_or(&[][..], Vec::as_slice);
                output::print(&output::table(
                    COLUMNS,
                    accounts,
                    "no accounts; make one: qunfa account create NAME",
                ))?;
            }
            Ok(Status::Done)
        }
        AccountCommand::Show { appid, client } => {
            let answer = client.open().await?.get(&["accounts", &appid], &[]).await?;
            client.print(&answer)
        }
        AccountCommand::Set {
            appid,
            name,
            fields,
            client,
        } => {
            let body = fields.body(name);
            if body.as_object().is_some_and(Map::is_empty) {
                return Err(CliError::failed("nothing to change")
                    .hint("qunfa account set --help lists what can be set"));
            }
            let answer = client
                .open()
                .await?
                .change(Method::PATCH, &["accounts", &appid], &body)
                .await?;
            client.print(&answer)
        }
    }
}
