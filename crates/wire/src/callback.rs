//! What goes to an account's server: signatures, the message cipher, and the envelope around an event.
//!
//! Events themselves are in [`event`], the reading of XML in [`xml`]. When and how often something is sent, and to
//! which addresses, is decided elsewhere.

pub mod event;
#[cfg(test)]
mod tests;
pub mod xml;

use std::fmt::{self, Write};

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// The plain text is padded to a multiple of this, although AES works in halves of it.
const PADDED_TO: usize = 32;

/// Random bytes and length in front of the message.
const HEAD_BYTES: usize = 20;

/// Decodes keys whose last character has spare bits set, as receivers do.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The plain signature: SHA-1 of the sorted strings, in lower-case hex.
pub fn signature(token: &str, timestamp: &str, nonce: &str) -> String {
    sorted_sha1(&mut [token, timestamp, nonce])
}

/// The signature that also covers the encrypted text.
pub fn msg_signature(token: &str, timestamp: &str, nonce: &str, encrypt: &str) -> String {
    sorted_sha1(&mut [token, timestamp, nonce, encrypt])
}

/// Whether two signatures are the same, in a time that does not tell where they differ.
pub fn signatures_match(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

fn sorted_sha1(parts: &mut [&str]) -> String {
    parts.sort_unstable();
    let digest = Sha1::digest(parts.concat());
    digest.iter().fold(String::with_capacity(40), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a String does not fail");
        hex
    })
}

/// A text or key that cannot be used. It does not say why, so that nothing can be learnt by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key or the encrypted text is not valid")]
pub struct CipherError;

/// The key of an account's callback, from its EncodingAESKey of 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct AesKey([u8; 32]);

impl AesKey {
    /// Reads an EncodingAESKey.
    pub fn parse(encoding_aes_key: &str) -> Result<Self, CipherError> {
        if encoding_aes_key.len() != 43 {
            return Err(CipherError);
        }
        let bytes = KEY_BASE64
            .decode(format!("{encoding_aes_key}="))
            .map_err(|_| CipherError)?;
        Ok(Self(bytes.try_into().map_err(|_| CipherError)?))
    }

    fn iv(&self) -> [u8; 16] {
        std::array::from_fn(|index| self.0[index])
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AesKey(secret)")
    }
}

/// Encrypts `msg` for the account `appid`. `random` must be new for every text.
pub fn encrypt(key: &AesKey, random: [u8; 16], msg: &str, appid: &str) -> String {
    let length = u32::try_from(msg.len()).expect("messages are far below 4 GiB");
    let mut plain = Vec::with_capacity(HEAD_BYTES + msg.len() + appid.len() + PADDED_TO);
    plain.extend_from_slice(&random);
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(msg.as_bytes());
    plain.extend_from_slice(appid.as_bytes());
    let padding = PADDED_TO - plain.len() % PADDED_TO;
    plain.resize(plain.len() + padding, padding as u8);

    let cipher = cbc::Encryptor::<Aes256>::new(&key.0.into(), &key.iv().into());
    STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&plain))
}

/// Decrypts a text that was encrypted for the account `appid`.
pub fn decrypt(key: &AesKey, text: &str, appid: &str) -> Result<String, CipherError> {
    let sealed = STANDARD.decode(text).map_err(|_| CipherError)?;
    if sealed.is_empty() || sealed.len() % PADDED_TO != 0 {
        return Err(CipherError);
    }
    let cipher = cbc::Decryptor::<Aes256>::new(&key.0.into(), &key.iv().into());
    let plain = cipher
        .decrypt_padded_vec::<NoPadding>(&sealed)
        .map_err(|_| CipherError)?;
    message_of(&plain, appid).ok_or(CipherError)
}

