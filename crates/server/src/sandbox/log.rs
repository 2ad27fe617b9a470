//! The calls of a sandbox, as they came in and were answered, with the callbacks they caused.
//!
//! Kept in memory, the newest ones only, and without ever growing over its bounds. How a call is shown is in
//! `request`.

#[cfg(test)]
pub(super) mod tests;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::time::Timestamp;
use serde::Serialize;
use store::token::TokenHash;
use tokio::sync::watch;

use super::{body::KeptBody, fault::Hit};

/// Calls kept, at most.
pub const CALLS_MAX: usize = 10_000;
/// Bytes kept, at most.
const BYTES_MAX: usize = 64 << 20;
/// What a call takes beside its texts.
const BYTES_OF_A_CALL: usize = 1_024;
/// Requests of callbacks kept with one call, at most.
const TRIES_MAX: usize = 50;
/// Tokens whose account is remembered.
const TOKENS_MAX: usize = 10_000;

/// Which API was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `/cgi-bin`, `/card`, `/datacube`.
    Compatible,
    /// `/v1`.
    Native,
}

/// What the account has used of its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Accepted mass sends of the day (Q1).
    pub sends_today: u32,
    /// Mass-send calls of the day (Q2).
    pub calls_today: u32,
    /// Sends to all of the day (Q4).
    pub history_today: u32,
    /// Sends to all of the month (Q5).
    pub history_this_month: u32,
    /// Mass-send calls of the minute (Q6).
    pub calls_this_minute: u32,
}

/// What the account may use; absent numbers have no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Q1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_today: Option<u32>,
    /// Q2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_today: Option<u32>,
    /// Q4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_today: Option<u32>,
    /// Q5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_this_month: Option<u32>,
    /// Q6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_this_minute: Option<u32>,
}

/// What a mass call did to the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaEffect {
    /// Before the call.
    pub before: Used,
    /// After it.
    pub after: Used,
    /// The rules.
    pub limits: Limits,
}

/// One request of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackTry {
    /// Virtual time.
    pub at: Timestamp,
    /// `Event` of the XML.
    pub event: String,
    /// Which try of the event, from 1.
    pub attempt: u32,
    /// Where it went.
    pub url: String,
    /// What was signed, sorted: its SHA-1 is `signature`.
    pub signature_base: String,
    /// The same with the encrypted text: its SHA-1 is `msg_signature`.
    pub msg_signature_base: Option<String>,
    /// What stands in the query.
    pub query: Vec<(String, String)>,
    /// The event, not encrypted.
    pub plain: String,
    /// The body as it went out.
    pub body: String,
    /// The receiver's status and answer, or why there was none.
    pub answer: Result<(u16, String), String>,
    /// The rule that disturbed it.
    pub fault: Option<Hit>,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number, from 1.
    pub id: u64,
    /// The version of the log in which it last changed.
    pub changed: u64,
    /// Virtual time.
    pub at: Timestamp,
    /// Real time.
    pub real_at: Timestamp,
    /// Which API.
    pub api: Api,
    /// The appid, where the call named an account.
    pub account: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path, in one spelling.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// Headers that matter.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: KeptBody,
    /// The status of the answer; `None` where the connection was dropped.
    pub status: Option<u16>,
    /// The answer, or a description of it.
    pub answer: String,
    /// How long it took, in real time.
    pub took: Duration,
    /// The errcode, 0 for success; `None` where the answer has none.
    pub errcode: Option<i64>,
    /// The mass that it made.
    pub msg_id: Option<i64>,
    /// The publication that it made.
    pub publish_id: Option<i64>,
    /// The rule that disturbed it.
    pub fault: Option<Hit>,
    /// What it did to the quota, for mass calls.
    pub quota: Option<QuotaEffect>,
    /// The callbacks it caused.
    pub callbacks: Vec<CallbackTry>,
}

/// What a callback is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The end of a mass.
    Mass(i64),
    /// The end of a publication.
    Publication(i64),
    /// Nothing that a call made.
    Other,
}

/// Which calls are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this account.
    pub account: Option<String>,
    /// Whose path holds this.
    pub path: Option<String>,
    /// With this errcode.
    pub errcode: Option<i64>,
    /// That failed.
    pub failed: bool,
    /// That came or changed after this version.
    pub after: Option<u64>,
}

/// The calls of a sandbox.
#[derive(Debug)]
pub struct Log {
    kept: Mutex<Kept>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    version: u64,
    bytes: usize,
    calls: VecDeque<Call>,
    tokens: HashMap<TokenHash, String>,
    /// Callbacks that left before the call that caused them was answered, and so kept.
    early: VecDeque<(String, Subject, CallbackTry)>,
}

/// Callbacks that wait for their call, at most.
const EARLY_MAX: usize = 64;

impl Call {
    /// Whether it was not answered as the caller wished.
    pub fn failed(&self) -> bool {
        self.errcode.is_some_and(|code| code != 0) || self.status.is_none_or(|status| status >= 400)
    }

