//! Randomness for ids and tokens, as one object, so that a sandbox of the same seed makes the same ids.

use std::sync::Mutex;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A source of random bytes.
pub struct Random(Mutex<StdRng>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// Seeded by the operating system: for everything that must not be guessed.
    pub fn system() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// The same numbers for the same seed: for ids in a sandbox.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Goes on with the numbers of another seed.
    pub fn reseed(&self, seed: u64) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = StdRng::seed_from_u64(seed);
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }

    /// A random text of `N` bytes in the URL-safe alphabet.
    pub fn text<const N: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<N>())
    }

    /// A random number.
    pub fn number(&self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }
}
