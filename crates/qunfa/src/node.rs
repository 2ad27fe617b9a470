//! One process put together: store, engine and HTTP server over one folder and one clock.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{account::Callback, time::Calendar};
use engine::{
    Engine,
    callback::{CallbackSender, CallbackSettings},
    review::{Reviewer, Reviews},
};
use futures::FutureExt;
use server::{
    app::{App, CallbackCheck, Parts, SandboxControl, ServerSettings, WorldControl},
    sandbox::inspector::Inspector,
};
use store::{
    Store, StoreError, blob::Blobs, bus::Bus, clock::Clock, mass::WorkerId, postgres::PostgresOptions,
    random::Random, rows::SqlStore, vault::Vault,
};
use tokio::net::TcpListener;

use crate::sandbox::{Control, intercept::Interception};

/// What a node is made of.
pub struct NodeConfig {
    /// Where the database, unless it is on a server, and the blobs lie; must exist.
    pub folder: PathBuf,
    /// The server that the rows are on; without one they are in the folder.
    pub postgres: Option<PostgresOptions>,
    /// Opens the secrets in the database (SEC3).
    pub master_key: [u8; 32],
    /// Days and months.
    pub calendar: Calendar,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Chance for ids.
    pub ids: Random,
    /// Of the HTTP side.
    pub server: ServerSettings,
    /// Of the events.
    pub callbacks: CallbackSettings,
    /// Who reads masses before they go out.
    pub reviewers: Vec<Arc<dyn Reviewer>>,
    /// Watches and disturbs calls, in a sandbox.
    pub inspector: Option<Arc<Inspector>>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else of the machine.
    #[error("{0}")]
    Machine(String),
}

/// A node, its parts within reach.
pub struct Node {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The same by their own name, for what a made-up world needs.
    pub rows: Arc<SqlStore>,
    /// Moves the clock and takes the world back, in a sandbox.
    pub control: Option<Arc<Control>>,
    /// The background work.
    pub engine: Arc<Engine>,
    /// The bytes.
    pub blobs: Blobs,
    bus: Bus,
    clock: Arc<dyn Clock>,
    calendar: Calendar,
    ids: Arc<Random>,
    vault: Vault,
    settings: Arc<ServerSettings>,
    inspector: Option<Arc<Inspector>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({:?})", self.engine)
    }
}

struct Handshake(CallbackSender);

#[async_trait]
impl CallbackCheck for Handshake {
    async fn verify(&self, callback: &Callback) -> Result<(), String> {
        self.0.verify(callback).await
    }

    async fn resolve(&self, callback: &Callback) -> Vec<IpAddr> {
        self.0.resolve(callback).await
    }

    async fn connect_time(&self, callback: &Callback, address: IpAddr) -> Option<Duration> {
        self.0.connect_time(callback, address).await
    }
}

impl Node {
    /// Opens the store and puts the parts together; nothing runs yet.
    pub fn open(config: NodeConfig) -> Result<Self, StartError> {
        let vault = Vault::new(config.master_key);
        let calendar = config.calendar.clone();
        let rows = Arc::new(match &config.postgres {
            Some(server) => SqlStore::connect(server, vault.clone(), calendar)?,
            None => SqlStore::open(&config.folder, vault.clone(), calendar)?,
        });
        let store: Arc<dyn Store> = rows.clone();
        let blobs = Blobs::in_folder(&config.folder.join("blobs"))?;
        let (bus, clock) = (Bus::default(), config.clock);
        let callbacks = CallbackSender::new(
            store.clone(),
            clock.clone(),
            bus.clone(),
            vault.link_key(),
            config.callbacks,
        )
        .map_err(StartError::Machine)?;
        let worker = WorkerId(format!("{}-{}", std::process::id(), Random::system().text::<6>()));
        let engine = Engine::new(
            store.clone(),
            blobs.clone(),
            bus.clone(),
            clock.clone(),
            callbacks,
            worker,
        )
        .with_speeds(config.server.speeds.clone())
        .with_reviews(Reviews::new(config.reviewers));
        Ok(Self {
            store,
            rows,
            control: None,
            engine: Arc::new(engine),
            blobs,
            bus,
            clock,
            calendar: config.calendar,
            ids: Arc::new(config.ids),
            vault,
            settings: Arc::new(config.server),
            inspector: config.inspector,
        })
    }

    /// Chance for ids.
    pub fn ids(&self) -> &Arc<Random> {
        &self.ids
    }

    /// Wakes the engine.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The HTTP side over this node; with the sandbox's routes when there is a sandbox.
    pub fn app(&self, sandbox: Option<Arc<dyn SandboxControl>>) -> App {
        App::new(Parts {
            store: self.store.clone(),
            blobs: self.blobs.clone(),
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            calendar: self.calendar.clone(),
            ids: self.ids.clone(),
            secrets: Arc::new(Random::system()),
            links: self.vault.link_key(),
            settings: self.settings.clone(),
            callback_check: Arc::new(Handshake(self.engine.callbacks().clone())),
            sandbox,
            world: self
                .control
                .clone()
                .map(|control| control as Arc<dyn WorldControl>),
            inspector: self.inspector.clone(),
        })
    }

    /// Answers requests and does the background work until `shutdown` resolves; then lets what is under way
    /// end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        sandbox: Option<Arc<dyn SandboxControl>>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        self.serve_intercepting(listener, sandbox, None, shutdown).await;
    }

    /// The same, also in the place of WeChat's hosts.
    pub async fn serve_intercepting(
        &self,
        listener: TcpListener,
        sandbox: Option<Arc<dyn SandboxControl>>,
        interception: Option<Interception>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let router = server::routes::router(self.app(sandbox));
        let (engine, settings) = (self.engine.clone(), self.settings.clone());
        let inspector = self.inspector.clone();
        let shutdown = async move {
            shutdown.await;
            if let Some(inspector) = inspector {
                inspector.close();
            }
        };
        let work = tokio::spawn(async move { engine.run().await });
        let drive = self.control.as_ref().map(|control| tokio::spawn(control.drive()));
        let shutdown = shutdown.shared();
        let intercepted = async {
            if let Some(interception) = interception {
                interception
                    .serve(router.clone(), settings.clone(), shutdown.clone())
                    .await;
            }
        };
        let served = server::listen::serve(listener, router.clone(), settings.clone(), shutdown.clone());
        tokio::join!(served, intercepted);
        // A turn is a few transactions; one cut short is taken up at the next start.
        for task in drive.into_iter().chain([work]) {
            task.abort();
            let _ = task.await;
        }
    }
}
