//! Events on their way to an account's server: handshake, modes, counts, tries.

use crate::common::{SERVICE, TestServer, accepted, receiver::Receiver};
use reqwest::Method;
use serde_json::{Value, json};
use wire::callback::{AesKey, decrypt, event::MassFinished, msg_signature, signature, xml::Element};

const AES_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

async fn configure(server: &TestServer, url: &str, mode: &str) -> (u16, Value) {
    let callback = json!({"url": url, "token": "token123", "aes_key": AES_KEY, "mode": mode});
    server
        .native(
            Method::PATCH,
            &format!("/v1/accounts/{SERVICE}"),
            Some(json!({"callback": callback})),
        )
        .await
}

#[tokio::test]
async fn l16_a_url_is_saved_only_if_it_answers_the_handshake() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    assert_eq!(configure(&server, &receiver.url, "plain").await.0, 200);
    let (status, answer) = configure(&server, &receiver.url.replace("/wx", "/other"), "plain").await;
    assert_eq!(status, 400, "{answer}");
    let (_, account) = server
        .native(Method::GET, &format!("/v1/accounts/{SERVICE}"), None)
        .await;
    assert_eq!(
        account["callback"]["url"],
        json!(receiver.url),
        "the old one stays"
    );
    assert!(
        !account.to_string().contains("token123") && !account.to_string().contains(AES_KEY),
        "sec03: {account}"
    );
}

#[tokio::test]
async fn s128_the_end_of_a_mass_is_told_once_with_exact_counts() {
    let server = TestServer::with_followers(30).await;
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    let account = server.account(SERVICE).await;
    let id = accepted(&account.send_text_to_tag(101, "三人").await);
    server.settle().await;
    server.advance(3600).await;
    let events = receiver.events();
    assert_eq!(events.len(), 1, "exactly one");
    let event = &events[0];
    assert_eq!(event.query["a"], "1", "parameters of the URL stay");
    assert_eq!(
        event.query["signature"],
        signature("token123", &event.query["timestamp"], &event.query["nonce"])
    );
    assert!(
        event.body.starts_with("<xml><ToUserName><![CDATA[gh_"),
        "{}",
        event.body
    );
    let finished = MassFinished::from_xml(&event.body).expect("an event");
    assert_eq!(json!(finished.msg_id), id);
    assert_eq!(finished.status, "send success");
    assert_eq!(
        (finished.total, finished.filtered, finished.sent, finished.error),
        (3, 3, 3, 0)
    );
    assert!(
        event
            .body
            .contains("<FromUserName><![CDATA[mphelper]]></FromUserName>"),
        "s131"
    );
    assert!(
        event
            .body
            .contains("<Event><![CDATA[MASSSENDJOBFINISH]]></Event>"),
        "s133"
    );
    assert!(
        event
            .body
            .contains("<CopyrightCheckResult><Count>0</Count><ResultList></ResultList>"),
        "l13"
    );
}

#[tokio::test]
async fn l13_a_news_event_names_the_links_of_its_articles() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    let account = server.account(SERVICE).await;
    let news = account.news(2).await;
    let body = json!({"filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": news}});
    accepted(&account.call("/cgi-bin/message/mass/sendall", body).await);
    server.settle().await;
    let finished = MassFinished::from_xml(&receiver.events()[0].body).expect("an event");
    assert_eq!(finished.articles.len(), 2);
    for url in &finished.articles {
        assert_eq!(reqwest::get(url).await.expect("a page").status(), 200);
    }
}

#[tokio::test]
async fn l17_safe_mode_encrypts_and_compatible_mode_says_both() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let key = AesKey::parse(AES_KEY).expect("a key");
    for (number, mode) in ["safe", "compatible"].into_iter().enumerate() {
        configure(&server, &receiver.url, mode).await;
        let account = server.account(SERVICE).await;
        accepted(&account.send_text_to_tag(100, mode).await);
        server.settle().await;
        let event = receiver.events()[number].clone();
        let body = Element::parse(&event.body).expect("XML");
        let sealed = body.child_text("Encrypt").expect("Encrypt");
        assert_eq!(event.query["encrypt_type"], "aes");
        let (timestamp, nonce) = (&event.query["timestamp"], &event.query["nonce"]);
        assert_eq!(
            event.query["msg_signature"],
            msg_signature("token123", timestamp, nonce, sealed)
        );
        let text = decrypt(&key, sealed, SERVICE).expect("opens");
        assert_eq!(MassFinished::from_xml(&text).expect("an event").sent, 5);
        assert_eq!(event.body.contains("MASSSENDJOBFINISH"), mode == "compatible");
    }
}

