//! How the work goes: clocks, mass sends that do not end, events that nobody takes, the way between nodes.

use domain::time::Timestamp;
use store::{
    backlog::{self, Overdue},
    bus::nats,
    clock::Clock,
    reader::Reader,
    time::{self, DatabaseTime},
};

use super::{ANSWER, Health, Item};
use crate::{clock::WallClock, settings::Settings};

/// Nodes rest when they are further from the database's clock than this (I14).
const APART_MS: i64 = 5_000;
/// The slowest pace sends to a million in ten minutes; who takes a day is stuck.
const STUCK_MS: i64 = 24 * 3_600_000;
/// Events are tried again after seconds; one that waits this long has a receiver that does not take it.
const UNHEARD_MS: i64 = 3_600_000;

/// Everything that the rows tell of the work; nothing when they cannot be read, which another item says.
pub fn items(settings: &Settings) -> Vec<Item> {
    let now = WallClock::default().now();
    let Ok(reader) = settings.reader() else {
        return Vec::new();
    };
    let mut items: Vec<Item> = clock(&reader, now).into_iter().collect();
    let overdue = backlog::overdue(&reader, now.plus_ms(-STUCK_MS), now.plus_ms(-UNHEARD_MS));
    if let Ok(overdue) = overdue {
        items.extend([masses(&overdue), events(&overdue)]);
    }
    items
}

/// This machine's clock beside the database server's, or beside the newest of the data.
fn clock(reader: &Reader, now: Timestamp) -> Option<Item> {
    const NAME: &str = "clock 时钟";
    let (ahead, of) = match time::of(reader).ok()? {
        DatabaseTime::Clock(theirs) => (theirs.ms_since(now), "the database server's"),
        // Data of the past are no sign of anything.
        DatabaseTime::Latest(latest) => (latest?.ms_since(now).max(0), "the newest data"),
    };
    let seconds = ahead as f64 / 1e3;
    if ahead.abs() <= APART_MS {
        return Some(Item::good(NAME, format!("{seconds:+.1} s from here to {of}")));
    }
    Some(Item::not_good(
        NAME,
        Health::Bad,
        format!("{seconds:+.1} s from here to {of}; nodes rest while clocks disagree"),
        (
            "let an NTP service set the clocks, such as chrony".into(),
            "请启用时间同步服务（如 chrony）",
        ),
    ))
}

fn masses(overdue: &Overdue) -> Item {
    const NAME: &str = "mass sends 群发";
    match overdue.masses {
        0 => Item::good(NAME, "none is under way for more than a day"),
        stuck => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("{stuck} under way for more than a day"),
            (
                "see the log for \"a mass is paused\", and whether a node with the role worker runs".into(),
                "请查看日志，并确认有 worker 节点在运行",
            ),
        ),
    }
}

fn events(overdue: &Overdue) -> Item {
    const NAME: &str = "events 事件推送";
    match (overdue.events, overdue.accounts) {
        (0, _) => Item::good(NAME, "none waits for more than an hour"),
        (events, accounts) => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("{events} wait for more than an hour, of {accounts} accounts"),
            (
                "their receivers do not answer: qunfa event list, and /cgi-bin/callback/check".into(),
                "接收服务器没有应答，请检查回调地址",
            ),
        ),
    }
}

/// Whether a server of the NATS cluster answers; `None` without one.
pub async fn between_nodes(settings: &Settings) -> Option<Item> {
    const NAME: &str = "NATS";
    let urls = &settings.cluster.nats;
    if urls.is_empty() {
        return None;
    }
    Some(match nats::try_servers(urls, ANSWER).await {
        Ok(()) => Item::good(NAME, "a server answers"),
        Err(error) => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("no server answers: {error}; nodes find work a few seconds later"),
            (
                "see [cluster] nats in the settings".into(),
                "请检查 [cluster] nats 配置",
            ),
        ),
    })
}
