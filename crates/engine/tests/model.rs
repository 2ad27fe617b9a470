//! The engine against a small reference model: random steps, then every count and every inbox is compared.
//!
//! The model keeps a row per follower, the very thing the store avoids; it knows nothing of blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    account::AccountKind,
    audience::{Audience, FollowerList},
    callback::Retries,
    content::NewContent,
    follower::NewFollower,
    id::{AppId, MassId, Ordinal, TagId},
    mass::{Counts, MassState, NewMass, Origin},
    quota::{CallTicket, Quota},
    time::{Calendar, Timestamp},
};
use engine::{
    Engine, Turn,
    callback::{AddressRules, CallbackSender, CallbackSettings},
};
use store::{
    Store, account::NewAccount, blob::Blobs, bus::Bus, clock::Clock, mass::WorkerId, outbox::EventKind,
    postgres::PostgresOptions, reader::Reader, rows::SqlStore, vault::Vault,
};

const START: Timestamp = Timestamp(1_790_000_000_000);
const TAGS: [&str; 3] = ["a", "b", "c"];
const STEPS: usize = 250;
const SEEDS: u64 = 12;

struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        START
    }
    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending::<()>().await;
    }
}

/// A small generator of numbers: the seed is the run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

#[derive(Default)]
struct Person {
    follows: bool,
    tags: BTreeSet<usize>,
    opted_out: bool,
    blacklisted: bool,
    /// Received so far: month and mass.
    received: Vec<(i32, MassId)>,
}

struct ModelMass {
    id: MassId,
    total: u64,
    target: BTreeSet<usize>,
}

struct World {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    engine: Engine,
    account: domain::id::AccountId,
    dice: Dice,
    now: Timestamp,
    calendar: Calendar,
    persons: Vec<Person>,
    running: Vec<ModelMass>,
    finished: BTreeMap<MassId, Counts>,
    sent: usize,
    crossings: usize,
}

fn open(folder: &std::path::Path) -> (Arc<dyn Store>, Engine) {
    let vault = Vault::new([7; 32]);
    let store: Arc<dyn Store> = Arc::new(rows_of(folder, &vault));
    let (bus, clock) = (Bus::default(), Arc::new(StandingClock));
    let settings = CallbackSettings {
        public_url: "http://localhost".into(),
        addresses: AddressRules::default(),
        retries: Retries::Documented,
        timeout: Duration::from_secs(5),
        per_endpoint: 8,
    };
    let callbacks = CallbackSender::new(
        store.clone(),
        clock.clone(),
        bus.clone(),
        vault.link_key(),
        settings,
    )
    .expect("a sender");
    let blobs = Blobs::in_folder(&folder.join("blobs")).expect("a blob folder");
    let engine = Engine::new(
        store.clone(),
        blobs,
        bus,
        clock,
        callbacks,
        WorkerId("test".into()),
    );
    (store, engine)
}

/// The persons who matter stand on both sides of the first block boundary.
const BEFORE_BOUNDARY: usize = 65_536 - 12;

