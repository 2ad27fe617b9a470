use proptest::prelude::*;

use super::event::{Change, CopyrightItem, Following, MassFinished};
use super::xml::Element;
use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const APPID: &str = "wx0123456789abcdef";
const MSG: &str = "<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName></xml>";
const SEALED: &str = "4j/AuRx71kQlxVlzbpsMWPUqllsaXV9t+0K48Eyy8R/9zYbSmBKc+8Go7kOiwcq0+fdPG1YP9u2xzkC0z+1xu7E7qQxxNbGEZOJzOBlywptaVSPlgEFaaWDEX0hPvkJv";
const STAMP: Stamp<'_> = Stamp {
    token: "qunfaToken",
    timestamp: 1790000000,
    nonce: "4711",
};

fn key() -> AesKey {
    AesKey::parse(KEY).expect("a key")
}

/// Encrypts a plain text as it is, to build texts that `encrypt` would not.
fn seal_raw(plain: &[u8]) -> String {
    let cipher = cbc::Encryptor::<Aes256>::new(&key().0.into(), &key().iv().into());
    STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(plain))
}

fn plain(length: u32, msg: &str, appid: &str, padding: &[u8]) -> Vec<u8> {
    [
        b"0123456789abcdef",
        &length.to_be_bytes()[..],
        msg.as_bytes(),
        appid.as_bytes(),
        padding,
    ]
    .concat()
}

#[test]
fn l16_the_official_signature_sample_is_reproduced() {
    assert_eq!(
        signature("AAAAA", "1714037059", "486452656"),
        "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    );
}

#[test]
fn l16_the_address_check_carries_the_signature_and_the_echo() {
    let stamp = Stamp {
        token: "AAAAA",
        timestamp: 1714037059,
        nonce: "486452656",
    };
    let query = verification(&stamp, "echo");
    assert_eq!(
        query,
        [
            ("signature", "899cf89e464efb63f54ddac96b0a0a235f53aa78".to_owned()),
            ("timestamp", "1714037059".to_owned()),
            ("nonce", "486452656".to_owned()),
            ("echostr", "echo".to_owned()),
        ]
    );
}

#[test]
fn l17_the_cipher_reproduces_the_test_vector() {
    assert_eq!(MSG.len(), 56);
    assert_eq!(encrypt(&key(), *b"0123456789abcdef", MSG, APPID), SEALED);
    assert_eq!(decrypt(&key(), SEALED, APPID).as_deref(), Ok(MSG));
}

#[test]
fn l17_the_signatures_reproduce_the_test_vector() {
    assert_eq!(
        msg_signature("qunfaToken", "1790000000", "4711", SEALED),
        "a5409251ec2676b0d4497b5c173e0901c867aba4"
    );
    assert_eq!(
        signature("qunfaToken", "1790000000", "4711"),
        "4f8147fc8e9be4396fbf53ce5956b42c15119789"
    );
}

#[test]
fn l17_the_spare_bits_of_the_last_key_character_do_not_matter() {
    let (start, last) = KEY.split_at(42);
    assert_eq!(last, "8");
    for other in ["9", "+", "/"] {
        assert_eq!(AesKey::parse(&format!("{start}{other}")), Ok(key()));
    }
}

#[test]
fn l17_a_key_has_43_characters_of_base64() {
    for text in [
        "",
        &KEY[..42],
        &format!("{KEY}="),
        &KEY.replace('A', "*"),
        &"é".repeat(21),
    ] {
        assert_eq!(AesKey::parse(text), Err(CipherError));
    }
}

#[test]
fn l17_a_whole_block_of_padding_is_added_to_a_full_text() {
    let msg = "m".repeat(64 - HEAD_BYTES - APPID.len());
    let sealed = encrypt(&key(), [7; 16], &msg, APPID);
    assert_eq!(STANDARD.decode(&sealed).expect("base64").len(), 96);
    assert_eq!(decrypt(&key(), &sealed, APPID), Ok(msg));
}

#[test]
fn l17_only_an_exact_text_is_decrypted() {
    let right = plain(56, MSG, APPID, &[2, 2]);
    assert_eq!(decrypt(&key(), &seal_raw(&right), APPID).as_deref(), Ok(MSG));
    let wrong = [
        plain(56, MSG, APPID, &[1, 2]),                          // padding bytes differ
        plain(56, MSG, APPID, &[0, 0]),                          // padding of nothing
        plain(56, MSG, APPID, &[&[33; 33][..], &[33]].concat()), // padding beyond 32
        plain(57, MSG, APPID, &[2, 2]),                          // length too large
        plain(55, MSG, APPID, &[2, 2]),                          // length too small
        plain(u32::MAX, MSG, APPID, &[2, 2]),                    // length beyond the text
        vec![32; 32],                                            // nothing but padding
        vec![16; 32],                                            // no room for the length
    ];
    for text in &wrong {
        assert_eq!(decrypt(&key(), &seal_raw(text), APPID), Err(CipherError));
    }
}

#[test]
fn l17_a_text_for_another_account_or_with_another_key_is_refused() {
    let other = AesKey::parse(&"A".repeat(43)).expect("a key");
    assert_eq!(decrypt(&key(), SEALED, "wx0123456789abcdee"), Err(CipherError));
    assert_eq!(decrypt(&key(), SEALED, ""), Err(CipherError));
    assert_eq!(decrypt(&other, SEALED, APPID), Err(CipherError));
    for text in ["", "AAAA", "*", &SEALED[..64]] {
        assert_eq!(decrypt(&key(), text, APPID), Err(CipherError));
    }
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", key()), "AesKey(secret)");
}

#[test]
fn signatures_are_compared_as_a_whole() {
    assert!(signatures_match("abc", "abc"));
    assert!(!signatures_match("abc", "abd"));
    assert!(!signatures_match("abc", "ab"));
}

fn letter() -> Letter<'static> {
    Letter {
        xml: MSG,
        to: "gh_qunfa",
        openid: Some("o1"),
    }
}

