//! Begins a storm of notifications in the data folder of a post that is not running, and afterwards says how it left. Used by
//! `cargo xtask bench notify --paged`: `… --example paged_storm -- FOLDER put NOTIFICATIONS PEOPLE`, then `… -- FOLDER check`.
#![expect(clippy::disallowed_methods, reason = "a decision is made now")]
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::HashMap;

use ledger::{Ledger, NounFilter, Options};
use model::{
    Actor, AddressState, Change, ContactAddress, ContactCard, Decision, EscalationStep, Id, Notification,
    NotificationState, PageOutcome, Pager, Role, Scope, Target, Timestamp, User,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, verb, numbers @ ..] = arguments.as_slice() else {
        panic!("a folder, then `put` or `check`");
    };
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let ledger = Ledger::open(Options::in_folder(folder.as_ref()), Timestamp::now()).expect("the ledger opens");
    let number = |place: usize| -> u128 { numbers[place].parse().expect("a number") };
    match verb.as_str() {
        "put" => put(&ledger, number(0), number(1)),
        _ => check(&ledger),
    }
}

fn put(ledger: &Ledger, notifications: u128, people: u128) {
    let now = Timestamp::now();
    let mut changes: Vec<Change> = (0..people).flat_map(|person| reachable(person, now)).collect();
    changes.extend((0..notifications).map(|number| Change::put(&notification(number, number % people, now))));
    let decision = Decision {
        at: now,
        actor: Actor::Post { part: "bench".into() },
        action: "bench.storm".into(),
        reason: Some("a storm to be measured".into()),
        changes,
        effects: Vec::new(),
    };
    ledger.apply(&decision).expect("nothing is in the way");
}

fn reachable(person: u128, now: Timestamp) -> [Change; 2] {
    let user = User {
        id: Id::from_bits(person),
        login: format!("truc{person}"),
        display_name: format!("Trực {person}"),
        role: Role::DutyOfficer,
        password_hash: String::new(),
        language: "vi".into(),
        created_at: now,
        enabled: true,
        revision: 1,
    };
    let card = ContactCard {
        addresses: vec![ContactAddress {
            channel: "mail".into(),
            to: format!("truc{person}@example.vn"),
            state: AddressState::Proven {
                at: now,
                reached_at: now,
                tested_at: now,
            },
        }],
        revision: 1,
        ..ContactCard::empty(user.id)
    };
    [Change::PutUser { user: Box::new(user) }, Change::put(&card)]
}

fn notification(number: u128, person: u128, now: Timestamp) -> Notification {
    Notification {
        id: Id::from_bits(number + 1),
        about: format!("bench:{number}"),
        subject: format!("[high] Dò mật khẩu SSH trên máy chủ {number}"),
        text: "Có người dò mật khẩu SSH từ 192.0.2.9; 214 lần trong 10 phút.".into(),
        link: "/duty".into(),
        urgent: true,
        exercise: false,
        team: None,
        steps: vec![EscalationStep {
            who: vec![Target::Person {
                person: Id::from_bits(person),
            }],
            wait_minutes: 60,
            remind_minutes: 0,
            acknowledgements: 1,
        }],
        rounds: 1,
        started_at: now,
        state: NotificationState::Escalating {
            round: 0,
            step: 0,
            begun: None,
            reminded: None,
        },
        pages: Vec::new(),
        skipped: Vec::new(),
        acknowledgements: Vec::new(),
        due_at: Some(now),
        revision: 1,
    }
}

fn check(ledger: &Ledger) {
    let scope = Scope::of_post("bench");
    let all: Vec<Notification> = ledger
        .all_kept(&scope, &NounFilter::default())
        .expect("the ledger reads");
    let pagers: Vec<Pager> = ledger
        .all_kept(&scope, &NounFilter::default())
        .expect("the ledger reads");
    let accepted = |outcome: &PageOutcome| match outcome {
        PageOutcome::Accepted { at } => Some(*at),
        PageOutcome::Waiting | PageOutcome::Failed { .. } => None,
    };
    let mut left: HashMap<Id<Notification>, Timestamp> = HashMap::new();
    let mut bundles = 0;
    for bundle in pagers.iter().flat_map(|pager| &pager.bundles) {
        let Some(at) = accepted(&bundle.outcome) else { continue };
        bundles += 1;
        left.extend(bundle.pages.iter().map(|page| (page.notification, at)));
    }
    for notification in &all {
        left.extend(
            notification
                .pages
                .iter()
                .filter_map(|page| Some((notification.id, accepted(&page.outcome)?))),
        );
    }
    let begun = all
        .iter()
        .map(|notification| notification.started_at)
        .min()
        .expect("there is a storm");
    let seconds = left
        .values()
        .max()
        .map_or(0, |last| begun.duration_until(*last).as_secs());
    println!(
        "paged notifications={} left={} bundles={bundles} seconds={seconds}",
        all.len(),
        left.len()
    );
}
