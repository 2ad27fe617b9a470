//! Rows that nobody wrote: refused where they are read, named by the check.

use domain::position::Membership;

use super::*;
use crate::inbox::InboxStore;

const ACCOUNT: AccountId = AccountId(1);
const WHOLE: MassId = MassId(1_000_000_001);

/// What the store answers of the first mass and of one inbox, in the damaged world.
async fn answers(sql: &str) -> [Result<(), crate::StoreError>; 2] {
    let folder = damaged(sql);
    let store = open(folder.path());
    let mass = store.mass(ACCOUNT, WHOLE).await.map(drop);
    let reader = Membership {
        account: ACCOUNT,
        ordinal: Ordinal(0),
    };
    let inbox = store.inbox_page(&[reader], None, None, 100).await.map(drop);
    [mass, inbox]
}

fn is_damaged<T>(answer: &Result<T, crate::StoreError>) -> bool {
    matches!(answer, Err(crate::StoreError::Damaged(_)))
}

#[tokio::test]
async fn i04_i06_a_mass_that_was_changed_by_nobody_is_refused_and_named() {
    for change in [
        "text = 'another'",
        "delivered = delivered + 1",
        "state = 4",
        "recalled_at = 1",
        "audience_tag = 3",
    ] {
        let sql = format!("UPDATE mass SET {change} WHERE id = 1000000001");
        let [mass, inbox] = answers(&sql).await;
        assert!(is_damaged(&mass), "{sql}: {mass:?}");
        assert!(is_damaged(&inbox), "{sql}: {inbox:?}");
        expect(&sql, |what| *what == What::Unreadable { table: Table::Mass });
    }
}

#[tokio::test]
async fn i02_a_delivery_that_was_changed_by_nobody_is_refused_and_named() {
    for change in [
        "released_at = released_at + 1",
        "preview = 1",
        "delivered_count = 0",
        "delivered = zeroblob(5)",
    ] {
        let sql = format!("UPDATE delivery SET {change} WHERE mass = 1000000001 AND block = 0");
        let [_, inbox] = answers(&sql).await;
        assert!(is_damaged(&inbox), "{sql}: {inbox:?}");
        expect(&sql, |what| {
            *what
                == What::Unreadable {
                    table: Table::Delivery,
                }
        });
    }
}
