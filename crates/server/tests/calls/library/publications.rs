//! Publications without a mass send, and the walls between accounts.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{added, article, kept, local, pinned};
use crate::harness::Server;

#[tokio::test]
async fn a_draft_is_published_without_reaching_anybody() {
    let server = Server::start();
    let account = server.service().await;
    let draft = kept(&server, &account, "draft/add", 2).await;
    let links = server
        .call(&account, "draft/get", json!({"media_id": draft}))
        .await
        .json();
    let page = local(&links["news_item"][0]["url"]);
    assert_eq!(server.get(&page).await.status, 404, "nothing is public before");
    let submit = async |id: &Value| {
        server
            .call(&account, "freepublish/submit", json!({"media_id": id}))
            .await
    };
    let answer = submit(&draft).await;
    assert_snapshot!(answer.text(), @r#"{"errcode":0,"errmsg":"ok","publish_id":100000001,"msg_data_id":1000000001}"#);
    assert!(server.get(&page).await.text().contains("第1篇的正文"));
    let publish_id = answer.json()["publish_id"].clone();
    let get = async || {
        server
            .call(&account, "freepublish/get", json!({"publish_id": publish_id}))
            .await
    };
    let status = get().await;
    assert_snapshot!(pinned(&status), @r#"{"publish_id":100000001,"publish_status":0,"article_id":"LINK","article_detail":{"count":2,"item":[{"idx":1,"article_url":"http://qunfa.test/s/LINK"},{"idx":2,"article_url":"http://qunfa.test/s/LINK"}]},"fail_idx":[]}"#);
    assert_eq!(
        status.json()["article_detail"]["item"][0]["article_url"],
        links["news_item"][0]["url"]
    );
    assert_eq!(
        submit(&draft).await.errcode(),
        40007,
        "the draft has left the box"
    );
    assert_eq!(
        server
            .call(&account, "draft/get", json!({"media_id": draft}))
            .await
            .errcode(),
        40007
    );
    assert!(crate::reading::inbox(&server, &account, 0).await.is_empty());
    let masses = server
        .native(Method::GET, &format!("/v1/accounts/{}/masses", account.appid), "")
        .await;
    assert_eq!(masses.json()["masses"], json!([]));

    let article_id = status.json()["article_id"].clone();
    let article = async || {
        server
            .call(
                &account,
                "freepublish/getarticle",
                json!({"article_id": article_id}),
            )
            .await
    };
    assert_snapshot!(pinned(&article().await), @r#"{"news_item":[{"article_type":"news","title":"第1篇","author":"李","digest":"第1篇的正文","content":"<p>第1篇的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false},{"article_type":"news","title":"第2篇","author":"李","digest":"第2篇的正文","content":"<p>第2篇的正文</p>","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false}],"create_time":1795312800,"update_time":1795312800}"#);
    let list = async |no_content: u8| {
        let body = json!({"offset": 0, "count": 20, "no_content": no_content});
        server.call(&account, "freepublish/batchget", body).await
    };
    assert_snapshot!(pinned(&list(1).await), @r#"{"total_count":1,"item_count":1,"item":[{"article_id":"LINK","content":{"news_item":[{"article_type":"news","title":"第1篇","author":"李","digest":"第1篇的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false},{"article_type":"news","title":"第2篇","author":"李","digest":"第2篇的正文","content_source_url":"https://example.org/a","thumb_media_id":"ID","show_cover_pic":1,"url":"http://qunfa.test/s/LINK","thumb_url":"http://qunfa.test/mmbiz_jpg/LINK/0?wx_fmt=jpeg","need_open_comment":1,"only_fans_can_comment":0,"is_deleted":false}]},"update_time":1795312800}]}"#);
    let delete = async |index: Value| {
        let body = json!({"article_id": article_id, "index": index});
        server.call(&account, "freepublish/delete", body).await
    };
    assert_eq!(delete(json!(3)).await.errcode(), 40114);
    assert_eq!(delete(json!(-1)).await.errcode(), 40114);
    assert_snapshot!(delete(json!("1")).await.text(), @r#"{"errcode":0,"errmsg":"ok"}"#);
    let deleted: Vec<Value> = article().await.json()["news_item"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["is_deleted"].clone())
        .collect();
    assert_eq!(deleted, [true, false]);
    assert!(server.get(&page).await.text().contains("该内容已被发布者删除"));
    assert_eq!(get().await.json()["publish_status"], 0);
    assert_eq!(list(0).await.json()["total_count"], 1);
    assert_eq!(delete(json!(null)).await.errcode(), 0);
    assert_eq!(delete(json!(0)).await.errcode(), 0, "repeating is fine");
    assert_snapshot!(get().await.text(), @r#"{"publish_id":100000001,"publish_status":5,"fail_idx":[]}"#);
    assert_snapshot!(list(0).await.text(), @r#"{"total_count":0,"item_count":0,"item":[]}"#);
}

#[tokio::test]
async fn a_publication_that_is_none_has_its_errcode() {
    let server = Server::start();
    let account = server.service().await;
    let news = kept(&server, &account, "material/add_news", 1).await;
    let code = async |path: &str, body: Value| server.call(&account, path, body).await.errcode();
    assert_eq!(code("freepublish/submit", json!({})).await, 41006);
    assert_eq!(code("freepublish/submit", json!({"media_id": "x"})).await, 40007);
    assert_eq!(
        code("freepublish/submit", json!({"media_id": news})).await,
        40007,
        "only drafts"
    );
    assert_eq!(code("freepublish/get", json!({})).await, 40035);
    assert_eq!(code("freepublish/get", json!({"publish_id": "x"})).await, 47003);
    assert_eq!(
        code("freepublish/get", json!({"publish_id": 100000001})).await,
        47003
    );
    for path in ["freepublish/getarticle", "freepublish/delete"] {
        assert_eq!(code(path, json!({})).await, 40035);
        assert_eq!(
            code(path, json!({"article_id": "AAAAAAAAAAAAAAAAAAAAAA"})).await,
            53600
        );
        assert_eq!(code(path, json!({"article_id": []})).await, 53600);
    }
    assert_eq!(code("freepublish/batchget", json!({"offset": 0})).await, 45076);
}

#[tokio::test]
async fn sec1_another_accounts_ids_are_unknown_ids() {
    let server = Server::start();
    let (owner, other) = (server.service().await, server.service().await);
    let image = added(&server, &owner, "image", "test.png").await;
    let news = kept(&server, &owner, "material/add_news", 1).await;
    let draft = kept(&server, &owner, "draft/add", 1).await;
    let published = kept(&server, &owner, "draft/add", 1).await;
    let submitted = server
        .call(&owner, "freepublish/submit", json!({"media_id": published}))
        .await
        .json();
    let status = json!({"publish_id": submitted["publish_id"]});
    let article_id = server
        .call(&owner, "freepublish/get", status.clone())
        .await
        .json()["article_id"]
        .clone();
    let code = async |path: &str, body: Value| server.call(&other, path, body).await.errcode();
    for id in [&image, &news] {
        assert_eq!(
            code("material/get_material", json!({"media_id": id})).await,
            40007
        );
        assert_eq!(
            code("material/del_material", json!({"media_id": id})).await,
            40007
        );
    }
    let cover = added(&server, &other, "image", "test.png").await;
    for (path, id) in [("material/update_news", &news), ("draft/update", &draft)] {
        let body = json!({"media_id": id, "index": 0, "articles": article("偷", &cover)});
        assert_eq!(code(path, body).await, 40007);
    }
    for path in ["draft/get", "draft/delete", "freepublish/submit"] {
        assert_eq!(code(path, json!({"media_id": draft})).await, 40007);
    }
    let stolen = json!({"articles": [article("偷", &image)]});
    assert_eq!(code("draft/add", stolen).await, 40007);
    assert_eq!(code("freepublish/get", status).await, 47003);
    for path in ["freepublish/getarticle", "freepublish/delete"] {
        assert_eq!(code(path, json!({"article_id": article_id})).await, 53600);
    }
    for (path, kind) in [
        ("material/batchget_material", "news"),
        ("draft/batchget", ""),
        ("freepublish/batchget", ""),
    ] {
        let body = json!({"type": kind, "offset": 0, "count": 20});
        assert_eq!(server.call(&other, path, body).await.json()["total_count"], 0);
    }
    assert_eq!(
        server
            .call(&owner, "draft/get", json!({"media_id": draft}))
            .await
            .status,
        200
    );
}
