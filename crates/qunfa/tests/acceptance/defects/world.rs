//! What the good bodies name, and their foreign and expired twins.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, UNVERIFIED, accepted, files},
    help::{DAY, GET, medium, string},
};

/// Things of one account.
pub struct Things {
    pub image: Value,
    pub images: Value,
    pub voice: Value,
    pub thumb: Value,
    pub raw_video: Value,
    pub video: Value,
    pub news: Value,
    pub open_id: Value,
    pub open_ids: Value,
    pub url: Value,
    pub kept_image: Value,
    pub kept_thumb: Value,
    pub kept_news: Value,
    pub draft: Value,
    pub spare_draft: Value,
    pub publish_id: Value,
    pub article_id: Value,
    pub card: Value,
    /// The id of a refused call.
    pub rid: Value,
}

/// One account with all that its calls need.
pub struct World {
    pub token: String,
    pub expired_token: String,
    pub unverified_token: String,
    pub own: Things,
    pub foreign: Things,
    pub expired: Things,
    /// A news that was sent, its data, and a comment under its first article.
    pub msg_id: Value,
    pub msg_data_id: Value,
    pub comment: Value,
    /// A tag of the account, and two that are there to be deleted.
    pub tag: Value,
    pub spare_tag: Value,
    pub spare_group: Value,
    pub secret: &'static str,
}

impl World {
    pub async fn make(server: &TestServer) -> Self {
        let lifted = json!({"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
            "history_per_day": null, "history_per_month": null, "calls_per_minute": null});
        for app_id in [SERVICE, SUBSCRIPTION] {
            server.change(app_id, json!({"quota": lifted})).await;
        }
        let expired = things(&server.account(SERVICE).await).await;
        server.advance(4 * DAY).await;
        let expired_token = server.account(SERVICE).await.token;
        server.advance(2 * 3_600).await;
        let unverified_token = server.account(UNVERIFIED).await.token;
        let foreign = things(&server.account(SUBSCRIPTION).await).await;
        let account = server.account(SERVICE).await;
        let own = things(&account).await;
        let inbox = account.inbox(&string(&own.open_id)).await;
        let msg_id = inbox[0]["msg_id"].clone();
        let (msg_data_id, comment) = commented(&account).await;
        let callback = json!({"url": "http://127.0.0.1:9/", "token": "token123", "verify": false});
        server.change(SERVICE, json!({"callback": callback})).await;
        let tag = async |name: &str| {
            let body = json!({"tag": {"name": name}});
            account.call("/cgi-bin/tags/create", body).await["tag"]["id"].clone()
        };
        Self {
            tag: tag("一个").await,
            spare_tag: tag("可删").await,
            spare_group: tag("也可删").await,
            msg_data_id,
            comment,
            token: account.token.clone(),
            expired_token,
            unverified_token,
            own,
            foreign,
            expired,
            msg_id,
            secret: "00000000000000000000000000000001",
        }
    }

    pub fn account<'a>(&self, server: &'a TestServer) -> TestAccount<'a> {
        TestAccount {
            server,
            app_id: SERVICE.to_owned(),
            token: self.token.clone(),
        }
    }
}

/// A news that was sent with open comments: its `msg_data_id`, and a reader's comment.
async fn commented(account: &TestAccount<'_>) -> (Value, Value) {
    let news = account.news_of(json!({"need_open_comment": 1})).await;
    let sent = account.send_all(medium("mpnews", &news)).await;
    account.server.settle().await;
    let open_id = account.open_id(0).await;
    let entry = account.newest(0).await;
    let path = format!("/v1/accounts/{}/inbox-tokens", account.app_id);
    let body = Some(json!({"openid": open_id}));
    let (_, token) = account.server.native(Method::POST, &path, body).await;
    let path = format!("/inbox/entries/{}/comments", string(&entry["id"]));
    let request = account
        .server
        .request(Method::POST, &path)
        .bearer_auth(string(&token["token"]))
        .json(&json!({"index": 1, "content": "好文章"}));
    // Where there are no comments yet, the answer is a page.
    let written: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .unwrap_or_default();
    (sent["msg_data_id"].clone(), written["comment_id"].clone())
}

/// The id of a call that was refused.
async fn refused_call(account: &TestAccount<'_>) -> String {
    let answer = account.call(GET, json!({"msg_id": 1})).await;
    let errmsg = string(&answer["errmsg"]);
    errmsg.rsplit(' ').next().expect("a rid").to_owned()
}

/// What lies in the library; nothing where there is none.
async fn kept(account: &TestAccount<'_>, kind: &str) -> Value {
    let path = format!("/cgi-bin/material/add_material?type={kind}");
    account.upload(&path, files::jpeg(64, 64), "a.jpg").await["media_id"].clone()
}

async fn things(account: &TestAccount<'_>) -> Things {
    let kept_thumb = kept(account, "thumb").await;
    let article = json!({"title": "留存", "content": "<p>正文</p>", "thumb_media_id": kept_thumb});
    let add = async |path: &str| account.call(path, json!({"articles": [article]})).await["media_id"].clone();
    let published = add("/cgi-bin/draft/add").await;
    let submitted = account
        .call("/cgi-bin/freepublish/submit", json!({"media_id": published}))
        .await;
    let publish_id = submitted["publish_id"].clone();
    account.server.settle().await;
    let publication = account
        .call("/cgi-bin/freepublish/get", json!({"publish_id": publish_id}))
        .await;
    let news = account.news(2).await;
    accepted(&account.send_all(medium("mpnews", &news)).await);
    account.server.settle().await;
    let open_ids = account.open_ids(2).await;
    Things {
        images: json!([account.image().await, account.image().await]),
        image: json!(account.image().await),
        voice: json!(account.voice().await),
        thumb: json!(account.thumb().await),
        raw_video: json!(account.raw_video().await),
        video: json!(account.video("片", "说明").await),
        news: json!(news),
        url: account.newest(0).await["url"].clone(),
        kept_image: kept(account, "image").await,
        kept_news: add("/cgi-bin/material/add_news").await,
        draft: add("/cgi-bin/draft/add").await,
        spare_draft: add("/cgi-bin/draft/add").await,
        kept_thumb: kept_thumb.clone(),
        article_id: publication["article_id"].clone(),
        card: json!(account.card("券").await),
        rid: json!(refused_call(account).await),
        publish_id,
        open_id: json!(open_ids[0]),
        open_ids: json!(open_ids),
    }
}
