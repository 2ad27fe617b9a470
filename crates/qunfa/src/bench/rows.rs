//! The usual way: a row per follower and mass, and a counter per follower, in SQLite with the same
//! durability and the same filter rules.
//!
//! Written as well as one can: one transaction, two prepared statements, each one scan in ascending order over
//! a narrow table that holds the flags and the counter; the entries are appended. [`Rows::yardstick`] is the
//! measure of that: the same two statements without any rule.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::{BenchResult, people};

pub(super) struct Rows {
    db: Connection,
    // After the connection, so that the files are closed when they go.
    _folder: tempfile::TempDir,
}

impl Rows {
    pub(super) fn open() -> BenchResult<Self> {
        let folder = tempfile::tempdir()?;
        let db = Connection::open(folder.path().join("rows.db"))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "cache_size", -65_536)?;
        db.execute_batch(
            "CREATE TABLE follower (
                 id INTEGER PRIMARY KEY,
                 external_id TEXT NOT NULL,
                 nickname TEXT NOT NULL,
                 head_image TEXT NOT NULL,
                 remark TEXT NOT NULL,
                 language TEXT NOT NULL,
                 subscribed_at INTEGER NOT NULL,
                 tagged INTEGER NOT NULL
             );
             CREATE TABLE state (
                 follower INTEGER PRIMARY KEY,
                 subscribed INTEGER NOT NULL,
                 blacklisted INTEGER NOT NULL,
                 opted_out INTEGER NOT NULL,
                 tagged INTEGER NOT NULL,
                 month INTEGER NOT NULL,
                 count INTEGER NOT NULL
             );
             CREATE TABLE entry (mass INTEGER, follower INTEGER, PRIMARY KEY (mass, follower)) WITHOUT ROWID;
             CREATE TABLE mass (id INTEGER PRIMARY KEY, text TEXT NOT NULL);",
        )?;
        Ok(Self { db, _folder: folder })
    }

    /// For what else is measured on these tables.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.db
    }

    /// Reads the same file, row by row in one transaction, then builds the index on the external ids: the
    /// fastest import there is. Returns the seconds it took.
    pub(super) fn import(&mut self, followers: u64, density: f64) -> BenchResult<f64> {
        let started = Instant::now();
        let transaction = self.db.transaction()?;
        {
            let mut statement =
                transaction.prepare("INSERT INTO follower VALUES (?, ?, ?, '', '', ?, ?, ?)")?;
            let mut file = csv::Reader::from_reader(people::CsvFile::new(followers, density));
            let mut row = csv::StringRecord::new();
            let mut number = 0_u64;
            while file.read_record(&mut row)? {
                let tagged = !row[3].is_empty();
                statement.execute(params![
                    number,
                    &row[0],
                    &row[1],
                    &row[2],
                    1_790_000_000_000_i64,
                    tagged
                ])?;
                number += 1;
            }
        }
        transaction.commit()?;
        self.db
            .execute_batch("CREATE UNIQUE INDEX follower_external ON follower (external_id)")?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// The flags and counters, which an import does not need and a send does.
    pub(super) fn make_counters(&mut self, followers: u64, density: f64) -> BenchResult<()> {
        let transaction = self.db.transaction()?;
        {
            let mut statement = transaction.prepare("INSERT INTO state VALUES (?, 1, 0, 0, ?, 0, 0)")?;
            for number in 0..followers {
                statement.execute(params![number, people::is_tagged(number, density)])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// One mass send; returns the milliseconds it took.
    pub(super) fn send(&mut self, mass: u64, text: &str, to_tag: bool, month: i64) -> BenchResult<f64> {
        let started = Instant::now();
        let transaction = self.db.transaction()?;
        transaction.execute("INSERT INTO mass VALUES (?, ?)", params![mass, text])?;
        let who = "subscribed AND NOT blacklisted AND NOT opted_out AND (tagged OR NOT ?2) AND (count < 4 OR month <> ?3)";
        transaction
            .prepare_cached(&format!("INSERT INTO entry (mass, follower) SELECT ?1, follower FROM state WHERE {who} ORDER BY follower"))?
            .execute(params![mass, to_tag, month])?;
        transaction
            .prepare_cached(&format!(
                "UPDATE state SET count = CASE month WHEN ?3 THEN count + 1 ELSE 1 END, month = ?3
                 WHERE ?1 = ?1 AND {who}"
            ))?
            .execute(params![mass, to_tag, month])?;
        transaction.commit()?;
        Ok(started.elapsed().as_secs_f64() * 1_000.0)
    }

    /// Brings everything written into the file.
    pub(super) fn checkpoint(&self) -> BenchResult<()> {
        Ok(self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// The yardstick, and beside it a send that everybody receives: the milliseconds of the two statements
    /// without any rule, and of the send. What the yardstick wrote is taken away again.
    pub(super) fn yardstick(&mut self, month: i64) -> BenchResult<(f64, f64)> {
        let started = Instant::now();
        let transaction = self.db.transaction()?;
        transaction.execute(
            "INSERT INTO entry (mass, follower) SELECT -1, follower FROM state ORDER BY follower",
            [],
        )?;
        transaction.execute("UPDATE state SET count = count + 1", [])?;
        transaction.commit()?;
        let plain = started.elapsed().as_secs_f64() * 1_000.0;
        self.db
            .execute_batch("DELETE FROM entry WHERE mass = -1; UPDATE state SET count = count - 1")?;
        let mass = i64::from(i32::MAX).unsigned_abs();
        Ok((plain, self.send(mass, "", false, month)?))
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
