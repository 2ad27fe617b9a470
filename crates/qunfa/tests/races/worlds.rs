//! A store of its own for a race below HTTP, seen by two workers as two nodes would see it.

use std::{path::Path, sync::Arc, time::Duration};

use domain::{
    account::AccountKind,
    audience::{Audience, FollowerList},
    content::NewContent,
    follower::NewFollower,
    id::{AccountId, AppId, MassId, Ordinal},
    mass::{NewMass, Origin},
    position::Membership,
    quota::{CallTicket, Quota},
    time::{Calendar, Timestamp},
};
use store::{
    Store, account::NewAccount, mass::WorkerId, outbox::EventKind, postgres::PostgresOptions, reader::Reader,
    rows::SqlStore, vault::Vault,
};
use testkit::postgres::database_of;

/// The time at which everything happens.
pub const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub const LEASE_MS: i64 = 10_000;

/// One account over one store.
pub struct Ground {
    /// The store as each of two workers has it; embedded, that is one and the same.
    pub stores: [Arc<dyn Store>; 2],
    pub account: AccountId,
    folder: tempfile::TempDir,
}

impl Drop for Ground {
    /// Every race ends with a check of all rows (I21).
    fn drop(&mut self) {
        if !std::thread::panicking() {
            check(self.folder.path());
        }
    }
}

/// Holds every promise against every row of the store in this folder, or in the database that is noted there.
pub fn check(folder: &Path) {
    let reader = match database_of(folder) {
        Some(url) => Reader::connect(&PostgresOptions::new(url)),
        None => Reader::open(folder),
    };
    let report = store::check::run(&reader.expect("opens"), &Calendar::shanghai(), &|_, _, _| {});
    assert_eq!(report.expect("checks").findings, [], "i21");
}

impl Ground {
    /// With followers 0 to `followers` - 1 and nothing but the month's receipts lifted.
    pub async fn with_followers(followers: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let stores = open(folder.path());
        let store = &stores[0];
        let lifted = Quota {
            receipts_per_month: None,
            history_per_month: None,
            calls_per_day: None,
            calls_per_minute: None,
            ..Quota::of(AccountKind::Service)
        };
        let account = NewAccount {
            app_id: AppId("wx0000000000000001".into()),
            original_id: "gh_1".into(),
            secret_hash: [0; 32],
            name: "races".into(),
            kind: AccountKind::Service,
            verified: true,
            pay_enabled: false,
            quota: lifted,
            open_id_secret: [3; 16],
        };
        let account = store
            .create_account(account, NOW)
            .await
            .expect("works")
            .expect("is new")
            .id;
        let rows = (0..followers).map(|number| NewFollower {
            external_id: format!("u{number:06}"),
            ..NewFollower::default()
        });
        store
            .import_followers(account, rows.collect(), NOW)
            .await
            .expect("works");
        Self {
            stores,
            account,
            folder,
        }
    }

    /// Accepts a text to `audience` through the API, without limit of speed.
    pub async fn send(&self, text: String, audience: Audience) -> MassId {
        let mass = NewMass {
            content: NewContent::Text(text),
            audience,
            client_msg_id: None,
            send_ignore_reprint: false,
            ticket: CallTicket { within_day: true },
            origin: Origin::Api,
            per_minute: None,
        };
        let accepted = self.stores[0].accept_mass(self.account, mass, NOW).await;
        accepted.expect("works").expect("is accepted").id
    }

    /// Ends of this mass in the outbox.
    pub async fn ends_of(&self, mass: MassId) -> usize {
        let events = self.stores[0]
            .events(self.account, None, 100_000)
            .await
            .expect("works");
        events
            .iter()
            .filter(|event| event.kind == EventKind::MassFinished(mass))
            .count()
    }

    /// Whether the inbox of a follower shows the mass.
    pub async fn shows(&self, follower: Ordinal, mass: MassId) -> bool {
        let reader = Membership {
            account: self.account,
            ordinal: follower,
        };
        let page = self.stores[0].inbox_page(&[reader], None, None, 100_000).await;
        page.expect("works")
            .entries
            .iter()
            .any(|entry| entry.mass == mass)
    }
}

pub fn worker(number: usize) -> WorkerId {
    WorkerId(format!("worker-{number}"))
}

pub fn listed(ordinals: impl IntoIterator<Item = u32>) -> Audience {
    Audience::OpenIds(FollowerList {
        ordinals: ordinals.into_iter().map(Ordinal).collect(),
        strangers: 0,
    })
}

/// The store as two nodes have it: on a server each by connections of its own, in a folder one and the same.
fn open(folder: &Path) -> [Arc<dyn Store>; 2] {
    let parts = || (Vault::new([7; 32]), Calendar::shanghai());
    match database_of(folder) {
        Some(url) => [(); 2].map(|()| {
            let (vault, calendar) = parts();
            let store = SqlStore::connect(&PostgresOptions::new(url.clone()), vault, calendar);
            Arc::new(store.expect("the store opens")) as Arc<dyn Store>
        }),
        None => {
            let (vault, calendar) = parts();
            let store: Arc<dyn Store> =
                Arc::new(SqlStore::open(folder, vault, calendar).expect("the store opens"));
            [store.clone(), store]
        }
    }
}

/// How much later than the others one of them starts; moved towards whichever order did not happen, so that all
/// orders do, on any machine.
#[derive(Default)]
pub struct HeadStart {
    micros: i64,
    /// The last move: as long as it goes the same way it doubles, then it begins small again.
    last: i64,
}

impl HeadStart {
    const STEP_US: i64 = 20;

    /// The one came too early.
    pub fn later(&mut self) {
        self.last = (self.last * 2).max(Self::STEP_US);
        self.micros += self.last;
    }

    /// The one came too late.
    pub fn earlier(&mut self) {
        self.last = (self.last * 2).min(-Self::STEP_US);
        self.micros += self.last;
    }

    /// What the one waits, and what the others wait.
    pub fn waits(&self) -> (Duration, Duration) {
        let micros = Duration::from_micros(self.micros.unsigned_abs());
        if self.micros >= 0 {
            (micros, Duration::ZERO)
        } else {
            (Duration::ZERO, micros)
        }
    }
}

/// Waits without giving the thread away: timers are too coarse for what is raced here.
pub fn spin(wait: Duration) {
    let started = std::time::Instant::now();
    while started.elapsed() < wait {
        std::hint::spin_loop();
    }
}
