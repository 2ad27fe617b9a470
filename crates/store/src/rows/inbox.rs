//! [`InboxStore`] on SQLite: a follower's inbox is read from the delivery rows of its block.

use std::sync::Arc;

use crate::sql::{Connection, params};
use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    content::Content,
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence},
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, kept::Kept, mass, media, seal};
use crate::{
    StoreResult,
    inbox::{Entry, InboxPage, InboxStore},
};

/// Deliveries of a block that are kept in memory, newest first.
const LINES: usize = 64;
/// What a kept delivery takes besides its bitmap, about: a message of a few hundred characters.
const LINE_BYTES: usize = 1_024;

#[async_trait]
impl InboxStore for SqlStore {
    async fn inbox_page(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        before: Option<Sequence>,
        limit: usize,
    ) -> StoreResult<InboxPage> {
        let kept = self.shared.kept.as_ref();
        let block = (account, ordinal.block());
        let newest = match kept.and_then(|kept| kept.blocks(&block)) {
            Some(newest) => Some(newest),
            // More is read than one page needs; that pays where the next reader finds it.
            None => match kept.filter(|kept| kept.is_vouched_for(account)) {
                Some(kept) => Some(self.newest(kept, account, ordinal.block()).await?),
                None => None,
            },
        };
        if let Some(newest) = newest
            && let Some(page) = newest.page(ordinal, before, limit)?
        {
            return Ok(page);
        }
        self.read(move |db, shared| page(db, shared, account, ordinal, before, limit))
            .await
    }
}

impl SqlStore {
    /// The newest deliveries of a block, from the rows; they are kept for the next reader of the block.
    async fn newest(&self, kept: &Kept, account: AccountId, block: BlockNo) -> StoreResult<Arc<Newest>> {
        let before = kept.before();
        let newest = self.read(move |db, shared| newest(db, shared, account, block));
        let newest = Arc::new(newest.await?);
        kept.keep_block((account, block), account, before, &newest);
        Ok(newest)
    }
}

/// The newest deliveries of a block, as its readers see them.
pub(super) struct Newest {
    /// Newest first, without what was recalled.
    lines: Vec<Line>,
    /// Whether the block has no older ones.
    all: bool,
}

/// One delivery to a block.
struct Line {
    entry: Entry,
    delivered: Vec<u8>,
}

impl Newest {
    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.lines
            .iter()
            .map(|line| line.delivered.len() + LINE_BYTES)
            .sum()
    }

    /// A page of one of its readers; `None` when older deliveries have to be looked at.
    fn page(
        &self,
        ordinal: Ordinal,
        before: Option<Sequence>,
        limit: usize,
    ) -> StoreResult<Option<InboxPage>> {
        let mut page = InboxPage::default();
        for line in &self.lines {
            if before.is_some_and(|before| line.entry.sequence >= before)
                || !encoded_contains(&line.delivered, ordinal.place())?
            {
                continue;
            }
            if page.entries.len() == limit {
                page.next = page.entries.last().map(|entry| entry.sequence);
                return Ok(Some(page));
            }
            page.entries.push(line.entry.clone());
        }
        Ok(self.all.then_some(page))
    }
}

fn newest(db: &Connection, shared: &Shared, account: AccountId, block: BlockNo) -> StoreResult<Newest> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, delivered FROM delivery
         WHERE account = ? AND block = ? ORDER BY sequence DESC LIMIT ?",
        seal::DELIVERY
    ))?;
    let mut rows = statement.query(params![account.0, block.0, LINES + 1])?;
    let mut lines = Vec::new();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        if read > LINES {
            break;
        }
        let head = seal::delivery(&row)?;
        let delivered = row.blob(seal::DELIVERY_COLUMNS + 1)?.to_vec();
        if let Some(content) = standing(db, account, head.mass)? {
            let hit = Hit {
                sequence: head.sequence,
                mass: head.mass,
                preview: head.preview,
                sent_at: head.released_at,
                content,
            };
            let entry = entry(db, shared, account, hit)?;
            lines.push(Line { entry, delivered });
        }
    }
    let all = read <= LINES;
    Ok(Newest { lines, all })
}

struct Hit {
    sequence: Sequence,
    mass: MassId,
    preview: bool,
    sent_at: Timestamp,
    content: Content,
}

fn page(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    ordinal: Ordinal,
    before: Option<Sequence>,
    limit: usize,
) -> StoreResult<InboxPage> {
    let mut hits = hits(db, account, ordinal, before, limit + 1)?;
    let more = hits.len() > limit;
    hits.truncate(limit);
    let next = if more {
        hits.last().map(|hit| hit.sequence)
    } else {
        None
    };
    let entries = hits
        .into_iter()
        .map(|hit| entry(db, shared, account, hit))
        .collect::<StoreResult<_>>()?;
    Ok(InboxPage { entries, next })
}

fn hits(
    db: &Connection,
    account: AccountId,
    ordinal: Ordinal,
    before: Option<Sequence>,
    limit: usize,
) -> StoreResult<Vec<Hit>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence < ? ORDER BY sequence DESC",
        seal::DELIVERY
    ))?;
    let before = before.map_or(i64::MAX, |before| before.0);
    let mut rows = statement.query(params![account.0, ordinal.block().0, before])?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let head = seal::delivery(&row)?;
        if !encoded_contains(row.blob(seal::DELIVERY_COLUMNS + 1)?, ordinal.place())? {
            continue;
        }
        if let Some(content) = standing(db, account, head.mass)? {
            hits.push(Hit {
                sequence: head.sequence,
                mass: head.mass,
                preview: head.preview,
                sent_at: head.released_at,
                content,
            });
            if hits.len() == limit {
                break;
            }
        }
    }
    Ok(hits)
}

/// The content of a mass, unless it was taken back (I15).
fn standing(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Option<Content>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM mass WHERE account = ? AND id = ?",
        seal::MASS
    ))?;
    let mut rows = statement.query(params![account.0, mass.0])?;
    let row = rows
        .next()?
        .ok_or_else(|| columns::damaged("a delivery of no mass"))?;
    seal::check_mass(&row)?;
    let recalled: Option<i64> = row.get(25)?;
    match recalled {
        Some(_) => Ok(None),
        None => mass::read_content(&row).map(Some),
    }
}

fn entry(db: &Connection, shared: &Shared, account: AccountId, hit: Hit) -> StoreResult<Entry> {
    let news = match &hit.content {
        Content::News(news) => media::frozen(db, shared, account, *news)?,
        _ => None,
    };
    Ok(Entry {
        sequence: hit.sequence,
        mass: hit.mass,
        preview: hit.preview,
        sent_at: hit.sent_at,
        content: hit.content,
        news,
    })
}
