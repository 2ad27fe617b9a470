//! The other nodes of a cluster under measurement: processes of this program over the same database, and NATS between all.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::{Duration, Instant},
};

use store::bus::{Bus, nats::Link};
use tempfile::TempDir;
use tokio::{process::Child, task::JoinHandle};

use super::BenchResult;

/// How long a node may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// What keeps these nodes' hints apart from others' on the same servers.
const CLUSTER: &str = "qunfa-bench";
/// Nobody calls these nodes as the operator.
const ADMIN_TOKEN: &str = "nobody-asks-these-nodes";

/// The cluster that is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Nodes, the measuring process's own included; 0 and 1 are no cluster.
    pub nodes: usize,
    /// NATS servers between them; without any, the database alone tells.
    pub nats: Vec<String>,
}

/// All nodes but the one in this process. They end with it.
#[derive(Default)]
pub(super) struct Neighbours {
    /// Where each answers.
    pub(super) addresses: Vec<SocketAddr>,
    processes: Vec<(Child, TempDir)>,
    link: Option<JoinHandle<()>>,
}

impl Neighbours {
    /// Starts them over the database at `url`, and links `bus`, which is that of the node in this process.
    pub(super) async fn start(
        cluster: &Cluster,
        url: &str,
        master_key: &[u8],
        bus: &Bus,
    ) -> BenchResult<Self> {
        let mut all = Self::default();
        for number in 2..=cluster.nodes {
            all.add(cluster, number, url, master_key).await?;
        }
        if !cluster.nats.is_empty() {
            let link = Link::start(bus.clone(), &cluster.nats, CLUSTER, "node-1").await?;
            all.link = Some(tokio::spawn(async move { link.run().await }));
        }
        Ok(all)
    }

    async fn add(
        &mut self,
        cluster: &Cluster,
        number: usize,
        url: &str,
        master_key: &[u8],
    ) -> BenchResult<()> {
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("master.key");
        std::fs::write(&key, hex::encode(master_key))?;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .env("QUNFA_STORE_URL", url)
            .env("QUNFA_STORE_MASTER_KEY_FILE", &key)
            .env("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("QUNFA_CLUSTER_NAME", CLUSTER)
            .env("QUNFA_CLUSTER_NATS", cluster.nats.join(","))
            .env("QUNFA_NODE_NAME", format!("node-{number}"))
            .env("QUNFA_SERVER_PUBLIC_URL", format!("http://{address}"))
            .env("QUNFA_SERVER_CONNECTIONS_PER_SOURCE", "4096")
            .env("QUNFA_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        ready(address, &mut process).await?;
        self.addresses.push(address);
        self.processes.push((process, folder));
        Ok(())
    }

    /// Which processes they are.
    pub(super) fn processes(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().filter_map(|(process, _)| process.id())
    }

    /// Ends them and waits until they are gone.
    pub(super) async fn stop(mut self) -> BenchResult<()> {
        if let Some(link) = self.link.take() {
            link.abort();
        }
        for (mut process, _) in self.processes {
            process.kill().await?;
        }
        Ok(())
    }
}

async fn ready(address: SocketAddr, process: &mut Child) -> BenchResult<()> {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = http.get(format!("http://{address}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if process.try_wait()?.is_some() {
            return Err("a node ended; its reason is above".into());
        }
        if Instant::now() > end {
            return Err(format!("the node at {address} did not become ready").into());
        }
        tokio::time::sleep(POLL).await;
    }
}
