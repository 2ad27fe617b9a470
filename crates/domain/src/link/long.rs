//! The long form of an article's address: `__biz=…&mid=…&idx=…&sn=…` (spec accounts §12).
//!
//! `mid` and `idx` are counted and `__biz` is public, so `sn` is what nobody can guess: the sealed link itself, as 32
//! hexadecimal digits. The other three say again what it seals, for programs that read them.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Link, LinkKey, LinkKind};
use crate::id::AccountId;

impl LinkKey {
    /// The query of the long form, without the question mark.
    pub fn long(&self, link: Link) -> String {
        let (number, index) = (link.number, link.index);
        let sn = self.block(link);
        format!(
            "__biz={}&mid={number}&idx={index}&sn={sn:032x}",
            biz(link.account)
        )
    }

    /// The article that a long form names, by the fields of its query; `None` unless all four agree.
    pub fn open_long(&self, field: impl Fn(&str) -> Option<String>) -> Option<Link> {
        let sn = field("sn").filter(|sn| sn.len() == 32 && sn.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let link = self.open_block(u128::from_str_radix(&sn, 16).ok()?)?;
        let agree = link.kind == LinkKind::Article
            && field("mid")? == link.number.to_string()
            && field("idx")? == link.index.to_string()
            && field("__biz")?.trim_end_matches('=') == biz(link.account).trim_end_matches('=');
        agree.then_some(link)
    }
}

/// An account as long forms name it.
fn biz(account: AccountId) -> String {
    STANDARD.encode(account.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'a>(query: &'a str) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        }
    }

    #[test]
    fn a_long_form_names_the_article_of_the_short_one_and_nothing_else_does() {
        let key = LinkKey::new(&[9; 16]);
        let link = Link {
            kind: LinkKind::Article,
            account: AccountId(17),
            number: 1_000_000_001,
            index: 2,
        };
        let long = key.long(link);
        assert!(long.starts_with("__biz=MTc=&mid=1000000001&idx=2&sn="), "{long}");
        assert_eq!(key.open_long(field(&long)), Some(link));
        assert_eq!(key.open_long(field(&long.replace("MTc=", "MTc"))), Some(link));
        for (from, to) in [
            ("mid=1000000001", "mid=1000000002"),
            ("idx=2", "idx=1"),
            ("MTc=", "MTg="),
            ("sn=", "sn=0"),
            ("sn=", "x="),
            ("mid=", "m="),
        ] {
            assert_eq!(key.open_long(field(&long.replace(from, to))), None, "{from} {to}");
        }
        let cover = Link {
            kind: LinkKind::Cover,
            ..link
        };
        assert_eq!(key.open_long(field(&key.long(cover))), None);
        assert_eq!(LinkKey::new(&[8; 16]).open_long(field(&long)), None);
    }
}
