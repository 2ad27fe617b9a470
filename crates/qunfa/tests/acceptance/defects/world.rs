//! What the good bodies name, and their foreign and expired twins.

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, UNVERIFIED, accepted},
    help::{DAY, medium, string},
};

/// Things of one account.
pub struct Things {
    pub image: Value,
    pub voice: Value,
    pub thumb: Value,
    pub raw_video: Value,
    pub video: Value,
    pub news: Value,
    pub open_id: Value,
    pub open_ids: Value,
    pub url: Value,
}

/// One account with all that its calls need.
pub struct World {
    pub token: String,
    pub expired_token: String,
    pub unverified_token: String,
    pub own: Things,
    pub foreign: Things,
    pub expired: Things,
    /// A news that was sent.
    pub msg_id: Value,
    /// A tag of the account, and one that is there to be deleted.
    pub tag: Value,
    pub spare_tag: Value,
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
        let tag = async |name: &str| {
            let body = json!({"tag": {"name": name}});
            account.call("/cgi-bin/tags/create", body).await["tag"]["id"].clone()
        };
        Self {
            tag: tag("一个").await,
            spare_tag: tag("可删").await,
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

async fn things(account: &TestAccount<'_>) -> Things {
    let news = account.news(2).await;
    accepted(&account.send_all(medium("mpnews", &news)).await);
    account.server.settle().await;
    let open_ids = account.open_ids(2).await;
    Things {
        image: json!(account.image().await),
        voice: json!(account.voice().await),
        thumb: json!(account.thumb().await),
        raw_video: json!(account.raw_video().await),
        video: json!(account.video("片", "说明").await),
        news: json!(news),
        url: account.newest(0).await["url"].clone(),
        open_id: json!(open_ids[0]),
        open_ids: json!(open_ids),
    }
}
