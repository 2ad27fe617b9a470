//! Loading and saving what an account has used of its quota.

use crate::sql::{Connection, OptionalExtension, params};
use domain::{
    id::AccountId,
    quota::Usage,
    time::{Day, Minute, Month, Timestamp},
};

use super::Shared;
use crate::StoreResult;

/// The usage at `now`, days and months that are over started anew.
pub(super) fn load(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    now: Timestamp,
) -> StoreResult<Usage> {
    let usage = db
        .prepare_cached(
            "SELECT day, sends_today, calls_today, history_today, month, history_this_month, minute,
                    calls_this_minute, latest
             FROM usage WHERE account = ?",
        )?
        .query_row([account.0], |row| {
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
    Ok(usage.unwrap_or_else(Usage::none).at(now, &shared.calendar))
}

/// Writes the usage back.
pub(super) fn save(db: &Connection, account: AccountId, usage: &Usage) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO usage (account, day, sends_today, calls_today, history_today, month,
                                       history_this_month, minute, calls_this_minute, latest)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (account) DO UPDATE SET day = excluded.day, sends_today = excluded.sends_today, calls_today = excluded.calls_today, history_today = excluded.history_today, month = excluded.month, history_this_month = excluded.history_this_month, minute = excluded.minute, calls_this_minute = excluded.calls_this_minute, latest = excluded.latest",
    )?
    .execute(params![
        account.0,
        usage.day.0,
        usage.sends_today,
        usage.calls_today,
        usage.history_today,
        usage.month.0,
        usage.history_this_month,
        usage.minute.0,
        usage.calls_this_minute,
        usage.latest.0,
    ])?;
    Ok(())
}
