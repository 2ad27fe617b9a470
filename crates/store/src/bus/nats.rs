//! The bus between nodes: hints as plain messages of a NATS cluster, on one subject.
//!
//! Nothing depends on it. A node starts and works without NATS, says nothing while it is away, and is connected
//! again by itself; who misses a hint finds the work a few seconds later in the rows (I17).

use std::{collections::HashSet, time::Duration};

use async_nats::{Client, ConnectOptions, Event, Message, Subscriber, connection::State};
use futures::StreamExt;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{Bus, Hint};

/// The time between two tries to reach a server; the first come at once.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// A server that answers nothing for about twice this long is given up.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Longer messages are none of ours.
pub(super) const HINT_BYTES_MAX: usize = 64;

/// A bus as part of a cluster.
#[derive(Debug)]
pub struct Link {
    bus: Bus,
    client: Client,
    subject: String,
}

/// Why a link cannot be made; that nobody answers is no reason.
#[derive(Debug, thiserror::Error)]
#[error("the addresses of the NATS servers cannot be used: {0}")]
pub struct LinkError(String);

/// Whether one of the servers answers within `patience`; the error says why not, for people.
pub async fn try_servers(urls: &[String], patience: Duration) -> Result<(), String> {
    let connecting = ConnectOptions::new().connect(urls);
    let connected = tokio::time::timeout(patience, connecting).await;
    let client = connected
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())?;
    client.flush().await.map_err(|error| error.to_string())
}

impl Link {
    /// Begins to look for the servers at `urls`, for the cluster of this name; hints pass once [`Link::run`] is
    /// called. `node` is what the servers' logs call this connection.
    pub async fn start(bus: Bus, urls: &[String], cluster: &str, node: &str) -> Result<Self, LinkError> {
        let client = ConnectOptions::new()
            .name(node)
            .no_echo()
            .retry_on_initial_connect()
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|tries| match tries {
                0 | 1 => Duration::ZERO,
                _ => RECONNECT_DELAY,
            })
            .event_callback(async |event| log(&event))
            .connect(urls)
            .await
            .map_err(|error| LinkError(error.to_string()))?;
        Ok(Self {
            bus,
            client,
            subject: format!("qunfa.{cluster}.hint"),
        })
    }

    /// Whether a server answers at this moment.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Carries hints both ways until the future is dropped.
    pub async fn run(&self) {
        let mut said = self.bus.said();
        loop {
            match self.client.subscribe(self.subject.clone()).await {
                Ok(mut heard) => self.carry(&mut said, &mut heard).await,
                Err(error) => tracing::warn!(%error, "hints of other nodes cannot be heard"),
            }
            tokio::time::sleep(RECONNECT_DELAY).await;
        }
    }

    /// Returns when the subscription has ended.
    async fn carry(&self, said: &mut Receiver<Hint>, heard: &mut Subscriber) {
        loop {
            tokio::select! {
                hint = said.recv() => match hint {
                    Ok(hint) => {
                        for hint in waiting(hint, said) {
                            self.send(hint).await;
                        }
                    }
                    // The ones that were missed are found in the rows; most of them said this.
                    Err(RecvError::Lagged(_)) => self.send(Hint::Work).await,
                    Err(RecvError::Closed) => return,
                },
                message = heard.next() => match message {
                    Some(message) => self.hear(&message),
                    None => return,
                },
            }
        }
    }

    async fn send(&self, hint: Hint) {
        // What waits for a connection is old when it comes.
        if !self.is_connected() {
            return;
        }
        if let Err(error) = self
            .client
            .publish(self.subject.clone(), hint.word().into())
            .await
        {
            tracing::debug!(%error, "a hint was not sent");
        }
    }

    fn hear(&self, message: &Message) {
        match Hint::from_word(&message.payload) {
            Some(hint) => self.bus.deliver(hint),
            None => {
                let start = message.payload.get(..HINT_BYTES_MAX).unwrap_or(&message.payload);
                let text = start.escape_ascii();
                tracing::debug!(hint = %text, "a hint that means nothing to this version");
            }
        }
    }
}

/// The hints that wait together; of equal ones, one is enough.
fn waiting(hint: Hint, said: &mut Receiver<Hint>) -> HashSet<Hint> {
    let mut waiting = HashSet::from([hint]);
    while let Ok(next) = said.try_recv() {
        waiting.insert(next);
    }
    waiting
}

fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("NATS is away; hints are lost and work goes on"),
        other => tracing::debug!(event = %other, "NATS"),
    }
}

#[cfg(test)]
mod tests {
    use testkit::Nats;
    use tokio::{task::JoinHandle, time::timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// One node: its bus, and its link at work.
    struct Node {
        bus: Bus,
        link: std::sync::Arc<Link>,
        work: JoinHandle<()>,
    }

    impl Drop for Node {
        fn drop(&mut self) {
            self.work.abort();
        }
    }

    impl Node {
        async fn start(urls: &[String], cluster: &str) -> Self {
            let bus = Bus::default();
            let link = Link::start(bus.clone(), urls, cluster, "test")
                .await
                .expect("starts");
            let link = std::sync::Arc::new(link);
            let ours = link.clone();
            let work = tokio::spawn(async move { ours.run().await });
            Self { bus, link, work }
        }

        async fn connected(&self, wanted: bool) {
            let look = async {
                while self.link.is_connected() != wanted {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(PATIENCE, look).await.expect("in time");
        }
    }

    /// Repeats a hint until the other hears it: a subscription takes its time through the cluster.
    async fn hears(from: &Node, to: &Node) {
        let mut hints = to.bus.subscribe();
        let heard = async {
            loop {
                from.bus.publish(Hint::Work);
                if timeout(Duration::from_millis(50), hints.recv()).await.is_ok() {
                    return;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("a hint in time");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn i17_nodes_hear_each_other_through_a_cluster_that_comes_late_goes_and_comes_back() {
        let mut servers = Nats::cluster(3);
        let urls = servers.urls();
        servers.kill_all();
        // Both start while all of NATS is away, each with another server first.
        let one = Node::start(&urls, "a").await;
        let two = Node::start(&[urls[2].clone(), urls[0].clone()], "a").await;
        let stranger = Node::start(&urls, "b").await;
        let mut local = one.bus.subscribe();
        one.bus.publish(Hint::Work);
        assert_eq!(local.recv().await, Ok(Hint::Work), "at home nothing is missing");
        servers.start_again();
        let mut others = stranger.bus.subscribe();
        hears(&one, &two).await;
        hears(&two, &one).await;
        // Whatever server a node was connected to.
        for server in 0..3 {
            servers.kill(server);
            hears(&one, &two).await;
            hears(&two, &one).await;
            servers.start_again();
        }
        servers.kill_all();
        one.connected(false).await;
        one.bus.publish(Hint::Work);
        servers.start_again();
        hears(&two, &one).await;
        assert!(others.try_recv().is_err(), "another cluster is another subject");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn i17_a_node_does_not_hear_itself_and_takes_no_notice_of_garbage() {
        let servers = Nats::cluster(1);
        let urls = servers.urls();
        let (one, two) = (Node::start(&urls, "a").await, Node::start(&urls, "a").await);
        hears(&one, &two).await;
        hears(&two, &one).await;
        // What the last exchange left on its way comes before what follows on the same connection.
        let outsider = async_nats::connect(&urls[0]).await.expect("connects");
        let subject = "qunfa.a.hint";
        let mut echoes = outsider.subscribe(subject).await.expect("subscribes");
        outsider.flush().await.expect("flushes");
        let mut own = one.bus.subscribe();
        while timeout(Duration::from_millis(300), own.recv()).await.is_ok() {}
        while timeout(Duration::from_millis(1), echoes.next()).await.is_ok() {}
        for garbage in [&b""[..], b"work ", b"\xff\x00", &[b'w'; 100_000]] {
            outsider
                .publish(subject, garbage.to_vec().into())
                .await
                .expect("sends");
            assert!(echoes.next().await.is_some());
        }
        one.bus.publish(Hint::Work);
        assert_eq!(own.recv().await, Ok(Hint::Work));
        assert!(
            echoes
                .next()
                .await
                .is_some_and(|message| &*message.payload == b"work")
        );
        outsider.publish(subject, "work".into()).await.expect("sends");
        assert_eq!(own.recv().await, Ok(Hint::Work), "the outsider's");
        assert!(own.try_recv().is_err(), "neither an echo nor the garbage");
    }
}
