//! What qunfa promises, in the plainest words: a row per follower, a list per account, no blocks, no bitmaps.
//!
//! Written from the invariants, not from the engine. [`World::apply`] says what a step answers and changes the
//! world accordingly; the real store and engine have to answer the same.

mod calendar;
mod ending;
mod people;
mod sending;
mod turn;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use domain::{
    id::{MassId, Ordinal, ScheduleId, TagId},
    mass::{ChangeRefusal, DeleteRefusal, MassState, Refusal},
    schedule::ScheduleState,
    tag::TagRefusal,
    time::Timestamp,
};
use store::mass::PreviewRefusal;

pub use calendar::{day, minute, month};
pub use people::STARRED;
pub use sending::{Content, Mass, Pace};

use calendar::{next_midnight, next_month};

use crate::step::{Step, To};

/// Followers of account 0 who came before everybody else and never do anything: they fill the first block but
/// for three places, so that the persons of the steps stand on both sides of the boundary.
pub const CROWD: u32 = 65_533;
/// The articles of the one news that each account has.
pub const ARTICLES: u8 = 2;
/// The number of the first mass; the same for both accounts, as they are walls.
pub const FIRST_MASS: i64 = 1_000_000_001;
/// The account's own tags at the beginning.
pub const FIRST_TAGS: std::ops::RangeInclusive<i64> = 100..=101;
/// A block in the sense of the design: how many followers are released together.
pub const BLOCK: u32 = 65_536;

/// What one account is allowed, and how it is set up.
#[derive(Clone, Debug)]
pub struct Rules {
    pub sends_per_day: Option<u32>,
    pub calls_per_day: Option<u32>,
    pub receipts_per_month: Option<u8>,
    pub history_per_day: Option<u32>,
    pub history_per_month: Option<u32>,
    pub calls_per_minute: Option<u32>,
    pub protect: bool,
    pub repeat_check: bool,
}

/// What a step answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    Known(bool),
    Subscribed {
        ordinal: Ordinal,
        first_time: bool,
    },
    Imported {
        imported: u64,
        updated: u64,
    },
    Tagged(Result<(), TagRefusal>),
    NewTag(Result<TagId, TagRefusal>),
    /// The minute's calls are used up.
    Limited,
    Sent(Result<MassId, Refusal>),
    Previewed(Result<MassId, PreviewRefusal>),
    Scheduled(ScheduleId),
    Cancelled(bool),
    Changed(Result<(), ChangeRefusal>),
    Deleted(Result<(), DeleteRefusal>),
    /// What an engine's turn did, and when it wants the next.
    Turn {
        worked: bool,
        next_due: Option<Timestamp>,
    },
    /// The blocks that the slow worker took.
    Leased(Vec<u32>),
    /// Entries that the slow worker made; `None` when its lease had passed on.
    Released(Option<u64>),
}

/// A follower, or a crowd of followers to whom the same happens.
#[derive(Clone, Debug)]
pub struct Person {
    pub people: u64,
    pub first_ordinal: u32,
    pub follows: bool,
    pub tags: BTreeSet<i64>,
    pub blacklisted: bool,
    pub opted_out: bool,
    pub opted_out_of: BTreeSet<i64>,
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// What a follower received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub mass: MassId,
    pub preview: bool,
    pub at: Timestamp,
}

/// Something that was charged; given back when the mass ended before any delivery.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    pub at: Timestamp,
    pub api: bool,
    pub history: bool,
}

/// One mass send for later.
#[derive(Clone, Debug)]
pub struct Scheduled {
    pub at: Timestamp,
    pub to: To,
    pub content: Content,
    pub key: Option<u8>,
    pub state: ScheduleState,
}

/// An account with everything that is its own.
#[derive(Clone, Debug)]
pub struct Account {
    pub rules: Rules,
    pub per_minute: Option<u32>,
    pub persons: Vec<Person>,
    /// Which person stands behind an external id.
    pub names: BTreeMap<u8, usize>,
    pub tags: BTreeSet<i64>,
    pub next_tag: i64,
    /// The latest time that was written down (I14).
    pub latest: Timestamp,
    /// Counted calls: when, and whether they were within the day's number.
    pub calls: Vec<(Timestamp, bool)>,
    pub charges: BTreeMap<MassId, Charge>,
    pub masses: BTreeMap<MassId, Mass>,
    pub previews: BTreeMap<MassId, Timestamp>,
    pub next_mass: i64,
    /// Keys in use: which mass, and since when.
    pub keys: BTreeMap<Key, (MassId, Timestamp)>,
    pub schedules: Vec<Scheduled>,
    /// Masses whose end was written to the outbox, in that order.
    pub ended: Vec<MassId>,
    /// When a block was last released.
    pub released: BTreeMap<u32, Timestamp>,
    pub deleted_articles: BTreeSet<u8>,
}

