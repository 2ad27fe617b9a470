//! Mass sends from the call to the inbox, over HTTP, on a clock that stands still.

use crate::common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, accepted, files, refused};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn s018_a_text_goes_to_everybody_and_its_counts_are_exact() {
    let server = TestServer::with_followers(100).await;
    let account = server.account(SERVICE).await;
    let answer = account.send_text("九点开门\n第二行 😀").await;
    let id = accepted(&answer);
    assert!(answer.get("msg_data_id").is_none(), "s083: only news have one");
    server.settle().await;

    let state = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": id}))
        .await;
    assert_eq!(
        state,
        json!({"msg_id": id, "msg_status": "SEND_SUCCESS"}),
        "s125: two fields, no errcode"
    );
    let report = account.report(&id).await;
    assert_eq!(report["total_count"], 100);
    assert_eq!(report["sent_count"], 100);
    assert_eq!(report["filter_count"], 100);
    assert_eq!(report["error_count"], 0);
    for number in [0, 1, 99] {
        let open_id = account.open_id(number).await;
        assert_eq!(
            account.inbox_texts(&open_id).await,
            ["九点开门\n第二行 😀"],
            "s064: byte-exact"
        );
    }
}

#[tokio::test]
async fn s015_a_tag_send_reaches_those_who_carry_the_tag_and_nobody_else() {
    let server = TestServer::with_followers(100).await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_text_to_tag(101, "每十人").await);
    server.settle().await;
    assert_eq!(account.report(&id).await["total_count"], 10, "s139");
    assert_eq!(account.inbox_texts(&account.open_id(10).await).await, ["每十人"]);
    assert!(account.inbox_texts(&account.open_id(11).await).await.is_empty());
}

#[tokio::test]
async fn s016_a_list_send_reaches_exactly_those_named() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let (first, second) = (account.open_id(1).await, account.open_id(2).await);
    let foreign = server.account(UNVERIFIED).await.open_id(3).await;
    let body = json!({"touser": [first, second, first, "nobody", foreign], "msgtype": "text", "text": {"content": "hi"}});
    let id = accepted(&account.call("/cgi-bin/message/mass/send", body).await);
    server.settle().await;
    let report = account.report(&id).await;
    assert_eq!(
        (&report["total_count"], &report["sent_count"]),
        (&json!(4), &json!(2)),
        "u12: strangers count in the total"
    );
    assert_eq!(account.inbox_texts(&first).await, ["hi"]);
    assert!(account.inbox_texts(&account.open_id(3).await).await.is_empty());
}

#[tokio::test]
async fn s004_a_subscription_account_sends_once_a_day_and_a_refused_call_costs_nothing() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    let image = json!({"filter": {"is_to_all": true}, "msgtype": "image", "image": {"media_id": "unknown"}});
    refused(&account.call("/cgi-bin/message/mass/sendall", image).await, 40007);
    accepted(&account.send_text("one").await);
    refused(&account.send_text("two").await, 45028);
    server.advance(24 * 3600).await;
    let account = server.account(SUBSCRIPTION).await;
    accepted(&account.send_text("tomorrow").await);
    server.settle().await;
    assert_eq!(
        account.inbox_texts(&account.open_id(0).await).await,
        ["one", "tomorrow"]
    );
}

#[tokio::test]
async fn s007_the_fifth_mass_of_a_month_is_filtered_and_the_month_turns_at_midnight_in_shanghai() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut last = Value::Null;
    for number in 1..=5 {
        last = accepted(&account.send_text_to_tag(100, &format!("第{number}条")).await);
    }
    server.settle().await;
    let report = account.report(&last).await;
    assert_eq!(
        (
            &report["total_count"],
            &report["filter_count"],
            &report["sent_count"]
        ),
        (&json!(5), &json!(0), &json!(0))
    );
    assert_eq!(report["reasons"]["over_quota"], 5);
    let open_id = account.open_id(0).await;
    assert_eq!(
        account.inbox_texts(&open_id).await,
        ["第1条", "第2条", "第3条", "第4条"]
    );

    let month_end = crate::common::at("2026-12-01T00:00:00+08:00");
    server.advance(month_end.ms_since(server.now()) / 1000).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_text_to_tag(100, "新的一月").await);
    server.settle().await;
    assert_eq!(
        account.inbox_texts(&open_id).await.last().map(String::as_str),
        Some("新的一月")
    );
}

