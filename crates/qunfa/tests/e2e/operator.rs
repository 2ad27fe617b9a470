//! What an operator does beside the compatible API: site sends, schedules, dry runs, recall, review, history.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    SERVICE, SUBSCRIPTION, TestAccount, TestServer, accepted, files, receiver::Receiver, refused,
};

fn to_all(text: &str) -> Value {
    json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": text}})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

async fn site(account: &TestAccount<'_>, body: Value) -> (u16, Value) {
    let path = format!("/v1/accounts/{}/masses", account.app_id);
    account.server.native(Method::POST, &path, Some(body)).await
}

async fn native(account: &TestAccount<'_>, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let path = format!("/v1/accounts/{}{path}", account.app_id);
    account.server.native(method, &path, body).await
}

async fn set(account: &TestAccount<'_>, change: Value) {
    let (status, answer) = native(account, Method::PATCH, "", Some(change)).await;
    assert_eq!(status, 200, "{answer}");
}

async fn status_of(account: &TestAccount<'_>, id: &Value) -> Value {
    let answer = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": id}))
        .await;
    answer["msg_status"].clone()
}

async fn page(server: &TestServer, path: &str) -> (u16, String) {
    let answer = server.request(Method::GET, path).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn a_schedule_is_accepted_at_its_time_with_the_audience_of_that_moment() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = with(
        json!({"filter": {"tag_id": 100}, "msgtype": "text", "text": {"content": "晚上好"}}),
        "send_at",
        json!("2026-11-22T20:00:00+08:00"),
    );
    let (status, schedule) = site(&account, body).await;
    assert_eq!(
        (status, &schedule["state"]),
        (201, &json!("waiting")),
        "{schedule}"
    );
    let path = format!("/schedules/{}", schedule["schedule_id"]);

    let newcomer = account.open_id(1).await;
    let tagging = json!({"openid_list": [newcomer], "tagid": 100});
    account.call("/cgi-bin/tags/members/batchtagging", tagging).await;
    server.advance(10 * 3600 - 1).await;
    assert!(account.inbox_texts(&newcomer).await.is_empty());
    server.advance(1).await;
    assert_eq!(account.inbox_texts(&newcomer).await, ["晚上好"]);
    let (_, sent) = native(&account, Method::GET, &path, None).await;
    assert_eq!(sent["state"], "sent", "{sent}");
    let report = account.report(&sent["msg_id"]).await;
    assert_eq!(
        (&report["origin"], &report["total_count"]),
        (&json!("site"), &json!(6))
    );
    assert_eq!(report["accepted_at"], "2026-11-22T20:00:00+08:00");
    for (method, body) in [
        (Method::DELETE, None),
        (
            Method::PATCH,
            Some(json!({"send_at": "2026-11-23T20:00:00+08:00"})),
        ),
    ] {
        let (status, answer) = native(&account, method, &path, body).await;
        assert_eq!(status, 409, "what is over cannot be changed: {answer}");
    }
}

#[tokio::test]
async fn a_schedule_can_be_changed_and_cancelled_until_its_time() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let reader = account.open_id(0).await;
    let later = |text, at: &str| with(to_all(text), "send_at", json!(at));
    let (_, first) = site(&account, later("第一稿", "2026-11-22T12:00:00+08:00")).await;
    let (_, second) = site(&account, later("不发了", "2026-11-22T12:00:00+08:00")).await;
    let first = format!("/schedules/{}", first["schedule_id"]);
    let second = format!("/schedules/{}", second["schedule_id"]);
    let (status, changed) = native(
        &account,
        Method::PATCH,
        &first,
        Some(later("第二稿", "2026-11-22T13:00:00+08:00")),
    )
    .await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["send_at"], "2026-11-22T13:00:00+08:00");
    assert_eq!(native(&account, Method::DELETE, &second, None).await.0, 204);
    server.advance(2 * 3600).await;
    assert!(account.inbox_texts(&reader).await.is_empty());
    server.advance(3600).await;
    assert_eq!(account.inbox_texts(&reader).await, ["第二稿"]);
    let (_, list) = native(&account, Method::GET, "/schedules", None).await;
    let states: Vec<&Value> = list["schedules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|schedule| &schedule["state"])
        .collect();
    assert_eq!(states, ["cancelled", "sent"]);
    for at in [
        "2026-11-22T10:00:00+08:00",
        "yesterday",
        "2029-01-01T00:00:00+08:00",
    ] {
        let (status, answer) = site(&account, later("x", at)).await;
        assert_eq!(status, 400, "{at}: {answer}");
    }
}

