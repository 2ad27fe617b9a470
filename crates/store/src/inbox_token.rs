//! Tokens that open inboxes, stored and found by their SHA-256 only (SEC2): a follower's, or a person's over all accounts.

use async_trait::async_trait;
use domain::{
    id::{AccountId, ExternalId},
    position::{Membership, ReaderName},
    time::Timestamp,
};

use crate::{StoreResult, token::TokenHash};

/// Whose inbox a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenReader {
    /// Whom it stands for.
    pub name: ReaderName,
    /// The followers that this is: of a person one in each account that knows the external id now, in order of accounts.
    pub memberships: Vec<Membership>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl TokenReader {
    /// Which follower of this account it is, if it is one.
    pub fn membership(&self, account: AccountId) -> Option<Membership> {
        let mut all = self.memberships.iter();
        all.find(|of| of.account == account).copied()
    }
}

/// Which inbox tokens end before their time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxTokenEnd {
    /// This one, whosever it is.
    Token(TokenHash),
    /// This one, if it is of a follower of this account.
    TokenOf(AccountId, TokenHash),
    /// All of one follower.
    Follower(Membership),
    /// All of one person.
    Person(ExternalId),
}

/// Inbox tokens.
#[async_trait]
pub trait InboxTokenStore {
    /// Lets `hash` read one follower's inbox until `expires_at`.
    async fn issue_inbox_token(
        &self,
        follower: Membership,
        hash: TokenHash,
        expires_at: Timestamp,
    ) -> StoreResult<()>;
    /// Lets `hash` read one person's inbox until `expires_at`; false when no account knows the person.
    async fn issue_person_token(
        &self,
        person: &ExternalId,
        hash: TokenHash,
        expires_at: Timestamp,
    ) -> StoreResult<bool>;
    /// Whose inbox the token reads; `None` for an unknown or expired one.
    async fn inbox_reader(&self, hash: TokenHash, now: Timestamp) -> StoreResult<Option<TokenReader>>;
    /// Ends tokens; those that are unknown need no ending.
    async fn end_inbox_tokens(&self, end: InboxTokenEnd) -> StoreResult<()>;
}
