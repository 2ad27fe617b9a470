//! Ready-made fault rules, named after what integrators report.

use super::{CallbackFault, Effect, Expires, Match, NewRule, TokenFault, When};

/// A ready-made rule.
#[derive(Clone, Debug)]
pub struct Ready {
    /// What `use` says.
    pub name: &'static str,
    /// What it plays, in Chinese.
    pub chinese: &'static str,
    /// The same in English.
    pub english: &'static str,
    /// What it looks for, beside what the caller adds.
    pub matching: Match,
    /// What happens.
    pub effect: Effect,
    /// When it ends, unless the caller says otherwise.
    pub expires: Expires,
}

/// The paths that send to many.
const MASS: &str = "/cgi-bin/message/mass/send";

/// The ready-made rule of this name.
pub fn find(name: &str) -> Option<Ready> {
    all().into_iter().find(|ready| ready.name == name)
}

impl Ready {
    /// The rule, narrowed by what the caller adds.
    pub fn with(self, added: Match, expires: Option<Expires>) -> NewRule {
        let own = self.matching;
        // A path that the caller names stands in the place of ours.
        let path_given = added.path.is_some() || added.path_prefix.is_some();
        let path = |own: Option<String>| own.filter(|_| !path_given);
        NewRule {
            from: Some(self.name),
            matching: Match {
                account: added.account.or(own.account),
                path: added.path.or(path(own.path)),
                path_prefix: added.path_prefix.or(path(own.path_prefix)),
                msgtype: added.msgtype.or(own.msgtype),
                event: added.event.or(own.event),
                nth: added.nth.or(own.nth),
                every: added.every.or(own.every),
                probability: added.probability.or(own.probability),
                seed: added.seed.or(own.seed),
            },
            effect: self.effect,
            expires: expires.unwrap_or(self.expires),
        }
    }
}

/// All ready-made rules.
pub fn all() -> Vec<Ready> {
    let mut all = answers();
    all.extend(tokens());
    all.extend(transport());
    all.extend(verdicts());
    all.extend(callbacks());
    all
}

fn ready(name: &'static str, chinese: &'static str, english: &'static str, effect: Effect) -> Ready {
    Ready {
        name,
        chinese,
        english,
        matching: Match::default(),
        effect,
        expires: Expires::default(),
    }
}

impl Ready {
    fn once(mut self) -> Self {
        self.expires.hits = Some(1);
        self
    }

    fn for_seconds(mut self, seconds: i64) -> Self {
        self.expires.seconds = Some(seconds);
        self
    }

    fn on(mut self, path: &str) -> Self {
        self.matching.path = Some(path.to_owned());
        self
    }

    fn below(mut self, prefix: &str) -> Self {
        self.matching.path_prefix = Some(prefix.to_owned());
        self
    }

    fn finished(mut self) -> Self {
        self.matching.event = Some("MASSSENDJOBFINISH".to_owned());
        self
    }
}

fn answers() -> Vec<Ready> {
    let errcode = Effect::Errcode;
    vec![
        ready(
            "no-masssend-quota",
            "群发次数已用完：群发接口返回 45028，直到规则被删除。",
            "The mass sends are used up: mass calls answer 45028 until the rule is deleted.",
            errcode(45028),
        )
        .below(MASS),
        ready(
            "clientmsgid-exists",
            "clientmsgid 重复：返回 45065 和上一次群发的 msg_id。",
            "The clientmsgid is known: 45065 with the msg_id of the account's latest mass.",
            errcode(45065),
        )
        .below(MASS)
        .once(),
        ready(
            "clientmsgid-too-fast",
            "相同 clientmsgid 的上一次调用尚未有结果：返回一次 45066。",
            "The first call with this clientmsgid is still undecided: 45066 once.",
            errcode(45066),
        )
        .below(MASS)
        .once(),
        ready(
            "daily-calls-used-up",
            "当天调用次数已用完：消息类接口返回 45009，持续 24 小时（虚拟时间）。",
            "The calls of the day are used up: message calls answer 45009 for 24 hours of virtual time.",
            errcode(45009),
        )
        .below("/cgi-bin/message/")
        .for_seconds(86_400),
        ready(
            "minute-calls-used-up",
            "调用太频繁：群发接口在 60 秒（虚拟时间）内返回 45011。",
            "Too many calls in a minute: mass calls answer 45011 for 60 virtual seconds.",
            errcode(45011),
        )
        .below("/cgi-bin/message/mass/")
        .for_seconds(60),
        ready(
            "system-busy",
            "系统繁忙：所有接口返回 -1，持续 30 秒（虚拟时间）。",
            "The system is busy: every call answers -1 for 30 virtual seconds.",
            errcode(-1),
        )
        .for_seconds(30),
        ready(
            "system-busy-once",
            "系统繁忙：下一次群发返回 -1，重试即成功。",
            "The system is busy: the next mass call answers -1, the one after it succeeds.",
            errcode(-1),
        )
        .below(MASS)
        .once(),
        ready(
            "mass-busy-268488001",
            "群发系统繁忙：下一次群发返回 268488001。",
            "Mass sending is busy: the next mass call answers 268488001.",
            errcode(268_488_001),
        )
        .below(MASS)
        .once(),
        ready(
            "api-unauthorized",
            "没有接口权限（例如测试号或未认证）：群发接口返回 48001。",
            "No permission, as on a test account or an unverified one: mass calls answer 48001.",
            errcode(48001),
        )
        .below("/cgi-bin/message/mass/"),
        ready(
            "media-expired",
            "素材失效：下一次群发返回 40007。",
            "The media is gone: the next mass call answers 40007.",
            errcode(40007),
        )
        .below(MASS)
        .once(),
        ready(
            "ip-not-in-whitelist",
            "服务器换了出口 IP：取 token 返回 40164。",
            "The caller's address changed: fetching a token answers 40164.",
            errcode(40164),
        )
        .on("/cgi-bin/token"),
        ready(
            "waits-for-administrator",
            "群发进入管理员确认：下一次群发返回 89505。",
            "The send waits for the administrator: the next mass call answers 89505.",
            errcode(89505),
        )
        .below(MASS)
        .once(),
    ]
}

