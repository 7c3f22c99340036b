//! Serves the console.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use console::{Clock, ConsoleConfig, ConsoleState, Door, Intake, Randomness, Reach, Responding};
use detect::SharedRules;
use ingest::Addresses;
use model::Timestamp;
use operations::Catalogue;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::{metrics::PostHealth, pump::Stores, rulebook::Book};
use crate::{clock, configuration::Configuration, letter_folder::LetterFolder};

/// What the console shows besides the stores.
pub(super) struct Surroundings {
    pub(super) health: PostHealth,
    pub(super) reach: Reach,
    pub(super) response: Arc<Responding>,
    pub(super) intake: Intake,
    pub(super) catalogue: watch::Receiver<Arc<Catalogue>>,
}

/// Where records are received, as the console tells senders.
pub(super) fn intake(configuration: &Configuration, addresses: Addresses) -> Intake {
    let door = |at: Option<SocketAddr>, tls| at.map(|at| Door { at, tls });
    Intake {
        http: door(addresses.http, configuration.ingest.http.tls.is_some()),
        syslog_udp: door(addresses.syslog_udp, false),
        syslog_tcp: door(addresses.syslog_tcp, false),
        syslog_tls: door(addresses.syslog_tls, true),
        relp: door(
            addresses.relp,
            configuration
                .ingest
                .syslog
                .relp
                .as_ref()
                .is_some_and(|relp| relp.tls.is_some()),
        ),
    }
}

/// Starts serving; gives the address, port 0 resolved.
///
/// # Errors
/// When the address cannot be bound or the certificate cannot be read.
pub(super) async fn start_console(
    configuration: &Configuration,
    stores: &Stores,
    rules: watch::Receiver<SharedRules>,
    surroundings: Surroundings,
    tasks: &mut JoinSet<()>,
) -> Result<SocketAddr> {
    let section = &configuration.console;
    let Surroundings {
        health,
        reach,
        response,
        intake,
        catalogue,
    } = surroundings;
    let router = console::router(ConsoleState {
        ledger: stores.ledger.clone(),
        lake: Arc::clone(&stores.lake),
        rules: Arc::new(Book::new(rules, Arc::clone(&health.metrics))),
        clock: Arc::new(WallClock),
        randomness: Arc::new(SystemRandomness),
        health: Arc::new(health),
        reach,
        intake,
        catalogue,
        letters: Arc::new(LetterFolder::new(&configuration.data)),
        response,
        config: ConsoleConfig {
            utc_offset_minutes: i16::try_from(configuration.offset()?.seconds() / 60).unwrap_or(0),
            language: configuration.language,
            ..ConsoleConfig::default()
        },
        tls: section.tls.is_some(),
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(section.listen)
        .await
        .with_context(|| format!("the console cannot be served on {}", section.listen))?;
    let address = listener.local_addr().context("asking for the console's address")?;
    match &section.tls {
        None => {
            tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, service).await {
                    tracing::error!("the console ended: {error}");
                }
            });
        }
        Some(identity) => {
            let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(&identity.certificate, &identity.key)
                .await
                .with_context(|| format!("the certificate {} cannot be used", identity.certificate.display()))?;
            let listener = listener.into_std().context("handing over the console's address")?;
            let server = axum_server::from_tcp_rustls(listener, tls).context("serving the console over TLS")?;
            tasks.spawn(async move {
                if let Err(error) = server.serve(service).await {
                    tracing::error!("the console ended: {error}");
                }
            });
        }
    }
    Ok(address)
}

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        clock::now()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a random source; the post did not start without it");
    }
}
