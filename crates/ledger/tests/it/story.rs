//! What a decision leaves behind: state, entry, outbox; and what is refused.

use ledger::{ApplyError, Claimed, EntryFilter, GivenUp, OutboxState, Outcome, PageAt};
use model::{
    AlertState, Change, Delivery, Effect, LossAccount, PipelinePosition, Problem, ProblemKind, Role, RuleLevel, Source,
    SourceHealth, SourceId, Timestamp,
};

use crate::world::{World, add_detection, at, decision, person, post, put_alert, triage};

const LANE: &str = Effect::ANNOUNCEMENTS;

#[test]
fn a_decision_is_state_entry_and_outbox_and_survives_reopening() {
    let mut world = World::new();
    let mut follow = world.ledger.subscribe();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut step = decision(
        triage(),
        "triage.batch",
        vec![put_alert(&alert), add_detection(&alert, 1, None)],
    );
    step.effects.push(Effect::AnnounceAlert { alert: alert.id });
    let applied = world.ledger.apply(&step).unwrap();
    assert_eq!(applied.entry.unwrap().number, 1);
    assert!(follow.has_changed().unwrap());
    assert_eq!(*follow.borrow_and_update(), applied.revision);

    let world = world.reopen();
    assert_eq!(world.ledger.alert(&post(), alert.id).unwrap().unwrap(), alert);
    let kept = world
        .ledger
        .detections(&post(), alert.id, None, PageAt::first(10))
        .unwrap();
    assert_eq!(kept.items.len(), 1);
    assert_eq!(world.ledger.outbox(&post(), OutboxState::Waiting, 10).unwrap().len(), 1);
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!(
        (verified.entries, verified.rows, verified.detections, verified.broken),
        (1, 1, 1, None)
    );
}

#[test]
fn a_decision_on_an_older_revision_changes_nothing() {
    let mut world = World::new();
    let user = world.user("lan", Role::DutyOfficer);
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    world.put(triage(), "triage.batch", vec![put_alert(&alert)]).unwrap();
    let mut taken = alert.clone();
    taken.revision = 2;
    taken.state = AlertState::Acknowledged { at: at(3), by: user.id };
    world
        .put(person(&user), "alert.acknowledge", vec![put_alert(&taken)])
        .unwrap();

    let other = world.alert("Other", "ws-8", RuleLevel::Low);
    let conflict = ApplyError::Conflict {
        subject: format!("alert:{}", alert.id),
    };
    let late = world.put(
        person(&user),
        "alert.acknowledge",
        vec![put_alert(&other), put_alert(&taken)],
    );
    assert_eq!(late.unwrap_err(), conflict);
    assert_eq!(world.ledger.alert(&post(), other.id).unwrap(), None);
    assert_eq!(world.ledger.head(&post()).unwrap().number, 2);
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
}

#[test]
fn two_open_alerts_never_have_one_key() {
    let mut world = World::new();
    let first = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let second = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    world.put(triage(), "triage.batch", vec![put_alert(&first)]).unwrap();
    assert!(matches!(
        world.put(triage(), "triage.batch", vec![put_alert(&second)]),
        Err(ApplyError::Conflict { .. })
    ));
}

#[test]
fn the_pipeline_moves_forward_only_and_the_same_batch_is_refused_twice() {
    let world = World::new();
    let advance = |decided, resume| {
        let position = PipelinePosition {
            decided,
            resume,
            correlated_us: 0,
        };
        world.put(triage(), "triage.batch", vec![Change::AdvancePipeline { position }])
    };
    advance(5, 4).unwrap();
    for (decided, resume) in [(5, 4), (4, 4), (6, 3)] {
        assert!(
            matches!(advance(decided, resume), Err(ApplyError::Conflict { .. })),
            "{decided} {resume}"
        );
    }
    assert_eq!(advance(9, 10).unwrap().entry, None, "bookkeeping makes no entry");
    assert_eq!(world.ledger.pipeline_position(&post()).unwrap().decided, 9);
}

