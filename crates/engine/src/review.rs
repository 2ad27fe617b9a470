//! 审核: every mass is read before its first block is released.
//!
//! A [`Reviewer`] reads a [`Submission`] and gives a verdict: word lists, a webhook, in a sandbox whatever was
//! asked for. Quick ones are asked in the engine's turn, slow ones beside it, so that one account's reviewer
//! delays no other account. What follows from a verdict is the engine's and the store's.

mod webhook;
mod words;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    account::Account,
    content::Content,
    id::{AccountId, MassId},
    mass::Mass,
    review::Verdict,
    time::Timestamp,
};
use store::{
    bus::{Bus, Hint},
    mass::Running,
    media::FrozenNews,
};
use tokio::sync::{Notify, Semaphore};

pub use webhook::{Webhook, WebhookSettings};
pub use words::{WordLists, WordListsError};

/// A reviewer that cannot answer is asked again after this time.
const AGAIN_MS: i64 = 5_000;
/// Slow reviews under way at a time.
const SLOW_AT_ONCE: usize = 8;

/// What a reviewer reads.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who sends it.
    pub account: Account,
    /// The mass.
    pub mass: Mass,
    /// Its articles, for news.
    pub news: Option<Arc<FrozenNews>>,
}

impl Submission {
    /// Every text that a follower would see, markup included.
    pub fn texts(&self) -> Vec<&str> {
        match &self.mass.content {
            Content::Text(text) => vec![text],
            Content::Image { caption, .. } => vec![&caption.title, &caption.recommend],
            Content::Video {
                title, description, ..
            } => vec![title, description],
            Content::Card { title, .. } => vec![title],
            Content::Voice(_) | Content::Music(_) => Vec::new(),
            Content::News(_) => self.news.iter().flat_map(|news| article_texts(news)).collect(),
        }
    }
}

fn article_texts(news: &FrozenNews) -> Vec<&str> {
    let articles = news.news.articles.iter().map(|found| &found.article);
    articles
        .flat_map(|article| {
            [
                &article.title,
                &article.author,
                &article.digest,
                &article.content,
                &article.content_source_url,
            ]
        })
        .map(String::as_str)
        .collect()
}

/// Reads masses before they go out.
#[async_trait]
pub trait Reviewer: Send + Sync {
    /// Whether the answer may take longer than a moment.
    fn is_slow(&self) -> bool;
    /// The verdict; an error says why there is none yet, for people.
    async fn review(&self, submission: &Submission) -> Result<Verdict, String>;
    /// What holds for a mass that it was first asked about this long ago and still has no verdict; `None` asks
    /// again.
    fn without_answer(&self, _waited: Duration) -> Option<Verdict> {
        None
    }
}

/// The reviewers of a node, and the reviews under way.
#[derive(Clone, Default)]
pub struct Reviews(Arc<Inner>);

struct Inner {
    reviewers: Vec<Arc<dyn Reviewer>>,
    under_way: Mutex<HashMap<(AccountId, MassId), Review>>,
    places: Semaphore,
    landed: Notify,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            reviewers: Vec::new(),
            under_way: Mutex::default(),
            places: Semaphore::new(SLOW_AT_ONCE),
            landed: Notify::new(),
        }
    }
}

/// The review of one mass.
#[derive(Clone, Copy)]
struct Review {
    /// When it was first asked for.
    since: Timestamp,
    stand: Stand,
}

/// How the review of one mass stands.
#[derive(Clone, Copy)]
enum Stand {
    UnderWay,
    Done(Verdict),
    /// A reviewer did not answer; asked again at this time.
    Again(Timestamp),
}

/// Lands a review even if its reviewer panics: then it is asked for again.
struct Landing {
    reviews: Reviews,
    bus: Bus,
    key: (AccountId, MassId),
    stand: Stand,
}

impl Drop for Landing {
    fn drop(&mut self) {
        // A mass that ended meanwhile has been forgotten.
        if let Some(review) = self.reviews.under_way().get_mut(&self.key) {
            review.stand = self.stand;
        }
        self.reviews.0.landed.notify_waiters();
        self.bus.publish(Hint::Work);
    }
}

/// What is known of a mass so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reviewed {
    /// The verdict.
    Decided(Verdict),
    /// Not yet; look again then, or when it lands.
    Waiting(Option<Timestamp>),
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reviews({})", self.0.reviewers.len())
    }
}

