//! Articles of the type `newspic` in drafts: one to twenty pictures and a plain text (spec accounts §5).
//!
//! They are kept as articles whose body is the text and the pictures, so that everything that shows articles
//! shows them; beside it stands what was handed in, to be given back.

use domain::{
    account::Account,
    article::{self, ArticleDraft, DIGEST_DEFAULT_DRAFT},
    content::{Gallery, NewsArticle},
    id::MediaId,
    library::{GALLERY_PICTURES_MAX, MaterialList},
};
use store::library::Material;
use wire::errcode::ErrCode;

use crate::{
    api::{
        article::making::{draft, prepare},
        error::ApiError,
        media::picture_url,
    },
    app::App,
};

/// A series of pictures as an article; the first is its cover.
pub(super) async fn article(
    app: &App,
    account: &Account,
    mut article: wire::article::Article,
) -> Result<NewsArticle, ApiError> {
    let ids = picture_ids(std::mem::take(&mut article.image_info))?;
    let mut materials = Vec::with_capacity(ids.len());
    for id in &ids {
        materials.push(picture(app, account, id).await?);
    }
    let given = draft(article)?;
    let mut content = article::paragraphs(&given.content);
    for (_, url) in &materials {
        content.push_str(&format!("<p><img src=\"{url}\"></p>"));
    }
    let text = given.content.clone();
    let body = ArticleDraft { content, ..given };
    let (article, pictures) = prepare(app, account, body, DIGEST_DEFAULT_DRAFT).await?;
    let (cover, _) = materials.into_iter().next().ok_or(ErrCode::InvalidImageCount)?;
    Ok(NewsArticle {
        article,
        cover_media: cover.media.media.id,
        cover: cover.media.media.blob,
        cover_image: cover.image,
        pictures,
        gallery: Some(Gallery { text, pictures: ids }),
    })
}

fn picture_ids(info: wire::field::Field<wire::article::ImageInfo>) -> Result<Vec<MediaId>, ApiError> {
    let list = info.required(ErrCode::InvalidImageCount)?.image_list;
    let list = list.required(ErrCode::InvalidImageCount)?;
    if list.is_empty() || list.len() > GALLERY_PICTURES_MAX {
        return Err(ErrCode::InvalidImageCount.into());
    }
    let id = |image: wire::article::ImageRef| image.image_media_id.required(ErrCode::InvalidMediaId);
    Ok(list
        .into_iter()
        .map(|image| id(image).map(MediaId))
        .collect::<Result<_, _>>()?)
}

/// A permanent picture and its address.
async fn picture(app: &App, account: &Account, id: &MediaId) -> Result<(Material, String), ApiError> {
    let found = app.store.material(account.id, id).await?;
    let found = found
        .filter(|found| MaterialList::of(found.media.media.kind) == Some(MaterialList::Image))
        .ok_or(ErrCode::InvalidMediaId)?;
    let image = found.image.ok_or(ErrCode::InvalidMediaId)?;
    let url = picture_url(app, account.id, image, &found.media.media.blob.content_type);
    Ok((found, url))
}
