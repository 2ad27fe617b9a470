//! Which addresses a callback may go to (SEC6): public ones, and those an operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

/// The rules of one installation.
#[derive(Clone, Debug, Default)]
pub struct AddressRules {
    /// Networks that are allowed although they are not public.
    pub allow: Vec<IpNet>,
}

impl AddressRules {
    /// Whether a callback may go to `address`.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.allow.iter().any(|network| network.contains(&address))
    }

    /// Whether a browser's push service may be at this URL, as far as that shows without resolving it: https alone, and
    /// http to the addresses that an operator allows. The error says why not.
    pub fn check_endpoint(&self, url: &str) -> Result<(), &'static str> {
        let url = self.check_receiver(url)?;
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => false,
        };
        if url.scheme() == "https" || allowed {
            Ok(())
        } else {
            Err("it must be an https URL")
        }
    }

    /// Whether a receiver may be at this URL, as far as that shows without resolving it; the error says why not.
    pub fn check_receiver(&self, url: &str) -> Result<Url, &'static str> {
        let url = Url::parse(url).map_err(|_| "it must be an http or https URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it must be an http or https URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must be a URL without user name");
        }
        let host = url.host().ok_or("it must be a URL with a host")?;
        if !self.allows_host(&host) {
            return Err("it points to an address that is not public");
        }
        Ok(url)
    }

    /// Whether a URL's host may be called, as far as that shows without resolving it.
    pub(crate) fn allows_host(&self, host: &Host<&str>) -> bool {
        match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => self.allows(IpAddr::V4(*address)),
            Host::Ipv6(address) => self.allows(IpAddr::V6(*address)),
        }
    }
}

/// Whether `address` is one of the public internet. Addresses that carry an IPv4 address inside are judged
/// by that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = inner_v4(address) {
        return is_public_v4(inner);
    }
    let first = address.segments()[0];
    // Only 2000::/3 is global unicast; documentation, benchmarking and ORCHID lie inside it.
    let [a, b, ..] = address.segments();
    let special =
        (a == 0x2001 && (b == 0x0db8 || b == 2 || (0x10..=0x3f).contains(&b))) || (a == 0x3fff && b < 0x1000);
    (0x2000..=0x3fff).contains(&first) && !special
}

/// The IPv4 address inside a mapped, compatible, 6to4, Teredo or NAT64 address.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let words = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match words {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, .., high, low] => Some(v4(!high, !low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spelling: &str, expected: bool) {
        let url = url::Url::parse(&format!("http://{spelling}/")).expect(spelling);
        let host = url.host().expect("a host");
        assert!(!matches!(host, Host::Domain(_)), "{spelling} is read as a name");
        assert_eq!(AddressRules::default().allows_host(&host), expected, "{spelling}");
    }

    #[test]
    fn sec06_private_addresses_are_refused_however_they_are_spelt() {
        let v4 = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.254",
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0x7f.1",
            "017700000001",
            "0177.0.0.1",
            "0177.1",
            "127.0.0.1.",
            "169.254.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "172.16.0.1",
            "172.31.255.255",
            "0xac100001",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.1",
            "0xc0a80001",
            "3232235521",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "0",
            "1",
            "0x0",
            "00.0.0.0",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
        ];
        for spelling in v4 {
            check(spelling, false);
        }
        let v6 = [
            "::",
            "::1",
            "0:0:0:0:0:0:0:1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::ffff:10.0.0.1",
            "::ffff:192.168.1.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd00::1",
            "fdff:ffff::1",
            "ff00::1",
            "ff02::1",
            "ff0e::1",
            "100::1",
            "2001:db8::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "3fff::1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::192.168.0.1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2002:c0a8:101::5",
            "2001:0:1:2:3:4:80ff:fffe",
            "2001:0:0:0:0:0:f5ff:fffe",
            "4000::1",
            "e000::1",
        ];
        for address in v6 {
            check(&format!("[{address}]"), false);
            check(&format!("[{}]", address.to_uppercase()), false);
        }
    }

    #[test]
    fn sec06_every_private_network_is_refused_at_both_of_its_ends() {
        let networks = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
            "2001:db8::/32",
        ];
        for network in networks {
            let network: IpNet = network.parse().expect(network);
            for address in [network.network(), network.broadcast()] {
                assert!(!is_public(address), "{address}");
                let mapped = match address {
                    IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
                    v6 @ IpAddr::V6(_) => v6,
                };
                assert!(!is_public(mapped), "{mapped}");
            }
        }
    }

    #[test]
    fn sec06_public_addresses_pass() {
        for spelling in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "198.20.0.1",
        ] {
            check(spelling, true);
        }
        for spelling in [
            "[2606:4700::1111]",
            "[2a00::1]",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::8.8.8.8]",
            "[2002:808:808::1]",
        ] {
            check(spelling, true);
        }
    }

    #[test]
    fn sec06_an_operator_can_allow_a_network() {
        let rules = AddressRules {
            allow: vec!["127.0.0.0/8".parse().expect("a network")],
        };
        assert!(rules.allows("127.0.0.1".parse().expect("an address")));
        assert!(!rules.allows("10.0.0.1".parse().expect("an address")));
    }
}
