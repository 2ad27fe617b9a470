//! The sandbox of one scenario: in this process, on a free loopback port, with a clock that stands, in a
//! folder that goes with it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use store::clock::Clock;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    check::Found,
    file::{AccountName, Scenario},
    receiver::Receiver,
    steps::Broken,
    variables::Variables,
};
use crate::{
    clock::VirtualClock,
    node::StartError,
    sandbox::{ADMIN_TOKEN, Sandbox, SandboxConfig},
};

/// Followers of each account that a scenario can name.
const NAMED: usize = 100;
/// Real time for one answer; an advance of the clock may take a while.
const ANSWER: Duration = Duration::from_secs(120);

/// A running sandbox and what the scenario knows of it.
#[derive(Debug)]
pub struct World {
    /// Its address, without a last slash.
    pub base: String,
    /// What `${…}` may name.
    pub variables: Variables,
    /// Beside which files are looked for.
    pub folder: PathBuf,
    /// Receivers by account.
    pub receivers: HashMap<AccountName, Receiver>,
    tokens: HashMap<AccountName, String>,
    clock: Arc<VirtualClock>,
    http: Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    /// Last, so that the folder goes after what uses it.
    _data: tempfile::TempDir,
}

impl World {
    /// A fresh sandbox for this scenario.
    pub async fn start(scenario: &Scenario, path: &Path, seed: u64) -> Result<Self, StartError> {
        let machine = |error: std::io::Error| StartError::Machine(error.to_string());
        let data = tempfile::tempdir().map_err(machine)?;
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(loopback).await.map_err(machine)?;
        let base = format!("http://{}", listener.local_addr().map_err(machine)?);
        let config = SandboxConfig {
            folder: data.path().to_owned(),
            postgres: None,
            public_url: base.clone(),
            followers: scenario.followers,
            seed,
            clock_runs: false,
            start: Some(scenario.start()),
            world: crate::sandbox::World::default(),
            keep_start: true,
        };
        let sandbox = Sandbox::open(&config, &|_, _| {}).await?;
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(ANSWER)
            .build();
        let http = http.map_err(|error| StartError::Machine(error.to_string()))?;
        let (clock, control) = (sandbox.clock.clone(), sandbox.control.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            sandbox.node.serve(listener, Some(control), shutdown).await;
        });
        let mut world = Self {
            base,
            variables: Variables::default(),
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            receivers: HashMap::new(),
            tokens: HashMap::new(),
            clock,
            http,
            stop: Some(stop),
            task,
            _data: data,
        };
        world
            .know_followers()
            .await
            .map_err(|broken| StartError::Machine(broken.0))?;
        Ok(world)
    }

    async fn know_followers(&mut self) -> Result<(), Broken> {
        self.variables.set("base", self.base.clone().into());
        for account in AccountName::ALL {
            let path = format!("/v1/accounts/{}/followers?limit={NAMED}", account.app_id());
            let list = self.native(Method::GET, &path, None).await?;
            let followers = list.value["followers"].as_array().cloned().unwrap_or_default();
            let open_ids = followers
                .iter()
                .filter_map(|follower| follower["openid"].as_str().map(str::to_owned));
            self.variables.set_open_ids(account, open_ids.collect());
        }
        Ok(())
    }

    /// Stops the sandbox and waits until it has let go of its folder.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }

    /// What the clock shows.
    pub fn now(&self) -> domain::time::Timestamp {
        self.clock.now()
    }

    /// A request to a path of the sandbox, or to a link.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        match url.starts_with('/') {
            true => self.http.request(method, format!("{}{url}", self.base)),
            false => self.http.request(method, url),
        }
    }

    /// A call of the native API by the operator that must succeed.
    pub async fn native(&self, method: Method, path: &str, body: Option<Value>) -> Result<Found, Broken> {
        let what = format!("{method} {path}");
        let mut request = self.request(method, path).bearer_auth(ADMIN_TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let found = answer(request).await?;
        match found.status {
            Some(200..=299) => Ok(found),
            status => Err(Broken(format!(
                "{what} answers {} {}",
                status.unwrap_or_default(),
                found.value
            ))),
        }
    }

    /// The account's access token: stable, so that plain tokens of a scenario are not touched.
    pub async fn token(&mut self, account: AccountName) -> Result<String, Broken> {
        if let Some(token) = self.tokens.get(&account) {
            return Ok(token.clone());
        }
        let body = json!({"grant_type": "client_credential", "appid": account.app_id(),
            "secret": account.secret()});
        let request = self
            .request(Method::POST, "/cgi-bin/stable_token")
            .body(body.to_string());
        let found = answer(request).await?;
        let token = found.value["access_token"]
            .as_str()
            .ok_or_else(|| Broken(format!("no token for {}: {}", account.word(), found.value)))?;
        self.tokens.insert(account, token.to_owned());
        Ok(token.to_owned())
    }

    /// Forgets the tokens, which may have expired.
    pub fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Moves the clock; everything that falls due has happened then.
    pub async fn advance(&mut self, body: Value) -> Result<(), Broken> {
        self.forget_tokens();
        self.native(Method::POST, "/sandbox/clock", Some(body))
            .await
            .map(drop)
    }
}

/// Sends a request and reads its answer; a text that is no JSON becomes a JSON text.
pub async fn answer(request: RequestBuilder) -> Result<Found, Broken> {
    let answer = request.send().await.map_err(|error| lost(&error))?;
    let status = Some(answer.status().as_u16());
    let text = answer.text().await.map_err(|error| lost(&error))?;
    let value = match text.is_empty() {
        true => Value::Null,
        false => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    };
    Ok(Found { value, status })
}

fn lost(error: &reqwest::Error) -> Broken {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        said = format!("{said}: {inner}");
        source = inner.source();
    }
    Broken(format!("no answer: {said}"))
}
