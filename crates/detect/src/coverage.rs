//! What the rules in force can notice of what the sources deliver: for each rule whether events of its log source came, and whether
//! they had the fields that it reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Heard, HeardKind, LogSource, SourceId, Timestamp};
use sigma::{
    correlation::{CorrelationKind, CorrelationRule},
    engine::RuleIndex,
};

use crate::{RuleEntry, Rules, matcher::translated};

/// How deep correlations of correlations are followed; the language allows sixteen.
const CHAIN_MAX: usize = 16;

/// What a rule can notice, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// No event of its log source came.
    Unheard,
    /// Events came, but without fields that it cannot hold without.
    Blind,
    /// It can hold, but some of the fields that it reads never came.
    Partial,
    /// Every field that it reads came.
    Full,
}

impl Sight {
    /// All, from nothing to everything.
    pub const ALL: [Self; 4] = [Self::Unheard, Self::Blind, Self::Partial, Self::Full];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unheard => "unheard",
            Self::Blind => "blind",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }
}

/// What one rule can notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSight {
    /// How much.
    pub sight: Sight,
    /// The fields that it reads and that never came; empty where nothing came at all.
    pub missing: Vec<String>,
}

/// What the rules of one log source need, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSourceSight {
    /// Rules by what they can notice, in the order of [`Sight::ALL`].
    pub rules: [usize; 4],
    /// Events that came.
    pub events: u64,
    /// When the last of them was received.
    pub last: Option<Timestamp>,
    /// Who sent them, with the number of events.
    pub sources: BTreeMap<SourceId, u64>,
    /// The fields that its rules read, with the number of rules, and the number of events that had each.
    pub fields: BTreeMap<String, (usize, u64)>,
}

impl LogSourceSight {
    /// The fields that rules read and that never came, those of most rules first.
    #[must_use]
    pub fn missing(&self) -> Vec<(&str, usize)> {
        let absent = self.fields.iter().filter(|(_, (_, events))| *events == 0);
        let mut missing: Vec<(&str, usize)> = absent.map(|(name, (rules, _))| (name.as_str(), *rules)).collect();
        missing.sort_by_key(|(name, rules)| (std::cmp::Reverse(*rules), *name));
        missing
    }
}

/// What the rules in force can notice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// For each of [`Rules::entries`], in that order.
    pub rules: Vec<RuleSight>,
    /// By log source; correlations are in none.
    pub log_sources: BTreeMap<LogSource, LogSourceSight>,
    /// Kinds of events that came and that no rule looks at: their log sources, and how many.
    pub unwatched: Vec<(Vec<LogSource>, u64)>,
}

impl Coverage {
    /// Holds the rules against what was heard.
    #[must_use]
    pub fn of(rules: &Rules, heard: &Heard) -> Self {
        let mut coverage = Self::default();
        let mut ears: HashMap<&LogSource, Ears<'_>> = HashMap::new();
        let mut watched = vec![false; heard.kinds.len()];
        let detections = rules
            .entries()
            .iter()
            .filter_map(|entry| Some((entry, entry.logsource.as_ref()?)));
        for (index, (entry, source)) in (0..).zip(detections) {
            let ears = ears.entry(source).or_insert_with(|| {
                let ears = Ears::of(rules, RuleIndex(index), heard);
                ears.places.iter().for_each(|place| watched[*place] = true);
                coverage.log_sources.insert(source.clone(), ears.sight());
                ears
            });
            let seen = ears.see(rules, RuleIndex(index), entry);
            if let Some(of_source) = coverage.log_sources.get_mut(source) {
                of_source.rules[seen.sight as usize] += 1;
                for field in &entry.fields {
                    let (count, _) = of_source
                        .fields
                        .entry(field.clone())
                        .or_insert_with(|| (0, ears.events_with(field)));
                    *count += 1;
                }
            }
            coverage.rules.push(seen);
        }
        coverage.add_correlations(rules);
        let unwatched = heard.kinds.iter().zip(watched).filter(|(_, watched)| !watched);
        coverage.unwatched = unwatched
            .map(|(kind, _)| (kind.logsources.members().to_vec(), kind.events))
            .collect();
        coverage
    }

