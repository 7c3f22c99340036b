//! Alerts: gathering, coming back, urgency, steps and undo.

use model::{
    Alert, AlertState, Change, Decision, Disposition, Language, Rejected, Role, RuleLevel, Scope, Surroundings,
    Timestamp,
};
use operations::{Step, alerts};

use crate::memory::{Memory, at, detection, receive, scope, user};

fn only(memory: &Memory) -> Alert {
    assert_eq!(memory.open().count(), 1);
    memory.open().next().unwrap().clone()
}

fn put(decision: &Decision) -> Alert {
    match decision.changes.as_slice() {
        [Change::PutAlert { alert }] => (**alert).clone(),
        other => panic!("{other:?}"),
    }
}

fn step(scope: &Scope, second: i64) -> Step<'_> {
    Step { scope, at: at(second) }
}

fn closed_as(memory: &mut Memory, disposition: Disposition, second: i64) -> Alert {
    let lead = scope(1);
    let decision = alerts::close(&only(memory), disposition, "known", step(&lead, second)).unwrap();
    memory.apply(&decision);
    put(&decision)
}

#[test]
fn detections_of_one_rule_about_one_entity_gather() {
    let mut memory = Memory::default();
    let batch = [
        detection("a", "ws-1", 3),
        detection("a", "ws-1", 1),
        detection("a", "ws-1", 3),
        detection("a", "ws-2", 2),
        detection("b", "ws-1", 2),
    ];
    receive(&mut memory, &batch, at(10));
    receive(&mut memory, &[detection("a", "ws-1", 11)], at(12));
    let alert = memory.with_key(&model::AlertKey::of(&batch[0])).unwrap();
    assert_eq!(
        (alert.detections, alert.revision),
        (3, 2),
        "the same detection twice counts once"
    );
    assert_eq!(
        (alert.first_seen, alert.last_seen, alert.opened_at),
        (at(1), at(11), at(10))
    );
    assert_eq!(alert.summary, "event 11");
    assert_eq!(memory.open().count(), 3);
    assert_eq!(memory.effects.len(), 3, "each is announced once");
}

#[test]
fn what_comes_after_closing_belongs_to_it_for_a_while_or_opens_a_new_alert() {
    use Disposition::{Benign, FalsePositive, TruePositive};
    let minutes = |n: i64| 100 + n * 60;
    // Disposition, second of closing 100; the detection happened at, was received at; does it stay with the closed alert?
    let cases = [
        (FalsePositive, minutes(14), minutes(14), true),
        (Benign, minutes(14), minutes(15), true),
        (Benign, minutes(16), minutes(16), false),
        (TruePositive, minutes(1), minutes(1), false),
        (TruePositive, 99, minutes(14), true),
        (TruePositive, 99, minutes(16), false),
    ];
    for (disposition, happened, received, stays) in cases {
        let mut memory = Memory::default();
        receive(&mut memory, &[detection("a", "ws-1", 1)], at(2));
        let closed = closed_as(&mut memory, disposition, 100);
        let mut late = detection("a", "ws-1", 5000);
        (late.happened_at, late.received_at) = (at(happened), at(received));
        receive(&mut memory, &[late], at(received));
        let case = format!("{disposition:?} {happened} {received}");
        if stays {
            assert_eq!(memory.open().count(), 0, "{case}");
            assert_eq!(memory.alerts[&closed.id].detections, 2, "{case}");
        } else {
            assert_eq!(only(&memory).previous, Some(closed.id), "{case}");
        }
    }
}

#[test]
fn a_flood_after_closing_is_something_else_than_what_was_judged() {
    let mut memory = Memory::default();
    receive(&mut memory, &[detection("a", "ws-1", 1)], at(2));
    let closed = closed_as(&mut memory, Disposition::FalsePositive, 100);
    let flood: Vec<_> = (101..151).map(|event| detection("a", "ws-1", event)).collect();
    receive(&mut memory, &flood, at(151));
    assert_eq!(memory.alerts[&closed.id].detections, 1 + alerts::LATE_MIN);
    assert_eq!(only(&memory).detections, 50 - alerts::LATE_MIN);
}

#[test]
fn a_heavier_rule_is_something_else_than_what_was_judged() {
    let mut memory = Memory::default();
    receive(&mut memory, &[detection("a", "ws-1", 1)], at(2));
    closed_as(&mut memory, Disposition::FalsePositive, 100);
    let mut heavier = detection("a", "ws-1", 101);
    heavier.rule.level = RuleLevel::Critical;
    receive(&mut memory, &[heavier], at(101));
    assert_eq!(only(&memory).rule.level, RuleLevel::Critical);
}

