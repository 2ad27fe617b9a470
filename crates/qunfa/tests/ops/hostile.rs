//! Whatever is sent, the server answers or hangs up, and lives: no 5xx, no hang, no panic (SEC12).
//!
//! Requests are made from a seed, so that a failure can be sent again: `HOSTILE_SEED` names one, and
//! `HOSTILE_REQUESTS` another number of them. Seeds that once found something are in [`KEPT_SEEDS`].

use std::{collections::BTreeMap, time::Duration};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use server::api::endpoint::ENDPOINTS;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::process::{ADMIN, Account, Process};

/// Requests of one run.
const REQUESTS: usize = 10_000;
/// The seeds that are sent: those that found something. 20261123 found CONNECT, whose every answer was an error in the log.
const KEPT_SEEDS: [u64; 1] = [20_261_123];
/// Connections at a time.
const AT_ONCE: usize = 16;
/// Longer than any limit of the server: who is not answered or cut off by then hangs.
const HANG: Duration = Duration::from_secs(20);

/// How one request is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Method,
    Path,
    Query,
    Header,
    ContentType,
    Json,
    Deep,
    Number,
    Bytes,
    DuplicateKeys,
    Multipart,
    Half,
    Pipelined,
    Chunked,
    Length,
    Noise,
}

const KINDS: [Kind; 16] = [
    Kind::Method,
    Kind::Path,
    Kind::Query,
    Kind::Header,
    Kind::ContentType,
    Kind::Json,
    Kind::Deep,
    Kind::Number,
    Kind::Bytes,
    Kind::DuplicateKeys,
    Kind::Multipart,
    Kind::Half,
    Kind::Pipelined,
    Kind::Chunked,
    Kind::Length,
    Kind::Noise,
];

impl Kind {
    /// Whether the server may wait for more of it.
    fn may_be_incomplete(self) -> bool {
        matches!(
            self,
            Kind::Half | Kind::Chunked | Kind::Length | Kind::Noise | Kind::Header
        )
    }
}

const NATIVE: [&str; 26] = [
    "/v1/accounts",
    "/v1/accounts/{appid}",
    "/v1/accounts/{appid}/followers",
    "/v1/accounts/{appid}/followers/subscribe",
    "/v1/accounts/{appid}/masses",
    "/v1/accounts/{appid}/masses/1",
    "/v1/accounts/{appid}/inbox-tokens",
    "/v1/accounts/{appid}/schedules/1",
    "/v1/accounts/{appid}/originals",
    "/v1/accounts/{appid}/events",
    "/v1/inbox-tokens",
    "/inbox/entries",
    "/inbox/entries/AAAAAAAAAAAAAAAAAAAAAA",
    "/inbox/accounts",
    "/inbox/accounts/{appid}",
    "/inbox/read",
    "/inbox/unread",
    "/inbox/recalls?since=2026-11-22T10:00:00Z",
    "/inbox/me",
    "/inbox/push",
    "/inbox/push/subscriptions",
    "/v1/accounts/{appid}/push-bridge",
    "/v1/accounts/{appid}/push-bridge/dead-letters",
    "/s/AAAAAAAAAAAAAAAAAAAAAA",
    "/readyz",
    "/metrics",
];
const KEYS: [&str; 26] = [
    "touser",
    "filter",
    "tag_id",
    "is_to_all",
    "msgtype",
    "text",
    "content",
    "mpnews",
    "media_id",
    "msg_id",
    "articles",
    "tag",
    "id",
    "name",
    "openid",
    "openid_list",
    "tagid",
    "index",
    "begin",
    "count",
    "type",
    "appid",
    "begin_date",
    "end_date",
    "publish_id",
    "clientmsgid",
];
const HOSTILE_TEXTS: [&str; 16] = [
    "",
    "\\u0000",
    "\\ud800",
    "\u{202e}",
    "'; DROP TABLE mass; --",
    "../../../../etc/passwd",
    "%00",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\\r\\nSet-Cookie: a=b",
    "🙂🙂🙂",
    "NaN",
    "-0",
    "1e309",
    "植物园",
    "null",
];
const HOSTILE_NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1e309",
    "-1e309",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0.1",
    "1.0",
    "2147483648",
    "4294967296",
    "99999999999999999999999999999999999999",
    "-0.0",
];

/// Makes the requests of one seed.
struct Maker<'a> {
    random: StdRng,
    account: &'a Account,
    /// Reads the inbox of the account's first follower.
    reader: &'a str,
}

