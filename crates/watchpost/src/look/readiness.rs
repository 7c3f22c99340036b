//! What the ledger knows of readiness: plans that were rehearsed, incidents contained, actions in force, drills, services.

use std::collections::BTreeMap;

use anyhow::Result;
use compact_str::CompactString;
use jiff::SignedDuration;
use ledger::{Ledger, NounFilter, PageAt};
use model::{Action, Backup, Drill, Incident, Scope, Service, ServiceLook, Timestamp};
use operations::{
    response::PlanRun,
    watches::{CONTAINED_DAYS, Readiness, ServiceStands},
};

/// Runs that are looked through for the last of each plan.
const RUNS_MAX: usize = 200;

/// Reads it all.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn read(
    ledger: &Ledger,
    scope: &Scope,
    plans: &[(CompactString, String)],
    now: Timestamp,
) -> Result<Readiness> {
    let over = NounFilter::in_state("succeeded");
    let runs: Vec<PlanRun> = ledger.kept_page(scope, &over, PageAt::first(RUNS_MAX))?.items;
    let last = |id: &str| {
        let of_plan = runs
            .iter()
            .filter(|run| run.plan.split_once('@').is_some_and(|(plan, _)| plan == id));
        of_plan.map(|run| run.started_at).max()
    };
    let window = SignedDuration::from_hours(24 * CONTAINED_DAYS);
    let incidents: Vec<Incident> = ledger.all_kept(scope, &NounFilter::default())?;
    let real = incidents.iter().filter(|incident| {
        let recent = now.duration_since(incident.detected_at) <= window;
        let counts = incident.state.is_open() || incident.marks.contained.is_some();
        !incident.exercise && recent && counts
    });
    let holding = NounFilter {
        states: ["in_force", "lifting", "failed_in_force"].map(str::to_owned).into(),
        ..NounFilter::default()
    };
    Ok(Readiness {
        plans: plans.iter().map(|(name, id)| (name.clone(), last(id))).collect(),
        incidents: real
            .map(|incident| {
                (
                    incident.number.as_str().into(),
                    incident.detected_at,
                    incident.marks.contained,
                )
            })
            .collect(),
        actions: ledger.all_kept::<Action>(scope, &holding)?,
        drills: drills(ledger, scope)?,
        services: services(ledger, scope, now)?,
    })
}

fn drills(ledger: &Ledger, scope: &Scope) -> Result<Vec<(CompactString, Option<Timestamp>, u32)>> {
    let backups: Vec<Backup> = ledger.all_kept(scope, &NounFilter::default())?;
    let mut found = Vec::with_capacity(backups.len());
    for backup in backups {
        let passed = NounFilter {
            parent: Some(backup.key.clone()),
            ..NounFilter::in_state("passed")
        };
        let last: Vec<Drill> = ledger.kept_page(scope, &passed, PageAt::first(1))?.items;
        found.push((backup.key.into(), last.first().map(|drill| drill.at), backup.drill_days));
    }
    Ok(found)
}

fn services(ledger: &Ledger, scope: &Scope, now: Timestamp) -> Result<Vec<ServiceStands>> {
    let looks: Vec<ServiceLook> = ledger.all_kept(scope, &NounFilter::default())?;
    let looks: BTreeMap<&str, &ServiceLook> = looks.iter().map(|look| (look.service.as_str(), look)).collect();
    let services: Vec<Service> = ledger.all_kept(scope, &NounFilter::in_state("run"))?;
    let fresh = |look: &&ServiceLook| {
        now.duration_since(look.looked_at) <= SignedDuration::from_mins(ServiceLook::STALE_MINUTES)
    };
    let stands = services.iter().filter_map(|service| {
        let look = looks.get(service.key.as_str()).copied();
        Some(ServiceStands {
            key: service.key.as_str().into(),
            rto_minutes: service.rto_minutes?,
            down_since: look.filter(|look| look.fails.is_some()).map(|look| look.since),
            looked_at: look.as_ref().is_some_and(fresh),
        })
    });
    Ok(stands.collect())
}