fn seal(key: &AesKey) -> Seal<'_> {
    Seal {
        key,
        appid: APPID,
        random: *b"0123456789abcdef",
    }
}

fn names(query: &Query) -> Vec<&'static str> {
    query.iter().map(|(name, _)| *name).collect()
}

#[test]
fn a_plain_envelope_is_signed_and_in_clear() {
    let envelope = Envelope::new(&letter(), &Mode::Plain, &STAMP);
    assert_eq!(
        names(&envelope.query),
        ["signature", "timestamp", "nonce", "openid"]
    );
    assert_eq!(envelope.query[0].1, "4f8147fc8e9be4396fbf53ce5956b42c15119789");
    assert_eq!(envelope.body, MSG);
}

#[test]
fn a_safe_envelope_shows_nothing_but_the_receiver() {
    let key = key();
    let envelope = Envelope::new(&letter(), &Mode::Safe(seal(&key)), &STAMP);
    assert_eq!(
        names(&envelope.query),
        [
            "signature",
            "timestamp",
            "nonce",
            "openid",
            "encrypt_type",
            "msg_signature"
        ]
    );
    assert_eq!(envelope.query[5].1, "a5409251ec2676b0d4497b5c173e0901c867aba4");
    assert_eq!(
        envelope.body,
        format!(
            "<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName><Encrypt><![CDATA[{SEALED}]]></Encrypt></xml>"
        )
    );
}

#[test]
fn a_compatible_envelope_has_both_forms() {
    let key = key();
    let letter = Letter {
        openid: None,
        ..letter()
    };
    let envelope = Envelope::new(&letter, &Mode::Compatible(seal(&key)), &STAMP);
    assert_eq!(
        names(&envelope.query),
        ["signature", "timestamp", "nonce", "encrypt_type", "msg_signature"]
    );
    let body = Element::parse(&envelope.body).expect("XML");
    assert_eq!(body.child_text("ToUserName"), Some("gh_qunfa"));
    assert_eq!(
        decrypt(&key, body.child_text("Encrypt").expect("Encrypt"), APPID).as_deref(),
        Ok(MSG)
    );
}

fn finished() -> MassFinished {
    MassFinished {
        to: "gh_qunfa0000001".to_owned(),
        create_time: 1474854569,
        msg_id: 1000000001,
        status: "send success".to_owned(),
        total: 100,
        filtered: 80,
        sent: 75,
        error: 5,
        ..MassFinished::default()
    }
}

#[test]
fn a_finished_mass_is_reported_in_the_order_of_the_samples() {
    insta::assert_snapshot!(finished().to_xml(), @"<xml><ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName><FromUserName><![CDATA[mphelper]]></FromUserName><CreateTime>1474854569</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[MASSSENDJOBFINISH]]></Event><MsgID>1000000001</MsgID><Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount><CopyrightCheckResult><Count>0</Count><ResultList></ResultList><CheckState>0</CheckState></CopyrightCheckResult><ArticleUrlResult><Count>0</Count><ResultList></ResultList></ArticleUrlResult></xml>");
}

