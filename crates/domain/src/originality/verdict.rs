//! What the check finds in an article, and what becomes of the news that holds it.

use thiserror::Error;

use crate::id::AccountId;

/// A declared original that an article resembles ([`super::Likeness::is_copy`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Who declared it.
    pub author: AccountId,
    /// Whether everybody may reprint it.
    pub can_reprint: bool,
    /// Whether its author put the sending account on its white list.
    pub sender_allowed: bool,
}

/// What the check says of one article (spec mass-send §14.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It resembles no declared original.
    NoHit,
    /// It is the sender's own original.
    OwnOriginal,
    /// It is an original whose author allowed the sender to use it as it is.
    Authorised,
    /// It is an original that may be reprinted: in the original's form, marked, with its source.
    Reprint,
    /// It is an original that must not be reprinted.
    Forbidden,
}

impl Verdict {
    /// Decides about an article that `sent_by` wants to send, from all originals it resembles, the earliest
    /// declared first.
    ///
    /// The earliest one decides: who declares a text that another account declared before has declared a copy, and
    /// gains nothing by it.
    pub fn of(hits: &[Hit], sent_by: AccountId) -> Self {
        match hits.first() {
            None => Verdict::NoHit,
            Some(hit) if hit.author == sent_by => Verdict::OwnOriginal,
            Some(hit) if hit.sender_allowed => Verdict::Authorised,
            Some(hit) if hit.can_reprint => Verdict::Reprint,
            Some(_) => Verdict::Forbidden,
        }
    }

    /// Whether the article is listed in `CopyrightCheckResult`: it resembles an original of another account.
    pub fn is_listed(self) -> bool {
        match self {
            Verdict::NoHit | Verdict::OwnOriginal => false,
            Verdict::Authorised | Verdict::Reprint | Verdict::Forbidden => true,
        }
    }

    /// `AuditState`. A judged reprint carries 2 as in the documented sample, also where it may be sent.
    pub fn audit_state(self) -> AuditState {
        match self {
            Verdict::NoHit | Verdict::OwnOriginal | Verdict::Authorised => AuditState::Passed,
            Verdict::Reprint | Verdict::Forbidden => AuditState::NotPassed,
        }
    }

    /// `CanReprint`: whether the article may be sent.
    pub fn can_reprint(self) -> bool {
        self != Verdict::Forbidden
    }

    /// `NeedReplaceContent`: whether readers get the original's content instead of the sender's.
    pub fn need_replace_content(self) -> bool {
        self == Verdict::Reprint
    }

    /// `NeedShowReprintSource`: whether readers are shown whose original it is.
    pub fn need_show_reprint_source(self) -> bool {
        self == Verdict::Reprint
    }
}

/// `UserDeclareState`: what the sender said of the article (spec events §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeclareState {
    /// Nothing.
    #[default]
    Undeclared,
    /// It is the sender's original.
    Original,
    /// It is a reprint. No call of the API says so; kept for completeness of the table.
    Reprint,
}

impl DeclareState {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            DeclareState::Undeclared => 0,
            DeclareState::Original => 1,
            DeclareState::Reprint => 2,
        }
    }

    /// Whether one of the originals the article resembles was declared by the sender, early or late.
    pub fn of(hits: &[Hit], sent_by: AccountId) -> Self {
        if hits.iter().any(|hit| hit.author == sent_by) {
            DeclareState::Original
        } else {
            DeclareState::Undeclared
        }
    }
}

/// `AuditState`: how the check of an article ended (spec events §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditState {
    /// Nothing to say against it.
    Passed,
    /// Judged a reprint.
    NotPassed,
}

impl AuditState {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            AuditState::Passed => 11,
            AuditState::NotPassed => 2,
        }
    }
}

/// `OriginalArticleType` of everything this check finds: a declared original (spec events §4.2; 2 to 4 are older
/// articles, agency texts and blocked texts, of which this server keeps no library).
pub const ORIGINAL_ARTICLE_TYPE: u8 = 1;

/// `CheckState` of a whole news (spec events §4.2, reading 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckState {
    /// No article is listed.
    NothingFound,
    /// Articles are listed, none is a reprint.
    NotReprint,
    /// There is a reprint, and it may be sent.
    MayBeSent,
    /// There is a reprint that must not be sent.
    MustNotBeSent,
}

impl CheckState {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            CheckState::NothingFound => 0,
            CheckState::NotReprint => 1,
            CheckState::MayBeSent => 2,
            CheckState::MustNotBeSent => 3,
        }
    }
}

/// Why a news is not sent after the check (spec events §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginalityRefusal {
    /// The check could not be made, and the sender wants no reprints sent.
    #[error("the originality check failed")]
    CheckFailed,
    /// An article is an original that must not be reprinted.
    #[error("an article must not be reprinted")]
    MustNotBeSent,
    /// An article is a reprint, and the sender wants no reprints sent.
    #[error("an article is a reprint")]
    StoppedAtReprint,
}

impl OriginalityRefusal {
    /// The number of `err(…)`, for [`crate::mass::MassState::Refused`].
    pub fn number(self) -> u32 {
        match self {
            OriginalityRefusal::CheckFailed => 30_001,
            OriginalityRefusal::MustNotBeSent => 30_002,
            OriginalityRefusal::StoppedAtReprint => 30_003,
        }
    }
}

/// What becomes of a news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// For `CheckState`.
    pub check_state: CheckState,
    /// Why it is not sent; `None` when it is.
    pub refusal: Option<OriginalityRefusal>,
}

/// Decides about a news from what was found in its articles. With `send_ignore_reprint` reprints are sent as
/// such; what must not be reprinted stops the news either way, all articles of it.
pub fn judge(articles: &[Verdict], send_ignore_reprint: bool) -> Judgement {
    let any = |verdict: Verdict| articles.contains(&verdict);
    let (check_state, refusal) = if any(Verdict::Forbidden) {
        (CheckState::MustNotBeSent, Some(OriginalityRefusal::MustNotBeSent))
    } else if any(Verdict::Reprint) {
        let stopped = (!send_ignore_reprint).then_some(OriginalityRefusal::StoppedAtReprint);
        (CheckState::MayBeSent, stopped)
    } else if articles.iter().any(|verdict| verdict.is_listed()) {
        (CheckState::NotReprint, None)
    } else {
        (CheckState::NothingFound, None)
    };
    Judgement { check_state, refusal }
}

/// Decides about a news whose articles could not be checked: it goes out unchecked only if the sender takes
/// reprints into the bargain.
pub fn judge_unchecked(send_ignore_reprint: bool) -> Judgement {
    Judgement {
        check_state: CheckState::NothingFound,
        refusal: (!send_ignore_reprint).then_some(OriginalityRefusal::CheckFailed),
    }
}
