//! Every rule is shown to fail: one real database, damaged in one place at a time.

use std::{path::Path, sync::OnceLock};

use domain::{
    account::AccountKind,
    audience::{Audience, FollowerList},
    check::{
        What,
        finding::{Table, Used},
    },
    content::NewContent,
    follower::NewFollower,
    id::{AccountId, AppId, MassId, Ordinal, TagId},
    mass::{MassState, NewMass, Origin},
    quota::{CallTicket, Quota},
};
use tempfile::TempDir;

use super::*;
use crate::{
    Store,
    account::{AccountChange, AccountStore, NewAccount},
    follower::FollowerStore,
    mass::{MassStore, Released, WorkerId},
    rows::SqlStore,
    vault::Vault,
};
use domain::time::Timestamp;

mod backup;
mod retention;
mod seals;

const START: Timestamp = Timestamp(1_790_000_000_000);
const FOLLOWERS: usize = 66_000;

fn quiet(_: Step, _: u64, _: u64) {}

fn open(folder: &Path) -> SqlStore {
    SqlStore::open(folder, Vault::new([7; 32]), Calendar::shanghai()).expect("opens")
}

async fn account(store: &SqlStore) -> AccountId {
    let account = NewAccount {
        app_id: AppId("wx1".into()),
        original_id: "gh_1".into(),
        secret_hash: [0; 32],
        name: "name".into(),
        kind: AccountKind::Service,
        verified: true,
        pay_enabled: false,
        quota: Quota {
            history_per_month: None,
            receipts_per_month: Some(2),
            ..Quota::of(AccountKind::Service)
        },
        open_id_secret: [1; 16],
    };
    store
        .create_account(account, START)
        .await
        .expect("writes")
        .expect("is new")
        .id
}

fn to(audience: Audience, key: &str) -> NewMass {
    NewMass {
        content: NewContent::Text(key.into()),
        audience,
        client_msg_id: Some(key.into()),
        send_ignore_reprint: false,
        ticket: CallTicket { within_day: true },
        origin: Origin::Api,
        per_minute: None,
    }
}

async fn accept(store: &SqlStore, account: AccountId, mass: NewMass) -> MassId {
    let accepted = store.accept_mass(account, mass, START).await;
    accepted.expect("writes").expect("is accepted").id
}

async fn release(store: &SqlStore, account: AccountId, mass: MassId, blocks: usize) {
    let worker = WorkerId("one".into());
    let lease = store.lease_batches(account, mass, &worker, blocks, 1_000, START);
    let lease = lease.await.expect("leases");
    let released = store.release_batches(&lease, START).await.expect("releases");
    assert!(matches!(released, Released::Committed { .. }));
    store.finish_mass(account, mass, START).await.expect("finishes");
}

/// Masses of every kind and state over two blocks of followers.
pub(crate) async fn world() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let account = account(&store).await;
    let rows = (0..FOLLOWERS).map(|number| NewFollower {
        external_id: format!("user-{number}"),
        nickname: None,
        remark: None,
        language: None,
        tags: if number % 3 == 0 {
            vec!["third".into()]
        } else {
            Vec::new()
        },
        subscribed_at: None,
    });
    store
        .import_followers(account, rows.collect(), START)
        .await
        .expect("imports");
    store
        .set_blacklisted(account, &[Ordinal(5)], true)
        .await
        .expect("writes");
    store
        .set_opt_out(account, Ordinal(6), None, true)
        .await
        .expect("writes");
    let all = accept(&store, account, to(Audience::All, "all")).await; // …001
    store
        .unsubscribe(account, Ordinal(7), START)
        .await
        .expect("writes");
    release(&store, account, all, 8).await;
    let tag = accept(&store, account, to(Audience::Tag(TagId(100)), "tag")).await; // …002
    release(&store, account, tag, 8).await;
    let list = Audience::OpenIds(FollowerList {
        ordinals: [0, 1, 2, 3].map(Ordinal).into(),
        strangers: 2,
    });
    let list = accept(&store, account, to(list, "list")).await; // …003
    release(&store, account, list, 8).await;
    let running = accept(&store, account, to(Audience::All, "running")).await; // …004
    release(&store, account, running, 1).await;
    let refused = accept(&store, account, to(Audience::All, "refused")).await; // …005
    let end = MassState::Refused(20_001);
    assert!(
        store
            .end_undelivered(account, refused, end, START)
            .await
            .expect("ends")
    );
    let recalled = accept(&store, account, to(Audience::All, "recalled")).await; // …006
    release(&store, account, recalled, 1).await;
    store
        .recall_mass(account, recalled, START)
        .await
        .expect("writes")
        .expect("recalls");
    let preview = store.send_preview(account, NewContent::Text("p".into()), Ordinal(9), START); // …007
    preview.await.expect("writes").expect("is sent");
    drop(store);
    folder
}

