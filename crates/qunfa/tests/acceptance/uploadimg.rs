//! S31–S41: pictures inside articles (spec mass-send §5).

use futures::{StreamExt, stream};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestAccount, TestServer, UNVERIFIED, files, refused},
    help::{
        DAY, DELETE, GET, PREVIEW, SEND, SENDALL, UPLOADIMG, UPLOADNEWS, UPLOADVIDEO, keys,
        made::{bmp, gif, jpeg_of, webp},
        string,
    },
};

#[tokio::test]
async fn s031_verified_accounts_of_both_kinds_upload_pictures_for_articles() {
    let server = TestServer::start().await;
    for app_id in [SUBSCRIPTION, SERVICE] {
        let answer = server
            .account(app_id)
            .await
            .upload(UPLOADIMG, files::png(9, 9), "a.png")
            .await;
        assert!(answer["url"].is_string(), "{answer}");
    }
    let unverified = server.account(UNVERIFIED).await;
    refused(
        &unverified.upload(UPLOADIMG, files::png(9, 9), "a.png").await,
        48001,
    );
    server.change(UNVERIFIED, json!({"verified": true})).await;
    let answer = unverified.upload(UPLOADIMG, files::png(9, 9), "a.png").await;
    assert!(answer["url"].is_string(), "{answer}");
}

#[tokio::test]
async fn s032_pictures_for_articles_do_not_fill_the_library() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let count = async || account.get("/cgi-bin/material/get_materialcount").await["image_count"].clone();
    assert_eq!(count().await, 0);
    for size in 8..13 {
        let answer = account.upload(UPLOADIMG, files::png(size, size), "a.png").await;
        assert!(answer["url"].is_string(), "{answer}");
    }
    assert_eq!(count().await, 0, "unchanged after uploadimg");
    let path = "/cgi-bin/material/add_material?type=image";
    let added = account.upload(path, files::png(8, 8), "a.png").await;
    assert!(added["media_id"].is_string(), "{added}");
    assert_eq!(count().await, 1, "the count does count");
}

#[tokio::test]
async fn s032_pictures_for_articles_are_taken_when_the_library_is_full() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let path = "/cgi-bin/material/add_material?type=image";
    let picture = files::png(1, 1);
    let fill = (0..5_000).map(|_| account.upload(path, picture.clone(), "a.png"));
    let full: Vec<Value> = stream::iter(fill).buffer_unordered(50).collect().await;
    assert!(full.iter().all(|answer| answer["media_id"].is_string()));
    refused(&account.upload(path, picture.clone(), "a.png").await, 45074);
    let answer = account.upload(UPLOADIMG, picture, "a.png").await;
    assert!(answer["url"].is_string(), "{answer}");
}

#[tokio::test]
async fn s033_only_jpeg_and_png_are_taken_whatever_the_name_says() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for (bytes, name) in [
        (files::jpeg(9, 9), "a.jpg"),
        (files::png(9, 9), "a.png"),
        (files::png(9, 9), "a.txt"),
    ] {
        let answer = account.upload(UPLOADIMG, bytes, name).await;
        assert!(answer["url"].is_string(), "{name}: {answer}");
    }
    let text = b"no picture at all, only words".to_vec();
    for (bytes, what) in [(gif(), "gif"), (bmp(), "bmp"), (webp(), "webp"), (text, "txt")] {
        let answer = account.upload(UPLOADIMG, bytes, "a.jpg").await;
        assert_eq!(answer["errcode"], 40005, "{what}: {answer}");
    }
    let mut broken = files::png(9, 9);
    broken.truncate(40);
    refused(&account.upload(UPLOADIMG, broken, "a.png").await, 40137);
}

#[tokio::test]
async fn s034_a_picture_has_at_most_one_mebibyte() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for size in [1_000_000, 1_048_576] {
        let bytes = jpeg_of(size);
        let answer = account.upload(UPLOADIMG, bytes.clone(), "a.jpg").await;
        let (status, _, back) = server.fetch(&answer["url"]).await;
        assert_eq!((status, back.len()), (200, size));
        assert!(back == bytes, "the same bytes");
    }
    for size in [1_048_577, 1_100_000] {
        refused(&account.upload(UPLOADIMG, jpeg_of(size), "a.jpg").await, 40009);
    }
}

#[tokio::test]
async fn s035_a_picture_is_uploaded_with_post() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    refused(&account.get(UPLOADIMG).await, 43002);
    refused(&server.get(UPLOADIMG).await, 43002);
}

#[tokio::test]
async fn s036_the_documents_curl_command_works() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let folder = tempfile::tempdir().expect("a folder");
    let picture = files::jpeg(60, 40);
    std::fs::write(folder.path().join("test.jpg"), &picture).expect("a file");
    let url = format!("{}{UPLOADIMG}?access_token={}", server.base, account.token);
    let folder_path = folder.path().to_owned();
    let curl = move || {
        std::process::Command::new("curl")
            .args(["--silent", "--noproxy", "*", "-F", "media=@test.jpg", &url])
            .current_dir(folder_path)
            .output()
    };
    let output = tokio::task::spawn_blocking(curl)
        .await
        .expect("ends")
        .expect("curl is installed");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(server.fetch(&answer["url"]).await.2, picture, "{answer}");
}

