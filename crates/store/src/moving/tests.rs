use std::collections::BTreeSet;

use testkit::Postgres as TestPostgres;

use super::*;
use crate::{check::tests::world, postgres::PostgresOptions};

fn quiet(_: &str, _: u64, _: u64) {}

fn rows_of(moved: &[Moved]) -> u64 {
    moved.iter().map(|table| table.rows).sum()
}

#[test]
fn a_server_has_the_tables_that_are_moved_and_two_of_the_moment() {
    let url = TestPostgres::shared().create_database();
    drop(Postgres::open(&PostgresOptions::new(&url)).expect("makes the tables"));
    let database = url.rsplit('/').next().expect("a name");
    let columns = TestPostgres::shared().query(
        database,
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
    );
    let on_server: BTreeSet<&str> = columns
        .lines()
        .filter(|line| {
            let of_the_moment = ["account_lock.", "lease.", "refinery_schema_history."];
            !of_the_moment.iter().any(|table| line.starts_with(table))
        })
        .collect();
    let tables = schema::tables().expect("tables");
    let moved: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|column| format!("{}.{}", table.name, column.name))
        })
        .collect();
    assert_eq!(on_server, moved.iter().map(String::as_str).collect());
    assert!(moved.iter().any(|column| column == "delivery.delivered"));
}

#[tokio::test]
async fn all_rows_go_to_a_server_and_back_and_are_equal() {
    let folder = world().await;
    let (there, back) = tokio::task::spawn_blocking(move || {
        let source = Reader::open(folder.path()).expect("opens");
        let url = TestPostgres::shared().create_database();
        let server = PostgresOptions::new(url);
        assert!(is_empty(&server).expect("looks"));
        let there = into_server(&source, &server, &quiet).expect("moves");
        assert!(!is_empty(&server).expect("looks"));
        let again = into_server(&source, &server, &quiet).expect_err("is filled");
        assert!(again.to_string().contains("nothing is overwritten"), "{again}");
        let target = Reader::connect(&server).expect("connects");
        assert_eq!(digests(&target).expect("reads"), there);
        let file = folder.path().join("back.db");
        let back = into_file(&target, &file, &quiet).expect("moves back");
        let again = into_file(&target, &file, &quiet).expect_err("is there");
        assert!(again.to_string().contains("exists already"), "{again}");
        let copy = Reader::open_file(file).expect("opens");
        assert_eq!(digests(&copy).expect("reads"), back);
        assert_eq!(digests(&source).expect("reads"), back);
        (there, back)
    })
    .await
    .expect("no panic");
    assert_eq!(there, back);
    assert!(rows_of(&back) > 130_000, "{back:?}");
}

#[tokio::test]
async fn a_value_that_does_not_arrive_leaves_the_target_empty() {
    let folder = world().await;
    let moved = tokio::task::spawn_blocking(move || {
        let db = rusqlite::Connection::open(folder.path().join("qunfa.db")).expect("opens");
        // SQLite keeps any value in any column; a server would keep nothing here.
        db.execute_batch("UPDATE tag SET name = x'00ff'")
            .expect("damages");
        let source = Reader::open(folder.path()).expect("opens");
        let server = PostgresOptions::new(TestPostgres::shared().create_database());
        let refused = into_server(&source, &server, &quiet).expect_err("does not fit");
        (refused.to_string(), is_empty(&server).expect("looks"))
    });
    let (refused, empty) = moved.await.expect("no panic");
    assert!(empty, "{refused}");
}

#[tokio::test]
async fn a_folder_or_database_that_a_server_works_on_is_not_moved_away() {
    let folder = world().await;
    let looked = tokio::task::spawn_blocking(move || {
        let source = Reader::open(folder.path()).expect("opens");
        let server = crate::sqlite::Sqlite::open(folder.path()).expect("opens");
        assert!(Alone::on(&source).is_err());
        drop(server);
        let alone = Alone::on(&source).expect("nobody is there");
        assert!(crate::sqlite::Sqlite::open(folder.path()).is_err());
        drop(alone);
        let options = PostgresOptions::new(TestPostgres::shared().create_database());
        let node = Postgres::open(&options).expect("connects");
        let held = node.connection().expect("connects");
        let reader = Reader::connect(&options).expect("connects");
        assert!(Alone::on(&reader).is_err());
        drop(held);
        drop(node);
        Alone::on(&reader).expect("nobody is connected");
    });
    looked.await.expect("no panic");
}

#[test]
fn tables_that_a_server_does_not_have_yet_are_not_made_by_a_reader() {
    let url = TestPostgres::shared().create_database();
    let options = PostgresOptions::new(&url);
    let refused = Reader::connect(&options).expect_err("no tables");
    assert!(
        refused.to_string().contains("has tables of version none"),
        "{refused}"
    );
    assert!(is_empty(&options).expect("looks"));
    let database = url.rsplit('/').next().expect("a name");
    let ask = |sql: &str| TestPostgres::shared().query(database, sql);
    let made = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(ask(made), "0\n");
    drop(Postgres::open(&options).expect("makes the tables"));
    Reader::connect(&options).expect("knows them");
    ask(
        "UPDATE refinery_schema_history SET version = version + 1 WHERE version = (SELECT MAX(version) FROM refinery_schema_history)",
    );
    let refused = Reader::connect(&options).expect_err("newer tables");
    assert!(refused.to_string().contains("use the newer program"), "{refused}");
}
