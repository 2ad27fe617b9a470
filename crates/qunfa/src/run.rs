//! What runs in this process: the server, the sandbox, the measurements.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{callback::Retries, review::Verdict, speed::SpeedTable};
use engine::{
    callback::{AddressRules, CallbackSettings},
    review::{Reviewer, Webhook, WebhookSettings, WordLists},
};
use indicatif::{ProgressBar, ProgressStyle};
use ipnet::IpNet;
use server::{
    app::{ServerSettings, address_of},
    metrics::MetricsAccess,
};
use store::{bus::nats::Link, random::Random, vault};
use tokio::net::TcpListener;

use crate::{
    bench,
    cli::{
        bench::{BenchCommand, LiveArgs, LiveVersus, ReadsArgs},
        error::{CliError, Status},
        output,
        sandbox::{Start, intercept::InterceptArgs},
    },
    clock::node::NodeClock,
    descriptors,
    node::{Node, NodeConfig, PushConfig},
    sandbox::{
        ADMIN_TOKEN, Sandbox, SandboxConfig,
        intercept::{Interception, environment},
        ready::ReadyTo,
    },
    settings::{self, Settings, secret},
    token_mark,
};

/// Runs the server of these settings until it is told to stop.
pub async fn serve(settings: &Settings) -> Result<Status, CliError> {
    let folder = &settings.store.data;
    secret::open_data_folder(folder)?;
    let admin_token = match &settings.server.admin_token {
        Some(token) => token.0.clone(),
        None => secret::read_or_make_token(&settings.admin_token_path())?,
    };
    let key_path = settings.master_key_path();
    if folder.join("qunfa.db").exists() && !key_path.exists() {
        let message = format!(
            "{} is missing, and the data in {} needs it",
            key_path.display(),
            folder.display()
        );
        return Err(CliError::failed(message)
            .hint("restore it from where you keep it; a new one would rename every follower"));
    }
    descriptors::raise();
    let listener = listen(settings.server.listen).await?;
    let public_url = settings.public_url();
    let clock = Arc::new(NodeClock::default());
    let node = Node::open(NodeConfig {
        folder: folder.clone(),
        name: settings.node.name.clone(),
        postgres: settings.postgres(),
        bucket: settings.blobs.bucket(),
        master_key: secret::read_or_make_key(&key_path)?,
        calendar: settings.calendar(),
        months_kept: settings.store.retention_months,
        clock: clock.clone(),
        ids: Random::system(),
        server: server_settings(settings, &admin_token),
        callbacks: callback_settings(settings),
        push: PushConfig {
            contact: settings.push.contact.clone(),
            addresses: AddressRules {
                allow: settings.push.allow.clone(),
            },
        },
        reviewers: reviewers(settings)?,
        inspector: None,
    })
    .map_err(|error| CliError::failed(error.to_string()))?;
    let failed = |error: &dyn std::fmt::Display| CliError::failed(error.to_string());
    node.check_key().await.map_err(|error| {
        let hint = "nodes on one database need the same master key, and data the key it was made with";
        failed(&error).hint(hint)
    })?;
    let made = settings.server.admin_token.is_none() && settings.store.url.is_some();
    if made {
        let first = token_mark::is_first(node.store.as_ref(), &admin_token).await;
        if !first.map_err(|error| failed(&error))? {
            let message = "another node on this database has made an admin token of its own";
            return Err(CliError::failed(message)
                .hint("give all nodes the same one: server.admin_token or QUNFA_ADMIN_TOKEN"));
        }
    }
    clock
        .settle(node.store.as_ref())
        .await
        .map_err(|error| failed(&error))?;
    if let Err(error) = node.blobs.check_health().await {
        tracing::error!(%error, "uploads cannot be stored or shown");
    }
    let link = link(&node, settings).await?;
    output::print(&format!(
        "qunfa is ready at {public_url}, data in {}\n",
        folder.display()
    ))?;
    if settings.server.admin_token.is_none() {
        output::print(&format!(
            "admin token: {}\n",
            settings.admin_token_path().display()
        ))?;
    }
    let beside = async {
        tokio::join!(clock.keep(node.store.as_ref()), async {
            if let Some(link) = &link {
                link.run().await;
            }
        })
    };
    tokio::select! {
        () = node.serve(listener, None, stop_asked()) => {}
        _ = beside => {}
    }
    clock.note(node.store.as_ref()).await;
    Ok(Status::Done)
}

