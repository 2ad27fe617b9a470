//! A small installation and what the driver knows of it: six accounts, their followers, and everything that was
//! asked of the server, answered or not.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    process::{self, Client, Process},
    receiver::Receiver,
};

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A service account; everything is done here.
    Open,
    /// A subscription account.
    Subscription,
    /// A service account whose followers get four a month.
    Limited,
    /// Two full blocks and a few, sent at a pace.
    Wide,
    /// Sends only what the reviewers refuse.
    Refused,
    /// Only imports.
    Bulk,
}

pub const PURPOSES: [Purpose; 6] = [
    Purpose::Open,
    Purpose::Subscription,
    Purpose::Limited,
    Purpose::Wide,
    Purpose::Refused,
    Purpose::Bulk,
];

/// Followers of the wide account: two full blocks and ten.
pub const WIDE: usize = 2 * 65_536 + 10;
/// Followers that nothing is done to; the one behind them comes, goes, is tagged and refused.
pub const STEADY: usize = 4;
/// How long the largest import of a world may take.
const IMPORTED: std::time::Duration = std::time::Duration::from_secs(120);

/// Somebody who reads.
#[derive(Clone, Debug)]
pub struct Reader {
    pub open_id: String,
    pub token: String,
}

/// An account and its readers.
#[derive(Clone, Debug)]
pub struct Account {
    pub purpose: Purpose,
    pub app_id: String,
    pub secret: String,
    /// The tag of the first two steady followers.
    pub tag: i64,
    /// The tag that the restless one gets and loses.
    pub other_tag: i64,
    /// The steady ones first, then the restless one; of the wide account a sample.
    pub readers: Vec<Reader>,
}

/// Whom a send must reach; readers by place.
#[derive(Clone, Debug)]
pub enum Whom {
    All,
    Readers(Vec<usize>),
}

/// A change of a send that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    No,
    /// Asked, and no answer came.
    Perhaps,
    Yes,
}

/// A send that was asked for.
#[derive(Clone, Debug)]
pub struct Sent {
    pub account: usize,
    pub body: Value,
    pub whom: Whom,
    /// Its number, once an answer said it.
    pub id: Option<i64>,
    pub news: bool,
    pub recalled: Asked,
    pub deleted: Asked,
}

/// Everything that was asked.
#[derive(Debug, Default)]
pub struct Asks {
    /// Numbers keys, texts and pictures.
    pub counter: u64,
    pub sent: Vec<Sent>,
    /// Schedules by account, with the number that an answer gave.
    pub schedules: Vec<(usize, Option<i64>)>,
    /// Previews that were answered: account, reader, number.
    pub previews: Vec<(usize, usize, i64)>,
    /// First and one behind the last of imported numbers, and whether an answer came.
    pub imports: Vec<(u64, u64, bool)>,
    /// Access tokens that were answered, the newest of each account.
    pub tokens: Vec<String>,
    /// Sends that reviewers must refuse and that were answered.
    pub refused: Vec<i64>,
}

/// An installation under test.
pub struct World {
    pub folder: tempfile::TempDir,
    pub accounts: Vec<Account>,
    pub receiver: Receiver,
    asks: Mutex<Asks>,
}

/// A folder with the accounts and followers, to be copied for each world.
pub struct Template {
    folder: tempfile::TempDir,
    accounts: Vec<Account>,
}

impl Template {
    /// Makes it through the API, with an account for each purpose.
    pub async fn make(purposes: &[Purpose]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let process = process::start(folder.path()).await;
        let mut accounts = Vec::new();
        for purpose in purposes {
            accounts.push(account(&process.client, *purpose).await);
        }
        process.kill().await;
        Self { folder, accounts }
    }

    /// A copy of its own, with a receiver of its own; not running.
    pub async fn world(&self) -> World {
        let world = self.silent_world().await;
        let process = process::start(world.folder.path()).await;
        world.enter(&process.client).await;
        process.kill().await;
        world
    }

    /// The same without callbacks.
    pub async fn silent_world(&self) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&self.folder.path().join("data"), &folder.path().join("data"));
        World::new(folder, self.accounts.clone()).await
    }
}

impl World {
    /// Nothing was asked of it yet.
    pub async fn new(folder: tempfile::TempDir, accounts: Vec<Account>) -> Self {
        Self {
            folder,
            accounts,
            receiver: Receiver::start().await,
            asks: Mutex::default(),
        }
    }

    /// Tells the server where callbacks go, and gets a token for each account.
    pub async fn enter(&self, client: &Client) {
        for (index, account) in self.accounts.iter().enumerate() {
            let callback = json!({"url": self.receiver.url(index), "token": "token123", "mode": "plain"});
            let path = format!("/v1/accounts/{}", account.app_id);
            let body = json!({"callback": callback});
            client.must(Method::PATCH, &path, Some(&body)).await;
            let token = log_in(client, account).await.expect("a token");
            self.asks().tokens.push(token);
        }
    }