impl World {
    async fn new(seed: u64, kind: AccountKind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, engine) = open(folder.path());
        let lifted = Quota {
            sends_per_day: None,
            history_per_day: None,
            history_per_month: None,
            ..Quota::of(kind)
        };
        let account = NewAccount {
            app_id: AppId("wx0000000000000001".into()),
            original_id: "gh_1".into(),
            secret_hash: [0; 32],
            name: "model".into(),
            kind,
            verified: true,
            pay_enabled: false,
            quota: lifted,
            open_id_secret: [3; 16],
        };
        let account = store
            .create_account(account, START)
            .await
            .expect("works")
            .expect("is new")
            .id;
        let tags: Vec<TagId> = {
            let mut tags = Vec::new();
            for name in TAGS {
                tags.push(
                    store
                        .create_tag(account, name)
                        .await
                        .expect("works")
                        .expect("is free")
                        .id,
                );
            }
            tags
        };
        assert_eq!(tags, [TagId(100), TagId(101), TagId(102)]);
        // A crowd that carries no tag and is never listed fills the first block but for twelve places, so
        // that the persons, to whom all sends go, stand on both sides of the boundary.
        let crowd = (0..BEFORE_BOUNDARY).map(|number| NewFollower {
            external_id: format!("crowd-{number:05}"),
            ..NewFollower::default()
        });
        store
            .import_followers(account, crowd.collect(), START)
            .await
            .expect("imports");
        for ordinal in [0_u32, 1, 40_000] {
            assert!(
                store
                    .unsubscribe(account, Ordinal(ordinal), START)
                    .await
                    .expect("works")
            );
        }
        Self {
            folder,
            store,
            engine,
            account,
            dice: Dice(seed),
            now: START,
            calendar: Calendar::shanghai(),
            persons: Vec::new(),
            running: Vec::new(),
            finished: BTreeMap::new(),
            sent: 0,
            crossings: 0,
        }
    }

    /// I21: the rows keep every promise.
    fn check(&self, seed: u64) {
        let opened = match database_of(self.folder.path()) {
            Some(url) => Reader::connect(&PostgresOptions::new(url)),
            None => Reader::open(self.folder.path()),
        };
        let reader = opened.expect("opens");
        let checked = || store::check::run(&reader, &self.calendar, &|_, _, _| {}).expect("checks");
        // On a thread of its own: a server's rows are waited for.
        let report = std::thread::scope(|scope| scope.spawn(checked).join().expect("no panic"));
        assert_eq!(report.findings, [], "seed {seed}");
    }

    fn ordinal(person: usize) -> Ordinal {
        Ordinal((BEFORE_BOUNDARY + person) as u32)
    }

    async fn step(&mut self) {
        match self.dice.below(14) {
            0 | 1 => self.subscribe().await,
            2 => self.unsubscribe().await,
            3..=5 => self.tag().await,
            6 => self.opt_out().await,
            7 => self.blacklist().await,
            8..=10 => self.send().await,
            11 => self.pass_time(),
            12 => self.work_once().await,
            _ if self.dice.below(20) == 0 => self.restart(),
            _ => self.work_all().await,
        }
    }

    fn somebody(&mut self) -> Option<usize> {
        (!self.persons.is_empty()).then(|| self.dice.below(self.persons.len()))
    }

    async fn subscribe(&mut self) {
        let again = self.dice.below(3) == 0;
        let person = match self.somebody().filter(|_| again || self.persons.len() >= 40) {
            Some(person) => person,
            None => {
                self.persons.push(Person::default());
                self.persons.len() - 1
            }
        };
        let follower = NewFollower {
            external_id: format!("person-{person}"),
            ..NewFollower::default()
        };
        let subscribed = self
            .store
            .subscribe(self.account, follower, self.now)
            .await
            .expect("works")
            .expect("has room for tags");
        assert_eq!(
            subscribed.ordinal,
            Self::ordinal(person),
            "coming back keeps the ordinal"
        );
        self.persons[person].follows = true;
    }

    async fn unsubscribe(&mut self) {
        let Some(person) = self.somebody() else { return };
        assert!(
            self.store
                .unsubscribe(self.account, Self::ordinal(person), self.now)
                .await
                .expect("works")
        );
        self.persons[person].follows = false;
        self.persons[person].tags.clear();
    }

    async fn tag(&mut self) {
        let Some(person) = self.somebody() else { return };
        let (tag, put_on) = (self.dice.below(TAGS.len()), self.dice.below(4) > 0);
        let id = TagId(100 + tag as i64);
        let ordinals = [Self::ordinal(person)];
        let result = if put_on {
            self.store.tag_followers(self.account, id, &ordinals).await
        } else {
            self.store.untag_followers(self.account, id, &ordinals).await
        };
        let person = &mut self.persons[person];
        assert_eq!(result.expect("works").is_ok(), person.follows);
        if person.follows && put_on {
            person.tags.insert(tag);
        } else {
            person.tags.remove(&tag);
        }
    }

    async fn opt_out(&mut self) {
        let Some(person) = self.somebody() else { return };
        let on = self.dice.below(2) == 0;
        self.store
            .set_opt_out(self.account, Self::ordinal(person), None, on)
            .await
            .expect("works");
        self.persons[person].opted_out = on;
    }

    async fn blacklist(&mut self) {
        let Some(person) = self.somebody() else { return };
        let on = self.dice.below(2) == 0;
        self.store
            .set_blacklisted(self.account, &[Self::ordinal(person)], on)
            .await
            .expect("works");
        self.persons[person].blacklisted = on;
    }

    async fn send(&mut self) {
        let carriers = |persons: &[Person], tag: usize| -> BTreeSet<usize> {
            persons
                .iter()
                .enumerate()
                .filter(|(_, person)| person.tags.contains(&tag))
                .map(|(at, _)| at)
                .collect()
        };
        let per_minute = (self.dice.below(2) == 0).then_some(1);
        let (audience, total, target) = if self.dice.below(2) == 0 {
            let tag = self.dice.below(TAGS.len());
            let target = carriers(&self.persons, tag);
            (
                Audience::Tag(TagId(100 + tag as i64)),
                target.len() as u64,
                target,
            )
        } else {
            let chosen: BTreeSet<usize> = (0..self.persons.len())
                .filter(|_| self.dice.below(2) == 0)
                .collect();
            let strangers = self.dice.below(3) as u32;
            let ordinals: Vec<Ordinal> = chosen.iter().map(|person| Self::ordinal(*person)).collect();
            let total = ordinals.len() as u64 + u64::from(strangers);
            let target = chosen
                .into_iter()
                .filter(|person| self.persons[*person].follows)
                .collect();
            (
                Audience::OpenIds(FollowerList { ordinals, strangers }),
                total,
                target,
            )
        };
        let mass = NewMass {
            content: NewContent::Text(format!("text {}", self.sent)),
            audience: audience.clone(),
            client_msg_id: None,
            send_ignore_reprint: false,
            ticket: CallTicket { within_day: true },
            origin: Origin::Api,
            per_minute,
        };
        self.sent += 1;
        let accepted = self
            .store
            .accept_mass(self.account, mass, self.now)
            .await
            .expect("works");
        let nobody = matches!(audience, Audience::OpenIds(_)) && target.is_empty();
        assert_eq!(accepted.is_err(), nobody, "{accepted:?}");
        if let Ok(accepted) = accepted {
            self.running.push(ModelMass {
                id: accepted.id,
                total,
                target,
            });
        }
    }

    fn pass_time(&mut self) {
        let seconds = [1, 40, 60, 3_600, 86_400, 20 * 86_400][self.dice.below(6)];
        self.now = self.now.plus_seconds(seconds);
    }

    async fn work_once(&mut self) {
        self.engine.step(self.now).await.expect("works");
        self.follow().await;
    }

    async fn work_all(&mut self) {
        while self.engine.step(self.now).await.expect("works") == Turn::Worked {}
        self.follow().await;
    }

    fn restart(&mut self) {
        let folder = self.folder.path().to_owned();
        // The old store must have let go of the folder before it is opened again.
        let nowhere = tempfile::tempdir().expect("a folder");
        let (store, engine) = open(nowhere.path());
        drop(std::mem::replace(&mut self.engine, engine));
        drop(std::mem::replace(&mut self.store, store));
        (self.store, self.engine) = open(&folder);
    }

    /// Lets the model do what the engine has done by now: whole blocks of running masses, oldest first.
    async fn follow(&mut self) {
        let month = self.calendar.month(self.now).0;
        let mut still_running = Vec::new();
        for mut mass in std::mem::take(&mut self.running) {
            let state = self
                .store
                .mass(self.account, mass.id)
                .await
                .expect("works")
                .expect("exists");
            let blocks: BTreeSet<u32> = mass
                .target
                .iter()
                .map(|person| Self::ordinal(*person).block().0)
                .collect();
            let gone = blocks.len() as u64 - state.batches_left;
            let released: BTreeSet<u32> = blocks.into_iter().take(gone as usize).collect();
            self.crossings += usize::from(released.len() == 1 && state.batches_left == 1);
            let counts = self.finished.entry(mass.id).or_default();
            counts.total = mass.total;
            mass.target.retain(|person| {
                let due = released.contains(&Self::ordinal(*person).block().0);
                if due {
                    let person = &mut self.persons[*person];
                    let this_month = person.received.iter().filter(|(of, _)| *of == month).count();
                    if !person.follows {
                        counts.left += 1;
                    } else if person.blacklisted {
                        counts.blacklisted += 1;
                    } else if person.opted_out {
                        counts.opted_out += 1;
                    } else if this_month >= 4 {
                        counts.over_quota += 1;
                    } else {
                        counts.delivered += 1;
                        person.received.push((month, mass.id));
                    }
                }
                !due
            });
            assert_eq!(state.counts, *counts, "counts of {} while it runs", mass.id);
            if state.state == MassState::Sending {
                still_running.push(mass);
            } else {
                assert!(
                    mass.target.is_empty(),
                    "i03: {} is final and has targets left",
                    mass.id
                );
            }
        }
        self.running = still_running;
    }

    async fn compare(&self) {
        for (number, person) in self.persons.iter().enumerate() {
            let page = self
                .store
                .inbox_page(self.account, Self::ordinal(number), None, 10_000)
                .await
                .expect("works");
            let got: Vec<MassId> = page.entries.iter().rev().map(|entry| entry.mass).collect();
            let expected: Vec<MassId> = person.received.iter().map(|(_, mass)| *mass).collect();
            assert_eq!(got, expected, "inbox of person {number}");
            let sequences: Vec<i64> = page.entries.iter().map(|entry| entry.sequence.0).collect();
            assert!(
                sequences.is_sorted_by(|a, b| a > b),
                "i08: newest first, no place twice"
            );
        }
        for (mass, counts) in &self.finished {
            let state = self
                .store
                .mass(self.account, *mass)
                .await
                .expect("works")
                .expect("exists");
            assert_eq!(state.state, MassState::Succeeded);
            assert_eq!(state.counts, *counts, "i04: counts of {mass}");
            assert_eq!(counts.after_filters(), counts.sent() + counts.errors());
        }
        let events = self
            .store
            .events(self.account, None, 100_000)
            .await
            .expect("works");
        let mut finished: Vec<MassId> = events
            .iter()
            .filter_map(|event| match event.kind {
                EventKind::MassFinished(mass) => Some(mass),
                EventKind::Subscribed(_) | EventKind::Unsubscribed(_) | EventKind::Published(_) => None,
            })
            .collect();
        finished.sort_unstable();
        assert_eq!(
            finished,
            self.finished.keys().copied().collect::<Vec<_>>(),
            "i19: one finish event each"
        );
        let times: BTreeSet<i64> = events.iter().map(|event| event.create_time).collect();
        assert_eq!(times.len(), events.len(), "every event has a second of its own");
    }
}

