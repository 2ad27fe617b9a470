//! What stands around the content of every page: its fixed words, dates, the account's card.
//!
//! Dates: without a script a page cannot know its reader's zone, and no header tells it (`Accept-Language` names a
//! language, not a place, and a guess by address would be wrong for everybody behind a proxy). So the page shows the
//! deployment's own time, says which zone that is to everyone whose language does not make it plain, and gives the exact
//! instant in `datetime`, which browsers, readers' tools and search engines understand.

use axum::http::{HeaderMap, header};
use domain::{
    account::{Account, AccountKind},
    time::Timestamp,
};

use crate::app::App;

/// The zone that readers of Chinese take for granted.
const CHINA: &str = "+08:00";
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// Colours of letter avatars, in `style.css`.
const SHADES: u32 = 8;

/// The language of a page's fixed words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Furniture {
    /// English; Chinese otherwise.
    pub english: bool,
}

impl Furniture {
    /// By `Accept-Language`: English unless Chinese comes first or nothing is said.
    pub fn of(headers: &HeaderMap) -> Self {
        let language = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let first = language
            .split([',', ';'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        Self {
            english: !first.is_empty() && !first.starts_with("zh") && first != "*",
        }
    }

    /// One of two words.
    pub fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        if self.english { english } else { chinese }
    }

    /// `lang` of what is in this language.
    pub fn lang(&self) -> &'static str {
        if self.english { "en" } else { "zh-CN" }
    }

    /// An instant that is written as RFC 3339 with the deployment's offset.
    pub fn when(&self, exact: &str) -> When {
        let part = |from: usize, to: usize| exact.get(from..to).unwrap_or_default();
        let number = |from, to| part(from, to).trim_start_matches('0');
        let (year, clock, offset) = (part(0, 4), part(11, 16), exact.get(19..).unwrap_or_default());
        let day = if self.english {
            let month = part(5, 7)
                .parse()
                .ok()
                .and_then(|month: usize| MONTHS.get(month.checked_sub(1)?));
            format!("{} {} {year}", number(8, 10), month.unwrap_or(&"?"))
        } else {
            format!("{year}年{}月{}日", number(5, 7), number(8, 10))
        };
        let shown = match (self.english, offset) {
            (true, _) => format!("{day}, {clock} {}", zone(offset)),
            (false, CHINA) => format!("{day} {clock}"),
            (false, _) => format!("{day} {clock}（{}）", zone(offset)),
        };
        When {
            exact: exact.to_owned(),
            shown,
            day,
        }
    }
}

/// `+08:00` as people write it: `UTC+8`.
fn zone(offset: &str) -> String {
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
    let (sign, hours) = hours.split_at_checked(1).unwrap_or(("+", hours));
    let hours = hours.trim_start_matches('0');
    match (hours, minutes) {
        ("", "00") => "UTC".to_owned(),
        (hours, "00") => format!("UTC{sign}{hours}"),
        ("", minutes) => format!("UTC{sign}0:{minutes}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes}"),
    }
}

/// An instant on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// With its offset, for machines.
    pub exact: String,
    /// Day, time, and the zone where it is not plain.
    pub shown: String,
    /// The day alone.
    pub day: String,
}

/// An account as pages show it.
#[derive(Clone, Debug, Default)]
pub struct AccountCard {
    /// Its name.
    pub name: String,
    /// Its first letter.
    pub letter: String,
    /// Which colour it has.
    pub shade: u32,
    /// Its history.
    pub history: String,
}

impl AccountCard {
    /// Of this account.
    pub fn of(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            letter: letter(&account.name),
            shade: shade(&account.app_id.0),
            history: format!("/mp/history/{}", account.app_id.0),
        }
    }
}

/// What an account is, for readers.
pub fn kind(account: &Account, furniture: Furniture) -> &'static str {
    match account.kind {
        AccountKind::Subscription => furniture.say("订阅号", "Subscription account"),
        AccountKind::Service => furniture.say("服务号", "Service account"),
    }
}

/// The letter of an avatar: the first that is one.
pub fn letter(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
}

/// The colour of an avatar: the same on every page, and the one that the reader gives it (`colourOf`).
pub fn shade(name: &str) -> u32 {
    let sum = name.chars().fold(7, |sum, c| (sum * 31 + u32::from(c)) % 9_973);
    sum % SHADES
}

/// The language of a text, as far as its script tells: Chinese or unknown.
pub fn language(text: &str) -> &'static str {
    let kana = text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
    let han = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    match (kana, han) {
        (true, _) => "ja",
        (false, true) => "zh-CN",
        (false, false) => "",
    }
}

/// An instant of the store on a page.
pub fn when(app: &App, furniture: Furniture, at: Timestamp) -> When {
    furniture.when(&app.rfc3339(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn english_is_for_those_who_ask_for_another_language_than_chinese() {
        let english = |value| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value))]);
            Furniture::of(&headers).english
        };
        assert!(english("en-US,en;q=0.9,zh;q=0.8") && english("de"));
        for chinese in ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "", "*"] {
            assert!(!english(chinese), "{chinese}");
        }
        assert!(!Furniture::of(&HeaderMap::new()).english);
    }

    #[test]
    fn a_date_names_its_zone_unless_the_language_makes_it_plain() {
        let check = |exact: &str, chinese: &str, english: &str| {
            let shown = |english| Furniture { english }.when(exact).shown;
            assert_eq!((shown(false).as_str(), shown(true).as_str()), (chinese, english));
        };
        check(
            "2026-11-02T09:05:00+08:00",
            "2026年11月2日 09:05",
            "2 Nov 2026, 09:05 UTC+8",
        );
        check(
            "2026-01-31T23:59:59-03:30",
            "2026年1月31日 23:59（UTC-3:30）",
            "31 Jan 2026, 23:59 UTC-3:30",
        );
        check(
            "2026-12-10T00:00:00+00:00",
            "2026年12月10日 00:00（UTC）",
            "10 Dec 2026, 00:00 UTC",
        );
        assert_eq!(Furniture { english: true }.when("").exact, "");
    }

    #[test]
    fn an_account_has_its_letter_and_always_the_same_colour() {
        assert_eq!(
            ["群发", "“植物”", "qunfa", "", "…"].map(letter),
            ["群", "植", "Q", "·", "·"]
        );
        assert_eq!(shade("wx0000000000000001"), shade("wx0000000000000001"));
        let shades: std::collections::BTreeSet<u32> = (0..100).map(|n| shade(&format!("wx{n}"))).collect();
        assert_eq!(shades, (0..SHADES).collect());
    }

    #[test]
    fn a_text_in_another_script_claims_no_language() {
        assert_eq!(
            ["春天 in May", "Spring", "さくら咲く", ""].map(language),
            ["zh-CN", "", "ja", ""]
        );
    }
}
