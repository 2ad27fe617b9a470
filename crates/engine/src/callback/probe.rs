//! Looks at a receiver without calling it: what its name resolves to, and how quickly it takes a connection.
//!
//! Within the address rules (SEC6): a name of which one address is not allowed tells nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use domain::account::Callback;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::Semaphore,
    time::{Instant, timeout},
};
use url::{Host, Url};

use super::{AddressRules, CallbackSender};

/// For one step; two of them fit into the 5 s that a call may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Names that are looked up at a time: each takes a thread until the system's resolver gives up.
pub(super) const LOOK_UPS: usize = 4;

impl CallbackSender {
    /// The addresses of the receiver, sorted; none when its name does not resolve or may not be called.
    pub async fn resolve(&self, callback: &Callback) -> Vec<IpAddr> {
        resolve(&self.0.settings.addresses, &self.0.look_ups, &callback.url).await
    }

    /// How long the receiver takes to accept a connection at `address`; `None` when it does not within 2 s.
    pub async fn connect_time(&self, callback: &Callback, address: IpAddr) -> Option<Duration> {
        connect_time(&self.0.settings.addresses, &callback.url, address).await
    }
}

async fn resolve(rules: &AddressRules, look_ups: &Arc<Semaphore>, url: &str) -> Vec<IpAddr> {
    let Ok(url) = Url::parse(url) else {
        return Vec::new();
    };
    let mut found: Vec<IpAddr> = match url.host() {
        None => Vec::new(),
        Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
        Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
        Some(Host::Domain(name)) => {
            let found = timeout(PATIENCE, look_up(look_ups.clone(), name.to_owned())).await;
            found.ok().and_then(Result::ok).unwrap_or_default()
        }
    };
    if found.iter().any(|address| !rules.allows(*address)) {
        return Vec::new();
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The addresses of a name. The look-up keeps its place to its end, also when nobody waits for it any more.
async fn look_up(look_ups: Arc<Semaphore>, name: String) -> io::Result<Vec<IpAddr>> {
    let place = look_ups.acquire_owned().await.map_err(io::Error::other)?;
    let found = tokio::spawn(async move {
        let _place = place;
        let found = lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    });
    found.await.map_err(io::Error::other)?
}

async fn connect_time(rules: &AddressRules, url: &str, address: IpAddr) -> Option<Duration> {
    let port = Url::parse(url).ok()?.port_or_known_default()?;
    if !rules.allows(address) {
        return None;
    }
    let began = Instant::now();
    let connection = timeout(PATIENCE, TcpStream::connect(SocketAddr::new(address, port))).await;
    let connected = connection.is_ok_and(|connection| connection.is_ok());
    connected.then(|| began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> AddressRules {
        AddressRules {
            allow: vec!["127.0.0.0/8".parse().expect("a network")],
        }
    }

    fn places(count: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(count))
    }

    #[tokio::test(start_paused = true)]
    async fn sec10_names_wait_for_a_place_and_addresses_need_none() {
        assert!(
            resolve(&local(), &places(0), "http://localhost/")
                .await
                .is_empty()
        );
        let here = [IpAddr::from([127, 0, 0, 1])];
        assert_eq!(resolve(&local(), &places(0), "http://127.0.0.1/").await, here);
    }

    #[tokio::test]
    async fn sec06_a_receiver_that_may_not_be_called_is_neither_told_nor_tried() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let listener = std::net::TcpListener::bind((here, 0)).expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let strict = AddressRules::default();
        assert!(resolve(&strict, &places(4), &url).await.is_empty());
        assert!(resolve(&strict, &places(4), "http://localhost/").await.is_empty());
        assert_eq!(connect_time(&strict, &url, here).await, None);
        assert_eq!(resolve(&local(), &places(4), &url).await, [here]);
        assert!(connect_time(&local(), &url, here).await.is_some());
    }

    #[tokio::test]
    async fn nobody_at_home_is_no_time() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let listener = std::net::TcpListener::bind((here, 0)).expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        drop(listener);
        assert_eq!(connect_time(&local(), &url, here).await, None);
        assert!(resolve(&local(), &places(4), "not a url").await.is_empty());
    }
}
