//! What a running post does for incidents: brings in what their alerts see, holds the store of evidence against the duty book,
//! looks at backups and does the drills that are due.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use connectors::probes;
use evidence::Store;
use ledger::{Ledger, NounFilter};
use model::{AlertKey, Entity, EntityKind, Evidence, Scope, Service, ServiceLook};
use operations::recovery::{self, Look};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{clock, drills};

const FOLLOW_EVERY: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_mins(1);
/// Services that are asked at the same time.
const PROBES_AT_ONCE_MAX: usize = 32;
const LOOK_AT_BACKUPS_EVERY: Duration = Duration::from_hours(1);
const LOOK_AT_EVIDENCE_EVERY: Duration = Duration::from_hours(1);

/// Brings what alerts of open incidents see into their timelines.
pub(super) async fn follow_alerts(ledger: Ledger) {
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        let followed = ledger
            .off_thread(|ledger| console::follow_alerts(ledger, clock::now()))
            .await;
        if let Err(error) = followed {
            tracing::warn!(%error, "what alerts saw comes into the incidents with the next look");
        }
    }
}

/// Asks the probes of all services at the start and every minute, and tells people of causes.
pub(super) async fn probe_services(ledger: Ledger) {
    loop {
        if let Err(error) = probe_once(&ledger).await {
            tracing::error!("services were not probed: {error:#}");
        }
        tokio::time::sleep(PROBE_EVERY).await;
    }
}

async fn probe_once(ledger: &Ledger) -> Result<()> {
    let scope = Scope::of_post("probes");
    let read = scope.clone();
    let services: Vec<Service> = ledger
        .off_thread(move |ledger| ledger.all_kept(&read, &NounFilter::in_state("run")))
        .await
        .context("reading the ledger")?;
    let mut asked = JoinSet::new();
    let places = Arc::new(Semaphore::new(PROBES_AT_ONCE_MAX));
    for service in services.iter().filter(|service| !service.probes.is_empty()).cloned() {
        let places = Arc::clone(&places);
        asked.spawn(async move {
            let _place = places.acquire_owned().await;
            let key = service.key.clone();
            let fails =
                tokio::task::spawn_blocking(move || service.probes.iter().find_map(|probe| probes::ask(probe).err()));
            (
                key,
                fails
                    .await
                    .unwrap_or_else(|error| Some(format!("the probe panicked: {error}"))),
            )
        });
    }
    let mut seen = BTreeMap::new();
    while let Some(answer) = asked.join_next().await {
        let (key, fails) = answer.context("a probe")?;
        seen.insert(key, fails);
    }
    ledger
        .off_thread(move |ledger| tell_of_services(ledger, &services, &seen))
        .await
}

fn tell_of_services(ledger: &Ledger, services: &[Service], seen: &BTreeMap<String, Option<String>>) -> Result<()> {
    let scope = Scope::of_post("probes");
    let now = clock::now();
    let kept: Vec<ServiceLook> = ledger
        .all_kept(&scope, &NounFilter::default())
        .context("reading the ledger")?;
    let kept: BTreeMap<String, ServiceLook> = kept.into_iter().map(|look| (look.service.clone(), look)).collect();
    if let Some(decision) = recovery::keep_looks(seen, &kept, now) {
        ledger.apply(&decision).context("writing into the ledger")?;
    }
    let services: BTreeMap<String, Service> = services
        .iter()
        .map(|service| (service.key.clone(), service.clone()))
        .collect();
    let looks: BTreeMap<String, Look> = seen
        .iter()
        .map(|(key, fails)| {
            let since = kept
                .get(key)
                .filter(|look| look.fails.is_some())
                .map_or(now, |look| look.since);
            let look = fails.as_ref().map_or(Look::Works, |why| Look::Fails {
                since,
                why: why.clone(),
            });
            (key.clone(), look)
        })
        .collect();
    // One answer that did not come is no outage: a cause is told when the look before failed too.
    let twice = |key: &str| kept.get(key).is_some_and(|look| look.fails.is_some());
    let mut notices = recovery::alarms(&services, &looks);
    notices.retain(|notice| twice(&notice.entity.name));
    let over: Vec<AlertKey> = looks
        .iter()
        .filter(|(_, look)| **look == Look::Works)
        .map(|(key, _)| AlertKey {
            rule: recovery::DOWN.into(),
            entity: Entity {
                kind: EntityKind::Host,
                name: key.as_str().into(),
            },
            exercise: false,
        })
        .collect();
    drills::tell(ledger, "probes", &notices, &over)
}

/// Looks at the age of snapshots, and does the drills that are due.
pub(super) async fn look_at_backups(ledger: Ledger, data: PathBuf) {
    loop {
        let data = data.clone();
        let looked = ledger.off_thread(move |ledger| drills::look(ledger, &data)).await;
        if let Err(error) = looked {
            tracing::error!("backups were not looked at: {error:#}");
        }
        tokio::time::sleep(LOOK_AT_BACKUPS_EVERY).await;
    }
}

/// Holds what lies in the store of evidence against the duty book: at the start, so that what a crash left between the two is
/// said, and every hour.
pub(super) async fn look_at_evidence(ledger: Ledger, data: PathBuf) {
    loop {
        let store = Store::in_folder(&data);
        let looked = ledger.off_thread(move |ledger| take_stock(ledger, &store)).await;
        if let Err(error) = looked {
            tracing::error!("the store of evidence was not looked at: {error:#}");
        }
        tokio::time::sleep(LOOK_AT_EVIDENCE_EVERY).await;
    }
}

fn take_stock(ledger: &Ledger, store: &Store) -> Result<()> {
    let scope = Scope::of_post("evidence");
    // The store is read first: what is taken in meanwhile has a record by the time the ledger is read.
    let everything = store.inventory(&BTreeSet::new()).context("reading the store")?;
    let records: Vec<Evidence> = ledger
        .all_kept(&scope, &NounFilter::default())
        .context("reading the ledger")?;
    let named: BTreeSet<String> = records.into_iter().map(|record| record.sha256).collect();
    let present: BTreeSet<String> = everything.orphans.into_iter().collect();
    let missing = named.difference(&present).filter(|sha256| !store.has(sha256)).count();
    let orphans = present.difference(&named).count();
    let notice = operations::evidence::misfit(missing, orphans, everything.unfinished.len(), clock::now());
    let over = AlertKey {
        rule: operations::evidence::STORE.into(),
        entity: Entity {
            kind: EntityKind::Source,
            name: "watchpost/evidence".into(),
        },
        exercise: false,
    };
    let over = notice.is_none().then_some(over);
    drills::tell(ledger, "evidence", notice.as_slice(), over.as_slice())
}
