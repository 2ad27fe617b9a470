//! [`InboxTokenStore`] on SQLite. A follower's token is kept in memory where that is right; what a person's opens is read
//! every time: somebody may come to know the person at any moment.

use async_trait::async_trait;
use domain::{
    id::{AccountId, ExternalId, Ordinal},
    position::{Membership, ReaderName},
    time::Timestamp,
};

use super::{SqlStore, kept::KnownReader, writer::Scope};
use crate::{
    StoreResult,
    inbox_token::{InboxTokenEnd, InboxTokenStore, TokenReader},
    sql::{Connection, OptionalExtension, params},
    token::TokenHash,
};

#[async_trait]
impl InboxTokenStore for SqlStore {
    async fn issue_inbox_token(
        &self,
        follower: Membership,
        hash: TokenHash,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        let Membership { account, ordinal } = follower;
        self.write_aside(account, move |db, _| {
            db.prepare_cached(
                "INSERT INTO inbox_token (hash, account, ordinal, expires_at) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![hash, account.0, ordinal.0, expires_at.0])?;
            Ok(())
        })
        .await
    }

    async fn issue_person_token(
        &self,
        person: &ExternalId,
        hash: TokenHash,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        let ExternalId(id) = person.clone();
        self.write_aside(Scope::Common, move |db, _| {
            if memberships(db, &id)?.is_empty() {
                return Ok(false);
            }
            db.prepare_cached("INSERT INTO person_token (hash, external_id, expires_at) VALUES (?, ?, ?)")?
                .execute(params![hash, id, expires_at.0])?;
            Ok(true)
        })
        .await
    }

    async fn inbox_reader(&self, hash: TokenHash, now: Timestamp) -> StoreResult<Option<TokenReader>> {
        let reader = match self.shared.kept.readers(&hash) {
            Some(known) => Some(reader_of(known)),
            None => self.find_reader(hash).await?,
        };
        Ok(reader.filter(|reader| reader.expires_at > now))
    }

    async fn end_inbox_tokens(&self, end: InboxTokenEnd) -> StoreResult<()> {
        match end {
            InboxTokenEnd::Token(hash) => {
                let known = self.read(move |db, _| known_reader(db, &hash)).await?;
                match known {
                    Some(known) => self.end_tokens_of(known.account, hash).await,
                    None => {
                        self.end_person_tokens("DELETE FROM person_token WHERE hash = ?", hash)
                            .await
                    }
                }
            }
            InboxTokenEnd::TokenOf(account, hash) => self.end_tokens_of(account, hash).await,
            InboxTokenEnd::Follower(Membership { account, ordinal }) => {
                self.write(account, move |db, _| {
                    db.prepare_cached("DELETE FROM inbox_token WHERE account = ? AND ordinal = ?")?
                        .execute(params![account.0, ordinal.0])?;
                    Ok(())
                })
                .await
            }
            InboxTokenEnd::Person(ExternalId(id)) => {
                self.end_person_tokens("DELETE FROM person_token WHERE external_id = ?", id)
                    .await
            }
        }
    }
}

impl SqlStore {
    async fn find_reader(&self, hash: TokenHash) -> StoreResult<Option<TokenReader>> {
        let kept = &self.shared.kept;
        let before = kept.before();
        let found = self.read(move |db, _| {
            Ok(match known_reader(db, &hash)? {
                Some(known) => Found::Follower(known),
                None => Found::Person(person(db, &hash)?),
            })
        });
        match found.await? {
            Found::Follower(known) => {
                kept.keep_reader(hash, known.account, before, &known);
                Ok(Some(reader_of(known)))
            }
            Found::Person(reader) => Ok(reader),
        }
    }

    /// A follower's token that is kept in memory goes with the account's version.
    async fn end_tokens_of(&self, account: AccountId, hash: TokenHash) -> StoreResult<()> {
        self.write(account, move |db, _| {
            db.prepare_cached("DELETE FROM inbox_token WHERE hash = ? AND account = ?")?
                .execute(params![hash, account.0])?;
            Ok(())
        })
        .await
    }

    async fn end_person_tokens(
        &self,
        sql: &'static str,
        key: impl crate::sql::ToSql + Send + Sync + 'static,
    ) -> StoreResult<()> {
        self.write_aside(Scope::Common, move |db, _| {
            db.prepare_cached(sql)?.execute(params![key])?;
            Ok(())
        })
        .await
    }
}

enum Found {
    Follower(KnownReader),
    Person(Option<TokenReader>),
}

fn reader_of(known: KnownReader) -> TokenReader {
    let membership = Membership {
        account: known.account,
        ordinal: known.ordinal,
    };
    TokenReader {
        name: ReaderName::Follower(membership),
        memberships: vec![membership],
        expires_at: known.expires_at,
    }
}

fn known_reader(db: &Connection, hash: &TokenHash) -> StoreResult<Option<KnownReader>> {
    let mut statement =
        db.prepare_cached("SELECT account, ordinal, expires_at FROM inbox_token WHERE hash = ?")?;
    let reader = statement.query_row(params![*hash], |row| {
        Ok(KnownReader {
            account: AccountId(row.get(0)?),
            ordinal: Ordinal(row.get(1)?),
            expires_at: Timestamp(row.get(2)?),
        })
    });
    Ok(reader.optional()?)
}

fn person(db: &Connection, hash: &TokenHash) -> StoreResult<Option<TokenReader>> {
    let mut statement =
        db.prepare_cached("SELECT external_id, expires_at FROM person_token WHERE hash = ?")?;
    let found: Option<(String, i64)> = statement
        .query_row(params![*hash], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, expires_at)) = found else {
        return Ok(None);
    };
    Ok(Some(TokenReader {
        memberships: memberships(db, &id)?,
        name: ReaderName::Person(ExternalId(id)),
        expires_at: Timestamp(expires_at),
    }))
}

/// Who this external id is, in all accounts that know it.
fn memberships(db: &Connection, external_id: &str) -> StoreResult<Vec<Membership>> {
    let mut statement = db.prepare_cached(
        "SELECT account, ordinal FROM follower_external WHERE external_id = ? ORDER BY account",
    )?;
    let found = statement.query_map(params![external_id], |row| {
        Ok(Membership {
            account: AccountId(row.get(0)?),
            ordinal: Ordinal(row.get(1)?),
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
