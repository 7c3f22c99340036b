//! Incidents: tables of what the plan says and what the states allow, and random lives in which nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use model::{
    Alert, AlertKey, AlertLink, AlertOrigin, AlertState, Change, Criteria, Decision, Entity, EntityKind, Hit, Id,
    Incident, IncidentCounter, IncidentKind, IncidentNote, IncidentOrigin, IncidentTask, Kept, Noun, Observable,
    ObservableKind, Outcome, Phase, Rejected, Role, RuleIdentity, RuleLevel, Severity, SourceId, TimelineEntry,
    Timestamp, Urgency,
};
use operations::{
    Step,
    incidents::{
        self, Advance, Chosen, Draft, Edit, Gathered, Links, NewEntry, NewObservable, NewTask, Numbering, Pair,
    },
};
use proptest::prelude::*;

use crate::memory::{at, detection, entropy, scope, user};

const NATIONAL: &str = include_str!("../../../../content/incidents/vietnam.toml");

fn alert(n: u64, (rule, about): (&str, &str), host: Option<&str>, tags: &[&str], second: i64) -> Alert {
    Alert {
        id: Id::from_bits(u128::from(n)),
        key: AlertKey {
            rule: rule.into(),
            entity: Entity {
                kind: EntityKind::User,
                name: about.into(),
            },
            exercise: false,
        },
        origin: AlertOrigin::Rule,
        rule: RuleIdentity {
            id: rule.into(),
            title: format!("rule {rule}"),
            title_vi: String::new(),
            level: RuleLevel::High,
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
        },
        state: AlertState::New,
        assignee: None,
        detections: 1,
        hidden: 0,
        detail_cut: 0,
        urgency: Urgency::default(),
        first_seen: at(second),
        last_seen: at(second + 1),
        opened_at: at(second + 2),
        last_event: n,
        source: SourceId::new("dc"),
        host: host.map(Into::into),
        summary: String::new(),
        previous: None,
        revision: 1,
    }
}

fn opened(draft: &Draft, alerts: &[Alert], second: i64) -> Incident {
    let scope = scope(1);
    let step = Step {
        scope: &scope,
        at: at(second),
    };
    let links = Links { alerts, standing: &[] };
    let numbering = Numbering {
        year: 2026,
        counter: None,
    };
    incidents::open(draft, links, numbering, step, entropy(7))
        .unwrap()
        .incident
}

#[test]
fn an_incident_from_alerts_fills_itself_in() {
    let alerts = [
        alert(
            1,
            ("phish", "an.nv"),
            Some("pc-17"),
            &["attack.initial_access", "attack.t1566.001"],
            100,
        ),
        alert(
            2,
            ("encrypt", "an.nv"),
            Some("pc-17"),
            &["attack.impact", "attack.t1486"],
            500,
        ),
    ];
    let incident = opened(&Draft::from(IncidentOrigin::Alerts), &alerts, 900);
    assert_eq!(incident.number, "SC-2026-0001");
    assert_eq!(incident.title, "rule phish – an.nv");
    assert_eq!(incident.kind, IncidentKind::Encryption);
    assert_eq!(incident.severity, Severity::High);
    assert_eq!((incident.began_at, incident.detected_at), (Some(at(100)), at(102)));
    let assets: Vec<&str> = incident.assets.iter().map(|asset| asset.name.as_str()).collect();
    assert_eq!(assets, ["pc-17", "an.nv"]);
}

