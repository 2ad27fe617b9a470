//! What a mass send carries: as asked for, and as frozen at acceptance (I6).

use crate::{
    article::Article,
    id::{BlobId, CardId, ImageId, MediaId, NewsId},
};

/// Pictures of one message, at most (U5, 40215).
pub const PICTURES_MAX: usize = 20;
/// Characters of the text that recommends pictures, at most; undocumented, our choice (40193).
pub const RECOMMEND_MAX: usize = 300;
/// What pictures are recommended with when the sender says nothing (spec mass-send §8.2).
pub const RECOMMEND_DEFAULT: &str = "分享图片";

/// The kinds of stored material that an id can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaterialKind {
    /// A picture.
    Image,
    /// A voice recording.
    Voice,
    /// A video as uploaded.
    Video,
    /// A small picture for covers.
    Thumb,
    /// A video made ready for mass sends by uploadvideo.
    MassVideo,
}

impl MaterialKind {
    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            MaterialKind::Image => "image",
            MaterialKind::Voice => "voice",
            MaterialKind::Video => "video",
            MaterialKind::Thumb => "thumb",
            MaterialKind::MassVideo => "mpvideo",
        }
    }

    /// The kind that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        use MaterialKind::{Image, MassVideo, Thumb, Video, Voice};
        [Image, Voice, Video, Thumb, MassVideo]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// Stored bytes and their type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Where the bytes lie.
    pub id: BlobId,
    /// The MIME type found in the bytes at upload.
    pub content_type: String,
    /// How many bytes.
    pub length: u64,
}

/// The message types of spec mass-send §8.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// Text.
    Text,
    /// One picture, or several.
    Image,
    /// Voice.
    Voice,
    /// Audio shown like voice.
    Music,
    /// Video from uploadvideo.
    Video,
    /// One to eight articles.
    News,
    /// A card.
    Card,
}

impl MessageType {
    /// The msgtype word.
    pub fn word(self) -> &'static str {
        match self {
            MessageType::Text => "text",
            MessageType::Image => "image",
            MessageType::Voice => "voice",
            MessageType::Music => "music",
            MessageType::Video => "mpvideo",
            MessageType::News => "mpnews",
            MessageType::Card => "wxcard",
        }
    }

    /// The type that `word` names; `video` is the tables' word for `mpvideo`.
    pub fn from_word(word: &str) -> Option<Self> {
        use MessageType::{Card, Image, Music, News, Text, Video, Voice};
        let word = if word == "video" { "mpvideo" } else { word };
        [Text, Image, Voice, Music, Video, News, Card]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// Whether `mass/delete` can delete it (S103).
    pub fn can_be_deleted(self) -> bool {
        matches!(self, MessageType::News | MessageType::Video)
    }
}

/// What a caller wants to send: texts in full, everything else by id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NewContent {
    /// The text itself.
    Text(String),
    /// Pictures by their ids, with their texts.
    Image {
        /// One to [`PICTURES_MAX`].
        media: Vec<MediaId>,
        /// What stands with them.
        caption: Caption,
    },
    /// A voice's id.
    Voice(MediaId),
    /// A voice's id, sent as music.
    Music(MediaId),
    /// A video's id; title and description override the stored ones where given.
    Video {
        /// From uploadvideo, or the video itself.
        media: MediaId,
        /// Empty leaves the stored title.
        title: String,
        /// Empty leaves the stored description.
        description: String,
    },
    /// A news material's id.
    News(MediaId),
    /// A news that was sent before, by its `msg_data_id` (U14).
    NewsAgain(NewsId),
    /// A card of the account's registry.
    Card(CardId),
}

impl NewContent {
    /// One picture without texts.
    pub fn picture(media: MediaId) -> Self {
        NewContent::Image {
            media: vec![media],
            caption: Caption::default(),
        }
    }

    /// Its message type.
    pub fn message_type(&self) -> MessageType {
        match self {
            NewContent::Text(_) => MessageType::Text,
            NewContent::Image { .. } => MessageType::Image,
            NewContent::Voice(_) => MessageType::Voice,
            NewContent::Music(_) => MessageType::Music,
            NewContent::Video { .. } => MessageType::Video,
            NewContent::News(_) | NewContent::NewsAgain(_) => MessageType::News,
            NewContent::Card(_) => MessageType::Card,
        }
    }
}

/// What a mass carries once accepted; nothing the account does later changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The text.
    Text(String),
    /// Pictures, at least one.
    Image {
        /// Their bytes, in order.
        pictures: Vec<StoredBlob>,
        /// What stands with them.
        caption: Caption,
    },
    /// A voice.
    Voice(StoredBlob),
    /// An audio.
    Music(StoredBlob),
    /// A video with its texts.
    Video {
        /// The video's bytes.
        blob: StoredBlob,
        /// Shown above it.
        title: String,
        /// Shown below it.
        description: String,
    },
    /// A frozen news.
    News(NewsId),
    /// A card.
    Card {
        /// Which.
        id: CardId,
        /// What it says.
        title: String,
    },
}

impl Content {
    /// Its message type.
    pub fn message_type(&self) -> MessageType {
        match self {
            Content::Text(_) => MessageType::Text,
            Content::Image { .. } => MessageType::Image,
            Content::Voice(_) => MessageType::Voice,
            Content::Music(_) => MessageType::Music,
            Content::Video { .. } => MessageType::Video,
            Content::News(_) => MessageType::News,
            Content::Card { .. } => MessageType::Card,
        }
    }
}

/// What stands with the pictures of a message in the form `images`; all empty in the form `image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caption {
    /// A title.
    pub title: String,
    /// A text that recommends them.
    pub recommend: String,
    /// Whether readers may comment.
    pub need_open_comment: bool,
    /// Whether only followers may comment.
    pub only_fans_can_comment: bool,
}

/// What an article of the type `newspic` was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gallery {
    /// The plain text; may be empty.
    pub text: String,
    /// One to twenty permanent pictures, the cover first.
    pub pictures: Vec<MediaId>,
}

/// One article of a news with its cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsArticle {
    /// The text and its settings, after the rules of `article`.
    pub article: Article,
    /// The id that named the cover.
    pub cover_media: MediaId,
    /// The cover picture.
    pub cover: StoredBlob,
    /// The address of the cover, of permanent covers.
    pub cover_image: Option<ImageId>,
    /// The account's own pictures in the body: their bytes stay as long as this article does.
    pub pictures: Vec<BlobId>,
    /// What it was made of, if it is a series of pictures.
    pub gallery: Option<Gallery>,
}

impl NewsArticle {
    /// The word for its type in drafts and publications.
    pub fn article_type(&self) -> &'static str {
        if self.gallery.is_some() { "newspic" } else { "news" }
    }
}

/// One to eight articles sent as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// In the order of the card.
    pub articles: Vec<NewsArticle>,
}
