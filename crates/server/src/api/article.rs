//! News and videos made ready for sending: `uploadnews`, `uploadvideo` (spec mass-send §6 and §7).

use axum::extract::State;
use domain::{
    account::Account,
    article::{self, ArticleDraft, DIGEST_DEFAULT_NEWS, LinkPolicy},
    call::CountedCall,
    content::{MaterialKind, News, NewsArticle, StoredBlob},
    id::{AccountId, MediaId},
    link::{Link, LinkKind},
    time::Timestamp,
};
use store::media::NewMedia;
use url::Url;
use wire::{
    article::{UploadNews, UploadVideo},
    errcode::ErrCode,
    field::{Field, Flag},
    media::UploadAnswer,
};

use crate::{
    api::{
        body::{ARTICLES_MAX, Wire},
        caller::VerifiedCaller,
        error::{Answer, ApiError, ApiResult},
        media::{expiry, new_media_id},
    },
    app::App,
};

/// Articles of one news, at most (45008).
const ARTICLE_COUNT_MAX: usize = 8;

/// `POST /cgi-bin/media/uploadnews`: one to eight articles, kept for three days.
pub async fn upload_news(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<UploadNews, ARTICLES_MAX>,
) -> ApiResult<UploadAnswer> {
    app.store
        .count(account.id, CountedCall::NewsUpload, app.now())
        .await??;
    let articles = request
        .into_articles()
        .required_or(ErrCode::EmptyNewsData, ErrCode::InvalidArgsSize)?;
    if articles.is_empty() {
        return Err(ErrCode::EmptyNewsData.into());
    }
    if articles.len() > ARTICLE_COUNT_MAX {
        return Err(ErrCode::ArticleCountOutOfLimit.into());
    }
    let now = app.now();
    let mut news = News {
        articles: Vec::with_capacity(articles.len()),
    };
    for article in articles {
        news.articles
            .push(news_article(&app, &account, article, now).await?);
    }
    let id = new_media_id(&app);
    app.store
        .add_news(account.id, id.clone(), news, Some(expiry(now)), now)
        .await?;
    Ok(Answer(UploadAnswer::new("news", &id.0, now.seconds())))
}

/// `POST /cgi-bin/media/uploadvideo`: an uploaded video with its texts, under a new id.
pub async fn upload_video(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<UploadVideo>,
) -> ApiResult<UploadAnswer> {
    let now = app.now();
    let source = MediaId(request.media_id.required(ErrCode::InvalidMediaId)?);
    let source = app
        .store
        .media(account.id, &source, now)
        .await?
        .ok_or(ErrCode::InvalidMediaId)?
        .media;
    if source.kind != MaterialKind::Video {
        return Err(ErrCode::InvalidMediaId.into());
    }
    let title = text(request.title)?;
    let description = text(request.description)?;
    article::check_video_text(&title, &description)?;
    let id = new_media_id(&app);
    let video = NewMedia {
        id: id.clone(),
        kind: MaterialKind::MassVideo,
        title,
        description,
        ..source
    };
    app.store.add_media(account.id, video, now).await?;
    Ok(Answer(UploadAnswer::new("video", &id.0, now.seconds())))
}

/// One article after its rules, in the order of the table of spec mass-send §6: the cover comes first.
async fn news_article(
    app: &App,
    account: &Account,
    article: wire::article::Article,
    now: Timestamp,
) -> Result<NewsArticle, ApiError> {
    let cover_media = MediaId(article.thumb_media_id.clone().required(ErrCode::InvalidMediaId)?);
    let cover = cover(app, account.id, &cover_media, now).await?;
    let draft = draft(article)?;
    let (app, account_id, any_link) = (app.clone(), account.id, account.pay_enabled);
    let prepared = tokio::task::spawn_blocking(move || {
        let policy = LinkPolicy {
            any_link,
            own_image: &|address| is_own_image(&app, account_id, address),
            own_article: &|address| is_own_article(&app, address),
        };
        article::prepare(&draft, DIGEST_DEFAULT_NEWS, &policy)
    });
    let article = prepared.await.map_err(|_| ErrCode::SystemError)??;
    Ok(NewsArticle {
        article,
        cover_media,
        cover,
    })
}

async fn cover(app: &App, account: AccountId, id: &MediaId, now: Timestamp) -> Result<StoredBlob, ApiError> {
    let found = app
        .store
        .media(account, id, now)
        .await?
        .ok_or(ErrCode::InvalidMediaId)?
        .media;
    match found.kind {
        MaterialKind::Thumb | MaterialKind::Image => Ok(found.blob),
        MaterialKind::Voice | MaterialKind::Video | MaterialKind::MassVideo => {
            Err(ErrCode::InvalidMediaId.into())
        }
    }
}

fn draft(article: wire::article::Article) -> Result<ArticleDraft, ApiError> {
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

/// A text that may be absent; 40035 when it is something else.
fn text(field: Field<String>) -> Result<String, ApiError> {
    Ok(field.or_malformed(ErrCode::InvalidArgsSize)?.unwrap_or_default())
}

/// Whether an address is a picture that this account got from `uploadimg`.
fn is_own_image(app: &App, account: AccountId, address: &str) -> bool {
    let segment = |segments: &[String]| match segments {
        [folder, link, _size] if folder.starts_with("mmbiz_") => Some(link.clone()),
        _ => None,
    };
    let link = own_link(app, address, segment);
    link.is_some_and(|link| link.kind == LinkKind::Image && link.account == account)
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
