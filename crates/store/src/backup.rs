//! A consistent copy of the database while its server writes: one snapshot, read to the end.

use std::{fs::File, path::Path};

use rusqlite::{Connection, backup};

use crate::{
    StoreError, StoreResult,
    sqlite::{
        connection::{self, Role},
        private_file,
    },
};

/// Pages between two looks at the progress.
const PAGES: std::ffi::c_int = 2_048;

/// Copies the database `from` to the new file `to` and flushes it. The writer is not held up; its log grows
/// until the copy is done. `progress` is told pages done and pages in all.
pub fn copy(from: &Path, to: &Path, progress: &dyn Fn(u64, u64)) -> StoreResult<()> {
    if to.exists() {
        return Err(StoreError::Database(format!("{} exists already", to.display())));
    }
    let source = connection::open(from, Role::Reader)?;
    // A snapshot that is held: without it each write of the server would make the copy begin anew.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT COUNT(*) FROM setting", [], |_| Ok(()))?;
    private_file(to)?;
    let mut copied = Connection::open(to)?;
    copied.pragma_update(None, "synchronous", "OFF")?;
    {
        let copying = backup::Backup::new(&source, &mut copied)?;
        loop {
            let step = copying.step(PAGES)?;
            let seen = copying.progress();
            let all = u64::try_from(seen.pagecount).unwrap_or(0);
            progress(all - u64::try_from(seen.remaining).unwrap_or(0).min(all), all);
            match step {
                backup::StepResult::Done => break,
                backup::StepResult::More => {}
                _ => return Err(StoreError::Database("the database is busy".into())),
            }
        }
    }
    // A file without a log of its own beside it.
    copied.pragma_update(None, "journal_mode", "DELETE")?;
    copied.close().map_err(|(_, error)| error)?;
    let flushed = File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.sync_all());
    flushed.map_err(|error| StoreError::Database(format!("{}: {error}", to.display())))
}
