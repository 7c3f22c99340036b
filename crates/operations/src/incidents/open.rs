//! Opening an incident from alerts, by hand or from a letter, and taking alerts in and out.

use std::collections::BTreeSet;

use model::{
    Alert, AlertLink, Change, Decision, Entropy, Id, Incident, IncidentCounter, IncidentKind, IncidentOrigin,
    IncidentState, Marks, Phrase, Reached, Rejected, RuleLevel, Severity, Timestamp,
};

use super::{decided, past, put, still_open, words, worker};
use crate::Step;

const ELSEWHERE: Phrase = Phrase::new(
    "một cảnh báo đã thuộc sự cố khác",
    "an alert belongs to another incident",
);
const NOT_IN_IT: Phrase = Phrase::new("cảnh báo không thuộc sự cố này", "the alert is not in this incident");
const NO_ALERTS: Phrase = Phrase::new("hãy chọn ít nhất một cảnh báo", "choose at least one alert");
const TOO_MANY: Phrase = Phrase::new("quá nhiều cảnh báo cho một lần", "too many alerts at once");
const MIXED: Phrase = Phrase::new(
    "không trộn cảnh báo diễn tập với cảnh báo thật",
    "alerts of a rehearsal do not mix with real ones",
);

/// Most alerts taken in at once.
pub const ALERTS_MAX: usize = 500;

/// An incident as it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name; from alerts it may be empty and is made of theirs.
    pub title: String,
    /// What sort; from alerts it may be left open and is guessed from their tactics.
    pub kind: Option<IncidentKind>,
    /// How bad; from alerts it may be left open and follows from their levels.
    pub severity: Option<Severity>,
    /// What happened.
    pub description: String,
    /// When it was detected; from alerts the time at which the first was opened, otherwise now.
    pub detected_at: Option<Timestamp>,
    /// Where it came from.
    pub origin: IncidentOrigin,
    /// Whether it belongs to a rehearsal; alerts say it themselves.
    pub exercise: bool,
}

impl Draft {
    /// A draft that says nothing but where it comes from.
    #[must_use]
    pub fn from(origin: IncidentOrigin) -> Self {
        Self {
            title: String::new(),
            kind: None,
            severity: None,
            description: String::new(),
            detected_at: None,
            origin,
            exercise: false,
        }
    }
}

/// Alerts that come into an incident, with their links as they stand, where they have any.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// The alerts.
    pub alerts: &'a [Alert],
    /// Their links.
    pub standing: &'a [AlertLink],
}

/// From which the next number is made.
#[derive(Debug, Clone, Copy)]
pub struct Numbering<'a> {
    /// The year in the post's zone.
    pub year: i16,
    /// The counter of that year, when there is one.
    pub counter: Option<&'a IncidentCounter>,
}

impl Numbering<'_> {
    pub(super) fn next(self) -> (String, IncidentCounter) {
        let last = self.counter.map_or(0, |counter| counter.last) + 1;
        let counter = IncidentCounter { year: self.year, last };
        (format!("SC-{}-{last:04}", self.year), counter)
    }
}

/// An opened incident and the decision that makes it stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The incident.
    pub incident: Incident,
    /// The decision.
    pub decision: Decision,
}

