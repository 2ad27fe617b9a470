//! [`InboxStore`] on SQLite: a follower's inbox is read from the delivery rows of its block.

mod newest;
mod rows;
mod stream;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    content::Content,
    id::{AccountId, AppId, BlockNo, MassId, Sequence},
    position::{Cursor, Membership, Position},
};

use newest::KeptStream;
pub(super) use newest::Newest;
pub(super) use rows::RowStream;
use rows::{Hit, HitRow, hit};
use stream::settled;
pub(super) use stream::{Direction, in_order};

use super::{Shared, SqlStore, columns, kept::Kept, mass, media, seal};
use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount, InboxPage, InboxStore, NewEntries, Search},
};

/// Deliveries that are read at first of each of many accounts.
const CHUNK_MIN: usize = 8;
/// Where [`seal::MASS`] says when a mass was taken back.
const RECALLED_AT: usize = 25;

#[async_trait]
impl InboxStore for SqlStore {
    async fn inbox_page(
        &self,
        reader: &[Membership],
        from: Option<&Cursor>,
        search: Option<&Search>,
        limit: usize,
    ) -> StoreResult<InboxPage> {
        let reader = in_order(reader);
        if let Some(newest) = self
            .newest_of(&reader, from.map(|from| &from.below).as_slice())
            .await?
        {
            let from = from.cloned().unwrap_or_else(|| newest_first(kept_heads(&newest)));
            let mut streams = kept_streams(newest, Direction::Back, &from.below);
            if let Some(page) = settled(stream::page(&mut streams, from, search, limit))? {
                return Ok(page);
            }
        }
        let (from, search) = (from.cloned(), search.cloned());
        self.read(move |db, shared| {
            let from = match from {
                Some(from) => from,
                None => newest_first(heads(db, &reader)?),
            };
            let wish = (Direction::Back, &from.below, limit);
            let mut streams = row_streams(db, shared, &reader, wish)?;
            let page = stream::page(&mut streams, from, search.as_ref(), limit);
            settled(page)?.ok_or_else(|| columns::damaged("an inbox"))
        })
        .await
    }

    async fn entries_after(
        &self,
        reader: &[Membership],
        position: &Position,
        known: &Position,
        limit: usize,
    ) -> StoreResult<NewEntries> {
        let reader = in_order(reader);
        if let Some(newest) = self.newest_of(&reader, &[position, known]).await? {
            let heads = kept_heads(&newest);
            let from = not_ahead(position, &heads);
            let mut streams = kept_streams(newest, Direction::On, &from);
            if let Some(new) = settled(stream::after(&mut streams, heads, limit))? {
                return Ok(with_others(new, position, &reader));
            }
        }
        let position = position.clone();
        self.read(move |db, shared| {
            let heads = heads(db, &reader)?;
            let from = not_ahead(&position, &heads);
            let behind = |of: &&Membership| from.next(of.account) < heads.next(of.account);
            let behind: Vec<Membership> = reader.iter().filter(behind).copied().collect();
            let mut streams = row_streams(db, shared, &behind, (Direction::On, &from, limit))?;
            let new = stream::after(&mut streams, heads, limit);
            let new = settled(new)?.ok_or_else(|| columns::damaged("an inbox"))?;
            Ok(with_others(new, &position, &reader))
        })
        .await
    }

    async fn heads(&self, reader: &[Membership]) -> StoreResult<Position> {
        let reader = reader.to_vec();
        self.read(move |db, _| heads(db, &reader)).await
    }

    async fn inbox_entry(&self, reader: Membership, sequence: Sequence) -> StoreResult<Option<Entry>> {
        self.read(move |db, shared| one(db, shared, reader, sequence))
            .await
    }
}

impl SqlStore {
    /// The newest deliveries of a reader's blocks, from memory where they are there; `None` where they would not be kept, or
    /// where `seen`, told by another node, knows of more than this one has heard of yet (I8).
    async fn newest_of(
        &self,
        reader: &[Membership],
        seen: &[&Position],
    ) -> StoreResult<Option<Vec<(Membership, Arc<Newest>)>>> {
        let mut all = Vec::with_capacity(reader.len());
        for of in reader {
            let Some(newest) = self.kept_newest(*of).await? else {
                return Ok(None);
            };
            if seen.iter().any(|seen| seen.next(of.account) > newest.next) {
                return Ok(None);
            }
            all.push((*of, newest));
        }
        Ok(Some(all))
    }

