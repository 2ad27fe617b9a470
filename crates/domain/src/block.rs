//! A block: 65,536 yes-or-no facts about consecutive followers, in memory and on disk.
//!
//! In memory it is a fixed 1,024 words of 64 bits, worked on word by word. On disk it is encoded by density
//! (empty, full, list, inverse list, raw) and sealed by a checksum, at most 8,197 bytes: of damaged bytes nothing is
//! read. [`encoded_contains`] answers for one place without decoding the rest, which is what an inbox page needs.

/// How many places a block has.
pub const BLOCK_SIZE: u32 = 65_536;
const WORDS: usize = 1_024;
/// From this many entries a list is no smaller than the raw form.
const LIST_MAX: u32 = 4_095;

/// Length of the checksum (CRC-32, lowest byte first).
const SEAL_BYTES: usize = 4;

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const LIST: u8 = 2;
const INVERSE: u8 = 3;
const RAW: u8 = 4;

/// A set of places 0…65,535.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    words: Box<[u64; WORDS]>,
}

/// Bytes that are no encoded block: damage in storage, never something a caller sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are not a block")]
pub struct DamagedBlock;

impl Default for Block {
    fn default() -> Self {
        Self::empty()
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({} of {BLOCK_SIZE})", self.count())
    }
}

impl FromIterator<u16> for Block {
    fn from_iter<I: IntoIterator<Item = u16>>(places: I) -> Self {
        let mut block = Self::empty();
        for place in places {
            block.insert(place);
        }
        block
    }
}

impl Block {
    /// The set of no place.
    pub fn empty() -> Self {
        Self {
            words: Box::new([0; WORDS]),
        }
    }

    /// The set of every place.
    pub fn full() -> Self {
        Self {
            words: Box::new([u64::MAX; WORDS]),
        }
    }

    /// Adds `place`; says whether it was new.
    pub fn insert(&mut self, place: u16) -> bool {
        let (word, bit) = split(place);
        let was = self.words[word];
        self.words[word] = was | bit;
        was & bit == 0
    }

    /// Removes `place`; says whether it was there.
    pub fn remove(&mut self, place: u16) -> bool {
        let (word, bit) = split(place);
        let was = self.words[word];
        self.words[word] = was & !bit;
        was & bit != 0
    }

    /// Whether `place` is in the set.
    pub fn contains(&self, place: u16) -> bool {
        let (word, bit) = split(place);
        self.words[word] & bit != 0
    }

    /// How many places are in the set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether no place is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Keeps what `other` holds too.
    pub fn intersect(&mut self, other: &Block) {
        for (word, theirs) in self.words.iter_mut().zip(other.words.iter()) {
            *word &= theirs;
        }
    }

    /// Takes out what `other` holds.
    pub fn subtract(&mut self, other: &Block) {
        for (word, theirs) in self.words.iter_mut().zip(other.words.iter()) {
            *word &= !theirs;
        }
    }

    /// Adds what `other` holds.
    pub fn unite(&mut self, other: &Block) {
        for (word, theirs) in self.words.iter_mut().zip(other.words.iter()) {
            *word |= theirs;
        }
    }

    /// Moves what is in both sets out of this one and returns it.
    pub fn take(&mut self, other: &Block) -> Block {
        let mut taken = Block::empty();
        for ((word, theirs), out) in self
            .words
            .iter_mut()
            .zip(other.words.iter())
            .zip(taken.words.iter_mut())
        {
            *out = *word & theirs;
            *word &= !theirs;
        }
        taken
    }

    /// Adds `value` at each place of `added` to the number that `planes` (lowest bit first) keep there;
    /// numbers stop at the largest that the planes hold.
    pub(crate) fn count_up(planes: &mut [Block; 3], added: &Block) {
        let [low, middle, high] = planes;
        for index in 0..WORDS {
            let (a, b, c) = (low.words[index], middle.words[index], high.words[index]);
            let carry = added.words[index] & !(a & b & c);
            low.words[index] = a ^ carry;
            middle.words[index] = b ^ (a & carry);
            high.words[index] = c ^ (a & b & carry);
        }
    }

