//! The files of snapshots: for each a folder with a copy of the database, links to the blobs, and what was only
//! in memory.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::app::Snapshot;
use store::{StoreError, StoreResult};

/// The state right after the start; no caller's snapshot can have this name.
pub(super) const START: &str = ".start";

/// What lies in memory only, and is as it was after a restore.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Memory {
    /// What the clock showed, in milliseconds since 1970.
    pub(super) now: i64,
    /// The rate of a running clock.
    pub(super) rate: Option<f64>,
    /// From what the next ids are made.
    pub(super) ids: u64,
    /// What the parts of the sandbox had to keep, by their names.
    pub(super) parts: serde_json::Map<String, Value>,
}

/// A part of the sandbox that keeps something in memory which goes back with the world.
pub trait Kept: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// What it has to remember.
    fn keep(&self) -> Value;
    /// Remembers exactly this; `Null` is what it had at the beginning.
    fn recall(&self, kept: &Value);
}

/// The folder of the snapshots, in the sandbox's own.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    blobs: PathBuf,
}

impl Shelf {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.join("snapshots"),
            blobs: folder.join("blobs"),
        }
    }

    /// Makes room for a snapshot; an earlier one of this name is gone then. Returns where the database goes.
    pub(super) fn clear(&self, name: &str) -> StoreResult<PathBuf> {
        self.remove(name)?;
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(database(&folder))
    }

    /// Completes a snapshot whose database is written.
    pub(super) fn complete(&self, name: &str, memory: &Memory) -> StoreResult<Snapshot> {
        let folder = self.folder.join(name);
        let (blobs, text) = (folder.join("blobs"), serde_json::to_vec(memory)?);
        mirror(&self.blobs, &blobs)
            .and_then(|()| fs::write(memory_file(&folder), text))
            .map_err(|error| failed(&folder, &error))?;
        self.describe(name)?
            .ok_or_else(|| StoreError::Damaged(format!("snapshot {name}")))
    }

    /// What a snapshot remembers, and its database; `None` when there is no such snapshot.
    pub(super) fn find(&self, name: &str) -> StoreResult<Option<(Memory, PathBuf)>> {
        let folder = self.folder.join(name);
        match fs::read(memory_file(&folder)) {
            Ok(text) => Ok(Some((serde_json::from_slice(&text)?, database(&folder)))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&folder, &error)),
        }
    }

    /// Makes the blobs those of the snapshot.
    pub(super) fn restore_blobs(&self, name: &str) -> StoreResult<()> {
        let kept = self.folder.join(name).join("blobs");
        mirror(&kept, &self.blobs).map_err(|error| failed(&kept, &error))
    }

    /// All snapshots that callers took, by name.
    pub(super) fn list(&self) -> StoreResult<Vec<Snapshot>> {
        let names = names(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        let own = names.iter().filter(|name| *name != START);
        own.filter_map(|name| self.describe(name).transpose()).collect()
    }

    /// Forgets a snapshot; false when there was none.
    pub(super) fn remove(&self, name: &str) -> StoreResult<bool> {
        let folder = self.folder.join(name);
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&folder, &error)),
        }
    }

    fn describe(&self, name: &str) -> StoreResult<Option<Snapshot>> {
        let Some((memory, database)) = self.find(name)? else {
            return Ok(None);
        };
        let length = fs::metadata(&database).map_err(|error| failed(&database, &error))?;
        Ok(Some(Snapshot {
            name: name.to_owned(),
            now: Timestamp(memory.now),
            bytes: length.len(),
        }))
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("qunfa.db")
}

fn memory_file(folder: &Path) -> PathBuf {
    folder.join("memory.json")
}

/// Makes the files below `to` those below `from`. They are linked: no blob is ever written twice.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let (wanted, present) = (names(from)?, names(to)?);
    for name in &wanted {
        let (from, to) = (from.join(name), to.join(name));
        if from.is_dir() {
            mirror(&from, &to)?;
        } else if !present.contains(name) && fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
        }
    }
    for name in present.difference(&wanted) {
        let extra = to.join(name);
        match extra.is_dir() {
            true => fs::remove_dir_all(extra)?,
            false => fs::remove_file(extra)?,
        }
    }
    Ok(())
}

/// The names in a folder; none where it does not exist.
fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Database(format!("{}: {error}", path.display()))
}

/// How long a restore waits for callbacks under way before it gives them up.
pub(super) const LANDING: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_links_what_is_missing_and_removes_what_is_too_much() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("ab")).expect("made");
        fs::create_dir_all(to.join("cd")).expect("made");
        fs::write(from.join("ab/1"), "one").expect("written");
        fs::write(to.join("cd/2"), "two").expect("written");
        mirror(&from, &to).expect("mirrors");
        assert_eq!(fs::read_to_string(to.join("ab/1")).expect("read"), "one");
        assert!(!to.join("cd").exists());
        mirror(&folder.path().join("nothing"), &to).expect("mirrors");
        assert!(names(&to).expect("names").is_empty());
    }
}
