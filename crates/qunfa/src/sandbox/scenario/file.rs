//! The shape of a scenario file. Unknown keys are refused, with their line.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use domain::time::{Timestamp, parse_rfc3339};
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// When a scenario starts that does not say: a Monday, ten in the morning, early in a month.
const START: &str = "2026-11-02T10:00:00+08:00";

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub scenario: String,
    /// What it shows, for readers.
    #[serde(default)]
    pub about: String,
    /// Followers of each account.
    #[serde(default = "a_hundred")]
    pub followers: usize,
    /// Where the clock stands at first, RFC 3339.
    #[serde(default = "start")]
    pub start: String,
    /// What ids are made from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What happens, in order.
    pub steps: Vec<Spanned<Step>>,
}

fn a_hundred() -> usize {
    100
}

fn start() -> String {
    START.to_owned()
}

/// One of the accounts of every sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountName {
    /// The verified service account.
    #[default]
    Service,
    /// The verified subscription account.
    Subscription,
    /// The service account that is not verified.
    Unverified,
}

impl AccountName {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Service, Self::Subscription, Self::Unverified];

    /// As files write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Subscription => "subscription",
            Self::Unverified => "unverified",
        }
    }

    /// Its `appid`.
    pub fn app_id(self) -> &'static str {
        match self {
            Self::Service => "wx0000000000000001",
            Self::Subscription => "wx0000000000000002",
            Self::Unverified => "wx0000000000000003",
        }
    }

    /// Its `secret`.
    pub fn secret(self) -> &'static str {
        match self {
            Self::Service => "00000000000000000000000000000001",
            Self::Subscription => "00000000000000000000000000000002",
            Self::Unverified => "00000000000000000000000000000003",
        }
    }
}

/// One step: the key says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Changes an account.
    Account(AccountStep),
    /// A call of the compatible or the native API.
    Call(CallStep),
    /// The same call several times at once.
    Together(TogetherStep),
    /// Moves the clock.
    Clock(ClockStep),
    /// Lets everything happen that is due now.
    Settle(SettleStep),
    /// Sets a fault rule.
    Fault(FaultStep),
    /// What a follower has.
    Inbox(InboxStep),
    /// How a mass stands.
    Mass(MassStep),
    /// What the history of an account shows.
    History(HistoryStep),
    /// What the account's receiver got.
    Callbacks(CallbacksStep),
    /// What a reader of a page sees.
    Page(PageStep),
}

/// `account`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountStep {
    /// Which.
    #[serde(default)]
    pub of: AccountName,
    /// What is changed, as `PATCH /v1/accounts/{appid}` takes it.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// A receiver of its events, started by the runner.
    #[serde(default)]
    pub receiver: Option<ReceiverStep>,
}

/// `receiver` of `account`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverStep {
    /// How events are packed: `plain`, `compatible` or `safe`.
    #[serde(default = "plain")]
    pub mode: String,
    /// How many of the next events it answers with HTTP 500.
    #[serde(default)]
    pub fail: usize,
}

fn plain() -> String {
    "plain".to_owned()
}

/// `call`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallStep {
    /// What it is for, in the report.
    #[serde(default)]
    pub name: Option<String>,
    /// Method and path: `POST /cgi-bin/message/mass/sendall`; `{appid}` is the account's.
    pub request: String,
    /// Whose token goes with it.
    #[serde(default, rename = "as")]
    pub account: AccountName,
    /// Another token than the account's own; empty sends none.
    #[serde(default)]
    pub token: Option<String>,
    /// The JSON body.
    #[serde(default)]
    pub body: Option<Value>,
    /// Files of a multipart body by the name of their part; paths beside the scenario's file.
    #[serde(default)]
    pub files: BTreeMap<String, PathBuf>,
    /// Names for values of the answer, by JSON pointer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// What the answer must be; without it, success.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// `together`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TogetherStep {
    /// How often at once.
    pub times: usize,
    /// The call; its `expect` looks at `{"errcodes": {"0": 1, …}, "answers": […]}`, accepted ones first.
    pub call: CallStep,
}

/// `clock`: one of the keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockStep {
    /// By a span: `90s`, `30m`, `1d`, `1h30m`.
    Advance(String),
    /// To an instant, RFC 3339.
    To(String),
    /// To the next midnight of Asia/Shanghai that begins a `day` or a `month`.
    Next(Period),
}

/// What begins at midnight.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// `settle`: nothing to be said.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleStep {}

/// `fault`: the body of `POST /sandbox/faults`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultStep {
    /// The rule.
    pub rule: Value,
    /// Names for values of the answer, by JSON pointer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// `inbox`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxStep {
    /// Of which account.
    #[serde(default)]
    pub of: AccountName,
    /// Which follower, by number from 0.
    #[serde(default)]
    pub follower: usize,
    /// The text or title of every entry, oldest first.
    #[serde(default)]
    pub texts: Option<Vec<String>>,
    /// How many entries.
    #[serde(default)]
    pub count: Option<usize>,
    /// Of `{"count", "texts", "entries"}`, oldest first.
    #[serde(default)]
    pub expect: Expect,
    /// Names for values of it, by JSON pointer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// `mass`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MassStep {
    /// Of which account.
    #[serde(default)]
    pub of: AccountName,
    /// Its `msg_id`.
    pub id: Value,
    /// `sending`, `succeeded`, `failed`, `refused`, `deleted`, `recalled`.
    #[serde(default)]
    pub state: Option<String>,
    /// Followers meant.
    #[serde(default)]
    pub total: Option<u64>,
    /// Followers who got it.
    #[serde(default)]
    pub sent: Option<u64>,
    /// Of the native report of the mass.
    #[serde(default)]
    pub expect: Expect,
}