    /// Whether it made what a callback of this account speaks of.
    fn caused(&self, account: &str, subject: Subject) -> bool {
        self.account.as_deref() == Some(account)
            && match subject {
                Subject::Mass(id) => self.msg_id == Some(id),
                Subject::Publication(id) => self.publish_id == Some(id),
                Subject::Other => false,
            }
    }

    fn bytes(&self) -> usize {
        let tries: usize = self.callbacks.iter().map(CallbackTry::bytes).sum();
        BYTES_OF_A_CALL + self.path.len() + self.body.bytes() + self.answer.len() + self.query.len() + tries
    }

    fn fits(&self, filter: &Filter) -> bool {
        filter.after.is_none_or(|after| self.changed > after)
            && filter
                .account
                .as_ref()
                .is_none_or(|account| self.account.as_ref() == Some(account))
            && filter.path.as_ref().is_none_or(|path| self.path.contains(path))
            && filter.errcode.is_none_or(|code| self.errcode == Some(code))
            && (!filter.failed || self.failed())
    }
}

impl CallbackTry {
    fn bytes(&self) -> usize {
        let answer = self.answer.as_ref().map_or(0, |(_, body)| body.len());
        BYTES_OF_A_CALL + self.plain.len() + self.body.len() * 3 + answer
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            version: watch::Sender::new(0),
        }
    }
}

impl Log {
    /// Keeps a call, which gets its number; the oldest ones go when there are too many.
    pub fn keep(&self, mut call: Call) {
        let mut kept = self.kept();
        kept.last += 1;
        kept.version += 1;
        (call.id, call.changed) = (kept.last, kept.version);
        let early = std::mem::take(&mut kept.early);
        for (account, subject, sent) in early {
            if call.caused(&account, subject) && call.callbacks.len() < TRIES_MAX {
                call.callbacks.push(sent);
            } else {
                kept.early.push_back((account, subject, sent));
            }
        }
        kept.bytes += call.bytes();
        kept.calls.push_back(call);
        kept.shrink();
        self.version.send_replace(kept.version);
    }

    /// Keeps a request of a callback with the call that caused it; says whether there is one. If that is not
    /// answered yet, the callback waits for it.
    pub fn keep_callback(&self, account: &str, subject: Subject, sent: CallbackTry) -> bool {
        let mut kept = self.kept();
        let version = kept.version + 1;
        let caused = |call: &&mut Call| call.caused(account, subject);
        let Some(call) = kept.calls.iter_mut().rev().find(caused) else {
            if subject != Subject::Other {
                kept.early.push_back((account.to_owned(), subject, sent));
                if kept.early.len() > EARLY_MAX {
                    kept.early.pop_front();
                }
            }
            return false;
        };
        if call.callbacks.len() >= TRIES_MAX {
            return true;
        }
        let bytes = sent.bytes();
        call.callbacks.push(sent);
        call.changed = version;
        kept.bytes += bytes;
        kept.version = version;
        kept.shrink();
        self.version.send_replace(version);
        true
    }

    /// Up to `limit` calls, the oldest first, and the version they are of: the newest ones, or the first ones
    /// that changed after the version asked for.
    pub fn find(&self, filter: &Filter, limit: usize) -> (Vec<Call>, u64) {
        let kept = self.kept();
        let mut found: Vec<&Call> = kept.calls.iter().filter(|call| call.fits(filter)).collect();
        let mut version = kept.version;
        if found.len() > limit {
            if filter.after.is_some() {
                found.sort_by_key(|call| call.changed);
                found.truncate(limit);
                version = found.last().map_or(version, |call| call.changed);
            } else {
                found.drain(..found.len() - limit);
            }
        }
        found.sort_by_key(|call| call.id);
        (found.into_iter().cloned().collect(), version)
    }

    /// The call with this number.
    pub fn call(&self, id: u64) -> Option<Call> {
        self.kept().calls.iter().find(|call| call.id == id).cloned()
    }

    /// Forgets all calls; their numbers are not used again.
    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.calls.clear();
        kept.bytes = 0;
        kept.version += 1;
        self.version.send_replace(kept.version);
    }

    /// Tells of every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Remembers whose token this is, for calls with it when it has ended.
    pub fn learn_token(&self, token: TokenHash, account: &str) {
        let mut kept = self.kept();
        if kept.tokens.len() >= TOKENS_MAX {
            kept.tokens.clear();
        }
        kept.tokens.entry(token).or_insert_with(|| account.to_owned());
    }

    /// Whose token this is or was.
    pub fn holder(&self, token: &TokenHash) -> Option<String> {
        self.kept().tokens.get(token).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn shrink(&mut self) {
        while self.calls.len() > CALLS_MAX || (self.bytes > BYTES_MAX && self.calls.len() > 1) {
            let Some(gone) = self.calls.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
    }
}