#[tokio::test]
async fn s024_the_fifth_send_to_all_of_a_month_is_refused_and_tag_sends_go_on() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 1..=4 {
        accepted(&account.send_text(&format!("all {number}")).await);
    }
    refused(&account.send_text("all 5").await, 45028);
    for number in 1..=6 {
        accepted(&account.send_text_to_tag(100, &format!("tag {number}")).await);
    }
}

#[tokio::test]
async fn s006_the_hundred_and_first_call_of_a_day_is_refused() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account.quota(json!({"calls_per_minute": null})).await;
    for number in 0..50 {
        accepted(&account.send_text_to_tag(100, &format!("{number}")).await);
        refused(&account.send_text_to_tag(9999, "unknown tag").await, 40152);
    }
    refused(&account.send_text_to_tag(100, "one more").await, 45009);
    server.advance(24 * 3600).await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_text_to_tag(100, "one more").await);
}

#[tokio::test]
async fn l06_the_sixty_first_call_of_a_minute_is_refused_until_the_minute_turns() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for number in 0..60 {
        accepted(&account.send_text_to_tag(100, &format!("{number}")).await);
    }
    refused(&account.send_text_to_tag(100, "too fast").await, 45011);
    server.advance(60).await;
    accepted(&account.send_text_to_tag(100, "too fast").await);
}

#[tokio::test]
async fn l02_the_same_key_is_refused_with_the_first_msg_id_for_a_day() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let body = |key: &str, text: &str| json!({"filter": {"tag_id": 100}, "msgtype": "text", "text": {"content": text}, "clientmsgid": key});
    let path = "/cgi-bin/message/mass/sendall";
    let first = accepted(&account.call(path, body("k1", "a")).await);
    let again = account.call(path, body("k1", "b")).await;
    refused(&again, 45065);
    assert_eq!(again["msg_id"], first);
    assert_eq!(again["errmsg"], "clientmsgid exist", "without a rid");
    refused(&account.call(path, body(&"k".repeat(65), "c")).await, 45067);
    accepted(&account.call(path, body(&"k".repeat(64), "c")).await);
    // A refused call leaves no trace, so a corrected repeat passes.
    let wrong =
        json!({"filter": {"tag_id": 9999}, "msgtype": "text", "text": {"content": "d"}, "clientmsgid": "k2"});
    refused(&account.call(path, wrong).await, 40152);
    accepted(&account.call(path, body("k2", "d")).await);
    server.advance(24 * 3600).await;
    let account = server.account(SERVICE).await;
    accepted(&account.call(path, body("k1", "a")).await);
}

#[tokio::test]
async fn l05_without_a_key_the_same_text_to_the_same_audience_is_a_repeat() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_text_to_tag(100, "same").await);
    refused(&account.send_text_to_tag(100, "same").await, 45065);
    accepted(&account.send_text_to_tag(101, "same").await);
    accepted(&account.send_text_to_tag(100, "other").await);
}

#[tokio::test]
async fn i10_a_hundred_equal_calls_at_once_make_one_mass() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account
        .quota(json!({"calls_per_minute": null, "calls_per_day": null}))
        .await;
    let body = json!({"filter": {"tag_id": 100}, "msgtype": "text", "text": {"content": "race"}, "clientmsgid": "race"});
    let calls = (0..100).map(|_| account.call("/cgi-bin/message/mass/sendall", body.clone()));
    let answers = futures::future::join_all(calls).await;
    let winners: Vec<&Value> = answers.iter().filter(|answer| answer["errcode"] == 0).collect();
    assert_eq!(winners.len(), 1);
    for answer in answers.iter().filter(|answer| answer["errcode"] != 0) {
        refused(answer, 45065);
        assert_eq!(answer["msg_id"], winners[0]["msg_id"]);
    }
}

