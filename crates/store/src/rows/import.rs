//! Imports: many followers in short transactions, so that calls go on meanwhile.
//!
//! Rows first, then external ids in sorted order (neighbouring pages are written together), then, block by
//! block, the sets. A follower exists once its external id stands and follows once its bit is set, so an
//! import that is cut short leaves nothing half visible, and repeating it completes it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::sql::{Connection, params};
use domain::{
    follower::NewFollower,
    id::{AccountId, BlockNo, Ordinal, TagId},
    time::{Day, Timestamp},
};

use super::{
    SqlStore, columns, follower,
    sets::{self, SetKind},
    statistics, tag,
};
use crate::{StoreResult, crash_point, follower::Imported};

/// How long one bulk transaction works before it lets waiting calls through.
pub(super) const SLICE: Duration = Duration::from_millis(20);
/// How long it works when nobody waits: each transaction costs a flush.
const LONG_SLICE: Duration = Duration::from_millis(100);
/// How many items are done between two looks at the watch.
const STRIDE: usize = 1_024;

/// One person of the import: the merged row and where it goes.
struct Person {
    row: NewFollower,
    /// The place of its last row in the import.
    index: usize,
    known: Option<Ordinal>,
    /// Changed once more if somebody else took the external id meanwhile.
    ordinal: AtomicU32,
    /// Whether that happened.
    taken: AtomicBool,
    tags: Vec<TagId>,
}

impl Person {
    fn ordinal(&self) -> Ordinal {
        Ordinal(self.ordinal.load(Ordering::Relaxed))
    }
}

/// Two chunks of an import may be under way: while one is written, the next is prepared. A chunk takes the
/// second lock before it gives up the first, so chunks are written in the order of their rows.
#[derive(Default)]
pub(super) struct Pipeline {
    prepare: tokio::sync::Mutex<()>,
    write: tokio::sync::Mutex<()>,
}

impl SqlStore {
    pub(super) async fn import(
        &self,
        account: AccountId,
        rows: Vec<NewFollower>,
        now: Timestamp,
    ) -> StoreResult<Imported> {
        let preparing = self.imports.prepare.lock().await;
        let mut result = Imported::default();
        let tags = self.tags_by_name(account, &rows).await?;
        let (persons, merged) = self
            .read(move |db, shared| {
                let mut merged = Imported::default();
                let persons = look_up(db, account, merge(rows, &tags, &mut merged))?;
                let limit = tag::per_follower_max(db, shared, account)?;
                let persons = with_few_tags(db, account, persons, limit, &mut merged)?;
                Ok((persons, merged))
            })
            .await?;
        result.updated += merged.updated;
        result.refused = merged.refused;
        let _writing = self.imports.write.lock().await;
        drop(preparing);
        self.write_persons(account, persons, now, &mut result).await?;
        crash_point!("import.committed");
        Ok(result)
    }

    async fn write_persons(
        &self,
        account: AccountId,
        persons: Vec<Person>,
        now: Timestamp,
        result: &mut Imported,
    ) -> StoreResult<()> {
        let persons = self
            .write(account, move |db, _| number(db, account, persons))
            .await?;
        crash_point!("import.numbered");
        let (fresh, known): (Vec<Person>, Vec<Person>) =
            persons.into_iter().partition(|person| person.known.is_none());
        let fresh = self
            .in_slices(account, fresh, move |db, persons| {
                insert_rows(db, account, persons, now)
            })
            .await?;
        let mut fresh = Arc::into_inner(fresh).ok_or_else(|| columns::damaged("an import still in use"))?;
        fresh.sort_unstable_by(|a, b| a.row.external_id.cmp(&b.row.external_id));
        let fresh = self
            .in_slices(account, fresh, move |db, persons| {
                name_persons(db, account, persons)
            })
            .await?;
        let known = self
            .in_slices(account, known, move |db, persons| {
                update_rows(db, account, persons)
            })
            .await?;
        let taken = fresh
            .iter()
            .filter(|person| person.taken.load(Ordering::Relaxed))
            .count();
        result.imported += (fresh.len() - taken) as u64;
        result.updated += (known.len() + taken) as u64;
        let changes = block_changes(&fresh.iter().chain(known.iter()).collect::<Vec<_>>());
        let day = self.shared.calendar.day(now);
        self.in_slices(account, changes, move |db, changes| {
            changes
                .iter()
                .try_for_each(|change| change.apply(db, account, day))
        })
        .await
        .map(drop)
    }

