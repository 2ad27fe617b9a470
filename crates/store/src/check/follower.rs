//! Followers against the sets: everybody in a set has a name, and every name a row of its own.
//!
//! New followers appear in the order row, name, set; so sets are read first and rows last, and what is compared
//! can only be fuller on the later side. One bit a follower is in memory.

use std::collections::BTreeMap;

use domain::{
    block::Block,
    check::{What, sets},
    id::{AccountId, BlockNo, Ordinal},
};

use super::{Progress, Report, Step, rows};
use crate::{
    StoreResult,
    reader::Reader,
    sql::{Connection, params},
};

const PAGE: usize = 10_000;

type Blocks = BTreeMap<(AccountId, BlockNo), Block>;

/// Looks at all sets and all followers.
pub(super) fn check(
    store: &Reader,
    accounts: &[rows::AccountRow],
    progress: Progress<'_>,
    report: &mut Report,
) -> StoreResult<()> {
    let mut in_sets = Blocks::new();
    for account in accounts {
        for block in store.read(|db| rows::blocks_of_sets(db, account.id))? {
            let rows = store.read(|db| rows::sets(db, account.id, block))?;
            let (found, everybody) = sets::findings(account.id, block, &rows);
            report.add(found);
            in_sets.insert((account.id, block), everybody);
        }
    }
    let expected: u64 = in_sets.values().map(|block| u64::from(block.count())).sum();
    let named = names(store, report, &|done| {
        progress(Step::Followers, done, 2 * expected)
    })?;
    compare(&in_sets, &named, |followers| What::Nobody { followers }, report);
    drop(in_sets);
    let with_rows = followers(store, &|done| {
        progress(Step::Followers, expected + done, 2 * expected)
    })?;
    compare(&named, &with_rows, |followers| What::NoRow { followers }, report);
    report.seen.followers = named.values().map(|block| u64::from(block.count())).sum();
    for account in accounts {
        let next = store
            .read(|db| rows::counter(db, account.id, "ordinal"))?
            .unwrap_or(0);
        let last = named
            .range((account.id, BlockNo(0))..=(account.id, BlockNo(u32::MAX)))
            .next_back()
            .and_then(|((_, block), set)| Some(block.ordinal(set.places().last()?)));
        if let Some(ordinal) = last.filter(|last| i64::from(last.0) >= next) {
            report.add(vec![
                What::OrdinalBeyond { ordinal, next }.at(account.id, None, None),
            ]);
        }
    }
    Ok(())
}

/// Everybody in `these` is in `those`.
fn compare(these: &Blocks, those: &Blocks, what: impl Fn(u32) -> What, report: &mut Report) {
    let nobody = Block::empty();
    for ((account, block), set) in these {
        let strangers = sets::beyond(set, those.get(&(*account, *block)).unwrap_or(&nobody));
        if strangers > 0 {
            report.add(vec![what(strangers).at(*account, None, *block)]);
        }
    }
}

/// Who has an external id; two of one ordinal are a finding.
fn names(store: &Reader, report: &mut Report, progress: &dyn Fn(u64)) -> StoreResult<Blocks> {
    let mut named = Blocks::new();
    let mut after = (String::new(), 0);
    let mut done = 0;
    loop {
        let page = store.read(|db| page_of_names(db, &after))?;
        for (_, account, ordinal) in &page {
            let (account, ordinal) = (AccountId(*account), Ordinal(*ordinal));
            let block = named.entry((account, ordinal.block())).or_default();
            if !block.insert(ordinal.place()) {
                report.add(vec![What::SameOrdinal { ordinal }.at(
                    account,
                    None,
                    ordinal.block(),
                )]);
            }
        }
        done += page.len() as u64;
        progress(done);
        match page.into_iter().next_back() {
            Some((external_id, account, _)) => after = (external_id, account),
            None => return Ok(named),
        }
    }
}

fn page_of_names(db: &Connection, after: &(String, u32)) -> StoreResult<Vec<(String, u32, u32)>> {
    let mut statement = db.prepare_cached(
        "SELECT external_id, account, ordinal FROM follower_external
         WHERE (external_id, account) > (?, ?) ORDER BY external_id, account LIMIT ?",
    )?;
    let rows = statement.query_map(params![after.0, after.1, PAGE], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Who has a row.
fn followers(store: &Reader, progress: &dyn Fn(u64)) -> StoreResult<Blocks> {
    let mut found = Blocks::new();
    let (mut after, mut done) = (-1_i64, 0);
    loop {
        let page = store.read(|db| page_of_followers(db, after))?;
        for key in &page {
            // The key is account * 2^32 + ordinal.
            let (account, ordinal) = (AccountId((key >> 32) as u32), Ordinal(*key as u32));
            let block = found.entry((account, ordinal.block())).or_default();
            block.insert(ordinal.place());
        }
        done += page.len() as u64;
        progress(done);
        match page.last() {
            Some(last) => after = *last,
            None => return Ok(found),
        }
    }
}

fn page_of_followers(db: &Connection, after: i64) -> StoreResult<Vec<i64>> {
    let mut statement = db.prepare_cached("SELECT key FROM follower WHERE key > ? ORDER BY key LIMIT ?")?;
    let keys = statement.query_map(params![after, PAGE], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}
