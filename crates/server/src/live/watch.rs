//! What a hub is told: by hints at once, and by the rows every few seconds, whatever hints were lost (I17).

use std::{cmp::Ordering, collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::json;
use store::{
    StoreResult,
    bus::Hint,
    live::{ChangedMass, Delivered},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{MissedTickBehavior, interval},
};

use crate::{
    app::App,
    inbox::entry::{self, EntryJson},
    live::{
        event::{Event, Kind},
        hub::{BlockKey, Told},
    },
};

/// How often is looked for what was taken back.
const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks the heads of all blocks with feeds are compared (I17).
const TICKS_PER_SCAN: u32 = 5;
/// Deliveries of a block that are read and told at a time: a part of what may wait for a feed.
const ROWS: usize = 64;
/// Changes of the last moments are looked at again: they carry the time of their call, not of their commit, and nodes'
/// clocks differ by a little.
const OVERLAP_MS: i64 = 15_000;

/// Keeps the hub of `app` up to date until the future is dropped.
pub async fn run(app: App) {
    let mut hints = app.bus.subscribe_live();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch::new(app);
    for ticks in 0_u32.. {
        let news = tokio::select! {
            news = heard(&mut hints) => news,
            _ = tick.tick() => News {
                changes: Some(Vec::new()),
                all: ticks % TICKS_PER_SCAN == 0,
                ..News::default()
            },
        };
        if let Err(error) = watch.tell(news).await {
            tracing::warn!(%error, "live feeds could not be told what is new; it is tried again");
            watch.behind = true;
        }
    }
}

/// What may be new.
#[derive(Default)]
struct News {
    /// Everything may have been released.
    all: bool,
    released: HashSet<AccountId>,
    /// Masses that were named as changed; any other may have changed too. `None` where none did.
    changes: Option<Vec<(AccountId, MassId)>>,
    readers: HashSet<(AccountId, Ordinal)>,
}

/// The hints that wait, once there is one.
async fn heard(hints: &mut Receiver<Hint>) -> News {
    let mut news = News::default();
    match hints.recv().await {
        Ok(hint) => news.hear(hint),
        Err(RecvError::Lagged(_)) => news.lost(),
        // The bus belongs to the application that holds this.
        Err(RecvError::Closed) => std::future::pending().await,
    }
    while let Ok(hint) = hints.try_recv() {
        news.hear(hint);
    }
    news
}

impl News {
    fn hear(&mut self, hint: Hint) {
        match hint {
            Hint::Work => {}
            Hint::Released(account) => {
                self.released.insert(account);
            }
            Hint::Changed(account, mass) => self.changes.get_or_insert_default().push((account, mass)),
            Hint::Reader(account, ordinal) => {
                self.readers.insert((account, ordinal));
            }
        }
    }

    /// Some hints were missed.
    fn lost(&mut self) {
        self.all = true;
        self.changes.get_or_insert_default();
    }
}

struct Watch {
    app: App,
    /// Changes that the feeds were told of, and up to when changes were looked for.
    told: HashSet<ChangedMass>,
    looked: Timestamp,
    /// Something was not told because of a fault.
    behind: bool,
}

impl Watch {
    fn new(app: App) -> Self {
        Self {
            looked: app.now(),
            app,
            told: HashSet::new(),
            behind: false,
        }
    }

    async fn tell(&mut self, mut news: News) -> StoreResult<()> {
        if self.behind {
            news.lost();
            self.behind = false;
        }
        let named = news.changes.iter().flatten().map(|(account, _)| *account);
        for account in news.released.iter().copied().chain(named) {
            self.app.store.hear_of(account);
        }
        for (account, ordinal) in news.readers {
            self.app.live().look_again(account, ordinal);
        }
        if news.all {
            self.released(None).await?;
        } else {
            for account in news.released {
                self.released(Some(account)).await?;
            }
        }
        match news.changes {
            Some(named) => self.changed(named).await,
            None => Ok(()),
        }
    }

    /// Tells the blocks of one account, or all, what they were not told.
    async fn released(&self, of: Option<AccountId>) -> StoreResult<()> {
        let hub = self.app.live();
        let told = hub.told(of);
        if told.is_empty() {
            return Ok(());
        }
        let keys: Vec<BlockKey> = told.iter().map(|(key, _)| *key).collect();
        let heads = self.app.store.block_heads(&keys).await?;
        for (key, next) in told {
            let head = heads.get(&key).copied().unwrap_or(Sequence(0));
            match head.cmp(&next) {
                Ordering::Greater => self.tell_block(key, next, head).await?,
                Ordering::Equal => {}
                // The world was exchanged for an earlier one.
                Ordering::Less => hub.restart(key),
            }
        }
        Ok(())
    }

    async fn tell_block(&self, key: BlockKey, mut next: Sequence, head: Sequence) -> StoreResult<()> {
        while next < head {
            let found = self.app.store.deliveries_from(key.0, key.1, next, ROWS).await?;
            let rows = found.delivered.into_iter();
            let news: Vec<Told> = rows.map(|row| self.arrived(row)).collect();
            if found.next == next {
                // Its rows were removed with their time (retention); what comes later has other numbers.
                self.app.live().tell(key, (next, head), &[]);
                break;
            }
            self.app.live().tell(key, (next, found.next), &news);
            next = found.next;
        }
        Ok(())
    }

    /// Tells what was recalled or deleted lately, and of the masses that were named.
    async fn changed(&mut self, named: Vec<(AccountId, MassId)>) -> StoreResult<()> {
        let now = self.app.now();
        let accounts = self.app.live().accounts();
        let of: Vec<AccountId> = accounts.iter().copied().collect();
        if !of.is_empty() {
            // A clock that was set back has looked at nothing yet.
            let since = self.looked.min(now).plus_ms(-OVERLAP_MS);
            self.told.retain(|change| change.at >= since);
            let found = self.app.store.changed_masses(&of, since).await?;
            let mut masses: HashSet<(AccountId, MassId)> = named.into_iter().collect();
            masses.retain(|(account, _)| accounts.contains(account));
            for change in &found {
                if !self.told.contains(change) {
                    masses.insert((change.account, change.mass));
                }
            }
            for (account, mass) in masses {
                self.tell_change(account, mass).await?;
            }
            self.told.extend(found);
        }
        self.looked = now;
        Ok(())
    }

    async fn tell_change(&self, account: AccountId, mass: MassId) -> StoreResult<()> {
        let hub = self.app.live();
        let blocks: Vec<BlockNo> = hub
            .told(Some(account))
            .into_iter()
            .map(|((_, block), _)| block)
            .collect();
        for row in self.app.store.deliveries_of(account, mass, &blocks).await? {
            let event = if row.recalled {
                self.recalled(&row)
            } else {
                self.event(Kind::Change, &row, &EntryJson::of(&self.app, &row.entry))
            };
            hub.tell_again((account, row.block), &[Told { to: row.to, event }]);
        }
        Ok(())
    }

    fn arrived(&self, row: Delivered) -> Told {
        Told {
            event: self.event(Kind::Entry, &row, &EntryJson::of(&self.app, &row.entry)),
            to: row.to,
        }
    }

    fn recalled(&self, row: &Delivered) -> Arc<Event> {
        let account = &row.entry.account;
        let id = entry::id(&self.app, account.id, row.entry.sequence);
        self.event(Kind::Recall, row, &json!({"id": id, "account": account.app_id.0}))
    }

    fn event(&self, kind: Kind, row: &Delivered, data: &impl Serialize) -> Arc<Event> {
        // Shapes of ours are JSON whatever is in them.
        let data = serde_json::to_vec(data).unwrap_or_default();
        Arc::new(Event {
            kind,
            account: row.entry.account.id,
            sequence: (kind == Kind::Entry).then_some(row.entry.sequence),
            data: Bytes::from(data),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::bus::Bus;

    #[tokio::test]
    async fn i17_hints_that_wait_are_heard_together_and_lost_ones_make_it_look_at_everything() {
        let bus = Bus::default();
        let mut hints = bus.subscribe_live();
        let (one, two) = (AccountId(1), AccountId(2));
        for hint in [
            Hint::Released(one),
            Hint::Released(one),
            Hint::Released(two),
            Hint::Reader(one, Ordinal(7)),
            Hint::Changed(two, MassId(5)),
        ] {
            bus.publish(hint);
        }
        let news = heard(&mut hints).await;
        assert_eq!(news.released, HashSet::from([one, two]));
        assert_eq!(news.readers, HashSet::from([(one, Ordinal(7))]));
        assert_eq!(news.changes, Some(vec![(two, MassId(5))]));
        assert!(!news.all);
        for number in 0..5_000 {
            bus.publish(Hint::Reader(one, Ordinal(number)));
        }
        let news = heard(&mut hints).await;
        assert!(news.all && news.changes.is_some());
    }
}
