//! The body of a JSON call: from bytes to an object, whatever the Content-Type says.
//!
//! Only two things can be wrong with a body as such, that it is empty or that it is no JSON object. Size limits
//! are kept where the bytes are read.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Objects and arrays within each other that are still read.
const DEPTH_MAX: usize = 64;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What can be wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There is nothing but white space.
    #[error("the body is empty")]
    Empty,
    /// It is not a JSON object, not UTF-8, or nested too deeply.
    #[error("the body is not a JSON object")]
    NotJson,
}

/// The JSON object in `bytes`; of a key that appears twice, the last one counts.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, BodyError> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii();
    if text.is_empty() {
        return Err(BodyError::Empty);
    }
    if depth(text) > DEPTH_MAX {
        return Err(BodyError::NotJson);
    }
    serde_json::from_slice(text).map_err(|_| BodyError::NotJson)
}

/// The request in `bytes`. Shapes of this crate accept every object.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BodyError> {
    serde_json::from_value(Value::Object(parse_object(bytes)?)).map_err(|_| BodyError::NotJson)
}

/// The request in the query or form `pairs`, already unescaped; of a name that appears twice, the last one counts.
pub fn read_pairs<T: DeserializeOwned>(
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<T, BodyError> {
    let object = pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    serde_json::from_value(Value::Object(object)).map_err(|_| BodyError::NotJson)
}

/// How deeply objects and arrays lie within each other; brackets in strings do not count.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_white_space_is_empty() {
        for bytes in [&b""[..], b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"] {
            assert_eq!(parse_object(bytes), Err(BodyError::Empty));
        }
    }

    #[test]
    fn a_byte_order_mark_and_a_last_newline_are_accepted() {
        let object = parse_object(b"\xef\xbb\xbf{\"a\":\"\xe4\xb8\xad\"}\n").expect("an object");
        assert_eq!(object["a"], "中");
    }

    #[test]
    fn unicode_escapes_are_decoded() {
        assert_eq!(parse_object(br#"{"a":"\u4e2d"}"#).expect("an object")["a"], "中");
    }

    #[test]
    fn only_a_whole_object_in_utf8_is_a_body() {
        let others: [&[u8]; 8] = [
            b"[]",
            b"1",
            b"null",
            b"{",
            b"{} {}",
            b"a=1",
            b"{\"a\":\"\xff\"}",
            b"<xml></xml>",
        ];
        for bytes in others {
            assert_eq!(parse_object(bytes), Err(BodyError::NotJson));
        }
    }

    #[test]
    fn nesting_is_read_to_its_limit_and_never_beyond() {
        let nested = |arrays: usize| format!("{{\"a\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays));
        assert!(parse_object(nested(DEPTH_MAX - 1).as_bytes()).is_ok());
        assert_eq!(
            parse_object(nested(DEPTH_MAX).as_bytes()),
            Err(BodyError::NotJson)
        );
        assert_eq!(
            parse_object("[".repeat(1_000_000).as_bytes()),
            Err(BodyError::NotJson)
        );
    }

    #[test]
    fn brackets_in_texts_do_not_count_as_nesting() {
        let text = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(1000));
        assert!(parse_object(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_query_is_read_like_a_body() {
        let pairs = [("next_openid", "a"), ("access_token", "T"), ("next_openid", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let query: crate::follower::ListQuery = read_pairs(pairs).expect("a query");
        assert!(query.next_openid.is_absent());
    }

    #[test]
    fn of_a_repeated_key_the_last_one_counts() {
        assert_eq!(parse_object(br#"{"a":1,"a":2}"#).expect("an object")["a"], 2);
    }
}
