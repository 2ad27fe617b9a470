//! How large pictures are, and their smaller forms, as far as this process knows them.
//!
//! Both follow from the bytes alone, which never change under their name: nothing here can be outdated, and what is
//! forgotten is found out again. So there is no row and no file of it; readers' browsers keep what they got for ever.

use std::sync::Arc;

use bytes::Bytes;
use domain::{
    article::pictures::{picture_addresses, rewrite_pictures},
    content::StoredBlob,
    id::{AccountId, BlobId, ImageId},
    link::{Link, LinkKind},
    media::scale::{self, PictureSize},
};
use futures::{StreamExt, TryStreamExt, stream};
use moka::sync::Cache;
use store::{StoreError, StoreResult};
use tokio::sync::Semaphore;
use url::Url;

use crate::app::App;

/// Pictures whose size is known at a time; about 100 bytes each.
const SIZES_MAX: u64 = 100_000;
/// Bytes of smaller forms that are kept.
const SCALED_BYTES_MAX: u64 = 64 << 20;
/// Pictures made smaller at a time; each may take 128 MiB (SEC9).
const AT_ONCE: usize = 2;
/// Pictures of one page that are looked up at a time.
const LOOKED_UP: usize = 8;
/// The column in which articles stand, for the browser's choice of a form.
const COLUMN: &str = "(max-width: 42rem) calc(100vw - 2.25rem), 36rem";

/// What this process knows of pictures.
pub struct Pictures {
    sizes: Cache<Picture, PictureSize>,
    /// `None` where the picture itself is the answer.
    scaled: Cache<(BlobId, u16), Option<Bytes>>,
    places: Arc<Semaphore>,
}

