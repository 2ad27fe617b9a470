//! The usual way: a row per follower and mass, and a counter per follower, in SQLite with the same
//! durability and the same filter rules.
//!
//! Written as well as one can: one transaction, both statements over the primary key in ascending order, the
//! entries appended. [`Rows::plain_insert`] is the yardstick for that: a bare INSERT … SELECT of the entries.

use std::{path::Path, time::Instant};

use rusqlite::{Connection, params};

use super::{BenchResult, people};

pub(super) struct Rows {
    db: Connection,
}

impl Rows {
    pub(super) fn open(folder: &Path) -> BenchResult<Self> {
        let db = Connection::open(folder.join("rows.db"))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "cache_size", -65_536)?;
        db.execute_batch(
            "CREATE TABLE follower (
                 id INTEGER PRIMARY KEY,
                 external_id TEXT NOT NULL,
                 nickname TEXT NOT NULL,
                 subscribed INTEGER NOT NULL,
                 blacklisted INTEGER NOT NULL,
                 opted_out INTEGER NOT NULL,
                 tagged INTEGER NOT NULL
             );
             CREATE TABLE receipts (follower INTEGER PRIMARY KEY, month INTEGER NOT NULL, count INTEGER NOT NULL);
             CREATE TABLE entry (mass INTEGER, follower INTEGER, PRIMARY KEY (mass, follower)) WITHOUT ROWID;
             CREATE TABLE mass (id INTEGER PRIMARY KEY, text TEXT NOT NULL);",
        )?;
        Ok(Self { db })
    }

    /// Writes the followers, then the index on their external ids: the fastest import there is. Returns the
    /// seconds it took.
    pub(super) fn import(&mut self, followers: u64, density: f64) -> BenchResult<f64> {
        let started = Instant::now();
        let transaction = self.db.transaction()?;
        {
            let mut statement = transaction.prepare("INSERT INTO follower VALUES (?, ?, ?, 1, 0, 0, ?)")?;
            for number in 0..followers {
                statement.execute(params![
                    number,
                    people::external_id(number),
                    people::nickname(number),
                    people::is_tagged(number, density),
                ])?;
            }
        }
        transaction.commit()?;
        self.db
            .execute_batch("CREATE UNIQUE INDEX follower_external ON follower (external_id)")?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// The counters, which an import does not need and a send does.
    pub(super) fn make_counters(&self) -> BenchResult<()> {
        self.db
            .execute_batch("INSERT INTO receipts SELECT id, 0, 0 FROM follower")?;
        Ok(())
    }

    /// One mass send; returns the milliseconds it took.
    pub(super) fn send(&mut self, mass: u64, text: &str, to_tag: bool, month: i64) -> BenchResult<f64> {
        let started = Instant::now();
        let transaction = self.db.transaction()?;
        transaction.execute("INSERT INTO mass VALUES (?, ?)", params![mass, text])?;
        transaction.execute(
            "INSERT INTO entry (mass, follower)
             SELECT ?1, id FROM follower JOIN receipts ON receipts.follower = follower.id
             WHERE subscribed AND NOT blacklisted AND NOT opted_out AND (tagged OR NOT ?2)
                 AND (count < 4 OR month <> ?3)
             ORDER BY id",
            params![mass, to_tag, month],
        )?;
        transaction.execute(
            "UPDATE receipts SET count = CASE month WHEN ?2 THEN count + 1 ELSE 1 END, month = ?2
             WHERE follower IN (SELECT follower FROM entry WHERE mass = ?1)",
            params![mass, month],
        )?;
        transaction.commit()?;
        Ok(started.elapsed().as_secs_f64() * 1_000.0)
    }

    /// The yardstick: only the entries of everybody, without rules and counters; taken away again.
    pub(super) fn plain_insert(&mut self) -> BenchResult<f64> {
        let started = Instant::now();
        self.db.execute(
            "INSERT INTO entry (mass, follower) SELECT -1, id FROM follower ORDER BY id",
            [],
        )?;
        let took = started.elapsed().as_secs_f64() * 1_000.0;
        self.db.execute("DELETE FROM entry WHERE mass = -1", [])?;
        Ok(took)
    }

    /// A follower's texts, newest first.
    pub(super) fn inbox(&self, follower: u64) -> BenchResult<Vec<String>> {
        let mut statement = self.db.prepare_cached(
            "SELECT text FROM mass WHERE EXISTS
                 (SELECT 1 FROM entry WHERE entry.mass = mass.id AND entry.follower = ?) ORDER BY id DESC",
        )?;
        let texts = statement.query_map([follower], |row| row.get(0))?;
        Ok(texts.collect::<Result<_, _>>()?)
    }
}
