//! Reports: kept with their answers, found by what they are about, and compiled from the alerts and entries of a time.

use std::collections::BTreeMap;

use model::{About, Actor, AlertState, Change, Disposition, Report, Role, RuleLevel, Scope, Sending};

use crate::world::{World, at, post};

fn report(world: &mut World, about: About) -> Report {
    Report {
        id: world.id(),
        form: "daily".to_owned(),
        about,
        number: None,
        answers: BTreeMap::new(),
        created_at: at(3),
        created_by: post().actor().clone(),
        sent: Vec::new(),
        revision: 1,
    }
}

fn put(world: &World, scope: &Scope, report: &Report) -> Result<ledger::Applied, ledger::ApplyError> {
    let change = Change::PutReport {
        report: Box::new(report.clone()),
    };
    world.put(scope.actor().clone(), "report.put", vec![change])
}

#[test]
fn a_report_is_kept_found_once_it_was_sent_and_verified() {
    let mut world = World::new();
    let lead = Scope::of_session(&world.user("hang", Role::ShiftLead));
    let about = About::Alert { alert: world.id() };
    let mut draft = report(&mut world, about.clone());
    put(&world, &lead, &draft).unwrap();
    assert_eq!(world.ledger.reports_sent_about(&lead, &about).unwrap(), []);
    draft.revision = 2;
    draft.sent.push(Sending {
        at: at(9),
        by: lead.actor().clone(),
        to: "VNCERT".to_owned(),
        how: "e-mail".to_owned(),
        receipt: String::new(),
        facts_digest: String::new(),
        file_digest: String::new(),
        gaps: vec!["assessment".to_owned()],
    });
    put(&world, &lead, &draft).unwrap();
    assert!(put(&world, &lead, &draft).is_err(), "the same revision twice");
    assert_eq!(
        world.ledger.reports_sent_about(&lead, &about).unwrap(),
        std::slice::from_ref(&draft)
    );
    assert_eq!(world.ledger.reports(&lead, 10).unwrap(), std::slice::from_ref(&draft));
    assert_eq!(world.ledger.report(&lead, draft.id).unwrap(), Some(draft));
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
    world.meddle("UPDATE report SET body = replace(body, 'VNCERT', 'nobody')");
    assert!(world.ledger.verify(&post(), &[]).unwrap().broken.is_some());
}

#[test]
fn a_time_has_the_alerts_that_were_open_in_it_and_the_decisions_of_people() {
    let mut world = World::new();
    let person = world.user("hang", Role::ShiftLead);
    let actor = Scope::of_session(&person).actor().clone();
    let closed = |second| AlertState::Closed {
        at: at(second),
        by: Actor::Post {
            part: "test".to_owned(),
        },
        disposition: Disposition::Benign,
        reason: "x".to_owned(),
        late: 0,
    };
    let mut titles = Vec::new();
    for (title, opened, state) in [
        ("before", 1, closed(99)),
        ("into", 1, closed(150)),
        ("within", 120, closed(130)),
        ("open", 50, AlertState::New),
        ("after", 200, AlertState::New),
    ] {
        let mut alert = world.alert(title, title, RuleLevel::High);
        alert.opened_at = at(opened);
        alert.state = state;
        titles.push((title, alert));
    }
    for (_, alert) in titles {
        let change = Change::PutAlert { alert: Box::new(alert) };
        world.put(actor.clone(), "alert.put", vec![change]).unwrap();
    }
    let found: Vec<String> = world
        .ledger
        .alerts_of_time(&post(), at(100), at(200))
        .unwrap()
        .into_iter()
        .map(|alert| alert.rule.title)
        .collect();
    assert_eq!(found, ["into", "open", "within"]);
    let hashes = world.ledger.entry_hashes(&post()).unwrap();
    let head = world.ledger.head(&post()).unwrap();
    assert_eq!(hashes.len() as u64, head.number);
    let last = u128::from_be_bytes(hashes[4][..16].try_into().unwrap());
    assert_eq!(format!("{last:032x}"), head.hash[..32]);
    let everything = world
        .ledger
        .decisions_of_time(&post(), at(-1_000), at(1_000), 2)
        .unwrap();
    assert_eq!(everything, (vec![1, 2], 5));
    assert_eq!(
        world
            .ledger
            .decisions_of_time(&post(), at(2_000), at(3_000), 2)
            .unwrap(),
        (vec![], 0)
    );
}