impl Reviews {
    /// Asks these, in order; the first that does not pass decides.
    pub fn new(reviewers: Vec<Arc<dyn Reviewer>>) -> Self {
        Self(Arc::new(Inner {
            reviewers,
            ..Inner::default()
        }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.reviewers.is_empty()
    }

    /// What is known of this mass, so that it need not be read in vain.
    pub(crate) fn stand(&self, key: (AccountId, MassId), now: Timestamp) -> Option<Reviewed> {
        match self.under_way().get(&key)?.stand {
            Stand::UnderWay => Some(Reviewed::Waiting(None)),
            Stand::Done(verdict) => Some(Reviewed::Decided(verdict)),
            Stand::Again(at) if at > now => Some(Reviewed::Waiting(Some(at))),
            Stand::Again(_) => None,
        }
    }

    /// Forgets a mass that was decided.
    pub(crate) fn forget(&self, key: (AccountId, MassId)) {
        self.under_way().remove(&key);
    }

    /// Forgets all masses that run no more.
    pub(crate) fn keep_only(&self, running: &[Running]) {
        let mut under_way = self.under_way();
        if !under_way.is_empty() {
            let running: HashSet<_> = running.iter().map(|mass| (mass.account, mass.mass)).collect();
            under_way.retain(|key, _| running.contains(key));
        }
    }

    /// Forgets all masses.
    pub(crate) fn forget_all(&self) {
        self.under_way().clear();
    }

    /// Asks the quick reviewers now and the slow ones beside the turn.
    pub(crate) async fn ask(&self, submission: Submission, bus: &Bus, now: Timestamp) -> Reviewed {
        let reviewers = self.0.reviewers.iter().cloned();
        let (slow, quick): (Vec<_>, Vec<_>) = reviewers.partition(|reviewer| reviewer.is_slow());
        let key = (submission.account.id, submission.mass.id);
        let since = self.under_way().get(&key).map_or(now, |review| review.since);
        let again = now.plus_ms(AGAIN_MS);
        let (stand, reviewed) = match first_verdict(&quick, &submission, now.ms_since(since)).await {
            Some(Verdict::Pass) if !slow.is_empty() => (Stand::UnderWay, Reviewed::Waiting(None)),
            Some(verdict) => return Reviewed::Decided(verdict),
            None => (Stand::Again(again), Reviewed::Waiting(Some(again))),
        };
        self.under_way().insert(key, Review { since, stand });
        if matches!(stand, Stand::UnderWay) {
            let mut landing = Landing {
                reviews: self.clone(),
                bus: bus.clone(),
                key,
                stand: Stand::Again(again),
            };
            tokio::spawn(async move {
                // The semaphore is never closed; without a place the review would only be less polite.
                let reviews = landing.reviews.clone();
                let _place = reviews.0.places.acquire().await;
                if let Some(verdict) = first_verdict(&slow, &submission, now.ms_since(since)).await {
                    landing.stand = Stand::Done(verdict);
                }
                drop(landing);
            });
        }
        reviewed
    }

    /// Waits until no review is under way, at most for `patience` of real time.
    pub async fn settle(&self, patience: Duration) {
        let all_landed = async {
            loop {
                let landed = self.0.landed.notified();
                let none = !self
                    .under_way()
                    .values()
                    .any(|review| matches!(review.stand, Stand::UnderWay));
                if none {
                    return;
                }
                landed.await;
            }
        };
        let _ = tokio::time::timeout(patience, all_landed).await;
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<(AccountId, MassId), Review>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first verdict that is not to pass; `None` when a reviewer does not answer. `asked_ms` is how long ago the
/// first question was.
async fn first_verdict(
    reviewers: &[Arc<dyn Reviewer>],
    submission: &Submission,
    asked_ms: i64,
) -> Option<Verdict> {
    let (asked, started) = (u64::try_from(asked_ms).unwrap_or(0), Instant::now());
    for reviewer in reviewers {
        let verdict = match reviewer.review(submission).await {
            Ok(verdict) => verdict,
            Err(reason) => {
                tracing::warn!(
                    account.id = submission.account.id.0,
                    mass.id = submission.mass.id.0,
                    reason,
                    "a reviewer does not answer"
                );
                reviewer.without_answer(Duration::from_millis(asked) + started.elapsed())?
            }
        };
        if verdict != Verdict::Pass {
            return Some(verdict);
        }
    }
    Some(Verdict::Pass)
}