#[tokio::test]
async fn i12_with_three_slots_left_exactly_three_of_forty_calls_at_once_are_accepted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    accepted(&account.send_text("one is used").await);
    let texts: Vec<String> = (0..40).map(|number| format!("race {number}")).collect();
    let answers = futures::future::join_all(texts.iter().map(|text| account.send_text(text))).await;
    assert_eq!(answers.iter().filter(|answer| answer["errcode"] == 0).count(), 3);
    assert_eq!(
        answers.iter().filter(|answer| answer["errcode"] == 45028).count(),
        37
    );
}

#[tokio::test]
async fn s140_who_refuses_is_blacklisted_or_at_four_is_filtered() {
    let server = TestServer::with_followers(20).await;
    let account = server.account(SERVICE).await;
    let (refuser, banned, full) = (
        account.open_id(0).await,
        account.open_id(2).await,
        account.open_id(4).await,
    );
    let filler = account.open_id(1).await;
    for number in 0..4 {
        let body =
            json!({"touser": [full, filler], "msgtype": "text", "text": {"content": format!("{number}")}});
        accepted(&account.call("/cgi-bin/message/mass/send", body).await);
    }
    let path = format!("/v1/accounts/{SERVICE}/followers/{refuser}/opt-out");
    let (status, _) = server
        .native(Method::PUT, &path, Some(json!({"opted_out": true})))
        .await;
    assert_eq!(status, 200);
    let answer = account
        .call(
            "/cgi-bin/tags/members/batchblacklist",
            json!({"openid_list": [banned]}),
        )
        .await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    server.settle().await;
    let id = accepted(&account.send_text_to_tag(100, "ten members").await);
    server.settle().await;
    let report = account.report(&id).await;
    assert_eq!(report["total_count"], 10);
    assert_eq!(report["filter_count"], 7);
    assert_eq!(report["sent_count"], 7);
    assert_eq!(
        report["reasons"],
        json!({"over_quota": 1, "blacklisted": 1, "opted_out": 1, "left": 0, "failed": 0})
    );
}

#[tokio::test]
async fn i05_the_audience_is_frozen_and_who_left_counts_as_an_error() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    // The slowest speed and a standing clock: the first block is due at once, so the send is held by the engine
    // only until the next turn; leaving happens in between because nothing turns while the clock stands.
    let leaver = account.open_id(0).await;
    let tagged_later = account.open_id(1).await;
    let id = accepted(&account.send_text_to_tag(100, "frozen").await);
    let untag = json!({"openid_list": [account.open_id(2).await], "tagid": 100});
    account.call("/cgi-bin/tags/members/batchuntagging", untag).await;
    account
        .call(
            "/cgi-bin/tags/members/batchtagging",
            json!({"openid_list": [tagged_later], "tagid": 100}),
        )
        .await;
    let path = format!("/v1/accounts/{SERVICE}/followers/{leaver}/unsubscribe");
    let (status, _) = server.native(Method::POST, &path, None).await;
    assert_eq!(status, 200);
    server.settle().await;
    let report = account.report(&id).await;
    assert_eq!(report["total_count"], 5);
    let sent = report["sent_count"].as_u64().expect("a number");
    let errors = report["error_count"].as_u64().expect("a number");
    assert_eq!(
        sent + errors,
        5,
        "either order of leaving and release is right, a mixture is not: {report}"
    );
    assert!(
        account.inbox_texts(&tagged_later).await.is_empty(),
        "tagged after acceptance"
    );
    assert_eq!(
        account.inbox_texts(&account.open_id(1).await).await,
        ["frozen"],
        "untagged after acceptance"
    );
}

#[tokio::test]
async fn s089_a_subscription_account_may_not_send_to_a_list_and_an_unverified_one_not_at_all() {
    let server = TestServer::start().await;
    let subscription = server.account(SUBSCRIPTION).await;
    let list = json!({"touser": ["a", "b"], "msgtype": "text", "text": {"content": "x"}});
    refused(
        &subscription
            .call("/cgi-bin/message/mass/send", list.clone())
            .await,
        48001,
    );
    let unverified = server.account(UNVERIFIED).await;
    for path in [
        "sendall",
        "send",
        "preview",
        "get",
        "delete",
        "speed/get",
        "speed/set",
    ] {
        let answer = unverified
            .call(&format!("/cgi-bin/message/mass/{path}"), list.clone())
            .await;
        refused(&answer, 48001);
    }
    refused(
        &unverified
            .call("/cgi-bin/media/uploadnews", json!({"articles": []}))
            .await,
        48001,
    );
    let upload = unverified
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
        .await;
    assert!(upload["media_id"].is_string(), "reading 8: {upload}");
}

