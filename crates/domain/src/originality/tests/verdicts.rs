//! Every combination of what an article may resemble, and of articles in a news.

use super::*;
use crate::id::AccountId;

const SENDER: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);
const THIRD: AccountId = AccountId(3);

const ALL: [Verdict; 5] = [
    Verdict::NoHit,
    Verdict::OwnOriginal,
    Verdict::Authorised,
    Verdict::Reprint,
    Verdict::Forbidden,
];

fn hit(author: AccountId, can_reprint: bool, sender_allowed: bool) -> Hit {
    Hit {
        author,
        can_reprint,
        sender_allowed,
    }
}

#[test]
fn l01_the_author_decides_what_an_article_is() {
    for (author, can_reprint, sender_allowed, expected) in [
        (SENDER, false, false, Verdict::OwnOriginal),
        (SENDER, false, true, Verdict::OwnOriginal),
        (SENDER, true, false, Verdict::OwnOriginal),
        (SENDER, true, true, Verdict::OwnOriginal),
        (OTHER, false, false, Verdict::Forbidden),
        (OTHER, false, true, Verdict::Authorised),
        (OTHER, true, false, Verdict::Reprint),
        (OTHER, true, true, Verdict::Authorised),
    ] {
        let hits = [hit(author, can_reprint, sender_allowed)];
        assert_eq!(Verdict::of(&hits, SENDER), expected, "{hits:?}");
    }
    assert_eq!(Verdict::of(&[], SENDER), Verdict::NoHit);
}

#[test]
fn l01_the_earliest_declaration_decides() {
    let own = hit(SENDER, false, false);
    let forbidden = hit(OTHER, false, false);
    let free = hit(THIRD, true, false);
    for (hits, expected, declared) in [
        (vec![own, forbidden], Verdict::OwnOriginal, DeclareState::Original),
        (vec![forbidden, own], Verdict::Forbidden, DeclareState::Original),
        (
            vec![forbidden, free],
            Verdict::Forbidden,
            DeclareState::Undeclared,
        ),
        (vec![free, forbidden], Verdict::Reprint, DeclareState::Undeclared),
        (vec![], Verdict::NoHit, DeclareState::Undeclared),
    ] {
        assert_eq!(Verdict::of(&hits, SENDER), expected, "{hits:?}");
        assert_eq!(DeclareState::of(&hits, SENDER), declared, "{hits:?}");
    }
}

#[test]
fn l13_an_article_is_listed_with_these_numbers() {
    for (verdict, expected) in [
        (Verdict::Authorised, (true, 11, true, false, false)),
        (Verdict::Reprint, (true, 2, true, true, true)),
        (Verdict::Forbidden, (true, 2, false, false, false)),
        (Verdict::NoHit, (false, 11, true, false, false)),
        (Verdict::OwnOriginal, (false, 11, true, false, false)),
    ] {
        let fields = (
            verdict.is_listed(),
            verdict.audit_state().number(),
            verdict.can_reprint(),
            verdict.need_replace_content(),
            verdict.need_show_reprint_source(),
        );
        assert_eq!(fields, expected, "{verdict:?}");
    }
    let declared = [
        DeclareState::Undeclared,
        DeclareState::Original,
        DeclareState::Reprint,
    ];
    assert_eq!(declared.map(DeclareState::number), [0, 1, 2]);
}

#[test]
fn l01_a_news_is_as_bad_as_its_worst_article() {
    for first in ALL {
        for second in ALL {
            for send_ignore_reprint in [false, true] {
                let has = |verdict| first == verdict || second == verdict;
                let expected = if has(Verdict::Forbidden) {
                    (3, Some(30_002))
                } else if has(Verdict::Reprint) {
                    (2, (!send_ignore_reprint).then_some(30_003))
                } else if has(Verdict::Authorised) {
                    (1, None)
                } else {
                    (0, None)
                };
                let judgement = judge(&[first, second], send_ignore_reprint);
                let numbers = (
                    judgement.check_state.number(),
                    judgement.refusal.map(OriginalityRefusal::number),
                );
                assert_eq!(numbers, expected, "{first:?} {second:?} {send_ignore_reprint}");
            }
        }
    }
    assert_eq!(judge(&[], false).refusal, None);
}

#[test]
fn l01_a_failed_check_stops_whoever_wants_no_reprints() {
    for (send_ignore_reprint, expected) in [(false, Some(30_001)), (true, None)] {
        let refusal = judge_unchecked(send_ignore_reprint).refusal;
        assert_eq!(refusal.map(OriginalityRefusal::number), expected);
    }
}
