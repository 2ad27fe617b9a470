//! Where a reader stands in an inbox over one account or many.
//!
//! There is no number over all accounts: it could not keep I8. A position is one sequence number per account, and what
//! is newer than it is found account by account. Clients get it as text that is sealed for one reader: nobody builds
//! on what is in it, and nobody reads with another's. The same position is always the same text, so that answers that
//! did not change are equal byte by byte.

use std::collections::BTreeMap;

use aes_siv::{KeyInit, siv::Aes128Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::id::{AccountId, ExternalId, Ordinal, Sequence};

/// Characters that a sealed position has at most; a longer text is not looked at. Room for some 3,000 accounts.
const TEXT_MAX: usize = 32_768;

/// One follower: a reader's part in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// The account.
    pub account: AccountId,
    /// Which of its followers.
    pub ordinal: Ordinal,
}

/// Whom an inbox token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReaderName {
    /// One follower of one account.
    Follower(Membership),
    /// One person, in all accounts that know this external id.
    Person(ExternalId),
}

/// One sequence number per account: the first that was not passed. An account that is not in it has 0: whoever came to
/// follow it after the position was taken has passed nothing of it, and received nothing before (I8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position(BTreeMap<AccountId, Sequence>);

impl Position {
    /// The first sequence number of the account that was not passed.
    pub fn next(&self, account: AccountId) -> Sequence {
        self.0.get(&account).copied().unwrap_or(Sequence(0))
    }

    /// Says what comes next in an account.
    pub fn set(&mut self, account: AccountId, next: Sequence) {
        // Zero is left out, so that equal positions are equal in text.
        if next.0 > 0 {
            self.0.insert(account, next);
        } else {
            self.0.remove(&account);
        }
    }

    /// The accounts of which something was passed, in order, with what comes next.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, Sequence)> + '_ {
        self.0.iter().map(|(account, next)| (*account, *next))
    }
}

impl FromIterator<(AccountId, Sequence)> for Position {
    fn from_iter<I: IntoIterator<Item = (AccountId, Sequence)>>(parts: I) -> Self {
        let mut position = Self::default();
        for (account, next) in parts {
            position.set(account, next);
        }
        position
    }
}

/// Where the next, older page of an inbox begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The position of the first page: what is newer comes after it and on no page of this list.
    pub start: Position,
    /// What the page begins below, in each account.
    pub below: Position,
}

/// Seals and opens positions and cursors; one key for the installation.
#[derive(Clone)]
pub struct PositionKey([u8; 32]);

impl std::fmt::Debug for PositionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PositionKey")
    }
}

/// What a text is, so that none can be passed for another.
#[derive(Clone, Copy)]
enum Kind {
    Position = 1,
    Cursor = 2,
}

impl PositionKey {
    /// The key made of 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(*secret)
    }

    /// The text of `position` for this reader, safe in URLs and headers.
    pub fn seal_position(&self, reader: &ReaderName, position: &Position) -> String {
        self.seal(Kind::Position, reader, &encode(position))
    }

    /// The position that `text` is; `None` for what was never sealed for this reader.
    pub fn open_position(&self, reader: &ReaderName, text: &str) -> Option<Position> {
        decode(&mut self.open(Kind::Position, reader, text)?.as_slice())
    }

    /// The text of `cursor` for this reader.
    pub fn seal_cursor(&self, reader: &ReaderName, cursor: &Cursor) -> String {
        let mut bytes = encode(&cursor.start);
        bytes.extend(encode(&cursor.below));
        self.seal(Kind::Cursor, reader, &bytes)
    }

    /// The cursor that `text` is; `None` for what was never sealed for this reader.
    pub fn open_cursor(&self, reader: &ReaderName, text: &str) -> Option<Cursor> {
        let bytes = self.open(Kind::Cursor, reader, text)?;
        let mut rest = bytes.as_slice();
        let start = decode(&mut rest)?;
        let below = decode(&mut rest)?;
        Some(Cursor { start, below })
    }

    fn seal(&self, kind: Kind, reader: &ReaderName, bytes: &[u8]) -> String {
        let mut cipher = Aes128Siv::new(&self.0.into());
        let sealed = cipher.encrypt([context(kind, reader)], bytes);
        // It fails for a hundred headers and more; there is one.
        URL_SAFE_NO_PAD.encode(sealed.unwrap_or_default())
    }

    fn open(&self, kind: Kind, reader: &ReaderName, text: &str) -> Option<Vec<u8>> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut cipher = Aes128Siv::new(&self.0.into());
        cipher.decrypt([context(kind, reader)], &sealed).ok()
    }
}

