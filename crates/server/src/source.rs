//! Where a request comes from: the address at the other end of the connection or, behind a proxy that the operator
//! trusts, the one that the proxy names.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, header, request::Parts},
};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request counts for: its limits, its log lines, what `rid/get` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// Whether somebody on the way claims to have forwarded it without being trusted: then the address is a
    /// proxy's, and says nothing about who asks.
    pub doubtful: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Source {
    /// Where a request with these extensions comes from; nowhere (`0.0.0.0`) when it came over no connection.
    pub fn of(extensions: &Extensions) -> Self {
        let nowhere = Self {
            address: IpAddr::from([0; 4]),
            doubtful: true,
        };
        extensions.get::<Self>().copied().unwrap_or(nowhere)
    }
}

/// Where a request comes from whose connection is `peer`'s. Of the addresses that trusted proxies wrote down the
/// rightmost counts that is no trusted proxy itself; what stands left of it, its sender may have made up.
pub fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Source {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let hops = hops(headers);
    if !is_trusted(&peer) {
        return Source {
            address: peer,
            doubtful: !hops.is_empty(),
        };
    }
    let mut address = peer;
    for hop in hops.into_iter().rev() {
        // An entry that is no address (`unknown`, `_hidden`): the proxy that wrote it is the last one known.
        let Some(hop) = hop else { break };
        address = hop;
        if !is_trusted(&hop) {
            break;
        }
    }
    Source {
        address,
        doubtful: false,
    }
}

/// The addresses that proxies wrote down, the client's first. `Forwarded` (RFC 7239) wins over `X-Forwarded-For`.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let forwarded = list(headers, &header::FORWARDED);
    if !forwarded.is_empty() {
        return forwarded.iter().map(|element| forwarded_for(element)).collect();
    }
    list(headers, &X_FORWARDED_FOR)
        .iter()
        .map(|element| node(element))
        .collect()
}

/// The elements of all fields of this name, in order.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let fields = headers.get_all(name).iter();
    fields
        .flat_map(|value| value.to_str().unwrap_or("unreadable").split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .collect()
}

/// The address of `for=` in one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("for")
            .then(|| node(value.trim()))?
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `"[2001:db8::1]:80"`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, fields: &[(&'static str, &'static str)], expected: &str, doubtful: bool) {
        let trusted =
            ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:1::/48"].map(|text| text.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let found = source(peer.parse().expect("an address"), &headers, &trusted);
        assert_eq!(
            (found.address.to_string().as_str(), found.doubtful),
            (expected, doubtful),
            "{fields:?}"
        );
    }

    #[test]
    fn sec10_the_rightmost_address_that_is_no_trusted_proxy_counts() {
        let xff = "x-forwarded-for";
        check("203.0.113.9", &[], "203.0.113.9", false);
        check("10.0.0.1", &[], "10.0.0.1", false);
        check("10.0.0.1", &[(xff, "198.51.100.7")], "198.51.100.7", false);
        check(
            "10.0.0.1",
            &[(xff, "6.6.6.6, 198.51.100.7")],
            "198.51.100.7",
            false,
        );
        check(
            "10.0.0.1",
            &[(xff, "6.6.6.6, 198.51.100.7, 10.0.0.2")],
            "198.51.100.7",
            false,
        );
        check(
            "10.0.0.1",
            &[(xff, "6.6.6.6"), (xff, "198.51.100.7,10.0.0.2")],
            "198.51.100.7",
            false,
        );
        check("10.0.0.1", &[(xff, "10.0.0.3, 10.0.0.2")], "10.0.0.3", false);
        check("10.0.0.1", &[(xff, "198.51.100.7:4711")], "198.51.100.7", false);
        check("10.0.0.1", &[(xff, "2001:db8:9::5")], "2001:db8:9::5", false);
        check(
            "10.0.0.1",
            &[(xff, "[2001:db8:9::5]:443")],
            "2001:db8:9::5",
            false,
        );
        check("10.0.0.1", &[(xff, "::ffff:198.51.100.7")], "198.51.100.7", false);
        check("2001:db8:1::1", &[(xff, "198.51.100.7")], "198.51.100.7", false);
    }

    #[test]
    fn sec10_the_standard_header_wins_and_what_is_no_address_ends_the_list() {
        let (xff, forwarded) = ("x-forwarded-for", "forwarded");
        check(
            "10.0.0.1",
            &[(forwarded, "for=198.51.100.7;proto=https")],
            "198.51.100.7",
            false,
        );
        check(
            "10.0.0.1",
            &[(forwarded, "proto=http; For=\"[2001:db8:9::5]:80\"")],
            "2001:db8:9::5",
            false,
        );
        check(
            "10.0.0.1",
            &[(forwarded, "for=6.6.6.6, for=198.51.100.7, for=10.0.0.2")],
            "198.51.100.7",
            false,
        );
        check(
            "10.0.0.1",
            &[(forwarded, "for=198.51.100.7"), (xff, "6.6.6.6")],
            "198.51.100.7",
            false,
        );
        check(
            "10.0.0.1",
            &[(forwarded, "for=6.6.6.6, for=unknown")],
            "10.0.0.1",
            false,
        );
        check(
            "10.0.0.1",
            &[(forwarded, "for=6.6.6.6, for=_hidden, for=10.0.0.2")],
            "10.0.0.2",
            false,
        );
        check("10.0.0.1", &[(forwarded, "proto=https")], "10.0.0.1", false);
        check("10.0.0.1", &[(xff, "6.6.6.6, not an address")], "10.0.0.1", false);
        check("10.0.0.1", &[(xff, " , ,")], "10.0.0.1", false);
    }

    #[test]
    fn sec10_headers_from_others_are_not_believed() {
        let (xff, forwarded) = ("x-forwarded-for", "forwarded");
        check("203.0.113.9", &[(xff, "127.0.0.1")], "203.0.113.9", true);
        check(
            "203.0.113.9",
            &[(forwarded, "for=127.0.0.1")],
            "203.0.113.9",
            true,
        );
        check("203.0.113.9", &[(xff, "10.0.0.1, 10.0.0.2")], "203.0.113.9", true);
        check("127.0.0.2", &[(xff, "198.51.100.7")], "127.0.0.2", true);
    }
}
