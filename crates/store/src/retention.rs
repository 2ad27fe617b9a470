//! Dropping the deliveries of old masses (design §8): whole masses, never of this or last month. The mass keeps
//! its totals; only who of its audience got it is forgotten.

use domain::{id::AccountId, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    StoreResult,
    sql::{Connection, OptionalExtension, params},
};

/// What an account's retention has dropped so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Only masses that ended before this instant.
    pub(crate) before: Timestamp,
    /// So many delivery rows.
    pub(crate) deliveries: i64,
}

#[derive(Serialize, Deserialize)]
struct Row {
    before: i64,
    deliveries: i64,
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
    let row: Row = match text {
        Some(text) => serde_json::from_str(&text)?,
        None => Row {
            before: i64::MIN,
            deliveries: 0,
        },
    };
    Ok(Dropped {
        before: Timestamp(row.before),
        deliveries: row.deliveries,
    })
}
