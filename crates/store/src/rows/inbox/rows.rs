//! A reader's deliveries of one account, read from the rows a few at a time.

use std::{collections::VecDeque, sync::Arc};

use domain::{
    block::encoded_contains,
    id::{AccountId, MassId, Sequence},
    position::Membership,
    time::Timestamp,
};

use super::{
    entry, standing,
    stream::{Direction, Dry, Place, Stream},
};
use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount},
    rows::{Shared, seal},
    sql::{Connection, Row, params},
};

/// Deliveries that are read at once, at most.
const CHUNK_MAX: usize = 256;

/// A delivery that reached a follower.
#[derive(Clone, Copy, Debug)]
pub(in crate::rows) struct Hit {
    pub(super) sequence: Sequence,
    pub(in crate::rows) mass: MassId,
    pub(super) preview: bool,
    pub(super) sent_at: Timestamp,
}

/// A row of a delivery with whom it reached.
pub(super) struct HitRow<'r> {
    pub(super) hit: Hit,
    pub(super) delivered: &'r [u8],
}

/// Reads a row of [`seal::DELIVERY`] with `delivered` behind it.
pub(super) fn hit<'r>(row: &'r Row<'_>) -> StoreResult<HitRow<'r>> {
    let head = seal::delivery(row)?;
    Ok(HitRow {
        hit: Hit {
            sequence: head.sequence,
            mass: head.mass,
            preview: head.preview,
            sent_at: head.released_at,
        },
        delivered: row.blob(seal::DELIVERY_COLUMNS + 1)?,
    })
}

/// The deliveries of one account that reached one follower.
pub(in crate::rows) struct RowStream<'d> {
    db: &'d Connection,
    shared: &'d Shared,
    account: Arc<EntryAccount>,
    of: Membership,
    direction: Direction,
    /// Back: only what is below. On: only what is at or above.
    bound: Sequence,
    found: VecDeque<Hit>,
    chunk: usize,
    ended: bool,
}

impl<'d> RowStream<'d> {
    /// `chunk` is how many deliveries are read at first.
    pub(in crate::rows) fn new(
        (db, shared): (&'d Connection, &'d Shared),
        account: Arc<EntryAccount>,
        of: Membership,
        (direction, bound): (Direction, Sequence),
        chunk: usize,
    ) -> Self {
        Self {
            db,
            shared,
            account,
            of,
            direction,
            bound,
            found: VecDeque::new(),
            chunk: chunk.clamp(1, CHUNK_MAX),
            ended: direction == Direction::Back && bound.0 <= 0,
        }
    }

    /// Reads until something is found.
    fn fill(&mut self) -> StoreResult<()> {
        while self.found.is_empty() && !self.ended {
            self.read()?;
            self.chunk = (self.chunk * 2).min(CHUNK_MAX);
        }
        Ok(())
    }

    fn read(&mut self) -> StoreResult<()> {
        let range = match self.direction {
            Direction::Back => "sequence < ? ORDER BY sequence DESC",
            Direction::On => "sequence >= ? ORDER BY sequence",
        };
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {}, delivered FROM delivery WHERE account = ? AND block = ? AND {range} LIMIT ?",
            seal::DELIVERY
        ))?;
        let Membership { account, ordinal } = self.of;
        let mut rows = statement.query(params![account.0, ordinal.block().0, self.bound.0, self.chunk])?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            let HitRow { hit, delivered } = hit(&row)?;
            self.bound = match self.direction {
                Direction::Back => hit.sequence,
                Direction::On => Sequence(hit.sequence.0 + 1),
            };
            if encoded_contains(delivered, ordinal.place())? {
                self.found.push_back(hit);
            }
        }
        self.ended = read < self.chunk;
        Ok(())
    }

    /// The next one without its content, whether it was taken back or not.
    pub(in crate::rows) fn next_hit(&mut self) -> StoreResult<Option<Hit>> {
        self.fill()?;
        Ok(self.found.pop_front())
    }

    /// The next ones; none at the end.
    pub(in crate::rows) fn next_hits(&mut self) -> StoreResult<Vec<Hit>> {
        self.fill()?;
        Ok(self.found.drain(..).collect())
    }

    /// The entry of a delivery; `None` when it was taken back.
    pub(in crate::rows) fn entry(&self, hit: Hit) -> StoreResult<Option<Entry>> {
        match standing(self.db, self.of.account, hit.mass)? {
            Some(content) => entry(self.db, self.shared, &self.account, hit, content).map(Some),
            None => Ok(None),
        }
    }
}

impl Stream for RowStream<'_> {
    fn account(&self) -> AccountId {
        self.of.account
    }

    fn peek(&mut self) -> Result<Option<Place>, Dry> {
        self.fill()?;
        Ok(self.found.front().map(|hit| Place {
            released_at: hit.sent_at,
            sequence: hit.sequence,
        }))
    }

    fn take(&mut self) -> Result<Option<Arc<Entry>>, Dry> {
        let Some(hit) = self.next_hit()? else {
            return Ok(None);
        };
        Ok(self.entry(hit)?.map(Arc::new))
    }
}
