//! Triage: detections of one rule about one entity gather in one alert, shown or hidden, each counted.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{
    Alert, AlertContext, AlertKey, AlertOrigin, AlertState, Change, Detection, Disposition, Effect, Entropy, Id,
    Silence, Surroundings, Timestamp, Urgency,
};

use super::{DETAILS_A_DOUBLING, DETAILS_DENSE, GRACE_MINUTES, LATE_MIN, urgency};

/// The entity name under which a rule's detections gather when it has too many open alerts to open another
/// ([`Surroundings::ENTITIES_MAX`]): forged addresses could make any number.
pub const MANY: &str = "*";

/// What the ledger knows under each key.
pub type Contexts = HashMap<AlertKey, AlertContext>;

/// A detection with the silence that hides it.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// What was detected.
    pub detection: &'a Detection,
    /// The silence that covers it, if one does.
    pub hidden_by: Option<Id<Silence>>,
}

/// What triage decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triaged {
    /// Alerts and their detections.
    pub changes: Vec<Change>,
    /// Announcements of alerts that are new to people.
    pub effects: Vec<Effect>,
    /// How many detections each silence hid, and when the last of them happened.
    pub hidden: Vec<(Id<Silence>, u64, Timestamp)>,
}

/// The keys whose contexts triage needs for these detections.
#[must_use]
pub fn contexts_needed<'a>(detections: impl IntoIterator<Item = &'a Detection>) -> HashSet<AlertKey> {
    let mut keys = HashSet::new();
    for detection in detections {
        let key = AlertKey::of(detection);
        keys.insert(gathering(&key));
        keys.insert(key);
    }
    keys
}

/// Whether the detection with this number in its alert is kept in detail.
#[must_use]
pub fn keeps_detail(ordinal: u64) -> bool {
    if ordinal <= DETAILS_DENSE {
        return true;
    }
    let doubling = 1_u64 << ordinal.ilog2();
    ordinal.is_multiple_of(doubling / DETAILS_A_DOUBLING)
}

/// Decides what becomes of a batch of detections. `contexts` holds what is known under [`contexts_needed`].
///
/// * An open alert with the key is fed. Otherwise, what still comes in shortly after closing belongs to the closed alert
///   (see `belongs_to_closed`); otherwise a new alert opens that names the closed one before it.
/// * The same detection twice in a batch counts once. A batch is never triaged twice: its pipeline position says so.
/// * Cost grows with the batch only.
#[must_use]
pub fn triage(batch: &[Occurrence<'_>], contexts: &Contexts, now: Timestamp, entropy: Entropy) -> Triaged {
    let mut desk = Desk {
        contexts,
        now,
        entropy,
        works: Vec::new(),
        places: HashMap::new(),
        opened: HashMap::new(),
    };
    let mut seen = HashSet::new();
    let mut hidden: HashMap<Id<Silence>, (u64, Timestamp)> = HashMap::new();
    for occurrence in batch {
        let detection = occurrence.detection;
        if !seen.insert((
            &detection.rule.id,
            &detection.entity,
            detection.event,
            detection.exercise,
        )) {
            continue;
        }
        if let Some(silence) = occurrence.hidden_by {
            let (count, last) = hidden.entry(silence).or_insert((0, detection.happened_at));
            *count += 1;
            *last = (*last).max(detection.happened_at);
        }
        desk.place(detection).feed(*occurrence, now);
    }
    let mut triaged = desk.finish();
    triaged.hidden = hidden
        .into_iter()
        .map(|(id, (count, last))| (id, count, last))
        .collect();
    triaged.hidden.sort_unstable();
    triaged
}

/// The key under which a rule gathers what it has no alert of its own for.
fn gathering(key: &AlertKey) -> AlertKey {
    let mut many = key.clone();
    many.entity.name = CompactString::const_new(MANY);
    many
}

/// The alerts of one batch while it is worked on.
struct Desk<'a> {
    contexts: &'a Contexts,
    now: Timestamp,
    entropy: Entropy,
    works: Vec<Work<'a>>,
    places: HashMap<AlertKey, usize>,
    /// Alerts opened in this batch, by rule.
    opened: HashMap<CompactString, u64>,
}

/// One alert being fed.
struct Work<'a> {
    alert: Alert,
    around: &'a Surroundings,
    /// Whether people could see it before.
    was_shown: bool,
    added: Vec<Change>,
}

static NOTHING_AROUND: Surroundings = Surroundings {
    other_rules: 0,
    other_tags: Vec::new(),
    other_entities: 0,
};

