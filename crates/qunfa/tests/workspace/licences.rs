//! SEC13: licences, banned crates and sources of everything that is built for this platform, by the rules of deny.toml.
//! `make deny` has cargo-deny say the same for every platform, and asks for advisories.

use std::{path::Path, process::Command};

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

/// The part of deny.toml that is read here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None: a crate of the workspace.
    source: Option<String>,
}

fn rules() -> Rules {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deny.toml");
    toml::from_str(&std::fs::read_to_string(path).expect("deny.toml")).expect("its rules")
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output.stdout
}

/// Everything that is built for this platform and comes from elsewhere.
fn dependencies() -> Vec<Package> {
    let version = String::from_utf8(cargo(&["-vV"])).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("cargo names its host");
    let arguments = [
        "metadata",
        "--format-version=1",
        "--all-features",
        "--offline",
        "--locked",
    ];
    let output = cargo(&[&arguments[..], &["--filter-platform", host]].concat());
    let all: Metadata = serde_json::from_slice(&output).expect("cargo prints JSON");
    let foreign: Vec<Package> = all
        .packages
        .into_iter()
        .filter(|one| one.source.is_some())
        .collect();
    assert!(
        foreign.len() > 100,
        "only {} dependencies were found",
        foreign.len()
    );
    foreign
}

#[test]
fn sec13_every_dependency_has_a_licence_that_is_allowed() {
    let allow = rules().licenses.allow;
    let allowed = |wanted: &LicenseReq| allow.contains(&wanted.to_string());
    for Package {
        name,
        version,
        license,
        ..
    } in dependencies()
    {
        let license = license.unwrap_or_else(|| panic!("{name} {version} names no licence"));
        let expression = Expression::parse_mode(&license, ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name} {version}: {error}"));
        assert!(
            expression.evaluate(allowed),
            "{name} {version}: {license} is not allowed by deny.toml"
        );
    }
}

#[test]
fn sec13_no_dependency_is_banned_or_comes_from_elsewhere_than_the_registry() {
    let banned = rules().bans.deny;
    for Package {
        name,
        version,
        source,
        ..
    } in dependencies()
    {
        if let Some(ban) = banned.iter().find(|ban| ban.name == name) {
            panic!("{name} {version} is banned: {}", ban.reason);
        }
        let source = source.unwrap_or_default();
        assert!(
            source.starts_with("registry+"),
            "{name} {version} comes from {source}"
        );
    }
}
