//! The nodes that races run over here: three of one fleet.

use crate::{fleet::Fleet, process::ADMIN_TOKEN};

/// Nodes of our own; when the race is over, their rows are sound.
pub struct Own {
    pub bases: Vec<String>,
    pub admin_token: String,
    fleet: Fleet,
}

impl Own {
    /// Three nodes that are ready.
    pub async fn start() -> Self {
        let fleet = Fleet::start(3).await;
        Self {
            bases: fleet.nodes.iter().map(|node| node.client.base.clone()).collect(),
            admin_token: ADMIN_TOKEN.to_owned(),
            fleet,
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // A race that was lost has said so already.
        if !std::thread::panicking() {
            self.fleet.check();
            self.fleet.check_logs();
        }
    }
}
