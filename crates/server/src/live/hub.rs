//! Who is online on this node, block by block, and how far each block was told.
//!
//! A feed enters first and reads the rows afterwards: whatever is released from then on is put into its mailbox, and
//! what it finds twice it knows by its position. So there is neither a gap nor a repetition (I8).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    block::Block,
    id::{AccountId, BlockNo, Ordinal, Sequence},
    position::{Membership, Position},
};
use store::measure;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::live::{
    event::Event,
    mailbox::{End, Mailbox},
};

/// A block of an account.
pub type BlockKey = (AccountId, BlockNo);

/// Which of a block's readers get an event.
pub struct Told {
    /// Who.
    pub to: Block,
    /// What.
    pub event: Arc<Event>,
}

/// Feeds that read rows at a time, for each core: when everybody comes back at once, they wait for each other, and not
/// everybody else for them. One of two waits for the rows while the other writes.
const READING_PER_CORE: usize = 2;

/// Who is online.
pub struct Hub {
    registry: Mutex<Registry>,
    reading: Semaphore,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            registry: Mutex::default(),
            reading: Semaphore::new(READING_PER_CORE * cores()),
        }
    }
}

#[derive(Default)]
struct Registry {
    feeds: HashMap<u64, Arc<Mailbox>>,
    blocks: HashMap<BlockKey, Online>,
    next_number: u64,
    closed: bool,
}

/// The readers of a block who are online.
#[derive(Default)]
struct Online {
    // The first sequence number that they were not told; `None` until it is known.
    next: Option<Sequence>,
    // By place in the block, and by feed.
    feeds: BTreeMap<(u16, u64), Arc<Mailbox>>,
}

/// A feed's place in the hub; given back when dropped.
pub struct Place {
    hub: Arc<Hub>,
    number: u64,
    memberships: Vec<Membership>,
    mailbox: Arc<Mailbox>,
    transport: &'static str,
}

impl Hub {
    /// Lets a feed in; `None` when the server stops.
    pub fn enter(
        self: &Arc<Self>,
        memberships: &[Membership],
        mailbox: Mailbox,
        transport: &'static str,
    ) -> Option<Place> {
        let mailbox = Arc::new(mailbox);
        let mut registry = self.lock();
        if registry.closed {
            return None;
        }
        let number = registry.next_number;
        registry.next_number += 1;
        registry.feeds.insert(number, mailbox.clone());
        registry.add(number, memberships, &mailbox);
        drop(registry);
        metrics::gauge!(measure::LIVE_CONNECTIONS.name, "transport" => transport).increment(1);
        Some(Place {
            hub: self.clone(),
            number,
            memberships: memberships.to_vec(),
            mailbox,
            transport,
        })
    }

