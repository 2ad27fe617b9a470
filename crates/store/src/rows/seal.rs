//! Seals: a checksum beside the columns that entries, counts and texts are read from.
//!
//! Neither database notices a flipped bit inside a value of the embedded file. A row whose seal does not fit is refused
//! where it is read, and named by `qunfa check`; sets carry a checksum of their own (`domain::block`), articles a digest.

use crc32fast::Hasher;
use domain::{
    id::{AccountId, MassId, Sequence},
    mass::Counts,
    time::Timestamp,
};

use crate::{
    StoreError, StoreResult,
    sql::{Connection, Row, Value, ValueRef, params},
};

/// The sealed columns of a mass, and the seal; how it is paced and whether it waits is of no row's reader.
pub(crate) const MASS: &str = "account, id, origin, state, refused, type, text, description, blob, blob_type, \
    blob_length, news, pictures, audience_tag, charged_api, charged_history, accepted_at, finished_at, total, delivered, \
    over_quota, blacklisted, opted_out, left_since, failed, recalled_at, ignore_reprint, seal";
const MASS_COLUMNS: usize = 27;

/// The sealed columns of a delivery, and the seal.
pub(crate) const DELIVERY: &str = "account, block, sequence, mass, preview, month, released_at, delivered_count, \
    over_quota_count, blacklisted_count, opted_out_count, left_count, seal";
/// How many of them there are, and where the seal stands.
pub(crate) const DELIVERY_COLUMNS: usize = 12;

/// What a delivery says beside its sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryHead {
    pub(crate) sequence: Sequence,
    pub(crate) mass: MassId,
    pub(crate) preview: bool,
    pub(crate) month: i32,
    pub(crate) released_at: Timestamp,
    /// Its followers by outcome; its total is of no meaning.
    pub(crate) counts: Counts,
}

/// Seals a mass as it stands now; every change of its sealed columns is followed by this.
pub(super) fn mass(db: &Connection, account: AccountId, id: MassId) -> StoreResult<()> {
    let seal = {
        let mut statement =
            db.prepare_cached(&format!("SELECT {MASS} FROM mass WHERE account = ? AND id = ?"))?;
        let mut rows = statement.query(params![account.0, id.0])?;
        match rows.next()? {
            Some(row) => of_row(&row, MASS_COLUMNS)?,
            None => return Ok(()),
        }
    };
    db.prepare_cached("UPDATE mass SET seal = ? WHERE account = ? AND id = ?")?
        .execute(params![seal, account.0, id.0])?;
    Ok(())
}

/// Whether the seal of a row of [`MASS`] fits.
pub(crate) fn mass_fits(row: &Row<'_>) -> StoreResult<bool> {
    fits(row, MASS_COLUMNS)
}

/// Refuses a row of [`MASS`] whose seal does not fit.
pub(super) fn check_mass(row: &Row<'_>) -> StoreResult<()> {
    if mass_fits(row)? {
        return Ok(());
    }
    Err(broken("mass send"))
}

/// A delivery out of a row of [`DELIVERY`]; refused when its seal does not fit.
pub(crate) fn delivery(row: &Row<'_>) -> StoreResult<DeliveryHead> {
    if !fits(row, DELIVERY_COLUMNS)? {
        return Err(broken("delivery"));
    }
    Ok(DeliveryHead {
        sequence: Sequence(row.get(2)?),
        mass: MassId(row.get(3)?),
        preview: row.get(4)?,
        month: row.get(5)?,
        released_at: Timestamp(row.get(6)?),
        counts: Counts {
            delivered: row.get(7)?,
            over_quota: row.get(8)?,
            blacklisted: row.get(9)?,
            opted_out: row.get(10)?,
            left: row.get(11)?,
            ..Counts::default()
        },
    })
}

/// The seal of values that are about to be written.
pub(super) fn of_values(values: &[Value<'_>]) -> i64 {
    let mut hasher = Hasher::new();
    for value in values {
        add(
            &mut hasher,
            match *value {
                Value::Null => ValueRef::Null,
                Value::Integer(number) => ValueRef::Integer(number),
                Value::Text(text) => ValueRef::Text(text),
                Value::Blob(bytes) => ValueRef::Blob(bytes),
            },
        );
    }
    hasher.finalize().into()
}

/// The error of a row that was changed by nobody.
pub(super) fn broken(what: &str) -> StoreError {
    StoreError::Damaged(format!(
        "the checksum of a {what} does not fit; `qunfa check` names it"
    ))
}

fn fits(row: &Row<'_>, columns: usize) -> StoreResult<bool> {
    let seal: i64 = row.get(columns)?;
    Ok(of_row(row, columns)? == seal)
}

fn of_row(row: &Row<'_>, columns: usize) -> StoreResult<i64> {
    let mut hasher = Hasher::new();
    for place in 0..columns {
        add(&mut hasher, row.value(place)?);
    }
    Ok(hasher.finalize().into())
}

/// Each value with its type and length, so that none runs into the next.
fn add(hasher: &mut Hasher, value: ValueRef<'_>) {
    let (kind, length, bytes): (u8, usize, &[u8]) = match &value {
        ValueRef::Null => (0, 0, &[]),
        ValueRef::Integer(number) => (1, 8, &number.to_le_bytes()),
        ValueRef::Real(number) => (2, 8, &number.to_le_bytes()),
        ValueRef::Text(text) => (3, text.len(), text.as_bytes()),
        ValueRef::Blob(bytes) => (4, bytes.len(), bytes),
    };
    hasher.update(&[kind]);
    hasher.update(&(length as u64).to_le_bytes());
    hasher.update(bytes);
}
