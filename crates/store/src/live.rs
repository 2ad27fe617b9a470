//! What live feeds read: how far the blocks with connections are, what was delivered to them, what was taken back.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, Sequence},
    position::Membership,
    time::Timestamp,
};

use crate::{StoreResult, inbox::Entry, inbox_token::InboxTokenEnd};

/// One mass that was released to one block.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Which block.
    pub block: BlockNo,
    /// The entry, the same for everybody in the block.
    pub entry: Entry,
    /// Who has it.
    pub to: Block,
    /// Whether it was taken back since.
    pub recalled: bool,
}

/// Deliveries to a block in their order.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// The first sequence number that was not looked at.
    pub next: Sequence,
    /// What was delivered below it, without what was recalled.
    pub delivered: Vec<Delivered>,
}

/// A mass that was recalled, or of whose articles some were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangedMass {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub mass: MassId,
    /// When; the latest time for one whose articles were deleted one by one.
    pub at: Timestamp,
}

/// Reads for many connections at once; none of them depends on how many followers there are.
#[async_trait]
pub trait LiveStore {
    /// Another node says that rows of this account changed: what is kept of them in memory is read anew.
    fn hear_of(&self, account: AccountId);
    /// The next sequence number of each block; a block to which nothing was delivered is left out.
    async fn block_heads(
        &self,
        blocks: &[(AccountId, BlockNo)],
    ) -> StoreResult<HashMap<(AccountId, BlockNo), Sequence>>;
    /// What was delivered to a block from `next` on, at most `limit` rows.
    async fn deliveries_from(
        &self,
        account: AccountId,
        block: BlockNo,
        next: Sequence,
        limit: usize,
    ) -> StoreResult<Deliveries>;
    /// What was delivered of one mass to these blocks.
    async fn deliveries_of(
        &self,
        account: AccountId,
        mass: MassId,
        blocks: &[BlockNo],
    ) -> StoreResult<Vec<Delivered>>;
    /// Masses of these accounts that were recalled or changed at or after `since`, oldest change first.
    async fn changed_masses(&self, accounts: &[AccountId], since: Timestamp)
    -> StoreResult<Vec<ChangedMass>>;
    /// The followers whose feeds may be open by the tokens that this ends; to be asked before it ends them.
    async fn followers_of_tokens(&self, end: &InboxTokenEnd) -> StoreResult<Vec<Membership>>;
}
