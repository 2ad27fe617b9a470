//! The newest deliveries of a block, kept in memory: what most readers of the block ask for.

use std::sync::Arc;

use domain::{
    block::encoded_contains,
    id::{AccountId, BlockNo, Ordinal, Sequence},
    position::Membership,
};

use super::{
    account_of, entry, head_of,
    rows::{HitRow, hit},
    standing,
    stream::{Direction, Dry, Place, Stream},
};
use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount},
    rows::{Shared, seal},
    sql::{Connection, params},
};

/// Deliveries of a block that are kept in memory, newest first.
const LINES: usize = 64;
/// What a kept delivery takes besides its bitmap, about: a message of a few hundred characters, and its JSON.
const LINE_BYTES: usize = 2_048;

/// The newest deliveries of a block, as its readers see them.
pub(in crate::rows) struct Newest {
    /// The number that the next delivery gets.
    pub(super) next: Sequence,
    /// The number from which on all deliveries are here.
    from: Sequence,
    account: Arc<EntryAccount>,
    /// Newest first, without what was recalled.
    lines: Vec<Line>,
}

/// One delivery to a block.
pub(in crate::rows) struct Line {
    entry: Arc<Entry>,
    delivered: Vec<u8>,
}

impl Line {
    /// Its number.
    pub(in crate::rows) fn sequence(&self) -> Sequence {
        self.entry.sequence
    }

    /// Whether the follower has it.
    pub(in crate::rows) fn reached(&self, ordinal: Ordinal) -> StoreResult<bool> {
        Ok(encoded_contains(&self.delivered, ordinal.place())?)
    }
}

impl Newest {
    /// What it takes of memory, about.
    pub(in crate::rows) fn bytes(&self) -> usize {
        self.lines
            .iter()
            .map(|line| line.delivered.len() + LINE_BYTES)
            .sum()
    }

    /// The account.
    pub(in crate::rows) fn account(&self) -> &Arc<EntryAccount> {
        &self.account
    }

    /// The number from which on all deliveries are here, unless they were recalled.
    pub(in crate::rows) fn from(&self) -> Sequence {
        self.from
    }

    /// The deliveries, newest first.
    pub(in crate::rows) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The newest deliveries out of the rows.
    pub(super) fn read(
        db: &Connection,
        shared: &Shared,
        account: AccountId,
        block: BlockNo,
    ) -> StoreResult<Self> {
        let named = account_of(db, account)?;
        let mut statement = db.prepare_cached(&format!(
            "SELECT {}, delivered FROM delivery
             WHERE account = ? AND block = ? ORDER BY sequence DESC LIMIT ?",
            seal::DELIVERY
        ))?;
        let mut rows = statement.query(params![account.0, block.0, LINES + 1])?;
        let (mut lines, mut read, mut from) = (Vec::new(), 0, Sequence(0));
        while let Some(row) = rows.next()? {
            read += 1;
            let HitRow { hit, delivered } = hit(&row)?;
            if read > LINES {
                from = Sequence(hit.sequence.0 + 1);
                break;
            }
            if let Some(content) = standing(db, account, hit.mass)? {
                let delivered = delivered.to_vec();
                let entry = Arc::new(entry(db, shared, &named, hit, content)?);
                lines.push(Line { entry, delivered });
            }
        }
        let next = head_of(db, account, block)?;
        Ok(Self {
            next,
            from,
            account: named,
            lines,
        })
    }
}

/// What is kept of one account, as one reader's stream.
pub(super) struct KeptStream {
    newest: Arc<Newest>,
    of: Membership,
    direction: Direction,
    /// Back: only what is below. On: only what is at or above.
    bound: Sequence,
    /// How many lines were looked at.
    passed: usize,
}

impl KeptStream {
    pub(super) fn new(newest: Arc<Newest>, of: Membership, direction: Direction, bound: Sequence) -> Self {
        Self {
            newest,
            of,
            direction,
            bound,
            passed: 0,
        }
    }

    /// The line that is looked at; `None` at the end of what is kept.
    fn line(&self) -> Option<&Line> {
        let lines = &self.newest.lines;
        match self.direction {
            Direction::Back => lines.get(self.passed),
            Direction::On => lines
                .len()
                .checked_sub(self.passed + 1)
                .and_then(|index| lines.get(index)),
        }
    }
}

impl Stream for KeptStream {
    fn account(&self) -> AccountId {
        self.of.account
    }

    fn peek(&mut self) -> Result<Option<Place>, Dry> {
        if self.direction == Direction::On && self.newest.from > self.bound {
            return Err(Dry::NotKept);
        }
        while let Some(line) = self.line() {
            let sequence = line.entry.sequence;
            let within = match self.direction {
                Direction::Back => sequence < self.bound,
                Direction::On => sequence >= self.bound,
            };
            if within && line.reached(self.of.ordinal)? {
                return Ok(Some(Place {
                    released_at: line.entry.sent_at,
                    sequence,
                }));
            }
            self.passed += 1;
        }
        let older = self.newest.from.0 > 0 && self.bound.0 > 0;
        if self.direction == Direction::Back && older {
            return Err(Dry::NotKept);
        }
        Ok(None)
    }

    fn take(&mut self) -> Result<Option<Arc<Entry>>, Dry> {
        let entry = self.line().map(|line| Arc::clone(&line.entry));
        self.passed += 1;
        Ok(entry)
    }
}
