//! What the machine gives: room on the disk, open files.

use rustix::process::{Resource, getrlimit};

use super::{Health, Item};
use crate::settings::Settings;

/// With less room than this a database soon cannot commit.
const ROOM_MIN: u64 = 1 << 30;
/// The part of a disk that should be free.
const FREE_PART: f64 = 0.1;
/// Connections and files of a small installation; live readers need one each.
const FILES_MIN: u64 = 4_096;

/// How much room the disk of the data folder has.
pub fn room(settings: &Settings) -> Item {
    const NAME: &str = "disk 磁盘";
    let path = &settings.store.data;
    let disk = match rustix::fs::statvfs(path) {
        Ok(disk) => disk,
        Err(error) => {
            return Item::not_good(
                NAME,
                Health::Doubtful,
                format!("{} could not be looked at: {error}", path.display()),
                (
                    "name the right folder with --data".into(),
                    "请用 --data 指定正确的目录",
                ),
            );
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let part = disk.f_bavail as f64 / disk.f_blocks.max(1) as f64;
    let found = format!("{:.1} GB free, {:.0} %", free as f64 / 1e9, part * 100.0);
    let health = match (free < ROOM_MIN, part < FREE_PART) {
        (true, _) => Health::Bad,
        (false, true) => Health::Doubtful,
        (false, false) => return Item::good(NAME, found),
    };
    let remedy = "make room, or let [store] retention_months forget old deliveries";
    Item::not_good(
        NAME,
        health,
        found,
        (remedy.into(), "请清理磁盘，或设置 [store] retention_months"),
    )
}

/// How many files and connections a process may have open, in the shell that this is run in.
pub fn descriptors(_: &Settings) -> Item {
    const NAME: &str = "open files 文件描述符";
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < FILES_MIN => Item::not_good(
            NAME,
            Health::Doubtful,
            format!("{limit} in this shell; every connection takes one"),
            (
                "ulimit -n 65536, or LimitNOFILE=65536 in the unit".into(),
                "请提高限制：ulimit -n 65536，或在服务单元中设置 LimitNOFILE",
            ),
        ),
        Some(limit) => Item::good(NAME, format!("{limit} in this shell")),
        None => Item::good(NAME, "no limit in this shell"),
    }
}
