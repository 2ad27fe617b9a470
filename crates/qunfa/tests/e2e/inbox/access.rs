//! Who may read, what is not sent again, and from which pages.

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{Reader, send, senders};
use crate::common::{SERVICE, SUBSCRIPTION, TestServer};

#[tokio::test]
async fn sec02_tokens_of_persons_come_from_the_operator_and_end_when_they_are_ended() {
    let server = TestServer::start().await;
    let service = server.account(SERVICE).await;
    let body = json!({"external_id": "user-000000001"});
    for token in [&service.token, "wrong"] {
        let request = server
            .request(Method::POST, "/v1/inbox-tokens")
            .bearer_auth(token);
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
    }
    let post = async |body: Value| {
        server
            .native(Method::POST, "/v1/inbox-tokens", Some(body))
            .await
            .0
    };
    assert_eq!(post(json!({"external_id": "nobody"})).await, 404);
    assert_eq!(
        post(json!({"external_id": "user-000000001", "expires_in": 0})).await,
        400
    );
    assert_eq!(post(json!({"openid": service.open_id(1).await})).await, 400);

    let reads = async |reader: &Reader<'_>| reader.call(Method::GET, "/inbox/unread", None).await.0;
    let end = async |path: &str, body: Value| {
        assert_eq!(server.native(Method::DELETE, path, Some(body)).await.0, 204);
    };
    let (one, two) = (
        Reader::person(&server, "user-000000001").await,
        Reader::person(&server, "user-000000001").await,
    );
    let other = Reader::person(&server, "user-000000002").await;
    let follower = Reader::follower(&server, SERVICE, "user-000000001").await;
    assert_eq!((reads(&one).await, reads(&follower).await), (200, 200));
    assert_eq!(one.call(Method::DELETE, "/inbox/token", None).await.0, 204);
    assert_eq!((reads(&one).await, reads(&two).await), (401, 200));
    end("/v1/inbox-tokens", body).await;
    assert_eq!((reads(&two).await, reads(&other).await), (401, 200));
    end("/v1/inbox-tokens", json!({"token": other.token})).await;
    assert_eq!(reads(&other).await, 401);

    assert_eq!(reads(&follower).await, 200);
    let foreign = format!("/v1/accounts/{SUBSCRIPTION}/inbox-tokens");
    end(&foreign, json!({"token": follower.token})).await;
    assert_eq!(
        reads(&follower).await,
        200,
        "another account ends nothing of this one"
    );
    let own = format!("/v1/accounts/{SERVICE}/inbox-tokens");
    end(&own, json!({"token": follower.token})).await;
    assert_eq!(reads(&follower).await, 401);
    let follower = Reader::follower(&server, SERVICE, "user-000000001").await;
    assert_eq!(reads(&follower).await, 200);
    end(&own, json!({"external_id": "user-000000001"})).await;
    assert_eq!(reads(&follower).await, 401);

    let short = json!({"external_id": "user-000000001", "expires_in": 60});
    let (_, answer) = server.native(Method::POST, "/v1/inbox-tokens", Some(short)).await;
    let short = Reader::with(&server, &answer);
    assert_eq!(reads(&short).await, 200);
    server.advance(61).await;
    assert_eq!(reads(&short).await, 401);
}

#[tokio::test]
async fn answers_that_did_not_change_are_not_sent_again() {
    let server = TestServer::start().await;
    let [service, _] = senders(&server).await;
    send(&service, "一").await;
    let person = Reader::person(&server, "user-000000001").await;
    let ask = async |path: &str, tag: Option<&str>| {
        let mut request = server.request(Method::GET, path).bearer_auth(&person.token);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        request.send().await.expect("an answer")
    };
    for path in [
        "/inbox/entries",
        "/inbox/accounts",
        "/inbox/unread",
        "/inbox/me",
        "/openapi.json",
    ] {
        let first = ask(path, None).await;
        assert_eq!(
            first.headers()[header::CACHE_CONTROL],
            "private, no-cache",
            "{path}"
        );
        let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
        let again = ask(path, Some(&tag)).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()[header::ETAG], tag.as_str());
        assert_eq!(again.bytes().await.expect("a body").len(), 0);
    }
    let first = ask("/inbox/entries", None).await;
    let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
    send(&service, "二").await;
    assert_eq!(ask("/inbox/entries", Some(&tag)).await.status(), 200);
}

#[tokio::test]
async fn pages_of_other_origins_read_inboxes_without_cookies_where_that_is_set() {
    let server = TestServer::start().await;
    let asked = server
        .request(Method::OPTIONS, "/inbox/entries")
        .header("origin", "https://app.example.org")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
        .expect("an answer");
    assert_eq!(asked.status(), 200);
    let header = |name: &str| {
        asked
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("*"));
    assert!(header("access-control-allow-headers").is_some_and(|names| names.contains("authorization")));
    assert_eq!(header("access-control-allow-credentials"), None);
    let person = Reader::person(&server, "user-000000001").await;
    let request = server
        .request(Method::GET, "/inbox/unread")
        .bearer_auth(&person.token);
    let answer = request
        .header("origin", "https://app.example.org")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
}