    /// A turn to read rows, until it is dropped.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.reading.acquire().await.ok()
    }

    /// Blocks of these followers of which it is not known how far they were told.
    pub fn unknown(&self, memberships: &[Membership]) -> Vec<BlockKey> {
        let registry = self.lock();
        let keys = memberships.iter().map(key);
        keys.filter(|key| {
            registry
                .blocks
                .get(key)
                .is_some_and(|online| online.next.is_none())
        })
        .collect()
    }

    /// Begins to tell these blocks what comes after their `heads`, where that was not known.
    pub fn begin(&self, blocks: &[BlockKey], heads: &HashMap<BlockKey, Sequence>) {
        let mut registry = self.lock();
        for key in blocks {
            if let Some(online) = registry.blocks.get_mut(key) {
                let head = heads.get(key).copied().unwrap_or(Sequence(0));
                online.next.get_or_insert(head);
            }
        }
    }

    /// How far the blocks with feeds were told; those of one account, or all.
    pub fn told(&self, of: Option<AccountId>) -> Vec<(BlockKey, Sequence)> {
        let registry = self.lock();
        let blocks = registry.blocks.iter();
        blocks
            .filter(|((account, _), _)| of.is_none_or(|of| of == *account))
            .filter_map(|(key, online)| Some((*key, online.next?)))
            .collect()
    }

    /// Up to where there is something for these followers, as far as the hub has heard.
    pub fn heard(&self, memberships: &[Membership]) -> Position {
        let registry = self.lock();
        let heard = memberships.iter();
        heard
            .filter_map(|of| Some((of.account, registry.blocks.get(&key(of))?.next?)))
            .collect()
    }

    /// Tells a block what stands from `from` up to `next`; nothing when it was told meanwhile. Each feed gets what is
    /// for it at once, so that it can be written at once.
    pub fn tell(&self, key: BlockKey, (from, next): (Sequence, Sequence), news: &[Told]) {
        let mut registry = self.lock();
        let Some(online) = registry.blocks.get_mut(&key) else {
            return;
        };
        if online.next != Some(from) {
            return;
        }
        online.next = Some(next);
        online.put(news);
    }

    /// Tells a block about entries that it was told before.
    pub fn tell_again(&self, key: BlockKey, news: &[Told]) {
        if let Some(online) = self.lock().blocks.get(&key) {
            online.put(news);
        }
    }

    /// Has the feeds of one follower look at their reader again.
    pub fn look_again(&self, account: AccountId, ordinal: Ordinal) {
        let registry = self.lock();
        let Some(online) = registry.blocks.get(&(account, ordinal.block())) else {
            return;
        };
        let place = ordinal.place();
        for mailbox in online
            .feeds
            .range((place, 0)..=(place, u64::MAX))
            .map(|(_, mailbox)| mailbox)
        {
            mailbox.look_again();
        }
    }

    /// Ends the feeds of a block whose rows are others than before.
    pub fn restart(&self, key: BlockKey) {
        if let Some(online) = self.lock().blocks.get_mut(&key) {
            online.next = None;
            for mailbox in online.feeds.values() {
                mailbox.end(End::Restart);
            }
        }
    }

    /// The accounts with feeds.
    pub fn accounts(&self) -> HashSet<AccountId> {
        let registry = self.lock();
        registry.blocks.keys().map(|(account, _)| *account).collect()
    }

    /// Ends all feeds, with a word that they should come back later, and lets none in any more.
    pub fn close(&self) {
        let mut registry = self.lock();
        registry.closed = true;
        for mailbox in registry.feeds.values() {
            mailbox.end(End::Restart);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn add(&mut self, number: u64, memberships: &[Membership], mailbox: &Arc<Mailbox>) {
        for of in memberships {
            let online = self.blocks.entry(key(of)).or_default();
            online.feeds.insert((of.ordinal.place(), number), mailbox.clone());
        }
    }

    fn remove(&mut self, number: u64, memberships: &[Membership]) {
        for of in memberships {
            let Some(online) = self.blocks.get_mut(&key(of)) else {
                continue;
            };
            online.feeds.remove(&(of.ordinal.place(), number));
            if online.feeds.is_empty() {
                self.blocks.remove(&key(of));
            }
        }
    }
}

impl Online {
    fn put(&self, news: &[Told]) {
        let mut theirs = Vec::with_capacity(news.len());
        let mut told = 0;
        for ((place, _), mailbox) in &self.feeds {
            theirs.clear();
            let events = news.iter().filter(|news| news.to.contains(*place));
            theirs.extend(events.map(|news| news.event.clone()));
            if theirs.is_empty() {
                continue;
            }
            told += theirs.len() as u64;
            if !mailbox.put(&theirs) {
                metrics::counter!(measure::LIVE_SLOW.name).increment(1);
            }
        }
        if let (Some(first), true) = (news.first(), told > 0) {
            metrics::counter!(measure::LIVE_EVENTS.name, "event" => first.event.kind.word()).increment(told);
        }
    }
}

impl Place {
    /// What waits for the feed.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The hub.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The followers whose entries it gets.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// Moves the feed to other followers.
    pub fn move_to(&mut self, memberships: &[Membership]) {
        let mut registry = self.hub.lock();
        // In before out, so that a block which stays is not forgotten meanwhile.
        registry.add(self.number, memberships, &self.mailbox);
        let left = self.memberships.iter().filter(|of| !memberships.contains(of));
        let left: Vec<Membership> = left.copied().collect();
        registry.remove(self.number, &left);
        self.memberships = memberships.to_vec();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut registry = self.hub.lock();
        registry.feeds.remove(&self.number);
        registry.remove(self.number, &self.memberships);
        drop(registry);
        metrics::gauge!(measure::LIVE_CONNECTIONS.name, "transport" => self.transport).decrement(1);
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn key(of: &Membership) -> BlockKey {
    (of.account, of.ordinal.block())
}
