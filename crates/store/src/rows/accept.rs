//! Accepting a mass: rules, quota, content and audience in one transaction (I1, I5, I6, I10, I12).

use crate::sql::{Column, Connection, Kind, OptionalExtension, params};
use domain::{
    account::Account,
    audience::Audience,
    block::Block,
    compat::Behaviour,
    content::{Content, StoredBlob},
    id::{AccountId, BlockNo, MESSAGE_ID_BASE, MassId, TagId},
    mass::{Accepted, CONFIRM_MS, NewMass, Origin, REPEAT_WINDOW_MS, Refusal, repeat_key},
    quota::{self, Charge, Usage},
    tag,
    time::Timestamp,
};

use super::{Shared, account, columns, content, media, original, seal, sets, usage};
use crate::{StoreResult, crash_point};

/// One block of a frozen audience.
pub(super) struct Target {
    pub(super) block: BlockNo,
    pub(super) count: u64,
    pub(super) bits: Vec<u8>,
}

/// An audience as it is now, and how many of a list were no followers.
pub(super) struct Frozen {
    pub(super) targets: Vec<Target>,
    pub(super) strangers: u64,
}

impl Frozen {
    /// `TotalCount`.
    pub(super) fn total(&self) -> u64 {
        self.targets.iter().map(|target| target.count).sum::<u64>() + self.strangers
    }
}

/// What a mass send would use and be, if it were accepted.
pub(super) struct Admission {
    pub(super) key: [u8; 32],
    pub(super) charge: Charge,
    /// Whether it would wait for the administrator.
    pub(super) waits: bool,
}

