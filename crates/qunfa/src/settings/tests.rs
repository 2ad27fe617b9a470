//! Settings: what wins, what is refused and how, and what is printed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    LogFormat, LogLevel, Retries, Secret, Settings,
    load::{Flag, Loaded, Origin, SettingsError, Sources, leaves, load},
    secret::{SecretError, open_data_folder, read_or_make_key, read_or_make_token, read_token},
    show,
};

/// Reads settings from a file with `text`, from `env` and from `flags`.
fn read(text: &str, env: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Loaded, SettingsError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    fs::write(&file, text).expect("written");
    let env: BTreeMap<_, _> = env.iter().copied().collect();
    let env = |name: &str| env.get(name).map(ToString::to_string);
    let flags = flags.iter().map(|(name, value)| {
        let key = show::FLAGS.iter().find(|flag| flag.0 == *name).expect("a flag").1;
        Flag {
            name,
            key,
            value: value.to_string(),
        }
    });
    load(&Sources {
        file: Some(file),
        env: &env,
        flags: flags.collect(),
    })
}

fn settings(text: &str, env: &[(&str, &str)]) -> Settings {
    read(text, env, &[]).expect("usable settings").settings
}

/// The error without the changing path of the file.
fn error(text: &str, env: &[(&str, &str)], flags: &[(&'static str, &str)]) -> String {
    let error = read(text, env, flags).expect_err("refused").to_string();
    let start = error.find("/settings.toml").map_or(0, |at| at + 1);
    error[start..].to_string()
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = settings("", &[]);
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.public_url(), "http://127.0.0.1:8080");
    assert_eq!(settings.master_key_path(), Path::new("./qunfa-data/master.key"));
    assert_eq!(settings.admin_token_path(), Path::new("./qunfa-data/admin.token"));
    assert_eq!(settings.callback.retries, Retries::Long);
    assert_eq!(
        settings.speed.per_minute(),
        [800_000, 600_000, 450_000, 300_000, 100_000].map(Some)
    );
    assert_eq!(settings.speed.default_per_minute(), Some(800_000));
    assert_eq!(
        (settings.log.level, settings.log.format),
        (LogLevel::Info, LogFormat::Text)
    );
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nconnections_per_source = 7\n[store]\ndata = \"/file\"\n";
    let env = [
        ("QUNFA_SERVER_LISTEN", "127.0.0.1:2"),
        ("QUNFA_STORE_DATA", "/env"),
    ];
    let loaded = read(file, &env, &[("--listen", "127.0.0.1:3")]).expect("usable settings");
    assert_eq!(loaded.settings.server.listen.port(), 3);
    assert_eq!(loaded.settings.store.data, Path::new("/env"));
    assert_eq!(loaded.settings.server.connections_per_source, 7);
    assert_eq!(loaded.origins["server.listen"], Origin::Flag("--listen"));
    assert_eq!(loaded.origins["store.data"], Origin::Variable("QUNFA_STORE_DATA"));
    assert!(matches!(
        loaded.origins["server.connections_per_source"],
        Origin::File(_)
    ));
    assert!(!loaded.origins.contains_key("log.level"));
}

#[test]
fn every_kind_of_value_can_be_given_in_the_environment() {
    let settings = settings(
        "",
        &[
            ("QUNFA_CALLBACK_ALLOW", "10.0.0.0/8, ::1/128"),
            ("QUNFA_SPEED_LEVELS", "5,4,3,2,0"),
            ("QUNFA_SPEED_UNSET", "0"),
            ("QUNFA_ADMIN_TOKEN", "1234567890123456"),
            ("QUNFA_CALLBACK_RETRIES", "documented"),
            ("QUNFA_CALLBACK_PER_ENDPOINT", " 9 "),
            ("QUNFA_LOG_FORMAT", ""),
        ],
    );
    assert_eq!(settings.callback.allow.len(), 2);
    assert_eq!(
        settings.speed.per_minute(),
        [Some(5), Some(4), Some(3), Some(2), None]
    );
    assert_eq!(settings.speed.default_per_minute(), None);
    assert_eq!(
        settings.server.admin_token,
        Some(Secret("1234567890123456".into()))
    );
    assert_eq!(settings.callback.per_endpoint, 9);
    assert_eq!(settings.log.format, LogFormat::Text);
}

#[test]
fn a_bad_value_names_its_place_its_key_and_what_is_allowed() {
    assert_eq!(
        error("[server]\nlisten = \"localhost\"\n", &[], &[]),
        "settings.toml: server.listen cannot be \"localhost\"; \
         allowed: an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`"
    );
    assert_eq!(
        error("", &[("QUNFA_SERVER_ANSWER_TIMEOUT_SECONDS", "0")], &[]),
        "QUNFA_SERVER_ANSWER_TIMEOUT_SECONDS: server.answer_timeout_seconds cannot be \"0\"; \
         allowed: seconds from 1 to 3600"
    );
    assert_eq!(
        error("", &[], &[("--public-url", "example.org")]),
        "--public-url: server.public_url cannot be \"example.org\"; \
         allowed: an http or https URL of scheme, host and port only, without a path, such as `https://push.example.org`"
    );
}

#[test]
fn every_setting_refuses_what_it_does_not_allow() {
    for (table, line) in [
        ("server", "listen = 8080"),
        ("server", "public_url = \"ftp://example.org\""),
        ("server", "public_url = \"http://user@example.org\""),
        ("server", "public_url = \"https://example.org/push\""),
        ("server", "admin_token = \"\""),
        ("server", "admin_token = \"with a blank in it\""),
        ("server", "connections_per_source = 0"),
        ("server", "header_timeout_seconds = \"ten\""),
        ("server", "body_idle_timeout_seconds = -1"),
        ("server", "trusted_proxies = [\"proxy.example.org\"]"),
        ("server", "stop_pause_seconds = 3601"),
        ("server", "stop_timeout_seconds = 0"),
        ("metrics", "allow = [\"everybody\"]"),
        ("metrics", "token = \"short\""),
        ("reader", "origins = [\"app.example.org\"]"),
        ("reader", "origins = [\"https://app.example.org/\"]"),
        ("reader", "count = \"names\""),
        ("store", "data = \"\""),
        ("store", "master_key_file = \"\""),
        ("store", "retention_months = 1"),
        ("store", "time_zone = \"Asia/Nowhere\""),
        ("callback", "allow = \"10.0.0.0/8\""),
        ("callback", "allow = [\"10.0.0.0/99\"]"),
        ("callback", "retries = \"never\""),
        ("callback", "timeout_seconds = 61"),
        ("callback", "per_endpoint = 1.5"),
        ("speed", "levels = [1, 2, 3, 4]"),
        ("speed", "levels = [1, 2, 3, 4, 5, 6]"),
        ("speed", "unset = -1"),
        ("speed", "unset = 4294967296"),
        ("log", "level = \"loud\""),
        ("log", "format = 1979-05-27"),
        ("node", "roles = []"),
        ("node", "roles = [\"api\", \"master\"]"),
        ("node", "name = \"with a blank\""),
        ("cluster", "name = \"a.b\""),
        ("cluster", "name = \"\""),
        ("cluster", "nats = [\"http://a:4222\"]"),
        ("cluster", "nats = \"nats://a:4222\""),
        ("blobs", "url = \"https://bucket\""),
        ("blobs", "url = \"s3:///prefix\""),
        ("blobs", "endpoint = \"s3.example.org\""),
        ("blobs", "allow_http = \"perhaps\""),
    ] {
        let error = read(&format!("[{table}]\n{line}\n"), &[], &[]).expect_err(line);
        assert!(matches!(error, SettingsError::BadValue { .. }), "{line}: {error}");
    }
}

#[test]
fn sec04_a_bad_admin_token_is_not_repeated_in_the_error() {
    let error = error("", &[("QUNFA_ADMIN_TOKEN", "hunter2")], &[]);
    assert!(!error.contains("hunter2"), "{error}");
    assert!(error.contains("16 to 256"), "{error}");
}

#[test]
fn sec04_no_secret_is_repeated_in_an_error() {
    for leaf in ["[review]\nwebhook_token", "[blobs]\nsecret_access_key"] {
        let error = error(&format!("{leaf} = [\"hunter2\"]\n"), &[], &[]);
        assert!(!error.contains("hunter2") && error.contains("allowed"), "{error}");
    }
}

#[test]
fn a_node_of_a_cluster_is_set_up_from_the_environment() {
    let settings = settings(
        "",
        &[
            ("QUNFA_NODE_ROLES", "live, api, live"),
            ("QUNFA_NODE_NAME", "node-1.example"),
            ("QUNFA_CLUSTER_NATS", "nats://a:4222,tls://b:4222"),
            ("QUNFA_BLOBS_URL", "s3://uploads/of/qunfa/"),
            ("QUNFA_BLOBS_ENDPOINT", "http://127.0.0.1:9000"),
            ("QUNFA_BLOBS_ALLOW_HTTP", "true"),
            ("QUNFA_BLOBS_ACCESS_KEY_ID", "id"),
            ("QUNFA_BLOBS_SECRET_ACCESS_KEY", "secret"),
        ],
    );
    assert_eq!(
        settings.node.roles(),
        [server::role::Role::Api, server::role::Role::Live]
    );
    assert_eq!(settings.node.name.as_deref(), Some("node-1.example"));
    assert_eq!(settings.cluster.nats.len(), 2);
    let bucket = settings.blobs.bucket().expect("a bucket");
    assert_eq!(
        (bucket.name.as_str(), bucket.prefix.as_str()),
        ("uploads", "of/qunfa")
    );
    assert_eq!(bucket.credentials, Some(("id".into(), "secret".into())));
    assert!(bucket.allow_http && bucket.conditional_put);
    assert!(Settings::default().blobs.bucket().is_none());
    assert_eq!(Settings::default().node.roles(), server::role::Role::ALL);
}

#[test]
fn an_unknown_key_is_refused_with_the_known_ones() {
    assert_eq!(
        error("[log]\nlevl = \"info\"\n", &[], &[]),
        "settings.toml: there is no setting log.levl; known here: level, format"
    );
    assert_eq!(
        error("listen = \"127.0.0.1:1\"\n", &[], &[]),
        "settings.toml: there is no setting listen; known here: server, store, callback, review, speed, metrics, log, node, cluster, blobs, reader"
    );
    assert!(error("log = 3\n", &[], &[]).contains("no setting log;"));
}

#[test]
fn a_broken_file_names_the_line_and_a_missing_one_its_path() {
    let broken = error("[server]\nlisten = \n", &[], &[]);
    assert!(
        broken.starts_with("settings.toml, line 2: ") && !broken.contains('\n'),
        "{broken}"
    );
    let missing = Sources {
        file: Some("/nowhere/qunfa.toml".into()),
        env: &|_| None,
        flags: Vec::new(),
    };
    let error = load(&missing).expect_err("refused").to_string();
    assert!(
        error.starts_with("the settings file /nowhere/qunfa.toml cannot be read: "),
        "{error}"
    );
}

#[test]
fn every_setting_says_what_it_allows_and_has_a_variable_of_its_own() {
    let leaves = leaves();
    assert_eq!(leaves.len(), 50);
    let mut variables: Vec<&str> = leaves.iter().map(|leaf| leaf.variable).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), leaves.len());
    for leaf in leaves {
        assert!(
            !leaf.allowed().is_empty() && leaf.variable.starts_with("QUNFA_"),
            "{leaf}"
        );
    }
    for (flag, key) in show::FLAGS {
        assert!(
            super::load::leaves().iter().any(|leaf| leaf.to_string() == key),
            "{flag}"
        );
    }
}

