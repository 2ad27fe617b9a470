//! Followers come, go and change their tags while masses are accepted and released (I5).
//!
//! Every change of a follower is noted with the moments of its beginning and its end. Whoever did not change while
//! a mass was accepted or released has a certain outcome; for whoever did, both are right.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use domain::{
    audience::Audience,
    id::{AccountId, MassId, Ordinal, TagId},
    mass::MassState,
};
use store::Store;
use tokio::task::JoinHandle;

use crate::{
    table::{Row, rounds},
    worlds::{Ground, LEASE_MS, NOW, worker},
};

/// Followers who come and go.
const GUESTS: u32 = 20;
/// Followers who all change from one tag to the other at once.
const DANCERS: u32 = 15;

/// Moments in their order.
#[derive(Clone, Default)]
struct Moments(Arc<AtomicU64>);

impl Moments {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// A span of moments.
#[derive(Clone, Copy)]
struct Span(u64, u64);

/// One guest's changes: when, and whether the guest follows from then on.
#[derive(Default)]
struct Life(Vec<(Span, bool)>);

impl Life {
    /// Whether the guest followed all the time; `None` when that changed or may have.
    fn during(&self, Span(from, to): Span) -> Option<bool> {
        let mut follows = true;
        for (Span(began, ended), after) in &self.0 {
            match () {
                () if *ended < from => follows = *after,
                () if *began > to => break,
                () => return None,
            }
        }
        Some(follows)
    }
}

/// Guests with even or odd numbers come and go until told to stop.
fn guests(
    ground: &Ground,
    parity: u32,
    moments: &Moments,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<Vec<(u32, Life)>> {
    let (store, account) = (ground.stores[parity as usize].clone(), ground.account);
    let (moments, stop) = (moments.clone(), stop.clone());
    tokio::spawn(async move {
        let mut lives: Vec<(u32, Life)> = (0..GUESTS)
            .filter(|guest| guest % 2 == parity)
            .map(|guest| (guest, Life::default()))
            .collect();
        let mut turn = 0_usize;
        while !stop.load(Ordering::SeqCst) {
            turn += 1;
            // A stride that has no common divisor with ten visits everybody in another order each time.
            let at = turn * 7 % lives.len();
            let (guest, life) = &mut lives[at];
            let follows = !life.0.last().is_none_or(|(_, follows)| *follows);
            let began = moments.next();
            let known = if follows {
                store.subscribe_again(account, Ordinal(*guest), NOW).await
            } else {
                store.unsubscribe(account, Ordinal(*guest), NOW).await
            };
            assert!(known.expect("works"));
            life.0.push((Span(began, moments.next()), follows));
        }
        lives
    })
}

/// All dancers change tags together, to and fro.
fn dancers(
    store: Arc<dyn Store>,
    account: AccountId,
    tags: [TagId; 2],
    stop: Arc<AtomicBool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let all: Vec<Ordinal> = (GUESTS..GUESTS + DANCERS).map(Ordinal).collect();
        for tag in tags.into_iter().cycle() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            store
                .move_to_group(account, tag, &all)
                .await
                .expect("works")
                .expect("they follow");
        }
    })
}

/// A mass to everybody, and when it was accepted and released.
struct Sent {
    mass: MassId,
    accepted: Span,
    released: Span,
}

async fn release(ground: &Ground, mass: MassId) {
    let store = &ground.stores[1];
    let lease = store
        .lease_batches(ground.account, mass, &worker(1), 10, LEASE_MS, NOW)
        .await
        .expect("works");
    store.release_batches(&lease, NOW).await.expect("works");
    assert!(store.finish_mass(ground.account, mass, NOW).await.expect("works"));
}

async fn send(ground: &Ground, round: usize, moments: &Moments) -> Sent {
    let began = moments.next();
    let mass = ground.send(format!("round {round}"), Audience::All).await;
    let accepted = Span(began, moments.next());
    // Every second time the storm has a while between acceptance and release.
    while round.is_multiple_of(2) && moments.0.load(Ordering::SeqCst) < accepted.1 + 10 {
        tokio::task::yield_now().await;
    }
    let began = moments.next();
    release(ground, mass).await;
    Sent {
        mass,
        accepted,
        released: Span(began, moments.next()),
    }
}

