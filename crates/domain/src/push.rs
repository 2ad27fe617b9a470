//! Web Push: what may be subscribed, what a notice says, and when a try is repeated.
//!
//! A push is a hint (I9): it is tried for an hour at most, and an entry that is older is found in the inbox anyway.

use crate::{content::Content, id::AppId, time::Timestamp};

/// Subscriptions of one reader, at most; the oldest gives way to a new one.
pub const SUBSCRIPTIONS_MAX: usize = 20;
/// Bytes of an endpoint's URL, at most.
pub const ENDPOINT_BYTES_MAX: usize = 1_024;
/// Seconds that a push service keeps a notice for a device that is off: four weeks (RFC 8030 §5.2).
pub const TTL_SECONDS: u32 = 4 * 7 * 24 * 3_600;
/// An entry is pushed for so long after it was released.
const HINT_MS: i64 = 3_600 * 1_000;
/// The first pause after a failed try; it doubles up to the longest.
const PAUSE_MS: i64 = 5_000;
const PAUSE_MS_MAX: i64 = 3_600 * 1_000;
/// Characters of a notice's text, at most.
const BODY_CHARS_MAX: usize = 120;
/// Characters of a notice's title, at most.
const TITLE_CHARS_MAX: usize = 64;

/// The language of a notice's fixed words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// 中文.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The word in the native API.
    pub fn word(self) -> &'static str {
        match self {
            Language::Chinese => "zh",
            Language::English => "en",
        }
    }

    /// The language that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Language::Chinese, Language::English]
            .into_iter()
            .find(|language| language.word() == word)
    }
}

/// Where a browser is reached, and the keys that only it can read with.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The push service's URL for this browser; who knows it can send to it.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point of P-256.
    pub p256dh: Vec<u8>,
    /// The secret that it shares with its senders: 16 bytes.
    pub auth: Vec<u8>,
    /// The language of fixed words.
    pub language: Language,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription") // SEC4: the endpoint is a secret too
    }
}

/// The host of an endpoint: all that is shown of it.
pub fn host(endpoint: &str) -> String {
    let url = url::Url::parse(endpoint).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Whether an entry that was released then is still worth a push.
pub fn is_fresh(released_at: Timestamp, now: Timestamp) -> bool {
    now.ms_since(released_at) <= HINT_MS
}

/// The release from which on entries are still pushed.
pub fn fresh_since(now: Timestamp) -> Timestamp {
    now.plus_ms(-HINT_MS)
}

/// When an endpoint that failed `failures` times in a row may be tried again. `asked` is what it asked for
/// (`Retry-After`, milliseconds); `jitter` spreads tries by up to a quarter.
pub fn next_try(failures: u32, asked: Option<i64>, now: Timestamp, jitter: u8) -> Timestamp {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = (PAUSE_MS << doublings).min(PAUSE_MS_MAX);
    let pause = pause.max(asked.unwrap_or(0).clamp(0, PAUSE_MS_MAX));
    now.plus_ms(pause + pause / 4 * i64::from(jitter) / 255)
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The account's name.
    pub title: String,
    /// The entry's title, or how its text begins, or what kind of message it is.
    pub body: String,
}

/// The notice of an entry; `headline` is the title of its first article.
pub fn notice(account: &str, content: &Content, headline: Option<&str>, language: Language) -> Notice {
    let word = |chinese: &'static str, english: &'static str| match language {
        Language::Chinese => chinese,
        Language::English => english,
    };
    let (said, kind) = match content {
        Content::Text(text) => (text.as_str(), word("[消息]", "[Message]")),
        Content::Image { caption, .. } => (
            if caption.title.is_empty() {
                &caption.recommend
            } else {
                &caption.title
            }
            .as_str(),
            word("[图片]", "[Picture]"),
        ),
        Content::Voice(_) => ("", word("[语音]", "[Voice message]")),
        Content::Music(_) => ("", word("[音频]", "[Audio]")),
        Content::Video { title, .. } => (title.as_str(), word("[视频]", "[Video]")),
        Content::News(_) => (headline.unwrap_or_default(), word("[图文]", "[Article]")),
        Content::Card { title, .. } => (title.as_str(), word("[卡券]", "[Card]")),
    };
    let said = beginning(said, BODY_CHARS_MAX);
    Notice {
        title: beginning(account, TITLE_CHARS_MAX),
        body: if said.is_empty() { kind.to_owned() } else { said },
    }
}

/// The beginning of a text in one line.
fn beginning(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars {
        return line;
    }
    let mut cut: String = line.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The topic under which a push service keeps only the newest notice (RFC 8030 §5.4): one for each account, and no name
/// that the service could read.
pub fn topic(account: &AppId) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("qunfa topic {account}"));
    URL_SAFE_NO_PAD.encode(digest).chars().take(22).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{content::Caption, id::NewsId};

    fn body(content: &Content, headline: Option<&str>, language: Language) -> String {
        notice("城市公报", content, headline, language).body
    }

    #[test]
    fn a_notice_says_the_title_or_the_beginning_of_the_text_or_the_kind() {
        use Language::{Chinese, English};
        let text = Content::Text(format!("第一行\n第二行 {}", "很长".repeat(100)));
        let said = body(&text, None, Chinese);
        assert!(said.starts_with("第一行 第二行 很长") && said.ends_with('…'));
        assert_eq!(said.chars().count(), BODY_CHARS_MAX);
        let news = Content::News(NewsId(1));
        assert_eq!(body(&news, Some("停水通知"), English), "停水通知");
        assert_eq!(body(&news, None, English), "[Article]");
        assert_eq!(body(&Content::Text(" \n".into()), None, Chinese), "[消息]");
        let picture = Content::Image {
            pictures: Vec::new(),
            caption: Caption::default(),
        };
        assert_eq!(body(&picture, None, Chinese), "[图片]");
        assert_eq!(body(&picture, None, English), "[Picture]");
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_are_never_shorter_than_asked_for() {
        let pause = |failures, asked, jitter| next_try(failures, asked, Timestamp(0), jitter).0;
        assert_eq!((pause(1, None, 0), pause(2, None, 0)), (5_000, 10_000));
        assert_eq!(pause(1, Some(60_000), 0), 60_000);
        assert_eq!(pause(1, Some(i64::MAX), 0), PAUSE_MS_MAX);
        assert_eq!(pause(1, Some(-5), 0), 5_000);
        for failures in [11, 40, u32::MAX] {
            assert_eq!(pause(failures, None, 0), PAUSE_MS_MAX);
            assert_eq!(pause(failures, None, 255), PAUSE_MS_MAX / 4 * 5);
        }
    }

    #[test]
    fn a_topic_is_one_of_an_account_and_fits_its_header() {
        let topics = ["wx0000000000000001", "wx0000000000000002"].map(|id| topic(&AppId(id.into())));
        assert_ne!(topics[0], topics[1]);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(
            topics
                .iter()
                .all(|topic| topic.len() <= 32 && topic.chars().all(allowed))
        );
    }
}
