//! Temporary media: uploads, pictures for articles, and the download of a video.

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The query of `POST /cgi-bin/media/upload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct UploadQuery {
    /// `image`, `voice`, `video` or `thumb`.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
}

/// A `media_id` alone: the query of `GET /cgi-bin/media/get`, the body of several material calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct MediaRef {
    /// The media or material meant.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_id: Field<String>,
}

/// The answer of `media/upload`, `media/uploadnews` and `media/uploadvideo`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UploadAnswer {
    /// `image`, `voice`, `video`, `thumb` or `news`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The new id. Some servers leave it out for thumbs; see [`UploadAnswer::id`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_id: String,
    /// The same id, for thumbs only: clients look for it in either place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumb_media_id: Option<String>,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
}

impl UploadAnswer {
    /// The answer for a new id of this kind.
    pub fn new(kind: &str, media_id: &str, created_at: i64) -> Self {
        Self {
            kind: kind.to_owned(),
            media_id: media_id.to_owned(),
            thumb_media_id: (kind == "thumb").then(|| media_id.to_owned()),
            created_at,
        }
    }

    /// The new id, wherever it stands.
    pub fn id(&self) -> &str {
        match &self.thumb_media_id {
            Some(thumb) if self.media_id.is_empty() => thumb,
            _ => &self.media_id,
        }
    }
}

/// The answer of `media/uploadimg`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UploadImgAnswer {
    /// Where the picture is, for use in the body of an article.
    pub url: String,
}

/// The answer of `media/get` for a video; other kinds are answered by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct VideoUrl {
    /// Where the video can be fetched.
    pub video_url: String,
}

loose_object!(UploadQuery, MediaRef);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_answers_with_a_number_for_its_time() {
        insta::assert_snapshot!(
            serde_json::to_string(&UploadAnswer::new("image", "MEDIA_ID", 1450078115)).expect("JSON"),
            @r#"{"type":"image","media_id":"MEDIA_ID","created_at":1450078115}"#
        );
    }

    #[test]
    fn a_thumb_has_its_id_in_both_places() {
        insta::assert_snapshot!(
            serde_json::to_string(&UploadAnswer::new("thumb", "MEDIA_ID", 1450080994)).expect("JSON"),
            @r#"{"type":"thumb","media_id":"MEDIA_ID","thumb_media_id":"MEDIA_ID","created_at":1450080994}"#
        );
    }

    #[test]
    fn the_id_of_a_thumb_is_found_where_the_original_puts_it() {
        let answer: UploadAnswer =
            serde_json::from_str(r#"{"type":"thumb","thumb_media_id":"T","created_at":1}"#)
                .expect("an answer");
        assert_eq!(answer.id(), "T");
    }
}
