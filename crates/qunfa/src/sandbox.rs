//! The sandbox: the same node with a clock that can be moved, accounts with known secrets, and followers made
//! from a seed.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    account::AccountKind,
    callback::Retries,
    id::{AccountId, AppId},
    quota::Quota,
    time::{Calendar, Timestamp},
};
use engine::callback::{AddressRules, CallbackSettings};
use server::{app::ServerSettings, sandbox::inspector::Inspector};
use sha2::{Digest, Sha256};
use store::{
    Store, StoreResult, account::NewAccount, clock::Clock, postgres::PostgresOptions, random::Random,
    rows::SqlStore, vault,
};
use tokio::sync::Mutex;

mod dice;
mod edge;
pub mod intercept;
mod moving;
mod readers;
pub mod ready;
pub mod scenario;
mod snapshots;
mod verdicts;
mod world;

pub use moving::Control;
use moving::Moving;
use readers::Readers;
pub use snapshots::Kept;
use snapshots::Shelf;
use verdicts::Verdicts;
use world::People;
pub use world::{Reading, World, WorldFile};

use crate::{
    clock::{VirtualClock, WallClock},
    node::{Node, NodeConfig, PushConfig, StartError},
};

/// The admin token of every sandbox.
pub const ADMIN_TOKEN: &str = "sandbox";
const CLOCK_SETTING: &str = "sandbox clock offset";
const SEED_SETTING: &str = "sandbox seed";
const STARTS_SETTING: &str = "sandbox starts";

/// What a sandbox is made of.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where its data lies; must exist.
    pub folder: PathBuf,
    /// The server that the rows are on; without one they are in the folder.
    pub postgres: Option<PostgresOptions>,
    /// How it is reached, without a last slash.
    pub public_url: String,
    /// Followers of each account.
    pub followers: usize,
    /// Same seed, same world, same ids.
    pub seed: u64,
    /// Whether the clock runs; if not it stands until it is moved.
    pub clock_runs: bool,
    /// Where the clock starts in an empty folder; `None` is now.
    pub start: Option<Timestamp>,
    /// What its followers are like.
    pub world: World,
    /// Whether the state right after the start is kept, so that there is a way back to it.
    pub keep_start: bool,
}

/// A sandbox ready to serve.
#[derive(Debug)]
pub struct Sandbox {
    /// The node.
    pub node: Node,
    /// The clock, also by [`Control`].
    pub clock: Arc<VirtualClock>,
    /// Moves the clock.
    pub control: Arc<Control>,
}

