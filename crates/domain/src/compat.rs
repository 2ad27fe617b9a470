//! What WeChat changed over the years, as data: a dated table, and which of its lines hold for an account.
//!
//! An account without a date has today's behaviour, which is the superset of all (spec mass-send §0). With a
//! date it behaves as WeChat did on that day, for clients that were written then.

use crate::time::civil_date;

/// A behaviour that WeChat did not always have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// `msg_data_id` stands in the answer of a news send.
    MsgDataId,
    /// At most 60 mass-send calls a minute (Q6).
    MinuteLimit,
    /// `clientmsgid` is read (45065–45067).
    ClientMsgId,
    /// An equal message to an equal audience within 24 hours is refused without a `clientmsgid` too.
    RepeatCheck,
    /// News are compared with the declared originals, and the event carries `CopyrightCheckResult`.
    Originality,
    /// `article_idx` in mass/delete; before, the whole message is deleted.
    ArticleIndex,
    /// A follower may carry 20 tags; before, 3.
    TwentyTags,
    /// A send to all may have to be confirmed by the administrator.
    Protection,
    /// The event carries `ArticleUrlResult`.
    ArticleUrls,
    /// A draft is gone once it was sent.
    DraftDies,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// What changed.
    pub behaviour: Behaviour,
    /// Since when, as year, month, day; where only a year is known, its first day.
    pub since: (i16, i8, i8),
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// How the date is known: documented, observed or assumed.
    pub source: &'static str,
}

/// All changes, oldest first (spec mass-send §0, accounts §5 and §7).
pub const CHANGES: [Change; 10] = [
    change(
        Behaviour::MsgDataId,
        (2016, 6, 1),
        "msg_data_id in the answer of a news send",
        "documented",
    ),
    change(
        Behaviour::MinuteLimit,
        (2017, 1, 1),
        "60 mass-send calls a minute, 45011",
        "documented",
    ),
    change(
        Behaviour::ClientMsgId,
        (2017, 1, 1),
        "clientmsgid, 45065 to 45067",
        "documented",
    ),
    change(
        Behaviour::RepeatCheck,
        (2017, 1, 1),
        "repeats without clientmsgid are refused, 45065",
        "documented",
    ),
    change(
        Behaviour::Originality,
        (2017, 1, 1),
        "originality check, CopyrightCheckResult",
        "documented",
    ),
    change(
        Behaviour::ArticleIndex,
        (2017, 1, 1),
        "article_idx in mass/delete",
        "documented",
    ),
    change(
        Behaviour::TwentyTags,
        (2018, 1, 1),
        "20 tags on a follower, before 3",
        "assumed year",
    ),
    change(
        Behaviour::Protection,
        (2019, 1, 1),
        "the administrator's confirmation, 89504",
        "documented",
    ),
    change(
        Behaviour::ArticleUrls,
        (2019, 1, 1),
        "ArticleUrlResult in the event",
        "documented",
    ),
    change(
        Behaviour::DraftDies,
        (2022, 1, 1),
        "a draft is gone once it was sent",
        "documented",
    ),
];

const fn change(
    behaviour: Behaviour,
    since: (i16, i8, i8),
    meaning: &'static str,
    source: &'static str,
) -> Change {
    Change {
        behaviour,
        since,
        meaning,
        source,
    }
}

/// The day whose behaviour an account asks for: year, month, day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompatDate((i16, i8, i8));

impl CompatDate {
    /// The day of a text `YYYY-MM-DD`; `None` when it names no day.
    pub fn parse(text: &str) -> Option<Self> {
        civil_date(text).map(Self)
    }

    /// Whether WeChat behaved so on this day.
    pub fn has(self, behaviour: Behaviour) -> bool {
        CHANGES
            .iter()
            .filter(|change| change.behaviour == behaviour)
            .all(|change| change.since <= self.0)
    }
}

impl std::fmt::Display for CompatDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.0;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_day_of_the_document_nothing_of_2017_holds() {
        let document = CompatDate::parse("2016-09-26").expect("a day");
        let holding: Vec<Behaviour> = CHANGES
            .iter()
            .map(|change| change.behaviour)
            .filter(|behaviour| document.has(*behaviour))
            .collect();
        assert_eq!(holding, [Behaviour::MsgDataId]);
        assert_eq!(document.to_string(), "2016-09-26");
    }

    #[test]
    fn a_change_holds_from_its_day_on_and_the_table_is_in_order() {
        let has = |day| CompatDate::parse(day).expect("a day").has(Behaviour::MinuteLimit);
        assert!(!has("2016-12-31"));
        assert!(has("2017-01-01"));
        assert!(CHANGES.is_sorted_by_key(|change| change.since));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2016", "2016-13-01", "2016-02-30", "26.9.2016", "2016-9-26x"] {
            assert!(CompatDate::parse(text).is_none(), "{text}");
        }
    }
}