#[tokio::test]
async fn s037_a_call_needs_a_good_access_token() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let upload = async |path: &str| {
        let form = Form::new().part("media", Part::bytes(files::png(9, 9)).file_name("a.png"));
        server
            .api(server.request(Method::POST, path).multipart(form))
            .await
    };
    refused(&upload(UPLOADIMG).await, 41001);
    refused(&upload(&format!("{UPLOADIMG}?access_token=")).await, 41001);
    for wrong in ["x", "你好", &account.token[1..], &"t".repeat(600), "%00"] {
        let answer = upload(&format!("{UPLOADIMG}?access_token={wrong}")).await;
        assert_eq!(answer["errcode"], 40001, "{wrong}: {answer}");
    }
    let good = upload(&format!("{UPLOADIMG}?access_token={}", account.token)).await;
    assert!(good["url"].is_string(), "{good}");
}

#[tokio::test]
async fn s038_the_part_media_is_taken_by_its_content() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let upload = async |form: Form| {
        let request = server.request(Method::POST, &account.path(UPLOADIMG));
        server.api(request.multipart(form)).await
    };
    let part = |bytes: Vec<u8>| Part::bytes(bytes).file_name("a.png");
    refused(
        &upload(Form::new().part("file", part(files::png(9, 9)))).await,
        41005,
    );
    refused(&upload(Form::new().text("other", "x")).await, 41005);
    refused(&upload(Form::new().part("media", part(Vec::new()))).await, 44001);
    for kind in ["application/octet-stream", "text/plain", "image/gif"] {
        let picture = files::png(20, 10);
        let typed = part(picture.clone()).mime_str(kind).expect("a type");
        let answer = upload(Form::new().part("media", typed)).await;
        let (status, found, bytes) = server.fetch(&answer["url"]).await;
        assert_eq!((status, found.as_str()), (200, "image/png"), "{kind}");
        assert_eq!(bytes, picture, "{kind}");
    }
    // As the document describes the part: filename, filelength, content-type.
    let picture = files::jpeg(20, 10);
    let head = format!(
        "--B\r\nContent-Disposition: form-data; name=\"media\";filename=\"test.jpg\"; filelength={}\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        picture.len()
    );
    let body = [head.as_bytes(), &picture, b"\r\n--B--\r\n"].concat();
    let request = server
        .request(Method::POST, &account.path(UPLOADIMG))
        .header("content-type", "multipart/form-data; boundary=B")
        .body(body);
    let answer = server.api(request).await;
    assert_eq!(server.fetch(&answer["url"]).await.2, picture, "{answer}");
}

#[tokio::test]
async fn s039_the_answer_is_an_object_with_a_url() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let answer = account.upload(UPLOADIMG, files::png(9, 9), "a.png").await;
    assert_eq!(keys(&answer), ["url"], "no errcode: {answer}");
    assert!(string(&answer["url"]).starts_with("http"), "absolute: {answer}");
}

#[tokio::test]
async fn s040_the_url_is_good_in_articles_of_later_months() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let picture = files::png(60, 40);
    let url = string(&account.upload(UPLOADIMG, picture.clone(), "a.png").await["url"]);
    server.advance(30 * DAY).await;
    let account = server.account(SERVICE).await;
    let page = account
        .page_of(json!({"content": format!("<p><img src=\"{url}\"></p>")}))
        .await;
    assert!(page.contains(&format!("<img src=\"{url}\"")), "{page}");
    assert_eq!(server.fetch(&json!(url)).await.2, picture);
}

/// An answer that refuses: a number other than 0 and a text, with HTTP 200.
#[track_caller]
pub fn is_error(call: &str, answer: &Value) {
    assert!(
        answer["errcode"].as_i64().is_some_and(|code| code != 0),
        "{call}: {answer}"
    );
    let text = answer["errmsg"].as_str().unwrap_or_default();
    assert!(!text.is_empty(), "{call}: {answer}");
}

async fn failing(account: &TestAccount<'_>, path: &str, body: Value) {
    is_error(path, &account.call(path, body).await);
}

#[tokio::test]
async fn s041_every_failing_call_answers_with_an_errcode_and_a_text() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    is_error(
        UPLOADIMG,
        &account.upload(UPLOADIMG, b"x".to_vec(), "a.png").await,
    );
    let path = "/cgi-bin/media/upload?type=image";
    is_error(path, &account.upload(path, b"x".to_vec(), "a.png").await);
    failing(&account, UPLOADNEWS, json!({"articles": []})).await;
    failing(
        &account,
        UPLOADVIDEO,
        json!({"media_id": "unknown", "title": "片"}),
    )
    .await;
    failing(&account, SENDALL, json!({"filter": {"is_to_all": true}})).await;
    failing(&account, SEND, json!({"touser": []})).await;
    failing(&account, PREVIEW, json!({})).await;
    failing(&account, GET, json!({"msg_id": 1})).await;
    failing(&account, DELETE, json!({"msg_id": 1})).await;
    // The text of a code stands before the id of the request.
    let answer = account.call(GET, json!({"msg_id": 1})).await;
    let errmsg = string(&answer["errmsg"]);
    let (words, rid) = errmsg.split_once(" rid: ").expect("a rid");
    assert_eq!(words, "invalid msg id");
    let groups: Vec<usize> = rid.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 8, 8], "{rid}");
}
