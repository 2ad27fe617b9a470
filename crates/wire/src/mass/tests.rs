use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::body::read;
use crate::{article, call, comment, follower, group, media, network, statistics, tag, token};

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("JSON")
}

fn send_all(body: &str) -> SendAll {
    read(body.as_bytes()).expect("an object")
}

#[test]
fn the_filter_is_understood_from_every_client() {
    let cases = [
        (r#"{"is_to_all":true}"#, Field::Present(true), Field::Absent),
        (
            r#"{"group_id":null,"is_to_all":true}"#,
            Field::Present(true),
            Field::Absent,
        ),
        (
            r#"{"tag_id":null,"is_to_all":true}"#,
            Field::Present(true),
            Field::Absent,
        ),
        (
            r#"{"is_to_all":false,"tag_id":2}"#,
            Field::Present(false),
            Field::Present(2),
        ),
        (r#"{"tag_id":2}"#, Field::Absent, Field::Present(2)),
        (
            r#"{"tag_id":"2","is_to_all":false}"#,
            Field::Present(false),
            Field::Present(2),
        ),
        (
            r#"{"group_id":2,"is_to_all":false}"#,
            Field::Present(false),
            Field::Present(2),
        ),
        (
            r#"{"group_id":"2","tag_id":""}"#,
            Field::Absent,
            Field::Present(2),
        ),
        (r#"{"is_to_all":"false"}"#, Field::Present(false), Field::Absent),
        (r#"{"tag_id":"x"}"#, Field::Absent, Field::Malformed),
        ("{}", Field::Absent, Field::Absent),
    ];
    for (filter, is_to_all, tag) in cases {
        let request = send_all(&format!(r#"{{"filter":{filter},"msgtype":"text"}}"#));
        let filter = request.filter.present().expect("a filter");
        assert_eq!((filter.is_to_all, filter.tag()), (is_to_all, tag));
    }
}

#[test]
fn the_message_stays_lenient_although_it_is_flattened() {
    let request = send_all(
        r#"{"filter":7,"msgtype":3,"text":"x","mpnews":{"msg_data_id":"206227730"},"image":null,"voice":"",
           "send_ignore_reprint":"1","clientmsgid":null,"unknown":[1],"text":{"content":5}}"#,
    );
    assert_eq!(request.filter, Field::Malformed);
    assert_eq!(request.message.msgtype, Field::from("3"));
    assert_eq!(
        request.message.text,
        Field::Present(Text {
            content: Field::from("5")
        })
    );
    let news = request.message.mpnews.present().expect("news");
    assert_eq!(
        (news.media_id, news.msg_data_id),
        (Field::Absent, Field::Present(206227730))
    );
    assert_eq!(request.message.image, Field::Absent);
    assert_eq!(request.message.voice, Field::Absent);
    assert_eq!(request.message.send_ignore_reprint, Field::Present(Flag(true)));
    assert_eq!(request.message.clientmsgid, Field::Absent);
}

#[test]
fn several_pictures_come_as_wxjava_and_silenceper_send_them() {
    let request = send_all(
        r#"{"images":{"media_ids":["a","b"],"recommend":"","need_open_comment":0,"only_fans_can_comment":0},
           "msgtype":"image"}"#,
    );
    let images = request.message.images.present().expect("images");
    assert_eq!(
        images.media_ids,
        Field::Present(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(images.recommend, Field::Absent);
    assert_eq!(images.need_open_comment, Field::Present(Flag(false)));
}

#[test]
fn a_video_may_have_either_name() {
    let request: Send = read(
        br#"{"touser":["a","b"],"video":{"media_id":"m","title":"t","description":"d"},"msgtype":"mpvideo"}"#,
    )
    .expect("an object");
    let video = request
        .message
        .mpvideo
        .or(request.message.video)
        .present()
        .expect("a video");
    assert_eq!(video.title, Field::from("t"));
}

#[test]
fn a_card_may_have_its_parameters_as_text_or_object() {
    for ext in [r#""{\"code\":\"1\"}""#, r#"{"code":"1"}"#] {
        let body =
            format!(r#"{{"touser":"o","wxcard":{{"card_id":"c","card_ext":{ext}}},"msgtype":"wxcard"}}"#);
        let request: Preview = read(body.as_bytes()).expect("an object");
        let card = request.message.wxcard.present().expect("a card");
        assert_eq!(
            card.card_ext,
            Field::Present(JsonText(r#"{"code":"1"}"#.to_owned()))
        );
    }
}

#[test]
fn the_receivers_of_broken_clients_are_malformed_and_not_an_error() {
    let request: Preview = read(br#"{"touser":{"openid":"o"},"towxname":null}"#).expect("an object");
    assert_eq!(
        (request.touser, request.towxname),
        (Field::Malformed, Field::Absent)
    );
    let request: Send = read(br#"{"touser":"o"}"#).expect("an object");
    assert_eq!(request.touser, Field::Malformed);
}

#[test]
fn a_mass_is_named_by_number_or_text() {
    for body in [
        r#"{"msg_id":201053012}"#,
        r#"{"msg_id":"201053012","article_idx":null,"url":""}"#,
    ] {
        let get: Get = read(body.as_bytes()).expect("an object");
        let delete: Delete = read(body.as_bytes()).expect("an object");
        assert_eq!(
            (get.msg_id, delete.msg_id),
            (Field::Present(201053012), Field::Present(201053012))
        );
        assert_eq!((delete.article_idx, delete.url), (Field::Absent, Field::Absent));
    }
}

#[test]
fn requests_are_written_as_the_samples_show_them() {
    let request = SendAll {
        filter: Filter {
            is_to_all: true.into(),
            ..Filter::default()
        }
        .into(),
        message: Message {
            msgtype: "text".into(),
            text: Text {
                content: "Opening at nine.".into(),
            }
            .into(),
            clientmsgid: "open-2026-11-22".into(),
            ..Message::default()
        },
    };
    insta::assert_snapshot!(
        json(&request),
        @r#"{"filter":{"is_to_all":true},"msgtype":"text","text":{"content":"Opening at nine."},"clientmsgid":"open-2026-11-22"}"#
    );
    assert_eq!(send_all(&json(&request)), request);
}

#[test]
fn answers_are_written_as_the_samples_show_them() {
    insta::assert_snapshot!(
        json(&Accepted::new(34182, Some(206227730))),
        @r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182,"msg_data_id":206227730}"#
    );
    insta::assert_snapshot!(
        json(&Accepted::new(34182, None)),
        @r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182}"#
    );
    insta::assert_snapshot!(
        json(&PreviewAnswer::new(34182)),
        @r#"{"errcode":0,"errmsg":"preview success","msg_id":34182}"#
    );
    insta::assert_snapshot!(
        json(&GetAnswer { msg_id: 201053012, msg_status: MsgStatus::SendSuccess }),
        @r#"{"msg_id":201053012,"msg_status":"SEND_SUCCESS"}"#
    );
    insta::assert_snapshot!(json(&SpeedAnswer { speed: 0, realspeed: 80 }), @r#"{"speed":0,"realspeed":80}"#);
}

#[test]
fn every_state_has_its_word() {
    let all = [
        MsgStatus::Sending,
        MsgStatus::SendSuccess,
        MsgStatus::SendFail,
        MsgStatus::Delete,
    ];
    insta::assert_snapshot!(json(&all), @r#"["SENDING","SEND_SUCCESS","SEND_FAIL","DELETE"]"#);
}

/// Keys that shapes know, so that chance often meets them.
const KEYS: &[&str] = &[
    "filter",
    "is_to_all",
    "tag_id",
    "group_id",
    "msgtype",
    "mpnews",
    "text",
    "content",
    "images",
    "media_ids",
    "media_id",
    "wxcard",
    "card_ext",
    "touser",
    "towxname",
    "msg_id",
    "article_idx",
    "articles",
    "Articles",
    "tag",
    "id",
    "name",
    "tagid",
    "openid_list",
    "user_list",
    "openid",
    "speed",
    "send_ignore_reprint",
    "x",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ a-z0-9\u{4e2d}]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object_of(inner).prop_map(Value::Object),
        ]
    })
}

fn object_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let entry = (prop::sample::select(KEYS), values).prop_map(|(key, value)| (key.to_owned(), value));
    prop::collection::vec(entry, 0..8).prop_map(|entries| entries.into_iter().collect())
}

fn reads_as<T: DeserializeOwned>(body: &str) {
    assert!(
        read::<T>(body.as_bytes()).is_ok(),
        "{} from {body}",
        std::any::type_name::<T>()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_request_can_be_read_from_any_object(object in object_of(any_json())) {
        let body = Value::Object(object).to_string();
        reads_as::<SendAll>(&body);
        reads_as::<Send>(&body);
        reads_as::<Preview>(&body);
        reads_as::<Get>(&body);
        reads_as::<Delete>(&body);
        reads_as::<SpeedSet>(&body);
        reads_as::<article::UploadNews>(&body);
        reads_as::<article::UploadVideo>(&body);
        reads_as::<media::MediaRef>(&body);
        reads_as::<media::UploadQuery>(&body);
        reads_as::<token::TokenQuery>(&body);
        reads_as::<follower::ListQuery>(&body);
        reads_as::<follower::InfoQuery>(&body);
        reads_as::<token::StableToken>(&body);
        reads_as::<token::ClearQuota>(&body);
        reads_as::<call::OfPath>(&body);
        reads_as::<call::OfRid>(&body);
        reads_as::<comment::CommentCall>(&body);
        reads_as::<group::Change>(&body);
        reads_as::<group::GetId>(&body);
        reads_as::<group::Move>(&body);
        reads_as::<network::CallbackCheck>(&body);
        reads_as::<statistics::Span>(&body);
        reads_as::<tag::Change>(&body);
        reads_as::<tag::Members>(&body);
        reads_as::<tag::BatchTagging>(&body);
        reads_as::<tag::GetIdList>(&body);
        reads_as::<follower::BatchGet>(&body);
        reads_as::<follower::UpdateRemark>(&body);
        reads_as::<follower::GetBlacklist>(&body);
        reads_as::<follower::BatchBlacklist>(&body);
    }
}
