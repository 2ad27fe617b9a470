//! Web Push: one walk over the browsers of a block.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    account::Account,
    id::Ordinal,
    push::{self, Subscription, TTL_SECONDS, is_fresh, next_try, notice},
    time::Timestamp,
};
use futures::{StreamExt, stream};
use serde_json::json;
use store::{
    StoreError, StoreResult,
    channel::{Lane, LaneLease, Release},
    measure,
    push::{EndpointHash, PushPage, Pushed, Target},
};
use url::Url;
use wire::push::{BrowserKeys, SenderKey};

use super::{Channels, LEASE_MS};
use crate::callback::post::Reply;

/// Tries under way at once in one block.
const AT_ONCE: usize = 32;
/// A signature is good for so long (RFC 8292 allows a day) and is made anew in the last part of it.
const SIGNED_SECONDS: i64 = 12 * 3_600;
const RENEWED_SECONDS: i64 = 3_600;
/// Push services whose signatures are kept.
const SIGNATURES: usize = 1_024;

/// Signs pushes: the installation's key, and the signatures that hold for a while.
#[derive(Default)]
pub(super) struct Signer(Mutex<Signed>);

#[derive(Default)]
struct Signed {
    key: Option<SenderKey>,
    // By audience, with when they end.
    signatures: HashMap<String, (String, i64)>,
}

impl Signer {
    pub(super) fn forget(&self) {
        *self.signed() = Signed::default();
    }

    fn signed(&self) -> MutexGuard<'_, Signed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `Authorization` for a push service.
    fn authorization(&self, key: &SenderKey, audience: &str, contact: &str, now: Timestamp) -> String {
        let mut signed = self.signed();
        if let Some((signature, ends)) = signed.signatures.get(audience)
            && (now.seconds() + RENEWED_SECONDS..=now.seconds() + SIGNED_SECONDS).contains(ends)
        {
            return signature.clone();
        }
        if signed.signatures.len() >= SIGNATURES {
            signed.signatures.clear();
        }
        let ends = now.seconds() + SIGNED_SECONDS;
        let signature = key.authorization(audience, contact, ends);
        signed
            .signatures
            .insert(audience.to_owned(), (signature.clone(), ends));
        signature
    }
}

/// What is the same for all browsers of a page.
struct Errand<'a> {
    account: &'a Account,
    release: &'a Release,
    key: SenderKey,
    topic: String,
}

/// How one try went.
enum Outcome {
    Taken,
    Gone,
    Refused,
    Failed { retry_after_ms: Option<i64> },
    Waits { until: Timestamp },
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Outcome::Taken => "taken",
            Outcome::Gone => "gone",
            Outcome::Refused => "refused",
            Outcome::Failed { .. } => "failed",
            Outcome::Waits { .. } => "waits",
        }
    }
}

impl Channels {
    /// The public key that browsers subscribe with.
    pub async fn push_public_key(&self) -> StoreResult<String> {
        Ok(self.sender_key().await?.public())
    }

    /// Pushes page by page until nobody is left for now.
    pub(super) async fn walk_push(&self, lease: LaneLease) -> StoreResult<()> {
        let Lane::Push(account, _) = lease.lane else {
            return Ok(());
        };
        while let Some(page) = self.0.store.push_page(lease, self.now()).await? {
            let results = match (&page.release, self.0.store.account_by_id(account).await?) {
                (Some(release), Some(account)) => self.push_page(&account, release, &page).await?,
                // Taken back meanwhile, or too late: nobody is told.
                _ => given_up(&page),
            };
            let until = self.now().plus_ms(LEASE_MS);
            let at = (page.sequence, page.after);
            if !self.0.store.report_push(lease, at, results, until).await? {
                tracing::warn!(
                    account.id = account.0,
                    "a block's pushes had passed to another worker"
                );
                return Ok(());
            }
        }
        self.0.store.leave_lane(lease).await
    }

    async fn push_page(
        &self,
        account: &Account,
        release: &Release,
        page: &PushPage,
    ) -> StoreResult<Vec<(Ordinal, EndpointHash, Pushed)>> {
        if page.targets.is_empty() {
            return Ok(Vec::new());
        }
        let errand = Errand {
            account,
            release,
            key: self.sender_key().await?,
            topic: push::topic(&account.app_id),
        };
        let again = page.after.is_none();
        let tries = page
            .targets
            .iter()
            .map(|target| self.push_one(&errand, target, again));
        let tries: Vec<_> = tries.collect();
        let results: Vec<_> = stream::iter(tries).buffer_unordered(AT_ONCE).collect().await;
        Ok(results.into_iter().flatten().collect())
    }

    /// One browser; `None` when there is nothing to keep about it.
    async fn push_one(
        &self,
        errand: &Errand<'_>,
        target: &Target,
        again: bool,
    ) -> Option<(Ordinal, EndpointHash, Pushed)> {
        let outcome = match &target.subscription {
            Some(subscription) => self.try_one(errand, target, subscription).await,
            None => Outcome::Gone,
        };
        metrics::counter!(measure::PUSHES.name, "outcome" => outcome.word()).increment(1);
        let now = self.now();
        let failures = target.failures.saturating_add(1);
        let sent_at = errand.release.sent_at;
        let pushed = match outcome {
            Outcome::Taken if target.failures == 0 && !again => return None,
            Outcome::Taken => Pushed::Taken,
            Outcome::Gone => Pushed::Gone,
            Outcome::Refused => Pushed::Failed {
                failures,
                at: next_try(failures, None, now, self.jitter()),
            },
            Outcome::Failed { retry_after_ms } => later(
                failures,
                next_try(failures, retry_after_ms, now, self.jitter()),
                sent_at,
            ),
            Outcome::Waits { until } => later(target.failures, until, sent_at),
        };
        Some((target.ordinal, target.hash, pushed))
    }

