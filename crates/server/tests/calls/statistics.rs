//! Reads, counted by times and people, and what accounts are told of them.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    harness::{Account, Server},
    media::news,
    reading::{inbox, local, token},
};

/// The `msg_data_id` of a news sent to all, and its page.
async fn sent(server: &Server, account: &Account) -> (i64, String) {
    let media = news(server, account, "<p>正文</p>").await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": media["media_id"]}});
    let sent = server.call(account, "message/mass/sendall", body).await.json();
    server.deliver().await;
    let entry = inbox(server, account, 0).await.swap_remove(0);
    let id = sent["msg_data_id"].as_i64().expect("a number");
    (id, local(&entry["url"]))
}

async fn load(server: &Server, url: &str, method: Method, token: Option<&str>) -> StatusCode {
    let mut request = Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    server.send(request).await.status
}

async fn read_as(server: &Server, account: &Account, follower: usize, url: &str) {
    let token = token(server, account, follower).await;
    assert_eq!(load(server, url, Method::GET, Some(&token)).await, StatusCode::OK);
}

async fn cube(server: &Server, account: &Account, path: &str, first: &str, last: &str) -> String {
    let uri = format!("/datacube/{path}?access_token={}", account.token);
    let body = json!({"begin_date": first, "end_date": last});
    server.post(&uri, body.to_string()).await.text()
}

async fn code(server: &Server, account: &Account, path: &str, first: &str, last: &str) -> Value {
    let text = cube(server, account, path, first, last).await;
    let json: Value = serde_json::from_str(&text).expect("JSON");
    json["errcode"].clone()
}

