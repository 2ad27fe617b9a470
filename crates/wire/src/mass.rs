//! Mass sends: to all or a tag, by list, previews, status, deletion and speed.
//!
//! The message itself is [`Message`], the same in all three sending calls. It keeps every spelling apart
//! (`video` and `mpvideo`, `image` and `images`); which of them a message type goes with is a rule.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::field::{Field, Flag, JsonText};
use crate::media::MediaRef;

/// The message part of `sendall`, `send` and `preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Message {
    /// Which of the objects below is meant.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub msgtype: Field<String>,
    /// News.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub mpnews: Field<MpNews>,
    /// A text.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub text: Field<Text>,
    /// A voice message.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub voice: Field<MediaRef>,
    /// A piece of music.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub music: Field<MediaRef>,
    /// One picture.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub image: Field<MediaRef>,
    /// Several pictures, with `msgtype` still `image`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub images: Field<Images>,
    /// A video.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub mpvideo: Field<Video>,
    /// A video, under its other name.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub video: Field<Video>,
    /// A card.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub wxcard: Field<WxCard>,
    /// Whether to go on if an article is judged a reprint.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub send_ignore_reprint: Field<Flag>,
    /// The caller's key for sending once.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub clientmsgid: Field<String>,
}

/// The object `mpnews`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct MpNews {
    /// The news.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_id: Field<String>,
    /// In its place: the message data of an earlier send, to keep the link of the article.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub msg_data_id: Field<i64>,
}

/// The object `text`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Text {
    /// What it says.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub content: Field<String>,
}

/// The object `images`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Images {
    /// The pictures.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_ids: Field<Vec<String>>,
    /// A text that recommends them.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub recommend: Field<String>,
    /// Their title.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub title: Field<String>,
    /// Whether readers may comment.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub need_open_comment: Field<Flag>,
    /// Whether only followers may comment.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub only_fans_can_comment: Field<Flag>,
}

/// The objects `mpvideo` and `video`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Video {
    /// The video.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_id: Field<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub title: Field<String>,
    /// A text below it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
}

/// The object `wxcard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct WxCard {
    /// The card.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub card_id: Field<String>,
    /// Its parameters, in previews: JSON as text, or the object itself.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub card_ext: Field<JsonText>,
}

/// The body of `POST /cgi-bin/message/mass/sendall`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct SendAll {
    /// Who gets it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub filter: Field<Filter>,
    /// What they get.
    #[serde(flatten)]
    pub message: Message,
}

/// Who gets a mass send: all, or a tag under its new or old name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Filter {
    /// Whether all followers are meant.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub is_to_all: Field<bool>,
    /// The tag.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tag_id: Field<i64>,
    /// The tag, as it was called before 2016.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub group_id: Field<i64>,
}

impl Filter {
    /// The tag under either name.
    pub fn tag(&self) -> Field<i64> {
        self.tag_id.or(self.group_id)
    }
}

/// The body of `POST /cgi-bin/message/mass/send`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Send {
    /// The OpenIDs that get it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub touser: Field<Vec<String>>,
    /// What they get.
    #[serde(flatten)]
    pub message: Message,
}

/// The body of `POST /cgi-bin/message/mass/preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Preview {
    /// The OpenID that gets it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub touser: Field<String>,
    /// The name of the follower that gets it; goes before `touser`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub towxname: Field<String>,
    /// What is previewed.
    #[serde(flatten)]
    pub message: Message,
}

/// The answer of `sendall` and `send`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Accepted {
    /// Always 0.
    pub errcode: i64,
    /// Always [`Accepted::TEXT`].
    pub errmsg: String,
    /// The accepted mass send.
    pub msg_id: i64,
    /// Its message data; for news only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_data_id: Option<i64>,
}

impl Accepted {
    /// The text that means: taken, not yet sent.
    pub const TEXT: &str = "send job submission success";

    /// The answer for this mass send.
    pub fn new(msg_id: i64, msg_data_id: Option<i64>) -> Self {
        Self {
            errcode: 0,
            errmsg: Self::TEXT.to_owned(),
            msg_id,
            msg_data_id,
        }
    }
}

/// The answer of `preview`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PreviewAnswer {
    /// Always 0.
    pub errcode: i64,
    /// Always [`PreviewAnswer::TEXT`].
    pub errmsg: String,
    /// A number from the sequence of mass sends; some servers leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<i64>,
}

impl PreviewAnswer {
    /// The text of a preview that went out.
    pub const TEXT: &str = "preview success";

    /// The answer for a preview with this number.
    pub fn new(msg_id: i64) -> Self {
        Self {
            errcode: 0,
            errmsg: Self::TEXT.to_owned(),
            msg_id: Some(msg_id),
        }
    }
}

/// The body of `POST /cgi-bin/message/mass/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Get {
    /// The mass send asked for.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub msg_id: Field<i64>,
}

/// The answer of `mass/get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GetAnswer {
    /// The mass send, as a number even if it was asked for as a text.
    pub msg_id: i64,
    /// How far it is.
    pub msg_status: MsgStatus,
}

/// How far a mass send is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MsgStatus {
    /// Accepted, and not finished.
    Sending,
    /// Finished.
    SendSuccess,
    /// Ended without being sent.
    SendFail,
    /// Deleted after it was sent.
    Delete,
}

/// The body of `POST /cgi-bin/message/mass/delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Delete {
    /// The mass send.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub msg_id: Field<i64>,
    /// One of its articles, counted from 1; 0 or absent means all.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub article_idx: Field<i64>,
    /// The link of an article, in place of `msg_id`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub url: Field<String>,
}

/// The body of `POST /cgi-bin/message/mass/speed/set`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct SpeedSet {
    /// The level; larger is slower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub speed: Field<i64>,
}

/// The answer of `POST /cgi-bin/message/mass/speed/get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SpeedAnswer {
    /// The level.
    pub speed: i64,
    /// What it means, in ten thousand messages a minute.
    pub realspeed: i64,
}

loose_object!(
    Message, MpNews, Text, Images, Video, WxCard, SendAll, Filter, Send, Preview, Get, Delete, SpeedSet
);