async fn run(seed: u64) -> (usize, usize) {
    let mut world = World::new(seed, AccountKind::Service).await;
    for _ in 0..STEPS {
        world.step().await;
    }
    // Paced masses become due in the end.
    while !world.running.is_empty() {
        world.now = world.now.plus_seconds(3_600);
        world.work_all().await;
    }
    world.compare().await;
    world.check(seed);
    (world.finished.len(), world.crossings)
}

#[tokio::test]
async fn i05_random_steps_end_as_the_plain_model_says() {
    let (mut masses, mut crossings) = (0, 0);
    for seed in 1..=SEEDS {
        let (finished, crossed) = run(seed).await;
        masses += finished;
        crossings += crossed;
    }
    println!("{SEEDS} runs, {masses} masses, {crossings} seen between their two blocks");
    assert!(
        masses as u64 > SEEDS * 20 && crossings > 0,
        "the steps must reach both blocks"
    );
}

/// The rows in this folder, or on the server that the tests of this run use.
fn rows_of(folder: &std::path::Path, vault: &Vault) -> SqlStore {
    let calendar = Calendar::shanghai();
    match testkit::postgres::database_of(folder) {
        Some(url) => SqlStore::connect(&PostgresOptions::new(url), vault.clone(), calendar),
        None => SqlStore::open(folder, vault.clone(), calendar),
    }
    .expect("the store opens")
}