    async fn try_one(&self, errand: &Errand<'_>, target: &Target, subscription: &Subscription) -> Outcome {
        let now = self.now();
        let host = push::host(&subscription.endpoint);
        let closed = self.0.hosts.closed(&host, now);
        if let Some(until) = closed
            .into_iter()
            .chain([target.not_before])
            .max()
            .filter(|until| *until > now)
        {
            return Outcome::Waits { until };
        }
        // What was allowed when it was subscribed may not be any more.
        if self.check_endpoint(&subscription.endpoint).is_err() {
            return Outcome::Gone;
        }
        let Some((headers, body)) = self.request(errand, subscription, now) else {
            return Outcome::Gone;
        };
        let reply = self.0.push_http.send(&subscription.endpoint, headers, body).await;
        let outcome = outcome_of(&reply);
        match &outcome {
            Outcome::Failed { retry_after_ms: None } => self.0.hosts.failed(&host, now, self.jitter()),
            _ => self.0.hosts.answered(&host),
        }
        if let Outcome::Failed { .. } | Outcome::Refused = outcome {
            let error = reply.map_or_else(|error| error, |reply| format!("it answered {}", reply.status));
            tracing::debug!(
                account.id = errand.account.id.0,
                error,
                "a push service did not take a push"
            );
        }
        outcome
    }

    /// Headers and body of a push; `None` when the subscription's keys or address are none.
    fn request(
        &self,
        errand: &Errand<'_>,
        subscription: &Subscription,
        now: Timestamp,
    ) -> Option<(Vec<(&'static str, String)>, Vec<u8>)> {
        let keys = BrowserKeys::from_bytes(&subscription.p256dh, &subscription.auth).ok()?;
        let audience = Url::parse(&subscription.endpoint)
            .ok()?
            .origin()
            .ascii_serialization();
        let contact = &self.0.settings.contact;
        let authorization = self.0.signer.authorization(&errand.key, &audience, contact, now);
        let body = keys.seal(self.payload(errand, subscription).as_bytes())?;
        let headers = vec![
            ("TTL", TTL_SECONDS.to_string()),
            ("Urgency", "normal".to_owned()),
            ("Topic", errand.topic.clone()),
            ("Content-Encoding", "aes128gcm".to_owned()),
            ("Content-Type", "application/octet-stream".to_owned()),
            ("Authorization", authorization),
        ];
        Some((headers, body))
    }

    /// What the browser's service worker reads.
    fn payload(&self, errand: &Errand<'_>, subscription: &Subscription) -> String {
        let Errand { account, release, .. } = errand;
        let first = release.news.as_ref().and_then(|news| news.news.articles.first());
        let headline = first.map(|first| first.article.title.as_str());
        let notice = notice(&account.name, &release.content, headline, subscription.language);
        let entry = self.entry(account, release);
        json!({
            "title": notice.title,
            "body": notice.body,
            "url": entry.url.clone().unwrap_or_else(|| self.public("/reader")),
            "account": account.app_id.0,
            "account_name": account.name,
            "entry": entry.id,
            "tag": account.app_id.0,
        })
        .to_string()
    }

    async fn sender_key(&self) -> StoreResult<SenderKey> {
        if let Some(key) = self.0.signer.signed().key.clone() {
            return Ok(key);
        }
        let bytes = self.0.store.push_key(SenderKey::generate()).await?;
        let key = SenderKey::from_bytes(&bytes);
        let key = key.ok_or_else(|| StoreError::Damaged("the key of pushes".to_owned()))?;
        self.0.signer.signed().key = Some(key.clone());
        Ok(key)
    }
}

fn outcome_of(reply: &Result<Reply, String>) -> Outcome {
    let Ok(reply) = reply else {
        return Outcome::Failed { retry_after_ms: None };
    };
    match reply.status {
        200..=299 => Outcome::Taken,
        404 | 410 => Outcome::Gone,
        429 => Outcome::Failed {
            retry_after_ms: Some(reply.retry_after_ms.unwrap_or(0)),
        },
        400..=499 => Outcome::Refused,
        _ => Outcome::Failed {
            retry_after_ms: reply.retry_after_ms,
        },
    }
}

/// A try that is repeated while the entry is fresh.
fn later(failures: u32, at: Timestamp, sent_at: Timestamp) -> Pushed {
    if is_fresh(sent_at, at) {
        Pushed::Later { failures, at }
    } else {
        Pushed::Failed { failures, at }
    }
}

/// Nothing is pushed: what waited for another try waits no more.
fn given_up(page: &PushPage) -> Vec<(Ordinal, EndpointHash, Pushed)> {
    let result = |target: &Target| {
        let pushed = Pushed::Failed {
            failures: target.failures,
            at: target.not_before,
        };
        (target.ordinal, target.hash, pushed)
    };
    page.targets.iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_service_until_its_last_hour() {
        let (signer, key) = (Signer::default(), SenderKey::from_bytes(&[7; 32]).expect("a key"));
        let at = |audience: &str, seconds| {
            signer.authorization(
                &key,
                audience,
                "mailto:a@example.org",
                Timestamp::from_seconds(seconds),
            )
        };
        let first = at("https://one.test", 0);
        assert_eq!(at("https://one.test", SIGNED_SECONDS - RENEWED_SECONDS), first);
        assert_ne!(at("https://two.test", 0), first);
        assert_ne!(
            at("https://one.test", SIGNED_SECONDS - RENEWED_SECONDS + 1),
            first
        );
        let later = at("https://one.test", SIGNED_SECONDS);
        assert_ne!(
            at("https://one.test", 0),
            later,
            "a clock that was set back signs anew"
        );
    }
}
