//! The account's library: permanent materials, drafts, and what was published without a mass send.
//!
//! Numbers and refusals only; what a file or an article may hold is in [`crate::media`] and
//! [`crate::article`]. Temporary media and `uploadimg` pictures are not part of the library and count nowhere
//! here (S32).

use thiserror::Error;

use crate::{
    content::MaterialKind,
    id::{NewsId, PublishId},
    time::Timestamp,
};

/// Entries of one page of a list, at most (accounts §4 and §5: 1…20).
pub const PAGE_COUNT_MAX: u32 = 20;
/// Pictures of one `newspic` article, at most (accounts §5).
pub const GALLERY_PICTURES_MAX: usize = 20;
/// The first `publish_id` of an account (the sample of accounts §6).
pub const PUBLISH_ID_FIRST: i64 = 100_000_001;

/// The lists of permanent materials: the `type` of `batchget_material` (accounts §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaterialList {
    /// Pictures, covers among them.
    Image,
    /// Voices.
    Voice,
    /// Videos.
    Video,
    /// News from `add_news`.
    News,
}

impl MaterialList {
    /// The list that a word on the wire names; spelled exactly so.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "image" => Some(MaterialList::Image),
            "voice" => Some(MaterialList::Voice),
            "video" => Some(MaterialList::Video),
            "news" => Some(MaterialList::News),
            _ => None,
        }
    }

    /// The list in which a file of this kind stands; `None` for videos made from other videos, which live and
    /// go with them.
    pub fn of(kind: MaterialKind) -> Option<Self> {
        match kind {
            MaterialKind::Image | MaterialKind::Thumb => Some(MaterialList::Image),
            MaterialKind::Voice => Some(MaterialList::Voice),
            MaterialKind::Video => Some(MaterialList::Video),
            MaterialKind::MassVideo => None,
        }
    }

    /// The kinds of files in this list; none for news.
    pub fn kinds(self) -> &'static [MaterialKind] {
        match self {
            MaterialList::Image => &[MaterialKind::Image, MaterialKind::Thumb],
            MaterialList::Voice => &[MaterialKind::Voice],
            MaterialList::Video => &[MaterialKind::Video],
            MaterialList::News => &[],
        }
    }
}

/// Where a kept news lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Among the permanent materials; stays until deleted.
    Material,
    /// In the draft box; goes with the first send or publication that succeeds (L14).
    Draft,
}

/// How much a library holds (accounts §4: 5000 pictures and news, 1000 of the others; drafts have no documented
/// limit and get that of news).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryLimits {
    /// Pictures and covers together.
    pub images: u64,
    /// Voices.
    pub voices: u64,
    /// Videos.
    pub videos: u64,
    /// News materials.
    pub news: u64,
    /// Drafts.
    pub drafts: u64,
}

impl Default for LibraryLimits {
    fn default() -> Self {
        Self {
            images: 5_000,
            voices: 1_000,
            videos: 1_000,
            news: 5_000,
            drafts: 5_000,
        }
    }
}

impl LibraryLimits {
    /// How many files or news this list may hold.
    pub fn of_list(&self, list: MaterialList) -> u64 {
        match list {
            MaterialList::Image => self.images,
            MaterialList::Voice => self.voices,
            MaterialList::Video => self.videos,
            MaterialList::News => self.news,
        }
    }

    /// How many news this shelf may hold.
    pub fn of_shelf(&self, shelf: Shelf) -> u64 {
        match shelf {
            Shelf::Material => self.news,
            Shelf::Draft => self.drafts,
        }
    }
}

/// How many permanent materials there are (accounts §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaterialCounts {
    /// Voices.
    pub voices: u64,
    /// Videos.
    pub videos: u64,
    /// Pictures and covers together.
    pub images: u64,
    /// News materials.
    pub news: u64,
}

/// One page of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Entries in front of it.
    pub offset: u64,
    /// Entries on it, 1…[`PAGE_COUNT_MAX`].
    pub count: u32,
}