#[tokio::test]
async fn a_schedule_refused_at_its_time_says_why() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    let body = with(to_all("晚报"), "send_at", json!("2026-11-22T20:00:00+08:00"));
    let (_, schedule) = site(&account, body).await;
    accepted(&account.send_text("早报").await);
    server.advance(11 * 3600).await;
    let path = format!("/schedules/{}", schedule["schedule_id"]);
    let (_, schedule) = native(&account, Method::GET, &path, None).await;
    assert_eq!(schedule["state"], "refused", "{schedule}");
    assert_eq!(schedule["errcode"], 45028);
}

#[tokio::test]
async fn what_a_schedule_names_lives_until_it_is_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(1).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news},
        "send_at": "2026-12-22T10:00:00+08:00"});
    assert_eq!(site(&account, body).await.0, 201);
    server.advance(31 * 24 * 3600).await;
    let account = server.account(SERVICE).await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    assert_eq!(inbox[0]["title"], "第1篇");
}

#[tokio::test]
async fn a_dry_run_says_exactly_what_the_send_then_does_and_changes_nothing() {
    let server = TestServer::with_followers(100).await;
    let account = server.account(SERVICE).await;
    let (blacklisted, opted_out) = (account.open_id(0).await, account.open_id(10).await);
    account
        .call(
            "/cgi-bin/tags/members/batchblacklist",
            json!({"openid_list": [blacklisted]}),
        )
        .await;
    native(
        &account,
        Method::PUT,
        &format!("/followers/{opted_out}/opt-out"),
        Some(json!({"opted_out": true})),
    )
    .await;
    for number in 0..4 {
        let body = json!({"touser": [account.open_id(20).await, account.open_id(30).await],
            "msgtype": "text", "text": {"content": number.to_string()}});
        accepted(&account.call("/cgi-bin/message/mass/send", body).await);
    }
    server.settle().await;
    let body = json!({"filter": {"tag_id": 101}, "msgtype": "text", "text": {"content": "十分之一"}});
    let (status, run) = site(&account, with(body.clone(), "dry_run", json!(true))).await;
    assert_eq!(status, 200, "{run}");
    assert_eq!(run["accepted"], true);
    assert_eq!(
        run["quota"],
        json!({"before": {"sends_today": 4, "calls_today": 4, "history_today": 0, "history_this_month": 0},
            "after": {"sends_today": 4, "calls_today": 4, "history_today": 1, "history_this_month": 1}})
    );
    let (_, ledger) = native(&account, Method::GET, "/masses", None).await;
    assert_eq!(
        ledger["masses"].as_array().map(Vec::len),
        Some(4),
        "nothing was written"
    );
    let (_, sent) = site(&account, body).await;
    server.settle().await;
    let report = account.report(&sent["msg_id"]).await;
    for key in [
        "total_count",
        "filter_count",
        "sent_count",
        "error_count",
        "reasons",
    ] {
        assert_eq!(run[key], report[key], "{key}");
    }
    assert_eq!(
        report["reasons"],
        json!({"over_quota": 2, "blacklisted": 1, "opted_out": 1, "left": 0, "failed": 0})
    );
    let (_, run) = site(&account, with(to_all("超额"), "dry_run", json!(true))).await;
    assert_eq!(run["accepted"], true);
    account.quota(json!({"history_per_month": 1})).await;
    let (status, run) = site(&account, with(to_all("超额"), "dry_run", json!(true))).await;
    assert_eq!(
        (status, &run["accepted"], &run["errcode"]),
        (200, &json!(false), &json!(45028))
    );
}

