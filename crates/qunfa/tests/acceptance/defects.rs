//! What may be wrong with a call, for every call: (endpoint × field × defect) → errcode.
//!
//! [`table`] holds the endpoints, one entry each or one for each kind of body; adding an endpoint is adding an
//! entry, and a POST route of the router without one fails a test. Every refused call is answered with HTTP
//! 200, one line of JSON and its errcode, never -1, and leaves everything as it was.

mod cases;
mod table;
mod world;

use std::{collections::BTreeSet, fs, path::PathBuf};

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use self::{
    cases::{Body, Endpoint, Upload},
    world::World,
};
use crate::{
    common::{SERVICE, TestServer, UNVERIFIED},
    help::and,
};

/// The paths of the router that are called with POST only, or with POST and a body.
fn post_routes() -> BTreeSet<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../server/src/api");
    let mut routes = BTreeSet::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).expect("a source");
            for route in source.split(".route(").skip(1) {
                let (_, rest) = route.split_once('"').expect("a path");
                let (path, rest) = rest.split_once('"').expect("a path");
                let call = rest.split(')').next().expect("a handler");
                if call.contains("write_call") || call.contains("post(") {
                    routes.insert(path.to_owned());
                }
            }
        }
    }
    assert!(routes.len() > 20, "the router is read: {routes:?}");
    routes
}

fn described() -> BTreeSet<String> {
    let bodies = table::endpoints().map(|endpoint| endpoint.path);
    let uploads = table::UPLOADS.iter().map(|upload| upload.path);
    bodies.chain(uploads).map(str::to_owned).collect()
}

#[test]
fn every_post_route_of_the_router_is_in_the_table() {
    let missing: Vec<String> = post_routes().difference(&described()).cloned().collect();
    assert!(
        missing.is_empty(),
        "add an entry to defects/table.rs for {missing:?}"
    );
}

