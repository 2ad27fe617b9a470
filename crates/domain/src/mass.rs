//! A mass send's life: asked for, accepted, released block by block, finished (群发).

use sha2::{Digest, Sha256};

use crate::{
    audience::Audience,
    content::{Content, NewContent},
    id::{AccountId, MassId, NewsId},
    quota::{CallTicket, QuotaRefusal},
    speed::Pace,
    time::Timestamp,
};

/// How long an accepted mass keeps its `clientmsgid` (I10).
pub const REPEAT_WINDOW_MS: i64 = 24 * 3_600 * 1_000;
/// Bytes of a `clientmsgid`, at most (45067).
pub const CLIENT_MSG_ID_MAX: usize = 64;

/// Where a mass is in its life. States only move forward (I7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MassState {
    /// Accepted; waiting or being released.
    Sending,
    /// All batches done.
    Succeeded,
    /// A technical failure before the first delivery.
    Failed,
    /// Refused before the first delivery, with the number of `err(…)`.
    Refused(u32),
    /// Succeeded, and its articles were deleted since.
    Deleted,
}

impl MassState {
    /// Whether a mass in this state may move to `next`.
    pub fn may_become(self, next: MassState) -> bool {
        use MassState::{Deleted, Failed, Refused, Sending, Succeeded};
        matches!(
            (self, next),
            (Sending, Succeeded | Failed | Refused(_)) | (Succeeded, Deleted) | (Deleted, Deleted)
        )
    }

    /// `msg_status` of mass/get.
    pub fn wire_word(self) -> &'static str {
        match self {
            MassState::Sending => "SENDING",
            MassState::Succeeded => "SEND_SUCCESS",
            MassState::Failed | MassState::Refused(_) => "SEND_FAIL",
            MassState::Deleted => "DELETE",
        }
    }

    /// `Status` of the finish event (spec events §4.3).
    pub fn event_status(self) -> String {
        match self {
            MassState::Refused(number) => format!("err({number})"),
            MassState::Failed => "send fail".to_owned(),
            MassState::Sending | MassState::Succeeded | MassState::Deleted => "send success".to_owned(),
        }
    }
}

/// Through what a mass came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The compatible API.
    Api,
    /// The operator's site, that is the native API.
    Site,
    /// Not a mass: a preview to one follower.
    Preview,
}

/// The outcome of a mass in numbers (I4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The frozen audience; for a list also its distinct entries that were no followers.
    pub total: u64,
    /// Entries created.
    pub delivered: u64,
    /// Filtered: had received the month's quota.
    pub over_quota: u64,
    /// Filtered: blacklisted.
    pub blacklisted: u64,
    /// Filtered: refused.
    pub opted_out: u64,
    /// Failed: left between acceptance and release.
    pub left: u64,
    /// Failed: recalled before its block was released, or a technical failure before the first delivery.
    pub failed: u64,
}

impl Counts {
    /// `SentCount`.
    pub fn sent(&self) -> u64 {
        self.delivered
    }

    /// `ErrorCount`.
    pub fn errors(&self) -> u64 {
        self.left + self.failed
    }

    /// `FilterCount`: what was left to send to; always sent + errors (S141).
    pub fn after_filters(&self) -> u64 {
        self.sent() + self.errors()
    }

    /// Adds the outcome of one more block; `total` stays.
    pub fn add(&mut self, other: &Counts) {
        self.delivered += other.delivered;
        self.over_quota += other.over_quota;
        self.blacklisted += other.blacklisted;
        self.opted_out += other.opted_out;
        self.left += other.left;
        self.failed += other.failed;
    }
}

/// A mass send as asked for, checked as far as that is possible without the store.
#[derive(Clone, Debug)]
pub struct NewMass {
    /// What to send.
    pub content: NewContent,
    /// To whom.
    pub audience: Audience,
    /// The caller's key for doing it once, if any.
    pub client_msg_id: Option<String>,
    /// Whether to go on when an article is judged a reprint.
    pub send_ignore_reprint: bool,
    /// The counted call; always within the day for what does not count as a call.
    pub ticket: CallTicket,
    /// Through what it came; not [`Origin::Preview`].
    pub origin: Origin,
    /// Followers a minute; `None` is without limit.
    pub per_minute: Option<u32>,
}

/// What the caller learns of an accepted mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `msg_id`.
    pub id: MassId,
    /// `msg_data_id`, for news.
    pub news: Option<NewsId>,
}

/// An accepted mass.
#[derive(Clone, Debug)]
pub struct Mass {
    /// Whose.
    pub account: AccountId,
    /// `msg_id`.
    pub id: MassId,
    /// Through what it came.
    pub origin: Origin,
    /// What it carries.
    pub content: Content,
    /// Where it is.
    pub state: MassState,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Numbers so far; final once it ended.
    pub counts: Counts,
    /// Batches not yet released.
    pub batches_left: u64,
    /// How fast it goes.
    pub pace: Pace,
    /// Until when it waits for the administrator; `None` when it does not wait.
    pub confirm_by: Option<Timestamp>,
    /// When it was recalled.
    pub recalled_at: Option<Timestamp>,
    /// Whether to go on when an article is judged a reprint.
    pub send_ignore_reprint: bool,
}

