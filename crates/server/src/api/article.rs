//! News and videos made ready for sending: `uploadnews`, `uploadvideo` (spec mass-send §6 and §7).

mod gallery;
pub mod making;

use axum::extract::{Request, State};
use domain::{article, call::CountedCall, content::MaterialKind, id::MediaId};
use store::{crash_point, media::NewMedia};
use wire::{
    article::{UploadNews, UploadVideo},
    errcode::ErrCode,
    field::Field,
    media::UploadAnswer,
};

use crate::{
    api::{
        article::making::{Making, news, text},
        body::{self, ARTICLES_MAX, Wire},
        caller::VerifiedCaller,
        error::{Answer, ApiError, ApiResult},
        media::{expiry, new_media_id},
        upload,
    },
    app::App,
};

/// `POST /cgi-bin/media/uploadnews`: one to eight articles, kept for three days.
pub async fn upload_news(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<UploadNews, ARTICLES_MAX>,
) -> ApiResult<UploadAnswer> {
    app.store
        .count(account.id, CountedCall::NewsUpload, app.now())
        .await??;
    let now = app.now();
    let news = news(&app, &account, request, Making::ForThreeDays, now).await?;
    let id = new_media_id(&app);
    app.store
        .add_news(account.id, id.clone(), news, Some(expiry(now)), now)
        .await?;
    crash_point!("news.added");
    Ok(Answer(UploadAnswer::new("news", &id.0, now.seconds())))
}

/// `POST /cgi-bin/media/uploadvideo`: an uploaded video with its texts, under a new id.
pub async fn upload_video(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    request: Request,
) -> ApiResult<UploadAnswer> {
    let request = video_request(request).await?;
    let now = app.now();
    let source_id = MediaId(request.media_id.required(ErrCode::InvalidMediaId)?);
    let source = app
        .store
        .media(account.id, &source_id, now)
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
    app.store
        .add_made_video(account.id, source_id, video, now)
        .await??;
    Ok(Answer(UploadAnswer::new("video", &id.0, now.seconds())))
}

/// The request as JSON or, as one source has it, as a form of the same fields.
async fn video_request(request: Request) -> Result<UploadVideo, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = body::read_whole(body, body::JSON_MAX).await?;
    if !upload::has_boundary(&parts.headers) || !bytes.trim_ascii_start().starts_with(b"--") {
        return Ok(wire::body::read(&bytes)?);
    }
    let form = upload::read_form(Request::from_parts(parts, bytes.into()), body::JSON_MAX).await;
    let mut texts = form.map_err(|_| ErrCode::DataFormatError)?.texts;
    let mut field = |name: &str| match texts.remove(name) {
        Some(text) if !text.is_empty() => Field::Present(text),
        _ => Field::Absent,
    };
    Ok(UploadVideo {
        media_id: field("media_id"),
        title: field("title"),
        description: field("description"),
    })
}
