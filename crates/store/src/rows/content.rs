//! What a mass is to carry: whether it exists, and as it is at acceptance (I6).

use crate::sql::{Connection, params};
use domain::{
    content::{Content, MaterialKind, NewContent},
    id::{AccountId, MediaId, NewsId},
    mass::Refusal,
    time::Timestamp,
};

use super::{card, media};
use crate::StoreResult;

/// Whether everything that `content` names exists and is of the right kind.
pub(super) fn exists(
    db: &Connection,
    account: AccountId,
    content: &NewContent,
    now: Timestamp,
) -> StoreResult<bool> {
    match content {
        NewContent::Text(_) => Ok(true),
        NewContent::News(id) => media::news_exists(db, account, id, now),
        NewContent::NewsAgain(id) => news_exists(db, account, *id),
        NewContent::Image { media, .. } => {
            for id in media {
                if material(db, account, id, content, now)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        NewContent::Voice(id) | NewContent::Music(id) | NewContent::Video { media: id, .. } => {
            Ok(material(db, account, id, content, now)?.is_some())
        }
        NewContent::Card(id) => Ok(card::title(db, account, id)?.is_some()),
    }
}

/// The content as it is now, for ever (I6); `None` when something it names does not exist.
pub(super) fn freeze(
    db: &Connection,
    account: AccountId,
    content: &NewContent,
    now: Timestamp,
) -> StoreResult<Option<Content>> {
    let blob = |id: &MediaId| material(db, account, id, content, now);
    let frozen = match content {
        NewContent::Text(text) => Some(Content::Text(text.clone())),
        NewContent::News(id) => match media::news_by_id(db, account, id, now)? {
            Some((news, digest)) => Some(Content::News(media::freeze_news(
                db, account, id, &news, &digest, now,
            )?)),
            None => None,
        },
        NewContent::NewsAgain(id) => news_exists(db, account, *id)?.then_some(Content::News(*id)),
        NewContent::Image { media, caption } => {
            let mut pictures = Vec::new();
            for id in media {
                match blob(id)? {
                    Some(media) => pictures.push(media.blob),
                    None => return Ok(None),
                }
            }
            Some(Content::Image {
                pictures,
                caption: caption.clone(),
            })
        }
        NewContent::Voice(id) => blob(id)?.map(|media| Content::Voice(media.blob)),
        NewContent::Music(id) => blob(id)?.map(|media| Content::Music(media.blob)),
        NewContent::Video {
            media: id,
            title,
            description,
        } => blob(id)?.map(|media| Content::Video {
            title: Some(title.clone())
                .filter(|title| !title.is_empty())
                .unwrap_or(media.title),
            description: Some(description.clone())
                .filter(|description| !description.is_empty())
                .unwrap_or(media.description),
            blob: media.blob,
        }),
        NewContent::Card(id) => card::title(db, account, id)?.map(|title| Content::Card {
            id: id.clone(),
            title,
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
            (NewContent::Image { .. }, Image | Thumb)
                | (NewContent::Voice(_) | NewContent::Music(_), Voice)
                | (NewContent::Video { .. }, MassVideo | Video)
        )
    }))
}

/// The refusal of content that does not exist.
pub(super) fn unknown(content: &NewContent) -> Refusal {
    match content {
        NewContent::Card(_) => Refusal::CardUnknown,
        _ => Refusal::MediaUnknown,
    }
}
