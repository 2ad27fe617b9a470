//! HTTP to receivers that accounts and readers name: no redirects, no proxy, checked addresses, little patience.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use wire::callback::{Envelope, Query};

use super::{AddressRules, edge::Answer};

/// More of an answer is not read (spec events §7).
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// What a receiver of a channel said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// When it wants to be asked again: milliseconds of `Retry-After`.
    pub(crate) retry_after_ms: Option<i64>,
}

/// Sends requests to receivers.
pub(crate) struct Poster {
    http: Client,
    rules: AddressRules,
    timeout: Duration,
}

impl Poster {
    pub(crate) fn new(rules: AddressRules, timeout: Duration) -> Result<Self, String> {
        Self::resolving_by(Arc::new(SystemNames), rules, timeout)
    }

    /// The same with another source of addresses than the system's.
    fn resolving_by(names: Arc<dyn Names>, rules: AddressRules, timeout: Duration) -> Result<Self, String> {
        let resolver = CheckedResolver {
            names,
            rules: rules.clone(),
        };
        let http = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .dns_resolver(resolver)
            .user_agent(concat!("qunfa/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            http: http.map_err(|error| error.to_string())?,
            rules,
            timeout,
        })
    }

    /// Posts an event; the error says why no answer came.
    pub(super) async fn post(&self, url: &str, envelope: &Envelope) -> Result<Answer, String> {
        let url = self.address(url, &envelope.query)?;
        let request = self
            .http
            .post(url)
            .header("Content-Type", "text/xml")
            .body(envelope.body.clone());
        let answer = self.in_time(request.send()).await?;
        let status = answer.status().as_u16();
        let body = self.read(answer).await?;
        Ok(Answer { status, body })
    }

    /// Posts bytes under these headers; what the answer's body says is of no meaning. The error says why none came.
    pub(crate) async fn send(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<Reply, String> {
        let mut request = self.http.post(self.address(url, &Query::default())?).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = self.in_time(request.send()).await?;
        let asked = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok());
        let reply = Reply {
            status: answer.status().as_u16(),
            retry_after_ms: asked
                .and_then(|text| text.trim().parse::<i64>().ok())
                .map(|seconds| seconds.saturating_mul(1_000)),
        };
        self.read(answer).await?;
        Ok(reply)
    }

    /// Gets a text; anything but 2xx is a failure.
    pub(super) async fn get(&self, url: &str, query: &Query) -> Result<String, String> {
        let url = self.address(url, query)?;
        let answer = self.in_time(self.http.get(url).send()).await?;
        if !answer.status().is_success() {
            return Err(format!("the receiver answered {}", answer.status()));
        }
        self.read(answer).await
    }

    /// The URL with our parameters behind its own. Addresses are checked at every try.
    fn address(&self, url: &str, query: &Query) -> Result<Url, String> {
        let mut url = Url::parse(url).map_err(|error| format!("the URL cannot be read: {error}"))?;
        let host = url.host().ok_or("the URL has no host")?;
        if !self.rules.allows_host(&host) {
            return Err("the URL points to an address that is not public".to_owned());
        }
        if !query.is_empty() {
            let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    async fn in_time(
        &self,
        request: impl Future<Output = reqwest::Result<Response>>,
    ) -> Result<Response, String> {
        request.await.map_err(|error| self.explain(&error))
    }

    /// Why an answer that did not come in time counts as none.
    pub(super) fn too_late(&self) -> String {
        format!("no answer within {} s", self.timeout.as_secs())
    }

    fn explain(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return self.too_late();
        }
        // The address of an error may carry the query, and with it a signature (SEC4): only the cause is told.
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        format!("the receiver could not be reached: {cause}")
    }

    async fn read(&self, mut answer: Response) -> Result<String, String> {
        let mut bytes = Vec::new();
        while bytes.len() < ANSWER_BYTES_MAX {
            match answer.chunk().await.map_err(|error| self.explain(&error))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => break,
            }
        }
        bytes.truncate(ANSWER_BYTES_MAX);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Any 2xx answer means that the event was received.
pub(super) fn received(answer: Answer) -> Result<(), String> {
    match StatusCode::from_u16(answer.status) {
        Ok(status) if status.is_success() => Ok(()),
        Ok(status) => Err(format!("the receiver answered {status}")),
        Err(_) => Err(format!("the receiver answered {}", answer.status)),
    }
}

/// Knows the addresses of names.
#[async_trait]
trait Names: Send + Sync {
    /// All addresses of a name, as of now.
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Resolves names, and refuses one if any of its addresses is not allowed.
struct CheckedResolver {
    names: Arc<dyn Names>,
    rules: AddressRules,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, rules) = (self.names.clone(), self.rules.clone());
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?;
            if found.iter().any(|address| !rules.allows(address.ip())) {
                return Err("the name resolves to an address that is not public".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
