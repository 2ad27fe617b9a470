//! How alike two texts are, exactly, and from where on one is a copy of the other.

use super::text::Pieces;

/// From this [`Likeness::overlap`] on a text counts as a copy. Chosen by measurement, see `docs/originality.md`.
pub const COPY_OVERLAP_MIN: f64 = 0.3;
/// Fewer common pieces make no copy, whatever their share: a stock phrase under a short text. 60 pieces are a
/// passage of 63 Chinese characters, or of some fifteen English words.
pub const COPY_PIECES_MIN: usize = 60;

/// How alike two texts are; shares run from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Common pieces.
    pub shared: usize,
    /// Common pieces among all pieces of both (Jaccard).
    pub jaccard: f64,
    /// Common pieces among those of the smaller text: 1 when one text is a part of the other. This is what
    /// decides, because a copy stays a copy when text is cut from it or added to it.
    pub overlap: f64,
    /// Whether both say the same from the first letter to the last.
    pub same: bool,
}

impl Likeness {
    /// Compares two texts piece by piece.
    pub fn of(a: &Pieces, b: &Pieces) -> Self {
        let shared = a.shared(b);
        let share_of = |all: usize| if all == 0 { 0.0 } else { shared as f64 / all as f64 };
        Self {
            shared,
            jaccard: share_of(a.len() + b.len() - shared),
            overlap: share_of(a.len().min(b.len())),
            same: a.whole().is_some() && a.whole() == b.whole(),
        }
    }

    /// Whether one is a copy of the other. Texts that say the same are, however short.
    pub fn is_copy(&self) -> bool {
        self.same || (self.shared >= COPY_PIECES_MIN && self.overlap >= COPY_OVERLAP_MIN)
    }
}

/// How alike the texts of two articles' bodies in HTML are.
pub fn likeness(a_html: &str, b_html: &str) -> Likeness {
    Likeness::of(&Pieces::of_html(a_html), &Pieces::of_html(b_html))
}
