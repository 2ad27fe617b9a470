//! Tokens, stored and found by their SHA-256 only (SEC2).

use async_trait::async_trait;
use domain::{account::Account, id::AccountId, time::Timestamp};

use crate::StoreResult;

/// The SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// Seconds that an access token lives (spec accounts §1.1).
pub const TOKEN_SECONDS: i64 = 7_200;
/// Seconds that a replaced token goes on working, so that processes with caches of their own overlap.
pub const OVERLAP_SECONDS: i64 = 300;
/// Forced renewals of a stable token within this many seconds return the same token.
pub const FORCE_PAUSE_SECONDS: i64 = 30;
/// Forced renewals of a stable token a day (45009).
pub const FORCES_PER_DAY: u32 = 20;

/// What a token presented by a caller is worth.
#[derive(Clone, Debug)]
pub enum TokenState {
    /// Never issued, replaced or revoked (40001).
    Unknown,
    /// Issued, and past its time (42001).
    Expired,
    /// Good for this account.
    Valid(Box<Account>),
}

/// A token that can be said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StableToken {
    /// The token.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The day's forced renewals are used up (45009).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the day's forced renewals are used up")]
pub struct ForcesUsedUp;

/// How access tokens end before their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenEnd {
    /// This one is unknown from now on (40001).
    Revoked(TokenHash),
    /// This one is past its time from now on (42001).
    Expired(TokenHash),
    /// All plain tokens but this one are unknown from now on: no overlap.
    AllBut(TokenHash),
}

/// Access tokens.
#[async_trait]
pub trait TokenStore {
    /// Makes `hash` the account's plain token; the one before it works [`OVERLAP_SECONDS`] more.
    async fn issue_token(&self, account: AccountId, hash: TokenHash, now: Timestamp) -> StoreResult<()>;
    /// The account's stable token: the same until its last 5 minutes, or a new one by force. The old one
    /// dies at once when forced, else lives to its end.
    async fn stable_token(
        &self,
        account: AccountId,
        force: bool,
        now: Timestamp,
    ) -> StoreResult<Result<StableToken, ForcesUsedUp>>;
    /// Ends access tokens of an account; the next stable token asked for is a new one when it was among them.
    async fn end_tokens(&self, account: AccountId, end: TokenEnd, now: Timestamp) -> StoreResult<()>;
    /// Whose access token this is.
    async fn token_state(&self, hash: TokenHash, now: Timestamp) -> StoreResult<TokenState>;
}
