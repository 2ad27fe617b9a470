//! A server as `qunfa serve` runs it, without what only a sandbox has, and beside it a bare one on the same listener code.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get};
use domain::{callback::Retries, speed::SpeedTable, time::Calendar};
use engine::callback::{AddressRules, CallbackSettings};
use serde_json::{Value, json};
use server::app::ServerSettings;
use store::{random::Random, vault};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{BenchResult, neighbours::Neighbours, place::Ground, system::processor_seconds};
use crate::{
    clock::WallClock,
    node::{Node, NodeConfig, PushConfig},
    sandbox::ADMIN_TOKEN,
};

/// Connections of the second process are all of one source.
const CONNECTIONS: usize = 4_096;

/// The path of the bare answer.
pub(super) const BARE: &str = "/bare";

/// What its secrets are wrapped with.
const MASTER_KEY: [u8; 32] = [7; 32];

/// Both servers, in this process; and the first one's neighbours, where a cluster is measured.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) bare: SocketAddr,
    neighbours: Neighbours,
    stops: Vec<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Served {
    pub(super) async fn start(ground: &Ground) -> BenchResult<Self> {
        let listener = local().await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let settings = ServerSettings {
            connections_per_source: CONNECTIONS,
            // What is read must have arrived first.
            speeds: SpeedTable::unpaced(),
            ..ServerSettings::new(url.clone(), vault::digest(ADMIN_TOKEN))
        };
        let node = Node::open(NodeConfig {
            folder: ground.folder().to_owned(),
            name: None,
            postgres: ground.postgres(),
            months_kept: None,
            bucket: None,
            master_key: MASTER_KEY,
            calendar: Calendar::shanghai(),
            clock: Arc::new(WallClock::default()),
            ids: Random::system(),
            server: settings.clone(),
            callbacks: CallbackSettings {
                public_url: url,
                addresses: AddressRules { allow: Vec::new() },
                retries: Retries::Documented,
                timeout: std::time::Duration::from_secs(5),
                per_endpoint: 8,
            },
            push: PushConfig::default(),
            reviewers: Vec::new(),
            inspector: None,
        })?;
        let mut served = Self {
            address,
            bare: address,
            neighbours: ground.neighbours(&MASTER_KEY, node.bus()).await?,
            stops: Vec::new(),
            tasks: Vec::new(),
        };
        let stopped = served.stop_signal();
        served.tasks.push(tokio::spawn(
            async move { node.serve(listener, None, stopped).await },
        ));
        let listener = local().await?;
        served.bare = listener.local_addr()?;
        let stopped = served.stop_signal();
        let router = Router::new().route(BARE, get(async || Json(small())));
        served.tasks.push(tokio::spawn(server::listen::serve(
            listener,
            router,
            Arc::new(settings),
            stopped,
        )));
        Ok(served)
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where all nodes answer.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let own = std::iter::once(self.address);
        own.chain(self.neighbours.addresses.iter().copied()).collect()
    }

    /// The processor time of all nodes so far, in seconds.
    pub(super) fn processor_seconds(&self) -> f64 {
        let others = self.neighbours.processes();
        let all = std::iter::once(std::process::id()).chain(others);
        all.map(processor_seconds).sum()
    }

    fn stop_signal(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (stop, stopped) = oneshot::channel();
        self.stops.push(stop);
        async move {
            let _ = stopped.await;
        }
    }

    pub(super) async fn stop(self) -> BenchResult<()> {
        self.neighbours.stop().await?;
        drop(self.stops);
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}

async fn local() -> BenchResult<TcpListener> {
    Ok(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?)
}

/// What the bare server answers, made into JSON for each call.
fn small() -> Value {
    json!({"errcode": 0, "errmsg": "ok"})
}