#[tokio::test]
async fn s029_a_news_sent_twice_has_one_link_and_deleting_one_send_kills_both() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    let path = "/cgi-bin/message/mass/sendall";
    let body = |key: &str| json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}, "clientmsgid": key});
    let first = account.call(path, body("1")).await;
    let second = account.call(path, body("2")).await;
    let ids = [accepted(&first), accepted(&second)];
    assert_eq!(first["msg_data_id"], second["msg_data_id"]);
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    assert_eq!(inbox.len(), 2);
    assert_eq!(inbox[0]["articles"], inbox[1]["articles"], "identical links");
    let links: Vec<String> = inbox[0]["articles"]
        .as_array()
        .expect("articles")
        .iter()
        .map(|a| a["url"].as_str().unwrap().to_owned())
        .collect();
    let page = |url: String| async move {
        reqwest::get(url)
            .await
            .expect("a page")
            .text()
            .await
            .expect("text")
    };
    assert!(page(links[0].clone()).await.contains("正文1"));

    refused(
        &account
            .call(
                "/cgi-bin/message/mass/delete",
                json!({"msg_id": ids[0], "article_idx": 3}),
            )
            .await,
        40060,
    );
    let partly = account
        .call(
            "/cgi-bin/message/mass/delete",
            json!({"msg_id": ids[0], "article_idx": 2}),
        )
        .await;
    assert_eq!(partly, json!({"errcode": 0, "errmsg": "ok"}), "s106");
    assert!(page(links[1].clone()).await.contains("该内容已被发布者删除"));
    assert!(
        page(links[0].clone()).await.contains("正文1"),
        "l07: only the second"
    );
    let state = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": ids[0]}))
        .await;
    assert_eq!(state["msg_status"], "SEND_SUCCESS");

    let rest = account
        .call(
            "/cgi-bin/message/mass/delete",
            json!({"msg_id": ids[1].to_string(), "article_idx": null}),
        )
        .await;
    assert_eq!(rest["errcode"], 0, "{rest}");
    assert!(page(links[0].clone()).await.contains("该内容已被发布者删除"));
    for id in &ids {
        let state = account
            .call("/cgi-bin/message/mass/get", json!({"msg_id": id}))
            .await;
        assert_eq!(state["msg_status"], "DELETE", "s104: all sends of it");
    }
    let inbox = account.inbox(&account.open_id(0).await).await;
    assert_eq!(inbox.len(), 2, "s102: the cards stay");
    assert_eq!(inbox[0]["title"], "第1篇");
}

#[tokio::test]
async fn s103_only_news_and_videos_that_were_sent_can_be_deleted() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let text = accepted(&account.send_text("text").await);
    server.settle().await;
    refused(
        &account
            .call("/cgi-bin/message/mass/delete", json!({"msg_id": text}))
            .await,
        40008,
    );
    for nothing in [
        json!({}),
        json!({"msg_id": 5}),
        json!({"msg_id": "x"}),
        json!({"url": "https://e.org/s/x"}),
    ] {
        refused(
            &account.call("/cgi-bin/message/mass/delete", nothing).await,
            40059,
        );
    }
}

#[tokio::test]
async fn i06_what_was_sent_does_not_expire_with_its_material() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let picture = files::png(40, 30);
    let upload = account
        .upload("/cgi-bin/media/upload?type=image", picture.clone(), "a.png")
        .await;
    let body =
        json!({"filter": {"is_to_all": true}, "msgtype": "image", "image": {"media_id": upload["media_id"]}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body.clone()).await);
    server.advance(40 * 24 * 3600).await;
    server.advance(2 * 24 * 3600).await;
    let account = server.account(SERVICE).await;
    refused(&account.call("/cgi-bin/message/mass/sendall", body).await, 40007);
    let inbox = account.inbox(&account.open_id(0).await).await;
    let url = inbox[0]["media_url"].as_str().expect("a link");
    let answer = reqwest::get(url).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(
        answer.bytes().await.expect("bytes"),
        picture,
        "after 42 days, byte for byte"
    );
}

