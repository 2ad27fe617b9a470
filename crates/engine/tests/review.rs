//! A reviewer over HTTP: passes, refuses, stays silent, and delays nobody but its own mass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    account::AccountKind,
    audience::Audience,
    callback::Retries,
    content::NewContent,
    follower::NewFollower,
    id::{AccountId, AppId, MassId},
    mass::{MassState, NewMass, Origin},
    quota::{CallTicket, Quota},
    review::Verdict,
    time::{Calendar, Timestamp},
};
use engine::{
    Engine, Turn,
    callback::{AddressRules, CallbackSender, CallbackSettings},
    review::{Reviews, Webhook, WebhookSettings, WordLists},
};
use store::{
    Store, account::NewAccount, blob::Blobs, bus::Bus, clock::Clock, mass::WorkerId,
    postgres::PostgresOptions, rows::SqlStore, vault::Vault,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const START: Timestamp = Timestamp(1_790_000_000_000);

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

/// A reviewer that answers each question with the next of these bodies, then with nothing.
async fn reviewer(answers: Vec<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/review", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut question = vec![0; 64 * 1024];
            let mut length = 0;
            while !String::from_utf8_lossy(&question[..length]).ends_with('}') {
                match socket.read(&mut question[length..]).await {
                    Ok(0) | Err(_) => break,
                    Ok(more) => length += more,
                }
            }
            let number = count.fetch_add(1, Ordering::SeqCst);
            let question = String::from_utf8_lossy(&question[..length]).into_owned();
            assert!(
                question.contains("authorization: Bearer secret")
                    || question.contains("Authorization: Bearer secret")
            );
            if let Some(answer) = answers.get(number) {
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                    answer.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    });
    (url, asked)
}

struct World {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    engine: Engine,
    account: AccountId,
}

async fn world(reviews: Reviews) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let vault = Vault::new([7; 32]);
    let store: Arc<dyn Store> = Arc::new(rows_of(folder.path(), &vault));
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
    );
    let blobs = Blobs::in_folder(&folder.path().join("blobs")).expect("a blob folder");
    let engine = Engine::new(
        store.clone(),
        blobs,
        bus,
        clock,
        callbacks.expect("a sender"),
        WorkerId("test".into()),
    )
    .with_reviews(reviews);
    let account = NewAccount {
        app_id: AppId("wx0000000000000001".into()),
        original_id: "gh_1".into(),
        secret_hash: [0; 32],
        name: "n".into(),
        kind: AccountKind::Service,
        verified: true,
        pay_enabled: false,
        quota: Quota::of(AccountKind::Service),
        open_id_secret: [1; 16],
    };
    let account = store
        .create_account(account, START)
        .await
        .expect("works")
        .expect("free")
        .id;
    let follower = NewFollower {
        external_id: "a".into(),
        ..NewFollower::default()
    };
    store
        .import_followers(account, vec![follower], START)
        .await
        .expect("works");
    World {
        _folder: folder,
        store,
        engine,
        account,
    }
}

impl World {
    async fn send(&self, text: &str) -> MassId {
        let mass = NewMass {
            content: NewContent::Text(text.into()),
            audience: Audience::All,
            client_msg_id: None,
            send_ignore_reprint: false,
            ticket: CallTicket { within_day: true },
            origin: Origin::Api,
            per_minute: None,
        };
        self.store
            .accept_mass(self.account, mass, START)
            .await
            .expect("works")
            .expect("accepted")
            .id
    }

    /// Does everything that is due at `now`, reviews included.
    async fn settle(&self, now: Timestamp) -> Option<Timestamp> {
        loop {
            while self.engine.step(now).await.expect("works") == Turn::Worked {}
            self.engine.reviews().settle(Duration::from_secs(5)).await;
            if let Turn::Idle { next_due } = self.engine.step(now).await.expect("works") {
                return next_due;
            }
        }
    }

    async fn state(&self, id: MassId) -> MassState {
        let mass = self.store.mass(self.account, id).await.expect("works");
        mass.expect("there").state
    }
}

fn webhook(url: &str, without_answer: Verdict) -> Reviews {
    let settings = WebhookSettings {
        url: url.parse().expect("a URL"),
        token: "secret".into(),
        timeout: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        without_answer,
    };
    Reviews::new(vec![Arc::new(Webhook::new(settings).expect("a webhook"))])
}

#[tokio::test]
async fn s087_a_webhook_lets_one_mass_pass_and_refuses_another() {
    let (url, asked) = reviewer(vec![
        r#"{"verdict":"pass"}"#,
        r#"{"verdict":"refuse","category":"fraud"}"#,
    ])
    .await;
    let world = world(webhook(&url, Verdict::Fail)).await;
    let first = world.send("一").await;
    world.settle(START).await;
    assert_eq!(world.state(first).await, MassState::Succeeded);
    let second = world.send("二").await;
    world.settle(START).await;
    assert_eq!(world.state(second).await, MassState::Refused(20008));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "each is asked about once");
}

#[tokio::test]
async fn s135_a_silent_webhook_is_asked_again_until_patience_ends() {
    let (url, asked) = reviewer(Vec::new()).await;
    let world = world(webhook(&url, Verdict::Fail)).await;
    let id = world.send("一").await;
    let mut now = START;
    while world.state(id).await == MassState::Sending {
        assert!(now.ms_since(START) <= 65_000, "patience has an end");
        let next = world.settle(now).await;
        now = next.unwrap_or(now).max(now.plus_ms(1_000));
    }
    assert_eq!(world.state(id).await, MassState::Failed);
    assert!(
        now.ms_since(START) >= 60_000,
        "not before: {}",
        now.ms_since(START)
    );
    let asked = asked.load(Ordering::SeqCst);
    assert!((10..=14).contains(&asked), "every five seconds: {asked}");
}

#[tokio::test]
async fn s137_word_lists_are_asked_before_the_webhook() {
    let (url, asked) = reviewer(Vec::new()).await;
    let lists = WordLists::parse("advertising = [\"大减价\"]").expect("lists");
    let settings = WebhookSettings {
        url: url.parse().expect("a URL"),
        token: "secret".into(),
        timeout: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        without_answer: Verdict::Pass,
    };
    let hook = Webhook::new(settings).expect("a webhook");
    let world = world(Reviews::new(vec![Arc::new(hook), Arc::new(lists)])).await;
    let id = world.send("全场大减价").await;
    world.settle(START).await;
    assert_eq!(world.state(id).await, MassState::Refused(10001));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
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
