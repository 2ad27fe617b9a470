//! Whether the data belongs to this master key. Nodes on one database must have the same one: under another,
//! nobody's secrets open, and links and tokens of the other nodes mean nothing.

use store::{Store, StoreError, StoreResult, random::Random, vault::Vault};

/// The name of the value that only the right key opens.
const SETTING: &str = "master_key_mark";
/// What is in it.
const MARK: &[u8] = b"qunfa";

/// Marks data that no key has marked yet; fails when another key has.
pub async fn check(store: &dyn Store, vault: &Vault) -> StoreResult<()> {
    if store.setting(SETTING).await?.is_none() {
        let mark = vault.wrap(MARK, Random::system().bytes())?;
        store.set_setting(SETTING, &hex::encode(mark)).await?;
    }
    // Read again: of two first nodes at once, one has overwritten the other's.
    let mark = store.setting(SETTING).await?.unwrap_or_default();
    let mark = hex::decode(mark).map_err(|error| StoreError::Damaged(error.to_string()))?;
    vault.unwrap(&mark).map(|_| ())
}

#[cfg(test)]
mod tests {
    use domain::time::Calendar;
    use store::rows::SqlStore;

    use super::*;

    #[tokio::test]
    async fn sec03_data_is_refused_under_another_master_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let (ours, other) = (Vault::new([1; 32]), Vault::new([2; 32]));
        let store = SqlStore::open(folder.path(), ours.clone(), Calendar::shanghai()).expect("opens");
        check(&store, &ours).await.expect("marks");
        check(&store, &ours).await.expect("knows its mark");
        assert!(check(&store, &other).await.is_err());
        check(&store, &ours).await.expect("the mark stays");
    }
}
