//! Counted calls and their clearing, addresses, the callback check, groups.

use axum::{
    body::Body,
    http::{Method, Request},
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Account, Server};

async fn quota(server: &Server, account: &Account, quota: Value) {
    let uri = format!("/v1/accounts/{}", account.appid);
    let body = json!({"quota": quota}).to_string();
    let answer = server.native(Method::PATCH, &uri, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn preview(name: &str) -> Value {
    json!({"towxname": name, "msgtype": "text", "text": {"content": "预览"}})
}

async fn code(server: &Server, account: &Account, path: &str, body: Value) -> i64 {
    server.call(account, path, body).await.errcode()
}

async fn left(server: &Server, account: &Account, path: &str) -> String {
    let body = json!({"cgi_path": path});
    server.call(account, "openapi/quota/get", body).await.text()
}

#[tokio::test]
async fn s110_the_hundred_and_first_preview_by_name_is_refused_and_others_are_not() {
    let server = Server::start();
    let mut account = server.service().await;
    let by_name = async |account: &Account, name: &str| {
        code(&server, account, "message/mass/preview", preview(name)).await
    };
    // A name that nobody has is counted too: the limit also bounds how many names can be tried.
    assert_eq!(by_name(&account, "nobody").await, 40132);
    for _ in 1..100 {
        assert_eq!(by_name(&account, "user-1").await, 0);
    }
    for name in ["user-1", "nobody"] {
        assert_eq!(by_name(&account, name).await, 45009);
    }
    let mut by_open_id = preview("");
    by_open_id["touser"] = json!(account.open_ids[0]);
    assert_eq!(
        code(&server, &account, "message/mass/preview", by_open_id).await,
        0
    );
    insta::assert_snapshot!(
        left(&server, &account, "/cgi-bin/message/mass/preview").await,
        @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":100,"used":100,"remain":0}}"#
    );
    server
        .at("2026-11-22T23:59:59.999+08:00", &mut [&mut account])
        .await;
    assert_eq!(by_name(&account, "user-1").await, 45009);
    server.at("2026-11-23T00:00:00+08:00", &mut [&mut account]).await;
    assert_eq!(by_name(&account, "user-1").await, 0);
    // I14: a clock stepped back does not give yesterday's calls back, nor today's.
    server.at("2026-11-22T12:00:00+08:00", &mut [&mut account]).await;
    assert_eq!(by_name(&account, "user-1").await, 0);
    server.at("2026-11-23T00:00:01+08:00", &mut [&mut account]).await;
    let used: Value =
        serde_json::from_str(&left(&server, &account, "/cgi-bin/message/mass/preview").await).expect("JSON");
    assert_eq!(used["quota"]["used"], 2);
}

#[tokio::test]
async fn of_the_last_calls_of_a_day_exactly_as_many_pass_as_are_left() {
    let server = Server::start();
    let account = server.service().await;
    quota(&server, &account, json!({"name_previews_per_day": 7})).await;
    let calls = (0..20).map(|_| code(&server, &account, "message/mass/preview", preview("user-1")));
    let codes = join_all(calls).await;
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 7);
    assert_eq!(codes.iter().filter(|code| **code == 45009).count(), 13);
}

#[tokio::test]
async fn q8_holds_in_the_strict_profile_only_and_per_account() {
    let server = Server::start();
    let (strict, free) = (server.service().await, server.service().await);
    quota(&server, &strict, json!({"profile": "strict"})).await;
    for _ in 0..10 {
        assert_eq!(code(&server, &strict, "media/uploadnews", json!({})).await, 44003);
        assert_eq!(
            code(&server, &strict, "message/mass/delete", json!({})).await,
            40059
        );
    }
    for path in ["media/uploadnews", "message/mass/delete"] {
        assert_eq!(code(&server, &strict, path, json!({})).await, 45009);
        assert_ne!(code(&server, &free, path, json!({})).await, 45009);
    }
    let uri = format!("/v1/accounts/{}", strict.appid);
    let shown = server.native(Method::GET, &uri, "").await.json();
    insta::assert_snapshot!(
        shown["quota"],
        @r#"{"calls_per_day":100,"calls_per_minute":60,"deletes_per_day":10,"history_per_day":null,"history_per_month":4,"name_previews_per_day":100,"news_uploads_per_day":10,"receipts_per_month":4,"sends_per_day":null}"#
    );
    let usage = server
        .native(Method::GET, &format!("{uri}/usage"), "")
        .await
        .json();
    assert_eq!(
        (&usage["news_uploads_today"], &usage["deletes_today"]),
        (&json!(10), &json!(10))
    );
    quota(&server, &strict, json!({"deletes_per_day": null})).await;
    assert_eq!(
        code(&server, &strict, "message/mass/delete", json!({})).await,
        40059
    );
}

#[tokio::test]
async fn clearing_starts_the_counted_calls_anew_and_no_send() {
    let server = Server::start();
    let mut account = server
        .account(
            json!({"name": "日报", "kind": "subscription", "verified": true}),
            10,
        )
        .await;
    quota(
        &server,
        &account,
        json!({"calls_per_day": 2, "name_previews_per_day": 1, "news_uploads_per_day": 1}),
    )
    .await;
    let send =
        |text: &str| json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": text}});
    assert_eq!(
        code(&server, &account, "message/mass/sendall", send("一")).await,
        0
    );
    assert_eq!(
        code(&server, &account, "message/mass/sendall", send("二")).await,
        45028
    );
    assert_eq!(
        code(&server, &account, "message/mass/sendall", send("三")).await,
        45009
    );
    assert_eq!(
        code(&server, &account, "message/mass/preview", preview("user-1")).await,
        0
    );
    assert_eq!(
        code(&server, &account, "message/mass/preview", preview("user-1")).await,
        45009
    );
    let own = json!({"appid": account.appid});
    for (body, expected) in [
        (json!({}), 41002),
        (json!({"appid": "wx0000000000000009"}), 40013),
    ] {
        assert_eq!(code(&server, &account, "clear_quota", body).await, expected);
    }
    for use_ in 0..10 {
        let cleared = server.call(&account, "clear_quota", own.clone()).await.text();
        assert_eq!(cleared, r#"{"errcode":0,"errmsg":"ok"}"#);
        if use_ == 0 {
            // Q2 and Q7 are new, Q1 and Q4 are not.
            assert_eq!(
                code(&server, &account, "message/mass/sendall", send("四")).await,
                45028
            );
            assert_eq!(
                code(&server, &account, "message/mass/preview", preview("user-1")).await,
                0
            );
        }
    }
    assert_eq!(code(&server, &account, "clear_quota", own.clone()).await, 48006);
    let uri = format!(
        "/cgi-bin/clear_quota/v2?appid={}&appsecret={}",
        account.appid, account.secret
    );
    assert_eq!(server.post(&uri, "").await.errcode(), 48006, "both share the ten");
    server.at("2026-12-01T00:00:00+08:00", &mut [&mut account]).await;
    assert_eq!(server.post(&uri, "").await.errcode(), 0);
    let body = json!({"appid": account.appid, "appsecret": account.secret});
    assert_eq!(
        server
            .post("/cgi-bin/clear_quota/v2", body.to_string())
            .await
            .errcode(),
        0
    );
    for (body, expected) in [
        (json!({}), 41002),
        (json!({"appid": "wx0000000000000009", "appsecret": "x"}), 40013),
        (json!({"appid": account.appid}), 41004),
        (json!({"appid": account.appid, "appsecret": "x"}), 40125),
    ] {
        let answer = server.post("/cgi-bin/clear_quota/v2", body.to_string()).await;
        assert_eq!(answer.errcode(), expected, "{body}");
    }
    assert_eq!(server.post("/cgi-bin/clear_quota/v2", "{").await.errcode(), 47001);
}

#[tokio::test]
async fn a_single_call_is_cleared_fifty_times_a_month() {
    let server = Server::start();
    let mut account = server.service().await;
    quota(
        &server,
        &account,
        json!({"name_previews_per_day": 1, "news_uploads_per_day": 0}),
    )
    .await;
    assert_eq!(
        code(&server, &account, "message/mass/preview", preview("user-1")).await,
        0
    );
    let clear = async |account: &Account, path: &str| {
        code(&server, account, "openapi/quota/clear", json!({"cgi_path": path})).await
    };
    assert_eq!(clear(&account, "/cgi-bin/nothing").await, 76021);
    for _ in 0..49 {
        assert_eq!(clear(&account, "/cgi-bin/tags/get").await, 0);
    }
    assert_eq!(
        code(&server, &account, "message/mass/preview", preview("user-1")).await,
        45009
    );
    assert_eq!(clear(&account, "/cgi-bin/message/mass/preview").await, 0);
    assert_eq!(
        code(&server, &account, "message/mass/preview", preview("user-1")).await,
        0
    );
    assert_eq!(clear(&account, "/cgi-bin/message/mass/preview").await, 48006);
    assert_eq!(
        code(&server, &account, "media/uploadnews", json!({})).await,
        45009,
        "a limit of 0 stays one"
    );
    server.at("2026-12-01T00:00:00+08:00", &mut [&mut account]).await;
    assert_eq!(clear(&account, "/cgi-bin/message/mass/preview").await, 0);
}

#[tokio::test]
async fn what_is_left_of_a_day_is_told_by_path() {
    let server = Server::start();
    let account = server.service().await;
    let text = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "一"}});
    assert_eq!(
        code(&server, &account, "message/mass/sendall", text.clone()).await,
        0
    );
    insta::assert_snapshot!(
        left(&server, &account, "/cgi-bin/message/mass/send").await,
        @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":100,"used":1,"remain":99},"rate_limit":{"call_count":60,"refresh_second":60}}"#
    );
    insta::assert_snapshot!(
        left(&server, &account, "/cgi-bin/user/get").await,
        @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":500,"used":0,"remain":500}}"#
    );
    insta::assert_snapshot!(
        left(&server, &account, "/cgi-bin/media/uploadnews").await,
        @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":2147483647,"used":0,"remain":2147483647}}"#
    );
    let paper = server
        .account(
            json!({"name": "日报", "kind": "subscription", "verified": true}),
            10,
        )
        .await;
    assert_eq!(code(&server, &paper, "message/mass/sendall", text).await, 0);
    insta::assert_snapshot!(
        left(&server, &paper, "/cgi-bin/message/mass/sendall").await,
        @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":1,"used":1,"remain":0},"rate_limit":{"call_count":60,"refresh_second":60}}"#
    );
    let refused = async |account: &Account, path: Value| {
        code(&server, account, "openapi/quota/get", json!({"cgi_path": path})).await
    };
    assert_eq!(refused(&paper, json!("/cgi-bin/message/mass/send")).await, 76022);
    for path in [
        json!("cgi-bin/user/get"),
        json!("/nothing"),
        json!(null),
        json!({}),
    ] {
        assert_eq!(refused(&paper, path).await, 76021);
    }
    let unverified = server.account(json!({"name": "新号"}), 0).await;
    assert_eq!(
        refused(&unverified, json!("/cgi-bin/message/mass/sendall")).await,
        76022
    );
}

