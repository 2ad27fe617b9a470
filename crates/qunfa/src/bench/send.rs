//! `qunfa bench send`: from the call to SEND_SUCCESS over HTTP, beside a row per follower.

use std::time::Instant;

use domain::time::Calendar;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use store::clock::Clock;
use wire::client::{Account, Client};

use super::{
    BenchResult, people,
    place::Ground,
    report::{Common, Spread, bytes, thousands},
    system::{self, Admin, System},
    usual::Usual,
};

const APP_ID: &str = "wx0000000000000001";
const SECRET: &str = "00000000000000000000000000000001";
/// Rounds of a cluster.
const CLUSTER_ROUNDS: u32 = 3;
/// Inboxes compared in the end.
const INBOXES: u64 = 1_000;

/// What to measure.
#[derive(Clone, Debug)]
pub struct SendPlan {
    /// Store and file.
    pub common: Common,
    /// Followers.
    pub followers: u64,
    /// Mass sends.
    pub rounds: u32,
    /// Share of followers who carry the tag, 0 to 1; every second send goes to it.
    pub tag_density: f64,
    /// Measure a row per follower as well.
    pub vs_rows: bool,
}

#[derive(Serialize)]
struct SendReport {
    followers: u64,
    rounds: u32,
    tag_density: f64,
    import_rows_per_second: f64,
    accept_ms: Spread,
    finish_ms: Spread,
    /// The same by whom it went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_all: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_tag: Option<Side>,
    cold_finish_ms: f64,
    stored_bytes_per_send: u64,
    stored_bytes_per_send_to_all_max: u64,
    peak_memory_bytes: Option<u64>,
    months: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<RowsReport>,
    inboxes_compared: u64,
}

/// Sends to everybody, or those to the tag.
#[derive(Serialize)]
struct Side {
    finish_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_of_medians: Option<f64>,
}

#[derive(Serialize)]
struct RowsReport {
    import_rows_per_second: f64,
    finish_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_rules_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_without_rules: Option<f64>,
    ratio_of_medians: f64,
}

/// Measures, compares the inboxes of both sides and prints the report.
pub async fn run(plan: SendPlan) -> BenchResult<()> {
    if plan.common.cluster.nodes > 1 && plan.rounds > CLUSTER_ROUNDS {
        return Err(format!("the clocks of a cluster's nodes are real, and a month has four sends: at most {CLUSTER_ROUNDS} rounds, and the one after a restart").into());
    }
    let ground = plan.common.ground().await?;
    let mut usual = match plan.vs_rows {
        true => Some(Usual::open(&plan.common.place).await?),
        false => None,
    };
    let measured = measure(&plan, &ground, &mut usual).await;
    // What was made on a server is removed however the measurement ended.
    if let Some(usual) = usual {
        usual.clear().await?;
    }
    ground.clear().await?;
    let report = measured?;
    plan.common.write("send", &report)?;
    print(&report);
    Ok(())
}

async fn measure(plan: &SendPlan, ground: &Ground, usual: &mut Option<Usual>) -> BenchResult<SendReport> {
    Bench::start(plan, ground, usual.as_mut()).await?.measure().await
}

struct Bench<'a> {
    plan: &'a SendPlan,
    ground: &'a Ground,
    system: System,
    account: Account,
    admin: Admin,
    tag: i64,
    rows: Option<&'a mut Usual>,
    rows_import_seconds: f64,
    import_seconds: f64,
    peak: Option<u64>,
    accept: Vec<f64>,
    finish: Vec<f64>,
    stored: Vec<(bool, u64)>,
    rows_finish: Vec<f64>,
    months: u32,
}

impl<'a> Bench<'a> {
    async fn start(
        plan: &'a SendPlan,
        ground: &'a Ground,
        mut rows: Option<&'a mut Usual>,
    ) -> BenchResult<Self> {
        let system = System::start(ground, Some(system::wall_now())).await?;
        let admin = Admin::new(&system.base)?;
        let lifted = json!({"quota": {"calls_per_day": null, "calls_per_minute": null}});
        admin
            .call(Method::PATCH, &format!("/v1/accounts/{APP_ID}"), Some(lifted))
            .await?;
        let account = log_in(&system.base).await?;
        system::reset_peak_memory();
        let started = Instant::now();
        let imported = admin
            .import(APP_ID, people::csv(plan.followers, plan.tag_density))
            .await?;
        let import_seconds = started.elapsed().as_secs_f64();
        if imported["imported"].as_u64() != Some(plan.followers) {
            return Err(format!("the import answered {imported}").into());
        }
        let peak = system::peak_memory();
        let tag = tag_id(&account).await?;
        let rows_import_seconds = match &mut rows {
            Some(rows) => {
                let seconds = rows.import(plan.followers, plan.tag_density).await?;
                rows.make_counters(plan.followers, plan.tag_density).await?;
                rows.rest().await?;
                seconds
            }
            None => 0.0,
        };
        Ok(Self {
            plan,
            ground,
            system,
            account,
            admin,
            tag,
            rows,
            rows_import_seconds,
            import_seconds,
            peak,
            accept: Vec::new(),
            finish: Vec::new(),
            stored: Vec::new(),
            rows_finish: Vec::new(),
            months: 1,
        })
    }

