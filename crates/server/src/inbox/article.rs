//! What readers do with an article in their inbox: comment on it, say that they read it.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
};
use domain::{comment::WriteRefusal, id::CommentId, statistics::Read};
use serde::{Deserialize, Serialize};
use store::comment::ReaderArticle;
use utoipa::ToSchema;

use crate::{
    api::query,
    app::App,
    inbox::reader::OfEntry,
    v1::{
        problem::{Problem, ProblemShape},
        request::Strict,
    },
};

/// A comment to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// The article's place, from 1.
    #[serde(default = "first")]
    index: u8,
    content: String,
}

/// A comment that was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    comment_id: i64,
}

/// Which article was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRead {
    /// The article's place, from 1.
    #[serde(default = "first")]
    index: u8,
}

fn first() -> u8 {
    1
}

/// Comments on an article of an entry.
#[utoipa::path(post, path = "/inbox/entries/{entry}/comments", params(("entry" = String, Path)),
    request_body = NewComment,
    responses(
        (status = 201, body = Written),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape),
        (status = 403, description = "Only followers may comment", body = ProblemShape),
        (status = 404, body = ProblemShape),
        (status = 409, description = "Closed, or too many of this reader", body = ProblemShape)
    )
)]
pub async fn comment(
    of: OfEntry,
    State(app): State<App>,
    Strict(new): Strict<NewComment>,
) -> Result<(StatusCode, Json<Written>), Problem> {
    let written = app
        .store
        .write_comment(
            of.follower.account,
            of.article(new.index),
            &new.content,
            app.now(),
        )
        .await??;
    Ok((
        StatusCode::CREATED,
        Json(Written {
            comment_id: written.0,
        }),
    ))
}

/// Deletes the reader's own comment.
#[utoipa::path(delete, path = "/inbox/entries/{entry}/comments/{comment}",
    params(("entry" = String, Path), ("comment" = i64, Path), ("index" = Option<u8>, Query)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, body = ProblemShape),
        (status = 404, body = ProblemShape)
    )
)]
pub async fn withdraw(
    of: OfEntry,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
    place: Place,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("comment");
    let id = names.get("comment").and_then(|id| id.parse().ok());
    let id = CommentId(id.ok_or_else(unknown)?);
    let withdrawn = app
        .store
        .withdraw_comment(of.follower.account, of.article(place.0), id)
        .await?;
    if withdrawn {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

/// Says whose page load it was that came without a name. Counts the person and no further time; a page that is loaded
/// with the inbox token counts both by itself.
#[utoipa::path(post, path = "/inbox/entries/{entry}/reads", params(("entry" = String, Path)),
    request_body = NewRead,
    responses(
        (status = 204, description = "Counted"),
        (status = 401, body = ProblemShape),
        (status = 404, body = ProblemShape)
    )
)]
pub async fn read(
    of: OfEntry,
    State(app): State<App>,
    Strict(new): Strict<NewRead>,
) -> Result<StatusCode, Problem> {
    let place = of.article(new.index);
    let article = app.store.article_of_entry(of.follower.account, place).await?;
    let read = Read {
        article: article.ok_or_else(|| Problem::not_found("article"))?,
        reader: Some(of.follower.ordinal),
        loaded: false,
    };
    app.store.note_read(of.follower.account, read, app.now());
    Ok(StatusCode::NO_CONTENT)
}

/// `index` of the query; the first article when it is absent.
pub struct Place(u8);

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match query::value(&parts.uri, "index").map(|text| text.parse()) {
            None => Ok(Self(first())),
            Some(Ok(index)) => Ok(Self(index)),
            Some(Err(_)) => Err(Problem::bad_request("index must be a number from 1 upward")),
        }
    }
}

impl OfEntry {
    fn article(&self, index: u8) -> ReaderArticle {
        ReaderArticle {
            reader: self.follower.ordinal,
            entry: self.entry,
            index,
        }
    }
}

impl From<WriteRefusal> for Problem {
    fn from(refusal: WriteRefusal) -> Self {
        match refusal {
            WriteRefusal::ArticleUnknown => Self::not_found("article"),
            WriteRefusal::TextLength => Self::bad_request(refusal.to_string()),
            WriteRefusal::NotFollowing => Self::forbidden(refusal.to_string()),
            WriteRefusal::Closed | WriteRefusal::TooMany => Self::conflict(refusal.to_string()),
        }
    }
}
