//! Does what the steps of a scenario say.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use domain::time::Calendar;
use futures::future::join_all;
use reqwest::{
    Method, RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{
    check::{Difference, Found, differences},
    file::{
        AccountStep, CallStep, CallbacksStep, ClockStep, Expect, FaultStep, HistoryStep, InboxStep, MassStep,
        PageStep, Period, Step, TogetherStep, seconds,
    },
    receiver::{AES_KEY, Receiver, TOKEN},
    world::{World, answer},
};

/// Real time that a callback may need on the loopback, beyond what the clock's advance waited.
const CALLBACK_PATIENCE: Duration = Duration::from_secs(2);
const CALLBACK_LOOK: Duration = Duration::from_millis(20);
/// Entries of an inbox and items of a history that one step reads, at most.
const PAGE: usize = 100;

/// A step that could not be done, so that what follows has no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

type Played = Result<Vec<Difference>, Broken>;

impl Step {
    /// One line for the report.
    pub fn what(&self) -> String {
        match self {
            Step::Account(step) => match &step.receiver {
                None => format!("account {}: {}", step.of.word(), keys(&step.set)),
                Some(receiver) => format!(
                    "account {}: receiver ({}), {} events to be lost",
                    step.of.word(),
                    receiver.mode,
                    receiver.fail
                ),
            },
            Step::Call(step) => step.what(),
            Step::Together(step) => format!("{} times at once: {}", step.times, step.call.what()),
            Step::Clock(ClockStep::Advance(span)) => format!("clock: {span} pass"),
            Step::Clock(ClockStep::To(instant)) => format!("clock: it becomes {instant}"),
            Step::Clock(ClockStep::Next(Period::Day)) => "clock: the next day begins".to_owned(),
            Step::Clock(ClockStep::Next(Period::Month)) => "clock: the next month begins".to_owned(),
            Step::Settle(_) => "settle".to_owned(),
            Step::Fault(step) => format!("fault {}", super::variables::shorten(&step.rule)),
            Step::Inbox(step) => format!("inbox of follower {} of {}", step.follower, step.of.word()),
            Step::Mass(step) => format!("mass {} of {}", plain(&step.id), step.of.word()),
            Step::History(step) => format!("history of {}", step.of.word()),
            Step::Callbacks(step) => format!(
                "callbacks {}to {}",
                step.event
                    .as_ref()
                    .map_or_else(String::new, |event| format!("{event} ")),
                step.of.word()
            ),
            Step::Page(step) => format!("page {}", step.url),
        }
    }
}

impl CallStep {
    fn what(&self) -> String {
        let request = self.request.split('?').next().unwrap_or_default();
        match &self.name {
            Some(name) => format!("{name} ({request})"),
            None => request.to_owned(),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn keys(set: &serde_json::Map<String, Value>) -> String {
    set.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

impl World {
    /// Does one step; what is not as expected.
    pub async fn play(&mut self, step: &Step) -> Played {
        match step {
            Step::Account(step) => self.change(step).await,
            Step::Call(step) => self.call(step).await,
            Step::Together(step) => self.together(step).await,
            Step::Clock(step) => self.clock(step).await,
            Step::Settle(_) => self.settle().await.map(|()| Vec::new()),
            Step::Fault(step) => self.fault(step).await,
            Step::Inbox(step) => self.inbox(step).await,
            Step::Mass(step) => self.mass(step).await,
            Step::History(step) => self.history(step).await,
            Step::Callbacks(step) => self.callbacks(step).await,
            Step::Page(step) => self.page(step).await,
        }
    }

    async fn settle(&mut self) -> Result<(), Broken> {
        self.advance(json!({"advance_seconds": 0})).await
    }

    async fn change(&mut self, step: &AccountStep) -> Played {
        let mut set = step.set.clone();
        if let Some(asked) = &step.receiver {
            let known = self.receivers.remove(&step.of);
            let receiver = match known {
                Some(receiver) => receiver,
                None => Receiver::start(step.of.app_id())
                    .await
                    .map_err(|error| Broken(format!("the receiver does not start: {error}")))?,
            };
            receiver.fail(asked.fail);
            let callback =
                json!({"url": receiver.url, "token": TOKEN, "aes_key": AES_KEY, "mode": asked.mode});
            set.insert("callback".to_owned(), callback);
            self.receivers.insert(step.of, receiver);
        }
        let body = self.variables.fill(&Value::Object(set))?;
        let path = format!("/v1/accounts/{}", step.of.app_id());
        self.native(Method::PATCH, &path, Some(body))
            .await
            .map(|_| Vec::new())
    }

    async fn call(&mut self, step: &CallStep) -> Played {
        let (request, compatible) = self.prepare(step).await?;
        let found = answer(request).await?;
        let differences = self.compare_call(step, &found, compatible)?;
        if differences.is_empty() {
            self.variables.save(&step.save, &found.value)?;
        }
        Ok(differences)
    }

    fn compare_call(&self, step: &CallStep, found: &Found, compatible: bool) -> Played {
        match &step.expect {
            Some(expect) => differences(expect, found, &self.variables),
            None if compatible => {
                let success = Expect {
                    errcode: Some(0),
                    ..Expect::default()
                };
                differences(&success, found, &self.variables)
            }
            None => {
                let success = matches!(found.status, Some(200..=299));
                let status = found.status.unwrap_or_default();
                Ok(Vec::from_iter((!success).then(|| Difference {
                    at: "HTTP status".to_owned(),
                    expected: "2xx".to_owned(),
                    found: format!("{status} {}", super::variables::shorten(&found.value)),
                })))
            }
        }
    }

    /// The request of a call, and whether it is one of the compatible API.
    async fn prepare(&mut self, step: &CallStep) -> Result<(RequestBuilder, bool), Broken> {
        let (method, path) = step
            .request
            .split_once(' ')
            .ok_or_else(|| Broken(format!("{}: a request is a method and a path", step.request)))?;
        let method = Method::from_str(method).map_err(|_| Broken(format!("{method} is no HTTP method")))?;
        let path = self.variables.fill_text(path.trim())?;
        let path = path.replace("{appid}", step.account.app_id());
        let native = ["/v1", "/sandbox", "/inbox"]
            .iter()
            .any(|prefix| path.starts_with(prefix));
        let token = match &step.token {
            Some(token) => self.variables.fill_text(token)?,
            None if native => crate::sandbox::ADMIN_TOKEN.to_owned(),
            None if path.contains("secret=") || path.contains("stable_token") => String::new(),
            None => self.token(step.account).await?,
        };
        let mut request = if token.is_empty() {
            self.request(method, &path)
        } else if native {
            self.request(method, &path).bearer_auth(token)
        } else {
            let mark = if path.contains('?') { '&' } else { '?' };
            self.request(method, &format!("{path}{mark}access_token={token}"))
        };
        if let Some(body) = &step.body {
            let body = self.variables.fill(body)?;
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        if !step.files.is_empty() {
            request = request.multipart(self.form(step)?);
        }
        Ok((request, !native))
    }

    fn form(&self, step: &CallStep) -> Result<Form, Broken> {
        let mut form = Form::new();
        for (name, path) in &step.files {
            let path = self.folder.join(path);
            let bytes = std::fs::read(&path)
                .map_err(|error| Broken(format!("{} cannot be read: {error}", path.display())))?;
            let file_name = path.file_name().unwrap_or_default().to_string_lossy();
            form = form.part(name.clone(), Part::bytes(bytes).file_name(file_name.into_owned()));
        }
        Ok(form)
    }

    async fn together(&mut self, step: &TogetherStep) -> Played {
        let mut requests = Vec::new();
        for _ in 0..step.times {
            requests.push(self.prepare(&step.call).await?.0);
        }
        let mut answers = Vec::new();
        for found in join_all(requests.into_iter().map(answer)).await {
            answers.push(found?.value);
        }
        let errcode = |value: &Value| value["errcode"].as_i64().unwrap_or(0);
        answers.sort_by_key(errcode);
        let mut errcodes: BTreeMap<String, u64> = BTreeMap::new();
        for value in &answers {
            *errcodes.entry(errcode(value).to_string()).or_default() += 1;
        }
        let found = Found::value(json!({"errcodes": &errcodes, "answers": answers}));
        let differences = match &step.call.expect {
            Some(expect) => differences(expect, &found, &self.variables)?,
            None => Vec::from_iter((errcodes.keys().any(|code| code != "0")).then(|| Difference {
                at: "errcodes".to_owned(),
                expected: "0".to_owned(),
                found: super::variables::shorten(&found.value),
            })),
        };
        if differences.is_empty() {
            self.variables.save(&step.call.save, &found.value)?;
        }
        Ok(differences)
    }

    async fn clock(&mut self, step: &ClockStep) -> Played {
        let body = match step {
            ClockStep::Advance(span) => {
                let seconds = seconds(span)
                    .ok_or_else(|| Broken(format!("{span} is no span: write 90s, 30m, 12h, 1d or 1h30m")))?;
                json!({"advance_seconds": seconds})
            }
            ClockStep::To(instant) => json!({"set": instant}),
            ClockStep::Next(period) => {
                let (calendar, now) = (Calendar::shanghai(), self.now());
                let next = match period {
                    Period::Day => calendar.day_start(calendar.day(now).plus(1)),
                    Period::Month => calendar.next_month(now),
                };
                json!({"set": calendar.rfc3339(next)})
            }
        };
        self.advance(body).await.map(|()| Vec::new())
    }

    async fn fault(&mut self, step: &FaultStep) -> Played {
        let rule = self.variables.fill(&step.rule)?;
        let found = self.native(Method::POST, "/sandbox/faults", Some(rule)).await?;
        self.variables.save(&step.save, &found.value)?;
        Ok(Vec::new())
    }

    async fn inbox(&mut self, step: &InboxStep) -> Played {
        let open_id = self.variables.open_id(step.of, step.follower)?.to_owned();
        let path = format!("/v1/accounts/{}/inbox-tokens", step.of.app_id());
        let token = self
            .native(Method::POST, &path, Some(json!({"openid": open_id})))
            .await?;
        let token = token.value["token"].as_str().unwrap_or_default().to_owned();
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/inbox/entries?limit={PAGE}&cursor={cursor}");
            let page = answer(self.request(Method::GET, &path).bearer_auth(&token)).await?;
            entries.extend(list(&page.value, "entries"));
            match page.value["next_cursor"].as_str() {
                Some(next) if !next.is_empty() => cursor = next.to_owned(),
                _ => break,
            }
        }
        let found = shown(entries, "entries");
        let expect = listed(&step.expect, step.texts.as_deref(), step.count);
        let differences = differences(&expect, &found, &self.variables)?;
        if differences.is_empty() {
            self.variables.save(&step.save, &found.value)?;
        }
        Ok(differences)
    }

    async fn history(&mut self, step: &HistoryStep) -> Played {
        let path = format!("/v1/accounts/{}/history?limit={PAGE}", step.of.app_id());
        let page = self.native(Method::GET, &path, None).await?;
        let found = shown(list(&page.value, "items"), "items");
        let expect = listed(&step.expect, step.texts.as_deref(), step.count);
        differences(&expect, &found, &self.variables)
    }

    async fn mass(&mut self, step: &MassStep) -> Played {
        let id = plain(&self.variables.fill(&step.id)?);
        let path = format!("/v1/accounts/{}/masses/{id}", step.of.app_id());
        let found = self.native(Method::GET, &path, None).await?;
        let mut expect = step.expect.clone();
        let mut equal = |pointer: &str, value: Option<Value>| {
            expect
                .equals
                .extend(value.map(|value| (pointer.to_owned(), value)));
        };
        equal("/state", step.state.clone().map(Value::from));
        equal("/total_count", step.total.map(Value::from));
        equal("/sent_count", step.sent.map(Value::from));
        differences(&expect, &found, &self.variables)
    }

    /// Looks again for a moment: the receiver's side of the connection is not the engine's.
    async fn callbacks(&mut self, step: &CallbacksStep) -> Played {
        let deadline = tokio::time::Instant::now() + CALLBACK_PATIENCE;
        loop {
            let differences = self.look_at_callbacks(step)?;
            if differences.is_empty() || tokio::time::Instant::now() >= deadline {
                return Ok(differences);
            }
            tokio::time::sleep(CALLBACK_LOOK).await;
        }
    }

    fn look_at_callbacks(&self, step: &CallbacksStep) -> Played {
        let receiver = self.receivers.get(&step.of).ok_or_else(|| {
            Broken(format!(
                "{} has no receiver: give it one with an account step",
                step.of.word()
            ))
        })?;
        let mut events = receiver.events();
        if let Some(name) = &step.event {
            events.retain(|event| event["Event"] == name.as_str());
        }
        let mut expect = step.expect.clone();
        if let Some(count) = step.count {
            expect.equals.insert("/count".to_owned(), json!(count));
        }
        for (element, value) in &step.elements {
            let pointer = format!("/last/{element}");
            expect.equals.insert(pointer, value.clone());
        }
        let mut value = json!({"count": events.len()});
        if let Some(last) = events.last() {
            value["last"] = last.clone();
        }
        value["events"] = Value::Array(events);
        differences(&expect, &Found::value(value), &self.variables)
    }

    async fn page(&mut self, step: &PageStep) -> Played {
        let url = self.variables.fill_text(&step.url)?;
        let page = answer(self.request(Method::GET, &url)).await?;
        let text = plain(&page.value);
        let mut expect = Expect {
            status: Some(step.status),
            ..Expect::default()
        };
        let text_at = || "/text".to_owned();
        expect.contains.extend(
            step.contains
                .as_deref()
                .map(|part| (text_at(), Value::from(part))),
        );
        expect
            .lacks
            .extend(step.lacks.as_deref().map(|part| (text_at(), Value::from(part))));
        let found = Found {
            value: json!({ "text": text }),
            status: page.status,
        };
        differences(&expect, &found, &self.variables)
    }
}

fn list(page: &Value, key: &str) -> Vec<Value> {
    page[key].as_array().cloned().unwrap_or_default()
}

/// Entries that came newest first, as a scenario looks at them: oldest first, with what readers see of each.
fn shown(mut items: Vec<Value>, key: &str) -> Found {
    items.reverse();
    let texts: Vec<Value> = items
        .iter()
        .map(|item| {
            item.get("title")
                .or(item.get("text"))
                .cloned()
                .unwrap_or_default()
        })
        .collect();
    Found::value(json!({"count": items.len(), "texts": texts, key: items}))
}

fn listed(expect: &Expect, texts: Option<&[String]>, count: Option<usize>) -> Expect {
    let mut expect = expect.clone();
    if let Some(texts) = texts {
        expect.equals.insert("/texts".to_owned(), json!(texts));
    }
    if let Some(count) = count {
        expect.equals.insert("/count".to_owned(), json!(count));
    }
    expect
}