/// Why a mass send is not accepted, in the order of the checks (spec mass-send §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The media or news id is unknown, expired or of another kind (40007).
    #[error("unknown media id")]
    MediaUnknown,
    /// The tag does not exist (40152).
    #[error("unknown tag")]
    TagUnknown,
    /// A list without a single follower (40003).
    #[error("no valid receiver")]
    NoReceiver,
    /// The same `clientmsgid`, or the same content to the same audience, within 24 hours (45065).
    #[error("the same mass send was accepted before")]
    Repeat {
        /// The mass that was accepted then.
        earlier: MassId,
    },
    /// Q2 (45009).
    #[error("the day's calls are used up")]
    CallsUsedUp,
    /// Q1, Q4, Q5 (45028).
    #[error(transparent)]
    Quota(#[from] QuotaRefusal),
    /// The card is unknown (40073).
    #[error("unknown card")]
    CardUnknown,
    /// An article is declared original by an account that has not the right to (41040).
    #[error("declared original without the right to")]
    OriginalNotAllowed,
    /// Another send to all waits for the administrator (89504).
    #[error("another send to all waits for the administrator's confirmation")]
    ConfirmationPending,
}

/// Why a mass send is neither confirmed nor refused nor recalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// No such mass.
    #[error("there is no such mass send")]
    Unknown,
    /// It does not wait for the administrator.
    #[error("this mass send does not wait for a confirmation")]
    NotWaiting,
}

/// How long the administrator has to confirm a send to all (spec mass-send §14.6).
pub const CONFIRM_MS: i64 = 30 * 60 * 1_000;
/// `err(…)` when the administrator refused.
pub const REFUSED_BY_ADMINISTRATOR: u32 = 40_001;
/// `err(…)` when the administrator did not answer in time.
pub const CONFIRMATION_TIMED_OUT: u32 = 40_002;

/// Why a mass cannot be deleted (spec mass-send §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteRefusal {
    /// No such mass (40059).
    #[error("unknown mass")]
    Unknown,
    /// Only news and videos can be deleted (40008).
    #[error("this message type cannot be deleted")]
    MessageType,
    /// Only what was sent successfully can be deleted (40065).
    #[error("the mass was not sent successfully")]
    NotSent,
    /// No such article (40060).
    #[error("no such article")]
    ArticleIndex,
}

/// The key under which a mass is a repeat of another (I10): the caller's, or a digest of audience and
/// content. The two kinds can never be equal.
pub fn repeat_key(mass: &NewMass) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut field = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    if let Some(key) = &mass.client_msg_id {
        field(b"key");
        field(key.as_bytes());
        return digest.finalize().into();
    }
    field(b"digest");
    match &mass.audience {
        Audience::All => field(b"all"),
        Audience::Tag(tag) => {
            field(b"tag");
            field(&tag.0.to_be_bytes());
        }
        Audience::OpenIds(list) => {
            field(b"list");
            field(&list.strangers.to_be_bytes());
            for ordinal in &list.ordinals {
                field(&ordinal.0.to_be_bytes());
            }
        }
    }
    field(mass.content.message_type().word().as_bytes());
    match &mass.content {
        NewContent::Text(text) => field(text.as_bytes()),
        NewContent::Image { media, caption } => {
            field(&media.len().to_be_bytes());
            media.iter().for_each(|id| field(id.0.as_bytes()));
            field(caption.title.as_bytes());
            field(caption.recommend.as_bytes());
        }
        NewContent::Voice(id) | NewContent::Music(id) | NewContent::News(id) => field(id.0.as_bytes()),
        NewContent::Card(id) => field(id.0.as_bytes()),
        NewContent::NewsAgain(news) => field(&news.0.to_be_bytes()),
        NewContent::Video {
            media,
            title,
            description,
        } => {
            field(media.0.as_bytes());
            field(title.as_bytes());
            field(description.as_bytes());
        }
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audience::FollowerList, id::Ordinal, id::TagId};

    fn mass(audience: Audience, text: &str, key: Option<&str>) -> NewMass {
        NewMass {
            content: NewContent::Text(text.into()),
            audience,
            client_msg_id: key.map(str::to_owned),
            send_ignore_reprint: false,
            ticket: CallTicket { within_day: true },
            origin: Origin::Api,
            per_minute: None,
        }
    }

    #[test]
    fn l05_without_a_key_audience_and_content_decide() {
        let list = |ordinals: &[u32]| {
            Audience::OpenIds(FollowerList {
                ordinals: ordinals.iter().map(|o| Ordinal(*o)).collect(),
                strangers: 0,
            })
        };
        let different = [
            mass(Audience::All, "a", None),
            mass(Audience::All, "b", None),
            mass(Audience::Tag(TagId(2)), "a", None),
            mass(Audience::Tag(TagId(3)), "a", None),
            mass(list(&[1, 2]), "a", None),
            mass(list(&[1, 3]), "a", None),
            mass(Audience::All, "a", Some("a")),
            mass(Audience::All, "a", Some("b")),
        ];
        for (i, a) in different.iter().enumerate() {
            for (j, b) in different.iter().enumerate() {
                assert_eq!(repeat_key(a) == repeat_key(b), i == j, "{i} {j}");
            }
        }
    }

    #[test]
    fn l02_with_a_key_only_the_key_decides() {
        assert_eq!(
            repeat_key(&mass(Audience::All, "a", Some("k"))),
            repeat_key(&mass(Audience::Tag(TagId(2)), "b", Some("k")))
        );
    }

    #[test]
    fn i07_states_only_move_forward() {
        use MassState::{Deleted, Failed, Refused, Sending, Succeeded};
        let states = [Sending, Succeeded, Failed, Refused(10001), Deleted];
        let moves: Vec<(MassState, MassState)> = states
            .iter()
            .flat_map(|from| states.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        let expected = [
            (Sending, Succeeded),
            (Sending, Failed),
            (Sending, Refused(10001)),
            (Succeeded, Deleted),
            (Deleted, Deleted),
        ];
        assert_eq!(moves, expected);
    }
}