#[test]
fn forged_addresses_do_not_open_alerts_without_end() {
    let mut memory = Memory::default();
    for round in 0..4_u64 {
        let batch: Vec<_> = (0..250_u64)
            .map(|n| detection("a", &format!("ws-{round}-{n}"), round * 250 + n + 1))
            .collect();
        receive(&mut memory, &batch, at(2000 + i64::try_from(round).unwrap()));
    }
    let limit = usize::try_from(Surroundings::ENTITIES_MAX).unwrap();
    assert!(memory.open().count() <= limit + 1, "{}", memory.open().count());
    let counted: u64 = memory.open().map(|alert| alert.detections).sum();
    assert_eq!(counted, 1000);
    let gathered = memory
        .open()
        .find(|alert| alert.key.entity.name == alerts::MANY)
        .unwrap();
    assert_eq!(gathered.detections, 1000 - Surroundings::ENTITIES_MAX);
}

#[test]
fn details_are_dense_at_first_and_sparse_later_and_what_was_cut_is_said() {
    let kept = (1..=1_000_000).filter(|n| alerts::keeps_detail(*n)).count();
    assert!((512..=512 + 64 * 12).contains(&kept), "{kept}");
    assert!((1..=512).all(alerts::keeps_detail));
    let mut memory = Memory::default();
    let flood: Vec<_> = (1..=2000).map(|event| detection("a", "ws-1", event)).collect();
    receive(&mut memory, &flood, at(2001));
    let alert = only(&memory);
    assert_eq!(alert.detections, 2000);
    assert_eq!(alert.detail_cut, 2000 - memory.details.len() as u64);
    assert!(alert.detail_cut > 1000);
}

fn press(level: RuleLevel, detections: u64, around: &Surroundings, second: i64) -> Alert {
    let mut batch: Vec<_> = (1..=detections).map(|event| detection("a", "ws-1", event)).collect();
    for detection in &mut batch {
        detection.rule.level = level;
    }
    let occurrences: Vec<_> = batch
        .iter()
        .map(|detection| alerts::Occurrence {
            detection,
            hidden_by: None,
        })
        .collect();
    let context = model::AlertContext {
        around: around.clone(),
        ..model::AlertContext::default()
    };
    let contexts = [(model::AlertKey::of(&batch[0]), context)].into();
    let triaged = alerts::triage(&occurrences, &contexts, at(second), crate::memory::entropy(1));
    let Change::PutAlert { alert } = &triaged.changes[0] else {
        panic!("{:?}", triaged.changes);
    };
    (**alert).clone()
}

