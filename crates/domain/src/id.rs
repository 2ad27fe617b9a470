//! Names of things, as types of their own, so that one cannot be passed for another.

/// Makes a newtype around an integer or a string, with the few traits that every id needs.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty) copy) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);
        id!(@display $name);
    };
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);
        id!(@display $name);
    };
    (@display $name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// An account's number inside this installation; never shown outside.
    AccountId(u32) copy
}
id! {
    /// An account's public name, `wx` and 16 hexadecimal digits.
    AppId(String)
}
id! {
    /// A follower's number within one account: 0, 1, 2, … in order of first subscription, never reused.
    Ordinal(u32) copy
}
id! {
    /// 65,536 consecutive ordinals of one account.
    BlockNo(u32) copy
}
id! {
    /// `msg_id`: one accepted mass send or preview; per account, from 1,000,000,001 upward, below 2^31.
    MassId(i64) copy
}
id! {
    /// `msg_data_id`: one frozen news; per account, from 1,000,000,001 upward, below 2^31.
    NewsId(i64) copy
}
id! {
    /// `publish_id`: one publication without a mass send; per account, from 100,000,001 upward.
    PublishId(i64) copy
}
id! {
    /// A tag's number within one account; 0–2 are presets, own tags start at 100.
    TagId(i64) copy
}
id! {
    /// `media_id`: a temporary or permanent material of one account.
    MediaId(String)
}
id! {
    /// An article picture known by its URL only; per account.
    ImageId(i64) copy
}
id! {
    /// A card of one account's registry (卡券).
    CardId(String)
}
id! {
    /// A request to be accepted later; per account, from 1 upward.
    ScheduleId(i64) copy
}
id! {
    /// A declared original article; per account, from 1 upward.
    OriginalId(i64) copy
}
id! {
    /// The SHA-256 of stored bytes, in hexadecimal: where they lie in the blob store.
    BlobId(String)
}
id! {
    /// The organisation's own user id; unique within one account.
    ExternalId(String)
}
id! {
    /// `user_comment_id`: one comment; per account, from 1 upward.
    CommentId(i64) copy
}
id! {
    /// One number in the order of a block's deliveries; a follower's place in the inbox.
    Sequence(i64) copy
}

/// The first `msg_id` and `msg_data_id` of an account, less one (design §6: above a million million clients
/// misread, below 2^31 every SDK's integer holds it).
pub const MESSAGE_ID_BASE: i64 = 1_000_000_000;

impl Ordinal {
    /// The block that holds this ordinal.
    pub fn block(self) -> BlockNo {
        BlockNo(self.0 >> 16)
    }

    /// The place within its block, 0…65,535.
    pub fn place(self) -> u16 {
        self.0 as u16
    }
}

impl BlockNo {
    /// The ordinal at `place` of this block.
    pub fn ordinal(self, place: u16) -> Ordinal {
        Ordinal((self.0 << 16) | u32::from(place))
    }
}

impl BlobId {
    /// The blob id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self(hex::encode(Sha256::digest(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinal_is_a_block_and_a_place() {
        let ordinal = Ordinal(3 * 65_536 + 17);
        assert_eq!((ordinal.block(), ordinal.place()), (BlockNo(3), 17));
        assert_eq!(BlockNo(3).ordinal(17), ordinal);
    }
}
