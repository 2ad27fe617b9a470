//! The settings of what readers see.

use confique::Config;
use serde::Serialize;

use super::is_public_url;

/// `[reader]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct ReaderArea {
    /// Origins whose pages may call `/inbox`, so that an organisation's own pages can show inboxes. Pages of this server
    /// always may. Cookies play no part: who calls shows an inbox token.
    /// Allowed: a list of origins such as ["https://app.example.org"], or ["*"] for all.
    #[config(
        default = [],
        env = "QUNFA_READER_ORIGINS",
        validate(origins.iter().all(is_origin), "no origin")
    )]
    pub origins: Vec<String>,
}

/// Scheme, host and port as browsers write them, or `*`.
fn is_origin(text: &String) -> bool {
    text == "*"
        || (is_public_url(text)
            && url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text))
}
