//! Previews: to one follower at once, without quota, count or event (spec mass-send §10).

use crate::sql::Connection;
use domain::{
    content::NewContent,
    id::{AccountId, MassId, Ordinal},
    mass::Origin,
    quota::Charge,
    time::Timestamp,
};

use super::{
    Shared, accept, columns, content, follower, mass, release,
    sets::{self, SetKind},
};
use crate::{StoreResult, mass::PreviewRefusal};

/// Delivers to one follower at once; nothing is charged.
pub(super) fn send(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    content: &NewContent,
    to: Ordinal,
    now: Timestamp,
) -> StoreResult<Result<MassId, PreviewRefusal>> {
    if !content::exists(db, account, content, now)? {
        return Ok(Err(match content {
            NewContent::Card(_) => PreviewRefusal::CardUnknown,
            _ => PreviewRefusal::MediaUnknown,
        }));
    }
    let is_in = |kind| sets::contains(db, account, kind, to);
    if !follower::exists(db, account, to)? {
        return Ok(Err(PreviewRefusal::Unknown));
    }
    if !is_in(SetKind::Subscribed)? {
        return Ok(Err(PreviewRefusal::NotFollowing));
    }
    if is_in(SetKind::Blacklisted)? {
        return Ok(Err(PreviewRefusal::Blacklisted));
    }
    if is_in(SetKind::OptedOut)? {
        return Ok(Err(PreviewRefusal::OptedOut));
    }
    let content =
        content::freeze(db, account, content, now)?.ok_or_else(|| columns::damaged("a material"))?;
    let id = accept::take_id(db, account)?;
    let row = accept::NewRow {
        id,
        origin: Origin::Preview,
        content: &content,
        tag: None,
        key: None,
        charge: Charge {
            api: false,
            history: false,
        },
        total: 1,
        base_time: now,
        per_minute: None,
        state: mass::SUCCEEDED,
        confirm_by: None,
        ignore_reprint: false,
    };
    accept::insert_mass(db, account, &row, now)?;
    release::deliver_preview(db, shared, account, id, to, now)?;
    Ok(Ok(id))
}
