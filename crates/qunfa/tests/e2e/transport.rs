//! The rules around every call: methods, paths, bodies, tokens.

use crate::common::{SERVICE, SUBSCRIPTION, TestServer, UNVERIFIED, files, refused};
use reqwest::Method;
use serde_json::json;

const POSTS: [&str; 18] = [
    "/cgi-bin/stable_token",
    "/cgi-bin/media/upload",
    "/cgi-bin/media/uploadimg",
    "/cgi-bin/media/uploadnews",
    "/cgi-bin/media/uploadvideo",
    "/cgi-bin/message/mass/sendall",
    "/cgi-bin/message/mass/send",
    "/cgi-bin/message/mass/preview",
    "/cgi-bin/message/mass/get",
    "/cgi-bin/message/mass/delete",
    "/cgi-bin/message/mass/speed/set",
    "/cgi-bin/tags/create",
    "/cgi-bin/tags/update",
    "/cgi-bin/tags/delete",
    "/cgi-bin/tags/members/batchtagging",
    "/cgi-bin/tags/getidlist",
    "/cgi-bin/user/info/batchget",
    "/cgi-bin/user/info/updateremark",
];

#[tokio::test]
async fn l21_wrong_methods_paths_and_bodies_have_their_codes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for path in POSTS {
        refused(&server.get(path).await, 43002);
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            refused(&server.api(server.request(method, path)).await, 43002);
        }
    }
    for path in [
        "/cgi-bin/nothing",
        "/cgi-bin/",
        "/datacube/nothing",
        "/cgi-bin/message/mass/sendall/x",
    ] {
        refused(&server.get(path).await, 40066);
        refused(&server.post(path, "{}").await, 40066);
    }
    for path in &POSTS[3..] {
        refused(&account.server.post(&account.path(path), "").await, 44002);
        for wrong in ["{", "[]", "null", "5", "\"x\"", "{\"a\":}", "a=b", "\u{feff}"] {
            let answer = server.post(&account.path(path), wrong.to_owned()).await;
            let code = answer["errcode"].as_i64();
            assert!(
                code == Some(47001) || (wrong == "\u{feff}" && code == Some(44002)),
                "{path} {wrong:?}: {answer}"
            );
        }
        refused(
            &server
                .post(&account.path(path), vec![0x7b, 0xff, 0xfe, 0x7d])
                .await,
            47001,
        );
        let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        refused(&server.post(&account.path(path), deep).await, 47001);
    }
}

#[tokio::test]
async fn s037_tokens_are_asked_for_before_anything_else() {
    let server = TestServer::start().await;
    for path in POSTS.iter().skip(1) {
        refused(&server.post(path, "{").await, 41001);
        refused(&server.post(&format!("{path}?access_token="), "{").await, 41001);
        for wrong in ["x", "wrong token", &"a".repeat(600), "%00", "中文"] {
            refused(
                &server.post(&format!("{path}?access_token={wrong}"), "{").await,
                40001,
            );
        }
        let in_body = server.post(path, json!({"access_token": "x"}).to_string()).await;
        refused(&in_body, 41001);
    }
}

#[tokio::test]
async fn l18_an_old_token_works_five_minutes_more_and_a_stable_one_stays() {
    let server = TestServer::start().await;
    let old = server.account(SERVICE).await;
    let new = server.account(SERVICE).await;
    assert_ne!(old.token, new.token);
    let tags = "/cgi-bin/tags/get";
    server.advance(299).await;
    assert!(old.get(tags).await["tags"].is_array());
    server.advance(1).await;
    refused(&old.get(tags).await, 40001);
    assert!(new.get(tags).await["tags"].is_array());
    server.advance(6_901).await;
    let expired = new.get(tags).await;
    refused(&expired, 42001);
    assert!(
        expired["errmsg"]
            .as_str()
            .unwrap()
            .contains("access_token expired")
    );

    let ask = json!({"grant_type": "client_credential", "appid": SERVICE, "secret": "00000000000000000000000000000001"});
    let first = server.post("/cgi-bin/stable_token", ask.to_string()).await;
    server.advance(1_000).await;
    let again = server.post("/cgi-bin/stable_token", ask.to_string()).await;
    assert_eq!(first["access_token"], again["access_token"]);
    assert_eq!(again["expires_in"], 6_200, "what remains");
    let mut forced = ask;
    forced["force_refresh"] = json!(true);
    let fresh = server.post("/cgi-bin/stable_token", forced.to_string()).await;
    assert_ne!(fresh["access_token"], first["access_token"]);
    let dead = format!("{tags}?access_token={}", first["access_token"].as_str().unwrap());
    refused(&server.get(&dead).await, 40001);
}

