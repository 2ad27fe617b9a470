//! Tags.

use axum::{Json, extract::State, http::StatusCode};
use domain::tag::Tag;
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Strict},
    },
};

/// All tags of an account.
#[derive(Debug, Serialize)]
pub struct TagList {
    tags: Vec<TagShape>,
}

/// A tag with its number of followers.
#[derive(Debug, Serialize)]
pub struct TagShape {
    id: i64,
    name: String,
    count: u64,
}

/// A tag to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTag {
    name: String,
}

/// `GET /v1/accounts/{appid}/tags`.
pub async fn list(OfAccount(account): OfAccount, State(app): State<App>) -> NativeResult<TagList> {
    let tags = app.store.tags(account.id).await?;
    Ok(Json(TagList {
        tags: tags.into_iter().map(shape).collect(),
    }))
}

/// `POST /v1/accounts/{appid}/tags`.
pub async fn create(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(new): Strict<NewTag>,
) -> Result<(StatusCode, Json<TagShape>), Problem> {
    let tag = app.store.create_tag(account.id, &new.name).await??;
    Ok((StatusCode::CREATED, Json(shape(tag))))
}

fn shape(tag: Tag) -> TagShape {
    TagShape {
        id: tag.id.0,
        name: tag.name,
        count: tag.count,
    }
}
