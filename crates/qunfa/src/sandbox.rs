//! The sandbox: the same node with a clock that can be moved, accounts with known secrets, and followers made
//! from a seed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    account::AccountKind,
    callback::Retries,
    follower::NewFollower,
    id::{AccountId, AppId},
    quota::Quota,
    review::Verdict,
    time::{Calendar, Timestamp},
};
use engine::{
    Engine, Turn,
    callback::{AddressRules, CallbackSettings},
};
use server::{
    app::{SandboxControl, ServerSettings},
    sandbox::inspector::Inspector,
};
use sha2::{Digest, Sha256};
use store::{Store, StoreResult, account::NewAccount, clock::Clock, random::Random, vault};
use tokio::sync::Mutex;

mod edge;
pub mod intercept;
pub mod ready;
pub mod scenario;
mod verdicts;

use verdicts::Verdicts;

use crate::{
    clock::{VirtualClock, WallClock},
    node::{Node, NodeConfig, StartError},
};

/// The admin token of every sandbox.
pub const ADMIN_TOKEN: &str = "sandbox";
/// Tags of every sandbox account, from id 100 upward, and how many followers share one.
const TAGS: [(&str, usize); 3] = [("even", 2), ("tenth", 10), ("hundredth", 100)];
/// Followers made at a time.
const CHUNK: usize = 65_536;
/// Real time that one advance waits for callback receivers, in all and at each instant.
const PATIENCE: Duration = Duration::from_millis(1_000);
const PATIENCE_AT_ONCE: Duration = Duration::from_millis(250);
const CLOCK_SETTING: &str = "sandbox clock offset";
const SEED_SETTING: &str = "sandbox seed";
const STARTS_SETTING: &str = "sandbox starts";

/// What a sandbox is made of.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where its data lies; must exist.
    pub folder: PathBuf,
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
}

/// A sandbox ready to serve.
#[derive(Debug)]
pub struct Sandbox {
    /// The node.
    pub node: Node,
    /// The clock, also by [`SandboxControl`].
    pub clock: Arc<VirtualClock>,
    /// Moves the clock.
    pub control: Arc<Control>,
}

/// Moves the sandbox's clock and lets everything happen that falls due.
#[derive(Clone)]
pub struct Control(Arc<Moving>);

struct Moving {
    clock: Arc<VirtualClock>,
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    verdicts: Verdicts,
    one_at_a_time: Mutex<()>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Control({:?})", self.0.clock)
    }
}