    /// How many rules can notice so much.
    #[must_use]
    pub fn count(&self, sight: Sight) -> usize {
        self.rules.iter().filter(|rule| rule.sight == sight).count()
    }

    /// A correlation sees what the rules see that feed it.
    fn add_correlations(&mut self, rules: &Rules) {
        let mut by_name: HashMap<&str, Feed<'_>> = HashMap::new();
        for (at, rule) in rules.engine().rules().iter().enumerate() {
            for name in [&rule.meta.id, &rule.meta.name].into_iter().flatten() {
                by_name.insert(name, Feed::Sight(self.rules[at].sight));
            }
        }
        for correlation in &rules.correlations {
            for name in [&correlation.meta.id, &correlation.meta.name].into_iter().flatten() {
                by_name.insert(name, Feed::Correlation(correlation));
            }
        }
        for entry in rules.entries().iter().filter(|entry| entry.logsource.is_none()) {
            let sight = rules
                .correlation_of(entry)
                .map_or(Sight::Unheard, |correlation| of_correlation(correlation, &by_name, 0));
            self.rules.push(RuleSight {
                sight,
                missing: Vec::new(),
            });
        }
    }
}

/// What a correlation can be fed by.
#[derive(Clone, Copy)]
enum Feed<'a> {
    Sight(Sight),
    Correlation(&'a CorrelationRule),
}

fn of_correlation(rule: &CorrelationRule, by_name: &HashMap<&str, Feed<'_>>, depth: usize) -> Sight {
    let feeds = rule
        .correlation
        .rules
        .iter()
        .map(|reference| match by_name.get(reference.to.as_str()) {
            Some(Feed::Sight(sight)) => *sight,
            Some(Feed::Correlation(below)) if depth < CHAIN_MAX => of_correlation(below, by_name, depth + 1),
            Some(Feed::Correlation(_)) | None => Sight::Unheard,
        });
    let found = match rule.correlation.kind {
        // One that counts goes on with whatever comes; one that waits for several rules needs each.
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => feeds.min(),
        CorrelationKind::EventCount
        | CorrelationKind::ValueCount
        | CorrelationKind::ValueSum
        | CorrelationKind::ValueAvg
        | CorrelationKind::ValueMin
        | CorrelationKind::ValueMax
        | CorrelationKind::ValuePercentile
        | CorrelationKind::ValueMedian => feeds.max(),
    };
    found.unwrap_or(Sight::Unheard)
}

/// The kinds of events that one log source of rules stands for.
struct Ears<'a> {
    kinds: Vec<&'a HeardKind>,
    /// Their places among all that was heard.
    places: Vec<usize>,
    fields: BTreeSet<&'a str>,
}

impl<'a> Ears<'a> {
    fn of(rules: &Rules, rule: RuleIndex, heard: &'a Heard) -> Self {
        let wanted = &rules.engine().rule(rule).log_source;
        let (mut kinds, mut places, mut fields) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (place, kind) in heard.kinds.iter().enumerate() {
            if translated(&kind.logsources).is_covered_by(wanted) {
                fields.extend(kind.fields.keys().map(compact_str::CompactString::as_str));
                kinds.push(kind);
                places.push(place);
            }
        }
        Self { kinds, places, fields }
    }

    fn sight(&self) -> LogSourceSight {
        let mut sight = LogSourceSight::default();
        for kind in &self.kinds {
            sight.events += kind.events;
            sight.last = sight.last.max(Some(kind.received_at.1));
            for (source, events) in &kind.sources {
                *sight.sources.entry(source.clone()).or_default() += events;
            }
        }
        sight
    }

    fn events_with(&self, field: &str) -> u64 {
        self.kinds.iter().filter_map(|kind| kind.fields.get(field)).sum()
    }

