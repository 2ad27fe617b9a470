//! The outgoing edge: where a sandbox watches callbacks and lets them go wrong. `serve` has none.
//!
//! What an edge decides changes only what reaches the receiver and what is taken for its answer; the events,
//! their order in the outbox and the rules of repeating are those of every server.

use domain::time::Timestamp;
use store::outbox::Event;
use wire::callback::Envelope;

/// One try, packed, before it goes out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The account's appid.
    pub app_id: &'a str,
    /// What happened.
    pub event: &'a Event,
    /// Where it goes.
    pub url: &'a str,
    /// The event as XML, not encrypted.
    pub plain: &'a str,
    /// Query and body as they go out.
    pub envelope: &'a Envelope,
    /// The token of the account's callback.
    pub token: &'a str,
    /// Unix seconds that are signed.
    pub timestamp: i64,
    /// Random digits that are signed.
    pub nonce: &'a str,
}

/// What becomes of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes out.
    Send,
    /// It never arrives, and counts as answered.
    Lose,
    /// It goes out twice.
    SendTwice,
    /// It goes out with signatures that are wrong.
    SpoilSignature,
    /// It goes out, but its answer counts as not come in time.
    TimeOut,
    /// It waits until then.
    HoldBack(Timestamp),
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body.
    pub body: String,
}

/// Stands between the sender and the network.
pub trait Edge: Send + Sync {
    /// What becomes of a try that is about to go out.
    fn fate(&self, outgoing: &Outgoing<'_>) -> Fate;
    /// How one request went; the error says why there was no answer.
    fn went(&self, outgoing: &Outgoing<'_>, fate: Fate, answer: &Result<Answer, String>);
}

/// The envelope with signatures that fit nothing.
pub(super) fn spoilt(envelope: &Envelope) -> Envelope {
    let mut spoilt = envelope.clone();
    for (name, value) in &mut spoilt.query {
        if matches!(*name, "signature" | "msg_signature") {
            *value = value
                .chars()
                .rev()
                .map(|digit| if digit == '0' { '1' } else { '0' })
                .collect();
        }
    }
    spoilt
}
