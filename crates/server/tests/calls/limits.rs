//! What one request may cost (SEC10), over real connections. The limits of connections themselves are shown beside
//! the code that keeps them, in `listen`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use server::app::ServerSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::harness::{Account, Server, fixture};

const PATIENCE: Duration = Duration::from_secs(10);

/// A server with a socket.
struct Listening {
    server: Server,
    address: std::net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

async fn listening(change: impl Fn(&mut ServerSettings)) -> Listening {
    let server = Server::start_with(&change);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut settings = ServerSettings::new("http://qunfa.test".into(), [0; 32]);
    change(&mut settings);
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server::listen::serve(
        listener,
        server.router(),
        Arc::new(settings),
        async {
            let _ = stopped.await;
        },
    ));
    Listening {
        server,
        address,
        _stop: stop,
    }
}

impl Listening {
    /// Sends `request` and reads until the other side is done with the connection.
    async fn talk(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        // A server that refuses in the middle may not take all of it.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the connection ends");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn code(server: &Server, account: &Account, path: &str, body: String) -> i64 {
    let uri = format!("/cgi-bin/{path}?access_token={}", account.token);
    server.post(&uri, body).await.errcode()
}

#[tokio::test]
async fn sec10_headers_end_at_64_kib_and_at_100_fields() {
    let server = listening(|_| {}).await;
    let get = |fields: String| format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{fields}\r\n");
    let long = |bytes: usize| get(format!("X-Long: {}\r\n", "a".repeat(bytes)));
    let many = |count: usize| get((1..count).map(|number| format!("X-{number}: 1\r\n")).collect());
    assert!(
        server
            .talk(long(60 << 10).as_bytes())
            .await
            .starts_with("HTTP/1.1 200")
    );
    // The connection ends in the middle of the header, and with it perhaps the way for the 431.
    for kib in [65, 70, 100, 1_000] {
        let refused = server.talk(long(kib << 10).as_bytes()).await;
        assert!(
            refused.is_empty() || refused.starts_with("HTTP/1.1 431"),
            "{kib}: {refused}"
        );
    }
    assert!(
        server
            .talk(many(100).as_bytes())
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        server
            .talk(many(101).as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
}

#[tokio::test]
async fn sec10_a_body_that_stands_still_is_given_up() {
    let server = listening(|settings| settings.body_idle_timeout = Duration::from_millis(200)).await;
    let account = server.server.service().await;
    let path = format!("/cgi-bin/tags/create?access_token={}", account.token);
    let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{\"tag\":");
    let began = Instant::now();
    let answer = server.talk(request.as_bytes()).await;
    assert!(answer.contains("47001"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn sec10_json_ends_at_one_mebibyte_and_articles_at_ten() {
    let server = Server::start();
    let account = server.service().await;
    let padded = |body: &str, bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    let tag = r#"{"tag":{"name":""}}"#;
    assert_ne!(
        code(&server, &account, "tags/create", padded(tag, 1 << 20)).await,
        45002
    );
    assert_eq!(
        code(&server, &account, "tags/create", padded(tag, (1 << 20) + 1)).await,
        45002
    );
    for path in ["media/uploadnews", "draft/add", "material/add_news"] {
        let articles = |bytes: usize| padded(r#"{"articles":[]}"#, bytes);
        assert_ne!(
            code(&server, &account, path, articles(10 << 20)).await,
            45002,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, articles((10 << 20) + 1)).await,
            45002,
            "{path}"
        );
    }
    let native = format!("/v1/accounts/{}/tags", account.appid);
    let large = padded(r#"{"name":"x"}"#, (1 << 20) + 1);
    assert_eq!(
        server
            .native(axum::http::Method::POST, &native, large)
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn sec10_json_is_at_most_64_deep() {
    let server = Server::start();
    let account = server.service().await;
    let nested = |depth: usize| format!("{{\"x\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert_ne!(code(&server, &account, "tags/create", nested(64)).await, 47001);
    assert_eq!(code(&server, &account, "tags/create", nested(65)).await, 47001);
    assert_eq!(
        code(&server, &account, "tags/create", nested(400_000)).await,
        47001
    );
    let native = format!("/v1/accounts/{}/tags", account.appid);
    assert_eq!(
        server
            .native(axum::http::Method::POST, &native, nested(65))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn sec10_a_form_has_at_most_20_parts() {
    let server = Server::start();
    let account = server.service().await;
    let form = |texts: usize| {
        let mut body: Vec<u8> = (0..texts)
            .flat_map(|number| {
                format!("--B\r\nContent-Disposition: form-data; name=\"x{number}\"\r\n\r\n1\r\n").into_bytes()
            })
            .collect();
        body.extend_from_slice(
            b"--B\r\nContent-Disposition: form-data; name=\"media\"; filename=\"x\"\r\n\r\n",
        );
        body.extend_from_slice(&fixture("test.jpg"));
        body.extend_from_slice(b"\r\n--B--\r\n");
        axum::http::Request::post(format!("/cgi-bin/media/uploadimg?access_token={}", account.token))
            .header("content-type", "multipart/form-data; boundary=B")
            .body(axum::body::Body::from(body))
            .expect("a request")
    };
    let within = server.send(form(19)).await;
    assert!(within.json()["url"].is_string(), "{}", within.text());
    let beyond = server.send(form(20)).await;
    assert_ne!(beyond.errcode(), 0, "{}", beyond.text());
}

#[tokio::test]
async fn sec10_an_answer_comes_in_time_or_says_that_it_does_not() {
    let server = listening(|settings| {
        settings.answer_timeout = Duration::from_millis(300);
        // The slowest thing there is: somebody who guessed wrong too often.
        settings.guess_delay = Duration::from_secs(3_600);
    })
    .await;
    let account = server.server.service().await;
    let body =
        json!({"grant_type": "client_credential", "appid": account.appid, "secret": "wrong"}).to_string();
    for _ in 0..10 {
        assert!(
            server
                .talk(post("/cgi-bin/stable_token", &body).as_bytes())
                .await
                .contains("40125")
        );
    }
    let began = Instant::now();
    let answer = server.talk(post("/cgi-bin/stable_token", &body).as_bytes()).await;
    assert!(answer.contains(r#""errcode":-1"#), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn sec10_behind_a_trusted_proxy_the_forwarded_address_has_the_limit() {
    let server = listening(|settings| {
        settings.connections_per_source = 1;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let account = server.server.service().await;
    let begun = |source: &str| {
        format!(
            "POST /cgi-bin/tags/get?access_token={} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {source}\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{{",
            account.token
        )
    };
    // A request under way, whose last byte has not come.
    let mut first = TcpStream::connect(server.address).await.expect("connects");
    first
        .write_all(begun("198.51.100.1").as_bytes())
        .await
        .expect("writes");
    let whole = |source: &str| format!("{}}}", begun(source));
    let began = Instant::now();
    while !server
        .talk(whole("198.51.100.1").as_bytes())
        .await
        .starts_with("HTTP/1.1 429")
    {
        assert!(
            began.elapsed() < PATIENCE,
            "one address has two requests at a time"
        );
    }
    let other = server.talk(whole("198.51.100.2").as_bytes()).await;
    assert!(
        other.starts_with("HTTP/1.1 200"),
        "another address has its own: {other}"
    );
    first.write_all(b"}").await.expect("writes");
    let mut rest = String::new();
    first.read_to_string(&mut rest).await.expect("reads");
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    let again = server.talk(whole("198.51.100.1").as_bytes()).await;
    assert!(
        again.starts_with("HTTP/1.1 200"),
        "the place is free again: {again}"
    );
}
