//! The draft box: `draft/*` (spec accounts §5). A draft is sent like any news and leaves the box then (L14).

use axum::extract::State;
use domain::library::Shelf;
use wire::{
    article::UploadNews,
    done::Done,
    errcode::ErrCode,
    library::{Added, BatchGet, DraftCount, DraftSwitch, List, NewsAnswer, NewsEntry, UpdateNews},
    media::MediaRef,
};

use crate::{
    api::{
        article::making::{Making, news, news_article},
        body::{ARTICLES_MAX, Wire},
        caller::Caller,
        error::{Answer, ApiResult},
        library::{media_id, news_answer, news_entry, page, replacement},
        media::new_media_id,
    },
    app::App,
};

/// `POST /cgi-bin/draft/add`: one to eight articles, kept until they are sent, published or deleted.
pub async fn add(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<UploadNews, ARTICLES_MAX>,
) -> ApiResult<Added> {
    let now = app.now();
    let news = news(&app, &account, request, Making::Draft, now).await?;
    let id = new_media_id(&app);
    app.store
        .add_kept_news(
            account.id,
            Shelf::Draft,
            (id.clone(), news),
            app.settings.library,
            now,
        )
        .await??;
    Ok(Answer(Added {
        media_id: id.0,
        url: None,
    }))
}

/// `POST /cgi-bin/draft/update`: another article in the place of one.
pub async fn update(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<UpdateNews, ARTICLES_MAX>,
) -> ApiResult<Done> {
    let now = app.now();
    let (id, index, article) = replacement(request)?;
    let article = news_article(&app, &account, article, Making::Draft, now).await?;
    app.store
        .replace_article(account.id, Shelf::Draft, (id, index), article, now)
        .await??;
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/draft/get`.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<MediaRef>,
) -> ApiResult<NewsAnswer> {
    let id = media_id(request)?;
    let kept = app.store.kept_news(account.id, Shelf::Draft, &id).await?;
    let kept = kept.ok_or(ErrCode::InvalidMediaId)?;
    Ok(Answer(news_answer(&app, (account.id, Shelf::Draft), &kept)))
}

/// `POST /cgi-bin/draft/delete`.
pub async fn delete(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<MediaRef>,
) -> ApiResult<Done> {
    let id = media_id(request)?;
    app.store.delete_draft(account.id, id, app.now()).await??;
    Ok(Answer(Done::default()))
}

/// `GET /cgi-bin/draft/count`.
pub async fn count(State(app): State<App>, Caller(account): Caller) -> ApiResult<DraftCount> {
    let total_count = app.store.count_kept_news(account.id, Shelf::Draft).await?;
    Ok(Answer(DraftCount { total_count }))
}

/// `POST /cgi-bin/draft/batchget`: one page of the box.
pub async fn list(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchGet>,
) -> ApiResult<List<NewsEntry>> {
    let (page, bodies) = page(&request)?;
    let (total, drafts) = app.store.list_kept_news(account.id, Shelf::Draft, page).await?;
    let entries = drafts
        .iter()
        .map(|kept| news_entry(&app, (account.id, Shelf::Draft), kept, bodies))
        .collect();
    Ok(Answer(List::new(total, entries)))
}

/// `POST /cgi-bin/draft/switch`, with or without `checkonly=1`: the box is always open, and has no body to read.
pub async fn switch(Caller(_): Caller) -> ApiResult<DraftSwitch> {
    Ok(Answer(DraftSwitch::default()))
}
