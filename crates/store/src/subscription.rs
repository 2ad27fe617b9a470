//! Web Push: browsers of readers that are pushed to.

use async_trait::async_trait;
use domain::{
    id::{AccountId, Ordinal},
    push::Subscription,
    time::Timestamp,
};

use crate::{StoreResult, inbox_token::InboxTokenEnd, push::EndpointHash};

/// A reader's subscription as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Which.
    pub hash: EndpointHash,
    /// The push service's host.
    pub host: String,
    /// When it was made or renewed.
    pub created_at: Timestamp,
}

/// Subscriptions, and the key that pushes are signed with.
#[async_trait]
pub trait SubscriptionStore {
    /// The private key that this installation signs pushes with; `candidate` becomes it when there is none.
    async fn push_key(&self, candidate: [u8; 32]) -> StoreResult<[u8; 32]>;
    /// Subscribes a reader's browser, or renews it; false for an unknown follower. Who had this browser before has it no
    /// more. `person` is said of one who reads all accounts, and is then followed into those that come to know it.
    async fn add_subscription(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        subscription: &Subscription,
        person: bool,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// Forgets a browser of a reader; false when it was not subscribed.
    async fn remove_subscription(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        endpoint: &str,
    ) -> StoreResult<bool>;
    /// Forgets the browsers of whoever is logged out everywhere: with all tokens of a follower or of a person go all that
    /// were subscribed with such tokens. The end of a single token leaves them: it may be one of many, and short-lived.
    async fn end_subscriptions(&self, end: &InboxTokenEnd) -> StoreResult<()>;
    /// A reader's browsers, oldest first.
    async fn subscriptions(&self, account: AccountId, ordinal: Ordinal) -> StoreResult<Vec<Browser>>;
}
