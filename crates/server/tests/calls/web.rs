//! The reader's page, its files, and the element for other pages. A build without Node has none of them and says so.

use axum::http::{StatusCode, header};

use crate::harness::Server;

#[tokio::test]
async fn the_reader_is_in_the_binary_or_its_page_says_how_to_get_it_there() {
    let server = Server::start();
    let page = server.get("/reader").await;
    if page.status == StatusCode::NOT_FOUND {
        assert!(page.text().contains("make web"), "{}", page.text());
        assert_eq!(server.get("/embed.js").await.status, StatusCode::NOT_FOUND);
        return;
    }
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(page.header(header::CACHE_CONTROL), "no-cache");
    let html = page.text();
    let script = html.split("src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let script = server.get(script.expect("a script")).await;
    assert_eq!(script.status, StatusCode::OK);
    assert_eq!(script.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert!(script.header(header::CACHE_CONTROL).contains("immutable"));
    let element = server.get("/embed.js").await;
    assert_eq!(element.status, StatusCode::OK);
    assert_eq!(element.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    for path in ["/reader/nothing.js", "/reader/../embed.js", "/reader/assets"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_sandbox_opens_the_reader_of_a_person_by_a_token_behind_the_hash() {
    let server = Server::start();
    server.service().await;
    let answer = server.get("/reader?as=user-0").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    let token = answer.header(header::LOCATION).strip_prefix("/reader#token=");
    let uri = format!("/inbox/entries?token={}", token.expect("a token"));
    assert_eq!(server.get(&uri).await.status, StatusCode::OK);
    let unknown = server.get("/reader?as=nobody").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text().contains("沙盒里没有这位粉丝"));
}
