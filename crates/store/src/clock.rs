//! The one time source (I14). Implementations live where the system clock may be read: in the binary.

use async_trait::async_trait;
use domain::time::Timestamp;

/// What time it is, and waiting for a time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns when `now()` has reached `at`; may return earlier when the clock was moved.
    async fn sleep_until(&self, at: Timestamp);
}
