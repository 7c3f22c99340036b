//! Nouns that are kept alike, and measurements: revisions, pages, verification, retention.

use jiff::ToSpan as _;
use ledger::{ApplyError, Flaw, NounFilter, PageAt, ReadError};
use model::{Bound, Change, Finding, Kept, Measurement, NounIndex, Permission, Role, Scope, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::world::{World, at, person, post, triage};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Letter {
    number: String,
    state: String,
    owner: Option<String>,
    due_at: Option<Timestamp>,
    revision: u64,
}

impl Kept for Letter {
    const KIND: &'static str = "letter";
    const READ: Permission = Permission::ReadLedger;

    fn key(&self) -> String {
        self.number.clone()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: self.state.as_str().into(),
            owner: self.owner.as_deref().map(Into::into),
            parent: Some("files".into()),
            due_at: self.due_at,
        }
    }
}

/// Another noun under the same table, with keys that letters have too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stamp(String);

impl Kept for Stamp {
    const KIND: &'static str = "stamp";
    const READ: Permission = Permission::ReadAlerts;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.0.clone()
    }

    fn revision(&self) -> u64 {
        1
    }

    fn index(&self) -> NounIndex {
        NounIndex::default()
    }
}

fn letter(number: &str, state: &str, due: Option<i64>) -> Letter {
    Letter {
        number: number.to_owned(),
        state: state.to_owned(),
        owner: Some(format!("owner of {number}")),
        due_at: due.map(at),
        revision: 1,
    }
}

fn numbers(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.number.as_str()).collect()
}

#[test]
fn the_second_of_two_editors_is_told_and_nothing_is_overwritten() {
    let mut world = World::new();
    let lan = world.user("lan", Role::ShiftLead);
    let first = letter("202/TTCNTT&TT-QTHT", "open", Some(5));
    world
        .put(person(&lan), "letter.register", vec![Change::put(&first)])
        .unwrap();
    let mut closed = Letter {
        revision: 2,
        ..first.clone()
    };
    closed.state = "closed".to_owned();
    let number = world
        .put(person(&lan), "letter.close", vec![Change::put(&closed)])
        .unwrap()
        .entry
        .unwrap()
        .number;
    let mut late = closed.clone();
    late.state = "lost".to_owned();
    assert_eq!(
        world.put(person(&lan), "letter.close", vec![Change::put(&late)]),
        Err(ApplyError::Conflict {
            subject: "letter:202/TTCNTT&TT-QTHT".to_owned()
        })
    );
    assert_eq!(
        world.ledger.kept::<Letter>(&post(), "202/TTCNTT&TT-QTHT").unwrap(),
        Some(closed.clone())
    );
    let history = world
        .ledger
        .kept_history::<Letter>(&post(), "202/TTCNTT&TT-QTHT")
        .unwrap();
    let actions: Vec<_> = history.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(actions, ["letter.close", "letter.register"]);
    assert_eq!(
        world
            .ledger
            .kept_change::<Letter>(&post(), number, "202/TTCNTT&TT-QTHT")
            .unwrap(),
        Some((Some(first), closed))
    );
}

#[test]
fn nouns_are_found_by_state_owner_parent_and_time_and_paged_to_the_end() {
    let world = World::new();
    let letters: Vec<Letter> = (0..7)
        .map(|n| {
            letter(
                &format!("{n}"),
                if n % 2 == 0 { "open" } else { "closed" },
                (n != 6).then_some(100 - n),
            )
        })
        .collect();
    let changes = letters.iter().map(Change::put).chain([Change::put(&Stamp("3".into()))]);
    world.put(triage(), "letters.import", changes.collect()).unwrap();
    let ledger = &world.ledger;
    let all = ledger.all_kept::<Letter>(&post(), &NounFilter::default()).unwrap();
    assert_eq!(
        numbers(&all),
        ["5", "4", "3", "2", "1", "0", "6"],
        "due first; without a time last"
    );
    let open = NounFilter::in_state("open");
    assert_eq!(
        numbers(&ledger.all_kept::<Letter>(&post(), &open).unwrap()),
        ["4", "2", "0", "6"]
    );
    assert_eq!(ledger.count_kept::<Letter>(&post(), &open).unwrap(), 4);
    let due = NounFilter {
        states: vec!["open".into(), "closed".into()],
        due_before: Some(at(97)),
        ..NounFilter::of_parent("files")
    };
    assert_eq!(numbers(&ledger.all_kept::<Letter>(&post(), &due).unwrap()), ["5", "4"]);
    let hers = ledger
        .all_kept::<Letter>(&post(), &NounFilter::of_owner("owner of 2"))
        .unwrap();
    assert_eq!(numbers(&hers), ["2"]);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let at = PageAt {
            cursor: cursor.as_deref(),
            limit: 3,
        };
        let page = ledger.kept_page::<Letter>(&post(), &NounFilter::default(), at).unwrap();
        seen.extend(page.items.into_iter().map(|letter| letter.number));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(ledger.kept::<Stamp>(&post(), "3").unwrap(), Some(Stamp("3".into())));
}

