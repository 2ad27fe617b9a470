//! `qunfa bench` on a cluster.

use std::process::Command;

use serde_json::Value;
use testkit::{Nats, Postgres};

#[test]
fn a_mass_send_and_reads_are_measured_on_several_nodes() {
    let (postgres, nats) = (Postgres::start(), Nats::cluster(3));
    let folder = tempfile::tempdir().expect("a folder");
    for what in ["send", "inbox"] {
        let json = folder.path().join(what);
        let mut bench = Command::new(env!("CARGO_BIN_EXE_qunfa"));
        bench
            .args([
                "bench",
                what,
                "--followers",
                "3000",
                "--rounds",
                "1",
                "--nodes",
                "2",
            ])
            .args([
                "--store",
                &postgres.create_database(),
                "--nats",
                &nats.urls().join(","),
            ])
            .arg("--json")
            .arg(&json);
        if what == "inbox" {
            bench.args(["--seconds", "1"]);
        }
        let output = bench.output().expect("it starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let measured: Value = serde_json::from_slice(&std::fs::read(&json).expect("a file")).expect("JSON");
        assert_eq!(
            (&measured["nodes"], &measured["store"]),
            (&2.into(), &"postgres".into())
        );
        assert_eq!(measured["followers"], 3_000);
    }
}
