//! Web Push: a reader's browsers.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    position::ReaderName,
    push::{ENDPOINT_BYTES_MAX, Language, Subscription},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::subscription::Browser;
use utoipa::ToSchema;
use wire::push::BrowserKeys;

use super::reader::Reader;
use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem, ProblemShape},
        request::Strict,
    },
};

/// What a browser subscribes with.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    public_key: String,
}

/// A subscription as `PushSubscription.toJSON()` writes it, and the language of fixed words.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// The push service's URL for this browser.
    endpoint: String,
    keys: Keys,
    /// `zh` or `en`; `zh` unless told.
    language: Option<String>,
    // Browsers send it along; push services say themselves when a subscription ends.
    #[serde(rename = "expirationTime")]
    _expiration_time: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Which subscription ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedSubscription {
    endpoint: String,
}

/// One of a reader's subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionShape {
    endpoint_host: String,
    #[schema(format = DateTime)]
    created_at: String,
}

/// All subscriptions of a reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionList {
    subscriptions: Vec<SubscriptionShape>,
}

/// `GET /inbox/push`: what a browser subscribes with.
#[utoipa::path(get, path = "/inbox/push", responses(
    (status = 200, body = PushKey),
    (status = 401, body = ProblemShape)
))]
pub async fn key(_: Reader, State(app): State<App>) -> NativeResult<PushKey> {
    let public_key = app.channels.push_public_key().await?;
    Ok(Json(PushKey { public_key }))
}

/// `GET /inbox/push/subscriptions`: the reader's browsers, oldest first.
#[utoipa::path(get, path = "/inbox/push/subscriptions", responses(
    (status = 200, body = SubscriptionList),
    (status = 401, body = ProblemShape)
))]
pub async fn list(reader: Reader, State(app): State<App>) -> NativeResult<SubscriptionList> {
    // A person's browser is subscribed in each of the person's accounts.
    let mut browsers = BTreeMap::new();
    for follower in reader.memberships() {
        for browser in app
            .store
            .subscriptions(follower.account, follower.ordinal)
            .await?
        {
            let known = browsers.entry(browser.hash).or_insert_with(|| browser.clone());
            known.created_at = known.created_at.min(browser.created_at);
        }
    }
    let mut browsers: Vec<Browser> = browsers.into_values().collect();
    browsers.sort_by_key(|browser| (browser.created_at, browser.hash));
    let subscriptions = browsers.into_iter().map(|browser| SubscriptionShape {
        endpoint_host: browser.host,
        created_at: app.rfc3339(browser.created_at),
    });
    Ok(Json(SubscriptionList {
        subscriptions: subscriptions.collect(),
    }))
}

/// `POST /inbox/push/subscriptions`: subscribes a browser, or renews it.
#[utoipa::path(post, path = "/inbox/push/subscriptions", request_body = NewSubscription, responses(
    (status = 201, description = "Entries are pushed to it from now on"),
    (status = 400, body = ProblemShape),
    (status = 401, body = ProblemShape)
))]
pub async fn subscribe(
    reader: Reader,
    State(app): State<App>,
    Strict(new): Strict<NewSubscription>,
) -> Result<StatusCode, Problem> {
    let subscription = checked(&app, new)?;
    let person = matches!(reader.name(), ReaderName::Person(_));
    let mut known = false;
    for follower in reader.memberships() {
        known |= app
            .store
            .add_subscription(
                follower.account,
                follower.ordinal,
                &subscription,
                person,
                app.now(),
            )
            .await?;
    }
    if known {
        Ok(StatusCode::CREATED)
    } else {
        Err(Problem::not_found("follower"))
    }
}

/// `DELETE /inbox/push/subscriptions`: ends one.
#[utoipa::path(delete, path = "/inbox/push/subscriptions", request_body = EndedSubscription, responses(
    (status = 204, description = "Nothing is pushed to it any more"),
    (status = 401, body = ProblemShape),
    (status = 404, body = ProblemShape)
))]
pub async fn unsubscribe(
    reader: Reader,
    State(app): State<App>,
    Strict(ended): Strict<EndedSubscription>,
) -> Result<StatusCode, Problem> {
    let mut gone = false;
    for follower in reader.memberships() {
        gone |= app
            .store
            .remove_subscription(follower.account, follower.ordinal, &ended.endpoint)
            .await?;
    }
    if gone {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("subscription"))
    }
}

fn checked(app: &App, new: NewSubscription) -> Result<Subscription, Problem> {
    if new.endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(Problem::bad_request(format!(
            "endpoint must have at most {ENDPOINT_BYTES_MAX} bytes"
        )));
    }
    app.channels
        .check_endpoint(&new.endpoint)
        .map_err(|reason| Problem::bad_request(format!("endpoint cannot be used: {reason}")))?;
    let keys = BrowserKeys::parse(&new.keys.p256dh, &new.keys.auth);
    let keys = keys.map_err(|error| Problem::bad_request(error.to_string()))?;
    let language = match new.language.as_deref() {
        None => Language::Chinese,
        Some(word) => Language::from_word(word)
            .ok_or_else(|| Problem::bad_request("language must be \"zh\" or \"en\""))?,
    };
    Ok(Subscription {
        p256dh: keys.p256dh(),
        auth: keys.auth().to_vec(),
        endpoint: new.endpoint,
        language,
    })
}
