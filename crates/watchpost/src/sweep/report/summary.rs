//! Gathers the findings of a sweep by rule, host and technique, in bounded memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use compact_str::CompactString;
use model::{Detection, ProblemKind, RuleIdentity, RuleLevel, Timestamp};

use super::labels::Head;

/// How many hosts are named per rule; more are counted only.
pub(crate) const HOSTS_PER_RULE_MAX: usize = 1000;
/// How many hosts are counted one by one.
pub(crate) const HOSTS_MAX: usize = 100_000;

/// One detection and the file it was found in.
pub(crate) struct Finding<'a> {
    /// The detection.
    pub detection: &'a Detection,
    /// The path of the file, as it was named or found.
    pub file: &'a str,
    /// Where in the file: `byte 1234`, `record 17`.
    pub place: &'a str,
}

/// What one rule found.
#[derive(Debug)]
pub(crate) struct RuleFindings {
    /// The rule.
    pub rule: RuleIdentity,
    /// How often it held.
    pub count: u64,
    /// Where.
    pub hosts: BTreeSet<CompactString>,
    /// Whether there were more hosts than are named.
    pub more_hosts: bool,
    /// When the first of its events happened.
    pub first: Timestamp,
    /// When the last did.
    pub last: Timestamp,
    /// One line of what was seen first.
    pub example: String,
}

/// What was found on one host.
#[derive(Debug, Default)]
pub(crate) struct HostFindings {
    /// Findings by level, least level first.
    pub by_level: BTreeMap<RuleLevel, u64>,
    /// Rules that held there.
    pub rules: BTreeSet<CompactString>,
    /// When the first event happened.
    pub first: Option<Timestamp>,
    /// When the last did.
    pub last: Option<Timestamp>,
}

/// What could not be read, by reason.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// Problems inside events, by kind.
    pub in_events: BTreeMap<ProblemKind, u64>,
    /// Records that were refused, by reason in words.
    pub refused: BTreeMap<&'static str, u64>,
    /// Files that could not be read to their end, with the reason.
    pub files: Vec<(String, String)>,
    /// Files of no known format.
    pub unknown_files: Vec<String>,
}

/// All that a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// By rule id.
    pub rules: HashMap<CompactString, RuleFindings>,
    /// By host.
    pub hosts: HashMap<CompactString, HostFindings>,
    /// Findings and rules by ATT&CK technique (`T1059.001`).
    pub techniques: BTreeMap<String, (u64, BTreeSet<CompactString>)>,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Events they became.
    pub events: u64,
    /// Detections.
    pub detections: u64,
    /// What could not be read.
    pub problems: Problems,
}

impl Summary {
    /// Counts one finding.
    pub(crate) fn add(&mut self, finding: &Finding<'_>) {
        let detection = finding.detection;
        self.detections += 1;
        self.add_to_rule(detection);
        self.add_to_host(detection);
        for technique in techniques(&detection.rule) {
            let (count, rules) = self.techniques.entry(technique).or_default();
            *count += 1;
            rules.insert(detection.rule.id.clone());
        }
    }

    fn add_to_rule(&mut self, detection: &Detection) {
        let at = detection.happened_at;
        let found = self
            .rules
            .entry(detection.rule.id.clone())
            .or_insert_with(|| RuleFindings {
                rule: detection.rule.clone(),
                count: 0,
                hosts: BTreeSet::new(),
                more_hosts: false,
                first: at,
                last: at,
                example: detection.summary.clone(),
            });
        found.count += 1;
        if at < found.first {
            found.first = at;
            found.example.clone_from(&detection.summary);
        }
        found.last = found.last.max(at);
        if let Some(host) = detection.host.as_ref().filter(|host| !found.hosts.contains(*host)) {
            if found.hosts.len() < HOSTS_PER_RULE_MAX {
                found.hosts.insert(host.clone());
            } else {
                found.more_hosts = true;
            }
        }
    }

