//! From the message part of a body to what is to be sent (spec mass-send §8.2).

use domain::{
    article,
    content::{Caption, MessageType, NewContent, PICTURES_MAX, RECOMMEND_DEFAULT, RECOMMEND_MAX},
    id::{CardId, MediaId, NewsId},
};
use wire::{
    errcode::ErrCode,
    field::{Field, Flag},
    mass::{Images, Message, MpNews, Video, WxCard},
    media::MediaRef,
};

use crate::api::error::ApiError;

/// The content of a message; whether its ids exist is the store's to say.
pub fn of_message(message: Message) -> Result<NewContent, ApiError> {
    let word = message.msgtype.required(ErrCode::InvalidMessageType)?;
    match MessageType::from_word(&word).ok_or(ErrCode::InvalidMessageType)? {
        MessageType::Text => text(message.text.required(ErrCode::InvalidMessageType)?.content),
        MessageType::Image => image(message.image, message.images),
        MessageType::Voice => media(message.voice).map(NewContent::Voice),
        MessageType::Music => media(message.music).map(NewContent::Music),
        MessageType::Video => video(message.mpvideo.or(message.video)),
        MessageType::News => news(message.mpnews),
        MessageType::Card => card(message.wxcard),
    }
}

fn text(content: Field<String>) -> Result<NewContent, ApiError> {
    let content = content.required_or(ErrCode::EmptyContent, ErrCode::InvalidArgsSize)?;
    article::check_text(&content)?;
    Ok(NewContent::Text(content))
}

/// One picture, or several with their texts.
fn image(single: Field<MediaRef>, several: Field<Images>) -> Result<NewContent, ApiError> {
    if !single.is_absent() {
        return media(single).map(NewContent::picture);
    }
    let images = several.required(ErrCode::InvalidMessageType)?;
    let ids = images.media_ids.required(ErrCode::InvalidImageCount)?;
    if ids.is_empty() || ids.len() > PICTURES_MAX {
        return Err(ErrCode::InvalidImageCount.into());
    }
    let text = |field: Field<String>, code| field.or_malformed(code).map(Option::unwrap_or_default);
    let flag = |field: Field<Flag>| field.present().is_some_and(|Flag(on)| on);
    let mut caption = Caption {
        title: text(images.title, ErrCode::InvalidArgsSize)?,
        recommend: text(images.recommend, ErrCode::IllegalRecommend)?,
        need_open_comment: flag(images.need_open_comment),
        only_fans_can_comment: flag(images.only_fans_can_comment),
    };
    if caption.recommend.is_empty() {
        RECOMMEND_DEFAULT.clone_into(&mut caption.recommend);
    }
    if caption.recommend.chars().count() > RECOMMEND_MAX {
        return Err(ErrCode::InvalidRecommendLength.into());
    }
    if caption.title.chars().count() > article::TITLE_CHARACTERS_MAX {
        return Err(ErrCode::TitleSizeOutOfLimit.into());
    }
    Ok(NewContent::Image {
        media: ids.into_iter().map(MediaId).collect(),
        caption,
    })
}

/// A card; what `card_ext` says is for WeChat's own clients and only has to be readable.
fn card(object: Field<WxCard>) -> Result<NewContent, ApiError> {
    let card = object.required(ErrCode::InvalidMessageType)?;
    card.card_ext.or_malformed(ErrCode::InvalidArgs)?;
    Ok(NewContent::Card(CardId(
        card.card_id.required(ErrCode::InvalidCardId)?,
    )))
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
            Ok(NewContent::picture(id("I"))),
        );
        check(
            r#"{"msgtype":"image","images":{"media_ids":["I","J"],"title":"T","need_open_comment":"1"}}"#,
            Ok(NewContent::Image {
                media: vec![id("I"), id("J")],
                caption: Caption {
                    title: "T".into(),
                    recommend: "分享图片".into(),
                    need_open_comment: true,
                    only_fans_can_comment: false,
                },
            }),
        );
        check(
            r#"{"msgtype":"wxcard","wxcard":{"card_id":"C","card_ext":"{\"code\":\"\"}"}}"#,
            Ok(NewContent::Card(CardId("C".into()))),
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
        let many = format!(
            r#"{{"msgtype":"image","images":{{"media_ids":[{}"I"]}}}}"#,
            r#""I","#.repeat(20)
        );
        check(&many, Err(ErrCode::InvalidImageCount));
        let long = format!(
            r#"{{"msgtype":"image","images":{{"media_ids":["I"],"recommend":"{}"}}}}"#,
            "荐".repeat(301)
        );
        check(&long, Err(ErrCode::InvalidRecommendLength));
        check(r#"{"msgtype":"wxcard","wxcard":{}}"#, Err(ErrCode::InvalidCardId));
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
