//! Which requests an intercepting port answers: those that name WeChat's hosts.

use axum::{
    Router,
    extract::Request,
    http::{Method, StatusCode, Uri, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};

use super::{HOSTS, known};

/// Characters of a foreign host that a refusal repeats.
const REPEATED_MAX: usize = 255;

/// `router` for requests that came through TLS: the handshake has settled the host.
pub fn secure(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| {
        match host(&request) {
            Host::Foreign(name) => forbidden(&name),
            Host::Connect => no_second_connect(),
            Host::Ours | Host::Unnamed => next.run(without_host(request)).await,
        }
    }))
}

/// `router` for requests to a proxy: the address in the request's first line settles the host.
pub fn plain(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| {
        match host(&request) {
            Host::Foreign(name) => forbidden(&name),
            Host::Connect => no_second_connect(),
            Host::Ours => next.run(without_host(request)).await,
            Host::Unnamed => text(
                StatusCode::BAD_REQUEST,
                "this port is a proxy, or WeChat's hosts by TLS; the sandbox itself is at its own address",
            ),
        }
    }))
}

/// Why a foreign host is refused; also for the log, where one sees what else a program wants to reach.
pub fn not_ours(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(char::is_ascii_graphic)
        .take(REPEATED_MAX)
        .collect();
    tracing::info!(host = name, "refused to go to another host");
    let hosts = HOSTS.join(", ");
    format!(
        "qunfa sandbox --intercept answers for {hosts} only (https on port 443, http on port 80); {name} is not connected to"
    )
}

/// A whole answer to a `CONNECT` that leads nowhere.
pub fn refusal(status: &str, reason: &str) -> String {
    let length = reason.len() + 1;
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{reason}\n"
    )
}

#[derive(Debug, PartialEq)]
enum Host {
    Ours,
    Unnamed,
    Foreign(String),
    Connect,
}

fn host(request: &Request) -> Host {
    if request.method() == Method::CONNECT {
        return Host::Connect;
    }
    named(request.uri())
}

fn named(uri: &Uri) -> Host {
    let Some(authority) = uri.authority() else {
        return Host::Unnamed;
    };
    let default = match uri.scheme_str() {
        Some("http") => 80,
        // Some clients ask their proxy for https addresses without a tunnel.
        Some("https") => 443,
        _ => return Host::Foreign(authority.to_string()),
    };
    let name = authority.as_str().strip_suffix(&format!(":{default}"));
    match known(name.unwrap_or(authority.as_str())) {
        Some(_) => Host::Ours,
        None => Host::Foreign(authority.to_string()),
    }
}

/// The request as the host itself would get it.
fn without_host(mut request: Request) -> Request {
    if let Some(path) = request
        .uri()
        .path_and_query()
        .filter(|_| request.uri().authority().is_some())
    {
        *request.uri_mut() = Uri::from(path.clone());
    }
    request
}

fn forbidden(name: &str) -> Response {
    text(StatusCode::FORBIDDEN, &not_ours(name))
}

fn no_second_connect() -> Response {
    text(
        StatusCode::BAD_REQUEST,
        "CONNECT is the first request of a connection",
    )
}

fn text(status: StatusCode, reason: &str) -> Response {
    let headers = [(header::CONNECTION, "close")];
    (status, headers, format!("{reason}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, expected: &Host) {
        assert_eq!(named(&uri.parse().expect("a URI")), *expected, "{uri}");
    }

    #[test]
    fn only_addresses_of_the_three_hosts_are_answered() {
        check(
            "http://file.api.weixin.qq.com/cgi-bin/media/upload?x=1",
            &Host::Ours,
        );
        check("http://API.weixin.qq.com:80/", &Host::Ours);
        check("https://api.weixin.qq.com:443/", &Host::Ours);
        check("/cgi-bin/token", &Host::Unnamed);
        for authority in [
            "api.weixin.qq.com:8080",
            "api.weixin.qq.com:443",
            "x@api.weixin.qq.com",
            "api.weixin.qq.com.",
            "qyapi.weixin.qq.com",
            "127.0.0.1:80",
            "[::1]",
        ] {
            check(&format!("http://{authority}/"), &Host::Foreign(authority.into()));
        }
        check("ftp://api.weixin.qq.com/", &Host::Foreign(HOSTS[0].into()));
    }

    #[test]
    fn a_refusal_repeats_no_control_characters() {
        let text = not_ours(&format!("a\r\nb{}", "x".repeat(1_000)));
        assert!(text.contains("; abx") && !text.contains('\r') && text.len() < 600);
    }
}