#[tokio::test]
async fn l15_a_receiver_that_fails_sees_the_same_body_three_times() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    receiver.fail(usize::MAX);
    let account = server.account(SERVICE).await;
    accepted(&account.send_text_to_tag(100, "x").await);
    server.settle().await;
    assert_eq!(receiver.events().len(), 1, "the second try is 5 s later");
    server.advance(5).await;
    assert_eq!(receiver.events().len(), 2);
    server.advance(5).await;
    assert_eq!(receiver.events().len(), 3);
    server.advance(7 * 24 * 3600).await;
    let events = receiver.events();
    assert_eq!(events.len(), 3, "no more than the documented tries");
    assert!(events.iter().all(|event| event.body == events[0].body));
    assert_ne!(events[0].query["nonce"], events[1].query["nonce"]);

    let (_, kept) = server
        .native(Method::GET, &format!("/v1/accounts/{SERVICE}/events"), None)
        .await;
    let event = &kept["events"][0];
    assert_eq!(
        (&event["state"], &event["attempts"]),
        (&json!("failed"), &json!(3)),
        "{kept}"
    );
    receiver.fail(0);
    let path = format!("/v1/accounts/{SERVICE}/events/{}/resend", event["id"]);
    let (status, answer) = server.native(Method::POST, &path, None).await;
    assert!(status < 300, "{answer}");
    server.settle().await;
    assert_eq!(receiver.events().len(), 4, "i19: kept, and sent again when asked");
    assert_eq!(receiver.events()[3].body, events[0].body);
}

#[tokio::test]
async fn i19_masses_that_end_in_one_second_have_different_times() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    let account = server.account(SERVICE).await;
    for number in 0..4 {
        accepted(&account.send_text_to_tag(100, &format!("{number}")).await);
    }
    server.settle().await;
    let mut times: Vec<i64> = receiver
        .events()
        .iter()
        .map(|event| MassFinished::from_xml(&event.body).unwrap().create_time)
        .collect();
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), 4);
}

#[tokio::test]
async fn subscribing_and_leaving_through_the_native_api_are_told() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    let account = server.account(SERVICE).await;
    let open_id = account.open_id(0).await;
    for step in ["unsubscribe", "subscribe", "subscribe"] {
        let path = format!("/v1/accounts/{SERVICE}/followers/{open_id}/{step}");
        assert_eq!(server.native(Method::POST, &path, None).await.0, 200);
        server.settle().await;
    }
    let bodies: Vec<String> = receiver.events().into_iter().map(|event| event.body).collect();
    assert_eq!(
        bodies.len(),
        2,
        "the second subscribe changes nothing: {bodies:?}"
    );
    assert!(bodies[0].contains("<![CDATA[unsubscribe]]>") && bodies[0].contains(&open_id));
    assert!(bodies[1].contains("<![CDATA[subscribe]]>"));
}

#[tokio::test]
async fn a_receiver_is_resolved_and_connected_to_when_its_account_asks() {
    let server = TestServer::start().await;
    let account = server.account(SERVICE).await;
    for path in ["/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip"] {
        assert_eq!(account.get(path).await, json!({"ip_list": ["127.0.0.1"]}));
    }
    let receiver = Receiver::start().await;
    configure(&server, &receiver.url, "plain").await;
    let checked = account
        .call(
            "/cgi-bin/callback/check",
            json!({"action": "all", "check_operator": "DEFAULT"}),
        )
        .await;
    assert_eq!(
        checked["dns"],
        json!([{"ip": "127.0.0.1", "real_operator": "DEFAULT"}])
    );
    let ping = &checked["ping"][0];
    assert_eq!(
        (&ping["ip"], &ping["package_loss"]),
        (&json!("127.0.0.1"), &json!("0%"))
    );
    let time = ping["time"].as_str().and_then(|time| time.strip_suffix("ms"));
    assert!(time.is_some_and(|time| time.parse::<f64>().is_ok()), "{checked}");
    assert!(receiver.events().is_empty(), "nothing is sent to it");
}
