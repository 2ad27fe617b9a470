//! `/s/{link}`: the page of an article, of a preview's article, or of a video.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use domain::{
    account::Account,
    content::{Content, NewsArticle},
    id::{MassId, NewsId},
    link::{Link, LinkKind},
    mass::{Mass, MassState},
    statistics::{ArticleNo, Read},
};
use store::{StoreResult, comment::PageComment, media::FrozenNews, original::ArticleKey, vault};
use url::Url;

use crate::{
    app::App,
    pages::{
        furniture::{self, AccountCard, Furniture},
        notice::{self, Notice},
        page::{self, ArticlePage, CommentBlock, Cover, Sibling, VideoPage},
        picture::{self, Picture},
        reprint::{self, Shown},
    },
    v1::{problem::Problem, request::bearer},
};

/// How long the page of a preview lives (spec mass-send §10).
const PREVIEW_MS: i64 = 12 * 3_600 * 1_000;

/// What a link leads to.
enum Found {
    Page(Response),
    Notice(Notice),
}

/// `GET /s/{link}`. The load of a sent article counts as read; a reader who wants to be counted as a person sends
/// the inbox token with it, which is nowhere in the address, so that the address is the same for everybody (S29).
pub async fn page(
    State(app): State<App>,
    Path(link): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Some(link) = app.links.open(&link) else {
        return notice::missing(&app, &headers);
    };
    match show(&app, link, &headers).await {
        Ok(Found::Page(response)) => {
            if link.kind == LinkKind::Article && method == Method::GET {
                count_read(&app, link, &headers).await;
            }
            response
        }
        Ok(Found::Notice(notice)) => match app.store.account_by_id(link.account).await {
            Ok(account) => notice::answer(&app, &headers, notice, account.as_ref()),
            Err(error) => Problem::from(error).into_response(),
        },
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn show(app: &App, link: Link, headers: &HeaderMap) -> StoreResult<Found> {
    let Some(account) = app.store.account_by_id(link.account).await? else {
        return Ok(Found::Notice(notice::MISSING));
    };
    let number = i64::try_from(link.number).unwrap_or_default();
    match link.kind {
        LinkKind::Article => match app.store.frozen_news(link.account, NewsId(number)).await? {
            Some(news) if news.published => article(app, &account, link, &news, headers).await,
            Some(news) if news.waiting => Ok(Found::Notice(notice::WAITING)),
            Some(news) if news.recalled => Ok(Found::Notice(notice::RECALLED)),
            Some(_) | None => Ok(Found::Notice(notice::MISSING)),
        },
        LinkKind::PreviewArticle => preview(app, &account, link, headers).await,
        LinkKind::Video => video(app, &account, link, headers).await,
        LinkKind::Image
        | LinkKind::Cover
        | LinkKind::MessageMedia
        | LinkKind::Media
        | LinkKind::Entry
        | LinkKind::Publication => Ok(Found::Notice(notice::MISSING)),
    }
}

/// Takes a note of a read; a failure to find out who reads is no failure of the page.
async fn count_read(app: &App, link: Link, headers: &HeaderMap) {
    let now = app.now();
    let reader = match bearer(headers) {
        Some(token) => app.store.inbox_reader(vault::digest(token), now).await,
        None => Ok(None),
    };
    let reader = match reader {
        Ok(reader) => reader.and_then(|reader| reader.membership(link.account)),
        Err(error) => {
            tracing::warn!(%error, "a reader was not looked up");
            None
        }
    };
    let read = Read {
        article: number_of(link),
        reader: reader.map(|of| of.ordinal),
        loaded: true,
    };
    app.count_read(link.account, read);
}

fn number_of(link: Link) -> ArticleNo {
    ArticleNo {
        news: NewsId(i64::try_from(link.number).unwrap_or_default()),
        index: link.index,
    }
}

async fn preview(app: &App, account: &Account, link: Link, headers: &HeaderMap) -> StoreResult<Found> {
    let id = MassId(i64::try_from(link.number).unwrap_or_default());
    let Some(mass) = app.store.preview(link.account, id).await? else {
        return Ok(Found::Notice(notice::MISSING));
    };
    if is_over(app, &mass) {
        return Ok(Found::Notice(notice::EXPIRED));
    }
    let Content::News(news) = mass.content else {
        return Ok(Found::Notice(notice::MISSING));
    };
    match app.store.frozen_news(link.account, news).await? {
        Some(news) => article(app, account, link, &news, headers).await,
        None => Ok(Found::Notice(notice::MISSING)),
    }
}

fn is_over(app: &App, preview: &Mass) -> bool {
    app.now().ms_since(preview.accepted_at) >= PREVIEW_MS
}

async fn article(
    app: &App,
    account: &Account,
    link: Link,
    news: &FrozenNews,
    headers: &HeaderMap,
) -> StoreResult<Found> {
    let place = usize::from(link.index).checked_sub(1);
    let Some((place, found)) = place.and_then(|place| Some(place).zip(news.news.articles.get(place))) else {
        return Ok(Found::Notice(notice::MISSING));
    };
    if is_deleted(news, place) {
        return Ok(Found::Notice(notice::DELETED));
    }
    let preview = link.kind == LinkKind::PreviewArticle;
    let text = &found.article;
    let shown = match preview {
        true => reprint::of_preview(app, account, news.id, link.index).await?,
        false => reprint::of_sent(app, key_of(link, news.id)).await?,
    };
    let (original, reprinted) = match shown {
        Shown::Own => (None, None),
        Shown::Named(source) => (None, Some(source)),
        Shown::Original { body, source } => (Some(body), Some(source)),
        Shown::Gone => return Ok(Found::Notice(notice::DELETED)),
    };
    let furniture = Furniture::of(headers);
    let cover_path = format!(
        "/media/{}",
        app.link(LinkKind::Cover, link.account, news.id.0, link.index)
    );
    let share_image = app.public(&cover_path);
    let cover = match text.show_cover_pic {
        true => Some(cover(app, found, cover_path).await?),
        false => None,
    };
    let comments = match preview {
        true => None,
        false => app.store.elected_comments(link.account, number_of(link)).await?,
    };
    let body = original.as_ref().unwrap_or(&text.content);
    let page = ArticlePage {
        furniture,
        account: AccountCard::of(account),
        language: furniture::language(&text.title),
        title: &text.title,
        author: &text.author,
        when: furniture::when(app, furniture, news.published_at.unwrap_or(news.created_at)),
        digest: &text.digest,
        address: address(app, link),
        share_image,
        body: picture::dress(app, body, cover.is_none()).await?,
        cover,
        source: &text.content_source_url,
        source_host: host(&text.content_source_url),
        siblings: siblings(app, link, news),
        comments: comments.map(|comments| {
            comments
                .into_iter()
                .map(|one| block(app, furniture, one))
                .collect()
        }),
        preview,
        reprinted,
    };
    Ok(Found::Page(page::render(app, headers, &page)))
}

fn is_deleted(news: &FrozenNews, place: usize) -> bool {
    news.deleted.get(place).copied().unwrap_or(false)
}

async fn cover(app: &App, article: &NewsArticle, path: String) -> StoreResult<Cover> {
    let size = picture::size(app, Picture::Blob(article.cover.id.clone())).await?;
    Ok(Cover {
        // A card's picture is shown as wide as the column.
        url: format!("{path}/1280"),
        size,
    })
}

/// The other articles of the news that still stand.
fn siblings(app: &App, link: Link, news: &FrozenNews) -> Vec<Sibling> {
    let places = news.news.articles.iter().zip(1_u8..).enumerate();
    places
        .filter(|(place, (_, index))| *index != link.index && !is_deleted(news, *place))
        .map(|(_, (other, index))| Sibling {
            title: other.article.title.clone(),
            url: format!("/s/{}", app.links.seal(Link { index, ..link })),
        })
        .collect()
}

/// The canonical address of a page.
fn address(app: &App, link: Link) -> String {
    app.public(&format!("/s/{}", app.links.seal(link)))
}

/// The host of an address, as browsers show it.
fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

fn key_of(link: Link, news: NewsId) -> ArticleKey {
    ArticleKey {
        account: link.account,
        news,
        article: link.index,
    }
}

fn block(app: &App, furniture: Furniture, comment: PageComment) -> CommentBlock {
    CommentBlock {
        letter: furniture::letter(&comment.nickname),
        shade: furniture::shade(&comment.nickname),
        nickname: comment.nickname,
        when: furniture::when(app, furniture, comment.comment.created_at),
        content: comment.comment.content,
        reply: comment.comment.reply.map(|reply| reply.content),
    }
}

async fn video(app: &App, account: &Account, link: Link, headers: &HeaderMap) -> StoreResult<Found> {
    let id = MassId(i64::try_from(link.number).unwrap_or_default());
    let (mass, preview) = match app.store.mass(link.account, id).await? {
        Some(mass) => (mass, false),
        None => match app.store.preview(link.account, id).await? {
            Some(preview) if is_over(app, &preview) => return Ok(Found::Notice(notice::EXPIRED)),
            Some(preview) => (preview, true),
            None => return Ok(Found::Notice(notice::MISSING)),
        },
    };
    match mass.state {
        _ if mass.recalled_at.is_some() => return Ok(Found::Notice(notice::RECALLED)),
        MassState::Deleted => return Ok(Found::Notice(notice::DELETED)),
        MassState::Failed | MassState::Refused(_) => return Ok(Found::Notice(notice::MISSING)),
        MassState::Sending if mass.confirm_by.is_some() => return Ok(Found::Notice(notice::WAITING)),
        MassState::Sending | MassState::Succeeded => {}
    }
    let Content::Video {
        title, description, ..
    } = &mass.content
    else {
        return Ok(Found::Notice(notice::MISSING));
    };
    let furniture = Furniture::of(headers);
    let media = app.link(LinkKind::MessageMedia, link.account, id.0, 0);
    let page = VideoPage {
        furniture,
        account: AccountCard::of(account),
        language: furniture::language(title),
        title,
        description,
        when: furniture::when(app, furniture, mass.accepted_at),
        address: address(app, link),
        source: app.public(&format!("/media/{media}")),
        preview,
    };
    Ok(Found::Page(page::render(app, headers, &page)))
}
