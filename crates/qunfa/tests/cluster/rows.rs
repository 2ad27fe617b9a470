//! The nodes' database read row by row.

use std::process::Command;

use crate::fleet::Fleet;

impl Fleet {
    /// `qunfa check` finds nothing (I21).
    pub fn check(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Command::new(env!("CARGO_BIN_EXE_qunfa"))
            .args(["check", "--quiet"])
            .current_dir(folder.path())
            .envs(self.shared().iter().map(|(name, value)| (name, value)))
            .env("QUNFA_STORE_URL", self.database())
            .output()
            .expect("it runs");
        assert!(
            output.status.success(),
            "i21: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Entries that the rows say were made, previews left out.
    pub fn entries(&self) -> u64 {
        let text = self.query("SELECT COALESCE(SUM(delivered_count), 0) FROM delivery WHERE preview = 0");
        text.trim().parse().expect("a number")
    }
}