fn tokens() -> Vec<Ready> {
    vec![
        ready(
            "token-overlap-two-processes",
            "两个进程各自取 token：新 token 一取到，旧的立刻失效，另一个进程收到 40001。",
            "Two processes fetch tokens of their own: a new one ends the old at once, the other process meets 40001.",
            Effect::Token(TokenFault::NoOverlap),
        )
        .on("/cgi-bin/token"),
        ready(
            "token-revoked",
            "token 中途被别人刷新：下一次调用的 token 真的作废，返回 40001。",
            "Somebody else renewed the token: the next call's token really ends, and it meets 40001.",
            Effect::Token(TokenFault::Revoked),
        )
        .below("/cgi-bin/message/")
        .once(),
        ready(
            "token-expired",
            "token 在流程中间过期：下一次调用的 token 真的过期，返回 42001。",
            "The token runs out in the middle: the next call's token really expires, and it meets 42001.",
            Effect::Token(TokenFault::Expired),
        )
        .below("/cgi-bin/message/")
        .once(),
    ]
}

fn transport() -> Vec<Ready> {
    vec![
        ready(
            "slow-answer",
            "接口很慢：群发接口晚 3 秒（真实时间）返回。",
            "The API is slow: answers of mass calls wait 3 real seconds.",
            Effect::DelayMs(3_000),
        )
        .below("/cgi-bin/message/mass/"),
        ready(
            "answer-lost",
            "群发已受理，但响应丢失：重发会得到 45065 和原来的 msg_id。",
            "The mass was accepted but its answer is lost: a repeat meets 45065 with its msg_id.",
            Effect::Drop(When::After),
        )
        .below(MASS)
        .once(),
        ready(
            "connection-dropped",
            "请求没有到达：下一次调用的连接被断开，服务器什么也没做。",
            "The call never arrives: the next connection is dropped and nothing is done.",
            Effect::Drop(When::Before),
        )
        .once(),
        ready(
            "half-answer",
            "响应只到一半：下一次调用的 JSON 不完整。",
            "Half an answer: the JSON of the next call is cut off.",
            Effect::HalfAnswer,
        )
        .once(),
    ]
}

fn verdicts() -> Vec<Ready> {
    vec![
        ready(
            "review-refused",
            "审核不通过：下一次群发的事件是 err(10001)。",
            "The review refuses: the next mass ends with err(10001).",
            Effect::Verdict(10_001),
        )
        .below(MASS)
        .once(),
        ready(
            "reprint-refused",
            "原创校验不允许转载：下一次群发的事件是 err(30003)。",
            "The originality check refuses a reprint: the next mass ends with err(30003).",
            Effect::Verdict(30_003),
        )
        .below(MASS)
        .once(),
        ready(
            "send-fail",
            "群发失败：下一次群发的事件是 send fail。",
            "The send fails: the next mass ends with send fail.",
            Effect::SendFail,
        )
        .below(MASS)
        .once(),
    ]
}

fn callbacks() -> Vec<Ready> {
    vec![
        ready(
            "callback-never-came",
            "MASSSENDJOBFINISH 一直没来：事件丢失，也不重试。",
            "MASSSENDJOBFINISH never came: the event is lost and not repeated.",
            Effect::Callback(CallbackFault::Lost),
        )
        .finished(),
        ready(
            "callback-came-twice",
            "MASSSENDJOBFINISH 来了两次：要按 MsgID 去重。",
            "MASSSENDJOBFINISH came twice: receivers must tell repetitions by MsgID.",
            Effect::Callback(CallbackFault::Twice),
        )
        .finished(),
        ready(
            "callback-came-late",
            "MASSSENDJOBFINISH 晚到一小时（虚拟时间）。",
            "MASSSENDJOBFINISH came an hour of virtual time late.",
            Effect::CallbackLateSeconds(3_600),
        )
        .finished(),
        ready(
            "callback-out-of-order",
            "事件乱序：先发生的后到。",
            "Events out of order: the first to happen comes after the next one.",
            Effect::Callback(CallbackFault::OutOfOrder),
        ),
        ready(
            "callback-wrong-signature",
            "签名错误：接收方必须拒绝。",
            "The signature is wrong: a receiver must refuse it.",
            Effect::Callback(CallbackFault::WrongSignature),
        ),
        ready(
            "callback-timeout",
            "接收方 5 秒内没有应答：同一事件会重试，业务可能执行两次。",
            "The receiver did not answer within 5 seconds: the event is repeated, and work may be done twice.",
            Effect::Callback(CallbackFault::TimeOut),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_made_rule_holds_and_has_a_name_of_its_own() {
        let mut names: Vec<&str> = all().iter().map(|ready| ready.name).collect();
        for ready in all() {
            assert!(!ready.chinese.is_empty() && !ready.english.is_empty());
            let name = ready.name;
            assert_eq!(ready.with(Match::default(), None).check(), Ok(()), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn what_the_caller_adds_narrows_a_ready_made_rule() {
        let added = Match {
            path: Some("/cgi-bin/tags/get".into()),
            nth: Some(3),
            ..Match::default()
        };
        let rule = find("no-masssend-quota").expect("known").with(added, None);
        assert_eq!(rule.matching.path.as_deref(), Some("/cgi-bin/tags/get"));
        assert_eq!((rule.matching.path_prefix, rule.matching.nth), (None, Some(3)));
    }
}