#[tokio::test]
async fn token_calls_check_appid_then_grant_then_secret() {
    let server = TestServer::start().await;
    let secret = "00000000000000000000000000000001";
    let token = async |query: &str| server.get(&format!("/cgi-bin/token?{query}")).await;
    refused(&token("").await, 41002);
    refused(&token("appid=wx1").await, 40013);
    refused(&token(&format!("appid={SERVICE}")).await, 40002);
    refused(
        &token(&format!("appid={SERVICE}&grant_type=client_credential")).await,
        41004,
    );
    refused(
        &token(&format!("appid={SERVICE}&grant_type=client_credential&secret=x")).await,
        40125,
    );
    refused(
        &token(&format!(
            "appid={SUBSCRIPTION}&grant_type=client_credential&secret={secret}"
        ))
        .await,
        40125,
    );
    let good = token(&format!(
        "secret={secret}&appid={SERVICE}&grant_type=client_credential"
    ))
    .await;
    assert_eq!(good["expires_in"], 7200);
    assert!(good.get("errcode").is_none());
    assert!(
        good["access_token"]
            .as_str()
            .is_some_and(|token| token.len() <= 160)
    );
}

#[tokio::test]
async fn sloppy_input_is_understood() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let bodies = [
        r#"{"filter":{"is_to_all":false,"tag_id":100},"text":{"content":"1"},"msgtype":"text"}"#,
        r#"{"filter":{"tag_id":"100"},"text":{"content":"2"},"msgtype":"text","clientmsgid":null}"#,
        r#"{"filter":{"group_id":100,"is_to_all":false},"text":{"content":"3"},"msgtype":"text","clientmsgid":""}"#,
        r#"{"msgtype":"text","text":{"content":"4"},"filter":{"tag_id":null,"is_to_all":"true"},"extra":{"a":[1]}}"#,
        "\u{feff}{\"filter\":{\"group_id\":\"100\",\"is_to_all\":0},\"text\":{\"content\":\"5\"},\"msgtype\":\"text\"}\n",
        r#"{"filter":{"is_to_all":1},"text":{"content":"中文"},"msgtype":"text","send_ignore_reprint":"0"}"#,
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let path = account.path(if number % 2 == 0 {
            "//cgi-bin//message/mass/sendall"
        } else {
            "/cgi-bin/message/mass/sendall/"
        });
        let content_type = [
            "text/xml",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
        ][number % 3];
        let request = server
            .request(Method::POST, &path)
            .header("content-type", content_type)
            .body(body);
        crate::common::accepted(&server.api(request).await);
    }
    for nobody in [
        json!({"is_to_all": false}),
        json!({}),
        json!({"tag_id": ""}),
        json!({"tag_id": "x"}),
    ] {
        let body = json!({"filter": nobody, "text": {"content": "nobody"}, "msgtype": "text"});
        refused(&account.call("/cgi-bin/message/mass/sendall", body).await, 40152);
    }
    let none = json!({"text": {"content": "nobody"}, "msgtype": "text"});
    refused(&account.call("/cgi-bin/message/mass/sendall", none).await, 40035);
}

