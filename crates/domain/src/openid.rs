//! OpenIDs: a follower's public name in one account, the ordinal sealed by the account's key.
//!
//! `o`, five characters that name the account, and 22 characters base64url of one AES-128 block that holds
//! the ordinal and a 64-bit check: 28 characters in all, as clients expect. OpenID and ordinal turn into each
//! other without an index; a forged or foreign one fails the check (SEC1).

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::id::Ordinal;

/// Characters of every OpenID (clients.md §1 rule 8).
pub const OPEN_ID_LENGTH: usize = 28;
const CHECK: u64 = u64::from_be_bytes(*b"qunfa-id");

/// A follower's public name in one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpenId(pub String);

impl std::fmt::Display for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Seals and opens the OpenIDs of one account. The key never changes: a lost key renames everybody.
#[derive(Clone)]
pub struct OpenIdKey {
    cipher: Aes128,
    prefix: String,
}

impl std::fmt::Debug for OpenIdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenIdKey({})", self.prefix)
    }
}

impl OpenIdKey {
    /// The key made of 16 secret bytes.
    pub fn new(secret: &[u8; 16]) -> Self {
        let cipher = Aes128::new(&(*secret).into());
        let mut name = [0xff_u8; 16].into();
        cipher.encrypt_block(&mut name);
        let mut prefix = String::from("o");
        prefix.push_str(&URL_SAFE_NO_PAD.encode(name)[..5]);
        Self { cipher, prefix }
    }

    /// The OpenID of `ordinal`.
    pub fn seal(&self, ordinal: Ordinal) -> OpenId {
        let plain = (u128::from(ordinal.0) << 64) | u128::from(CHECK);
        let mut block = plain.to_be_bytes().into();
        self.cipher.encrypt_block(&mut block);
        let mut name = String::with_capacity(OPEN_ID_LENGTH);
        name.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(block, &mut name);
        OpenId(name)
    }

    /// The ordinal that `open_id` names in this account; `None` for a forged, foreign or misspelt one.
    pub fn open(&self, open_id: &str) -> Option<Ordinal> {
        if open_id.len() != OPEN_ID_LENGTH {
            return None;
        }
        let sealed = open_id.strip_prefix(&self.prefix)?;
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(sealed).ok()?.try_into().ok()?;
        let mut block = bytes.into();
        self.cipher.decrypt_block(&mut block);
        let plain = u128::from_be_bytes(block.into());
        if plain as u64 != CHECK {
            return None;
        }
        u32::try_from(plain >> 64).ok().map(Ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_open_id_names_its_ordinal_and_nothing_else_does(ordinal: u32, position in 0..28_usize, other in "[A-Za-z0-9_-]") {
            let key = OpenIdKey::new(b"0123456789abcdef");
            let open_id = key.seal(Ordinal(ordinal));
            prop_assert_eq!(open_id.0.len(), OPEN_ID_LENGTH);
            prop_assert!(open_id.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            prop_assert_eq!(key.open(&open_id.0), Some(Ordinal(ordinal)));
            let mut forged = open_id.0.clone();
            forged.replace_range(position..=position, &other);
            prop_assert_eq!(key.open(&forged).is_some(), forged == open_id.0);
        }

        #[test]
        fn sec01_any_text_is_refused_quietly(text in ".{0,40}") {
            prop_assert_eq!(OpenIdKey::new(&[7; 16]).open(&text), None);
        }
    }

    /// Whoever stored an OpenID finds the same follower by it after every update.
    #[test]
    fn open_ids_are_what_they_were_and_are_written_as_they_are() {
        let open_id = OpenIdKey::new(b"0123456789abcdef").seal(Ordinal(42));
        assert_eq!(open_id.to_string(), "oMeJ_frDQ5fNiBlch2kestHURoKQ");
    }

    #[test]
    fn sec01_another_accounts_open_id_is_unknown() {
        let ours = OpenIdKey::new(&[1; 16]);
        let theirs = OpenIdKey::new(&[2; 16]);
        assert_eq!(ours.open(&theirs.seal(Ordinal(5)).0), None);
    }

    #[test]
    fn only_the_canonical_spelling_is_valid() {
        let key = OpenIdKey::new(&[3; 16]);
        let open_id = key.seal(Ordinal(9)).0;
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let valid = alphabet.chars().filter(|last| {
            key.open(&format!("{}{last}", &open_id[..OPEN_ID_LENGTH - 1]))
                .is_some()
        });
        assert_eq!(valid.count(), 1);
    }
}
