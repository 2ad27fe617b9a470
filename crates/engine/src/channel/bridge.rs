//! The webhook channel: one walk over what an account's bridge was not told yet.

use std::time::Duration;

use domain::{
    account::Account,
    time::Timestamp,
    webhook::{Fault, Trouble, after_failure, fault_of},
};
use serde_json::{Value, json};
use store::{
    StoreResult,
    bridge::{BridgeAddress, Letter, Told},
    channel::{LaneLease, Release},
    measure,
};
use wire::webhook::Secret;

use super::{Channels, LEASE_MS};

/// Real time for a test call: it fits into the time that its own caller has.
const TEST_PATIENCE: Duration = Duration::from_secs(4);

/// Why a batch was not taken.
struct Failure {
    error: String,
    fault: Fault,
    retry_after_ms: Option<i64>,
}

impl Channels {
    /// Sends a test call to a bridge; the error says why it was not taken.
    pub async fn test_bridge(&self, account: &Account, address: &BridgeAddress) -> Result<(), String> {
        let body = json!({"type": "test", "account": account.app_id.0, "account_name": account.name});
        let id = format!("test-{}", self.0.random.text::<12>());
        let told = tokio::time::timeout(TEST_PATIENCE, self.tell(address, &id, &body));
        match told.await {
            Ok(told) => told.map_err(|failure| failure.error),
            Err(_) => Err(format!("no answer within {} s", TEST_PATIENCE.as_secs())),
        }
    }

    /// Tells batch after batch until nothing is left for now, or one is not taken.
    pub(super) async fn walk_bridge(&self, lease: LaneLease) -> StoreResult<()> {
        while let Some(letter) = self.0.store.next_letter(lease, self.now()).await? {
            let told = match (
                &letter.release,
                self.0.store.account_by_id(lease.lane.account()).await?,
            ) {
                (Some(release), Some(account)) if !letter.followers.is_empty() => {
                    self.tell_letter(&account, release, &letter).await
                }
                // Taken back meanwhile, or all of them have muted the account.
                _ => Told::Skipped,
            };
            let now = self.now();
            let until = now.plus_ms(LEASE_MS);
            if !self
                .0
                .store
                .report_letter(lease, &letter, told, until, now)
                .await?
            {
                let account = lease.lane.account();
                tracing::warn!(account.id = account.0, "a bridge had passed to another worker");
                return Ok(());
            }
        }
        self.0.store.leave_lane(lease).await
    }

    async fn tell_letter(&self, account: &Account, release: &Release, letter: &Letter) -> Told {
        let body = self.batch(account, release, letter);
        let range = letter.range;
        // The same range has the same id at every try, so that a receiver can tell a repetition.
        let id = format!(
            "{}-{}-{}-{}",
            account.app_id, range.block, range.sequence, range.from
        );
        let outcome = self.tell(&letter.address, &id, &body).await;
        let word = if outcome.is_ok() { "taken" } else { "failed" };
        metrics::counter!(measure::WEBHOOKS.name, "outcome" => word).increment(1);
        match outcome {
            Ok(()) => Told::Taken,
            Err(failure) => self.failed(account, letter.trouble, failure),
        }
    }

    fn failed(&self, account: &Account, trouble: Trouble, failure: Failure) -> Told {
        let now: Timestamp = self.now();
        let trouble = Trouble {
            attempts: trouble.attempts.saturating_add(1),
            failing_since: trouble.failing_since.or(Some(now)),
            ..trouble
        };
        tracing::warn!(
            account.id = account.id.0,
            attempt = trouble.attempts,
            error = failure.error,
            "a push bridge did not take a batch"
        );
        let next = after_failure(trouble, failure.fault, failure.retry_after_ms, now, self.jitter());
        Told::Failed {
            error: failure.error,
            trouble,
            next,
        }
    }

    fn batch(&self, account: &Account, release: &Release, letter: &Letter) -> Value {
        let followers = letter.followers.iter().map(|(ordinal, external_id)| {
            json!({"openid": account.open_id_key.seal(*ordinal).0, "external_id": external_id})
        });
        json!({
            "type": "entries.released",
            "account": account.app_id.0,
            "msg_id": release.mass.0,
            "entry": self.entry(account, release),
            "followers": followers.collect::<Vec<_>>(),
        })
    }

    async fn tell(&self, address: &BridgeAddress, id: &str, body: &Value) -> Result<(), Failure> {
        let unavailable = |error: String| Failure {
            error,
            fault: Fault::Unavailable,
            retry_after_ms: None,
        };
        let secret = Secret::from_bytes(&address.secret).map_err(|error| unavailable(error.to_string()))?;
        let body = body.to_string();
        let mut headers = secret.headers(id, self.now().seconds(), &body).to_vec();
        headers.push(("content-type", "application/json".to_owned()));
        let reply = self.0.bridge_http.send(&address.url, headers, body.into_bytes());
        let reply = reply.await.map_err(unavailable)?;
        match fault_of(reply.status) {
            None => Ok(()),
            Some(fault) => Err(Failure {
                error: format!("the bridge answered {}", reply.status),
                fault,
                retry_after_ms: reply.retry_after_ms,
            }),
        }
    }
}
