//! What the driver does to a server: every call is written down before it is made and when it is answered.

use std::io::Cursor;

use domain::time::Calendar;
use image::{ImageFormat, Rgb, RgbImage};
use qunfa::clock::WallClock;
use reqwest::Method;
use serde_json::{Value, json};
use store::clock::Clock;

use crate::{
    dice::Dice,
    process::{BAD_WORD, Client},
    world::{Asked, Purpose, STEADY, Sent, Whom, World, import, log_in},
};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Send,
    Wide,
    News,
    Refused,
    Recall,
    Delete,
    Schedule,
    Preview,
    Import,
    LargeImport,
    Token,
    InboxToken,
    Restless,
    Read,
}

/// All but the large import, which is for the checkpoint alone.
const USUAL: [Task; 13] = [
    Task::Send,
    Task::Wide,
    Task::News,
    Task::Refused,
    Task::Recall,
    Task::Delete,
    Task::Schedule,
    Task::Preview,
    Task::Import,
    Task::Token,
    Task::InboxToken,
    Task::Restless,
    Task::Read,
];

/// Rows of a large import: more log than a checkpoint waits for.
const LARGE: u64 = 60_000;

impl Task {
    pub fn any(dice: &mut Dice) -> Self {
        *dice.one_of(&USUAL)
    }

    /// A task that leads to a crash point.
    pub fn to(point: &str, dice: &mut Dice) -> Self {
        let area = point.split('.').next().unwrap_or_default();
        match (area, point) {
            ("checkpoint", _) => Self::LargeImport,
            (_, "end.written") => Self::Refused,
            (_, "news.added") => Self::News,
            ("accept" | "finish", _) => *dice.one_of(&[Self::Send, Self::News, Self::Wide]),
            ("lease" | "release", _) => *dice.one_of(&[Self::Send, Self::Wide]),
            ("recall", _) => *dice.one_of(&[Self::Send, Self::Recall, Self::Wide]),
            ("delete", _) => *dice.one_of(&[Self::News, Self::Delete]),
            ("schedule", _) => Self::Schedule,
            ("event", _) => *dice.one_of(&[Self::Send, Self::Restless]),
            ("import", _) => Self::Import,
            ("blob" | "media", _) => Self::News,
            ("token", _) => Self::Token,
            ("inbox-token", _) => Self::InboxToken,
            ("preview", _) => Self::Preview,
            ("reads", _) => *dice.one_of(&[Self::News, Self::Read, Self::Read]),
            ("subscribe" | "unsubscribe" | "blacklist" | "tag", _) => Self::Restless,
            _ => Self::any(dice),
        }
    }
}

/// The machine's time, as the server has it.
pub fn now_plus(ms: i64) -> String {
    let at = WallClock::default().now().plus_ms(ms);
    Calendar::shanghai().rfc3339(at)
}

impl World {
    /// Does one thing; `None` when an answer stayed away, or was -1.
    pub async fn act(&self, client: &Client, task: Task, dice: &mut Dice) -> Option<()> {
        match task {
            Task::Send => self.send_text(client, dice).await,
            Task::Wide => {
                let text = json!({"msgtype": "text", "text": {"content": "wide"}});
                let wide = self.of(Purpose::Wide);
                let id = self.send(client, wide, text, Whom::All, false).await?;
                if dice.chance(30) {
                    self.recall(client, id).await?;
                }
                Some(())
            }
            Task::News => self.send_news(client, dice).await,
            Task::Refused => self.send_refused(client).await,
            Task::Recall => {
                let can =
                    |sent: &Sent| sent.account != self.of(Purpose::Limited) && sent.recalled == Asked::No;
                let place = self.pick(dice, can);
                match place {
                    Some(place) => self.recall(client, place).await,
                    None => self.send_text(client, dice).await,
                }
            }
            Task::Delete => {
                match self.pick(dice, |sent| {
                    sent.news && sent.deleted == Asked::No && sent.recalled == Asked::No
                }) {
                    Some(place) => self.delete(client, place).await,
                    None => self.send_news(client, dice).await,
                }
            }
            Task::Schedule => self.schedule(client, dice).await,
            Task::Preview => self.preview(client, dice).await,
            Task::Import => {
                let rows = 1 + dice.below(20) as u64;
                self.import(client, rows).await
            }
            Task::LargeImport => self.import(client, LARGE).await,
            Task::Token => {
                let index = dice.below(self.accounts.len());
                let token = log_in(client, &self.accounts[index]).await?;
                self.asks().tokens[index] = token;
                Some(())
            }
            Task::InboxToken => {
                let account = &self.accounts[0];
                let body = json!({"openid": account.readers[dice.below(STEADY)].open_id});
                let path = format!("/v1/accounts/{}/inbox-tokens", account.app_id);
                let (status, issued) = client.native(Method::POST, &path, Some(&body)).await?;
                let token = (status == 201).then(|| issued["token"].as_str().expect("a token"))?;
                // Whoever has it can read with it.
                client.entries(token).await.map(drop)
            }
            Task::Restless => self.restless(client, dice).await,
            Task::Read => self.read(client, dice).await,
        }
    }

