//! L15–L17: how events come to the account's server (spec events §2 and §3).

use crate::{
    common::{SERVICE, TestServer, accepted, receiver::Receiver},
    help::{DAY, EVEN, element, text, told},
};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wire::callback::{AesKey, decrypt, encrypt, msg_signature, signature};

const AES_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Answers the handshake and then only listens: the first event until the other side gives up, all later
/// ones are cut off at once.
struct Silent {
    url: String,
    bodies: mpsc::UnboundedReceiver<(String, Duration)>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/wx", listener.local_addr().expect("an address"));
        let (told, bodies) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut patient = true;
            while let Ok((mut stream, _)) = listener.accept().await {
                let (head, body) = read_request(&mut stream).await;
                if let Some((_, echo)) = head.split_once("echostr=") {
                    let echo = echo.split(['&', ' ']).next().expect("a value");
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{echo}",
                        echo.len()
                    );
                    stream.write_all(answer.as_bytes()).await.expect("is written");
                    continue;
                }
                let began = tokio::time::Instant::now();
                if std::mem::take(&mut patient) {
                    let _ = stream.read(&mut [0]).await;
                }
                let _ = told.send((body, began.elapsed()));
            }
        });
        Self { url, bodies }
    }
}

/// The first line with the headers, and the body.
async fn read_request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .map_or(0, |length| length.trim().parse().expect("a number"));
            if body.len() >= length {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.expect("is read");
        assert!(read > 0, "a whole request");
        bytes.extend_from_slice(&part[..read]);
    }
}

#[tokio::test]
async fn l15_a_receiver_that_never_answers_sees_the_same_event_three_times() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut silent = Silent::start().await;
    let callback = json!({"url": silent.url, "token": "token123", "mode": "plain"});
    server.change(SERVICE, json!({"callback": callback})).await;
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let (first, held) = silent.bodies.recv().await.expect("a try");
    assert!(
        held >= Duration::from_millis(4_500) && held < Duration::from_secs(10),
        "5 s: {held:?}"
    );
    assert!(first.contains("MASSSENDJOBFINISH"));
    for _ in 0..2 {
        assert!(silent.bodies.try_recv().is_err(), "not before its time");
        server.advance(5).await;
        let (again, _) = silent.bodies.recv().await.expect("a try");
        assert_eq!(again, first);
    }
    server.advance(DAY).await;
    assert!(silent.bodies.try_recv().is_err(), "three tries and no more");
}

#[tokio::test]
async fn l15_a_receiver_that_answers_an_error_is_tried_three_times_too() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    receiver.fail(usize::MAX);
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    for tries in 1..=3 {
        assert_eq!(told(&server, &receiver, tries).await.len(), tries);
        server.advance(4).await;
        assert_eq!(receiver.events().len(), tries, "five seconds apart");
        server.advance(1).await;
    }
    server.advance(DAY).await;
    let events = receiver.events();
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!(event.body, events[0].body);
        let expected = signature("token123", &event.query["timestamp"], &event.query["nonce"]);
        assert_eq!(event.query["signature"], expected);
    }
}

#[tokio::test]
async fn l16_the_url_is_verified_with_a_signed_get_before_it_is_saved() {
    // The official sample; the receiver below checks every handshake with the same function.
    let sample = signature("AAAAA", "1714037059", "486452656");
    assert_eq!(sample, "899cf89e464efb63f54ddac96b0a0a235f53aa78");
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let save = async |url: &str, token: &str| {
        let callback = json!({"url": url, "token": token, "mode": "plain"});
        let path = format!("/v1/accounts/{SERVICE}");
        server
            .native(Method::PATCH, &path, Some(json!({"callback": callback})))
            .await
            .0
    };
    assert_eq!(save(&receiver.url, "token123").await, 200);
    assert_eq!(
        save(&receiver.url, "othertoken").await,
        400,
        "the receiver has another token"
    );
    assert_eq!(
        save(&receiver.url.replace("/wx", "/nothing"), "token123").await,
        400
    );
    let account = server.account(SERVICE).await;
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    told(&server, &receiver, 1).await;
    let event = &receiver.events()[0];
    let expected = signature("token123", &event.query["timestamp"], &event.query["nonce"]);
    assert_eq!(event.query["signature"], expected, "the saved token stays");
}

#[tokio::test]
async fn l17_events_are_encrypted_as_the_vector_says() {
    let key = AesKey::parse(AES_KEY).expect("a key");
    let sealed = encrypt(
        &key,
        *b"0123456789abcdef",
        "<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName></xml>",
        "wx0123456789abcdef",
    );
    assert_eq!(
        sealed,
        "4j/AuRx71kQlxVlzbpsMWPUqllsaXV9t+0K48Eyy8R/9zYbSmBKc+8Go7kOiwcq0+fdPG1YP9u2xzkC0z+1xu7E7qQxxNbGEZOJzO\
         BlywptaVSPlgEFaaWDEX0hPvkJv"
    );
    assert_eq!(
        msg_signature("qunfaToken", "1790000000", "4711", &sealed),
        "a5409251ec2676b0d4497b5c173e0901c867aba4"
    );
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let account = server.account(SERVICE).await;
    for (number, mode) in ["plain", "compatible", "safe"].into_iter().enumerate() {
        let callback = json!({"url": receiver.url, "token": "token123", "aes_key": AES_KEY, "mode": mode});
        server.change(SERVICE, json!({"callback": callback})).await;
        let id = accepted(&account.send_tag(EVEN, text(mode)).await);
        server.settle().await;
        for _ in 0..40 {
            if receiver.events().len() > number {
                break;
            }
            server.settle().await;
        }
        let event = receiver.events()[number].clone();
        assert_eq!(
            event.body.contains("MASSSENDJOBFINISH"),
            mode != "safe",
            "{mode}: {}",
            event.body
        );
        if mode == "plain" {
            assert!(!event.body.contains("<Encrypt>") && !event.query.contains_key("msg_signature"));
            continue;
        }
        let sealed = element(&event.body, "Encrypt");
        let (timestamp, nonce) = (&event.query["timestamp"], &event.query["nonce"]);
        let signed = msg_signature("token123", timestamp, nonce, sealed);
        assert_eq!(
            (
                &event.query["msg_signature"],
                event.query["encrypt_type"].as_str()
            ),
            (&signed, "aes")
        );
        let open = decrypt(&key, sealed, SERVICE).expect("opens");
        assert_eq!(element(&open, "MsgID"), id.to_string());
        assert!(event.body.contains("<ToUserName>"));
    }
}