impl Sandbox {
    /// Opens the folder and, where it is empty, makes the world. `progress` is told how many of how many
    /// followers are made.
    pub async fn open(
        config: &SandboxConfig,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Self, StartError> {
        let start = config.start.unwrap_or_else(|| WallClock::default().now());
        let clock = Arc::new(VirtualClock::standing_at(start));
        let verdicts = Verdicts::default();
        let inspector = Arc::new(Inspector::new(Arc::new(WallClock::default())));
        let node = Node::open(NodeConfig {
            folder: config.folder.clone(),
            master_key: from_seed(config.seed, "master key"),
            calendar: Calendar::shanghai(),
            clock: clock.clone(),
            ids: Random::seeded(config.seed),
            server: server_settings(config),
            callbacks: callback_settings(config),
            reviewers: vec![Arc::new(verdicts.clone())],
            inspector: Some(inspector.clone()),
        })?;
        let watch = edge::Watch::new(inspector, clock.clone());
        node.engine.callbacks().watch(Arc::new(watch));
        let store = node.store.clone();
        let starts = count_start(store.as_ref()).await?;
        if starts > 0 {
            // Ids of an earlier start are not made again.
            node.ids()
                .reseed(config.seed ^ starts.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        check_seed(store.as_ref(), config.seed, &config.folder).await?;
        if let Some(offset) = store
            .setting(CLOCK_SETTING)
            .await?
            .and_then(|text| text.parse::<i64>().ok())
        {
            clock.set(WallClock::default().now().plus_ms(offset));
        }
        make_world(store.as_ref(), config, clock.now(), progress).await?;
        if config.clock_runs {
            clock.run();
        }
        let control = Arc::new(Control(Arc::new(Moving {
            clock: clock.clone(),
            engine: node.engine.clone(),
            store,
            verdicts,
            one_at_a_time: Mutex::new(()),
        })));
        Ok(Self { node, clock, control })
    }
}

fn server_settings(config: &SandboxConfig) -> ServerSettings {
    let mut settings = ServerSettings::new(config.public_url.clone(), vault::digest(ADMIN_TOKEN));
    // Unlimited until speed/set asks for the real table.
    settings.speeds.default_per_minute = None;
    settings
}

fn callback_settings(config: &SandboxConfig) -> CallbackSettings {
    let loopback = ["127.0.0.0/8", "::1/128"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect();
    CallbackSettings {
        public_url: config.public_url.clone(),
        addresses: AddressRules { allow: loopback },
        retries: Retries::Documented,
        timeout: Duration::from_secs(5),
        per_endpoint: 8,
    }
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
    store: &dyn Store,
    config: &SandboxConfig,
    now: Timestamp,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> StoreResult<()> {
    let all = (config.followers * accounts().len()) as u64;
    let mut made = 0;
    for (number, name, kind, verified) in accounts() {
        let app_id = AppId(format!("wx00000000000000{number}"));
        if store.account(&app_id).await?.is_some() {
            continue;
        }
        let account = make_account(store, config.seed, (number, name, kind, verified), now).await?;
        for first in (0..config.followers).step_by(CHUNK) {
            let last = config.followers.min(first + CHUNK);
            store
                .import_followers(account, (first..last).map(follower).collect(), now)
                .await?;
            made += (last - first) as u64;
            progress(made, all);
        }
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
    let made = store.create_account(account, now).await?;
    let account = match made {
        Ok(account) => account.id,
        Err(refusal) => return Err(store::StoreError::Database(refusal.to_string())),
    };
    for (tag, _) in TAGS {
        if let Err(refusal) = store.create_tag(account, tag).await? {
            return Err(store::StoreError::Database(refusal.to_string()));
        }
    }
    Ok(account)
}

/// The follower with this number, the same in every sandbox.
fn follower(number: usize) -> NewFollower {
    let tags = TAGS
        .iter()
        .filter(|(_, share)| number.is_multiple_of(*share))
        .map(|(tag, _)| (*tag).to_owned());
    let language = if number.is_multiple_of(17) { "en" } else { "zh_CN" };
    NewFollower {
        external_id: format!("user-{number:09}"),
        nickname: Some(nickname(number)),
        remark: None,
        language: Some(language.to_owned()),
        tags: tags.collect(),
        subscribed_at: None,
    }
}

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "林", "郭",
    "何", "高", "罗", "郑", "梁", "谢", "欧阳",
];
const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "秀英", "霞", "平", "刚", "桂英", "文静", "子涵", "雨桐", "浩然", "欣怡", "思远", "嘉怡", "俊熙", "梓萱",
    "一诺", "宇轩", "诗涵", "博文", "晓彤", "建国", "海燕", "春梅", "志远",
];

fn nickname(number: usize) -> String {
    // Two steps that share no factor with the lists' lengths walk through all pairs.
    let surname = SURNAMES[(number * 7 + number / 24) % SURNAMES.len()];
    let given = GIVEN[(number * 11 + number / 40) % GIVEN.len()];
    format!("{surname}{given}")
}

impl Moving {
    /// Does everything that is due at the clock's time; says what comes next.
    async fn run_due(&self, patience: &mut Duration) -> StoreResult<Option<Timestamp>> {
        loop {
            while self.engine.step(self.clock.now()).await? == Turn::Worked {}
            let (started, wait) = (Instant::now(), PATIENCE_AT_ONCE.min(*patience));
            self.engine.reviews().settle(wait).await;
            self.engine.callbacks().settle(wait).await;
            *patience = patience.saturating_sub(started.elapsed());
            if let Turn::Idle { next_due } = self.engine.step(self.clock.now()).await? {
                return Ok(next_due);
            }
        }
    }

    async fn advance_standing(&self, target: Timestamp) -> StoreResult<()> {
        let mut patience = PATIENCE;
        while let Some(due) = self.run_due(&mut patience).await?.filter(|due| *due <= target) {
            // What could not be done now is looked at again a moment later, never in a circle.
            self.clock.set(due.max(self.clock.now().plus_ms(1)).min(target));
            if self.clock.now() == target {
                break;
            }
        }
        self.clock.set(target);
        self.run_due(&mut patience).await.map(drop)
    }

    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp> {
        let _one = self.one_at_a_time.lock().await;
        let was_running = self.clock.stop();
        let target = target.max(self.clock.now());
        // Kept first: a process that is killed on the way starts again no earlier than anything it wrote.
        let offset = target.ms_since(WallClock::default().now());
        let kept = self.store.set_setting(CLOCK_SETTING, &offset.to_string()).await;
        let advanced = match kept {
            Ok(()) => self.advance_standing(target).await,
            Err(error) => Err(error),
        };
        if was_running {
            self.clock.run();
        }
        advanced.map(|()| self.clock.now())
    }
}

#[async_trait]
impl SandboxControl for Control {
    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp> {
        let moving = self.0.clone();
        // A task of its own: a caller who hangs up must not leave the clock standing half way.
        let advance = tokio::spawn(async move { moving.advance_to(target).await });
        advance
            .await
            .map_err(|error| store::StoreError::Database(error.to_string()))?
    }

    fn set_next_verdict(&self, account: AccountId, verdict: Option<Verdict>) {
        self.0.verdicts.set(account, verdict);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nicknames_are_many() {
        let names: HashSet<String> = (0..5_000).map(nickname).collect();
        assert!(names.len() > 500, "{}", names.len());
    }

    #[test]
    fn tags_are_on_every_second_tenth_and_hundredth() {
        assert_eq!(follower(0).tags, ["even", "tenth", "hundredth"]);
        assert_eq!(follower(1).tags, [""; 0]);
        assert_eq!(follower(10).tags, ["even", "tenth"]);
        assert_eq!(follower(12).tags, ["even"]);
    }
}
