//! Every errcode explained: `/sandbox/errcodes`, as pages and as JSON.
//!
//! Every code has its meaning; those that integrators meet have causes and advice beside it.

mod advice;
mod chinese;

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use wire::errcode::ErrCode;

use super::page::{Language, html, wants_json};
use crate::{app::App, v1::problem::Problem};

/// The paths.
pub fn routes() -> Router<App> {
    let wrong = async || Problem::method_not_allowed();
    Router::new()
        .route("/sandbox/errcodes", get(all).fallback(wrong))
        .route("/sandbox/errcodes/{code}", get(one).fallback(wrong))
}

/// The same in two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// In Chinese.
    #[serde(rename = "zh")]
    pub chinese: &'static str,
    /// In English.
    #[serde(rename = "en")]
    pub english: &'static str,
}

/// What an errcode means, why it comes, what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    errcode: i64,
    errmsg: &'static str,
    meaning: Pair,
    #[serde(skip_serializing_if = "Option::is_none")]
    causes: Option<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<Pair>,
    /// Whether the same call may be repeated.
    retry: Retry,
}

/// What repeating a call brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same call may succeed a little later.
    Later,
    /// It may succeed with a new token.
    WithNewToken,
    /// It will be refused again until something changes.
    No,
}

impl Explanation {
    /// The explanation of a code.
    pub fn of(code: ErrCode) -> Self {
        let advice = advice::find(code.code());
        Self {
            errcode: code.code(),
            errmsg: code.message(),
            meaning: Pair {
                chinese: chinese::meaning(code),
                english: code.meaning(),
            },
            causes: advice.map(|advice| advice.causes),
            advice: advice.map(|advice| advice.remedy),
            retry: retry(code),
        }
    }
}

impl Pair {
    /// In the language asked for.
    pub fn say(&self, language: Language) -> &'static str {
        match language {
            Language::Chinese => self.chinese,
            Language::English => self.english,
        }
    }
}

/// Spec errors §3 rule 3.
fn retry(code: ErrCode) -> Retry {
    match code {
        ErrCode::SystemError
        | ErrCode::MassSendTooFast
        | ErrCode::MinuteQuotaReached
        | ErrCode::ClientMsgIdTooFast
        | ErrCode::SpeedServerError
        | ErrCode::OpenIdTooManyRequests
        | ErrCode::SystemBusyEarly
        | ErrCode::SystemBusyMiddle
        | ErrCode::SystemBusy => Retry::Later,
        ErrCode::InvalidCredential | ErrCode::InvalidAccessToken | ErrCode::AccessTokenExpired => {
            Retry::WithNewToken
        }
        _ => Retry::No,
    }
}

/// All codes as JSON.
#[derive(Debug, Serialize)]
struct AllShape {
    errcodes: Vec<Explanation>,
}

#[derive(Template)]
#[template(path = "errcodes.html")]
struct AllPage {
    language: Language,
    codes: Vec<Explanation>,
}

#[derive(Template)]
#[template(path = "errcode.html")]
struct OnePage {
    language: Language,
    code: Explanation,
    base: String,
}

/// `GET /sandbox/errcodes`.
async fn all(uri: Uri, headers: HeaderMap) -> Response {
    let codes = ErrCode::all().iter().copied().map(Explanation::of).collect();
    if wants_json(&headers) {
        return Json(AllShape { errcodes: codes }).into_response();
    }
    let language = Language::of(&uri, &headers);
    html(&AllPage { language, codes })
}

/// `GET /sandbox/errcodes/{code}`.
async fn one(State(app): State<App>, Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(code) = code.parse().ok().and_then(ErrCode::from_code) else {
        return Problem::not_found("errcode").into_response();
    };
    let code = Explanation::of(code);
    if wants_json(&headers) {
        return Json(code).into_response();
    }
    let language = Language::of(&uri, &headers);
    let base = app.public("");
    html(&OnePage { language, code, base })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errcode_is_explained_in_both_languages() {
        for code in ErrCode::all() {
            let found = Explanation::of(*code);
            assert!(found.meaning.chinese.ends_with('。'), "{found:?}");
            assert!(found.meaning.english.ends_with('.'), "{found:?}");
            for pair in [found.causes, found.advice].into_iter().flatten() {
                let is_chinese =
                    |text: &str| text.contains(|letter| ('\u{3400}'..='\u{9fff}').contains(&letter));
                assert!(is_chinese(pair.chinese) && !is_chinese(pair.english), "{pair:?}");
            }
        }
    }

    #[test]
    fn advice_is_given_for_codes_of_the_table_once_each() {
        let with_advice = ErrCode::all()
            .iter()
            .filter(|code| advice::find(code.code()).is_some());
        assert!(with_advice.count() >= 60);
        assert_eq!(
            advice::codes()
                .iter()
                .filter(|code| ErrCode::from_code(**code).is_none())
                .count(),
            0
        );
        let mut codes = advice::codes();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), advice::codes().len());
    }
}
