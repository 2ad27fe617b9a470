//! `qunfa bench inbox` and `qunfa bench api`: reads with their token check, beside a bare small JSON answer of the same
//! server stack, in turn.

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use wire::client::{Account, Client};

use super::{
    BenchResult,
    load::{Call, Load, Loaded},
    people,
    place::Ground,
    report::{Common, Spread, bytes, thousands},
    served::{BARE, Served},
    system::Admin,
};

/// Masses of the account: half to all, half to a tag that every second follower carries.
const MASSES: usize = 10;
/// Followers whose inboxes are read.
const READERS: u64 = 2_000;
/// Tokens that are issued side by side: those that wait for the disk wait together.
const ISSUED_AT_ONCE: usize = 32;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Inbox pages.
    Inbox,
    /// Calls of the compatible API that change nothing.
    Api,
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct ReadsPlan {
    /// Store and file.
    pub common: Common,
    /// What.
    pub reads: Reads,
    /// Followers of the account.
    pub followers: u64,
    /// How often each side is measured.
    pub rounds: u32,
    /// For how long each time.
    pub seconds: f64,
    /// Connections of the second process.
    pub connections: usize,
}

#[derive(Serialize)]
struct ReadsReport {
    followers: u64,
    masses: usize,
    connections: usize,
    rounds: u32,
    seconds: f64,
    bare: Side,
    calls: Vec<Measured>,
}

/// One call beside the bare answer.
#[derive(Serialize)]
struct Measured {
    call: &'static str,
    #[serde(flatten)]
    side: Side,
    /// Answers a second, as a part of the bare ones.
    ratio: f64,
    /// The server's processor time of a bare answer, as a part of this one's.
    processor_ratio: f64,
}

/// Medians over the rounds.
#[derive(Serialize)]
struct Side {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Processor time of the server, in µs for an answer.
    processor_us: f64,
    body_bytes: u64,
}

/// Measures in turn and prints the report.
pub async fn run(plan: ReadsPlan) -> BenchResult<()> {
    let ground = plan.common.ground().await?;
    let measured = measure(&plan, &ground).await;
    ground.clear().await?;
    let report = measured?;
    let name = match plan.reads {
        Reads::Inbox => "inbox",
        Reads::Api => "api",
    };
    plan.common.write(name, &report)?;
    print(&report);
    Ok(())
}

async fn measure(plan: &ReadsPlan, ground: &Ground) -> BenchResult<ReadsReport> {
    let served = Served::start(ground).await?;
    let world = World::make(&served, plan.followers).await?;
    let mut kinds = vec![("bare", vec![served.bare], vec![call(BARE.into(), None, None)])];
    let asked = match plan.reads {
        Reads::Inbox => vec![("GET /inbox/entries", world.inbox_calls(plan.followers).await?)],
        Reads::Api => world.api_calls(),
    };
    kinds.extend(
        asked
            .into_iter()
            .map(|(name, calls)| (name, served.addresses(), calls)),
    );
    let mut results: Vec<Vec<(Loaded, f64)>> = vec![Vec::new(); kinds.len()];
    // The first round warms up and is left out.
    for round in 0..=plan.rounds {
        for ((_, addresses, calls), results) in kinds.iter().zip(&mut results) {
            let load = Load {
                addresses: addresses.clone(),
                connections: plan.connections,
                seconds: plan.seconds,
                calls: calls.clone(),
            };
            let before = served.processor_seconds();
            let loaded = load.run().await?;
            let spent = served.processor_seconds() - before;
            if round > 0 {
                results.push((loaded, spent));
            }
        }
    }
    served.stop().await?;
    let mut sides = results.iter().map(|results| side(results));
    let bare = sides.next().ok_or("nothing was measured")?;
    let calls = sides
        .zip(kinds.iter().skip(1))
        .map(|(side, (call, ..))| Measured {
            call,
            ratio: side.per_second / bare.per_second,
            processor_ratio: bare.processor_us / side.processor_us,
            side,
        })
        .collect();
    Ok(ReadsReport {
        followers: plan.followers,
        masses: MASSES,
        connections: plan.connections,
        rounds: plan.rounds,
        seconds: plan.seconds,
        bare,
        calls,
    })
}

fn side(results: &[(Loaded, f64)]) -> Side {
    let median = |value: &dyn Fn(&(Loaded, f64)) -> f64| {
        Spread::of(&results.iter().map(value).collect::<Vec<_>>()).median
    };
    Side {
        per_second: median(&|(loaded, _)| loaded.answers as f64 / loaded.seconds),
        p50_ms: median(&|(loaded, _)| loaded.p50_ms),
        p99_ms: median(&|(loaded, _)| loaded.p99_ms),
        processor_us: median(&|(loaded, spent)| spent * 1e6 / loaded.answers.max(1) as f64),
        body_bytes: median(&|(loaded, _)| loaded.body_bytes as f64) as u64,
    }
}