    /// The newest deliveries of the block of a membership; `None` where they would not be kept.
    pub(super) async fn kept_newest(&self, of: Membership) -> StoreResult<Option<Arc<Newest>>> {
        let kept = &self.shared.kept;
        match kept.is_vouched_for(of.account) {
            true => self.newest(kept, of.account, of.ordinal.block()).await.map(Some),
            false => Ok(None),
        }
    }

    /// The newest deliveries of a block; what is read from the rows is kept for the next reader of the block.
    async fn newest(&self, kept: &Kept, account: AccountId, block: BlockNo) -> StoreResult<Arc<Newest>> {
        if let Some(newest) = kept.blocks(&(account, block)) {
            return Ok(newest);
        }
        let before = kept.before();
        let newest = self.read(move |db, shared| Newest::read(db, shared, account, block));
        let newest = Arc::new(newest.await?);
        kept.keep_block((account, block), account, before, &newest);
        Ok(newest)
    }
}

fn kept_heads(newest: &[(Membership, Arc<Newest>)]) -> Position {
    let heads = newest.iter();
    heads.map(|(of, newest)| (of.account, newest.next)).collect()
}

fn kept_streams(
    newest: Vec<(Membership, Arc<Newest>)>,
    direction: Direction,
    bounds: &Position,
) -> Vec<KeptStream> {
    let streams = newest.into_iter();
    streams
        .map(|(of, newest)| KeptStream::new(newest, of, direction, bounds.next(of.account)))
        .collect()
}

fn row_streams<'d>(
    db: &'d Connection,
    shared: &'d Shared,
    reader: &[Membership],
    (direction, bounds, limit): (Direction, &Position, usize),
) -> StoreResult<Vec<RowStream<'d>>> {
    let accounts = accounts_of(db, reader)?;
    // One more than the page tells whether there is a next one.
    let chunk = (limit.saturating_add(1) / reader.len().max(1)).max(CHUNK_MIN);
    let streams = reader.iter().map(|of| {
        let account = accounts.get(&of.account).cloned();
        let account = account.ok_or_else(|| columns::damaged("an account number"))?;
        let bound = (direction, bounds.next(of.account));
        Ok(RowStream::new((db, shared), account, *of, bound, chunk))
    });
    streams.collect()
}

/// The first page begins at the newest.
fn newest_first(heads: Position) -> Cursor {
    Cursor {
        below: heads.clone(),
        start: heads,
    }
}

/// A position that is not ahead of the rows, as it can be after a backup was restored: it goes on from their end.
fn not_ahead(position: &Position, heads: &Position) -> Position {
    let heads = heads.iter();
    heads
        .map(|(account, head)| (account, position.next(account).min(head)))
        .collect()
}

/// What was not read of stays where it was: the position of a part of the accounts holds for all of them.
fn with_others(new: NewEntries, before: &Position, reader: &[Membership]) -> NewEntries {
    let mut position = before.clone();
    for of in reader {
        position.set(of.account, new.position.next(of.account));
    }
    NewEntries { position, ..new }
}

/// The position after all deliveries to the blocks of a reader.
pub(super) fn heads(db: &Connection, reader: &[Membership]) -> StoreResult<Position> {
    let keys: Vec<i64> = reader
        .iter()
        .map(|of| i64::from(of.account.0) << 32 | i64::from(of.ordinal.block().0))
        .collect();
    let mut statement = db.prepare_cached(
        "SELECT h.account, h.next_sequence FROM json_each(?)
         JOIN block_head AS h ON h.account = CAST(value AS BIGINT) / 4294967296 AND h.block = CAST(value AS BIGINT) % 4294967296",
    )?;
    let heads = statement.query_map(params![serde_json::to_string(&keys)?], |row| {
        Ok((AccountId(row.get(0)?), Sequence(row.get(1)?)))
    })?;
    Ok(heads.collect::<Result<_, _>>()?)
}