#[tokio::test]
async fn i15_a_recalled_mass_is_gone_from_inboxes_pages_and_history() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    let id = accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    let kept = accepted(&account.send_text("留下").await);
    server.settle().await;
    let reader = account.open_id(0).await;
    let inbox = account.inbox(&reader).await;
    assert_eq!(inbox.len(), 2);
    let url = inbox
        .iter()
        .find_map(|entry| entry["url"].as_str())
        .expect("a page")
        .replace(&server.base, "");
    assert!(page(&server, &url).await.1.contains("正文1"));

    let path = format!("/masses/{id}/recall");
    let (status, report) = native(&account, Method::POST, &path, None).await;
    assert_eq!((status, &report["state"]), (200, &json!("recalled")), "{report}");
    assert_eq!(account.inbox_texts(&reader).await, ["留下"]);
    assert!(page(&server, &url).await.1.contains("该内容已被发布者删除"));
    assert_eq!(status_of(&account, &id).await, "DELETE");
    assert_eq!(status_of(&account, &kept).await, "SEND_SUCCESS");
    let (_, history) = native(&account, Method::GET, "/history", None).await;
    assert_eq!(history["items"].as_array().map(Vec::len), Some(1), "{history}");
    assert_eq!(
        native(&account, Method::POST, &path, None).await.0,
        200,
        "again is fine"
    );
    let path = "/masses/1999999999/recall";
    assert_eq!(native(&account, Method::POST, path, None).await.0, 404);
}

#[tokio::test]
async fn i15_a_recall_while_sending_stops_the_blocks_that_have_not_started() {
    let server = TestServer::with_followers(70_000).await;
    let receiver = Receiver::start().await;
    let account = server.account(SERVICE).await;
    set(
        &account,
        json!({"callback": {"url": receiver.url, "token": "token123"}}),
    )
    .await;
    account
        .call("/cgi-bin/message/mass/speed/set", json!({"speed": 4}))
        .await;
    let id = accepted(&account.send_text("慢慢来").await);
    server.settle().await;
    assert_eq!(account.report(&id).await["sent_count"], 65_536);
    let (_, report) = native(&account, Method::POST, &format!("/masses/{id}/recall"), None).await;
    assert_eq!(
        [
            &report["total_count"],
            &report["filter_count"],
            &report["sent_count"],
            &report["error_count"]
        ],
        [&json!(70_000), &json!(70_000), &json!(65_536), &json!(4_464)]
    );
    server.advance(3600).await;
    assert_eq!(account.report(&id).await["sent_count"], 65_536);
    assert!(account.inbox_texts(&account.open_id(0).await).await.is_empty());
    let events = receiver.events();
    assert_eq!(events.len(), 1);
    assert!(events[0].body.contains("<![CDATA[send success]]>"));
    assert!(events[0].body.contains("<ErrorCount>4464</ErrorCount>"));
}

#[tokio::test]
async fn i12_a_recall_before_the_first_delivery_gives_the_slot_back() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    set(&account, json!({"protect": true})).await;
    let id = accepted(&account.send_text("早").await);
    server.settle().await;
    let (_, report) = native(&account, Method::POST, &format!("/masses/{id}/recall"), None).await;
    assert_eq!(report["state"], "recalled");
    assert_eq!(report["error_count"], 10);
    assert_eq!(status_of(&account, &id).await, "SEND_FAIL");
    set(&account, json!({"protect": false})).await;
    accepted(&account.send_text("早").await);
}

#[tokio::test]
async fn i10_a_mass_that_was_refused_frees_its_key_and_its_slot() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    let verdict = format!("/sandbox/accounts/{SUBSCRIPTION}/next-verdict");
    let (status, answer) = server
        .native(Method::PUT, &verdict, Some(json!({"code": 20008})))
        .await;
    assert_eq!(status, 204, "{answer}");
    let body = with(to_all("中奖"), "clientmsgid", json!("k"));
    let id = accepted(&account.call("/cgi-bin/message/mass/sendall", body.clone()).await);
    server.settle().await;
    let report = account.report(&id).await;
    assert_eq!(
        (&report["state"], &report["error"]),
        (&json!("refused"), &json!(20008))
    );
    assert_eq!(report["total_count"], 0, "i04: all counts are 0 after err(…)");
    let again = accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    assert_eq!(status_of(&account, &again).await, "SEND_SUCCESS");
}

