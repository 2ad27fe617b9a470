//! `qunfa bench tag`: following and tagging, one by one and fifty at a time, into full sets, over HTTP; beside it a row
//! per follower and per tag of a follower, in the same database, without HTTP.
//!
//! Both sides flush every commit before they answer, and both may commit for several callers at once: the embedded store
//! by its line of jobs, a PostgreSQL server by itself. The usual way on SQLite has one caller, because a file has one
//! writer.

mod rows;

use std::{collections::HashMap, sync::Arc, time::Instant};

use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use wire::client::{Account, Client};

use self::rows::Rows;
use super::{
    BenchResult, people,
    place::Ground,
    report::{Common, Spread, thousands},
    system::{Admin, System},
};

const APP_ID: &str = "wx0000000000000001";
const SECRET: &str = "00000000000000000000000000000001";
/// Half of the followers carry the tag: a set that no encoding makes small.
const DENSITY: f64 = 0.5;
/// The most that one call may tag (spec tags §5).
const MANY: usize = 50;

/// From one follower to the next that is changed: a prime above every number of followers, so that nobody comes twice.
const STEP: u64 = 2_147_483_647;

/// What to measure.
#[derive(Clone, Debug)]
pub struct TagPlan {
    /// Store and file.
    pub common: Common,
    /// Followers before it begins.
    pub followers: u64,
    /// Calls of each kind.
    pub calls: usize,
    /// Callers, each with one call under way.
    pub callers: usize,
    /// Whether the usual way is measured too.
    pub vs_rows: bool,
}

/// One change, as both sides are asked for it; followers go by their numbers.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Somebody new follows.
    Follow(u64),
    /// These get the tag of the measurement.
    Tag(Vec<u64>),
}

/// What a side took.
pub(super) struct Took {
    pub(super) seconds: f64,
    /// Of each call, in milliseconds.
    pub(super) calls: Vec<f64>,
}

#[derive(Serialize)]
struct TagReport {
    followers: u64,
    callers: usize,
    kinds: Vec<Kind>,
}

/// One kind of call.
#[derive(Serialize)]
struct Kind {
    kind: &'static str,
    calls: usize,
    per_second: f64,
    call_ms: Spread,
    rows: Option<Usual>,
}

#[derive(Serialize)]
struct Usual {
    per_second: f64,
    call_ms: Spread,
    /// Our calls a second as a multiple of these.
    ratio: f64,
}

/// Measures and prints the report.
pub async fn run(plan: TagPlan) -> BenchResult<()> {
    let kinds = kinds(&plan)?;
    let ground = plan.common.ground().await?;
    let ours = ours(&plan, &ground, &kinds).await;
    ground.clear().await?;
    let ours = ours?;
    let usual = if plan.vs_rows {
        Some(usual(&plan, &kinds).await?)
    } else {
        None
    };
    let report = report(&plan, &kinds, &ours, usual.as_deref());
    plan.common.write("tag", &report)?;
    print(&report);
    Ok(())
}

