//! What a connection passes: `CONNECT`, the TLS handshake, or neither.

use std::{collections::HashMap, io, iter, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::Router;
use server::listen::{Door, Stream};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

use super::{HOSTS, InterceptError, authority::Authority, guard, known};

/// Bytes of a `CONNECT` request, at most (SEC10).
const HEAD_MAX: u64 = 16 << 10;
/// The first byte of every TLS connection: a record of the type handshake.
const HANDSHAKE_RECORD: u8 = 22;

type Behind = (Box<dyn Stream>, Router);

/// The door of an intercepting port.
pub struct Intercepting {
    acceptors: Acceptors,
    patience: Duration,
    /// Answers what came through TLS.
    secure: Router,
    /// Answers what came as to a proxy.
    plain: Router,
}

/// The sides of TLS that answer: for the tunnel to each host, and without a tunnel.
pub struct Acceptors(HashMap<Option<&'static str>, TlsAcceptor>);

impl Acceptors {
    /// With certificates of this CA.
    pub fn new(authority: &Arc<Authority>) -> Result<Self, InterceptError> {
        let ways = iter::once(None).chain(HOSTS.map(Some));
        let acceptors = ways.map(|host| Ok((host, acceptor(authority, host)?)));
        Ok(Self(acceptors.collect::<Result<_, InterceptError>>()?))
    }
}

fn acceptor(authority: &Arc<Authority>, host: Option<&'static str>) -> Result<TlsAcceptor, InterceptError> {
    let names = Names {
        authority: authority.clone(),
        host,
    };
    let mut config = ServerConfig::builder_with_provider(authority.provider().clone())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(names));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Intercepting {
    /// A door to `router` whose handshakes end within `patience`.
    pub fn new(acceptors: Acceptors, router: &Router, patience: Duration) -> Self {
        Self {
            acceptors,
            patience,
            secure: guard::secure(router.clone()),
            plain: guard::plain(router.clone()),
        }
    }

    async fn enter(&self, mut stream: BufReader<TcpStream>) -> io::Result<Option<Behind>> {
        match stream.fill_buf().await?.first() {
            None => Ok(None),
            Some(&HANDSHAKE_RECORD) => self.handshake(stream, None).await,
            // Of all methods in use only CONNECT begins so.
            Some(b'C') => match connect_target(&mut stream).await? {
                Ok(host) => {
                    stream
                        .write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n")
                        .await?;
                    stream.flush().await?;
                    self.handshake(stream, Some(host)).await
                }
                Err(answer) => {
                    stream.write_all(answer.as_bytes()).await?;
                    stream.shutdown().await?;
                    Ok(None)
                }
            },
            Some(_) => Ok(Some((Box::new(stream), self.plain.clone()))),
        }
    }

    async fn handshake(
        &self,
        stream: BufReader<TcpStream>,
        host: Option<&'static str>,
    ) -> io::Result<Option<Behind>> {
        let Some(acceptor) = self.acceptors.0.get(&host) else {
            return Ok(None);
        };
        let stream = acceptor.accept(stream).await?;
        Ok(Some((Box::new(stream), self.secure.clone())))
    }
}

#[async_trait]
impl Door for Intercepting {
    async fn pass(&self, stream: TcpStream) -> Option<Behind> {
        match timeout(self.patience, self.enter(BufReader::new(stream))).await {
            Ok(Ok(behind)) => behind,
            Ok(Err(error)) => {
                tracing::debug!(%error, "an intercepted connection did not get through its handshake");
                None
            }
            Err(_) => {
                tracing::debug!("an intercepted connection took too long for its handshake");
                None
            }
        }
    }
}

/// Chooses the certificate of a handshake.
struct Names {
    authority: Arc<Authority>,
    /// The host of the `CONNECT` before it.
    host: Option<&'static str>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({:?})", self.host)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = chosen(self.host, hello.server_name())?;
        let key = self.authority.key_of(host);
        key.inspect_err(|error| tracing::error!(%error, host, "no certificate for an intercepted host"))
            .ok()
    }
}

/// The host that a client means: by its `CONNECT`, by the name in its handshake. Old clients send no name;
/// nearly all calls go to the first host.
fn chosen(connected: Option<&'static str>, named: Option<&str>) -> Option<&'static str> {
    match (connected, named) {
        (None, None) => HOSTS.first().copied(),
        (Some(host), None) => Some(host),
        (None, Some(name)) => known(name),
        (Some(host), Some(name)) => known(name).filter(|named| *named == host),
    }
}

/// Reads a `CONNECT` request to its end: the host it asks for, or the answer to refuse it with.
async fn connect_target(stream: &mut BufReader<TcpStream>) -> io::Result<Result<&'static str, String>> {
    let mut head = stream.take(HEAD_MAX);
    let mut first = Vec::new();
    head.read_until(b'\n', &mut first).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        head.read_until(b'\n', &mut line).await?;
        match line.as_slice() {
            b"\r\n" | b"\n" => return Ok(target(&String::from_utf8_lossy(&first))),
            line if line.ends_with(b"\n") => {}
            _ => {
                return Ok(Err(guard::refusal(
                    "400 Bad Request",
                    "not a whole CONNECT request",
                )));
            }
        }
    }
}

