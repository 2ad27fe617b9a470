//! Drafts published without a mass send: pages that reach no inbox and no history.

use async_trait::async_trait;
use domain::{
    id::{AccountId, MediaId, PublishId},
    library::{Page, Publication, PublicationRefusal},
    time::Timestamp,
};

use crate::StoreResult;

/// Publications of one account.
#[async_trait]
pub trait PublicationStore {
    /// Freezes a draft, makes its pages public, removes it from the draft box and puts the event into the
    /// outbox (I19); `None` when there is no such draft.
    async fn publish_draft(
        &self,
        account: AccountId,
        draft: MediaId,
        now: Timestamp,
    ) -> StoreResult<Option<Publication>>;
    /// A publication.
    async fn publication(&self, account: AccountId, id: PublishId) -> StoreResult<Option<Publication>>;
    /// One page of the publications that still have an article, newest first, and how many there are.
    async fn publications(&self, account: AccountId, page: Page) -> StoreResult<(u64, Vec<Publication>)>;
    /// Deletes the pages of one article (`index` from 1) or of all (0). Repeating it is fine.
    async fn delete_publication(
        &self,
        account: AccountId,
        id: PublishId,
        index: u8,
        now: Timestamp,
    ) -> StoreResult<Result<(), PublicationRefusal>>;
}
