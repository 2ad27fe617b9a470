//! From the articles of a request to those that are stored.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use domain::{
    account::Account,
    article::{
        self, Article, ArticleDraft, ArticleRefusal, DIGEST_DEFAULT_DRAFT, DIGEST_DEFAULT_NEWS, LinkPolicy,
    },
    content::{MaterialKind, News, NewsArticle},
    id::{AccountId, BlobId, ImageId, MediaId},
    link::{Link, LinkKind},
    time::Timestamp,
};
use store::media::NewMedia;
use url::Url;
use wire::{
    article::UploadNews,
    errcode::ErrCode,
    field::{Field, Flag},
};

use crate::{
    api::{article::gallery, error::ApiError},
    app::App,
};

/// Articles of one news, at most (45008).
const ARTICLE_COUNT_MAX: usize = 8;

/// What news are made for; the rules differ a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// `uploadnews`: any cover will do.
    ForThreeDays,
    /// `add_news`: covers must be permanent (accounts §4.1).
    ForTheLibrary,
    /// `draft/add`: covers must be permanent, and a digest that is made is shorter (accounts §5).
    Draft,
}

impl Making {
    fn digest_default(self) -> usize {
        match self {
            Making::ForThreeDays | Making::ForTheLibrary => DIGEST_DEFAULT_NEWS,
            Making::Draft => DIGEST_DEFAULT_DRAFT,
        }
    }

    /// Whether an article is a series of pictures; only drafts tell, and only two types are known.
    fn is_gallery(self, article: &wire::article::Article) -> Result<bool, ApiError> {
        let kind = article.article_type.as_ref().map(String::as_str);
        match (self, kind) {
            (Making::ForThreeDays | Making::ForTheLibrary, _)
            | (Making::Draft, Field::Absent | Field::Present("news")) => Ok(false),
            (Making::Draft, Field::Present("newspic")) => Ok(true),
            (Making::Draft, Field::Present(_) | Field::Malformed) => Err(ErrCode::ArgumentInvalid.into()),
        }
    }

    fn takes_cover(self, cover: &NewMedia) -> bool {
        matches!(cover.kind, MaterialKind::Thumb | MaterialKind::Image)
            && (self == Making::ForThreeDays || cover.expires_at.is_none())
    }
}

/// One to eight articles after their rules.
pub async fn news(
    app: &App,
    account: &Account,
    request: UploadNews,
    making: Making,
    now: Timestamp,
) -> Result<News, ApiError> {
    let articles = request
        .into_articles()
        .required_or(ErrCode::EmptyNewsData, ErrCode::InvalidArgsSize)?;
    if articles.is_empty() {
        return Err(ErrCode::EmptyNewsData.into());
    }
    if articles.len() > ARTICLE_COUNT_MAX {
        return Err(ErrCode::ArticleCountOutOfLimit.into());
    }
    let mut news = News {
        articles: Vec::with_capacity(articles.len()),
    };
    for article in articles {
        news.articles
            .push(news_article(app, account, article, making, now).await?);
    }
    Ok(news)
}

/// One article after its rules, in the order of the table of spec mass-send §6: the cover comes first.
pub async fn news_article(
    app: &App,
    account: &Account,
    article: wire::article::Article,
    making: Making,
    now: Timestamp,
) -> Result<NewsArticle, ApiError> {
    if making.is_gallery(&article)? {
        return gallery::article(app, account, article).await;
    }
    let cover_media = MediaId(article.thumb_media_id.clone().required(ErrCode::InvalidMediaId)?);
    let cover = app
        .store
        .media(account.id, &cover_media, now)
        .await?
        .map(|found| found.media)
        .filter(|found| making.takes_cover(found))
        .ok_or(ErrCode::InvalidMediaId)?;
    let cover_image = app.store.material(account.id, &cover_media).await?;
    let (article, pictures) = prepare(app, account, draft(article)?, making.digest_default()).await?;
    Ok(NewsArticle {
        article,
        cover_media,
        cover: cover.blob,
        cover_image: cover_image.and_then(|found| found.image),
        pictures,
        gallery: None,
    })
}