    async fn measure(mut self) -> BenchResult<SendReport> {
        for round in 0..self.plan.rounds {
            self.round(round).await?;
        }
        let compared = self.compare_inboxes().await?;
        let next_month = i64::from(Calendar::shanghai().month(self.system.clock.now()).0) + 1;
        let yardstick = self
            .rows
            .as_mut()
            .map(|rows| rows.yardstick(next_month))
            .transpose()?
            .flatten();
        // A new process would start as cold: no receipts, no caches, a new connection.
        let now = self.system.stop().await?;
        self.ground.cool()?;
        self.system = System::start(self.ground, Some(now)).await?;
        self.account = log_in(&self.system.base).await?;
        system::reset_peak_memory();
        let (_, cold) = self.send(self.plan.rounds, false).await?;
        self.note_peak();
        let rows = self.rows.is_some().then(|| self.rows_report(yardstick));
        let per_send = |sizes: Vec<u64>| sizes.iter().sum::<u64>() / sizes.len().max(1) as u64;
        let report = SendReport {
            followers: self.plan.followers,
            rounds: self.plan.rounds,
            tag_density: self.plan.tag_density,
            import_rows_per_second: self.plan.followers as f64 / self.import_seconds,
            accept_ms: Spread::of(&self.accept),
            finish_ms: Spread::of(&self.finish),
            to_all: self.side(false),
            to_tag: self.side(true),
            cold_finish_ms: cold,
            stored_bytes_per_send: per_send(self.stored.iter().map(|(_, size)| *size).collect()),
            stored_bytes_per_send_to_all_max: self
                .stored
                .iter()
                .filter(|(to_tag, _)| !to_tag)
                .map(|(_, size)| *size)
                .max()
                .unwrap_or(0),
            peak_memory_bytes: self.peak,
            months: self.months,
            rows,
            inboxes_compared: compared,
        };
        self.system.stop().await?;
        Ok(report)
    }

    /// One send on each side: every second one to the tag, the others to all.
    async fn round(&mut self, round: u32) -> BenchResult<()> {
        let to_tag = round.is_multiple_of(2) && self.plan.tag_density > 0.0;
        let before = self.ground.bytes().await?;
        system::reset_peak_memory();
        let (accept, finish) = self.send(round, to_tag).await?;
        self.note_peak();
        self.accept.push(accept);
        self.finish.push(finish);
        self.stored
            .push((to_tag, self.ground.bytes().await?.saturating_sub(before)));
        let month = Calendar::shanghai().month(self.system.clock.now()).0;
        if let Some(rows) = &mut self.rows {
            let took = rows.send(i64::from(round), &text(round), to_tag, month).await?;
            self.rows_finish.push(took);
            rows.rest().await?;
        }
        Ok(())
    }

    /// One send through the API: milliseconds to the answer and to SEND_SUCCESS. When the month's sends to all
    /// are used up, the clock moves to the next month, and only then.
    async fn send(&mut self, round: u32, to_tag: bool) -> BenchResult<(f64, f64)> {
        let filter = if to_tag {
            json!({"is_to_all": false, "tag_id": self.tag})
        } else {
            json!({"is_to_all": true})
        };
        let body = json!({"filter": filter, "msgtype": "text", "text": {"content": text(round)}});
        loop {
            let started = Instant::now();
            let answer = self.account.raw("/cgi-bin/message/mass/sendall", &body).await?;
            let accepted = started.elapsed().as_secs_f64() * 1_000.0;
            match answer["errcode"].as_i64() {
                Some(0) => {
                    let id = answer["msg_id"].as_i64().ok_or("no msg_id")?;
                    self.wait_for_success(id).await?;
                    return Ok((accepted, started.elapsed().as_secs_f64() * 1_000.0));
                }
                Some(45028) => self.next_month().await?,
                _ => return Err(format!("sendall answered {answer}").into()),
            }
        }
    }

    async fn next_month(&mut self) -> BenchResult<()> {
        let next = Calendar::shanghai().next_month(self.system.clock.now());
        self.system.clock.set(next);
        self.account = log_in(&self.system.base).await?;
        self.months += 1;
        Ok(())
    }

