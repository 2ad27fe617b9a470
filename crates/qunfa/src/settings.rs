//! What can be set about `qunfa serve`: by file, environment and flag, the later winning.
//!
//! The structs below are the only list of settings. Their doc comments make the sample file and
//! `docs/config.md`; the line that begins with "Allowed:" is also what an error says about a bad value.
//! Reading is in [`load`], printing in [`show`], and the files with secrets in [`secret`].
#![expect(
    clippy::ptr_arg,
    reason = "the checks that confique generates take the field's own type"
)]

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use confique::Config;
use domain::time::Calendar;
use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};
use store::postgres::PostgresOptions;

use cluster::{BlobsArea, ClusterArea, NodeArea};
use reader::ReaderArea;

pub mod cluster;
pub mod load;
mod places;
pub mod reader;
pub mod secret;
pub mod show;
#[cfg(test)]
mod tests;

/// All settings of a server.
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct Settings {
    /// How the server is reached, and what it grants one connection.
    #[config(nested)]
    pub server: ServerArea,
    /// Where state is kept.
    #[config(nested)]
    pub store: StoreArea,
    /// Events on their way to the accounts' servers.
    #[config(nested)]
    pub callback: CallbackArea,
    /// Notices to readers' browsers (Web Push).
    #[config(nested)]
    pub push: PushArea,
    /// Who reads mass sends before they go out; nobody by default.
    #[config(nested)]
    pub review: ReviewArea,
    /// How fast mass sends go, in followers a minute; 0 is without limit.
    #[config(nested)]
    pub speed: SpeedArea,
    /// Who may read the numbers of `/metrics`, beside the operator.
    #[config(nested)]
    pub metrics: MetricsArea,
    /// What the server writes to its standard error.
    #[config(nested)]
    pub log: LogArea,
    /// What this node is and does among others on one database.
    #[config(nested)]
    pub node: NodeArea,
    /// How nodes wake each other.
    #[config(nested)]
    pub cluster: ClusterArea,
    /// Where uploads lie: files, or an S3-compatible bucket.
    #[config(nested)]
    pub blobs: BlobsArea,
    /// What readers see, and from where.
    #[config(nested)]
    pub reader: ReaderArea,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct ServerArea {
    /// The address and port to listen on.
    /// Allowed: an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`.
    #[config(default = "127.0.0.1:8080", env = "QUNFA_SERVER_LISTEN")]
    pub listen: SocketAddr,
    /// The address under which followers and accounts reach this server; it stands in every link that is
    /// handed out. Left out, it is http:// and the listen address.
    /// Allowed: an http or https URL of scheme, host and port only, without a path, such as `https://push.example.org`.
    #[config(
        env = "QUNFA_SERVER_PUBLIC_URL",
        validate(is_public_url(public_url), "no public URL: scheme, host and port only")
    )]
    pub public_url: Option<String>,
    /// Addresses and networks that events come from and calls go to, as `getcallbackip` tells them to accounts.
    /// Left empty, it is the address in the public URL or else the one to listen on.
    /// Allowed: a list of networks, such as ["203.0.113.7/32", "2001:db8:1::/48"].
    #[config(default = [], env = "QUNFA_SERVER_ADDRESSES")]
    pub addresses: Vec<IpNet>,
    /// The token of the native API (`/v1`) and of this command line. Left out, one is made at the first start
    /// and kept in the file `admin.token` of the data folder.
    /// Allowed: 16 to 256 visible ASCII characters.
    #[config(
        env = "QUNFA_ADMIN_TOKEN",
        validate(is_admin_token(admin_token), "no admin token")
    )]
    pub admin_token: Option<Secret>,
    /// Connections that one address may have open at a time.
    /// Allowed: a number from 1 to 1000000.
    #[config(
        default = 1024,
        env = "QUNFA_SERVER_CONNECTIONS_PER_SOURCE",
        validate((1..=1_000_000).contains(connections_per_source), "out of range")
    )]
    pub connections_per_source: u32,
    /// Time from the last byte of a request to its answer, at most.
    /// Allowed: seconds from 1 to 3600.
    #[config(
        default = 5,
        env = "QUNFA_SERVER_ANSWER_TIMEOUT_SECONDS",
        validate(SECONDS.contains(answer_timeout_seconds), "out of range")
    )]
    pub answer_timeout_seconds: u64,
    /// Time for all headers of a request, at most.
    /// Allowed: seconds from 1 to 3600.
    #[config(
        default = 10,
        env = "QUNFA_SERVER_HEADER_TIMEOUT_SECONDS",
        validate(SECONDS.contains(header_timeout_seconds), "out of range")
    )]
    pub header_timeout_seconds: u64,
    /// Time between two parts of a request's body, at most.
    /// Allowed: seconds from 1 to 3600.
    #[config(
        default = 10,
        env = "QUNFA_SERVER_BODY_IDLE_TIMEOUT_SECONDS",
        validate(SECONDS.contains(body_idle_timeout_seconds), "out of range")
    )]
    pub body_idle_timeout_seconds: u64,
    /// Proxies in front of this server. The address that they forward (`Forwarded`, `X-Forwarded-For`) is then the
    /// one that limits, log and `rid/get` go by; from all others these headers are ignored.
    /// Allowed: a list of networks, such as ["10.1.0.0/16", "127.0.0.1/32"].
    #[config(default = [], env = "QUNFA_SERVER_TRUSTED_PROXIES")]
    pub trusted_proxies: Vec<IpNet>,
    /// How long the server goes on answering after it was asked to stop, while `/readyz` already says 503: the time
    /// that a load balancer needs to notice.
    /// Allowed: seconds from 0 to 3600.
    #[config(
        default = 0,
        env = "QUNFA_SERVER_STOP_PAUSE_SECONDS",
        validate((0..=3600).contains(stop_pause_seconds), "out of range")
    )]
    pub stop_pause_seconds: u64,
    /// How long calls under way and background work have to end after that.
    /// Allowed: seconds from 1 to 3600.
    #[config(
        default = 10,
        env = "QUNFA_SERVER_STOP_TIMEOUT_SECONDS",
        validate(SECONDS.contains(stop_timeout_seconds), "out of range")
    )]
    pub stop_timeout_seconds: u64,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct StoreArea {
    /// The PostgreSQL server that accounts, followers and masses are kept on, so that several nodes share them. Left
    /// out, they are in a SQLite file in the data folder, for one process alone.
    /// Allowed: `postgres://user:password@host:port/database`, with `?sslmode=disable`, `prefer` or `require`.
    #[config(
        env = "QUNFA_STORE_URL",
        validate(
            is_postgres_url(url),
            "no PostgreSQL URL: it begins with postgres:// and names a database"
        )
    )]
    pub url: Option<Secret>,
    /// A file of certificates in PEM that the PostgreSQL server's is checked against, besides the system's.
    /// Allowed: a path.
    #[config(
        env = "QUNFA_STORE_ROOT_CERTIFICATES",
        validate(!root_certificates.as_os_str().is_empty(), "empty")
    )]
    pub root_certificates: Option<PathBuf>,
    /// Connections to PostgreSQL for reading, at most.
    /// Allowed: a number from 1 to 1000.
    #[config(
        default = 16,
        env = "QUNFA_STORE_READERS",
        validate((1..=1_000).contains(readers), "out of range")
    )]
    pub readers: usize,
    /// Connections to PostgreSQL for writing, each for a share of the accounts.
    /// Allowed: a number from 1 to 1000.
    #[config(
        default = 8,
        env = "QUNFA_STORE_WRITERS",
        validate((1..=1_000).contains(writers), "out of range")
    )]
    pub writers: usize,
    /// The data folder: database, uploads and, unless set elsewhere, the master key and the admin token. Made
    /// when missing, readable by its owner only.
    /// Allowed: a path.
    #[config(
        default = "./qunfa-data",
        env = "QUNFA_STORE_DATA",
        validate(!data.as_os_str().is_empty(), "empty")
    )]
    pub data: PathBuf,
    /// The file with the key that secrets in the database are encrypted with: 64 hexadecimal digits. Left out,
    /// it is `master.key` in the data folder. Made when missing. Without it a backup of the database cannot
    /// be used.
    /// Allowed: a path.
    #[config(
        env = "QUNFA_STORE_MASTER_KEY_FILE",
        validate(!master_key_file.as_os_str().is_empty(), "empty")
    )]
    pub master_key_file: Option<PathBuf>,
    /// For how many calendar months it is kept who got which mass send, this month counted; older entries leave the
    /// inboxes, and who read articles then is forgotten. Mass sends keep their numbers. Left out, everything is kept.
    /// Allowed: a number from 2 to 1200.
    #[config(
        env = "QUNFA_STORE_RETENTION_MONTHS",
        validate((2..=1_200).contains(retention_months), "out of range")
    )]
    pub retention_months: Option<u32>,
    /// The zone in which the days and months of quotas are counted. Do not change it later.
    /// Allowed: a name of the IANA time zone database, such as Asia/Shanghai.
    #[config(
        default = "Asia/Shanghai",
        env = "QUNFA_STORE_TIME_ZONE",
        validate(Calendar::named(time_zone).is_some(), "no time zone")
    )]
    pub time_zone: String,
}

