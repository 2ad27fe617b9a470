//! The signature of webhooks, after Standard Webhooks: <https://www.standardwebhooks.com>.

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins where people see it.
pub const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret, by the standard.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

const SECRET_BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret must be whsec_ and 24 to 64 bytes in base64")]
pub struct BadSecret;

/// What sender and receiver sign with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The secret of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSecret> {
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(BadSecret)
        }
    }

    /// Reads a secret, with or without its prefix.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        Self::from_bytes(&SECRET_BASE64.decode(text).map_err(|_| BadSecret)?)
    }

    /// Its bytes, to be kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As it is shown.
    pub fn text(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The headers that a request with this body carries. `id` is the same at every try; `timestamp` is in Unix seconds.
    pub fn headers(&self, id: &str, timestamp: i64, body: &str) -> [(&'static str, String); 3] {
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", format!("v1,{signature}")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_implementation_makes_the_same_signature() {
        let secret = Secret::from_bytes(&[7; 32]).expect("a secret");
        let theirs = standardwebhooks::Webhook::new(&secret.text()).expect("a secret");
        for body in ["", "{}", r#"{"text":"停水通知"}"#] {
            let [id, timestamp, signature] = secret.headers("b_1", 1_800_000_000, body);
            assert_eq!(id, ("webhook-id", "b_1".into()));
            assert_eq!(timestamp, ("webhook-timestamp", "1800000000".into()));
            let expected = theirs.sign("b_1", 1_800_000_000, body.as_bytes()).expect("signs");
            assert_eq!(signature, ("webhook-signature", expected));
        }
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_has_enough_bytes() {
        for length in [24, 32, 64] {
            let secret = Secret::from_bytes(&vec![9; length]).expect("a secret");
            assert_eq!(Secret::parse(&secret.text()), Ok(secret.clone()));
            let bare = secret.text().replace(SECRET_PREFIX, "");
            assert_eq!(Secret::parse(bare.trim_end_matches('=')), Ok(secret));
        }
        for length in [0, 23, 65] {
            assert_eq!(Secret::from_bytes(&vec![9; length]), Err(BadSecret));
        }
        assert_eq!(Secret::parse("whsec_not base64"), Err(BadSecret));
    }
}
