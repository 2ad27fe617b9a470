//! What has to be equal: after every step the numbers, at the end everything.

use std::collections::BTreeSet;

use domain::{
    content,
    id::{AccountId, MassId, Ordinal, ScheduleId, TagId},
    mass::{MassState, Origin},
    position::Membership,
    time::Timestamp,
};
use store::{Store, outbox::EventKind};

use crate::{
    reference::{Account, Content, Mass, Pace, World, day, minute, month},
    stores::ACCOUNTS,
};

/// More than a run ever has.
const ALL: usize = 10_000;

/// Masses, usage and the order of what runs.
pub async fn numbers(store: &dyn Store, world: &World) {
    for (id, account) in ACCOUNTS.into_iter().zip(&world.accounts) {
        masses(store, id, account).await;
        usage(store, id, account, world.now).await;
    }
    let running = store.running_masses().await.expect("works").len();
    let sending = world.accounts.iter().flat_map(|account| account.masses.values());
    assert_eq!(
        running,
        sending.filter(|mass| mass.state == MassState::Sending).count(),
        "masses that run"
    );
}

async fn masses(store: &dyn Store, id: AccountId, account: &Account) {
    let found = store.masses(id, None, ALL).await.expect("works");
    assert_eq!(found.len(), account.masses.len(), "i01: masses of {id:?}");
    for (found, (number, mass)) in found.iter().rev().zip(&account.masses) {
        assert_eq!(found.id, *number);
        let as_found = (
            found.state,
            found.counts,
            found.batches_left,
            found.origin == Origin::Api,
        );
        let as_promised = (mass.state, mass.counts, mass.batches.len() as u64, mass.api);
        assert_eq!(as_found, as_promised, "i04, i07: {number} of {id:?}");
        let as_found = (
            found.accepted_at,
            found.finished_at,
            found.recalled_at,
            found.confirm_by,
        );
        let as_promised = (
            mass.accepted_at,
            mass.finished_at,
            mass.recalled_at,
            mass.confirm_by,
        );
        assert_eq!(as_found, as_promised, "times of {number} of {id:?}");
        let pace = Pace {
            count: found.pace.base_count,
            since: found.pace.base_time,
            per_minute: found.pace.per_minute,
        };
        assert_eq!(pace, mass.pace, "pace of {number} of {id:?}");
        assert!(
            carries(&found.content, mass),
            "i06: {number} of {id:?} carries {:?}",
            found.content
        );
    }
}

fn carries(found: &content::Content, mass: &Mass) -> bool {
    match (found, &mass.content) {
        (content::Content::Text(found), Content::Text(text)) => *found == format!("text {text}"),
        (content::Content::News(_), Content::News) => true,
        _ => false,
    }
}

async fn usage(store: &dyn Store, id: AccountId, account: &Account, now: Timestamp) {
    let found = store.usage(id, now).await.expect("works");
    let at = account.latest.max(now);
    let (today, this_month) = (day(at), month(at));
    let as_found = (
        found.latest,
        found.sends_today,
        found.calls_today,
        found.history_today,
        found.history_this_month,
        found.calls_this_minute,
    );
    let as_promised = (
        at,
        account.charged(|charge| charge.api && day(charge.at) == today),
        account.calls_on(today),
        account.charged(|charge| charge.history && day(charge.at) == today),
        account.charged(|charge| charge.history && month(charge.at) == this_month),
        account.calls_in(minute(at)),
    );
    assert_eq!(
        as_found, as_promised,
        "i12, i14: usage of {id:?}: latest, sends, calls, history twice, minute"
    );
}

/// Every inbox, event, tag, refusal, schedule, preview and the history.
pub async fn everything(store: &dyn Store, world: &World) {
    numbers(store, world).await;
    for (id, account) in ACCOUNTS.into_iter().zip(&world.accounts) {
        followers(store, id, account).await;
        inboxes(store, id, account).await;
        events(store, id, account).await;
        history(store, id, account).await;
        for (number, state) in account.schedule_states() {
            let found = store.schedule(id, number).await.expect("works").expect("exists");
            assert_eq!(found.state, state, "schedule {number:?} of {id:?}");
        }
        let after = ScheduleId(account.schedules.len() as i64 + 1);
        assert!(store.schedule(id, after).await.expect("works").is_none());
        for number in crate::reference::FIRST_MASS..account.next_mass {
            let kept = store.preview(id, MassId(number)).await.expect("works").is_some();
            assert_eq!(
                kept,
                account.previews.contains_key(&MassId(number)),
                "preview {number} of {id:?}"
            );
        }
    }
}

