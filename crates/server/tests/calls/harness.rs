//! A server in this process: a fresh store, a clock that stands still, one service account.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use domain::{
    account::{Account as AccountRow, Callback},
    id::AccountId,
    review::Verdict,
    time::{Calendar, Timestamp, parse_rfc3339},
};
use serde_json::{Value, json};
use server::app::{App, CallbackCheck, ChannelAccess, Parts, SandboxControl, ServerSettings};
use store::{
    Store, StoreResult,
    blob::Blobs,
    bridge::BridgeAddress,
    bus::Bus,
    clock::Clock,
    mass::{Running, WorkerId},
    postgres::PostgresOptions,
    random::Random,
    rows::SqlStore,
    vault::{Vault, digest},
};
use tower::ServiceExt;

/// 2026-11-22T10:00:00+08:00.
const START: i64 = 1_795_312_800_000;
pub const ADMIN: &str = "admin-token";

pub struct TestClock(AtomicI64);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, _at: Timestamp) {}
}

#[async_trait]
impl SandboxControl for TestClock {
    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp> {
        self.0.store(target.0, Ordering::SeqCst);
        Ok(target)
    }

    fn set_next_verdict(&self, _: AccountId, _: Option<Verdict>) {}
}

struct OnlyExampleOrg;

#[async_trait]
impl CallbackCheck for OnlyExampleOrg {
    async fn verify(&self, callback: &Callback) -> Result<(), String> {
        if callback.url.contains("example.org") {
            Ok(())
        } else {
            Err("nobody answers there".to_owned())
        }
    }

    async fn resolve(&self, callback: &Callback) -> Vec<IpAddr> {
        let here = [IpAddr::from([198, 51, 100, 7]), IpAddr::from([198, 51, 100, 8])];
        if callback.url.contains("example.org") {
            here.to_vec()
        } else {
            Vec::new()
        }
    }

    async fn connect_time(&self, _callback: &Callback, address: IpAddr) -> Option<Duration> {
        (address == IpAddr::from([198, 51, 100, 7])).then(|| Duration::from_micros(23_079))
    }
}

pub struct Server {
    router: Router,
    pub store: Arc<dyn Store>,
    pub clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

#[async_trait]
impl ChannelAccess for OnlyExampleOrg {
    fn check_endpoint(&self, endpoint: &str) -> Result<(), &'static str> {
        self.check_bridge(endpoint)
    }

    fn check_bridge(&self, url: &str) -> Result<(), &'static str> {
        let known = url.starts_with("https://") && url.contains("example.org");
        known.then_some(()).ok_or("it is not public")
    }

    async fn push_public_key(&self) -> StoreResult<String> {
        Ok("key".to_owned())
    }

    async fn test_bridge(&self, _account: &AccountRow, _address: &BridgeAddress) -> Result<(), String> {
        Ok(())
    }
}

