//! L18, L19: tokens, and the limits of tags and lists (spec accounts §1, §7, §9).

use crate::{
    common::{SERVICE, TestAccount, TestServer, refused},
    help::string,
};
use serde_json::{Value, json};

const TAGGING: &str = "/cgi-bin/tags/members/batchtagging";
const BLACKLIST: &str = "/cgi-bin/tags/members/batchblacklist";
const BATCHGET: &str = "/cgi-bin/user/info/batchget";

#[tokio::test]
async fn l18_tokens_live_two_hours_and_the_old_one_five_minutes_beside_the_new() {
    let server = TestServer::start().await;
    let old = server.account(SERVICE).await;
    let new = server.account(SERVICE).await;
    assert_ne!(old.token, new.token);
    let works = async |account: &TestAccount<'_>| account.get("/cgi-bin/tags/get").await;
    server.advance(299).await;
    assert!(works(&old).await["tags"].is_array());
    server.advance(2).await;
    refused(&works(&old).await, 40001);
    assert!(works(&new).await["tags"].is_array());
    server.advance(7_200 - 301 - 1).await;
    assert!(works(&new).await["tags"].is_array());
    server.advance(1).await;
    refused(&works(&new).await, 42001);

    let secret = "00000000000000000000000000000001";
    let stable = async |force: bool| {
        let body = json!({"grant_type": "client_credential", "appid": SERVICE, "secret": secret,
            "force_refresh": force});
        server.post("/cgi-bin/stable_token", body.to_string()).await
    };
    let first = stable(false).await;
    server.advance(1_000).await;
    let plain = server.account(SERVICE).await;
    let second = stable(false).await;
    assert_eq!(
        first["access_token"], second["access_token"],
        "unchanged on repeat"
    );
    assert_eq!(
        (&first["expires_in"], &second["expires_in"]),
        (&json!(7_200), &json!(6_200))
    );
    let by_stable = TestAccount {
        server: &server,
        app_id: SERVICE.into(),
        token: string(&first["access_token"]),
    };
    assert!(works(&by_stable).await["tags"].is_array(), "beside a plain one");
    let forced = stable(true).await;
    assert_ne!(forced["access_token"], first["access_token"]);
    refused(&works(&by_stable).await, 40001);
    assert!(
        works(&plain).await["tags"].is_array(),
        "plain ones are another matter"
    );
}

#[tokio::test]
async fn l19_tag_user_and_blacklist_calls_take_fifty_a_hundred_and_twenty() {
    let server = TestServer::with_followers(110).await;
    let account = server.account(SERVICE).await;
    let all = account.open_ids(101).await;
    let tagging = async |count: usize| {
        account
            .call(TAGGING, json!({"openid_list": all[..count], "tagid": 102}))
            .await
    };
    assert_eq!(tagging(50).await["errcode"], 0);
    refused(&tagging(51).await, 40032);
    refused(&tagging(0).await, 40032);
    let list = |count: usize| -> Vec<Value> { all[..count].iter().map(|id| json!({"openid": id})).collect() };
    let infos = account.call(BATCHGET, json!({"user_list": list(100)})).await;
    assert_eq!(
        infos["user_info_list"].as_array().map(Vec::len),
        Some(100),
        "{infos}"
    );
    refused(
        &account.call(BATCHGET, json!({"user_list": list(101)})).await,
        40032,
    );
    let ban = async |count: usize| {
        account
            .call(BLACKLIST, json!({"openid_list": all[..count]}))
            .await
    };
    refused(&ban(21).await, 40032);
    let nobody = account
        .call("/cgi-bin/tags/members/getblacklist", json!({"begin_openid": ""}))
        .await;
    assert_eq!(nobody["total"], 0, "nothing half done: {nobody}");
    assert_eq!(ban(20).await["errcode"], 0);
    let banned = account
        .call("/cgi-bin/tags/members/getblacklist", json!({"begin_openid": ""}))
        .await;
    assert_eq!(banned["total"], 20);
}

#[tokio::test]
async fn l19_an_account_has_a_hundred_tags_and_a_follower_twenty() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut ids = vec![100, 101, 102];
    for number in 4..=100 {
        let body = json!({"tag": {"name": format!("标签{number}")}});
        let answer = account.call("/cgi-bin/tags/create", body).await;
        ids.push(answer["tag"]["id"].as_i64().unwrap_or_else(|| panic!("{answer}")));
    }
    let one_more = json!({"tag": {"name": "第一百零一"}});
    refused(&account.call("/cgi-bin/tags/create", one_more).await, 45056);
    // Follower 1 carries none of the sandbox's tags.
    let open_id = account.open_id(1).await;
    let tag = async |id: i64| {
        account
            .call(TAGGING, json!({"openid_list": [open_id], "tagid": id}))
            .await
    };
    for id in &ids[..20] {
        assert_eq!(tag(*id).await["errcode"], 0);
    }
    refused(&tag(ids[20]).await, 45059);
    let list = account
        .call("/cgi-bin/tags/getidlist", json!({"openid": open_id}))
        .await;
    assert_eq!(list["tagid_list"].as_array().map(Vec::len), Some(20));
    let long = json!({"tag": {"id": ids[5], "name": "长".repeat(31)}});
    refused(&account.call("/cgi-bin/tags/update", long).await, 45158);
}