    pub fn asks(&self) -> MutexGuard<'_, Asks> {
        self.asks.lock().expect("not poisoned")
    }

    pub async fn start(&self) -> Process {
        process::start(self.folder.path()).await
    }

    /// The place of the account with this purpose.
    pub fn of(&self, purpose: Purpose) -> usize {
        let found = self
            .accounts
            .iter()
            .position(|account| account.purpose == purpose);
        found.expect("the template has such an account")
    }

    /// A number that was not used before.
    pub fn number(&self) -> u64 {
        let mut asks = self.asks();
        asks.counter += 1;
        asks.counter
    }
}

/// Copies a data folder of a server that does not run.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("makes");
    for entry in std::fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

/// Makes an account and its readers.
pub async fn account(client: &Client, purpose: Purpose) -> Account {
    let kind = match purpose {
        Purpose::Subscription => "subscription",
        _ => "service",
    };
    let receipts = (purpose == Purpose::Limited).then_some(4);
    let body = json!({"name": format!("{purpose:?}"), "kind": kind, "verified": true, "quota": {
        "sends_per_day": null, "calls_per_day": null, "receipts_per_month": receipts, "history_per_day": null,
        "history_per_month": null, "calls_per_minute": null, "name_previews_per_day": null,
        "news_uploads_per_day": null, "deletes_per_day": null}});
    let made = client.must(Method::POST, "/v1/accounts", Some(&body)).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let mut account = Account {
        purpose,
        app_id: text("appid"),
        secret: text("secret"),
        tag: 0,
        other_tag: 0,
        readers: Vec::new(),
    };
    let path = format!("/v1/accounts/{}", account.app_id);
    let (followers, sample) = match purpose {
        Purpose::Bulk => return account,
        Purpose::Wide => (WIDE, vec![0, 65_535, 65_536, 131_071, 131_072, WIDE - 1]),
        _ => (STEADY + 1, (0..=STEADY).collect()),
    };
    let mut file = "external_id,nickname\n".to_owned();
    (0..followers).for_each(|number| file.push_str(&format!("p{number},n\n")));
    followers_in(client, &account.app_id, file).await;
    let token = log_in(client, &account).await.expect("an answer");
    if purpose == Purpose::Wide {
        let set = client
            .post("/cgi-bin/message/mass/speed/set", &token, &json!({"speed": 1}))
            .await;
        assert_eq!(set.expect("an answer")["errcode"], 0);
    }
    for number in sample {
        let who = json!({"external_id": format!("p{number}"), "expires_in": 86_400});
        let issued = client
            .must(Method::POST, &format!("{path}/inbox-tokens"), Some(&who))
            .await;
        account.readers.push(Reader {
            open_id: String::new(),
            token: issued["token"].as_str().expect("a token").to_owned(),
        });
    }
    if purpose != Purpose::Wide {
        let listed = client
            .must(Method::GET, &format!("{path}/followers?limit=20"), None)
            .await;
        for (reader, follower) in account
            .readers
            .iter_mut()
            .zip(listed["followers"].as_array().expect("followers"))
        {
            reader.open_id = follower["openid"].as_str().expect("an openid").to_owned();
        }
        account.tag = tag(client, &token, "two", &account.readers[..2]).await;
        account.other_tag = tag(client, &token, "other", &account.readers[2..3]).await;
    }
    account
}

async fn tag(client: &Client, token: &str, name: &str, readers: &[Reader]) -> i64 {
    let made = client
        .post("/cgi-bin/tags/create", token, &json!({"tag": {"name": name}}))
        .await;
    let id = made.expect("an answer")["tag"]["id"].as_i64().expect("a tag");
    let list: Vec<&str> = readers.iter().map(|reader| reader.open_id.as_str()).collect();
    let body = json!({"tagid": id, "openid_list": list});
    let tagged = client
        .post("/cgi-bin/tags/members/batchtagging", token, &body)
        .await;
    assert_eq!(tagged.expect("an answer")["errcode"], 0);
    id
}

/// Imports a file, which may take a busy machine longer than a caller's patience.
async fn followers_in(client: &Client, app_id: &str, file: String) {
    let request = import_request(client, app_id).timeout(IMPORTED).body(file);
    let (status, answer) = client.answer(request).await.expect("an answer");
    assert_eq!(status, 200, "{answer}");
}

/// Imports a file of followers; what the server reports, or nothing when it did not answer.
pub async fn import(client: &Client, app_id: &str, file: String) -> Option<(u16, Value)> {
    client.answer(import_request(client, app_id).body(file)).await
}

fn import_request(client: &Client, app_id: &str) -> reqwest::RequestBuilder {
    client
        .request(Method::POST, &format!("/v1/accounts/{app_id}/followers"))
        .bearer_auth(process::ADMIN_TOKEN)
        .header("content-type", "text/csv")
}

/// A new access token; `None` when there was no good answer.
pub async fn log_in(client: &Client, account: &Account) -> Option<String> {
    let path = format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        account.app_id, account.secret
    );
    let answer = client.api(client.request(Method::GET, &path)).await?;
    answer["access_token"].as_str().map(str::to_owned)
}