type Kinds = Vec<(&'static str, Vec<Change>)>;

/// The same changes for both sides: new followers, and those that do not carry the tag, each once, spread over all blocks.
fn kinds(plan: &TagPlan) -> BenchResult<Kinds> {
    let wanted = plan.calls * (1 + MANY);
    let spread = (0..plan.followers).map(|place| place * STEP % plan.followers);
    let untagged = spread.filter(|number| !people::is_tagged(*number, DENSITY));
    let untagged: Vec<u64> = untagged.take(wanted).collect();
    if untagged.len() < wanted {
        return Err(format!("{} calls need at least {} followers", plan.calls, wanted * 3).into());
    }
    let (single, many) = untagged.split_at(plan.calls);
    let new = plan.followers..plan.followers + plan.calls as u64;
    Ok(vec![
        ("follow", new.map(Change::Follow).collect()),
        (
            "tag 1",
            single.iter().map(|number| Change::Tag(vec![*number])).collect(),
        ),
        (
            "tag 50",
            many.chunks(MANY).map(|some| Change::Tag(some.to_vec())).collect(),
        ),
    ])
}

async fn ours(plan: &TagPlan, ground: &Ground, kinds: &Kinds) -> BenchResult<Vec<Took>> {
    let system = System::start(ground, None).await?;
    let caller = Arc::new(Caller::new(&system, plan, kinds).await?);
    let mut took = Vec::new();
    for (_, changes) in kinds {
        took.push(in_turn(changes, plan.callers, &caller).await?);
    }
    system.stop().await?;
    Ok(took)
}

async fn usual(plan: &TagPlan, kinds: &Kinds) -> BenchResult<Vec<Took>> {
    let mut rows = Rows::open(&plan.common.place, plan.followers, DENSITY).await?;
    let mut took = Vec::new();
    for (_, changes) in kinds {
        took.push(rows.change(changes, plan.callers).await?);
    }
    rows.clear().await?;
    Ok(took)
}

/// Every caller takes every n-th change, one after the other.
async fn in_turn(changes: &[Change], callers: usize, caller: &Arc<Caller>) -> BenchResult<Took> {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for first in 0..callers {
        let own: Vec<Change> = changes.iter().skip(first).step_by(callers).cloned().collect();
        let caller = caller.clone();
        running.spawn(async move { caller.all(own).await });
    }
    let mut calls = Vec::new();
    while let Some(done) = running.join_next().await {
        calls.extend(done??);
    }
    Ok(Took {
        seconds: started.elapsed().as_secs_f64(),
        calls,
    })
}

/// Makes the changes through the API.
struct Caller {
    admin: Admin,
    account: Account,
    tag: i64,
    openids: HashMap<u64, String>,
}

impl Caller {
    /// A full account, and the OpenIDs of those who will be tagged.
    async fn new(system: &System, plan: &TagPlan, kinds: &Kinds) -> BenchResult<Self> {
        let admin = Admin::new(&system.base)?;
        let quota = json!({"quota": {"calls_per_minute": null}});
        admin
            .call(Method::PATCH, &format!("/v1/accounts/{APP_ID}"), Some(quota))
            .await?;
        admin.import(APP_ID, people::csv(plan.followers, DENSITY)).await?;
        let client = Client::new(&system.base);
        let account = client.account(&client.token(APP_ID, SECRET).await?.access_token);
        let tags = account.tags_get().await?.tags;
        let tag = tags
            .iter()
            .find(|tag| tag.name == people::TAG)
            .ok_or("the tag is not there")?
            .id;
        let mut caller = Self {
            admin,
            account,
            tag,
            openids: HashMap::new(),
        };
        for change in kinds.iter().flat_map(|(_, changes)| changes) {
            if let Change::Tag(numbers) = change {
                for number in numbers {
                    let openid = caller.follow(*number).await?;
                    caller.openids.insert(*number, openid);
                }
            }
        }
        Ok(caller)
    }

    /// Lets somebody follow; who does already goes on. Returns the OpenID.
    async fn follow(&self, number: u64) -> BenchResult<String> {
        let row = json!({"external_id": people::external_id(number), "nickname": people::nickname(number)});
        let path = format!("/v1/accounts/{APP_ID}/followers/subscribe");
        let answer = self.admin.call(Method::POST, &path, Some(row)).await?;
        Ok(answer["openid"].as_str().ok_or("no openid")?.to_owned())
    }

    /// One after the other; the milliseconds of each.
    async fn all(&self, changes: Vec<Change>) -> BenchResult<Vec<f64>> {
        let mut times = Vec::with_capacity(changes.len());
        for change in changes {
            let started = Instant::now();
            match change {
                Change::Follow(number) => drop(self.follow(number).await?),
                Change::Tag(numbers) => {
                    let openids = numbers
                        .iter()
                        .filter_map(|number| self.openids.get(number).cloned());
                    self.account
                        .tags_batchtagging(self.tag, openids.collect())
                        .await?;
                }
            }
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    }
}

fn report(plan: &TagPlan, kinds: &Kinds, ours: &[Took], usual: Option<&[Took]>) -> TagReport {
    let per_second = |took: &Took| took.calls.len() as f64 / took.seconds;
    let kinds = kinds
        .iter()
        .zip(ours)
        .enumerate()
        .map(|(place, ((kind, changes), took))| Kind {
            kind,
            calls: changes.len(),
            per_second: per_second(took),
            call_ms: Spread::of(&took.calls),
            rows: usual.and_then(|usual| usual.get(place)).map(|rows| Usual {
                per_second: per_second(rows),
                call_ms: Spread::of(&rows.calls),
                ratio: per_second(took) / per_second(rows),
            }),
        });
    TagReport {
        followers: plan.followers,
        callers: plan.callers,
        kinds: kinds.collect(),
    }
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn print(report: &TagReport) {
    println!(
        "{} followers, half of them with the tag; {} callers",
        thousands(report.followers),
        report.callers
    );
    for kind in &report.kinds {
        println!(
            "{:<8} {} calls, {} a second, {}",
            kind.kind,
            thousands(kind.calls as u64),
            thousands(kind.per_second as u64),
            kind.call_ms
        );
        if let Some(rows) = &kind.rows {
            println!(
                "  rows   {} a second, {}; ratio {:.2}",
                thousands(rows.per_second as u64),
                rows.call_ms,
                rows.ratio
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{neighbours::Cluster, place::Place};

    #[test]
    fn nobody_is_tagged_twice_and_those_who_carry_the_tag_are_left_out() {
        let plan = |followers| TagPlan {
            common: Common {
                place: Place::Sqlite,
                cluster: Cluster::default(),
                json: None,
            },
            followers,
            calls: 100,
            callers: 4,
            vs_rows: false,
        };
        for followers in [20_000, 65_536, 99_999] {
            let kinds = kinds(&plan(followers)).expect("enough followers");
            let mut numbers: Vec<u64> = Vec::new();
            for change in kinds.iter().flat_map(|(_, changes)| changes) {
                if let Change::Tag(some) = change {
                    numbers.extend(some);
                }
            }
            assert_eq!(numbers.len(), 100 * 51);
            assert!(numbers.iter().all(|number| !people::is_tagged(*number, DENSITY)));
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), 100 * 51, "{followers}");
        }
        assert!(kinds(&plan(1_000)).is_err());
    }
}