/// The way to the other nodes; `None` without NATS servers.
async fn link(node: &Node, settings: &Settings) -> Result<Option<Link>, CliError> {
    let area = &settings.cluster;
    if area.nats.is_empty() {
        return Ok(None);
    }
    let name = settings.node.name.as_deref().unwrap_or("qunfa");
    let link = Link::start(node.bus().clone(), &area.nats, &area.name, name).await;
    link.map(Some)
        .map_err(|error| CliError::failed(error.to_string()))
}

fn server_settings(settings: &Settings, admin_token: &str) -> ServerSettings {
    let area = &settings.server;
    ServerSettings {
        speeds: SpeedTable {
            default_per_minute: settings.speed.default_per_minute(),
            per_minute: settings.speed.per_minute(),
        },
        addresses: addresses(settings),
        answer_timeout: Duration::from_secs(area.answer_timeout_seconds),
        header_timeout: Duration::from_secs(area.header_timeout_seconds),
        body_idle_timeout: Duration::from_secs(area.body_idle_timeout_seconds),
        connections_per_source: area.connections_per_source as usize,
        trusted_proxies: area.trusted_proxies.clone(),
        reader_origins: settings.reader.origins.clone(),
        read_counting: settings.reader.count.into(),
        metrics: MetricsAccess {
            allow: settings.metrics.allow.clone(),
            token_hash: settings
                .metrics
                .token
                .as_ref()
                .map(|token| vault::digest(&token.0)),
        },
        stop_pause: Duration::from_secs(area.stop_pause_seconds),
        stop_timeout: Duration::from_secs(area.stop_timeout_seconds),
        roles: settings.node.roles(),
        ..ServerSettings::new(settings.public_url(), vault::digest(admin_token))
    }
}

fn reviewers(settings: &Settings) -> Result<Vec<Arc<dyn Reviewer>>, CliError> {
    let area = &settings.review;
    let mut reviewers: Vec<Arc<dyn Reviewer>> = Vec::new();
    if let Some(file) = &area.words_file {
        let lists = WordLists::read(file).map_err(|error| CliError::failed(error.to_string()))?;
        reviewers.push(Arc::new(lists));
    }
    if let Some(url) = &area.webhook_url {
        let settings = WebhookSettings {
            url: url::Url::parse(url).map_err(|error| CliError::failed(error.to_string()))?,
            token: area
                .webhook_token
                .clone()
                .map_or_else(String::new, |token| token.0),
            timeout: Duration::from_secs(area.webhook_timeout_seconds),
            patience: Duration::from_secs(area.patience_seconds),
            without_answer: match area.without_answer {
                settings::WithoutAnswer::Fail => Verdict::Fail,
                settings::WithoutAnswer::Pass => Verdict::Pass,
            },
        };
        reviewers.push(Arc::new(Webhook::new(settings).map_err(CliError::failed)?));
    }
    Ok(reviewers)
}

/// What `getcallbackip` tells; a single address goes without its length.
fn addresses(settings: &Settings) -> Vec<String> {
    let text = |network: &IpNet| match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    };
    let given: Vec<String> = settings.server.addresses.iter().map(text).collect();
    if !given.is_empty() {
        return given;
    }
    let listen = settings.server.listen.ip();
    let listen = (!listen.is_unspecified()).then(|| listen.to_string());
    address_of(&settings.public_url())
        .or(listen)
        .into_iter()
        .collect()
}

fn callback_settings(settings: &Settings) -> CallbackSettings {
    let area = &settings.callback;
    CallbackSettings {
        public_url: settings.public_url(),
        addresses: AddressRules {
            allow: area.allow.clone(),
        },
        retries: match area.retries {
            settings::Retries::Documented => Retries::Documented,
            settings::Retries::Long => Retries::Long,
        },
        timeout: Duration::from_secs(area.timeout_seconds),
        per_endpoint: area.per_endpoint as usize,
    }
}

