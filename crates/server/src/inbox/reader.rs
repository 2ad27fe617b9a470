//! Who reads: the follower or the person that an inbox token stands for.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use domain::{
    id::{AppId, Sequence},
    link::LinkKind,
    position::{Cursor, Membership, Position, ReaderName},
};
use store::{inbox_token::TokenReader, token::TokenHash, vault};

use crate::{
    api::{query, refused::SharedTrace},
    app::App,
    guess::{Guessed, Guesser},
    source::Source,
    v1::{problem::Problem, request::bearer},
};

/// Whom an inbox token stands for: `Authorization: Bearer TOKEN`, or `?token=TOKEN`.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The reader, with a membership for each account that it is a follower of.
    pub is: TokenReader,
    /// The token that was shown.
    pub token: TokenHash,
}

impl Reader {
    /// The followers that this is.
    pub fn memberships(&self) -> &[Membership] {
        &self.is.memberships
    }

    /// Whom positions are sealed for.
    pub fn name(&self) -> &ReaderName {
        &self.is.name
    }

    /// The text of a position of this reader.
    pub fn seal(&self, app: &App, position: &Position) -> String {
        app.positions.seal_position(self.name(), position)
    }

    /// The position that a text is.
    pub fn open(&self, app: &App, text: &str) -> Result<Position, Problem> {
        let position = app.positions.open_position(self.name(), text);
        position.ok_or_else(|| Problem::bad_request("bad position"))
    }

    /// The text of a cursor of this reader.
    pub fn seal_cursor(&self, app: &App, cursor: &Cursor) -> String {
        app.positions.seal_cursor(self.name(), cursor)
    }

    /// The cursor that a text is.
    pub fn open_cursor(&self, app: &App, text: &str) -> Result<Cursor, Problem> {
        let cursor = app.positions.open_cursor(self.name(), text);
        cursor.ok_or_else(|| Problem::bad_request("bad cursor"))
    }

    /// Which follower of the account with this public name it is; 404 when it is none.
    pub async fn follower_of(&self, app: &App, app_id: &str) -> Result<Membership, Problem> {
        let account = app.store.account(&AppId(app_id.to_owned())).await?;
        let follower = account.and_then(|account| self.is.membership(account.id));
        follower.ok_or_else(|| Problem::not_found("account"))
    }

    /// Whose entry of which number the id names; it may still not be in this inbox.
    pub fn entry(&self, app: &App, id: &str) -> Option<(Membership, Sequence)> {
        let link = app.links.open(id)?;
        if link.kind != LinkKind::Entry || link.index != 0 {
            return None;
        }
        let number = i64::try_from(link.number).ok()?;
        Some((self.is.membership(link.account)?, Sequence(number)))
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)
            .map(str::to_owned)
            .or_else(|| query::value(&parts.uri, "token"));
        let token = vault::digest(&token.ok_or_else(Problem::unauthorized)?);
        let Some(is) = app.store.inbox_reader(token, app.now()).await? else {
            let guesser = Guesser::new(Guessed::InboxToken, "", Source::of(&parts.extensions));
            app.guesses().miss(&guesser).await?;
            return Err(Problem::unauthorized());
        };
        if let (Some(trace), ReaderName::Follower(of)) = (parts.extensions.get::<SharedTrace>(), &is.name) {
            trace.is_of(of.account);
        }
        Ok(Self { is, token })
    }
}

/// An entry, as the path names it, of one of the followers that the reader is; 404 for every other id.
pub struct OfEntry {
    /// The follower.
    pub follower: Membership,
    /// The entry.
    pub entry: Sequence,
}

impl FromRequestParts<App> for OfEntry {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let reader = Reader::from_request_parts(parts, app).await?;
        let unknown = || Problem::not_found("entry");
        let names: Path<HashMap<String, String>> = Path::from_request_parts(parts, app)
            .await
            .map_err(|_| unknown())?;
        let id = names.get("entry").ok_or_else(unknown)?;
        let (follower, entry) = reader.entry(app, id).ok_or_else(unknown)?;
        Ok(Self { follower, entry })
    }
}
