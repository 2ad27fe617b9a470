//! 审核: every mass is read before its first block is released.
//!
//! A [`Reviewer`] reads a [`Submission`] and gives a verdict: word lists, a webhook, in a sandbox whatever was
//! asked for. Quick ones are asked in the engine's turn, slow ones beside it, so that one account's reviewer
//! delays no other account. What follows from a verdict is the engine's and the store's.

mod webhook;
mod words;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
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
    media::FrozenNews,
};
use tokio::sync::Notify;

pub use webhook::{Webhook, WebhookSettings};
pub use words::{WordLists, WordListsError};

/// A reviewer that cannot answer is asked again after this time.
const AGAIN_MS: i64 = 5_000;

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
    /// What holds for a mass that was accepted this long ago and still has no verdict; `None` asks again.
    fn without_answer(&self, _waited: Duration) -> Option<Verdict> {
        None
    }
}

/// The reviewers of a node, and the reviews under way.
#[derive(Clone, Default)]
pub struct Reviews(Arc<Inner>);

#[derive(Default)]
struct Inner {
    reviewers: Vec<Arc<dyn Reviewer>>,
    under_way: Mutex<HashMap<(AccountId, MassId), Stand>>,
    landed: Notify,
}

/// How the slow review of one mass stands.
#[derive(Clone, Copy)]
enum Stand {
    UnderWay,
    Done(Verdict),
    /// No reviewer answered; asked again at this time.
    Again(Timestamp),
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

    /// Whether a review of this mass is under way, so that reading it again would be in vain.
    pub(crate) fn stand(&self, key: (AccountId, MassId), now: Timestamp) -> Option<Reviewed> {
        match self.stands().get(&key)? {
            Stand::UnderWay => Some(Reviewed::Waiting(None)),
            Stand::Done(verdict) => Some(Reviewed::Decided(*verdict)),
            Stand::Again(at) if *at > now => Some(Reviewed::Waiting(Some(*at))),
            Stand::Again(_) => None,
        }
    }

    /// Forgets a mass that was decided.
    pub(crate) fn forget(&self, key: (AccountId, MassId)) {
        self.stands().remove(&key);
    }

    /// Forgets all masses.
    pub(crate) fn forget_all(&self) {
        self.stands().clear();
    }

    /// Asks the quick reviewers now and the slow ones beside the turn.
    pub(crate) async fn ask(&self, submission: Submission, bus: &Bus, now: Timestamp) -> Reviewed {
        let (slow, quick): (Vec<_>, Vec<_>) = self
            .0
            .reviewers
            .iter()
            .cloned()
            .partition(|reviewer| reviewer.is_slow());
        let key = (submission.account.id, submission.mass.id);
        match first_verdict(&quick, &submission, now).await {
            Some(Verdict::Pass) if slow.is_empty() => Reviewed::Decided(Verdict::Pass),
            Some(Verdict::Pass) => {
                self.stands().insert(key, Stand::UnderWay);
                let (reviews, bus) = (self.clone(), bus.clone());
                tokio::spawn(async move {
                    let verdict = first_verdict(&slow, &submission, now).await;
                    let stand = verdict.map_or(Stand::Again(now.plus_ms(AGAIN_MS)), Stand::Done);
                    reviews.stands().insert(key, stand);
                    reviews.0.landed.notify_waiters();
                    bus.publish(Hint::Work);
                });
                Reviewed::Waiting(None)
            }
            Some(verdict) => Reviewed::Decided(verdict),
            None => {
                let again = now.plus_ms(AGAIN_MS);
                self.stands().insert(key, Stand::Again(again));
                Reviewed::Waiting(Some(again))
            }
        }
    }

    /// Waits until no review is under way, at most for `patience` of real time.
    pub async fn settle(&self, patience: Duration) {
        let all_landed = async {
            loop {
                let landed = self.0.landed.notified();
                if !self
                    .stands()
                    .values()
                    .any(|stand| matches!(stand, Stand::UnderWay))
                {
                    return;
                }
                landed.await;
            }
        };
        let _ = tokio::time::timeout(patience, all_landed).await;
    }

    fn stands(&self) -> MutexGuard<'_, HashMap<(AccountId, MassId), Stand>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first verdict that is not to pass; `None` when a reviewer does not answer.
async fn first_verdict(
    reviewers: &[Arc<dyn Reviewer>],
    submission: &Submission,
    now: Timestamp,
) -> Option<Verdict> {
    let waited = u64::try_from(now.ms_since(submission.mass.accepted_at)).unwrap_or(0);
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
                reviewer.without_answer(Duration::from_millis(waited))?
            }
        };
        if verdict != Verdict::Pass {
            return Some(verdict);
        }
    }
    Some(Verdict::Pass)
}
