//! The callbacks' way out of a sandbox: what the inspector says of each, and what becomes of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::id::AccountId;
use engine::callback::edge::{Answer, Edge, Fate, Outgoing};
use server::sandbox::{
    fault::{CallbackFault, Effect, Hit},
    inspector::{Inspector, Leaving, Way},
    log::{CallbackTry, Subject},
};
use store::{
    clock::Clock,
    outbox::{Event, EventKind},
};

/// Tries under way that a rule disturbs, at most; more are forgotten.
const HITS_MAX: usize = 1_000;

/// Lets the inspector see and disturb callbacks.
pub struct Watch {
    inspector: Arc<Inspector>,
    clock: Arc<dyn Clock>,
    hits: Mutex<HashMap<(AccountId, i64), Hit>>,
}

impl Watch {
    /// An edge that asks `inspector`.
    pub fn new(inspector: Arc<Inspector>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inspector,
            clock,
            hits: Mutex::default(),
        }
    }

    fn hits(&self) -> MutexGuard<'_, HashMap<(AccountId, i64), Hit>> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: &Event, hit: Hit) {
        let key = (event.account, event.id);
        let mut hits = self.hits();
        if hits.len() >= HITS_MAX {
            hits.clear();
        }
        hits.insert(key, hit);
    }

    /// A try that nothing disturbs; what held it back before is still told with it.
    fn note_free(&self, event: &Event) {
        let was_held = |hit: &Hit| {
            matches!(
                hit.effect,
                Effect::CallbackLateSeconds(_) | Effect::Callback(CallbackFault::OutOfOrder)
            )
        };
        let key = (event.account, event.id);
        let mut hits = self.hits();
        if !hits.get(&key).is_some_and(was_held) {
            hits.remove(&key);
        }
    }
}

impl Edge for Watch {
    fn fate(&self, outgoing: &Outgoing<'_>) -> Fate {
        let leaving = Leaving {
            account: outgoing.app_id,
            id: outgoing.event.id,
            event: name(outgoing.event),
        };
        let (fate, hit) = match self.inspector.way(&leaving, self.clock.now()) {
            Way::Free => {
                self.note_free(outgoing.event);
                return Fate::Send;
            }
            Way::HeldBack(until, hit) => (Fate::HoldBack(until), hit),
            Way::Disturbed(fault, hit) => (fate(fault), hit),
        };
        self.note(outgoing.event, hit);
        fate
    }

    fn went(&self, outgoing: &Outgoing<'_>, _fate: Fate, answer: &Result<Answer, String>) {
        let (event, query) = (outgoing.event, &outgoing.envelope.query);
        let timestamp = outgoing.timestamp.to_string();
        let base = |more: Option<&str>| {
            let mut parts: Vec<&str> = [outgoing.token, &timestamp, outgoing.nonce].into();
            parts.extend(more);
            parts.sort_unstable();
            parts.concat()
        };
        let sealed = sealed_in(&outgoing.envelope.body);
        let sent = CallbackTry {
            at: self.clock.now(),
            event: name(event).to_owned(),
            attempt: event.attempts + 1,
            url: outgoing.url.to_owned(),
            signature_base: base(None),
            msg_signature_base: sealed.map(|sealed| base(Some(sealed))),
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            plain: outgoing.plain.to_owned(),
            body: outgoing.envelope.body.clone(),
            answer: answer.clone().map(|answer| (answer.status, answer.body)),
            fault: self.hits().get(&(event.account, event.id)).cloned(),
        };
        self.inspector
            .went(outgoing.app_id, event.id, subject(event), sent);
    }
}

fn fate(fault: CallbackFault) -> Fate {
    match fault {
        CallbackFault::Lost => Fate::Lose,
        CallbackFault::Twice => Fate::SendTwice,
        CallbackFault::WrongSignature => Fate::SpoilSignature,
        CallbackFault::TimeOut => Fate::TimeOut,
        // The inspector holds such events back itself.
        CallbackFault::OutOfOrder => Fate::Send,
    }
}

/// The encrypted text of a body.
fn sealed_in(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<Encrypt><![CDATA[")?;
    Some(rest.split_once("]]>")?.0)
}

fn name(event: &Event) -> &'static str {
    match event.kind {
        EventKind::MassFinished(_) => "MASSSENDJOBFINISH",
        EventKind::Subscribed(_) => "subscribe",
        EventKind::Unsubscribed(_) => "unsubscribe",
        EventKind::Published(_) => "PUBLISHJOBFINISH",
    }
}

fn subject(event: &Event) -> Subject {
    match event.kind {
        EventKind::MassFinished(mass) => Subject::Mass(mass.0),
        EventKind::Published(publication) => Subject::Publication(publication.0),
        EventKind::Subscribed(_) | EventKind::Unsubscribed(_) => Subject::Other,
    }
}