fn target(line: &str) -> Result<&'static str, String> {
    let mut words = line.split_ascii_whitespace();
    let (Some("CONNECT"), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(guard::refusal("400 Bad Request", "not a CONNECT request"));
    };
    let host = target.strip_suffix(":443").and_then(known);
    host.ok_or_else(|| {
        let reason = guard::not_ours(target);
        guard::refusal(
            "403 Forbidden by qunfa sandbox, not a host of WeChat's API",
            &reason,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_is_for_the_three_hosts_and_https_only() {
        let host = |line: &str| target(line).ok();
        for name in HOSTS {
            assert_eq!(host(&format!("CONNECT {name}:443 HTTP/1.1\r\n")), Some(name));
        }
        assert_eq!(host("CONNECT API.Weixin.QQ.com:443 HTTP/1.0\r\n"), Some(HOSTS[0]));
        for wrong in [
            "CONNECT api.weixin.qq.com:80 HTTP/1.1\r\n",
            "CONNECT api.weixin.qq.com HTTP/1.1\r\n",
            "CONNECT api.weixin.qq.com.:443 HTTP/1.1\r\n",
            "CONNECT api.weixin.qq.com.evil.example:443 HTTP/1.1\r\n",
            "CONNECT evil.api.weixin.qq.com:443 HTTP/1.1\r\n",
            "CONNECT weixin.qq.com:443 HTTP/1.1\r\n",
            "CONNECT x@api.weixin.qq.com:443 HTTP/1.1\r\n",
            "CONNECT 127.0.0.1:443 HTTP/1.1\r\n",
            "CONNECT [::1]:443 HTTP/1.1\r\n",
        ] {
            let answer = target(wrong).expect_err(wrong);
            assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        }
        for wrong in [
            "",
            "CONNECT\r\n",
            "COPY / HTTP/1.1\r\n",
            "CONNECT a:443 HTTP/2\r\n",
            "C\0\r\n",
        ] {
            let answer = target(wrong).expect_err(wrong);
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
    }

    #[test]
    fn the_certificate_is_that_of_the_host_that_was_asked_for() {
        let [api, file, mp] = HOSTS;
        assert_eq!(chosen(None, Some(mp)), Some(mp));
        assert_eq!(chosen(None, None), Some(api));
        assert_eq!(chosen(Some(file), None), Some(file));
        assert_eq!(chosen(Some(file), Some(file)), Some(file));
        assert_eq!(chosen(Some(file), Some(api)), None);
        assert_eq!(chosen(None, Some("weixin.qq.com")), None);
    }
}