#[test]
fn sources_are_summed_and_their_problems_bounded() {
    let world = World::new();
    let source = SourceId::new("mail-gw");
    for round in 0..3 {
        let count = Change::CountSource {
            source: source.clone(),
            heard_at: at(round),
            account: LossAccount {
                received: 10,
                stored: 9,
                lost: 1,
                ..LossAccount::default()
            },
            problems: (0..15)
                .map(|n| Problem::new(ProblemKind::Malformed, format!("{round}/{n}")))
                .collect(),
        };
        world.put(triage(), "triage.batch", vec![count]).unwrap();
    }
    let health = SourceHealth {
        silent_since: Some(at(100)),
        ..SourceHealth::default()
    };
    let silent = Change::PutSourceHealth {
        source: source.clone(),
        health,
    };
    assert!(
        world
            .put(triage(), "source.silent", vec![silent])
            .unwrap()
            .entry
            .is_some()
    );
    let kept = world.ledger.source(&post(), &source).unwrap().unwrap();
    assert_eq!(
        (kept.account.received, kept.account.stored, kept.account.lost),
        (30, 27, 3)
    );
    assert_eq!((kept.first_heard, kept.last_heard), (at(0), at(2)));
    assert_eq!(kept.recent_problems.len(), Source::PROBLEMS_MAX);
    assert_eq!(kept.recent_problems.last().unwrap().detail, "2/14");
    assert_eq!(world.ledger.counts(&post(), None, at(0)).unwrap().sources_silent, 1);
}

/// What was decided, oldest first.
fn actions(world: &World) -> Vec<String> {
    let entries = world
        .ledger
        .entries(&post(), &EntryFilter::default(), PageAt::first(100))
        .unwrap();
    entries.items.into_iter().rev().map(|entry| entry.action).collect()
}

/// Settles claims alike; answers how many were noted.
fn settle(world: &World, claims: &[Claimed], outcome: &Outcome, now: Timestamp) -> usize {
    let attempts: Vec<_> = claims.iter().map(|claim| (claim.clone(), outcome.clone())).collect();
    world.ledger.settle(&attempts, now, |_| None).unwrap()
}

#[test]
fn effects_are_handed_out_once_a_lease_and_given_up_in_the_end() {
    let mut world = World::new();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut step = decision(triage(), "triage.batch", vec![put_alert(&alert)]);
    step.effects.push(Effect::AnnounceAlert { alert: alert.id });
    world.ledger.apply(&step).unwrap();

    let first = world.ledger.claim(LANE, at(10), 30, 10).unwrap();
    assert_eq!(first.len(), 1);
    assert!(
        world.ledger.claim(LANE, at(39), 30, 10).unwrap().is_empty(),
        "it is leased"
    );
    let world = world.reopen();
    let second = world.ledger.claim(LANE, at(40), 30, 10).unwrap();
    assert_eq!(second[0].attempt, 2);
    let late = settle(&world, &first[..1], &Outcome::Delivered("late".into()), at(41));
    assert_eq!(late, 0, "its lease is over");
    let wrong = Outcome::Retryable {
        reason: "connection refused".into(),
        retry_after_seconds: None,
    };
    assert_eq!(settle(&world, &second[..1], &wrong, at(41)), 1);
    let due = world.ledger.next_due(&post(), LANE).unwrap().unwrap();
    assert!((at(51)..at(56)).contains(&due), "5 s, doubled once, and spread: {due}");

    let mut now = due;
    let mut attempts = 2;
    while let Some(due) = world.ledger.next_due(&post(), LANE).unwrap() {
        now = now.max(due);
        let claimed = world.ledger.claim(LANE, now, 30, 10).unwrap();
        attempts = claimed[0].attempt;
        assert_eq!(settle(&world, &claimed[..1], &wrong, now), 1);
    }
    assert_eq!(attempts, ledger::Ledger::ATTEMPTS_MAX);
    let dead = world.ledger.outbox(&post(), OutboxState::Dead, 10).unwrap();
    assert_eq!(dead[0].note.as_deref(), Some("connection refused"));

    world.ledger.revive(dead[0].entry, dead[0].position, now).unwrap();
    let again = world.ledger.claim(LANE, now, 30, 10).unwrap();
    assert_eq!(
        settle(&world, &again[..1], &Outcome::Delivered("200 OK".into()), now),
        1
    );
    assert_eq!(
        world.ledger.outbox(&post(), OutboxState::Delivered, 10).unwrap().len(),
        1
    );
}

fn deliver(channel: &str, to: &str) -> Effect {
    Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: channel.into(),
            to: to.into(),
            subject: "Cảnh báo".into(),
            text: "Có người dò mật khẩu.".into(),
            link: None,
            urgent: true,
            about: None,
        }),
    }
}

