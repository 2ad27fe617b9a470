//! Forbidden addresses (SEC6) in more than 150 spellings, each as a literal, as what a name resolves to, and as what a
//! name turns to between two tries; over real sockets.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);

/// IPv4 addresses that no callback may go to.
const V4: [&str; 34] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "250.1.2.3",
    "255.255.255.255",
    "10.1.2.3",
    "127.1.2.3",
    "169.254.170.2",
    "172.20.10.5",
    "192.168.1.1",
    "100.100.100.200",
];

/// IPv6 addresses that carry no other and that no callback may go to.
const V6: [&str; 26] = [
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "fc00::1",
    "fd00::1",
    "fdff:ffff::1",
    "fd00:ec2::254",
    "ff00::1",
    "ff02::1",
    "ff05::2",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "3fff::1",
    "64:ff9b:1::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "e000::1",
];

/// Each address in every way that a URL may write it: numbers of all bases, short forms, inside IPv6.
fn spellings() -> Vec<(String, IpAddr)> {
    let mut all = Vec::new();
    for text in V4 {
        let address: std::net::Ipv4Addr = text.parse().expect(text);
        let (number, [a, b, c, d]) = (u32::from(address), address.octets());
        let [high, low] = [number >> 16, number & 0xffff];
        for spelling in [
            text.to_owned(),
            format!("{text}."),
            number.to_string(),
            format!("{number:#x}"),
            format!("0{number:o}"),
            format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            format!("{a}.{}", number & 0xff_ffff),
        ] {
            all.push((spelling, IpAddr::V4(address)));
        }
        for inside in [
            format!("::ffff:{text}"),
            format!("::{text}"),
            format!("::ffff:0:{text}"),
            format!("64:ff9b::{text}"),
            format!("2002:{high:x}:{low:x}::1"),
            format!("2001:0:1:2:3:4:{:x}:{:x}", !high & 0xffff, !low & 0xffff),
        ] {
            let address = inside.parse().expect(&inside);
            all.push((format!("[{inside}]"), IpAddr::V6(address)));
        }
    }
    for text in V6 {
        let address: IpAddr = text.parse().expect(text);
        all.push((format!("[{text}]"), address));
        all.push((format!("[{}]", text.to_uppercase()), address));
    }
    all
}

/// A receiver that takes every event and counts connections.
struct Receiver {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4_096]).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        });
        Self { port, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Names that answer what they are told to, one list after the other; the last one stays.
#[derive(Default)]
struct Told(Mutex<Vec<Vec<IpAddr>>>);

impl Told {
    fn tell(&self, answers: Vec<Vec<IpAddr>>) {
        *self.0.lock().expect("not poisoned") = answers;
    }
}

#[async_trait]
impl Names for Told {
    async fn look_up(&self, _name: &str) -> io::Result<Vec<SocketAddr>> {
        let mut answers = self.0.lock().expect("not poisoned");
        let next = match answers.len() {
            0 => return Err(io::Error::other("there is no such name")),
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Ok(next
            .into_iter()
            .map(|address| SocketAddr::new(address, 0))
            .collect())
    }
}

fn envelope() -> Envelope {
    Envelope {
        query: Query::default(),
        body: "<xml/>".to_owned(),
    }
}

fn loopback_alone() -> AddressRules {
    AddressRules {
        allow: vec!["127.9.9.9/32".parse().expect("a network")],
    }
}

const ALLOWED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 9, 9, 9));

#[test]
fn sec06_the_table_has_more_than_150_spellings() {
    let spellings: BTreeSet<String> = spellings().into_iter().map(|(spelling, _)| spelling).collect();
    assert!(spellings.len() >= 150, "{}", spellings.len());
}

#[tokio::test]
async fn sec06_no_spelling_of_a_forbidden_address_is_called() {
    let receiver = Receiver::start().await;
    let poster = Poster::new(AddressRules::default(), TIMEOUT).expect("a client");
    for (spelling, _) in spellings() {
        let url = format!("http://{spelling}:{}/", receiver.port);
        let answer = poster.post(&url, &envelope()).await;
        let reason = answer.err().unwrap_or_else(|| panic!("{spelling} was called"));
        assert!(reason.contains("not public"), "{spelling}: {reason}");
        assert!(poster.get(&url, &Query::default()).await.is_err(), "{spelling}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn sec06_no_name_leads_to_a_forbidden_address_not_even_among_public_ones() {
    let receiver = Receiver::start().await;
    let names = Arc::new(Told::default());
    let poster = Poster::resolving_by(names.clone(), loopback_alone(), TIMEOUT).expect("a client");
    let public: IpAddr = "1.1.1.1".parse().expect("an address");
    let url = format!("http://receiver.test:{}/", receiver.port);
    for (spelling, address) in spellings() {
        for answer in [vec![address], vec![ALLOWED, address], vec![address, public]] {
            names.tell(vec![answer]);
            let reason = poster.post(&url, &envelope()).await.err();
            let reason = reason.unwrap_or_else(|| panic!("a name for {spelling} was called"));
            assert!(reason.contains("not public"), "{spelling}: {reason}");
        }
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn sec06_a_name_that_turns_between_two_tries_is_checked_at_each() {
    let receiver = Receiver::start().await;
    let names = Arc::new(Told::default());
    let poster = Poster::resolving_by(names.clone(), loopback_alone(), TIMEOUT).expect("a client");
    let url = format!("http://receiver.test:{}/", receiver.port);
    for (number, (spelling, address)) in spellings().into_iter().enumerate() {
        names.tell(vec![vec![ALLOWED], vec![address]]);
        let first = poster.post(&url, &envelope()).await;
        assert_eq!(first.map(|answer| answer.status), Ok(200), "{spelling}");
        let second = poster.post(&url, &envelope()).await.err();
        let reason = second.unwrap_or_else(|| panic!("{spelling} was called after it turned"));
        assert!(reason.contains("not public"), "{spelling}: {reason}");
        assert_eq!(
            receiver.connections(),
            number + 1,
            "{spelling}: only to the checked address"
        );
    }
}
