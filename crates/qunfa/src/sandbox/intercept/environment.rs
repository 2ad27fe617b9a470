//! What to paste so that programs come through an interception.

use std::{net::SocketAddr, path::Path};

use super::HOSTS;

/// Lines for shells and for the languages that SDKs are written in. `proxy` is the intercepting port, `ca` the
/// CA's certificate.
pub fn lines(proxy: SocketAddr, ca: &Path) -> String {
    let reachable = reachable(proxy);
    let (host, port) = (reachable.ip(), reachable.port());
    let hosts = HOSTS.join(" ");
    let ca = quoted(ca);
    let store = format!("${{TMPDIR:-/tmp}}/qunfa-{port}.p12");
    format!(
        "\nintercepting   {hosts}\n\
         as HTTPS proxy and by direct TLS at {reachable}; all other hosts are refused\n\
         CA certificate {ca}\n\
         \n\
         # every program below\n\
         export HTTPS_PROXY=http://{reachable} HTTP_PROXY=http://{reachable} NO_PROXY=127.0.0.1,localhost,::1\n\
         export https_proxy=$HTTPS_PROXY http_proxy=$HTTP_PROXY no_proxy=$NO_PROXY\n\
         # curl, Python (requests, httpx), Go\n\
         export CURL_CA_BUNDLE={ca} REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca}\n\
         # Node 24.5 or 22.21 and later; earlier ones and SDKs that take no proxy: by the hosts file, see below\n\
         export NODE_EXTRA_CA_CERTS={ca} NODE_USE_ENV_PROXY=1\n\
         # Java\n\
         rm -f \"{store}\"\n\
         keytool -importcert -noprompt -alias qunfa -file {ca} -storetype PKCS12 -storepass changeit -keystore \"{store}\"\n\
         export JAVA_TOOL_OPTIONS=\"-Dhttps.proxyHost={host} -Dhttps.proxyPort={port} -Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit\"\n\
         # without a proxy: start with --intercept-tls 127.0.0.1:443 and, as root,\n\
         # echo '127.0.0.1 {hosts}' >> /etc/hosts\n"
    )
}

/// An address that a client can use: an unspecified one means this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        _ => address,
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_spaces_and_quotes_can_be_pasted() {
        assert_eq!(quoted(Path::new("/tmp/a/ca.pem")), "/tmp/a/ca.pem");
        assert_eq!(
            quoted(Path::new("/tmp/it's a/ca.pem")),
            r"'/tmp/it'\''s a/ca.pem'"
        );
    }

    #[test]
    fn a_port_of_all_addresses_is_reached_on_this_machine() {
        let lines = lines(([0, 0, 0, 0], 8081).into(), Path::new("/x/ca.pem"));
        assert!(lines.contains("HTTPS_PROXY=http://127.0.0.1:8081 "), "{lines}");
        assert!(lines.contains("SSL_CERT_FILE=/x/ca.pem\n"), "{lines}");
    }
}