    /// The number of every tag that the rows name; `None` where the account can have no more tags.
    async fn tags_by_name(
        &self,
        account: AccountId,
        rows: &[NewFollower],
    ) -> StoreResult<HashMap<String, Option<TagId>>> {
        let names: BTreeSet<String> = rows.iter().flat_map(|row| row.tags.iter().cloned()).collect();
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        self.write(account, move |db, _| {
            let ids = names.into_iter().map(|name| {
                let id = tag::find_or_create(db, account, &name)?.ok();
                Ok((name, id))
            });
            ids.collect()
        })
        .await
    }

    /// Applies `work` to all items, a stride at a time, in bulk transactions of [`SLICE`] to [`LONG_SLICE`],
    /// and gives the items back.
    async fn in_slices<T, F>(&self, account: AccountId, items: Vec<T>, work: F) -> StoreResult<Arc<Vec<T>>>
    where
        T: Send + Sync + 'static,
        F: Fn(&Connection, &[T]) -> StoreResult<()> + Send + Sync + 'static,
    {
        let (items, work) = (Arc::new(items), Arc::new(work));
        let mut done = 0;
        while done < items.len() {
            let (ours, work) = (items.clone(), work.clone());
            let waiting = self.database.calls_waiting(account.into());
            done = self
                .write_bulk(account, move |db, _| {
                    let started = Instant::now();
                    let mut done = done;
                    for stride in ours[done..].chunks(STRIDE) {
                        work(db, stride)?;
                        done += stride.len();
                        let slice = if waiting.load(Ordering::Relaxed) > 0 {
                            SLICE
                        } else {
                            LONG_SLICE
                        };
                        if started.elapsed() >= slice {
                            break;
                        }
                    }
                    Ok(done)
                })
                .await?;
            crash_point!("import.slice");
        }
        Ok(items)
    }
}

/// Joins rows of one external id, later fields winning, and drops rows whose tags cannot be made.
fn merge(
    rows: Vec<NewFollower>,
    tags: &HashMap<String, Option<TagId>>,
    result: &mut Imported,
) -> Vec<Person> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    let mut persons: Vec<Person> = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let ids: Option<Vec<TagId>> = row
            .tags
            .iter()
            .map(|name| tags.get(name).copied().flatten())
            .collect();
        let Some(ids) = ids else {
            result
                .refused
                .push((index, "the account has 100 tags; no more can be made".to_owned()));
            continue;
        };
        if let Some(place) = places.get(&row.external_id) {
            let person = &mut persons[*place];
            person.row.nickname = row.nickname.or(person.row.nickname.take());
            person.row.remark = row.remark.or(person.row.remark.take());
            person.row.language = row.language.or(person.row.language.take());
            person.row.subscribed_at = row.subscribed_at.or(person.row.subscribed_at);
            person.tags.extend(ids);
            person.index = index;
            result.updated += 1;
            continue;
        }
        places.insert(row.external_id.clone(), persons.len());
        persons.push(Person {
            row,
            index,
            known: None,
            ordinal: AtomicU32::new(0),
            taken: AtomicBool::new(false),
            tags: ids,
        });
    }
    persons
}

/// Finds who is known already. Where nobody's external id lies between the smallest and the largest of the
/// rows, as in a first import or a sorted file, one look is enough.
fn look_up(db: &Connection, account: AccountId, mut persons: Vec<Person>) -> StoreResult<Vec<Person>> {
    let ids = || persons.iter().map(|person| person.row.external_id.as_str());
    let (Some(first), Some(last)) = (ids().min(), ids().max()) else {
        return Ok(persons);
    };
    let any = db
        .prepare_cached("SELECT 1 FROM follower_external WHERE external_id BETWEEN ? AND ? LIMIT 1")?
        .exists(params![first, last])?;
    if any {
        let known = follower::by_external_ids(db, account, ids())?;
        for person in &mut persons {
            person.known = known.get(&person.row.external_id).copied();
        }
    }
    Ok(persons)
}

