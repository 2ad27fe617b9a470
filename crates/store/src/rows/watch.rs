//! What other nodes write, as far as this one keeps answers of it in memory.
//!
//! A transaction on a server counts up `written` of its account's row in `account_lock`. While answers of an account are
//! used here, its count is looked at ten times a second, and a new one ends every kept answer of it. So a kept answer is
//! at most [`FRESH`] old; one that cannot be vouched for, because the server did not answer, is read anew. What this
//! node writes itself is seen at once, by [`Versions`].

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::id::AccountId;

use super::{SqlStore, kept::Versions, writer::Scope};
use crate::{
    StoreResult,
    sql::{Connection, params},
};

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// How old the last look may be for answers to be believed.
const FRESH: Duration = Duration::from_millis(500);
/// Looks after which an account whose answers nobody used is left out.
const IDLE_LOOKS: u32 = 100;
/// The row that stands for what belongs to no account.
const COMMON: AccountId = AccountId(0);

/// The accounts whose answers are kept.
pub(super) struct Watch {
    began: Instant,
    /// Milliseconds from `began` to the begin of the last look that the server answered; 0 before the first.
    looked: AtomicU64,
    accounts: RwLock<HashMap<AccountId, Watched>>,
}

#[derive(Default)]
struct Watched {
    /// The count that was seen last; `None` before the first look.
    written: Option<i64>,
    used: AtomicBool,
    idle: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            looked: AtomicU64::new(0),
            accounts: RwLock::default(),
        }
    }
}

impl Watch {
    /// Whether answers of this account that still have their version hold. Somebody asks: from now on it is watched.
    pub(super) fn vouches(&self, account: AccountId) -> bool {
        {
            let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(watched) = accounts.get(&account) {
                watched.used.store(true, Ordering::Relaxed);
                return watched.written.is_some() && self.is_fresh();
            }
        }
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(COMMON).or_default();
        accounts.entry(account).or_default();
        false
    }

    fn is_fresh(&self) -> bool {
        let looked = self.looked.load(Ordering::Acquire);
        looked > 0 && self.now().saturating_sub(looked) <= FRESH.as_millis() as u64
    }

    /// Milliseconds since `began`, from 1.
    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    /// Those to be looked at; who was not asked for in a while is left out.
    fn wanted(&self) -> Vec<AccountId> {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|account, watched| {
            let used = watched.used.swap(false, Ordering::Relaxed);
            watched.idle = if used { 0 } else { watched.idle + 1 };
            *account == COMMON || watched.idle < IDLE_LOOKS
        });
        if accounts.len() == 1 {
            accounts.clear();
        }
        accounts.keys().copied().collect()
    }

    /// Takes in what a look that began `at` saw; whoever has another count than before has been written.
    fn saw(&self, at: u64, counts: &HashMap<AccountId, i64>, versions: &Versions) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        for (account, count) in counts {
            let Some(watched) = accounts
                .get_mut(account)
                .filter(|watched| watched.written != Some(*count))
            else {
                continue;
            };
            // Also at the first look: what was read before it is not vouched for.
            watched.written = Some(*count);
            versions.changed(match *account {
                COMMON => Scope::Common,
                account => Scope::Account(account),
            });
        }
        self.looked.store(at, Ordering::Release);
    }
}

