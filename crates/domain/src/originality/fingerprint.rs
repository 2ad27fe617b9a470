//! What is stored of an original so that a copy finds it among very many: a MinHash signature, cut into bands.
//!
//! Every constant here, and the lengths and numbers of the pieces, decide what is stored. None may ever change; a
//! better fingerprint would be a second one beside this one. (Which characters are letters is the standard
//! library's knowledge and grows with Unicode: that touches texts in newly encoded characters only.)

use super::{
    likeness::COPY_PIECES_MIN,
    text::{Pieces, mix},
};

/// Values of a signature.
pub const SIGNATURE_LENGTH: usize = BANDS * BAND_ROWS;
/// Bands of a signature. Two texts meet when one band is equal.
pub const BANDS: usize = 64;
/// Values of a band.
pub const BAND_ROWS: usize = 2;

/// Where the constants of the signature come from: the outputs of SplitMix64 from this seed on.
const SEED: u64 = 0x6f72_6967_696e_616c; // "original"

/// `(a, b)` of each value: the smallest upper half of `a·piece + b` over all pieces.
const CONSTANTS: [(u64, u64); SIGNATURE_LENGTH] = constants();

const fn constants() -> [(u64, u64); SIGNATURE_LENGTH] {
    let mut constants = [(0, 0); SIGNATURE_LENGTH];
    let mut state = SEED;
    let mut i = 0;
    while i < SIGNATURE_LENGTH {
        let a = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = a.wrapping_add(0x9e37_79b9_7f4a_7c15);
        constants[i] = (mix(a) | 1, mix(state));
        i += 1;
    }
    constants
}

/// What finds an article again, whole or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    whole: Option<u64>,
    signature: Option<[u32; SIGNATURE_LENGTH]>,
}

impl Fingerprint {
    /// The fingerprint of an article with these pieces.
    pub fn of(pieces: &Pieces) -> Self {
        Self {
            whole: pieces.whole(),
            signature: (pieces.len() >= COPY_PIECES_MIN).then(|| signature(pieces.numbers())),
        }
    }

    /// What to store of an original, and to look up for an article about to be sent: numbers of bands and their
    /// keys. Two articles are worth comparing when they share a pair.
    ///
    /// Band 0 is the whole text: it finds an unchanged copy, however short. Bands 1 to [`BANDS`] find changed ones;
    /// a text of fewer than [`COPY_PIECES_MIN`] pieces has none of them, one without letters and digits none at all.
    pub fn bands(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        let whole = self.whole.map(|key| (0, key));
        let rows = self
            .signature
            .iter()
            .flat_map(|values| values.chunks_exact(BAND_ROWS));
        whole.into_iter().chain((1..).zip(rows.map(key)))
    }

    /// The share of equal values, which estimates [`super::Likeness::jaccard`]; `None` when one has no signature.
    #[cfg(test)]
    pub(super) fn estimate(&self, other: &Fingerprint) -> Option<f64> {
        let (mine, theirs) = (self.signature.as_ref()?, other.signature.as_ref()?);
        let equal = mine.iter().zip(theirs).filter(|(a, b)| a == b).count();
        Some(equal as f64 / SIGNATURE_LENGTH as f64)
    }
}

/// The fingerprint of an article's body in HTML.
pub fn fingerprint(content_html: &str) -> Fingerprint {
    Fingerprint::of(&Pieces::of_html(content_html))
}

fn signature(pieces: &[u64]) -> [u32; SIGNATURE_LENGTH] {
    let mut smallest = [u32::MAX; SIGNATURE_LENGTH];
    for piece in pieces {
        for (value, (a, b)) in smallest.iter_mut().zip(&CONSTANTS) {
            *value = (*value).min((a.wrapping_mul(*piece).wrapping_add(*b) >> 32) as u32);
        }
    }
    smallest
}

/// A band as one number.
fn key(values: &[u32]) -> u64 {
    values
        .iter()
        .fold(SEED, |key, value| mix(key ^ u64::from(*value)))
}
