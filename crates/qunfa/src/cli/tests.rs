//! The command line as people type it.

use std::io::Read;

use clap::{CommandFactory, Parser};
use serde_json::{Value, json};

use super::{
    Cli, Command,
    account::AccountCommand,
    bench::{BenchCommand, Versus},
    error::{CliError, Status},
    import,
};
use crate::admin::{Admin, AdminError};

fn parse(line: &str) -> Command {
    Cli::try_parse_from(line.split_whitespace())
        .map(|cli| cli.command)
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refused(line: &str) -> bool {
    Cli::try_parse_from(line.split_whitespace()).is_err()
}

#[test]
fn the_commands_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_help_with_an_example() {
    fn walk(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            // What is hidden is not for people.
            let shown = command.get_subcommands().filter(|inner| !inner.is_hide_set());
            shown.for_each(|inner| walk(inner, &path));
        } else {
            assert!(command.get_about().is_some(), "{path} has no description");
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("qunfa "), "{path} has no example");
        }
    }
    walk(&Cli::command(), "");
}

#[test]
fn the_commands_of_the_fixed_points_are_understood() {
    let Command::Sandbox(sandbox) =
        parse("qunfa sandbox --listen 127.0.0.1:9 --followers 5 --data x --seed 7")
    else {
        panic!("not a sandbox")
    };
    assert_eq!(
        (sandbox.listen.port(), sandbox.followers, sandbox.seed),
        (9, Some(5), Some(7))
    );
    let start = sandbox.prepare().expect("settings");
    assert_eq!(start.settings.speed.default_per_minute(), None);
    assert_eq!(start.settings.public_url(), "http://127.0.0.1:9");
    assert_eq!(start.settings.callback.allow.len(), 2);

    let line = "qunfa sandbox --intercept --intercept-tls 127.0.0.1:443 --intercept-ca ca";
    let Command::Sandbox(sandbox) = parse(line) else {
        panic!("not a sandbox")
    };
    assert_eq!(sandbox.interception.intercept, "127.0.0.1:8081".parse().ok());

    let line = "qunfa bench send --followers 10 --rounds 2 --tag-density 0.25 --vs rows --json out.json";
    let Command::Bench(BenchCommand::Send(send)) = parse(line) else {
        panic!("not a bench")
    };
    assert_eq!(
        (send.followers, send.rounds, send.tag_density, send.vs),
        (10, 2, 0.25, Some(Versus::Rows))
    );
    assert_eq!(send.common.json, Some("out.json".into()));
    parse("qunfa bench import --followers 10 --json out.json");
    parse("qunfa bench tag --followers 10 --calls 5 --callers 2 --vs rows");
    parse("qunfa serve --config a.toml --listen 127.0.0.1:9 --public-url http://a --data d");
    parse("qunfa follower import - --account wx1 --server http://a --admin-token t");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    for line in [
        "qunfa sandbox --listen localhost",
        "qunfa sandbox --followers -1",
        "qunfa sandbox --intercept api.weixin.qq.com",
        "qunfa sandbox --intercept-tls 127.0.0.1:443",
        "qunfa sandbox --intercept-ca ca",
        "qunfa bench send --tag-density 1.5",
        "qunfa bench send --tag-density NaN",
        "qunfa bench send --rounds 0",
        "qunfa account set wx1 --sends-per-day many",
        "qunfa account set wx1 --callback-token abc",
        "qunfa account set wx1 --no-callback --callback-url http://a",
        "qunfa account create a --kind personal",
        "qunfa follower list --account wx1 --limit 0",
        "qunfa follower inbox-token --account wx1",
        "qunfa follower inbox-token o1 --external-id u1 --account wx1",
        "qunfa config --sample --reference",
        "qunfa completions klingon",
    ] {
        assert!(refused(line), "{line}");
    }
}

fn account_body(flags: &str) -> Value {
    let line = format!("qunfa account set wx1 {flags}");
    let Command::Account(AccountCommand::Set { name, fields, .. }) = parse(&line) else {
        panic!("{line}")
    };
    fields.body(name)
}

