//! What the rows say again and again, in words: messages, audiences, pages, the operator's site, events.

pub mod made;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{SERVICE, TestAccount, TestServer, at, files, receiver::Receiver};

pub const SENDALL: &str = "/cgi-bin/message/mass/sendall";
pub const SEND: &str = "/cgi-bin/message/mass/send";
pub const PREVIEW: &str = "/cgi-bin/message/mass/preview";
pub const GET: &str = "/cgi-bin/message/mass/get";
pub const DELETE: &str = "/cgi-bin/message/mass/delete";
pub const SPEED_SET: &str = "/cgi-bin/message/mass/speed/set";
pub const SPEED_GET: &str = "/cgi-bin/message/mass/speed/get";
pub const UPLOADNEWS: &str = "/cgi-bin/media/uploadnews";
pub const UPLOADVIDEO: &str = "/cgi-bin/media/uploadvideo";
pub const UPLOADIMG: &str = "/cgi-bin/media/uploadimg";

/// Half of the sandbox's followers, the first among them.
pub const EVEN: i64 = 100;
/// Every tenth of the sandbox's followers, the first among them.
pub const TENTH: i64 = 101;
/// What the page of a deleted article says (reading 19).
pub const DELETED: &str = "该内容已被发布者删除";
/// More followers than one batch holds: a paced send to all takes longer than an instant.
pub const TWO_BATCHES: usize = 65_600;
pub const DAY: i64 = 24 * 3_600;

/// A text message.
pub fn text(content: &str) -> Value {
    json!({"msgtype": "text", "text": {"content": content}})
}

/// A message of a type that only names a medium: `mpnews`, `image`, `voice`, `mpvideo`.
pub fn medium(kind: &str, media_id: &str) -> Value {
    json!({"msgtype": kind, kind: {"media_id": media_id}})
}

/// Two objects in one; the second wins.
pub fn and(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else {
        panic!("two objects")
    };
    base.extend(more);
    Value::Object(base)
}

pub fn keyed(message: Value, key: &str) -> Value {
    and(message, json!({"clientmsgid": key}))
}

/// The keys of an object, in order of the alphabet.
#[track_caller]
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// The text of a string value.
#[track_caller]
pub fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no string: {value}"))
        .to_owned()
}

/// The first element of this name in an XML text, without `CDATA`.
#[track_caller]
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let content = xml
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close))
        .map(|(content, _)| content)
        .unwrap_or_else(|| panic!("no {name}: {xml}"));
    content
        .strip_prefix("<![CDATA[")
        .and_then(|content| content.strip_suffix("]]>"))
        .unwrap_or(content)
}

/// A number in an event.
#[track_caller]
pub fn number(xml: &str, name: &str) -> i64 {
    element(xml, name)
        .parse()
        .unwrap_or_else(|_| panic!("{name} is no number: {xml}"))
}

/// `TotalCount`, `FilterCount`, `SentCount`, `ErrorCount`.
#[track_caller]
pub fn counts(xml: &str) -> [i64; 4] {
    ["TotalCount", "FilterCount", "SentCount", "ErrorCount"].map(|name| number(xml, name))
}

/// The tags of an XML text in their order, closing ones too, and whether each content is `CDATA`.
pub fn structure(xml: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(after) = after.strip_prefix("![CDATA[") {
            found.push("CDATA".to_owned());
            rest = after.split_once("]]>").expect("an end").1;
            continue;
        }
        let (tag, after) = after.split_once('>').expect("an end");
        found.push(tag.to_owned());
        rest = after;
    }
    found
}

/// The bodies of all ends of masses that a receiver got.
pub fn finishes(receiver: &Receiver) -> Vec<String> {
    receiver
        .events()
        .into_iter()
        .map(|event| event.body)
        .filter(|body| body.contains("MASSSENDJOBFINISH"))
        .collect()
}

/// The same, as soon as there are so many: on a busy machine a try may take longer than the clock waits for it.
pub async fn told(server: &TestServer, receiver: &Receiver, count: usize) -> Vec<String> {
    for _ in 0..40 {
        if finishes(receiver).len() >= count {
            break;
        }
        server.settle().await;
    }
    finishes(receiver)
}