#[tokio::test]
async fn s122_previews_reach_one_follower_and_cost_nothing() {
    let server = TestServer::start().await;
    let account = server.account(SUBSCRIPTION).await;
    let (one, other) = (account.open_id(0).await, account.open_id(1).await);
    for number in 0..10 {
        let body = json!({"touser": one, "msgtype": "text", "text": {"content": format!("draft {number}")}});
        let answer = account.call("/cgi-bin/message/mass/preview", body).await;
        assert_eq!(
            (&answer["errcode"], &answer["errmsg"]),
            (&json!(0), &json!("preview success"))
        );
        let state = account
            .call("/cgi-bin/message/mass/get", json!({"msg_id": answer["msg_id"]}))
            .await;
        refused(&state, 40059);
    }
    assert_eq!(account.inbox_texts(&one).await.len(), 10);
    assert!(account.inbox_texts(&other).await.is_empty());
    let both = json!({"touser": one, "towxname": "user-000000001", "msgtype": "text", "text": {"content": "to the name"}});
    assert_eq!(
        account.call("/cgi-bin/message/mass/preview", both).await["errcode"],
        0
    );
    assert_eq!(
        account.inbox_texts(&other).await,
        ["to the name"],
        "s119: towxname wins"
    );
    accepted(&account.send_text("the real one").await);
}

#[tokio::test]
async fn s088_a_paced_send_takes_its_time_and_a_new_speed_holds_from_then_on() {
    let server = TestServer::with_followers(140_000).await;
    let account = server.account(SERVICE).await;
    assert_eq!(
        account.call("/cgi-bin/message/mass/speed/get", json!({})).await,
        json!({"speed": 0, "realspeed": 80})
    );
    let slow = account
        .call("/cgi-bin/message/mass/speed/set", json!({"speed": 4}))
        .await;
    assert_eq!(slow, json!({"errcode": 0, "errmsg": "ok"}));
    assert_eq!(
        account.call("/cgi-bin/message/mass/speed/get", json!({})).await,
        json!({"speed": 4, "realspeed": 10})
    );
    let id = accepted(&account.send_text("slow").await);
    server.settle().await;
    let state = account
        .call("/cgi-bin/message/mass/get", json!({"msg_id": id}))
        .await;
    assert_eq!(state["msg_status"], "SENDING", "l09, s086");
    assert_eq!(account.report(&id).await["batches_left"], 2);
    server.advance(39).await;
    assert_eq!(
        account.report(&id).await["batches_left"],
        2,
        "65,536 at 100,000 a minute are 39.3 seconds"
    );
    server.advance(1).await;
    assert_eq!(account.report(&id).await["batches_left"], 1);
    account
        .call("/cgi-bin/message/mass/speed/set", json!({"speed": 0}))
        .await;
    server.advance(6).await;
    let report = account.report(&id).await;
    assert_eq!(
        (&report["state"], &report["sent_count"]),
        (&json!("succeeded"), &json!(140_000))
    );
    refused(
        &account
            .call("/cgi-bin/message/mass/speed/set", json!({"speed": 5}))
            .await,
        45083,
    );
    refused(
        &account.call("/cgi-bin/message/mass/speed/set", json!({})).await,
        45084,
    );
}

