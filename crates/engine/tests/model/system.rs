//! The real store with two engines over it, doing the same steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    audience::{Audience, FollowerList},
    callback::Retries,
    content::NewContent,
    follower::NewFollower,
    id::{AccountId, MediaId, Ordinal, TagId},
    mass::{NewMass, Origin},
    quota::{CallTicket, Quota},
    schedule::Request,
    time::Timestamp,
};
use engine::{
    Engine, Turn,
    callback::{AddressRules, CallbackSender, CallbackSettings},
};
use store::{
    Store,
    account::AccountChange,
    blob::Blobs,
    bus::Bus,
    clock::Clock,
    mass::{Lease, Released, WorkerId},
};

use crate::{
    reference::{Answer, Content, FIRST_TAGS, Rules, World},
    step::{Send, Step, To, What},
    stores::{ACCOUNTS, Home, NEWS, Template, keeps_leases, tag_name},
};

const LEASE_MS: i64 = 10_000;

/// Nobody sleeps in this test: turns are taken by hand, at the time that the world has.
struct NoClock;

#[async_trait]
impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending::<()>().await;
    }
}

/// What runs: store, engines, and a worker who may be asleep.
pub struct System {
    running: Option<(Arc<dyn Store>, [Engine; 2])>,
    home: Home,
    stalled: Vec<Lease>,
    next_tag: BTreeMap<AccountId, i64>,
}

impl System {
    pub async fn start(template: &Template, world: &World) -> Self {
        let mut system = Self {
            running: None,
            home: template.copy(),
            stalled: Vec::new(),
            next_tag: BTreeMap::new(),
        };
        system.open();
        for (account, state) in ACCOUNTS.into_iter().zip(&world.accounts) {
            let change = AccountChange {
                quota: Some(quota(&state.rules)),
                protect: Some(state.rules.protect),
                repeat_check: Some(state.rules.repeat_check),
                ..AccountChange::default()
            };
            system
                .store()
                .change_account(account, change)
                .await
                .expect("works")
                .expect("exists");
        }
        system
    }

    /// Holds every promise against every row (I21).
    pub fn check(&self) {
        self.home.check();
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        let (store, _) = self.running.as_ref().expect("it is open between steps");
        store
    }

    fn open(&mut self) {
        let store = self.home.store();
        let engines = ["first", "second"].map(|name| engine(&store, &self.home, name));
        self.running = Some((store, engines));
    }

    /// Does one step at `now` and says what was answered.
    pub async fn apply(&mut self, step: &Step, now: Timestamp) -> Answer {
        match step {
            Step::Of(account, what) => self.of_account(ACCOUNTS[*account], what, now).await,
            Step::Advance(_) | Step::Midnight(_) | Step::MonthEnd(_) => Answer::Done,
            Step::Turn(engine) => self.turn(usize::from(*engine), now).await,
            Step::Lease(account, mass, limit) => {
                let worker = WorkerId("slow".into());
                let taken =
                    self.store()
                        .lease_batches(ACCOUNTS[*account], *mass, &worker, *limit, LEASE_MS, now);
                let lease = taken.await.expect("works");
                let blocks = lease.blocks.iter().map(|block| block.0).collect();
                self.stalled.push(lease);
                Answer::Leased(blocks)
            }
            Step::Resume(which) => self.resume(*which, now).await,
            Step::Restart => {
                if !keeps_leases() {
                    self.stalled.clear();
                }
                // The store must have let go of its folder before it is opened again.
                self.running = None;
                self.open();
                Answer::Done
            }
        }
    }

    async fn turn(&self, engine: usize, now: Timestamp) -> Answer {
        let (_, engines) = self.running.as_ref().expect("it is open between steps");
        match engines[engine].step(now).await.expect("works") {
            Turn::Worked => Answer::Turn {
                worked: true,
                next_due: None,
            },
            Turn::Idle { next_due } => Answer::Turn {
                worked: false,
                next_due,
            },
        }
    }