/// What makes two sends the same (I10).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Given(u8),
    Same(To, Content),
}

/// Who holds a batch.
#[derive(Clone, Debug)]
pub struct Held {
    pub number: u64,
    pub worker: u8,
    pub until: Timestamp,
}

/// Batches that the slow worker took and has not written yet.
#[derive(Clone, Debug)]
pub struct Stalled {
    pub account: usize,
    pub mass: MassId,
    pub number: u64,
    pub blocks: Vec<u32>,
}

/// Everything.
#[derive(Clone)]
pub struct World {
    pub now: Timestamp,
    pub accounts: [Account; 2],
    pub held: BTreeMap<(usize, MassId, u32), Held>,
    pub leases: u64,
    /// Whether leases outlive the process that took them.
    pub keeps_leases: bool,
    pub stalled: Vec<Stalled>,
    /// When each of the two engines clears away next; `None` at once.
    pub clears_at: [Option<Timestamp>; 2],
    /// What the last step answered.
    pub answer: Answer,
}

impl fmt::Debug for World {
    /// What a failed run needs to be told from others: the steps say the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.accounts.each_ref().map(|account| &account.rules);
        write!(f, "World at {:?} with {rules:?}", self.now)
    }
}

impl Account {
    fn new(rules: Rules, crowd: u32) -> Self {
        let mut persons = Vec::new();
        if crowd > 0 {
            persons.push(Person::new(u64::from(crowd), 0));
        }
        Self {
            rules,
            per_minute: Some(800_000),
            persons,
            names: BTreeMap::new(),
            tags: FIRST_TAGS.collect(),
            next_tag: FIRST_TAGS.end() + 1,
            latest: Timestamp(i64::MIN),
            calls: Vec::new(),
            charges: BTreeMap::new(),
            masses: BTreeMap::new(),
            previews: BTreeMap::new(),
            next_mass: FIRST_MASS,
            keys: BTreeMap::new(),
            schedules: Vec::new(),
            ended: Vec::new(),
            released: BTreeMap::new(),
            deleted_articles: BTreeSet::new(),
        }
    }

    /// The ordinal of the first follower who came after the crowd.
    pub fn first_ordinal(&self) -> u32 {
        self.persons
            .first()
            .filter(|first| first.people > 1)
            .map_or(0, |crowd| crowd.people as u32)
    }

    /// The ordinal that the next new follower gets.
    pub fn next_ordinal(&self) -> u32 {
        self.persons
            .last()
            .map_or(0, |last| last.first_ordinal + last.people as u32)
    }

    /// The person with this ordinal.
    pub fn person(&mut self, ordinal: u32) -> Option<&mut Person> {
        self.persons
            .iter_mut()
            .find(|person| person.first_ordinal == ordinal)
    }

    fn take_mass_number(&mut self) -> MassId {
        self.next_mass += 1;
        MassId(self.next_mass - 1)
    }
}

impl World {
    pub fn new(rules: [Rules; 2], now: Timestamp, keeps_leases: bool) -> Self {
        let [first, second] = rules;
        Self {
            now,
            accounts: [Account::new(first, CROWD), Account::new(second, 0)],
            held: BTreeMap::new(),
            leases: 0,
            keeps_leases,
            stalled: Vec::new(),
            clears_at: [None; 2],
            answer: Answer::Done,
        }
    }

    /// Does one step and says what it answers.
    pub fn apply(&mut self, step: &Step) -> Answer {
        match step {
            Step::Of(account, what) => self.of_account(*account, what),
            Step::Advance(milliseconds) => {
                self.now = self.now.plus_ms(*milliseconds);
                Answer::Done
            }
            Step::Midnight(before_ms) => {
                self.now = next_midnight(self.now).plus_ms(-before_ms);
                Answer::Done
            }
            Step::MonthEnd(before_ms) => {
                self.now = next_month(self.now).plus_ms(-before_ms);
                Answer::Done
            }
            Step::Turn(engine) => self.turn(*engine),
            Step::Lease(account, mass, limit) => self.stall(*account, *mass, *limit),
            Step::Resume(which) => self.resume(*which),
            Step::Restart => {
                if !self.keeps_leases {
                    // Workers and their leases die with the process.
                    self.held.clear();
                    self.stalled.clear();
                }
                self.clears_at = [None; 2];
                Answer::Done
            }
        }
    }

    /// Whether anything is left to be done.
    pub fn is_at_rest(&self) -> bool {
        self.accounts.iter().all(|account| {
            let sending = account
                .masses
                .values()
                .any(|mass| mass.state == MassState::Sending);
            let waiting = account
                .schedules
                .iter()
                .any(|schedule| schedule.state == ScheduleState::Waiting);
            !sending && !waiting
        })
    }
}
