//! Answers kept in memory, exactly as long as they hold.
//!
//! Every transaction counts up the version of its account before its caller hears of it, and an answer of another version is
//! read anew. So a revoked token, a recalled mass and a renamed tag are seen by the next read of this process (I15, SEC2), as
//! without this. On a server other nodes write too: there an answer also needs the word of [`Watch`] that they did not.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    account::Account,
    id::{AccountId, BlockNo, MassId, Ordinal},
    mass::Mass,
    tag::Tag,
    time::Timestamp,
};

use super::{watch::Watch, writer::Scope};
use crate::token::TokenHash;

/// Accounts share these counters; who shares one is read anew more often than needed, never less.
const COUNTERS: usize = 1_024;
/// Tokens of each kind, masses and tag lists that are kept.
const ANSWERS: u64 = 100_000;
/// Bytes of blocks' newest deliveries that are kept.
const BLOCK_BYTES: u64 = 64 << 20;

/// How often something was written.
pub(crate) struct Versions {
    all: AtomicU64,
    common: AtomicU64,
    accounts: Vec<AtomicU64>,
}

/// A state of an account's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    common: u64,
    account: u64,
}

/// Before a read: what was written until then. The read must begin its snapshot after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before(u64);

impl Default for Versions {
    fn default() -> Self {
        Self {
            all: AtomicU64::new(0),
            common: AtomicU64::new(0),
            accounts: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Versions {
    /// Notes a transaction that may have been committed; before anybody is told.
    pub(crate) fn changed(&self, scope: Scope) {
        // First the sum: who sees the new version sees the new sum as well.
        self.all.fetch_add(1, Ordering::SeqCst);
        match scope {
            Scope::Common => self.common.fetch_add(1, Ordering::SeqCst),
            Scope::Account(account) => self.counter(account).fetch_add(1, Ordering::SeqCst),
        };
    }

    fn counter(&self, account: AccountId) -> &AtomicU64 {
        &self.accounts[account.0 as usize % COUNTERS]
    }

    fn of(&self, account: AccountId) -> Version {
        Version {
            common: self.common.load(Ordering::SeqCst),
            account: self.counter(account).load(Ordering::SeqCst),
        }
    }

    pub(super) fn before(&self) -> Before {
        Before(self.all.load(Ordering::SeqCst))
    }

    /// The version that was read, if nothing was written since `before`.
    fn read(&self, account: AccountId, before: Before) -> Option<Version> {
        let version = self.of(account);
        (self.all.load(Ordering::SeqCst) == before.0).then_some(version)
    }
}

#[cfg(test)]
impl Versions {
    /// Whether what was read of `account` since `before` would be kept.
    pub(super) fn holds_since(&self, account: AccountId, before: Before) -> bool {
        self.read(account, before).is_some()
    }
}

/// Answers of one kind.
struct Answers<K, V>(moka::sync::Cache<K, (AccountId, Version, V)>);

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Answers<K, V> {
    fn new(weight: fn(&V) -> usize, max: u64) -> Self {
        let weigher = move |_: &K, (_, _, value): &(AccountId, Version, V)| {
            u32::try_from(weight(value)).unwrap_or(u32::MAX)
        };
        Self(
            moka::sync::Cache::builder()
                .weigher(weigher)
                .max_capacity(max)
                .build(),
        )
    }

    fn get(&self, kept: &Kept, key: &K) -> Option<V> {
        let (account, version, value) = self.0.get(key)?;
        // The word first: what is written after it has another version.
        (kept.is_vouched_for(account) && kept.versions.of(account) == version).then_some(value)
    }
}

/// An access token that was found.
#[derive(Clone)]
pub(super) struct KnownToken {
    pub(super) valid_until: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) account: Arc<Account>,
}

/// An inbox token that was found.
#[derive(Clone, Copy)]
pub(super) struct KnownReader {
    pub(super) account: AccountId,
    pub(super) ordinal: Ordinal,
    pub(super) expires_at: Timestamp,
}

/// What is kept.
pub(super) struct Kept {
    versions: Arc<Versions>,
    /// Where others write too.
    watch: Option<Watch>,
    tokens: Answers<TokenHash, KnownToken>,
    readers: Answers<TokenHash, KnownReader>,
    blocks: Answers<(AccountId, BlockNo), Arc<super::inbox::Newest>>,
    masses: Answers<(AccountId, MassId), Arc<Mass>>,
    tags: Answers<AccountId, Arc<Vec<Tag>>>,
}

/// A kind of answers: its name in [`Kept`].
macro_rules! answers {
    ($($name:ident $keep:ident: $key:ty => $value:ty;)*) => {
        impl Kept {
            $(
                /// What is kept of it and still holds.
                pub(super) fn $name(&self, key: &$key) -> Option<$value> {
                    self.$name.get(self, key)
                }

                /// Keeps what was read of `account` since `before`, unless something was written meanwhile.
                pub(super) fn $keep(&self, key: $key, account: AccountId, before: Before, value: &$value) {
                    if self.is_vouched_for(account)
                        && let Some(version) = self.versions.read(account, before)
                    {
                        self.$name.0.insert(key, (account, version, value.clone()));
                    }
                }
            )*
        }
    };
}

answers! {
    tokens keep_token: TokenHash => KnownToken;
    readers keep_reader: TokenHash => KnownReader;
    blocks keep_block: (AccountId, BlockNo) => Arc<super::inbox::Newest>;
    masses keep_mass: (AccountId, MassId) => Arc<Mass>;
    tags keep_tags: AccountId => Arc<Vec<Tag>>;
}

impl Kept {
    /// `watch` where other processes write too.
    pub(super) fn new(versions: Arc<Versions>, watch: Option<Watch>) -> Self {
        Self {
            versions,
            watch,
            tokens: Answers::new(|_| 1, ANSWERS),
            readers: Answers::new(|_| 1, ANSWERS),
            blocks: Answers::new(|newest| newest.bytes(), BLOCK_BYTES),
            masses: Answers::new(|_| 1, ANSWERS),
            tags: Answers::new(|_| 1, ANSWERS),
        }
    }

    pub(super) fn versions(&self) -> &Versions {
        &self.versions
    }

    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// Whether what is read of `account` now can be kept.
    pub(super) fn is_vouched_for(&self, account: AccountId) -> bool {
        self.watch.as_ref().is_none_or(|watch| watch.vouches(account))
    }

    /// Call it before the read whose answer is to be kept.
    pub(super) fn before(&self) -> Before {
        self.versions.before()
    }

    /// Lets nothing of what is kept hold any more.
    pub(super) fn forget(&self) {
        self.versions.changed(Scope::Common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_only_when_nothing_was_written_meanwhile() {
        let versions = Versions::default();
        let (one, other) = (AccountId(1), AccountId(2));
        let before = versions.before();
        let read = versions.read(one, before);
        assert_eq!(read, Some(versions.of(one)));
        versions.changed(Scope::Account(other));
        assert_eq!(
            read,
            Some(versions.of(one)),
            "another account's write changes nothing"
        );
        assert_eq!(versions.read(one, before), None, "something was written since");
        versions.changed(Scope::Account(one));
        assert_ne!(read, Some(versions.of(one)));
        let read = versions.read(one, versions.before());
        versions.changed(Scope::Common);
        assert_ne!(read, Some(versions.of(one)));
    }
}
