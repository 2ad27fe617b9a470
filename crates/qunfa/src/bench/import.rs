//! `qunfa bench import`: our import over HTTP beside raw SQLite with the index built afterwards.

use std::time::Instant;

use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::{
    BenchResult, people,
    report::thousands,
    rows::Rows,
    system::{Admin, System},
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct ImportPlan {
    /// Followers.
    pub followers: u64,
    /// Print JSON.
    pub json: bool,
}

#[derive(Serialize)]
struct ImportReport {
    followers: u64,
    import_rows_per_second: f64,
    raw_sqlite_rows_per_second: f64,
    ratio: f64,
    sendall_ms_during_import: super::report::Spread,
    sendall_calls: usize,
}

/// Imports into one account while another one sends, measures both, and prints the report.
pub async fn run(plan: ImportPlan) -> BenchResult<()> {
    let folder = tempfile::tempdir()?;
    let raw = tempfile::tempdir()?;
    let mut rows = Rows::open(raw.path())?;
    let raw_seconds = rows.import(plan.followers, 0.5)?;
    drop(rows);

    let system = System::start(folder.path(), None).await?;
    let admin = Admin::new(&system.base)?;
    let quota = json!({"quota": {"sends_per_day": null, "calls_per_day": null, "receipts_per_month": null,
        "history_per_day": null, "history_per_month": null, "calls_per_minute": null}});
    admin
        .call(Method::PATCH, "/v1/accounts/wx0000000000000002", Some(quota))
        .await?;
    // The sender has as many followers as the import makes.
    admin
        .import("wx0000000000000002", people::csv(plan.followers, 0.5))
        .await?;
    let started = Instant::now();
    let importing = admin.import("wx0000000000000001", people::csv(plan.followers, 0.5));
    let calls = sends_meanwhile(&system.base);
    tokio::pin!(importing, calls);
    let mut times = Vec::new();
    let answer = loop {
        tokio::select! {
            answer = &mut importing => break answer?,
            time = calls.next() => times.push(time?),
        }
    };
    let our_seconds = started.elapsed().as_secs_f64();
    if answer["imported"].as_u64() != Some(plan.followers) {
        return Err(format!("the import answered {answer}").into());
    }
    system.stop().await?;
    let report = ImportReport {
        followers: plan.followers,
        import_rows_per_second: plan.followers as f64 / our_seconds,
        raw_sqlite_rows_per_second: plan.followers as f64 / raw_seconds,
        ratio: raw_seconds / our_seconds,
        sendall_calls: times.len(),
        sendall_ms_during_import: super::report::Spread::of(&times),
    };
    print(&report, plan.json)
}

struct Sends {
    base: String,
    account: Option<wire::client::Account>,
    number: usize,
}

fn sends_meanwhile(base: &str) -> Sends {
    Sends {
        base: base.to_owned(),
        account: None,
        number: 0,
    }
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
fn print(report: &ImportReport, as_json: bool) -> BenchResult<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!("followers                    {}", thousands(report.followers));
    println!(
        "qunfa, over HTTP             {} rows/s",
        thousands(report.import_rows_per_second as u64)
    );
    println!(
        "raw SQLite, index afterwards {} rows/s",
        thousands(report.raw_sqlite_rows_per_second as u64)
    );
    println!("ratio                        {:.2}", report.ratio);
    println!(
        "sendall during the import    {} of {} calls",
        report.sendall_ms_during_import, report.sendall_calls
    );
    Ok(())
}