impl Page {
    /// The page that was asked for; `None` when it is none (accounts §4, 45076).
    pub fn new(offset: i64, count: i64) -> Option<Self> {
        let count = u32::try_from(count).ok()?;
        (1..=PAGE_COUNT_MAX).contains(&count).then_some(())?;
        Some(Self {
            offset: u64::try_from(offset).ok()?,
            count,
        })
    }
}

/// Why something cannot be done to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LibraryRefusal {
    /// The list is full (accounts §4, 45074).
    #[error("the list is full")]
    Full,
    /// No such material, draft or news of this account (40007).
    #[error("unknown media id")]
    Unknown,
    /// The news has no article at this place (accounts §4.2, 40114).
    #[error("no article at this place")]
    ArticleIndex,
}

/// Why articles of a publication are not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublicationRefusal {
    /// No such publication of this account (53600).
    #[error("unknown publication")]
    Unknown,
    /// The publication has no article at this place (40114).
    #[error("no article at this place")]
    ArticleIndex,
}

/// How far a publication is: `publish_status` (accounts §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishStatus {
    /// It is public.
    Published,
    /// It is being made public.
    Running,
    /// The originality check refused it.
    OriginalityFailed,
    /// It failed for another reason.
    Failed,
    /// The review refused it.
    Refused,
    /// The account has deleted all of its articles since.
    Deleted,
    /// All of its articles were blocked since.
    Blocked,
}

impl PublishStatus {
    /// All of them, each at the place of its number.
    pub const ALL: [PublishStatus; 7] = [
        PublishStatus::Published,
        PublishStatus::Running,
        PublishStatus::OriginalityFailed,
        PublishStatus::Failed,
        PublishStatus::Refused,
        PublishStatus::Deleted,
        PublishStatus::Blocked,
    ];

    /// The number on the wire and in the store.
    pub fn number(self) -> u8 {
        match self {
            PublishStatus::Published => 0,
            PublishStatus::Running => 1,
            PublishStatus::OriginalityFailed => 2,
            PublishStatus::Failed => 3,
            PublishStatus::Refused => 4,
            PublishStatus::Deleted => 5,
            PublishStatus::Blocked => 6,
        }
    }

    /// The status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether it was public once, so that it has an `article_id` and pages.
    pub fn was_public(self) -> bool {
        matches!(
            self,
            PublishStatus::Published | PublishStatus::Deleted | PublishStatus::Blocked
        )
    }
}

/// A draft that was published (accounts §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// `publish_id`.
    pub id: PublishId,
    /// The frozen articles.
    pub news: NewsId,
    /// How far it is.
    pub status: PublishStatus,
    /// When it was published.
    pub published_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_twenty_entries() {
        assert_eq!(Page::new(0, 1), Some(Page { offset: 0, count: 1 }));
        assert_eq!(
            Page::new(40, 20),
            Some(Page {
                offset: 40,
                count: 20
            })
        );
        for (offset, count) in [(0, 0), (0, 21), (0, -1), (-1, 20), (0, i64::MAX)] {
            assert_eq!(Page::new(offset, count), None, "{offset} {count}");
        }
    }

    #[test]
    fn a_status_is_found_by_its_number() {
        for status in PublishStatus::ALL {
            assert_eq!(PublishStatus::from_number(status.number()), Some(status));
        }
        assert_eq!(PublishStatus::from_number(7), None);
    }

    #[test]
    fn every_file_but_a_made_video_stands_in_the_list_of_its_kind() {
        for list in ["image", "voice", "video"].map(MaterialList::from_word) {
            let list = list.expect("a list");
            for kind in list.kinds() {
                assert_eq!(MaterialList::of(*kind), Some(list));
            }
        }
        assert_eq!(MaterialList::of(MaterialKind::MassVideo), None);
        assert_eq!(MaterialList::from_word("thumb"), None);
    }
}
