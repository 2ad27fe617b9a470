//! Followers: imported, subscribing, leaving, listed.

use async_trait::async_trait;
use domain::{
    follower::{Follower, NewFollower},
    id::{AccountId, ExternalId, Ordinal, TagId},
    tag::TagRefusal,
    time::Timestamp,
};

use crate::StoreResult;

/// What an import of many rows did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Followers that were new.
    pub imported: u64,
    /// Followers that were known before.
    pub updated: u64,
    /// Rows that were refused: index in the given rows, and why.
    pub refused: Vec<(usize, String)>,
}

/// What a subscription did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The follower.
    pub ordinal: Ordinal,
    /// Whether the follower was never seen before.
    pub first_time: bool,
}

/// A page of followers in order of ordinals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowerPage {
    /// How many there are in all.
    pub total: u64,
    /// This page.
    pub ordinals: Vec<Ordinal>,
}

/// Followers of one account.
#[async_trait]
pub trait FollowerStore {
    /// Subscribes or updates many at once, in any number of short transactions (bulk; calls go first). Rows
    /// are checked with `domain::follower::check` before. A repeat of the same rows changes nothing. Pushes
    /// no events. Two calls may be under way, so that one is prepared while the other is written; they take
    /// effect in the order in which they were begun.
    async fn import_followers(
        &self,
        account: AccountId,
        rows: Vec<NewFollower>,
        now: Timestamp,
    ) -> StoreResult<Imported>;
    /// Subscribes one; pushes the subscribe event if the follower did not follow already. Refused, and not
    /// subscribed, when one of the tags cannot be made or would be one too many.
    async fn subscribe(
        &self,
        account: AccountId,
        follower: NewFollower,
        now: Timestamp,
    ) -> StoreResult<Result<Subscribed, TagRefusal>>;
    /// Lets a known follower follow again, with the event; false when there is no such follower.
    async fn subscribe_again(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// Ends a subscription and clears its tags, with the event; false when there is no such follower.
    async fn unsubscribe(&self, account: AccountId, ordinal: Ordinal, now: Timestamp) -> StoreResult<bool>;
    /// Refuses or accepts mass sends, all of the account's or only those to one tag; false when there is no
    /// such follower.
    async fn set_opt_out(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        tag: Option<TagId>,
        opted_out: bool,
    ) -> StoreResult<bool>;
    /// Puts followers on the blacklist or takes them off.
    async fn set_blacklisted(
        &self,
        account: AccountId,
        ordinals: &[Ordinal],
        blacklisted: bool,
    ) -> StoreResult<()>;
    /// Whether a follower refuses mass sends of the account, and whether it is blacklisted.
    async fn refusals(&self, account: AccountId, ordinal: Ordinal) -> StoreResult<(bool, bool)>;
    /// What is known of each; `None` where no such follower was ever seen.
    async fn followers(&self, account: AccountId, ordinals: &[Ordinal])
    -> StoreResult<Vec<Option<Follower>>>;
    /// The follower with this external id.
    async fn follower_by_external_id(
        &self,
        account: AccountId,
        external_id: &ExternalId,
    ) -> StoreResult<Option<Ordinal>>;
    /// Those who follow now, after `after`.
    async fn subscribed_after(
        &self,
        account: AccountId,
        after: Option<Ordinal>,
        limit: usize,
    ) -> StoreResult<FollowerPage>;
    /// Sets the account's remark; false when the follower does not follow.
    async fn set_remark(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        remark: &str,
        now: Timestamp,
    ) -> StoreResult<bool>;
}
