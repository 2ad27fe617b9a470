//! Cards: a registry just large enough that cards can be sent.

use axum::{Json, extract::State, http::StatusCode};
use domain::id::{AccountId, CardId};
use serde::{Deserialize, Serialize};
use store::{StoreResult, card::Card};

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, PAGE_MAX, Strict},
    },
};

/// Characters of a card's title, at most.
pub const TITLE_MAX: usize = 64;

/// A card to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    title: String,
}

/// A card.
#[derive(Debug, Serialize)]
pub struct CardShape {
    card_id: String,
    title: String,
    created_at: String,
}

/// All cards, at most a thousand.
#[derive(Debug, Serialize)]
pub struct CardList {
    cards: Vec<CardShape>,
}

/// `POST /v1/accounts/{appid}/cards`.
pub async fn create(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(new): Strict<NewCard>,
) -> Result<(StatusCode, Json<CardShape>), Problem> {
    if !is_title(&new.title) {
        return Err(Problem::bad_request("title must have 1 to 64 characters"));
    }
    let card = make(&app, account.id, new.title).await?;
    Ok((StatusCode::CREATED, Json(shape(&app, card))))
}

/// `GET /v1/accounts/{appid}/cards`.
pub async fn list(OfAccount(account): OfAccount, State(app): State<App>) -> NativeResult<CardList> {
    let cards = app.store.cards(account.id, PAGE_MAX).await?;
    Ok(Json(CardList {
        cards: cards.into_iter().map(|card| shape(&app, card)).collect(),
    }))
}

/// Whether a card may have this title.
pub fn is_title(title: &str) -> bool {
    !title.trim().is_empty() && title.chars().count() <= TITLE_MAX
}

/// Makes a card with a new id.
pub async fn make(app: &App, account: AccountId, title: String) -> StoreResult<Card> {
    let card = Card {
        id: CardId(format!("p{}", app.ids.text::<20>())),
        title,
        created_at: app.now(),
    };
    app.store.add_card(account, card.clone()).await?;
    Ok(card)
}

fn shape(app: &App, card: Card) -> CardShape {
    CardShape {
        card_id: card.id.0,
        title: card.title,
        created_at: app.rfc3339(card.created_at),
    }
}
