//! The page of measurements says what was measured.

use std::{path::Path, process::Command};

#[test]
fn the_tables_and_plots_of_the_performance_page_are_those_of_its_json() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance/plot.py");
    let checked = Command::new("python3")
        .arg(&script)
        .arg("--check")
        .output()
        .expect("python3 starts");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
