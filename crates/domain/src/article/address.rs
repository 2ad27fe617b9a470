//! Addresses in articles: which may be linked, and how they are spelled.
//!
//! An address that every browser reads alike is kept letter for letter, since clients compare what they sent
//! with what they get. All others are kept as the URL parser writes them, so that nobody reads them differently.

use std::borrow::Cow;

use url::Url;

/// The http or https address in `value`, or `None` for anything else, user names in front of the host included.
pub(super) fn http(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim();
    if value.chars().any(char::is_control) {
        return None;
    }
    let url = Url::parse(value).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    if !web || !url.username().is_empty() || url.password().is_some() || authority(value).contains('@') {
        return None;
    }
    let spelled_plainly = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"))
        .is_some_and(|rest| !rest.starts_with('/') && is_plain(rest));
    Some(if spelled_plainly {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(url.into())
    })
}

/// The address meant by a host without scheme, such as `www.qq.com` or `qq.com:8080/a?b`.
pub(super) fn bare(value: &str) -> Option<String> {
    let host_end = value.find(['/', '?', '#', ':']).unwrap_or(value.len());
    let (host, rest) = value.split_at(host_end);
    let is_host = host.contains('.')
        && !host.starts_with('.')
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let port_is_fine = match rest.strip_prefix(':') {
        Some(after) => is_port(&after[..after.find(['/', '?', '#']).unwrap_or(after.len())]),
        None => true,
    };
    if !is_host || !port_is_fine {
        return None;
    }
    http(&format!("http://{value}")).map(Cow::into_owned)
}

/// The address of a picture: http(s), or without scheme and host, for the policy to judge.
pub(super) fn picture(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim();
    if value.starts_with('/') && is_plain(value) {
        return Some(Cow::Borrowed(value));
    }
    http(value)
}

/// Only characters that stand for themselves in a URL.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| {
        b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

/// What stands between `://` and the path, as spelled.
fn authority(value: &str) -> &str {
    let after = value.split_once("://").map_or(value, |(_, after)| after);
    let after = after.trim_start_matches(['/', '\\']);
    &after[..after.find(['/', '\\', '?', '#']).unwrap_or(after.len())]
}
