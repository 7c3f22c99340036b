//! `watchpost service`: the catalogue of services, how they stand, and in what order they are restored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use ledger::{Ledger, NounFilter, Options};
use model::{Scope, Service};
use operations::{Step, recovery};
use serde::Deserialize;

use crate::{clock, configuration::Configuration};

/// Services: who needs what, how fast each must be back, and in what order
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Read services from a file (TOML, `[[service]]`) into the catalogue
    Import {
        /// The file
        file: PathBuf,
    },
    /// List the catalogue
    List,
    /// The order in which services are restored
    Plan {
        /// The services; what they need is restored too [default: all]
        services: Vec<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: Vec<Written>,
}

/// A service as a file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key: String,
    name: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    needs: Vec<String>,
    level: Option<u8>,
    rto_minutes: Option<u32>,
    rpo_minutes: Option<u32>,
    #[serde(default)]
    probes: Vec<model::Probe>,
    #[serde(default)]
    backups: Vec<String>,
    #[serde(default)]
    restore: String,
    #[serde(default)]
    retired: bool,
}

/// Runs the command.
///
/// # Errors
/// When the ledger cannot be used, the file is wrong, or services need each other in a circle.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let options = Options::in_folder(&configuration.data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", configuration.data.display());
    }
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    match action {
        Action::Import { file } => import(&ledger, file),
        Action::List => list(&ledger),
        Action::Plan { services } => plan(&ledger, services),
    }
}

fn catalogue(ledger: &Ledger, scope: &Scope) -> Result<BTreeMap<String, Service>> {
    let all: Vec<Service> = ledger
        .all_kept(scope, &NounFilter::default())
        .context("reading the ledger")?;
    Ok(all.into_iter().map(|service| (service.key.clone(), service)).collect())
}

/// Writes the services of a file, each after those that it needs.
fn import(ledger: &Ledger, file: &PathBuf) -> Result<()> {
    let scope = Scope::of_post("command-line");
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let read: File = toml::from_str(&text).with_context(|| file.display().to_string())?;
    let mut standing = catalogue(ledger, &scope)?;
    let mut wanted: BTreeMap<String, Service> = BTreeMap::new();
    for written in read.service {
        let revision = standing.get(&written.key).map_or(1, |service| service.revision + 1);
        let service = of_file(written, revision);
        wanted.insert(service.key.clone(), service);
    }
    let keys: BTreeSet<String> = wanted.keys().cloned().collect();
    let order: Vec<Service> = recovery::restore_order(&wanted, &keys)?.into_iter().cloned().collect();
    for service in &order {
        let step = Step {
            scope: &scope,
            at: clock::now(),
        };
        let decision = recovery::put_service(service, &standing, step)
            .map_err(|rejected| anyhow::anyhow!("{}: {rejected}", service.key))?;
        ledger.apply(&decision).context("writing into the ledger")?;
        standing.insert(service.key.clone(), service.clone());
    }
    writeln!(io::stdout(), "{} services", order.len())?;
    Ok(())
}

fn of_file(written: Written, revision: u64) -> Service {
    let Written {
        key,
        name,
        owner,
        needs,
        level,
        rto_minutes,
        rpo_minutes,
        probes,
        backups,
        restore,
        retired,
    } = written;
    Service {
        key,
        name,
        owner,
        needs,
        level,
        rto_minutes,
        rpo_minutes,
        probes,
        backups,
        restore,
        retired,
        revision,
    }
}

fn list(ledger: &Ledger) -> Result<()> {
    let scope = Scope::of_post("command-line");
    let mut out = io::stdout().lock();
    let services = catalogue(ledger, &scope)?;
    if services.is_empty() {
        writeln!(out, "no services")?;
    }
    for service in services.values() {
        let minutes = |minutes: Option<u32>| minutes.map_or("–".to_owned(), |minutes| format!("{minutes} min"));
        writeln!(
            out,
            "{:16} RTO {:8} RPO {:8} needs {:24} {}",
            service.key,
            minutes(service.rto_minutes),
            minutes(service.rpo_minutes),
            service.needs.join(","),
            service.name
        )?;
    }
    Ok(())
}

fn plan(ledger: &Ledger, wanted: &[String]) -> Result<()> {
    let scope = Scope::of_post("command-line");
    let services = catalogue(ledger, &scope)?;
    if let Some(unknown) = wanted.iter().find(|key| !services.contains_key(*key)) {
        bail!("no service is called {unknown}");
    }
    let wanted: BTreeSet<String> = if wanted.is_empty() {
        services.keys().cloned().collect()
    } else {
        wanted.iter().cloned().collect()
    };
    let mut out = io::stdout().lock();
    for (n, service) in recovery::restore_order(&services, &wanted)?.iter().enumerate() {
        writeln!(
            out,
            "{:>3}. {:16} {} ({})",
            n + 1,
            service.key,
            service.name,
            service.owner
        )?;
        if !service.restore.is_empty() {
            writeln!(out, "     {}", service.restore)?;
        }
    }
    Ok(())
}
