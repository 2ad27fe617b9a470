//! The arrows between the crates, as drawn in ARCHITECTURE.md: the only ones allowed.

use std::{collections::BTreeMap, process::Command};

/// Who may use whom.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("wire", &[]),
    ("store", &["domain"]),
    ("engine", &["domain", "wire", "store"]),
    ("server", &["domain", "wire", "store"]),
    ("qunfa", &["domain", "wire", "store", "engine", "server"]),
    // Tests of everything that reads outside input; nobody uses it.
    ("fuzz-targets", &["domain", "wire", "server", "qunfa"]),
    ("testkit", &[]),
];

/// Servers that only tests start; every crate may use it, as a development dependency.
const FOR_TESTS: &str = "testkit";

/// The packages of the workspace, as cargo describes them.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn name(value: &serde_json::Value) -> String {
    value["name"].as_str().expect("a name").to_owned()
}

fn dependencies(package: &serde_json::Value) -> Vec<String> {
    package["dependencies"]
        .as_array()
        .expect("dependencies")
        .iter()
        .map(name)
        .collect()
}

/// Dependencies that are part of what is shipped or built for it.
fn shipped(package: &serde_json::Value) -> Vec<String> {
    let all = package["dependencies"].as_array().expect("dependencies").iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .map(name)
        .collect()
}

#[test]
fn the_servers_of_the_tests_are_no_part_of_the_product() {
    for package in packages() {
        let ships = shipped(&package).iter().any(|dependency| dependency == FOR_TESTS);
        assert!(!ships, "{} must not ship {FOR_TESTS}", name(&package));
    }
}

#[test]
fn crates_use_only_the_crates_they_may_use() {
    let packages = packages();
    let ours: Vec<String> = packages.iter().map(name).collect();
    let arrows: BTreeMap<String, Vec<String>> = packages
        .iter()
        .map(|package| (name(package), dependencies(package)))
        .collect();
    for name in arrows.keys() {
        let known = MAY_USE.iter().any(|(known, _)| known == name);
        assert!(known, "{name} has no place in the layers; name it in MAY_USE");
    }
    for (name, allowed) in MAY_USE {
        let used = arrows
            .get(name)
            .unwrap_or_else(|| panic!("the crate {name} is gone"));
        let among_ours = |dependency: &&String| ours.contains(dependency) && *dependency != FOR_TESTS;
        for dependency in used.iter().filter(among_ours) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not use {dependency}"
            );
        }
    }
}

#[test]
fn only_the_store_and_the_measurements_know_sql() {
    for package in packages() {
        // `qunfa bench --vs rows` is the usual way, and that is SQL.
        let may = ["store", "qunfa"].contains(&name(&package).as_str());
        let knows = dependencies(&package)
            .iter()
            .any(|dependency| ["rusqlite", "tokio-postgres"].contains(&dependency.as_str()));
        assert!(may || !knows, "{} must not hold SQL", name(&package));
    }
}