/// What a text is bound to.
fn context(kind: Kind, reader: &ReaderName) -> Vec<u8> {
    let mut bytes = vec![kind as u8];
    match reader {
        ReaderName::Follower(Membership { account, ordinal }) => {
            bytes.push(b'f');
            bytes.extend_from_slice(&account.0.to_be_bytes());
            bytes.extend_from_slice(&ordinal.0.to_be_bytes());
        }
        ReaderName::Person(ExternalId(id)) => {
            bytes.push(b'p');
            bytes.extend_from_slice(id.as_bytes());
        }
    }
    bytes
}

/// How many accounts; then each account as its distance from the one before, and what comes next in it.
fn encode(position: &Position) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + 4 * position.0.len());
    push(&mut bytes, position.0.len() as u64);
    let mut before = 0;
    for (account, next) in position.iter() {
        push(&mut bytes, u64::from(account.0 - before));
        push(&mut bytes, next.0.unsigned_abs());
        before = account.0;
    }
    bytes
}

fn decode(bytes: &mut &[u8]) -> Option<Position> {
    let mut position = Position::default();
    let mut account = 0_u32;
    for _ in 0..pull(bytes)? {
        account = account.checked_add(u32::try_from(pull(bytes)?).ok()?)?;
        let next = i64::try_from(pull(bytes)?).ok()?;
        position.set(AccountId(account), Sequence(next));
    }
    Some(position)
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn pull(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn follower(account: u32, ordinal: u32) -> ReaderName {
        ReaderName::Follower(Membership {
            account: AccountId(account),
            ordinal: Ordinal(ordinal),
        })
    }

    fn position() -> impl Strategy<Value = Position> {
        let parts = prop::collection::vec((any::<u32>(), 0..i64::MAX), 0..20);
        parts.prop_map(|parts| {
            let parts = parts.into_iter();
            parts
                .map(|(account, next)| (AccountId(account), Sequence(next)))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn i08_a_position_opens_to_what_was_sealed_and_only_for_its_reader(
            start in position(), below in position(), person in ".{0,20}", other in ".{0,20}"
        ) {
            let key = PositionKey::new(&[7; 32]);
            let reader = ReaderName::Person(ExternalId(person.clone()));
            let text = key.seal_position(&reader, &start);
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            prop_assert_eq!(key.open_position(&reader, &text), Some(start.clone()));
            prop_assert_eq!(&key.seal_position(&reader, &start), &text);
            let cursor = Cursor { start, below };
            let sealed = key.seal_cursor(&reader, &cursor);
            prop_assert_eq!(key.open_cursor(&reader, &sealed), Some(cursor));
            prop_assert_eq!(key.open_position(&reader, &sealed), None);
            prop_assert_eq!(key.open_cursor(&reader, &text), None);
            let foreign = ReaderName::Person(ExternalId(other.clone()));
            prop_assert_eq!(key.open_position(&foreign, &text).is_some(), person == other);
            prop_assert_eq!(key.open_position(&follower(1, 1), &text), None);
            prop_assert_eq!(PositionKey::new(&[8; 32]).open_position(&reader, &text), None);
        }

        #[test]
        fn sec01_any_text_is_refused_quietly(text in ".{0,80}") {
            let key = PositionKey::new(&[7; 32]);
            prop_assert_eq!(key.open_position(&follower(1, 1), &text), None);
            prop_assert_eq!(key.open_cursor(&follower(1, 1), &text), None);
        }
    }

    #[test]
    fn an_account_that_is_not_in_a_position_begins_at_its_beginning() {
        let mut position: Position = [(AccountId(3), Sequence(9))].into_iter().collect();
        assert_eq!(position.next(AccountId(3)), Sequence(9));
        assert_eq!(position.next(AccountId(4)), Sequence(0));
        position.set(AccountId(3), Sequence(0));
        assert_eq!(position, Position::default());
    }

    #[test]
    fn a_position_is_short() {
        let key = PositionKey::new(&[7; 32]);
        let of = |accounts: u32| (1..=accounts).map(|number| (AccountId(number), Sequence(1_000)));
        let length = |accounts| key.seal_position(&follower(1, 1), &of(accounts).collect()).len();
        assert_eq!((length(1), length(20)), (27, 103));
    }
}
