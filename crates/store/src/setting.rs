//! A few values of the installation itself, such as the sandbox's clock.

use async_trait::async_trait;

use crate::StoreResult;

/// Named values.
#[async_trait]
pub trait SettingStore {
    /// The value of a name.
    async fn setting(&self, name: &str) -> StoreResult<Option<String>>;
    /// Sets it.
    async fn set_setting(&self, name: &str, value: &str) -> StoreResult<()>;
    /// Reads and writes something harmless; fails when the store cannot be used.
    async fn check_health(&self) -> StoreResult<()>;
}