    async fn resume(&mut self, which: usize, now: Timestamp) -> Answer {
        if self.stalled.is_empty() {
            return Answer::Done;
        }
        let lease = self.stalled.remove(which % self.stalled.len());
        match self.store().release_batches(&lease, now).await.expect("works") {
            Released::Committed { delivered, .. } => Answer::Released(Some(delivered)),
            Released::LeaseLost => Answer::Released(None),
        }
    }

    async fn of_account(&mut self, account: AccountId, what: &What, now: Timestamp) -> Answer {
        let store = self.store().clone();
        match what {
            What::Subscribe(name) => {
                let subscribed = store.subscribe(account, follower(*name, None), now).await;
                let subscribed = subscribed.expect("works").expect("has no tags");
                Answer::Subscribed {
                    ordinal: subscribed.ordinal,
                    first_time: subscribed.first_time,
                }
            }
            What::Import(rows) => {
                let rows = rows.iter().map(|(name, tag)| follower(*name, *tag)).collect();
                let imported = store.import_followers(account, rows, now).await.expect("works");
                assert!(imported.refused.is_empty(), "{imported:?}");
                Answer::Imported {
                    imported: imported.imported,
                    updated: imported.updated,
                }
            }
            What::SubscribeAgain(ordinal) => {
                let known = store.subscribe_again(account, Ordinal(*ordinal), now).await;
                Answer::Known(known.expect("works"))
            }
            What::Unsubscribe(ordinal) => Answer::Known(
                store
                    .unsubscribe(account, Ordinal(*ordinal), now)
                    .await
                    .expect("works"),
            ),
            What::Tag(tag, who, true) => Answer::Tagged(
                store
                    .tag_followers(account, TagId(*tag), &ordinals(who))
                    .await
                    .expect("works"),
            ),
            What::Tag(tag, who, false) => Answer::Tagged(
                store
                    .untag_followers(account, TagId(*tag), &ordinals(who))
                    .await
                    .expect("works"),
            ),
            What::NewTag => {
                // As in the model, a tag is named by its number, and neither is ever used again.
                let number = self.next_tag.entry(account).or_insert(FIRST_TAGS.end() + 1);
                let made = store
                    .create_tag(account, &tag_name(*number))
                    .await
                    .expect("works");
                *number += 1;
                Answer::NewTag(made.map(|tag| tag.id))
            }
            What::DeleteTag(tag) => {
                Answer::Tagged(store.delete_tag(account, TagId(*tag)).await.expect("works"))
            }
            What::Blacklist(who, on) => {
                store
                    .set_blacklisted(account, &ordinals(who), *on)
                    .await
                    .expect("works");
                Answer::Done
            }
            What::OptOut(who, tag, on) => {
                let changed = store
                    .set_opt_out(account, Ordinal(*who), tag.map(TagId), *on)
                    .await;
                Answer::Known(changed.expect("works"))
            }
            What::Call(..) | What::Site(..) | What::Preview(..) | What::Schedule(..) | What::Cancel(_) => {
                self.sending(account, what, now).await
            }
            What::Speed(level, per_minute) => {
                store
                    .set_speed(account, *level, *per_minute, now)
                    .await
                    .expect("works");
                Answer::Done
            }
            What::Confirm(mass, per_minute) => Answer::Changed(
                store
                    .confirm_mass(account, *mass, *per_minute, now)
                    .await
                    .expect("works"),
            ),
            What::Refuse(mass) => Answer::Changed(
                store
                    .refuse_waiting_mass(account, *mass, now)
                    .await
                    .expect("works"),
            ),
            What::Recall(mass) => {
                Answer::Changed(store.recall_mass(account, *mass, now).await.expect("works"))
            }
            What::Delete(mass, index) => Answer::Deleted(
                store
                    .delete_articles(account, *mass, *index, now)
                    .await
                    .expect("works"),
            ),
        }
    }