/// `[callback]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct CallbackArea {
    /// Networks that callbacks may reach although they are private; without them, loopback, private and
    /// link-local addresses are refused.
    /// Allowed: a list of networks, such as ["10.1.0.0/16", "127.0.0.1/32"].
    #[config(default = [], env = "QUNFA_CALLBACK_ALLOW")]
    pub allow: Vec<IpNet>,
    /// How long an event is tried: three times within ten seconds as WeChat documents it, or from then on at
    /// growing distances for 72 hours.
    /// Allowed: "documented" or "long".
    #[config(default = "long", env = "QUNFA_CALLBACK_RETRIES")]
    pub retries: Retries,
    /// Time that a receiver has for its answer.
    /// Allowed: seconds from 1 to 60.
    #[config(
        default = 5,
        env = "QUNFA_CALLBACK_TIMEOUT_SECONDS",
        validate((1..=60).contains(timeout_seconds), "out of range")
    )]
    pub timeout_seconds: u64,
    /// Events on their way to one receiver at a time.
    /// Allowed: a number from 1 to 1024.
    #[config(
        default = 8,
        env = "QUNFA_CALLBACK_PER_ENDPOINT",
        validate((1..=1024).contains(per_endpoint), "out of range")
    )]
    pub per_endpoint: u32,
}

