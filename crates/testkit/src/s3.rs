//! An S3-compatible server.

use std::{fs, path::Path, process::Command};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    ensure, port,
    process::{PATIENCE, Process, wait_for},
};

/// Starts with another port, when one was taken in between.
const TRIES: usize = 5;

/// A running S3-compatible server with a folder of its own.
#[derive(Debug)]
pub struct S3 {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl S3 {
    /// Who may do everything.
    pub const ACCESS_KEY_ID: &str = "testkit";
    /// The password of that user.
    pub const SECRET_ACCESS_KEY: &str = "a-secret-of-the-tests";
    /// Where the server claims to stand.
    pub const REGION: &str = "us-east-1";

    /// Starts a server without buckets.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["buckets", "facts"] {
            fs::create_dir(folder.path().join(name)).expect("makes a folder");
        }
        for _ in 0..TRIES {
            let port = port::free();
            if let Some(process) = launch(folder.path(), port) {
                return Self {
                    process,
                    folder,
                    port,
                };
            }
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("the S3 server does not start: {log}");
    }

    /// Makes an empty bucket.
    pub fn create_bucket(&self, name: &str) {
        fs::create_dir(self.bucket(name)).expect("makes a bucket");
    }

    /// The folder in which the objects of a bucket are files.
    pub fn bucket(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("buckets").join(name)
    }

    /// The server's address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server's process, to pause and resume it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it as an administrator does.
    pub fn stop(&mut self) {
        self.process.stop(Signal::TERM);
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again, at the same address.
    pub fn start_again(&mut self) {
        self.process = launch(self.folder.path(), self.port).expect("the S3 server starts again");
    }
}

/// Starts the server; `None` when it does not answer.
fn launch(folder: &Path, port: u16) -> Option<Process> {
    let mut gateway = Command::new(ensure::versitygw());
    gateway.args([
        "--access",
        S3::ACCESS_KEY_ID,
        "--secret",
        S3::SECRET_ACCESS_KEY,
        "--region",
        S3::REGION,
    ]);
    gateway.args([
        "--port",
        &format!("127.0.0.1:{port}"),
        "--health",
        "/health",
        "--quiet",
    ]);
    // Facts beside the files: not every file system keeps attributes.
    gateway
        .args(["posix", "--sidecar"])
        .arg(folder.join("facts"))
        .arg(folder.join("buckets"));
    let mut process = Process::start("the S3 server", &mut gateway, folder);
    let healthy =
        || port::ask(port, "GET /health HTTP/1.0\r\n\r\n").is_some_and(|answer| answer.contains(" 200 "));
    let answered = wait_for(PATIENCE, || !process.runs() || healthy());
    (answered && process.runs()).then_some(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_buckets_over_a_restart() {
        let mut server = S3::start();
        server.create_bucket("kept");
        let request = "GET /kept HTTP/1.0\r\n\r\n";
        let answer = || port::ask(server.port, request).expect("answers");
        assert!(answer().contains(" 403 "), "{}", answer());
        server.kill();
        server.start_again();
        assert!(server.bucket("kept").is_dir());
        assert!(
            port::ask(server.port, request)
                .expect("answers")
                .contains(" 403 ")
        );
        server.stop();
        assert_eq!(port::ask(server.port, request), None);
    }
}
