//! The samples of the document, as printed: only the host, the token and the ids are put in. The answers have
//! the form of the printed ones.

use serde_json::{Value, json};

use crate::{
    common::{SERVICE, TestAccount, TestServer, files},
    help::{
        DELETE, EVEN, GET, PREVIEW, SEND, SENDALL, SPEED_GET, SPEED_SET, UPLOADNEWS, UPLOADVIDEO, finish,
        keys, medium, string, structure, text,
    },
};

const ACCEPTED: &str = r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182}"#;
const ACCEPTED_NEWS: &str =
    r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182,"msg_data_id":206227730}"#;
const PREVIEWED: &str = r#"{"errcode":0,"errmsg":"preview success","msg_id":34182}"#;
const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

/// A sample's placeholders and what stands for them here.
struct Ids(Vec<(&'static str, String)>);

impl Ids {
    async fn of(account: &TestAccount<'_>) -> Self {
        account
            .quota(json!({"receipts_per_month": null, "history_per_month": null}))
            .await;
        let open_ids = account.open_ids(2).await;
        Self(vec![
            ("THUMB1", account.thumb().await),
            ("RAW_VIDEO_ID", account.raw_video().await),
            ("MASS_VIDEO_ID", account.video("Launch", "").await),
            ("NEWS_ID", account.news(2).await),
            ("VOICE_ID", account.voice().await),
            ("AUDIO_ID", account.voice().await),
            ("IMAGE_ID", account.image().await),
            ("OPENID_A", open_ids[0].clone()),
            ("OPENID_B", open_ids[1].clone()),
            ("reader_li", "user-000000001".to_owned()),
        ])
    }

    fn put_into(&self, sample: &str) -> String {
        self.0.iter().fold(sample.to_owned(), |text, (name, id)| {
            text.replace(&format!("\"{name}\""), &format!("\"{id}\""))
        })
    }
}

/// Same keys, same types; words are the same where they are not ids, times or addresses.
#[track_caller]
fn has_form(answer: &Value, sample: &str) {
    let sample: Value = serde_json::from_str(sample).expect("a sample");
    assert_eq!(keys(answer), keys(&sample), "{answer}");
    for (key, printed) in sample.as_object().expect("an object") {
        let found = &answer[key];
        assert_eq!(found.is_i64(), printed.is_i64(), "{key}: {answer}");
        assert_eq!(found.is_string(), printed.is_string(), "{key}: {answer}");
        if ["errcode", "errmsg", "type", "speed", "realspeed", "msg_status"].contains(&key.as_str()) {
            assert_eq!(found, printed, "{key}");
        }
    }
}

/// Sends a sample; its answer has the printed form.
async fn works(account: &TestAccount<'_>, ids: &Ids, path: &str, sample: &str, answer: &str) -> Value {
    let body = ids.put_into(sample);
    let found = account.server.post(&account.path(path), body).await;
    has_form(&found, answer);
    found
}

#[tokio::test]
async fn the_curl_line_of_uploadimg_works() {
    const LINE: &str = r#"curl -F media=@a.jpg "https://HOST/cgi-bin/media/uploadimg?access_token=T""#;
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.jpg"), files::jpeg(60, 40)).expect("a file");
    let line = LINE
        .replace("https://HOST", &server.base)
        .replace("access_token=T", &format!("access_token={}", account.token));
    let place = folder.path().to_owned();
    let run = move || {
        std::process::Command::new("sh")
            .args(["-c", &line])
            .env("no_proxy", "127.0.0.1")
            .current_dir(place)
            .output()
    };
    let output = tokio::task::spawn_blocking(run)
        .await
        .expect("ends")
        .expect("a shell");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    has_form(
        &answer,
        r#"{"url":"https://<host>/mmbiz_png/<opaque>/0?wx_fmt=png"}"#,
    );
    assert_eq!(server.fetch(&answer["url"]).await.2, files::jpeg(60, 40));
}

#[tokio::test]
async fn the_samples_of_uploading_work() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let ids = Ids::of(&account).await;
    let news = works(
        &account,
        &ids,
        UPLOADNEWS,
        r#"{"articles":[{"thumb_media_id":"THUMB1","author":"Li","title":"Spring","content_source_url":"https://example.org/a","content":"<p>Hello</p>","digest":"short","show_cover_pic":1}]}"#,
        r#"{"type":"news","media_id":"…","created_at":1391857799}"#,
    )
    .await;
    let video = works(
        &account,
        &ids,
        UPLOADVIDEO,
        r#"{"media_id":"RAW_VIDEO_ID","title":"Launch","description":"Two minutes"}"#,
        r#"{"type":"video","media_id":"MASS_VIDEO_ID","created_at":1398848981}"#,
    )
    .await;
    for (kind, answer) in [("mpnews", news), ("mpvideo", video)] {
        let sent = account
            .send_tag(EVEN, medium(kind, &string(&answer["media_id"])))
            .await;
        assert_eq!(sent["errcode"], 0, "{sent}");
    }
    let image = account
        .upload("/cgi-bin/media/upload?type=image", files::jpeg(9, 9), "a.jpg")
        .await;
    has_form(
        &image,
        r#"{"type":"image","media_id":"…","created_at":1450078115}"#,
    );
}

#[tokio::test]
async fn the_samples_of_sending_to_all_and_to_tags_work() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let ids = Ids::of(&account).await;
    let samples = [
        (
            r#"{"filter":{"is_to_all":false,"tag_id":101},"mpnews":{"media_id":"NEWS_ID"},"msgtype":"mpnews","send_ignore_reprint":0}"#,
            ACCEPTED_NEWS,
        ),
        (
            r#"{"filter":{"is_to_all":true},"text":{"content":"Opening at nine."},"msgtype":"text","clientmsgid":"open-2026-11-22"}"#,
            ACCEPTED,
        ),
        (
            r#"{"filter":{"is_to_all":false,"tag_id":101},"voice":{"media_id":"VOICE_ID"},"msgtype":"voice"}"#,
            ACCEPTED,
        ),
        (
            r#"{"filter":{"is_to_all":false,"tag_id":101},"music":{"media_id":"AUDIO_ID"},"msgtype":"music"}"#,
            ACCEPTED,
        ),
        (
            r#"{"filter":{"is_to_all":false,"tag_id":101},"image":{"media_id":"IMAGE_ID"},"msgtype":"image"}"#,
            ACCEPTED,
        ),
        (
            r#"{"filter":{"is_to_all":false,"tag_id":101},"mpvideo":{"media_id":"MASS_VIDEO_ID","title":"Launch","description":"Two minutes"},"msgtype":"mpvideo"}"#,
            ACCEPTED,
        ),
    ];
    for (sample, answer) in samples {
        works(&account, &ids, SENDALL, sample, answer).await;
    }
    server.settle().await;
    let inbox = account.inbox(&account.open_id(0).await).await;
    let types: Vec<&str> = inbox
        .iter()
        .rev()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["mpnews", "text", "voice", "music", "image", "mpvideo"]);
}