#[tokio::test]
async fn every_message_type_arrives_with_what_it_carries() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account
        .quota(json!({"receipts_per_month": null, "history_per_month": null}))
        .await;
    let upload = async |kind: &str, bytes: Vec<u8>, name: &str| {
        let answer = account
            .upload(&format!("/cgi-bin/media/upload?type={kind}"), bytes, name)
            .await;
        answer["media_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    };
    let image = upload("image", files::jpeg(60, 40), "a.jpg").await;
    let voice = upload("voice", files::amr(), "a.amr").await;
    let raw = upload("video", files::mp4(), "a.mp4").await;
    let video = account
        .call(
            "/cgi-bin/media/uploadvideo",
            json!({"media_id": raw, "title": "发布会", "description": "两分钟"}),
        )
        .await;
    assert_eq!(video["type"], "video", "s070");
    assert_ne!(video["media_id"], json!(raw), "s069");
    let bodies = [
        json!({"msgtype": "image", "image": {"media_id": image}}),
        json!({"msgtype": "voice", "voice": {"media_id": voice}}),
        json!({"msgtype": "music", "music": {"media_id": voice}}),
        json!({"msgtype": "mpvideo", "mpvideo": {"media_id": video["media_id"]}}),
        json!({"msgtype": "video", "video": {"media_id": video["media_id"], "title": "另一个标题"}}),
        json!({"msgtype": "mpnews", "mpnews": {"media_id": account.news(8).await}}),
    ];
    for mut body in bodies {
        body["filter"] = json!({"is_to_all": true});
        accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    }
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    let types: Vec<&str> = inbox
        .iter()
        .rev()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["image", "voice", "music", "mpvideo", "mpvideo", "mpnews"]);
    assert_eq!(inbox[0]["articles"].as_array().map(Vec::len), Some(8), "s045");
    assert_eq!(inbox[1]["title"], "另一个标题");
    assert_eq!(
        (&inbox[2]["title"], &inbox[2]["digest"]),
        (&json!("发布会"), &json!("两分钟"))
    );
    for entry in &inbox[1..] {
        let answer = reqwest::get(entry["media_url"].as_str().expect("a link"))
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{entry}");
    }
}

#[tokio::test]
async fn i01_a_server_that_is_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::in_folder(folder.path(), 70_000).await;
    let account = server.account(SERVICE).await;
    account
        .call("/cgi-bin/message/mass/speed/set", json!({"speed": 4}))
        .await;
    let id = accepted(&account.send_text("two blocks").await);
    server.settle().await;
    assert_eq!(account.report(&id).await["batches_left"], 1);
    let open_id = account.open_id(0).await;
    server.stop().await;

    let server = TestServer::in_folder(folder.path(), 70_000).await;
    let account = server.account(SERVICE).await;
    assert_eq!(
        account.open_id(0).await,
        open_id,
        "the same people under the same names"
    );
    server.advance(60).await;
    let report = account.report(&id).await;
    assert_eq!(
        (&report["state"], &report["sent_count"]),
        (&json!("succeeded"), &json!(70_000))
    );
    assert_eq!(account.inbox_texts(&open_id).await, ["two blocks"]);
    refused(&account.send_text("two blocks").await, 45065);
}

#[tokio::test]
async fn a_restarted_sandbox_makes_ids_that_it_never_made_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let server = TestServer::in_folder(folder.path(), 2).await;
        let account = server.account(SERVICE).await;
        let upload = account
            .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
            .await;
        ids.push(
            upload["media_id"]
                .as_str()
                .unwrap_or_else(|| panic!("{upload}"))
                .to_owned(),
        );
        server.stop().await;
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_leave_the_clock_standing() {
    let server = TestServer::start().await;
    server.clock.run();
    let call = server
        .request(Method::POST, "/sandbox/clock")
        .bearer_auth("sandbox")
        .json(&json!({"advance_seconds": 86_400}));
    let hung_up = call.timeout(std::time::Duration::from_micros(200)).send().await;
    assert!(hung_up.is_err(), "the caller did not wait");
    server.advance(1).await;
    let before = server.now();
    while server.now() == before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sec12_a_subscription_with_too_many_tags_is_refused_and_not_half_done() {
    let server = TestServer::start().await;
    let path = format!("/v1/accounts/{SERVICE}/followers/subscribe");
    let subscribe = |tags: Vec<String>| {
        server.native(
            Method::POST,
            &path,
            Some(json!({"external_id": "collector", "tags": tags})),
        )
    };
    let tags =
        |range: std::ops::Range<usize>| range.map(|number| format!("标签{number}")).collect::<Vec<_>>();
    assert!(subscribe(tags(0..15)).await.0 < 300);
    assert!(subscribe(tags(5..20)).await.0 < 300, "twenty in all");
    assert_eq!(subscribe(tags(20..21)).await.0, 400);
}
