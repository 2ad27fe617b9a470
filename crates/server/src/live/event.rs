//! One event of a live feed, and how it is written: as a server-sent event, or as a message of a WebSocket.

use bytes::{BufMut, Bytes, BytesMut};
use domain::id::{AccountId, Sequence};

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The feed begins.
    Ready,
    /// An entry arrived.
    Entry,
    /// An entry was taken back.
    Recall,
    /// An article of an entry was deleted.
    Change,
    /// What is unread is another number than before.
    Read,
}

impl Kind {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Ready => "ready",
            Kind::Entry => "entry",
            Kind::Recall => "recall",
            Kind::Change => "change",
            Kind::Read => "read",
        }
    }
}

/// What the hub tells the readers of a block: written once, shared by all of them.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it tells.
    pub kind: Kind,
    /// Of which account.
    pub account: AccountId,
    /// The entry's place in its block, for what arrived; nothing else moves a position.
    pub sequence: Option<Sequence>,
    /// Its data, JSON on one line.
    pub data: Bytes,
}

impl Event {
    /// Whether it tells what arrived, which stands in the rows as well.
    pub fn is_entry(&self) -> bool {
        self.sequence.is_some()
    }
}

/// An event on its way to one reader.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// What it tells.
    pub kind: Kind,
    /// The reader's position after it, sealed.
    pub id: String,
    /// Its data, JSON on one line.
    pub data: Bytes,
}

impl Outgoing {
    /// As a server-sent event.
    pub fn write_sse(&self, to: &mut BytesMut) {
        let parts = [
            b"event: ".as_slice(),
            self.kind.word().as_bytes(),
            b"\nid: ",
            self.id.as_bytes(),
            b"\ndata: ",
            &self.data,
            b"\n\n",
        ];
        write(to, &parts);
    }

    /// As the text of a WebSocket message.
    pub fn message(&self) -> Bytes {
        // The id is base64 and the word one of ours: nothing in them has to be escaped.
        let parts = [
            br#"{"event":""#.as_slice(),
            self.kind.word().as_bytes(),
            br#"","id":""#,
            self.id.as_bytes(),
            br#"","data":"#,
            &self.data,
            b"}",
        ];
        let mut text = BytesMut::new();
        write(&mut text, &parts);
        text.freeze()
    }
}

fn write(to: &mut BytesMut, parts: &[&[u8]]) {
    to.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        to.put_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_the_same_on_both_transports() {
        let event = Outgoing {
            kind: Kind::Entry,
            id: "AZ_-9".into(),
            data: Bytes::from_static(br#"{"id":"x","text":"line\nline \"quoted\""}"#),
        };
        let mut sse = BytesMut::new();
        event.write_sse(&mut sse);
        assert_eq!(
            &sse[..],
            b"event: entry\nid: AZ_-9\ndata: {\"id\":\"x\",\"text\":\"line\\nline \\\"quoted\\\"\"}\n\n"
        );
        let message: serde_json::Value = serde_json::from_slice(&event.message()).expect("JSON");
        assert_eq!(message["event"], "entry");
        assert_eq!(message["id"], "AZ_-9");
        assert_eq!(message["data"]["text"], "line\nline \"quoted\"");
    }
}
