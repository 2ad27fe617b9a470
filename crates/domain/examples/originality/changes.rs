//! What copyists do to a text.

/// A repeatable source of numbers (SplitMix64).
pub struct Random(u64);

impl Random {
    /// The numbers that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % limit.max(1) as u64) as usize
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> Option<&'a T> {
        from.get(self.below(from.len())).copied()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A way to change a text.
#[derive(Clone, Copy)]
pub enum Change {
    /// So many of the words (of the characters, in Chinese), here and there, are replaced, left out, or followed
    /// by another one, in equal parts.
    Words,
    /// Whole sentences are left out: at most that share of the text.
    Deleted,
    /// So many of the sentences take each other's places.
    Moved,
    /// Sentences of another text are strewn in until they are that share of the copy.
    Foreign,
}

impl Change {
    /// Every one.
    pub const ALL: [Change; 4] = [Change::Words, Change::Deleted, Change::Moved, Change::Foreign];

    /// The word in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Change::Words => "words",
            Change::Deleted => "deleted",
            Change::Moved => "moved",
            Change::Foreign => "foreign",
        }
    }

    /// `text` with `percent` of it changed. Foreign words and sentences come from `pool`.
    pub fn apply(self, text: &str, percent: u32, pool: &[&str], random: &mut Random) -> String {
        match self {
            Change::Words => words(text, percent, random),
            Change::Deleted => deleted(text, percent, random),
            Change::Moved => moved(text, percent, random),
            Change::Foreign => foreign(text, percent, pool, random),
        }
    }
}

/// Other words are words of the same text, so that a change is no giveaway.
fn words(text: &str, percent: u32, random: &mut Random) -> String {
    let units = units(text);
    let words: Vec<&str> = units.iter().copied().filter(|unit| is_word(unit)).collect();
    let mut changed = String::with_capacity(text.len());
    for unit in &units {
        if !is_word(unit) || !random.happens(percent) {
            changed.push_str(unit);
            continue;
        }
        let other = random.pick(&words).unwrap_or_default();
        match random.below(3) {
            0 => changed.push_str(other),
            1 => {}
            _ => changed.extend([unit, other]),
        }
    }
    changed
}

fn deleted(text: &str, percent: u32, random: &mut Random) -> String {
    let sentences = sentences(text);
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    random.shuffle(&mut order);
    let mut may_go = letters(text) * percent as usize / 100;
    let mut gone = vec![false; sentences.len()];
    for place in order {
        if let Some(rest) = may_go.checked_sub(letters(sentences[place])) {
            may_go = rest;
            gone[place] = true;
        }
    }
    sentences
        .iter()
        .zip(gone)
        .filter(|(_, gone)| !gone)
        .map(|(sentence, _)| *sentence)
        .collect()
}

fn moved(text: &str, percent: u32, random: &mut Random) -> String {
    let mut sentences = sentences(text);
    let mut places: Vec<usize> = (0..sentences.len()).collect();
    random.shuffle(&mut places);
    places.truncate(sentences.len() * percent as usize / 100);
    let mut targets = places.clone();
    random.shuffle(&mut targets);
    let before = sentences.clone();
    for (place, target) in places.into_iter().zip(targets) {
        sentences[target] = before[place];
    }
    sentences.concat()
}

fn foreign(text: &str, percent: u32, pool: &[&str], random: &mut Random) -> String {
    let mut sentences = sentences(text);
    let wanted = letters(text) * percent as usize / (100 - percent as usize).max(1);
    let mut added = 0;
    while added < wanted {
        let other = random
            .pick(pool)
            .filter(|other| *other != text)
            .unwrap_or("另一篇文章。");
        for sentence in self::sentences(other) {
            if added >= wanted {
                break;
            }
            added += letters(sentence);
            sentences.insert(random.below(sentences.len() + 1), sentence);
        }
    }
    sentences.concat()
}

/// The text cut behind every end of a sentence or line.
fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['。', '！', '？', '；', '\n', '.', '!', '?', ';'])
        .collect()
}

/// The text cut into words, Chinese characters, and what stands between them.
fn units(text: &str) -> Vec<&str> {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphanumeric() {
            rest.find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (unit, after) = rest.split_at(length);
        units.push(unit);
        rest = after;
    }
    units
}

/// What the share of a change is counted in: letters and digits, not rules, spaces and bytes.
fn letters(text: &str) -> usize {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .count()
}

fn is_word(unit: &str) -> bool {
    unit.chars().all(char::is_alphanumeric)
}
