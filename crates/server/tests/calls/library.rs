//! Permanent materials, drafts, publications: every answer as it is, and what is refused.

mod drafts;
mod materials;
mod publications;

use axum::{
    body::Body,
    http::{Request, header},
};
use domain::time::Timestamp;
use serde_json::{Value, json};
use server::app::SandboxControl;
use store::clock::Clock;

use crate::harness::{Account, Answer, Server, fixture};

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

/// One part of a form: its name, the file's name if it is one, the bytes.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

async fn form(server: &Server, account: &Account, path: &str, parts: &[Part<'_>]) -> Answer {
    let mut body = Vec::new();
    for (name, filename, bytes) in parts {
        let filename = filename.map_or_else(String::new, |name| format!("; filename=\"{name}\""));
        body.extend(
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n").bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    let join = if path.contains('?') { '&' } else { '?' };
    let request = Request::post(format!("/cgi-bin/{path}{join}access_token={}", account.token))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
    server
        .send(request.body(Body::from(body)).expect("a request"))
        .await
}

async fn add(server: &Server, account: &Account, kind: &str, name: &str) -> Answer {
    let path = format!("material/add_material?type={kind}");
    form(server, account, &path, &[("media", Some(name), &fixture(name))]).await
}

pub async fn added(server: &Server, account: &Account, kind: &str, name: &str) -> Value {
    add(server, account, kind, name).await.json()["media_id"].clone()
}

fn article(title: &str, cover: &Value) -> Value {
    json!({"title": title, "author": "李", "content": format!("<p>{title}的正文</p>"), "thumb_media_id": cover,
        "content_source_url": "https://example.org/a", "show_cover_pic": "1", "need_open_comment": 1})
}

async fn kept(server: &Server, account: &Account, path: &str, articles: usize) -> Value {
    let cover = added(server, account, "thumb", "test.jpg").await;
    let articles: Vec<Value> = (1..=articles)
        .map(|n| article(&format!("第{n}篇"), &cover))
        .collect();
    let answer = server.call(account, path, json!({"articles": articles})).await;
    answer.json()["media_id"].clone()
}

/// The answer with ids and links replaced, which are other ones each time.
fn pinned(answer: &Answer) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for letter in answer.text().chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' {
            word.push(letter);
            continue;
        }
        match word.len() {
            64 => text.push_str("ID"),
            22 if !word.contains("content") => text.push_str("LINK"),
            _ => text.push_str(&word),
        }
        word.clear();
        text.push(letter);
    }
    text.trim_end().to_owned()
}

fn local(url: &Value) -> String {
    let url = url.as_str().expect("a URL");
    url.strip_prefix("http://qunfa.test").expect("ours").to_owned()
}

async fn advance(server: &Server, seconds: i64) {
    let target = server.clock.now().plus_seconds(seconds);
    server
        .clock
        .advance_to(Timestamp(target.0))
        .await
        .expect("advances");
}

async fn relogin(server: &Server, account: Account) -> Account {
    let uri = format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        account.appid, account.secret
    );
    let token = server.get(&uri).await.json()["access_token"].clone();
    Account {
        token: token.as_str().expect("a token").to_owned(),
        ..account
    }
}