    fn pick(&self, dice: &mut Dice, which: impl Fn(&Sent) -> bool) -> Option<usize> {
        let asks = self.asks();
        let places: Vec<usize> = (0..asks.sent.len())
            .filter(|place| asks.sent[*place].id.is_some() && which(&asks.sent[*place]))
            .collect();
        (!places.is_empty()).then(|| places[dice.below(places.len())])
    }

    fn token(&self, account: usize) -> String {
        self.asks().tokens[account].clone()
    }

    async fn send_text(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let purpose = *dice.one_of(&[
            Purpose::Open,
            Purpose::Open,
            Purpose::Subscription,
            Purpose::Limited,
        ]);
        let text = json!({"msgtype": "text", "text": {"content": "text"}});
        let whom = match (purpose, dice.below(3)) {
            (Purpose::Open | Purpose::Subscription, 0) => Whom::Readers(vec![0, 1]),
            // `send` needs two at least.
            (Purpose::Open, 1) => Whom::Readers((dice.below(2)..STEADY).collect()),
            _ => Whom::All,
        };
        self.send(client, self.of(purpose), text, whom, false)
            .await
            .map(drop)
    }

    async fn send_news(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let account = self.of(*dice.one_of(&[Purpose::Open, Purpose::Subscription]));
        let token = self.token(account);
        let form = reqwest::multipart::Form::new().part(
            "media",
            reqwest::multipart::Part::bytes(picture(self.number())).file_name("cover.jpg"),
        );
        let path = format!("/cgi-bin/media/upload?type=thumb&access_token={token}");
        let upload = client
            .api(client.request(Method::POST, &path).multipart(form))
            .await?;
        let thumb = good(&upload)?["thumb_media_id"].clone();
        let articles = json!({"articles": [{"title": "t", "thumb_media_id": thumb, "content": "<p>c</p>"}]});
        let news = client
            .post("/cgi-bin/media/uploadnews", &token, &articles)
            .await?;
        let content = json!({"msgtype": "mpnews", "mpnews": {"media_id": good(&news)?["media_id"]}});
        self.send(client, account, content, Whom::All, true)
            .await
            .map(drop)
    }

    /// Writes a send down and makes it; its place among those that were asked for.
    async fn send(
        &self,
        client: &Client,
        account: usize,
        content: Value,
        whom: Whom,
        news: bool,
    ) -> Option<usize> {
        let sent = Sent {
            account,
            body: self.body(account, content, &whom),
            whom,
            id: None,
            news,
            recalled: Asked::No,
            deleted: Asked::No,
        };
        let place = {
            let mut asks = self.asks();
            asks.sent.push(sent);
            asks.sent.len() - 1
        };
        self.ask_for(client, place).await?;
        Some(place)
    }

    fn body(&self, account: usize, mut content: Value, whom: &Whom) -> Value {
        let account = &self.accounts[account];
        let key = format!("key-{}", self.number());
        let map = content.as_object_mut().expect("an object");
        match whom {
            Whom::All => map.insert("filter".into(), json!({"is_to_all": true})),
            Whom::Readers(places) if *places == [0, 1] => map.insert(
                "filter".into(),
                json!({"is_to_all": false, "tag_id": account.tag}),
            ),
            Whom::Readers(places) => {
                let list: Vec<&str> = places
                    .iter()
                    .map(|place| account.readers[*place].open_id.as_str())
                    .collect();
                map.insert("touser".into(), json!(list))
            }
        };
        map.insert("clientmsgid".into(), json!(key));
        content
    }

