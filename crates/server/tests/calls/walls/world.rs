//! Two accounts that have one of everything, the other one more of each than ours.

use std::collections::BTreeMap;

use axum::http::Method;
use domain::{
    id::{AccountId, AppId},
    webhook::Next,
};
use serde_json::{Value, json};

use store::{
    bridge::{BridgeAddress, Told},
    channel::Lane,
    clock::Clock,
    mass::WorkerId,
};

use crate::{
    harness::{Account, Server, fixture},
    reading,
};

/// What an account has, by kind of id.
#[derive(Default)]
pub struct Things(BTreeMap<&'static str, Value>);

impl Things {
    pub fn get(&self, kind: &str) -> &Value {
        self.0
            .get(kind)
            .unwrap_or_else(|| panic!("the world has no {kind}"))
    }

    /// A body with `ID` replaced by `id`, and `OWN kind` by what the caller has.
    pub fn fill(&self, body: &str, id: &Value) -> Value {
        let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        self.filled(body, id)
    }

    fn filled(&self, value: Value, id: &Value) -> Value {
        match value {
            Value::String(text) if text == "ID" => id.clone(),
            Value::String(text) => match text.strip_prefix("OWN ") {
                Some(kind) => self.get(kind).clone(),
                None => Value::String(text),
            },
            Value::Array(values) => values.into_iter().map(|value| self.filled(value, id)).collect(),
            Value::Object(values) => {
                let filled = values
                    .into_iter()
                    .map(|(key, value)| (key, self.filled(value, id)));
                Value::Object(filled.collect())
            }
            other => other,
        }
    }
}

/// An id of the same form that nobody has.
pub fn unknown(id: &Value) -> Value {
    match id {
        Value::Number(number) => json!(number.as_i64().expect("a whole number") + 500_000),
        Value::String(text) => {
            let (keep, rest) =
                text.split_at(text.rfind(['/', '-', '=']).map_or(1, |at| at + 1).min(text.len()));
            // Another letter each, and a hexadecimal digit for one.
            let turned = rest.chars().map(|letter| match letter {
                'f' => 'a',
                'F' => 'A',
                'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(letter as u32 + 1).unwrap_or(letter),
                'z' => 'a',
                'Z' => 'A',
                '9' => '0',
                other => other,
            });
            json!(format!("{keep}{}", turned.collect::<String>()))
        }
        other => panic!("an id is a number or a text: {other}"),
    }
}

pub struct World {
    pub server: Server,
    pub ours: Account,
    pub theirs: Account,
    pub our_things: Things,
    pub their_things: Things,
}

impl World {
    pub async fn new() -> Self {
        let server = Server::start();
        let (ours, theirs) = (server.service().await, server.service().await);
        for account in [&ours, &theirs] {
            let change = json!({"quota": {"calls_per_minute": null, "calls_per_day": null,
                "history_per_day": null, "history_per_month": null, "receipts_per_month": null},
                "comment_enabled": true, "declare_original": true, "repeat_check": false});
            let uri = format!("/v1/accounts/{}", account.appid);
            let change = server.native(Method::PATCH, &uri, change.to_string()).await;
            assert_eq!(change.status, 200, "{}", change.text());
        }
        let our_things = furnish(&server, &ours, 1).await;
        // Numbers begin at the same place in every account: only the other's later ones are unknown to ours.
        let mut their_things = Things::default();
        for _ in 0..3 {
            their_things = furnish(&server, &theirs, 2).await;
        }
        Self {
            server,
            ours,
            theirs,
            our_things,
            their_things,
        }
    }

    /// Everything that the other account can see of itself.
    pub async fn seen_by_its_owner(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let token = &self.theirs.token;
        for path in [
            "user/get",
            "tags/get",
            "material/get_materialcount",
            "draft/count",
            "message/mass/speed/get",
        ] {
            seen.push(
                self.server
                    .get(&format!("/cgi-bin/{path}?access_token={token}"))
                    .await
                    .text(),
            );
        }
        let list = |kind: &str| json!({"type": kind, "offset": 0, "count": 20, "no_content": 0});
        let of_news = json!({"msg_data_id": self.their_things.get("msg_data_id"), "index": 0, "begin": 0, "count": 50, "type": 0});
        let one = |kind: &str| json!({"openid": self.their_things.get(kind)});
        for (path, body) in [
            ("material/batchget_material", list("image")),
            ("material/batchget_material", list("news")),
            ("draft/batchget", list("")),
            ("freepublish/batchget", list("")),
            ("comment/list", of_news),
            ("tags/getidlist", one("openid")),
            ("tags/members/getblacklist", json!({"begin_openid": ""})),
            (
                "message/mass/get",
                json!({"msg_id": self.their_things.get("msg_id")}),
            ),
        ] {
            seen.push(self.server.call(&self.theirs, path, body).await.text());
        }
        let openid = self.their_things.get("openid").as_str().expect("a text");
        seen.push(
            self.server
                .get(&format!(
                    "/cgi-bin/user/info?access_token={token}&openid={openid}"
                ))
                .await
                .text(),
        );
        for path in [
            "",
            "/followers",
            "/tags",
            "/masses",
            "/schedules",
            "/history",
            "/cards",
            "/originals",
            "/events",
        ] {
            let uri = format!("/v1/accounts/{}{path}", self.theirs.appid);
            seen.push(self.server.native(Method::GET, &uri, "").await.text());
        }
        seen
    }
}

async fn answered(server: &Server, account: &Account, path: &str, body: Value) -> Value {
    let uri = format!("{path}?access_token={}", account.token);
    let answer = server.post(&uri, body.to_string()).await.json();
    assert!(
        answer.get("errcode").is_none_or(|code| code == 0),
        "{path}: {answer}"
    );
    answer
}

async fn native(server: &Server, account: &Account, path: &str, body: Value) -> Value {
    let uri = format!("/v1/accounts/{}{path}", account.appid);
    let answer = server.native(Method::POST, &uri, body.to_string()).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    answer.json()
}

async fn uploaded(server: &Server, account: &Account, path: &str, file: &str) -> Value {
    let answer = server.upload(account, path, &fixture(file)).await.json();
    answer["media_id"]
        .as_str()
        .map_or_else(|| panic!("{path}: {answer}"), |id| json!(id))
}

/// One more of everything; on the news stand `comments` comments.
async fn furnish(server: &Server, account: &Account, comments: usize) -> Things {
    let call = async |path: &str, body: Value| answered(server, account, path, body).await;
    let to_all = |content: Value| {
        let mut body = json!({"filter": {"is_to_all": true}});
        body.as_object_mut()
            .expect("an object")
            .extend(content.as_object().expect("an object").clone());
        body
    };
    let mut things = BTreeMap::new();
    things.insert("openid", json!(account.open_ids[3]));
    things.insert("appid", json!(account.appid));
    things.insert("another openid", json!(account.open_ids[4]));
    things.insert("name", json!(format!("user-of-{}", account.appid)));
    native(
        server,
        account,
        "/followers/subscribe",
        json!({"external_id": things["name"]}),
    )
    .await;

    let tags = server
        .get(&format!("/cgi-bin/tags/get?access_token={}", account.token))
        .await
        .json();
    let count = tags["tags"].as_array().map_or(0, Vec::len);
    let tag = call(
        "/cgi-bin/tags/create",
        json!({"tag": {"name": format!("标签{count}")}}),
    )
    .await;
    things.insert("tag", tag["tag"]["id"].clone());
    let tagging = json!({"openid_list": [account.open_ids[3]], "tagid": tag["tag"]["id"]});
    call("/cgi-bin/tags/members/batchtagging", tagging).await;

    things.insert(
        "image",
        uploaded(server, account, "media/upload?type=image", "test.jpg").await,
    );
    things.insert(
        "thumb",
        uploaded(server, account, "media/upload?type=thumb", "test.jpg").await,
    );
    things.insert(
        "material",
        uploaded(server, account, "material/add_material?type=image", "test.jpg").await,
    );
    let video = uploaded(server, account, "media/upload?type=video", "test.mp4").await;
    things.insert("video", video);
    let cover = uploaded(server, account, "material/add_material?type=thumb", "test.jpg").await;
    let article = |title: &str, cover: &Value| {
        json!({"articles": [{"title": title, "content": "<p>正文</p>", "thumb_media_id": cover,
            "need_open_comment": 1, "only_fans_can_comment": 0}]})
    };
    let news = call(
        "/cgi-bin/media/uploadnews",
        article(&format!("新闻{count}"), &things["thumb"]),
    )
    .await;
    things.insert("news", news["media_id"].clone());
    let lasting = call("/cgi-bin/material/add_news", article("图文", &cover)).await;
    things.insert("material news", lasting["media_id"].clone());
    things.insert("cover", cover.clone());
    let draft = call("/cgi-bin/draft/add", article("草稿", &cover)).await;
    things.insert("draft", draft["media_id"].clone());
    let draft = call("/cgi-bin/draft/add", article(&format!("发布{count}"), &cover)).await;
    let published = call(
        "/cgi-bin/freepublish/submit",
        json!({"media_id": draft["media_id"]}),
    )
    .await;
    things.insert("publish_id", published["publish_id"].clone());
    let publication = call(
        "/cgi-bin/freepublish/get",
        json!({"publish_id": published["publish_id"]}),
    )
    .await;
    things.insert("article_id", publication["article_id"].clone());
    let card = json!({"card": {"card_type": "GIFT", "gift": {"base_info": {"title": "票"}}}});
    things.insert("card", call("/card/create", card).await["card_id"].clone());

    let declared = native(
        server,
        account,
        "/originals",
        json!({"media_id": lasting["media_id"]}),
    )
    .await;
    things.insert("original", declared["original_id"].clone());
    let sent = to_all(
        json!({"msgtype": "mpnews", "mpnews": {"media_id": news["media_id"]}, "send_ignore_reprint": 1}),
    );
    let known = server.store.account(&AppId(account.appid.clone())).await;
    let id = known.expect("reads").expect("the account").id;
    let bridge = BridgeAddress {
        url: "https://bridge.example.org/push".into(),
        secret: vec![7; 32],
    };
    let now = server.clock.now();
    server.store.set_bridge(id, &bridge, now).await.expect("sets");
    let sent = call("/cgi-bin/message/mass/sendall", sent).await;
    things.insert("msg_id", sent["msg_id"].clone());
    things.insert("msg_data_id", sent["msg_data_id"].clone());
    server.deliver().await;
    things.insert("dead letter", json!(dead_letter(server, id).await));
    let entry = reading::inbox(server, account, 3).await.swap_remove(0);
    things.insert("url", find_url(&entry).expect("the entry links its article"));
    things.insert("entry", entry["id"].clone());
    let token = reading::token(server, account, 3).await;
    things.insert("inbox token", json!(token));
    for number in 1..=comments {
        let uri = format!(
            "/inbox/entries/{}/comments?token={token}",
            entry["id"].as_str().expect("a text")
        );
        let written = server
            .post(
                &uri,
                json!({"index": 1, "content": format!("评论{number}")}).to_string(),
            )
            .await;
        assert_eq!(written.status, 201, "{}", written.text());
        things.insert("comment", written.json()["comment_id"].clone());
    }
    let later = to_all(
        json!({"msgtype": "text", "text": {"content": "明天"}, "send_at": "2026-11-23T20:00:00+08:00"}),
    );
    things.insert(
        "schedule",
        native(server, account, "/masses", later).await["schedule_id"].clone(),
    );
    let events = server
        .native(Method::GET, &format!("/v1/accounts/{}/events", account.appid), "")
        .await
        .json();
    things.insert("event", events["events"][0]["id"].clone());
    let refused = server
        .call(account, "message/mass/get", json!({"msg_id": 1}))
        .await
        .json();
    let text = refused["errmsg"].as_str().expect("a text");
    let rid = text.split("rid: ").nth(1).expect("a request id");
    things.insert("rid", json!(rid));
    Things(things)
}

/// What the account's bridge was to be told next, set aside; its number.
async fn dead_letter(server: &Server, account: AccountId) -> i64 {
    // Later than any next try.
    let now = server.clock.now().plus_ms(24 * 3_600_000);
    let (lane, until) = (Lane::Bridge(account), now.plus_ms(10_000));
    let claimed = server
        .store
        .claim_lane(lane, &WorkerId("walls".into()), until, now)
        .await;
    let lease = claimed.expect("claims").expect("the lane is free");
    let letter = server
        .store
        .next_letter(lease, now)
        .await
        .expect("reads")
        .expect("a batch");
    let told = Told::Failed {
        error: "refused".into(),
        trouble: letter.trouble,
        next: Next::SetAside,
    };
    let reported = server.store.report_letter(lease, &letter, told, until, now).await;
    assert!(reported.expect("reports"));
    server.store.leave_lane(lease).await.expect("leaves");
    let letters = server
        .store
        .dead_letters(account, None, 100)
        .await
        .expect("reads");
    letters
        .iter()
        .map(|letter| letter.id)
        .max()
        .expect("a dead letter")
}

/// The first article page in an answer.
fn find_url(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.contains("/s/") => Some(value.clone()),
        Value::Array(values) => values.iter().find_map(find_url),
        Value::Object(values) => values.values().find_map(find_url),
        _ => None,
    }
}
