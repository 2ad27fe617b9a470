//! Real connections against a small router.

use axum::{
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(change: impl FnOnce(&mut ServerSettings)) -> Running {
    let mut settings = ServerSettings::new("http://localhost".into(), [0; 32]);
    change(&mut settings);
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(async || sleep(Duration::from_millis(300)).await))
        .route("/length", post(async |body: Bytes| body.len().to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let ended = tokio::spawn(serve(listener, router, Arc::new(settings), shutdown));
    Running { address, stop, ended }
}

async fn answer(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.ends_with(end) {
        let count = stream.read(&mut buffer).await.expect("reads");
        assert_ne!(count, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("UTF-8"));
    }
    text
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = start(|_| {}).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    for _ in 0..3 {
        assert!(
            answer(&mut stream, REQUEST, "hello")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    }
    let request = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345";
    assert!(
        answer(&mut stream, request, "5")
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn sec10_slow_headers_and_long_idling_end_a_connection_and_a_short_pause_does_not() {
    let server = start(|settings| {
        settings.header_timeout = Duration::from_millis(200);
        settings.keep_alive_timeout = Duration::from_millis(700);
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.expect("connects");
    assert!(is_closed(&mut silent).await);
    let mut slow = TcpStream::connect(server.address).await.expect("connects");
    slow.write_all(b"GET / HTTP/1.1\r\n").await.expect("writes");
    assert!(is_closed(&mut slow).await);

    let mut pooled = TcpStream::connect(server.address).await.expect("connects");
    answer(&mut pooled, REQUEST, "hello").await;
    sleep(Duration::from_millis(400)).await;
    answer(&mut pooled, REQUEST, "hello").await;
    let began = tokio::time::Instant::now();
    assert!(is_closed(&mut pooled).await);
    assert!(began.elapsed() > Duration::from_millis(500));
}

#[tokio::test]
async fn sec10_too_many_headers_are_refused() {
    let server = start(|_| {}).await;
    let fields: String = (0..101).map(|n| format!("X-{n}: 1\r\n")).collect();
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let request = format!("GET / HTTP/1.1\r\n{fields}\r\n");
    assert!(
        answer(&mut stream, &request, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 431")
    );
}

#[tokio::test]
async fn sec10_one_address_has_only_so_many_connections() {
    let server = start(|settings| settings.connections_per_source = 2).await;
    let mut first = TcpStream::connect(server.address).await.expect("connects");
    let mut second = TcpStream::connect(server.address).await.expect("connects");
    answer(&mut first, REQUEST, "hello").await;
    answer(&mut second, REQUEST, "hello").await;
    let mut third = TcpStream::connect(server.address).await.expect("connects");
    assert!(is_closed(&mut third).await);
    drop(first);
    sleep(Duration::from_millis(100)).await;
    let mut fourth = TcpStream::connect(server.address).await.expect("connects");
    answer(&mut fourth, REQUEST, "hello").await;
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_begun() {
    let server = start(|_| {}).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("writes");
    sleep(Duration::from_millis(100)).await;
    server.stop.send(()).expect("listens");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("reads");
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    server.ended.await.expect("ends");
}

/// A door that nobody gets through.
struct Shut;

#[async_trait]
impl Door for Shut {
    async fn pass(&self, mut stream: TcpStream) -> Option<(Box<dyn Stream>, Router)> {
        let _ = stream.write_all(b"wait").await;
        std::future::pending().await
    }
}

#[tokio::test]
async fn sec10_who_stands_at_a_door_counts_and_goes_when_the_server_stops() {
    let mut settings = ServerSettings::new("http://localhost".into(), [0; 32]);
    settings.connections_per_source = 1;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let ended = tokio::spawn(serve_behind(
        Arc::new(Shut),
        listener,
        Arc::new(settings),
        shutdown,
    ));
    let mut first = TcpStream::connect(address).await.expect("connects");
    answer(&mut first, "", "wait").await;
    let mut second = TcpStream::connect(address).await.expect("connects");
    assert!(is_closed(&mut second).await);

    let _ = stop.send(());
    assert!(is_closed(&mut first).await);
    assert!(timeout(Duration::from_secs(5), ended).await.is_ok());
}
