//! Paths, methods, tokens, and the transport around all calls.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use domain::time::Timestamp;
use serde_json::json;
use server::app::{SandboxControl, ServerSettings};
use store::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::Server;

#[tokio::test]
async fn a_path_or_method_that_is_not_served_has_its_errcode() {
    let server = Server::start();
    for path in [
        "/cgi-bin/nothing",
        "/cgi-bin",
        "/cgi-bin/",
        "/datacube/nothing",
        "/cgi-bin/message/mass",
    ] {
        assert_eq!(server.get(path).await.errcode(), 40066, "{path}");
    }
    assert_eq!(server.get("/cgi-bin/message/mass/sendall").await.errcode(), 43002);
    assert_eq!(server.get("//cgi-bin//stable_token/").await.errcode(), 43002);
    let put = Request::put("/cgi-bin/tags/get")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(server.send(put).await.errcode(), 43001);
    assert_eq!(
        server.post("/cgi-bin/message/mass/sendall", "{}").await.errcode(),
        41001
    );
    assert_eq!(
        server
            .post("/cgi-bin/message/mass/sendall?access_token=", "{}")
            .await
            .errcode(),
        41001
    );
    assert_eq!(
        server
            .post("/cgi-bin/message/mass/sendall?access_token=%ff'", "{}")
            .await
            .errcode(),
        40001
    );
    assert_eq!(server.get("/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tokens_are_issued_overlap_and_end() {
    let server = Server::start();
    let account = server.service().await;
    let uri = |grant: &str, appid: &str, secret: &str| {
        format!("/cgi-bin/token?grant_type={grant}&appid={appid}&secret={secret}")
    };
    assert_eq!(server.get("/cgi-bin/token").await.errcode(), 41002);
    assert_eq!(
        server.get(&uri("x", "wx9999999999999999", "x")).await.errcode(),
        40013
    );
    assert_eq!(server.get(&uri("x", &account.appid, "x")).await.errcode(), 40002);
    assert_eq!(
        server
            .get(&uri("client_credential", &account.appid, ""))
            .await
            .errcode(),
        41004
    );
    assert_eq!(
        server
            .get(&uri("client_credential", &account.appid, "x"))
            .await
            .errcode(),
        40125
    );
    let second = server
        .get(&uri("client_credential", &account.appid, &account.secret))
        .await
        .json();
    assert_eq!(second["expires_in"], 7200);
    assert!(second.get("errcode").is_none());

    let tags = |token: &str| format!("/cgi-bin/tags/get?access_token={token}");
    assert!(
        server.get(&tags(&account.token)).await.json()["tags"].is_array(),
        "the old one overlaps"
    );
    let later = |seconds: i64| Timestamp(server.clock.now().0 + seconds * 1000);
    server.clock.advance_to(later(301)).await.expect("advances");
    let old = server.get(&tags(&account.token)).await.errcode();
    assert!([40001, 42001].contains(&old), "{old}");
    server.clock.advance_to(later(7200)).await.expect("advances");
    assert_eq!(
        server
            .get(&tags(second["access_token"].as_str().expect("a token")))
            .await
            .errcode(),
        42001
    );

    let stable = json!({"grant_type": "client_credential", "appid": account.appid, "secret": account.secret});
    let first = server
        .post("/cgi-bin/stable_token", stable.to_string())
        .await
        .json();
    let again = server
        .post("/cgi-bin/stable_token", stable.to_string())
        .await
        .json();
    assert_eq!(first, again);
    assert!(
        server
            .get(&tags(first["access_token"].as_str().expect("a token")))
            .await
            .json()["tags"]
            .is_array()
    );
}

#[tokio::test]
async fn a_large_upload_that_is_refused_early_is_still_answered() {
    let server = Server::start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let settings = Arc::new(ServerSettings::new("http://qunfa.test".into(), [0; 32]));
    tokio::spawn(server::listen::serve(
        listener,
        server.router(),
        settings,
        std::future::pending(),
    ));
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let length = 8 << 20;
    for _ in 0..2 {
        let head = format!(
            "POST /cgi-bin/media/upload?access_token=x HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("writes");
        stream
            .write_all(&vec![b'x'; length])
            .await
            .expect("is read to its end");
        let mut answer = String::new();
        while !answer.ends_with('}') {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).await.expect("reads");
            assert_ne!(count, 0, "closed after {answer:?}");
            answer.push_str(std::str::from_utf8(&buffer[..count]).expect("UTF-8"));
        }
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"errcode\":40001,"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask_only() {
    let server = Server::start();
    let account = server.service().await;
    let uri = format!("/cgi-bin/user/get?access_token={}", account.token);
    assert_eq!(server.get(&uri).await.header(header::CONTENT_ENCODING), "");
    let request = Request::get("/").header(header::ACCEPT_ENCODING, "gzip, deflate");
    let page = server.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(page.header(header::CONTENT_ENCODING), "gzip");
}