impl Sandbox {
    /// Opens the folder and, where it is empty, makes the world. `progress` is told how many of how many
    /// followers are made.
    pub async fn open(
        config: &SandboxConfig,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Self, StartError> {
        Self::open_beside(Arc::new(WallClock::default()), config, progress).await
    }

    /// The same, taking `wall` for the machine's clock.
    pub async fn open_beside(
        wall: Arc<dyn Clock>,
        config: &SandboxConfig,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Self, StartError> {
        config.world.check().map_err(StartError::Machine)?;
        let start = config.start.unwrap_or_else(|| wall.now());
        let clock = Arc::new(VirtualClock::beside(wall, start));
        let verdicts = Verdicts::default();
        let inspector = Arc::new(Inspector::new(Arc::new(WallClock::default())));
        let mut node = Node::open(NodeConfig {
            folder: config.folder.clone(),
            name: None,
            postgres: config.postgres.clone(),
            bucket: None,
            master_key: master_key(config.seed),
            calendar: Calendar::shanghai(),
            months_kept: None,
            clock: clock.clone(),
            ids: Random::seeded(config.seed),
            server: server_settings(config),
            callbacks: callback_settings(config),
            push: PushConfig {
                contact: None,
                addresses: loopback(),
            },
            reviewers: vec![Arc::new(verdicts.clone())],
            inspector: Some(inspector.clone()),
        })?;
        let watch = edge::Watch::new(inspector.clone(), clock.clone());
        node.engine.callbacks().watch(Arc::new(watch));
        let store = node.store.clone();
        let starts = count_start(store.as_ref()).await?;
        // Ids of an earlier start are not made again.
        let ids = config.seed ^ starts.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        node.ids().reseed(ids);
        check_seed(store.as_ref(), config.seed, &config.folder).await?;
        if let Some(offset) = store
            .setting(CLOCK_SETTING)
            .await?
            .and_then(|text| text.parse::<i64>().ok())
        {
            clock.set(clock.wall().now().plus_ms(offset));
        }
        make_world((store.as_ref(), &node.rows), config, clock.now(), progress).await?;
        if config.clock_runs {
            clock.run();
        }
        let moving = Moving {
            clock: clock.clone(),
            engine: node.engine.clone(),
            rows: node.rows.clone(),
            bus: node.bus().clone(),
            ids: node.ids().clone(),
            readers: Readers::new(
                store.clone(),
                node.rows.clone(),
                config.world.reading,
                config.seed,
            ),
            kept: vec![Arc::new(verdicts.clone())],
            verdicts,
            inspector,
            shelf: Shelf::in_folder(&config.folder),
            gate: Arc::default(),
            one_at_a_time: Mutex::new(Timestamp(i64::MIN)),
            store,
        };
        // A copy of a server's database is its own tools' affair, so there is no way back there.
        if config.keep_start && config.postgres.is_none() {
            moving.keep_start(ids).await?;
        }
        let control = Arc::new(Control(Arc::new(moving)));
        node.control = Some(control.clone());
        Ok(Self { node, clock, control })
    }
}

fn server_settings(config: &SandboxConfig) -> ServerSettings {
    let mut settings = ServerSettings::new(config.public_url.clone(), vault::digest(ADMIN_TOKEN));
    // Unlimited until speed/set asks for the real table.
    settings.speeds.default_per_minute = None;
    // Whoever tries an inbox in a page of their own should not meet CORS first.
    settings.reader_origins = vec!["*".into()];
    settings
}

fn callback_settings(config: &SandboxConfig) -> CallbackSettings {
    CallbackSettings {
        public_url: config.public_url.clone(),
        addresses: loopback(),
        retries: Retries::Documented,
        timeout: Duration::from_secs(5),
        per_endpoint: 8,
    }
}

/// Receivers of a sandbox may be on its own machine.
fn loopback() -> AddressRules {
    let networks = ["127.0.0.0/8", "::1/128"].iter();
    AddressRules {
        allow: networks.filter_map(|network| network.parse().ok()).collect(),
    }
}

/// The master key of a sandbox with this seed.
pub(crate) fn master_key(seed: u64) -> [u8; 32] {
    from_seed(seed, "master key")
}

/// 32 bytes that belong to a seed and a purpose.
fn from_seed(seed: u64, purpose: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(seed.to_be_bytes());
    digest.update(purpose.as_bytes());
    digest.finalize().into()
}

async fn check_seed(store: &dyn Store, seed: u64, folder: &Path) -> Result<(), StartError> {
    match store.setting(SEED_SETTING).await? {
        None => Ok(store.set_setting(SEED_SETTING, &seed.to_string()).await?),
        Some(known) if known == seed.to_string() => Ok(()),
        Some(known) => Err(StartError::Machine(format!(
            "{} holds a sandbox of seed {known}; start it with --seed {known} or choose another folder",
            folder.display()
        ))),
    }
}

/// How often this folder was started before.
async fn count_start(store: &dyn Store) -> StoreResult<u64> {
    let starts = store
        .setting(STARTS_SETTING)
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0_u64);
    store
        .set_setting(STARTS_SETTING, &(starts + 1).to_string())
        .await?;
    Ok(starts)
}

/// The three accounts of every sandbox.
fn accounts() -> [(&'static str, &'static str, AccountKind, bool); 3] {
    [
        ("01", "沙盒服务号", AccountKind::Service, true),
        ("02", "沙盒订阅号", AccountKind::Subscription, true),
        ("03", "沙盒未认证号", AccountKind::Service, false),
    ]
}

async fn make_world(
    (store, rows): (&dyn Store, &SqlStore),
    config: &SandboxConfig,
    now: Timestamp,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> StoreResult<()> {
    let all = (config.followers * accounts().len()) as u64;
    let (people, made) = (People::of(&config.world, config.seed), AtomicU64::new(0));
    for described in accounts() {
        let app_id = AppId(format!("wx00000000000000{}", described.0));
        if store.account(&app_id).await?.is_some() {
            continue;
        }
        let account = make_account(store, config.seed, described, now).await?;
        for tag in people.tag_names() {
            if let Err(refusal) = store.create_tag(account, tag).await? {
                return Err(store::StoreError::Database(refusal.to_string()));
            }
        }
        let count = |more| progress(made.fetch_add(more, Ordering::Relaxed) + more, all);
        people
            .move_in((store, rows), account, config.followers, now, &count)
            .await?;
    }
    Ok(())
}

async fn make_account(
    store: &dyn Store,
    seed: u64,
    (number, name, kind, verified): (&str, &str, AccountKind, bool),
    now: Timestamp,
) -> StoreResult<AccountId> {
    let app_id = AppId(format!("wx00000000000000{number}"));
    let secret = format!("000000000000000000000000000000{number}");
    let [
        open_id_secret @ ..,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
    ] = from_seed(seed, &format!("OpenID key {app_id}"));
    let account = NewAccount {
        original_id: format!("gh_00000000{number}"),
        secret_hash: vault::digest(&secret),
        name: name.to_owned(),
        kind,
        verified,
        pay_enabled: number == "01",
        quota: Quota::of(kind),
        open_id_secret,
        app_id: app_id.clone(),
    };
    match store.create_account(account, now).await? {
        Ok(account) => Ok(account.id),
        Err(refusal) => Err(store::StoreError::Database(refusal.to_string())),
    }
}