#[tokio::test]
async fn the_samples_of_several_pictures_and_of_cards_work() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let mut ids = Ids::of(&account).await;
    for name in ["IMG_1", "IMG_2", "IMG_3"] {
        ids.0.push((name, account.image().await));
    }
    ids.0.push(("CARD_ID", account.card("券").await));
    let pictures = r#"{"filter":{"is_to_all":false,"tag_id":101},"images":{"media_ids":["IMG_1","IMG_2","IMG_3"],"recommend":"Three views","title":"Harbour","need_open_comment":1,"only_fans_can_comment":0},"msgtype":"image"}"#;
    works(&account, &ids, SENDALL, pictures, ACCEPTED).await;
    let card =
        r#"{"filter":{"is_to_all":false,"tag_id":101},"wxcard":{"card_id":"CARD_ID"},"msgtype":"wxcard"}"#;
    works(&account, &ids, SENDALL, card, ACCEPTED).await;
    let preview = r#"{"touser":"OPENID_A","wxcard":{"card_id":"CARD_ID","card_ext":"{\"code\":\"\",\"openid\":\"\",\"timestamp\":\"1402057159\",\"signature\":\"…\"}"},"msgtype":"wxcard"}"#;
    works(&account, &ids, PREVIEW, preview, PREVIEWED).await;
}

#[tokio::test]
async fn the_sample_of_sending_to_a_list_works() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let ids = Ids::of(&account).await;
    let sample = r#"{"touser":["OPENID_A","OPENID_B"],"text":{"content":"Hello both."},"msgtype":"text"}"#;
    works(&account, &ids, SEND, sample, ACCEPTED).await;
    server.settle().await;
    assert_eq!(account.texts(0).await, ["Hello both."]);
    assert_eq!(account.texts(1).await, ["Hello both."]);
}