#[test]
fn a_noun_is_read_with_its_permission_and_never_under_a_taken_name() {
    let mut world = World::new();
    let officer = world.user("minh", Role::DutyOfficer);
    let scope = Scope::of_session(&officer);
    assert_eq!(
        world.ledger.kept::<Letter>(&scope, "1"),
        Err(ReadError::NotAllowed(Permission::ReadLedger))
    );
    for (kind, key) in [("alert", "1"), ("", "1"), ("a:b", "1"), ("letter", "")] {
        let mut noun = model::Noun::of(&letter("1", "open", None));
        noun.kind = kind.into();
        noun.key = key.into();
        let change = Change::PutNoun { noun: Box::new(noun) };
        let refused = world.put(triage(), "letter.register", vec![change]);
        assert!(matches!(refused, Err(ApplyError::Store(_))), "{kind}:{key}");
    }
}

fn measured(control: &str, second: i64, value: f64) -> Measurement {
    let bound = Bound::AtMost(10.0);
    Measurement {
        control: control.into(),
        at: at(second),
        window_from: at(second - 60),
        value: Some(value),
        unit: Unit::Count,
        bound,
        population: 12,
        failed: vec!["source/a".into()],
        failed_count: 1,
        query: "sources silent".into(),
        query_hash: "00".repeat(32),
        finding: if bound.holds(value) {
            Finding::Holds
        } else {
            Finding::FallsShort
        },
        note: None,
        expires_at: at(second).checked_add(10.minutes()).unwrap(),
    }
}

/// Three batches, an hour apart.
fn with_measurements() -> World {
    let world = World::new();
    for n in 0..3 {
        let value = f64::from(8 + i32::try_from(n).unwrap() * 2);
        let measurements = vec![measured("sources", n * 3600, value), measured("rules", n * 3600, 1.0)];
        let change = Change::AddMeasurements { measurements };
        world.put(triage(), "watch.measure", vec![change]).unwrap();
    }
    world
}

#[test]
fn measurements_are_found_by_control_and_time_with_their_trend() {
    let world = with_measurements();
    let standing = world
        .ledger
        .measurements_standing(&post(), &["rules", "nothing", "sources"], Timestamp::MAX, 2)
        .unwrap();
    let read: Vec<_> = standing
        .iter()
        .map(|(last, trend)| {
            (
                last.control.as_str(),
                last.finding,
                trend.iter().map(|p| p.value.unwrap()).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("rules", Finding::Holds, vec![1.0, 1.0]),
            ("sources", Finding::FallsShort, vec![10.0, 12.0])
        ]
    );
    let times = (at(0), at(3600));
    let between = world.ledger.measurements(&post(), "sources", times, 10).unwrap();
    assert_eq!(between, [measured("sources", 3600, 10.0), measured("sources", 0, 8.0)]);
    let days = world.ledger.trend_by_day(&post(), "sources", at(0)).unwrap();
    assert_eq!(days.len(), 2, "22:13 and 23:13 of one day, 00:13 of the next");
    assert_eq!(
        (days[0].finding, days[1].finding),
        (Finding::Holds, Finding::FallsShort)
    );
}

#[test]
fn what_was_measured_verifies_and_old_batches_are_forgotten_openly() {
    let world = with_measurements();
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!((verified.broken, verified.measurements), (None, 6));
    let forget = Change::ForgetMeasurements { before: at(3600) };
    world.put(triage(), "watch.forget", vec![forget]).unwrap();
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!((verified.broken, verified.measurements), (None, 4));
    assert!(
        world
            .ledger
            .measurements(&post(), "rules", (at(0), at(60)), 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn each_way_of_changing_nouns_and_measurements_is_found_at_the_entry_that_wrote_it() {
    let cases = [
        ("UPDATE measurement SET value = 1 WHERE entry = 2 AND ordinal = 0", 2),
        ("UPDATE measurement SET finding = 'holds' WHERE entry = 3", 3),
        ("UPDATE measurement SET at_us = at_us + 1 WHERE entry = 1", 1),
        (
            "UPDATE measurement SET body = replace(body, '12', '13') WHERE entry = 2",
            2,
        ),
        ("DELETE FROM measurement WHERE entry = 1", 1),
        ("DELETE FROM measurement WHERE entry = 2 AND ordinal = 1", 2),
        ("UPDATE noun SET body = replace(body, 'open', 'shut')", 4),
        ("DELETE FROM noun", 4),
        ("UPDATE noun SET id = '2'", 4),
    ];
    for (sql, number) in cases {
        let world = with_measurements();
        let change = Change::put(&letter("1", "open", None));
        world.put(triage(), "letter.register", vec![change]).unwrap();
        assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
        world.meddle(sql);
        let broken = world.ledger.verify(&post(), &[]).unwrap().broken;
        let broken = broken.unwrap_or_else(|| panic!("{sql}"));
        assert_eq!(broken.number, number, "{sql}");
        if sql.contains("measurement") {
            assert_eq!(broken.flaw, Flaw::MeasurementsDiffer, "{sql}");
        }
    }
}