#[tokio::test]
async fn a_site_send_refused_is_http_409_with_the_errcode_beside_it() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    assert_eq!(site(&account, to_all("一")).await.0, 201);
    let (status, answer) = site(&account, to_all("二")).await;
    assert_eq!(status, 409);
    assert_eq!(answer["errcode"], 45028);
    assert_eq!(answer["errmsg"], "has no masssend quota");
    assert_eq!(answer["error"]["code"], "refused");
    let list = json!({"touser": ["a", "b"], "msgtype": "text", "text": {"content": "x"}});
    assert_eq!(site(&account, list).await.1["errcode"], 48001);
    let (status, answer) = site(
        &account,
        json!({"filter": {"tag_id": 7}, "msgtype": "text", "text": {"content": "x"}}),
    )
    .await;
    assert_eq!((status, &answer["errcode"]), (409, &json!(40152)));
    for body in [json!({}), json!({"dry_run": "yes"}), json!({"send_at": 1})] {
        assert_eq!(site(&account, body).await.0, 400);
    }
}

#[tokio::test]
async fn the_history_page_shows_what_was_sent_newest_first_page_by_page() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.quota(json!({"history_per_month": null})).await;
    for number in 1..=23 {
        assert_eq!(site(&account, to_all(&format!("<第{number}条>"))).await.0, 201);
        server.advance(60).await;
    }
    let (status, html) = page(&server, &format!("/mp/history/{SERVICE}")).await;
    assert_eq!(status, 200);
    assert!(html.contains("&#60;第23条&#62;"), "escaped: {html}");
    assert!(!html.contains("第3条"));
    let older = html
        .split("href=\"?before=")
        .nth(1)
        .expect("a link to older ones");
    let before = older.split('"').next().expect("a number");
    let (_, html) = page(&server, &format!("/mp/history/{SERVICE}?before={before}")).await;
    assert!(html.contains("第3条") && html.contains("第1条") && !html.contains("第4条"));
    assert_eq!(page(&server, "/mp/history/wx0000000000000009").await.0, 404);
}

#[tokio::test]
async fn a_compat_date_brings_back_what_held_on_that_day() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let account = server.account(SERVICE).await;
    set(
        &account,
        json!({"compat_date": "2016-09-26", "callback": {"url": receiver.url, "token": "token123"}}),
    )
    .await;

    accepted(&account.send_text_to_tag(101, "同样的话").await);
    accepted(&account.send_text_to_tag(101, "同样的话").await);
    for number in 0..70 {
        accepted(&account.send_text_to_tag(101, &format!("第{number}条")).await);
    }
    server.settle().await;
    let body = &receiver.events()[0].body;
    assert!(!body.contains("CopyrightCheckResult") && !body.contains("ArticleUrlResult"));

    set(&account, json!({"compat_date": null})).await;
    server.advance(60).await;
    refused(&account.send_text_to_tag(101, "第69条").await, 45065);
    let (status, _) = native(
        &account,
        Method::PATCH,
        "",
        Some(json!({"compat_date": "2016-9"})),
    )
    .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn several_pictures_come_as_one_entry_with_their_text() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut ids = Vec::new();
    for size in [8, 16, 24] {
        let answer = account
            .upload(
                "/cgi-bin/media/upload?type=image",
                files::jpeg(size, size),
                "p.jpg",
            )
            .await;
        ids.push(answer["media_id"].clone());
    }
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "image",
        "images": {"media_ids": ids, "title": "港口", "recommend": "三张", "need_open_comment": 1}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let entry = &account.inbox(&account.open_id(0).await).await[0];
    assert_eq!(
        [&entry["title"], &entry["text"], &entry["need_open_comment"]],
        [&json!("港口"), &json!("三张"), &json!(true)]
    );
    let urls = entry["media_urls"].as_array().expect("pictures");
    assert_eq!(urls.len(), 3);
    for (url, size) in urls.iter().zip([8, 16, 24]) {
        let path = url.as_str().expect("a link").replace(&server.base, "");
        let answer = server
            .request(Method::GET, &path)
            .send()
            .await
            .expect("an answer");
        let bytes = answer.bytes().await.expect("bytes");
        assert_eq!(bytes, files::jpeg(size, size));
    }
}

