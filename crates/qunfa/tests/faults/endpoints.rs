//! Twenty receivers that hang, drip, lie and break, and a good one that must not notice.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    dice::seed,
    process::{self, Client},
    receiver::Receiver,
    table::Table,
    world::import,
};

/// What a bad receiver does.
const BAD: [&str; 10] = [
    "hangs",
    "drips",
    "redirects",
    "fails",
    "never ends its answer",
    "resets",
    "speaks garbage",
    "answers wrongly",
    "closes early",
    "stops in the middle of its answer",
];
/// Bad receivers; two of each kind.
const BAD_ONES: usize = 20;
/// Events of the good receiver that are timed, alone and beside the bad ones.
const TIMED: usize = 40;
/// What a busy machine makes of nothing: below this a time is as good as any.
const NOTHING: Duration = Duration::from_millis(150);

/// A bad receiver of this kind; counts those who came.
async fn bad(kind: &'static str, table: std::sync::Arc<Table>) -> String {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .expect("a port");
    let url = format!("http://{}/wx", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            table.add(kind, 1);
            tokio::spawn(async move { misbehave(kind, stream).await.ok() });
        }
    });
    url
}

async fn misbehave(kind: &str, mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 512];
    if kind == "closes early" {
        return Ok(());
    }
    let _ = stream.read(&mut request).await?;
    match kind {
        "hangs" => std::future::pending().await,
        "drips" => loop {
            stream.write_all(b"H").await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
        },
        "redirects" => {
            let answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await
        }
        "fails" => {
            stream
                .write_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")
                .await
        }
        "never ends its answer" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b'x'; 1_024]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
        // Closed with bytes unread: the other side gets a reset.
        "resets" => Ok(()),
        "speaks garbage" => stream.write_all(&[0xff; 256]).await,
        "answers wrongly" => {
            stream
                .write_all(b"HTTP/1.1 404 No\r\ncontent-length: 5\r\n\r\nwrong")
                .await
        }
        "stops in the middle of its answer" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsuc")
                .await?;
            std::future::pending().await
        }
        _ => unreachable!("{kind}"),
    }
}

/// An account with two followers whose events go to `url`; its id and token.
async fn account(client: &Client, url: &str) -> (String, String) {
    let quota = json!({"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
        "history_per_day": null, "history_per_month": null, "calls_per_minute": null});
    let callback = json!({"url": url, "token": "token123", "mode": "plain", "verify": false});
    let body = json!({"name": "a", "verified": true, "quota": quota, "callback": callback});
    let made = client.must(Method::POST, "/v1/accounts", Some(&body)).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let (app_id, secret) = (text("appid"), text("secret"));
    import(client, &app_id, "external_id,nickname\na,a\nb,b\n".into())
        .await
        .expect("an answer");
    let path = format!("/cgi-bin/token?grant_type=client_credential&appid={app_id}&secret={secret}");
    let token = client
        .api(client.request(Method::GET, &path))
        .await
        .expect("an answer");
    (
        app_id,
        token["access_token"].as_str().expect("a token").to_owned(),
    )
}

async fn send(client: &Client, token: &str, key: &str) -> i64 {
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "x"}, "clientmsgid": key});
    let answer = client
        .post("/cgi-bin/message/mass/sendall", token, &body)
        .await
        .expect("an answer");
    answer["msg_id"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// The 99th of a hundred times from a call to its event.
async fn p99(client: &Client, token: &str, receiver: &Receiver, name: &str) -> Duration {
    let mut times = Vec::new();
    for number in 0..TIMED {
        let began = Instant::now();
        let id = send(client, token, &format!("{name}-{number}")).await;
        while receiver.told(0, id).is_empty() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "the good receiver waits in vain"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[(times.len() - 1) * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_twenty_bad_receivers_do_not_slow_down_a_good_one() {
    let table = std::sync::Arc::new(Table::expecting(BAD));
    let folder = tempfile::tempdir().expect("a folder");
    let process = process::start(folder.path()).await;
    let client = &process.client;
    let receiver = Receiver::start().await;
    let (_, good) = account(client, &receiver.url(0)).await;
    let alone = p99(client, &good, &receiver, "alone").await;
    let mut others = Vec::new();
    for number in 0..BAD_ONES {
        let kind = BAD[number % BAD.len()];
        let url = bad(kind, table.clone()).await;
        let (app_id, token) = account(client, &url).await;
        for event in 0..12 {
            send(client, &token, &format!("bad-{event}")).await;
        }
        others.push((kind, app_id));
    }
    let beside = p99(client, &good, &receiver, "beside").await;
    println!("p99 from the call to the event: {alone:?} alone, {beside:?} beside {BAD_ONES} bad receivers");
    assert!(
        beside <= 2 * alone.max(NOTHING),
        "{beside:?} is more than twice {alone:?}"
    );
    for (kind, app_id) in others {
        let events = client
            .must(
                Method::GET,
                &format!("/v1/accounts/{app_id}/events?limit=100"),
                None,
            )
            .await;
        let events = events["events"].as_array().expect("events");
        assert_eq!(events.len(), 12, "i19: one event for each");
        let told = events
            .iter()
            .filter(|event| event["state"] == "delivered")
            .count();
        // Any 2xx means that it was received, whatever comes behind it; no more than 64 KiB of that is read.
        assert!(told == 0 || kind == "never ends its answer", "{kind}: {events:?}");
    }
    process.kill().await;
    table.finish(&format!(
        "bad receivers, by connections that they got, QUNFA_SEED={}",
        seed()
    ));
}
