//! What is told about each request: one line of the log, and the numbers of `/metrics`.
//!
//! A request is known by its route template, never by its path; what it carried is not told (SEC4).

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use store::measure;
use tokio::time::Instant;
use tracing::Level;
use wire::errcode::ErrCode;

use crate::{api::refused::SharedTrace, app::App, source::Source, transport::rid};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Stands for paths that nobody serves.
const UNKNOWN: &str = "unknown";

/// How a call of the compatible API was refused; on its way from the answer to the log.
#[derive(Clone, Debug)]
pub struct RefusedWith {
    /// The request id in the answer, if it has one.
    pub rid: Option<String>,
    /// The errcode.
    pub code: ErrCode,
}

/// Counts and logs each request. Who got what it asked for is logged at debug, who was refused at info, and our own
/// faults as warnings, each with the request id that the caller was told.
pub async fn watch(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let seen = Seen {
        method: method(request.method()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        source: Source::of(request.extensions()),
        trace: SharedTrace::default(),
    };
    request.extensions_mut().insert(seen.trace.clone());
    let began = Instant::now();
    let mut response = next.run(request).await;
    let took = began.elapsed();
    seen.count(&response, took);
    seen.log(&app, &mut response, took);
    if app.health.stopping() {
        // The client's next call goes elsewhere, instead of meeting a connection that ends.
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What a request is known by.
struct Seen {
    method: &'static str,
    route: Option<MatchedPath>,
    source: Source,
    trace: SharedTrace,
}

impl Seen {
    fn route(&self) -> &str {
        self.route.as_ref().map_or(UNKNOWN, MatchedPath::as_str)
    }

    fn count(&self, response: &Response, took: Duration) {
        let (route, status) = (self.route().to_owned(), class(response.status()));
        metrics::histogram!(measure::HTTP_DURATION.name, "route" => route.clone()).record(took);
        metrics::counter!(
            measure::HTTP_REQUESTS.name,
            "method" => self.method,
            "route" => route.clone(),
            "status" => status
        )
        .increment(1);
        if let Some(refused) = response.extensions().get::<RefusedWith>() {
            let errcode = refused.code.code().to_string();
            metrics::counter!(measure::API_REFUSALS.name, "route" => route, "errcode" => errcode)
                .increment(1);
        }
    }

    fn log(&self, app: &App, response: &mut Response, took: Duration) {
        let level = self.level(response);
        if level == Level::DEBUG && !tracing::enabled!(Level::DEBUG) {
            return;
        }
        let refused = response.extensions().get::<RefusedWith>().cloned();
        let errcode = refused.as_ref().map(|refused| refused.code.code());
        let id = refused
            .and_then(|refused| refused.rid)
            .unwrap_or_else(|| rid(app));
        if errcode.is_none() && level != Level::DEBUG {
            // What the compatible API says in its text, the others say in a header.
            let value = HeaderValue::try_from(&id);
            value
                .ok()
                .map(|value| response.headers_mut().insert(X_REQUEST_ID, value));
        }
        let (status, duration_ms) = (response.status().as_u16(), took.as_millis() as u64);
        let source = tracing::field::display(self.source.address);
        let account = self.trace.account().map(|account| account.0);
        macro_rules! line {
            ($level:expr, $text:literal) => {
                tracing::event!(
                    $level,
                    request.id = id,
                    account.id = account,
                    method = self.method,
                    route = self.route(),
                    status,
                    errcode,
                    duration_ms,
                    source,
                    $text
                )
            };
        }
        match level {
            Level::WARN => line!(Level::WARN, "a request met a fault of our own"),
            Level::INFO => line!(Level::INFO, "refused a request"),
            _ => line!(Level::DEBUG, "answered a request"),
        }
    }

    fn level(&self, response: &Response) -> Level {
        let code = response
            .extensions()
            .get::<RefusedWith>()
            .map(|refused| refused.code);
        match (code, response.status()) {
            (Some(ErrCode::SystemError), _) => Level::WARN,
            (Some(_), _) => Level::INFO,
            // A load balancer asks `/readyz` every few seconds, and its parts have lines of their own.
            (None, StatusCode::SERVICE_UNAVAILABLE) => Level::DEBUG,
            (None, status) if status.is_server_error() => Level::WARN,
            // Whoever looks for what is not here may fill somebody else's disk.
            (None, status) if status.is_client_error() && self.route.is_some() => Level::INFO,
            (None, _) => Level::DEBUG,
        }
    }
}

/// The method; a made-up one is no label.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
