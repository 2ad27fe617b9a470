//! [`CardStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    id::{AccountId, CardId},
    time::Timestamp,
};

use super::SqlStore;
use crate::{
    StoreResult,
    card::{Card, CardStore},
};

#[async_trait]
impl CardStore for SqlStore {
    async fn add_card(&self, account: AccountId, card: Card) -> StoreResult<()> {
        self.write(account, move |db, _| {
            db.prepare_cached("INSERT INTO card (account, id, title, created_at) VALUES (?, ?, ?, ?)")?
                .execute(params![account.0, card.id.0, card.title, card.created_at.0])?;
            Ok(())
        })
        .await
    }

    async fn has_card(&self, account: AccountId, id: &CardId) -> StoreResult<bool> {
        let id = id.clone();
        self.read(move |db, _| Ok(title(db, account, &id)?.is_some()))
            .await
    }

    async fn cards(&self, account: AccountId, limit: usize) -> StoreResult<Vec<Card>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT id, title, created_at FROM card WHERE account = ? ORDER BY created_at, id LIMIT ?",
            )?;
            let cards = statement.query_map(params![account.0, limit], |row| {
                Ok(Card {
                    id: CardId(row.get(0)?),
                    title: row.get(1)?,
                    created_at: Timestamp(row.get(2)?),
                })
            })?;
            Ok(cards.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// What a card says; `None` when there is no such card.
pub(super) fn title(db: &Connection, account: AccountId, id: &CardId) -> StoreResult<Option<String>> {
    let mut statement = db.prepare_cached("SELECT title FROM card WHERE account = ? AND id = ?")?;
    Ok(statement
        .query_row(params![account.0, id.0], |row| row.get(0))
        .optional()?)
}
