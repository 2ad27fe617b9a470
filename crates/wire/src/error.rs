//! The reply to a refused call: errcode, errmsg and, for one code, a number beside them.
//!
//! Which code fits which refusal is decided by the server. The HTTP status is 200 all the same.

use std::net::IpAddr;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::errcode::ErrCode;

/// A refusal as it goes onto the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// The number clients match on; never 0.
    pub errcode: i64,
    /// The text of the table, with ` rid: …` behind it where one was given.
    pub errmsg: String,
    /// One more field, such as the earlier `msg_id` beside 45065.
    pub extra: Option<(&'static str, i64)>,
}

impl ErrorReply {
    /// The reply for `code`. 45065 goes out without `rid`, whatever is given.
    pub fn new(code: ErrCode, rid: Option<&str>) -> Self {
        Self::with_text(code, code.message(), rid)
    }

    /// The reply for `code` with a text of its own, where the text names a value of the request.
    pub fn with_text(code: ErrCode, text: &str, rid: Option<&str>) -> Self {
        let errmsg = match rid {
            Some(rid) if code != ErrCode::ClientMsgIdExists => format!("{text} rid: {rid}"),
            _ => text.to_owned(),
        };
        Self {
            errcode: code.code(),
            errmsg,
            extra: None,
        }
    }

    /// 40164 with the refused address in its text, in both notations.
    pub fn ip_not_in_whitelist(address: IpAddr, rid: Option<&str>) -> Self {
        let text = match address.to_canonical() {
            IpAddr::V4(v4) => format!("invalid ip {v4} ipv6 ::ffff:{v4}, not in whitelist"),
            IpAddr::V6(v6) => format!("invalid ip {v6} ipv6 {v6}, not in whitelist"),
        };
        Self::with_text(ErrCode::IpNotInWhitelist, &text, rid)
    }

    /// Puts one more number beside the code.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: i64) -> Self {
        self.extra = Some((key, value));
        self
    }

    /// The body: one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a number, a text and a number always have a JSON form")
    }
}

impl Serialize for ErrorReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("errcode", &self.errcode)?;
        map.serialize_entry("errmsg", &self.errmsg)?;
        if let Some((key, value)) = &self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The request id of an error text: the time, then two groups of chance, all in hex.
pub fn rid(unix_seconds: u64, random: u64) -> String {
    format!(
        "{unix_seconds:08x}-{:08x}-{:08x}",
        random >> 32,
        random & 0xffff_ffff
    )
}

/// The Unix seconds in a request id; `None` for what is none.
pub fn rid_seconds(rid: &str) -> Option<u64> {
    let parts: Vec<&str> = rid.split('-').collect();
    let [seconds, _, _] = parts.as_slice() else {
        return None;
    };
    let is_part = |part: &&str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !parts.iter().all(is_part) {
        return None;
    }
    u64::from_str_radix(seconds, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_code_text_and_rid_in_one_line() {
        let rid = rid(0x64ee_ed96, 0x5a84_6396_29ad_80fd);
        insta::assert_snapshot!(
            ErrorReply::new(ErrCode::NoMassSendQuota, Some(&rid)).to_json(),
            @r#"{"errcode":45028,"errmsg":"has no masssend quota rid: 64eeed96-5a846396-29ad80fd"}"#
        );
    }

    #[test]
    fn a_repeated_clientmsgid_names_the_earlier_mass_and_has_no_rid() {
        insta::assert_snapshot!(
            ErrorReply::new(ErrCode::ClientMsgIdExists, Some("x")).with("msg_id", 1_000_000_001).to_json(),
            @r#"{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":1000000001}"#
        );
    }

    #[test]
    fn a_refused_address_is_named_in_both_notations() {
        let address = "203.0.113.9".parse().expect("an address");
        assert_eq!(
            ErrorReply::ip_not_in_whitelist(address, None).errmsg,
            "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"
        );
    }

    #[test]
    fn a_rid_tells_its_time_and_nothing_else_is_one() {
        assert_eq!(rid_seconds("64eeed96-5a846396-29ad80fd"), Some(0x64ee_ed96));
        for other in [
            "",
            "64eeed96",
            "64eeed96-5a846396",
            "64eeed96-5a846396-29ad80f",
            "64eeed9x-5a846396-29ad80fd",
        ] {
            assert_eq!(rid_seconds(other), None, "{other}");
        }
    }

    #[test]
    fn a_rid_keeps_its_leading_zeros() {
        assert_eq!(rid(1, 2), "00000001-00000000-00000002");
    }
}
