//! Reading the rows that a check looks at, as they are stored.

use domain::{
    check::{
        Finding, What,
        mass::{BatchRow, DeliveryRow, MassRows},
        order::{MonthlyQuota, OrderRow},
        sets::SetRow,
        usage::{Charged, UsageRows},
    },
    id::{AccountId, BlobId, BlockNo, MESSAGE_ID_BASE, MassId, NewsId, Sequence},
    mass::{Counts, MassState},
    quota::{Quota, Usage},
    time::{Day, Minute, Month, Timestamp},
};

use crate::{
    StoreResult,
    blob::object::BlobObject,
    retention,
    rows::columns::quota,
    sql::{Connection, OptionalExtension, params},
};

/// Rows of one page.
pub(super) const PAGE: usize = 1_000;
/// Findings of one kind that are listed.
const LISTED: usize = 100;

/// An account as far as a check needs it.
#[derive(Clone, Debug)]
pub(super) struct AccountRow {
    pub(super) id: AccountId,
    quota: Quota,
    /// The first mass that was accepted under this quota.
    quota_since: MassId,
}

impl AccountRow {
    /// The month's quota of every follower, where the account has one.
    pub(super) fn monthly_quota(&self) -> Option<MonthlyQuota> {
        let receipts = self.quota.receipts_per_month?;
        Some(MonthlyQuota {
            receipts,
            since: self.quota_since,
        })
    }
}

/// All accounts.
pub(super) fn accounts(db: &Connection) -> StoreResult<Vec<AccountRow>> {
    let mut statement = db.prepare_cached("SELECT id, quota FROM account ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, text): (u32, String) = (row.get(0)?, row.get(1)?);
        accounts.push((AccountId(id), quota(&text)?));
    }
    accounts
        .into_iter()
        .map(|(id, quota)| {
            Ok(AccountRow {
                id,
                quota,
                quota_since: quota_since(db, id)?,
            })
        })
        .collect()
}

/// The name of the setting that holds since which mass an account's quota stands.
fn quota_setting(account: AccountId) -> String {
    format!("quota since mass, account {account}")
}

fn quota_since(db: &Connection, account: AccountId) -> StoreResult<MassId> {
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM setting WHERE name = ?")?
        .query_row(params![quota_setting(account)], |row| row.get(0))
        .optional()?;
    Ok(MassId(text.and_then(|text| text.parse().ok()).unwrap_or(0)))
}

/// Notes that an account's quota is another from now on: what was accepted before went by the old one.
pub(crate) fn quota_changes(db: &Connection, account: AccountId) -> StoreResult<()> {
    let next = counter(db, account, "mass")?.unwrap_or(MESSAGE_ID_BASE + 1);
    db.prepare_cached(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![quota_setting(account), next.to_string()])?;
    Ok(())
}

/// The next number of a series, if one was ever taken.
pub(super) fn counter(db: &Connection, account: AccountId, name: &str) -> StoreResult<Option<i64>> {
    Ok(db
        .prepare_cached("SELECT next FROM counter WHERE account = ? AND name = ?")?
        .query_row(params![account.0, name], |row| row.get(0))
        .optional()?)
}

/// What an account used, and what charged it.
pub(super) fn usage(db: &Connection, account: &AccountRow) -> StoreResult<UsageRows> {
    let usage = db
        .prepare_cached(
            "SELECT day, sends_today, calls_today, history_today, month, history_this_month, minute,
                    calls_this_minute, latest
             FROM usage WHERE account = ?",
        )?
        .query_row(params![account.id.0], |row| {
            Ok(Usage {
                day: Day(row.get(0)?),
                sends_today: row.get(1)?,
                calls_today: row.get(2)?,
                history_today: row.get(3)?,
                month: Month(row.get(4)?),
                history_this_month: row.get(5)?,
                minute: Minute(row.get(6)?),
                calls_this_minute: row.get(7)?,
                latest: Timestamp(row.get(8)?),
            })
        })
        .optional()?;
    let mut statement = db.prepare_cached(
        "SELECT id, accepted_at, charged_api, charged_history FROM mass
         WHERE account = ? AND origin <> 2 AND state NOT IN (2, 3) ORDER BY id",
    )?;
    let charged = statement.query_map(params![account.id.0], |row| {
        Ok(Charged {
            mass: MassId(row.get(0)?),
            accepted_at: Timestamp(row.get(1)?),
            api: row.get(2)?,
            history: row.get(3)?,
        })
    })?;
    Ok(UsageRows {
        account: account.id,
        quota: account.quota,
        since: account.quota_since,
        usage,
        charged: charged.collect::<Result<_, _>>()?,
    })
}

