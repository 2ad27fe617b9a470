//! [`ReadingStore`] on SQLite.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    id::{AccountId, MassId, Sequence, TagId},
    position::{Membership, Position},
    time::Timestamp,
};

use super::{
    Shared, SqlStore, columns,
    inbox::{Direction, Newest, RowStream, accounts_of, heads, in_order, recalled},
    sets::SetKind,
};
use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount},
    reading::{ReaderAccount, ReaderTag, ReadingStore, RecalledEntry, UNREAD_MAX, Unread},
    sql::{Connection, params},
};

/// Own tags begin here; what is below are presets, which followers never chose.
const FIRST_OWN_TAG: i64 = 100;
/// Deliveries of one account that are read at first.
const CHUNK: usize = 16;

#[async_trait]
impl ReadingStore for SqlStore {
    async fn unread(&self, reader: &[Membership]) -> StoreResult<Vec<Unread>> {
        let reader = in_order(reader);
        let of = reader.clone();
        // Marks first: what is delivered meanwhile is unread.
        let marks = self.read(move |db, _| marks(db, &of)).await?;
        let mut all = Vec::with_capacity(reader.len());
        let mut rest = Vec::new();
        for of in reader {
            let mark = marks.get(&of.account).copied().unwrap_or_default();
            match self.kept_newest(of).await? {
                Some(newest) if newest.from() <= mark.next => all.push(kept_unread(&newest, of, mark)?),
                Some(_) | None => rest.push(of),
            }
        }
        if !rest.is_empty() {
            let counted = self.read(move |db, shared| {
                let accounts = accounts_of(db, &rest)?;
                let heads = heads(db, &rest)?;
                let rest = rest.into_iter().map(|of| {
                    let mark = marks.get(&of.account).copied().unwrap_or_default();
                    Rows::new(db, shared, &accounts, of)?.unread(mark, heads.next(of.account))
                });
                rest.collect::<StoreResult<Vec<_>>>()
            });
            all.extend(counted.await?);
            all.sort_by_key(|unread| unread.account.id);
        }
        Ok(all)
    }

    async fn reader_accounts(&self, reader: &[Membership]) -> StoreResult<(Vec<ReaderAccount>, Position)> {
        let reader = in_order(reader);
        self.read(move |db, shared| {
            let (accounts, marks) = (accounts_of(db, &reader)?, marks(db, &reader)?);
            let heads = heads(db, &reader)?;
            let all = reader.iter().map(|of| {
                let mark = marks.get(&of.account).copied().unwrap_or_default();
                Rows::new(db, shared, &accounts, *of)?.account(mark, heads.next(of.account))
            });
            Ok((all.collect::<StoreResult<_>>()?, heads))
        })
        .await
    }

    async fn mark_read(&self, reader: &[Membership], position: &Position) -> StoreResult<()> {
        let reader = reader.to_vec();
        let of = reader.clone();
        let marks = self.read(move |db, _| marks(db, &of)).await?;
        let ahead = reader.into_iter().filter(|of| {
            let mark = marks.get(&of.account).copied().unwrap_or_default();
            position.next(of.account) > mark.next
        });
        let marked = ahead.map(|of| {
            let next = position.next(of.account);
            self.write_aside(of.account, move |db, _| mark(db, of, next))
        });
        futures::future::try_join_all(marked).await.map(drop)
    }

    async fn mute(&self, reader: Membership, muted: bool) -> StoreResult<()> {
        let Membership { account, ordinal } = reader;
        self.write_aside(account, move |db, _| {
            db.prepare_cached(
                "INSERT INTO inbox_mark (account, ordinal, next_sequence, muted) VALUES (?, ?, 0, ?)
                 ON CONFLICT (account, ordinal) DO UPDATE SET muted = excluded.muted",
            )?
            .execute(params![account.0, ordinal.0, muted])?;
            Ok(())
        })
        .await
    }