    /// Where the number in `planes` (lowest bit first) is at least `threshold`, 0…7.
    pub(crate) fn at_least(planes: &[Block; 3], threshold: u8) -> Block {
        let mut result = Block::empty();
        for index in 0..WORDS {
            let mut more = 0_u64;
            let mut equal = u64::MAX;
            for bit in (0..3).rev() {
                let plane = planes[bit].words[index];
                if threshold >> bit & 1 == 0 {
                    more |= equal & plane;
                    equal &= !plane;
                } else {
                    equal &= plane;
                }
            }
            result.words[index] = more | equal;
        }
        result
    }

    /// The places in the set, ascending.
    pub fn places(&self) -> impl Iterator<Item = u16> + '_ {
        self.places_from(0)
    }

    /// The places in the set that are at least `first`, ascending.
    pub fn places_from(&self, first: u16) -> impl Iterator<Item = u16> + '_ {
        let start = usize::from(first) / 64;
        self.words
            .iter()
            .enumerate()
            .skip(start)
            .flat_map(move |(index, word)| {
                let mut rest = *word;
                if index == start {
                    rest &= u64::MAX << (first % 64);
                }
                std::iter::from_fn(move || {
                    if rest == 0 {
                        return None;
                    }
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    Some((index as u32 * 64 + bit) as u16)
                })
            })
    }

    /// The stored form, the smallest of the five.
    pub fn encode(&self) -> Vec<u8> {
        let count = self.count();
        seal(match count {
            0 => vec![EMPTY],
            BLOCK_SIZE => vec![FULL],
            1..=LIST_MAX => list(LIST, self, count),
            _ if BLOCK_SIZE - count <= LIST_MAX => {
                let mut inverse = Block::full();
                inverse.subtract(self);
                list(INVERSE, &inverse, BLOCK_SIZE - count)
            }
            _ => {
                let mut bytes = Vec::with_capacity(1 + WORDS * 8 + SEAL_BYTES);
                bytes.push(RAW);
                for word in self.words.iter() {
                    bytes.extend_from_slice(&word.to_le_bytes());
                }
                bytes
            }
        })
    }

    /// Reads the stored form; fails when its checksum does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedBlock> {
        let (form, payload) = unseal(bytes)?;
        match (*form, payload.len()) {
            (EMPTY, 0) => Ok(Self::empty()),
            (FULL, 0) => Ok(Self::full()),
            (LIST, _) => read_list(payload),
            (INVERSE, _) => {
                let mut block = Self::full();
                block.subtract(&read_list(payload)?);
                Ok(block)
            }
            (RAW, 8_192) => {
                let mut block = Self::empty();
                for (word, bytes) in block.words.iter_mut().zip(payload.as_chunks::<8>().0) {
                    *word = u64::from_le_bytes(*bytes);
                }
                Ok(block)
            }
            _ => Err(DamagedBlock),
        }
    }
}

/// Whether the stored form `bytes` holds `place`, without decoding the rest; fails when its checksum does not fit.
pub fn encoded_contains(bytes: &[u8], place: u16) -> Result<bool, DamagedBlock> {
    let (form, payload) = unseal(bytes)?;
    match *form {
        EMPTY => Ok(false),
        FULL => Ok(true),
        LIST => list_contains(payload, place),
        INVERSE => list_contains(payload, place).map(|listed| !listed),
        RAW => {
            let byte = payload.get(usize::from(place) / 8).ok_or(DamagedBlock)?;
            Ok(byte >> (place % 8) & 1 == 1)
        }
        _ => Err(DamagedBlock),
    }
}

/// Puts the checksum of `bytes` behind them.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The form and what follows it, once the checksum behind them fits.
fn unseal(bytes: &[u8]) -> Result<(&u8, &[u8]), DamagedBlock> {
    let (sealed, sum) = bytes.split_last_chunk::<SEAL_BYTES>().ok_or(DamagedBlock)?;
    if crc32fast::hash(sealed) != u32::from_le_bytes(*sum) {
        return Err(DamagedBlock);
    }
    sealed.split_first().ok_or(DamagedBlock)
}

fn split(place: u16) -> (usize, u64) {
    (usize::from(place) / 64, 1 << (place % 64))
}

fn list(form: u8, block: &Block, count: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + count as usize * 2 + SEAL_BYTES);
    bytes.push(form);
    for place in block.places() {
        bytes.extend_from_slice(&place.to_le_bytes());
    }
    bytes
}