#[test]
fn a_finished_news_reports_its_check_and_its_links() {
    let event = MassFinished {
        copyright: vec![CopyrightItem {
            article_idx: 1,
            audit_state: 2,
            original_article_url: "https://HOST/s/abc".to_owned(),
            original_article_type: 1,
            can_reprint: true,
            need_replace_content: true,
            need_show_reprint_source: true,
            ..CopyrightItem::default()
        }],
        check_state: 2,
        articles: vec!["https://HOST/s/xyz?a=1&b=]]>".to_owned()],
        ..finished()
    };
    insta::assert_snapshot!(event.to_xml(), @"<xml><ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName><FromUserName><![CDATA[mphelper]]></FromUserName><CreateTime>1474854569</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[MASSSENDJOBFINISH]]></Event><MsgID>1000000001</MsgID><Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount><CopyrightCheckResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState><OriginalArticleUrl><![CDATA[https://HOST/s/abc]]></OriginalArticleUrl><OriginalArticleType>1</OriginalArticleType><CanReprint>1</CanReprint><NeedReplaceContent>1</NeedReplaceContent><NeedShowReprintSource>1</NeedShowReprintSource></item></ResultList><CheckState>2</CheckState></CopyrightCheckResult><ArticleUrlResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx><ArticleUrl><![CDATA[https://HOST/s/xyz?a=1&b=]]]]><![CDATA[>]]></ArticleUrl></item></ResultList></ArticleUrlResult></xml>");
    assert_eq!(MassFinished::from_xml(&event.to_xml()), Ok(event));
}

#[test]
fn an_event_of_2016_without_the_later_parts_is_read() {
    let xml = "<xml>\n<ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName>\n<CreateTime>1474854569</CreateTime>\n\
               <Event><![CDATA[MASSSENDJOBFINISH]]></Event>\n<MsgID>1000000001</MsgID>\n\
               <Status><![CDATA[send success]]></Status>\n<TotalCount>100</TotalCount>\n\
               <FilterCount>80</FilterCount>\n<SentCount>75</SentCount>\n<ErrorCount>5</ErrorCount>\n</xml>";
    assert_eq!(MassFinished::from_xml(xml), Ok(finished()));
    assert!(MassFinished::from_xml(&xml.replace("MASSSENDJOBFINISH", "subscribe")).is_err());
}

#[test]
fn coming_and_leaving_are_reported_as_the_sample_shows() {
    let event = Following {
        to: "gh_qunfa0000001".to_owned(),
        openid: "OPENID".to_owned(),
        create_time: 1474854569,
        change: Change::Subscribe,
    };
    insta::assert_snapshot!(
        event.to_xml(),
        @"<xml><ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName><FromUserName><![CDATA[OPENID]]></FromUserName><CreateTime>1474854569</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event></xml>"
    );
    let left = Following {
        change: Change::Unsubscribe,
        ..event
    };
    assert!(left.to_xml().contains("<Event><![CDATA[unsubscribe]]></Event>"));
}

proptest! {
    #[test]
    fn l17_whatever_is_encrypted_is_decrypted(msg in ".{0,200}", random in any::<[u8; 16]>()) {
        let sealed = encrypt(&key(), random, &msg, APPID);
        prop_assert_eq!(decrypt(&key(), &sealed, APPID), Ok(msg));
    }

    #[test]
    fn l17_no_text_makes_decryption_panic(bytes in prop::collection::vec(any::<u8>(), 0..130)) {
        prop_assert_eq!(decrypt(&key(), &STANDARD.encode(&bytes), APPID), Err(CipherError));
        let whole = &bytes[..bytes.len() / 16 * 16];
        let _ = decrypt(&key(), &seal_raw(whole), APPID);
    }

    #[test]
    fn no_document_makes_reading_panic(xml in "[<>/a&;!\\[\\]CDAT#x0-9 \\-?]{0,60}") {
        let _ = Element::parse(&xml);
    }
}

#[test]
fn a_publication_is_told_in_the_order_of_the_sample() {
    let event = event::PublishFinished {
        to: "gh_qunfa".to_owned(),
        create_time: 1_481_013_459,
        publish_id: 100_000_001,
        article_id: "A".to_owned(),
        articles: vec!["https://h/s/x".to_owned(), "https://h/s/y".to_owned()],
        ..event::PublishFinished::default()
    };
    insta::assert_snapshot!(
        event.to_xml(),
        @"<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName><FromUserName><![CDATA[mphelper]]></FromUserName><CreateTime>1481013459</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[PUBLISHJOBFINISH]]></Event><PublishEventInfo><publish_id>100000001</publish_id><publish_status>0</publish_status><article_id><![CDATA[A]]></article_id><article_detail><count>2</count><item><idx>1</idx><article_url><![CDATA[https://h/s/x]]></article_url></item><item><idx>2</idx><article_url><![CDATA[https://h/s/y]]></article_url></item></article_detail></PublishEventInfo></xml>"
    );
    assert_eq!(
        event::PublishFinished::from_xml(&event.to_xml()),
        Ok(event.clone())
    );
    let failed = event::PublishFinished {
        publish_status: 2,
        article_id: String::new(),
        articles: Vec::new(),
        fail_idx: vec![1, 3],
        ..event
    };
    assert!(failed.to_xml().ends_with(
        "<publish_status>2</publish_status><fail_idx>1</fail_idx><fail_idx>3</fail_idx></PublishEventInfo></xml>"
    ));
    assert_eq!(event::PublishFinished::from_xml(&failed.to_xml()), Ok(failed));
}