    async fn recalled_since(
        &self,
        reader: &[Membership],
        since: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<RecalledEntry>> {
        let reader = in_order(reader);
        self.read(move |db, _| {
            let accounts = accounts_of(db, &reader)?;
            let mut all = Vec::new();
            for of in reader {
                if let Some(account) = accounts.get(&of.account) {
                    all.extend(recalled_of(db, account, of, since)?);
                }
            }
            all.sort_by_key(|entry| (entry.recalled_at, entry.account.id, entry.sequence));
            let last = limit.checked_sub(1).and_then(|place| all.get(place));
            if let Some(second) = last.map(|entry| entry.recalled_at.seconds()) {
                all.retain(|entry| entry.recalled_at.seconds() <= second);
            }
            Ok(all)
        })
        .await
    }
}

/// What a reader said about an account.
#[derive(Clone, Copy, Debug)]
struct Mark {
    next: Sequence,
    muted: bool,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            next: Sequence(0),
            muted: false,
        }
    }
}

fn marks(db: &Connection, reader: &[Membership]) -> StoreResult<HashMap<AccountId, Mark>> {
    let keys: Vec<i64> = reader
        .iter()
        .map(|of| i64::from(of.account.0) << 32 | i64::from(of.ordinal.0))
        .collect();
    let mut statement = db.prepare_cached(
        "SELECT m.account, m.next_sequence, m.muted FROM json_each(?)
         JOIN inbox_mark AS m ON m.account = CAST(value AS BIGINT) / 4294967296 AND m.ordinal = CAST(value AS BIGINT) % 4294967296",
    )?;
    let marks = statement.query_map(params![serde_json::to_string(&keys)?], |row| {
        let mark = Mark {
            next: Sequence(row.get(1)?),
            muted: row.get(2)?,
        };
        Ok((AccountId(row.get(0)?), mark))
    })?;
    Ok(marks.collect::<Result<_, _>>()?)
}

/// Moves a mark on, never beyond what there is: a position can be ahead after a backup was restored.
fn mark(db: &Connection, of: Membership, next: Sequence) -> StoreResult<()> {
    let next = next.min(heads(db, &[of])?.next(of.account));
    db.prepare_cached(
        "INSERT INTO inbox_mark (account, ordinal, next_sequence, muted) VALUES (?, ?, ?, 0)
         ON CONFLICT (account, ordinal) DO UPDATE SET next_sequence = excluded.next_sequence
         WHERE inbox_mark.next_sequence < excluded.next_sequence",
    )?
    .execute(params![of.account.0, of.ordinal.0, next.0])?;
    Ok(())
}

fn kept_unread(newest: &Newest, of: Membership, mark: Mark) -> StoreResult<Unread> {
    let mut entries = 0;
    for line in newest.lines() {
        if line.sequence() < mark.next {
            break;
        }
        entries += u32::from(line.reached(of.ordinal)?);
    }
    Ok(Unread {
        account: newest.account().clone(),
        muted: mark.muted,
        entries: entries.min(UNREAD_MAX),
    })
}

/// One account's rows as one reader sees them.
struct Rows<'d> {
    db: &'d Connection,
    shared: &'d Shared,
    account: Arc<EntryAccount>,
    of: Membership,
}

impl<'d> Rows<'d> {
    fn new(
        db: &'d Connection,
        shared: &'d Shared,
        accounts: &HashMap<AccountId, Arc<EntryAccount>>,
        of: Membership,
    ) -> StoreResult<Self> {
        let account = accounts.get(&of.account).cloned();
        Ok(Self {
            db,
            shared,
            account: account.ok_or_else(|| columns::damaged("an account number"))?,
            of,
        })
    }