#[tokio::test]
async fn bad_fields_of_a_mass_have_their_codes_and_nothing_is_sent() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    account
        .quota(json!({"calls_per_minute": null, "calls_per_day": null}))
        .await;
    let image = account
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
        .await;
    let foreign = server.account(UNVERIFIED).await;
    let theirs = foreign
        .upload("/cgi-bin/media/upload?type=image", files::png(9, 9), "b.png")
        .await;
    let cases = [
        (json!({"msgtype": "news", "news": {"media_id": "x"}}), 40008),
        (json!({"text": {"content": "x"}}), 40008),
        (json!({"msgtype": "text"}), 40008),
        (json!({"msgtype": "text", "text": 5}), 40008),
        (json!({"msgtype": "text", "text": {}}), 44004),
        (json!({"msgtype": "text", "text": {"content": ""}}), 44004),
        (
            json!({"msgtype": "text", "text": {"content": "长".repeat(683)}}),
            45002,
        ),
        (json!({"msgtype": "image", "image": {}}), 40007),
        (json!({"msgtype": "image", "image": {"media_id": 5}}), 40007),
        (
            json!({"msgtype": "image", "image": {"media_id": theirs["media_id"]}}),
            40007,
        ),
        (
            json!({"msgtype": "voice", "voice": {"media_id": image["media_id"]}}),
            40007,
        ),
        (
            json!({"msgtype": "mpvideo", "mpvideo": {"media_id": image["media_id"]}}),
            40007,
        ),
        (
            json!({"msgtype": "mpnews", "mpnews": {"media_id": image["media_id"]}}),
            40007,
        ),
        (json!({"msgtype": "mpnews", "mpnews": {"msg_data_id": 1}}), 40007),
        (json!({"msgtype": ["text"], "text": {"content": "x"}}), 40008),
    ];
    for (mut body, code) in cases {
        body["filter"] = json!({"is_to_all": true});
        refused(
            &account.call("/cgi-bin/message/mass/sendall", body.clone()).await,
            code,
        );
        body["touser"] = json!([account.open_id(0).await, account.open_id(1).await]);
        refused(&account.call("/cgi-bin/message/mass/send", body).await, code);
    }
    let lists = [
        (json!([]), 40130),
        (json!(["x"]), 40130),
        (json!("x"), 40031),
        (json!([1, {"a": 2}]), 40031),
        (json!(null), 40130),
        (json!(["x", "y"]), 40003),
        (json!(vec!["x"; 10_001]), 40032),
    ];
    for (touser, code) in lists {
        let body = json!({"touser": touser, "msgtype": "text", "text": {"content": "x"}});
        refused(&account.call("/cgi-bin/message/mass/send", body).await, code);
    }
    server.settle().await;
    assert!(account.inbox(&account.open_id(0).await).await.is_empty());
    let (_, usage) = server
        .native(Method::GET, &format!("/v1/accounts/{SERVICE}/usage"), None)
        .await;
    assert_eq!(usage["sends_today"], 0, "{usage}");
}

#[tokio::test]
async fn s033_uploads_are_judged_by_their_bytes() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let image = "/cgi-bin/media/uploadimg";
    let (jpeg, png) = (files::jpeg(30, 20), files::png(30, 20));
    for (bytes, name) in [
        (jpeg.clone(), "a.txt"),
        (png, "a.jpg"),
        (jpeg.clone(), "../../x/%E4%B8%AD.jpg"),
    ] {
        let answer = account.upload(image, bytes.clone(), name).await;
        let url = answer["url"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(answer.get("errcode").is_none(), "s039");
        let back = reqwest::get(url).await.expect("an answer");
        assert_eq!(back.status(), 200);
        assert_eq!(back.bytes().await.expect("bytes"), bytes, "s013");
    }
    refused(
        &account
            .upload(image, b"GIF89a\x01\0\x01\0".to_vec(), "a.jpg")
            .await,
        40005,
    );
    refused(&account.upload(image, b"hello".to_vec(), "a.jpg").await, 40005);
    refused(
        &account
            .upload(image, jpeg[..jpeg.len() / 2].to_vec(), "a.jpg")
            .await,
        40137,
    );
    refused(&account.upload(image, Vec::new(), "a.jpg").await, 44001);
    let mut large = jpeg.clone();
    large.resize(1_048_577, 0);
    refused(&account.upload(image, large, "a.jpg").await, 40009);
    let other = reqwest::multipart::Form::new().part(
        "file",
        reqwest::multipart::Part::bytes(jpeg.clone()).file_name("a"),
    );
    refused(
        &server
            .api(
                server
                    .request(Method::POST, &account.path(image))
                    .multipart(other),
            )
            .await,
        41005,
    );
    refused(&server.post(&account.path(image), "not multipart").await, 41005);
    refused(
        &account
            .upload("/cgi-bin/media/upload?type=film", jpeg.clone(), "a")
            .await,
        40004,
    );
    refused(
        &account
            .upload("/cgi-bin/media/upload?type=voice", jpeg.clone(), "a")
            .await,
        40005,
    );
    let mut thumb = jpeg;
    thumb.resize(64 * 1024 + 1, 0);
    refused(
        &account
            .upload("/cgi-bin/media/upload?type=thumb", thumb, "a")
            .await,
        40012,
    );
}