#[test]
fn the_sample_file_shows_the_defaults() {
    let sample = show::sample();
    let mut lines = 0;
    let uncommented: Vec<&str> = sample
        .lines()
        .map(|line| {
            match line
                .strip_prefix('#')
                .filter(|rest| !rest.starts_with(' ') && rest.contains(" = "))
            {
                Some(setting) => {
                    lines += 1;
                    setting
                }
                None => line,
            }
        })
        .collect();
    assert_eq!(
        lines,
        leaves().iter().filter(|leaf| leaf.default.is_some()).count()
    );
    assert_eq!(settings(&uncommented.join("\n"), &[]), Settings::default());
    assert_eq!(settings(&sample, &[]), Settings::default());
}

#[test]
fn docs_config_md_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let kept = fs::read_to_string(path).expect("docs/config.md");
    assert!(
        kept == show::reference(),
        "run: cargo run -- config --reference > docs/config.md"
    );
}

#[test]
fn docs_compat_md_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compat.md");
    let kept = fs::read_to_string(path).expect("docs/compat.md");
    assert!(
        kept == server::api::compat::markdown(),
        "run: cargo run -- compat > docs/compat.md"
    );
}

#[test]
fn sec04_what_is_in_force_is_printed_without_secrets_and_can_be_read_back() {
    let env = [
        ("QUNFA_ADMIN_TOKEN", "a-secret-that-nobody-sees"),
        ("QUNFA_SPEED_UNSET", "5"),
    ];
    let loaded = read("[callback]\nallow = [\"127.0.0.0/8\"]\n", &env, &[]).expect("usable settings");
    let text = show::effective(&loaded);
    assert!(!text.contains("nobody-sees") && !format!("{loaded:?}").contains("nobody-sees"));
    assert!(
        text.contains("admin_token = \"********\"") && text.contains("# QUNFA_ADMIN_TOKEN\n"),
        "{text}"
    );
    let again = settings(&text.replace("********", "a-secret-that-nobody-sees"), &[]);
    assert_eq!(again, loaded.settings);
}