    fn see(&self, rules: &Rules, index: RuleIndex, entry: &RuleEntry) -> RuleSight {
        if self.kinds.is_empty() {
            return RuleSight {
                sight: Sight::Unheard,
                missing: Vec::new(),
            };
        }
        let absent = entry
            .fields
            .iter()
            .filter(|field| !self.fields.contains(field.as_str()));
        let missing: Vec<String> = absent.cloned().collect();
        let rule = rules.engine().rule(index);
        // One record must have all that the rule needs, so the kinds are asked one by one.
        let can_hold = missing.is_empty()
            || self
                .kinds
                .iter()
                .any(|kind| rule.can_hold_with(|field| kind.fields.contains_key(field)));
        let sight = match (can_hold, missing.is_empty()) {
            (_, true) => Sight::Full,
            (true, false) => Sight::Partial,
            (false, false) => Sight::Blind,
        };
        RuleSight { sight, missing }
    }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;
    use model::LogSourceSet;

    use super::*;
    use crate::RuleText;

    const RULES: &str = r"
title: Needs Image
id: 11111111-1111-4111-8111-111111111111
name: needs_image
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: x}, condition: selection}
---
title: Needs Image, and a hash if there is one
id: 22222222-2222-4222-8222-222222222222
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: x}, other: {Imphash: y}, condition: selection or other}
---
title: Needs a hash
id: 33333333-3333-4333-8333-333333333333
name: needs_hash
logsource: {product: windows, category: process_creation}
detection: {selection: {Imphash: y, Image: x}, condition: selection}
---
title: Needs what no one sends
id: 44444444-4444-4444-8444-444444444444
name: deaf
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: x}, condition: selection}
---
title: Counts
id: 55555555-5555-4555-8555-555555555555
name: counts
correlation: {type: event_count, rules: [needs_image, deaf], group-by: [Image], timespan: 5m, condition: {gte: 2}}
---
title: Waits for both
id: 66666666-6666-4666-8666-666666666666
correlation: {type: temporal, rules: [counts, needs_hash], group-by: [Image], timespan: 5m}
";

    fn kind(sources: &[(&str, &str, &str)], events: u64, fields: &[&str]) -> HeardKind {
        let sources = sources
            .iter()
            .map(|(category, product, service)| LogSource::new(category, product, service));
        HeardKind {
            logsources: LogSourceSet::new(sources),
            events,
            received_at: (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
            sources: BTreeMap::from([(SourceId::new("http/dc01"), events)]),
            fields: fields.iter().map(|name| (CompactString::new(name), events)).collect(),
        }
    }

    #[test]
    fn rules_are_held_against_what_came() {
        let rules = Rules::load(&[RuleText {
            file: "rules.yml".to_owned(),
            text: RULES.into(),
        }]);
        assert_eq!(rules.refused(), []);
        let heard = Heard {
            kinds: vec![
                kind(
                    &[("process_creation", "windows", "sysmon"), ("", "windows", "sysmon")],
                    5,
                    &["Image", "User"],
                ),
                kind(&[("", "linux", "sshd")], 7, &["Imphash"]),
            ],
            ..Heard::default()
        };
        let coverage = Coverage::of(&rules, &heard);
        let seen: Vec<(&str, Sight, String)> = rules
            .entries()
            .iter()
            .zip(&coverage.rules)
            .map(|(entry, rule)| (entry.identity.title.as_str(), rule.sight, rule.missing.join(" ")))
            .collect();
        let expect = |title, sight, missing: &str| (title, sight, missing.to_owned());
        assert_eq!(
            seen,
            [
                expect("Needs Image", Sight::Full, ""),
                expect("Needs Image, and a hash if there is one", Sight::Partial, "Imphash"),
                expect("Needs a hash", Sight::Blind, "Imphash"),
                expect("Needs what no one sends", Sight::Unheard, ""),
                expect("Counts", Sight::Full, ""),
                expect("Waits for both", Sight::Blind, ""),
            ]
        );
        let windows = &coverage.log_sources[&LogSource::new("process_creation", "windows", "")];
        assert_eq!((windows.rules, windows.events), ([0, 1, 1, 1], 5));
        assert_eq!(windows.missing(), [("Imphash", 2)]);
        let aws = &coverage.log_sources[&LogSource::new("", "aws", "cloudtrail")];
        assert_eq!((aws.rules, aws.events, aws.last), ([1, 0, 0, 0], 0, None));
        assert_eq!(coverage.unwatched, [(vec![LogSource::new("", "linux", "sshd")], 7)]);
    }
}
