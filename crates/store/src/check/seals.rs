//! Rows whose checksums do not fit: what a flipped bit left behind (I4, I6).

use domain::{
    check::{Finding, What, finding::Table},
    id::{AccountId, BlockNo, MassId},
};

use crate::{
    StoreError, StoreResult,
    rows::{columns, seal},
    sql::{Connection, OptionalExtension, params},
};

/// The rows of one mass that are damaged.
pub(super) fn mass(db: &Connection, account: AccountId, id: MassId) -> StoreResult<Vec<Finding>> {
    let mut found = Vec::new();
    let mut say =
        |table, block: Option<BlockNo>| found.push(What::Unreadable { table }.at(account, id, block));
    if !mass_fits(db, account, id)? {
        say(Table::Mass, None);
    }
    for block in broken_deliveries(db, account, id)? {
        say(Table::Delivery, Some(block));
    }
    if !news_fits(db, account, id)? {
        say(Table::FrozenNews, None);
    }
    Ok(found)
}

fn mass_fits(db: &Connection, account: AccountId, id: MassId) -> StoreResult<bool> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM mass WHERE account = ? AND id = ?",
        seal::MASS
    ))?;
    let mut rows = statement.query(params![account.0, id.0])?;
    match rows.next()? {
        Some(row) => seal::mass_fits(&row),
        // A preview may have been cleared away since.
        None => Ok(true),
    }
}

fn broken_deliveries(db: &Connection, account: AccountId, id: MassId) -> StoreResult<Vec<BlockNo>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM delivery WHERE account = ? AND mass = ?",
        seal::DELIVERY
    ))?;
    let mut rows = statement.query(params![account.0, id.0])?;
    let mut broken = Vec::new();
    while let Some(row) = rows.next()? {
        match seal::delivery(&row) {
            Ok(_) => {}
            Err(StoreError::Damaged(_)) => broken.push(BlockNo(row.get(1)?)),
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
}

fn news_fits(db: &Connection, account: AccountId, id: MassId) -> StoreResult<bool> {
    let row: Option<(String, [u8; 32])> = db
        .prepare_cached(
            "SELECT frozen_news.articles, frozen_news.digest FROM frozen_news
             JOIN mass ON mass.account = frozen_news.account AND mass.news = frozen_news.id
             WHERE mass.account = ? AND mass.id = ?",
        )?
        .query_row(params![account.0, id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.is_none_or(|(text, digest)| columns::news(&text, &digest).is_ok()))
}
