//! `GET /openapi.json`: the calls of readers' apps, and those that give and end their tokens, for programs that make
//! clients of it. Each call is described beside its handler.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Description,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    inbox::{accounts, article, entries, me, push, reading},
    live::{sse, ws},
    v1::inbox_token,
};

/// The description of all these calls.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "qunfa inbox",
        description = "What followers and persons received: entries, unread counts, preferences, and the tokens that \
            open an inbox. Errors are {\"error\":{\"code\",\"message\"}}. Reads carry an ETag and answer If-None-Match."
    ),
    paths(
        entries::list,
        entries::get,
        article::comment,
        article::withdraw,
        article::read,
        accounts::list,
        accounts::change,
        reading::unread,
        reading::mark,
        reading::recalls,
        me::me,
        me::log_out,
        sse::live,
        ws::live,
        push::key,
        push::list,
        push::subscribe,
        push::unsubscribe,
        inbox_token::issue,
        inbox_token::end,
        inbox_token::issue_to_person,
        inbox_token::end_of_person,
    ),
    modifiers(&Tokens),
    security(("inbox" = []), ("inbox_in_query" = []))
)]
pub struct InboxApi;

/// The tokens that the calls are made with.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, description: &mut Description) {
        let bearer = |text: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
            SecurityScheme::Http(scheme.description(Some(text)).build())
        };
        let in_query = ApiKeyValue::with_description("token", "The same, where no header can be set");
        let components = description.components.get_or_insert_default();
        for (name, scheme) in [
            ("inbox", bearer("An inbox token")),
            ("inbox_in_query", SecurityScheme::ApiKey(ApiKey::Query(in_query))),
            ("admin", bearer("The operator's admin token")),
        ] {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// What the route answers; it is the same for everybody.
static TEXT: LazyLock<String> = LazyLock::new(|| InboxApi::openapi().to_json().unwrap_or_default());

/// `GET /openapi.json`.
pub async fn show() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Method and path of each call, as routers name them.
    fn served(source: &str, begins: &str) -> BTreeSet<String> {
        let mut calls = BTreeSet::new();
        for route in source.split(".route(").skip(1) {
            let Some(path) = route.split('"').nth(1).filter(|path| path.starts_with(begins)) else {
                continue;
            };
            for method in ["get", "post", "put", "patch", "delete"] {
                let names = [
                    format!(" {method}("),
                    format!(".{method}("),
                    format!("\n{method}("),
                ];
                if names.iter().any(|name| route.contains(name)) {
                    calls.insert(format!("{method} {path}"));
                }
            }
        }
        calls
    }

    #[test]
    fn every_call_of_the_inbox_is_described_and_no_other() {
        let mut routes = served(include_str!("inbox/mod.rs"), "/inbox");
        routes.extend(served(include_str!("live/mod.rs"), "/inbox"));
        routes.extend(served(include_str!("v1/mod.rs"), "/v1/inbox-tokens"));
        routes.extend(served(
            include_str!("v1/mod.rs"),
            "/v1/accounts/{appid}/inbox-tokens",
        ));
        let description: serde_json::Value = serde_json::from_str(&TEXT).expect("JSON");
        let paths = description["paths"].as_object().expect("paths");
        let described: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, calls)| {
                let methods = calls.as_object().expect("calls").keys();
                methods.map(move |method| format!("{method} {path}"))
            })
            .collect();
        assert_eq!(described, routes);
        assert!(described.len() > 15, "{described:?}");
    }

    #[test]
    fn every_schema_that_is_named_is_described() {
        let description: serde_json::Value = serde_json::from_str(&TEXT).expect("JSON");
        let named = TEXT.split("\"#/components/schemas/").skip(1);
        let named: BTreeSet<&str> = named.filter_map(|rest| rest.split('"').next()).collect();
        let schemas = description["components"]["schemas"].as_object().expect("schemas");
        let known: BTreeSet<&str> = schemas.keys().map(String::as_str).collect();
        assert!(named.is_subset(&known), "{named:?} {known:?}");
        for name in ["Entry", "Problem", "InboxAccount"] {
            assert!(known.contains(name), "{known:?}");
        }
    }
}
