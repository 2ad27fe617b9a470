//! The servers' programs: found where they are installed, installed where they are missing.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The S3-compatible server: one program without parts elsewhere, from the Go module proxy.
const VERSITYGW: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// Where Debian's PostgreSQL keeps each of its versions.
const POSTGRES: &str = "/usr/lib/postgresql";

/// The folder of PostgreSQL's programs, of the newest version that is installed.
pub fn postgres() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        newest_postgres().unwrap_or_else(|| {
            install_package("postgresql");
            newest_postgres().expect("the package postgresql brings /usr/lib/postgresql/*/bin/postgres")
        })
    })
}

fn newest_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir(POSTGRES).ok()?.flatten();
    let found = versions.filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let folder = version.path().join("bin");
        folder.join("initdb").exists().then_some((number, folder))
    });
    found.max().map(|(_, folder)| folder)
}

/// The NATS server's program.
pub fn nats() -> &'static str {
    static FOUND: OnceLock<&str> = OnceLock::new();
    FOUND.get_or_init(|| {
        // Debian keeps it where only root's PATH looks.
        let names = ["nats-server", "/usr/sbin/nats-server"];
        let found = || names.into_iter().find(|name| runs(Path::new(name)));
        found().unwrap_or_else(|| {
            install_package("nats-server");
            found().expect("the package nats-server brings nats-server")
        })
    })
}

/// The S3-compatible server's program.
pub fn versitygw() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let folder = cache().join("bin");
        let built = folder.join("versitygw");
        let _alone = lock("versitygw");
        if !runs(&built) {
            say(&format!("building {VERSITYGW}"));
            let mut go = Command::new("go");
            run(go
                .args(["install", VERSITYGW])
                .env("GOBIN", &folder)
                .env("CGO_ENABLED", "0"));
        }
        built
    })
}

/// What a program says about its version, in one line.
pub fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    let text = String::from_utf8_lossy(&output.stdout).trim().replace('\n', ", ");
    format!("{}: {text}", program.display())
}

/// What is built for tests, beside what cargo builds.
fn cache() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/testkit");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder.canonicalize().expect("it was just made")
}

/// Held by one test process at a time, until it is dropped.
fn lock(name: &str) -> File {
    let file = File::create(cache().join(format!("{name}.lock"))).expect("the target folder can be written");
    file.lock().expect("a file lock");
    file
}

fn runs(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

fn install_package(name: &str) {
    let _alone = lock("packages");
    say(&format!("installing the package {name}"));
    assert!(
        rustix::process::geteuid().is_root(),
        "the tests need {name}; install it: sudo apt-get install {name}"
    );
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        run(apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    };
    apt(&["update"]);
    apt(&["install", "--yes", "--no-install-recommends", name]);
}

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn say(what: &str) {
    println!("testkit: {what}");
}