#[tokio::test]
async fn every_defect_of_every_field_has_its_errcode_and_changes_nothing() {
    let server = TestServer::start().await;
    let world = World::make(&server).await;
    let routes = post_routes();
    let mut faults = Vec::new();
    let mut calls = 0;
    for (number, endpoint) in table::endpoints().enumerate() {
        if !routes.contains(endpoint.path) {
            continue;
        }
        let run = Run {
            world: &world,
            server: &server,
            endpoint,
            number,
        };
        calls += run.all(&mut faults).await;
    }
    assert!(
        faults.is_empty(),
        "{} of {calls} calls:\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(calls > 500, "{calls}");
}

#[tokio::test]
async fn every_defect_of_every_upload_has_its_errcode() {
    let server = TestServer::start().await;
    let world = World::make(&server).await;
    let routes = post_routes();
    let mut faults = Vec::new();
    for upload in table::UPLOADS
        .iter()
        .filter(|upload| routes.contains(upload.path))
    {
        check_upload(&server, &world, upload, &mut faults).await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// One endpoint under test.
struct Run<'a> {
    world: &'a World,
    server: &'a TestServer,
    endpoint: &'a Endpoint,
    number: usize,
}

impl Run<'_> {
    async fn all(&self, faults: &mut Vec<String>) -> usize {
        let before = self.state().await;
        let mut calls = self.around(faults).await;
        let mut accepted = Vec::new();
        for field in self.endpoint.fields {
            for (defect, code) in field.defects {
                let bodies = defect.apply(self.world, field.at, self.good(calls));
                for (place, (what, body)) in bodies.into_iter().enumerate() {
                    let what = format!("{}: {what}", field.at);
                    if *code == 0 {
                        accepted.push((what, field.at, *defect, place));
                        continue;
                    }
                    let answer = self.post(body.to_string()).await;
                    self.judge(faults, &what, &answer, *code);
                    calls += 1;
                }
            }
        }
        if self.state().await != before {
            faults.push(format!(
                "{}: a refused call changed something",
                self.endpoint.path
            ));
        }
        for (what, at, defect, place) in accepted {
            let (_, body) = defect.apply(self.world, at, self.good(calls)).swap_remove(place);
            let answer = self.post(body.to_string()).await;
            self.judge(faults, &what, &answer, 0);
            calls += 1;
        }
        // Last, because some calls can be made once only: unknown keys and any type of content are fine.
        let good = and(self.good(calls), json!({"unknown key": [{}]}));
        let request = self
            .server
            .request(Method::POST, &self.path(&self.world.token))
            .header("content-type", "text/xml")
            .body(format!("\u{feff}{good}\n"));
        let answer = self.server.api(request).await;
        self.judge(faults, "nothing wrong", &answer, 0);
        calls + 1
    }

    /// What is wrong around the body.
    async fn around(&self, faults: &mut Vec<String>) -> usize {
        let good = self.good(0).to_string();
        let mut tries = vec![("GET", self.server.get(&self.path(&self.world.token)).await, 43002)];
        let empty = match self.endpoint.body {
            Body::Json => Some(44002),
            Body::Optional(code) => Some(code),
            Body::Nothing => None,
        };
        if let Some(empty) = empty {
            tries.extend([
                ("empty body", self.post("").await, empty),
                ("no JSON", self.post("{\"a\":").await, 47001),
                ("an array", self.post("[]").await, 47001),
            ]);
        }
        if self.endpoint.token {
            let post = async |token: &str| self.server.post(&self.path(token), good.clone()).await;
            tries.extend([
                (
                    "no token",
                    self.server.post(self.endpoint.path, good.clone()).await,
                    41001,
                ),
                ("unknown token", post("unknown").await, 40001),
                ("expired token", post(&self.world.expired_token).await, 42001),
            ]);
            if self.endpoint.verified {
                tries.push((
                    "unverified account",
                    post(&self.world.unverified_token).await,
                    48001,
                ));
            }
        }
        for (what, answer, code) in &tries {
            self.judge(faults, what, answer, *code);
        }
        tries.len()
    }

    fn good(&self, call: usize) -> Value {
        (self.endpoint.good)(self.world, &format!("{}-{call}", self.number))
    }

    fn path(&self, token: &str) -> String {
        format!("{}?access_token={token}", self.endpoint.path)
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> Value {
        self.server.post(&self.path(&self.world.token), body).await
    }

    fn judge(&self, faults: &mut Vec<String>, what: &str, answer: &Value, code: i64) {
        let path = self.endpoint.path;
        let found = answer.get("errcode").map_or(Some(0), Value::as_i64);
        let told = code == 0 || answer["errmsg"].as_str().is_some_and(|text| !text.is_empty());
        if found != Some(code) || !told {
            faults.push(format!("{path} {what}: {code} expected, {answer}"));
        }
    }

    /// Everything that a call could change, as far as it is cheap to see.
    async fn state(&self) -> Vec<Value> {
        self.server.settle().await;
        let mut state = Vec::new();
        for path in ["masses?limit=1", "followers?limit=10", "tags", "usage"] {
            let path = format!("/v1/accounts/{SERVICE}/{path}");
            let (status, mut answer) = self.server.native(Method::GET, &path, None).await;
            assert_eq!(status, 200, "{answer}");
            // Calls are counted whether they are refused or not (reading 3), mass sends are not.
            if path.ends_with("usage") {
                let counted = ["sends_today", "history_today", "history_this_month"];
                answer = counted.map(|name| answer[name].clone()).into();
            }
            state.push(answer);
        }
        let account = self.world.account(self.server);
        state.push(account.get("/cgi-bin/message/mass/speed/get").await);
        state.push(
            account
                .call("/cgi-bin/tags/members/getblacklist", json!({}))
                .await,
        );
        state
    }
}

async fn check_upload(server: &TestServer, world: &World, upload: &Upload, faults: &mut Vec<String>) {
    let send = async |token: &str, query: &str, part: &str, bytes: Vec<u8>| {
        let path = format!("{}?{query}&access_token={token}", upload.path);
        let file = Part::bytes(bytes).file_name("a.jpg");
        let form = Form::new().part(part.to_owned(), file);
        server
            .api(server.request(Method::POST, &path).multipart(form))
            .await
    };
    let good = || (upload.good)();
    let mut tries = vec![
        (
            "unknown token",
            send("unknown", upload.query, "media", good()).await,
            40001,
        ),
        ("no token", send("", upload.query, "media", good()).await, 41001),
        (
            "part of another name",
            send(&world.token, upload.query, "file", good()).await,
            41005,
        ),
        (
            "no bytes",
            send(&world.token, upload.query, "media", Vec::new()).await,
            44001,
        ),
        (
            "words",
            send(&world.token, upload.query, "media", b"words".to_vec()).await,
            40005,
        ),
        (
            "nothing wrong",
            send(&world.token, upload.query, "media", good()).await,
            0,
        ),
    ];
    let path = format!("{}?{}&access_token={}", upload.path, upload.query, world.token);
    tries.push(("GET", server.get(&path).await, 43002));
    tries.push(("no form", server.post(&path, "{}").await, 41005));
    for (what, query, bytes, code) in upload.cases {
        tries.push((what, send(&world.token, query, "media", bytes()).await, *code));
    }
    for (what, answer, code) in tries {
        if answer.get("errcode").map_or(Some(0), Value::as_i64) != Some(code) {
            faults.push(format!(
                "{}?{} {what}: {code} expected, {answer}",
                upload.path, upload.query
            ));
        }
    }
}

#[tokio::test]
async fn unverified_accounts_may_use_what_is_not_mass_sending() {
    let server = TestServer::start().await;
    let account = server.account(UNVERIFIED).await;
    for path in ["/cgi-bin/tags/get", "/cgi-bin/user/get"] {
        assert!(
            account.get(path).await.get("errcode").is_none(),
            "reading 8: {path}"
        );
    }
}
