//! `/s/{link}`: the page of an article, of a preview's article, or of a video.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use domain::{
    content::Content,
    id::{MassId, NewsId},
    link::{Link, LinkKind},
    mass::{Mass, MassState},
    statistics::{ArticleNo, Read},
};
use store::{StoreResult, comment::PageComment, media::FrozenNews, original::ArticleKey, vault};

use crate::{
    app::App,
    pages::{
        page::{self, ArticlePage, CommentBlock, Furniture, VideoPage},
        reprint::{self, Shown},
    },
    v1::{problem::Problem, request::bearer},
};

/// How long the page of a preview lives (spec mass-send §10).
const PREVIEW_MS: i64 = 12 * 3_600 * 1_000;

/// What a link leads to.
enum Found {
    Page(Response),
    Deleted,
    Nothing,
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
        return page::missing(&app, &headers);
    };
    match find(&app, link, &headers).await {
        Ok(Found::Page(response)) => {
            if link.kind == LinkKind::Article && method == Method::GET {
                count_read(&app, link, &headers).await;
            }
            response
        }
        Ok(Found::Deleted) => page::deleted(&app, &headers),
        Ok(Found::Nothing) => page::missing(&app, &headers),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn find(app: &App, link: Link, headers: &HeaderMap) -> StoreResult<Found> {
    let number = i64::try_from(link.number).unwrap_or_default();
    match link.kind {
        LinkKind::Article => {
            let news = app.store.frozen_news(link.account, NewsId(number)).await?;
            match news {
                Some(news) if news.published => article(app, link, &news, false, headers).await,
                Some(news) if news.recalled => Ok(Found::Deleted),
                Some(_) | None => Ok(Found::Nothing),
            }
        }
        LinkKind::PreviewArticle => preview(app, link, MassId(number), headers).await,
        LinkKind::Video => video(app, link, MassId(number), headers).await,
        LinkKind::Image
        | LinkKind::Cover
        | LinkKind::MessageMedia
        | LinkKind::Media
        | LinkKind::Entry
        | LinkKind::Publication => Ok(Found::Nothing),
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
    app.store.note_read(link.account, read, now);
}

fn number_of(link: Link) -> ArticleNo {
    ArticleNo {
        news: NewsId(i64::try_from(link.number).unwrap_or_default()),
        index: link.index,
    }
}

async fn preview(app: &App, link: Link, id: MassId, headers: &HeaderMap) -> StoreResult<Found> {
    let Some(mass) = app.store.preview(link.account, id).await? else {
        return Ok(Found::Nothing);
    };
    if is_over(app, &mass) {
        return Ok(Found::Nothing);
    }
    let Content::News(news) = mass.content else {
        return Ok(Found::Nothing);
    };
    match app.store.frozen_news(link.account, news).await? {
        Some(news) => article(app, link, &news, true, headers).await,
        None => Ok(Found::Nothing),
    }
}

fn is_over(app: &App, preview: &Mass) -> bool {
    app.now().ms_since(preview.accepted_at) >= PREVIEW_MS
}

async fn article(
    app: &App,
    link: Link,
    news: &FrozenNews,
    preview: bool,
    headers: &HeaderMap,
) -> StoreResult<Found> {
    let Some(place) = usize::from(link.index).checked_sub(1) else {
        return Ok(Found::Nothing);
    };
    let Some(found) = news.news.articles.get(place) else {
        return Ok(Found::Nothing);
    };
    if news.deleted.get(place).copied().unwrap_or(false) {
        return Ok(Found::Deleted);
    }
    let account = app.store.account_by_id(link.account).await?;
    let text = &found.article;
    let shown = match (&account, preview) {
        (Some(account), true) => reprint::of_preview(app, account, news.id, link.index).await?,
        _ => reprint::of_sent(app, key_of(link, news.id)).await?,
    };
    let (original, reprinted) = match shown {
        Shown::Own => (None, None),
        Shown::Named(source) => (None, Some(source)),
        Shown::Original { body, source } => (Some(body), Some(source)),
        Shown::Gone => return Ok(Found::Deleted),
    };
    let cover = || {
        format!(
            "/media/{}",
            app.link(LinkKind::Cover, link.account, news.id.0, link.index)
        )
    };
    let comments = if preview {
        None
    } else {
        app.store.elected_comments(link.account, number_of(link)).await?
    };
    let page = ArticlePage {
        furniture: Furniture::of(headers),
        account: account.as_ref().map_or("", |account| &account.name),
        title: &text.title,
        author: &text.author,
        date: app.calendar.date(news.published_at.unwrap_or(news.created_at)),
        digest: &text.digest,
        cover: text.show_cover_pic.then(cover),
        body: original.as_ref().unwrap_or(&text.content),
        source: &text.content_source_url,
        comments: comments.map(|comments| comments.into_iter().map(|comment| block(app, comment)).collect()),
        preview,
        reprinted,
    };
    Ok(Found::Page(page::render(app, headers, &page)))
}

fn key_of(link: Link, news: NewsId) -> ArticleKey {
    ArticleKey {
        account: link.account,
        news,
        article: link.index,
    }
}

fn block(app: &App, comment: PageComment) -> CommentBlock {
    CommentBlock {
        nickname: comment.nickname,
        date: app.calendar.date(comment.comment.created_at),
        content: comment.comment.content,
        reply: comment.comment.reply.map(|reply| reply.content),
    }
}

async fn video(app: &App, link: Link, id: MassId, headers: &HeaderMap) -> StoreResult<Found> {
    let mass = match app.store.mass(link.account, id).await? {
        Some(mass) => Some(mass),
        None => app
            .store
            .preview(link.account, id)
            .await?
            .filter(|preview| !is_over(app, preview)),
    };
    let Some(mass) = mass else {
        return Ok(Found::Nothing);
    };
    if mass.state == MassState::Deleted || mass.recalled_at.is_some() {
        return Ok(Found::Deleted);
    }
    let Content::Video {
        title, description, ..
    } = &mass.content
    else {
        return Ok(Found::Nothing);
    };
    let account = app.store.account_by_id(link.account).await?;
    let page = VideoPage {
        furniture: Furniture::of(headers),
        account: account.as_ref().map_or("", |account| &account.name),
        title,
        description,
        date: app.calendar.date(mass.accepted_at),
        source: format!(
            "/media/{}",
            app.link(LinkKind::MessageMedia, link.account, id.0, 0)
        ),
    };
    Ok(Found::Page(page::render(app, headers, &page)))
}
