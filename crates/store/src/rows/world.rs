//! What only a made-up world needs: followers who were gone or deaf before its first day, and the deliveries that
//! its readers have not seen yet.

use std::collections::HashMap;

use crate::sql::{Connection, params};
use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, NewsId, Ordinal},
    time::Timestamp,
};

use super::{
    SqlStore,
    sets::{self, SetKind},
    statistics,
};
use crate::StoreResult;

/// A news that arrived at the followers of one block.
#[derive(Clone, Debug)]
pub struct NewsDelivery {
    /// Whose.
    pub account: AccountId,
    /// The mass that brought it.
    pub mass: MassId,
    /// What arrived.
    pub news: NewsId,
    /// Where.
    pub block: BlockNo,
    /// When.
    pub released_at: Timestamp,
    /// To whom.
    pub delivered: Block,
}

/// How far the deliveries of each block were looked at: the first sequence number that was not.
pub type Seen = HashMap<(AccountId, BlockNo), i64>;

impl SqlStore {
    /// Makes imported followers refuse mass sends, and others leave again; no events. Who left carries no tag, so
    /// give them none.
    pub async fn set_apart(
        &self,
        account: AccountId,
        opted_out: Vec<Ordinal>,
        left: Vec<Ordinal>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.write_bulk(account, move |db, shared| {
            sets::change(db, account, SetKind::OptedOut, &opted_out, true)?;
            let lost = sets::change(db, account, SetKind::Subscribed, &left, false)?;
            statistics::count_followers(db, account, shared.calendar.day(now), 0, lost)
        })
        .await
    }

    /// The deliveries of articles since `seen`, of all accounts, as far as they were released after `since`; `seen`
    /// is brought up to date.
    pub async fn unseen_news(
        &self,
        mut seen: Seen,
        since: Timestamp,
    ) -> StoreResult<(Seen, Vec<NewsDelivery>)> {
        self.read(move |db, _| {
            let mut found = Vec::new();
            for (account, block, next) in heads(db)? {
                let first = seen.insert((account, block), next).unwrap_or(0);
                if first < next {
                    find_news(db, (account, block), first, since, &mut found)?;
                }
            }
            Ok((seen, found))
        })
        .await
    }
}

fn heads(db: &Connection) -> StoreResult<Vec<(AccountId, BlockNo, i64)>> {
    let mut statement = db.prepare_cached("SELECT account, block, next_sequence FROM block_head")?;
    let heads = statement.query_map([], |row| {
        Ok((AccountId(row.get(0)?), BlockNo(row.get(1)?), row.get(2)?))
    })?;
    Ok(heads.collect::<Result<_, _>>()?)
}

fn find_news(
    db: &Connection,
    (account, block): (AccountId, BlockNo),
    first: i64,
    since: Timestamp,
    found: &mut Vec<NewsDelivery>,
) -> StoreResult<()> {
    let mut statement = db.prepare_cached(
        "SELECT delivery.mass, mass.news, delivery.released_at, delivery.delivered
         FROM delivery JOIN mass ON mass.account = delivery.account AND mass.id = delivery.mass
         WHERE delivery.account = ? AND delivery.block = ? AND delivery.sequence >= ? AND delivery.preview = 0
             AND delivery.released_at > ? AND delivery.delivered_count > 0 AND mass.news IS NOT NULL
         ORDER BY delivery.sequence",
    )?;
    let mut rows = statement.query(params![account.0, block.0, first, since.0])?;
    while let Some(row) = rows.next()? {
        let delivered = row.blob(3)?;
        found.push(NewsDelivery {
            account,
            mass: MassId(row.get(0)?),
            news: NewsId(row.get(1)?),
            block,
            released_at: Timestamp(row.get(2)?),
            delivered: Block::decode(delivered)?,
        });
    }
    Ok(())
}
