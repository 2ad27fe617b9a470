//! [`LiveStore`]: deliveries of blocks that have connections.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use crate::sql::{Connection, Row, ToSql, params};
use async_trait::async_trait;
use domain::{
    block::Block,
    content::Content,
    id::{AccountId, BlockNo, ExternalId, MassId, Ordinal, Sequence},
    position::Membership,
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, inbox, mass, media, seal, sets, writer::Scope};
use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount},
    inbox_token::InboxTokenEnd,
    live::{ChangedMass, Delivered, Deliveries, LiveStore},
};

#[async_trait]
impl LiveStore for SqlStore {
    fn hear_of(&self, account: AccountId) {
        let kept = &self.shared.kept;
        if kept.watch().is_some() {
            kept.versions().changed(Scope::Account(account));
        }
    }

    async fn block_heads(
        &self,
        blocks: &[(AccountId, BlockNo)],
    ) -> StoreResult<HashMap<(AccountId, BlockNo), Sequence>> {
        let wanted = blocks.to_vec();
        self.read(move |db, _| heads(db, &wanted)).await
    }

    async fn deliveries_from(
        &self,
        account: AccountId,
        block: BlockNo,
        next: Sequence,
        limit: usize,
    ) -> StoreResult<Deliveries> {
        self.read(move |db, shared| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {}, delivered FROM delivery
                 WHERE account = ? AND block = ? AND sequence >= ? ORDER BY sequence LIMIT ?",
                seal::DELIVERY
            ))?;
            let sender = inbox::account_of(db, account)?;
            let mut rows = statement.query(params![account.0, block.0, next.0, limit])?;
            let mut found = Deliveries {
                next,
                delivered: Vec::new(),
            };
            while let Some(row) = rows.next()? {
                let delivered = delivered(db, shared, &sender, &row)?;
                found.next = Sequence(delivered.entry.sequence.0 + 1);
                if !delivered.recalled {
                    found.delivered.push(delivered);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn deliveries_of(
        &self,
        account: AccountId,
        mass: MassId,
        blocks: &[BlockNo],
    ) -> StoreResult<Vec<Delivered>> {
        let blocks = sets::list(blocks)?;
        self.read(move |db, shared| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {}, delivered FROM delivery WHERE account = ? AND mass = ?
                 AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
                seal::DELIVERY
            ))?;
            let sender = inbox::account_of(db, account)?;
            let mut rows = statement.query(params![account.0, mass.0, blocks])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(delivered(db, shared, &sender, &row)?);
            }
            Ok(found)
        })
        .await
    }

    async fn changed_masses(
        &self,
        accounts: &[AccountId],
        since: Timestamp,
    ) -> StoreResult<Vec<ChangedMass>> {
        let accounts = list(accounts)?;
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT account, id, recalled_at AS at FROM mass
                 WHERE recalled_at >= ?2
                 AND account IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))
                 UNION ALL
                 SELECT account, id, deleted_at FROM mass
                 WHERE deleted_at >= ?2
                 AND account IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))
                 UNION ALL
                 SELECT mass.account, mass.id, MAX(deleted_article.deleted_at) AS at
                 FROM deleted_article
                 JOIN mass ON mass.account = deleted_article.account AND mass.news = deleted_article.news
                 WHERE deleted_article.deleted_at >= ?2
                 AND deleted_article.account IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))
                 GROUP BY mass.account, mass.id
                 ORDER BY at",
            )?;
            let found = statement.query_map(params![accounts, since.0], |row| {
                Ok(ChangedMass {
                    account: AccountId(row.get(0)?),
                    mass: MassId(row.get(1)?),
                    at: Timestamp(row.get(2)?),
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn followers_of_tokens(&self, end: &InboxTokenEnd) -> StoreResult<Vec<Membership>> {
        let end = end.clone();
        self.read(move |db, _| match end {
            InboxTokenEnd::Follower(follower) => Ok(vec![follower]),
            InboxTokenEnd::Person(ExternalId(id)) => followers(
                db,
                "SELECT account, ordinal FROM follower_external WHERE external_id = ?",
                &id,
            ),
            InboxTokenEnd::Token(hash) | InboxTokenEnd::TokenOf(_, hash) => followers(
                db,
                "SELECT account, ordinal FROM inbox_token WHERE hash = ?1
                 UNION ALL
                 SELECT account, ordinal FROM follower_external
                 WHERE external_id IN (SELECT external_id FROM person_token WHERE hash = ?1)",
                &hash,
            ),
        })
        .await
    }
}

fn followers(db: &Connection, sql: &str, key: &impl ToSql) -> StoreResult<Vec<Membership>> {
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map(params![key], |row| {
        Ok(Membership {
            account: AccountId(row.get(0)?),
            ordinal: Ordinal(row.get(1)?),
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn list(accounts: &[AccountId]) -> StoreResult<String> {
    let numbers: Vec<u32> = accounts.iter().map(|account| account.0).collect();
    Ok(serde_json::to_string(&numbers)?)
}

/// One statement for all blocks: it may find some that only another of the accounts was asked about.
fn heads(
    db: &Connection,
    wanted: &[(AccountId, BlockNo)],
) -> StoreResult<HashMap<(AccountId, BlockNo), Sequence>> {
    let (mut accounts, mut blocks): (Vec<AccountId>, Vec<BlockNo>) = wanted.iter().copied().unzip();
    accounts.sort_unstable();
    accounts.dedup();
    blocks.sort_unstable();
    blocks.dedup();
    let mut statement = db.prepare_cached(
        "SELECT account, block, next_sequence FROM block_head
         WHERE account IN (SELECT CAST(value AS BIGINT) FROM json_each(?))
         AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let mut rows = statement.query(params![list(&accounts)?, sets::list(&blocks)?])?;
    let mut heads = HashMap::with_capacity(wanted.len());
    while let Some(row) = rows.next()? {
        let key = (AccountId(row.get(0)?), BlockNo(row.get(1)?));
        heads.insert(key, Sequence(row.get(2)?));
    }
    Ok(heads)
}

/// A row of the sealed columns of a delivery and its set.
fn delivered(
    db: &Connection,
    shared: &Shared,
    sender: &Arc<EntryAccount>,
    row: &Row<'_>,
) -> StoreResult<Delivered> {
    let account = sender.id;
    let head = seal::delivery(row)?;
    let to = Block::decode(row.blob(seal::DELIVERY_COLUMNS + 1)?)?;
    let mass = mass::by_id(db, account, head.mass)?;
    let mass = mass.ok_or_else(|| columns::damaged("a delivery of no mass"))?;
    let news = match &mass.content {
        Content::News(news) => media::frozen(db, shared, account, *news)?,
        _ => None,
    };
    Ok(Delivered {
        block: BlockNo(row.get(1)?),
        entry: Entry {
            account: sender.clone(),
            sequence: head.sequence,
            mass: head.mass,
            preview: head.preview,
            sent_at: head.released_at,
            content: mass.content,
            news,
            json: OnceLock::new(),
        },
        to,
        recalled: mass.recalled_at.is_some(),
    })
}