#[test]
fn a_server_that_listens_everywhere_is_reached_on_this_machine() {
    let public = |listen: &str, url: &str| {
        let url = if url.is_empty() {
            String::new()
        } else {
            format!("public_url = \"{url}\"")
        };
        settings(&format!("[server]\nlisten = \"{listen}\"\n{url}\n"), &[]).public_url()
    };
    assert_eq!(public("0.0.0.0:80", ""), "http://127.0.0.1:80");
    assert_eq!(public("[::]:8080", ""), "http://[::1]:8080");
    assert_eq!(public("192.0.2.1:8080", ""), "http://192.0.2.1:8080");
    assert_eq!(
        public("0.0.0.0:80", "https://push.example.org:8443/"),
        "https://push.example.org:8443"
    );
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("deep/data");
    (folder, data)
}

#[test]
fn sec03_secrets_are_made_once_and_only_their_owner_can_read_them() {
    let (_keep, data) = folder();
    open_data_folder(&data).expect("made");
    assert_eq!(mode(&data), 0o700);
    let key = read_or_make_key(&data.join("master.key")).expect("made");
    let token = read_or_make_token(&data.join("admin.token")).expect("made");
    assert_eq!(mode(&data.join("master.key")), 0o600);
    assert_eq!(mode(&data.join("admin.token")), 0o600);
    assert_eq!(token.len(), 43);
    assert_eq!(read_or_make_key(&data.join("master.key")).expect("read"), key);
    assert_eq!(read_token(&data.join("admin.token")).expect("read"), Some(token));
    assert_eq!(read_token(&data.join("other.token")).expect("absent"), None);
    assert_ne!(read_or_make_key(&data.join("another.key")).expect("made"), key);
}