    async fn sending(&self, account: AccountId, what: &What, now: Timestamp) -> Answer {
        let store = self.store();
        match what {
            What::Call(send, per_minute) => match store.count_call(account, now).await.expect("works") {
                Ok(ticket) => {
                    self.accept(account, send, Origin::Api, ticket, *per_minute, now)
                        .await
                }
                Err(_) => Answer::Limited,
            },
            What::Site(send, per_minute) => {
                let ticket = CallTicket { within_day: true };
                self.accept(account, send, Origin::Site, ticket, *per_minute, now)
                    .await
            }
            What::Preview(who, text) => {
                let content = content(&Content::Text(*text));
                let preview = store.send_preview(account, content, Ordinal(*who), now).await;
                Answer::Previewed(preview.expect("works"))
            }
            What::Schedule(send, seconds) => {
                let request = Request {
                    content: content(&send.content),
                    audience: audience(&send.to),
                    client_msg_id: send.key.map(key),
                    send_ignore_reprint: false,
                };
                let added = store
                    .add_schedule(account, request, now.plus_seconds(*seconds), now)
                    .await;
                Answer::Scheduled(added.expect("works").expect("its content exists"))
            }
            What::Cancel(id) => {
                Answer::Cancelled(store.cancel_schedule(account, *id).await.expect("works").is_ok())
            }
            other => unreachable!("{other:?} sends nothing"),
        }
    }

    async fn accept(
        &self,
        account: AccountId,
        send: &Send,
        origin: Origin,
        ticket: CallTicket,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> Answer {
        let mass = NewMass {
            content: content(&send.content),
            audience: audience(&send.to),
            client_msg_id: send.key.map(key),
            send_ignore_reprint: false,
            ticket,
            origin,
            per_minute,
        };
        let accepted = self.store().accept_mass(account, mass, now).await.expect("works");
        Answer::Sent(accepted.map(|accepted| accepted.id))
    }
}

fn engine(store: &Arc<dyn Store>, home: &Home, name: &str) -> Engine {
    let (bus, clock) = (Bus::default(), Arc::new(NoClock));
    let settings = CallbackSettings {
        public_url: "http://localhost".into(),
        addresses: AddressRules::default(),
        retries: Retries::Documented,
        timeout: Duration::from_secs(5),
        per_endpoint: 8,
    };
    let links = store::vault::Vault::new([7; 32]).link_key();
    let callbacks = CallbackSender::new(store.clone(), clock.clone(), bus.clone(), links, settings);
    let blobs = Blobs::in_folder(&home.path().join("blobs")).expect("a blob folder");
    Engine::new(
        store.clone(),
        blobs,
        bus,
        clock,
        callbacks.expect("a sender"),
        WorkerId(name.into()),
    )
}

fn quota(rules: &Rules) -> Quota {
    Quota {
        sends_per_day: rules.sends_per_day,
        calls_per_day: rules.calls_per_day,
        receipts_per_month: rules.receipts_per_month,
        history_per_day: rules.history_per_day,
        history_per_month: rules.history_per_month,
        calls_per_minute: rules.calls_per_minute,
        name_previews_per_day: None,
        news_uploads_per_day: None,
        deletes_per_day: None,
    }
}

fn follower(name: u8, tag: Option<i64>) -> NewFollower {
    NewFollower {
        external_id: format!("person-{name}"),
        tags: tag.map(tag_name).into_iter().collect(),
        ..NewFollower::default()
    }
}

fn ordinals(who: &BTreeSet<u32>) -> Vec<Ordinal> {
    who.iter().copied().map(Ordinal).collect()
}

fn key(key: u8) -> String {
    format!("key {key}")
}

fn content(content: &Content) -> NewContent {
    match content {
        Content::Text(text) => NewContent::Text(format!("text {text}")),
        Content::News => NewContent::News(MediaId(NEWS.into())),
    }
}

fn audience(to: &To) -> Audience {
    match to {
        To::All => Audience::All,
        To::Tag(tag) => Audience::Tag(TagId(*tag)),
        To::List(who, strangers) => Audience::OpenIds(FollowerList {
            ordinals: ordinals(who),
            strangers: *strangers,
        }),
    }
}
