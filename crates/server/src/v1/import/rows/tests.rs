//! Follower files as people and programs write them.

use super::*;

fn rows(file: impl AsRef<[u8]>) -> (Vec<Row>, Result<(), FileFault>) {
    let mut rows = Vec::new();
    let result = read(file.as_ref(), &mut |row| {
        rows.push(row);
        true
    });
    (rows, result)
}

/// Each row in short: its line, and the external id or the fault.
fn short(file: impl AsRef<[u8]>) -> Vec<(u64, Result<String, String>)> {
    let (rows, result) = rows(file);
    result.expect("read to its end");
    rows.into_iter()
        .map(|row| (row.line, row.follower.map(|follower| follower.external_id)))
        .collect()
}

fn ok(line: u64, id: &str) -> (u64, Result<String, String>) {
    (line, Ok(id.to_owned()))
}

fn faulty(line: u64, reason: &str) -> (u64, Result<String, String>) {
    (line, Err(reason.to_owned()))
}

#[test]
fn a_full_row_is_understood() {
    let file = "external_id,nickname,remark,language,tags,subscribe_time\n\
                u1,李雷,\"a \"\"b\"\", c\",zh_CN,北京; 老师;;,1700000000\n\
                u2,,,,,2026-11-22T10:00:00+08:00\nu3,,,,,\n";
    let (rows, result) = rows(file);
    result.expect("reads");
    let expected = NewFollower {
        external_id: "u1".into(),
        nickname: Some("李雷".into()),
        remark: Some("a \"b\", c".into()),
        language: Some("zh_CN".into()),
        tags: vec!["北京".into(), "老师".into()],
        subscribed_at: Some(Timestamp::from_seconds(1_700_000_000)),
    };
    assert_eq!(
        rows[0],
        Row {
            line: 2,
            follower: Ok(expected)
        }
    );
    let second = rows[1].follower.as_ref().expect("a follower");
    assert_eq!(second.subscribed_at, Some(Timestamp::from_seconds(1_795_312_800)));
    let third = NewFollower {
        external_id: "u3".into(),
        ..NewFollower::default()
    };
    assert_eq!(rows[2].follower, Ok(third));
}

#[test]
fn a_byte_order_mark_crlf_and_columns_in_any_order_are_accepted() {
    let file = "\u{feff}NICKNAME, external_id\r\n韩,u1\r\n梅,u2";
    assert_eq!(short(file), [ok(2, "u1"), ok(3, "u2")]);
}

#[test]
fn a_quoted_line_break_belongs_to_its_row_and_lines_are_counted_on() {
    let file = "external_id,nickname,remark\nu1,x,\"two\nlines\"\nu2\n\nu3,x,y,z\n,n\nu4\n";
    assert_eq!(
        short(file),
        [
            ok(2, "u1"),
            ok(4, "u2"),
            faulty(6, "4 columns, but the header names 3"),
            faulty(7, "external_id is missing"),
            ok(8, "u4"),
        ]
    );
}

#[test]
fn every_kind_of_line_end_is_counted() {
    let file = "external_id,nickname\r\nu1,\"a\r\nb\"\r\n\r\nu2\ru3\n\ru4";
    assert_eq!(short(file), [ok(2, "u1"), ok(5, "u2"), ok(6, "u3"), ok(8, "u4")]);
    let (found, _) = rows(file);
    assert_eq!(
        found[0]
            .follower
            .as_ref()
            .expect("a follower")
            .nickname
            .as_deref(),
        Some("a\nb")
    );
}

#[test]
fn bytes_that_are_no_utf8_and_bad_times_are_faults_of_their_rows() {
    let file = b"external_id,subscribe_time\nu\xff,\nu2,yesterday\nu3,-5\nu4,99999999999\nu5,0\n";
    let time = "subscribe_time must be Unix seconds or RFC 3339, from 1970 to 2038";
    assert_eq!(
        short(file),
        [
            faulty(2, "not UTF-8"),
            faulty(3, time),
            faulty(4, time),
            faulty(5, time),
            ok(6, "u5")
        ]
    );
}

#[test]
fn a_file_without_a_proper_header_is_refused_as_a_whole() {
    for file in [
        "",
        "\u{feff}",
        "nickname\nx\n",
        "external_id,age\nu1,7\n",
        "external_id,external_id\n",
        "u1\nu2\n",
    ] {
        let (rows, result) = rows(file);
        assert!(
            rows.is_empty() && matches!(result, Err(FileFault::Header(_))),
            "{file:?}"
        );
    }
}

#[test]
fn a_quote_that_is_never_closed_ends_the_file_before_it_fills_the_memory() {
    let file = format!("external_id,nickname\nu1,a\nu2,\"{}", "x\n".repeat(RECORD_MAX));
    let (rows, result) = rows(file);
    assert_eq!(rows.len(), 1);
    assert!(
        matches!(result, Err(FileFault::RowTooLarge { line: 3 })),
        "{result:?}"
    );
}

#[test]
fn json_lines_are_read_with_their_faults() {
    let file = "\u{feff}{\"external_id\":\"u1\",\"tags\":[\"a\",\"b\"],\"subscribe_time\":5}\n\n\
                {\"external_id\":\"u2\",\"tags\":\"a;b\",\"nickname\":null}\r\n\
                {\"external_id\":\"u3\",\"age\":7}\n[]\n{\"external_id\":\"\"}\n{\"external_id\":\"u6\"}";
    let (rows, result) = rows(file);
    result.expect("reads");
    let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7]);
    for row in &rows[..2] {
        assert_eq!(row.follower.as_ref().expect("a follower").tags, ["a", "b"]);
    }
    assert!(
        rows[2]
            .follower
            .as_ref()
            .expect_err("unknown key")
            .contains("age")
    );
    assert!(rows[3].follower.is_err());
    assert_eq!(rows[4].follower, Err("external_id is missing".to_owned()));
    assert!(rows[5].follower.is_ok());
}

#[test]
fn a_json_line_without_end_is_refused_before_it_fills_the_memory() {
    let (rows, result) = rows(format!(
        "{{\"external_id\":\"u1\"}}\n{{\"x\":\"{}",
        "x".repeat(2 * RECORD_MAX)
    ));
    assert_eq!(rows.len(), 1);
    assert!(matches!(result, Err(FileFault::RowTooLarge { line: 2 })));
}

#[test]
fn reading_stops_when_nobody_wants_more() {
    let mut count = 0;
    read(&b"external_id\na\nb\nc\n"[..], &mut |_| {
        count += 1;
        count < 2
    })
    .expect("reads");
    assert_eq!(count, 2);
}

#[test]
fn a_quote_that_is_never_closed_has_the_line_on_which_it_opens() {
    let mut lines = Vec::new();
    let read = read("external_id\nu1\n\"u2\nu3".as_bytes(), &mut |row| {
        lines.push(row.line);
        true
    });
    assert!(read.is_ok());
    assert_eq!(lines, [2, 3]);
}