#[test]
fn an_alert_belongs_to_one_incident() {
    let alerts = [alert(1, ("a", "x"), None, &[], 0)];
    let incident = opened(&Draft::from(IncidentOrigin::Alerts), &alerts, 10);
    let elsewhere = AlertLink {
        alert: alerts[0].id,
        incident: Some(Id::from_bits(99)),
        linked_at: at(1),
        by: incident.opened_by.clone(),
        detections_taken: 0,
        steps_taken: 0,
        revision: 3,
    };
    let scope = scope(1);
    let step = Step {
        scope: &scope,
        at: at(20),
    };
    let links = |standing| Links {
        alerts: &alerts,
        standing,
    };
    assert!(matches!(
        incidents::link(&incident, links(std::slice::from_ref(&elsewhere)), step),
        Err(Rejected::NotNow(_))
    ));
    let mut rehearsed = alerts.clone();
    rehearsed[0].key.exercise = true;
    let mixed = Links {
        alerts: &rehearsed,
        standing: &[],
    };
    assert!(matches!(
        incidents::link(&incident, mixed, step),
        Err(Rejected::NotNow(_))
    ));
}

#[test]
fn states_follow_each_other_and_a_real_incident_closes_only_when_recovered() {
    let scope = scope(1);
    let close = |outcome| Advance::Close {
        outcome,
        cause: "mật khẩu yếu".to_owned(),
    };
    let steps: [(Advance, bool); 11] = [
        (Advance::Eradicate, false),
        (close(Outcome::Real), false),
        (Advance::Reopen, false),
        (Advance::Contain, true),
        (Advance::Confirm, false),
        (close(Outcome::Real), false),
        (Advance::Eradicate, true),
        (Advance::Recover, true),
        (close(Outcome::Real), true),
        (Advance::Recover, false),
        (Advance::Reopen, true),
    ];
    let mut incident = opened(
        &Draft {
            title: "x".to_owned(),
            ..Draft::from(IncidentOrigin::Hand)
        },
        &[],
        10,
    );
    for (n, (to, possible)) in steps.into_iter().enumerate() {
        let step = Step {
            scope: &scope,
            at: at(20 + i64::try_from(n).unwrap()),
        };
        let outcome = incidents::advance(&incident, &to, step.at, "đã kiểm tra", step);
        assert_eq!(outcome.is_ok(), possible, "{to:?} from {}", incident.state.as_str());
        if let Ok(decision) = outcome {
            incident = read::<Incident>(&decision).pop().unwrap();
        }
    }
    assert_eq!(incident.marks.contained, incident.marks.confirmed);
    assert_eq!(incident.marks.closed, None);
    let spans = incidents::spans(&incident);
    assert_eq!((spans.contain, spans.recover), (Some(13), Some(17)));
}

fn read<T: Kept>(decision: &Decision) -> Vec<T> {
    decision
        .changes
        .iter()
        .filter_map(|change| {
            let Change::PutNoun { noun } = change else {
                panic!("{change:?}");
            };
            noun.read::<T>()
        })
        .collect()
}

fn told(plan: &incidents::Plan, criteria: Criteria, day: jiff::civil::Date) -> String {
    let draft = Draft {
        title: "x".to_owned(),
        ..Draft::from(IncidentOrigin::Hand)
    };
    let mut incident = opened(&draft, &[], 10);
    incident.criteria = criteria;
    let proposal = incidents::propose(&incident, plan, day);
    let class = proposal
        .class
        .map(|class| format!("{} {:?}", class.rule.id, class.open_questions));
    let clocks: Vec<String> = proposal
        .clocks
        .iter()
        .map(|clock| {
            let runs = if clock.starts_at.is_some() { "" } else { " later" };
            let unsure = if clock.uncertain { " perhaps" } else { "" };
            format!("{}{runs}{unsure}", clock.rule.deadline)
        })
        .collect();
    format!(
        "{} {:?}: {}",
        class.unwrap_or_default(),
        proposal.severity,
        clocks.join(", ")
    )
}