/// The message in a decrypted text, if padding, length and appid are exactly right.
fn message_of(plain: &[u8], appid: &str) -> Option<String> {
    let padding = usize::from(*plain.last()?);
    if !(1..=PADDED_TO).contains(&padding) {
        return None;
    }
    let (content, tail) = plain.split_at_checked(plain.len().checked_sub(padding)?)?;
    if tail.iter().any(|byte| usize::from(*byte) != padding) {
        return None;
    }
    let (head, rest) = content.split_at_checked(HEAD_BYTES)?;
    let length = u32::from_be_bytes(head[16..].try_into().ok()?);
    let (message, receiver) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    if receiver != appid.as_bytes() {
        return None;
    }
    String::from_utf8(message.to_vec()).ok()
}

/// What every request to an account's server is signed with; new for every try.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    /// The token of the account's callback.
    pub token: &'a str,
    /// Unix seconds.
    pub timestamp: i64,
    /// Random digits.
    pub nonce: &'a str,
}

impl Stamp<'_> {
    fn query(&self) -> Query {
        let timestamp = self.timestamp.to_string();
        let signature = signature(self.token, &timestamp, self.nonce);
        vec![
            ("signature", signature),
            ("timestamp", timestamp),
            ("nonce", self.nonce.to_owned()),
        ]
    }
}

/// What a message is encrypted with.
#[derive(Clone, Copy)]
pub struct Seal<'a> {
    /// The key of the account's callback.
    pub key: &'a AesKey,
    /// The account.
    pub appid: &'a str,
    /// Sixteen new random bytes.
    pub random: [u8; 16],
}

/// How messages go to an account's server.
#[derive(Clone, Copy)]
pub enum Mode<'a> {
    /// In clear.
    Plain,
    /// In clear, with the encrypted form inside.
    Compatible(Seal<'a>),
    /// Encrypted.
    Safe(Seal<'a>),
}

/// Query parameters, not yet escaped, to be put behind those that the address already has.
pub type Query = Vec<(&'static str, String)>;

/// A message ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What goes into the query.
    pub query: Query,
    /// What goes into the body, as `text/xml`.
    pub body: String,
}

/// A message before it is put into its envelope.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The message, as XML.
    pub xml: &'a str,
    /// The account's original id, its `ToUserName`.
    pub to: &'a str,
    /// The follower it comes from, if any.
    pub openid: Option<&'a str>,
}

impl Envelope {
    /// Puts a message into its envelope.
    pub fn new(letter: &Letter<'_>, mode: &Mode<'_>, stamp: &Stamp<'_>) -> Self {
        let mut query = stamp.query();
        if let Some(openid) = letter.openid {
            query.push(("openid", openid.to_owned()));
        }
        let body = match mode {
            Mode::Plain => letter.xml.to_owned(),
            Mode::Compatible(seal) => {
                let sealed = sealed_element(letter.xml, seal, stamp, &mut query);
                let inner = letter.xml.strip_suffix("</xml>").unwrap_or(letter.xml);
                format!("{inner}{sealed}</xml>")
            }
            Mode::Safe(seal) => {
                let sealed = sealed_element(letter.xml, seal, stamp, &mut query);
                format!(
                    "<xml><ToUserName>{}</ToUserName>{sealed}</xml>",
                    xml::cdata(letter.to)
                )
            }
        };
        Self { query, body }
    }
}

/// The `Encrypt` element; adds what belongs to it to the query.
fn sealed_element(text: &str, seal: &Seal<'_>, stamp: &Stamp<'_>, query: &mut Query) -> String {
    let sealed = encrypt(seal.key, seal.random, text, seal.appid);
    let signature = msg_signature(stamp.token, &stamp.timestamp.to_string(), stamp.nonce, &sealed);
    query.push(("encrypt_type", "aes".to_owned()));
    query.push(("msg_signature", signature));
    format!("<Encrypt>{}</Encrypt>", xml::cdata(&sealed))
}

/// The query of the GET that checks an address; the answer must be exactly `echostr`.
pub fn verification(stamp: &Stamp<'_>, echostr: &str) -> Query {
    let mut query = stamp.query();
    query.push(("echostr", echostr.to_owned()));
    query
}
