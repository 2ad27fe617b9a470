//! `qunfa check`: reads all rows and holds the promises against them (I21).
//!
//! Account by account, mass by mass, block by block, each in a snapshot of its own: a running server goes on
//! meanwhile, and no more than one mass is in memory. What belongs together is read together; where two
//! snapshots are compared, the later one can only hold more.

use crate::{
    StoreResult,
    blob::{Blobs, object::BlobObject},
    reader::Reader,
};
use domain::{
    check::{Finding, What},
    time::Calendar,
};

mod follower;
mod rows;
mod seals;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use rows::quota_changes;

/// Findings that are kept; all are counted.
const KEPT: usize = 1_000;

/// What a check is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The database file.
    Database,
    /// Mass sends, one by one.
    Masses,
    /// Blocks, one by one.
    Blocks,
    /// Followers, by rows.
    Followers,
    /// Kept bytes, one by one.
    Blobs,
}

/// Told of each step: what, how much is done, of how much.
pub type Progress<'a> = &'a (dyn Fn(Step, u64, u64) + Sync);

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Accounts.
    pub accounts: u64,
    /// Mass sends and previews.
    pub masses: u64,
    /// Delivery rows.
    pub deliveries: u64,
    /// Followers.
    pub followers: u64,
    /// Files of kept bytes; none unless asked for.
    pub blobs: u64,
}

/// The outcome of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was looked at.
    pub seen: Seen,
    /// The first findings.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub found: u64,
}

impl Report {
    fn add(&mut self, findings: Vec<Finding>) {
        self.found += findings.len() as u64;
        let room = KEPT.saturating_sub(self.findings.len());
        self.findings.extend(findings.into_iter().take(room));
    }
}

/// Checks everything but the files of kept bytes.
pub fn run(store: &Reader, calendar: &Calendar, progress: Progress<'_>) -> StoreResult<Report> {
    let mut report = Report::default();
    progress(Step::Database, 0, 1);
    let damage = store.damage()?.into_iter();
    let damage = damage.map(|message| What::Database { message }.at(None, None, None));
    report.add(damage.collect());
    report.add(store.read(rows::unknown_blobs)?);
    let accounts = store.read(rows::accounts)?;
    report.seen.accounts = accounts.len() as u64;
    for account in &accounts {
        report.add(store.read(|db| rows::usage(db, account))?.findings(calendar));
        masses(store, account, progress, &mut report)?;
        orders(store, account, calendar, progress, &mut report)?;
        report.add(store.read(|db| rows::sequences(db, account.id))?);
    }
    report.add(store.read(rows::orphans)?);
    follower::check(store, &accounts, progress, &mut report)?;
    Ok(report)
}

/// How many rows there are of what matters most, for the manifest of a backup.
pub fn count(store: &Reader) -> StoreResult<Seen> {
    store.read(rows::count)
}

/// The objects of all bytes that something refers to.
pub fn used_blobs(store: &Reader) -> StoreResult<Vec<BlobObject>> {
    store.read(rows::used_blobs)
}

/// Checks that the files of these bytes are there and hold what they should.
pub async fn run_blobs(
    used: &[BlobObject],
    blobs: &Blobs,
    progress: Progress<'_>,
    report: &mut Report,
) -> StoreResult<()> {
    for (done, object) in used.iter().enumerate() {
        progress(Step::Blobs, done as u64, used.len() as u64);
        let blob = &object.id;
        let what = match blobs.fetch(object).await? {
            None => What::BlobMissing { blob: blob.clone() },
            Some(bytes) if domain::id::BlobId::of(&bytes) != *blob => {
                What::BlobDamaged { blob: blob.clone() }
            }
            Some(_) => continue,
        };
        report.add(vec![what.at(None, None, None)]);
    }
    report.seen.blobs = used.len() as u64;
    Ok(())
}

fn masses(
    store: &Reader,
    account: &rows::AccountRow,
    progress: Progress<'_>,
    report: &mut Report,
) -> StoreResult<()> {
    let ids = store.read(|db| rows::masses(db, account.id))?;
    for (done, id) in ids.iter().enumerate() {
        progress(Step::Masses, done as u64, ids.len() as u64);
        // A preview may have been cleared away since.
        if let Some(mass) = store.read(|db| rows::mass(db, account, *id))? {
            report.seen.masses += 1;
            report.add(mass.findings());
            report.add(store.read(|db| seals::mass(db, account.id, *id))?);
        }
    }
    Ok(())
}

fn orders(
    store: &Reader,
    account: &rows::AccountRow,
    calendar: &Calendar,
    progress: Progress<'_>,
    report: &mut Report,
) -> StoreResult<()> {
    let blocks = store.read(|db| rows::blocks_of_deliveries(db, account.id))?;
    for (done, block) in blocks.iter().enumerate() {
        progress(Step::Blocks, done as u64, blocks.len() as u64);
        let quota = account.monthly_quota();
        let mut order = domain::check::order::BlockOrder::new(account.id, *block, calendar, quota);
        let (mut after, mut last) = (None, false);
        while !last {
            let page = store.read(|db| rows::order(db, account.id, *block, after))?;
            last = page.len() < rows::PAGE;
            after = page.last().map(|row| row.sequence).or(after);
            report.seen.deliveries += page.len() as u64;
            page.iter().for_each(|row| order.add(row));
        }
        // Read after the rows: it only grows.
        let next = store.read(|db| rows::next_sequence(db, account.id, *block))?;
        report.add(order.end(next));
    }
    Ok(())
}
