//! What two articles are compared by: overlapping pieces of their text, without anything a copyist changes for free.

/// Characters of a piece that begins with a character of a script without spaces (Chinese, Japanese, Korean).
/// Chosen by measurement, see `docs/originality.md`.
pub const PIECE_CHARACTERS_CJK: usize = 4;
/// Characters of a piece that begins with any other letter or digit: about two words of English.
/// Chosen by measurement, see `docs/originality.md`.
pub const PIECE_CHARACTERS_OTHER: usize = 12;

/// The letters and digits of `text`, in lower case and ordinary width; nothing else stays. White space,
/// punctuation, symbols and invisible characters are what a copy changes without changing a word, and what
/// editors, browsers and keyboards change by themselves.
pub fn normalise(text: &str) -> Vec<char> {
    text.chars()
        .map(ordinary_width)
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Full-width forms of ASCII (Ｑ, １) as ASCII; every other character as it is.
fn ordinary_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    }
}

/// The pieces of an article's text (shingles), each as a number: a set that two articles are compared by.
///
/// At every character a piece begins, so a change of one character touches only the few pieces that hold it,
/// and a sentence that moved keeps all but its outermost ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Sorted, each once.
    numbers: Vec<u64>,
    /// The whole normalised text as one number; `None` for a text without letters and digits.
    whole: Option<u64>,
}

impl Pieces {
    /// The pieces of an article's body in HTML.
    pub fn of_html(content: &str) -> Self {
        Self::of_text(&crate::article::plain_text(content))
    }

    /// The pieces of a text without markup.
    pub fn of_text(text: &str) -> Self {
        let characters = normalise(text);
        let mut numbers: Vec<u64> = (0..characters.len())
            .filter_map(|start| piece_at(&characters, start))
            .map(number)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self {
            numbers,
            whole: (!characters.is_empty()).then(|| number(&characters)),
        }
    }

    /// How many different pieces.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The pieces' numbers, ascending.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The whole text as one number; `None` when it has neither letters nor digits.
    pub(super) fn whole(&self) -> Option<u64> {
        self.whole
    }

    /// How many pieces both have.
    pub(super) fn shared(&self, other: &Pieces) -> usize {
        let mut theirs = other.numbers.iter().peekable();
        let mut shared = 0;
        for mine in &self.numbers {
            while theirs.next_if(|number| *number < mine).is_some() {}
            shared += usize::from(theirs.peek() == Some(&mine));
        }
        shared
    }
}

/// The piece that begins at `start`; `None` where the text ends before the piece does.
fn piece_at(characters: &[char], start: usize) -> Option<&[char]> {
    let rest = characters.get(start..)?;
    let length = if rest.first().copied().is_some_and(is_cjk) {
        PIECE_CHARACTERS_CJK
    } else {
        PIECE_CHARACTERS_OTHER
    };
    rest.get(..length)
}

/// Whether a character says about as much as a syllable or a word: Han, kana, hangul.
fn is_cjk(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a over the code points, then mixed. Stored keys depend on it: it never changes.
fn number(characters: &[char]) -> u64 {
    let hash = characters
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, character| {
            (hash ^ u64::from(u32::from(*character))).wrapping_mul(0x0000_0100_0000_01b3)
        });
    mix(hash)
}

/// The last step of SplitMix64: every bit of the input moves every bit of the result. It never changes.
pub(super) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
