//! Tags and who carries them.

use async_trait::async_trait;
use domain::{
    id::{AccountId, Ordinal, TagId},
    tag::{Tag, TagRefusal},
};

use crate::{StoreResult, follower::FollowerPage};

/// Tags of one account.
#[async_trait]
pub trait TagStore {
    /// Makes a tag.
    async fn create_tag(&self, account: AccountId, name: &str) -> StoreResult<Result<Tag, TagRefusal>>;
    /// The starred preset and the account's own tags, with their numbers of followers.
    async fn tags(&self, account: AccountId) -> StoreResult<Vec<Tag>>;
    /// Gives a tag another name.
    async fn rename_tag(
        &self,
        account: AccountId,
        tag: TagId,
        name: &str,
    ) -> StoreResult<Result<(), TagRefusal>>;
    /// Removes a tag from everybody and for good.
    async fn delete_tag(&self, account: AccountId, tag: TagId) -> StoreResult<Result<(), TagRefusal>>;
    /// Puts a tag on followers; all of them or none.
    async fn tag_followers(
        &self,
        account: AccountId,
        tag: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>>;
    /// Takes a tag off followers; all of them or none.
    async fn untag_followers(
        &self,
        account: AccountId,
        tag: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>>;
    /// The tags under their old name, groups: 0 without a tag, 1 the blacklist, then those of [`TagStore::tags`].
    async fn groups(&self, account: AccountId) -> StoreResult<Vec<Tag>>;
    /// Puts followers into one group, all of them or none: their other tags go, and group 1 is the blacklist.
    async fn move_to_group(
        &self,
        account: AccountId,
        group: TagId,
        ordinals: &[Ordinal],
    ) -> StoreResult<Result<(), TagRefusal>>;
    /// The tags that each of these followers carries, ascending.
    async fn tags_of(&self, account: AccountId, ordinals: &[Ordinal]) -> StoreResult<Vec<Vec<TagId>>>;
    /// Followers who carry a tag, or are on the blacklist for its preset, after `after`.
    async fn tagged_after(
        &self,
        account: AccountId,
        tag: TagId,
        after: Option<Ordinal>,
        limit: usize,
    ) -> StoreResult<Result<FollowerPage, TagRefusal>>;
}
