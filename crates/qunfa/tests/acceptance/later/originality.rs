//! L1, L13: what the originality check finds, and how the event tells it (spec mass-send §14.5, events §4.2).

use crate::{
    common::{SERVICE, SUBSCRIPTION, TestServer, accepted},
    help::{EVEN, and, counts, element, finish, medium, number, string, structure, text, told},
};
use reqwest::Method;
use serde_json::{Value, json};

/// A text that is long enough to be somebody's work, and like no other.
fn essay(words: &str) -> String {
    let mut state = words.bytes().fold(7_u64, |state, byte| {
        state.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // One of three thousand common characters.
        char::from_u32(0x4e00 + (state >> 33) as u32 % 3_000).expect("a character")
    };
    let sentences: String = (0..40)
        .map(|_| (0..20).map(|_| next()).collect::<String>() + "。")
        .collect();
    format!("<p>{words}：{sentences}</p>")
}

/// The subscription account declares an article original, after sending it; its link.
async fn original(server: &TestServer, words: &str, can_reprint: bool) -> String {
    let author = server.account(SUBSCRIPTION).await;
    author
        .quota(json!({"sends_per_day": null, "history_per_day": null}))
        .await;
    let news = author
        .news_of(json!({"title": words, "content": essay(words)}))
        .await;
    accepted(&author.send_all(medium("mpnews", &news)).await);
    server.settle().await;
    let body = json!({"media_id": news, "article_idx": 1, "can_reprint": can_reprint});
    let path = format!("/v1/accounts/{SUBSCRIPTION}/originals");
    let (status, answer) = server.native(Method::POST, &path, Some(body)).await;
    assert_eq!(status, 201, "{answer}");
    string(&author.newest(0).await["url"])
}

/// The service account sends the same text; the event.
async fn repeated(server: &TestServer, words: &str, ignore: Value) -> String {
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    let news = account
        .news_of(json!({"title": "转来的", "content": essay(words)}))
        .await;
    let message = and(medium("mpnews", &news), json!({"send_ignore_reprint": ignore}));
    accepted(&account.send_tag(EVEN, message).await);
    server.advance(60).await;
    finish(server, &receiver).await
}

#[tokio::test]
async fn l01_a_reprint_stops_the_send_unless_the_sender_goes_on() {
    let server = TestServer::start().await;
    original(&server, "春天", true).await;
    let account = server.account(SERVICE).await;
    for ignore in [json!(null), json!(0)] {
        let event = repeated(&server, "春天", ignore).await;
        assert_eq!(element(&event, "Status"), "err(30003)", "{event}");
        assert!(account.inbox(&account.open_id(0).await).await.is_empty());
    }
    let event = repeated(&server, "春天", json!(1)).await;
    assert_eq!(element(&event, "Status"), "send success", "{event}");
    let page = server.page(&account.newest(0).await["url"]).await;
    assert!(page.contains("沙盒订阅号"), "the source is shown: {page}");
}

#[tokio::test]
async fn l01_what_must_not_be_reprinted_is_not_sent_whatever_the_flag() {
    let server = TestServer::start().await;
    original(&server, "秋天", false).await;
    for ignore in [0, 1] {
        let event = repeated(&server, "秋天", json!(ignore)).await;
        assert_eq!(element(&event, "Status"), "err(30002)", "{event}");
    }
    let event = repeated(&server, "另一个季节", json!(0)).await;
    assert_eq!(element(&event, "Status"), "send success", "another text: {event}");
}

#[tokio::test]
async fn l13_the_event_of_a_news_names_its_links_after_the_result_of_the_check() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    let receiver = account.listen().await;
    accepted(
        &account
            .send_tag(EVEN, medium("mpnews", &account.news(2).await))
            .await,
    );
    accepted(&account.send_tag(EVEN, text("x")).await);
    server.settle().await;
    let mut events = told(&server, &receiver, 2).await;
    events.sort_unstable_by_key(|event| number(event, "MsgID"));
    let check = element(&events[0], "CopyrightCheckResult");
    assert_eq!(
        check, "<Count>0</Count><ResultList></ResultList><CheckState>0</CheckState>",
        "reading 17"
    );
    let urls = element(&events[0], "ArticleUrlResult");
    assert_eq!(number(urls, "Count"), 2);
    let entry = account.inbox(&account.open_id(0).await).await;
    let news = entry
        .iter()
        .find(|entry| entry["type"] == "mpnews")
        .expect("the news");
    for (number, item) in urls.split("<item>").skip(1).enumerate() {
        assert_eq!(element(item, "ArticleIdx"), (number + 1).to_string());
        let url = json!(element(item, "ArticleUrl"));
        assert_eq!(url, news["articles"][number]["url"]);
        assert!(server.page(&url).await.contains(&format!("正文{}", number + 1)));
    }
    let place = |name: &str| events[0].find(name).expect("there");
    assert!(place("</ErrorCount>") < place("<CopyrightCheckResult>"));
    assert!(place("</CopyrightCheckResult>") < place("<ArticleUrlResult>"));
    assert_eq!(
        number(element(&events[1], "ArticleUrlResult"), "Count"),
        0,
        "a text has none"
    );
}

#[tokio::test]
async fn l13_the_event_of_a_reprint_says_what_it_is_like() {
    const SAMPLE: &str = "<CopyrightCheckResult>
<Count>1</Count>
<ResultList><item>
<ArticleIdx>1</ArticleIdx>
<UserDeclareState>0</UserDeclareState>
<AuditState>2</AuditState>
<OriginalArticleUrl><![CDATA[https://HOST/s/abc]]></OriginalArticleUrl>
<OriginalArticleType>1</OriginalArticleType>
<CanReprint>1</CanReprint>
<NeedReplaceContent>1</NeedReplaceContent>
<NeedShowReprintSource>1</NeedShowReprintSource>
</item></ResultList>
<CheckState>2</CheckState>
</CopyrightCheckResult>";
    let server = TestServer::start().await;
    let link = original(&server, "夏天", true).await;
    let event = repeated(&server, "夏天", json!(1)).await;
    let check = element(&event, "CopyrightCheckResult");
    assert_eq!(number(check, "Count"), 1, "{check}");
    assert_eq!(number(check, "ArticleIdx"), 1);
    assert_eq!(element(check, "OriginalArticleUrl"), link);
    let whole = format!("<CopyrightCheckResult>{check}</CopyrightCheckResult>");
    assert_eq!(structure(&whole), structure(SAMPLE), "{whole}");
    for name in [
        "UserDeclareState",
        "AuditState",
        "OriginalArticleType",
        "CanReprint",
        "NeedReplaceContent",
        "NeedShowReprintSource",
        "CheckState",
    ] {
        assert_eq!(element(check, name), element(SAMPLE, name), "{name}");
    }
    assert!(server.page(&json!(link)).await.contains("夏天"), "the link opens");
    assert_eq!(number(element(&event, "ArticleUrlResult"), "Count"), 1);

    let link = original(&server, "冬天", false).await;
    let event = repeated(&server, "冬天", json!(1)).await;
    let check = element(&event, "CopyrightCheckResult");
    assert_eq!(element(check, "OriginalArticleUrl"), link);
    assert_eq!((number(check, "CanReprint"), number(check, "CheckState")), (0, 3));
    assert_eq!(
        number(element(&event, "ArticleUrlResult"), "Count"),
        0,
        "nothing was sent"
    );
    assert_eq!(counts(&event), [0, 0, 0, 0]);
}
