//! Tags, followers, and the walls between accounts.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Server, fixture};

#[tokio::test]
async fn tags_and_followers_answer_as_documented() {
    let server = Server::start();
    let account = server.service().await;
    let tag = server
        .call(&account, "tags/create", json!({"tag": {"name": "广东"}}))
        .await;
    assert_eq!(tag.text(), r#"{"tag":{"id":101,"name":"广东"}}"#);
    let members = json!({"openid_list": &account.open_ids[..2], "tagid": 101});
    assert_eq!(
        server
            .call(&account, "tags/members/batchtagging", members.clone())
            .await
            .text(),
        r#"{"errcode":0,"errmsg":"ok"}"#
    );
    let page = server
        .call(&account, "user/tag/get", json!({"tagid": 101, "next_openid": ""}))
        .await
        .json();
    assert_eq!(page["data"]["openid"], json!(&account.open_ids[..2]));
    let end = server
        .call(
            &account,
            "user/tag/get",
            json!({"tagid": 101, "next_openid": account.open_ids[1]}),
        )
        .await;
    assert_eq!(end.text(), r#"{"count":0}"#);
    let ids = server
        .call(&account, "tags/getidlist", json!({"openid": account.open_ids[0]}))
        .await;
    assert_eq!(ids.text(), r#"{"tagid_list":[100,101]}"#);
    let code = async |path: &str, body: Value| server.call(&account, path, body).await.errcode();
    assert_eq!(code("tags/create", json!({"tag": {"name": "广东"}})).await, 45157);
    assert_eq!(code("tags/create", json!({"tag": {}})).await, 45157);
    assert_eq!(
        code("tags/update", json!({"tag": {"id": 2, "name": "x"}})).await,
        45058
    );
    assert_eq!(
        code(
            "tags/members/batchtagging",
            json!({"openid_list": [account.open_ids[0]], "tagid": 999})
        )
        .await,
        45159
    );
    assert_eq!(
        code(
            "tags/members/batchtagging",
            json!({"openid_list": ["x"], "tagid": 101})
        )
        .await,
        40003
    );
    assert_eq!(
        code(
            "tags/members/batchtagging",
            json!({"openid_list": [], "tagid": 101})
        )
        .await,
        40032
    );
    assert_eq!(code("tags/getidlist", json!({})).await, 41009);
    assert_eq!(code("tags/members/batchuntagging", members).await, 0);
    assert_eq!(code("tags/delete", json!({"tag": {"id": 101}})).await, 0);

    let info = format!(
        "/cgi-bin/user/info?access_token={}&lang=zh_CN&openid=",
        account.token
    );
    let person = server.get(&format!("{info}{}", account.open_ids[0])).await.json();
    assert_eq!(
        (&person["subscribe"], &person["nickname"], &person["groupid"]),
        (&json!(1), &json!("粉丝0"), &json!(100))
    );
    assert_eq!(server.get(&info).await.errcode(), 41009);
    assert_eq!(
        server.get(&format!("{info}o{}", "x".repeat(27))).await.errcode(),
        40003
    );
    let batch = |ids: Value| json!({"user_list": ids});
    let people = server
        .call(
            &account,
            "user/info/batchget",
            batch(json!([{"openid": account.open_ids[1]}])),
        )
        .await
        .json();
    assert_eq!(people["user_info_list"][0]["openid"], json!(account.open_ids[1]));
    assert_eq!(code("user/info/batchget", batch(json!([]))).await, 40032);
    assert_eq!(
        code(
            "user/info/updateremark",
            json!({"openid": account.open_ids[0], "remark": "长".repeat(30)})
        )
        .await,
        40092
    );
    assert_eq!(
        code(
            "user/info/updateremark",
            json!({"openid": account.open_ids[0], "remark": "胖子"})
        )
        .await,
        0
    );
    let end = format!(
        "/cgi-bin/user/get?access_token={}&next_openid={}",
        account.token, account.open_ids[9]
    );
    assert_eq!(
        server.get(&end).await.text(),
        r#"{"total":10,"count":0,"next_openid":""}"#
    );
}

#[tokio::test]
async fn sec01_ids_of_another_account_are_unknown() {
    let server = Server::start();
    let (ours, theirs) = (server.service().await, server.service().await);
    let image = server
        .upload(&theirs, "media/upload?type=image", &fixture("test.jpg"))
        .await
        .json();
    let uri = format!(
        "/cgi-bin/media/get?access_token={}&media_id={}",
        ours.token,
        image["media_id"].as_str().expect("an id")
    );
    assert_eq!(server.get(&uri).await.errcode(), 40007);
    let list = json!({"touser": &theirs.open_ids[..2], "msgtype": "text", "text": {"content": "a"}});
    assert_eq!(
        server.call(&ours, "message/mass/send", list).await.errcode(),
        40003
    );
    let tagging = json!({"openid_list": [theirs.open_ids[0]], "tagid": 100});
    assert_eq!(
        server
            .call(&ours, "tags/members/batchtagging", tagging)
            .await
            .errcode(),
        40003
    );
}

#[tokio::test]
async fn before_2018_a_follower_carries_three_tags() {
    let server = Server::start();
    let account = server.service().await;
    let uri = format!("/v1/accounts/{}", account.appid);
    let then = json!({"compat_date": "2016-09-26"}).to_string();
    assert_eq!(
        server.native(Method::PATCH, &uri, then).await.status,
        StatusCode::OK
    );
    let open_id = &account.open_ids[1];
    let mut codes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let tag = server
            .call(&account, "tags/create", json!({"tag": {"name": name}}))
            .await
            .json();
        let body = json!({"openid_list": [open_id], "tagid": tag["tag"]["id"]});
        codes.push(
            server
                .call(&account, "tags/members/batchtagging", body)
                .await
                .errcode(),
        );
    }
    assert_eq!(codes, [0, 0, 0, 45059]);
    let rows = "external_id,tags\nuser-1,d\nuser-3,a;b;c\nuser-5,a;b;c;d\n";
    let done = server
        .native(Method::POST, &format!("{uri}/followers"), rows)
        .await
        .json();
    assert_eq!(done["updated"], 1, "{done}");
    let now = json!({"compat_date": null}).to_string();
    assert_eq!(
        server.native(Method::PATCH, &uri, now).await.status,
        StatusCode::OK
    );
    let done = server
        .native(Method::POST, &format!("{uri}/followers"), rows)
        .await
        .json();
    assert_eq!(done["updated"], 3, "{done}");
}