/// Drops persons who would carry more tags than a follower may.
fn with_few_tags(
    db: &Connection,
    account: AccountId,
    persons: Vec<Person>,
    limit: usize,
    result: &mut Imported,
) -> StoreResult<Vec<Person>> {
    let mut kept = Vec::with_capacity(persons.len());
    for person in persons {
        let mut tags: BTreeSet<TagId> = person.tags.iter().copied().collect();
        if let Some(known) = person.known.filter(|_| !tags.is_empty()) {
            tags.extend(sets::tags_of(db, account, known)?);
        }
        if tags.len() <= limit {
            kept.push(person);
        } else {
            let reason = format!("a follower would carry more than {limit} tags");
            result.refused.push((person.index, reason));
        }
    }
    result.refused.sort_unstable();
    Ok(kept)
}

/// Gives new persons their ordinals, in the order of the rows.
fn number(db: &Connection, account: AccountId, mut persons: Vec<Person>) -> StoreResult<Vec<Person>> {
    let fresh = persons.iter().filter(|person| person.known.is_none()).count();
    let mut next = if fresh == 0 {
        0
    } else {
        follower::take_ordinals(db, account, fresh)?.0
    };
    for person in &mut persons {
        let ordinal = person.known.unwrap_or_else(|| {
            next += 1;
            Ordinal(next - 1)
        });
        person.ordinal = AtomicU32::new(ordinal.0);
    }
    Ok(persons)
}

/// Writes the rows of new persons.
fn insert_rows(db: &Connection, account: AccountId, persons: &[Person], now: Timestamp) -> StoreResult<()> {
    follower::insert_rows(
        db,
        account,
        persons.iter().map(|person| (person.ordinal(), &person.row)),
        now,
    )
}

/// Writes what the rows of known persons say.
fn update_rows(db: &Connection, account: AccountId, persons: &[Person]) -> StoreResult<()> {
    persons
        .iter()
        .try_for_each(|person| follower::update_row(db, account, person.ordinal(), &person.row))
}

/// Names new persons. Who came under this external id since the look keeps the earlier ordinal and is
/// updated; the ordinal given here then stays nobody's.
fn name_persons(db: &Connection, account: AccountId, persons: &[Person]) -> StoreResult<()> {
    let names = persons
        .iter()
        .map(|person| (person.row.external_id.as_str(), person.ordinal()));
    for person in follower::insert_external_ids(db, account, names)?
        .into_iter()
        .filter_map(|place| persons.get(place))
    {
        if let Some(earlier) = follower::by_external_id(db, account, &person.row.external_id)? {
            follower::forget_row(db, account, person.ordinal())?;
            person.ordinal.store(earlier.0, Ordering::Relaxed);
            person.taken.store(true, Ordering::Relaxed);
            follower::update_row(db, account, earlier, &person.row)?;
        }
    }
    Ok(())
}

/// What changes in one block's sets: its followers and their tags, together, so that a tag never holds
/// somebody who does not follow.
#[derive(Default)]
struct BlockChange {
    subscribed: Vec<Ordinal>,
    tags: BTreeMap<TagId, Vec<Ordinal>>,
}

fn block_changes(persons: &[&Person]) -> Vec<BlockChange> {
    let mut changes: BTreeMap<BlockNo, BlockChange> = BTreeMap::new();
    for person in persons {
        let change = changes.entry(person.ordinal().block()).or_default();
        change.subscribed.push(person.ordinal());
        for tag in &person.tags {
            change.tags.entry(*tag).or_default().push(person.ordinal());
        }
    }
    changes.into_values().collect()
}

impl BlockChange {
    fn apply(&self, db: &Connection, account: AccountId, day: Day) -> StoreResult<()> {
        let gained = sets::change(db, account, SetKind::Subscribed, &self.subscribed, true)?;
        statistics::count_followers(db, account, day, gained, 0)?;
        for (tag, ordinals) in &self.tags {
            // Deleted since the import looked it up.
            if !tag::can_be_carried(db, account, *tag)? {
                continue;
            }
            sets::change(db, account, SetKind::Tag(*tag), ordinals, true)?;
        }
        Ok(())
    }
}
