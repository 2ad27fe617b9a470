//! What `qunfa check` says at the end of a run: every promise held against every row (I21), every file of bytes known.

use std::{collections::BTreeSet, path::Path};

use domain::time::Calendar;
use store::{
    blob::Blobs,
    check::{self, Report},
    reader::Reader,
};

use crate::world::World;

/// Everything that a check finds in the rows of this folder.
pub fn report(data: &Path) -> Result<Report, String> {
    let reader = Reader::open(data).map_err(|error| error.to_string())?;
    check::run(&reader, &Calendar::shanghai(), &|_, _, _| {}).map_err(|error| error.to_string())
}

/// The rows of this folder keep every promise.
pub fn rows(data: &Path) -> Report {
    let report = report(data).expect("checks");
    assert_eq!(report.findings, [], "i21: {}", data.display());
    report
}

/// Rows and bytes of a server that does not run keep every promise, and no file is left that nobody will ever collect.
/// Returns how many files of bytes are in use.
pub async fn all(world: &World) -> u64 {
    let data = world.folder.path().join("data");
    let mut report = rows(&data);
    let reader = Reader::open(&data).expect("opens");
    let used = check::used_blobs(&reader).expect("reads");
    let folder = data.join("blobs");
    let blobs = Blobs::in_folder(&folder).expect("opens");
    check::run_blobs(&used, &blobs, &|_, _, _| {}, &mut report)
        .await
        .expect("checks");
    assert_eq!(report.findings, [], "i21: {}", data.display());
    let known = known_files(&data);
    let orphans: Vec<String> = files(&folder)
        .into_iter()
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(orphans, Vec::<String>::new(), "files that nobody will collect");
    report.seen.blobs
}

/// Names of the files that are in use, or unused and waiting to be collected.
fn known_files(data: &Path) -> BTreeSet<String> {
    let db = rusqlite::Connection::open(data.join("qunfa.db")).expect("opens");
    let mut known = db
        .prepare("SELECT id, generation FROM blob UNION SELECT id, generation FROM retired_blob")
        .expect("reads");
    let names = known.query_map([], |row| {
        let (id, generation): (String, i64) = (row.get(0)?, row.get(1)?);
        Ok(match generation {
            0 => id,
            _ => format!("{id}-{generation:016x}"),
        })
    });
    names.expect("reads").collect::<Result<_, _>>().expect("reads")
}

/// The names of all kept bytes: they lie in folders of two letters. What is still being written has a `#` in its name.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for part in std::fs::read_dir(folder).expect("reads") {
        let part = part.expect("reads");
        if part.file_name().len() != 2 {
            continue;
        }
        for file in std::fs::read_dir(part.path()).expect("reads") {
            names.push(file.expect("reads").file_name().into_string().expect("a name"));
        }
    }
    names.retain(|name| !name.contains('#'));
    names
}
