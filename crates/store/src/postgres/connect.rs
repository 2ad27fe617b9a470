//! Opening connections to the server.

use std::{str::FromStr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{Client, Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{CONNECT, PostgresOptions, failed};
use crate::{StoreError, StoreResult};

/// What every connection is told first. A commit is flushed before it is answered (I1); who waits for a lock, or holds one and
/// says nothing, does so for seconds only (I18); a peer that is gone is noticed.
const SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '4s'; SET statement_timeout = '60s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; \
    SET tcp_keepalives_count = 3; SET client_min_messages = warning; SET jit = off";

/// Opens connections with the same address and trust.
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> StoreResult<Self> {
        let mut config = Config::from_str(&options.url)
            // The message could repeat parts of the address, and that may hold a password (SEC4).
            .map_err(|_| StoreError::Database("the address of the database cannot be read".into()))?;
        if config.get_application_name().is_none() {
            config.application_name("qunfa");
        }
        config.connect_timeout(CONNECT);
        config.keepalives_idle(std::time::Duration::from_secs(3));
        config.tcp_user_timeout(std::time::Duration::from_secs(8));
        // Without trust of its own a server's offer is checked against the system's.
        let tls = MakeRustlsConnect::new(tls(options)?);
        Ok(Self { config, tls })
    }

    /// A connection that knows our settings; its other end runs on the current runtime.
    pub(super) async fn connect(&self) -> StoreResult<Client> {
        let connecting = async {
            let (client, connection) = if self.config.get_ssl_mode() == SslMode::Disable {
                let (client, connection) = self.config.connect(tokio_postgres::NoTls).await?;
                (client, futures::future::Either::Left(connection))
            } else {
                let (client, connection) = self.config.connect(self.tls.clone()).await?;
                (client, futures::future::Either::Right(connection))
            };
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(
                        error = super::describe(&error),
                        "a connection to the database ended"
                    );
                }
            });
            client.batch_execute(SETTINGS).await?;
            Ok(client)
        };
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(failed),
            Err(_) => Err(StoreError::Database("the database does not answer".into())),
        }
    }
}

fn tls(options: &PostgresOptions) -> StoreResult<ClientConfig> {
    let wrong =
        |error: &dyn std::fmt::Display| StoreError::Database(format!("the root certificates: {error}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &options.root_certificates {
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
