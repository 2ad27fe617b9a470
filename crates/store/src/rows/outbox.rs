//! [`OutboxStore`] on SQLite.

use crate::sql::{Connection, Row, params};
use async_trait::async_trait;
use domain::{
    id::{AccountId, MassId, Ordinal, PublishId},
    time::Timestamp,
};

use super::{SqlStore, columns, sets, writer::Scope};
use crate::{
    StoreResult,
    outbox::{Event, EventKind, EventState, OutboxStore},
};

const COLUMNS: &str = "account, id, kind, subject, create_time, state, attempts, first_try_at, last_error";

#[async_trait]
impl OutboxStore for SqlStore {
    async fn claim_events(
        &self,
        busy: Vec<AccountId>,
        limit: usize,
        claim_ms: i64,
        now: Timestamp,
    ) -> StoreResult<Vec<Event>> {
        self.write(Scope::Common, move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "UPDATE outbox SET due_at = ?1, first_try_at = COALESCE(first_try_at, ?2)
                 WHERE (account, id) IN (SELECT account, id FROM outbox WHERE state = 0 AND due_at <= ?2
                     AND account NOT IN (SELECT CAST(value AS BIGINT) FROM json_each(?4)) ORDER BY due_at LIMIT ?3)
                 RETURNING {COLUMNS}"
            ))?;
            let mut rows =
                statement.query(params![now.plus_ms(claim_ms).0, now.0, limit, numbers(&busy)?])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                match read_row(&row) {
                    Ok(event) => events.push(event),
                    Err(error) => tracing::error!(%error, "an event in the outbox cannot be read"),
                }
            }
            events.sort_by_key(|event: &Event| (event.account, event.id));
            Ok(events)
        })
        .await
    }

    async fn next_event_due(&self, busy: Vec<AccountId>) -> StoreResult<Option<Timestamp>> {
        self.read(move |db, _| {
            let due: Option<i64> = db
                .prepare_cached(
                    "SELECT MIN(due_at) FROM outbox
                     WHERE state = 0 AND account NOT IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
                )?
                .query_row([numbers(&busy)?], |row| row.get(0))?;
            Ok(due.map(Timestamp))
        })
        .await
    }

    async fn event_delivered(&self, account: AccountId, id: i64) -> StoreResult<()> {
        self.write(account, move |db, _| {
            db.prepare_cached(
                "UPDATE outbox SET state = 1, attempts = attempts + 1, last_error = '' WHERE account = ? AND id = ?",
            )?
            .execute(params![account.0, id])?;
            Ok(())
        })
        .await
    }

    async fn event_failed(&self, event: &Event, error: &str, retry_at: Option<Timestamp>) -> StoreResult<()> {
        let (account, id, attempts, error) = (event.account, event.id, event.attempts, error.to_owned());
        let first_try_at = event.first_try_at.map(|at| at.0);
        self.write(account, move |db, _| {
            let state = if retry_at.is_some() { 0 } else { 2 };
            db.prepare_cached(
                "UPDATE outbox SET state = ?, attempts = attempts + 1, last_error = ?, due_at = COALESCE(?, due_at)
                 WHERE account = ? AND id = ? AND attempts = ? AND first_try_at IS NOT DISTINCT FROM ?",
            )?
            .execute(params![state, error, retry_at.map(|at| at.0), account.0, id, attempts, first_try_at])?;
            Ok(())
        })
        .await
    }

    async fn events(&self, account: AccountId, before: Option<i64>, limit: usize) -> StoreResult<Vec<Event>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?"
            ))?;
            let mut rows = statement.query(params![account.0, before.unwrap_or(i64::MAX), limit])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(read_row(&row)?);
            }
            Ok(events)
        })
        .await
    }

    async fn resend_event(&self, account: AccountId, id: i64, now: Timestamp) -> StoreResult<bool> {
        self.write(account, move |db, _| {
            let changed = db
                .prepare_cached(
                    "UPDATE outbox SET state = 0, attempts = 0, first_try_at = NULL, due_at = ?, last_error = ''
                     WHERE account = ? AND id = ?",
                )?
                .execute(params![now.0, account.0, id])?;
            Ok(changed == 1)
        })
        .await
    }
}

fn numbers(accounts: &[AccountId]) -> StoreResult<String> {
    Ok(serde_json::to_string(
        &accounts.iter().map(|account| account.0).collect::<Vec<_>>(),
    )?)
}

/// Puts an event into the outbox, in the transaction of what happened (I19). The end of a mass or a
/// publication is kept even when nobody listens; comings and goings are not.
pub(super) fn add(db: &Connection, account: AccountId, kind: EventKind, now: Timestamp) -> StoreResult<()> {
    let listens: bool = db
        .prepare_cached("SELECT callback IS NOT NULL FROM account WHERE id = ?")?
        .query_row([account.0], |row| row.get(0))?;
    let (number, subject) = match kind {
        EventKind::MassFinished(mass) => (0, mass.0),
        EventKind::Subscribed(ordinal) => (1, i64::from(ordinal.0)),
        EventKind::Unsubscribed(ordinal) => (2, i64::from(ordinal.0)),
        EventKind::Published(publication) => (3, publication.0),
    };
    let is_end = matches!(kind, EventKind::MassFinished(_) | EventKind::Published(_));
    if !listens && !is_end {
        return Ok(());
    }
    let create_time = if is_end {
        unique_second(db, account, now)?
    } else {
        now.seconds()
    };
    let id = sets::take_numbers(db, account, "event", 1, 1)?;
    db.prepare_cached(
        "INSERT INTO outbox (account, id, kind, subject, create_time, state, attempts, first_try_at, due_at, last_error)
         VALUES (?, ?, ?, ?, ?, ?, 0, NULL, ?, '')",
    )?
    .execute(params![account.0, id, number, subject, create_time, if listens { 0 } else { 3 }, now.0])?;
    Ok(())
}

/// Two masses or publications that end in one second get different `CreateTime`s, or a correct receiver would drop one
/// (spec events §3.2).
fn unique_second(db: &Connection, account: AccountId, now: Timestamp) -> StoreResult<i64> {
    let free = sets::take_numbers(db, account, "event time", 0, 0)?;
    let second = now.seconds().max(free);
    sets::take_numbers(db, account, "event time", 0, second + 1 - free)?;
    Ok(second)
}

fn read_row(row: &Row<'_>) -> StoreResult<Event> {
    let subject: i64 = row.get(3)?;
    let ordinal = || {
        u32::try_from(subject)
            .map(Ordinal)
            .map_err(|_| columns::damaged("an event's follower"))
    };
    let first_try_at: Option<i64> = row.get(7)?;
    Ok(Event {
        account: AccountId(row.get(0)?),
        id: row.get(1)?,
        kind: match row.get(2)? {
            0 => EventKind::MassFinished(MassId(subject)),
            1 => EventKind::Subscribed(ordinal()?),
            2 => EventKind::Unsubscribed(ordinal()?),
            3 => EventKind::Published(PublishId(subject)),
            _ => return Err(columns::damaged("an event kind")),
        },
        create_time: row.get(4)?,
        state: match row.get(5)? {
            0 => EventState::Pending,
            1 => EventState::Delivered,
            2 => EventState::Failed,
            3 => EventState::NoReceiver,
            _ => return Err(columns::damaged("an event state")),
        },
        attempts: row.get(6)?,
        first_try_at: first_try_at.map(Timestamp),
        last_error: row.get(8)?,
    })
}
