//! Interception: the sandbox answers in the place of WeChat's hosts, for SDKs whose URLs are literals.
//!
//! One port speaks as an HTTPS proxy (`CONNECT`, and plain requests with an absolute address) and as the hosts
//! themselves by direct TLS. Exactly [`HOSTS`] are answered, by the router of the sandbox; everything else is
//! refused. Nothing here can open a connection: there is no client in it.

mod authority;
mod door;
pub mod environment;
mod guard;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use futures::future::join_all;
use server::{app::ServerSettings, listen};
use tokio::net::TcpListener;

use crate::{
    sandbox::intercept::{
        authority::Authority,
        door::{Acceptors, Intercepting},
    },
    settings::secret::SecretError,
};

/// The hosts that are answered, and no others.
pub const HOSTS: [&str; 3] = ["api.weixin.qq.com", "file.api.weixin.qq.com", "mp.weixin.qq.com"];
/// From the first byte of a connection to the end of its TLS handshake, at most (SEC10).
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why interception cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum InterceptError {
    /// The folder of the CA, or what is in it.
    #[error(transparent)]
    Folder(#[from] SecretError),
    /// The file of the CA's certificate.
    #[error("no file for the CA's certificate: {0}")]
    File(#[from] io::Error),
    /// A certificate could not be made.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS does not take what was made.
    #[error("TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// Key and certificate of the folder are not of one CA.
    #[error("{} do not belong together: {reason}", folder.join("ca.pem and ca.key").display())]
    Mismatch {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Answers in the place of WeChat's hosts, on listeners of its own.
pub struct Interception {
    acceptors: Acceptors,
    authority: Arc<Authority>,
    listeners: Vec<TcpListener>,
    patience: Duration,
}

impl std::fmt::Debug for Interception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Interception({:?})", self.addresses())
    }
}

impl Interception {
    /// With the CA of this folder, which is made where there is none; without a folder, with a CA that lives
    /// as long as this value.
    pub fn new(folder: Option<&Path>, listeners: Vec<TcpListener>) -> Result<Self, InterceptError> {
        let authority = match folder {
            Some(folder) => Authority::in_folder(folder)?,
            None => Authority::in_memory()?,
        };
        let authority = Arc::new(authority);
        Ok(Self {
            acceptors: Acceptors::new(&authority)?,
            authority,
            listeners,
            patience: HANDSHAKE,
        })
    }

    /// With another time for handshakes than [`HANDSHAKE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The CA's certificate, in PEM.
    pub fn certificate_file(&self) -> &Path {
        self.authority.certificate_file()
    }

    /// Where it listens, as far as the system tells.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// Answers with `router` until `shutdown` resolves and running requests have ended.
    pub async fn serve(
        self,
        router: Router,
        settings: Arc<ServerSettings>,
        shutdown: impl Future<Output = ()> + Clone,
    ) {
        let door = Arc::new(Intercepting::new(self.acceptors, &router, self.patience));
        let served = self
            .listeners
            .into_iter()
            .map(|listener| listen::serve_behind(door.clone(), listener, settings.clone(), shutdown.clone()));
        join_all(served).await;
    }
}

/// The one of [`HOSTS`] with this name.
fn known(name: &str) -> Option<&'static str> {
    HOSTS.into_iter().find(|host| host.eq_ignore_ascii_case(name))
}
