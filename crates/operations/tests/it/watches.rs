//! A watch from its dispatch to its end, and a year of them.

use std::collections::HashMap;

use compact_str::CompactString;
use jiff::{SignedDuration, ToSpan as _, civil::date};
use model::{
    Change, Directive, Entropy, Finding, Id, Kept, Measurement, Question, Rejected, Role, Scope, Source, SourceHealth,
    SourceId, Timestamp, TrendPoint, User, Waiver, Watch,
};
use operations::{
    Step,
    directives::{self, Draft as Letter},
    watches::{self, Facts, Ground, Phase, Seen, Standing, Verification},
};

use crate::{
    content::{catalogue, controls},
    deadlines::user,
};

/// What a ledger would keep, and the people who work.
#[derive(Default)]
struct Memory {
    directives: Vec<Directive>,
    watches: Vec<Watch>,
    waivers: Vec<Waiver>,
    questions: Vec<Question>,
    measurements: HashMap<CompactString, (Measurement, Vec<TrendPoint>)>,
    kept: usize,
}

fn keep<T: Kept>(all: &mut Vec<T>, noun: &model::Noun) {
    if let Some(read) = noun.read::<T>() {
        match all.iter_mut().find(|known| known.key() == read.key()) {
            Some(known) => {
                assert_eq!(read.revision(), known.revision() + 1);
                *known = read;
            }
            None => all.push(read),
        }
    }
}

impl Memory {
    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::PutNoun { noun } = change {
                keep(&mut self.directives, &noun);
                keep(&mut self.watches, &noun);
                keep(&mut self.waivers, &noun);
                keep(&mut self.questions, &noun);
            } else if let Change::AddMeasurements { measurements } = change {
                self.kept += measurements.len();
                let last = measurements
                    .into_iter()
                    .map(|one| (one.control.clone(), (one, Vec::new())));
                self.measurements.extend(last);
            } else {
                panic!("{change:?}");
            }
        }
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            measurements: &self.measurements,
            waivers: &self.waivers,
            questions: &self.questions,
        }
    }

    fn stands(&self, watch: usize, now: Timestamp) -> Vec<(String, Standing)> {
        watches::standing(&self.watches[watch], self.seen(), now)
            .iter()
            .map(|one| (one.requirement.requirement.key.to_string(), one.standing))
            .collect()
    }
}

fn at(text: &str) -> Timestamp {
    format!("{text}:00+07:00").parse().unwrap()
}

fn entropy(n: u8) -> Entropy {
    Entropy([n; 16])
}

fn source(name: &str, silent: bool, now: Timestamp) -> Source {
    Source {
        id: SourceId::new(name),
        first_heard: now,
        last_heard: now,
        account: model::LossAccount::default(),
        health: SourceHealth {
            expected_per_hour: None,
            ordinary_gap_seconds: None,
            silent_since: silent.then_some(now),
            rhythm: model::Rhythm::default(),
        },
        recent_problems: Vec::new(),
    }
}

/// Everything as it should be, but for the roster, which nobody keeps.
fn measure(memory: &mut Memory, sources: &[Source], now: Timestamp) {
    let sound = Verification {
        at: now,
        population: 40,
        broken: Vec::new(),
    };
    let readiness = watches::Readiness::default();
    let facts = Facts {
        now,
        sources,
        rules: 90,
        rules_refused: &[],
        alerts: &[],
        acknowledge_minutes: Some(10),
        silences: &[],
        silences_outgrown: &[],
        deadlines: &[],
        gaps: None,
        messages: 0,
        messages_dead: &[],
        last_exercise: Some(now - SignedDuration::from_hours(24 * 30)),
        readiness: &readiness,
        ledger: Some(&sound),
        lake: Some(&sound),
    };
    let known = controls();
    let measured = watches::measure(&known, &facts)
        .into_iter()
        .filter(|measurement| {
            let control = known.iter().find(|control| control.id == measurement.control).unwrap();
            let last = memory.measurements.get(&measurement.control).map(|(last, _)| last);
            watches::worth_keeping(measurement, last, control)
        })
        .collect();
    memory.apply(vec![Change::AddMeasurements { measurements: measured }]);
}

fn open(memory: &mut Memory, lead: &User, (from, until, now): (Timestamp, Timestamp, Timestamp), n: u8) {
    let scope = Scope::of_session(lead);
    let directive = memory.directives.last().unwrap().clone();
    let draft = watches::Draft {
        name: format!("Đợt {n}"),
        from,
        until,
        people_min: 2,
        acknowledge_minutes: 10,
        directives: vec![(&directive, Vec::new())],
        lead: lead.id,
    };
    let decision = watches::open(&draft, Step { scope: &scope, at: now }, entropy(n)).unwrap();
    memory.apply(decision.changes);
}