pub struct Account {
    pub appid: String,
    pub secret: String,
    pub token: String,
    pub open_ids: Vec<String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The errcode of an answer that is as errors must be.
    pub fn errcode(&self) -> i64 {
        assert_eq!(self.status, StatusCode::OK);
        assert_eq!(self.header(header::CONTENT_TYPE), "application/json");
        assert!(!self.text().contains(['\n', '\t', '\r']));
        self.json()["errcode"]
            .as_i64()
            .unwrap_or_else(|| panic!("no errcode: {}", self.text()))
    }
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same with other settings.
    pub fn start_with(change: impl FnOnce(&mut ServerSettings)) -> Self {
        let mut settings = ServerSettings::new("http://qunfa.test".into(), digest(ADMIN));
        change(&mut settings);
        let folder = tempfile::tempdir().expect("a folder");
        let vault = Vault::new([7; 32]);
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let store = rows_of(folder.path(), &vault);
        let store: Arc<dyn Store> = Arc::new(store);
        let app = App::new(Parts {
            store: store.clone(),
            blobs: Blobs::in_folder(&folder.path().join("blobs")).expect("opens"),
            bus: Bus::default(),
            clock: clock.clone(),
            calendar: Calendar::shanghai(),
            ids: Arc::new(Random::seeded(1)),
            secrets: Arc::new(Random::system()),
            links: vault.link_key(),
            positions: vault.position_key(),
            settings: Arc::new(settings),
            callback_check: Arc::new(OnlyExampleOrg),
            channels: Arc::new(OnlyExampleOrg),
            sandbox: Some(clock.clone()),
            world: None,
            inspector: None,
            health: Arc::default(),
            scrape: None,
        });
        Self {
            router: server::routes::router(app),
            store,
            clock,
            _folder: folder,
        }
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Does what the engine would do with the masses that are due.
    pub async fn deliver(&self) {
        let now = self.clock.now();
        for Running { account, mass, .. } in self.store.running_masses().await.expect("reads") {
            let worker = WorkerId("test".into());
            let lease = self
                .store
                .lease_batches(account, mass, &worker, 256, 60_000, now)
                .await
                .expect("leases");
            self.store.release_batches(&lease, now).await.expect("releases");
            assert!(
                self.store
                    .finish_mass(account, mass, now)
                    .await
                    .expect("finishes")
            );
        }
    }

    /// Sets the clock, and gives every account in `accounts` a token that is good then.
    pub async fn at(&self, instant: &str, accounts: &mut [&mut Account]) {
        let at = parse_rfc3339(instant).expect("an instant");
        self.clock.advance_to(at).await.expect("advances");
        for account in accounts {
            account.token = self.token(&account.appid, &account.secret).await;
        }
    }

    async fn token(&self, appid: &str, secret: &str) -> String {
        let uri = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        let answer = self.get(&uri).await.json();
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        assert!(
            parts.status.as_u16() < 500,
            "{}: {}",
            parts.status,
            String::from_utf8_lossy(&bytes)
        );
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send(Request::get(uri).body(Body::empty()).expect("a request"))
            .await
    }

    pub async fn post(&self, uri: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(uri).body(body.into()).expect("a request"))
            .await
    }

    /// A native call with the admin token.
    pub async fn native(&self, method: Method, uri: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN}"));
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// A compatible call with an account's token.
    pub async fn call(&self, account: &Account, path: &str, body: Value) -> Answer {
        self.post(
            &format!("/cgi-bin/{path}?access_token={}", account.token),
            body.to_string(),
        )
        .await
    }

    pub async fn upload(&self, account: &Account, path: &str, file: &[u8]) -> Answer {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut body =
            b"--B\r\nContent-Disposition: form-data; name=\"media\"; filename=\"x\"\r\n\r\n".to_vec();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--B--\r\n");
        let request = Request::post(format!("/cgi-bin/{path}{join}access_token={}", account.token))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
        self.send(request.body(body.into()).expect("a request")).await
    }

    pub async fn account(&self, settings: Value, followers: usize) -> Account {
        let created = self
            .native(Method::POST, "/v1/accounts", settings.to_string())
            .await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text());
        let created = created.json();
        let text = |key: &str| created[key].as_str().expect("a text").to_owned();
        let (appid, secret) = (text("appid"), text("secret"));
        let token = self.token(&appid, &secret).await;
        let mut account = Account {
            appid,
            secret,
            token,
            open_ids: Vec::new(),
        };
        if followers > 0 {
            let rows: String = (0..followers)
                .map(|n| format!("user-{n},粉丝{n},{}\n", if n % 2 == 0 { "even" } else { "" }))
                .collect();
            let uri = format!("/v1/accounts/{}/followers", account.appid);
            let done = self
                .native(Method::POST, &uri, format!("external_id,nickname,tags\n{rows}"))
                .await;
            assert_eq!(done.json()["imported"], json!(followers), "{}", done.text());
            let list = self
                .get(&format!("/cgi-bin/user/get?access_token={}", account.token))
                .await
                .json();
            let ids = list["data"]["openid"].as_array().expect("a list");
            account.open_ids = ids
                .iter()
                .map(|id| id.as_str().expect("a text").to_owned())
                .collect();
        }
        account
    }

    /// A verified service account with ten followers.
    pub async fn service(&self) -> Account {
        self.account(json!({"name": "植物园", "kind": "service", "verified": true}), 10)
            .await
    }
}

pub fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../compat/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows in this folder, or on the server that the tests of this run use.
fn rows_of(folder: &std::path::Path, vault: &Vault) -> SqlStore {
    let calendar = Calendar::shanghai();
    match testkit::postgres::database_of(folder) {
        Some(url) => SqlStore::connect(&PostgresOptions::new(url), vault.clone(), calendar),
        None => SqlStore::open(folder, vault.clone(), calendar),
    }
    .expect("the store opens")
}
