//! The arrows between the crates, as drawn in ARCHITECTURE.md: the only ones allowed.

use std::{collections::BTreeMap, process::Command};

/// Who may use whom.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("domain", &[]),
    ("wire", &[]),
    ("store", &["domain"]),
    ("engine", &["domain", "wire", "store"]),
    ("server", &["domain", "wire", "store"]),
    ("qunfa", &["domain", "wire", "store", "engine", "server"]),
];

/// The arrows as cargo sees them, with those of tests and build scripts.
fn arrows() -> BTreeMap<String, Vec<String>> {
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
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    let used = |package: &serde_json::Value| -> Vec<String> {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        dependencies
            .iter()
            .map(name)
            .filter(|dependency| ours.contains(dependency))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), used(package)))
        .collect()
}

#[test]
fn crates_use_only_the_crates_they_may_use() {
    let arrows = arrows();
    let known: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for name in arrows.keys() {
        assert!(
            known.contains(&name.as_str()),
            "{name} has no place in the layers; name it in MAY_USE"
        );
    }
    for (name, allowed) in MAY_USE {
        let used = arrows
            .get(name)
            .unwrap_or_else(|| panic!("the crate {name} is gone"));
        for dependency in used {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not use {dependency}"
            );
        }
    }
}

#[test]
fn only_the_store_and_the_measurements_know_sql() {
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
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let uses_sql = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .any(|d| d["name"] == "rusqlite");
        // `qunfa bench --vs rows` is the usual way, and that is SQL.
        assert!(
            !uses_sql || ["store", "qunfa"].contains(&name),
            "{name} must not hold SQL"
        );
    }
}
