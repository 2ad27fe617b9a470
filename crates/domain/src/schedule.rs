//! 定时: a request to be accepted later, as if it were called then (design §8).

use crate::{
    audience::Audience,
    content::NewContent,
    id::{MassId, ScheduleId},
    mass::Refusal,
    time::Timestamp,
};

/// What is to be sent to whom; content and audience are looked up at [`Schedule::send_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to send.
    pub content: NewContent,
    /// To whom.
    pub audience: Audience,
    /// The caller's key for doing it once, if any.
    pub client_msg_id: Option<String>,
    /// Whether to go on when an article is judged a reprint.
    pub send_ignore_reprint: bool,
}

/// How a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleState {
    /// Its time has not come.
    Waiting,
    /// It became a mass.
    Sent(MassId),
    /// It was refused when its time came.
    Refused(Refusal),
    /// It was cancelled before.
    Cancelled,
}

/// A request with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its number in the account.
    pub id: ScheduleId,
    /// When it is to be accepted.
    pub send_at: Timestamp,
    /// What.
    pub request: Request,
    /// How it stands.
    pub state: ScheduleState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How far ahead a mass send may be scheduled: one year.
pub const SCHEDULE_AHEAD_MS: i64 = 366 * 24 * 3_600 * 1_000;

/// Why a schedule is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleRefusal {
    /// No such schedule.
    #[error("there is no such schedule")]
    Unknown,
    /// What it is to become would be refused now.
    #[error(transparent)]
    Request(Refusal),
    /// It was sent, refused or cancelled already.
    #[error("this schedule is over and can no longer be changed")]
    Over,
}