async fn followers(store: &dyn Store, id: AccountId, account: &Account) {
    let ordinals: Vec<Ordinal> = account
        .persons
        .iter()
        .map(|person| Ordinal(person.first_ordinal))
        .collect();
    let found = store.followers(id, &ordinals).await.expect("works");
    let tags = store.tags_of(id, &ordinals).await.expect("works");
    for ((found, tags), person) in found.iter().zip(&tags).zip(&account.persons) {
        let ordinal = Ordinal(person.first_ordinal);
        let found = found
            .as_ref()
            .unwrap_or_else(|| panic!("{ordinal:?} of {id:?} is unknown"));
        assert_eq!(found.subscribed, person.follows, "{ordinal:?} of {id:?}");
        let promised: Vec<TagId> = person.tags.iter().copied().map(TagId).collect();
        assert_eq!(*tags, promised, "tags of {ordinal:?} of {id:?}");
        let refusals = store.refusals(id, ordinal).await.expect("works");
        assert_eq!(
            refusals,
            (person.opted_out, person.blacklisted),
            "{ordinal:?} of {id:?}"
        );
    }
    let following = account.persons.iter().filter(|person| person.follows);
    let page = store.subscribed_after(id, None, 1).await.expect("works");
    assert_eq!(
        page.total,
        following.map(|person| person.people).sum::<u64>(),
        "followers of {id:?}"
    );
    for tag in store.tags(id).await.expect("works") {
        let carriers = account
            .persons
            .iter()
            .filter(|person| person.tags.contains(&tag.id.0))
            .count();
        assert_eq!(tag.count, carriers as u64, "carriers of {:?} of {id:?}", tag.id);
    }
}

async fn inboxes(store: &dyn Store, id: AccountId, account: &Account) {
    for person in &account.persons {
        let promised: Vec<_> = person
            .entries
            .iter()
            .filter(|entry| {
                account
                    .masses
                    .get(&entry.mass)
                    .is_none_or(|mass| mass.recalled_at.is_none())
            })
            .collect();
        // Of a crowd, the first, one in the middle and the last.
        let last = person.first_ordinal + person.people as u32 - 1;
        for ordinal in BTreeSet::from([person.first_ordinal, person.first_ordinal.midpoint(last), last]) {
            let page = store
                .inbox_page(
                    &[Membership {
                        account: id,
                        ordinal: Ordinal(ordinal),
                    }],
                    None,
                    None,
                    ALL,
                )
                .await
                .expect("works");
            let found: Vec<_> = page
                .entries
                .iter()
                .rev()
                .map(|entry| (entry.mass, entry.preview, entry.sent_at))
                .collect();
            let promised: Vec<_> = promised
                .iter()
                .map(|entry| (entry.mass, entry.preview, entry.at))
                .collect();
            assert_eq!(
                found, promised,
                "i02, i05, i11, i15: inbox of {ordinal} of {id:?}"
            );
            let places = page.entries.iter().map(|entry| entry.sequence);
            assert!(
                places.is_sorted_by(|newer, older| newer > older),
                "i08: inbox of {ordinal} of {id:?}"
            );
        }
    }
}

async fn events(store: &dyn Store, id: AccountId, account: &Account) {
    let events = store.events(id, None, ALL).await.expect("works");
    let ended: Vec<MassId> = events
        .iter()
        .rev()
        .filter_map(|event| match event.kind {
            EventKind::MassFinished(mass) => Some(mass),
            EventKind::Subscribed(_) | EventKind::Unsubscribed(_) | EventKind::Published(_) => None,
        })
        .collect();
    assert_eq!(ended, account.ended, "i19: one event for every end, of {id:?}");
    let seconds: BTreeSet<i64> = events.iter().map(|event| event.create_time).collect();
    assert_eq!(seconds.len(), events.len(), "every end has a second of its own");
}

async fn history(store: &dyn Store, id: AccountId, account: &Account) {
    let found = store.history(id, None, ALL).await.expect("works");
    let found: Vec<MassId> = found.iter().map(|mass| mass.id).collect();
    let mut promised: Vec<(Option<Timestamp>, MassId)> = account
        .masses
        .iter()
        .filter(|(number, mass)| {
            let enters = account.charges.get(number).is_some_and(|charge| charge.history);
            enters && mass.state == MassState::Succeeded && mass.recalled_at.is_none()
        })
        .map(|(number, mass)| (mass.finished_at, *number))
        .collect();
    promised.sort_unstable();
    let promised: Vec<MassId> = promised.into_iter().rev().map(|(_, number)| number).collect();
    assert_eq!(found, promised, "history of {id:?}");
}
