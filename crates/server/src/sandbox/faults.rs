//! `/sandbox/faults`: adding, listing and removing fault rules.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    fault::{Effect, Expires, Match, NewRule, Rule, catalogue},
    request::inspector,
};
use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{Admin, Strict},
    },
};

/// The paths.
pub fn routes() -> Router<App> {
    let wrong = async || Problem::method_not_allowed();
    Router::new()
        .route(
            "/sandbox/faults",
            get(list).post(add).delete(clear).fallback(wrong),
        )
        .route("/sandbox/faults/catalogue", get(ready).fallback(wrong))
        .route("/sandbox/faults/{id}", get(one).delete(remove).fallback(wrong))
}

/// A rule to be added: one of our own, or a ready-made one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleBody {
    #[serde(rename = "use")]
    ready: Option<String>,
    #[serde(default, rename = "match")]
    matching: Match,
    effect: Option<Effect>,
    expires: Option<Expires>,
}

/// A rule as JSON.
#[derive(Debug, Serialize)]
pub struct RuleShape {
    id: u64,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    #[serde(rename = "match")]
    matching: Match,
    effect: Effect,
    expires: Expires,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Calls that fitted.
    seen: u64,
    /// How often it acted.
    hits: u64,
    /// Whether it still acts.
    active: bool,
}

/// All rules.
#[derive(Debug, Serialize)]
pub struct RulesShape {
    faults: Vec<RuleShape>,
}

/// A ready-made rule as JSON.
#[derive(Debug, Serialize)]
pub struct ReadyShape {
    #[serde(rename = "use")]
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    #[serde(rename = "match")]
    matching: Match,
    effect: Effect,
    expires: Expires,
}

/// All ready-made rules.
#[derive(Debug, Serialize)]
pub struct CatalogueShape {
    catalogue: Vec<ReadyShape>,
}

/// `POST /sandbox/faults`.
async fn add(
    _: Admin,
    State(app): State<App>,
    Strict(body): Strict<RuleBody>,
) -> Result<(StatusCode, Json<RuleShape>), Problem> {
    let rule = new_rule(body).map_err(Problem::bad_request)?;
    let now = app.now();
    let rule = inspector(&app)?
        .faults
        .add(rule, now)
        .map_err(Problem::bad_request)?;
    Ok((StatusCode::CREATED, Json(shape(&app, rule, now))))
}

fn new_rule(body: RuleBody) -> Result<NewRule, String> {
    match (body.ready, body.effect) {
        (Some(name), None) => catalogue::find(&name)
            .map(|ready| ready.with(body.matching, body.expires))
            .ok_or_else(|| format!("there is no ready-made rule {name}; see /sandbox/faults/catalogue")),
        (None, Some(effect)) => Ok(NewRule {
            from: None,
            matching: body.matching,
            effect,
            expires: body.expires.unwrap_or_default(),
        }),
        (Some(_), Some(_)) | (None, None) => Err("give use or effect".to_owned()),
    }
}

/// `GET /sandbox/faults`.
async fn list(_: Admin, State(app): State<App>) -> NativeResult<RulesShape> {
    let now = app.now();
    let rules = inspector(&app)?.faults.all().into_iter();
    let faults = rules.map(|rule| shape(&app, rule, now)).collect();
    Ok(Json(RulesShape { faults }))
}

/// `GET /sandbox/faults/{id}`.
async fn one(_: Admin, State(app): State<App>, Path(id): Path<String>) -> NativeResult<RuleShape> {
    let rules = inspector(&app)?.faults.all();
    let rule = rules.into_iter().find(|rule| rule.id.to_string() == id);
    let rule = rule.ok_or_else(|| Problem::not_found("fault rule"))?;
    Ok(Json(shape(&app, rule, app.now())))
}

/// `DELETE /sandbox/faults/{id}`.
async fn remove(_: Admin, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let faults = &inspector(&app)?.faults;
    if id.parse().is_ok_and(|id| faults.remove(id)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("fault rule"))
    }
}

/// `DELETE /sandbox/faults`.
async fn clear(_: Admin, State(app): State<App>) -> Result<StatusCode, Problem> {
    inspector(&app)?.faults.clear();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /sandbox/faults/catalogue`.
async fn ready(_: Admin) -> Json<CatalogueShape> {
    let all = catalogue::all().into_iter().map(|ready| ReadyShape {
        name: ready.name,
        zh: ready.chinese,
        en: ready.english,
        matching: ready.matching,
        effect: ready.effect,
        expires: ready.expires,
    });
    Json(CatalogueShape {
        catalogue: all.collect(),
    })
}

fn shape(app: &App, rule: Rule, now: Timestamp) -> RuleShape {
    RuleShape {
        id: rule.id,
        from: rule.rule.from,
        until: rule.until.map(|until| app.rfc3339(until)),
        seen: rule.seen,
        hits: rule.hits,
        active: !rule.is_over(now),
        matching: rule.rule.matching,
        effect: rule.rule.effect,
        expires: rule.rule.expires,
    }
}
