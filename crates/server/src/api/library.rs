//! What materials, drafts and publications share: pages of lists, and articles as they are given back.

use domain::{
    content::{News, NewsArticle},
    id::{AccountId, MediaId, NewsId},
    library::{Page, Shelf},
    link::LinkKind,
};
use store::library::KeptNews;
use wire::{
    article::ImageInfo,
    errcode::ErrCode,
    field::{Field, Flag},
    library::{BatchGet, NewsAnswer, NewsContent, NewsEntry, NewsItem, OneArticle, UpdateNews},
    media::MediaRef,
};

use crate::{
    api::{error::ApiError, media::picture_url},
    app::App,
};

/// News, and the number under which their pages are or will be.
pub struct Numbered<'a> {
    /// Whose.
    pub account: AccountId,
    /// The articles.
    pub news: &'a News,
    /// `msg_data_id`.
    pub number: NewsId,
    /// Whether the type of each article is told: not among materials, which are all of one.
    pub typed: bool,
    /// Which articles were deleted, in order; of published news only.
    pub deleted: Option<&'a [bool]>,
}

/// The articles as they are given back, with or without their bodies.
pub fn news_items(app: &App, news: &Numbered<'_>, bodies: bool) -> Vec<NewsItem> {
    (1_u8..)
        .zip(&news.news.articles)
        .map(|(index, article)| item(app, news, index, article, bodies))
        .collect()
}

fn item(app: &App, news: &Numbered<'_>, index: u8, from: &NewsArticle, body: bool) -> NewsItem {
    let (account, number) = (news.account, news.number);
    let place = usize::from(index) - 1;
    let is_deleted = |deleted: &[bool]| deleted.get(place).copied().unwrap_or(false);
    let text = &from.article;
    let thumb_url = match from.cover_image {
        Some(image) => picture_url(app, account, image, &from.cover.content_type),
        None => app.public(&format!(
            "/media/{}",
            app.link(LinkKind::Cover, account, number.0, index)
        )),
    };
    let content = match &from.gallery {
        Some(gallery) => &gallery.text,
        None => &text.content,
    };
    NewsItem {
        article_type: news.typed.then(|| from.article_type().to_owned()),
        title: text.title.clone(),
        author: text.author.clone(),
        digest: text.digest.clone(),
        content: body.then(|| content.clone()),
        content_source_url: text.content_source_url.clone(),
        thumb_media_id: from.cover_media.0.clone(),
        show_cover_pic: u8::from(text.show_cover_pic),
        url: article_url(app, account, number, index),
        thumb_url,
        need_open_comment: u8::from(text.need_open_comment),
        only_fans_can_comment: u8::from(text.only_fans_can_comment),
        image_info: from.gallery.as_ref().map(|gallery| {
            let ids = gallery.pictures.iter().map(|picture| picture.0.clone());
            ImageInfo::new(ids)
        }),
        is_deleted: news.deleted.map(is_deleted),
    }
}

/// The page of an article, once its news is sent or published.
pub fn article_url(app: &App, account: AccountId, number: NewsId, index: u8) -> String {
    app.public(&format!(
        "/s/{}",
        app.link(LinkKind::Article, account, number.0, index)
    ))
}

/// A kept news in full.
pub fn news_answer(app: &App, (account, shelf): (AccountId, Shelf), kept: &KeptNews) -> NewsAnswer {
    NewsAnswer {
        news_item: news_items(app, &numbered(account, shelf, kept), true),
        create_time: kept.created_at.seconds(),
        update_time: kept.updated_at.seconds(),
    }
}

/// A kept news in a list.
pub fn news_entry(
    app: &App,
    (account, shelf): (AccountId, Shelf),
    kept: &KeptNews,
    bodies: bool,
) -> NewsEntry {
    NewsEntry {
        media_id: kept.id.0.clone(),
        content: NewsContent {
            news_item: news_items(app, &numbered(account, shelf, kept), bodies),
        },
        update_time: kept.updated_at.seconds(),
    }
}

fn numbered(account: AccountId, shelf: Shelf, kept: &KeptNews) -> Numbered<'_> {
    Numbered {
        account,
        news: &kept.news,
        number: kept.number,
        typed: shelf == Shelf::Draft,
        deleted: None,
    }
}

/// The page that was asked for, and whether with bodies; 45076 when it is none.
pub fn page(request: &BatchGet) -> Result<(Page, bool), ApiError> {
    let offset = request.offset.or_malformed(ErrCode::InvalidCount)?.unwrap_or(0);
    let count = request.count.required(ErrCode::InvalidCount)?;
    let page = Page::new(offset, count).ok_or(ErrCode::InvalidCount)?;
    let no_content = request.no_content.or_malformed(ErrCode::InvalidArgsSize)?;
    Ok((page, !no_content.is_some_and(|Flag(on)| on)))
}

/// The id in a body that has nothing else: 41006 without one, 40007 when it cannot be one.
pub fn media_id(request: MediaRef) -> Result<MediaId, ApiError> {
    let id = request
        .media_id
        .required_or(ErrCode::MediaIdMissing, ErrCode::InvalidMediaId)?;
    Ok(MediaId(id))
}

/// Which article of which news is to be replaced, and by what (accounts §4.2).
pub fn replacement(request: UpdateNews) -> Result<(MediaId, usize, wire::article::Article), ApiError> {
    let id = media_id(MediaRef {
        media_id: request.media_id,
    })?;
    let index = request
        .index
        .or_malformed(ErrCode::InvalidIndexValue)?
        .unwrap_or(0);
    let index = usize::try_from(index).map_err(|_| ErrCode::InvalidIndexValue)?;
    let article = match request.articles {
        Field::Present(OneArticle(article)) => article,
        Field::Absent => return Err(ErrCode::EmptyNewsData.into()),
        Field::Malformed => return Err(ErrCode::InvalidArgsSize.into()),
    };
    Ok((id, index, article))
}
