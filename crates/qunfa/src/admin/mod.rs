//! The client of the native API (`/v1`) that the command line uses.
//!
//! Answers stay JSON: the commands print what the server says, and a field that a newer server adds reaches
//! `--json` without a change here.

use std::{error::Error as _, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::Value;
use url::Url;

/// A server and the token to talk to it.
#[derive(Clone)]
pub struct Admin {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SEC4: not the token.
        write!(f, "Admin({})", self.base)
    }
}

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is none.
    #[error("{0:?} is no address of a server; it should look like http://127.0.0.1:8080")]
    Address(String),
    /// Nobody listens there.
    #[error("no server answers at {server}")]
    NoServer {
        /// The address.
        server: Url,
    },
    /// The connection broke, or the answer took too long.
    #[error("the connection to {server} failed: {reason}")]
    Connection {
        /// The address.
        server: Url,
        /// The deepest cause.
        reason: String,
    },
    /// The token is wrong.
    #[error("the server at {server} does not accept this admin token")]
    Token {
        /// The address.
        server: Url,
    },
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The word for programs.
        code: String,
        /// The sentence for people.
        message: String,
    },
    /// Something else answers there.
    #[error("{server} does not answer as a qunfa server does (HTTP {status})")]
    Answer {
        /// The address.
        server: Url,
        /// The HTTP status.
        status: StatusCode,
    },
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

impl Admin {
    /// A client of the server at `server`.
    pub fn new(server: &str, token: &str) -> Result<Self, AdminError> {
        let address = || AdminError::Address(server.to_string());
        let base = Url::parse(server).map_err(|_| address())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(address());
        }
        // A proxy for the Internet is not for the operator's own server.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| AdminError::Connection {
                server: base.clone(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            base,
            token: token.to_string(),
        })
    }

    /// Where the server is.
    pub fn server(&self) -> &Url {
        &self.base
    }

    /// `GET`; each of `path` is one segment.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, AdminError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.request(Method::GET, url).timeout(ANSWER_TIMEOUT))
            .await
    }

    /// `POST`, `PATCH` or `PUT` of a JSON body.
    pub async fn change(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, AdminError> {
        self.send(
            self.request(method, self.url(path))
                .timeout(ANSWER_TIMEOUT)
                .json(body),
        )
        .await
    }

    /// Asks a sandbox; each of `path` is one segment behind `/sandbox`. There is no time limit: a long way of its
    /// clock takes as long as it takes.
    pub async fn sandbox(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, AdminError> {
        let request = self.request(method, self.below("sandbox", path));
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Streams a file of followers, CSV or JSON lines; the server sees which. There is no time limit: it takes
    /// as long as it takes.
    pub async fn import(&self, account: &str, body: reqwest::Body) -> Result<Value, AdminError> {
        let request = self.request(Method::POST, self.url(&["accounts", account, "followers"]));
        self.send(
            request
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .body(body),
        )
        .await
    }

    fn url(&self, path: &[&str]) -> Url {
        self.below("v1", path)
    }

    fn below(&self, root: &str, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(root).extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, AdminError> {
        let answer = request.send().await.map_err(|error| self.failed(&error))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| self.failed(&error))?;
        let value: Option<Value> = if body.is_empty() {
            Some(Value::Null)
        } else {
            serde_json::from_slice(&body).ok()
        };
        if status == StatusCode::UNAUTHORIZED {
            return Err(AdminError::Token {
                server: self.base.clone(),
            });
        }
        match value {
            Some(value) if status.is_success() => Ok(value),
            Some(value) if value["error"]["message"].is_string() => {
                let text = |name: &str| value["error"][name].as_str().unwrap_or_default().to_string();
                Err(AdminError::Refused {
                    status,
                    code: text("code"),
                    message: text("message"),
                })
            }
            _ => Err(AdminError::Answer {
                server: self.base.clone(),
                status,
            }),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> AdminError {
        let server = self.base.clone();
        if error.is_connect() {
            return AdminError::NoServer { server };
        }
        if error.is_timeout() {
            return AdminError::Connection {
                server,
                reason: "no answer in time".into(),
            };
        }
        let mut cause = error.source();
        let mut reason = error.to_string();
        while let Some(deeper) = cause {
            reason = deeper.to_string();
            cause = deeper.source();
        }
        AdminError::Connection { server, reason }
    }
}
