//! Proposed incidents: open alerts that share a machine, an account or an address within a time, and whose techniques follow
//! each other. A proposal says why; a person decides.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use model::{
    Alert, Id, RuleLevel, Timestamp,
    attack::{TACTICS, tactic},
};

/// Two alerts about the same thing belong together when at most so many hours lie between them.
pub const WINDOW_HOURS: i64 = 24;
/// Most alerts of one proposal; more are a campaign, which a person should name.
pub const GROUPED_MAX: usize = 200;

/// Alerts that may be one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The alerts, oldest event first.
    pub alerts: Vec<Id<Alert>>,
    /// What several of them share, with how many of them do; most shared first.
    pub shared: Vec<(CompactString, usize)>,
    /// The tactics in the order in which they were seen first.
    pub tactics: Vec<&'static str>,
    /// How many steps of those go forward in ATT&CK's order.
    pub follows: usize,
    /// Whether they are a rehearsal's; a group never mixes the two.
    pub exercise: bool,
    /// The highest level.
    pub level: RuleLevel,
    /// From the first event …
    pub from: Timestamp,
    /// … to the last.
    pub to: Timestamp,
}

impl Group {
    /// By which proposals are sorted: what goes furthest first, then the level, then what is shared by most.
    #[must_use]
    pub fn weight(&self) -> (usize, RuleLevel, usize) {
        (self.follows, self.level, self.alerts.len())
    }
}

/// Proposes groups of at least two alerts of at least two rules, weightiest first. `alerts` are those that belong to no incident.
#[must_use]
pub fn propose_groups(alerts: &[Alert]) -> Vec<Group> {
    let mut joined = Joined((0..alerts.len()).collect());
    let mut by_name: BTreeMap<(bool, CompactString), Vec<usize>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        for name in names(alert) {
            by_name.entry((alert.key.exercise, name)).or_default().push(place);
        }
    }
    for places in by_name.values_mut() {
        places.sort_by_key(|place| alerts[*place].first_seen);
        let mut last_seen: Option<(usize, Timestamp)> = None;
        for place in places.iter() {
            let alert = &alerts[*place];
            if let Some((before, seen)) = last_seen
                && alert.first_seen.as_second() - seen.as_second() <= WINDOW_HOURS * 3600
            {
                joined.join(before, *place);
            }
            let reach = last_seen.map_or(alert.last_seen, |(_, seen)| seen.max(alert.last_seen));
            last_seen = Some((*place, reach));
        }
    }
    let mut members: BTreeMap<usize, Vec<&Alert>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        members.entry(joined.root(place)).or_default().push(alert);
    }
    let mut groups: Vec<Group> = members.into_values().filter_map(group).collect();
    groups.sort_by(|a, b| b.weight().cmp(&a.weight()).then_with(|| a.alerts.cmp(&b.alerts)));
    groups
}

fn group(mut alerts: Vec<&Alert>) -> Option<Group> {
    alerts.sort_by_key(|alert| (alert.first_seen, alert.id));
    alerts.truncate(GROUPED_MAX);
    let rules: BTreeSet<_> = alerts.iter().map(|alert| &alert.rule.id).collect();
    if rules.len() < 2 {
        return None;
    }
    let mut counted: BTreeMap<CompactString, usize> = BTreeMap::new();
    for name in alerts.iter().flat_map(|alert| names(alert)) {
        *counted.entry(name).or_default() += 1;
    }
    let mut shared: Vec<_> = counted.into_iter().filter(|(_, count)| *count > 1).collect();
    shared.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let (tactics, follows) = tactics_in_order(&alerts);
    Some(Group {
        shared,
        tactics,
        follows,
        exercise: alerts.first()?.key.exercise,
        level: alerts.iter().map(|alert| alert.rule.level).max()?,
        from: alerts.first()?.first_seen,
        to: alerts.iter().map(|alert| alert.last_seen).max()?,
        alerts: alerts.iter().map(|alert| alert.id).collect(),
    })
}

/// The tactics of alerts in the order in which they were seen first, and how many of the steps between them go forward.
#[must_use]
pub fn tactics_in_order(alerts: &[&Alert]) -> (Vec<&'static str>, usize) {
    let mut seen: Vec<usize> = Vec::new();
    for alert in alerts {
        let mut of_alert: Vec<usize> = alert.rule.tags.iter().filter_map(|tag| tactic(tag)).collect();
        of_alert.sort_unstable();
        for place in of_alert {
            if !seen.contains(&place) {
                seen.push(place);
            }
        }
    }
    let follows = seen.windows(2).filter(|pair| pair[0] < pair[1]).count();
    (seen.into_iter().map(|place| TACTICS[place]).collect(), follows)
}

/// The things that an alert is about.
fn names(alert: &Alert) -> BTreeSet<CompactString> {
    let entity = match alert.key.entity.kind {
        model::EntityKind::Host | model::EntityKind::User | model::EntityKind::Address => Some(&alert.key.entity.name),
        model::EntityKind::Source
        | model::EntityKind::Silence
        | model::EntityKind::Deadline
        | model::EntityKind::Team => None,
    };
    let host = alert.host.as_ref().filter(|_| entity.is_some());
    entity
        .into_iter()
        .chain(host)
        .map(CompactString::to_lowercase)
        .collect()
}

/// Sets that are joined; each place names another of its set, or itself.
struct Joined(Vec<usize>);

impl Joined {
    fn root(&mut self, place: usize) -> usize {
        let mut at = place;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}