/// Runs a sandbox until it is told to stop; without a folder of its own everything is gone then.
pub async fn sandbox(start: Start) -> Result<Status, CliError> {
    let started = Instant::now();
    // First, so that whoever stops it while it starts leaves nothing either.
    let mut stop = Box::pin(stop_asked_or_left_alone(start.args.stop_with_stdin));
    let listener = listen(start.args.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| CliError::failed(error.to_string()))?;
    let temporary = match &start.args.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| CliError::failed(error.to_string()))?),
    };
    let folder = match &temporary {
        Some(folder) => folder.path(),
        None => start.settings.store.data.as_path(),
    };
    secret::open_data_folder(folder)?;
    let mut reachable = start.settings.clone();
    reachable.server.listen = address;
    let config = SandboxConfig {
        folder: folder.to_owned(),
        postgres: None,
        public_url: reachable.public_url(),
        followers: usize::try_from(start.world.followers).unwrap_or(usize::MAX),
        seed: start.world.seed,
        clock_runs: !start.args.frozen,
        start: start.args.start,
        world: start.world.world,
        keep_start: true,
    };
    let interception = interception(&start.args.interception).await?;
    let sandbox = tokio::select! {
        sandbox = open_sandbox(&config) => sandbox?,
        () = &mut stop => return Ok(Status::Done),
    };
    let told = start.args.ready.as_ref().map(|to| to.tell(&config.public_url));
    let _told = told.transpose()?;
    if !matches!(start.args.ready, Some(ReadyTo::Stdout)) {
        output::print(&welcome(&config, started.elapsed()))?;
        if let Some(interception) = &interception {
            let address = interception.addresses().first().copied().unwrap_or(address);
            output::print(&environment::lines(address, interception.certificate_file()))?;
        }
    }
    let control = sandbox.control.clone();
    sandbox
        .node
        .serve_intercepting(listener, Some(control), interception, stop)
        .await;
    Ok(Status::Done)
}

async fn interception(args: &InterceptArgs) -> Result<Option<Interception>, CliError> {
    let Some(address) = args.intercept else {
        return Ok(None);
    };
    let mut listeners = vec![listen_by(address, "--intercept").await?];
    if let Some(address) = args.intercept_tls {
        listeners.push(listen_by(address, "--intercept-tls").await?);
    }
    let interception = Interception::new(args.intercept_ca.as_deref(), listeners);
    interception
        .map(Some)
        .map_err(|error| CliError::failed(error.to_string()))
}

async fn open_sandbox(config: &SandboxConfig) -> Result<Sandbox, CliError> {
    let bar = ProgressBar::no_length().with_style(
        ProgressStyle::with_template("making followers {bar:40} {human_pos}/{human_len} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let sandbox = Sandbox::open(config, &|made, all| {
        bar.set_length(all);
        bar.set_position(made);
    })
    .await;
    bar.finish_and_clear();
    sandbox.map_err(|error| CliError::failed(error.to_string()))
}

fn welcome(config: &SandboxConfig, took: Duration) -> String {
    let base = &config.public_url;
    let followers = config.followers;
    let reader = 42.min(followers.saturating_sub(1));
    format!(
        "qunfa sandbox is ready at {base} (in {:.1} s)\n\
         \n\
         appid               secret                            \n\
         wx0000000000000001  00000000000000000000000000000001  service, verified, payment permission\n\
         wx0000000000000002  00000000000000000000000000000002  subscription, verified\n\
         wx0000000000000003  00000000000000000000000000000003  service, not verified\n\
         \n\
         {followers} followers each, user-000000000 upward; tags 100 even, 101 tenth, 102 hundredth\n\
         \n\
         compatible API  {base}/cgi-bin/…\n\
         native API      {base}/v1/…          Authorization: Bearer {ADMIN_TOKEN}\n\
         clock           {base}/sandbox/clock\n\
         inspector       {base}/sandbox/inspector\n\
         a reader        {base}/reader?as=user-{reader:09}\n\
         \n\
         Try:\n\
         TOKEN=$(curl -s '{base}/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000001&secret=00000000000000000000000000000001' | sed 's/.*\"access_token\":\"//; s/\".*//')\n\
         curl -d '{{\"filter\":{{\"is_to_all\":true}},\"text\":{{\"content\":\"你好\"}},\"msgtype\":\"text\"}}' \"{base}/cgi-bin/message/mass/sendall?access_token=$TOKEN\"\n\
         \n\
         Ctrl-C stops it.\n",
        took.as_secs_f64()
    )
}

