//! [`ChannelStore`]: which lanes have work and who has them; what both channels read of a delivery.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::{
    block::Block,
    content::Content,
    id::{AccountId, BlockNo, Ordinal},
    time::Timestamp,
};

use super::{Shared, SqlStore, mass, media, seal};
use crate::{
    StoreResult,
    channel::{ChannelStore, DueLanes, Lane, LaneLease, Release},
    mass::WorkerId,
    sql::{Connection, OptionalExtension, Row, params},
};

#[async_trait]
impl ChannelStore for SqlStore {
    async fn due_lanes(&self, busy: Vec<Lane>, worker: &WorkerId, now: Timestamp) -> StoreResult<DueLanes> {
        let worker = worker.clone();
        self.read(move |db, _| {
            let mut due = DueLanes::default();
            for work in pushes(db)?.into_iter().chain(bridges(db)?) {
                if busy.contains(&work.lane) {
                    continue;
                }
                let free = is_alone(db) || work.worker == worker.0;
                let at = if free { work.due } else { work.due.max(work.until) };
                if at <= now.0 {
                    due.lanes.push(work.lane);
                } else {
                    due.next = due.next.into_iter().chain([Timestamp(at)]).min();
                }
            }
            Ok(due)
        })
        .await
    }

    async fn claim_lane(
        &self,
        lane: Lane,
        worker: &WorkerId,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<Option<LaneLease>> {
        let worker = worker.clone();
        self.write_aside(lane.account(), move |db, _| {
            let alone = is_alone(db);
            let sql = |table: &str, key: &str| {
                format!(
                    "UPDATE {table} SET epoch = epoch + 1, worker = ?1, until = ?2
                     WHERE (until <= ?3 OR worker = ?1 OR ?4 = 1) AND {key} RETURNING epoch"
                )
            };
            let epoch: Option<i64> = match lane {
                Lane::Push(account, block) => db
                    .prepare_cached(&sql("push_block", "account = ?5 AND block = ?6"))?
                    .query_row(
                        params![worker.0, until.0, now.0, alone, account.0, block.0],
                        |row| row.get(0),
                    )
                    .optional()?,
                Lane::Bridge(account) => db
                    .prepare_cached(&sql("push_bridge", "account = ?5"))?
                    .query_row(params![worker.0, until.0, now.0, alone, account.0], |row| {
                        row.get(0)
                    })
                    .optional()?,
            };
            Ok(epoch.map(|epoch| LaneLease { lane, epoch }))
        })
        .await
    }

    async fn keep_lane(&self, lease: LaneLease, until: Timestamp) -> StoreResult<bool> {
        self.write_aside(lease.lane.account(), move |db, _| keep(db, lease, until))
            .await
    }

    async fn leave_lane(&self, lease: LaneLease) -> StoreResult<()> {
        self.write_aside(lease.lane.account(), move |db, _| {
            keep(db, lease, Timestamp(0)).map(drop)
        })
        .await
    }
}

/// Whether no other process can hold a lane: the folder of an embedded store has one.
fn is_alone(db: &Connection) -> bool {
    matches!(db, Connection::Sqlite(_))
}

/// Work of one lane.
struct Work {
    lane: Lane,
    due: i64,
    worker: String,
    until: i64,
}

fn pushes(db: &Connection) -> StoreResult<Vec<Work>> {
    let mut statement = db.prepare_cached(
        "SELECT p.account, p.block, CASE WHEN h.next_sequence > p.next THEN 0 ELSE p.retry_at END, p.worker, p.until
         FROM push_block p JOIN block_head h ON h.account = p.account AND h.block = p.block
         WHERE (h.next_sequence > p.next OR p.retry_at IS NOT NULL)
             AND EXISTS (SELECT 1 FROM push_subscription s WHERE s.account = p.account AND s.block = p.block)
         ORDER BY p.account, p.block",
    )?;
    let found = statement.query_map([], |row| {
        let lane = Lane::Push(AccountId(row.get(0)?), BlockNo(row.get(1)?));
        work(lane, row, 2)
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn bridges(db: &Connection) -> StoreResult<Vec<Work>> {
    let mut statement = db.prepare_cached(
        "SELECT b.account, CASE WHEN EXISTS (SELECT 1 FROM dead_letter d WHERE d.account = b.account AND d.resend = 1)
                 THEN 0 ELSE b.due_at END, b.worker, b.until
         FROM push_bridge b
         WHERE EXISTS (SELECT 1 FROM dead_letter d WHERE d.account = b.account AND d.resend = 1)
             OR EXISTS (SELECT 1 FROM block_head h LEFT JOIN bridge_block c ON c.account = h.account AND c.block = h.block
                        WHERE h.account = b.account AND h.next_sequence > COALESCE(c.next, 0))
         ORDER BY b.account",
    )?;
    let found = statement.query_map([], |row| work(Lane::Bridge(AccountId(row.get(0)?)), row, 1))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn work(lane: Lane, row: &Row<'_>, place: usize) -> crate::sql::Result<Work> {
    Ok(Work {
        lane,
        due: row.get(place)?,
        worker: row.get(place + 1)?,
        until: row.get(place + 2)?,
    })
}

/// Keeps a lane until then; false when it has passed to another worker (I16).
pub(super) fn keep(db: &Connection, lease: LaneLease, until: Timestamp) -> StoreResult<bool> {
    let kept = match lease.lane {
        Lane::Push(account, block) => db
            .prepare_cached("UPDATE push_block SET until = ? WHERE account = ? AND block = ? AND epoch = ?")?
            .execute(params![until.0, account.0, block.0, lease.epoch])?,
        Lane::Bridge(account) => db
            .prepare_cached("UPDATE push_bridge SET until = ? WHERE account = ? AND epoch = ?")?
            .execute(params![until.0, account.0, lease.epoch])?,
    };
    Ok(kept == 1)
}

/// A delivery and who got it.
pub(super) struct Delivered {
    pub(super) head: seal::DeliveryHead,
    pub(super) to: Block,
}

/// The first delivery of a block from `next` on that was released then or later.
pub(super) fn next_delivery(
    db: &Connection,
    (account, block): (AccountId, BlockNo),
    next: i64,
    since: Timestamp,
) -> StoreResult<Option<Delivered>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence >= ? AND released_at >= ? ORDER BY sequence LIMIT 1",
        seal::DELIVERY
    ))?;
    let mut rows = statement.query(params![account.0, block.0, next, since.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Delivered {
        head: seal::delivery(&row)?,
        to: Block::decode(row.blob(seal::DELIVERY_COLUMNS + 1)?)?,
    }))
}

/// What a delivery brought; `None` when it was taken back (I15).
pub(super) fn release(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    head: &seal::DeliveryHead,
) -> StoreResult<Option<Release>> {
    let Some(mass) = mass::by_id(db, account, head.mass)?.filter(|mass| mass.recalled_at.is_none()) else {
        return Ok(None);
    };
    let news = match &mass.content {
        Content::News(news) => media::frozen(db, shared, account, *news)?,
        _ => None,
    };
    Ok(Some(Release {
        sequence: head.sequence,
        mass: head.mass,
        preview: head.preview,
        sent_at: head.released_at,
        content: mass.content,
        news,
    }))
}

/// Which of these followers have muted the account: their entries come without a sound.
pub(super) fn muted(
    db: &Connection,
    account: AccountId,
    ordinals: impl Iterator<Item = Ordinal>,
) -> StoreResult<HashSet<Ordinal>> {
    let mut statement = db.prepare_cached(
        "SELECT ordinal FROM inbox_mark WHERE account = ? AND muted = 1
             AND ordinal IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let muted = statement.query_map(params![account.0, list(ordinals)?], |row| row.get(0).map(Ordinal))?;
    Ok(muted.collect::<Result<_, _>>()?)
}

/// Ordinals as statements take them.
pub(super) fn list(ordinals: impl Iterator<Item = Ordinal>) -> StoreResult<String> {
    Ok(serde_json::to_string(
        &ordinals.map(|ordinal| ordinal.0).collect::<Vec<_>>(),
    )?)
}