#[test]
fn urgency_explains_itself_in_both_languages() {
    let around = Surroundings {
        other_rules: 3,
        other_tags: vec![
            "attack.lateral_movement".into(),
            "attack.exfiltration".into(),
            "attack.t1021".into(),
        ],
        other_entities: 7,
    };
    let alert = press(RuleLevel::High, 37, &around, 0);
    let now = at(26 * 3600);
    let mut lines = vec![format!("{}", alerts::points_now(&alert, now))];
    for language in [Language::Vi, Language::En] {
        lines.extend(alerts::explain(&alert, now, language));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_order_of_two_alerts_is_the_same_at_every_moment() {
    let calm = Surroundings::default();
    let alerts_at_hand = [
        press(RuleLevel::Critical, 1, &calm, 1_000_000),
        press(RuleLevel::High, 40, &calm, 0),
        press(RuleLevel::Medium, 1, &calm, -2_000_000),
        press(RuleLevel::Low, 500, &calm, 900_000),
    ];
    for later in [1_000_000, 2_000_000, 90_000_000] {
        let mut by_rank: Vec<&Alert> = alerts_at_hand.iter().collect();
        by_rank.sort_by_key(|alert| -alert.urgency.rank);
        let points: Vec<i64> = by_rank
            .iter()
            .map(|alert| alerts::points_now(alert, at(later)))
            .collect();
        assert!(points.is_sorted_by(|a, b| a >= b), "{points:?} after {later}");
    }
}

/// Takes a step that must be refused, and gives the reason in both languages.
fn refused(answer: Result<Decision, Rejected>) -> String {
    let why = answer.unwrap_err();
    format!("{} / {}", why.text(Language::Vi), why.text(Language::En))
}

#[test]
fn steps_that_the_state_forbids_are_refused_with_their_reason() {
    let mut memory = Memory::default();
    receive(&mut memory, &[detection("a", "ws-1", 1)], at(2));
    let (lead, other) = (scope(1), scope(2));
    let viewer = Scope::of_session(&user(3, Role::Viewer));
    let new = only(&memory);
    let taken = put(&alerts::acknowledge(&new, step(&lead, 5)).unwrap());
    let closed = put(&alerts::close(&taken, Disposition::TruePositive, "real", step(&lead, 6)).unwrap());
    let disabled = model::User {
        enabled: false,
        ..user(2, Role::DutyOfficer)
    };
    let lines = [
        refused(alerts::acknowledge(&new, step(&viewer, 3))),
        refused(alerts::acknowledge(&new, step(&Scope::of_post("x"), 3))),
        refused(alerts::acknowledge(&taken, step(&lead, 6))),
        refused(alerts::acknowledge(&taken, step(&other, 6))),
        refused(alerts::acknowledge(&closed, step(&lead, 7))),
        refused(alerts::unacknowledge(&new, step(&lead, 3))),
        refused(alerts::assign(&new, Some(&disabled), step(&lead, 3))),
        refused(alerts::assign(&new, None, step(&lead, 3))),
        refused(alerts::close(&new, Disposition::Benign, "  ", step(&lead, 3))),
        refused(alerts::close(&new, Disposition::Resolved, "over", step(&lead, 3))),
        refused(alerts::close(&closed, Disposition::Benign, "x", step(&lead, 7))),
        refused(alerts::reopen(&new, None, step(&lead, 3))),
        refused(alerts::reopen(&closed, Some(&new), step(&lead, 7))),
        refused(alerts::undo(&closed, (&new, &taken), None, step(&lead, 7))),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_undo_restores_state_and_assignee_and_keeps_what_came_since() {
    let mut memory = Memory::default();
    receive(&mut memory, &[detection("a", "ws-1", 1)], at(2));
    let lead = scope(1);
    let before = only(&memory);
    let after = closed_as(&mut memory, Disposition::FalsePositive, 5);
    receive(&mut memory, &[detection("a", "ws-1", 6)], at(7));
    let now = memory.alerts[&after.id].clone();
    let undone = put(&alerts::undo(&now, (&before, &after), None, step(&lead, 8)).unwrap());
    assert_eq!((&undone.state, undone.assignee), (&AlertState::New, None));
    assert_eq!((undone.detections, undone.revision), (2, now.revision + 1));
    assert_eq!(undone.urgency.rank, {
        let mut fed = before.clone();
        fed.detections = 2;
        put(&alerts::assign(&fed, Some(&user(1, Role::ShiftLead)), step(&lead, 8)).unwrap())
            .urgency
            .rank
    });
}

#[test]
fn a_bulk_step_reports_item_by_item() {
    let mut memory = Memory::default();
    receive(
        &mut memory,
        &[detection("a", "ws-1", 1), detection("a", "ws-2", 1)],
        at(2),
    );
    let lead = scope(1);
    let mut all: Vec<Alert> = memory.open().cloned().collect();
    all[0] = put(&alerts::acknowledge(&all[0], step(&lead, 3)).unwrap());
    let bulk = alerts::bulk(&all, |alert| alerts::acknowledge(alert, step(&lead, 4)));
    assert_eq!(bulk.decision.unwrap().changes.len(), 1);
    assert_eq!(bulk.rejected, [(all[0].id, Rejected::AlreadySo)]);
    let many = vec![all[1].clone(); alerts::BULK_MAX + 1];
    let bulk = alerts::bulk(&many, |alert| alerts::acknowledge(alert, step(&lead, 4)));
    assert_eq!(
        (bulk.decision.unwrap().changes.len(), bulk.rejected.len()),
        (alerts::BULK_MAX, 1)
    );
}

#[test]
fn an_alert_hidden_until_now_waits_only_since_it_is_shown() {
    let quiet = detection("a", "ws-1", 1);
    let hidden = alerts::Occurrence {
        detection: &quiet,
        hidden_by: Some(model::Id::from_bits(7)),
    };
    let triaged = alerts::triage(&[hidden], &alerts::Contexts::new(), at(2), crate::memory::entropy(1));
    assert!(triaged.effects.is_empty(), "nobody hears of it");
    assert_eq!(triaged.hidden, [(model::Id::from_bits(7), 1, at(1))]);
    let mut memory = Memory::default();
    memory.apply(&decision_of(triaged, at(2)));
    receive(&mut memory, &[detection("a", "ws-1", 9000)], at(9000));
    let shown = only(&memory);
    assert_eq!((shown.detections, shown.hidden, shown.opened_at), (1, 1, at(9000)));
    assert_eq!(memory.effects.len(), 1);
}

fn decision_of(triaged: alerts::Triaged, at: Timestamp) -> Decision {
    Decision {
        at,
        actor: Scope::of_post("triage").actor().clone(),
        action: "triage.batch".into(),
        reason: None,
        changes: triaged.changes,
        effects: triaged.effects,
    }
}
