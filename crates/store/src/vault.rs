//! Secrets at rest: wrapped by the master key, which lives outside the database (SEC3).

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{id::AccountId, link::LinkKey, position::PositionKey};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::{StoreError, StoreResult};

const NONCE: usize = 12;

/// Wraps and unwraps secrets, and derives the installation's keys.
#[derive(Clone)]
pub struct Vault {
    cipher: Aes256Gcm,
    master: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The vault of a master key.
    pub fn new(master: [u8; 32]) -> Self {
        Self {
            cipher: Aes256Gcm::new(&derive(&master, b"wrap").into()),
            master,
        }
    }

    /// Encrypts `secret` under a fresh nonce.
    pub fn wrap(&self, secret: &[u8], nonce: [u8; NONCE]) -> StoreResult<Vec<u8>> {
        let sealed = self.cipher.encrypt(&nonce.into(), secret);
        let sealed = sealed.map_err(|_| StoreError::Damaged("a secret could not be wrapped".into()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Vault::wrap`] made; fails under another master key.
    pub fn unwrap(&self, wrapped: &[u8]) -> StoreResult<Vec<u8>> {
        let damaged = || StoreError::Damaged("a stored secret does not open with this master key".into());
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        self.cipher
            .decrypt(&(*nonce).into(), sealed)
            .map_err(|_| damaged())
    }

    /// The key that public links are sealed with.
    pub fn link_key(&self) -> LinkKey {
        let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = derive(&self.master, b"links");
        LinkKey::new(&key)
    }

    /// The key that positions of readers are sealed with.
    pub fn position_key(&self) -> PositionKey {
        PositionKey::new(&derive(&self.master, b"positions"))
    }

    /// The stable token of an account's generation: the same whenever it is asked for (SEC2).
    pub fn stable_token(&self, account: AccountId, generation: i64) -> String {
        let mut text = b"stable-token".to_vec();
        text.extend_from_slice(&account.0.to_be_bytes());
        text.extend_from_slice(&generation.to_be_bytes());
        URL_SAFE_NO_PAD.encode(derive(&self.master, &text))
    }
}

/// The SHA-256 of a token or secret, the only form in which one is stored or looked up.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn derive(master: &[u8; 32], label: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(master).expect("HMAC takes a key of any length");
    mac.update(label);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec03_a_wrapped_secret_opens_under_its_own_master_key_only() {
        let vault = Vault::new([1; 32]);
        let wrapped = vault.wrap(b"the secret", [9; 12]).expect("wraps");
        assert!(!wrapped.windows(10).any(|window| window == b"the secret"));
        assert_eq!(vault.unwrap(&wrapped).expect("opens"), b"the secret");
        assert!(Vault::new([2; 32]).unwrap(&wrapped).is_err());
        assert!(vault.unwrap(&wrapped[..20]).is_err());
        assert!(vault.unwrap(b"").is_err());
    }

    #[test]
    fn sec02_a_stable_token_is_repeatable_and_its_own() {
        let vault = Vault::new([1; 32]);
        assert_eq!(
            vault.stable_token(AccountId(1), 1),
            vault.stable_token(AccountId(1), 1)
        );
        assert_ne!(
            vault.stable_token(AccountId(1), 1),
            vault.stable_token(AccountId(1), 2)
        );
        assert_ne!(
            vault.stable_token(AccountId(1), 1),
            vault.stable_token(AccountId(2), 1)
        );
    }
}
