//! A PostgreSQL server.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    ensure, port,
    process::{PATIENCE, Process, wait_for},
};

/// The one user, who may do everything and needs no password.
const USER: &str = "qunfa";
/// Starts with another port, when one was taken in between.
const TRIES: usize = 5;

/// How careful the server is with its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushing {
    /// `fsync=on`, as in earnest.
    On,
    /// `fsync=off`: faster, for tests that do not care what a power cut leaves.
    Off,
}

/// A running PostgreSQL server with a folder of its own.
#[derive(Debug)]
pub struct Postgres {
    // Before the folder, so that the server is gone when its files go.
    process: Process,
    folder: TempDir,
    port: u16,
    flushing: Flushing,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster of databases and starts its server, flushing as in earnest.
    pub fn start() -> Self {
        Self::start_with(Flushing::On)
    }

    /// The same, with this care for its files.
    pub fn start_with(flushing: Flushing) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let owner = Owner::find();
        owner.give(folder.path());
        let data = folder.path().join("data");
        let mut initdb = owner.command("initdb");
        initdb.args([
            "--no-sync",
            "--no-instructions",
            "--auth=trust",
            "--encoding=UTF8",
        ]);
        initdb
            .args(["--locale=C", "--username", USER, "--pgdata"])
            .arg(&data);
        run(&mut initdb);
        for _ in 0..TRIES {
            let port = port::free();
            if let Some(process) = launch(folder.path(), port, flushing) {
                let databases = AtomicU32::new(0);
                return Self {
                    process,
                    folder,
                    port,
                    flushing,
                    databases,
                };
            }
        }
        panic!("PostgreSQL does not start: {}", log(folder.path()));
    }

    /// One server for all tests of this process; it ends with the process. It flushes nothing: who tests what a power cut
    /// leaves starts one of their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_with(Flushing::Off))
    }

    /// Makes an empty database and returns its URL.
    pub fn create_database(&self) -> String {
        self.create_database_like("template0")
    }

    /// Makes a database that holds what `template` holds, to which nobody may be connected now; returns its URL.
    pub fn create_database_like(&self, template: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.query("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        self.url(&name)
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, to pause and resume it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What SQL answers in this database, a line a row, columns parted by `|`.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(ensure::postgres().join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
        ]);
        run(psql.args(["--dbname", &self.url(database), "--command", sql]))
    }

    /// Ends the server as an administrator does: open transactions are rolled back, everything is written.
    pub fn stop(&mut self) {
        self.process.stop(Signal::INT);
    }

    /// Kills the server in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again, at the same address.
    pub fn start_again(&mut self) {
        let mut started = None;
        // What a killed server had forked takes a moment to end, and until then there is no new one.
        wait_for(PATIENCE, || {
            started = launch(self.folder.path(), self.port, self.flushing);
            started.is_some()
        });
        self.process = started.unwrap_or_else(|| panic!("PostgreSQL is gone: {}", log(self.folder.path())));
    }

    /// Stops it and starts it again.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }
}

/// Starts the server; `None` when it does not accept connections.
fn launch(folder: &Path, port: u16, flushing: Flushing) -> Option<Process> {
    let mut postgres = Owner::find().command("postgres");
    postgres
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string()]);
    let sockets = format!("unix_socket_directories={}", folder.display());
    let fsync = match flushing {
        Flushing::On => "fsync=on",
        Flushing::Off => "fsync=off",
    };
    for setting in [
        "listen_addresses=127.0.0.1",
        "max_connections=300",
        "timezone=UTC",
        &sockets,
        fsync,
    ] {
        postgres.args(["-c", setting]);
    }
    let mut process = Process::start("PostgreSQL", &mut postgres, folder);
    let mut ready = Command::new(ensure::postgres().join("pg_isready"));
    ready.args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()]);
    let answered = wait_for(PATIENCE, || {
        !process.runs() || ready.status().is_ok_and(|status| status.success())
    });
    (answered && process.runs()).then_some(process)
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Who runs the server: it refuses to be root, so root lends it the user that the package made.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        let number = |flag| {
            let text = run(Command::new("id").args([flag, "postgres"]));
            text.trim().parse().expect("id prints a number")
        };
        let root = rustix::process::geteuid().is_root();
        Self(root.then(|| (number("-u"), number("-g"))))
    }

    fn give(&self, folder: &Path) {
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("root gives folders away");
        }
    }

    /// A program of PostgreSQL, run as its owner.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(ensure::postgres().join(program));
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        // The folder of a test may be closed to this user.
        command.current_dir("/");
        command
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {problem}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The database that the tests of this run keep their rows in: a new one where `QUNFA_TEST_STORE` is `postgres`, none
/// where it is `sqlite` or not set.
///
/// # Panics
/// On any other value.
pub fn database() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "which store the tests run on is the caller's choice"
    )]
    let wanted = std::env::var("QUNFA_TEST_STORE");
    match wanted.as_deref() {
        Ok("postgres") => Some(Postgres::shared().create_database()),
        Ok("sqlite") | Err(_) => None,
        Ok(other) => panic!("QUNFA_TEST_STORE is {other}, not sqlite or postgres"),
    }
}

/// The same, one and the same database for everybody who names this folder: a server started again in its folder finds its
/// rows.
pub fn database_of(folder: &Path) -> Option<String> {
    let note = folder.join("database.url");
    if let Ok(known) = std::fs::read_to_string(&note) {
        return Some(known);
    }
    let made = database()?;
    std::fs::write(note, &made).expect("a note");
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::exists;

    #[test]
    fn what_was_committed_survives_a_restart_a_kill_and_a_pause() {
        let mut server = Postgres::start();
        assert_eq!(server.query("postgres", "SHOW fsync"), "on\n");
        let url = server.create_database();
        assert!(url.ends_with("/test_0"), "{url}");
        server.query("test_0", "CREATE TABLE kept AS SELECT 1 AS number");
        server.restart();
        assert_eq!(server.query("test_0", "SELECT number FROM kept"), "1\n");
        server.query("test_0", "INSERT INTO kept VALUES (2)");
        server.kill();
        server.start_again();
        assert_eq!(server.query("test_0", "SELECT sum(number) FROM kept"), "3\n");
        let port = server.port();
        server.process().pause();
        assert_eq!(
            port::ask(port, "\0\0\0\x08\x04\u{d2}\x16\x2f"),
            None,
            "it answers nothing"
        );
        server.process().resume();
        assert_eq!(server.create_database_like("test_0"), server.url("test_1"));
        assert_eq!(server.query("test_1", "SELECT count(*) FROM kept"), "2\n");
        let process = server.process().id();
        drop(server);
        assert!(!exists(process));
    }
}