#[tokio::test]
async fn addresses_are_told_and_a_receiver_is_checked() {
    let server = Server::start();
    let account = server.service().await;
    for path in ["getcallbackip", "get_api_domain_ip"] {
        let answer = server
            .get(&format!("/cgi-bin/{path}?access_token={}", account.token))
            .await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.text(), @r#"{"ip_list":[]}"#);
        }
    }
    let check = async |body: Value| server.call(&account, "callback/check", body).await;
    assert_eq!(check(json!({"action": "all"})).await.errcode(), 40201);
    let callback = json!({"callback": {"url": "http://example.org/wx", "token": "abc"}});
    let uri = format!("/v1/accounts/{}", account.appid);
    assert_eq!(
        server
            .native(Method::PATCH, &uri, callback.to_string())
            .await
            .status,
        200
    );
    insta::assert_snapshot!(
        check(json!({"action": "all", "check_operator": "DEFAULT"})).await.text(),
        @r#"{"dns":[{"ip":"198.51.100.7","real_operator":"DEFAULT"},{"ip":"198.51.100.8","real_operator":"DEFAULT"}],"ping":[{"ip":"198.51.100.7","from_operator":"DEFAULT","package_loss":"0%","time":"23.079ms"},{"ip":"198.51.100.8","from_operator":"DEFAULT","package_loss":"100%","time":""}]}"#
    );
    insta::assert_snapshot!(
        check(json!({"action": "dns"})).await.text(),
        @r#"{"dns":[{"ip":"198.51.100.7","real_operator":"DEFAULT"},{"ip":"198.51.100.8","real_operator":"DEFAULT"}]}"#
    );
    let pinged = check(json!({"action": "ping", "check_operator": "CAP"}))
        .await
        .json();
    assert_eq!(pinged["ping"][0]["from_operator"], "CAP");
    assert!(pinged.get("dns").is_none());
    for (body, expected) in [
        (json!({}), 40202),
        (json!({"action": "trace"}), 40202),
        (json!({"action": "dns", "check_operator": "X"}), 40203),
    ] {
        assert_eq!(check(body).await.errcode(), expected);
    }
}