fn read_list(payload: &[u8]) -> Result<Block, DamagedBlock> {
    let (places, rest) = payload.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DamagedBlock);
    }
    let places = || places.iter().map(|pair| u16::from_le_bytes(*pair));
    // Looked up by halves elsewhere: a list out of order would be two different sets.
    if !places().is_sorted_by(|earlier, later| earlier < later) {
        return Err(DamagedBlock);
    }
    Ok(places().collect())
}

fn list_contains(payload: &[u8], place: u16) -> Result<bool, DamagedBlock> {
    let (places, rest) = payload.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DamagedBlock);
    }
    Ok(places
        .binary_search_by_key(&place, |pair| u16::from_le_bytes(*pair))
        .is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roaring::RoaringBitmap;

    #[test]
    fn a_list_out_of_order_is_damage() {
        for form in [LIST, INVERSE] {
            let decode = |list: [u8; 4]| Block::decode(&seal([&[form], &list[..]].concat()));
            assert!(decode([1, 0, 2, 0]).is_ok());
            assert_eq!(decode([2, 0, 1, 0]), Err(DamagedBlock));
            assert_eq!(decode([1, 0, 1, 0]), Err(DamagedBlock));
        }
    }

    fn some_block() -> impl Strategy<Value = Block> {
        let sparse = prop::collection::vec(any::<u16>(), 0..200).prop_map(Block::from_iter);
        let dense = sparse.clone().prop_map(|holes| {
            let mut block = Block::full();
            block.subtract(&holes);
            block
        });
        let random = any::<u64>().prop_map(|seed| {
            let mut state = seed | 1;
            let mut block = Block::empty();
            for word in block.words.iter_mut() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *word = state;
            }
            block
        });
        prop_oneof![sparse, dense, random, Just(Block::empty()), Just(Block::full())]
    }

    fn model(block: &Block) -> RoaringBitmap {
        block.places().map(u32::from).collect()
    }

    proptest! {
        #[test]
        fn a_block_is_the_same_after_storing(block in some_block(), place: u16) {
            let stored = block.encode();
            prop_assert!(stored.len() <= 8_197);
            prop_assert_eq!(Block::decode(&stored).unwrap(), block.clone());
            prop_assert_eq!(encoded_contains(&stored, place).unwrap(), block.contains(place));
        }

        #[test]
        fn set_algebra_agrees_with_a_general_bitmap(a in some_block(), b in some_block(), first: u16) {
            let (ours, theirs) = (model(&a), model(&b));
            let mut both = a.clone();
            both.intersect(&b);
            let mut either = a.clone();
            either.unite(&b);
            let mut less = a.clone();
            let taken = less.take(&b);
            prop_assert_eq!(model(&both), &ours & &theirs);
            prop_assert_eq!(model(&either), &ours | &theirs);
            prop_assert_eq!(model(&less), &ours - &theirs);
            prop_assert_eq!(&taken, &both);
            prop_assert_eq!(u64::from(a.count()), ours.len());
            prop_assert!(a.places_from(first).map(u32::from).eq(ours.range(u32::from(first)..)));
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..9_000), place: u16) {
            for bytes in [seal(bytes.clone()), bytes] {
                let _ = Block::decode(&bytes);
                let _ = encoded_contains(&bytes, place);
            }
        }

        #[test]
        fn a_flipped_bit_is_always_noticed(block in some_block(), at: prop::sample::Index, bit in 0..8_u8, place: u16) {
            let mut stored = block.encode();
            let at = at.index(stored.len());
            stored[at] ^= 1 << bit;
            prop_assert_eq!(Block::decode(&stored), Err(DamagedBlock));
            prop_assert_eq!(encoded_contains(&stored, place), Err(DamagedBlock));
        }
    }

    #[test]
    fn every_density_has_its_form() {
        let check = |count: u32, form: u8| {
            let block: Block = (0..count).map(|place| place as u16).collect();
            assert_eq!(block.encode()[0], form, "{count}");
        };
        check(0, EMPTY);
        check(1, LIST);
        check(LIST_MAX, LIST);
        check(LIST_MAX + 1, RAW);
        check(BLOCK_SIZE - LIST_MAX - 1, RAW);
        check(BLOCK_SIZE - LIST_MAX, INVERSE);
        check(BLOCK_SIZE, FULL);
    }
}