/// Accepts a mass, or writes nothing.
pub(super) fn accept(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    mass: &NewMass,
    now: Timestamp,
) -> StoreResult<Result<Accepted, Refusal>> {
    let Some(account) = account::by_id(db, shared, account)? else {
        return Err(columns::damaged("an account number"));
    };
    let mut usage = usage::load(db, shared, account.id, now)?;
    // Pace and confirmation follow the clock that the engine works by; everything else the account's latest time
    // (I14).
    let (base_time, now) = (now, usage.latest);
    // The content is only looked at here; it is frozen after every check has passed.
    let frozen = match examine(db, &account, mass, now)? {
        Ok(frozen) => frozen,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let admission = match admit(db, &account, mass, &mut usage)? {
        Ok(admission) => admission,
        Err(refusal) => return Ok(Err(refusal)),
    };
    usage::save(db, account.id, &usage)?;
    let id = take_id(db, account.id)?;
    let content =
        content::freeze(db, account.id, &mass.content, now)?.ok_or_else(|| columns::damaged("a material"))?;
    let row = NewRow {
        id,
        origin: mass.origin,
        content: &content,
        tag: audience_tag(&mass.audience),
        key: Some(admission.key),
        charge: admission.charge,
        total: frozen.total(),
        base_time,
        per_minute: mass.per_minute,
        state: 0,
        confirm_by: admission.waits.then(|| base_time.plus_ms(CONFIRM_MS)),
        ignore_reprint: mass.send_ignore_reprint,
    };
    insert_mass(db, account.id, &row, now)?;
    insert_batches(db, account.id, id, &frozen.targets)?;
    crash_point!("accept.written");
    // A site send without a key leaves the API's keys alone.
    if mass.origin == Origin::Api || mass.client_msg_id.is_some() {
        db.prepare_cached(
            "INSERT INTO repeat (account, key, mass, accepted_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (account, key) DO UPDATE SET mass = excluded.mass, accepted_at = excluded.accepted_at",
        )?
        .execute(params![account.id.0, admission.key, id.0, now.0])?;
    }
    let news = match content {
        Content::News(news) => Some(news),
        _ => None,
    };
    Ok(Ok(Accepted { id, news }))
}

/// The next `msg_id`.
pub(super) fn take_id(db: &Connection, account: AccountId) -> StoreResult<MassId> {
    sets::take_numbers(db, account, "mass", MESSAGE_ID_BASE + 1, 1).map(MassId)
}

/// Whether the content exists and may be sent, and who would get it (steps 6 and 7 of spec mass-send §8.3).
pub(super) fn examine(
    db: &Connection,
    account: &Account,
    mass: &NewMass,
    now: Timestamp,
) -> StoreResult<Result<Frozen, Refusal>> {
    if !content::exists(db, account.id, &mass.content, now)? {
        return Ok(Err(content::unknown(&mass.content)));
    }
    if !account.declare_original && original::declares(db, account.id, &mass.content)? {
        return Ok(Err(Refusal::OriginalNotAllowed));
    }
    freeze_audience(db, account.id, &mass.audience)
}

/// Steps 8 to 11 of spec mass-send §8.3; charges `usage`.
pub(super) fn admit(
    db: &Connection,
    account: &Account,
    mass: &NewMass,
    usage: &mut Usage,
) -> StoreResult<Result<Admission, Refusal>> {
    let admission = Admission {
        key: repeat_key(mass),
        charge: charge_of(mass),
        waits: needs_confirmation(account, mass),
    };
    if looks_back(account, mass)
        && let Some(earlier) = earlier(db, account.id, &admission.key, usage.latest)?
    {
        return Ok(Err(Refusal::Repeat { earlier }));
    }
    if !mass.ticket.within_day {
        return Ok(Err(Refusal::CallsUsedUp));
    }
    if let Err(refusal) = quota::charge(&account.quota, usage, admission.charge) {
        return Ok(Err(refusal.into()));
    }
    if admission.waits && one_waits(db, account.id)? {
        return Ok(Err(Refusal::ConfirmationPending));
    }
    Ok(Ok(admission))
}

/// Whether a repeat is refused: with a key always, without one as the account's settings and day say. An
/// operator's site asks its people instead.
fn looks_back(account: &Account, mass: &NewMass) -> bool {
    mass.client_msg_id.is_some()
        || (mass.origin == Origin::Api && account.repeat_check && account.has(Behaviour::RepeatCheck))
}

fn earlier(
    db: &Connection,
    account: AccountId,
    key: &[u8; 32],
    now: Timestamp,
) -> StoreResult<Option<MassId>> {
    let mut statement =
        db.prepare_cached("SELECT mass FROM repeat WHERE account = ? AND key = ? AND accepted_at > ?")?;
    let earlier: Option<i64> = statement
        .query_row(params![account.0, key, now.0 - REPEAT_WINDOW_MS], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(earlier.map(MassId))
}

/// API 群发保护 speaks of sends through the API to all followers (spec mass-send §14.6).
fn needs_confirmation(account: &Account, mass: &NewMass) -> bool {
    account.protect
        && account.has(Behaviour::Protection)
        && mass.origin == Origin::Api
        && mass.audience == Audience::All
}

fn one_waits(db: &Connection, account: AccountId) -> StoreResult<bool> {
    let mut statement = db.prepare_cached(
        // The plus keeps the planner on the index of the few that run.
        "SELECT 1 FROM mass WHERE state = 0 AND +account = ? AND confirm_by IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.exists([account.0])?)
}

fn charge_of(mass: &NewMass) -> Charge {
    let site = mass.origin == Origin::Site;
    Charge {
        api: !site,
        history: site || mass.audience == Audience::All,
    }
}

/// The tag that an audience is.
pub(super) fn audience_tag(audience: &Audience) -> Option<TagId> {
    match audience {
        Audience::Tag(tag) => Some(*tag),
        Audience::All | Audience::OpenIds(_) => None,
    }
}

/// The audience as it is now, in one statement and so in one snapshot (I5), and how many of a list were no
/// followers.
fn freeze_audience(
    db: &Connection,
    account: AccountId,
    audience: &Audience,
) -> StoreResult<Result<Frozen, Refusal>> {
    let targets = match audience {
        Audience::All => one_set(db, account, (0, 0))?,
        Audience::Tag(tag::UNTAGGED) => untagged(db, account)?,
        Audience::Tag(tag::BLACKLIST) => blacklisted(db, account)?,
        Audience::Tag(id) if *id == tag::STARRED || super::tag::exists(db, account, *id)? => {
            one_set(db, account, (4, id.0))?
        }
        Audience::Tag(_) => return Ok(Err(Refusal::TagUnknown)),
        Audience::OpenIds(list) => {
            let targets = listed(db, account, list.blocks())?;
            let following: u64 = targets.iter().map(|target| target.count).sum();
            if following == 0 {
                return Ok(Err(Refusal::NoReceiver));
            }
            let strangers = list.ordinals.len() as u64 - following + u64::from(list.strangers);
            return Ok(Ok(Frozen { targets, strangers }));
        }
    };
    Ok(Ok(Frozen {
        targets,
        strangers: 0,
    }))
}

fn one_set(db: &Connection, account: AccountId, (kind, id): (i64, i64)) -> StoreResult<Vec<Target>> {
    let mut statement = db.prepare_cached(
        "SELECT block, cardinality, bits FROM block_set
         WHERE account = ? AND kind = ? AND id = ? AND cardinality > 0 ORDER BY block",
    )?;
    let targets = statement.query_map(params![account.0, kind, id], |row| {
        Ok(Target {
            block: BlockNo(row.get(0)?),
            count: row.get(1)?,
            bits: row.get(2)?,
        })
    })?;
    Ok(targets.collect::<Result<_, _>>()?)
}

/// Followers without any tag.
pub(super) fn untagged(db: &Connection, account: AccountId) -> StoreResult<Vec<Target>> {
    let mut statement = db.prepare_cached(
        "SELECT block, kind, bits FROM block_set
         WHERE account = ?1 AND (kind = 0 OR (kind = 4 AND id IN
             (SELECT 2 UNION ALL SELECT id FROM tag WHERE account = ?1)))
         ORDER BY block, kind",
    )?;
    let mut rows = statement.query([account.0])?;
    let mut sets: Vec<(BlockNo, Block)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (block, kind): (u32, i64) = (row.get(0)?, row.get(1)?);
        let set = Block::decode(row.blob(2)?)?;
        match sets.last_mut() {
            Some((last, remaining)) if last.0 == block && kind == 4 => remaining.subtract(&set),
            _ if kind == 0 => sets.push((BlockNo(block), set)),
            _ => {}
        }
    }
    Ok(sets
        .into_iter()
        .filter_map(|(block, set)| target(block, &set))
        .collect())
}

/// The blacklist under its old group number: those of it who follow.
pub(super) fn blacklisted(db: &Connection, account: AccountId) -> StoreResult<Vec<Target>> {
    let mut statement = db.prepare_cached(
        "SELECT listed.block, listed.bits, subscribed.bits FROM block_set AS listed
         JOIN block_set AS subscribed ON subscribed.account = listed.account AND subscribed.kind = 0
             AND subscribed.id = 0 AND subscribed.block = listed.block
         WHERE listed.account = ? AND listed.kind = 1 AND listed.id = 0 ORDER BY listed.block",
    )?;
    let mut rows = statement.query([account.0])?;
    let mut targets = Vec::new();
    while let Some(row) = rows.next()? {
        let mut set = Block::decode(row.blob(1)?)?;
        set.intersect(&Block::decode(row.blob(2)?)?);
        targets.extend(target(BlockNo(row.get(0)?), &set));
    }
    Ok(targets)
}

fn listed(
    db: &Connection,
    account: AccountId,
    mut blocks: std::collections::BTreeMap<BlockNo, Block>,
) -> StoreResult<Vec<Target>> {
    let numbers: Vec<u32> = blocks.keys().map(|block| block.0).collect();
    let mut statement = db.prepare_cached(
        "SELECT block, bits FROM block_set
         WHERE account = ? AND kind = 0 AND id = 0 AND block IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) ORDER BY block",
    )?;
    let mut rows = statement.query(params![account.0, serde_json::to_string(&numbers)?])?;
    let mut targets = Vec::new();
    while let Some(row) = rows.next()? {
        let block = BlockNo(row.get(0)?);
        let subscribed = Block::decode(row.blob(1)?)?;
        if let Some(mut set) = blocks.remove(&block) {
            set.intersect(&subscribed);
            targets.extend(target(block, &set));
        }
    }
    Ok(targets)
}

fn target(block: BlockNo, set: &Block) -> Option<Target> {
    let count = set.count();
    (count > 0).then(|| Target {
        block,
        count: u64::from(count),
        bits: set.encode(),
    })
}

const BATCH_COLUMNS: [Column; 5] = [
    ("account", Kind::Integer),
    ("mass", Kind::Integer),
    ("block", Kind::Integer),
    ("before", Kind::Integer),
    ("target", Kind::Blob),
];

fn insert_batches(db: &Connection, account: AccountId, mass: MassId, targets: &[Target]) -> StoreResult<()> {
    let mut before = 0;
    let mut rows = Vec::with_capacity(targets.len());
    for target in targets {
        rows.push(vec![
            account.0.into(),
            mass.0.into(),
            target.block.0.into(),
            before.into(),
            target.bits.as_slice().into(),
        ]);
        before += i64::try_from(target.count).unwrap_or(i64::MAX);
    }
    db.insert_many("batch", &BATCH_COLUMNS, "", &rows)?;
    Ok(())
}

/// What is written of a new mass or preview.
pub(super) struct NewRow<'a> {
    pub(super) id: MassId,
    pub(super) origin: Origin,
    pub(super) content: &'a Content,
    pub(super) tag: Option<TagId>,
    pub(super) key: Option<[u8; 32]>,
    pub(super) charge: Charge,
    pub(super) total: u64,
    pub(super) base_time: Timestamp,
    pub(super) per_minute: Option<u32>,
    pub(super) state: i64,
    pub(super) confirm_by: Option<Timestamp>,
    pub(super) ignore_reprint: bool,
}

