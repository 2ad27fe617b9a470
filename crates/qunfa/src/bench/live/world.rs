//! The measured server: a real node over its own store, whose masses are released by hand, so that the measurement begins
//! with the hint that a release is committed.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    callback::Retries,
    id::{AccountId, AppId, MassId, Ordinal},
    position::Membership,
    speed::SpeedTable,
    time::Calendar,
};
use engine::callback::{AddressRules, CallbackSettings};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use server::{app::ServerSettings, role::Role};
use store::{bus::Hint, clock::Clock, mass::WorkerId, random::Random, vault};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};
use wire::client::{Account, Client};

use crate::{
    bench::{BenchResult, people, place::Ground, system::Admin},
    clock::WallClock,
    node::{Node, NodeConfig, PushConfig},
    sandbox::ADMIN_TOKEN,
};

/// Tokens that are written at a time.
const AT_ONCE: usize = 128;
/// Connections that may wait to be taken in.
const BACKLOG: u32 = 4_096;
/// Seconds that the readers' tokens live.
const TOKEN_SECONDS: i64 = 24 * 3_600;

/// The server and an account on it.
pub(super) struct World {
    pub(super) address: SocketAddr,
    node: Arc<Node>,
    account: Account,
    id: AccountId,
    clock: Arc<dyn Clock>,
    sent: AtomicU64,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl World {
    pub(super) async fn start(ground: &Ground, followers: u64) -> BenchResult<Self> {
        let listener = listener()?;
        let address = listener.local_addr()?;
        let base = format!("http://{address}");
        let clock: Arc<dyn Clock> = Arc::new(WallClock::default());
        let node = Node::open(NodeConfig {
            folder: ground.folder().to_owned(),
            name: None,
            postgres: ground.postgres(),
            months_kept: None,
            bucket: None,
            master_key: [7; 32],
            calendar: Calendar::shanghai(),
            clock: clock.clone(),
            ids: Random::system(),
            server: ServerSettings {
                connections_per_source: usize::MAX,
                roles: vec![Role::Api, Role::Live],
                // A mass without a pace is released at once.
                speeds: SpeedTable::unpaced(),
                ..ServerSettings::new(base.clone(), vault::digest(ADMIN_TOKEN))
            },
            callbacks: CallbackSettings {
                public_url: base.clone(),
                addresses: AddressRules { allow: Vec::new() },
                retries: Retries::Documented,
                timeout: std::time::Duration::from_secs(5),
                per_endpoint: 8,
            },
            push: PushConfig::default(),
            reviewers: Vec::new(),
            inspector: None,
        })?;
        let node = Arc::new(node);
        let (stop, stopped) = oneshot::channel();
        let served = node.clone();
        let task = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            served.serve(listener, None, shutdown).await;
        });
        let (account, id) = account(&node, &base, followers).await?;
        Ok(Self {
            address,
            node,
            account,
            id,
            clock,
            sent: AtomicU64::new(0),
            stop: Some(stop),
            task,
        })
    }

    /// Tokens of `count` followers, spread over all `followers`.
    pub(super) async fn tokens(&self, count: u64, followers: u64) -> BenchResult<Vec<String>> {
        let random = Random::system();
        let expires_at = self.clock.now().plus_seconds(TOKEN_SECONDS);
        let issued = stream::iter(0..count).map(|number| {
            let token = random.text::<32>();
            async move {
                let ordinal = Ordinal(u32::try_from(number * followers / count)?);
                let follower = Membership {
                    account: self.id,
                    ordinal,
                };
                let hash = vault::digest(&token);
                self.node
                    .store
                    .issue_inbox_token(follower, hash, expires_at)
                    .await?;
                // Connections find it in memory, as after a first call.
                self.node.store.inbox_reader(hash, self.clock.now()).await?;
                BenchResult::Ok(token)
            }
        });
        issued.buffered(AT_ONCE).try_collect().await
    }

    /// Accepts so many masses with this text and releases them; nobody is told.
    pub(super) async fn release(&self, text: &str, masses: u32) -> BenchResult<()> {
        for _ in 0..masses {
            // The same content again would be the same mass (I10).
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            let body = json!({"filter": {"is_to_all": true}, "msgtype": "text",
                "text": {"content": format!("{text}{number}")}});
            let answer = self.account.raw("/cgi-bin/message/mass/sendall", &body).await?;
            let mass = answer["msg_id"].as_i64().map(MassId);
            let mass = mass.ok_or_else(|| format!("sendall answered {answer}"))?;
            let worker = WorkerId("bench".into());
            let released = self
                .node
                .store
                .release_at_once(self.id, mass, &worker, usize::from(u8::MAX), self.clock.now())
                .await?;
            if !released.is_some_and(|released| released.finished) {
                return Err(format!("a mass was not released at once: {released:?}").into());
            }
        }
        Ok(())
    }

    /// The newest event as SSE writes it.
    pub(super) async fn event(&self, tokens: &[String]) -> BenchResult<Vec<u8>> {
        let token = tokens.first().ok_or("nobody is online")?;
        let url = format!("http://{}/inbox/entries?limit=1", self.address);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let page: Value = http.get(url).bearer_auth(token).send().await?.json().await?;
        let position = page["position"].as_str().ok_or("no position")?;
        let entry = page["entries"].get(0).ok_or("an empty inbox")?;
        Ok(format!("event: entry\nid: {position}\ndata: {entry}\n\n").into_bytes())
    }

    /// Says what an engine says after its release.
    pub(super) fn hint(&self) {
        self.node.bus().publish(Hint::Released(self.id));
    }

    pub(super) async fn stop(mut self) -> BenchResult<()> {
        drop(self.stop.take());
        Ok(self.task.await?)
    }
}

/// An account without quotas.
async fn account(node: &Node, base: &str, followers: u64) -> BenchResult<(Account, AccountId)> {
    let admin = Admin::new(base)?;
    let body = json!({"name": "测量", "kind": "service", "verified": true});
    let made = admin.call(Method::POST, "/v1/accounts", Some(body)).await?;
    let text = |key: &str| made[key].as_str().map(str::to_owned).ok_or("no account");
    let (app_id, secret) = (text("appid")?, text("secret")?);
    let quota = json!({"quota": {"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
        "history_per_day": null, "history_per_month": null, "calls_per_minute": null}});
    admin
        .call(Method::PATCH, &format!("/v1/accounts/{app_id}"), Some(quota))
        .await?;
    admin.import(&app_id, people::csv(followers, 0.5)).await?;
    let client = Client::new(base);
    let token = client.token(&app_id, &secret).await?.access_token;
    let found = node.store.account(&AppId(app_id)).await?.ok_or("no account")?;
    Ok((client.account(&token), found.id))
}

fn listener() -> BenchResult<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(socket.listen(BACKLOG)?)
}
