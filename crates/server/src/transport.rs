//! What lies around all handlers: paths in one spelling, times that end, panics that answer, logs.

use std::{
    any::Any,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until, timeout},
};
use tower_http::{catch_panic::ResponseForPanic, timeout::TimeoutBody};
use wire::errcode::ErrCode;

use crate::{
    api::{
        error::{ApiError, json_response},
        refused::{RefusedCall, SharedTrace, masked},
    },
    app::App,
    source::Source,
    v1::problem::Problem,
    watch::RefusedWith,
};

/// What is still read and thrown away of a request that was answered before its end: an answer in the middle
/// of a request gets lost with the connection.
const DISCARDED_MAX: usize = 64 << 20;
/// How long that may take.
const DISCARD_PATIENCE: Duration = Duration::from_secs(30);

/// Gives up bodies that stand still (SEC10).
pub async fn limit_body_idle(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let idle = app.settings.body_idle_timeout;
    next.run(request.map(|body| Body::new(TimeoutBody::new(idle, body))))
        .await
}

/// Bounds the time to the answer, reads what is left of the request, writes refusals out (SEC10, errors §1).
pub async fn finish_api_call(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (uri, source) = (
        request.uri().clone(),
        request.extensions().get::<Source>().copied(),
    );
    let trace = request
        .extensions()
        .get::<SharedTrace>()
        .cloned()
        .unwrap_or_default();
    let (request, mut watch) = watch(request, Some(trace.clone()));
    let mut work = Box::pin(next.run(request));
    let response = tokio::select! {
        response = &mut work => response,
        () = watch.turn.over(app.settings.answer_timeout) => {
            tracing::error!("a call was not answered in time");
            ApiError::new(ErrCode::SystemError).into_response()
        }
    };
    // What the call still holds of the body is handed over.
    drop(work);
    if let Ok(Some(rest)) = watch.left.try_recv() {
        discard(rest).await;
    }
    let Some(error) = response.extensions().get::<ApiError>() else {
        return response;
    };
    let rid = rid(&app);
    let text = error.text(&rid);
    // A repeat is answered without a request id, so nobody could ask for it.
    let has_rid = error.code != ErrCode::ClientMsgIdExists;
    let refused = RefusedWith {
        rid: has_rid.then(|| rid.clone()),
        code: error.code,
    };
    if let Some(account) = trace.account().filter(|_| has_rid) {
        let call = RefusedCall {
            rid,
            at: app.now(),
            took: began.elapsed(),
            url: masked(&uri),
            request_body: trace.text(),
            response_body: text.clone(),
            source: source.map(|source| source.address),
        };
        app.refused().keep(account, call);
    }
    let mut response = json_response(text);
    response.extensions_mut().insert(refused);
    response
}

/// Bounds the time to the answer of what is only read: a database that is silent must not silence us (SEC10).
pub async fn limit_reading(State(app): State<App>, request: Request, next: Next) -> Response {
    if !request.method().is_safe() {
        return next.run(request).await;
    }
    let answer = timeout(app.settings.answer_timeout, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        tracing::error!("something to be read was not there in time");
        Problem::internal().into_response()
    })
}

/// Reads what is left of the request before its answer goes out.
pub async fn finish_native_call(request: Request, next: Next) -> Response {
    let (request, mut watch) = watch(request, None);
    let response = next.run(request).await;
    if let Ok(Some(rest)) = watch.left.try_recv() {
        discard(rest).await;
    }
    response
}

/// Refuses CONNECT at once: this is no proxy, and an answer to it may have no body.
pub async fn refuse_connect(request: Request, next: Next) -> Response {
    match *request.method() {
        Method::CONNECT => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => next.run(request).await,
    }
}

/// The same path without doubled slashes and without a last one (spec errors §1).
pub fn normalise(mut request: Request) -> Request {
    if let Some(uri) = normal_uri(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The URI with its path in one spelling; `None` when it has that spelling already.
fn normal_uri(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("//") && (path == "/" || !path.ends_with('/')) {
        return None;
    }
    let mut normal = String::with_capacity(path.len() + 1);
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        normal.push('/');
        normal.push_str(segment);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    if let Some(query) = uri.query() {
        normal.push('?');
        normal.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(normal.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// What is answered when a handler panicked.
#[derive(Clone, Copy, Debug)]
pub enum PanicAnswer {
    /// errcode -1.
    Errcode,
    /// An error of the native API.
    Problem,
}

impl ResponseForPanic for PanicAnswer {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, error: Box<dyn Any + Send + 'static>) -> Response {
        let text = error
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| error.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("without a text"), "a handler panicked");
        match self {
            PanicAnswer::Errcode => ApiError::new(ErrCode::SystemError).into_response(),
            PanicAnswer::Problem => Problem::internal().into_response(),
        }
    }
}

/// Whether an answer is worth compressing: texts, not files, and nothing that goes on while it is read.
pub fn is_text(response: &hyper::HeaderMap) -> bool {
    let content_type = response
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        let is_text = value.starts_with("application/json") || value.starts_with("text/");
        is_text && !value.starts_with("text/event-stream")
    })
}

/// A new request id.
pub fn rid(app: &App) -> String {
    wire::error::rid(
        u64::try_from(app.now().seconds()).unwrap_or_default(),
        app.secrets.number(),
    )
}

/// Reads a body and throws it away, within bounds.
pub async fn discard(mut rest: Body) {
    let read = async {
        let mut length = 0_usize;
        while let Some(Ok(frame)) = rest.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > DISCARDED_MAX {
                break;
            }
        }
    };
    let _ = timeout(DISCARD_PATIENCE, read).await;
}

