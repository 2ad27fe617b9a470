//! Accounts: who sends, what they may do, and where their callbacks go.

use crate::{
    compat::{Behaviour, CompatDate},
    id::{AccountId, AppId},
    openid::OpenIdKey,
    quota::Quota,
    speed::SpeedLevel,
};

/// The kind of an official account; permissions and quotas differ (spec mass-send §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// 订阅号: one mass send a day, not to OpenID lists.
    Subscription,
    /// 服务号: a hundred calls a day, four receipts per follower and month.
    Service,
}

impl AccountKind {
    /// The word used in the native API and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            AccountKind::Subscription => "subscription",
            AccountKind::Service => "service",
        }
    }

    /// The kind that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [AccountKind::Subscription, AccountKind::Service]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// An official account (公众号): one tenant and sender.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number inside the installation.
    pub id: AccountId,
    /// Its public name.
    pub app_id: AppId,
    /// `gh_…`, the name used in callbacks.
    pub original_id: String,
    /// What followers see.
    pub name: String,
    /// Subscription or service.
    pub kind: AccountKind,
    /// 认证: every mass call needs it.
    pub verified: bool,
    /// 微信支付权限: external links in articles stay.
    pub pay_enabled: bool,
    /// Whether equal content to an equal audience within 24 hours is a repeat even without a `clientmsgid`.
    pub repeat_check: bool,
    /// API 群发保护: a send to all waits for the administrator (spec mass-send §14.6).
    pub protect: bool,
    /// Whether it may declare articles original.
    pub declare_original: bool,
    /// The day whose behaviour it asks for; `None` is today's.
    pub compat_date: Option<CompatDate>,
    /// Whether readers may comment on its articles, where an article allows it (88000 otherwise).
    pub comment_enabled: bool,
    /// What it may send (Q1–Q8).
    pub quota: Quota,
    /// The speed that was set; `None` until then.
    pub speed: Option<SpeedLevel>,
    /// Where events go; `None` when no URL is configured.
    pub callback: Option<Callback>,
    /// Names its followers.
    pub open_id_key: OpenIdKey,
}

impl Account {
    /// Whether WeChat's behaviour of the account's day holds for it.
    pub fn has(&self, behaviour: Behaviour) -> bool {
        self.compat_date.is_none_or(|date| date.has(behaviour))
    }

    /// What calls are counted by: the quota, as far as its rules existed on the account's day.
    pub fn call_quota(&self) -> Quota {
        Quota {
            calls_per_minute: self
                .quota
                .calls_per_minute
                .filter(|_| self.has(Behaviour::MinuteLimit)),
            ..self.quota
        }
    }
}

/// How an event is packed (spec events §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallbackMode {
    /// 明文.
    Plain,
    /// 兼容: in clear and encrypted.
    Compatible,
    /// 安全: encrypted only.
    Safe,
}

impl CallbackMode {
    /// The word used in the native API.
    pub fn word(self) -> &'static str {
        match self {
            CallbackMode::Plain => "plain",
            CallbackMode::Compatible => "compatible",
            CallbackMode::Safe => "safe",
        }
    }

    /// The mode that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [CallbackMode::Plain, CallbackMode::Compatible, CallbackMode::Safe]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// 服务器配置: where an account's events go and how they are signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// http or https, any port.
    pub url: String,
    /// Signs every request; 3–32 letters and digits.
    pub token: String,
    /// EncodingAESKey, 43 characters; empty only in plain mode.
    pub aes_key: String,
    /// How events are packed.
    pub mode: CallbackMode,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SEC4: neither token nor key ever reaches a log.
        write!(f, "Callback({}, {})", self.url, self.mode.word())
    }
}

/// Why a callback configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefusal {
    /// Not an absolute http or https URL, or one with a user name.
    #[error("callback.url must be an http or https URL without user name")]
    Url,
    /// The token is not 3–32 letters and digits.
    #[error("callback.token must be 3 to 32 letters and digits")]
    Token,
    /// The key is not 43 base64 characters.
    #[error("callback.aes_key must be 43 base64 characters")]
    AesKey,
}

/// Checks a callback configuration (spec events §1).
pub fn check_callback(callback: &Callback) -> Result<(), CallbackRefusal> {
    let url = url::Url::parse(&callback.url).map_err(|_| CallbackRefusal::Url)?;
    let plain_url = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain_url {
        return Err(CallbackRefusal::Url);
    }
    let token = callback.token.as_bytes();
    if !(3..=32).contains(&token.len()) || !token.iter().all(u8::is_ascii_alphanumeric) {
        return Err(CallbackRefusal::Token);
    }
    let key = callback.aes_key.as_bytes();
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let not_needed = key.is_empty() && callback.mode == CallbackMode::Plain;
    let well_formed = key.len() == 43 && key.iter().all(base64);
    if not_needed || well_formed {
        Ok(())
    } else {
        Err(CallbackRefusal::AesKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        url: &str,
        token: &str,
        aes_key: &str,
        mode: CallbackMode,
        expected: Result<(), CallbackRefusal>,
    ) {
        let callback = Callback {
            url: url.into(),
            token: token.into(),
            aes_key: aes_key.into(),
            mode,
        };
        assert_eq!(check_callback(&callback), expected, "{url} {token} {aes_key}");
    }

    #[test]
    fn a_callback_needs_a_url_a_token_and_a_key_where_it_encrypts() {
        use CallbackMode::{Plain, Safe};
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        check("https://example.org/wx?a=1", "abc", "", Plain, Ok(()));
        check("https://example.org/wx", "abc", key, Safe, Ok(()));
        check(
            "https://example.org/wx",
            "abc",
            "",
            Safe,
            Err(CallbackRefusal::AesKey),
        );
        check(
            "https://example.org/wx",
            "abc",
            "short",
            Plain,
            Err(CallbackRefusal::AesKey),
        );
        check(
            "https://example.org/wx",
            "ab",
            key,
            Plain,
            Err(CallbackRefusal::Token),
        );
        check(
            "https://example.org/wx",
            "a b c",
            key,
            Plain,
            Err(CallbackRefusal::Token),
        );
        check(
            "ftp://example.org/wx",
            "abc",
            key,
            Plain,
            Err(CallbackRefusal::Url),
        );
        check(
            "https://user:pass@example.org/",
            "abc",
            key,
            Plain,
            Err(CallbackRefusal::Url),
        );
        check("not a url", "abc", key, Plain, Err(CallbackRefusal::Url));
    }
}
