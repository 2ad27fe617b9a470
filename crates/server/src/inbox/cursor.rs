//! Where the next page of an inbox begins: sealed like a link, so that nobody builds on what is in it.

use domain::{
    id::{AccountId, Sequence},
    link::{Link, LinkKey, LinkKind},
};

/// Tells a cursor from the id of an entry.
const INDEX: u8 = 1;

/// The cursor of a page that begins at `next`.
pub fn seal(links: &LinkKey, account: AccountId, next: Sequence) -> String {
    links.seal(Link {
        kind: LinkKind::Entry,
        account,
        number: next.0.unsigned_abs(),
        index: INDEX,
    })
}

/// Where the page begins; `None` for what is no cursor of this account.
pub fn open(links: &LinkKey, account: AccountId, text: &str) -> Option<Sequence> {
    let link = links.open(text)?;
    let ours = link.kind == LinkKind::Entry && link.account == account && link.index == INDEX;
    if !ours {
        return None;
    }
    i64::try_from(link.number).ok().map(Sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_in_its_account_and_nothing_else_is_one() {
        let links = LinkKey::new(&[5; 16]);
        let (ours, theirs) = (AccountId(1), AccountId(2));
        let cursor = seal(&links, ours, Sequence(42));
        assert_eq!(open(&links, ours, &cursor), Some(Sequence(42)));
        assert_eq!(open(&links, theirs, &cursor), None);
        let entry = links.seal(Link {
            kind: LinkKind::Entry,
            account: ours,
            number: 42,
            index: 0,
        });
        for other in ["", "42", "AAAAAAAAAAAAAAAAAAAAAA", &entry, &format!("{cursor}A")] {
            assert_eq!(open(&links, ours, other), None, "{other}");
        }
    }
}