/// A copy of the world with one damage.
fn damaged(sql: &str) -> TempDir {
    static WORLD: OnceLock<TempDir> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        // Begun and ended on a thread of its own: the first caller may be one of a runtime's.
        let making = || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(world())
        };
        std::thread::scope(|scope| scope.spawn(making).join().expect("a world"))
    });
    let copy = tempfile::tempdir().expect("a folder");
    for file in ["qunfa.db", "qunfa.db-wal"] {
        if world.path().join(file).exists() {
            std::fs::copy(world.path().join(file), copy.path().join(file)).expect("copies");
        }
    }
    let db = rusqlite::Connection::open(copy.path().join("qunfa.db")).expect("opens");
    db.execute_batch(sql).expect(sql);
    copy
}

fn check(folder: &TempDir) -> Report {
    let reader = Reader::open(folder.path()).expect("opens");
    run(&reader, &Calendar::shanghai(), &quiet).expect("checks")
}

fn expect(sql: &str, wanted: impl Fn(&What) -> bool) {
    let report = check(&damaged(sql));
    assert!(
        report.findings.iter().any(|finding| wanted(&finding.what)),
        "{sql}: {:#?}",
        report.findings
    );
}

/// A table without its keys, so that rows can be doubled.
fn without_keys(table: &str) -> String {
    format!(
        "CREATE TABLE copy AS SELECT * FROM {table}; DROP TABLE {table}; ALTER TABLE copy RENAME TO {table};"
    )
}

#[test]
fn i21_a_sound_database_has_no_findings_and_everything_was_looked_at() {
    let report = check(&damaged(""));
    assert_eq!(report.findings, []);
    let seen = report.seen;
    assert_eq!((seen.accounts, seen.masses), (1, 7));
    assert_eq!(seen.deliveries, 2 + 2 + 1 + 1 + 1 + 1);
    assert_eq!(seen.followers, FOLLOWERS as u64);
}

#[test]
fn i02_a_block_released_twice_or_released_and_waiting_is_found() {
    let double = without_keys("delivery")
        + "INSERT INTO delivery SELECT * FROM delivery WHERE mass = 1000000001 AND block = 1;";
    expect(&double, |what| *what == What::ReleasedTwice);
    expect(
        "INSERT INTO batch SELECT account, mass, block, 0, delivered FROM delivery
         WHERE mass = 1000000004",
        |what| *what == What::ReleasedAndWaiting,
    );
}

#[test]
fn i03_outcomes_that_overlap_or_are_missing_are_found() {
    expect(
        "UPDATE delivery SET left_since = delivered WHERE mass = 1000000002",
        |what| matches!(what, What::TwoOutcomes { followers } if *followers > 10_000),
    );
    expect(
        "DELETE FROM delivery WHERE mass = 1000000001 AND block = 1",
        |what| {
            matches!(
                what,
                What::NotEverybody {
                    audience: 66_000,
                    found: 65_536
                }
            )
        },
    );
    expect("DELETE FROM batch WHERE mass = 1000000004", |what| {
        matches!(what, What::NotEverybody { .. })
    });
    expect("UPDATE batch SET before = before + 1", |what| {
        matches!(what, What::BatchOrder { .. })
    });
    expect("UPDATE mass SET state = 1 WHERE id = 1000000004", |what| {
        *what == What::LeftInBatch
    });
    expect(
        "UPDATE delivery SET mass = 1000000099 WHERE mass = 1000000003",
        |what| *what == What::NoSuchMass,
    );
    expect("UPDATE mass SET state = 2 WHERE id = 1000000002", |what| {
        *what == What::DeliveredAndUndelivered
    });
}

