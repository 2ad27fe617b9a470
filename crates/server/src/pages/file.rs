//! Bytes behind sealed links: pictures of articles, covers, the media of messages (SEC9).
//!
//! What a link names never changes, so answers may be kept for ever; types are those found in the bytes at
//! upload, and nothing is ever run in this origin.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{
    content::{Content, StoredBlob},
    id::{ImageId, MassId, NewsId},
    link::{Link, LinkKind},
    mass::MassState,
};
use store::StoreResult;

use crate::{
    app::App,
    pages::{notice, page::has_already, picture},
    v1::problem::Problem,
};

/// `GET /mmbiz_png/{link}/{size}`: the original bytes for `0` and for every width that pages do not use (reading 15).
pub async fn picture(
    State(app): State<App>,
    Path((link, size)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let link = app.links.open(&link).filter(|link| link.kind == LinkKind::Image);
    serve(&app, link, picture::asked_width(&size), &headers).await
}

/// `GET /media/{link}`: a cover, a message's medium, an uploaded video.
pub async fn media(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let link = app.links.open(&link).filter(|link| link.kind != LinkKind::Image);
    serve(&app, link, None, &headers).await
}

/// `GET /media/{link}/{size}`: the same at a width, where it is a picture.
pub async fn sized_media(
    State(app): State<App>,
    Path((link, size)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let link = app.links.open(&link).filter(|link| link.kind != LinkKind::Image);
    serve(&app, link, picture::asked_width(&size), &headers).await
}

async fn serve(app: &App, link: Option<Link>, width: Option<u16>, headers: &HeaderMap) -> Response {
    let Some(link) = link else {
        return notice::missing(app, headers);
    };
    match load(app, link, width).await {
        Ok(Some(found)) => file(link.kind, found, headers),
        Ok(None) => notice::missing(app, headers),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// What a link leads to.
struct File {
    bytes: Bytes,
    content_type: String,
    etag: String,
}

async fn load(app: &App, link: Link, width: Option<u16>) -> StoreResult<Option<File>> {
    let Some(blob) = find(app, link).await? else {
        return Ok(None);
    };
    let scaled = match width {
        Some(width) => picture::scaled(app, &blob, width)
            .await?
            .map(|bytes| (bytes, width)),
        None => None,
    };
    if let Some((bytes, width)) = scaled {
        return Ok(Some(File {
            bytes,
            content_type: blob.content_type,
            etag: format!("\"{}-{width}\"", blob.id),
        }));
    }
    let bytes = app.blobs.get(app.store.as_ref(), &blob.id).await?;
    Ok(bytes.map(|bytes| File {
        bytes,
        content_type: blob.content_type,
        etag: format!("\"{}\"", blob.id),
    }))
}

async fn find(app: &App, link: Link) -> StoreResult<Option<StoredBlob>> {
    let number = i64::try_from(link.number).unwrap_or_default();
    match link.kind {
        LinkKind::Image => app.store.image(link.account, ImageId(number)).await,
        // A cover belongs to the card, which stays when the page is deleted (S102).
        LinkKind::Cover => {
            let news = app.store.frozen_news(link.account, NewsId(number)).await?;
            let news = news.filter(|news| !news.recalled);
            let place = usize::from(link.index).checked_sub(1);
            Ok(news
                .zip(place)
                .and_then(|(news, place)| news.news.articles.get(place).map(|article| article.cover.clone())))
        }
        LinkKind::Media => {
            let found = app.store.media_by_serial(link.account, number, app.now()).await?;
            Ok(found.map(|found| found.media.blob))
        }
        LinkKind::MessageMedia => of_message(app, link, MassId(number)).await,
        LinkKind::Article
        | LinkKind::PreviewArticle
        | LinkKind::Entry
        | LinkKind::Video
        | LinkKind::Publication => Ok(None),
    }
}

async fn of_message(app: &App, link: Link, id: MassId) -> StoreResult<Option<StoredBlob>> {
    let mass = match app.store.mass(link.account, id).await? {
        Some(mass) => Some(mass),
        None => app.store.preview(link.account, id).await?,
    };
    let mass = mass.filter(|mass| mass.state != MassState::Deleted && mass.recalled_at.is_none());
    Ok(mass.and_then(|mass| match mass.content {
        Content::Image { mut pictures, .. } => {
            let place = usize::from(link.index);
            (place < pictures.len()).then(|| pictures.swap_remove(place))
        }
        Content::Voice(blob) | Content::Music(blob) | Content::Video { blob, .. } => Some(blob),
        Content::Text(_) | Content::News(_) | Content::Card { .. } => None,
    }))
}

fn file(kind: LinkKind, found: File, headers: &HeaderMap) -> Response {
    let File {
        bytes,
        content_type,
        etag,
    } = found;
    let length = bytes.len();
    let (status, part, range) = if has_already(headers, &etag) {
        (StatusCode::NOT_MODIFIED, Bytes::new(), None)
    } else {
        match asked_range(headers, &etag, length) {
            Asked::Whole => (StatusCode::OK, bytes, None),
            Asked::Part(start, end) => (
                StatusCode::PARTIAL_CONTENT,
                bytes.slice(start..=end),
                Some(format!("bytes {start}-{end}/{length}")),
            ),
            Asked::Outside => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                Bytes::new(),
                Some(format!("bytes */{length}")),
            ),
        }
    };
    // A message can be deleted and a card recalled; everything else stays what it is.
    let caching = match kind {
        LinkKind::MessageMedia | LinkKind::Media | LinkKind::Cover => "private, no-cache",
        _ => "public, max-age=31536000, immutable",
    };
    let mut response = Response::new(Body::from(part));
    *response.status_mut() = status;
    let fields = [
        (header::CONTENT_TYPE, Some(content_type.as_str())),
        (header::ETAG, Some(etag.as_str())),
        (header::CACHE_CONTROL, Some(caching)),
        (header::ACCEPT_RANGES, Some("bytes")),
        (header::CONTENT_RANGE, range.as_deref()),
        (header::X_CONTENT_TYPE_OPTIONS, Some("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            Some("default-src 'none'; sandbox"),
        ),
    ];
    for (name, value) in fields {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    /// First and last byte.
    Part(usize, usize),
    Outside,
}

/// One range; several at once, what is no range, and a range of another file (`If-Range`), get the whole file (RFC
/// 9110 §13.1.5, §14.2).
fn asked_range(headers: &HeaderMap, etag: &str, length: usize) -> Asked {
    if headers.get(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Asked::Whole;
    }
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((start, end)) = range
        .and_then(|range| range.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let asked = match (start.trim().parse::<usize>(), end.trim()) {
        (Ok(start), "") => Some((start, length.saturating_sub(1))),
        (Ok(start), end) => end
            .parse()
            .ok()
            .filter(|end| *end >= start)
            .map(|end: usize| (start, end.min(length.saturating_sub(1)))),
        (Err(_), last) if start.trim().is_empty() => match last.parse::<usize>() {
            Ok(0) => return Asked::Outside,
            Ok(last) => Some((length.saturating_sub(last), length.saturating_sub(1))),
            Err(_) => None,
        },
        (Err(_), _) => None,
    };
    match asked {
        None => Asked::Whole,
        Some((start, end)) if start < length && start <= end => Asked::Part(start, end),
        Some(_) => Asked::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &'static str, expected: Asked) {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        assert_eq!(asked_range(&headers, "\"a\"", 10), expected, "{range}");
    }

    #[test]
    fn one_range_is_served_and_the_rest_is_the_whole_file() {
        check("bytes=0-3", Asked::Part(0, 3));
        check("bytes=4-", Asked::Part(4, 9));
        check("bytes=-3", Asked::Part(7, 9));
        check("bytes=-99", Asked::Part(0, 9));
        check("bytes=9-99", Asked::Part(9, 9));
        check("bytes=10-", Asked::Outside);
        check("bytes=-0", Asked::Outside);
        check("bytes=5-4", Asked::Whole);
        check("bytes=0-1,3-4", Asked::Whole);
        check("bytes=x-y", Asked::Whole);
        check("lines=0-1", Asked::Whole);
        assert_eq!(asked_range(&HeaderMap::new(), "\"a\"", 10), Asked::Whole);
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-"))]);
        assert_eq!(asked_range(&headers, "\"a\"", 0), Asked::Outside);
    }

    #[test]
    fn a_part_is_only_joined_to_the_same_file() {
        for (known, expected) in [("\"a\"", Asked::Part(0, 3)), ("\"b\"", Asked::Whole)] {
            let headers = HeaderMap::from_iter([
                (header::RANGE, HeaderValue::from_static("bytes=0-3")),
                (header::IF_RANGE, HeaderValue::from_static(known)),
            ]);
            assert_eq!(asked_range(&headers, "\"a\"", 10), expected);
        }
    }
}
