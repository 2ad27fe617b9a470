//! What retention drops goes whole, and everything that is promised holds before, in between and after.

use super::*;
use crate::retention::RetentionStore;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn sound(store: &Path) -> Seen {
    let reader = Reader::open(store).expect("opens");
    let report = run(&reader, &Calendar::shanghai(), &quiet).expect("checks");
    assert_eq!(report.findings, []);
    report.seen
}

#[tokio::test]
async fn i04_i08_i11_old_deliveries_go_and_every_promise_stays() {
    let folder = damaged("");
    let store = open(folder.path());
    let account = AccountId(1);
    // September: nothing goes in October, everything that ended goes in November.
    let october = START.plus_ms(30 * DAY_MS);
    assert_eq!(store.drop_deliveries(2, october).await.expect("drops"), 0);
    let before = sound(folder.path());
    let november = START.plus_ms(60 * DAY_MS);
    assert_eq!(store.drop_deliveries(4, november).await.expect("drops"), 0);
    let of_ended = 2 + 2 + 1 + 1;
    assert_eq!(store.drop_deliveries(2, november).await.expect("drops"), of_ended);
    assert_eq!(store.drop_deliveries(2, november).await.expect("drops"), 0);
    let after = sound(folder.path());
    assert_eq!(after.masses, before.masses, "the masses keep their totals");
    assert_eq!(after.deliveries, before.deliveries - of_ended);

    // What is sent from then on is numbered on from where it was.
    let late = NewMass {
        audience: Audience::Tag(TagId(100)),
        ..to(Audience::All, "late")
    };
    let late = store.accept_mass(account, late, november).await;
    let late = late.expect("writes").expect("is accepted").id;
    let worker = WorkerId("one".into());
    let lease = store.lease_batches(account, late, &worker, 8, 1_000, november);
    let lease = lease.await.expect("leases");
    store.release_batches(&lease, november).await.expect("releases");
    store
        .finish_mass(account, late, november)
        .await
        .expect("finishes");
    assert_eq!(sound(folder.path()).deliveries, after.deliveries + 2);
    assert_eq!(store.drop_deliveries(2, november).await.expect("drops"), 0);
    drop(store);

    // A delivery that goes without being noted is still found.
    let db = rusqlite::Connection::open(folder.path().join("qunfa.db")).expect("opens");
    db.execute_batch(&format!("DELETE FROM delivery WHERE mass = {}", late.0))
        .expect("damages");
    let report = check(&folder);
    assert!(
        report
            .findings
            .iter()
            .any(|found| matches!(found.what, What::SequencesMissing { .. }))
    );
}