/// The numbers of all masses and previews.
pub(super) fn masses(db: &Connection, account: AccountId) -> StoreResult<Vec<MassId>> {
    let mut statement = db.prepare_cached("SELECT id FROM mass WHERE account = ? ORDER BY id")?;
    let ids = statement.query_map(params![account.0], |row| row.get(0).map(MassId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// One mass with all of its rows; `None` when it is gone.
pub(super) fn mass(db: &Connection, account: &AccountRow, id: MassId) -> StoreResult<Option<MassRows>> {
    let mut statement = db.prepare_cached(
        "SELECT origin, state, refused, total, delivered, over_quota, blacklisted, opted_out, left_since, failed,
                audience_tag, charged_api, charged_history, finished_at, news
         FROM mass WHERE account = ? AND id = ?",
    )?;
    // In the mass's own snapshot: what retention dropped since the check began is known here.
    let dropped_before = retention::dropped(db, account.id)?.before;
    let found = statement
        .query_row(params![account.id.0, id.0], |row| {
            let (origin, tag, news): (i64, Option<i64>, Option<i64>) =
                (row.get(0)?, row.get(10)?, row.get(14)?);
            let (api, history): (bool, bool) = (row.get(11)?, row.get(12)?);
            let finished_at: Option<i64> = row.get(13)?;
            let rows = MassRows {
                account: account.id,
                id,
                preview: origin == 2,
                state: state(row.get(1)?, row.get(2)?),
                counts: Counts {
                    total: row.get(3)?,
                    delivered: row.get(4)?,
                    over_quota: row.get(5)?,
                    blacklisted: row.get(6)?,
                    opted_out: row.get(7)?,
                    left: row.get(8)?,
                    failed: row.get(9)?,
                },
                // An API send to all enters the history, a send to a tag names it; a site's list looks like all.
                list: tag.is_none() && !(api && history),
                droppable: finished_at.is_some_and(|at| at < dropped_before),
                batches: Vec::new(),
                deliveries: Vec::new(),
                finish_events: 0,
                missing_news: None,
            };
            Ok((rows, news.map(NewsId)))
        })
        .optional()?;
    let Some((mut mass, news)) = found else {
        return Ok(None);
    };
    mass.batches = batches(db, account.id, id)?;
    mass.deliveries = deliveries(db, account.id, id)?;
    mass.finish_events = finish_events(db, account.id, id)?;
    if let Some(news) = news {
        let there = db
            .prepare_cached("SELECT 1 FROM frozen_news WHERE account = ? AND id = ?")?
            .exists(params![account.id.0, news.0])?;
        mass.missing_news = (!there).then_some(news);
    }
    Ok(Some(mass))
}

fn state(number: i64, refused: u32) -> Option<MassState> {
    match number {
        0 => Some(MassState::Sending),
        1 => Some(MassState::Succeeded),
        2 => Some(MassState::Failed),
        3 => Some(MassState::Refused(refused)),
        4 => Some(MassState::Deleted),
        _ => None,
    }
}

fn batches(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Vec<BatchRow>> {
    let mut statement = db.prepare_cached(
        "SELECT block, before, target FROM batch WHERE account = ? AND mass = ? ORDER BY block",
    )?;
    let rows = statement.query_map(params![account.0, mass.0], |row| {
        Ok(BatchRow {
            block: BlockNo(row.get(0)?),
            before: row.get(1)?,
            target: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn deliveries(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Vec<DeliveryRow>> {
    let mut statement = db.prepare_cached(
        "SELECT block, delivered_count, over_quota_count, blacklisted_count, opted_out_count, left_count,
                delivered, over_quota, blacklisted, opted_out, left_since
         FROM delivery WHERE account = ? AND mass = ? ORDER BY block",
    )?;
    let rows = statement.query_map(params![account.0, mass.0], |row| {
        Ok(DeliveryRow {
            block: BlockNo(row.get(0)?),
            counts: [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
            sets: [
                Some(row.get(6)?),
                row.get(7)?,
                row.get(8)?,
                row.get(9)?,
                row.get(10)?,
            ],
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn finish_events(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<u64> {
    let mut statement =
        db.prepare_cached("SELECT COUNT(*) FROM outbox WHERE account = ? AND kind = 0 AND subject = ?")?;
    Ok(statement.query_row(params![account.0, mass.0], |row| row.get(0))?)
}

/// The blocks that have deliveries or a head.
pub(super) fn blocks_of_deliveries(db: &Connection, account: AccountId) -> StoreResult<Vec<BlockNo>> {
    let mut statement = db.prepare_cached(
        "SELECT block FROM block_head WHERE account = ?
         UNION SELECT DISTINCT block FROM delivery WHERE account = ? ORDER BY 1",
    )?;
    let blocks = statement.query_map(params![account.0, account.0], |row| row.get(0).map(BlockNo))?;
    Ok(blocks.collect::<Result<_, _>>()?)
}

/// A page of one block's deliveries after a number.
pub(super) fn order(
    db: &Connection,
    account: AccountId,
    block: BlockNo,
    after: Option<Sequence>,
) -> StoreResult<Vec<OrderRow>> {
    let mut statement = db.prepare_cached(
        "SELECT sequence, mass, preview, month, released_at, delivered FROM delivery
         WHERE account = ? AND block = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    )?;
    let after = after.map_or(-1, |after| after.0);
    let rows = statement.query_map(params![account.0, block.0, after, PAGE], |row| {
        Ok(OrderRow {
            sequence: Sequence(row.get(0)?),
            mass: MassId(row.get(1)?),
            preview: row.get(2)?,
            month: row.get(3)?,
            released_at: Timestamp(row.get(4)?),
            delivered: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The number that a block's head would give out next.
pub(super) fn next_sequence(db: &Connection, account: AccountId, block: BlockNo) -> StoreResult<i64> {
    let next = db
        .prepare_cached("SELECT next_sequence FROM block_head WHERE account = ? AND block = ?")?
        .query_row(params![account.0, block.0], |row| row.get(0))
        .optional()?;
    Ok(next.unwrap_or(0))
}

/// Every number that was given out has its row, but for previews, whose masses are gone too, and for what
/// retention dropped (I8).
pub(super) fn sequences(db: &Connection, account: AccountId) -> StoreResult<Vec<Finding>> {
    let number = |sql: &str| -> StoreResult<i64> {
        Ok(db
            .prepare_cached(sql)?
            .query_row(params![account.0], |row| row.get(0))?)
    };
    let given =
        number("SELECT CAST(COALESCE(SUM(next_sequence), 0) AS BIGINT) FROM block_head WHERE account = ?")?;
    let rows = number("SELECT COUNT(*) FROM delivery WHERE account = ?")?;
    let masses = number("SELECT COUNT(*) FROM mass WHERE account = ?")?;
    let accepted = counter(db, account, "mass")?.map_or(0, |next| next - MESSAGE_ID_BASE - 1);
    let (missing, explained) = (
        given - rows,
        accepted - masses + retention::dropped(db, account)?.deliveries,
    );
    let finding = What::SequencesMissing { missing, explained }.at(account, None, None);
    Ok((missing != explained).then_some(finding).into_iter().collect())
}

/// Batches and deliveries of masses that do not exist.
pub(super) fn orphans(db: &Connection) -> StoreResult<Vec<Finding>> {
    let mut findings = Vec::new();
    for table in ["batch", "delivery"] {
        let mut statement = db.prepare_cached(&format!(
            "SELECT DISTINCT account, mass FROM {table}
             WHERE NOT EXISTS (SELECT 1 FROM mass WHERE mass.account = {table}.account AND mass.id = {table}.mass)
             LIMIT ?"
        ))?;
        let rows = statement.query_map(params![LISTED], |row| {
            Ok(What::NoSuchMass.at(AccountId(row.get(0)?), MassId(row.get(1)?), None))
        })?;
        findings.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(findings)
}

/// Bytes that are used and not kept.
pub(super) fn unknown_blobs(db: &Connection) -> StoreResult<Vec<Finding>> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT blob FROM blob_use
         WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.id = blob_use.blob) LIMIT ?",
    )?;
    let rows = statement.query_map(params![LISTED], |row| {
        let blob = BlobId(row.get(0)?);
        Ok(What::BlobUnknown { blob }.at(None, None, None))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The objects of all bytes that something refers to.
pub(super) fn used_blobs(db: &Connection) -> StoreResult<Vec<BlobObject>> {
    let mut statement = db.prepare_cached(
        "SELECT id, generation FROM blob
         WHERE EXISTS (SELECT 1 FROM blob_use WHERE blob_use.blob = blob.id) ORDER BY id",
    )?;
    let objects = statement.query_map([], |row| {
        Ok(BlobObject {
            id: BlobId(row.get(0)?),
            generation: row.get(1)?,
        })
    })?;
    Ok(objects.collect::<Result<_, _>>()?)
}

/// The sizes of the tables that matter most.
pub(super) fn count(db: &Connection) -> StoreResult<super::Seen> {
    let number = |table: &str| -> StoreResult<u64> {
        let mut statement = db.prepare_cached(&format!("SELECT COUNT(*) FROM {table}"))?;
        Ok(statement.query_row([], |row| row.get(0))?)
    };
    Ok(super::Seen {
        accounts: number("account")?,
        masses: number("mass")?,
        deliveries: number("delivery")?,
        followers: number("follower_external")?,
        blobs: number("(SELECT DISTINCT blob FROM blob_use) AS used")?,
    })
}

/// The blocks that have sets.
pub(super) fn blocks_of_sets(db: &Connection, account: AccountId) -> StoreResult<Vec<BlockNo>> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT block FROM block_set WHERE account = ? ORDER BY block")?;
    let blocks = statement.query_map(params![account.0], |row| row.get(0).map(BlockNo))?;
    Ok(blocks.collect::<Result<_, _>>()?)
}

/// All sets of one block.
pub(super) fn sets(db: &Connection, account: AccountId, block: BlockNo) -> StoreResult<Vec<SetRow>> {
    let mut statement = db.prepare_cached(
        "SELECT kind, id, cardinality, bits FROM block_set WHERE account = ? AND block = ? ORDER BY kind, id",
    )?;
    let rows = statement.query_map(params![account.0, block.0], |row| {
        Ok(SetRow {
            kind: row.get(0)?,
            id: row.get(1)?,
            cardinality: row.get(2)?,
            bits: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
