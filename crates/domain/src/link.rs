//! Public links: 22 characters that seal what they point to, so that no index is needed and none can be
//! guessed. Used for article pages, pictures in articles, covers and the media of messages.

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::id::AccountId;

mod long;

/// Characters of every link id.
pub const LINK_LENGTH: usize = 22;
const NUMBER_BITS: u32 = 40;
const CHECK_BITS: u32 = 40;

/// What kind of thing a link points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// An article of a sent news: number = `msg_data_id`, index = position from 1.
    Article,
    /// An article shown in a preview: number = the preview's `msg_id`, index = position from 1; 12 hours.
    PreviewArticle,
    /// A picture inside articles, from uploadimg: number = image id.
    Image,
    /// An article's cover: number = `msg_data_id`, index = position from 1.
    Cover,
    /// The picture, voice or video of a message: number = `msg_id`.
    MessageMedia,
    /// A temporary or permanent material by its serial number (video_url of media/get).
    Media,
    /// An inbox entry: number = sequence in the follower's block, index unused.
    Entry,
    /// A video's page: number = `msg_id`.
    Video,
    /// A publication, as its `article_id`: number = `publish_id`, index unused.
    Publication,
}

const KINDS: [LinkKind; 9] = [
    LinkKind::Article,
    LinkKind::PreviewArticle,
    LinkKind::Image,
    LinkKind::Cover,
    LinkKind::MessageMedia,
    LinkKind::Media,
    LinkKind::Entry,
    LinkKind::Video,
    LinkKind::Publication,
];

/// What a link points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The kind of thing.
    pub kind: LinkKind,
    /// Whose it is.
    pub account: AccountId,
    /// Which one, below 2^40.
    pub number: u64,
    /// Which part of it.
    pub index: u8,
}

/// Seals and opens links; one key for the installation.
#[derive(Clone)]
pub struct LinkKey(Aes128);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkKey {
    /// The key made of 16 secret bytes.
    pub fn new(secret: &[u8; 16]) -> Self {
        Self(Aes128::new(&(*secret).into()))
    }

    /// The 22 characters of `link`.
    pub fn seal(&self, link: Link) -> String {
        URL_SAFE_NO_PAD.encode(self.block(link).to_be_bytes())
    }

    /// What `text` points to; `None` for what this installation never sealed.
    pub fn open(&self, text: &str) -> Option<Link> {
        if text.len() != LINK_LENGTH {
            return None;
        }
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        self.open_block(u128::from_be_bytes(bytes))
    }

    fn block(&self, link: Link) -> u128 {
        let kind = KINDS
            .iter()
            .position(|kind| *kind == link.kind)
            .unwrap_or_default() as u128;
        let number = u128::from(link.number) & ((1 << NUMBER_BITS) - 1);
        let plain = kind << 120
            | u128::from(link.account.0) << 88
            | number << (CHECK_BITS + 8)
            | u128::from(link.index) << CHECK_BITS;
        let mut block = plain.to_be_bytes().into();
        self.0.encrypt_block(&mut block);
        u128::from_be_bytes(block.into())
    }

    fn open_block(&self, sealed: u128) -> Option<Link> {
        let mut block = sealed.to_be_bytes().into();
        self.0.decrypt_block(&mut block);
        let plain = u128::from_be_bytes(block.into());
        if plain & ((1 << CHECK_BITS) - 1) != 0 {
            return None;
        }
        Some(Link {
            kind: *KINDS.get((plain >> 120) as usize)?,
            account: AccountId((plain >> 88) as u32),
            number: (plain >> (CHECK_BITS + 8)) as u64 & ((1 << NUMBER_BITS) - 1),
            index: (plain >> CHECK_BITS) as u8,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_link_opens_to_what_was_sealed(kind in 0..KINDS.len(), account: u32, number in 0..1_u64 << 40, index: u8) {
            let key = LinkKey::new(&[9; 16]);
            let link = Link { kind: KINDS[kind], account: AccountId(account), number, index };
            let sealed = key.seal(link);
            prop_assert_eq!(sealed.len(), LINK_LENGTH);
            prop_assert_eq!(key.open(&sealed), Some(link));
        }

        #[test]
        fn other_text_opens_to_nothing(text in "[A-Za-z0-9_-]{22}") {
            prop_assert_eq!(LinkKey::new(&[9; 16]).open(&text), None);
        }
    }
}
