//! Dropping the deliveries of old masses (design §8): whole masses, never of this or last month. The mass keeps
//! its totals; only who of its audience got it is forgotten, and the entry leaves the inboxes. Who read articles, and
//! how often, in days before that goes with it.

use async_trait::async_trait;
use domain::{id::AccountId, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    StoreResult,
    sql::{Connection, OptionalExtension, params},
};

/// Forgets who got what long ago.
#[async_trait]
pub trait RetentionStore {
    /// Drops the deliveries of all masses that ended before the month that lies `months` - 1 months back, in short
    /// transactions, and tells how many. Does next to nothing when that was done already.
    async fn drop_deliveries(&self, months: u32, now: Timestamp) -> StoreResult<u64>;
}

/// What an account's retention has dropped so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dropped {
    /// Only masses that ended before this instant, milliseconds since 1970.
    pub(crate) before: i64,
    /// So many delivery rows.
    pub(crate) deliveries: i64,
    /// Masses with numbers up to this one were looked at.
    pub(crate) after: i64,
    /// Whether all of them were.
    pub(crate) finished: bool,
}

impl Dropped {
    const NOTHING: Self = Self {
        before: i64::MIN,
        deliveries: 0,
        after: 0,
        finished: true,
    };
}

fn setting(account: AccountId) -> String {
    format!("retention, account {account}")
}

/// What was dropped of an account's deliveries.
pub(crate) fn dropped(db: &Connection, account: AccountId) -> StoreResult<Dropped> {
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM setting WHERE name = ?")?
        .query_row(params![setting(account)], |row| row.get(0))
        .optional()?;
    match text {
        Some(text) => Ok(serde_json::from_str(&text)?),
        None => Ok(Dropped::NOTHING),
    }
}

/// Notes what was dropped, in the transaction that drops it.
pub(crate) fn note_dropped(db: &Connection, account: AccountId, dropped: Dropped) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![setting(account), serde_json::to_string(&dropped)?])?;
    Ok(())
}
