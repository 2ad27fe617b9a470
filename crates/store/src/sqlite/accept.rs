//! Accepting a mass: rules, quota, content and audience in one transaction (I1, I5, I6, I10, I12).

use domain::{
    account::Account,
    audience::Audience,
    block::Block,
    content::{Content, MaterialKind, NewContent},
    id::{AccountId, BlockNo, MESSAGE_ID_BASE, MassId, MediaId, NewsId, TagId},
    mass::{Accepted, NewMass, Origin, REPEAT_WINDOW_MS, Refusal, repeat_key},
    quota::{self, Charge, Usage},
    tag,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Shared, account, media, rows, sets, usage};
use crate::StoreResult;

/// One block of a frozen audience.
pub(super) struct Target {
    pub(super) block: BlockNo,
    pub(super) count: u64,
    pub(super) bits: Vec<u8>,
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
        return Err(rows::damaged("an account number"));
    };
    let mut usage = usage::load(db, shared, account.id, now)?;
    // The pace follows the clock that the engine works by; everything else the account's latest time (I14).
    let (base_time, now) = (now, usage.latest);
    // The content is only looked at here; it is frozen after every check has passed.
    if !content_exists(db, account.id, &mass.content, now)? {
        return Ok(Err(Refusal::MediaUnknown));
    }
    let (targets, strangers) = match freeze_audience(db, account.id, &mass.audience)? {
        Ok(frozen) => frozen,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let charge = charge_of(mass);
    let key = repeat_key(mass);
    if let Err(refusal) = admit(db, &account, mass, &key, charge, &mut usage)? {
        return Ok(Err(refusal));
    }
    usage::save(db, account.id, &usage)?;
    let id = MassId(sets::take_numbers(
        db,
        account.id,
        "mass",
        MESSAGE_ID_BASE + 1,
        1,
    )?);
    let content =
        freeze_content(db, account.id, &mass.content, now)?.ok_or_else(|| rows::damaged("a material"))?;
    let total = targets.iter().map(|target| target.count).sum::<u64>() + strangers;
    insert_mass(
        db,
        account.id,
        &NewRow {
            id,
            origin: mass.origin,
            content: &content,
            tag: audience_tag(&mass.audience),
            key: Some(key),
            charge,
            total,
            base_time,
            per_minute: mass.per_minute,
            state: 0,
        },
        now,
    )?;
    insert_batches(db, account.id, id, &targets)?;
    db.prepare_cached("INSERT OR REPLACE INTO repeat (account, key, mass, accepted_at) VALUES (?, ?, ?, ?)")?
        .execute(params![account.id.0, key, id.0, now.0])?;
    let news = match content {
        Content::News(news) => Some(news),
        _ => None,
    };
    Ok(Ok(Accepted { id, news }))
}

fn admit(
    db: &Connection,
    account: &Account,
    mass: &NewMass,
    key: &[u8; 32],
    charge: Charge,
    usage: &mut Usage,
) -> StoreResult<Result<(), Refusal>> {
    if account.repeat_check || mass.client_msg_id.is_some() {
        let earlier: Option<i64> = db
            .prepare_cached("SELECT mass FROM repeat WHERE account = ? AND key = ? AND accepted_at > ?")?
            .query_row(
                params![account.id.0, key, usage.latest.0 - REPEAT_WINDOW_MS],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(earlier) = earlier {
            return Ok(Err(Refusal::Repeat {
                earlier: MassId(earlier),
            }));
        }
    }
    if !mass.ticket.within_day {
        return Ok(Err(Refusal::CallsUsedUp));
    }
    Ok(quota::charge(&account.quota, usage, charge).map_err(Refusal::from))
}

fn charge_of(mass: &NewMass) -> Charge {
    let site = mass.origin == Origin::Site;
    Charge {
        api: !site,
        history: site || mass.audience == Audience::All,
    }
}

fn audience_tag(audience: &Audience) -> Option<TagId> {
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
) -> StoreResult<Result<(Vec<Target>, u64), Refusal>> {
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
            return Ok(Ok((targets, strangers)));
        }
    };
    Ok(Ok((targets, 0)))
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
        let set = Block::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
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
        let mut set = Block::decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        set.intersect(&Block::decode(
            row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?,
        )?);
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
         WHERE account = ? AND kind = 0 AND id = 0 AND block IN (SELECT value FROM json_each(?)) ORDER BY block",
    )?;
    let mut rows = statement.query(params![account.0, serde_json::to_string(&numbers)?])?;
    let mut targets = Vec::new();
    while let Some(row) = rows.next()? {
        let block = BlockNo(row.get(0)?);
        let subscribed = Block::decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
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

fn insert_batches(db: &Connection, account: AccountId, mass: MassId, targets: &[Target]) -> StoreResult<()> {
    let mut statement =
        db.prepare_cached("INSERT INTO batch (account, mass, block, before, target) VALUES (?, ?, ?, ?, ?)")?;
    let mut before = 0;
    for target in targets {
        statement.execute(params![account.0, mass.0, target.block.0, before, target.bits])?;
        before += target.count;
    }
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
}

/// Writes the row of a mass or preview.
pub(super) fn insert_mass(
    db: &Connection,
    account: AccountId,
    row: &NewRow<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    let none = String::new();
    let (text, description, blob, news) = match row.content {
        Content::Text(text) => (text, &none, None, None),
        Content::Image(blob) | Content::Voice(blob) | Content::Music(blob) => {
            (&none, &none, Some(blob), None)
        }
        Content::Video {
            blob,
            title,
            description,
        } => (title, description, Some(blob), None),
        Content::News(news) => (&none, &none, None, Some(news.0)),
    };
    db.prepare_cached(
        "INSERT INTO mass (account, id, origin, state, refused, type, text, description, blob, blob_type,
             blob_length, news, audience_tag, repeat_key, charged_api, charged_history, accepted_at, total,
             delivered, over_quota, blacklisted, opted_out, left_since, base_count, base_time, per_minute)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             0, 0, 0, 0, 0, 0, ?18, ?19)",
    )?
    .execute(params![
        account.0,
        row.id.0,
        origin_number(row.origin),
        row.state,
        row.content.message_type().word(),
        text,
        description,
        blob.map(|blob| &blob.id.0),
        blob.map(|blob| &blob.content_type),
        blob.map(|blob| blob.length),
        news,
        row.tag.map(|tag| tag.0),
        row.key,
        row.charge.api,
        row.charge.history,
        now.0,
        row.total,
        row.base_time.0,
        row.per_minute,
    ])?;
    if let Some(blob) = blob {
        media::use_blob(db, account, &blob.id, &format!("mass:{}", row.id))?;
    }
    Ok(())
}