#[test]
fn the_national_plan_proposes_class_severity_and_clocks() {
    let plan = incidents::Plan::read("vietnam.toml", NATIONAL).unwrap();
    let grave = Criteria {
        system_level: Some(4),
        nationally_important: Some(false),
        hits: BTreeSet::from([Hit::SecretsMayLeak]),
        controls_alone: Some(false),
        personal_data: Some(false),
        bank: Some(true),
    };
    let of_level_2 = Criteria {
        system_level: Some(2),
        ..grave.clone()
    };
    let alone = Criteria {
        controls_alone: Some(true),
        ..grave.clone()
    };
    let important = |nationally_important| Criteria {
        nationally_important,
        ..of_level_2.clone()
    };
    let today = date(2026, 11, 25);
    let cases = [
        told(&plan, Criteria::default(), today),
        told(&plan, grave.clone(), today),
        told(&plan, grave, date(2020, 1, 1)),
        told(&plan, alone, today),
        told(&plan, of_level_2.clone(), today),
        told(&plan, important(None), today),
        told(&plan, important(Some(true)), today),
    ];
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn a_wrong_plan_is_refused_with_its_place() {
    let cases = [
        ("[[class]]\nid = 3", ":2: "),
        (
            "[[clock]]\ndeadline = \"x\"\nwhat = { vi = \"a\", en = \"b\" }\nstarts = \"detected\"\nclass = \"no\"\neffective_from = \"2020-01-01\"",
            "no class",
        ),
        (
            "[[class]]\nid = \"a\"\nname = { vi = \"a\", en = \"b\" }\nlevels = [9]\nsource = \"\"\nconfirmed = true\neffective_from = \"2020-01-01\"",
            "1 to 5",
        ),
    ];
    for (text, expected) in cases {
        let error = incidents::Plan::read("p.toml", text).unwrap_err().to_string();
        assert!(error.contains(expected) && error.starts_with("p.toml:"), "{error}");
    }
}

#[test]
fn alerts_that_share_things_and_follow_each_other_are_proposed_as_one() {
    let alerts = [
        alert(1, ("mail", "an.nv"), None, &["attack.initial_access"], 0),
        alert(2, ("macro", "an.nv"), Some("PC-17"), &["attack.execution"], 600),
        alert(3, ("dump", "pc-17"), Some("pc-17"), &["attack.credential-access"], 1200),
        // Another machine, and the same one days later.
        alert(4, ("scan", "pc-90"), Some("pc-90"), &["attack.discovery"], 700),
        alert(
            5,
            ("scan", "pc-17"),
            Some("pc-17"),
            &["attack.discovery"],
            1200 + 40 * 3600,
        ),
        // Twice the same rule is one noisy rule, not a chain.
        alert(6, ("noise", "pc-50"), None, &[], 10),
        alert(7, ("noise", "pc-50"), None, &[], 20),
    ];
    let groups = incidents::propose_groups(&alerts);
    assert_eq!(groups.len(), 1);
    assert_eq!(
        groups[0].alerts.iter().map(|id| id.bits()).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(groups[0].tactics, ["initial-access", "execution", "credential-access"]);
    assert_eq!(groups[0].follows, 2);
    assert_eq!(groups[0].shared, [("an.nv".into(), 2), ("pc-17".into(), 2)]);
}

#[test]
fn what_an_alert_brings_comes_in_once() {
    let alerts = [alert(1, ("a", "x"), Some("h1"), &[], 0)];
    let mut shelf = Shelf::default();
    let incident = shelf.open(&alerts, 10);
    let detections: Vec<_> = (1..=3).map(|n| (n, detection("a", "h1", n))).collect();
    for expected in [true, false] {
        let link: AlertLink = shelf.get(&alerts[0].id.to_string()).unwrap();
        let found = Gathered {
            alert: &alerts[0],
            link: &link,
            detections: &detections,
            steps: &[],
        };
        let decision = incidents::gather(&[found], at(30));
        assert_eq!(decision.is_some(), expected);
        if let Some(decision) = decision {
            shelf.apply(&decision).unwrap();
        }
    }
    let lines: Vec<TimelineEntry> = shelf.all();
    assert_eq!(lines.iter().filter(|line| line.malicious).count(), 3);
    assert!(lines.iter().all(|line| line.incident == incident.id));
}

/// The nouns of a ledger, with its check of revisions.
#[derive(Debug, Default, Clone)]
struct Shelf {
    nouns: BTreeMap<(String, String), Noun>,
    opened: u64,
}

impl Shelf {
    fn apply(&mut self, decision: &Decision) -> Result<(), String> {
        let mut next = self.nouns.clone();
        for change in &decision.changes {
            let Change::PutNoun { noun } = change else {
                panic!("{change:?}");
            };
            let key = (noun.kind.to_string(), noun.key.clone());
            let standing = next.get(&key).map_or(0, |known| known.revision);
            if noun.revision != standing + 1 {
                return Err(format!("{key:?}: {} on {standing}", noun.revision));
            }
            next.insert(key, noun.as_ref().clone());
        }
        self.nouns = next;
        Ok(())
    }

    fn get<T: Kept>(&self, key: &str) -> Option<T> {
        self.nouns.get(&(T::KIND.to_owned(), key.to_owned()))?.read()
    }

    fn all<T: Kept>(&self) -> Vec<T> {
        self.nouns.values().filter_map(Noun::read).collect()
    }

    fn numbering(&self) -> Option<IncidentCounter> {
        self.get("2026")
    }

    fn open(&mut self, alerts: &[Alert], second: i64) -> Incident {
        self.opened += 1;
        let scope = scope(1);
        let step = Step {
            scope: &scope,
            at: at(second),
        };
        let counter = self.numbering();
        let numbering = Numbering {
            year: 2026,
            counter: counter.as_ref(),
        };
        let draft = Draft {
            title: format!("n{}", self.opened),
            ..Draft::from(IncidentOrigin::Hand)
        };
        let links = Links { alerts, standing: &[] };
        let opened = incidents::open(&draft, links, numbering, step, entropy(self.opened)).unwrap();
        self.apply(&opened.decision).unwrap();
        opened.incident
    }

    /// An incident and what it took in.
    fn family(&self, root: &Incident) -> Vec<Incident> {
        incidents::family(root, |id| Ok::<_, ()>(self.get(&id.to_string()))).unwrap()
    }
}

#[derive(Debug, Clone)]
enum Happening {
    Open,
    Add(usize, u8),
    Merge(usize, usize),
    Unmerge(usize),
    Split(usize, u64),
    Advance(usize, u8),
    Undo(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Open),
        6 => (0..8_usize, 0..4_u8).prop_map(|(which, what)| Happening::Add(which, what)),
        3 => (0..8_usize, 0..8_usize).prop_map(|(one, other)| Happening::Merge(one, other)),
        2 => (0..8_usize).prop_map(Happening::Unmerge),
        3 => (0..8_usize, any::<u64>()).prop_map(|(which, choice)| Happening::Split(which, choice)),
        2 => (0..8_usize, 0..6_u8).prop_map(|(which, to)| Happening::Advance(which, to)),
        2 => (0..8_usize).prop_map(Happening::Undo),
    ]
}

/// A life of incidents; everything that was ever added is remembered.
#[derive(Default)]
struct Life {
    shelf: Shelf,
    second: i64,
    drawn: u64,
    added: BTreeSet<(&'static str, String)>,
    /// The last step of each incident: before and after.
    steps: BTreeMap<Id<Incident>, (Incident, Incident)>,
}

impl Life {
    fn live(&mut self, happening: &Happening) {
        self.second += 1;
        self.drawn += 1;
        let scope = scope(1);
        let step = Step {
            scope: &scope,
            at: at(1000 + self.second),
        };
        let incidents: Vec<Incident> = self.shelf.all();
        let pick = |which: usize| incidents.get(which % incidents.len().max(1));
        let before = self.shelf.clone();
        let decision = match happening {
            Happening::Open => {
                let incident = self
                    .shelf
                    .open(&[alert(self.drawn, ("r", "x"), None, &[], 0)], 1000 + self.second);
                assert_eq!(incident.number, format!("SC-2026-{:04}", self.shelf.opened));
                None
            }
            Happening::Add(which, what) => pick(*which).and_then(|incident| self.add(incident, *what, step)),
            Happening::Merge(one, other) => pick(*one).zip(pick(*other)).and_then(|(target, source)| {
                let pair = Pair {
                    target,
                    target_family: self.shelf.family(target).len(),
                    source,
                    source_family: self.shelf.family(source).len(),
                };
                incidents::merge(pair, "", step).ok()
            }),
            Happening::Unmerge(which) => pick(*which).and_then(|target| {
                let source = self.shelf.get(&target.absorbed.first()?.to_string())?;
                incidents::unmerge(target, &source, step).ok()
            }),
            Happening::Split(which, choice) => pick(*which).and_then(|root| self.split(root, *choice, step)),
            Happening::Advance(which, to) => pick(*which).and_then(|incident| {
                let to = match to {
                    0 => Advance::Confirm,
                    1 => Advance::Contain,
                    2 => Advance::Eradicate,
                    3 => Advance::Recover,
                    4 => Advance::Close {
                        outcome: Outcome::Attempted,
                        cause: "c".to_owned(),
                    },
                    _ => Advance::Reopen,
                };
                incidents::advance(incident, &to, step.at, "h", step).ok()
            }),
            Happening::Undo(which) => pick(*which).and_then(|incident| {
                let (before, after) = self.steps.get(&incident.id)?;
                incidents::undo(incident, (before, after), step).ok()
            }),
        };
        if let Some(decision) = decision {
            self.shelf
                .apply(&decision)
                .expect("a decision on what stands is never in conflict");
        }
        self.remember(&before);
    }

    fn add(&self, incident: &Incident, what: u8, step: Step<'_>) -> Option<Decision> {
        let entropy = entropy(self.drawn + 1000);
        match what {
            0 => {
                let new = NewEntry {
                    at: step.at,
                    text: "e".to_owned(),
                    malicious: true,
                    evidence: None,
                };
                incidents::add_entry(incident, &new, step, entropy).ok()
            }
            1 => {
                let standing: Vec<Observable> = self.shelf.all();
                let new = NewObservable {
                    kind: ObservableKind::Address,
                    value: format!("192.0.2.{}", self.drawn),
                    note: String::new(),
                };
                incidents::add_observable(incident, &new, &standing, step, entropy).ok()
            }
            2 => {
                let new = NewTask {
                    title: "t".to_owned(),
                    phase: Phase::Handling,
                    lesson: false,
                    owner: None,
                    due_at: None,
                };
                incidents::add_task(incident, &new, step, entropy).ok()
            }
            _ => incidents::write_note(incident, "n", step, entropy).ok(),
        }
    }

    fn split(&self, root: &Incident, choice: u64, step: Step<'_>) -> Option<Decision> {
        let members = self.shelf.family(root);
        let ids: BTreeSet<Id<Incident>> = members.iter().map(|incident| incident.id).collect();
        let mut bit = 0;
        let mut chosen = |place: Option<Id<Incident>>| {
            bit = (bit + 1) % 64;
            place.is_some_and(|id| ids.contains(&id)) && choice >> bit & 1 == 1
        };
        let chosen = Chosen {
            links: self
                .shelf
                .all::<AlertLink>()
                .into_iter()
                .filter(|link| chosen(link.incident))
                .collect(),
            entries: self
                .shelf
                .all::<TimelineEntry>()
                .into_iter()
                .filter(|entry| chosen(Some(entry.incident)))
                .collect(),
            observables: self
                .shelf
                .all::<Observable>()
                .into_iter()
                .filter(|known| chosen(Some(known.incident)))
                .collect(),
            tasks: self
                .shelf
                .all::<IncidentTask>()
                .into_iter()
                .filter(|task| chosen(Some(task.incident)))
                .collect(),
            notes: self
                .shelf
                .all::<IncidentNote>()
                .into_iter()
                .filter(|note| chosen(Some(note.incident)))
                .collect(),
            evidence: Vec::new(),
        };
        let counter = self.shelf.numbering();
        let numbering = Numbering {
            year: 2026,
            counter: counter.as_ref(),
        };
        let entropy = entropy(self.drawn + 2000);
        incidents::split(&members, &chosen, "split", numbering, (step, entropy))
            .ok()
            .map(|opened| opened.decision)
    }

    fn remember(&mut self, before: &Shelf) {
        for (kind, key) in [
            ("incident_entry", self.keys::<TimelineEntry>()),
            ("incident_observable", self.keys::<Observable>()),
            ("incident_task", self.keys::<IncidentTask>()),
            ("incident_note", self.keys::<IncidentNote>()),
        ]
        .into_iter()
        .flat_map(|(kind, keys)| keys.into_iter().map(move |key| (kind, key)))
        {
            self.added.insert((kind, key));
        }
        self.shelf.opened = self.shelf.numbering().map_or(0, |counter| counter.last);
        for after in self.shelf.all::<Incident>() {
            if let Some(before) = before.get::<Incident>(&after.key())
                && before != after
            {
                self.steps.insert(after.id, (before, after));
            }
        }
    }

    fn keys<T: Kept>(&self) -> Vec<String> {
        self.shelf.all::<T>().iter().map(Kept::key).collect()
    }

    /// What hangs on incidents that stand for themselves, through all that they took in.
    fn reachable(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for root in self
            .shelf
            .all::<Incident>()
            .iter()
            .filter(|incident| incident.state.as_str() != "merged")
        {
            for member in self.shelf.family(root) {
                let of = |place: Id<Incident>| place == member.id;
                found.extend(
                    self.shelf
                        .all::<TimelineEntry>()
                        .iter()
                        .filter(|known| of(known.incident))
                        .map(|known| ("incident_entry", known.key())),
                );
                found.extend(
                    self.shelf
                        .all::<Observable>()
                        .iter()
                        .filter(|known| of(known.incident))
                        .map(|known| ("incident_observable", known.key())),
                );
                found.extend(
                    self.shelf
                        .all::<IncidentTask>()
                        .iter()
                        .filter(|known| of(known.incident))
                        .map(|known| ("incident_task", known.key())),
                );
                found.extend(
                    self.shelf
                        .all::<IncidentNote>()
                        .iter()
                        .filter(|known| of(known.incident))
                        .map(|known| ("incident_note", known.key())),
                );
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_merged_split_and_undone_everything_is_there_once(happenings in prop::collection::vec(happening(), 1..50)) {
        let mut life = Life::default();
        for happening in &happenings {
            life.live(happening);
            let reachable = life.reachable();
            let once: BTreeSet<_> = reachable.iter().cloned().collect();
            prop_assert_eq!(once.len(), reachable.len(), "something is there twice after {:?}", happening);
            prop_assert_eq!(&once, &life.added, "something is lost after {:?}", happening);
        }
    }
}

#[test]
fn an_older_revision_is_refused() {
    let mut shelf = Shelf::default();
    let incident = shelf.open(&[], 10);
    let scope = scope(1);
    let step = Step {
        scope: &scope,
        at: at(20),
    };
    let mut edit = Edit::of(&incident);
    edit.title = "anders".to_owned();
    let decision = incidents::edit(&incident, edit.clone(), step).unwrap();
    shelf.apply(&decision).unwrap();
    edit.title = "zugleich".to_owned();
    assert!(shelf.apply(&incidents::edit(&incident, edit, step).unwrap()).is_err());
    let note = incidents::write_note(&incident, "a", step, entropy(3)).unwrap();
    let note: IncidentNote = read(&note).pop().unwrap();
    assert_eq!(incidents::edit_note(&note, 0, "b", step), Err(Rejected::Outdated));
    assert!(incidents::assign(&incident, &user(1, Role::Viewer), step).is_err());
    let _: Timestamp = incident.detected_at;
}