/// Opens an incident.
///
/// # Errors
/// When an alert belongs to another one, rehearsal and reality are mixed, a field is missing, or the role does not allow it.
pub fn open(
    draft: &Draft,
    links: Links<'_>,
    numbering: Numbering<'_>,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Opened, Rejected> {
    let by = worker(step)?;
    let alerts = links.alerts;
    let exercise = one_sort(alerts)?.unwrap_or(draft.exercise);
    let required = alerts.is_empty();
    let title = words("title", &draft.title, Incident::TITLE_BYTES_MAX, required)?;
    let description = words("description", &draft.description, Incident::WORDS_BYTES_MAX, false)?;
    let first_opened = alerts.iter().map(|alert| alert.opened_at).min();
    let detected_at = past(
        "detected_at",
        draft.detected_at.or(first_opened).unwrap_or(step.at),
        step.at,
    )?;
    let (number, counter) = numbering.next();
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: description.clone(),
    };
    let incident = Incident {
        id: Id::born(step.at, entropy),
        number,
        title: if title.is_empty() { title_of(alerts) } else { title },
        kind: draft.kind.unwrap_or_else(|| kind_of(alerts)),
        exercise,
        severity: draft.severity.unwrap_or_else(|| severity_of(alerts)),
        criteria: model::Criteria::default(),
        state: IncidentState::Reported(reached.clone()),
        marks: Marks {
            acknowledged: Some(step.at),
            ..Marks::default()
        },
        began_at: alerts.iter().map(|alert| alert.first_seen).min(),
        detected_at,
        opened_at: step.at,
        opened_by: step.scope.actor().clone(),
        origin: draft.origin.clone(),
        owner: Some(by),
        description,
        assets: Vec::new(),
        services: BTreeSet::new(),
        absorbed: Vec::new(),
        help: model::Help::default(),
        revision: 1,
    };
    let incident = with_assets(incident, alerts);
    let mut changes = vec![Change::put(&counter), Change::put(&incident)];
    changes.extend(links_to(incident.id, links, step)?);
    changes.push(decided(&incident, "incident.open", &incident.title, &reached, step));
    let decision = step.decides("incident.open", Some(&draft.description), changes);
    Ok(Opened { incident, decision })
}

/// Takes alerts into an incident that stands.
///
/// # Errors
/// When one belongs to another incident, rehearsal and reality are mixed, or the role does not allow it.
pub fn link(incident: &Incident, links: Links<'_>, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    still_open(incident)?;
    if links.alerts.is_empty() {
        return Err(Rejected::NotNow(NO_ALERTS));
    }
    if one_sort(links.alerts)? != Some(incident.exercise) {
        return Err(Rejected::NotNow(MIXED));
    }
    let linked = links_to(incident.id, links, step)?;
    let began = links.alerts.iter().map(|alert| alert.first_seen).min();
    let (joined, putting) = put(incident, |incident| {
        incident.began_at = incident.began_at.into_iter().chain(began).min();
        *incident = with_assets(incident.clone(), links.alerts);
    });
    let titles: Vec<&str> = links.alerts.iter().map(|alert| alert.rule.title.as_str()).collect();
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: String::new(),
    };
    let mut changes = vec![putting];
    changes.extend(linked);
    changes.push(decided(&joined, "incident.link", &titles.join("; "), &reached, step));
    Ok(step.decides("incident.link", None, changes))
}

/// Takes an alert out of its incident; what it left in the timeline stays there.
///
/// # Errors
/// When it is in none, or the role does not allow it.
pub fn unlink(standing: &AlertLink, reason: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if standing.incident.is_none() {
        return Err(Rejected::NotNow(NOT_IN_IT));
    }
    let mut changed = standing.clone();
    changed.incident = None;
    changed.revision += 1;
    Ok(step.decides("incident.unlink", Some(reason), vec![Change::put(&changed)]))
}

fn links_to(incident: Id<Incident>, links: Links<'_>, step: Step<'_>) -> Result<Vec<Change>, Rejected> {
    if links.alerts.len() > ALERTS_MAX {
        return Err(Rejected::NotNow(TOO_MANY));
    }
    let mut seen = BTreeSet::new();
    let mut changes = Vec::with_capacity(links.alerts.len());
    for alert in links.alerts {
        if !seen.insert(alert.id) {
            continue;
        }
        let standing = links.standing.iter().find(|link| link.alert == alert.id);
        if standing.is_some_and(|link| link.incident.is_some_and(|known| known != incident)) {
            return Err(Rejected::NotNow(ELSEWHERE));
        }
        if standing.is_some_and(|link| link.incident == Some(incident)) {
            continue;
        }
        changes.push(Change::put(&AlertLink {
            alert: alert.id,
            incident: Some(incident),
            linked_at: step.at,
            by: step.scope.actor().clone(),
            detections_taken: standing.map_or(0, |link| link.detections_taken),
            steps_taken: standing.map_or(0, |link| link.steps_taken),
            revision: standing.map_or(1, |link| link.revision + 1),
        }));
    }
    Ok(changes)
}

