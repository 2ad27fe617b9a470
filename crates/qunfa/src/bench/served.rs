//! A server as `qunfa serve` runs it, without what only a sandbox has, and beside it a bare one on the same listener code.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get};
use domain::{callback::Retries, time::Calendar};
use engine::callback::{AddressRules, CallbackSettings};
use serde_json::{Value, json};
use server::app::ServerSettings;
use store::{random::Random, vault};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{BenchResult, place::Ground};
use crate::{
    clock::WallClock,
    node::{Node, NodeConfig, PushConfig},
    sandbox::ADMIN_TOKEN,
};

/// Connections of the second process are all of one source.
const CONNECTIONS: usize = 4_096;

/// The path of the bare answer.
pub(super) const BARE: &str = "/bare";

/// Both servers, in this process.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) bare: SocketAddr,
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
            ..ServerSettings::new(url.clone(), vault::digest(ADMIN_TOKEN))
        };
        let node = Node::open(NodeConfig {
            folder: ground.folder().to_owned(),
            name: None,
            postgres: ground.postgres(),
            months_kept: None,
            bucket: None,
            master_key: [7; 32],
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

    fn stop_signal(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (stop, stopped) = oneshot::channel();
        self.stops.push(stop);
        async move {
            let _ = stopped.await;
        }
    }

    pub(super) async fn stop(self) -> BenchResult<()> {
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