/// Runs a measurement.
pub async fn bench(command: BenchCommand) -> Result<Status, CliError> {
    let measured = match command {
        BenchCommand::Send(args) => {
            bench::send::run(bench::send::SendPlan {
                followers: args.followers,
                rounds: args.rounds,
                tag_density: args.tag_density,
                vs_rows: args.vs.is_some(),
                common: args.common.into(),
            })
            .await
        }
        BenchCommand::Inbox(args) => bench::reads::run(reads_plan(bench::reads::Reads::Inbox, args)).await,
        BenchCommand::Api(args) => bench::reads::run(reads_plan(bench::reads::Reads::Api, args)).await,
        BenchCommand::Tag(args) => {
            bench::tag::run(bench::tag::TagPlan {
                followers: args.followers,
                calls: args.calls as usize,
                callers: args.callers as usize,
                vs_rows: args.vs.is_some(),
                common: args.common.into(),
            })
            .await
        }
        BenchCommand::Load => bench::load::run().await,
        BenchCommand::Live(args) => bench::live::run(live_plan(args)).await,
        BenchCommand::Crowd => bench::live::crowd::run().await,
        BenchCommand::Import(args) => {
            bench::import::run(bench::import::ImportPlan {
                followers: args.followers,
                common: args.common.into(),
            })
            .await
        }
    };
    measured.map_err(|error| CliError::failed(format!("the measurement could not be made: {error}")))?;
    Ok(Status::Done)
}

fn live_plan(args: LiveArgs) -> bench::live::LivePlan {
    bench::live::LivePlan {
        common: args.common.into(),
        followers: args.followers,
        connections: args.connections,
        bursts: args.bursts,
        rounds: args.rounds,
        vs_epoll: args.vs.contains(&LiveVersus::Epoll),
        vs_nats: args.vs.contains(&LiveVersus::Nats),
    }
}

fn reads_plan(reads: bench::reads::Reads, args: ReadsArgs) -> bench::reads::ReadsPlan {
    bench::reads::ReadsPlan {
        common: args.common.into(),
        reads,
        followers: args.followers,
        rounds: args.rounds,
        seconds: f64::from(args.seconds),
        connections: args.connections as usize,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    listen_by(address, "--listen").await
}

/// Listens on what a flag names.
async fn listen_by(address: SocketAddr, flag: &str) -> Result<TcpListener, CliError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| {
        CliError::failed(format!("cannot listen on {address}: {error}"))
            .hint(format!("choose another with {flag}"))
    })
}

/// Resolves at Ctrl-C or SIGTERM and, with `with_stdin`, at the end of standard input; looks out for them from
/// this call on.
fn stop_asked_or_left_alone(with_stdin: bool) -> impl Future<Output = ()> + Send + 'static {
    let asked = stop_asked();
    let (ended, input_ended) = tokio::sync::oneshot::channel();
    if with_stdin {
        // A thread of its own: the runtime would wait for its own blocking read when it ends.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = ended.send(());
        });
    }
    async move {
        tokio::select! {
            () = asked => {}
            Ok(()) = input_ended => {}
        }
    }
}

/// Resolves at Ctrl-C or SIGTERM; looks out for them from this call on. The second one ends the process at once:
/// what was accepted is in the store, and the next start takes the rest up.
#[cfg(unix)]
fn stop_asked() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async move {
        any_of(&mut signals).await;
        tokio::spawn(async move {
            any_of(&mut signals).await;
            tracing::warn!("asked to stop again: stopped at once");
            std::process::exit(i32::from(Status::Failed.code()));
        });
    }
}

/// Waits for the next of these signals.
#[cfg(unix)]
async fn any_of(signals: &mut [std::io::Result<tokio::signal::unix::Signal>]) {
    let asked = signals.iter_mut().map(|signal| {
        Box::pin(async move {
            match signal {
                Ok(signal) => drop(signal.recv().await),
                // Without this signal the process can still be ended by the other.
                Err(_) => std::future::pending::<()>().await,
            }
        })
    });
    futures::future::select_all(asked).await;
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
async fn stop_asked() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
