//! Several accounts in one inbox: their deliveries are streams in order of release, drawn one by one.
//!
//! A release time never falls within a block, so the order of each stream is that of its sequence numbers. What is
//! equally old is ordered by account. Only as much is read of each as the page needs.

use std::sync::Arc;

use domain::{
    id::{AccountId, Sequence},
    position::{Cursor, Membership, Position},
    time::Timestamp,
};

use crate::{
    StoreError, StoreResult,
    inbox::{Entry, InboxPage, NewEntries, Search},
};

/// Entries that a page looks at beside its own, at most: those that were taken back or do not match a search are left out of it.
const LOOKED_AT: usize = 1_000;

/// Which way a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rows) enum Direction {
    /// From the newest to the oldest.
    Back,
    /// From the oldest to the newest.
    On,
}

/// Why nothing was drawn.
#[derive(Debug)]
pub(super) enum Dry {
    /// The store failed.
    Fault(StoreError),
    /// What is kept in memory does not reach that far.
    NotKept,
}

impl<E: Into<StoreError>> From<E> for Dry {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// The place of a delivery in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) released_at: Timestamp,
    pub(super) sequence: Sequence,
}

/// The deliveries of one account that reached a reader, in one direction.
pub(super) trait Stream {
    /// Whose they are.
    fn account(&self) -> AccountId;
    /// The next one.
    fn peek(&mut self) -> Result<Option<Place>, Dry>;
    /// Takes the next one; `None` when it was taken back, and at the end.
    fn take(&mut self) -> Result<Option<Arc<Entry>>, Dry>;
}

/// Something that was drawn.
struct Drawn {
    account: AccountId,
    sequence: Sequence,
    entry: Option<Arc<Entry>>,
}

/// Draws the next one of all streams.
fn draw<S: Stream>(streams: &mut [S], direction: Direction) -> Result<Option<Drawn>, Dry> {
    let mut best: Option<(Place, usize)> = None;
    for (index, stream) in streams.iter_mut().enumerate() {
        let Some(place) = stream.peek()? else { continue };
        // The streams are in order of their accounts.
        let sooner = best.is_none_or(|(known, _)| match direction {
            Direction::Back => place.released_at >= known.released_at,
            Direction::On => place.released_at < known.released_at,
        });
        if sooner {
            best = Some((place, index));
        }
    }
    let Some((place, index)) = best else {
        return Ok(None);
    };
    let Some(stream) = streams.get_mut(index) else {
        return Ok(None);
    };
    Ok(Some(Drawn {
        account: stream.account(),
        sequence: place.sequence,
        entry: stream.take()?,
    }))
}

/// A page newest first, of streams that go back from `from`.
pub(super) fn page<S: Stream>(
    streams: &mut [S],
    from: Cursor,
    search: Option<&Search>,
    limit: usize,
) -> Result<InboxPage, Dry> {
    let Cursor { start, mut below } = from;
    let mut page = InboxPage {
        position: start.clone(),
        ..InboxPage::default()
    };
    let mut looked_at = 0;
    while let Some(drawn) = draw(streams, Direction::Back)? {
        looked_at += 1;
        if (page.entries.len() == limit && drawn.entry.is_some())
            || looked_at > limit.saturating_add(LOOKED_AT)
        {
            page.next = Some(Cursor { start, below });
            return Ok(page);
        }
        below.set(drawn.account, drawn.sequence);
        let found = drawn
            .entry
            .filter(|entry| search.is_none_or(|search| search.matches(entry)));
        page.entries.extend(found);
    }
    Ok(page)
}

/// Entries oldest first, of streams that go on from a position to `heads`.
pub(super) fn after<S: Stream>(streams: &mut [S], heads: Position, limit: usize) -> Result<NewEntries, Dry> {
    let mut new = NewEntries::default();
    while let Some(drawn) = draw(streams, Direction::On)? {
        let Some(entry) = drawn.entry else { continue };
        if new.entries.len() < limit {
            new.entries.push(entry);
            continue;
        }
        // What was drawn last and what comes next elsewhere is not passed.
        new.position = heads;
        for stream in streams {
            if let Some(place) = stream.peek()? {
                new.position.set(stream.account(), place.sequence);
            }
        }
        new.position.set(drawn.account, drawn.sequence);
        new.more = true;
        return Ok(new);
    }
    new.position = heads;
    Ok(new)
}

/// The memberships in the order in which their streams are merged.
pub(in crate::rows) fn in_order(reader: &[Membership]) -> Vec<Membership> {
    let mut sorted = reader.to_vec();
    sorted.sort_unstable();
    sorted
}

/// A fault of the store stays one; a stream of rows is never short of what is kept.
pub(super) fn settled<T>(drawn: Result<T, Dry>) -> StoreResult<Option<T>> {
    match drawn {
        Ok(value) => Ok(Some(value)),
        Err(Dry::NotKept) => Ok(None),
        Err(Dry::Fault(error)) => Err(error),
    }
}
