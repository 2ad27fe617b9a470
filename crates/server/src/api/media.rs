//! Temporary media and pictures for articles (spec accounts §3, mass-send §5).

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{
    content::{MaterialKind, StoredBlob},
    id::{AccountId, ImageId, MediaId},
    link::LinkKind,
    media::{self, Checked, FileFormat, MEDIA_LIFE_SECONDS, MediaKind, MediaRefusal},
    time::Timestamp,
};
use store::{
    crash_point,
    media::{Media, NewMedia},
};
use wire::{
    errcode::ErrCode,
    media::{MediaRef, UploadAnswer, UploadImgAnswer, UploadQuery, VideoUrl},
};

use crate::{
    api::{
        caller::{Caller, VerifiedCaller},
        error::{Answer, ApiError, ApiResult},
        query::Query,
        upload::{self, Form, UploadFault},
    },
    app::App,
};

/// `POST /cgi-bin/media/upload?type=`: a temporary medium, kept for three days.
pub async fn upload(
    State(app): State<App>,
    Caller(account): Caller,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> ApiResult<UploadAnswer> {
    let (kind, form) = typed_form(request, query.kind.present()).await?;
    let bytes = form.media.ok_or(ErrCode::MediaDataMissing)?;
    let blob = keep(&app, bytes, move |bytes| media::check_upload(kind, bytes)).await?;
    let now = app.now();
    let id = new_media_id(&app);
    let medium = NewMedia {
        id: id.clone(),
        kind: material_kind(kind),
        blob,
        title: String::new(),
        description: String::new(),
        expires_at: Some(expiry(now)),
    };
    app.store.add_media(account.id, medium, now).await?;
    crash_point!("media.added");
    Ok(Answer(UploadAnswer::new(kind.word(), &id.0, now.seconds())))
}

/// `POST /cgi-bin/media/uploadimg`: a picture for the body of articles, known by its URL only.
pub async fn upload_img(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    request: Request,
) -> ApiResult<UploadImgAnswer> {
    let bytes = upload::read(request, media::ARTICLE_IMAGE_BYTES_MAX)
        .await
        .map_err(|fault| fault.code(too_large(MediaKind::Image)))?;
    let blob = keep(&app, bytes, media::check_article_image).await?;
    let content_type = blob.content_type.clone();
    let image = app.store.add_image(account.id, blob, app.now()).await?;
    let url = picture_url(&app, account.id, image, &content_type);
    Ok(Answer(UploadImgAnswer { url }))
}

/// `GET /cgi-bin/media/get?media_id=`: the bytes, or the address of a video.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Query(query): Query<MediaRef>,
) -> Result<Response, ApiError> {
    let id = MediaId(query.media_id.required(ErrCode::MediaIdMissing)?);
    let found = app
        .store
        .media(account.id, &id, app.now())
        .await?
        .ok_or(ErrCode::InvalidMediaId)?;
    match found.media.kind {
        MaterialKind::Video | MaterialKind::MassVideo => {
            let link = app.link(LinkKind::Media, account.id, found.serial, 0);
            Ok(Answer(VideoUrl {
                video_url: app.public(&format!("/media/{link}")),
            })
            .into_response())
        }
        MaterialKind::Image | MaterialKind::Voice | MaterialKind::Thumb => download(&app, &found).await,
    }
}

/// The address of a picture, for the body of articles.
pub fn picture_url(app: &App, account: AccountId, image: ImageId, content_type: &str) -> String {
    let (folder, format) = match content_type {
        "image/png" => ("png", "png"),
        "image/gif" => ("gif", "gif"),
        "image/bmp" => ("bmp", "bmp"),
        _ => ("jpg", "jpeg"),
    };
    let link = app.link(LinkKind::Image, account, image.0, 0);
    app.public(&format!("/mmbiz_{folder}/{link}/0?wx_fmt={format}"))
}

/// A fresh, unguessable `media_id`: 64 characters.
pub fn new_media_id(app: &App) -> MediaId {
    MediaId(app.ids.text::<48>())
}

/// When a temporary medium of `now` ends.
pub fn expiry(now: Timestamp) -> Timestamp {
    now.plus_seconds(i64::try_from(MEDIA_LIFE_SECONDS).unwrap_or(i64::MAX))
}

/// A form with a file, and what the file is uploaded as: the query's `type`, or else the form's, which some
/// clients send behind the file. A file whose kind is not known yet may be as large as the largest kind.
pub async fn typed_form(request: Request, in_query: Option<String>) -> Result<(MediaKind, Form), ApiError> {
    let in_query = match in_query {
        Some(word) => Some(MediaKind::from_word(&word).ok_or(ErrCode::InvalidMediaType)?),
        None => None,
    };
    let largest = MediaKind::Video;
    let (limit, missing) = match in_query {
        Some(kind) => (kind, ErrCode::MediaDataMissing),
        None => (largest, ErrCode::InvalidMediaType),
    };
    let form = upload::read_form(request, limit.bytes_max())
        .await
        .map_err(|fault| match fault {
            UploadFault::Missing => missing,
            UploadFault::TooLarge => too_large(limit),
        })?;
    let in_form = || MediaKind::from_word(form.texts.get("type")?);
    let kind = in_query.or_else(in_form).ok_or(ErrCode::InvalidMediaType)?;
    Ok((kind, form))
}

fn too_large(kind: MediaKind) -> ErrCode {
    ApiError::from(MediaRefusal::TooLarge(kind)).code
}

/// Checks a file on a thread that may take its time, cuts what does not belong to it, stores it.
pub async fn keep(
    app: &App,
    bytes: Bytes,
    check: impl FnOnce(&[u8]) -> Result<Checked, MediaRefusal> + Send + 'static,
) -> Result<StoredBlob, ApiError> {
    let looked_at = bytes.clone();
    let place = app.file_checks().acquire_owned().await;
    let checked = tokio::task::spawn_blocking(move || {
        let _place = place;
        check(&looked_at)
    });
    let checked = checked.await.map_err(|_| ErrCode::SystemError)??;
    let bytes = bytes.slice(..checked.length.min(bytes.len()));
    let (store, content_type) = (app.store.as_ref(), checked.format.content_type());
    Ok(app.blobs.keep(store, bytes, content_type, app.now()).await?)
}

/// The material that an upload of this kind becomes.
pub fn material_kind(kind: MediaKind) -> MaterialKind {
    match kind {
        MediaKind::Image => MaterialKind::Image,
        MediaKind::Voice => MaterialKind::Voice,
        MediaKind::Video => MaterialKind::Video,
        MediaKind::Thumb => MaterialKind::Thumb,
    }
}

/// The bytes of a material as a file.
pub async fn download(app: &App, found: &Media) -> Result<Response, ApiError> {
    let NewMedia { id, blob, .. } = &found.media;
    let bytes = app.blobs.get(&blob.id).await?.ok_or(ErrCode::MediaDataNotFound)?;
    let format = FileFormat::ALL
        .into_iter()
        .find(|format| format.content_type() == blob.content_type);
    let extension = format.map_or("bin", FileFormat::extension);
    let disposition = format!("attachment; filename=\"{id}.{extension}\"");
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox"),
    );
    for (name, value) in [
        (header::CONTENT_TYPE, &blob.content_type),
        (header::CONTENT_DISPOSITION, &disposition),
    ] {
        headers.insert(
            name,
            HeaderValue::from_str(value).map_err(|_| ErrCode::SystemError)?,
        );
    }
    Ok(response)
}