#[tokio::test]
async fn a_refused_call_is_found_again_by_its_rid() {
    let server = Server::start();
    let mut account = server.service().await;
    let mut other = server.service().await;
    let refused = server
        .call(&account, "tags/create", json!({"tag": {"name": "even"}}))
        .await;
    let text = refused.json()["errmsg"].as_str().expect("a text").to_owned();
    let rid = text.rsplit(' ').next().expect("a rid").to_owned();
    let get = async |account: &Account, rid: Value| {
        server.call(account, "openapi/rid/get", json!({"rid": rid})).await
    };
    let mut found = get(&account, json!(rid)).await.json();
    assert_eq!(found["request"]["response_body"], refused.text());
    found["request"]["response_body"] = json!("…");
    assert!(found["request"]["cost_in_ms"].is_u64());
    found["request"]["cost_in_ms"] = json!(0);
    insta::assert_snapshot!(
        found,
        @r#"{"errcode":0,"errmsg":"ok","request":{"client_ip":"","cost_in_ms":0,"invoke_time":1795312800,"request_body":"{\"tag\":{\"name\":\"even\"}}","request_url":"/cgi-bin/tags/create?access_token=***","response_body":"…"}}"#
    );
    assert_eq!(
        get(&other, json!(rid)).await.errcode(),
        76001,
        "another account's is unknown"
    );
    let unknown = format!("{}-00000000-00000000", &rid[..8]);
    assert_eq!(get(&account, json!(unknown)).await.errcode(), 76001);
    for bad in [
        json!("x"),
        json!(null),
        json!(7),
        json!("6b02c1a0-zzzzzzzz-00000000"),
    ] {
        assert_eq!(get(&account, bad).await.errcode(), 76002);
    }
    server
        .at("2026-11-29T10:00:01+08:00", &mut [&mut account, &mut other])
        .await;
    assert_eq!(get(&account, json!(rid)).await.errcode(), 76004);
}

