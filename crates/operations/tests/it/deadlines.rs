//! Deadlines: when they are due, and that each ends once.

use jiff::{SignedDuration, ToSpan as _, civil::Date, tz::TimeZone};
use model::{Actor, Change, Deadline, DeadlineState, Effect, Entropy, Id, Rejected, Role, Scope, Timestamp, User};
use operations::{
    Step,
    deadlines::{self, Reckoning, Start},
};
use proptest::prelude::*;

use crate::content::{rules, vietnam};

fn hanoi() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn user(number: u128, role: Role) -> User {
    User {
        id: Id::from_bits(number),
        login: format!("user{number}"),
        display_name: format!("Người {number}"),
        role,
        password_hash: String::new(),
        language: "vi".into(),
        created_at: moment("2024-01-01T00:00:00Z"),
        enabled: true,
        revision: 1,
    }
}

fn nouns(changes: &[Change]) -> Vec<Deadline> {
    changes
        .iter()
        .filter_map(|change| {
            let Change::PutNoun { noun } = change else { return None };
            noun.read::<Deadline>()
        })
        .collect()
}

/// Rule, start, due.
const DUE: [(&str, &str, &str); 11] = [
    // 72 hours run on over weekends and holidays.
    (
        "personal-data-breach",
        "2026-04-29T20:00:00+07:00",
        "2026-05-02T20:00:00+07:00",
    ),
    // Five days after the day of detection, to the end of the last.
    (
        "incident-notice",
        "2024-04-30T02:10:00+07:00",
        "2024-05-05T23:59:59+07:00",
    ),
    // Detected at 23:30 in Hanoi, which is still the day before in UTC.
    (
        "incident-notice",
        "2024-04-30T23:30:00+07:00",
        "2024-05-05T23:59:59+07:00",
    ),
    // Five working days over Tết 2026: 16 to 20 February are off, the weekends around them too.
    (
        "bank-completion",
        "2026-02-12T10:00:00+07:00",
        "2026-02-26T23:59:59+07:00",
    ),
    // Over 30 April 2024: Mon 29 counts (its exchange is unconfirmed), Sat 4 May is worked.
    (
        "bank-completion",
        "2024-04-26T10:00:00+07:00",
        "2024-05-06T23:59:59+07:00",
    ),
    (
        "periodic-report",
        "2026-01-10T00:00:00+07:00",
        "2026-06-19T23:59:59+07:00",
    ),
    (
        "periodic-report",
        "2026-06-19T09:00:00+07:00",
        "2026-06-19T23:59:59+07:00",
    ),
    (
        "periodic-report",
        "2026-06-20T09:00:00+07:00",
        "2026-12-14T23:59:59+07:00",
    ),
    (
        "periodic-report",
        "2026-12-15T09:00:00+07:00",
        "2027-06-19T23:59:59+07:00",
    ),
    (
        "hunt-and-scan",
        "2025-08-31T09:00:00+07:00",
        "2026-02-28T23:59:59+07:00",
    ),
    (
        "user-information-urgent",
        "2026-07-01T22:30:00+07:00",
        "2026-07-02T01:30:00+07:00",
    ),
];

#[test]
fn deadlines_are_due_by_hours_days_working_days_dates_and_months() {
    let (zone, calendar, rules) = (hanoi(), vietnam(), rules());
    let working = |day: Date| calendar.is_working(day);
    let by = Reckoning {
        zone: &zone,
        working: &working,
    };
    for (rule, started, due) in DUE {
        let rule = rules.iter().find(|known| known.id == rule).unwrap();
        let found = rule.due_at(moment(started), by).unwrap();
        let found = found
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%dT%H:%M:%S+07:00")
            .to_string();
        assert_eq!(found, due, "{} from {started}", rule.id);
    }
    let old = rules.iter().find(|known| known.id == "takedown").unwrap();
    assert!(!old.in_force(Date::constant(2026, 6, 30)) && old.in_force(Date::constant(2026, 7, 1)));
}