/// A body that tells when it ended, or hands over what is left when nobody wants it any more.
struct WatchedBody {
    body: Option<Body>,
    trace: Option<SharedTrace>,
    end: Option<oneshot::Sender<Option<Body>>>,
    turn: OurTurn,
}

/// What is known of a request's body.
struct Watch {
    left: oneshot::Receiver<Option<Body>>,
    turn: OurTurn,
}

/// Since when this side has to do the next step; `None` while the client's next bytes are waited for. A call that
/// works before it reads its body keeps the client waiting too.
#[derive(Clone)]
struct OurTurn(Arc<Mutex<Option<Instant>>>);

impl OurTurn {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Waits until it was our turn for `limit` without a break.
    async fn over(&self, limit: Duration) {
        loop {
            let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match since.map(|since| since + limit) {
                Some(end) if end <= Instant::now() => return,
                Some(end) => sleep_until(end).await,
                // Our turn comes later than now, and so it is over later than then.
                None => sleep(limit).await,
            }
        }
    }
}

fn watch(request: Request, trace: Option<SharedTrace>) -> (Request, Watch) {
    let (end, left) = oneshot::channel();
    let turn = OurTurn(Arc::new(Mutex::new(Some(Instant::now()))));
    let watch = Watch {
        left,
        turn: turn.clone(),
    };
    let request = request.map(|body| {
        if body.is_end_stream() {
            // Nothing will come: the time to the answer starts now.
            let _ = end.send(None);
            return body;
        }
        Body::new(WatchedBody {
            body: Some(body),
            trace,
            end: Some(end),
            turn,
        })
    });
    (request, watch)
}

impl WatchedBody {
    fn ended(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(None);
        }
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        self.turn.set(polled.is_ready().then(Instant::now));
        if let (Poll::Ready(Some(Ok(frame))), Some(trace)) = (&polled, &self.trace) {
            trace.saw(frame.data_ref().map_or(&[], AsRef::as_ref));
        }
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.ended();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(self.body.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, expected: &str) {
        let uri: Uri = uri.parse().expect("a URI");
        assert_eq!(normal_uri(&uri).unwrap_or(uri).to_string(), expected);
    }

    #[test]
    fn a_path_has_one_spelling_and_its_query_stays() {
        check("/cgi-bin/token?a=1", "/cgi-bin/token?a=1");
        check("//cgi-bin//token/?a=//b/", "/cgi-bin/token?a=//b/");
        check("/cgi-bin/user/get/", "/cgi-bin/user/get");
        check("/", "/");
        check("///", "/");
        check("//?x", "/?x");
        check("http://host//cgi-bin/token/", "http://host/cgi-bin/token");
        check("/s/%2F%2F/", "/s/%2F%2F");
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_is_handed_over() {
        let request = Request::new(Body::from("rest"));
        let (request, mut watch) = watch(request, None);
        drop(request);
        let rest = watch.left.try_recv().expect("handed over").expect("not read");
        assert_eq!(rest.collect().await.expect("reads").to_bytes(), "rest");
    }

    #[tokio::test(start_paused = true)]
    async fn time_runs_while_we_work_and_stands_while_the_client_is_waited_for() {
        const LIMIT: Duration = Duration::from_secs(5);
        // Nobody has begun to read: it is our turn.
        let (_request, watch_of_unread) = watch(Request::new(Body::from("unread")), None);
        let began = Instant::now();
        watch_of_unread.turn.over(LIMIT).await;
        assert_eq!(began.elapsed(), LIMIT);
        // Of a body that comes after 60 seconds only what follows counts.
        let late = futures::stream::once(async {
            sleep(Duration::from_secs(60)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"late"))
        });
        let (request, watch) = watch(Request::new(Body::from_stream(late)), None);
        let began = Instant::now();
        let reading = tokio::spawn(request.into_body().collect());
        watch.turn.over(LIMIT).await;
        assert!(
            began.elapsed() >= Duration::from_secs(65),
            "{:?}",
            began.elapsed()
        );
        reading.await.expect("ends").expect("reads");
    }

    #[tokio::test]
    async fn a_body_that_was_read_leaves_nothing() {
        let (request, mut read) = watch(Request::new(Body::from("all")), None);
        assert_eq!(
            request.into_body().collect().await.expect("reads").to_bytes(),
            "all"
        );
        assert!(read.left.try_recv().expect("ended").is_none());
        let (_request, mut empty) = watch(Request::new(Body::empty()), None);
        assert!(empty.left.try_recv().expect("ended").is_none());
    }
}