fn call(path: String, bearer: Option<String>, body: Option<Value>) -> Call {
    Call {
        path,
        bearer,
        body: body.map(|body| body.to_string()),
    }
}

/// An account with followers and masses that they received.
struct World {
    admin: Admin,
    app_id: String,
    token: String,
    msg_id: i64,
}

impl World {
    async fn make(served: &Served, followers: u64) -> BenchResult<Self> {
        let admin = Admin::new(&served.base())?;
        let body = json!({"name": "测量", "kind": "service", "verified": true});
        let made = admin.call(Method::POST, "/v1/accounts", Some(body)).await?;
        let text = |key: &str| made[key].as_str().map(str::to_owned).ok_or("no account");
        let (app_id, secret) = (text("appid")?, text("secret")?);
        let quota = json!({"quota": {"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
            "history_per_day": null, "history_per_month": null, "calls_per_minute": null}});
        admin
            .call(Method::PATCH, &format!("/v1/accounts/{app_id}"), Some(quota))
            .await?;
        admin.import(&app_id, people::csv(followers, 0.5)).await?;
        let client = Client::new(&served.base());
        let token = client.token(&app_id, &secret).await?.access_token;
        let account = client.account(&token);
        let tag = account.tags_get().await?.tags.first().map_or(0, |tag| tag.id);
        let mut msg_id = 0;
        for number in 0..MASSES {
            let filter = match number % 2 {
                0 => json!({"is_to_all": true}),
                _ => json!({"is_to_all": false, "tag_id": tag}),
            };
            msg_id = send(&account, filter, number).await?;
        }
        Ok(Self {
            admin,
            app_id,
            token,
            msg_id,
        })
    }

    /// A page of every reader; each has a token of their own, and they are spread over all blocks.
    async fn inbox_calls(&self, followers: u64) -> BenchResult<Vec<Call>> {
        let path = format!("/v1/accounts/{}/inbox-tokens", self.app_id);
        let issue = async |reader: u64| -> BenchResult<Call> {
            let id = people::external_id(reader.wrapping_mul(0x9e37_79b9_7f4a_7c15) % followers);
            let body = json!({"external_id": id});
            let issued = self.admin.call(Method::POST, &path, Some(body)).await?;
            let token = issued["token"].as_str().ok_or("no inbox token")?;
            Ok(call("/inbox/entries".into(), Some(token.to_owned()), None))
        };
        stream::iter((0..READERS.min(followers)).map(issue))
            .buffered(ISSUED_AT_ONCE)
            .try_collect()
            .await
    }

    fn api_calls(&self) -> Vec<(&'static str, Vec<Call>)> {
        let path = |path: &str| format!("{path}?access_token={}", self.token);
        let get = call(
            path("/cgi-bin/message/mass/get"),
            None,
            Some(json!({"msg_id": self.msg_id})),
        );
        vec![
            ("POST /cgi-bin/message/mass/get", vec![get]),
            (
                "GET /cgi-bin/tags/get",
                vec![call(path("/cgi-bin/tags/get"), None, None)],
            ),
        ]
    }
}

/// Sends one text and waits until everybody has it.
async fn send(account: &Account, filter: Value, number: usize) -> BenchResult<i64> {
    let text = format!("第{number}条消息：明天上午九点在图书馆集合，请带好证件。");
    let body = json!({"filter": filter, "msgtype": "text", "text": {"content": text}});
    let answer = account.raw("/cgi-bin/message/mass/sendall", &body).await?;
    let id = answer["msg_id"]
        .as_i64()
        .ok_or_else(|| format!("sendall answered {answer}"))?;
    loop {
        let state = account
            .raw("/cgi-bin/message/mass/get", &json!({"msg_id": id}))
            .await?;
        match state["msg_status"].as_str() {
            Some("SEND_SUCCESS") => return Ok(id),
            Some("SENDING") => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            _ => return Err(format!("mass/get answered {state}").into()),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn print(report: &ReadsReport) {
    println!(
        "{} followers, {} masses, {} connections, {} rounds of {} s each",
        thousands(report.followers),
        report.masses,
        report.connections,
        report.rounds,
        report.seconds
    );
    println!("a bare answer                     {}", report.bare);
    for measured in &report.calls {
        println!("{:<33} {}", measured.call, measured.side);
        println!(
            "{:<33} {:.2} of the bare answers a second; a bare answer takes {:.2} of its processor time",
            "", measured.ratio, measured.processor_ratio
        );
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} a second, p50 {:.2} ms, p99 {:.2} ms, {:.0} µs of the server, {}",
            thousands(self.per_second as u64),
            self.p50_ms,
            self.p99_ms,
            self.processor_us,
            bytes(self.body_bytes)
        )
    }
}
