//! `/metrics`: who may read it, and that it shows what it documents.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use store::measure::{Kind, METRICS};

use crate::{
    process::{ADMIN, Process, until},
    receiver,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// The values of one metric by the text of its labels.
fn series<'a>(text: &'a str, name: &str) -> BTreeMap<&'a str, f64> {
    text.lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then(|| (labels, value.parse().expect("a number")))
        })
        .collect()
}

fn sum(text: &str, name: &str) -> f64 {
    series(text, name).values().sum()
}

#[tokio::test]
async fn numbers_are_shown_to_this_machine_to_their_token_and_to_the_operator_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = "token-of-prometheus-0123456789";
    let closed = [
        ("QUNFA_METRICS_ALLOW", "192.0.2.0/24"),
        ("QUNFA_METRICS_TOKEN", token),
    ];
    let process = Process::start(&folder.path().join("closed"), &closed).await;
    assert_eq!(process.get("/metrics").await.0, 401);
    for (bearer, status) in [(token, 200), (ADMIN, 200), ("wrong", 401)] {
        let answer = process
            .http
            .get(process.url("/metrics"))
            .bearer_auth(bearer)
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), status, "{bearer}");
    }
    let (status, _) = process.native(Method::GET, "/v1/accounts", json!({})).await;
    assert_eq!(status, 200);
    let other = process
        .http
        .get(process.url("/v1/accounts"))
        .bearer_auth(token)
        .send()
        .await;
    assert_eq!(other.expect("an answer").status(), 401, "it opens nothing else");

    let process = Process::start(&folder.path().join("open"), &[]).await;
    assert_eq!(process.get("/metrics").await.0, 200, "this machine");
    for header in ["x-forwarded-for", "forwarded"] {
        let forwarded = process
            .http
            .get(process.url("/metrics"))
            .header(header, "127.0.0.1");
        let status = forwarded.send().await.expect("an answer").status();
        assert_eq!(
            status, 401,
            "{header}: a proxy on this machine is not this machine"
        );
    }
    let trusted = [("QUNFA_SERVER_TRUSTED_PROXIES", "127.0.0.1/32")];
    let process = Process::start(&folder.path().join("proxy"), &trusted).await;
    for (source, status) in [("127.0.0.1", 200), ("198.51.100.7", 401)] {
        let forwarded = process
            .http
            .get(process.url("/metrics"))
            .header("x-forwarded-for", source);
        assert_eq!(
            forwarded.send().await.expect("an answer").status(),
            status,
            "{source}"
        );
    }
}

#[tokio::test]
async fn every_documented_metric_is_shown_with_its_meaning_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(&folder.path().join("data"), &[]).await;
    let account = process.account(20).await;
    let url = receiver::failing("not now").await;
    let callback = json!({"callback": {"url": url, "token": "token123", "mode": "plain"}});
    process
        .native(
            Method::PATCH,
            &format!("/v1/accounts/{}", account.appid),
            callback,
        )
        .await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": "你好"}});
    assert_eq!(
        process
            .call(&account, "/cgi-bin/message/mass/sendall", body.clone())
            .await["errcode"],
        0
    );
    assert_eq!(
        process
            .call(&account, "/cgi-bin/message/mass/sendall", body)
            .await["errcode"],
        45065
    );
    let part = reqwest::multipart::Part::bytes(picture()).file_name("a.png");
    let upload = format!("/cgi-bin/media/uploadimg?access_token={}", account.token);
    let form = reqwest::multipart::Form::new().part("media", part);
    let image = process
        .http
        .post(process.url(&upload))
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    let image: serde_json::Value = image.json().await.expect("JSON");
    let image = process
        .http
        .get(image["url"].as_str().expect("an address"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(image.status(), 200);
    for _ in 0..11 {
        process.token(&account.appid, "wrong").await;
    }
    process
        .http
        .request(
            Method::from_bytes(b"BREW").expect("a method"),
            process.url("/made/up/路径"),
        )
        .send()
        .await
        .expect("an answer");
    let text = until("the mass is finished and its event tried", PATIENCE, async || {
        let text = process.get("/metrics").await.1;
        let done =
            sum(&text, "qunfa_masses_finished_total") > 0.0 && sum(&text, "qunfa_callbacks_total") > 0.0;
        done.then_some(text)
    })
    .await;

    let typed = |line: &str| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0.to_owned());
    let shown: BTreeSet<String> = text
        .lines()
        .filter_map(typed)
        .filter(|name| name.starts_with("qunfa_"))
        .collect();
    let documented: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(shown, documented);
    for metric in METRICS {
        assert!(
            text.contains(&format!("# HELP {} {}", metric.name, metric.help)),
            "{}",
            metric.name
        );
        let sample = match metric.kind {
            Kind::Histogram => format!("{}_count", metric.name),
            Kind::Counter | Kind::Gauge => metric.name.to_owned(),
        };
        let series = series(&text, &sample);
        assert!(!series.is_empty(), "{} has no sample", metric.name);
        for labels in series.keys() {
            let names: Vec<&str> = labels
                .trim_matches(['{', '}'])
                .split("\",")
                .filter_map(|pair| Some(pair.split_once("=\"")?.0))
                .collect();
            assert_eq!(names, metric.labels, "{}", metric.name);
        }
    }
    for process_metric in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(sum(&text, process_metric) > 0.0, "{process_metric}");
    }

    assert_eq!(sum(&text, "qunfa_masses_accepted_total"), 1.0);
    assert_eq!(
        series(&text, "qunfa_masses_finished_total")["{state=\"delivered\"}"],
        1.0
    );
    assert_eq!(sum(&text, "qunfa_entries_delivered_total"), 20.0);
    assert_eq!(sum(&text, "qunfa_blocks_released_total"), 1.0);
    assert_eq!(
        series(&text, "qunfa_import_rows_total")["{outcome=\"imported\"}"],
        20.0
    );
    assert_eq!(sum(&text, "qunfa_wrong_credentials_total"), 11.0);
    assert_eq!(sum(&text, "qunfa_guesses_held_up_total"), 1.0);
    let refusals = series(&text, "qunfa_api_refusals_total");
    assert_eq!(
        refusals["{route=\"/cgi-bin/message/mass/sendall\",errcode=\"45065\"}"],
        1.0
    );
    assert_eq!(refusals["{route=\"/cgi-bin/token\",errcode=\"40125\"}"], 11.0);
    assert_eq!(
        series(&text, "qunfa_http_requests_total")["{method=\"other\",route=\"unknown\",status=\"4xx\"}"],
        1.0,
        "a made-up method and path make no series of their own"
    );
    for outside in [
        "made/up",
        "BREW",
        &account.appid,
        &account.token,
        &account.open_ids[0],
        "127.0.0.1",
    ] {
        assert!(!text.contains(outside), "{outside} in {text}");
    }
}

/// The smallest of pictures.
fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(8, 8)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("written");
    bytes.into_inner()
}
