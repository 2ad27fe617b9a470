//! Cards: a small registry, so that a card can be sent (卡券).

use async_trait::async_trait;
use domain::{
    id::{AccountId, CardId},
    time::Timestamp,
};

use crate::StoreResult;

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its id, unguessable.
    pub id: CardId,
    /// What it says.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Cards of one account.
#[async_trait]
pub trait CardStore {
    /// Keeps a card.
    async fn add_card(&self, account: AccountId, card: Card) -> StoreResult<()>;
    /// Whether there is such a card.
    async fn has_card(&self, account: AccountId, id: &CardId) -> StoreResult<bool>;
    /// Cards of an account in the order of their making, at most `limit`.
    async fn cards(&self, account: AccountId, limit: usize) -> StoreResult<Vec<Card>>;
}
