//! Publishing without a mass send: `freepublish/*` (spec accounts §6). Published pages reach no inbox and no
//! history.

use std::sync::Arc;

use axum::extract::State;
use domain::{
    account::Account,
    id::PublishId,
    library::{Publication, PublishStatus},
    link::LinkKind,
};
use store::{bus::Hint, media::FrozenNews};
use wire::{
    done::Done,
    errcode::ErrCode,
    field::Field,
    library::{BatchGet, List, NewsAnswer, NewsContent},
    media::MediaRef,
    publication::{ArticleDetail, ArticleRef, Entry, Get, GetAnswer, Submitted},
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
        library::{Numbered, article_url, media_id, news_items, page},
    },
    app::App,
};

/// `POST /cgi-bin/freepublish/submit`: a draft becomes public. It is when this answers.
pub async fn submit(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<MediaRef>,
) -> ApiResult<Submitted> {
    let draft = media_id(request)?;
    let publication = app.store.publish_draft(account.id, draft, app.now()).await?;
    let publication = publication.ok_or(ErrCode::InvalidMediaId)?;
    app.bus.publish(Hint::Work);
    Ok(Answer(Submitted::new(publication.id.0, publication.news.0)))
}

/// `POST /cgi-bin/freepublish/get`: how far a publication is, and where its pages are.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<Get>,
) -> ApiResult<GetAnswer> {
    let id = request
        .publish_id
        .required_or(ErrCode::InvalidArgsSize, ErrCode::ArgumentInvalid)?;
    let publication = app.store.publication(account.id, PublishId(id)).await?;
    let publication = publication.ok_or(ErrCode::ArgumentInvalid)?;
    let mut answer = GetAnswer {
        publish_id: id,
        publish_status: publication.status.number(),
        article_id: None,
        article_detail: None,
        fail_idx: Vec::new(),
    };
    if publication.status == PublishStatus::Published {
        let news = frozen(&app, &account, &publication).await?;
        let urls = (1_u8..).zip(&news.news.articles);
        let urls = urls.map(|(index, _)| article_url(&app, account.id, news.id, index));
        answer.article_detail = Some(ArticleDetail::new(urls.collect()));
        answer.article_id = Some(article_id(&app, &account, publication.id));
    }
    Ok(Answer(answer))
}

/// `POST /cgi-bin/freepublish/delete`: the page of one article dies, or all pages.
pub async fn delete(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<ArticleRef>,
) -> ApiResult<Done> {
    let id = opened(&app, &account, request.article_id)?;
    let index = request.index.or_malformed(ErrCode::InvalidIndexValue)?;
    let index = u8::try_from(index.unwrap_or(0)).map_err(|_| ErrCode::InvalidIndexValue)?;
    app.store
        .delete_publication(account.id, id, index, app.now())
        .await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/freepublish/getarticle`: the articles, and which of them were deleted.
pub async fn article(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<ArticleRef>,
) -> ApiResult<NewsAnswer> {
    let id = opened(&app, &account, request.article_id)?;
    let publication = app.store.publication(account.id, id).await?;
    let publication = publication
        .filter(|found| found.status.was_public())
        .ok_or(ErrCode::InvalidArticleId)?;
    let news = frozen(&app, &account, &publication).await?;
    let published_at = publication.published_at.seconds();
    Ok(Answer(NewsAnswer {
        news_item: news_items(&app, &numbered(&account, &news), true),
        create_time: published_at,
        update_time: published_at,
    }))
}

/// `POST /cgi-bin/freepublish/batchget`: one page of what is public, newest first.
pub async fn list(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchGet>,
) -> ApiResult<List<Entry>> {
    let (page, bodies) = page(&request)?;
    let (total, publications) = app.store.publications(account.id, page).await?;
    let mut entries = Vec::with_capacity(publications.len());
    for publication in publications {
        let news = frozen(&app, &account, &publication).await?;
        entries.push(Entry {
            article_id: article_id(&app, &account, publication.id),
            content: NewsContent {
                news_item: news_items(&app, &numbered(&account, &news), bodies),
            },
            update_time: publication.published_at.seconds(),
        });
    }
    Ok(Answer(List::new(total, entries)))
}

async fn frozen(
    app: &App,
    account: &Account,
    publication: &Publication,
) -> Result<Arc<FrozenNews>, ApiError> {
    let news = app.store.frozen_news(account.id, publication.news).await?;
    Ok(news.ok_or(ErrCode::SystemError)?)
}

fn numbered<'a>(account: &Account, news: &'a FrozenNews) -> Numbered<'a> {
    Numbered {
        account: account.id,
        typed: true,
        news: &news.news,
        number: news.id,
        deleted: Some(&news.deleted),
    }
}

/// The lasting name of a publication: sealed, so that nobody guesses another account's.
fn article_id(app: &App, account: &Account, id: PublishId) -> String {
    app.link(LinkKind::Publication, account.id, id.0, 0)
}

/// The publication of this account that an `article_id` names; 53600 for all others.
fn opened(app: &App, account: &Account, article_id: Field<String>) -> Result<PublishId, ApiError> {
    let text = article_id.required_or(ErrCode::InvalidArgsSize, ErrCode::InvalidArticleId)?;
    let link = app
        .links
        .open(&text)
        .filter(|link| link.kind == LinkKind::Publication && link.account == account.id)
        .ok_or(ErrCode::InvalidArticleId)?;
    let number = i64::try_from(link.number).map_err(|_| ErrCode::InvalidArticleId)?;
    Ok(PublishId(number))
}