fn register(memory: &mut Memory, clerk: &User, id: &str, now: Timestamp, n: u8) {
    let scope = Scope::of_session(clerk);
    let entry = &catalogue()[id];
    let letter = Letter::of_catalogue(entry, entry.issued_on);
    let decision = directives::register(letter, Step { scope: &scope, at: now }, entropy(n)).unwrap();
    memory.apply(decision.changes);
}

/// The people of the story: who leads, who is on duty, who heads the unit.
fn people() -> (User, User, User) {
    (
        user(1, Role::ShiftLead),
        user(2, Role::DutyOfficer),
        user(3, Role::Administrator),
    )
}

#[test]
fn the_dispatch_of_17_april_becomes_a_watch_that_shows_what_holds() {
    let mut memory = Memory::default();
    let (lead, _, head) = people();
    before_the_watch(&mut memory, &lead);
    the_night_of_30_april(&mut memory);
    let heads = Scope::of_session(&head);
    let step = Step {
        scope: &heads,
        at: at("2024-05-08T08:00"),
    };
    let closing = watches::close(&memory.watches[0], "Không có sự cố", step).unwrap();
    memory.apply(closing.changes);
    assert_eq!(watches::phase(&memory.watches[0], step.at), Phase::Closed);
    assert!(watches::close(&memory.watches[0], "lại", step).is_err());
}

fn before_the_watch(memory: &mut Memory, lead: &User) {
    register(memory, lead, "1465-btttt-2024", at("2024-04-17T09:00"), 1);
    let (from, until) = (at("2024-04-27T00:00"), at("2024-05-08T00:00"));
    open(memory, lead, (from, until, at("2024-04-18T08:00")), 2);
    assert_eq!(watches::phase(&memory.watches[0], at("2024-04-26T23:59")), Phase::Ahead);
    assert_eq!(watches::phase(&memory.watches[0], from), Phase::Running);
    assert_eq!(watches::phase(&memory.watches[0], until), Phase::Over);

    // Before anything is measured or answered, nothing is green.
    let start = memory.stands(0, at("2024-04-18T08:00"));
    assert!(
        start.iter().all(|(_, stands)| *stands == Standing::Unknown),
        "{start:?}"
    );

    // The preflight makes tasks of what is missing, once.
    let now = at("2024-04-20T08:00");
    measure(
        memory,
        &[source("syslog/a", false, now), source("syslog/b", true, now)],
        now,
    );
    let known = controls();
    let ground = Ground {
        directives: &memory.directives,
        measurements: &memory.measurements,
        controls: &known,
        staffing: None,
        reached: None,
        today: date(2024, 4, 20),
        now,
    };
    let checks = watches::preflight(&memory.watches[0], ground);
    let missing: Vec<&str> = checks
        .iter()
        .filter(|check| check.standing != Standing::Holds)
        .map(|check| check.key.as_str())
        .collect();
    assert_eq!(
        missing,
        [
            "duty.coverage",
            "sources.reporting",
            "duty.staffing",
            "duty.reached",
            "backups.drilled",
            "plans.rehearsed",
            "contacts",
            "owners"
        ]
    );
    let scope = Scope::of_session(lead);
    let step = Step { scope: &scope, at: now };
    let decision = watches::make_tasks(&memory.watches[0], &checks, step).unwrap();
    memory.apply(decision.changes);
    let tasks = &memory.watches[0].tasks;
    let due = at("2024-04-26T00:00");
    assert_eq!(tasks.len(), 8);
    assert!(
        tasks
            .iter()
            .all(|task| (task.owner, task.due_at) == (Some(lead.id), due))
    );
    assert!(watches::make_tasks(&memory.watches[0], &checks, step).is_err());
}

/// At 02:10 the second source is silent, one question is answered, one requirement is waived.
fn the_night_of_30_april(memory: &mut Memory) {
    let now = at("2024-04-30T02:10");
    measure(
        memory,
        &[source("syslog/a", false, now), source("syslog/b", true, now)],
        now,
    );
    answer_and_waive(memory, now);
    let stands: HashMap<String, Standing> = memory.stands(0, now).into_iter().collect();
    for (key, standing) in [
        ("1.1", Standing::Unknown),
        ("1.2", Standing::FallsShort),
        ("1.4", Standing::Holds),
        ("1.6", Standing::Waived),
        ("2.2", Standing::FallsShort),
        ("3.1", Standing::Unknown),
    ] {
        assert_eq!(stands[key], standing, "{key}");
    }

    // The source comes back; the answer and the waiver run out; when measuring stops, everything is stale.
    let now = at("2024-04-30T02:40");
    measure(
        memory,
        &[source("syslog/a", false, now), source("syslog/b", false, now)],
        now,
    );
    assert_eq!(memory.stands(0, now)[1].1, Standing::Holds);
    assert_eq!(memory.stands(0, at("2024-04-30T03:10"))[1].1, Standing::Stale);
    assert_eq!(memory.stands(0, at("2024-05-01T02:10"))[3].1, Standing::Stale);
    assert_eq!(memory.stands(0, at("2024-05-02T00:00"))[5].1, Standing::Unknown);
}