/// Writes the row of a mass or preview.
pub(super) fn insert_mass(
    db: &Connection,
    account: AccountId,
    row: &NewRow<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    let columns = columns::content_columns(row.content)?;
    db.prepare_cached(
        "INSERT INTO mass (account, id, origin, state, refused, type, text, description, blob, blob_type,
             blob_length, news, pictures, audience_tag, repeat_key, charged_api, charged_history, accepted_at,
             total, delivered, over_quota, blacklisted, opted_out, left_since, seal, base_count, base_time, per_minute,
             checked, confirm_by, ignore_reprint)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             0, 0, 0, 0, 0, 0, 0, ?19, ?20, ?21, ?22, ?23)",
    )?
    .execute(params![
        account.0,
        row.id.0,
        origin_number(row.origin),
        row.state,
        row.content.message_type().word(),
        columns.text,
        columns.description,
        columns.blob.map(|blob| &blob.id.0),
        columns.blob.map(|blob| &blob.content_type),
        columns.blob.map(|blob| blob.length),
        columns.news,
        columns.pictures,
        row.tag.map(|tag| tag.0),
        row.key,
        row.charge.api,
        row.charge.history,
        now.0,
        row.total,
        row.base_time.0,
        row.per_minute,
        row.state != 0,
        row.confirm_by.map(|at| at.0),
        row.ignore_reprint,
    ])?;
    seal::mass(db, account, row.id)?;
    for blob in blobs(row.content) {
        media::use_blob(db, account, &blob.id, &format!("mass:{}", row.id))?;
    }
    Ok(())
}

/// The bytes that a message itself holds; an article's belong to its news.
fn blobs(content: &Content) -> &[StoredBlob] {
    match content {
        Content::Image { pictures, .. } => pictures,
        Content::Voice(blob) | Content::Music(blob) | Content::Video { blob, .. } => {
            std::slice::from_ref(blob)
        }
        Content::Text(_) | Content::News(_) | Content::Card { .. } => &[],
    }
}

/// The number of an origin in its column.
pub(super) fn origin_number(origin: Origin) -> i64 {
    match origin {
        Origin::Api => 0,
        Origin::Site => 1,
        Origin::Preview => 2,
    }
}
