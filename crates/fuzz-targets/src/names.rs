//! Sealed names: OpenIDs, and links, which cursors and entry ids are too.

use domain::{
    id::{AccountId, Ordinal},
    link::{Link, LinkKey, LinkKind},
    openid::OpenIdKey,
};

const OURS: [u8; 16] = *b"0123456789abcdef";
const THEIRS: [u8; 16] = *b"0123456789abcdeg";

/// What opens is exactly what was sealed; nothing opens in another account (SEC1).
pub fn open_id(data: &[u8]) {
    let (ours, theirs) = (OpenIdKey::new(&OURS), OpenIdKey::new(&THEIRS));
    if let Ok(text) = str::from_utf8(data)
        && let Some(ordinal) = ours.open(text)
    {
        assert_eq!(ours.seal(ordinal).0, text, "only the canonical spelling opens");
    }
    let number = data
        .iter()
        .take(4)
        .fold(0, |number, byte| number << 8 | u32::from(*byte));
    let sealed = ours.seal(Ordinal(number)).0;
    assert_eq!(ours.open(&sealed), Some(Ordinal(number)));
    assert_eq!(theirs.open(&sealed), None);
    forge(&sealed, data, |forged| ours.open(forged).is_none());
}

/// The same of links.
pub fn link(data: &[u8]) {
    let (ours, theirs) = (LinkKey::new(&OURS), LinkKey::new(&THEIRS));
    if let Ok(text) = str::from_utf8(data)
        && let Some(link) = ours.open(text)
    {
        assert_eq!(ours.seal(link), text, "only the canonical spelling opens");
    }
    let number = data
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let link = Link {
        kind: LinkKind::Entry,
        account: AccountId(data.len() as u32),
        // Numbers are far below the 48 bits that a link has for them.
        number: number & 0xffff_ffff,
        index: data.first().copied().unwrap_or_default(),
    };
    let sealed = ours.seal(link);
    assert_eq!(ours.open(&sealed), Some(link));
    assert_eq!(theirs.open(&sealed), None);
    forge(&sealed, data, |forged| ours.open(forged).is_none());
}

/// A name with one other character does not open.
fn forge(sealed: &str, data: &[u8], is_refused: impl Fn(&str) -> bool) {
    let [place, other, ..] = data else { return };
    let mut forged = sealed.as_bytes().to_vec();
    let place = usize::from(*place) % forged.len();
    forged[place] = *other & 0x7f;
    let forged = String::from_utf8_lossy(&forged);
    assert!(
        forged == sealed || is_refused(&forged),
        "{forged} opens beside {sealed}"
    );
}
