//! [`InboxStore`] on SQLite: a follower's inbox is read from the delivery rows of its block.

use crate::sql::{Connection, params};
use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    content::Content,
    id::{AccountId, MassId, Ordinal, Sequence},
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, mass, media, seal};
use crate::{
    StoreResult,
    inbox::{Entry, InboxPage, InboxStore},
};

#[async_trait]
impl InboxStore for SqlStore {
    async fn inbox_page(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        before: Option<Sequence>,
        limit: usize,
    ) -> StoreResult<InboxPage> {
        self.read(move |db, shared| page(db, shared, account, ordinal, before, limit))
            .await
    }
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
