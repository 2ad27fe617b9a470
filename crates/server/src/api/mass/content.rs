//! From the message part of a body to what is to be sent (spec mass-send §8.2).

use domain::{
    article,
    content::{MessageType, NewContent},
    id::{MediaId, NewsId},
};
use wire::{
    errcode::ErrCode,
    field::Field,
    mass::{Images, Message, MpNews, Video},
    media::MediaRef,
};

use crate::api::error::ApiError;

/// Pictures that one message of the form `images` may name (U5).
const PICTURES_MAX: usize = 20;

/// The content of a message; whether its ids exist is the store's to say.
pub fn of_message(message: Message) -> Result<NewContent, ApiError> {
    let word = message.msgtype.required(ErrCode::InvalidMessageType)?;
    if word == "wxcard" {
        // There is no registry of cards yet, so every card is unknown.
        message.wxcard.required(ErrCode::InvalidMessageType)?;
        return Err(ErrCode::InvalidCardId.into());
    }
    match MessageType::from_word(&word).ok_or(ErrCode::InvalidMessageType)? {
        MessageType::Text => text(message.text.required(ErrCode::InvalidMessageType)?.content),
        MessageType::Image => image(message.image, message.images),
        MessageType::Voice => media(message.voice).map(NewContent::Voice),
        MessageType::Music => media(message.music).map(NewContent::Music),
        MessageType::Video => video(message.mpvideo.or(message.video)),
        MessageType::News => news(message.mpnews),
    }
}

fn text(content: Field<String>) -> Result<NewContent, ApiError> {
    let content = content.required_or(ErrCode::EmptyContent, ErrCode::InvalidArgsSize)?;
    article::check_text(&content)?;
    Ok(NewContent::Text(content))
}

/// One picture, in either form; several pictures in one message are not sent yet.
fn image(single: Field<MediaRef>, several: Field<Images>) -> Result<NewContent, ApiError> {
    if !single.is_absent() {
        return media(single).map(NewContent::Image);
    }
    let ids = several
        .required(ErrCode::InvalidMessageType)?
        .media_ids
        .required(ErrCode::InvalidImageCount)?;
    let mut ids = ids.into_iter().take(PICTURES_MAX + 1);
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(NewContent::Image(MediaId(id))),
        _ => Err(ErrCode::InvalidImageCount.into()),
    }
}

fn media(object: Field<MediaRef>) -> Result<MediaId, ApiError> {
    let media = object.required(ErrCode::InvalidMessageType)?;
    Ok(MediaId(media.media_id.required(ErrCode::InvalidMediaId)?))
}

fn video(object: Field<Video>) -> Result<NewContent, ApiError> {
    let video = object.required(ErrCode::InvalidMessageType)?;
    let media = MediaId(video.media_id.required(ErrCode::InvalidMediaId)?);
    let text = |field: Field<String>| {
        field
            .or_malformed(ErrCode::InvalidArgsSize)
            .map(Option::unwrap_or_default)
    };
    let title = Some(text(video.title)?).filter(|title| !title.trim().is_empty());
    let description = text(video.description)?;
    // Absent texts leave the stored ones; only given ones are checked.
    article::check_video_text(title.as_deref().unwrap_or("-"), &description)?;
    Ok(NewContent::Video {
        media,
        title: title.unwrap_or_default(),
        description,
    })
}

fn news(object: Field<MpNews>) -> Result<NewContent, ApiError> {
    let news = object.required(ErrCode::InvalidMessageType)?;
    match news.media_id.or_malformed(ErrCode::InvalidMediaId)? {
        Some(id) => Ok(NewContent::News(MediaId(id))),
        None => Ok(NewContent::NewsAgain(NewsId(
            news.msg_data_id.required(ErrCode::InvalidMediaId)?,
        ))),
    }
}

#[cfg(test)]
mod tests {
    use wire::{body, mass::SendAll};

    use super::*;

    fn check(json: &str, expected: Result<NewContent, ErrCode>) {
        let request: SendAll = body::read(json.as_bytes()).expect("an object");
        assert_eq!(
            of_message(request.message).map_err(|error| error.code),
            expected,
            "{json}"
        );
    }