#[tokio::test]
async fn groups_are_tags_of_which_a_follower_has_one() {
    let server = Server::start();
    let account = server.service().await;
    let call = async |path: &str, body: Value| server.call(&account, &format!("groups/{path}"), body).await;
    insta::assert_snapshot!(
        call("create", json!({"group": {"name": "test"}})).await.text(),
        @r#"{"group":{"id":101,"name":"test"}}"#
    );
    let follower = |n: usize| account.open_ids[n].clone();
    let group_of = async |n: usize| {
        let answer = call("getid", json!({"openid": follower(n)})).await.json();
        let info = format!(
            "/cgi-bin/user/info?access_token={}&openid={}",
            account.token,
            follower(n)
        );
        let info = server.get(&info).await.json();
        (answer["groupid"].as_i64(), info["groupid"].as_i64())
    };
    assert_eq!(group_of(0).await, (Some(100), Some(100)));
    assert_eq!(group_of(1).await, (Some(0), Some(0)));
    let list = json!({"openid_list": [follower(0), follower(1)], "to_groupid": "101"});
    assert_eq!(call("members/batchupdate", list).await.errcode(), 0);
    assert_eq!(group_of(0).await, (Some(101), Some(101)));
    assert_eq!(group_of(1).await, (Some(101), Some(101)));
    let move_to = async |n: usize, group: Value| {
        let body = json!({"openid": follower(n), "to_groupid": group});
        call("members/update", body).await.errcode()
    };
    assert_eq!(move_to(0, json!(2)).await, 0);
    assert_eq!(group_of(0).await, (Some(2), Some(2)));
    assert_eq!(move_to(1, json!(1)).await, 0);
    assert_eq!(group_of(1).await.0, Some(1));
    assert_eq!(move_to(3, json!(0)).await, 0);
    let groups = server
        .get(&format!("/cgi-bin/groups/get?access_token={}", account.token))
        .await;
    insta::assert_snapshot!(
        groups.text(),
        @r#"{"groups":[{"id":0,"name":"未分组","count":4},{"id":1,"name":"黑名单","count":1},{"id":2,"name":"星标组","count":1},{"id":100,"name":"even","count":4},{"id":101,"name":"test","count":0}]}"#
    );
    assert_eq!(move_to(1, json!(101)).await, 0);
    assert_eq!(
        group_of(1).await.0,
        Some(101),
        "moving out of group 1 ends the blacklisting"
    );
    let rename = json!({"group": {"id": 101, "name": "朋友"}});
    insta::assert_snapshot!(call("update", rename).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    assert_eq!(call("delete", json!({"group": {"id": 101}})).await.errcode(), 0);
    assert_eq!(group_of(1).await.0, Some(0));
}

#[tokio::test]
async fn groups_have_their_own_errcodes() {
    let server = Server::start();
    let account = server.service().await;
    let other = server.service().await;
    let check = async |path: &str, body: Value, expected: i64| {
        let answer = server
            .call(&account, &format!("groups/{path}"), body.clone())
            .await;
        assert_eq!(answer.errcode(), expected, "{path} {body}");
    };
    let name = |name: &str| json!({"group": {"name": name}});
    check("create", name("even"), 40051).await;
    check("create", name(" "), 40051).await;
    check("create", name(&"组".repeat(31)), 45017).await;
    check("create", json!({}), 40035).await;
    check("update", json!({"group": {"id": 999, "name": "x"}}), 40152).await;
    check("update", json!({"group": {"id": 1, "name": "x"}}), 45016).await;
    check("delete", json!({"group": {"id": 2}}), 45016).await;
    check("delete", json!({"group": {"name": "even"}}), 40152).await;
    let to = |open_id: &str, group: i64| json!({"openid": open_id, "to_groupid": group});
    check("members/update", to(&account.open_ids[0], 999), 40152).await;
    check("members/update", to(&other.open_ids[0], 100), 40003).await;
    check("members/update", json!({"to_groupid": 100}), 41009).await;
    check("members/update", json!({"openid": account.open_ids[0]}), 40152).await;
    let many = vec![account.open_ids[0].clone(); 51];
    check(
        "members/batchupdate",
        json!({"openid_list": many, "to_groupid": 100}),
        40032,
    )
    .await;
    check("getid", json!({"openid": other.open_ids[0]}), 40003).await;
    check("getid", json!({}), 41009).await;
    for number in 1..100 {
        let answer = server
            .call(&account, "groups/create", name(&format!("组{number}")))
            .await;
        assert!(answer.json()["group"]["id"].is_i64());
    }
    check("create", name("一个太多"), 45018).await;
    let post = Request::put("/cgi-bin/groups/get")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(server.send(post).await.errcode(), 43001);
}

#[tokio::test]
async fn l20_a_body_with_a_group_id_is_sent_to_that_tag() {
    let server = Server::start();
    let account = server.service().await;
    for (number, group) in [json!("100"), json!(100)].into_iter().enumerate() {
        let body = json!({"filter": {"group_id": group}, "msgtype": "text", "text": {"content": format!("旧{number}")}});
        assert_eq!(code(&server, &account, "message/mass/sendall", body).await, 0);
    }
    server.deliver().await;
    assert_eq!(crate::reading::inbox(&server, &account, 0).await.len(), 2);
    assert!(crate::reading::inbox(&server, &account, 1).await.is_empty());
    let body = json!({"filter": {"group_id": 999}, "msgtype": "text", "text": {"content": "无"}});
    assert_eq!(code(&server, &account, "message/mass/sendall", body).await, 40152);
}
