//! The settings of what readers see.

use confique::Config;
use domain::statistics::ReadCounting;
use serde::{Deserialize, Serialize};

use super::is_public_url;

/// `[reader]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct ReaderArea {
    /// Origins whose pages may call `/inbox`, so that an organisation's own pages can show inboxes. Pages of this server
    /// always may. Cookies play no part: who calls shows an inbox token.
    /// Allowed: a list of origins such as `["https://app.example.org"]`, or `["*"]` for all.
    #[config(
        default = [],
        env = "QUNFA_READER_ORIGINS",
        validate(origins.iter().all(is_origin), "no origin")
    )]
    pub origins: Vec<String>,
    /// What is kept when somebody opens an article: "people" counts how often and by how many, for which it remembers who
    /// read what; "numbers" counts how often, and nobody's name is kept; "nothing" counts nothing. What was kept before a
    /// change stays until `store.retention_months` takes it.
    /// Allowed: "people", "numbers" or "nothing".
    #[config(default = "people", env = "QUNFA_READER_COUNT")]
    pub count: Count,
}

/// What is kept when somebody opens an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// How often, and who.
    People,
    /// How often.
    Numbers,
    /// Nothing.
    Nothing,
}

impl From<Count> for ReadCounting {
    fn from(count: Count) -> Self {
        match count {
            Count::People => ReadCounting::People,
            Count::Numbers => ReadCounting::Numbers,
            Count::Nothing => ReadCounting::Nothing,
        }
    }
}

/// Scheme, host and port as browsers write them, or `*`.
fn is_origin(text: &String) -> bool {
    text == "*"
        || (is_public_url(text)
            && url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text))
}