#[test]
fn only_what_was_named_of_an_account_is_sent() {
    assert_eq!(account_body(""), json!({}));
    assert_eq!(
        account_body("--name 新 --verified"),
        json!({"name": "新", "verified": true})
    );
    assert_eq!(
        account_body("--verified=false --pay-enabled=true --repeat-check"),
        json!({"verified": false, "pay_enabled": true, "repeat_check": true})
    );
    assert_eq!(
        account_body("--kind service --calls-per-minute none --sends-per-day 3"),
        json!({"kind": "service", "quota": {"calls_per_minute": null, "sends_per_day": 3}})
    );
    assert_eq!(account_body("--no-callback"), json!({"callback": null}));
    assert_eq!(
        account_body("--callback-url http://a --callback-token abc --callback-mode plain --no-verify"),
        json!({"callback": {"url": "http://a", "token": "abc", "mode": "plain", "verify": false}})
    );
}

#[test]
fn refused_rows_are_listed_with_their_lines() {
    let report = json!({
        "imported": 1_000_000, "updated": 2, "error_count": 3,
        "errors": [{"line": 4, "reason": "external_id is missing"}, {"line": 9, "reason": "bad\u{1b}time"}],
    });
    assert_eq!(import::refused_count(&report), 3);
    assert_eq!(
        import::summary(&report, 3),
        "imported 1,000,000, updated 2, refused 3\n\n\
         line 4: external_id is missing\nline 9: bad\\u{1b}time\n… and 1 more\n"
    );
    let clean = json!({"imported": 3, "updated": 0, "errors": []});
    assert_eq!(import::refused_count(&clean), 0);
    assert_eq!(import::summary(&clean, 0), "imported 3, updated 0\n");
}

#[test]
fn sec04_no_secret_of_the_command_line_is_in_its_debug_form() {
    let line = "qunfa account create a --callback-url http://a --callback-token hunter22 --callback-aes-key hunter23 \
                --admin-token hunter24";
    assert!(!format!("{:?}", parse(line)).contains("hunter"));
}

/// A server that gives one canned answer, and its address.
fn canned(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    use std::io::Write;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).expect("a request");
        stream.write_all(answer.as_bytes()).expect("answered");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    });
    (address, thread)
}

async fn error_of(answer: &'static str) -> CliError {
    let (server, _thread) = canned(answer);
    let admin = Admin::new(&server, "t").expect("an address");
    admin.get(&["accounts"], &[]).await.expect_err("refused").into()
}

#[tokio::test]
async fn errors_are_one_line_and_say_what_to_do() {
    // Port 1 is nobody's.
    let admin = Admin::new("http://127.0.0.1:1", "t").expect("an address");
    let error = CliError::from(admin.get(&["accounts"], &[]).await.expect_err("nobody there"));
    let text = error.to_string();
    assert!(
        text.starts_with(
            "error: no server answers at http://127.0.0.1:1/\nhint: start one with `qunfa serve`"
        )
    );
    assert_eq!(error.status.code(), 2);

    let token = error_of("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}").await;
    assert!(token.message.contains("admin token") && token.hint.is_some() && token.status == Status::Failed);
    let other = error_of("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n<htm>").await;
    assert!(
        other
            .message
            .contains("does not answer as a qunfa server does (HTTP 404 Not Found)"),
        "{other}"
    );
    let refused = error_of(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{\"error\":{\"code\":\"bad_request\",\"message\":\"no\\n\\u001b\"}}",
    )
    .await;
    assert_eq!(
        (refused.to_string().as_str(), refused.status),
        ("error: no\\n\\u{1b}", Status::Refused)
    );
    let broken = error_of("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{").await;
    assert!(
        broken.message.starts_with("the connection to http://127.0.0.1:"),
        "{broken}"
    );
    for address in ["", "127.0.0.1:8080", "localhost:8080", "ftp://a", "http://"] {
        assert!(
            matches!(Admin::new(address, "t"), Err(AdminError::Address(_))),
            "{address}"
        );
    }
}

#[tokio::test]
async fn names_in_paths_and_queries_cannot_leave_their_place() {
    let (server, thread) = canned("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let admin = Admin::new(&format!("{server}/under/"), "the-token").expect("an address");
    let path = ["accounts", "../../x?y#z"];
    admin
        .get(&path, &[("after", "a&b=c".into())])
        .await
        .expect("an answer");
    let request = thread.join().expect("a request").to_lowercase();
    assert!(
        request.starts_with("get /under/v1/accounts/..%2f..%2fx%3fy%23z?after=a%26b%3dc "),
        "{request}"
    );
    assert!(request.contains("authorization: bearer the-token"), "{request}");
}
