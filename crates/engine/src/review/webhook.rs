//! A reviewer of the operator's own, asked over HTTP.
//!
//! The mass is posted as JSON; the answer is `{"verdict":"pass"}` or
//! `{"verdict":"refuse","category":"advertising"}`. No answer in time is asked for again until patience ends.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    mass::Origin,
    review::{Category, Verdict},
};
use reqwest::{Client, Url, redirect};
use serde::Deserialize;
use serde_json::json;

use super::{Reviewer, Submission};

/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// How the reviewer is reached.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Where masses are posted. The operator names it, so any address will do.
    pub url: Url,
    /// Sent as `Authorization: Bearer`; none is sent when empty.
    pub token: String,
    /// Real time for one answer.
    pub timeout: Duration,
    /// How long a mass waits for an answer, from the first question on.
    pub patience: Duration,
    /// What holds then.
    pub without_answer: Verdict,
}

impl std::fmt::Debug for WebhookSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SEC4: neither the token nor a query ever reaches a log.
        write!(f, "WebhookSettings({})", self.url.host_str().unwrap_or_default())
    }
}

/// Asks a reviewer over HTTP.
pub struct Webhook {
    http: Client,
    settings: WebhookSettings,
}

#[derive(Deserialize)]
struct Answer {
    verdict: String,
    category: Option<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({:?})", self.settings)
    }
}

impl Webhook {
    /// A reviewer with these settings; fails when the machine's TLS cannot be set up.
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        let http = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(settings.timeout)
            .user_agent(concat!("qunfa/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, settings })
    }

    async fn ask(&self, body: String) -> Result<Vec<u8>, reqwest::Error> {
        let mut request = self
            .http
            .post(self.settings.url.clone())
            .header("Content-Type", "application/json")
            .body(body);
        if !self.settings.token.is_empty() {
            request = request.bearer_auth(&self.settings.token);
        }
        let mut answer = request.send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(bytes)
    }
}

#[async_trait]
impl Reviewer for Webhook {
    fn is_slow(&self) -> bool {
        true
    }

    async fn review(&self, submission: &Submission) -> Result<Verdict, String> {
        let answer = self.ask(question(submission)).await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        verdict(&answer)
    }

    fn without_answer(&self, waited: Duration) -> Option<Verdict> {
        (waited >= self.settings.patience).then_some(self.settings.without_answer)
    }
}

fn question(submission: &Submission) -> String {
    let mass = &submission.mass;
    let articles = submission.news.iter().flat_map(|news| &news.news.articles);
    let articles: Vec<_> = articles
        .map(|found| {
            let article = &found.article;
            json!({
                "title": article.title,
                "author": article.author,
                "digest": article.digest,
                "content": article.content,
                "content_source_url": article.content_source_url,
            })
        })
        .collect();
    let texts = if submission.news.is_some() {
        Vec::new()
    } else {
        submission.texts()
    };
    json!({
        "appid": submission.account.app_id.0,
        "msg_id": mass.id.0,
        "type": mass.content.message_type().word(),
        "origin": match mass.origin {
            Origin::Site => "site",
            Origin::Api | Origin::Preview => "api",
        },
        "total_count": mass.counts.total,
        "texts": texts,
        "articles": articles,
    })
    .to_string()
}

fn verdict(answer: &[u8]) -> Result<Verdict, String> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|error| format!("the answer is no verdict: {error}"))?;
    match (answer.verdict.as_str(), answer.category.as_deref()) {
        ("pass", _) => Ok(Verdict::Pass),
        ("refuse", category) => {
            let category = category.map_or(Some(Category::Other), Category::from_word);
            let category = category.ok_or("the answer names no known category")?;
            Ok(Verdict::Refuse(category.number()))
        }
        _ => Err("the verdict is neither pass nor refuse".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s087_an_answer_passes_or_refuses_with_a_category() {
        let read = |text: &str| verdict(text.as_bytes());
        assert_eq!(read(r#"{"verdict":"pass"}"#), Ok(Verdict::Pass));
        assert_eq!(read(r#"{"verdict":"refuse"}"#), Ok(Verdict::Refuse(21000)));
        assert_eq!(
            read(r#"{"verdict":"refuse","category":"fraud","note":"x"}"#),
            Ok(Verdict::Refuse(20008))
        );
        for bad in [
            "",
            "ok",
            "{}",
            r#"{"verdict":"maybe"}"#,
            r#"{"verdict":"refuse","category":"x"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