/// `[push]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct PushArea {
    /// How the push services of browsers reach whoever runs this server, when something goes wrong with its notices; it is
    /// signed into each of them. Left out, it is the public URL. Apple's service takes nothing else than these two forms.
    /// Allowed: a mailto: or https: URL, such as `mailto:ops@example.org`.
    #[config(
        env = "QUNFA_PUSH_CONTACT",
        validate(is_contact(contact), "no mailto: or https: URL")
    )]
    pub contact: Option<String>,
    /// Networks that push services may have although they are private, also without TLS. Readers name the addresses, so
    /// this is for tests alone.
    /// Allowed: a list of networks, such as ["127.0.0.1/32"].
    #[config(default = [], env = "QUNFA_PUSH_ALLOW")]
    pub allow: Vec<IpNet>,
}

/// `[review]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct ReviewArea {
    /// A file with words by category; a mass send in which one occurs ends with the category's `err(…)`.
    /// Categories are advertising, politics, pornography, society, crime, fraud, copyright, other and
    /// mutual_promotion.
    /// Allowed: the path of a TOML file with lines such as `advertising = ["加微信", "buy now"]`.
    #[config(
        env = "QUNFA_REVIEW_WORDS_FILE",
        validate(!words_file.as_os_str().is_empty(), "empty")
    )]
    pub words_file: Option<PathBuf>,
    /// Where every mass send is posted before it goes out; the answer is `{"verdict":"pass"}` or
    /// `{"verdict":"refuse","category":"advertising"}`. Asked at least once: with several workers each may ask, `appid` and
    /// `msg_id` name the mass send, and the first answer holds.
    /// Allowed: an http or https URL.
    #[config(
        env = "QUNFA_REVIEW_WEBHOOK_URL",
        validate(is_http_url(webhook_url), "no http URL")
    )]
    pub webhook_url: Option<String>,
    /// Sent to the webhook as `Authorization: Bearer`.
    /// Allowed: a text.
    #[config(env = "QUNFA_REVIEW_WEBHOOK_TOKEN")]
    pub webhook_token: Option<Secret>,
    /// Time that the webhook has for one answer.
    /// Allowed: seconds from 1 to 3600.
    #[config(
        default = 5,
        env = "QUNFA_REVIEW_WEBHOOK_TIMEOUT_SECONDS",
        validate(SECONDS.contains(webhook_timeout_seconds), "out of range")
    )]
    pub webhook_timeout_seconds: u64,
    /// How long a mass send waits for an answer of the webhook, asked again every five seconds.
    /// Allowed: seconds from 1 to 86400.
    #[config(
        default = 300,
        env = "QUNFA_REVIEW_PATIENCE_SECONDS",
        validate((1..=86_400).contains(patience_seconds), "out of range")
    )]
    pub patience_seconds: u64,
    /// What happens then: it ends as `send fail`, or it goes out unread.
    /// Allowed: "fail" or "pass".
    #[config(default = "fail", env = "QUNFA_REVIEW_WITHOUT_ANSWER")]
    pub without_answer: WithoutAnswer,
}

/// `[speed]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct SpeedArea {
    /// The speeds that `speed/set` names by its levels 0 to 4; the document's numbers are the default.
    /// Allowed: five numbers from 0 to 4294967295, such as [800000, 600000, 450000, 300000, 100000].
    #[config(default = [800000, 600000, 450000, 300000, 100000], env = "QUNFA_SPEED_LEVELS")]
    pub levels: [u32; 5],
    /// The speed of accounts that never called `speed/set`. Left out, it is that of level 0.
    /// Allowed: a number from 0 to 4294967295.
    #[config(env = "QUNFA_SPEED_UNSET")]
    pub unset: Option<u32>,
}

