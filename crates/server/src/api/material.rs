//! Permanent materials: `material/*` (spec accounts §4).

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::{
    article,
    library::{MaterialList, Shelf},
    link::LinkKind,
    media::{self, MediaKind},
};
use store::{
    library::Material,
    media::{Media, NewMedia},
};
use wire::{
    article::UploadNews,
    body::BodyError,
    done::Done,
    errcode::ErrCode,
    library::{
        AddMaterialQuery, Added, BatchGet, FileEntry, List, MaterialCount, UpdateNews, VideoAnswer,
        VideoDescription,
    },
    media::MediaRef,
};

use crate::{
    api::{
        article::making::{Making, news, news_article},
        body::{ARTICLES_MAX, Wire},
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
        library::{media_id, news_answer, news_entry, page, replacement},
        media::{download, keep, material_kind, new_media_id, picture_url, typed_form},
        query::Query,
        upload::Form,
    },
    app::App,
};

/// What a video is called that came without a title and without a file name.
const UNNAMED: &str = "video";

/// `POST /cgi-bin/material/add_material?type=`: a file, kept until it is deleted.
pub async fn add(
    State(app): State<App>,
    Caller(account): Caller,
    Query(query): Query<AddMaterialQuery>,
    request: Request,
) -> ApiResult<Added> {
    let (kind, mut form) = typed_form(request, query.kind.clone().present()).await?;
    let bytes = form.media.take().ok_or(ErrCode::MediaDataMissing)?;
    let (title, description) = match kind {
        MediaKind::Video => video_texts(&form, &query)?,
        MediaKind::Image | MediaKind::Voice | MediaKind::Thumb => Default::default(),
    };
    let blob = keep(&app, bytes, move |bytes| media::check_material(kind, bytes)).await?;
    let content_type = blob.content_type.clone();
    let id = new_media_id(&app);
    let media = NewMedia {
        id: id.clone(),
        kind: material_kind(kind),
        blob,
        title,
        description,
        expires_at: None,
    };
    let image = app
        .store
        .add_material(account.id, media, form.name, app.settings.library, app.now())
        .await??;
    Ok(Answer(Added {
        media_id: id.0,
        url: image.map(|image| picture_url(&app, account.id, image, &content_type)),
    }))
}

/// `POST /cgi-bin/material/get_material`: articles, a video's texts and address, or the bytes.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<MediaRef>,
) -> Result<Response, ApiError> {
    let id = media_id(request)?;
    if let Some(kept) = app.store.kept_news(account.id, Shelf::Material, &id).await? {
        return Ok(Answer(news_answer(&app, (account.id, Shelf::Material), &kept)).into_response());
    }
    let found = app
        .store
        .material(account.id, &id)
        .await?
        .ok_or(ErrCode::InvalidMediaId)?;
    let Media { serial, media, .. } = &found.media;
    if MaterialList::of(media.kind) != Some(MaterialList::Video) {
        return download(&app, &found.media).await;
    }
    let link = app.link(LinkKind::Media, account.id, *serial, 0);
    Ok(Answer(VideoAnswer {
        title: media.title.clone(),
        description: media.description.clone(),
        down_url: app.public(&format!("/media/{link}")),
    })
    .into_response())
}

/// `POST /cgi-bin/material/del_material`.
pub async fn delete(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<MediaRef>,
) -> ApiResult<Done> {
    let id = media_id(request)?;
    app.store.delete_material(account.id, id, app.now()).await??;
    Ok(Answer(Done::default()))
}

/// `GET /cgi-bin/material/get_materialcount`.
pub async fn count(State(app): State<App>, Caller(account): Caller) -> ApiResult<MaterialCount> {
    let counts = app.store.material_counts(account.id).await?;
    Ok(Answer(MaterialCount {
        voice_count: counts.voices,
        video_count: counts.videos,
        image_count: counts.images,
        news_count: counts.news,
    }))
}

/// `POST /cgi-bin/material/batchget_material`: one page of a list.
pub async fn list(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<BatchGet>,
) -> Result<Response, ApiError> {
    let word = request.kind.as_ref().required(ErrCode::InvalidMediaType)?;
    let list = MaterialList::from_word(word).ok_or(ErrCode::InvalidMediaType)?;
    let (page, bodies) = page(&request)?;
    if list == MaterialList::News {
        let (total, news) = app
            .store
            .list_kept_news(account.id, Shelf::Material, page)
            .await?;
        let entries = news
            .iter()
            .map(|kept| news_entry(&app, (account.id, Shelf::Material), kept, bodies))
            .collect();
        return Ok(Answer(List::new(total, entries)).into_response());
    }
    let (total, files) = app.store.materials(account.id, list, page).await?;
    let entry = |Material { media, name, image }| FileEntry {
        url: image.map(|image| picture_url(&app, account.id, image, &media.media.blob.content_type)),
        media_id: media.media.id.0,
        name,
        update_time: media.created_at.seconds(),
    };
    let entries = files.into_iter().map(entry).collect();
    Ok(Answer(List::new(total, entries)).into_response())
}

/// `POST /cgi-bin/material/add_news`: one to eight articles, kept until they are deleted.
pub async fn add_news(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<UploadNews, ARTICLES_MAX>,
) -> ApiResult<Added> {
    let now = app.now();
    let news = news(&app, &account, request, Making::ForTheLibrary, now).await?;
    let id = new_media_id(&app);
    app.store
        .add_kept_news(
            account.id,
            Shelf::Material,
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

/// `POST /cgi-bin/material/update_news`: another article in the place of one; what was sent stays as it was.
pub async fn update_news(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<UpdateNews, ARTICLES_MAX>,
) -> ApiResult<Done> {
    let now = app.now();
    let (id, index, article) = replacement(request)?;
    let article = news_article(&app, &account, article, Making::ForTheLibrary, now).await?;
    app.store
        .replace_article(account.id, Shelf::Material, (id, index), article, now)
        .await??;
    Ok(Answer(Done::default()))
}

/// Title and introduction from the form, or else from the query; without a title the file's name.
fn video_texts(form: &Form, query: &AddMaterialQuery) -> Result<(String, String), ApiError> {
    let in_query = || query.description.as_ref().present().map(|text| text.0.as_str());
    let json = form
        .texts
        .get("description")
        .map(String::as_str)
        .or_else(in_query);
    let texts: VideoDescription = match json.map(|json| wire::body::read(json.as_bytes())) {
        None | Some(Err(BodyError::Empty)) => VideoDescription::default(),
        Some(texts) => texts?,
    };
    let name = if form.name.is_empty() { UNNAMED } else { &form.name };
    let title = texts.title.or_malformed(ErrCode::InvalidArgsSize)?;
    let title = title
        .filter(|title| !title.trim().is_empty())
        .unwrap_or_else(|| name.to_owned());
    let introduction = texts.introduction.or_malformed(ErrCode::InvalidArgsSize)?;
    let introduction = introduction.unwrap_or_default();
    article::check_video_text(&title, &introduction)?;
    Ok((title, introduction))
}