    /// Makes the call of a send, again where it was made before: whatever it answers, the send is there once (I10).
    pub async fn ask_for(&self, client: &Client, place: usize) -> Option<()> {
        let (account, body, known) = {
            let asks = self.asks();
            let sent = &asks.sent[place];
            (sent.account, sent.body.clone(), sent.id)
        };
        let path = if body.get("touser").is_some() {
            "send"
        } else {
            "sendall"
        };
        let path = format!("/cgi-bin/message/mass/{path}");
        let answer = client.post(&path, &self.token(account), &body).await?;
        if matches!(answer["errcode"].as_i64(), Some(-1 | 45066)) {
            return None;
        }
        assert!(matches!(answer["errcode"].as_i64(), Some(0 | 45065)), "{answer}");
        let id = answer["msg_id"]
            .as_i64()
            .unwrap_or_else(|| panic!("no msg_id: {answer}"));
        assert!(
            known.is_none_or(|known| known == id),
            "i10: {known:?} became {id}"
        );
        self.asks().sent[place].id = Some(id);
        Some(())
    }

    /// One that the reviewers end with `err(…)`; it uses up neither its key nor the quota.
    async fn send_refused(&self, client: &Client) -> Option<()> {
        let account = self.of(Purpose::Refused);
        let content = json!({"msgtype": "text", "text": {"content": BAD_WORD}});
        let body = self.body(account, content, &Whom::All);
        let answer = client
            .post("/cgi-bin/message/mass/sendall", &self.token(account), &body)
            .await?;
        let id = good(&answer)?["msg_id"].as_i64().expect("a msg_id");
        self.asks().refused.push(id);
        Some(())
    }

    /// Recalls the send at this place.
    pub async fn recall(&self, client: &Client, place: usize) -> Option<()> {
        let (account, id) = {
            let mut asks = self.asks();
            let sent = &mut asks.sent[place];
            sent.recalled = sent.recalled.max(Asked::Perhaps);
            (sent.account, sent.id?)
        };
        let path = format!(
            "/v1/accounts/{}/masses/{id}/recall",
            self.accounts[account].app_id
        );
        let (status, answer) = client.native(Method::POST, &path, None).await?;
        (status < 500).then_some(())?;
        assert_eq!(status, 200, "{answer}");
        self.asks().sent[place].recalled = Asked::Yes;
        Some(())
    }

    /// Deletes the news at this place; one that is still being sent is left alone.
    pub async fn delete(&self, client: &Client, place: usize) -> Option<()> {
        let (account, id) = {
            let mut asks = self.asks();
            let sent = &mut asks.sent[place];
            sent.deleted = Asked::Perhaps;
            (sent.account, sent.id?)
        };
        let body = json!({"msg_id": id, "article_idx": 0});
        let answer = client
            .post("/cgi-bin/message/mass/delete", &self.token(account), &body)
            .await?;
        match answer["errcode"].as_i64() {
            Some(-1) => return None,
            Some(0) => self.asks().sent[place].deleted = Asked::Yes,
            _ => {}
        }
        Some(())
    }

    async fn schedule(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let account = self.of(*dice.one_of(&[Purpose::Open, Purpose::Subscription]));
        let content = json!({"msgtype": "text", "text": {"content": "later"}, "send_at": now_plus(1_100)});
        let body = self.body(account, content, &Whom::All);
        let place = {
            let mut asks = self.asks();
            asks.schedules.push((account, None));
            asks.schedules.len() - 1
        };
        let path = format!("/v1/accounts/{}/masses", self.accounts[account].app_id);
        let (status, answer) = client.native(Method::POST, &path, Some(&body)).await?;
        // On a busy machine the instant may lie in the past by now.
        if status == 400 {
            self.asks().schedules[place].1 = Some(0);
            return Some(());
        }
        let id = answer["schedule_id"].as_i64().filter(|_| status == 201)?;
        self.asks().schedules[place].1 = Some(id);
        Some(())
    }

    async fn preview(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let (account, reader) = (self.of(Purpose::Open), dice.below(STEADY));
        let body = json!({"touser": self.accounts[account].readers[reader].open_id, "msgtype": "text",
            "text": {"content": "preview"}});
        let answer = client
            .post("/cgi-bin/message/mass/preview", &self.token(account), &body)
            .await?;
        let id = good(&answer)?["msg_id"].as_i64().expect("a msg_id");
        self.asks().previews.push((account, reader, id));
        Some(())
    }

