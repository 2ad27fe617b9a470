//! [`CallStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    call::{self, CallCounts, CallsUsedUp, Clearing, ClearingsUsedUp, CountedCall},
    id::AccountId,
    time::Timestamp,
};

use super::{SqlStore, account, columns, usage};
use crate::{StoreResult, call::CallStore};

#[async_trait]
impl CallStore for SqlStore {
    async fn count(
        &self,
        account: AccountId,
        call: CountedCall,
        now: Timestamp,
    ) -> StoreResult<Result<(), CallsUsedUp>> {
        self.write(account, move |db, shared| {
            let Some(found) = account::by_id(db, shared, account)? else {
                return Err(columns::damaged("an account number"));
            };
            // The account's own time, which never goes back (I14).
            let usage = usage::load(db, shared, account, now)?;
            usage::save(db, account, &usage)?;
            let mut used = read(db, account, call.word(), usage.day.0)?;
            let counted = call::count(call.limit(&found.quota), &mut used);
            write(db, account, call.word(), usage.day.0, used)?;
            Ok(counted)
        })
        .await
    }

    async fn call_counts(&self, account: AccountId, now: Timestamp) -> StoreResult<CallCounts> {
        self.read(move |db, shared| {
            let day = usage::load(db, shared, account, now)?.day.0;
            let used = |call: CountedCall| read(db, account, call.word(), day);
            Ok(CallCounts {
                name_previews: used(CountedCall::NamePreview)?,
                news_uploads: used(CountedCall::NewsUpload)?,
                deletes: used(CountedCall::Delete)?,
            })
        })
        .await
    }

    async fn clear_calls(
        &self,
        account: AccountId,
        clearing: Clearing,
        now: Timestamp,
    ) -> StoreResult<Result<(), ClearingsUsedUp>> {
        self.write(account, move |db, shared| {
            let mut usage = usage::load(db, shared, account, now)?;
            let mut uses = read(db, account, clearing.word(), usage.month.0)?;
            if call::count(Some(clearing.per_month()), &mut uses).is_err() {
                return Ok(Err(ClearingsUsedUp));
            }
            write(db, account, clearing.word(), usage.month.0, uses)?;
            if clearing.clears_sends() {
                usage.calls_today = 0;
            }
            usage::save(db, account, &usage)?;
            for call in CountedCall::ALL.into_iter().filter(|call| clearing.clears(*call)) {
                write(db, account, call.word(), usage.day.0, 0)?;
            }
            Ok(Ok(()))
        })
        .await
    }
}

/// What was counted in this period; nothing when the row is of an earlier one.
fn read(db: &Connection, account: AccountId, name: &str, period: i32) -> StoreResult<u32> {
    let used = db
        .prepare_cached("SELECT used FROM call_count WHERE account = ? AND name = ? AND period = ?")?
        .query_row(params![account.0, name, period], |row| row.get(0))
        .optional()?;
    Ok(used.unwrap_or_default())
}

fn write(db: &Connection, account: AccountId, name: &str, period: i32, used: u32) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO call_count (account, name, period, used) VALUES (?, ?, ?, ?)
         ON CONFLICT (account, name) DO UPDATE SET period = excluded.period, used = excluded.used",
    )?
    .execute(params![account.0, name, period, used])?;
    Ok(())
}