#[tokio::test]
async fn s045_articles_are_checked_field_by_field() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let cover = account
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a.png")
        .await;
    let article = json!({"title": "标题", "content": "<p>正文</p>", "thumb_media_id": cover["media_id"]});
    let path = "/cgi-bin/media/uploadnews";
    let with = |field: &str, value: serde_json::Value| {
        let mut article = article.clone();
        article[field] = value;
        json!({"articles": [article]})
    };
    let cases = [
        (json!({}), 44003),
        (json!({"articles": []}), 44003),
        (json!({"articles": vec![article.clone(); 9]}), 45008),
        (with("title", json!("")), 40227),
        (with("title", json!("题".repeat(65))), 45003),
        (with("thumb_media_id", json!(null)), 40007),
        (with("thumb_media_id", json!("unknown")), 40007),
        (with("content", json!("")), 44004),
        (with("content", json!("长".repeat(20_000))), 45002),
        (with("author", json!("名".repeat(22))), 40192),
        (with("content_source_url", json!("javascript:alert(1)")), 41039),
        (
            with(
                "content_source_url",
                json!(format!("http://e.org/{}", "a".repeat(1024))),
            ),
            45005,
        ),
        (with("digest", json!("摘".repeat(121))), 45004),
    ];
    for (body, code) in cases {
        let answer = account.call(path, body.clone()).await;
        assert_eq!(
            answer["errcode"],
            code,
            "{answer} for {}",
            &body.to_string()[..body.to_string().len().min(200)]
        );
    }
    for (key, count) in [("articles", 1), ("Articles", 8)] {
        let answer = account
            .call(path, json!({key: vec![article.clone(); count]}))
            .await;
        assert_eq!(answer["type"], "news", "{answer}");
        assert_eq!(answer["created_at"], server.now().seconds());
    }
}

#[tokio::test]
async fn sec01_a_foreign_id_answers_like_an_unknown_one() {
    let server = TestServer::start().await;
    let (ours, theirs) = (server.account(SERVICE).await, server.account(SUBSCRIPTION).await);
    let their_open_id = theirs.open_id(0).await;
    let their_media = theirs
        .upload("/cgi-bin/media/upload?type=image", files::png(8, 8), "a")
        .await;
    let unknown_open_id = format!("o{}", "A".repeat(27));
    for open_id in [their_open_id.as_str(), unknown_open_id.as_str(), "x"] {
        refused(
            &ours.get(&format!("/cgi-bin/user/info?openid={open_id}")).await,
            40003,
        );
        refused(
            &ours
                .call("/cgi-bin/tags/getidlist", json!({"openid": open_id}))
                .await,
            40003,
        );
        let preview = json!({"touser": open_id, "msgtype": "text", "text": {"content": "x"}});
        refused(&ours.call("/cgi-bin/message/mass/preview", preview).await, 40003);
        let remark = json!({"openid": open_id, "remark": "x"});
        refused(&ours.call("/cgi-bin/user/info/updateremark", remark).await, 40003);
        let tagging = json!({"openid_list": [open_id], "tagid": 100});
        refused(
            &ours.call("/cgi-bin/tags/members/batchtagging", tagging).await,
            40003,
        );
    }
    for media in [their_media["media_id"].as_str().unwrap(), "unknown"] {
        refused(
            &ours.get(&format!("/cgi-bin/media/get?media_id={media}")).await,
            40007,
        );
    }
}