#[tokio::test]
async fn s084_a_row_of_the_statistics_is_named_by_the_msg_data_id_of_its_send() {
    let server = Server::start();
    let mut account = server.service().await;
    let (id, url) = sent(&server, &account).await;
    for follower in [0, 1, 1] {
        read_as(&server, &account, follower, &url).await;
    }
    assert_eq!(load(&server, &url, Method::GET, None).await, StatusCode::OK);
    // A look at the headers is no read.
    assert_eq!(load(&server, &url, Method::HEAD, None).await, StatusCode::OK);
    server.at("2026-11-23T14:30:00+08:00", &mut [&mut account]).await;
    read_as(&server, &account, 1, &url).await;
    read_as(&server, &account, 2, &url).await;
    server.at("2026-11-24T08:00:00+08:00", &mut [&mut account]).await;
    let summary = cube(&server, &account, "getarticlesummary", "2026-11-22", "2026-11-22").await;
    assert!(summary.contains(&format!(r#""msgid":"{id}_1""#)));
    insta::assert_snapshot!(
        summary,
        @r#"{"list":[{"ref_date":"2026-11-22","msgid":"1000000001_1","title":"春天","int_page_read_user":2,"int_page_read_count":4,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0}]}"#
    );
    insta::assert_snapshot!(
        cube(&server, &account, "getarticletotal", "2026-11-22", "2026-11-22").await,
        @r#"{"list":[{"ref_date":"2026-11-22","msgid":"1000000001_1","title":"春天","details":[{"stat_date":"2026-11-22","target_user":10,"int_page_read_user":2,"int_page_read_count":4,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0,"int_page_from_session_read_user":2,"int_page_from_session_read_count":3,"int_page_from_hist_msg_read_user":0,"int_page_from_hist_msg_read_count":0,"int_page_from_feed_read_user":0,"int_page_from_feed_read_count":0,"int_page_from_friends_read_user":0,"int_page_from_friends_read_count":0,"int_page_from_other_read_user":0,"int_page_from_other_read_count":1,"int_page_from_kanyikan_read_user":0,"int_page_from_kanyikan_read_count":0,"int_page_from_souyisou_read_user":0,"int_page_from_souyisou_read_count":0,"feed_share_from_session_user":0,"feed_share_from_session_cnt":0,"feed_share_from_feed_user":0,"feed_share_from_feed_cnt":0,"feed_share_from_other_user":0,"feed_share_from_other_cnt":0},{"stat_date":"2026-11-23","target_user":10,"int_page_read_user":3,"int_page_read_count":6,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0,"int_page_from_session_read_user":3,"int_page_from_session_read_count":5,"int_page_from_hist_msg_read_user":0,"int_page_from_hist_msg_read_count":0,"int_page_from_feed_read_user":0,"int_page_from_feed_read_count":0,"int_page_from_friends_read_user":0,"int_page_from_friends_read_count":0,"int_page_from_other_read_user":0,"int_page_from_other_read_count":1,"int_page_from_kanyikan_read_user":0,"int_page_from_kanyikan_read_count":0,"int_page_from_souyisou_read_user":0,"int_page_from_souyisou_read_count":0,"feed_share_from_session_user":0,"feed_share_from_session_cnt":0,"feed_share_from_feed_user":0,"feed_share_from_feed_cnt":0,"feed_share_from_other_user":0,"feed_share_from_other_cnt":0}]}]}"#
    );
    insta::assert_snapshot!(
        cube(&server, &account, "getuserread", "2026-11-22", "2026-11-23").await,
        @r#"{"list":[{"ref_date":"2026-11-22","user_source":99999999,"int_page_read_user":2,"int_page_read_count":4,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0},{"ref_date":"2026-11-22","user_source":0,"int_page_read_user":2,"int_page_read_count":3,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0},{"ref_date":"2026-11-22","user_source":5,"int_page_read_user":0,"int_page_read_count":1,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0},{"ref_date":"2026-11-23","user_source":99999999,"int_page_read_user":2,"int_page_read_count":2,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0},{"ref_date":"2026-11-23","user_source":0,"int_page_read_user":2,"int_page_read_count":2,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0}]}"#
    );
    insta::assert_snapshot!(
        cube(&server, &account, "getuserreadhour", "2026-11-23", "2026-11-23").await,
        @r#"{"list":[{"ref_date":"2026-11-23","ref_hour":1400,"user_source":99999999,"int_page_read_user":2,"int_page_read_count":2,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0},{"ref_date":"2026-11-23","ref_hour":1400,"user_source":0,"int_page_read_user":2,"int_page_read_count":2,"ori_page_read_user":0,"ori_page_read_count":0,"share_user":0,"share_count":0,"add_to_fav_user":0,"add_to_fav_count":0}]}"#
    );
    insta::assert_snapshot!(
        cube(&server, &account, "getusershare", "2026-11-22", "2026-11-23").await,
        @r#"{"list":[]}"#
    );
    server.at("2026-12-10T08:00:00+08:00", &mut [&mut account]).await;
    read_as(&server, &account, 3, &url).await;
    let total = cube(&server, &account, "getarticletotal", "2026-11-22", "2026-11-22").await;
    let total: Value = serde_json::from_str(&total).expect("JSON");
    let details = total["list"][0]["details"].as_array().expect("a list");
    assert_eq!(details.len(), 7, "seven days and no more");
    assert_eq!(details[6]["int_page_read_user"], 3);
}

#[tokio::test]
async fn a_person_is_counted_once_however_the_reader_says_so() {
    let server = Server::start();
    let mut account = server.service().await;
    let other = server.service().await;
    let (_, url) = sent(&server, &account).await;
    // A page loaded without a name, and its reader said afterwards; twice, which changes nothing.
    assert_eq!(load(&server, &url, Method::GET, None).await, StatusCode::OK);
    let entry = inbox(&server, &account, 4).await.swap_remove(0);
    let own = token(&server, &account, 4).await;
    let reads = |token: &str| {
        format!(
            "/inbox/entries/{}/reads?token={token}",
            entry["id"].as_str().expect("an id")
        )
    };
    for _ in 0..2 {
        assert_eq!(
            server.post(&reads(&own), "{}").await.status,
            StatusCode::NO_CONTENT
        );
    }
    assert_eq!(
        server.post(&reads(&own), r#"{"index":2}"#).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        server.post(&reads(&own), r#"{"x":2}"#).await.status,
        StatusCode::BAD_REQUEST
    );
    let foreign = token(&server, &other, 4).await;
    assert_eq!(
        server.post(&reads(&foreign), "{}").await.status,
        StatusCode::NOT_FOUND
    );
    // SEC1: a reader of another account is nobody here; so is a token that is none. Both still read.
    for token in [foreign.as_str(), "nonsense"] {
        assert_eq!(
            load(&server, &url, Method::GET, Some(token)).await,
            StatusCode::OK
        );
    }
    server.at("2026-11-23T09:00:00+08:00", &mut [&mut account]).await;
    let text = cube(&server, &account, "getarticlesummary", "2026-11-22", "2026-11-22").await;
    let figures: Value = serde_json::from_str(&text).expect("JSON");
    let row = &figures["list"][0];
    assert_eq!(
        (&row["int_page_read_user"], &row["int_page_read_count"]),
        (&json!(1), &json!(3))
    );
}

#[tokio::test]
async fn only_pages_that_exist_for_everybody_are_counted() {
    let server = Server::start();
    let mut account = server.service().await;
    let media = news(&server, &account, "<p>预览</p>").await;
    let preview = json!({"touser": account.open_ids[0], "msgtype": "mpnews", "mpnews": {"media_id": media["media_id"]}});
    assert_eq!(
        server
            .call(&account, "message/mass/preview", preview)
            .await
            .errcode(),
        0
    );
    let entry = inbox(&server, &account, 0).await.swap_remove(0);
    read_as(&server, &account, 0, &local(&entry["url"])).await;
    let reads = format!(
        "/inbox/entries/{}/reads?token={}",
        entry["id"].as_str().expect("an id"),
        token(&server, &account, 0).await
    );
    assert_eq!(server.post(&reads, "{}").await.status, StatusCode::NOT_FOUND);
    let (_, url) = sent(&server, &account).await;
    let entry = inbox(&server, &account, 1).await.swap_remove(0);
    let deleted = json!({"msg_id": entry["msg_id"]});
    assert_eq!(
        server
            .call(&account, "message/mass/delete", deleted)
            .await
            .errcode(),
        0
    );
    read_as(&server, &account, 1, &url).await;
    server.at("2026-11-23T09:00:00+08:00", &mut [&mut account]).await;
    insta::assert_snapshot!(
        cube(&server, &account, "getarticlesummary", "2026-11-22", "2026-11-22").await,
        @r#"{"list":[]}"#
    );
}

#[tokio::test]
async fn days_have_their_spans_and_errcodes() {
    let server = Server::start();
    let mut account = server.service().await;
    for (path, days) in [
        ("getarticlesummary", 1),
        ("getarticletotal", 1),
        ("getuserread", 3),
        ("getuserreadhour", 1),
        ("getusershare", 7),
        ("getusersharehour", 1),
        ("getusersummary", 7),
        ("getusercumulate", 7),
    ] {
        let first = |days: i32| format!("2026-11-{}", 22 - days);
        let none = json!(null);
        assert_eq!(
            code(&server, &account, path, &first(days), "2026-11-21").await,
            none,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, &first(days + 1), "2026-11-21").await,
            61501,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, "2026-11-22", "2026-11-22").await,
            61501,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, "2026-11-21", "2026-11-20").await,
            61501,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, "2026-11-2", "2026-11-20").await,
            61500,
            "{path}"
        );
        assert_eq!(
            code(&server, &account, path, "", "2026-11-20").await,
            61500,
            "{path}"
        );
    }
    server.at("2026-11-23T07:59:59+08:00", &mut [&mut account]).await;
    assert_eq!(
        code(&server, &account, "getuserread", "2026-11-22", "2026-11-22").await,
        61503
    );
    server.at("2026-11-23T08:00:00+08:00", &mut [&mut account]).await;
    assert_eq!(
        code(&server, &account, "getuserread", "2026-11-22", "2026-11-22").await,
        json!(null)
    );
    assert_eq!(server.get("/datacube/getuserread").await.errcode(), 43002);
    assert_eq!(server.post("/datacube/getuserread", "{}").await.errcode(), 41001);
}