#[test]
fn several_regimes_start_on_one_matter_and_warn_once_each() {
    let (zone, rules) = (hanoi(), rules());
    let working = |_: Date| true;
    let by = Reckoning {
        zone: &zone,
        working: &working,
    };
    let lan = user(1, Role::DutyOfficer);
    let scope = Scope::of_session(&lan);
    let now = moment("2026-04-30T02:30:00+07:00");
    let step = Step { scope: &scope, at: now };
    let chosen: Vec<_> = rules
        .iter()
        .filter(|rule| ["incident-notice", "personal-data-breach", "bank-incident"].contains(&rule.id.as_str()))
        .collect();
    let start = Start {
        rules: &chosen,
        matter: "alert:7",
        at: moment("2026-04-30T02:10:00+07:00"),
        owner: None,
    };
    let decision = deadlines::start(start, by, step, Entropy([3; 16])).unwrap();
    let mut running = nouns(&decision.changes);
    assert_eq!(running.len(), 3);
    assert!(running.iter().all(|deadline| deadline.owner == Some(lan.id)));
    // Nobody looked for 23 hours: the bank's 24 hours warn once, not three times.
    let late = moment("2026-05-01T01:10:00+07:00");
    let ticked = deadlines::tick(&running, late);
    assert_eq!(ticked.notices.len(), 1);
    assert_eq!(ticked.notices[0].rule, deadlines::CLOSE);
    for changed in nouns(&ticked.changes) {
        let place = running.iter_mut().find(|deadline| deadline.id == changed.id).unwrap();
        *place = changed;
    }
    assert_eq!(deadlines::tick(&running, late), deadlines::Ticked::default());
    let refused = Start { rules: &[], ..start };
    assert!(matches!(
        deadlines::start(refused, by, step, Entropy([3; 16])),
        Err(Rejected::Invalid { field: "rule", .. })
    ));
    let ahead = Start {
        at: moment("2026-04-30T02:31:00+07:00"),
        ..start
    };
    assert!(matches!(
        deadlines::start(ahead, by, step, Entropy([3; 16])),
        Err(Rejected::Invalid {
            field: "started_at",
            ..
        })
    ));
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Wait(u32),
    Tick,
    Meet(usize),
    Stop(usize),
    FinishLate(usize),
    HandTo(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0_u32..60_000).prop_map(Move::Wait),
        Just(Move::Tick),
        (0_usize..4).prop_map(Move::Meet),
        (0_usize..4).prop_map(Move::Stop),
        (0_usize..4).prop_map(Move::FinishLate),
        (0_usize..4).prop_map(Move::HandTo),
    ];
    proptest::collection::vec(one, 0..60)
}

fn ended(state: &DeadlineState) -> Option<&'static str> {
    match state {
        DeadlineState::Running => None,
        DeadlineState::Met { .. } => Some("met"),
        DeadlineState::Breached { .. } => Some("breached"),
        DeadlineState::Stopped { .. } => Some("stopped"),
    }
}

proptest! {
    #[test]
    fn every_started_deadline_ends_once_and_is_never_met_late(moves in moves()) {
        let zone = hanoi();
        let rules = rules();
        let working = |_: Date| true;
        let by = Reckoning { zone: &zone, working: &working };
        let lead = user(2, Role::ShiftLead);
        let scope = Scope::of_session(&lead);
        let mut now = moment("2026-08-30T02:30:00+07:00");
        let chosen: Vec<_> = ["takedown-urgent", "takedown", "user-information-urgent", "bank-incident"]
            .iter()
            .map(|id| rules.iter().find(|rule| rule.id == *id).unwrap())
            .collect();
        let start = Start { rules: &chosen, matter: "letter", at: now, owner: None };
        let step = Step { scope: &scope, at: now };
        let mut known = nouns(&deadlines::start(start, by, step, Entropy([9; 16])).unwrap().changes);
        let mut ends = vec![0_u32; known.len()];
        for one in moves {
            let step = Step { scope: &scope, at: now };
            let decided = match one {
                Move::Wait(seconds) => { now += SignedDuration::from_secs(i64::from(seconds)); continue }
                Move::Tick => deadlines::tick(&known, now).changes,
                Move::Meet(n) => deadlines::meet(&known[n], "12/BC", step).map(|d| d.changes).unwrap_or_default(),
                Move::Stop(n) => deadlines::stop(&known[n], "in error", step).map(|d| d.changes).unwrap_or_default(),
                Move::FinishLate(n) => deadlines::finish_late(&known[n], "13/BC", step).map(|d| d.changes).unwrap_or_default(),
                Move::HandTo(n) => deadlines::hand_to(&known[n], Id::from_bits(77), step).map(|d| d.changes).unwrap_or_default(),
            };
            for changed in nouns(&decided) {
                let n = known.iter().position(|deadline| deadline.id == changed.id).unwrap();
                prop_assert_eq!(changed.revision, known[n].revision + 1);
                if ended(&known[n].state) != ended(&changed.state) { ends[n] += 1; }
                if let DeadlineState::Met { at, .. } = &changed.state { prop_assert!(*at <= changed.due_at); }
                known[n] = changed;
            }
        }
        now = now.checked_add(240.hours()).unwrap();
        for changed in nouns(&deadlines::tick(&known, now).changes) {
            let n = known.iter().position(|deadline| deadline.id == changed.id).unwrap();
            ends[n] += 1;
            known[n] = changed;
        }
        prop_assert!(ends.iter().all(|count| *count == 1), "{:?}", ends);
        prop_assert!(known.iter().all(|deadline| ended(&deadline.state).is_some()));
        prop_assert!(deadlines::tick(&known, now).changes.is_empty());
    }
}

