//! `qunfa bench import`: our import over HTTP beside the database's own fastest way with the index built afterwards.

use std::time::Instant;

use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::{
    BenchResult, people,
    report::{Common, thousands},
    system::{Admin, System},
    usual::Usual,
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// Store and file.
    pub common: Common,
    /// Followers.
    pub followers: u64,
}

#[derive(Serialize)]
struct ImportReport {
    followers: u64,
    rounds: usize,
    import_rows_per_second: f64,
    raw_rows_per_second: f64,
    ratio: f64,
    sendall_ms_during_import: super::report::Spread,
    sendall_calls: usize,
}

/// How often each side imports; the medians are compared.
const ROUNDS: usize = 3;

/// Imports on both sides in turn, then once more while another account sends, and prints the report.
pub async fn run(plan: ImportPlan) -> BenchResult<()> {
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut usual = Usual::open(&plan.common.place).await?;
        let imported = usual.import(plan.followers, 0.5).await;
        usual.clear().await?;
        raw.push(imported?);
        let ground = plan.common.ground().await?;
        let system = System::start(&ground, None).await?;
        let imported = import(&Admin::new(&system.base)?, "wx0000000000000001", plan.followers).await;
        system.stop().await?;
        ground.clear().await?;
        ours.push(imported?);
    }
    let times = sends_during_import(&plan.common, plan.followers).await?;
    let (our_seconds, raw_seconds) = (
        super::report::Spread::of(&ours).median,
        super::report::Spread::of(&raw).median,
    );
    let report = ImportReport {
        followers: plan.followers,
        rounds: ROUNDS,
        import_rows_per_second: plan.followers as f64 / our_seconds,
        raw_rows_per_second: plan.followers as f64 / raw_seconds,
        ratio: raw_seconds / our_seconds,
        sendall_calls: times.len(),
        sendall_ms_during_import: super::report::Spread::of(&times),
    };
    plan.common.write("import", &report)?;
    print(&report);
    Ok(())
}

/// Imports the file; the seconds it took.
async fn import(admin: &Admin, app_id: &str, followers: u64) -> BenchResult<f64> {
    let started = Instant::now();
    let answer = admin.import(app_id, people::csv(followers, 0.5)).await?;
    if answer["imported"].as_u64() != Some(followers) {
        return Err(format!("the import answered {answer}").into());
    }
    Ok(started.elapsed().as_secs_f64())
}

/// The milliseconds of sendall calls to as many followers while another account's import runs.
async fn sends_during_import(common: &Common, followers: u64) -> BenchResult<Vec<f64>> {
    let ground = common.ground().await?;
    let system = System::start(&ground, None).await?;
    let admin = Admin::new(&system.base)?;
    let quota = json!({"quota": {"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
        "history_per_day": null, "history_per_month": null, "calls_per_minute": null}});
    admin
        .call(Method::PATCH, "/v1/accounts/wx0000000000000002", Some(quota))
        .await?;
    import(&admin, "wx0000000000000002", followers).await?;
    let mut sends = Sends {
        base: system.base.clone(),
        account: None,
        number: 0,
    };
    let importing = import(&admin, "wx0000000000000001", followers);
    tokio::pin!(importing);
    let mut times = Vec::new();
    loop {
        tokio::select! {
            imported = &mut importing => {
                imported?;
                break;
            }
            time = sends.next() => times.push(time?),
        }
    }
    system.stop().await?;
    ground.clear().await?;
    Ok(times)
}

struct Sends {
    base: String,
    account: Option<wire::client::Account>,
    number: usize,
}

impl Sends {
    /// One sendall to all followers of the other account; the milliseconds from call to answer.
    async fn next(&mut self) -> BenchResult<f64> {
        let account = match &self.account {
            Some(account) => account,
            None => {
                let client = wire::client::Client::new(&self.base);
                let token = client
                    .token("wx0000000000000002", "00000000000000000000000000000002")
                    .await?;
                self.account.insert(client.account(&token.access_token))
            }
        };
        self.number += 1;
        let body = json!({"filter": {"is_to_all": true}, "msgtype": "text", "text": {"content": format!("第{}条", self.number)}});
        let started = Instant::now();
        let answer = account.raw("/cgi-bin/message/mass/sendall", &body).await?;
        let took = started.elapsed().as_secs_f64() * 1_000.0;
        if answer["errcode"] != 0 {
            return Err(format!("sendall answered {answer}").into());
        }
        // A send every tenth of a second, so that the import is disturbed but not crowded out.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Ok(took)
    }
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn print(report: &ImportReport) {
    println!("followers                    {}", thousands(report.followers));
    println!(
        "qunfa, over HTTP             {} rows/s",
        thousands(report.import_rows_per_second as u64)
    );
    println!(
        "raw, index afterwards        {} rows/s",
        thousands(report.raw_rows_per_second as u64)
    );
    println!(
        "ratio of the medians         {:.2} (of {} imports each)",
        report.ratio, report.rounds
    );
    println!(
        "sendall during the import    {} of {} calls",
        report.sendall_ms_during_import, report.sendall_calls
    );
}
