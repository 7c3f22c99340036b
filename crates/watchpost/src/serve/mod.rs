//! The running post: opens the stores, starts each part in its own `start_…`, and ends them in order.

mod chores;
mod decide;
mod deliver;
mod door;
mod greeting;
mod heartbeat;
mod measuring;
mod metrics;
pub(crate) mod paging;
mod pump;
mod replay;
mod respond;
mod responding;
mod rulebook;
mod tokens;
mod web;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use detect::SharedRules;
use ingest::{Backlog, Receiving, SourceNames, Stopper};
use journal::Journal;
use lake::Lake;
use ledger::{Ledger, Options};
use model::{Language, Scope};
use normalize::{Normalizer, Settings};
use operations::Catalogue;
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

pub(crate) use self::{deliver::Ways, heartbeat::open as open_heartbeat, pump::Stores};
use self::{
    door::Evtx,
    metrics::{Metrics, PostHealth},
    pump::Pump,
    respond::Means,
    tokens::LedgerTokens,
};
use crate::{clock, configuration::Configuration, content_files::ContentFiles, control, indicators};

/// Senders without a token that get a name of their own.
const SOURCE_NAMES_MAX: usize = 10_000;

/// Runs the post until it is told to stop (SIGINT or SIGTERM).
///
/// # Errors
/// When something is configured that cannot be: an open address without TLS, a port in use, the data folder of another post.
pub(crate) async fn run(configuration: &Configuration) -> Result<()> {
    configuration.check_console()?;
    configuration.ingest.check_bindings()?;
    let data = configuration.data.as_path();
    std::fs::create_dir_all(data).with_context(|| format!("the data folder {} cannot be made", data.display()))?;
    let door = control::listen(data).await?;
    let rules = configuration.rules.rule_folders().load().context("loading the rules")?;
    greeting::name_refused_rules(&rules)?;
    let ways = Ways::open(configuration).context("opening the channels")?;
    let devices = respond::open(configuration, &ways)?;
    let means = Arc::new(Means::of(configuration)?);
    let stores = open_stores(configuration)?;
    let metrics = Arc::new(Metrics::default());
    let tokens = Arc::new(LedgerTokens::read(&stores.ledger)?);
    let receiving = Arc::new(receiving(&stores, &tokens, configuration.ingest.backlog_entries_max)?);
    let (stopper, stop) = Stopper::new();
    let (rules_given, rules_taken) = watch::channel(rules);

    let intake = ingest::start(
        &configuration.ingest,
        Arc::clone(&receiving),
        &data.join("ingest"),
        stop,
    )
    .await?;
    let ears = (Arc::clone(&metrics), Arc::clone(&receiving.backlog));
    let pump = start_pump(configuration, &stores, rules_taken.clone(), ears)?;
    let health = PostHealth {
        metrics: Arc::clone(&metrics),
        receiving: Arc::clone(&receiving),
        stores: stores.clone(),
    };
    let mut tasks = JoinSet::new();
    if let Some(call) = heartbeat::open(&configuration.heartbeat)? {
        tasks.spawn(heartbeat::beat(
            call,
            configuration.heartbeat.every_seconds,
            health.clone(),
        ));
    }
    let catalogue = start_measuring(configuration, &stores, (rules_taken.clone(), &means), &mut tasks)?;
    let surroundings = web::Surroundings {
        health,
        reach: ways.reach(),
        response: means.shown(),
        intake: web::intake(configuration, intake.addresses),
        catalogue,
    };
    let console = web::start_console(configuration, &stores, rules_taken, surroundings, &mut tasks).await?;
    tasks.spawn(door::answer_all(door, receiving, stores.clone()));
    tasks.spawn(tokens::follow(stores.ledger.clone(), tokens));
    start_chores(configuration, &stores, &mut tasks);
    start_responding(&stores.ledger, data, &mut tasks);
    tasks.spawn(chores::reload_rules(configuration.rules.rule_folders(), rules_given));
    let lanes = respond::start(&stores.ledger, &means, devices, &mut tasks)?;
    deliver::start_lanes(&stores.ledger, ways, lanes, &mut tasks);
    start_paging(&stores.ledger, configuration.language, &mut tasks);
    greeting::greet(&stores.ledger, configuration, console, intake.addresses)?;

    wait_for_the_end().await?;
    tracing::info!("stopping");
    stopper.stop();
    intake.ended().await;
    tasks.shutdown().await;
    pump.stop()?;
    stores.lake.flush().context("writing what the lake holds in memory")?;
    let _ = std::fs::remove_file(control::socket(data));
    Ok(())
}