impl<'a> Desk<'a> {
    /// The alert that a detection belongs to.
    fn place(&mut self, detection: &Detection) -> &mut Work<'a> {
        let mut key = AlertKey::of(detection);
        let mut place = self
            .places
            .get(&key)
            .copied()
            .filter(|place| self.takes(*place, detection));
        if place.is_none() && self.has_too_many(&key) {
            key = gathering(&key);
            place = self.places.get(&key).copied();
        }
        let place = place.unwrap_or_else(|| self.take_up(key, detection));
        &mut self.works[place]
    }

    /// Whether an alert of this batch still takes a detection; a closed one may have had its fill.
    fn takes(&self, place: usize, detection: &Detection) -> bool {
        let alert = &self.works[place].alert;
        alert.state.is_open() || belongs_to_closed(alert, detection)
    }

    fn has_too_many(&self, key: &AlertKey) -> bool {
        let context = self.contexts.get(key);
        if context.is_some_and(|context| context.open.is_some()) {
            return false;
        }
        let known = context.map_or(0, |context| context.around.other_entities);
        known + self.opened.get(&key.rule).copied().unwrap_or(0) >= Surroundings::ENTITIES_MAX
    }

    fn take_up(&mut self, key: AlertKey, detection: &Detection) -> usize {
        let context = self.contexts.get(&key);
        let taken_before = self.places.contains_key(&key);
        let open = context.and_then(|context| context.open.as_ref());
        let closed = context.and_then(|context| context.closed.as_ref());
        let standing = open
            .or_else(|| closed.filter(|closed| belongs_to_closed(closed, detection)))
            .filter(|_| !taken_before);
        let (alert, was_shown) = match standing {
            Some(standing) => {
                let mut alert = standing.clone();
                alert.revision += 1;
                let was_shown = alert.detections > 0;
                (alert, was_shown)
            }
            None => (self.open(key.clone(), detection, closed), false),
        };
        self.works.push(Work {
            alert,
            around: context.map_or(&NOTHING_AROUND, |context| &context.around),
            was_shown,
            added: Vec::new(),
        });
        self.places.insert(key, self.works.len() - 1);
        self.works.len() - 1
    }

    fn open(&mut self, key: AlertKey, detection: &Detection, closed: Option<&Alert>) -> Alert {
        let opened = self.opened.entry(key.rule.clone()).or_default();
        *opened += 1;
        let mut alert = Alert {
            id: Id::born(self.now, crate::nth(self.entropy, self.works.len())),
            key,
            origin: AlertOrigin::Rule,
            rule: detection.rule.clone(),
            state: AlertState::New,
            assignee: None,
            detections: 0,
            hidden: 0,
            detail_cut: 0,
            urgency: Urgency::default(),
            first_seen: detection.happened_at,
            last_seen: detection.happened_at,
            opened_at: self.now,
            last_event: detection.event,
            source: detection.source.clone(),
            host: detection.host.clone(),
            summary: detection.summary.clone(),
            previous: closed.map(|closed| closed.id),
            revision: 1,
        };
        urgency::came_back(&mut alert, closed);
        alert
    }

    fn finish(self) -> Triaged {
        let mut triaged = Triaged::default();
        for mut work in self.works {
            urgency::judge(&mut work.alert, Some(work.around));
            let news = work.alert.state.is_open() && !work.was_shown && work.alert.detections > 0;
            if news && !work.alert.key.exercise {
                triaged.effects.push(Effect::AnnounceAlert { alert: work.alert.id });
            }
            triaged.changes.push(Change::PutAlert {
                alert: Box::new(work.alert),
            });
            triaged.changes.append(&mut work.added);
        }
        triaged
    }
}

impl Work<'_> {
    fn feed(&mut self, occurrence: Occurrence<'_>, now: Timestamp) {
        let detection = occurrence.detection;
        let alert = &mut self.alert;
        let first_shown = alert.detections == 0;
        if occurrence.hidden_by.is_some() {
            alert.hidden += 1;
        } else {
            alert.detections += 1;
            if first_shown {
                // People wait on it from now on, however long it was hidden.
                alert.opened_at = now;
            }
        }
        let speaks = (occurrence.hidden_by.is_none() && first_shown)
            || (detection.happened_at >= alert.last_seen && (occurrence.hidden_by.is_none() || first_shown));
        if speaks {
            alert.rule.clone_from(&detection.rule);
            alert.last_event = detection.event;
            alert.source.clone_from(&detection.source);
            alert.host.clone_from(&detection.host);
            alert.summary.clone_from(&detection.summary);
        }
        alert.first_seen = alert.first_seen.min(detection.happened_at);
        alert.last_seen = alert.last_seen.max(detection.happened_at);
        if let AlertState::Closed { late, .. } = &mut alert.state {
            *late += 1;
        }
        let ordinal = alert.detections + alert.hidden;
        if keeps_detail(ordinal) {
            self.added.push(Change::AddDetection {
                alert: alert.id,
                ordinal,
                detection: Box::new(detection.clone()),
                hidden_by: occurrence.hidden_by,
            });
        } else {
            alert.detail_cut += 1;
        }
    }
}

/// Whether a detection still belongs to an alert that was closed: it came in within the grace after closing, and it either
/// happened before the alert was closed or the alert was judged harmless. Never when the rule now weighs more than what
/// was judged, nor when so much comes late that it is something else than what was judged.
fn belongs_to_closed(alert: &Alert, detection: &Detection) -> bool {
    let AlertState::Closed {
        at, disposition, late, ..
    } = &alert.state
    else {
        return false;
    };
    let in_grace = detection.received_at.duration_since(*at) <= SignedDuration::from_mins(GRACE_MINUTES);
    let judged_harmless = match disposition {
        Disposition::Benign | Disposition::FalsePositive => true,
        Disposition::TruePositive | Disposition::Resolved => false,
    };
    let judged_with = (alert.detections + alert.hidden).saturating_sub(*late);
    in_grace
        && (judged_harmless || detection.happened_at <= *at)
        && detection.rule.level <= alert.rule.level
        && *late < judged_with.max(LATE_MIN)
}