    async fn wait_for_success(&self, id: i64) -> BenchResult<()> {
        loop {
            let state: Value = self
                .account
                .raw("/cgi-bin/message/mass/get", &json!({"msg_id": id}))
                .await?;
            match state["msg_status"].as_str() {
                Some("SEND_SUCCESS") => return Ok(()),
                Some("SENDING") => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
                _ => return Err(format!("mass/get answered {state}").into()),
            }
        }
    }

    /// Random followers' inboxes must be equal on both sides; ours are read over HTTP.
    async fn compare_inboxes(&self) -> BenchResult<u64> {
        let Some(rows) = &self.rows else { return Ok(0) };
        for index in 0..INBOXES {
            let follower = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.plan.followers;
            let path = format!("/v1/accounts/{APP_ID}/inbox-tokens");
            let body = json!({"external_id": people::external_id(follower)});
            let token = self.admin.call(Method::POST, &path, Some(body)).await?;
            let ours = self
                .admin
                .inbox(token["token"].as_str().ok_or("no inbox token")?)
                .await?;
            let theirs = rows.inbox(follower).await?;
            if ours != theirs {
                return Err(format!("follower {follower} has {ours:?}, by rows {theirs:?}").into());
            }
        }
        Ok(INBOXES)
    }

    /// The rounds of one kind; `None` when there was none.
    fn side(&self, to_tag: bool) -> Option<Side> {
        let of_kind = |times: &[f64]| -> Vec<f64> {
            let all = times.iter().zip(&self.stored);
            all.filter(|(_, (kind, _))| *kind == to_tag)
                .map(|(took, _)| *took)
                .collect()
        };
        let (ours, rows) = (of_kind(&self.finish), of_kind(&self.rows_finish));
        if ours.is_empty() {
            return None;
        }
        let finish_ms = Spread::of(&ours);
        let rows_ms = (!rows.is_empty()).then(|| Spread::of(&rows));
        Some(Side {
            ratio_of_medians: rows_ms.as_ref().map(|rows| rows.median / finish_ms.median),
            rows_ms,
            finish_ms,
        })
    }

    fn rows_report(&self, yardstick: Option<(f64, f64)>) -> RowsReport {
        let spread = Spread::of(&self.rows_finish);
        RowsReport {
            import_rows_per_second: self.plan.followers as f64 / self.rows_import_seconds,
            ratio_of_medians: spread.median / Spread::of(&self.finish).median,
            without_rules_ms: yardstick.map(|(plain, _)| plain),
            share_of_without_rules: yardstick.map(|(plain, send)| plain / send),
            finish_ms: spread,
        }
    }

    fn note_peak(&mut self) {
        self.peak = self.peak.max(system::peak_memory());
    }
}

fn text(round: u32) -> String {
    format!("第{round}次群发")
}

async fn log_in(base: &str) -> BenchResult<Account> {
    let client = Client::new(base);
    let token = client.token(APP_ID, SECRET).await?;
    Ok(client.account(&token.access_token))
}

async fn tag_id(account: &Account) -> BenchResult<i64> {
    let tags = account.tags_get().await?;
    let tag = tags.tags.iter().find(|tag| tag.name == people::TAG);
    Ok(tag.map_or(0, |tag| tag.id))
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn print(report: &SendReport) {
    println!(
        "followers             {}, {} sends in {} months",
        thousands(report.followers),
        report.rounds,
        report.months
    );
    println!(
        "import over HTTP      {} rows/s",
        thousands(report.import_rows_per_second as u64)
    );
    println!("call to answer        {}", report.accept_ms);
    println!("call to SEND_SUCCESS  {}", report.finish_ms);
    println!("first after a restart {:.1} ms", report.cold_finish_ms);
    println!(
        "stored per send       {} (to all at most {})",
        bytes(report.stored_bytes_per_send),
        bytes(report.stored_bytes_per_send_to_all_max)
    );
    if let Some(peak) = report.peak_memory_bytes {
        println!("peak memory           {}", bytes(peak));
    }
    if let Some(rows) = &report.rows {
        println!();
        println!("a row per follower    {}", rows.finish_ms);
        if let (Some(plain), Some(share)) = (rows.without_rules_ms, rows.share_of_without_rules) {
            println!(
                "  as good as can be   the same two statements without rules take {plain:.1} ms, {share:.2} of a send to all"
            );
        }
        println!(
            "times faster          {:.0} (ratio of the medians)",
            rows.ratio_of_medians
        );
        for (name, side) in [("to all", &report.to_all), ("to the tag", &report.to_tag)] {
            if let Some((side, ratio)) = side
                .as_ref()
                .and_then(|side| Some((side, side.ratio_of_medians?)))
            {
                println!("  {name:<19} {ratio:.0}, {:.1} ms", side.finish_ms.median);
            }
        }
        println!("inboxes compared      {}, all equal", report.inboxes_compared);
    }
}
