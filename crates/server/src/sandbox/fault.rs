//! Fault rules: which calls and callbacks go wrong, and how.
//!
//! A rule only says what happens at the edges: in front of the router, and where callbacks leave. The first
//! rule that matches acts, the oldest first. Doing it is the business of [`super::observe`] and of the sender's
//! edge; ready-made rules are in [`catalogue`].

pub mod catalogue;

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use wire::errcode::ErrCode;

/// Rules at a time, at most.
const RULES_MAX: usize = 1_000;
/// The longest delay of an answer, in real milliseconds.
const DELAY_MAX_MS: u64 = 60_000;
/// The longest time by which a callback is late: 30 days of virtual seconds.
const LATE_MAX_SECONDS: i64 = 30 * 24 * 3_600;

/// What a rule looks for; everything that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The account's appid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The path, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The beginning of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The `msgtype` of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msgtype: Option<String>,
    /// The `Event` of a callback, such as `MASSSENDJOBFINISH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Only this one of the calls that fit, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every so many of the calls that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Only this share of the calls that fit, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What the share is drawn from; the same seed hits the same calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// What happens to a call or a callback.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The call is answered with this errcode, and nothing is done.
    Errcode(i64),
    /// The answer waits this many real milliseconds.
    DelayMs(u64),
    /// The connection is dropped, before or after the call was done.
    Drop(When),
    /// Half of the answer is sent, then the connection is dropped.
    HalfAnswer,
    /// The call's token really ends, and the call meets it.
    Token(TokenFault),
    /// The mass that this call makes is refused with this `err(…)`; 30003 is the refusal of a reprint.
    Verdict(u32),
    /// The mass that this call makes ends with `send fail`.
    SendFail,
    /// Something happens to a callback.
    Callback(CallbackFault),
    /// A callback waits this many virtual seconds.
    CallbackLateSeconds(i64),
}

/// When a connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The call never arrives.
    Before,
    /// The call is done, its answer is lost.
    After,
}

/// How a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// It is past its time (42001).
    Expired,
    /// It is no longer the latest (40001).
    Revoked,
    /// Fetching a token ends all plain ones before it at once (40001 for whoever still holds one).
    NoOverlap,
}

/// What happens to a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackFault {
    /// It never comes, and is not repeated.
    Lost,
    /// It comes twice.
    Twice,
    /// Its signatures are wrong.
    WrongSignature,
    /// The receiver's answer counts as too late, so it is repeated.
    TimeOut,
    /// It waits until a later event of the account has gone out, an hour at most.
    OutOfOrder,
}

/// When a rule ends; without either, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expires {
    /// After so many hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// After so many virtual seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}

/// A rule as it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRule {
    /// The ready-made rule that it was made from.
    pub from: Option<&'static str>,
    /// What it looks for.
    pub matching: Match,
    /// What happens then.
    pub effect: Effect,
    /// When it ends.
    pub expires: Expires,
}

/// A rule with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its number, from 1.
    pub id: u64,
    /// What was given.
    pub rule: NewRule,
    /// When it ends by time.
    pub until: Option<Timestamp>,
    /// Calls and callbacks that fitted.
    pub seen: u64,
    /// How often it acted.
    pub hits: u64,
}

/// What a rule did to a call or a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The rule's number.
    pub rule: u64,
    /// The ready-made rule that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// What happened.
    pub effect: Effect,
}

/// What rules can see of a call or a callback.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The account, where it is known.
    pub account: Option<&'a str>,
    /// The path of a call.
    pub path: Option<&'a str>,
    /// The `msgtype` of a call's body.
    pub msgtype: Option<&'a str>,
    /// The `Event` of a callback; `None` for a call.
    pub event: Option<&'a str>,
}

/// The rules of a sandbox.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    last: u64,
    rules: Vec<Rule>,
}

