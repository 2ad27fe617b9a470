//! A reader who does not read.

use std::collections::HashSet;

use futures::{StreamExt, stream};
use tokio::net::TcpSocket;

use crate::{
    reader::{Feed, Incoming, Transport},
    server::{Account, Server, inbox, until},
};

/// Masses at a time, so that many are soon sent.
const AT_ONCE: usize = 8;
/// More than queue and buffers hold.
const MASSES_MAX: usize = 2_000;

async fn cut_off_and_resumed(transport: Transport) {
    let server = Server::start().await;
    let account = Account::new(&server.client, 2).await;
    let tokens = account.readers(2).await;
    let address = server.address();
    let mut quick = Feed::open(transport, &address, &tokens[1], None)
        .await
        .expect("connects");
    quick.expect("ready").await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("small");
    let stream = socket
        .connect(address.parse().expect("an address"))
        .await
        .expect("connects");
    let mut slow = Feed::over(stream, transport, &address, &tokens[0], None)
        .await
        .expect("connects");
    let mut last = slow.expect("ready").await.id;
    let reader = tokio::spawn(async move {
        let mut got = 0;
        while let Incoming::Event(_) | Incoming::Retry(_) = quick.next().await {
            got += 1;
        }
        got
    });

    let text = "慢".repeat(600);
    let mut sending = stream::iter(0..MASSES_MAX)
        .map(|number| {
            let (account, text) = (&account, &text);
            async move { account.send(&format!("{number}{text}"), false).await }
        })
        .buffer_unordered(AT_ONCE);
    let mut sent = Vec::new();
    while server.number("qunfa_live_slow_readers_total").await == 0 {
        for _ in 0..AT_ONCE {
            sent.push(sending.next().await.expect("a slow reader is cut off before"));
        }
    }
    // What is on its way is sent.
    drop(sending);
    let open = format!("qunfa_live_connections{{transport=\"{}\"}}", word(transport));
    until("its connection is closed, the other's stays", async || {
        server.number(&open).await == 1
    })
    .await;
    for msg_id in &sent {
        account.delivered(*msg_id).await;
    }

    // What was on the way is still read; then it is over, and the rest comes after the last id.
    let mut got = Vec::new();
    let id = |data: &serde_json::Value| data["id"].as_str().expect("an id").to_owned();
    while let Incoming::Event(event) = slow.next().await {
        got.push(id(&event.data));
        last = event.id;
    }
    let cut_after = got.len();
    assert!(cut_after < sent.len(), "it was slow");
    let mut again = Feed::open(transport, &address, &tokens[0], Some(&last))
        .await
        .expect("connects");
    again.expect("ready").await;
    let wanted = inbox(&server.client, &tokens[0]).await;
    while got.len() < wanted.len() {
        got.push(id(&again.expect("entry").await.data));
    }
    let ids: Vec<String> = wanted.iter().map(id).collect();
    assert_eq!(got, ids, "i08: nothing lost, nothing twice, after {cut_after}");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    let log = server.log();
    assert!(!log.contains("panicked"), "sec12: {log}");
    drop(server);
    assert!(
        reader.await.expect("no panic") >= ids.len(),
        "the quick one got them as they came"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_a_slow_sse_reader_is_cut_off_and_resumes_without_a_loss() {
    cut_off_and_resumed(Transport::Sse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_a_slow_websocket_reader_is_cut_off_and_resumes_without_a_loss() {
    cut_off_and_resumed(Transport::WebSocket).await;
}

fn word(transport: Transport) -> &'static str {
    match transport {
        Transport::Sse => "sse",
        Transport::WebSocket => "ws",
    }
}