fn answer_and_waive(memory: &mut Memory, now: Timestamp) {
    let (_, officer, head) = people();
    let hunting = |memory: &Memory| {
        let asked = memory.questions.iter().find(|one| one.words.en.contains("hunted"));
        asked.unwrap().clone()
    };
    let scope = Scope::of_session(&officer);
    let step = Step { scope: &scope, at: now };
    let not_asked = watches::answer(&hunting(memory), true, "xong", step);
    assert!(matches!(not_asked, Err(Rejected::NotNow(_))));
    let handed = watches::hand_to(&hunting(memory), officer.id, step).unwrap();
    memory.apply(handed.changes);
    let words = "THOR Lite trên 42 máy chủ, 310 máy trạm; sạch";
    let answered = watches::answer(&hunting(memory), true, words, step).unwrap();
    memory.apply(answered.changes);

    let why = ("IRLab đã thay bằng nền tảng khác", at("2024-05-02T00:00"));
    let asked = watches::ask(&memory.watches[0], 6, why, step, entropy(7)).unwrap();
    memory.apply(asked.changes);
    let waiver = memory.waivers[0].clone();
    assert_eq!(watches::decide(&waiver, None, step), Err(Rejected::NotAllowed));
    let heads = Scope::of_session(&head);
    let granted = watches::decide(&waiver, None, Step { scope: &heads, at: now }).unwrap();
    memory.apply(granted.changes);
}

#[test]
fn whoever_asked_for_a_waiver_cannot_grant_it() {
    let mut memory = Memory::default();
    let lead = user(1, Role::Administrator);
    let now = at("2024-04-20T08:00");
    register(&mut memory, &lead, "1465-btttt-2024", now, 1);
    open(
        &mut memory,
        &lead,
        (at("2024-04-27T00:00"), at("2024-05-02T00:00"), now),
        2,
    );
    let scope = Scope::of_session(&lead);
    let step = Step { scope: &scope, at: now };
    let asked = watches::ask(&memory.watches[0], 1, ("vì", at("2024-05-01T00:00")), step, entropy(3)).unwrap();
    memory.apply(asked.changes);
    assert!(matches!(
        watches::decide(&memory.waivers[0], None, step),
        Err(Rejected::NotNow(_))
    ));
    for (reason, until) in [
        ("", at("2024-05-01T00:00")),
        ("vì", now),
        ("vì", at("2025-05-01T00:00")),
    ] {
        assert!(watches::ask(&memory.watches[0], 1, (reason, until), step, entropy(3)).is_err());
    }
}

#[test]
fn a_year_of_watches_is_measured_every_hour_and_never_green_without_proof() {
    let mut memory = Memory::default();
    let lead = user(1, Role::ShiftLead);
    let mut now = at("2026-01-01T00:00");
    register(&mut memory, &lead, "1465-btttt-2024", now, 1);
    for month in 0..12 {
        let from = now + SignedDuration::from_hours(24 * 20);
        open(
            &mut memory,
            &lead,
            (from, from + SignedDuration::from_hours(24 * 8), now),
            month + 2,
        );
        let sources = [source("syslog/a", month % 3 == 0, now)];
        for hour in 0..(24 * 30) {
            now = now.checked_add(1.hours()).unwrap();
            measure(&mut memory, &sources, now);
            if hour % 24 == 0 {
                let stands = memory.stands(usize::from(month), now);
                let silent = stands.iter().find(|(key, _)| key == "1.2").unwrap();
                let expected = if month % 3 == 0 {
                    Standing::FallsShort
                } else {
                    Standing::Holds
                };
                assert_eq!(silent.1, expected);
                assert!(
                    stands
                        .iter()
                        .filter(|(key, _)| key == "1.3")
                        .all(|(_, standing)| *standing == Standing::Unknown)
                );
            }
        }
    }
    assert!(memory.kept > 70_000, "{}", memory.kept);
    let acknowledged = &memory.measurements["alerts.acknowledge_time"].0;
    assert_eq!((acknowledged.finding, acknowledged.population), (Finding::Holds, 0));
    assert_eq!(acknowledged.query_hash.len(), 64);
    assert_eq!(memory.watches.len(), 12);
    assert_eq!(
        Id::<Watch>::from_bits(memory.watches[0].id.bits()),
        memory.watches[0].id
    );
}

#[test]
fn a_letter_s_file_is_named_by_its_hash_and_a_contact_is_confirmed_once_a_day() {
    let file = directives::letter_file("C:\\thư\\Công văn\u{202e}.pdf", b"abc").unwrap();
    assert_eq!(
        file.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert!(file.name.starts_with("Công văn") && file.bytes == 3);
    assert!(directives::letter_file("x", b"").is_err());
    assert_eq!(directives::letter_file(&"é".repeat(300), b"x").unwrap().name.len(), 200);
}
