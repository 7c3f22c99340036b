//! Goes on with runs of plans: those that are due, those whose action was answered, and at the start every one that is not over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use cacao::Playbook;
use ledger::{ApplyError, Ledger, NounFilter};
use model::{Action, Change, Id, Scope};
use operations::response::{Advancing, PlanRun, StoredPlan, advance, plan_key};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use super::Means;
use crate::clock;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes of the ledger that come close together are answered by one look.
const GATHER: Duration = Duration::from_millis(20);
/// Versions of plans that are held in memory.
const VERSIONS_MAX: usize = 200;
/// The states of runs that are not over.
const OPEN: [&str; 2] = ["running", "undoing"];

/// Works until the post ends.
pub(super) async fn go_on(ledger: Ledger, means: Arc<Means>, mut woken: UnboundedReceiver<Id<PlanRun>>) {
    let mut changes = ledger.subscribe();
    let mut versions = BTreeMap::new();
    let mut first = true;
    loop {
        let mut ids = BTreeSet::new();
        while let Ok(id) = woken.try_recv() {
            ids.insert(id);
        }
        let (with, kept) = (Arc::clone(&means), std::mem::take(&mut versions));
        let worked = ledger
            .off_thread(move |ledger| round(ledger, &with, kept, (ids, first)))
            .await;
        match worked {
            Ok(kept) => {
                versions = kept;
                first = false;
            }
            Err(error) => tracing::error!("runs of plans were not gone on with: {error:#}"),
        }
        let _ = timeout(LOOK_EVERY, changes.changed()).await;
        tokio::time::sleep(GATHER).await;
    }
}

type Versions = BTreeMap<String, Arc<Playbook>>;

fn round(
    ledger: &Ledger,
    means: &Means,
    mut versions: Versions,
    (mut ids, all): (BTreeSet<Id<PlanRun>>, bool),
) -> Result<Versions> {
    let scope = Scope::of_post("plans");
    let filter = NounFilter {
        states: OPEN.map(str::to_owned).into(),
        due_before: (!all).then(clock::now),
        ..NounFilter::default()
    };
    ids.extend(ledger.all_kept::<PlanRun>(&scope, &filter)?.iter().map(|run| run.id));
    while let Some(id) = ids.pop_first() {
        match one(ledger, means, &mut versions, id) {
            Ok(parent) => ids.extend(parent),
            Err(error) => tracing::error!(run = %id, "the run was not gone on with: {error:#}"),
        }
    }
    Ok(versions)
}

/// Goes on with one run; gives the run that it is a part of when it is over.
fn one(ledger: &Ledger, means: &Means, versions: &mut Versions, id: Id<PlanRun>) -> Result<Option<Id<PlanRun>>> {
    let scope = Scope::of_post("plans");
    let Some(run) = ledger.kept::<PlanRun>(&scope, &id.to_string())? else {
        return Ok(None);
    };
    let (playbook, stored) = version(ledger, means, versions, &run.plan)?;
    let of_run = NounFilter::of_parent(&id.to_string());
    let actions = ledger.all_kept::<Action>(&scope, &of_run)?;
    let children = ledger.all_kept::<PlanRun>(&scope, &of_run)?;
    let with = Advancing {
        playbook: &playbook,
        library: &means.library,
        actions: &actions,
        children: &children,
        devices: &means.devices,
        policy: &means.policy,
    };
    let Some(mut decision) = advance(&run, with, clock::now()) else {
        return Ok(None);
    };
    decision.changes.extend(stored.map(|plan| Change::put(&plan)));
    match ledger.apply(&decision) {
        Ok(_) => Ok(run.part_of.map(|(parent, _)| parent)),
        // Somebody finished a step: the next look goes on from there.
        Err(ApplyError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The version of a plan, and how it is to be kept when it is not yet.
fn version(
    ledger: &Ledger,
    means: &Means,
    versions: &mut Versions,
    key: &str,
) -> Result<(Arc<Playbook>, Option<StoredPlan>)> {
    if let Some(known) = versions.get(key) {
        return Ok((Arc::clone(known), None));
    }
    let kept = ledger.kept::<StoredPlan>(&Scope::of_post("plans"), key)?;
    let (playbook, stored) = if let Some(kept) = kept {
        let playbook = serde_json::from_str(&kept.text).context("reading the kept version of a plan")?;
        (Arc::new(playbook), None)
    } else {
        let found = means.library.iter().find(|playbook| plan_key(playbook) == key);
        let playbook = found.cloned().ok_or_else(|| anyhow!("there is no plan {key}"))?;
        let text = serde_json::to_string(&playbook).context("writing the version of a plan")?;
        let stored = StoredPlan {
            key: key.to_owned(),
            text,
        };
        // Held in memory only once it is kept.
        return Ok((Arc::new(playbook), Some(stored)));
    };
    if versions.len() >= VERSIONS_MAX {
        versions.clear();
    }
    versions.insert(key.to_owned(), Arc::clone(&playbook));
    Ok((playbook, stored))
}