#[tokio::test]
async fn a_protected_account_waits_for_its_administrator_one_send_at_a_time() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    set(&account, json!({"protect": true})).await;
    let id = accepted(&account.send_text("请确认").await);
    server.settle().await;
    assert_eq!(status_of(&account, &id).await, "SENDING");
    assert_eq!(account.report(&id).await["waiting_for"], "confirmation");
    refused(&account.send_text("另一条").await, 89504);
    let tag = accepted(&account.send_text_to_tag(101, "标签不用等").await);
    server.settle().await;
    assert_eq!(status_of(&account, &tag).await, "SEND_SUCCESS");
    let path = format!("/masses/{id}/confirm");
    assert_eq!(native(&account, Method::POST, &path, None).await.0, 200);
    server.settle().await;
    assert_eq!(status_of(&account, &id).await, "SEND_SUCCESS");
    assert_eq!(
        native(&account, Method::POST, &path, None).await.0,
        409,
        "it waits no more"
    );
}

fn essay(words: &str) -> String {
    let parts = words
        .chars()
        .flat_map(|word| (0..20).map(move |number| format!("{word}{}之", number * 37 % 91)));
    format!("<p>{}</p>", parts.collect::<String>())
}

async fn news_of(account: &TestAccount<'_>, title: &str, content: &str) -> String {
    let thumb = account
        .upload(
            "/cgi-bin/media/upload?type=thumb",
            files::jpeg(64, 64),
            "cover.jpg",
        )
        .await;
    let article = json!({"title": title, "thumb_media_id": thumb["media_id"], "content": content});
    let answer = account
        .call("/cgi-bin/media/uploadnews", json!({"articles": [article]}))
        .await;
    answer["media_id"].as_str().expect("an id").to_owned()
}

fn news(audience: Value, media_id: &str) -> Value {
    json!({"filter": audience, "msgtype": "mpnews", "mpnews": {"media_id": media_id}, "send_ignore_reprint": 1})
}

/// The page of the newest entry of the first follower.
async fn newest_page(account: &TestAccount<'_>) -> (u16, String) {
    let inbox = account.inbox(&account.open_id(0).await).await;
    let url = inbox[0]["url"].as_str().expect("a page");
    page(account.server, &url.replace(&account.server.base, "")).await
}

#[tokio::test]
async fn s020_a_page_is_not_there_before_the_administrator_has_confirmed_it() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    set(&account, json!({"protect": true})).await;
    let thumb = account
        .upload(
            "/cgi-bin/material/add_material?type=thumb",
            files::jpeg(64, 64),
            "c.jpg",
        )
        .await;
    let article = json!({"title": "机密", "thumb_media_id": thumb["media_id"], "content": "<p>未发布</p>"});
    let draft = account
        .call("/cgi-bin/draft/add", json!({"articles": [article]}))
        .await;
    let draft = draft["media_id"].as_str().expect("an id");
    let got = account
        .call("/cgi-bin/draft/get", json!({"media_id": draft}))
        .await;
    let path = got["news_item"][0]["url"]
        .as_str()
        .expect("a link")
        .replace(&server.base, "");
    let body = news(json!({"is_to_all": true}), draft);
    let id = accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    assert_eq!(page(&server, &path).await.0, 404);
    native(&account, Method::POST, &format!("/masses/{id}/confirm"), None).await;
    server.settle().await;
    let (status, html) = page(&server, &path).await;
    assert_eq!(status, 200);
    assert!(html.contains("未发布"));
}