    fn stream(&self, direction: Direction, bound: Sequence) -> RowStream<'d> {
        let account = self.account.clone();
        RowStream::new(
            (self.db, self.shared),
            account,
            self.of,
            (direction, bound),
            CHUNK,
        )
    }

    fn unread(&self, mark: Mark, head: Sequence) -> StoreResult<Unread> {
        let mut unread = Unread {
            account: self.account.clone(),
            muted: mark.muted,
            entries: 0,
        };
        if mark.next >= head {
            return Ok(unread);
        }
        let mut stream = self.stream(Direction::On, mark.next);
        while unread.entries < UNREAD_MAX {
            let hits = stream.next_hits()?;
            if hits.is_empty() {
                break;
            }
            let masses: Vec<MassId> = hits.iter().map(|hit| hit.mass).collect();
            let gone = recalled(self.db, self.of.account, &masses)?;
            let standing = masses.len() - gone.len();
            unread.entries += u32::try_from(standing).unwrap_or(UNREAD_MAX);
        }
        unread.entries = unread.entries.min(UNREAD_MAX);
        Ok(unread)
    }

    /// The newest entry below a number.
    fn newest(&self, below: Sequence) -> StoreResult<Option<Entry>> {
        let mut stream = self.stream(Direction::Back, below);
        while let Some(hit) = stream.next_hit()? {
            if let Some(entry) = stream.entry(hit)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn account(&self, mark: Mark, head: Sequence) -> StoreResult<ReaderAccount> {
        let latest = self.newest(head)?;
        let read = match &latest {
            Some(latest) if latest.sequence < mark.next => Some(latest.sequence),
            Some(_) => self.newest(mark.next)?.map(|entry| entry.sequence),
            None => None,
        };
        let standing = Standing::read(self.db, self.of)?;
        Ok(ReaderAccount {
            follower: self.of,
            unread: self.unread(mark, head)?,
            following: standing.following,
            opted_out: standing.opted_out,
            tags: standing.tags(self.db, self.of.account)?,
            read_up_to: read,
            latest,
        })
    }
}

/// In which sets of its account a follower is.
#[derive(Default)]
struct Standing {
    following: bool,
    opted_out: bool,
    /// By tag: whether the follower refuses it.
    tags: BTreeMap<TagId, bool>,
}

impl Standing {
    fn read(db: &Connection, of: Membership) -> StoreResult<Self> {
        let any = TagId(0);
        let kinds = [
            SetKind::Subscribed,
            SetKind::OptedOut,
            SetKind::OptedOutOf(any),
            SetKind::Tag(any),
        ];
        let [following, opted_out, refused, carried] = kinds.map(|kind| kind.key().0);
        let mut statement = db.prepare_cached(
            "SELECT kind, id, bits FROM block_set WHERE account = ? AND block = ? AND kind <> 1",
        )?;
        let Membership { account, ordinal } = of;
        let mut rows = statement.query(params![account.0, ordinal.block().0])?;
        let mut standing = Self::default();
        while let Some(row) = rows.next()? {
            if !encoded_contains(row.blob(2)?, ordinal.place())? {
                continue;
            }
            let (kind, tag): (i64, i64) = (row.get(0)?, row.get(1)?);
            if kind == following {
                standing.following = true;
            } else if kind == opted_out {
                standing.opted_out = true;
            } else if kind == refused {
                standing.tags.insert(TagId(tag), true);
            } else if kind == carried {
                standing.tags.entry(TagId(tag)).or_insert(false);
            }
        }
        Ok(standing)
    }

    fn tags(&self, db: &Connection, account: AccountId) -> StoreResult<Vec<ReaderTag>> {
        if self.tags.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement =
            db.prepare_cached("SELECT id, name FROM tag WHERE account = ? AND id >= ? ORDER BY id")?;
        let names = statement.query_map(params![account.0, FIRST_OWN_TAG], |row| {
            Ok((TagId(row.get(0)?), row.get(1)?))
        })?;
        let mut tags = Vec::new();
        for name in names {
            let (id, name) = name?;
            if let Some(opted_out) = self.tags.get(&id).copied() {
                tags.push(ReaderTag { id, name, opted_out });
            }
        }
        Ok(tags)
    }
}

/// The entries of one follower that were taken back since.
fn recalled_of(
    db: &Connection,
    account: &Arc<EntryAccount>,
    of: Membership,
    since: Timestamp,
) -> StoreResult<Vec<RecalledEntry>> {
    let ordinal = of.ordinal;
    let mut statement = db.prepare_cached(
        "SELECT d.sequence, m.recalled_at, d.delivered FROM mass AS m
         JOIN delivery AS d ON d.account = m.account AND d.mass = m.id AND d.block = ?
         WHERE m.account = ? AND m.recalled_at >= ?",
    )?;
    let mut rows = statement.query(params![ordinal.block().0, account.id.0, since.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if encoded_contains(row.blob(2)?, ordinal.place())? {
            found.push(RecalledEntry {
                account: account.clone(),
                sequence: Sequence(row.get(0)?),
                recalled_at: Timestamp(row.get(1)?),
            });
        }
    }
    Ok(found)
}
