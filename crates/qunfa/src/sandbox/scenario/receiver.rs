//! The account's server in a scenario: it answers the handshake, keeps what it gets, and fails when asked.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    routing::any,
};
use serde_json::{Map, Value};
use tokio::{net::TcpListener, task::JoinHandle};
use wire::callback::{AesKey, decrypt, signature, signatures_match, xml::Element};

/// The token of every scenario's receiver.
pub const TOKEN: &str = "scenarioToken";
/// Its `EncodingAESKey`.
pub const AES_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[derive(Debug, Default)]
struct Shared {
    app_id: String,
    state: Mutex<Received>,
}

#[derive(Debug, Default)]
struct Received {
    events: Vec<Value>,
    failures_left: usize,
}

/// A receiver on a port of its own.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Receiver {
    /// A receiver of this account that answers `success`.
    pub async fn start(app_id: &str) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            app_id: app_id.to_owned(),
            ..Shared::default()
        });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}/wx", listener.local_addr()?);
        let router = Router::new()
            .route("/wx", any(receive))
            .with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared, task })
    }

    /// Answers the next `count` events with HTTP 500.
    pub fn fail(&self, count: usize) {
        self.shared.state().failures_left = count;
    }

    /// The events so far, in the order in which they came, each try again.
    pub fn events(&self) -> Vec<Value> {
        self.shared.state().events.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event as JSON, deciphered if need be; a text for what cannot be read.
    fn read(&self, body: &str) -> Value {
        let Ok(element) = Element::parse(body) else {
            return Value::from(body);
        };
        let sealed = element
            .child_text("Encrypt")
            .filter(|_| element.child("Event").is_none());
        let Some(sealed) = sealed else {
            return as_json(&element);
        };
        let opened = AesKey::parse(AES_KEY).and_then(|key| decrypt(&key, sealed, &self.app_id));
        match opened.map(|xml| Element::parse(&xml)) {
            Ok(Ok(element)) => as_json(&element),
            _ => Value::from(body),
        }
    }
}

/// Elements as entries; a text that is a number as a number; of several of one name, all as a list.
fn as_json(element: &Element) -> Value {
    if element.children.is_empty() {
        return match element.text.parse::<i64>() {
            Ok(number) if number.to_string() == element.text => number.into(),
            _ => element.text.as_str().into(),
        };
    }
    let mut entries = Map::new();
    for child in &element.children {
        let value = as_json(child);
        match entries.get_mut(&child.name) {
            None => drop(entries.insert(child.name.clone(), value)),
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(entries)
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> (StatusCode, String) {
    let said = |name: &str| query.get(name).map_or("", String::as_str);
    if let Some(echo) = query.get("echostr") {
        let expected = signature(TOKEN, said("timestamp"), said("nonce"));
        return match signatures_match(&expected, said("signature")) {
            true => (StatusCode::OK, echo.clone()),
            false => (StatusCode::FORBIDDEN, "wrong signature".to_owned()),
        };
    }
    let event = shared.read(&body);
    let mut state = shared.state();
    state.events.push(event);
    if state.failures_left > 0 {
        state.failures_left -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    (StatusCode::OK, "success".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_becomes_names_and_values() {
        let xml =
            "<xml><Event><![CDATA[X]]></Event><N>3</N><Z>03</Z><L><i>1</i><i>2</i><i>3</i></L><E></E></xml>";
        let event = Shared::default().read(xml);
        assert_eq!(
            event,
            json!({"Event": "X", "N": 3, "Z": "03", "L": {"i": [1, 2, 3]}, "E": ""})
        );
        assert_eq!(Shared::default().read("no XML"), json!("no XML"));
    }
}