/// The body of the one end of a mass that a receiver got.
pub async fn finish(server: &TestServer, receiver: &Receiver) -> String {
    let mut all = told(server, receiver, 1).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

impl TestServer {
    /// A page as a browser gets it.
    pub async fn page(&self, url: &Value) -> String {
        let (status, _, bytes) = self.fetch(url).await;
        assert_eq!(status, 200, "{url}");
        String::from_utf8(bytes).expect("a text")
    }

    /// Status, type and bytes of what lies at an address of this server.
    pub async fn fetch(&self, url: &Value) -> (u16, String, Vec<u8>) {
        let url = string(url);
        let path = url
            .strip_prefix(&self.base)
            .unwrap_or_else(|| panic!("not here: {url}"));
        let path = path.split_once('#').map_or(path, |(path, _)| path);
        let answer = self.request(Method::GET, path).send().await.expect("an answer");
        let kind = answer.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        (
            answer.status().as_u16(),
            kind,
            answer.bytes().await.expect("bytes").to_vec(),
        )
    }

    /// Moves the clock to an instant.
    pub async fn clock_to(&self, instant: &str) {
        let ms = at(instant).ms_since(self.now());
        assert!(
            ms >= 0 && ms % 1_000 == 0,
            "the clock goes forward, in whole seconds"
        );
        self.advance(ms / 1_000).await;
    }

    /// Changes an account as the operator.
    pub async fn change(&self, app_id: &str, change: Value) {
        let path = format!("/v1/accounts/{app_id}");
        let (status, answer) = self.native(Method::PATCH, &path, Some(change)).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// What the review says of the account's next mass.
    pub async fn next_verdict(&self, app_id: &str, verdict: Value) {
        let path = format!("/sandbox/accounts/{app_id}/next-verdict");
        let (status, answer) = self.native(Method::PUT, &path, Some(verdict)).await;
        assert!((200..300).contains(&status), "{status} {answer}");
    }
}

impl TestAccount<'_> {
    pub async fn send_all(&self, message: Value) -> Value {
        let body = and(message, json!({"filter": {"is_to_all": true}}));
        self.call(SENDALL, body).await
    }

    pub async fn send_tag(&self, tag: i64, message: Value) -> Value {
        let body = and(message, json!({"filter": {"is_to_all": false, "tag_id": tag}}));
        self.call(SENDALL, body).await
    }

    pub async fn send_list(&self, to: &[&str], message: Value) -> Value {
        self.call(SEND, and(message, json!({"touser": to}))).await
    }

    pub async fn preview(&self, open_id: &str, message: Value) -> Value {
        self.call(PREVIEW, and(message, json!({"touser": open_id}))).await
    }

    /// `msg_status` of a mass.
    pub async fn status(&self, msg_id: &Value) -> String {
        let answer = self.call(GET, json!({"msg_id": msg_id})).await;
        string(&answer["msg_status"])
    }

    pub async fn delete(&self, body: Value) -> Value {
        self.call(DELETE, body).await
    }

    /// The first `count` OpenIDs.
    pub async fn open_ids(&self, count: usize) -> Vec<String> {
        let all = self.get("/cgi-bin/user/get").await;
        let all = all["data"]["openid"].as_array().expect("a list");
        assert!(all.len() >= count);
        all.iter().take(count).map(string).collect()
    }

    /// A temporary medium of this type.
    pub async fn uploaded(&self, kind: &str, bytes: Vec<u8>, name: &str) -> String {
        let path = format!("/cgi-bin/media/upload?type={kind}");
        let answer = self.upload(&path, bytes, name).await;
        string(&answer["media_id"])
    }

    pub async fn image(&self) -> String {
        self.uploaded("image", files::jpeg(60, 40), "a.jpg").await
    }

    pub async fn voice(&self) -> String {
        self.uploaded("voice", files::amr(), "a.amr").await
    }

    pub async fn raw_video(&self) -> String {
        self.uploaded("video", files::mp4(), "a.mp4").await
    }

    pub async fn thumb(&self) -> String {
        self.uploaded("thumb", files::jpeg(64, 64), "cover.jpg").await
    }

    /// A video as `mpvideo` wants it.
    pub async fn video(&self, title: &str, description: &str) -> String {
        let body = json!({"media_id": self.raw_video().await, "title": title, "description": description});
        string(&self.call(UPLOADVIDEO, body).await["media_id"])
    }

    /// One article with a cover, and what else is given.
    pub async fn article(&self, more: Value) -> Value {
        and(
            json!({"title": "标题", "content": "<p>正文</p>", "thumb_media_id": self.thumb().await}),
            more,
        )
    }

    /// A news of one such article.
    pub async fn news_of(&self, more: Value) -> String {
        let article = self.article(more).await;
        let answer = self.call(UPLOADNEWS, json!({"articles": [article]})).await;
        string(&answer["media_id"])
    }

    /// The page of a news of one such article, sent to everybody.
    pub async fn page_of(&self, more: Value) -> String {
        let news = self.news_of(more).await;
        let answer = self.send_all(medium("mpnews", &news)).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
        self.server.settle().await;
        let entry = self.newest(0).await;
        self.server.page(&entry["url"]).await
    }

    /// The newest entry in the inbox of the follower with this number.
    pub async fn newest(&self, number: usize) -> Value {
        let open_id = self.open_id(number).await;
        let inbox = self.inbox(&open_id).await;
        inbox
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("nothing arrived"))
    }

    /// The texts in the inbox of the follower with this number, oldest first.
    pub async fn texts(&self, number: usize) -> Vec<String> {
        self.inbox_texts(&self.open_id(number).await).await
    }

    /// A send on the operator's site: status and answer.
    pub async fn site(&self, body: Value) -> (u16, Value) {
        let path = format!("/v1/accounts/{}/masses", self.app_id);
        self.server.native(Method::POST, &path, Some(body)).await
    }

    /// A text to all on the operator's site, which must go through; its `msg_id`.
    pub async fn site_text(&self, content: &str) -> Value {
        let (status, answer) = self
            .site(and(text(content), json!({"filter": {"is_to_all": true}})))
            .await;
        assert_eq!(status, 201, "{answer}");
        answer["msg_id"].clone()
    }

    /// The same, which must be refused for want of a slot.
    pub async fn site_refused(&self, content: &str) {
        let (status, answer) = self
            .site(and(text(content), json!({"filter": {"is_to_all": true}})))
            .await;
        assert_eq!((status, &answer["errcode"]), (409, &json!(45028)), "{answer}");
    }

    /// The public history, newest first.
    pub async fn history(&self) -> Vec<Value> {
        let path = format!("/v1/accounts/{}/history?limit=100", self.app_id);
        let (status, answer) = self.server.native(Method::GET, &path, None).await;
        assert_eq!(status, 200, "{answer}");
        answer["items"].as_array().expect("items").clone()
    }

    /// The `msg_id`s in the public history, newest first.
    pub async fn history_ids(&self) -> Vec<Value> {
        self.history()
            .await
            .iter()
            .map(|item| item["msg_id"].clone())
            .collect()
    }

    /// Sets a callback in plain text and listens there.
    pub async fn listen(&self) -> Receiver {
        let receiver = Receiver::start().await;
        let callback = json!({"url": receiver.url, "token": "token123", "mode": "plain"});
        self.server
            .change(&self.app_id, json!({"callback": callback}))
            .await;
        receiver
    }

    /// Sends at the pace of this level from now on.
    pub async fn paced(&self, level: i64) {
        let answer = self.call(SPEED_SET, json!({"speed": level})).await;
        assert_eq!(answer, json!({"errcode": 0, "errmsg": "ok"}));
    }

    /// One more follower, the last of all; the OpenID.
    pub async fn last_follower(&self) -> String {
        let path = format!("/v1/accounts/{}/followers/subscribe", self.app_id);
        let body = json!({"external_id": "the last one"});
        let (status, answer) = self.server.native(Method::POST, &path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        string(&answer["openid"])
    }

    /// Leaves, refuses messages: what the native API does with one follower.
    pub async fn follower(&self, method: Method, open_id: &str, what: &str, body: Option<Value>) {
        let path = format!("/v1/accounts/{}/followers/{open_id}/{what}", self.app_id);
        let (status, answer) = self.server.native(method, &path, body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// A card that exists.
    pub async fn card(&self, title: &str) -> String {
        let path = format!("/v1/accounts/{}/cards", self.app_id);
        let (status, answer) = self
            .server
            .native(Method::POST, &path, Some(json!({"title": title})))
            .await;
        assert_eq!(status, 201, "{answer}");
        string(&answer["card_id"])
    }

    /// One body per type of message, whose media exist: text, image, voice, video, news.
    pub async fn every_message(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("mpnews", medium("mpnews", &self.news(1).await)),
            ("text", text("文本")),
            ("voice", medium("voice", &self.voice().await)),
            ("image", medium("image", &self.image().await)),
            ("mpvideo", medium("mpvideo", &self.video("标题", "说明").await)),
        ]
    }
}

/// A server whose service account has more followers than one batch holds, sending slowly, and the last follower.
pub async fn slow_server() -> (TestServer, String) {
    let server = TestServer::with_followers(TWO_BATCHES).await;
    let account = server.account(SERVICE).await;
    account.paced(4).await;
    let last = account.last_follower().await;
    drop(account);
    (server, last)
}
