//! Calls that the tests make as readers and as the operator.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{TestAccount, TestServer},
    service::{Browser, PushService},
};

/// A follower of an account, logged in.
pub struct Reader<'a> {
    pub server: &'a TestServer,
    pub token: String,
}

impl<'a> Reader<'a> {
    /// The follower with this number.
    pub async fn of(account: &TestAccount<'a>, number: usize) -> Self {
        let path = format!("/v1/accounts/{}/inbox-tokens", account.app_id);
        let who = json!({"external_id": format!("user-{number:09}")});
        let (status, answer) = account.server.native(Method::POST, &path, Some(who)).await;
        assert_eq!(status, 201, "{answer}");
        Self {
            server: account.server,
            token: answer["token"].as_str().expect("a token").to_owned(),
        }
    }

    /// The person with this number, over all accounts.
    pub async fn of_person(server: &'a TestServer, number: usize) -> Self {
        let who = json!({"external_id": format!("user-{number:09}")});
        let (status, answer) = server.native(Method::POST, "/v1/inbox-tokens", Some(who)).await;
        assert_eq!(status, 201, "{answer}");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { server, token }
    }

    /// Status and body of a call.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.server.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn subscribe(&self, subscription: &Value) -> (u16, Value) {
        self.call(Method::POST, "/inbox/push/subscriptions", Some(subscription))
            .await
    }

    /// The reader's subscriptions.
    pub async fn subscriptions(&self) -> Vec<Value> {
        let (status, answer) = self.call(Method::GET, "/inbox/push/subscriptions", None).await;
        assert_eq!(status, 200, "{answer}");
        answer["subscriptions"].as_array().expect("a list").clone()
    }

    /// The push services' names alone.
    pub async fn hosts(&self) -> Vec<String> {
        let listed = self.subscriptions().await;
        let hosts = listed.iter().filter_map(|one| one["endpoint_host"].as_str());
        hosts.map(str::to_owned).collect()
    }

    /// The key that browsers subscribe with.
    pub async fn public_key(&self) -> String {
        let (status, answer) = self.call(Method::GET, "/inbox/push", None).await;
        assert_eq!(status, 200, "{answer}");
        answer["public_key"].as_str().expect("a key").to_owned()
    }

    /// A new browser of this reader, subscribed.
    pub async fn browser(&self, service: &PushService, language: &str) -> Browser {
        let mut browser = service.browser(&self.public_key().await).await;
        browser.subscription["language"] = language.into();
        let (status, answer) = self.subscribe(&browser.subscription).await;
        assert_eq!(status, 201, "{answer}");
        browser
    }
}

/// A call to an account's push bridge as the operator; `path` comes behind `push-bridge`.
pub async fn bridge(
    account: &TestAccount<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let path = format!("/v1/accounts/{}/push-bridge{path}", account.app_id);
    account.server.native(method, &path, body).await
}