    fn id(text: &str) -> MediaId {
        MediaId(text.into())
    }

    #[test]
    fn every_message_type_is_understood_in_its_spellings() {
        let video = |title: &str| {
            Ok(NewContent::Video {
                media: id("V"),
                title: title.into(),
                description: String::new(),
            })
        };
        check(
            r#"{"msgtype":"text","text":{"content":"Hi"}}"#,
            Ok(NewContent::Text("Hi".into())),
        );
        check(
            r#"{"msgtype":"image","image":{"media_id":"I"}}"#,
            Ok(NewContent::Image(id("I"))),
        );
        check(
            r#"{"msgtype":"image","images":{"media_ids":["I"]}}"#,
            Ok(NewContent::Image(id("I"))),
        );
        check(
            r#"{"msgtype":"voice","voice":{"media_id":"V"}}"#,
            Ok(NewContent::Voice(id("V"))),
        );
        check(
            r#"{"msgtype":"music","music":{"media_id":"M"}}"#,
            Ok(NewContent::Music(id("M"))),
        );
        check(
            r#"{"msgtype":"mpnews","mpnews":{"media_id":"N"}}"#,
            Ok(NewContent::News(id("N"))),
        );
        check(
            r#"{"msgtype":"mpnews","mpnews":{"msg_data_id":7}}"#,
            Ok(NewContent::NewsAgain(NewsId(7))),
        );
        for (word, object) in [
            ("mpvideo", "mpvideo"),
            ("mpvideo", "video"),
            ("video", "video"),
            ("video", "mpvideo"),
        ] {
            check(
                &format!(r#"{{"msgtype":"{word}","{object}":{{"media_id":"V","title":"T"}}}}"#),
                video("T"),
            );
            check(
                &format!(r#"{{"msgtype":"{word}","{object}":{{"media_id":"V","title":null}}}}"#),
                video(""),
            );
        }
    }

    #[test]
    fn a_type_without_its_object_is_refused() {
        for json in [
            "{}",
            r#"{"msgtype":"mptext","text":{"content":"x"}}"#,
            r#"{"msgtype":"text"}"#,
            r#"{"msgtype":"text","text":"x"}"#,
            r#"{"msgtype":"text","image":{"media_id":"x"}}"#,
            r#"{"msgtype":"mpvideo","voice":{"media_id":"x"}}"#,
            r#"{"msgtype":"wxcard"}"#,
            r#"{"msgtype":{}}"#,
        ] {
            check(json, Err(ErrCode::InvalidMessageType));
        }
        check(
            r#"{"msgtype":"wxcard","wxcard":{"card_id":"C"}}"#,
            Err(ErrCode::InvalidCardId),
        );
    }

    #[test]
    fn an_object_with_a_bad_value_has_the_code_of_that_value() {
        check(r#"{"msgtype":"text","text":{}}"#, Err(ErrCode::EmptyContent));
        check(
            r#"{"msgtype":"text","text":{"content":" \n"}}"#,
            Err(ErrCode::EmptyContent),
        );
        check(r#"{"msgtype":"image","image":{}}"#, Err(ErrCode::InvalidMediaId));
        check(
            r#"{"msgtype":"image","image":{"media_id":[]}}"#,
            Err(ErrCode::InvalidMediaId),
        );
        check(
            r#"{"msgtype":"image","images":{"media_ids":[]}}"#,
            Err(ErrCode::InvalidImageCount),
        );
        check(
            r#"{"msgtype":"mpnews","mpnews":{}}"#,
            Err(ErrCode::InvalidMediaId),
        );
        let long = format!(
            r#"{{"msgtype":"text","text":{{"content":"{}"}}}}"#,
            "长".repeat(683)
        );
        check(&long, Err(ErrCode::ContentSizeOutOfLimit));
        let long = format!(
            r#"{{"msgtype":"mpvideo","mpvideo":{{"media_id":"V","title":"{}"}}}}"#,
            "t".repeat(129)
        );
        check(&long, Err(ErrCode::TitleSizeOutOfLimit));
    }
}