impl Maker<'_> {
    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.random_range(0..all.len())]
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.random.random_range(0..most)];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    fn path(&mut self) -> String {
        if self.random.random_range(0..4) == 0 {
            return self.one(&NATIVE).replace("{appid}", &self.account.appid);
        }
        let number = self.random.random_range(0..ENDPOINTS.len());
        format!("{}?access_token={}", ENDPOINTS[number].path, self.account.token)
    }

    fn value(&mut self, depth: usize) -> String {
        match self.random.random_range(0..if depth > 3 { 5 } else { 8 }) {
            0 => self.one(&HOSTILE_NUMBERS).to_owned(),
            1 => self.one(&["true", "false", "null"]).to_owned(),
            2 => format!("\"{}\"", self.one(&HOSTILE_TEXTS)),
            3 => format!("\"{}\"", self.account.open_ids[0]),
            4 => format!("\"{}\"", "长".repeat(self.random.random_range(0..3_000))),
            5 => {
                let values: Vec<String> = (0..self.random.random_range(0..4))
                    .map(|_| self.value(depth + 1))
                    .collect();
                format!("[{}]", values.join(","))
            }
            _ => self.object(depth + 1),
        }
    }

    fn object(&mut self, depth: usize) -> String {
        let pairs: Vec<String> = (0..self.random.random_range(0..6))
            .map(|_| format!("\"{}\":{}", self.one(&KEYS), self.value(depth)))
            .collect();
        format!("{{{}}}", pairs.join(","))
    }

    /// A request line, headers and a body of a right length, in which nothing is wrong but what is asked for.
    fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        // A wrong token would be a guess, and who guesses is made to wait (SEC5).
        let token = if path.starts_with("/inbox") {
            self.reader
        } else {
            ADMIN
        };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }

    fn make(&mut self, kind: Kind) -> Vec<u8> {
        let path = self.path();
        match kind {
            Kind::Method => {
                let methods = [
                    "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "CONNECT", "PRI",
                    "get",
                ];
                let method = self.one(&methods);
                self.request(method, &path, "", b"{}")
            }
            Kind::Path => {
                let parts = [
                    "..", ".", "%2e%2e", "%00", "%ff", "//", ";", "*", "{appid}", "~", "%", "%zz",
                    "\u{fffd}", "a b", "?", "#",
                ];
                let path: String = (0..self.random.random_range(1..8))
                    .map(|_| format!("/{}", self.one(&parts)))
                    .collect();
                self.request("GET", &path, "", b"")
            }
            Kind::Query => {
                let query: String = (0..self.random.random_range(0..40))
                    .map(|_| {
                        format!(
                            "&{}={}",
                            self.one(&KEYS),
                            self.one(&["", "%", "%00", "%ff%fe", "=", "&&", "+", "-1", "%F0%9F%99%82"])
                        )
                    })
                    .collect();
                let mark = if path.contains('?') { "" } else { "?" };
                self.request("GET", &format!("{path}{mark}{query}"), "", b"")
            }
            Kind::Header => {
                let lines = [
                    "X: \u{1}\r\n",
                    ": empty\r\n",
                    "X\r\n",
                    " folded\r\n",
                    "Host: y\r\n",
                    "Content-Length: 5\r\n",
                    "Transfer-Encoding: gzip\r\n",
                    "Expect: 100-continue\r\n",
                    "Upgrade: h2c\r\n",
                    "Range: bytes=0-\r\n",
                    "X-Forwarded-For: ,,,\r\n",
                    "Forwarded: for=\"[\r\n",
                    "Accept: */*;q=x\r\n",
                    "Cookie: \u{e9}\r\n",
                ];
                let headers: String = (0..self.random.random_range(1..5))
                    .map(|_| self.one(&lines))
                    .collect();
                self.request("POST", &path, &headers, b"{}")
            }
            Kind::ContentType => {
                let kinds = [
                    "multipart/form-data",
                    "multipart/form-data; boundary=",
                    "application/json; charset=utf-16",
                    "text/xml",
                    "\u{fc}",
                    "multipart/form-data; boundary=\"B",
                ];
                let headers = format!("Content-Type: {}\r\n", self.one(&kinds));
                let body = self.object(0);
                self.request("POST", &path, &headers, body.as_bytes())
            }
            Kind::Json => {
                let body = self.object(0);
                self.request("POST", &path, "", body.as_bytes())
            }
            Kind::Deep => {
                let depth = self.random.random_range(1..100_000);
                let (open, close) = self.one(&[("[", "]"), ("{\"a\":", "}"), ("[", "")]);
                let body = format!("{{\"articles\":{}1{}}}", open.repeat(depth), close.repeat(depth));
                self.request("POST", &path, "", body.as_bytes())
            }
            Kind::Number => {
                let pairs: Vec<String> = KEYS
                    .iter()
                    .map(|key| format!("\"{key}\":{}", self.one(&HOSTILE_NUMBERS)))
                    .collect();
                self.request("POST", &path, "", format!("{{{}}}", pairs.join(",")).as_bytes())
            }
            Kind::Bytes => {
                let mut body = self.object(0).into_bytes();
                for _ in 0..self.random.random_range(1..6) {
                    let at = self.random.random_range(0..body.len());
                    body[at] = self.one(&[0, 0xff, 0xc0, 0xed, 0x80, b'"', b'\\', 0x1b]);
                }
                self.request("POST", &path, "", &body)
            }
            Kind::DuplicateKeys => {
                let key = self.one(&KEYS);
                let pairs: Vec<String> = (0..20).map(|_| format!("\"{key}\":{}", self.value(2))).collect();
                self.request("POST", &path, "", format!("{{{}}}", pairs.join(",")).as_bytes())
            }
            Kind::Multipart => {
                let calls = [
                    "/cgi-bin/media/upload?type=image",
                    "/cgi-bin/media/upload?type=voice",
                    "/cgi-bin/media/upload?type=video",
                    "/cgi-bin/media/uploadimg?a=b",
                    "/cgi-bin/material/add_material?type=image",
                    "/cgi-bin/media/uploadvideo?a=b",
                ];
                let path = format!("{}&access_token={}", self.one(&calls), self.account.token);
                let mut body = Vec::new();
                for _ in 0..self.random.random_range(0..25) {
                    let head = self.one(&[
                        "--B\r\nContent-Disposition: form-data; name=\"media\"; filename=\"../x\"\r\n\r\n",
                        "--B\r\n\r\n",
                        "--B\n",
                        "--B--\r\n",
                        "--B\r\nContent-Disposition: form-data; name=\"\u{0}\"\r\n\r\n",
                        "--C\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\n",
                    ]);
                    body.extend_from_slice(head.as_bytes());
                    let magic = self.one(&[
                        &b"\xff\xd8\xff\xe0"[..],
                        b"\x89PNG\r\n\x1a\n",
                        b"GIF89a",
                        b"BM",
                        b"#!AMR\n",
                        b"\0\0\0\x18ftypmp42",
                        b"ID3",
                        b"",
                    ]);
                    body.extend_from_slice(magic);
                    body.extend(self.noise(600));
                    body.extend_from_slice(b"\r\n");
                }
                if self.random.random() {
                    body.extend_from_slice(b"--B--\r\n");
                }
                self.request(
                    "POST",
                    &path,
                    "Content-Type: multipart/form-data; boundary=B\r\n",
                    &body,
                )
            }
            Kind::Half => {
                let body = self.object(0);
                let mut request = self.request("POST", &path, "", body.as_bytes());
                request.truncate(self.random.random_range(0..request.len()));
                request
            }
            Kind::Pipelined => {
                let kept =
                    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(self.random.random_range(2..20));
                let last = self.request("GET", "/healthz", "", b"");
                [kept.into_bytes(), last].concat()
            }
            Kind::Chunked => {
                let sizes = [
                    "ffffffffffffffff",
                    "-1",
                    "5;ext=\u{1}",
                    "0x5",
                    "5",
                    "",
                    "zz",
                    "FFFFFFFFFFFFFFFFF",
                ];
                let chunks: String = (0..self.random.random_range(1..5))
                    .map(|_| format!("{}\r\n{{\"a\":\r\n", self.one(&sizes)))
                    .collect();
                format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into_bytes()
            }
            Kind::Length => {
                let length = self.one(&[
                    "-1",
                    "+5",
                    "5, 5",
                    "18446744073709551616",
                    "0x5",
                    "",
                    "1e3",
                    "3",
                    "99999999999",
                ]);
                format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{{}}").into_bytes()
            }
            Kind::Noise => self.noise(2_000),
        }
    }
}