impl Effect {
    /// Whether it happens to callbacks, not to calls.
    pub fn is_of_callbacks(&self) -> bool {
        matches!(self, Self::Callback(_) | Self::CallbackLateSeconds(_))
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Errcode(code) if ErrCode::from_code(*code).is_none() => Err(format!(
                "errcode {code} is not in the table; see /sandbox/errcodes"
            )),
            Self::DelayMs(ms) if *ms > DELAY_MAX_MS => Err("delay_ms is 60000 at most".to_owned()),
            Self::Verdict(code) if !(10_000..=99_999).contains(code) => {
                Err("verdict must be the number of an err(…), 10000 to 99999".to_owned())
            }
            Self::CallbackLateSeconds(seconds) if !(1..=LATE_MAX_SECONDS).contains(seconds) => {
                Err("callback_late_seconds is 1 to 2592000".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl NewRule {
    /// Says what is wrong with the rule.
    pub fn check(&self) -> Result<(), String> {
        self.effect.check()?;
        let matching = &self.matching;
        if matching.nth == Some(0) || matching.every == Some(0) {
            return Err("nth and every count from 1".to_owned());
        }
        if matching
            .probability
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return Err("probability is 0 to 1".to_owned());
        }
        if self.expires.hits == Some(0) || self.expires.seconds.is_some_and(|seconds| seconds <= 0) {
            return Err("expires counts from 1".to_owned());
        }
        let of_calls =
            matching.path.is_some() || matching.path_prefix.is_some() || matching.msgtype.is_some();
        match (self.effect.is_of_callbacks(), of_calls, matching.event.is_some()) {
            (true, true, _) => Err("a rule for callbacks matches by account and event only".to_owned()),
            (false, _, true) => Err("event is for rules of callbacks".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Rule {
    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
            || self.rule.expires.hits.is_some_and(|hits| self.hits >= hits)
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        let matching = &self.rule.matching;
        let is = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
        };
        let begins = |wanted: &Option<String>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| facts.path.is_some_and(|path| path.starts_with(wanted)))
        };
        self.rule.effect.is_of_callbacks() == facts.event.is_some()
            && is(&matching.account, facts.account)
            && is(&matching.path, facts.path)
            && begins(&matching.path_prefix)
            && is(&matching.msgtype, facts.msgtype)
            && is(&matching.event, facts.event)
            // An errcode is an answer of the compatible API only.
            && (!matches!(self.rule.effect, Effect::Errcode(_))
                || facts.path.is_none_or(|path| !path.starts_with("/v1")))
    }

    /// Whether the call that was just counted is one to act on.
    fn strikes(&self) -> bool {
        let matching = &self.rule.matching;
        matching.nth.is_none_or(|nth| self.seen == nth)
            && matching.every.is_none_or(|every| self.seen.is_multiple_of(every))
            && matching
                .probability
                .is_none_or(|share| draw(matching.seed.unwrap_or(1), self.seen) < share)
    }
}

impl Faults {
    /// Adds a rule; the error says what is wrong with it.
    pub fn add(&self, rule: NewRule, now: Timestamp) -> Result<Rule, String> {
        rule.check()?;
        let mut rules = self.rules();
        if rules.rules.len() >= RULES_MAX {
            return Err(format!("there are {RULES_MAX} rules already; delete some"));
        }
        rules.last += 1;
        let rule = Rule {
            id: rules.last,
            until: rule.expires.seconds.map(|seconds| now.plus_seconds(seconds)),
            rule,
            seen: 0,
            hits: 0,
        };
        rules.rules.push(rule.clone());
        Ok(rule)
    }

    /// All rules, the oldest first, also those that are over.
    pub fn all(&self) -> Vec<Rule> {
        self.rules().rules.clone()
    }

    /// Removes a rule; false when there is none with this number.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.id != id);
        rules.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules().rules.clear();
    }

    /// Whether a rule that holds looks at the body of calls.
    pub fn look_at_bodies(&self, now: Timestamp) -> bool {
        let rules = self.rules();
        rules
            .rules
            .iter()
            .any(|rule| rule.rule.matching.msgtype.is_some() && !rule.is_over(now))
    }

    /// Counts a call or callback, and says which rule acts on it.
    pub fn strike(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Hit> {
        let mut rules = self.rules();
        for rule in &mut rules.rules {
            if rule.is_over(now) || !rule.fits(facts) {
                continue;
            }
            rule.seen += 1;
            if rule.strikes() {
                rule.hits += 1;
                return Some(Hit {
                    rule: rule.id,
                    from: rule.rule.from,
                    effect: rule.rule.effect.clone(),
                });
            }
        }
        None
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number from 0 to 1 that belongs to a seed and a position (splitmix64).
fn draw(seed: u64, position: u64) -> f64 {
    let mut mixed = seed
        .wrapping_mul(0xff51_afd7_ed55_8ccd)
        .wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(matching: &str, effect: &str, expires: &str) -> NewRule {
        NewRule {
            from: None,
            matching: serde_json::from_str(matching).expect("a match"),
            effect: serde_json::from_str(effect).expect("an effect"),
            expires: serde_json::from_str(expires).expect("an end"),
        }
    }

    /// The numbers of the calls that a rule acts on, among the first `calls`.
    fn struck(rule: NewRule, calls: u64) -> Vec<u64> {
        let faults = Faults::default();
        let now = Timestamp::from_seconds(1_000);
        faults.add(rule, now).expect("a rule");
        let facts = Facts {
            path: Some("/cgi-bin/tags/get"),
            ..Facts::default()
        };
        (1..=calls)
            .filter(|_| faults.strike(&facts, now).is_some())
            .collect()
    }

    #[test]
    fn a_rule_acts_on_the_calls_it_counts() {
        let busy = r#"{"errcode":-1}"#;
        assert_eq!(struck(rule("{}", busy, "{}"), 3), [1, 2, 3]);
        assert_eq!(struck(rule(r#"{"nth":2}"#, busy, "{}"), 5), [2]);
        assert_eq!(struck(rule(r#"{"every":2}"#, busy, "{}"), 5), [2, 4]);
        assert_eq!(struck(rule("{}", busy, r#"{"hits":2}"#), 5), [1, 2]);
        assert_eq!(
            struck(rule(r#"{"path_prefix":"/cgi-bin/tags"}"#, busy, "{}"), 1),
            [1]
        );
        assert_eq!(struck(rule(r#"{"path":"/cgi-bin/tags"}"#, busy, "{}"), 1), [0; 0]);
    }

    #[test]
    fn the_same_seed_hits_the_same_share_of_the_calls() {
        let some = |seed| {
            struck(
                rule(
                    &format!(r#"{{"probability":0.3,"seed":{seed}}}"#),
                    "\"half_answer\"",
                    "{}",
                ),
                1_000,
            )
        };
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
        assert!((250..350).contains(&some(7).len()), "{}", some(7).len());
    }

    #[test]
    fn a_rule_ends_with_its_virtual_time() {
        let faults = Faults::default();
        let start = Timestamp::from_seconds(1_000);
        faults
            .add(rule("{}", r#"{"errcode":-1}"#, r#"{"seconds":60}"#), start)
            .expect("a rule");
        let facts = Facts {
            path: Some("/cgi-bin/x"),
            ..Facts::default()
        };
        assert!(faults.strike(&facts, start.plus_seconds(59)).is_some());
        assert!(faults.strike(&facts, start.plus_seconds(60)).is_none());
    }

    #[test]
    fn rules_that_cannot_act_are_refused() {
        for (matching, effect, expires) in [
            ("{}", r#"{"errcode":1}"#, "{}"),
            ("{}", r#"{"errcode":0}"#, "{}"),
            ("{}", r#"{"delay_ms":60001}"#, "{}"),
            ("{}", r#"{"verdict":1}"#, "{}"),
            ("{}", r#"{"callback_late_seconds":0}"#, "{}"),
            (r#"{"nth":0}"#, r#"{"errcode":-1}"#, "{}"),
            (r#"{"probability":1.5}"#, r#"{"errcode":-1}"#, "{}"),
            (r#"{"path":"/x"}"#, r#"{"callback":"lost"}"#, "{}"),
            (r#"{"event":"x"}"#, r#"{"errcode":-1}"#, "{}"),
            ("{}", r#"{"errcode":-1}"#, r#"{"hits":0}"#),
        ] {
            assert!(
                rule(matching, effect, expires).check().is_err(),
                "{matching} {effect} {expires}"
            );
        }
    }
}
