//! The originality check (原创校验): whether an article about to be sent is a copy of somebody's declared original,
//! and what follows from it (spec mass-send §14.5, events §4.2–4.3).
//!
//! Three steps. [`fingerprint`] gives the keys by which the store finds the few originals that may resemble an
//! article. [`Likeness`] compares the article with each of them exactly and decides what is a copy. [`judge`] says
//! what becomes of the news. Where originals are kept, which one is looked at, and how a reprint is shown is the
//! callers' work. How well it finds copies is measured in `docs/originality.md`.
//!
//! The signature is our own and not a library's: keys are stored for years, so they must come out the same from
//! every version on every machine. The crate `gaoya` hashes text through `std::hash` and draws its constants from
//! `rand`'s `StdRng`; neither promises to stay the same.

mod fingerprint;
mod likeness;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

pub use fingerprint::{BAND_ROWS, BANDS, Fingerprint, SIGNATURE_LENGTH, fingerprint};
pub use likeness::{COPY_OVERLAP_MIN, COPY_PIECES_MIN, Likeness, likeness};
pub use text::{PIECE_CHARACTERS_CJK, PIECE_CHARACTERS_OTHER, Pieces, normalise};
pub use verdict::*;
