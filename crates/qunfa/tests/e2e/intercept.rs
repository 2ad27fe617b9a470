//! The sandbox in the place of WeChat's hosts: through a proxy, by direct TLS, and never for anybody else.

use std::{io, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use qunfa::sandbox::intercept::{HOSTS, InterceptError, Interception};
use reqwest::{Certificate, Client, ClientBuilder, Proxy, multipart};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::common::{SERVICE, TestServer, files};

const API: &str = "https://api.weixin.qq.com";
const LONG: Duration = Duration::from_secs(20);

struct Intercepted {
    server: TestServer,
    port: SocketAddr,
    ca: Certificate,
    authority: CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

async fn any_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

async fn start() -> Intercepted {
    let folder = tempfile::tempdir().expect("a folder");
    let interception = Interception::new(None, vec![any_port().await]).expect("a CA");
    let interception = interception.with_patience(Duration::from_millis(400));
    let port = interception.addresses()[0];
    let ca = std::fs::read(interception.certificate_file()).expect("the certificate");
    Intercepted {
        server: TestServer::launch(folder.path(), 10, Some(interception)).await,
        port,
        ca: Certificate::from_pem(&ca).expect("PEM"),
        authority: CertificateDer::from_pem_slice(&ca).expect("PEM"),
        _folder: folder,
    }
}

impl Intercepted {
    fn trusting(&self) -> ClientBuilder {
        Client::builder().no_proxy().tls_certs_only([self.ca.clone()])
    }

    /// As an SDK with proxy and CA in its environment.
    fn proxied(&self) -> Client {
        let proxy = Proxy::all(format!("http://{}", self.port)).expect("a proxy");
        self.trusting().proxy(proxy).build().expect("a client")
    }

    /// As an SDK on a machine with these hosts in its hosts file.
    fn direct(&self, hosts: &[&str]) -> Client {
        let pointed = hosts
            .iter()
            .fold(self.trusting(), |client, host| client.resolve(host, self.port));
        pointed.build().expect("a client")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.port).await.expect("connects")
    }

    /// A tunnel to api.weixin.qq.com whose handshake asks for `name`.
    async fn tunnel(&self, name: &'static str) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = self.connect().await;
        stream
            .write_all(b"CONNECT api.weixin.qq.com:443 HTTP/1.1\r\n\r\n")
            .await?;
        let mut answer = [0; 39];
        stream.read_exact(&mut answer).await?;
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).expect("a CA");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// What comes back for these bytes until the connection ends.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.expect("writes");
        until_closed(&mut stream).await
    }
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut bytes)).await;
    // A reset is an end too.
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn token(client: &Client, base: &str) -> String {
    let url = format!(
        "{base}/cgi-bin/token?grant_type=client_credential&appid={SERVICE}&secret=00000000000000000000000000000001"
    );
    let answer: Value = client
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    answer["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("no token: {answer}"))
        .to_owned()
}

#[tokio::test]
async fn a_mass_goes_out_through_the_proxy_under_wechats_own_address() {
    let world = start().await;
    let client = world.proxied();
    let token = token(&client, API).await;

    let picture = multipart::Part::bytes(files::jpeg(40, 30)).file_name("a.jpg");
    let upload =
        format!("http://file.api.weixin.qq.com/cgi-bin/media/upload?type=image&access_token={token}");
    let form = multipart::Form::new().part("media", picture);
    let media: Value = client
        .post(upload)
        .multipart(form)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let media_id = media["media_id"]
        .as_str()
        .unwrap_or_else(|| panic!("no medium: {media}"));

    let send = format!("{API}/cgi-bin/message/mass/sendall?access_token={token}");
    let body = json!({"filter": {"is_to_all": true}, "image": {"media_id": media_id}, "msgtype": "image"});
    let sent: Value = client
        .post(send)
        .json(&body)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(sent["errcode"], 0, "{sent}");

    world.server.settle().await;
    let get = format!("{API}/cgi-bin/message/mass/get?access_token={token}");
    let state = client
        .post(get)
        .json(&json!({"msg_id": sent["msg_id"]}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        state.json::<Value>().await.expect("JSON")["msg_status"],
        "SEND_SUCCESS"
    );
}

#[tokio::test]
async fn the_hosts_are_answered_by_direct_tls_with_their_own_certificates() {
    let world = start().await;
    let client = world.direct(&HOSTS);
    for host in HOSTS {
        let base = format!("https://{host}:{}", world.port.port());
        token(&client, &base).await;
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_and_never_dialled() {
    let world = start().await;
    let foreign = any_port().await;
    let address = foreign.local_addr().expect("an address");
    let client = world.proxied();

    assert!(client.get(format!("https://{address}/")).send().await.is_err());
    let refused = world
        .raw(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
        .await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert!(
        refused.contains(&format!("{address} is not connected to")),
        "{refused}"
    );

    let plain = client
        .get(format!("http://{address}/"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(plain.status(), 403);
    assert!(
        plain
            .text()
            .await
            .expect("a body")
            .contains("is not connected to")
    );

    let direct = world.direct(&["qyapi.weixin.qq.com"]);
    let other = format!("https://qyapi.weixin.qq.com:{}/", world.port.port());
    assert!(direct.get(other).send().await.is_err());

    let dialled = timeout(Duration::from_millis(100), foreign.accept()).await;
    assert!(dialled.is_err(), "somebody connected to {address}");
}

#[tokio::test]
async fn a_tunnel_is_for_its_own_host_only() {
    let world = start().await;
    assert!(
        world.tunnel("mp.weixin.qq.com").await.is_err(),
        "another name in the handshake"
    );
    let mut stream = world.tunnel("api.weixin.qq.com").await.expect("a tunnel");
    let request = b"GET http://example.com/healthz HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n";
    stream.write_all(request).await.expect("writes");
    let mut answer = String::new();
    let _ = timeout(LONG, stream.read_to_string(&mut answer))
        .await
        .expect("the connection ends");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn plain_requests_to_the_proxy_are_answered_by_their_address() {
    let world = start().await;
    for first in [
        "GET http://file.api.weixin.qq.com/healthz",
        "GET https://api.weixin.qq.com:443/healthz",
    ] {
        let request = format!("{first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = world.raw(request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"),
            "{answer}"
        );
    }
    for first in [
        "GET /healthz",
        "OPTIONS *",
        "GET http://api.weixin.qq.com:8080/healthz",
    ] {
        let answer = world
            .raw(format!("{first} HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{first}: {answer}");
    }
}

#[tokio::test]
async fn sec10_half_a_connect_and_half_a_handshake_end_in_time() {
    let world = start().await;
    let connect = "CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nHost: x\r\n";
    assert_eq!(world.raw(b"").await, "");
    assert_eq!(world.raw(b"CONN").await, "");
    assert_eq!(world.raw(connect.as_bytes()).await, "");
    assert_eq!(world.raw(&[22, 3, 1, 2, 0]).await, "");
    let begun = world.raw(format!("{connect}\r\n").as_bytes()).await;
    assert_eq!(begun, "HTTP/1.1 200 Connection Established\r\n\r\n");
    let long = format!("{connect}X: {}\r\n\r\n", "x".repeat(20_000));
    assert!(!world.raw(long.as_bytes()).await.contains(" 200 "));
    token(&world.proxied(), API).await;
}

#[tokio::test]
async fn sec12_garbage_in_place_of_a_handshake_ends_that_connection_only() {
    let world = start().await;
    let connect = b"CONNECT api.weixin.qq.com:443 HTTP/1.1\r\n\r\n";
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[22, 3, 1, 255, 255, 0, 0][..],
        &[0; 5_000],
    ] {
        let answer = world.raw(&[connect, garbage].concat()).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && !answer.contains("errcode"),
            "{answer}"
        );
    }
    for garbage in [
        &[0, 1, 2, 3, b'\r', b'\n', b'\r', b'\n'][..],
        b"COPY / HTTP/1.1\r\n\r\n",
        b"C\xff\n\n",
    ] {
        let answer = world.raw(garbage).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
    }
    token(&world.proxied(), API).await;
}

#[tokio::test]
async fn a_server_stops_while_somebody_stands_at_the_door() {
    let world = start().await;
    let mut half = world.connect().await;
    half.write_all(b"CONNECT api.weixin.qq.com:443 HTTP/1.1\r\n\r\n")
        .await
        .expect("writes");
    let stopped = timeout(Duration::from_secs(5), world.server.stop()).await;
    assert!(stopped.is_ok(), "waited for a handshake");
}

async fn in_folder(folder: &Path) -> Result<Interception, InterceptError> {
    Interception::new(Some(folder), vec![any_port().await])
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn sec03_the_ca_of_a_folder_is_kept_and_closed_to_others() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("new/ca");
    let first = in_folder(&folder).await.expect("a CA");
    let made = std::fs::read(first.certificate_file()).expect("the certificate");
    assert_eq!((mode(&folder), mode(&folder.join("ca.key"))), (0o700, 0o600));
    let again = in_folder(&folder).await.expect("the same CA");
    assert_eq!(
        std::fs::read(again.certificate_file()).expect("the certificate"),
        made
    );

    std::fs::set_permissions(folder.join("ca.key"), PermissionsExt::from_mode(0o644)).expect("opens");
    let open = in_folder(&folder).await.expect_err("an open key");
    assert!(open.to_string().contains("chmod 600"), "{open}");
    std::fs::remove_file(folder.join("ca.key")).expect("removes");
    let foreign = in_folder(&folder)
        .await
        .expect_err("another key for this certificate");
    assert!(
        foreign.to_string().contains("do not belong together"),
        "{foreign}"
    );
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("opens");
    let open = in_folder(&folder).await.expect_err("an open folder");
    assert!(open.to_string().contains("chmod 700"), "{open}");
}

#[tokio::test]
async fn sec03_without_a_folder_no_key_is_written_and_the_certificate_goes_at_the_end() {
    let interception = Interception::new(None, Vec::new()).expect("a CA");
    let file = interception.certificate_file().to_owned();
    let folder = file.parent().expect("a folder");
    let names: Vec<_> = std::fs::read_dir(folder)
        .expect("reads")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names, ["ca.pem"]);
    assert_eq!(mode(folder), 0o755, "only its owner writes into it");
    drop(interception);
    assert!(!file.exists());
}
