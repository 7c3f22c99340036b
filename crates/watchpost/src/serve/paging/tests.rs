//! Paging over a real ledger that is closed and opened between any two steps.

use jiff::SignedDuration;
use ledger::{Claimed, Ledger, Options, Outcome};
use model::{
    AddressState, Change, ContactAddress, ContactCard, Decision, Effect, Entropy, EscalationPolicy, EscalationStep, Id,
    Language, Notification, NotificationState, Position, Role, Rotation, RuleLevel, Scope, Target, Team, Timestamp,
    User,
};
use operations::{
    Known, Moment,
    alerts::Contexts,
    duty,
    notifications::{AnswerKey, Answerable},
};

use super::{add_notifications, look, note_outcomes, take_reply};

struct Post {
    folder: tempfile::TempDir,
    ledger: Ledger,
    now: Timestamp,
}

fn person(number: u128) -> Id<User> {
    Id::from_bits(number)
}

fn account(number: u128, login: &str, now: Timestamp) -> Change {
    Change::PutUser {
        user: Box::new(User {
            id: person(number),
            login: login.to_owned(),
            display_name: login.to_owned(),
            role: Role::DutyOfficer,
            password_hash: String::new(),
            language: "vi".to_owned(),
            created_at: now,
            enabled: true,
            revision: 1,
        }),
    }
}

fn card(number: u128, now: Timestamp) -> Change {
    let proven = |channel: &str, to: String| ContactAddress {
        channel: channel.to_owned(),
        to,
        state: AddressState::Proven {
            at: now,
            reached_at: now,
            tested_at: now,
        },
    };
    Change::put(&ContactCard {
        addresses: vec![
            proven("sms", format!("091234567{number}")),
            proven("mail", format!("{number}@example.vn")),
        ],
        revision: 1,
        ..ContactCard::empty(person(number))
    })
}

fn step(target: Target) -> EscalationStep {
    EscalationStep {
        who: vec![target],
        wait_minutes: 10,
        remind_minutes: 0,
        acknowledgements: 1,
    }
}

fn team() -> Team {
    Team {
        id: Id::from_bits(1),
        name: "Ca trực".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        positions: vec![Position {
            key: "officer".into(),
            name: "Trực ban".to_owned(),
            people_min: 1,
            primary: true,
            skills: Vec::new(),
        }],
        rotations: vec![Rotation {
            position: "officer".into(),
            people: vec![person(1)],
            begins_on: jiff::civil::date(2026, 4, 1),
            ends_on: None,
            every_days: 1,
            hand_over_at: vec![jiff::civil::time(6, 0, 0, 0)],
        }],
        overrides: Vec::new(),
        members: Vec::new(),
        rest_hours: 0,
        policy: Some(Id::from_bits(5)),
        alerts_from: Some(RuleLevel::High),
        revision: 1,
    }
}

impl Post {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-04-30T02:10:00+07".parse().unwrap();
        let ledger = Ledger::open(Options::in_folder(folder.path()), now).unwrap();
        let post = Self { folder, ledger, now };
        let officer = Target::Position {
            team: Id::from_bits(1),
            position: "officer".into(),
        };
        let policy = EscalationPolicy {
            id: Id::from_bits(5),
            name: "Gọi".to_owned(),
            steps: vec![step(officer), step(Target::Person { person: person(2) })],
            rounds: 1,
            revision: 1,
        };
        post.apply(vec![
            account(1, "an", now),
            account(2, "binh", now),
            card(1, now),
            card(2, now),
            Change::put(&team()),
            Change::put(&policy),
        ]);
        post
    }

    fn apply(&self, changes: Vec<Change>) {
        let decision = Decision {
            at: self.now,
            actor: Scope::of_post("test").actor().clone(),
            action: "test.put".to_owned(),
            reason: None,
            changes,
            effects: Vec::new(),
        };
        self.ledger.apply(&decision).unwrap();
    }

    /// An alert of the post itself opens, and with it what it pages.
    fn alert(&self) {
        let team = team();
        let gap = duty::Gap {
            position: "officer".into(),
            from: self.now,
            until: self.now,
            missing: 1,
        };
        let notice = duty::gap_notice(
            duty::Roster {
                team: &team,
                zone: &jiff::tz::TimeZone::UTC,
                absences: &[],
            },
            &[&gap],
            self.now,
        )
        .unwrap();
        let known = Known {
            contexts: &Contexts::default(),
            silences: &[],
        };
        let moment = Moment {
            now: self.now,
            entropy: Entropy([3; 16]),
        };
        let mut decision = operations::decide_notices(("test", "test.notice"), &[notice], &[], known, moment).unwrap();
        add_notifications(&self.ledger, &mut decision, Language::Vi, moment.entropy).unwrap();
        self.ledger.apply(&decision).unwrap();
    }

    /// The plug is pulled, and the post starts again.
    fn restart(&mut self) {
        self.ledger = Ledger::open(Options::in_folder(self.folder.path()), self.now).unwrap();
        self.ledger.release_leases(self.now).unwrap();
    }

    fn look(&self) {
        assert!(!look(&self.ledger, self.now).unwrap());
    }

    fn claim(&self, lane: &str) -> Vec<Claimed> {
        self.ledger.claim(lane, self.now, 60, 100).unwrap()
    }

    fn notification(&self) -> Notification {
        let all: Vec<Notification> = self
            .ledger
            .all_kept(&Scope::of_post("test"), &ledger::NounFilter::default())
            .unwrap();
        assert_eq!(all.len(), 1);
        all.into_iter().next().unwrap()
    }
}