#[tokio::test]
async fn a_reprint_lives_and_dies_with_its_original() {
    let server = TestServer::start().await;
    let (author, account) = (server.account(SUBSCRIPTION).await, server.account(SERVICE).await);
    let text = essay("春夏秋冬山水");
    let original = news_of(&author, "原文", &format!("{text}<p>原文才有</p>")).await;
    let sent = accepted(
        &author
            .call(
                "/cgi-bin/message/mass/sendall",
                news(json!({"is_to_all": true}), &original),
            )
            .await,
    );
    server.settle().await;
    let declaration = json!({"media_id": original, "can_reprint": true});
    let (status, declared) = native(&author, Method::POST, "/originals", Some(declaration)).await;
    assert_eq!(status, 201, "{declared}");

    let copy = news_of(&account, "转来的", &text).await;
    let open_id = account.open_id(0).await;
    let preview = json!({"touser": open_id, "msgtype": "mpnews", "mpnews": {"media_id": copy}});
    account.call("/cgi-bin/message/mass/preview", preview).await;
    let (_, html) = newest_page(&account).await;
    assert!(
        html.contains("转载自") && html.contains("原文才有"),
        "a preview shows what the send will show"
    );

    let tag = json!({"is_to_all": false, "tag_id": 100});
    accepted(
        &account
            .call("/cgi-bin/message/mass/sendall", news(tag.clone(), &copy))
            .await,
    );
    server.settle().await;
    let (_, html) = newest_page(&account).await;
    assert!(html.contains("转载自") && html.contains("原文才有"), "{html}");

    let path = format!("/originals/{}/allowed/{SERVICE}", declared["original_id"]);
    assert_eq!(native(&author, Method::PUT, &path, None).await.0, 204);
    let again = with(news(tag, &copy), "clientmsgid", json!("again"));
    accepted(&account.call("/cgi-bin/message/mass/sendall", again).await);
    server.settle().await;
    let (_, html) = newest_page(&account).await;
    assert!(
        !html.contains("转载自") && !html.contains("原文才有"),
        "authorisation lifts both: {html}"
    );
    assert_eq!(native(&author, Method::DELETE, &path, None).await.0, 204);

    let copy = news_of(&account, "又转", &format!("{text}<p>又</p>")).await;
    let all = json!({"is_to_all": true});
    accepted(
        &account
            .call("/cgi-bin/message/mass/sendall", news(all, &copy))
            .await,
    );
    server.settle().await;
    assert!(newest_page(&account).await.1.contains("原文才有"));
    author
        .call("/cgi-bin/message/mass/delete", json!({"msg_id": sent}))
        .await;
    assert!(newest_page(&account).await.1.contains("该内容已被发布者删除"));
}

#[tokio::test]
async fn what_its_author_never_published_is_shown_by_nobody() {
    let server = TestServer::start().await;
    let (author, account) = (server.account(SUBSCRIPTION).await, server.account(SERVICE).await);
    let text = essay("东南西北中");
    let original = news_of(&author, "草稿", &format!("{text}<p>还没发表</p>")).await;
    let declaration = json!({"media_id": original, "can_reprint": true});
    native(&author, Method::POST, "/originals", Some(declaration)).await;
    let copy = news_of(&account, "抄来的", &text).await;
    let body = news(json!({"is_to_all": true}), &copy);
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let (_, html) = newest_page(&account).await;
    assert!(
        html.contains("转载自 沙盒订阅号") && !html.contains("还没发表"),
        "{html}"
    );
}

#[tokio::test]
async fn a_misspelt_key_sends_nothing() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let list = json!([account.open_id(0).await, account.open_id(1).await]);
    for (key, value) in [
        ("dryrun", json!(true)),
        ("sendAt", json!("2026-11-23T10:00:00+08:00")),
        ("send_at", Value::Null),
        ("touser", list),
    ] {
        let (status, answer) = site(&account, with(to_all("不该发"), key, value)).await;
        assert_eq!(status, 400, "{key}: {answer}");
    }
    let both = with(
        with(to_all("x"), "dry_run", json!(true)),
        "send_at",
        json!("2026-11-23T10:00:00+08:00"),
    );
    assert_eq!(site(&account, both).await.0, 400);
    server.settle().await;
    let (_, ledger) = native(&account, Method::GET, "/masses", None).await;
    assert_eq!(ledger["masses"], json!([]));
}

#[tokio::test]
async fn l12_a_confirmation_after_half_an_hour_is_too_late() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    set(&account, json!({"protect": true})).await;
    let id = accepted(&account.send_text("请确认").await);
    server.clock.set(server.now().plus_seconds(30 * 60));
    let path = format!("/masses/{id}/confirm");
    assert_eq!(native(&account, Method::POST, &path, None).await.0, 409);
    server.settle().await;
    assert_eq!(account.report(&id).await["error"], 40002);
}
