//! Whose admin token holds where nobody named one. A node makes one for itself then; on a database that others use too,
//! a second node would make another, and the operator's calls would be refused by every other node.

use store::{Store, StoreResult, vault};

/// The name of the value that says which token was made first.
const SETTING: &str = "made_admin_token";

/// Whether `token`, which this node made, is the one that was made first on this database; notes it if it is.
pub async fn is_first(store: &dyn Store, token: &str) -> StoreResult<bool> {
    // A digest of 256 random bits gives nothing away (SEC3).
    let mark = hex::encode(vault::digest(token));
    if store.setting(SETTING).await?.is_none() {
        store.set_setting(SETTING, &mark).await?;
    }
    // Read again: of two first nodes at once, one has overwritten the other's.
    Ok(store.setting(SETTING).await?.as_deref() == Some(&*mark))
}
