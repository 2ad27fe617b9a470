use super::*;

/// A call of an account with an answer.
pub fn call(account: &str, errcode: i64, msg_id: Option<i64>) -> Call {
    Call {
        id: 0,
        changed: 0,
        at: Timestamp(0),
        real_at: Timestamp(0),
        api: Api::Compatible,
        account: Some(account.to_owned()),
        method: "POST".to_owned(),
        path: "/cgi-bin/message/mass/sendall".to_owned(),
        query: "access_token=T".to_owned(),
        headers: Vec::new(),
        body: KeptBody::default(),
        status: Some(200),
        answer: format!(r#"{{"errcode":{errcode}}}"#),
        took: Duration::ZERO,
        errcode: Some(errcode),
        msg_id,
        publish_id: None,
        fault: None,
        quota: None,
        callbacks: Vec::new(),
    }
}

fn sent() -> CallbackTry {
    CallbackTry {
        at: Timestamp(0),
        event: "MASSSENDJOBFINISH".into(),
        attempt: 1,
        url: "http://127.0.0.1/".into(),
        signature_base: String::new(),
        msg_signature_base: None,
        query: Vec::new(),
        plain: "<xml/>".into(),
        body: "<xml/>".into(),
        answer: Ok((200, "success".into())),
        fault: None,
    }
}

#[test]
fn only_the_newest_calls_are_kept() {
    let log = Log::default();
    for _ in 0..CALLS_MAX + 5 {
        log.keep(call("a", 0, None));
    }
    assert!(log.call(5).is_none());
    assert!(log.call(6).is_some());
    let (newest, _) = log.find(&Filter::default(), 2);
    let ids: Vec<u64> = newest.iter().map(|call| call.id).collect();
    assert_eq!(ids, [CALLS_MAX as u64 + 4, CALLS_MAX as u64 + 5]);
}

#[test]
fn large_calls_push_out_others_before_their_number_does() {
    let log = Log::default();
    for _ in 0..100 {
        let mut large = call("a", 0, None);
        large.answer = "x".repeat(1 << 20);
        log.keep(large);
    }
    assert!(log.kept().bytes <= BYTES_MAX);
    assert!(log.call(1).is_none());
    assert!(log.call(100).is_some());
}

#[test]
fn a_callback_belongs_to_the_call_that_made_its_mass_and_shows_as_a_change() {
    let log = Log::default();
    log.keep(call("a", 0, Some(7)));
    log.keep(call("b", 0, Some(7)));
    let (_, seen) = log.find(&Filter::default(), 10);
    assert!(log.keep_callback("a", Subject::Mass(7), sent()));
    assert!(!log.keep_callback("c", Subject::Mass(7), sent()));
    assert!(!log.keep_callback("a", Subject::Other, sent()));
    let changed = Filter {
        after: Some(seen),
        ..Filter::default()
    };
    let (found, version) = log.find(&changed, 10);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].callbacks.len()), (1, 1));
    assert!(version > seen);
}

#[test]
fn calls_are_found_by_account_path_errcode_and_failure() {
    let log = Log::default();
    log.keep(call("a", 0, None));
    log.keep(call("a", 45028, None));
    log.keep(call("b", 40001, None));
    let count = |filter: Filter| log.find(&filter, 10).0.len();
    assert_eq!(
        count(Filter {
            account: Some("a".into()),
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        count(Filter {
            errcode: Some(45028),
            ..Filter::default()
        }),
        1
    );
    assert_eq!(
        count(Filter {
            failed: true,
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        count(Filter {
            path: Some("sendall".into()),
            ..Filter::default()
        }),
        3
    );
    assert_eq!(
        count(Filter {
            path: Some("tags".into()),
            ..Filter::default()
        }),
        0
    );
}