    fn add_to_host(&mut self, detection: &Detection) {
        let name = detection.host.clone().unwrap_or_default();
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&name) {
            return;
        }
        let at = detection.happened_at;
        let host = self.hosts.entry(name).or_default();
        *host.by_level.entry(detection.rule.level).or_default() += 1;
        host.rules.insert(detection.rule.id.clone());
        host.first = Some(host.first.map_or(at, |first| first.min(at)));
        host.last = Some(host.last.map_or(at, |last| last.max(at)));
    }

    /// Rules that held: the most serious first, then the most frequent.
    pub(crate) fn rules_by_weight(&self) -> Vec<&RuleFindings> {
        let mut rules: Vec<&RuleFindings> = self.rules.values().collect();
        rules.sort_by(|a, b| (b.rule.level, b.count, &a.rule.title).cmp(&(a.rule.level, a.count, &b.rule.title)));
        rules
    }

    /// Hosts: the one with the most serious findings first.
    pub(crate) fn hosts_by_weight(&self) -> Vec<(&CompactString, &HostFindings)> {
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        let weight = |host: &HostFindings| RuleLevel::ALL.map(|level| host.by_level.get(&level).copied().unwrap_or(0));
        let key = |host: &HostFindings| {
            let mut counts = weight(host);
            counts.reverse();
            counts
        };
        hosts.sort_by(|(a_name, a), (b_name, b)| key(b).cmp(&key(a)).then_with(|| a_name.cmp(b_name)));
        hosts
    }

    /// ATT&CK techniques: the most frequent first.
    pub(crate) fn techniques_by_count(&self) -> Vec<(&String, &(u64, BTreeSet<CompactString>))> {
        let mut techniques: Vec<_> = self.techniques.iter().collect();
        techniques.sort_by(|(a_name, a), (b_name, b)| b.0.cmp(&a.0).then_with(|| a_name.cmp(b_name)));
        techniques
    }

    /// The numbers of the whole sweep.
    pub(super) fn head(&self) -> Head {
        Head {
            files: self.files,
            records: self.records,
            events: self.events,
            detections: self.detections,
            rules: self.rules.len(),
            hosts: self.hosts.len(),
        }
    }

    /// Findings and rules of one level.
    pub(crate) fn of_level(&self, level: RuleLevel) -> (u64, usize) {
        let of_level = self.rules.values().filter(|found| found.rule.level == level);
        of_level.fold((0, 0), |(count, rules), found| (count + found.count, rules + 1))
    }
}

/// The ATT&CK techniques of a rule, as ATT&CK writes them.
pub(crate) fn techniques(rule: &RuleIdentity) -> impl Iterator<Item = String> {
    rule.tags.iter().filter_map(|tag| {
        let name = tag.strip_prefix("attack.")?;
        let digits = name.strip_prefix(['t', 'T'])?;
        digits
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| format!("T{digits}"))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use model::{Entity, EntityKind, FoundBy, SourceId};

    use super::*;

    pub(in super::super) fn detection(rule: &str, level: RuleLevel, host: &str, second: i64) -> Detection {
        let at = Timestamp::from_second(1_714_417_800 + second).unwrap();
        Detection {
            rule: RuleIdentity {
                id: rule.into(),
                title: format!("Rule {rule}"),
                title_vi: format!("Luật {rule}"),
                level,
                tags: vec!["attack.execution".into(), "attack.t1059.001".into()],
            },
            entity: Entity {
                kind: EntityKind::Host,
                name: host.into(),
            },
            event: 1,
            contributing: vec![],
            happened_at: at,
            received_at: at,
            source: SourceId::new("sweep"),
            host: Some(host.into()),
            matched: vec![],
            summary: "whoami /all".into(),
            found_by: FoundBy::Stream,
            exercise: false,
        }
    }

    pub(in super::super) fn summary() -> Summary {
        let mut summary = Summary {
            files: 2,
            bytes: 70_000,
            records: 40,
            events: 39,
            ..Summary::default()
        };
        for (rule, level, host, second) in [
            ("lsass-read", RuleLevel::High, "pc-07", 60),
            ("whoami", RuleLevel::Medium, "pc-07", 30),
            ("whoami", RuleLevel::Medium, "fs01", 10),
        ] {
            let detection = detection(rule, level, host, second);
            summary.add(&Finding {
                detection: &detection,
                file: "a.evtx",
                place: "record 1",
            });
        }
        summary.problems.unknown_files.push("photo.jpg".into());
        summary.problems.in_events.insert(ProblemKind::GuessedTime, 4);
        summary
    }

    #[test]
    fn findings_are_gathered_by_rule_host_and_technique() {
        let summary = summary();
        let rules: Vec<_> = summary
            .rules_by_weight()
            .iter()
            .map(|found| (found.rule.id.as_str(), found.count))
            .collect();
        assert_eq!(rules, [("lsass-read", 1), ("whoami", 2)]);
        let hosts: Vec<_> = summary
            .hosts_by_weight()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(hosts, ["pc-07", "fs01"]);
        assert_eq!(summary.techniques["T1059.001"].0, 3);
        assert_eq!(summary.of_level(RuleLevel::Medium), (2, 1));
    }
}
