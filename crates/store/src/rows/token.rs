//! [`TokenStore`] on SQLite.

use std::sync::Arc;

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{id::AccountId, time::Timestamp};

use super::{Shared, SqlStore, account, kept::KnownToken};
use crate::{
    StoreResult, crash_point,
    token::{
        FORCE_PAUSE_SECONDS, FORCES_PER_DAY, ForcesUsedUp, OVERLAP_SECONDS, StableToken, TOKEN_SECONDS,
        TokenEnd, TokenHash, TokenState, TokenStore,
    },
    vault,
};

#[async_trait]
impl TokenStore for SqlStore {
    async fn issue_token(&self, account: AccountId, hash: TokenHash, now: Timestamp) -> StoreResult<()> {
        self.write(account, move |db, _| {
            replace_tokens(db, account, false, now.plus_seconds(OVERLAP_SECONDS))?;
            crash_point!("token.written");
            add_token(db, account, false, &hash, now.plus_seconds(TOKEN_SECONDS))
        })
        .await
    }

    async fn stable_token(
        &self,
        account: AccountId,
        force: bool,
        now: Timestamp,
    ) -> StoreResult<Result<StableToken, ForcesUsedUp>> {
        self.write(account, move |db, shared| {
            stable_token(db, shared, account, force, now)
        })
        .await
    }

    async fn end_tokens(&self, account: AccountId, end: TokenEnd, now: Timestamp) -> StoreResult<()> {
        self.write(account, move |db, _| end_tokens(db, account, end, now))
            .await
    }

    async fn token_state(&self, hash: TokenHash, now: Timestamp) -> StoreResult<TokenState> {
        let kept = &self.shared.kept;
        if let Some(known) = kept.tokens(&hash) {
            return Ok(state_of(&known, now));
        }
        let before = kept.before();
        let known = self
            .read(move |db, shared| known_token(db, shared, &hash))
            .await?;
        let Some(known) = known else {
            return Ok(TokenState::Unknown);
        };
        kept.keep_token(hash, known.account.id, before, &known);
        Ok(state_of(&known, now))
    }
}

fn known_token(db: &Connection, shared: &Shared, hash: &TokenHash) -> StoreResult<Option<KnownToken>> {
    let row: Option<(u32, i64, i64)> = db
        .prepare_cached("SELECT account, valid_until, expires_at FROM access_token WHERE hash = ?")?
        .query_row([*hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((holder, valid_until, expires_at)) = row else {
        return Ok(None);
    };
    let account = account::by_id(db, shared, AccountId(holder))?;
    Ok(account.map(|account| KnownToken {
        valid_until: Timestamp(valid_until),
        expires_at: Timestamp(expires_at),
        account: Arc::new(account),
    }))
}

fn state_of(known: &KnownToken, now: Timestamp) -> TokenState {
    if now >= known.expires_at {
        return TokenState::Expired;
    }
    if now >= known.valid_until {
        return TokenState::Unknown;
    }
    TokenState::Valid(Box::new((*known.account).clone()))
}

fn replace_tokens(db: &Connection, account: AccountId, stable: bool, until: Timestamp) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE access_token SET valid_until = ?3 WHERE account = ?1 AND stable = ?2 AND valid_until > ?3",
    )?
    .execute(params![account.0, stable, until.0])?;
    Ok(())
}

fn add_token(
    db: &Connection,
    account: AccountId,
    stable: bool,
    hash: &TokenHash,
    expires_at: Timestamp,
) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO access_token (hash, account, stable, valid_until, expires_at) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![hash, account.0, stable, expires_at.0])?;
    Ok(())
}

