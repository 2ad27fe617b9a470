//! Files that people write: followers, settings, scenarios.

use std::{io::Write, ops::ControlFlow};

use domain::follower;
use qunfa::{
    sandbox::scenario::file::{Scenario, seconds},
    settings::{
        load::{Sources, load},
        show::effective,
    },
};
use server::v1::import::rows::{self, Row};

/// Lines go up, what is read is a follower by the rules, and reading ends when nobody wants more.
pub fn follower_file(data: &[u8]) {
    let mut last = 0;
    let mut count = 0;
    let _ = rows::read(data, &mut |Row { line, follower }| {
        assert!(line > last, "line {line} after {last}");
        last = line;
        count += 1;
        match follower {
            Ok(follower) => assert_eq!(follower::check(&follower), Ok(()), "line {line}"),
            Err(reason) => assert!(!reason.is_empty(), "line {line} is refused without a reason"),
        }
        true
    });
    let mut again = 0;
    let _ = rows::read(data, &mut |_| {
        again += 1;
        false
    });
    assert_eq!(again, count.min(1), "whoever wants no more gets no more");
}

/// A settings file is refused with a reason, or its values are allowed ones and its secrets are not shown.
pub fn settings(data: &[u8]) {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| file.write_all(data).map(|()| file));
    let file = written.expect("a temporary file");
    let sources = Sources {
        file: Some(file.path().to_owned()),
        env: &|_| None,
        flags: Vec::new(),
    };
    match load(&sources) {
        Ok(loaded) => {
            let settings = &loaded.settings;
            assert!((1..=3_600).contains(&settings.server.answer_timeout_seconds));
            assert!((1..=1_000_000).contains(&settings.server.connections_per_source));
            assert!((1..=1_024).contains(&settings.callback.per_endpoint));
            let shown = effective(&loaded);
            for secret in [&settings.server.admin_token, &settings.review.webhook_token]
                .into_iter()
                .flatten()
            {
                let distinct = secret.0.len() >= 16 && !secret.0.chars().all(|letter| letter == '*');
                assert!(!(distinct && shown.contains(&secret.0)), "a secret is shown");
            }
        }
        Err(error) => assert!(!error.to_string().trim().is_empty()),
    }
}

/// A scenario is refused with a reason, or has a start.
pub fn scenario(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Scenario::parse(text) {
        Ok(scenario) => _ = scenario.start(),
        Err(reason) => assert!(!reason.trim().is_empty()),
    }
    let spans = text.lines().try_for_each(|line| match seconds(line) {
        Some(span) if span < 0 => ControlFlow::Break(line),
        _ => ControlFlow::Continue(()),
    });
    assert!(spans.is_continue(), "no span is negative: {spans:?}");
}