/// `history`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryStep {
    /// Of which account.
    #[serde(default)]
    pub of: AccountName,
    /// The text or title of every item, oldest first.
    #[serde(default)]
    pub texts: Option<Vec<String>>,
    /// How many items.
    #[serde(default)]
    pub count: Option<usize>,
    /// Of `{"count", "texts", "items"}`, oldest first.
    #[serde(default)]
    pub expect: Expect,
}

/// `callbacks`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbacksStep {
    /// Of which account.
    #[serde(default)]
    pub of: AccountName,
    /// Only events of this name.
    #[serde(default)]
    pub event: Option<String>,
    /// How many came, each try counted.
    #[serde(default)]
    pub count: Option<usize>,
    /// Elements of the last one: names and values, `CopyrightCheckResult/Count` for inner ones.
    #[serde(default)]
    pub elements: BTreeMap<String, Value>,
    /// Of `{"count", "events": [{element: value, …}, …]}`, in the order in which they came.
    #[serde(default)]
    pub expect: Expect,
}

/// `page`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageStep {
    /// A link, or a path of the sandbox.
    pub url: String,
    /// The HTTP status.
    #[serde(default = "found")]
    pub status: u16,
    /// What it must say.
    #[serde(default)]
    pub contains: Option<String>,
    /// What it must not say.
    #[serde(default)]
    pub lacks: Option<String>,
}

fn found() -> u16 {
    200
}

/// What must hold of an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The HTTP status of a call.
    #[serde(default)]
    pub status: Option<u16>,
    /// The errcode of a call; an answer without one has 0.
    #[serde(default)]
    pub errcode: Option<i64>,
    /// Values, by JSON pointer.
    #[serde(default)]
    pub equals: BTreeMap<String, Value>,
    /// Values that are not, by JSON pointer.
    #[serde(default)]
    pub differs: BTreeMap<String, Value>,
    /// Parts: of a text, a list or an object, by JSON pointer.
    #[serde(default)]
    pub contains: BTreeMap<String, Value>,
    /// Parts that are not in it, by JSON pointer.
    #[serde(default)]
    pub lacks: BTreeMap<String, Value>,
    /// Lengths of lists, by JSON pointer.
    #[serde(default)]
    pub lengths: BTreeMap<String, usize>,
    /// JSON pointers with nothing there.
    #[serde(default)]
    pub absent: Vec<String>,
}

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not there, or not readable.
    #[error("{path} cannot be read: {error}")]
    Unread {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is no scenario.
    #[error("{path} is no scenario: {message}")]
    Unclear {
        /// Which.
        path: String,
        /// Where and why.
        message: String,
    },
}

impl Scenario {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError::Unread {
            path: path.display().to_string(),
            error,
        })?;
        Self::parse(&text).map_err(|message| FileError::Unclear {
            path: path.display().to_string(),
            message,
        })
    }

    /// Reads a text; the error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scenario: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if parse_rfc3339(&scenario.start).is_none() {
            return Err(format!("start: {} is no RFC 3339 instant", scenario.start));
        }
        Ok(scenario)
    }

    /// Where its clock stands at first.
    pub fn start(&self) -> Timestamp {
        parse_rfc3339(&self.start).unwrap_or(Timestamp(0))
    }
}

/// Seconds of a span like `1d`, `1h30m`, `90s`.
pub fn seconds(span: &str) -> Option<i64> {
    let mut sum = 0_i64;
    let mut rest = span.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = rest.split_at(digits);
        let each = match unit.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(each)?)?;
        rest = unit.get(1..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_their_parts() {
        for (span, expected) in [
            ("90s", Some(90)),
            ("1h30m", Some(5_400)),
            ("1d", Some(86_400)),
            ("", None),
            ("5", None),
            ("m", None),
            ("1w", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(seconds(span), expected, "{span}");
        }
    }

    #[test]
    fn every_step_knows_its_line() {
        let text = "scenario: a\nsteps:\n  - settle: {}\n  - clock: {advance: 1d}\n\n  - inbox: {follower: 3, texts: [你好]}\n";
        let scenario = Scenario::parse(text).expect("a scenario");
        let lines: Vec<u64> = scenario.steps.iter().map(|step| step.defined.line()).collect();
        assert_eq!(lines, [3, 4, 6]);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        for (text, part) in [
            ("scenario: a\nsteps:\n  - jump: {}\n", "jump"),
            ("scenario: a\nsteps:\n  - inbox: {folower: 3}\n", "folower"),
            ("scenario: a\nsteps:\n  - clock: {next: year}\n", "year"),
            ("scenario: a\nstart: today\nsteps: []\n", "today"),
            ("scenario: a\n", "steps"),
        ] {
            let error = Scenario::parse(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = Scenario::parse("scenario: a\nsteps:\n  - jump: {}\n").expect_err("no step");
        assert!(error.contains("line 3"), "{error}");
    }
}
