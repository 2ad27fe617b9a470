//! A network that can be disturbed: it stands between one node and PostgreSQL, knows where a message of the protocol
//! begins, and cuts, delays or swallows.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It works.
    Works,
    /// Connections end, and new ones end at once.
    Cut,
    /// Connections stay, and nothing arrives.
    HalfOpen,
    /// Every message takes this long.
    Slow(Duration),
    /// Connections are cut at a message of their own, as the plan says.
    CutAtMessages,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    ToServer,
    ToNode,
}

/// At which message a connection is cut: the n-th, from 1, that goes this way; it does not arrive.
pub type Cut = (Way, usize);

/// What struck.
#[derive(Debug, Default)]
pub struct Strikes {
    /// Connections that were cut at a message.
    pub at_messages: AtomicUsize,
    /// Among them those at which the answer to COMMIT was lost.
    pub lost_commit_answers: AtomicUsize,
    /// Among them those at which COMMIT was lost.
    pub lost_commits: AtomicUsize,
    /// Connections that another disturbance met.
    pub connections: AtomicUsize,
}

/// The network of one node.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    network: watch::Sender<Network>,
    plan: Mutex<Vec<Cut>>,
    strikes: Strikes,
}

impl Proxy {
    /// A network that works, to PostgreSQL on this port.
    pub async fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            upstream,
            network: watch::Sender::new(Network::Works),
            plan: Mutex::default(),
            strikes: Strikes::default(),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                tokio::spawn(connection(accepting.clone(), node));
            }
        });
        Self { port, shared }
    }

    /// From now on the network does this, to connections that there are as well.
    pub fn set(&self, network: Network) {
        self.shared.network.send_replace(network);
    }

    /// Cuts still to be made; the last one is made first.
    pub fn plan(&self, cuts: Vec<Cut>) {
        *self.shared.plan.lock().expect("not poisoned") = cuts;
    }

    /// How many cuts were not made yet.
    pub fn planned(&self) -> usize {
        self.shared.plan.lock().expect("not poisoned").len()
    }

    pub fn strikes(&self) -> &Strikes {
        &self.shared.strikes
    }
}

/// What both directions of a connection know of each other.
#[derive(Default)]
struct Talk {
    /// The last thing that the node sent was COMMIT.
    commits: AtomicBool,
    /// Which messages the cut is at; there may be none.
    cut: Mutex<Option<Cut>>,
}

async fn connection(shared: Arc<Shared>, node: TcpStream) {
    let mut network = shared.network.subscribe();
    if *network.borrow_and_update() == Network::Cut {
        shared.strikes.connections.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.upstream)).await else {
        return;
    };
    let _ = (node.set_nodelay(true), server.set_nodelay(true));
    let talk = Arc::new(Talk::default());
    let ((node_read, node_write), (server_read, server_write)) = (node.into_split(), server.into_split());
    let to_server = pump(
        shared.clone(),
        talk.clone(),
        Way::ToServer,
        node_read,
        server_write,
    );
    let to_node = pump(shared.clone(), talk.clone(), Way::ToNode, server_read, node_write);
    let disturbed = async {
        while network.changed().await.is_ok() {
            let now = *network.borrow_and_update();
            if now != Network::Works && now != Network::CutAtMessages {
                shared.strikes.connections.fetch_add(1, Ordering::Relaxed);
            }
            if now == Network::Cut {
                return;
            }
        }
    };
    // Whichever ends first takes both sockets with it.
    tokio::select! {
        () = to_server => {}
        () = to_node => {}
        () = disturbed => {}
    }
    let unused = talk.cut.lock().expect("not poisoned").take();
    if let Some(cut) = unused {
        shared.plan.lock().expect("not poisoned").insert(0, cut);
    }
}

/// Carries the messages of one direction until the connection ends or is cut.
async fn pump(
    shared: Arc<Shared>,
    talk: Arc<Talk>,
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) {
    let mut network = shared.network.subscribe();
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 64 * 1_024]);
    let mut messages = Messages::new(way);
    let mut count = 0;
    loop {
        while let Some(message) = messages.take(&mut bytes) {
            count += 1;
            let now = *network.borrow_and_update();
            match now {
                Network::HalfOpen => {
                    if network.wait_for(|now| *now != Network::HalfOpen).await.is_err() {
                        return;
                    }
                }
                Network::Slow(pause) => tokio::time::sleep(pause).await,
                Network::CutAtMessages if is_cut(&shared, &talk, way, count, &message) => return,
                Network::Works | Network::Cut | Network::CutAtMessages => {}
            }
            if way == Way::ToServer {
                talk.commits.store(is_commit(&message), Ordering::Relaxed);
            }
            if to.write_all(&message).await.is_err() {
                return;
            }
        }
        match from.read(&mut chunk).await {
            Ok(length) if length > 0 => bytes.extend_from_slice(&chunk[..length]),
            _ => return,
        }
    }
}

/// Whether this connection ends at this message.
fn is_cut(shared: &Shared, talk: &Talk, way: Way, count: usize, message: &[u8]) -> bool {
    let mut cut = talk.cut.lock().expect("not poisoned");
    if cut.is_none() {
        *cut = shared.plan.lock().expect("not poisoned").pop();
    }
    let strikes = &shared.strikes;
    // One that has come further already is cut at its next message.
    if !cut.is_some_and(|(cut_way, at)| cut_way == way && count >= at) {
        return false;
    }
    *cut = None;
    strikes.at_messages.fetch_add(1, Ordering::Relaxed);
    if way == Way::ToServer && is_commit(message) {
        strikes.lost_commits.fetch_add(1, Ordering::Relaxed);
    }
    if way == Way::ToNode && talk.commits.load(Ordering::Relaxed) {
        strikes.lost_commit_answers.fetch_add(1, Ordering::Relaxed);
    }
    true
}

/// Whether a message of the node is a simple query that commits.
fn is_commit(message: &[u8]) -> bool {
    message.first() == Some(&b'Q') && message.get(5..).is_some_and(|sql| sql.starts_with(b"COMMIT"))
}

/// Where messages end: a letter and a length, but for the first one of the node, which has no letter.
struct Messages {
    lettered: bool,
}

impl Messages {
    fn new(way: Way) -> Self {
        Self {
            lettered: way == Way::ToNode,
        }
    }

    /// The next whole message.
    fn take(&mut self, bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
        let letter = usize::from(self.lettered);
        let length = bytes.get(letter..letter + 4)?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize + letter;
        (bytes.len() >= length).then(|| {
            self.lettered = true;
            bytes.drain(..length).collect()
        })
    }
}
