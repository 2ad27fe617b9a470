//! A server that is asked to stop loses no call that it accepted, and cuts nobody off.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Account, Process, until};

const CALLERS: usize = 12;
/// What the server has by its default, and a little.
const END: Duration = Duration::from_secs(15);

/// What a caller met until the server was gone.
#[derive(Default)]
struct Met {
    accepted: Vec<i64>,
    cut_off: Vec<String>,
}

/// Calls one after the other over kept connections, until nobody listens any more.
async fn calls(base: String, token: String, caller: usize, stopping: Arc<AtomicBool>) -> Met {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut met = Met::default();
    for number in 0.. {
        let body = json!({"filter": {"is_to_all": true}, "msgtype": "text",
            "text": {"content": format!("{caller}-{number}")}});
        let url = format!("{base}/cgi-bin/message/mass/sendall?access_token={token}");
        let answer = match http.post(url).body(body.to_string()).send().await {
            Ok(answer) => answer.json::<Value>().await,
            // Nobody listens: the server is gone, and knows nothing of this call.
            Err(error) if error.is_connect() && stopping.load(Ordering::Relaxed) => break,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => {
                assert_eq!(answer["errcode"], 0, "{answer}");
                met.accepted.push(answer["msg_id"].as_i64().expect("a number"));
            }
            Err(error) => {
                met.cut_off.push(format!("{error:?}"));
                break;
            }
        }
    }
    met
}

async fn unlimited(process: &Process, account: &Account) {
    let quota = json!({"quota": {"calls_per_minute": null, "calls_per_day": null, "history_per_day": null,
        "history_per_month": null}});
    let (status, answer) = process
        .native(Method::PATCH, &format!("/v1/accounts/{}", account.appid), quota)
        .await;
    assert_eq!(status, 200, "{answer}");
}

/// Every mass that the server knows.
async fn masses(process: &Process, account: &Account) -> BTreeSet<i64> {
    let mut all = BTreeSet::new();
    let mut before = String::new();
    loop {
        let path = format!("/v1/accounts/{}/masses?limit=1000{before}", account.appid);
        let (status, page) = process.native(Method::GET, &path, json!({})).await;
        assert_eq!(status, 200, "{page}");
        let page: Vec<i64> = page["masses"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|mass| mass["msg_id"].as_i64().expect("a number"))
            .collect();
        let Some(last) = page.last() else { return all };
        before = format!("&before={last}");
        all.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i01_under_a_hail_of_calls_none_that_was_accepted_is_lost_and_nobody_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut process = Process::start(&data, &[]).await;
    let account = process.account(3).await;
    unlimited(&process, &account).await;
    let stopping = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            tokio::spawn(calls(
                process.base.clone(),
                account.token.clone(),
                caller,
                stopping.clone(),
            ))
        })
        .collect();
    until("the hail falls", END, async || {
        (masses(&process, &account).await.len() > 200).then_some(())
    })
    .await;
    stopping.store(true, Ordering::Relaxed);
    process.terminate();
    let status = process.ended(END).await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
    let mut met = Met::default();
    for caller in callers {
        let of_one = caller.await.expect("no panic");
        met.accepted.extend(of_one.accepted);
        met.cut_off.extend(of_one.cut_off);
    }
    // Each caller may meet the door as it closes, once: a connection that nobody had let in yet.
    assert!(met.cut_off.len() <= CALLERS, "{:?}", met.cut_off);

    let process = Process::start(&data, &[]).await;
    let kept = masses(&process, &account).await;
    let lost: Vec<_> = met.accepted.iter().filter(|id| !kept.contains(id)).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", met.accepted.len());
    assert_eq!(
        kept.len(),
        met.accepted.len(),
        "nothing was accepted without an answer"
    );
    until(
        "every mass reaches its end",
        Duration::from_secs(60),
        async || {
            let text = process.get("/metrics").await.1;
            text.contains("\nqunfa_masses_running 0\n").then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn who_distributes_calls_is_told_before_the_server_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("QUNFA_SERVER_STOP_PAUSE_SECONDS", "2")];
    let mut process = Process::start(&folder.path().join("data"), &env).await;
    until("it is ready", END, async || {
        (process.get("/readyz").await.0 == 200).then_some(())
    })
    .await;
    let began = Instant::now();
    process.terminate();
    let text = until("it is not ready", Duration::from_secs(2), async || {
        let (status, text) = process.get("/readyz").await;
        (status == 503).then_some(text)
    })
    .await;
    assert!(
        text.contains(r#"{"part":"server","state":"failed","reason":"is stopping"}"#),
        "{text}"
    );
    let answer = process
        .http
        .get(process.url("/healthz"))
        .send()
        .await
        .expect("it still answers");
    assert_eq!(
        answer.headers()["connection"],
        "close",
        "the next call goes elsewhere"
    );
    assert_eq!(process.ended(END).await.code(), Some(0));
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = [("QUNFA_SERVER_STOP_PAUSE_SECONDS", "3600")];
    let mut process = Process::start(&folder.path().join("data"), &env).await;
    process.terminate();
    until("it is not ready", Duration::from_secs(5), async || {
        (process.get("/readyz").await.0 == 503).then_some(())
    })
    .await;
    process.terminate();
    assert_eq!(process.ended(Duration::from_secs(5)).await.code(), Some(2));
    assert!(process.log().contains("stopped at once"));
}

#[tokio::test]
async fn reads_that_were_only_noted_are_written_before_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut process = Process::start(&data, &[]).await;
    let account = process.account(1).await;
    let url = article(&process, &account).await;
    for _ in 0..50 {
        assert_eq!(
            process.http.get(&url).send().await.expect("an answer").status(),
            200
        );
    }
    process.terminate();
    assert_eq!(process.ended(END).await.code(), Some(0));
    let rows = rusqlite::Connection::open(data.join("qunfa.db")).expect("opens");
    let times: i64 = rows
        .query_row("SELECT sum(times) FROM article_reads", [], |row| row.get(0))
        .expect("a number");
    assert_eq!(times, 50);
}

/// The address of an article that was sent.
async fn article(process: &Process, account: &Account) -> String {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 64)
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .expect("written");
    let part = reqwest::multipart::Part::bytes(bytes.into_inner()).file_name("a.jpg");
    let path = format!("/cgi-bin/media/upload?type=thumb&access_token={}", account.token);
    let form = reqwest::multipart::Form::new().part("media", part);
    let thumb = process
        .http
        .post(process.url(&path))
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    let thumb: Value = thumb.json().await.expect("JSON");
    let articles = json!({"articles": [{"title": "题", "content": "<p>文</p>", "thumb_media_id": thumb["thumb_media_id"]}]});
    let news = process.call(account, "/cgi-bin/media/uploadnews", articles).await;
    let body =
        json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news["media_id"]}});
    let sent = process.call(account, "/cgi-bin/message/mass/sendall", body).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let (_, token) = process
        .native(
            Method::POST,
            &format!("/v1/accounts/{}/inbox-tokens", account.appid),
            json!({"openid": account.open_ids[0]}),
        )
        .await;
    let token = token["token"].as_str().expect("a token").to_owned();
    until("the entry is there", END, async || {
        let request = process
            .http
            .get(process.url("/inbox/entries"))
            .bearer_auth(&token);
        let page: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        find_url(&page)
    })
    .await
}

/// The first article page in an answer.
fn find_url(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains("/s/") => Some(text.clone()),
        Value::Array(values) => values.iter().find_map(find_url),
        Value::Object(values) => values.values().find_map(find_url),
        _ => None,
    }
}