/// A picture by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Picture {
    /// In the body of an article.
    Image(AccountId, ImageId),
    /// By its bytes.
    Blob(BlobId),
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            sizes: Cache::new(SIZES_MAX),
            scaled: Cache::builder()
                .max_capacity(SCALED_BYTES_MAX)
                .weigher(|_, scaled: &Option<Bytes>| {
                    let length = scaled.as_ref().map_or(0, Bytes::len);
                    u32::try_from(length + 128).unwrap_or(u32::MAX)
                })
                .build(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// The width that the last part of a picture's address asks for; `None` for the original (reading 15).
pub fn asked_width(text: &str) -> Option<u16> {
    let width = text.parse().ok()?;
    scale::WIDTHS.contains(&width).then_some(width)
}

/// The picture at this width; `None` when its own bytes are the answer, or gone.
pub async fn scaled(app: &App, blob: &StoredBlob, width: u16) -> StoreResult<Option<Bytes>> {
    let pictures = app.pictures();
    let key = (blob.id.clone(), width);
    if let Some(known) = pictures.scaled.get(&key) {
        return Ok(known);
    }
    let place = pictures.places.clone().acquire_owned().await;
    // Who waited here finds what the one before made.
    if let Some(known) = pictures.scaled.get(&key) {
        return Ok(known);
    }
    let Some(bytes) = app.blobs.get(app.store.as_ref(), &blob.id).await? else {
        return Ok(None);
    };
    let made = tokio::task::spawn_blocking(move || {
        let _place = place;
        scale::scaled_picture(&bytes, width).map(Bytes::from)
    });
    let made = made.await.map_err(|error| StoreError::Blob(error.to_string()))?;
    pictures.scaled.insert(key, made.clone());
    Ok(made)
}

/// How large a picture is; `None` for one that is gone or none.
pub async fn size(app: &App, picture: Picture) -> StoreResult<Option<PictureSize>> {
    let sizes = &app.pictures().sizes;
    if let Some(known) = sizes.get(&picture) {
        return Ok(Some(known));
    }
    let blob = match &picture {
        Picture::Image(account, image) => app.store.image(*account, *image).await?.map(|blob| blob.id),
        Picture::Blob(blob) => Some(blob.clone()),
    };
    let bytes = match blob {
        Some(blob) => app.blobs.get(app.store.as_ref(), &blob).await?,
        None => None,
    };
    let found = bytes.and_then(|bytes| scale::picture_size(&bytes));
    if let Some(size) = found {
        sizes.insert(picture, size);
    }
    Ok(found)
}

/// A body with its pictures as a page shows them: each with its size, so that nothing jumps while they load, and in
/// forms to choose from; all but the first wait until they come near. `first` says that nothing stands above it.
pub async fn dress(app: &App, body: &str, first: bool) -> StoreResult<String> {
    let pictures: Vec<Option<Own>> = picture_addresses(body)
        .iter()
        .map(|address| own(app, address))
        .collect();
    let names: Vec<Option<Picture>> = pictures
        .iter()
        .map(|picture| picture.as_ref().map(|own| name(own.link)))
        .collect();
    let sizes: Vec<Option<PictureSize>> = stream::iter(names)
        .map(|name| async move {
            match name {
                Some(name) => size(app, name).await,
                None => Ok(None),
            }
        })
        .buffered(LOOKED_UP)
        .try_collect()
        .await?;
    let mut known = pictures.into_iter().zip(sizes).enumerate();
    Ok(rewrite_pictures(body, &mut |attributes| {
        let Some((place, (picture, size))) = known.next() else {
            return;
        };
        let has = |name: &str| attributes.iter().any(|(known, _)| *known == name);
        let sized = has("width") || has("height");
        if !has("alt") {
            attributes.push(("alt", "".into()));
        }
        if let Some(size) = size.filter(|_| !sized) {
            attributes.push(("width", size.width.to_string().into()));
            attributes.push(("height", size.height.to_string().into()));
        }
        let base = picture.and_then(|own| own.base);
        if let Some(forms) = base.zip(size).and_then(|(base, size)| choice(&base, size)) {
            attributes.push(("srcset", forms.into()));
            attributes.push(("sizes", COLUMN.into()));
        }
        match place == 0 && first {
            true => attributes.push(("fetchpriority", "high".into())),
            false => attributes.push(("loading", "lazy".into())),
        }
        attributes.push(("decoding", "async".into()));
    }))
}

fn name(link: Link) -> Picture {
    Picture::Image(
        link.account,
        ImageId(i64::try_from(link.number).unwrap_or_default()),
    )
}

/// An own picture in a body.
#[derive(Clone)]
struct Own {
    link: Link,
    /// What its forms' addresses begin with; moving pictures and bitmaps have no forms.
    base: Option<String>,
}

/// The own picture that an address in a body names, on whatever host it was written.
fn own(app: &App, address: &str) -> Option<Own> {
    let base = Url::parse(&app.settings.public_url).ok()?;
    let url = base.join(address).ok()?;
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let (folder, sealed) = (parts.next()?, parts.next()?);
    let link = app
        .links
        .open(sealed)
        .filter(|link| link.kind == LinkKind::Image)?;
    Some(Own {
        link,
        base: matches!(folder, "mmbiz_jpg" | "mmbiz_png").then(|| format!("/{folder}/{sealed}")),
    })
}

/// The forms among which a browser chooses, of a picture this large whose forms lie under `base`; `None` for one that is
/// small enough already.
fn choice(base: &str, size: PictureSize) -> Option<String> {
    let narrower = scale::WIDTHS
        .into_iter()
        .filter(|width| u32::from(*width) < size.width);
    let mut forms: Vec<String> = narrower.map(|width| format!("{base}/{width} {width}w")).collect();
    // No reader's column is wider than the widest form; below that the original is one choice more.
    if forms.len() < scale::WIDTHS.len() {
        forms.push(format!("{base}/0 {}w", size.width));
    }
    (forms.len() > 1).then(|| forms.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_widths_of_pages_are_made() {
        assert_eq!(
            ["0", "640", "641", "320", "65536", "-1", "x", ""].map(asked_width),
            [None, Some(640), None, Some(320), None, None, None, None]
        );
    }

    #[test]
    fn a_browser_chooses_among_narrower_forms_and_the_original() {
        let choice = |width| choice("/p", PictureSize { width, height: 100 });
        assert_eq!(choice(320), None);
        assert_eq!(
            choice(900).as_deref(),
            Some("/p/320 320w, /p/640 640w, /p/0 900w")
        );
        assert_eq!(
            choice(4000).as_deref(),
            Some("/p/320 320w, /p/640 640w, /p/960 960w, /p/1280 1280w")
        );
    }
}