/// Whether alerts are of a rehearsal; none when there are no alerts.
fn one_sort(alerts: &[Alert]) -> Result<Option<bool>, Rejected> {
    let mut sorts = alerts.iter().map(|alert| alert.key.exercise);
    let Some(first) = sorts.next() else { return Ok(None) };
    if sorts.any(|exercise| exercise != first) {
        return Err(Rejected::NotNow(MIXED));
    }
    Ok(Some(first))
}

/// The title of the weightiest alert, and about what it is.
fn title_of(alerts: &[Alert]) -> String {
    let weightiest = alerts
        .iter()
        .max_by_key(|alert| (alert.rule.level, std::cmp::Reverse(alert.opened_at)));
    let title = weightiest.map_or(String::new(), |alert| {
        format!("{} – {}", alert.rule.title, alert.key.entity.name)
    });
    title[..title.floor_char_boundary(Incident::TITLE_BYTES_MAX)].to_owned()
}

/// A first guess, which a person confirms or changes.
fn severity_of(alerts: &[Alert]) -> Severity {
    match alerts.iter().map(|alert| alert.rule.level).max() {
        Some(RuleLevel::Critical) => Severity::Critical,
        Some(RuleLevel::High) => Severity::High,
        Some(RuleLevel::Low | RuleLevel::Informational) => Severity::Low,
        Some(RuleLevel::Medium) | None => Severity::Medium,
    }
}

/// A first guess from ATT&CK tags: what the attacker did last says most.
fn kind_of(alerts: &[Alert]) -> IncidentKind {
    let tagged = |tags: &[&str]| {
        alerts
            .iter()
            .flat_map(|alert| &alert.rule.tags)
            .any(|tag| tags.iter().any(|known| tag.starts_with(known)))
    };
    // T1486 data encrypted, T1485 and T1561 destruction, T1491 defacement, T1498 and T1499 denial of service, T1566 phishing.
    let known: [(&[&str], IncidentKind); 7] = [
        (&["attack.t1486"], IncidentKind::Encryption),
        (&["attack.t1485", "attack.t1561"], IncidentKind::Destruction),
        (&["attack.t1491"], IncidentKind::Defacement),
        (&["attack.t1498", "attack.t1499"], IncidentKind::Dos),
        (&["attack.exfiltration"], IncidentKind::Espionage),
        (&["attack.t1566"], IncidentKind::Phishing),
        (
            &[
                "attack.credential_access",
                "attack.credential-access",
                "attack.initial_access",
                "attack.initial-access",
                "attack.lateral_movement",
                "attack.lateral-movement",
                "attack.persistence",
            ],
            IncidentKind::Intrusion,
        ),
    ];
    known
        .into_iter()
        .find(|(tags, _)| tagged(tags))
        .map_or(IncidentKind::Other, |(_, kind)| kind)
}

/// Adds the machines and accounts of alerts as suspected.
fn with_assets(mut incident: Incident, alerts: &[Alert]) -> Incident {
    let names = alerts.iter().flat_map(|alert| {
        let entity = match alert.key.entity.kind {
            model::EntityKind::Host | model::EntityKind::User => Some(alert.key.entity.name.as_str()),
            model::EntityKind::Address
            | model::EntityKind::Source
            | model::EntityKind::Silence
            | model::EntityKind::Deadline
            | model::EntityKind::Team => None,
        };
        alert.host.as_deref().into_iter().chain(entity)
    });
    for name in names {
        let known = incident.assets.iter().any(|asset| asset.name == name);
        if !known && incident.assets.len() < Incident::ASSETS_MAX {
            incident.assets.push(model::AffectedAsset {
                name: name.to_owned(),
                standing: model::AssetStanding::Suspected,
                note: String::new(),
            });
        }
    }
    incident
}
