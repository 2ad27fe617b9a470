//! [`AccountStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension, Row, params};
use async_trait::async_trait;
use domain::{
    account::{Account, AccountKind},
    compat::CompatDate,
    id::{AccountId, AppId},
    openid::OpenIdKey,
    speed::SpeedLevel,
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, writer::Scope};
use crate::{
    StoreResult,
    account::{AccountChange, AccountRefusal, AccountStore, NewAccount, SecretHash},
};

const COLUMNS: &str = "id, app_id, original_id, name, kind, verified, pay_enabled, repeat_check, quota, speed, \
                       callback, open_id_secret, protect, declare_original, compat_date, comment_enabled";

#[async_trait]
impl AccountStore for SqlStore {
    async fn create_account(
        &self,
        account: NewAccount,
        now: Timestamp,
    ) -> StoreResult<Result<Account, AccountRefusal>> {
        self.write(Scope::Common, move |db, shared| create(db, shared, &account, now))
            .await
    }

    async fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.read(|db, shared| {
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM account ORDER BY id"))?;
            let mut rows = statement.query([])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                accounts.push(read_row(&row, shared)?);
            }
            Ok(accounts)
        })
        .await
    }

    async fn account(&self, app_id: &AppId) -> StoreResult<Option<Account>> {
        let app_id = app_id.0.clone();
        self.read(move |db, shared| find(db, shared, "app_id", &app_id))
            .await
    }

    async fn account_by_id(&self, id: AccountId) -> StoreResult<Option<Account>> {
        self.read(move |db, shared| by_id(db, shared, id)).await
    }

    async fn secret_hash(&self, id: AccountId) -> StoreResult<Option<SecretHash>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached("SELECT secret_hash FROM account WHERE id = ?")?;
            Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn change_account(&self, id: AccountId, change: AccountChange) -> StoreResult<Option<Account>> {
        self.write(id, move |db, shared| {
            apply(db, shared, id, &change)?;
            by_id(db, shared, id)
        })
        .await
    }
}

/// The account with this number.
pub(super) fn by_id(db: &Connection, shared: &Shared, id: AccountId) -> StoreResult<Option<Account>> {
    find(db, shared, "id", &id.0)
}

fn find(
    db: &Connection,
    shared: &Shared,
    column: &str,
    value: &dyn crate::sql::ToSql,
) -> StoreResult<Option<Account>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM account WHERE {column} = ?"))?;
    let mut rows = statement.query([value])?;
    rows.next()?.map(|row| read_row(&row, shared)).transpose()
}

fn read_row(row: &Row<'_>, shared: &Shared) -> StoreResult<Account> {
    let kind: String = row.get(4)?;
    let quota: String = row.get(8)?;
    let speed: Option<i64> = row.get(9)?;
    let callback: Option<Vec<u8>> = row.get(10)?;
    let open_id_secret: Vec<u8> = row.get(11)?;
    let compat_date: Option<String> = row.get(14)?;
    let open_id_secret: [u8; 16] = shared
        .vault
        .unwrap(&open_id_secret)?
        .try_into()
        .map_err(|_| columns::damaged("an OpenID key"))?;
    Ok(Account {
        id: AccountId(row.get(0)?),
        app_id: AppId(row.get(1)?),
        original_id: row.get(2)?,
        name: row.get(3)?,
        kind: AccountKind::from_word(&kind).ok_or_else(|| columns::damaged("an account kind"))?,
        verified: row.get(5)?,
        pay_enabled: row.get(6)?,
        repeat_check: row.get(7)?,
        protect: row.get(12)?,
        declare_original: row.get(13)?,
        compat_date: compat_date
            .map(|text| CompatDate::parse(&text).ok_or_else(|| columns::damaged("a compat date")))
            .transpose()?,
        quota: columns::quota(&quota)?,
        speed: speed.and_then(SpeedLevel::new),
        callback: callback
            .map(|wrapped| {
                shared
                    .vault
                    .unwrap(&wrapped)
                    .and_then(|bytes| columns::callback(&bytes))
            })
            .transpose()?,
        comment_enabled: row.get(15)?,
        open_id_key: OpenIdKey::new(&open_id_secret),
    })
}

fn create(
    db: &Connection,
    shared: &Shared,
    account: &NewAccount,
    now: Timestamp,
) -> StoreResult<Result<Account, AccountRefusal>> {
    let secret = shared
        .vault
        .wrap(&account.open_id_secret, shared.random.bytes())?;
    let id: u32 = db
        .prepare_cached("SELECT COALESCE(MAX(id), 0) + 1 FROM account")?
        .query_row([], |row| row.get(0))?;
    let inserted = db
        .prepare_cached(
            "INSERT INTO account (id, app_id, original_id, secret_hash, name, kind, verified, pay_enabled,
                                  repeat_check, quota, open_id_secret, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id,
            account.app_id.0,
            account.original_id,
            account.secret_hash,
            account.name,
            account.kind.word(),
            account.verified,
            account.pay_enabled,
            columns::quota_text(&account.quota)?,
            secret,
            now.0,
        ])?;
    if inserted == 0 {
        return Ok(Err(AccountRefusal::Taken));
    }
    let made = find(db, shared, "app_id", &account.app_id.0)?;
    made.map(Ok).ok_or_else(|| columns::damaged("a new account"))
}

fn apply(db: &Connection, shared: &Shared, id: AccountId, change: &AccountChange) -> StoreResult<()> {
    let set = |column: &str, value: &dyn crate::sql::ToSql| -> StoreResult<()> {
        db.prepare_cached(&format!("UPDATE account SET {column} = ? WHERE id = ?"))?
            .execute(params![value, id.0])?;
        Ok(())
    };
    if let Some(name) = &change.name {
        set("name", name)?;
    }
    if let Some(kind) = change.kind {
        set("kind", &kind.word())?;
    }
    if let Some(verified) = change.verified {
        set("verified", &verified)?;
    }
    if let Some(pay_enabled) = change.pay_enabled {
        set("pay_enabled", &pay_enabled)?;
    }
    if let Some(repeat_check) = change.repeat_check {
        set("repeat_check", &repeat_check)?;
    }
    if let Some(protect) = change.protect {
        set("protect", &protect)?;
    }
    if let Some(declare_original) = change.declare_original {
        set("declare_original", &declare_original)?;
    }
    if let Some(compat_date) = change.compat_date {
        set("compat_date", &compat_date.map(|date| date.to_string()))?;
    }
    if let Some(comment_enabled) = change.comment_enabled {
        set("comment_enabled", &comment_enabled)?;
    }
    if let Some(quota) = &change.quota {
        set("quota", &columns::quota_text(quota)?)?;
        crate::check::quota_changes(db, id)?;
    }
    if let Some(callback) = &change.callback {
        let wrapped = callback
            .as_ref()
            .map(|callback| {
                shared
                    .vault
                    .wrap(&columns::callback_bytes(callback)?, shared.random.bytes())
            })
            .transpose()?;
        set("callback", &wrapped)?;
    }
    if let Some(hash) = &change.secret_hash {
        set("secret_hash", hash)?;
        db.prepare_cached("DELETE FROM access_token WHERE account = ?")?
            .execute([id.0])?;
        db.prepare_cached(
            "UPDATE stable_token SET generation = generation + 1, expires_at = 0 WHERE account = ?",
        )?
        .execute([id.0])?;
    }
    Ok(())
}
