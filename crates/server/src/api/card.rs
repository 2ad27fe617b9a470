//! Cards in their simplest form: `card/create` (卡券).
//!
//! Only what mass sends need: an id and a title. What the card's kind asks for beside that is read over.

use axum::extract::State;
use wire::{
    card::{Create, Created},
    errcode::ErrCode,
};

use crate::{
    api::{
        body::Wire,
        caller::VerifiedCaller,
        error::{Answer, ApiResult},
    },
    app::App,
    v1::card::{is_title, make},
};

/// `POST /card/create`.
pub async fn create(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<Create>,
) -> ApiResult<Created> {
    let card = request.card.required(ErrCode::InvalidArgs)?;
    let title = card
        .title()
        .filter(|title| is_title(title))
        .ok_or(ErrCode::InvalidArgs)?;
    let card = make(&app, account.id, title).await?;
    Ok(Answer(Created::new(card.id.0)))
}