#[tokio::test]
async fn who_came_and_who_left_adds_up_to_who_is_there() {
    let server = Server::start();
    let mut account = server.service().await;
    let change = async |account: &Account, n: usize, what: &str| {
        let uri = format!(
            "/v1/accounts/{}/followers/{}/{what}",
            account.appid, account.open_ids[n]
        );
        assert_eq!(server.native(Method::POST, &uri, "").await.status, StatusCode::OK);
    };
    // Repeated, it changes nothing.
    for n in [0, 0, 1] {
        change(&account, n, "unsubscribe").await;
    }
    server.at("2026-11-23T00:00:00+08:00", &mut [&mut account]).await;
    for n in [0, 0, 2] {
        change(&account, n, "subscribe").await;
    }
    change(&account, 3, "unsubscribe").await;
    server.at("2026-11-25T08:00:00+08:00", &mut [&mut account]).await;
    change(&account, 4, "unsubscribe").await;
    insta::assert_snapshot!(
        cube(&server, &account, "getusersummary", "2026-11-21", "2026-11-24").await,
        @r#"{"list":[{"ref_date":"2026-11-21","user_source":0,"new_user":0,"cancel_user":0},{"ref_date":"2026-11-22","user_source":0,"new_user":10,"cancel_user":2},{"ref_date":"2026-11-23","user_source":0,"new_user":1,"cancel_user":1},{"ref_date":"2026-11-24","user_source":0,"new_user":0,"cancel_user":0}]}"#
    );
    insta::assert_snapshot!(
        cube(&server, &account, "getusercumulate", "2026-11-21", "2026-11-24").await,
        @r#"{"list":[{"ref_date":"2026-11-21","cumulate_user":0},{"ref_date":"2026-11-22","cumulate_user":8},{"ref_date":"2026-11-23","cumulate_user":8},{"ref_date":"2026-11-24","cumulate_user":8}]}"#
    );
}