/// The number of an origin in its column.
pub(super) fn origin_number(origin: Origin) -> i64 {
    match origin {
        Origin::Api => 0,
        Origin::Site => 1,
        Origin::Preview => 2,
    }
}

/// Whether everything that `content` names exists and is of the right kind.
pub(super) fn content_exists(
    db: &Connection,
    account: AccountId,
    content: &NewContent,
    now: Timestamp,
) -> StoreResult<bool> {
    match content {
        NewContent::Text(_) => Ok(true),
        NewContent::News(id) => Ok(media::news_by_id(db, account, id, now)?.is_some()),
        NewContent::NewsAgain(id) => news_exists(db, account, *id),
        NewContent::Image(id)
        | NewContent::Voice(id)
        | NewContent::Music(id)
        | NewContent::Video { media: id, .. } => Ok(material(db, account, id, content, now)?.is_some()),
    }
}

/// The content as it is now, for ever (I6); `None` when something it names does not exist.
pub(super) fn freeze_content(
    db: &Connection,
    account: AccountId,
    content: &NewContent,
    now: Timestamp,
) -> StoreResult<Option<Content>> {
    let frozen = match content {
        NewContent::Text(text) => Some(Content::Text(text.clone())),
        NewContent::News(id) => match media::news_by_id(db, account, id, now)? {
            Some((news, digest)) => Some(Content::News(media::freeze_news(
                db, account, id, &news, &digest, now,
            )?)),
            None => None,
        },
        NewContent::NewsAgain(id) => news_exists(db, account, *id)?.then_some(Content::News(*id)),
        NewContent::Image(id) => {
            material(db, account, id, content, now)?.map(|media| Content::Image(media.blob))
        }
        NewContent::Voice(id) => {
            material(db, account, id, content, now)?.map(|media| Content::Voice(media.blob))
        }
        NewContent::Music(id) => {
            material(db, account, id, content, now)?.map(|media| Content::Music(media.blob))
        }
        NewContent::Video {
            media: id,
            title,
            description,
        } => material(db, account, id, content, now)?.map(|media| Content::Video {
            title: if title.is_empty() {
                media.title
            } else {
                title.clone()
            },
            description: if description.is_empty() {
                media.description
            } else {
                description.clone()
            },
            blob: media.blob,
        }),
    };
    Ok(frozen)
}

fn news_exists(db: &Connection, account: AccountId, id: NewsId) -> StoreResult<bool> {
    let mut statement = db.prepare_cached("SELECT 1 FROM frozen_news WHERE account = ? AND id = ?")?;
    Ok(statement.exists(params![account.0, id.0])?)
}

fn material(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
    content: &NewContent,
    now: Timestamp,
) -> StoreResult<Option<crate::media::NewMedia>> {
    use MaterialKind::{Image, MassVideo, Thumb, Video, Voice};
    let found = media::by_id(db, account, id, now)?;
    Ok(found.map(|media| media.media).filter(|media| {
        matches!(
            (content, media.kind),
            (NewContent::Image(_), Image | Thumb)
                | (NewContent::Voice(_) | NewContent::Music(_), Voice)
                | (NewContent::Video { .. }, MassVideo | Video)
        )
    }))
}