    async fn import(&self, client: &Client, rows: u64) -> Option<()> {
        let place = {
            let mut asks = self.asks();
            let first = asks
                .imports
                .iter()
                .map(|(_, end, _)| *end)
                .max()
                .unwrap_or_default();
            asks.imports.push((first, first + rows, false));
            asks.imports.len() - 1
        };
        self.import_again(client, place).await
    }

    /// Makes the import at this place, again where it was made before.
    pub async fn import_again(&self, client: &Client, place: usize) -> Option<()> {
        let (first, end, _) = self.asks().imports[place];
        let mut file = "external_id,nickname\n".to_owned();
        (first..end).for_each(|number| file.push_str(&format!("b{number},n\n")));
        let app_id = &self.accounts[self.of(Purpose::Bulk)].app_id;
        let (status, report) = import(client, app_id, file).await?;
        (status == 200).then_some(())?;
        assert_eq!(report["error_count"], 0, "{report}");
        self.asks().imports[place].2 = true;
        Some(())
    }

    /// The one behind the steady ones comes or goes, is tagged or refused.
    async fn restless(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let index = self.of(*dice.one_of(&[Purpose::Open, Purpose::Subscription]));
        let (account, token) = (&self.accounts[index], self.token(index));
        let who = &account.readers[STEADY].open_id;
        let path = format!("/v1/accounts/{}/followers/{who}", account.app_id);
        let step = match dice.below(5) {
            0 => "unsubscribe",
            1 | 2 => "subscribe",
            3 => {
                let body = json!({"tagid": account.other_tag, "openid_list": [who]});
                return client
                    .post("/cgi-bin/tags/members/batchtagging", &token, &body)
                    .await
                    .map(drop);
            }
            _ => {
                let call = *dice.one_of(&["batchblacklist", "batchunblacklist"]);
                let call = format!("/cgi-bin/tags/members/{call}");
                return client
                    .post(&call, &token, &json!({"openid_list": [who]}))
                    .await
                    .map(drop);
            }
        };
        client
            .native(Method::POST, &format!("{path}/{step}"), None)
            .await
            .map(drop)
    }

    /// Somebody opens an article of the newest news, and somebody asks how often it was read.
    async fn read(&self, client: &Client, dice: &mut Dice) -> Option<()> {
        let index = self.of(Purpose::Open);
        let reader = &self.accounts[index].readers[dice.below(STEADY)];
        let entries = client.entries(&reader.token).await?;
        let url = entries
            .iter()
            .find_map(|entry| entry["articles"][0]["url"].as_str().or(entry["url"].as_str()));
        let Some(url) = url
            .and_then(|url| url.split_once("/s/"))
            .map(|(_, link)| format!("/s/{link}"))
        else {
            return self.send_news(client, dice).await;
        };
        client.request(Method::GET, &url).send().await.ok()?;
        let today = now_plus(0)[..10].to_owned();
        let yesterday = now_plus(-24 * 3_600 * 1_000)[..10].to_owned();
        let day = dice.one_of(&[today, yesterday]).clone();
        let body = json!({"begin_date": day, "end_date": day});
        client
            .post("/datacube/getuserread", &self.token(index), &body)
            .await
            .map(drop)
    }
}

impl Client {
    /// All entries of an inbox, newest first; `None` when an answer stayed away.
    pub async fn entries(&self, token: &str) -> Option<Vec<Value>> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/inbox/entries?limit=100&cursor={cursor}");
            let (status, page) = self
                .answer(self.request(Method::GET, &path).bearer_auth(token))
                .await?;
            (status < 500).then_some(())?;
            assert_eq!(status, 200, "an inbox token that was issued reads: {page}");
            entries.extend(page["entries"].as_array().expect("entries").iter().cloned());
            match page["next_cursor"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => cursor = next.to_owned(),
                None => return Some(entries),
            }
        }
    }
}

/// An answer that is no refusal; -1 counts as none.
fn good(answer: &Value) -> Option<&Value> {
    match answer["errcode"].as_i64() {
        Some(-1) => None,
        Some(0) | None => Some(answer),
        Some(_) => panic!("refused: {answer}"),
    }
}

/// A picture that there was never before.
fn picture(number: u64) -> Vec<u8> {
    let shade = |shift: u32, x: u32, y: u32| ((number >> shift) as u32 * 7 + x * y * 3) as u8;
    let pixels = RgbImage::from_fn(16, 16, |x, y| {
        Rgb([shade(0, x, y), shade(5, x, y), shade(10, y, x)])
    });
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .expect("a picture can be written");
    bytes.into_inner()
}