#[test]
fn the_post_itself_meets_no_deadline() {
    let scope = Scope::of_post("test");
    assert!(matches!(scope.actor(), Actor::Post { .. }));
    let zone = hanoi();
    let rules = rules();
    let working = |_: Date| true;
    let by = Reckoning {
        zone: &zone,
        working: &working,
    };
    let step = Step {
        scope: &scope,
        at: moment("2026-08-30T02:30:00+07:00"),
    };
    let chosen = [&rules[0]];
    let start = Start {
        rules: &chosen,
        matter: "m",
        at: step.at,
        owner: None,
    };
    assert_eq!(
        deadlines::start(start, by, step, Entropy([1; 16])),
        Err(Rejected::NotAllowed)
    );
}

#[test]
fn a_deadline_that_is_close_is_written_to_whoever_keeps_it() {
    let keeper = user(1, Role::DutyOfficer);
    let scope = Scope::of_session(&keeper);
    let catalogue = rules();
    let rule = catalogue.iter().find(|rule| rule.id == "incident-emergency").unwrap();
    let start = moment("2026-04-30T02:10:00Z");
    let working = |_| true;
    let reckoning = Reckoning {
        zone: &hanoi(),
        working: &working,
    };
    let begun = Start {
        rules: &[rule],
        matter: "alert",
        at: start,
        owner: None,
    };
    let step = Step {
        scope: &scope,
        at: start,
    };
    let mut running = nouns(
        &deadlines::start(begun, reckoning, step, Entropy([1; 16]))
            .unwrap()
            .changes,
    );
    let contexts = operations::alerts::Contexts::default();
    let known = operations::Known {
        contexts: &contexts,
        silences: &[],
    };
    let addresses = operations::Addresses::from([(keeper.id, vec![("sms".to_owned(), "+84900000001".to_owned())])]);
    let mut told = Vec::new();
    for minute in 0..70 {
        let moment = operations::Moment {
            now: start + SignedDuration::from_mins(minute),
            entropy: Entropy([2; 16]),
        };
        let Some(decision) = operations::decide_deadlines(&running, known, &addresses, moment) else {
            continue;
        };
        running = nouns(&decision.changes);
        for effect in &decision.effects {
            if let Effect::Deliver { delivery } = effect {
                assert_eq!(
                    (delivery.channel.as_str(), delivery.to.as_str()),
                    ("sms", "+84900000001")
                );
                assert_eq!(delivery.about, Some(format!("deadline:{}", running[0].id)));
                told.push((minute, delivery.subject.clone()));
            }
        }
    }
    // At three quarters, at nine tenths, and when it passed: each once.
    assert_eq!(
        told,
        [
            (45, "Thời hạn sắp hết / A deadline is close".to_owned()),
            (54, "Thời hạn sắp hết / A deadline is close".to_owned()),
            (61, "Đã quá thời hạn / A deadline has passed".to_owned()),
        ]
    );
}