fn end_tokens(db: &Connection, account: AccountId, end: TokenEnd, now: Timestamp) -> StoreResult<()> {
    let (sql, hash) = match end {
        TokenEnd::Revoked(hash) => (
            "UPDATE access_token SET valid_until = CASE WHEN valid_until < ?3 THEN valid_until ELSE ?3 END WHERE account = ?1 AND hash = ?2
             RETURNING stable",
            hash,
        ),
        TokenEnd::Expired(hash) => (
            "UPDATE access_token SET valid_until = CASE WHEN valid_until < ?3 THEN valid_until ELSE ?3 END, expires_at = CASE WHEN expires_at < ?3 THEN expires_at ELSE ?3 END
             WHERE account = ?1 AND hash = ?2 RETURNING stable",
            hash,
        ),
        TokenEnd::AllBut(hash) => (
            "UPDATE access_token SET valid_until = CASE WHEN valid_until < ?3 THEN valid_until ELSE ?3 END
             WHERE account = ?1 AND hash <> ?2 AND stable = 0 RETURNING stable",
            hash,
        ),
    };
    let mut statement = db.prepare_cached(sql)?;
    let ended = statement.query_map(params![account.0, hash, now.0], |row| row.get::<_, bool>(0))?;
    let ended: Vec<bool> = ended.collect::<Result<_, _>>()?;
    if ended.contains(&true) {
        db.prepare_cached("UPDATE stable_token SET expires_at = ?2 WHERE account = ?1 AND expires_at > ?2")?
            .execute(params![account.0, now.0])?;
    }
    Ok(())
}

struct Generation {
    number: i64,
    expires_at: Timestamp,
    force_day: i32,
    forces: u32,
    forced_at: Timestamp,
}

fn stable_token(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    force: bool,
    now: Timestamp,
) -> StoreResult<Result<StableToken, ForcesUsedUp>> {
    let today = shared.calendar.day(now).0;
    let mut generation = generation(db, account)?;
    if generation.force_day != today {
        (generation.force_day, generation.forces) = (today, 0);
    }
    let alive = generation.expires_at > now;
    // Within half a minute of the last force nothing is renewed (spec accounts §1.2).
    let force = force && (now.ms_since(generation.forced_at) >= FORCE_PAUSE_SECONDS * 1_000 || !alive);
    let fresh = generation.expires_at > now.plus_seconds(OVERLAP_SECONDS);
    if !force && fresh {
        let token = shared.vault.stable_token(account, generation.number);
        return Ok(Ok(StableToken {
            token,
            expires_at: generation.expires_at,
        }));
    }
    if force && generation.forces >= FORCES_PER_DAY {
        return Ok(Err(ForcesUsedUp));
    }
    if force {
        replace_tokens(db, account, true, now)?;
        (generation.forces, generation.forced_at) = (generation.forces + 1, now);
    }
    generation.number += 1;
    generation.expires_at = now.plus_seconds(TOKEN_SECONDS);
    save_generation(db, account, &generation)?;
    let token = shared.vault.stable_token(account, generation.number);
    add_token(db, account, true, &vault::digest(&token), generation.expires_at)?;
    Ok(Ok(StableToken {
        token,
        expires_at: generation.expires_at,
    }))
}

fn generation(db: &Connection, account: AccountId) -> StoreResult<Generation> {
    let row = db
        .prepare_cached(
            "SELECT generation, expires_at, force_day, forces, forced_at FROM stable_token WHERE account = ?",
        )?
        .query_row([account.0], |row| {
            Ok(Generation {
                number: row.get(0)?,
                expires_at: Timestamp(row.get(1)?),
                force_day: row.get(2)?,
                forces: row.get(3)?,
                forced_at: Timestamp(row.get(4)?),
            })
        })
        .optional()?;
    let none = Generation {
        number: 0,
        expires_at: Timestamp(0),
        force_day: i32::MIN,
        forces: 0,
        forced_at: Timestamp(i64::MIN),
    };
    Ok(row.unwrap_or(none))
}

fn save_generation(db: &Connection, account: AccountId, generation: &Generation) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO stable_token (account, generation, expires_at, force_day, forces, forced_at)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (account) DO UPDATE SET generation = excluded.generation, expires_at = excluded.expires_at, force_day = excluded.force_day, forces = excluded.forces, forced_at = excluded.forced_at",
    )?
    .execute(params![
        account.0,
        generation.number,
        generation.expires_at.0,
        generation.force_day,
        generation.forces,
        generation.forced_at.0,
    ])?;
    Ok(())
}