fn start_chores(configuration: &Configuration, stores: &Stores, tasks: &mut JoinSet<()>) {
    tasks.spawn(chores::watch_sources(
        stores.ledger.clone(),
        clock::now(),
        configuration.language,
    ));
    tasks.spawn(chores::keep_the_lake(stores.clone()));
    tasks.spawn(indicators::follow(stores.clone(), configuration.data.clone()));
    tasks.spawn(chores::forget_details(
        stores.ledger.clone(),
        configuration.ledger.keep_details_days,
    ));
}

fn start_responding(ledger: &Ledger, data: &Path, tasks: &mut JoinSet<()>) {
    tasks.spawn(responding::follow_alerts(ledger.clone()));
    tasks.spawn(responding::probe_services(ledger.clone()));
    tasks.spawn(responding::look_at_backups(ledger.clone(), data.to_owned()));
    tasks.spawn(responding::look_at_evidence(ledger.clone(), data.to_owned()));
}

fn start_paging(ledger: &Ledger, language: Language, tasks: &mut JoinSet<()>) {
    tasks.spawn(paging::page_people(ledger.clone()));
    tasks.spawn(paging::watch_over_duty(ledger.clone(), language));
}

/// Opens journal, ledger and lake; the journal continues behind what the two others have seen.
fn open_stores(configuration: &Configuration) -> Result<Stores> {
    let data = configuration.data.as_path();
    let ledger = Ledger::open(Options::in_folder(data), clock::now()).context("opening the ledger")?;
    let lake = Lake::open(&data.join("lake"), configuration.lake.clone()).context("opening the lake")?;
    let position = ledger.pipeline_position(&Scope::of_post("start"))?;
    let seen = lake.position().resume.max(position.decided + 1);
    let (journal, opened) = open_journal(&data.join("journal"), &configuration.journal, seen)?;
    if opened.repaired {
        tracing::warn!("the journal was not closed properly; it was checked, and nothing acknowledged is missing");
    }
    Ok(Stores {
        journal,
        ledger,
        lake: Arc::new(lake),
    })
}

fn open_journal(folder: &Path, config: &journal::Config, next: u64) -> Result<(Journal, journal::Opened)> {
    Journal::open(folder, config, next).context("opening the journal")
}

fn receiving(stores: &Stores, tokens: &Arc<LedgerTokens>, backlog_entries_max: u64) -> Result<Receiving> {
    let newest = stores.journal.stats().next.saturating_sub(1);
    let decided = stores.ledger.pipeline_position(&Scope::of_post("start"))?.decided;
    Ok(Receiving {
        inbox: Arc::new(stores.journal.clone()),
        clock: Arc::new(clock::now),
        tokens: Arc::<LedgerTokens>::clone(tokens),
        evtx: Some(Arc::new(Evtx)),
        headers: door::column_header,
        names: SourceNames::new(SOURCE_NAMES_MAX),
        counters: ingest::Counters::default(),
        backlog: Arc::new(Backlog::new(backlog_entries_max, newest, decided)),
    })
}

/// The pump's thread, to be ended in order.
struct RunningPump {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl RunningPump {
    fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the pump panicked"))
    }
}

fn start_pump(
    configuration: &Configuration,
    stores: &Stores,
    rules: watch::Receiver<SharedRules>,
    (metrics, backlog): (Arc<Metrics>, Arc<Backlog>),
) -> Result<RunningPump> {
    let stop = Arc::new(AtomicBool::new(false));
    let pump = Pump {
        stores: stores.clone(),
        normalizer: Arc::new(Normalizer::new(&Settings {
            zoneless_offset: configuration.offset()?,
            receipt_tells_utc: true,
        })),
        rules,
        metrics,
        backlog,
        stop: Arc::clone(&stop),
        runtime: Handle::current(),
        language: configuration.language,
    };
    let thread = thread::Builder::new()
        .name("pump".into())
        .spawn(move || pump.run())
        .context("starting the pump")?;
    Ok(RunningPump { stop, thread })
}

/// Reads the content, verifies the stores, and measures; gives the content as it is in force.
fn start_measuring(
    configuration: &Configuration,
    stores: &Stores,
    (rules, means): (watch::Receiver<SharedRules>, &Means),
    tasks: &mut JoinSet<()>,
) -> Result<watch::Receiver<Arc<Catalogue>>> {
    let mut files = ContentFiles::new(configuration.data.join("content"));
    let catalogue = files.read().context("reading the content")?;
    for problem in &catalogue.problems {
        tracing::warn!("content: {problem}");
    }
    let (given, taken) = watch::channel(Arc::new(catalogue));
    let (verified, verifications) = watch::channel(crate::look::Verifications::default());
    tasks.spawn(measuring::reload_content(files, given));
    tasks.spawn(measuring::verify(stores.clone(), verified));
    tasks.spawn(measuring::look(
        stores.ledger.clone(),
        rules,
        taken.clone(),
        verifications,
        (configuration.language, Arc::clone(&means.names)),
    ));
    Ok(taken)
}

async fn wait_for_the_end() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
