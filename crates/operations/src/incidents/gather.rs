//! What an alert brings into the timeline of its incident: what it detected, and what people did with it. Each line has an id
//! that follows from what it tells, and the link remembers how far it was read, so nothing comes in twice.

use model::{
    Alert, AlertLink, Change, Decision, Detection, EntryKind, HistoryItem, Id, Incident, Scope, TimelineEntry,
    Timestamp,
};

use super::derived;
use crate::Step;

/// Most lines that one alert brings in at once.
pub const GATHERED_MAX: usize = 500;

/// What an alert has that its link may not have read yet, in any order.
#[derive(Debug, Clone, Copy)]
pub struct Gathered<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Its link.
    pub link: &'a AlertLink,
    /// Its detections with their numbers.
    pub detections: &'a [(u64, Detection)],
    /// Its steps.
    pub steps: &'a [HistoryItem],
}

/// Brings what is new into the timelines; none when nothing is. Each alert is given once.
#[must_use]
pub fn gather(found: &[Gathered<'_>], at: Timestamp) -> Option<Decision> {
    let scope = Scope::of_post("incidents");
    let step = Step { scope: &scope, at };
    let mut changes = Vec::new();
    for one in found {
        let Some(incident) = one.link.incident else { continue };
        let (lines, link) = lines_of(one, incident, step);
        if lines.is_empty() {
            continue;
        }
        changes.extend(lines.iter().map(Change::put));
        changes.push(Change::put(&link));
    }
    (!changes.is_empty()).then(|| step.decides("incident.gather", None, changes))
}

fn lines_of(found: &Gathered<'_>, incident: Id<Incident>, step: Step<'_>) -> (Vec<TimelineEntry>, AlertLink) {
    let mut link = found.link.clone();
    let mut detections: Vec<_> = found
        .detections
        .iter()
        .filter(|(ordinal, _)| *ordinal > link.detections_taken)
        .collect();
    detections.sort_by_key(|(ordinal, _)| *ordinal);
    detections.truncate(GATHERED_MAX);
    let mut steps: Vec<_> = found
        .steps
        .iter()
        .filter(|past| past.number > link.steps_taken)
        .collect();
    steps.sort_by_key(|past| past.number);
    steps.truncate(GATHERED_MAX);
    let mut lines = Vec::with_capacity(detections.len() + steps.len());
    for (ordinal, detection) in detections {
        link.detections_taken = *ordinal;
        lines.push(event_line(found.alert, *ordinal, detection, (incident, step)));
    }
    for past in steps {
        link.steps_taken = past.number;
        // What the post counted is in the events themselves.
        if past.action.starts_with("alert.") {
            lines.push(step_line(found.alert, past, (incident, step)));
        }
    }
    if link != *found.link {
        link.revision += 1;
    }
    (lines, link)
}

fn event_line(
    alert: &Alert,
    ordinal: u64,
    detection: &Detection,
    (incident, step): (Id<Incident>, Step<'_>),
) -> TimelineEntry {
    let text = format!("{}: {}", detection.rule.title, detection.summary);
    TimelineEntry {
        id: Id::born(
            detection.happened_at,
            derived(&[b"event", &alert.id.bits().to_be_bytes(), &ordinal.to_be_bytes()]),
        ),
        incident,
        at: detection.happened_at,
        noted_at: step.at,
        by: step.scope.actor().clone(),
        kind: EntryKind::Event {
            alert: Some(alert.id),
            event: Some(detection.event),
            host: detection.host.clone(),
        },
        text: cut(&text),
        malicious: true,
        struck: None,
        revision: 1,
    }
}

fn step_line(alert: &Alert, past: &HistoryItem, (incident, step): (Id<Incident>, Step<'_>)) -> TimelineEntry {
    TimelineEntry {
        id: Id::born(
            past.at,
            derived(&[b"step", &alert.id.bits().to_be_bytes(), &past.number.to_be_bytes()]),
        ),
        incident,
        at: past.at,
        noted_at: step.at,
        by: past.actor.clone(),
        kind: EntryKind::Decision {
            action: past.action.as_str().into(),
            alert: Some(alert.id),
            entry: Some(past.number),
        },
        text: cut(past.reason.as_deref().unwrap_or_default()),
        malicious: false,
        struck: None,
        revision: 1,
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TimelineEntry::TEXT_BYTES_MAX)].to_owned()
}