#[tokio::test]
async fn the_samples_of_previews_work() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let ids = Ids::of(&account).await;
    let samples = [
        r#"{"touser":"OPENID_A","mpnews":{"media_id":"NEWS_ID"},"msgtype":"mpnews"}"#,
        r#"{"towxname":"reader_li","text":{"content":"Draft text"},"msgtype":"text"}"#,
        r#"{"touser":"OPENID_A","voice":{"media_id":"VOICE_ID"},"msgtype":"voice"}"#,
        r#"{"touser":"OPENID_A","image":{"media_id":"IMAGE_ID"},"msgtype":"image"}"#,
        r#"{"touser":"OPENID_A","mpvideo":{"media_id":"MASS_VIDEO_ID"},"msgtype":"mpvideo"}"#,
    ];
    for sample in samples {
        works(&account, &ids, PREVIEW, sample, PREVIEWED).await;
    }
    assert_eq!(account.inbox(&account.open_id(0).await).await.len(), 4);
    assert_eq!(account.texts(1).await, ["Draft text"]);
}

#[tokio::test]
async fn the_samples_of_deleting_asking_after_and_speed_work() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let ids = Ids::of(&account).await;
    let news = ids.put_into("\"NEWS_ID\"");
    let sent = account.send_all(medium("mpnews", news.trim_matches('"'))).await;
    server.settle().await;
    let id = sent["msg_id"].to_string();
    let get = r#"{"msg_id":"201053012"}"#.replace("201053012", &id);
    let answer = works(
        &account,
        &ids,
        GET,
        &get,
        r#"{"msg_id":201053012,"msg_status":"SEND_SUCCESS"}"#,
    )
    .await;
    assert_eq!(answer["msg_id"], sent["msg_id"]);
    let delete = r#"{"msg_id":30124,"article_idx":2}"#.replace("30124", &id);
    works(&account, &ids, DELETE, &delete, OK).await;
    let whole = r#"{"msg_id":30124}"#.replace("30124", &id);
    works(&account, &ids, DELETE, &whole, OK).await;
    works(&account, &ids, SPEED_SET, r#"{"speed":1}"#, OK).await;
    works(&account, &ids, SPEED_GET, "{}", r#"{"speed":1,"realspeed":60}"#).await;
    works(&account, &ids, SPEED_SET, r#"{"speed":0}"#, OK).await;
    works(&account, &ids, SPEED_GET, "{}", r#"{"speed":0,"realspeed":80}"#).await;
}

#[tokio::test]
async fn the_event_has_the_elements_of_the_sample_in_their_order() {
    const SAMPLE: &str = "<xml>
<ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName>
<FromUserName><![CDATA[mphelper]]></FromUserName>
<CreateTime>1474854569</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[MASSSENDJOBFINISH]]></Event>
<MsgID>1000000001</MsgID>
<Status><![CDATA[send success]]></Status>
<TotalCount>100</TotalCount>
<FilterCount>80</FilterCount>
<SentCount>75</SentCount>
<ErrorCount>5</ErrorCount>
</xml>";
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    account.send_tag(EVEN, text("x")).await;
    server.settle().await;
    let event = finish(&server, &receiver).await;
    let (printed, found) = (structure(SAMPLE), structure(&event));
    let common = printed.len() - 1;
    assert_eq!(found[..common], printed[..common], "{event}");
    let later: Vec<&str> = found[common..].iter().map(String::as_str).collect();
    let empty_check = [
        "CopyrightCheckResult",
        "Count",
        "/Count",
        "ResultList",
        "/ResultList",
    ];
    assert_eq!(later[..empty_check.len()], empty_check);
    let empty_urls = [
        "ArticleUrlResult",
        "Count",
        "/Count",
        "ResultList",
        "/ResultList",
        "/ArticleUrlResult",
        "/xml",
    ];
    assert_eq!(later[later.len() - empty_urls.len()..], empty_urls);
}

#[tokio::test]
async fn the_later_elements_of_the_event_are_those_of_the_sample() {
    const SAMPLE: &str = "<ArticleUrlResult>
<Count>1</Count>
<ResultList><item>
<ArticleIdx>1</ArticleIdx>
<ArticleUrl><![CDATA[https://HOST/s/xyz]]></ArticleUrl>
</item></ResultList>
</ArticleUrlResult>";
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    account
        .send_tag(EVEN, medium("mpnews", &account.news(1).await))
        .await;
    server.settle().await;
    let event = finish(&server, &receiver).await;
    let (_, rest) = event.split_once("<ArticleUrlResult>").expect("there");
    let (urls, end) = rest.split_once("</ArticleUrlResult>").expect("an end");
    assert_eq!(end, "</xml>");
    let found = format!("<ArticleUrlResult>{urls}</ArticleUrlResult>");
    assert_eq!(structure(&found), structure(SAMPLE), "{event}");
}
