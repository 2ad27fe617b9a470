//! Error answers, byte for byte.

use axum::{body::to_bytes, http::header};
use domain::id::MassId;

use super::*;

async fn bytes(error: ApiError) -> String {
    let response = error.answer("64eeed96-5a846396-29ad80fd");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers().get(header::CONTENT_TYPE).expect("a type"),
        "application/json"
    );
    let bytes = to_bytes(response.into_body(), 10_000).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn a_refusal_is_one_line_with_its_number_text_and_rid() {
    insta::assert_snapshot!(
        bytes(MinuteUsedUp.into()).await,
        @r#"{"errcode":45011,"errmsg":"api minute-quota reach limit, must slower, retry next minute rid: 64eeed96-5a846396-29ad80fd"}"#
    );
    insta::assert_snapshot!(
        bytes(StoreError::Closed.into()).await,
        @r#"{"errcode":-1,"errmsg":"system error rid: 64eeed96-5a846396-29ad80fd"}"#
    );
    insta::assert_snapshot!(
        bytes(BodyError::Empty.into()).await,
        @r#"{"errcode":44002,"errmsg":"empty post data rid: 64eeed96-5a846396-29ad80fd"}"#
    );
    insta::assert_snapshot!(
        bytes(Refusal::Quota(QuotaRefusal::SendsUsedUp).into()).await,
        @r#"{"errcode":45028,"errmsg":"has no masssend quota rid: 64eeed96-5a846396-29ad80fd"}"#
    );
}

#[tokio::test]
async fn i10_a_repeat_names_the_first_mass_and_has_no_rid() {
    insta::assert_snapshot!(
        bytes(Refusal::Repeat { earlier: MassId(1_000_000_001) }.into()).await,
        @r#"{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":1000000001}"#
    );
}

#[tokio::test]
async fn a_success_is_one_line_of_raw_utf8() {
    let answer = Answer(serde_json::json!({"name": "广东/\n"})).into_response();
    let bytes = to_bytes(answer.into_body(), 10_000).await.expect("a body");
    assert_eq!(bytes, r#"{"name":"广东/\n"}"#.as_bytes());
}
