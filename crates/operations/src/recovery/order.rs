//! What depends on what: the order in which services come back, and the one cause behind several that are down.

use std::collections::{BTreeMap, BTreeSet};

use model::{Entity, EntityKind, Notice, RuleLevel, Service, ServiceLook, SourceId, Timestamp};

/// Services that need each other in a circle: none of them could come back first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these services need each other in a circle: {}", .0.join(" → "))]
pub struct Cycle(pub Vec<String>);

/// The order in which services are restored: each after all that it needs, otherwise the shortest RTO first, then by key. `wanted`
/// names services; what they need is restored too.
///
/// # Errors
/// When services need each other in a circle.
pub fn restore_order<'a>(
    services: &'a BTreeMap<String, Service>,
    wanted: &BTreeSet<String>,
) -> Result<Vec<&'a Service>, Cycle> {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(key) = open.pop() {
        if let Some(service) = services.get(key)
            && all.insert(service.key.as_str())
        {
            open.extend(service.needs.iter().map(String::as_str));
        }
    }
    let mut order: Vec<&Service> = Vec::with_capacity(all.len());
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < all.len() {
        let ready = |key: &&&str| {
            let needs = &services[**key].needs;
            !done.contains(**key)
                && needs
                    .iter()
                    .all(|need| done.contains(need.as_str()) || !all.contains(need.as_str()))
        };
        let next = all
            .iter()
            .filter(ready)
            .min_by_key(|key| (services[**key].rto_minutes.unwrap_or(u32::MAX), **key))
            .copied();
        let Some(next) = next else {
            return Err(circle(services, &all, &done));
        };
        done.insert(next);
        order.push(&services[next]);
    }
    Ok(order)
}

/// Follows needs among what is left until one comes twice.
fn circle(services: &BTreeMap<String, Service>, all: &BTreeSet<&str>, done: &BTreeSet<&str>) -> Cycle {
    let left = |key: &str| all.contains(key) && !done.contains(key);
    let mut path: Vec<String> = Vec::new();
    let mut at = all.iter().find(|key| left(key)).map(|key| (*key).to_owned());
    while let Some(key) = at {
        if let Some(place) = path.iter().position(|known| *known == key) {
            let mut circle = path.split_off(place);
            circle.push(key);
            return Cycle(circle);
        }
        at = services[&key].needs.iter().find(|need| left(need)).cloned();
        path.push(key);
    }
    Cycle(path)
}

/// What the last look at a service's probes said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Every probe was answered as it should be.
    Works,
    /// A probe was not; with what it said.
    Fails {
        /// Since when.
        since: Timestamp,
        /// What the first failing probe said.
        why: String,
    },
}

impl Look {
    /// What was kept of a look; none when it is so old that nothing is known.
    #[must_use]
    pub fn of_kept(kept: &ServiceLook, now: Timestamp) -> Option<Self> {
        let minutes = (now.as_second() - kept.looked_at.as_second()) / 60;
        (minutes < ServiceLook::STALE_MINUTES).then(|| match &kept.fails {
            None => Self::Works,
            Some(why) => Self::Fails {
                since: kept.since,
                why: why.clone(),
            },
        })
    }
}

/// How a service stands, given those that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It works.
    Works,
    /// Nobody looked, or it has no probe: never taken for working.
    Unknown,
    /// It does not work, and all that it needs does: it is the cause.
    Cause {
        /// Since when.
        since: Timestamp,
        /// What its probe said.
        why: String,
    },
    /// It does not work because of others.
    Follows {
        /// The causes.
        causes: Vec<String>,
    },
}

/// How all services stand: behind everything that is down there is at least one cause, also where services need each other in a
/// circle.
#[must_use]
pub fn standings(services: &BTreeMap<String, Service>, looks: &BTreeMap<String, Look>) -> BTreeMap<String, Standing> {
    let down = |key: &str| matches!(looks.get(key), Some(Look::Fails { .. }));
    services
        .keys()
        .map(|key| {
            let standing = match looks.get(key) {
                None => Standing::Unknown,
                Some(Look::Works) => Standing::Works,
                Some(Look::Fails { since, why }) => {
                    let causes = causes_of(key, services, &down);
                    if causes.contains(key) {
                        Standing::Cause {
                            since: *since,
                            why: why.clone(),
                        }
                    } else {
                        Standing::Follows {
                            causes: causes.into_iter().collect(),
                        }
                    }
                }
            };
            (key.clone(), standing)
        })
        .collect()
}

/// The services that are down behind one that is, and need nothing else that is down; itself when there is no other. Behind
/// which there are only circles, the first service by key that is in one is the cause.
fn causes_of(key: &str, services: &BTreeMap<String, Service>, down: &impl Fn(&str) -> bool) -> BTreeSet<String> {
    let needs_down = |key: &str| -> Vec<&str> {
        let needs = services
            .get(key)
            .map(|service| service.needs.as_slice())
            .unwrap_or_default();
        needs.iter().map(String::as_str).filter(|need| down(need)).collect()
    };
    // All that is down behind some services, those included.
    let behind = |from: Vec<&'_ str>| -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<String> = from.into_iter().map(str::to_owned).collect();
        while let Some(at) = open.pop() {
            if reached.insert(at.clone()) {
                open.extend(needs_down(&at).into_iter().map(str::to_owned));
            }
        }
        reached
    };
    let reached = behind(vec![key]);
    let deepest: BTreeSet<String> = reached.iter().filter(|at| needs_down(at).is_empty()).cloned().collect();
    if !deepest.is_empty() {
        return deepest;
    }
    let in_circle = |at: &&String| behind(needs_down(at)).contains(*at);
    reached.iter().find(in_circle).cloned().into_iter().collect()
}

/// One notice for each cause, with how many services follow it.
#[must_use]
pub fn alarms(services: &BTreeMap<String, Service>, looks: &BTreeMap<String, Look>) -> Vec<Notice> {
    let standings = standings(services, looks);
    let mut followers: BTreeMap<&str, u64> = BTreeMap::new();
    for standing in standings.values() {
        if let Standing::Follows { causes } = standing {
            for cause in causes {
                *followers.entry(cause).or_default() += 1;
            }
        }
    }
    standings
        .iter()
        .filter_map(|(key, standing)| {
            let Standing::Cause { since, why } = standing else {
                return None;
            };
            let behind = followers.get(key.as_str()).copied().unwrap_or(0);
            Some(Notice {
                rule: super::DOWN,
                title: super::DOWN_TITLE,
                level: if behind > 0 {
                    RuleLevel::Critical
                } else {
                    RuleLevel::High
                },
                entity: Entity {
                    kind: EntityKind::Host,
                    name: key.as_str().into(),
                },
                source: SourceId::new("watchpost"),
                summary: format!("{why}; affected={behind}"),
                since: *since,
            })
        })
        .collect()
}
