//! [`InboxStore`] on SQLite: a follower's inbox is read from the delivery rows of its block.

use crate::sql::{Connection, params};
use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    content::Content,
    id::{AccountId, MassId, Ordinal, Sequence},
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, mass, media};
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
    let mut statement = db.prepare_cached(
        "SELECT sequence, mass, preview, released_at, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence < ? AND delivered_count > 0 ORDER BY sequence DESC",
    )?;
    let before = before.map_or(i64::MAX, |before| before.0);
    let mut rows = statement.query(params![account.0, ordinal.block().0, before])?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let delivered = row.blob(4)?;
        let mass = MassId(row.get(1)?);
        if encoded_contains(delivered, ordinal.place())? && !recalled(db, account, mass)? {
            hits.push(Hit {
                sequence: Sequence(row.get(0)?),
                mass,
                preview: row.get(2)?,
                sent_at: Timestamp(row.get(3)?),
            });
            if hits.len() == limit {
                break;
            }
        }
    }
    Ok(hits)
}

/// Whether a mass was taken back (I15).
fn recalled(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM mass WHERE account = ? AND id = ? AND recalled_at IS NOT NULL")?;
    Ok(statement.exists(params![account.0, mass.0])?)
}

fn entry(db: &Connection, shared: &Shared, account: AccountId, hit: Hit) -> StoreResult<Entry> {
    let mut statement = db.prepare_cached(
        "SELECT type, text, description, blob, blob_type, blob_length, news, pictures FROM mass
         WHERE account = ? AND id = ?",
    )?;
    let mut rows = statement.query(params![account.0, hit.mass.0])?;
    let row = rows
        .next()?
        .ok_or_else(|| columns::damaged("a delivery of no mass"))?;
    let kind: String = row.get(0)?;
    let content = mass::read_content(&row, &kind, 1)?;
    let news = match &content {
        Content::News(news) => media::frozen(db, shared, account, *news)?,
        _ => None,
    };
    Ok(Entry {
        sequence: hit.sequence,
        mass: hit.mass,
        preview: hit.preview,
        sent_at: hit.sent_at,
        content,
        news,
    })
}
