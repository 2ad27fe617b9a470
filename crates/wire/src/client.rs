//! A small typed client of the API, for tests, the command line and benchmarks.
//!
//! It never retries, renews no tokens and takes no proxy from the environment: what a call did is what the
//! server answered.

pub mod calls;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::token::{StableToken, TokenAnswer};

/// Longer than any call of the API may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused it.
    #[error("refused with {errcode}: {errmsg}")]
    Refused {
        /// The number.
        errcode: i64,
        /// The text, with its rid.
        errmsg: String,
        /// The earlier mass send, beside 45065.
        msg_id: Option<i64>,
    },
    /// The server could not be reached, or hung up.
    #[error("the server could not be reached")]
    Transport(#[from] reqwest::Error),
    /// The server answered something else than the API does.
    #[error("unexpected answer with HTTP status {status}: {body}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What came, cut short.
        body: String,
    },
}

/// What a call comes to.
pub type Answer<T> = Result<T, ClientError>;

/// A server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
}

impl Client {
    /// A client of the server at `base_url`, such as `http://127.0.0.1:8080`.
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .build()
            .expect("the TLS back end is compiled in, and nothing else can fail here");
        Self {
            http,
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    /// `GET /cgi-bin/token`.
    pub async fn token(&self, appid: &str, secret: &str) -> Answer<TokenAnswer> {
        let query = [
            ("grant_type", "client_credential"),
            ("appid", appid),
            ("secret", secret),
        ];
        answer(self.http.get(self.url("/cgi-bin/token", &query))).await
    }

    /// `POST /cgi-bin/stable_token`.
    pub async fn stable_token(&self, appid: &str, secret: &str, force_refresh: bool) -> Answer<TokenAnswer> {
        let request = StableToken {
            grant_type: "client_credential".into(),
            appid: appid.into(),
            secret: secret.into(),
            force_refresh: force_refresh.into(),
        };
        answer(
            self.http
                .post(self.url("/cgi-bin/stable_token", &[]))
                .json(&request),
        )
        .await
    }

    /// The calls that are made with `token`.
    pub fn account(&self, token: &str) -> Account {
        Account {
            client: self.clone(),
            token: token.to_owned(),
        }
    }

    /// The whole address. One that cannot be parsed is left to fail when it is used.
    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let address = format!("{}{path}", self.base_url);
        Url::parse_with_params(&address, query).map_or(address, String::from)
    }
}

/// The calls of one account, made with one token. The calls themselves are in [`calls`].
#[derive(Clone)]
pub struct Account {
    client: Client,
    token: String,
}

impl Account {
    /// Posts `json` to `path` and gives back whatever object comes, refusals included.
    pub async fn raw(&self, path: &str, json: &Value) -> Answer<Value> {
        read_object(self.request_post(path, &[]).json(json).send().await?).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, request: &impl Serialize) -> Answer<T> {
        answer(self.request_post(path, &[]).json(request)).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Answer<T> {
        answer(self.request_get(path, query)).await
    }

    async fn upload<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)], file: File) -> Answer<T> {
        let part = Part::bytes(file.bytes).file_name(file.name);
        answer(
            self.request_post(path, query)
                .multipart(Form::new().part("media", part)),
        )
        .await
    }

    fn request_post(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.client.http.post(self.url(path, query))
    }

    fn request_get(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.client.http.get(self.url(path, query))
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        self.client
            .url(path, &[&[("access_token", self.token.as_str())], query].concat())
    }
}

/// A file on its way to the server.
struct File {
    bytes: Vec<u8>,
    name: String,
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Answer<T> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let value = accepted(read_object(response).await?)?;
    let body = excerpt(&value.to_string());
    serde_json::from_value(value).map_err(|_| ClientError::Unexpected { status, body })
}

async fn read_object(response: Response) -> Answer<Value> {
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) if value.is_object() && status == 200 => Ok(value),
        _ => Err(ClientError::Unexpected {
            status,
            body: excerpt(&String::from_utf8_lossy(&bytes)),
        }),
    }
}

/// The answer itself, unless it is a refusal.
fn accepted(value: Value) -> Answer<Value> {
    match value["errcode"].as_i64() {
        None | Some(0) => Ok(value),
        Some(errcode) => Err(ClientError::Refused {
            errcode,
            errmsg: value["errmsg"].as_str().unwrap_or_default().to_owned(),
            msg_id: value["msg_id"].as_i64(),
        }),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(300).collect()
}
