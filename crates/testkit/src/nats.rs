//! A cluster of NATS servers.

use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    ensure, port,
    process::{PATIENCE, Process, wait_for},
};

/// Starts with other ports, when one was taken in between.
const TRIES: usize = 5;

/// NATS servers that know each other.
#[derive(Debug)]
pub struct Nats {
    servers: Vec<Server>,
    folder: TempDir,
}

/// One server: its process while it runs, and where it listens for clients and for its neighbours.
#[derive(Debug)]
struct Server {
    process: Process,
    port: u16,
    route: u16,
}

impl Nats {
    /// Starts `size` servers and waits until each knows all others.
    pub fn cluster(size: usize) -> Self {
        for _ in 0..TRIES {
            let folder = tempfile::tempdir().expect("a folder");
            let ports: Vec<(u16, u16)> = (0..size).map(|_| (port::free(), port::free())).collect();
            let routes: Vec<u16> = ports.iter().map(|(_, route)| *route).collect();
            let servers = ports.iter().map(|&(port, route)| Server {
                process: launch(&folder, port, route, &routes),
                port,
                route,
            });
            let mut cluster = Self {
                servers: servers.collect(),
                folder,
            };
            if wait_for(PATIENCE, || cluster.broken() || cluster.complete()) && !cluster.broken() {
                return cluster;
            }
        }
        panic!("the NATS servers do not find each other");
    }

    /// The URLs of all servers.
    pub fn urls(&self) -> Vec<String> {
        let url = |server: &Server| format!("nats://127.0.0.1:{}", server.port);
        self.servers.iter().map(url).collect()
    }

    /// The process of one server, to pause and resume it.
    pub fn process(&self, server: usize) -> &Process {
        &self.servers[server].process
    }

    /// Ends one server as an administrator does.
    pub fn stop(&mut self, server: usize) {
        self.servers[server].process.stop(Signal::TERM);
    }

    /// Kills one server.
    pub fn kill(&mut self, server: usize) {
        self.servers[server].process.kill();
    }

    /// Kills all of them.
    pub fn kill_all(&mut self) {
        for server in &mut self.servers {
            server.process.kill();
        }
    }

    /// Starts those that do not run, at the same addresses, and waits until each knows all others.
    pub fn start_again(&mut self) {
        let routes: Vec<u16> = self.servers.iter().map(|server| server.route).collect();
        for server in &mut self.servers {
            if !server.process.runs() {
                server.process = launch(&self.folder, server.port, server.route, &routes);
            }
        }
        assert!(
            wait_for(PATIENCE, || self.complete()),
            "the NATS servers do not find each other again"
        );
    }

    fn broken(&mut self) -> bool {
        self.servers.iter_mut().any(|server| !server.process.runs())
    }

    /// Whether each server tells its clients of all servers.
    fn complete(&self) -> bool {
        self.servers.iter().all(|server| {
            // The greeting names the whole cluster; a server alone names nobody.
            let greeting = port::ask(server.port, "").unwrap_or_default();
            let knows = |other: &Server| greeting.contains(&format!("127.0.0.1:{}\"", other.port));
            greeting.starts_with("INFO") && (self.servers.len() == 1 || self.servers.iter().all(knows))
        })
    }
}

fn launch(folder: &TempDir, port: u16, route: u16, routes: &[u16]) -> Process {
    let url = |route: &u16| format!("nats://127.0.0.1:{route}");
    let others: Vec<String> = routes.iter().filter(|other| **other != route).map(url).collect();
    let mut nats = Command::new(ensure::nats());
    nats.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
    nats.args([
        "--cluster_name",
        "test",
        "--cluster",
        &url(&route),
        "--routes",
        &others.join(","),
    ]);
    Process::start("NATS", &mut nats, folder.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_three_finds_itself_again_after_one_or_all_died() {
        let mut cluster = Nats::cluster(3);
        assert_eq!(cluster.urls().len(), 3);
        cluster.kill(1);
        assert!(!cluster.complete());
        cluster.start_again();
        cluster.kill_all();
        cluster.start_again();
        assert!(cluster.complete());
        cluster.stop(0);
        cluster.process(2).pause();
        assert_eq!(port::ask(cluster.servers[2].port, ""), None, "it answers nothing");
        cluster.process(2).resume();
        cluster.start_again();
    }
}