/// What became of one request: the classes of its answers' statuses, or that the connection ended without one.
async fn send(process: &Process, kind: Kind, request: &[u8]) -> Result<Vec<u16>, String> {
    let address = process.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("nobody listens: {error}"))?;
    let mut answer = Vec::new();
    let talk = async {
        // A server that refuses in the middle may not take all of it.
        let _ = stream.write_all(request).await;
        if kind.may_be_incomplete() {
            // Nothing more will come. Who says so behind a whole request is taken for gone.
            let _ = stream.shutdown().await;
        }
        let _ = stream.read_to_end(&mut answer).await;
    };
    timeout(HANG, talk).await.map_err(|_| "it hangs".to_owned())?;
    let text = String::from_utf8_lossy(&answer);
    let statuses = text
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|rest| rest.get(..3)?.parse().ok());
    Ok(statuses.collect())
}

/// Sends the requests of a seed; gives back how often each kind was answered with what.
async fn run(
    process: &Process,
    (account, reader): (&Account, &str),
    seed: u64,
    requests: usize,
) -> BTreeMap<(Kind, String), usize> {
    let mut maker = Maker {
        random: StdRng::seed_from_u64(seed),
        account,
        reader,
    };
    let mut table = BTreeMap::new();
    let made: Vec<(usize, Kind, Vec<u8>)> = (0..requests)
        .map(|number| {
            let kind = KINDS[number % KINDS.len()];
            (number, kind, maker.make(kind))
        })
        .collect();
    for some in made.chunks(AT_ONCE) {
        let sent = some.iter().map(async |(number, kind, request)| {
            let met = send(process, *kind, request).await;
            (*number, *kind, request, met)
        });
        for (number, kind, request, met) in futures::future::join_all(sent).await {
            let shown = || String::from_utf8_lossy(&request[..request.len().min(500)]).into_owned();
            let statuses = met.unwrap_or_else(|fault| {
                panic!("seed {seed}, request {number} ({kind:?}): {fault}\n{}", shown())
            });
            // `/readyz` alone may say 503, and does not here.
            let fault = statuses.iter().find(|status| **status >= 500);
            assert_eq!(
                fault,
                None,
                "seed {seed}, request {number} ({kind:?})\n{}",
                shown()
            );
            let word = statuses
                .first()
                .map_or_else(|| "hung up".to_owned(), ToString::to_string);
            *table.entry((kind, word)).or_default() += 1;
        }
    }
    table
}