#[test]
fn i04_counts_that_are_not_the_rows_are_found() {
    expect(
        "UPDATE delivery SET delivered_count = delivered_count + 1 WHERE mass = 1000000002 AND block = 0",
        |what| matches!(what, What::RowCount { .. }),
    );
    expect(
        "UPDATE mass SET delivered = delivered - 1 WHERE id = 1000000001",
        |what| matches!(what, What::Total { .. }),
    );
    expect("UPDATE mass SET total = 3 WHERE id = 1000000005", |what| {
        matches!(what, What::Total { .. })
    });
    expect("UPDATE mass SET failed = 0 WHERE id = 1000000006", |what| {
        matches!(what, What::NotEverybody { .. })
    });
    expect("DELETE FROM delivery WHERE preview = 1", |what| {
        *what == What::Preview
    });
}

#[test]
fn i06_articles_that_are_gone_are_found() {
    expect(
        "UPDATE mass SET news = 1000000001 WHERE id = 1000000001",
        |what| matches!(what, What::ContentMissing { .. }),
    );
}

#[test]
fn i19_no_finish_event_or_two_are_found() {
    expect("DELETE FROM outbox WHERE subject = 1000000001", |what| {
        *what
            == What::FinishEvents {
                expected: 1,
                found: 0,
            }
    });
    expect(
        "UPDATE outbox SET subject = 1000000001 WHERE subject = 1000000002",
        |what| {
            *what
                == What::FinishEvents {
                    expected: 1,
                    found: 2,
                }
        },
    );
}

#[test]
fn i08_numbers_that_are_doubled_missing_or_ahead_are_found() {
    let twice = without_keys("delivery") + "UPDATE delivery SET sequence = 1 WHERE sequence = 2;";
    expect(&twice, |what| matches!(what, What::SequenceTwice { .. }));
    expect(
        "UPDATE block_head SET next_sequence = 1 WHERE block = 0",
        |what| matches!(what, What::HeadBehind { next: 1, .. }),
    );
    expect(
        "UPDATE delivery SET released_at = released_at + 1 WHERE sequence = 0",
        |what| matches!(what, What::TimeFell { .. }),
    );
    expect(
        "UPDATE delivery SET month = month + 1 WHERE sequence = 0",
        |what| matches!(what, What::WrongMonth { .. }),
    );
    expect("DELETE FROM delivery WHERE mass = 1000000003", |what| {
        *what
            == What::SequencesMissing {
                missing: 1,
                explained: 0,
            }
    });
}

#[test]
fn i08_a_preview_that_was_cleared_away_explains_its_number() {
    let report = check(&damaged(
        "DELETE FROM delivery WHERE preview = 1; DELETE FROM mass WHERE origin = 2;",
    ));
    assert_eq!(report.findings, []);
}

#[test]
fn i11_a_third_mass_send_of_two_a_month_is_found() {
    expect(
        "UPDATE delivery SET delivered = (SELECT delivered FROM delivery WHERE mass = 1000000001 AND block = 0)
         WHERE mass = 1000000006 AND block = 0",
        |what| matches!(what, What::OverQuota { quota: 2, followers, .. } if *followers > 20_000),
    );
}

#[tokio::test]
async fn i11_a_quota_that_is_lowered_judges_only_what_comes_after() {
    let folder = damaged("");
    let store = open(folder.path());
    let lowered = AccountChange {
        quota: Some(Quota {
            receipts_per_month: Some(1),
            history_per_month: Some(1),
            ..Quota::of(AccountKind::Service)
        }),
        ..AccountChange::default()
    };
    store.change_account(AccountId(1), lowered).await.expect("writes");
    drop(store);
    let report = check(&folder);
    assert_eq!(report.findings, []);
}

#[test]
fn i12_a_usage_that_is_not_what_was_sent_is_found() {
    expect("UPDATE usage SET sends_today = sends_today - 1", |what| {
        matches!(
            what,
            What::Used {
                used: Used::SendsOfDay,
                ..
            }
        )
    });
    expect("UPDATE usage SET history_today = history_today + 1", |what| {
        matches!(
            what,
            What::Used {
                used: Used::HistoryOfDay,
                ..
            }
        )
    });
    expect("DELETE FROM usage", |what| *what == What::UsageMissing);
    expect(
        "UPDATE account SET quota = replace(quota, '\"sends_per_day\":null', '\"sends_per_day\":4')",
        |what| {
            matches!(
                what,
                What::TooMany {
                    used: Used::SendsOfDay,
                    masses: 5,
                    limit: 4
                }
            )
        },
    );
}