#[tokio::test]
async fn the_native_api_wants_its_token_and_known_keys() {
    let server = TestServer::start().await;
    for token in ["", "wrong"] {
        let answer = server
            .request(Method::GET, "/v1/accounts")
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 401);
    }
    let path = format!("/v1/accounts/{SERVICE}");
    for wrong in [
        json!({"kindd": "service"}),
        json!({"quota": {"x": 1}}),
        json!({"quota": {"receipts_per_month": 8}}),
        json!([]),
    ] {
        let (status, answer) = server.native(Method::PATCH, &path, Some(wrong)).await;
        assert_eq!(status, 400, "{answer}");
    }
    for wrong in [
        json!({"advance_seconds": 1, "x": 2}),
        json!({}),
        json!({"set": "2020-01-01T00:00:00+08:00"}),
        json!({"advance_seconds": -5}),
    ] {
        let (status, answer) = server.native(Method::POST, "/sandbox/clock", Some(wrong)).await;
        assert_eq!(status, 400, "{answer}");
    }
    let (status, clock) = server
        .native(
            Method::POST,
            "/sandbox/clock",
            Some(json!({"advance_seconds": 0})),
        )
        .await;
    assert_eq!(
        (status, &clock["now"]),
        (200, &json!("2026-11-22T10:00:00+08:00"))
    );
    let (status, _) = server.native(Method::GET, "/v1/accounts/wx404", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn an_import_says_line_by_line_what_it_could_not_take() {
    let server = TestServer::start().await;
    let csv = "\u{feff}external_id,nickname,remark,language,tags,subscribe_time\r\n\
               new-1,\"小明, \"\"明\"\"\",同学,zh_CN,even;新标签,1700000000\r\n\
               ,无名,,,,\r\n\
               new-2,\"两\n行\",,,,2026-01-01T00:00:00+08:00\r\n\
               new-3,x,,,,yesterday\r\n\
               user-000000001,改名,,,tenth,\r\n\
               new-1,再来,,,,\r\n";
    let answer = server
        .request(Method::POST, &format!("/v1/accounts/{SERVICE}/followers"))
        .bearer_auth("sandbox")
        .header("content-type", "text/csv")
        .body(csv)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(
        (&answer["imported"], &answer["updated"]),
        (&json!(2), &json!(2)),
        "{answer}"
    );
    let lines: Vec<i64> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| e["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [3, 6], "{answer}");
    let account = server.account(SERVICE).await;
    let info = account
        .get(&format!(
            "/cgi-bin/user/info?openid={}",
            account.open_id(10).await
        ))
        .await;
    assert_eq!(
        (&info["nickname"], &info["remark"], &info["subscribe_time"]),
        (&json!("再来"), &json!("同学"), &json!(1_700_000_000))
    );
    let renamed = account
        .get(&format!("/cgi-bin/user/info?openid={}", account.open_id(1).await))
        .await;
    assert_eq!(renamed["nickname"], "改名");
    assert_eq!(renamed["tagid_list"], json!([101]));
}

#[tokio::test]
async fn followers_are_listed_in_pages_that_end() {
    let server = TestServer::with_followers(10_001).await;
    let account = server.account(SERVICE).await;
    let first = account.get("/cgi-bin/user/get").await;
    assert_eq!(
        (&first["total"], &first["count"]),
        (&json!(10_001), &json!(10_000))
    );
    let next = first["next_openid"].as_str().unwrap();
    let second = account
        .get(&format!("/cgi-bin/user/get?next_openid={next}"))
        .await;
    assert_eq!(second["count"], 1);
    let last = second["next_openid"].as_str().unwrap();
    let end = account
        .get(&format!("/cgi-bin/user/get?next_openid={last}"))
        .await;
    assert_eq!(end, json!({"total": 10_001, "count": 0, "next_openid": ""}));
    let tagged = account
        .call("/cgi-bin/user/tag/get", json!({"tagid": 100, "next_openid": ""}))
        .await;
    assert_eq!(tagged["count"], 5_001);
}