#[test]
fn a_page_whose_channel_fails_goes_through_the_next_and_a_reply_by_short_message_acknowledges() {
    let mut post = Post::new();
    post.alert();
    post.restart();
    post.look();
    post.restart();
    post.look();
    let sms = post.claim("sms");
    assert_eq!(sms.len(), 1, "ordered once, however often it is looked at");
    let refused = [(sms[0].clone(), Outcome::Permanent("no such number".to_owned()))];
    note_outcomes(&post.ledger, &refused, post.now).unwrap();
    // The plug is pulled before the outbox noted it: it comes again and says nothing new.
    post.restart();
    note_outcomes(&post.ledger, &refused, post.now).unwrap();
    post.ledger.settle(&refused, post.now, |_| None).unwrap();
    post.look();
    post.look();
    let mail = post.claim("mail");
    assert_eq!(mail.len(), 1, "the next channel, at once and once");
    let card: ContactCard = post
        .ledger
        .kept(&Scope::of_post("test"), &person(1).to_string())
        .unwrap()
        .unwrap();
    assert_eq!(
        card.proven_channels(),
        1,
        "what was refused for good must be proven again"
    );
    let taken = [(mail[0].clone(), Outcome::Delivered("250 ok".to_owned()))];
    note_outcomes(&post.ledger, &taken, post.now).unwrap();
    post.now += SignedDuration::from_mins(10);
    post.look();
    let lead = post.claim("sms");
    let Effect::Deliver { delivery } = &lead[0].effect else {
        panic!("{lead:?}")
    };
    assert_eq!(delivery.to, "0912345672", "nobody answered: the second step");
    let key = AnswerKey::new([1; 32]);
    let code = key.code(Answerable::of_about(delivery.about.as_deref().unwrap()).unwrap());
    let reply = |from: &str, text: &str| take_reply(&post.ledger, &key, ("sms", from, text), post.now).unwrap();
    assert_eq!(reply("84999999999", &code), None, "a stranger");
    assert_eq!(reply("84912345672", "ok"), None, "no code");
    assert_eq!(
        reply("84912345672", &format!("NHAN {code}")),
        Some(post.notification().id)
    );
    assert!(matches!(
        post.notification().state,
        NotificationState::Acknowledged { .. }
    ));
    let verified = post.ledger.verify(&Scope::of_post("test"), &[]).unwrap();
    assert!(verified.broken.is_none(), "{:?}", verified.broken);
}

#[test]
fn who_is_no_longer_allowed_to_sign_in_is_not_paged() {
    let post = Post::new();
    post.alert();
    let users = post.ledger.users(&Scope::of_post("test")).unwrap();
    let closed = User {
        enabled: false,
        revision: 2,
        ..users.into_iter().find(|user| user.id == person(1)).unwrap()
    };
    post.apply(vec![Change::PutUser { user: Box::new(closed) }]);
    post.look();
    let notification = post.notification();
    assert_eq!(notification.skipped.len(), 1, "the position is empty");
    assert_eq!(notification.pages[0].person, person(2), "the next step, at once");
}

#[test]
fn a_throttled_channel_is_waited_for() {
    let post = Post::new();
    post.alert();
    post.look();
    let sms = post.claim("sms");
    let throttled = Outcome::Retryable {
        reason: "throttled".to_owned(),
        retry_after_seconds: Some(5),
    };
    note_outcomes(&post.ledger, &[(sms[0].clone(), throttled)], post.now).unwrap();
    post.look();
    assert_eq!(post.claim("mail").len(), 0);
}
