use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::json;

use super::calls::Media;
use super::*;
use crate::mass;

/// Answers one request with `head` and `body`, and gives back what was asked.
fn serve_once(head: &'static str, body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = read_request(&mut stream);
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .expect("sent");
        request
    });
    (format!("http://{address}/"), thread)
}

/// Reads until the body is as long as announced.
fn read_request(stream: &mut impl Read) -> String {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).expect("bytes");
        request.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let length = text.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        match text.split_once("\r\n\r\n") {
            Some((_, body)) if body.len() >= length.unwrap_or(0) => return text,
            _ => assert_ne!(count, 0, "the request ends early: {text}"),
        }
    }
}

const JSON: &str = "200 OK\r\nContent-Type: application/json";

#[tokio::test]
async fn a_token_is_asked_for_in_the_query() {
    let (url, server) = serve_once(JSON, r#"{"access_token":"T","expires_in":7200}"#);
    let answer = Client::new(&url).token("wx1", "s").await.expect("a token");
    assert_eq!((answer.access_token.as_str(), answer.expires_in), ("T", 7200));
    let request = server.join().expect("a request");
    assert!(
        request.starts_with("GET /cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s "),
        "{request}"
    );
}

#[tokio::test]
async fn a_mass_send_is_posted_as_json_with_the_token_in_the_query() {
    let (url, server) = serve_once(
        JSON,
        r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182}"#,
    );
    let request = mass::SendAll {
        filter: mass::Filter {
            tag_id: 2.into(),
            ..Default::default()
        }
        .into(),
        message: mass::Message {
            msgtype: "text".into(),
            ..Default::default()
        },
    };
    let accepted = Client::new(&url)
        .account("T")
        .send_all(&request)
        .await
        .expect("accepted");
    assert_eq!(accepted, mass::Accepted::new(34182, None));
    let request = server.join().expect("a request");
    assert!(
        request.starts_with("POST /cgi-bin/message/mass/sendall?access_token=T "),
        "{request}"
    );
    assert!(
        request.ends_with(r#"{"filter":{"tag_id":2},"msgtype":"text"}"#),
        "{request}"
    );
}

#[tokio::test]
async fn a_refusal_keeps_its_code_text_and_earlier_mass() {
    let (url, _server) = serve_once(
        JSON,
        r#"{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":7}"#,
    );
    let refused = Client::new(&url)
        .account("T")
        .speed_set(1)
        .await
        .expect_err("refused");
    match refused {
        ClientError::Refused {
            errcode,
            errmsg,
            msg_id,
        } => {
            assert_eq!(
                (errcode, errmsg.as_str(), msg_id),
                (45065, "clientmsgid exist", Some(7))
            );
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_raw_call_gives_a_refusal_back_as_it_is() {
    let (url, _server) = serve_once(JSON, r#"{"errcode":40066,"errmsg":"invalid url"}"#);
    let answer = Client::new(&url)
        .account("T")
        .raw("/cgi-bin/nothing", &json!({}))
        .await
        .expect("an object");
    assert_eq!(answer["errcode"], 40066);
}

#[tokio::test]
async fn an_upload_has_one_part_named_media() {
    let (url, server) = serve_once(JSON, r#"{"type":"thumb","thumb_media_id":"M","created_at":1}"#);
    let account = Client::new(&url).account("T");
    let answer = account
        .upload_image("thumb", b"bytes".to_vec(), "a.jpg")
        .await
        .expect("uploaded");
    assert_eq!(answer.id(), "M");
    let request = server.join().expect("a request");
    assert!(
        request.starts_with("POST /cgi-bin/media/upload?access_token=T&type=thumb "),
        "{request}"
    );
    assert!(
        request.contains(r#"form-data; name="media"; filename="a.jpg""#),
        "{request}"
    );
}

#[tokio::test]
async fn followers_are_listed_with_and_without_a_start() {
    let (url, server) = serve_once(JSON, r#"{"total":0,"count":0,"next_openid":""}"#);
    let answer = Client::new(&url).account("T").user_get("").await.expect("a page");
    assert_eq!((answer.count, answer.data), (0, None));
    assert!(
        server
            .join()
            .expect("a request")
            .starts_with("GET /cgi-bin/user/get?access_token=T&next_openid= ")
    );
}

#[tokio::test]
async fn media_come_as_bytes_or_as_the_link_of_a_video() {
    let (url, _server) = serve_once("200 OK\r\nContent-Type: image/png", "PNG");
    let media = Client::new(&url)
        .account("T")
        .media_get("M")
        .await
        .expect("bytes");
    assert_eq!(media, Media::Bytes(b"PNG".to_vec(), "image/png".to_owned()));
    let (url, _server) = serve_once(JSON, r#"{"video_url":"http://h/v"}"#);
    let media = Client::new(&url)
        .account("T")
        .media_get("M")
        .await
        .expect("a link");
    assert_eq!(media, Media::VideoUrl("http://h/v".to_owned()));
}

#[tokio::test]
async fn what_is_no_answer_of_the_api_is_unexpected() {
    for (head, body) in [("502 Bad Gateway", "<html>"), (JSON, "[]"), (JSON, "{}")] {
        let (url, _server) = serve_once(head, body);
        let error = Client::new(&url)
            .account("T")
            .speed_get()
            .await
            .expect_err("no answer");
        assert!(matches!(error, ClientError::Unexpected { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_of_transport() {
    let error = Client::new("http://127.0.0.1:1")
        .account("T")
        .speed_get()
        .await
        .expect_err("no server");
    assert!(matches!(error, ClientError::Transport(_)), "{error}");
}
