//! Accounts: made, found, changed.

use async_trait::async_trait;
use domain::{
    account::{Account, AccountKind, Callback},
    compat::CompatDate,
    id::{AccountId, AppId},
    quota::Quota,
    time::Timestamp,
};

use crate::StoreResult;

/// The SHA-256 of a secret; the secret itself is never stored (SEC3).
pub type SecretHash = [u8; 32];

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its public name.
    pub app_id: AppId,
    /// `gh_…`.
    pub original_id: String,
    /// Of its appsecret.
    pub secret_hash: SecretHash,
    /// What followers see.
    pub name: String,
    /// Subscription or service.
    pub kind: AccountKind,
    /// Whether it is verified.
    pub verified: bool,
    /// Whether it has the payment permission.
    pub pay_enabled: bool,
    /// Its quota.
    pub quota: Quota,
    /// The 16 bytes that its OpenIDs are sealed with, for ever.
    pub open_id_secret: [u8; 16],
}

/// What to change of an account; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// A new name.
    pub name: Option<String>,
    /// Another kind; the quota stays as it is unless given too.
    pub kind: Option<AccountKind>,
    /// Verified or not.
    pub verified: Option<bool>,
    /// Payment permission or not.
    pub pay_enabled: Option<bool>,
    /// Whether repeats are refused without a `clientmsgid`.
    pub repeat_check: Option<bool>,
    /// Whether a send to all waits for the administrator.
    pub protect: Option<bool>,
    /// Whether it may declare articles original.
    pub declare_original: Option<bool>,
    /// The day whose behaviour it has; `Some(None)` is today's.
    pub compat_date: Option<Option<CompatDate>>,
    /// Whether readers may comment.
    pub comment_enabled: Option<bool>,
    /// The whole quota.
    pub quota: Option<Quota>,
    /// Another callback, or none.
    pub callback: Option<Option<Callback>>,
    /// Another appsecret; all tokens of the old one die.
    pub secret_hash: Option<SecretHash>,
}

/// Why an account was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    /// The app id or original id is taken.
    #[error("an account with this appid exists")]
    Taken,
}

/// Accounts.
#[async_trait]
pub trait AccountStore {
    /// Makes an account.
    async fn create_account(
        &self,
        account: NewAccount,
        now: Timestamp,
    ) -> StoreResult<Result<Account, AccountRefusal>>;
    /// All accounts, in order of making.
    async fn accounts(&self) -> StoreResult<Vec<Account>>;
    /// The account of a public name.
    async fn account(&self, app_id: &AppId) -> StoreResult<Option<Account>>;
    /// The account of a number.
    async fn account_by_id(&self, id: AccountId) -> StoreResult<Option<Account>>;
    /// The hash of an account's appsecret.
    async fn secret_hash(&self, id: AccountId) -> StoreResult<Option<SecretHash>>;
    /// Changes an account and returns it; `None` when there is no such account.
    async fn change_account(&self, id: AccountId, change: AccountChange) -> StoreResult<Option<Account>>;
}