/// Applies the rules; also the bytes of the own pictures in the body. A picture whose bytes are gone is treated
/// like a foreign one.
pub(super) async fn prepare(
    app: &App,
    account: &Account,
    draft: ArticleDraft,
    digest_default: usize,
) -> Result<(Article, Vec<BlobId>), ApiError> {
    let draft = Arc::new(draft);
    let mut gone = BTreeSet::new();
    loop {
        let (article, images) =
            apply_rules(app, account, draft.clone(), digest_default, gone.clone()).await?;
        let mut pictures = Vec::with_capacity(images.len());
        let known = gone.len();
        for image in images {
            match app.store.image(account.id, image).await? {
                Some(blob) => pictures.push(blob.id),
                None => {
                    gone.insert(image);
                }
            }
        }
        if gone.len() == known {
            return Ok((article, pictures));
        }
    }
}

/// The article after its rules and the own pictures in it, on a thread that may take its time.
async fn apply_rules(
    app: &App,
    account: &Account,
    draft: Arc<ArticleDraft>,
    digest_default: usize,
    gone: BTreeSet<ImageId>,
) -> Result<(Article, BTreeSet<ImageId>), ApiError> {
    let (in_thread, account_id, any_link) = (app.clone(), account.id, account.pay_enabled);
    let prepared = tokio::task::spawn_blocking(move || {
        let images = RefCell::new(BTreeSet::new());
        let policy = LinkPolicy {
            any_link,
            own_image: &|address| {
                let image = own_image(&in_thread, account_id, address).filter(|image| !gone.contains(image));
                images.borrow_mut().extend(image);
                image.is_some()
            },
            own_article: &|address| is_own_article(&in_thread, address),
        };
        let article = article::prepare(&draft, digest_default, &policy)?;
        Ok::<_, ArticleRefusal>((article, images.into_inner()))
    });
    Ok(prepared.await.map_err(|_| ErrCode::SystemError)??)
}

pub(super) fn draft(article: wire::article::Article) -> Result<ArticleDraft, ApiError> {
    let flag = |field: Field<Flag>| {
        field
            .or_malformed(ErrCode::InvalidArgsSize)
            .map(|flag| flag.is_some_and(|Flag(on)| on))
    };
    Ok(ArticleDraft {
        title: text(article.title)?,
        author: text(article.author)?,
        content: text(article.content)?,
        content_source_url: text(article.content_source_url)?,
        digest: article.digest.or_malformed(ErrCode::InvalidArgsSize)?,
        show_cover_pic: flag(article.show_cover_pic)?,
        need_open_comment: flag(article.need_open_comment)?,
        only_fans_can_comment: flag(article.only_fans_can_comment)?,
    })
}

/// The picture of this account, from `uploadimg` or `add_material`, that has this address.
fn own_image(app: &App, account: AccountId, address: &str) -> Option<ImageId> {
    let segment = |segments: &[String]| match segments {
        [folder, link, _size] if folder.starts_with("mmbiz_") => Some(link.clone()),
        _ => None,
    };
    let link = own_link(app, address, segment)?;
    let number = i64::try_from(link.number).ok()?;
    (link.kind == LinkKind::Image && link.account == account).then_some(ImageId(number))
}

/// Whether an address is the page of an article on this server, whichever account's.
fn is_own_article(app: &App, address: &str) -> bool {
    let segment = |segments: &[String]| match segments {
        [folder, link] if folder == "s" => Some(link.clone()),
        _ => None,
    };
    own_link(app, address, segment).is_some_and(|link| link.kind == LinkKind::Article)
}

/// The link in an address on the public host of this server: a link alone, on a foreign host, proves nothing
/// about what that host serves (SEC8).
fn own_link(app: &App, address: &str, pick: impl Fn(&[String]) -> Option<String>) -> Option<Link> {
    let base = Url::parse(&app.settings.public_url).ok()?;
    let url = base.join(address).ok()?;
    let web = matches!(url.scheme(), "http" | "https");
    if !web || url.host() != base.host() || url.port() != base.port() {
        return None;
    }
    let segments: Vec<String> = url
        .path_segments()?
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    app.links.open(&pick(&segments)?)
}

/// A text that may be absent; 40035 when it is something else.
pub fn text(field: Field<String>) -> Result<String, ApiError> {
    Ok(field.or_malformed(ErrCode::InvalidArgsSize)?.unwrap_or_default())
}
