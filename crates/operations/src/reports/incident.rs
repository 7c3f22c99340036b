//! The facts of an incident for Forms 03 and 04, from the incident itself; and the rows of Form 05.

use std::collections::BTreeMap;

use model::{EntryKind, Evidence, Incident, IncidentKind, IncidentState, IncidentTask, TimelineEntry, Timestamp};
use serde::Serialize;

use super::facts::{
    self, EvidenceRow, IncidentFacts, ROWS_MAX, ReportFacts, System, TimelineRow, View, called, initial,
};

/// An incident with what hangs on it, as a report takes it.
#[derive(Debug, Clone, Copy)]
pub struct IncidentView<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its timeline, oldest first; what was struck out is left out.
    pub entries: &'a [TimelineEntry],
    /// How many entries there are in all.
    pub entries_total: u64,
    /// Its lessons.
    pub lessons: &'a [IncidentTask],
    /// Its evidence.
    pub evidence: &'a [Evidence],
}

/// One row of Form 05.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KindRow {
    count: u64,
    alone: u64,
    helped: u64,
    foreign: u64,
    asked: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

/// The rows of Form 05 for incidents that were detected in a time, all kinds; rehearsals and what was merged are left out.
/// None when there was no incident: whether the organisation had none elsewhere is not known here.
pub(super) fn kinds(incidents: &[Incident], from: Timestamp, to: Timestamp) -> Option<BTreeMap<&'static str, KindRow>> {
    let mut rows: BTreeMap<&'static str, KindRow> = IncidentKind::ALL
        .into_iter()
        .map(|kind| (kind.as_str(), KindRow::default()))
        .collect();
    let mut any = false;
    for incident in of_time(incidents, from, to) {
        any = true;
        let row = rows.entry(incident.kind.as_str()).or_default();
        let help = &incident.help;
        row.count += 1;
        row.helped += u64::from(!help.organisations.is_empty());
        row.foreign += u64::from(!help.foreign.is_empty());
        row.asked += u64::from(help.coordinator_asked);
        row.alone += u64::from(help.organisations.is_empty() && help.foreign.is_empty() && !help.coordinator_asked);
        if !help.damage.is_empty() {
            let before = row.damage.take().map_or(String::new(), |damage| damage + "; ");
            row.damage = Some(before + &help.damage);
        }
    }
    any.then_some(rows)
}

/// The organisations that helped in a time, without repetition.
pub(super) fn helpers(incidents: &[Incident], from: Timestamp, to: Timestamp, foreign: bool) -> Vec<String> {
    let mut names: Vec<String> = of_time(incidents, from, to)
        .flat_map(|incident| {
            if foreign {
                &incident.help.foreign
            } else {
                &incident.help.organisations
            }
        })
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn of_time(incidents: &[Incident], from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Incident> {
    incidents.iter().filter(move |incident| {
        !incident.exercise
            && incident.state.as_str() != "merged"
            && incident.detected_at >= from
            && incident.detected_at < to
    })
}

/// The facts of one incident.
pub(super) fn facts(shown: &IncidentView<'_>, report: ReportFacts, view: &View<'_>) -> IncidentFacts {
    let incident = shown.incident;
    let events = || {
        shown
            .entries
            .iter()
            .filter(|entry| matches!(entry.kind, EntryKind::Event { .. }))
    };
    let decisions = shown
        .entries
        .iter()
        .filter(|entry| !matches!(entry.kind, EntryKind::Event { .. }));
    IncidentFacts {
        report,
        organisation: view.organisation.clone(),
        incident: happened(shown, view),
        system: system(incident),
        alert: None,
        timeline: decisions
            .take(ROWS_MAX)
            .map(|entry| timeline_row(entry, view))
            .collect(),
        evidence: events().take(ROWS_MAX).map(evidence_row).collect(),
        evidence_total: shown.entries_total,
        initial: initial(view),
    }
}

fn happened(shown: &IncidentView<'_>, view: &View<'_>) -> facts::Incident {
    let incident = shown.incident;
    let (status, closed) = match &incident.state {
        IncidentState::Reported(_) => ("open", None),
        IncidentState::Confirmed(_) | IncidentState::Contained(_) | IncidentState::Eradicated(_) => ("handling", None),
        IncidentState::Recovered(_) | IncidentState::Merged { .. } => ("handled", None),
        IncidentState::Closed { reached, cause, .. } => ("handled", Some((reached, cause))),
    };
    let lessons: Vec<&str> = shown.lessons.iter().map(|task| task.title.as_str()).collect();
    let description = if incident.description.is_empty() {
        &incident.title
    } else {
        &incident.description
    };
    let present = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    facts::Incident {
        name: format!("{} – {}", incident.number, incident.title),
        description: description.clone(),
        detected_at: incident.detected_at,
        began_at: incident.began_at.unwrap_or(incident.detected_at),
        last_seen_at: shown.entries.last().map_or(incident.detected_at, |entry| entry.at),
        reported_at: view.at,
        status,
        found_by: match incident.origin {
            model::IncidentOrigin::Alerts | model::IncidentOrigin::Split { .. } => vec!["log_review"],
            model::IncidentOrigin::Letter { .. } => vec!["notice"],
            model::IncidentOrigin::Hand => Vec::new(),
        },
        closed_at: incident.marks.closed.or(incident.marks.recovered),
        result: closed.map(|(reached, _)| reached.how.clone()),
        disposition: None,
        cause: closed.and_then(|(_, cause)| present(cause)),
        lessons: present(&lessons.join("\n")),
        damage: present(&incident.help.damage),
        attachments: shown
            .evidence
            .iter()
            .map(|kept| format!("{} (SHA-256 {})", kept.name, kept.sha256))
            .collect(),
    }
}

fn system(incident: &Incident) -> System {
    let names: Vec<&str> = incident.assets.iter().map(|asset| asset.name.as_str()).collect();
    System {
        name: Some(names.join(", ")).filter(|names| !names.is_empty()),
        host: names.first().map(|name| (*name).to_owned()),
        account: None,
        address: None,
        source: String::new(),
        level: incident.criteria.system_level.map(|level| level.to_string()),
        services: incident.services.iter().cloned().collect(),
    }
}

fn timeline_row(entry: &TimelineEntry, view: &View<'_>) -> TimelineRow {
    let (action, number) = match &entry.kind {
        EntryKind::Decision { action, entry, .. } => (action.to_string(), *entry),
        EntryKind::Finding { .. } => ("incident.entry".to_owned(), None),
        EntryKind::Event { .. } => ("triage.batch".to_owned(), None),
    };
    TimelineRow {
        entry: number,
        at: entry.at,
        who: called(&entry.by, view),
        action,
        reason: Some(entry.text.clone()).filter(|text| !text.is_empty()),
    }
}

fn evidence_row(entry: &TimelineEntry) -> EvidenceRow {
    let (host, event) = match &entry.kind {
        EntryKind::Event { host, event, .. } => (host.as_ref().map(ToString::to_string), event.unwrap_or(0)),
        EntryKind::Decision { .. } | EntryKind::Finding { .. } => (None, 0),
    };
    EvidenceRow {
        at: entry.at,
        source: String::new(),
        host,
        summary: entry.text.clone(),
        event,
    }
}