/// The number that the next delivery to a block gets.
fn head_of(db: &Connection, account: AccountId, block: BlockNo) -> StoreResult<Sequence> {
    let mut statement =
        db.prepare_cached("SELECT next_sequence FROM block_head WHERE account = ? AND block = ?")?;
    let next = statement.query_row(params![account.0, block.0], |row| row.get(0));
    Ok(Sequence(next.optional()?.unwrap_or(0)))
}

/// The accounts of a reader, as entries name them.
pub(super) fn accounts_of(
    db: &Connection,
    reader: &[Membership],
) -> StoreResult<HashMap<AccountId, Arc<EntryAccount>>> {
    let ids: Vec<u32> = reader.iter().map(|of| of.account.0).collect();
    let mut statement = db.prepare_cached(
        "SELECT id, app_id, name FROM account WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let accounts = statement.query_map(params![serde_json::to_string(&ids)?], |row| {
        let id = AccountId(row.get(0)?);
        let account = EntryAccount {
            id,
            app_id: AppId(row.get(1)?),
            name: row.get(2)?,
        };
        Ok((id, Arc::new(account)))
    })?;
    Ok(accounts.collect::<Result<_, _>>()?)
}

/// An account as entries name it.
pub(super) fn account_of(db: &Connection, id: AccountId) -> StoreResult<Arc<EntryAccount>> {
    let mut statement = db.prepare_cached("SELECT app_id, name FROM account WHERE id = ?")?;
    let account = statement.query_row([id.0], |row| {
        Ok(EntryAccount {
            id,
            app_id: AppId(row.get(0)?),
            name: row.get(1)?,
        })
    });
    let account = account.optional()?;
    account
        .map(Arc::new)
        .ok_or_else(|| columns::damaged("an account number"))
}

fn one(db: &Connection, shared: &Shared, of: Membership, sequence: Sequence) -> StoreResult<Option<Entry>> {
    let Some(hit) = hit_at(db, of, sequence)? else {
        return Ok(None);
    };
    let Some(content) = standing(db, of.account, hit.mass)? else {
        return Ok(None);
    };
    let account = account_of(db, of.account)?;
    entry(db, shared, &account, hit, content).map(Some)
}

/// The delivery of this number, if it reached this follower.
fn hit_at(db: &Connection, of: Membership, sequence: Sequence) -> StoreResult<Option<Hit>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, delivered FROM delivery WHERE account = ? AND block = ? AND sequence = ?",
        seal::DELIVERY
    ))?;
    let Membership { account, ordinal } = of;
    let mut rows = statement.query(params![account.0, ordinal.block().0, sequence.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let HitRow { hit, delivered } = hit(&row)?;
    Ok(encoded_contains(delivered, ordinal.place())?.then_some(hit))
}

/// Which of these masses were taken back (I15).
pub(super) fn recalled(
    db: &Connection,
    account: AccountId,
    masses: &[MassId],
) -> StoreResult<HashSet<MassId>> {
    let ids: Vec<i64> = masses.iter().map(|mass| mass.0).collect();
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM mass WHERE account = ? AND id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
        seal::MASS
    ))?;
    let mut rows = statement.query(params![account.0, serde_json::to_string(&ids)?])?;
    let mut gone = HashSet::new();
    while let Some(row) = rows.next()? {
        seal::check_mass(&row)?;
        let recalled: Option<i64> = row.get(RECALLED_AT)?;
        if recalled.is_some() {
            gone.insert(MassId(row.get(1)?));
        }
    }
    Ok(gone)
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
    let recalled: Option<i64> = row.get(RECALLED_AT)?;
    match recalled {
        Some(_) => Ok(None),
        None => mass::read_content(&row).map(Some),
    }
}

fn entry(
    db: &Connection,
    shared: &Shared,
    account: &Arc<EntryAccount>,
    hit: Hit,
    content: Content,
) -> StoreResult<Entry> {
    let news = match &content {
        Content::News(news) => media::frozen(db, shared, account.id, *news)?,
        _ => None,
    };
    Ok(Entry {
        account: account.clone(),
        sequence: hit.sequence,
        mass: hit.mass,
        preview: hit.preview,
        sent_at: hit.sent_at,
        content,
        news,
        json: OnceLock::new(),
    })
}