#[test]
fn sec03_a_secret_that_others_can_read_or_that_is_none_is_refused() {
    let (_keep, data) = folder();
    open_data_folder(&data).expect("made");
    let path = data.join("master.key");
    read_or_make_key(&path).expect("made");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(matches!(
        read_or_make_key(&path),
        Err(SecretError::Open { mode: 0o644, .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
    for content in ["", "0123", &"g".repeat(64)] {
        fs::write(&path, content).expect("written");
        assert!(
            matches!(read_or_make_key(&path), Err(SecretError::Content { .. })),
            "{content:?}"
        );
        assert_eq!(
            fs::read_to_string(&path).expect("read"),
            content,
            "a damaged key is never overwritten"
        );
    }
}

#[test]
fn sec03_a_data_folder_is_closed_to_others_but_a_foreign_folder_is_left_alone() {
    let (_keep, data) = folder();
    fs::create_dir_all(&data).expect("made");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("changed");
    fs::write(data.join("thesis.tex"), "").expect("written");
    assert!(matches!(
        open_data_folder(&data),
        Err(SecretError::Foreign { .. })
    ));
    assert_eq!(mode(&data), 0o755);
    fs::remove_file(data.join("thesis.tex")).expect("removed");
    fs::create_dir(data.join("lost+found")).expect("made");
    open_data_folder(&data).expect("taken");
    assert_eq!(mode(&data), 0o700);
}

#[test]
fn sec03_of_many_first_starts_at_once_all_have_the_same_key() {
    let (_keep, data) = folder();
    let path = data.join("master.key");
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| read_or_make_key(&path).expect("a key")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("ends"))
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}