/// `[metrics]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct MetricsArea {
    /// Networks that may read `/metrics` without a token. A request through a proxy that is not among
    /// `server.trusted_proxies` never counts as one of them.
    /// Allowed: a list of networks, such as ["127.0.0.0/8", "10.1.0.0/16"].
    #[config(default = ["127.0.0.0/8", "::1/128"], env = "QUNFA_METRICS_ALLOW")]
    pub allow: Vec<IpNet>,
    /// A token for `/metrics` alone, so that Prometheus need not know the admin token; sent as
    /// `Authorization: Bearer`.
    /// Allowed: 16 to 256 visible ASCII characters.
    #[config(env = "QUNFA_METRICS_TOKEN", validate(is_admin_token(token), "no token"))]
    pub token: Option<Secret>,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct LogArea {
    /// The least important level that is written.
    /// Allowed: "off", "error", "warn", "info", "debug" or "trace".
    #[config(default = "info", env = "QUNFA_LOG_LEVEL")]
    pub level: LogLevel,
    /// Lines for people, or one JSON object a line.
    /// Allowed: "text" or "json".
    #[config(default = "text", env = "QUNFA_LOG_FORMAT")]
    pub format: LogFormat,
}

const SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;

/// How long an event is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retries {
    /// Three times (spec events §3.2).
    Documented,
    /// For 72 hours.
    Long,
}

impl From<Retries> for domain::callback::Retries {
    fn from(retries: Retries) -> Self {
        match retries {
            Retries::Documented => domain::callback::Retries::Documented,
            Retries::Long => domain::callback::Retries::Long,
        }
    }
}

/// What happens to a mass send that nobody read in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WithoutAnswer {
    /// It ends as `send fail`.
    Fail,
    /// It goes out.
    Pass,
}

/// The least important level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// What the log filter is told: this level for our own crates, warnings at most for all others.
    pub fn filter(self) -> String {
        let word = match self {
            LogLevel::Off => return "off".into(),
            LogLevel::Error => return "error".into(),
            LogLevel::Warn => return "warn".into(),
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        };
        let ours = ["qunfa", "server", "engine", "store", "domain", "wire"];
        ours.iter()
            .fold("warn".into(), |filter, name| format!("{filter},{name}={word}"))
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// A text that is never printed, neither by `{:?}` nor by serialising it (SEC4).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("********")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from_layer(<<Self as Config>::Layer as confique::Layer>::default_values())
            .expect("every setting has a default or may be absent, as a test checks")
    }
}

impl Settings {
    /// Scheme, host and port under which this server is reached, without a last slash.
    pub fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_string(),
            None => format!("http://{}", reachable(self.server.listen)),
        }
    }

    /// The PostgreSQL server that rows are kept on, if there is one.
    pub fn postgres(&self) -> Option<PostgresOptions> {
        let url = self.store.url.as_ref()?;
        Some(PostgresOptions {
            root_certificates: self.store.root_certificates.clone(),
            readers: self.store.readers,
            writers: self.store.writers,
            ..PostgresOptions::new(url.0.clone())
        })
    }

    /// Where the master key is.
    pub fn master_key_path(&self) -> PathBuf {
        self.store
            .master_key_file
            .clone()
            .unwrap_or_else(|| self.store.data.join("master.key"))
    }

    /// Where the admin token is, unless it is set.
    pub fn admin_token_path(&self) -> PathBuf {
        self.store.data.join(ADMIN_TOKEN_FILE)
    }

    /// The calendar of the time zone.
    pub fn calendar(&self) -> Calendar {
        Calendar::named(&self.store.time_zone).unwrap_or_else(Calendar::shanghai)
    }
}

/// The file of the data folder that holds the admin token.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";

impl SpeedArea {
    /// Followers a minute of the levels 0 to 4; `None` is without limit.
    pub fn per_minute(&self) -> [Option<u32>; 5] {
        self.levels.map(|number| (number > 0).then_some(number))
    }

    /// Followers a minute until `speed/set` is called; `None` is without limit.
    pub fn default_per_minute(&self) -> Option<u32> {
        let [level0, ..] = self.levels;
        Some(self.unset.unwrap_or(level0)).filter(|number| *number > 0)
    }
}

/// "Everywhere" is an address to listen on, not one to go to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Scheme, host and port: links are made and recognised as if the server stood at the root of its host.
fn is_public_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && matches!(url.path(), "" | "/")
    })
}

fn is_http_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

fn is_contact(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| match url.scheme() {
        "mailto" => url.path().contains('@'),
        "https" => url.host().is_some(),
        _ => false,
    })
}

pub(crate) fn is_postgres_url(url: &Secret) -> bool {
    let parsed = url::Url::parse(&url.0);
    parsed.is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql") && url.path().len() > 1)
}

fn is_admin_token(token: &Secret) -> bool {
    (16..=256).contains(&token.0.len()) && token.0.bytes().all(|byte| byte.is_ascii_graphic())
}