#[test]
fn lanes_do_not_hold_each_other_up_and_say_how_they_are() {
    let mut world = World::new();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut step = decision(triage(), "duty.page", vec![put_alert(&alert)]);
    step.effects = (0..50).map(|n| deliver("mail", &format!("p{n}@example.vn"))).collect();
    step.effects.push(deliver("sms", "0912345678"));
    world.ledger.apply(&step).unwrap();

    assert!(world.ledger.claim(LANE, at(10), 30, 10).unwrap().is_empty());
    let sms = world.ledger.claim("sms", at(10), 30, 10).unwrap();
    assert_eq!(sms.len(), 1, "fifty letters before it do not matter");
    let mail = world.ledger.claim("mail", at(10), 30, 3).unwrap();
    assert_ne!(mail[0].key, mail[1].key);
    let later = Outcome::Retryable {
        reason: "throttled".into(),
        retry_after_seconds: Some(600),
    };
    let outcomes = [
        Outcome::Delivered("250 ok".into()),
        later,
        Outcome::Permanent("no such user".into()),
    ];
    let attempts: Vec<_> = mail.into_iter().zip(outcomes).collect();
    let say = |given_up: &[GivenUp<'_>]| {
        let reasons: Vec<&str> = given_up.iter().map(|one| one.reason).collect();
        (!reasons.is_empty()).then(|| decision(triage(), &format!("given up: {}", reasons.join(", ")), Vec::new()))
    };
    assert_eq!(world.ledger.settle(&attempts, at(11), say).unwrap(), 3);
    let again = world.ledger.settle(&attempts, at(11), say).unwrap();
    assert_eq!(again, 1, "what is settled for good is not settled again");
    let said = actions(&world);
    assert_eq!(
        said.last().map(String::as_str),
        Some("given up: no such user"),
        "once, with its outcome"
    );
    assert_eq!(settle(&world, &sms, &Outcome::Delivered("m1".into()), at(12)), 1);
    let failed = decision(triage(), "delivery.fail", Vec::new());
    let place = (sms[0].entry, sms[0].position);
    world
        .ledger
        .settle_late(place, Err(("UNDELIV 011", &failed)), at(13))
        .unwrap();
    let missing = world.ledger.settle_late((99, 0), Err(("UNDELIV 011", &failed)), at(13));
    assert!(matches!(missing, Err(ApplyError::Conflict { .. })));
    assert_eq!(
        actions(&world).last().map(String::as_str),
        Some("delivery.fail"),
        "once"
    );
    assert_eq!(actions(&world).len(), said.len() + 1);

    let lanes = world.ledger.lanes(&post()).unwrap();
    let told: Vec<_> = lanes
        .iter()
        .map(|lane| (lane.name.as_str(), lane.waiting, lane.delivered, lane.dead))
        .collect();
    assert_eq!(told, [("mail", 48, 1, 1), ("sms", 0, 0, 1)]);
    assert_eq!(
        (lanes[0].last_delivered, lanes[0].last_failed),
        (Some(at(11)), Some(at(11)))
    );
    assert_eq!(lanes[1].last_error.as_deref(), Some("UNDELIV 011"));

    // The throttled one is not tried before the time that was asked for.
    assert_eq!(world.ledger.claim("mail", at(600), 3600, 100).unwrap().len(), 47);
    world.ledger.release_leases(at(601)).unwrap();
    assert_eq!(
        world.ledger.claim("mail", at(601), 30, 100).unwrap().len(),
        48,
        "a post that starts leaves nothing leased"
    );
}

#[test]
fn a_statement_without_a_change_is_an_entry() {
    let world = World::new();
    let said = decision(triage(), "delivery.give_up", Vec::new());
    assert!(world.ledger.apply(&said).unwrap().entry.is_some());
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
}

#[test]
fn what_a_person_did_to_an_alert_is_there_for_an_undo() {
    let mut world = World::new();
    let user = world.user("lan", Role::DutyOfficer);
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    world.put(triage(), "triage.batch", vec![put_alert(&alert)]).unwrap();
    let mut taken = alert.clone();
    taken.revision = 2;
    taken.state = AlertState::Acknowledged { at: at(3), by: user.id };
    world
        .put(person(&user), "alert.acknowledge", vec![put_alert(&taken)])
        .unwrap();
    let mut fed = taken.clone();
    fed.revision = 3;
    fed.detections = 2;
    world.put(triage(), "triage.batch", vec![put_alert(&fed)]).unwrap();

    let change = world.ledger.last_alert_change(&post(), alert.id).unwrap().unwrap();
    assert_eq!((change.before, change.after), (alert.clone(), taken));
    let history = world.ledger.alert_history(&post(), alert.id).unwrap();
    let actions: Vec<&str> = history.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(actions, ["alert.acknowledge", "triage.batch"], "feeding is no step");
    let by_people = EntryFilter {
        people_only: true,
        ..EntryFilter::default()
    };
    let entries = world.ledger.entries(&post(), &by_people, PageAt::first(10)).unwrap();
    assert_eq!(entries.items.len(), 1);
    assert_eq!(entries.items[0].subjects(), [format!("alert:{}", alert.id)]);
}