#[test]
fn sets_and_followers_that_disagree_are_found() {
    expect(
        "UPDATE block_set SET cardinality = 1 WHERE kind = 4 AND block = 0",
        |what| {
            matches!(
                what,
                What::SetCount {
                    kind: 4,
                    id: 100,
                    column: 1,
                    ..
                }
            )
        },
    );
    expect(
        "UPDATE block_set SET bits = x'00', cardinality = 0 WHERE kind = 0 AND block = 1",
        |what| matches!(what, What::TaggedStranger { tag: 100, .. }),
    );
    expect("DELETE FROM follower_external WHERE ordinal = 77", |what| {
        *what == What::Nobody { followers: 1 }
    });
    expect(
        "UPDATE follower_external SET ordinal = 78 WHERE ordinal = 79",
        |what| *what == What::SameOrdinal { ordinal: Ordinal(78) },
    );
    expect("DELETE FROM follower WHERE external_id = 'user-80'", |what| {
        *what == What::NoRow { followers: 1 }
    });
    expect("UPDATE counter SET next = 65990 WHERE name = 'ordinal'", |what| {
        matches!(what, What::OrdinalBeyond { next: 65_990, .. })
    });
}

#[test]
fn bytes_that_cannot_be_read_are_findings_and_not_the_end_of_the_check() {
    for (table, column) in [
        ("batch", "target"),
        ("delivery", "delivered"),
        ("block_set", "bits"),
    ] {
        expect(&format!("UPDATE {table} SET {column} = x'0999'"), |what| {
            matches!(what, What::Unreadable { .. })
        });
    }
    expect("UPDATE mass SET state = 9", |what| {
        matches!(what, What::Unreadable { .. })
    });
}

#[test]
fn a_flipped_byte_in_the_file_is_found() {
    let folder = damaged("PRAGMA wal_checkpoint(TRUNCATE)");
    let path = folder.path().join("qunfa.db");
    let mut bytes = std::fs::read(&path).expect("reads");
    // The cell pointers of a page in the middle of the largest table.
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page + 8..page + 32].fill(0xff);
    std::fs::write(&path, bytes).expect("writes");
    let reader = Reader::open(folder.path()).expect("opens");
    match run(&reader, &Calendar::shanghai(), &quiet) {
        Ok(report) => assert!(
            report
                .findings
                .iter()
                .any(|f| matches!(f.what, What::Database { .. }))
        ),
        Err(error) => assert!(matches!(error, crate::StoreError::Database(_)), "{error}"),
    }
}

#[tokio::test]
async fn kept_bytes_that_are_missing_or_damaged_are_found() {
    let folder = damaged("");
    let store: &dyn Store = &open(folder.path());
    let blobs = Blobs::in_folder(&folder.path().join("blobs")).expect("opens");
    let mut kept = Vec::new();
    for bytes in ["one", "two", "three"] {
        let blob = blobs
            .keep(store, bytes.into(), "image/png", START)
            .await
            .expect("keeps");
        store
            .add_image(AccountId(1), blob.clone(), START)
            .await
            .expect("adds");
        kept.push(blob.id);
    }
    let mut files = Vec::new();
    for id in &kept[..2] {
        let object = store.blob_object(id).await.expect("reads").expect("is noted");
        files.push(
            folder
                .path()
                .join("blobs")
                .join(crate::blob::path(&object).as_ref()),
        );
    }
    std::fs::remove_file(&files[0]).expect("removes");
    std::fs::write(&files[1], "other").expect("writes");
    let reader = Reader::open(folder.path()).expect("opens beside the store");
    let mut report = Report::default();
    run_blobs(&used_blobs(&reader).expect("reads"), &blobs, &quiet, &mut report)
        .await
        .expect("checks");
    let found: Vec<&What> = report.findings.iter().map(|finding| &finding.what).collect();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&&What::BlobMissing {
        blob: kept[0].clone()
    }));
    assert!(found.contains(&&What::BlobDamaged {
        blob: kept[1].clone()
    }));
    expect("INSERT INTO blob_use VALUES ('00', 1, 'image:1')", |what| {
        matches!(what, What::BlobUnknown { .. })
    });
}
