//! Where state lives: rows behind [`Store`], bytes behind [`blob::Blobs`], wake-ups on the [`bus::Bus`].
//!
//! A method of [`Store`] is one transaction, named for what the caller wants done. Refusals are decided by
//! `domain` inside the transaction; this crate holds no rule of its own and nothing outside it holds SQL.
//! The database is the truth; the bus only hints (I17).

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

pub mod account;
pub mod backlog;
pub mod backup;
pub mod blob;
pub mod bridge;
pub mod bus;
pub mod call;
pub mod card;
pub mod channel;
pub mod check;
pub mod clock;
pub mod comment;
pub mod crash;
pub mod follower;
pub mod inbox;
pub mod inbox_token;
pub mod library;
pub mod live;
pub mod mass;
pub mod measure;
pub mod media;
pub mod moving;
pub mod original;
pub mod outbox;
pub mod postgres;
pub mod publication;
pub mod push;
pub mod random;
pub mod reader;
pub mod reading;
pub mod retention;
pub mod rows;
pub mod schedule;
pub mod setting;
mod sql;
mod sqlite;
pub mod statistics;
pub mod subscription;
pub mod tag;
pub mod time;
pub mod token;
pub mod vault;

use account::AccountStore;
use backlog::BacklogStore;
use blob::object::BlobStore;
use bridge::BridgeStore;
use call::CallStore;
use card::CardStore;
use channel::ChannelStore;
use comment::CommentStore;
use follower::FollowerStore;
use inbox::InboxStore;
use inbox_token::InboxTokenStore;
use library::LibraryStore;
use live::LiveStore;
use mass::MassStore;
use media::MediaStore;
use original::OriginalStore;
use outbox::OutboxStore;
use publication::PublicationStore;
use push::PushStore;
use reading::ReadingStore;
use retention::RetentionStore;
use schedule::ScheduleStore;
use setting::SettingStore;
use statistics::StatisticsStore;
use subscription::SubscriptionStore;
use tag::TagStore;
use time::TimeStore;
use token::TokenStore;

/// Everything that is kept in rows. One object, `Arc<dyn Store>`, so that tests can wrap it.
pub trait Store:
    AccountStore
    + TokenStore
    + FollowerStore
    + TagStore
    + MediaStore
    + BlobStore
    + MassStore
    + InboxStore
    + LiveStore
    + InboxTokenStore
    + ReadingStore
    + OutboxStore
    + SettingStore
    + CardStore
    + ScheduleStore
    + OriginalStore
    + LibraryStore
    + PublicationStore
    + CallStore
    + CommentStore
    + StatisticsStore
    + BacklogStore
    + RetentionStore
    + TimeStore
    + ChannelStore
    + PushStore
    + SubscriptionStore
    + BridgeStore
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: AccountStore
        + TokenStore
        + FollowerStore
        + TagStore
        + MediaStore
        + BlobStore
        + MassStore
        + InboxStore
        + LiveStore
        + InboxTokenStore
        + ReadingStore
        + OutboxStore
        + SettingStore
        + CardStore
        + ScheduleStore
        + OriginalStore
        + LibraryStore
        + PublicationStore
        + CallStore
        + CommentStore
        + StatisticsStore
        + BacklogStore
        + RetentionStore
        + TimeStore
        + ChannelStore
        + PushStore
        + SubscriptionStore
        + BridgeStore
        + Send
        + Sync
{
}

/// A fault of the store itself; callers of the API see errcode -1.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what was asked: busy, full, broken connection, failed flush.
    #[error("the database failed: {0}")]
    Database(String),
    /// Stored bytes do not make sense.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// The blob store failed.
    #[error("the blob store failed: {0}")]
    Blob(String),
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

/// What a store method answers.
pub type StoreResult<T> = Result<T, StoreError>;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Database(error.to_string())
    }
}

impl From<domain::block::DamagedBlock> for StoreError {
    fn from(error: domain::block::DamagedBlock) -> Self {
        StoreError::Damaged(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Damaged(error.to_string())
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        StoreError::Blob(error.to_string())
    }
}
