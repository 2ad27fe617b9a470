//! The node that races run over when none is named.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

const ADMIN_TOKEN: &str = "races-admin-token";

use crate::worlds;

/// A node of our own; it ends with the test, and a check of all rows (I21).
pub struct Own {
    pub bases: Vec<String>,
    pub admin_token: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            worlds::check(&self.folder.path().join("data"));
        }
    }
}

impl Own {
    /// One node on a store of its own; it may not answer yet.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let listen = free.expect("a port").to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_qunfa"))
            .args(["serve", "--listen", &listen, "--data"])
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .env("QUNFA_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("QUNFA_LOG_LEVEL", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        Self {
            bases: vec![format!("http://{listen}")],
            admin_token: ADMIN_TOKEN.to_owned(),
            child,
            folder,
        }
    }
}