/// What a mass did, held against what is certain about every guest.
async fn check(ground: &Ground, sent: &Sent, lives: &[(u32, Life)], row: &mut Row) {
    let found = ground.stores[0]
        .mass(ground.account, sent.mass)
        .await
        .expect("works")
        .expect("exists");
    let counts = found.counts;
    assert_eq!(
        (found.state, counts.total),
        (MassState::Succeeded, counts.delivered + counts.left),
        "i03"
    );
    let (mut surely_meant, mut maybe_meant, mut surely_left) = (0, 0, 0);
    for (guest, life) in lives {
        let (at_acceptance, at_release) = (life.during(sent.accepted), life.during(sent.released));
        let delivered = ground.shows(Ordinal(*guest), sent.mass).await;
        match (at_acceptance, at_release) {
            (Some(false), _) => assert!(
                !delivered,
                "i05: {guest} did not follow when {:?} was accepted",
                sent.mass
            ),
            (_, Some(false)) => assert!(
                !delivered,
                "i05: {guest} had left when {:?} was released",
                sent.mass
            ),
            (Some(true), Some(true)) => assert!(delivered, "i03: {guest} did not get {:?}", sent.mass),
            (None, _) | (_, None) => {}
        }
        surely_meant += u64::from(at_acceptance == Some(true));
        maybe_meant += u64::from(at_acceptance != Some(false));
        surely_left += u64::from(at_acceptance == Some(true) && at_release == Some(false));
    }
    let dancers = u64::from(DANCERS);
    assert!(
        (surely_meant + dancers..=maybe_meant + dancers).contains(&counts.total),
        "i05: {counts:?}"
    );
    assert!(
        counts.left >= surely_left,
        "i05: {counts:?}, {surely_left} had left"
    );
    if counts.left > 0 {
        row.saw("left-between");
    }
    if maybe_meant > surely_meant {
        row.saw("changed-during-acceptance");
    }
    row.accepted += counts.delivered as usize;
    row.refused += counts.left as usize;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn i05_an_audience_is_one_moment_however_followers_storm() {
    let ground = Ground::with_followers(GUESTS + DANCERS).await;
    let mut tags = Vec::new();
    for name in ["left", "right"] {
        tags.push(
            ground.stores[0]
                .create_tag(ground.account, name)
                .await
                .expect("works")
                .expect("is free")
                .id,
        );
    }
    let tags = [tags[0], tags[1]];
    let all: Vec<Ordinal> = (GUESTS..GUESTS + DANCERS).map(Ordinal).collect();
    ground.stores[0]
        .tag_followers(ground.account, tags[0], &all)
        .await
        .expect("works")
        .expect("they follow");
    let (moments, stop) = (Moments::default(), Arc::new(AtomicBool::new(false)));
    let storm: Vec<_> = (0..2)
        .map(|parity| guests(&ground, parity, &moments, &stop))
        .collect();
    let dance = dancers(ground.stores[1].clone(), ground.account, tags, stop.clone());

    let mut dance_row = Row::new("tags change during sends", &["all", "none"]);
    let mut sent = Vec::new();
    for round in 0..rounds() {
        sent.push(send(&ground, round, &moments).await);
        let mass = ground
            .send(format!("dance {round}"), Audience::Tag(tags[round % 2]))
            .await;
        release(&ground, mass).await;
        let counts = ground.stores[0]
            .mass(ground.account, mass)
            .await
            .expect("works")
            .expect("exists")
            .counts;
        assert!(
            [0, u64::from(DANCERS)].contains(&counts.total) && counts.delivered == counts.total,
            "i05: all dancers carry the tag or none: {counts:?}"
        );
        dance_row.saw(if counts.total > 0 { "all" } else { "none" });
        dance_row.rounds += 1;
        dance_row.accepted += counts.delivered as usize;
    }
    stop.store(true, Ordering::SeqCst);
    dance.await.expect("ends");
    let mut lives = Vec::new();
    for guests in storm {
        lives.extend(guests.await.expect("ends"));
    }
    let mut row = Row::new(
        "followers storm during sends",
        &["left-between", "changed-during-acceptance"],
    );
    row.calls = lives.iter().map(|(_, life)| life.0.len()).sum();
    for sent in &sent {
        check(&ground, sent, &lives, &mut row).await;
        row.rounds += 1;
    }
    row.print();
    dance_row.print();
}