impl SqlStore {
    /// Looks at what other nodes write, until the future is dropped. Without it nothing is kept that others might change.
    pub async fn watch_others(&self) {
        let kept = &self.shared.kept;
        let Some(watch) = kept.watch() else { return };
        loop {
            if let Err(error) = self.look(watch, kept.versions()).await {
                tracing::debug!(%error, "what other nodes write cannot be seen; nothing is answered from memory");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self, watch: &Watch, versions: &Versions) -> StoreResult<()> {
        let wanted = watch.wanted();
        if wanted.is_empty() {
            return Ok(());
        }
        let at = watch.now();
        let counts = self.read(move |db, _| written(db, &wanted)).await?;
        watch.saw(at, &counts, versions);
        Ok(())
    }
}

/// How often each was written; 0 for one that never was.
fn written(db: &Connection, accounts: &[AccountId]) -> StoreResult<HashMap<AccountId, i64>> {
    let mut counts: HashMap<AccountId, i64> = accounts.iter().map(|account| (*account, 0)).collect();
    let list: Vec<u32> = accounts.iter().map(|account| account.0).collect();
    let list = serde_json::to_string(&list).unwrap_or_default();
    let mut statement = db.prepare_cached(
        "SELECT account, written FROM account_lock
         WHERE account IN (SELECT CAST(value AS BIGINT) FROM json_each(?))",
    )?;
    let rows = statement.query_map(params![list], |row| Ok((AccountId(row.get(0)?), row.get(1)?)))?;
    for row in rows {
        let (account, count) = row?;
        counts.insert(account, count);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use domain::time::Calendar;
    use testkit::Postgres;

    use super::*;
    use crate::{postgres::PostgresOptions, tag::TagStore, vault::Vault};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !holds().await {
            assert!(began.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(LOOK / 4).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn i15_what_another_node_writes_ends_what_is_answered_from_memory() {
        let server = Postgres::shared();
        let url = server.create_database();
        let database = url.rsplit_once('/').expect("a URL").1;
        let connect = || {
            let options = PostgresOptions::new(&url);
            std::sync::Arc::new(
                SqlStore::connect(&options, Vault::new([1; 32]), Calendar::shanghai()).expect("connects"),
            )
        };
        let (one, other, account) = (connect(), connect(), AccountId(1));
        let tag = other
            .create_tag(account, "first")
            .await
            .expect("writes")
            .expect("a tag");
        let name = async || {
            let tags = one.tags(account).await.expect("reads");
            let found = tags.into_iter().find(|found| found.id == tag.id);
            found.expect("the tag").name
        };
        // As if the database had been changed by nobody: the count stays.
        let rename = |name: &str| {
            server.query(
                database,
                &format!(
                    "UPDATE tag SET name = '{name}' WHERE account = 1 AND id = {}",
                    tag.id.0
                ),
            );
        };
        assert_eq!(name().await, "first");
        rename("second");
        assert_eq!(
            name().await,
            "second",
            "without a watch nothing is answered from memory"
        );
        let watching = tokio::spawn({
            let one = one.clone();
            async move { one.watch_others().await }
        });
        let kept = &one.shared.kept;
        until("it is kept", async || {
            name().await;
            kept.tags(&account).is_some()
        })
        .await;
        rename("third");
        assert_eq!(name().await, "second", "it is answered from memory");
        let renamed = other.rename_tag(account, tag.id, "fourth").await;
        renamed.expect("writes").expect("renames");
        until("the other node's word is seen", async || name().await == "fourth").await;
        one.rename_tag(account, tag.id, "fifth")
            .await
            .expect("writes")
            .expect("renames");
        assert_eq!(name().await, "fifth", "what this node writes is seen at once");
        until("it is kept again", async || {
            name().await;
            kept.tags(&account).is_some()
        })
        .await;
        watching.abort();
        rename("sixth");
        until("without looks nothing is believed for long", async || {
            name().await == "sixth"
        })
        .await;
    }

    fn look(watch: &Watch, versions: &Versions, counts: &[(u32, i64)]) {
        let counts = counts
            .iter()
            .map(|(account, count)| (AccountId(*account), *count));
        watch.saw(watch.now(), &counts.collect(), versions);
    }

    #[test]
    fn i15_an_account_is_vouched_for_after_a_look_and_a_new_count_ends_what_is_kept_of_it() {
        let (watch, versions) = (Watch::default(), Versions::default());
        let one = AccountId(1);
        assert!(!watch.vouches(one), "nobody has looked");
        let early = versions.before();
        look(&watch, &versions, &[(0, 0), (1, 5)]);
        assert!(watch.vouches(one));
        assert!(
            !versions.holds_since(one, early),
            "what was read before the first look is not kept"
        );
        let before = versions.before();
        look(&watch, &versions, &[(0, 0), (1, 5)]);
        assert!(versions.holds_since(one, before));
        look(&watch, &versions, &[(0, 0), (1, 6)]);
        assert!(!versions.holds_since(one, before), "another node wrote");
        let before = versions.before();
        look(&watch, &versions, &[(0, 1), (1, 6)]);
        assert!(
            !versions.holds_since(one, before),
            "another node wrote what belongs to no account"
        );
    }

    #[test]
    fn accounts_that_nobody_asks_for_are_left_out_after_a_while() {
        let watch = Watch::default();
        watch.vouches(AccountId(1));
        for _ in 0..IDLE_LOOKS {
            assert_eq!(watch.wanted().len(), 2);
            watch.vouches(AccountId(1));
        }
        for _ in 0..IDLE_LOOKS {
            watch.wanted();
        }
        assert_eq!(watch.wanted(), [], "then the server is not asked at all");
    }
}