fn number_of(variable: &str) -> Option<u64> {
    qunfa::settings::load::process_env(variable)?.parse().ok()
}

#[tokio::test]
async fn sec12_ten_thousand_hostile_requests_find_no_fault_no_hang_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    // The limits that matter here are those of time; all requests come from one address, and some have no token.
    let process = Process::start(&folder.path().join("data"), &[]).await;
    let account = process.account(3).await;
    let path = format!("/v1/accounts/{}/inbox-tokens", account.appid);
    let who = serde_json::json!({"openid": account.open_ids[0]});
    let (_, issued) = process.native(reqwest::Method::POST, &path, who).await;
    let reader = issued["token"].as_str().expect("a token");
    let requests = number_of("HOSTILE_REQUESTS").map_or(REQUESTS, |number| number as usize);
    let seeds = number_of("HOSTILE_SEED").map_or(KEPT_SEEDS.to_vec(), |seed| vec![seed]);
    for seed in seeds {
        let table = run(&process, (&account, reader), seed, requests).await;
        for ((kind, word), count) in &table {
            println!("{kind:?} {word}: {count}");
        }
        assert_eq!(table.values().sum::<usize>(), requests);
        for kind in KINDS {
            assert!(table.keys().any(|(of, _)| *of == kind), "{kind:?} was never sent");
        }
        let answered: usize = table
            .iter()
            .filter(|((_, word), _)| word != "hung up")
            .map(|(_, count)| count)
            .sum();
        assert!(
            answered * 2 > requests,
            "most are answered, not only hung up on: {answered}"
        );
    }
    let log = process.log();
    assert!(!log.contains("panic"), "{log}");
    let faults: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("ERROR") || line.contains("a fault of our own"))
        .collect();
    assert_eq!(faults, Vec::<&str>::new());
    let (status, readiness) = process.get("/readyz").await;
    assert_eq!(status, 200, "it is well afterwards: {readiness}");
}
