//! A post for trials: a real ledger and lake in a temporary folder, seeded with the alerts of one night, and randomness
//! that counts.

mod night;
mod watches;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use night::{catalog, night, refused, silence, sources};

use console::{
    Clock, ConsoleConfig, ConsoleState, Health, LetterFiles, Randomness, RefusedRule, RuleBook, RuleCatalog,
    RuleListing,
};
use lake::Lake;
use ledger::Ledger;
use model::{
    Actor, Alert, AlertKey, AlertOrigin, AlertState, Change, Decision, Detection, Entity, EntityKind, Event, Fields,
    FormatHint, FoundBy, Id, LossAccount, MatchedField, Problem, ProblemKind, RawRecord, RejectReason, Rejection, Role,
    RuleIdentity, RuleLevel, Seq, Silence, SilenceReason, SilenceScope, SilenceState, SourceHealth, SourceId,
    Timestamp, Transport, Urgency, UrgencyKind, UrgencyReason, User, Value,
};

/// Everybody's password on the trial post.
pub(crate) const PASSWORD: &str = "trực ca đêm hai không hai sáu";

/// Bytes that count, so that snapshots stay the same.
#[derive(Default)]
pub(crate) struct CountingRandomness(AtomicU64);

impl Randomness for CountingRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = count.to_be_bytes()[place % 8] ^ u8::try_from(place).unwrap_or(0);
        }
    }
}

struct FixedRules(Arc<RuleCatalog>);

impl RuleBook for FixedRules {
    fn catalog(&self) -> Arc<RuleCatalog> {
        self.0.clone()
    }
}

/// Letters for as long as the trial lasts.
#[derive(Default)]
struct LettersInMemory(Mutex<HashMap<String, Vec<u8>>>);

impl LetterFiles for LettersInMemory {
    fn put(&self, sha256: &str, bytes: &[u8]) -> std::io::Result<()> {
        let mut kept = self.0.lock().expect("nobody panics while they hold it");
        kept.insert(sha256.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, sha256: &str) -> Option<Vec<u8>> {
        self.0
            .lock()
            .expect("nobody panics while they hold it")
            .get(sha256)
            .cloned()
    }
}

struct Healthy;

impl Health for Healthy {
    fn prometheus(&self) -> String {
        "# TYPE watchpost_records_received_total counter\nwatchpost_records_received_total 48213\n".to_owned()
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A seeded post.
pub(crate) struct Post {
    pub(crate) state: ConsoleState,
    pub(crate) users: Vec<User>,
    pub(crate) alerts: Vec<Alert>,
    _folder: tempfile::TempDir,
}

impl Post {
    /// Opens a post in a fresh folder and lets the night happen.
    pub(crate) fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        let folder = tempfile::tempdir().expect("the trial post works");
        let now = clock.now();
        let ledger = Ledger::open(ledger::Options::in_folder(folder.path()), now).expect("the trial post works");
        let lake = Lake::open(&folder.path().join("lake"), lake::Config::default()).expect("the trial post works");
        let state = ConsoleState {
            ledger,
            lake: Arc::new(lake),
            rules: Arc::new(FixedRules(Arc::new(catalog()))),
            clock,
            randomness,
            health: Arc::new(Healthy),
            reach: console::Reach {
                channels: vec![
                    ("mail".into(), "email"),
                    ("sms".into(), "sms"),
                    ("web-push".into(), "push"),
                ],
                push_key: "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
                    .into(),
                answer_key: operations::notifications::AnswerKey::new([9; 32]),
                address: "https://watch.example.vn".into(),
            },
            intake: console::Intake {
                http: Some(console::Door {
                    at: ([0, 0, 0, 0], 8651).into(),
                    tls: true,
                }),
                syslog_udp: Some(console::Door {
                    at: ([127, 0, 0, 1], 5514).into(),
                    tls: false,
                }),
                ..console::Intake::default()
            },
            catalogue: watches::catalogue(),
            letters: Arc::new(LettersInMemory::default()),
            response: Arc::new(responding()),
            config: ConsoleConfig::default(),
            tls: false,
        };
        let mut post = Self {
            state,
            users: Vec::new(),
            alerts: Vec::new(),
            _folder: folder,
        };
        post.seed(now);
        post
    }

    fn seed(&mut self, now: Timestamp) {
        self.users = people(now);
        let users = self.users.clone();
        self.decide(
            "user.create",
            now,
            users
                .into_iter()
                .map(|user| Change::PutUser { user: Box::new(user) })
                .collect(),
        );
        self.decide("sources.count", now, sources(now));
        let night = night(now);
        let batch = lake::Batch {
            events: night.iter().flat_map(|happening| happening.events.clone()).collect(),
            rejections: vec![refused(now)],
            resume: 1000,
        };
        self.state.lake.append(batch).expect("the trial post works");
        for happening in night {
            self.alerts.push(happening.alert.clone());
            let detection = happening.detection.clone();
            let mut changes = vec![Change::PutAlert {
                alert: Box::new(happening.alert.clone()),
            }];
            changes.push(Change::AddDetection {
                alert: happening.alert.id,
                ordinal: 1,
                detection: Box::new(detection),
                hidden_by: None,
            });
            self.decide("triage.batch", happening.alert.opened_at, changes);
        }
        self.take_some(now);
        self.decide(
            "silence.create",
            now,
            vec![Change::PutSilence {
                silence: Box::new(silence(&self.users[1], now)),
            }],
        );
        watches::open(self, now);
    }

    /// One alert is somebody's, one is closed.
    fn take_some(&mut self, now: Timestamp) {
        let minh = self.users[1].clone();
        let taken = &self.alerts[3];
        let state = AlertState::Acknowledged {
            at: ago(now, 18),
            by: minh.id,
        };
        let alert = Alert {
            state,
            assignee: Some(minh.id),
            revision: 2,
            ..taken.clone()
        };
        self.decide_as(
            &minh,
            ("alert.acknowledge", None),
            ago(now, 18),
            vec![Change::PutAlert { alert: Box::new(alert) }],
        );
        let closed = &self.alerts[7];
        let reason = "Quét định kỳ của nhóm quản trị, đã xác nhận với anh Long.";
        let state = AlertState::Closed {
            at: ago(now, 95),
            by: Actor::Person {
                user: minh.id,
                login: minh.login.clone(),
                token: None,
            },
            disposition: model::Disposition::Benign,
            reason: reason.to_owned(),
            late: 0,
        };
        let alert = Alert {
            state,
            assignee: Some(minh.id),
            revision: 2,
            ..closed.clone()
        };
        self.decide_as(
            &minh,
            ("alert.close", Some(reason)),
            ago(now, 95),
            vec![Change::PutAlert { alert: Box::new(alert) }],
        );
    }

    /// Commits something that the post itself decided.
    pub(crate) fn decide(&self, action: &str, at: Timestamp, changes: Vec<Change>) {
        let actor = Actor::Post {
            part: "triage".to_owned(),
        };
        let decision = Decision {
            at,
            actor,
            action: action.to_owned(),
            reason: None,
            changes,
            effects: Vec::new(),
        };
        self.state.ledger.apply(&decision).expect("the trial post works");
    }

    fn decide_as(&self, user: &User, (action, reason): (&str, Option<&str>), at: Timestamp, changes: Vec<Change>) {
        let actor = Actor::Person {
            user: user.id,
            login: user.login.clone(),
            token: None,
        };
        let decision = Decision {
            at,
            actor,
            action: action.to_owned(),
            reason: reason.map(str::to_owned),
            changes,
            effects: Vec::new(),
        };
        self.state.ledger.apply(&decision).expect("the trial post works");
    }
}

/// So many minutes before.
pub(crate) fn ago(now: Timestamp, minutes: i64) -> Timestamp {
    now - jiff::SignedDuration::from_mins(minutes)
}

/// A firewall, a resolver, one plan, and an address that nobody may block.
fn responding() -> console::Responding {
    use operations::response::{DeviceInfo, Guard, Playbook, Policy, Protected, Protection};
    let device = |name: &str, kind| DeviceInfo {
        name: name.to_owned(),
        kind,
        calls: Vec::new(),
    };
    let protected = Protected {
        element: "192.0.2.53".to_owned(),
        what: "máy phân giải tên / the resolver".to_owned(),
        guard: Guard::Never,
        users: None,
    };
    let plan = include_bytes!("../../../../content/plans/phishing.json");
    console::Responding {
        policy: Policy {
            quorum: 1,
            lasts_seconds: Some(24 * 3600),
            protection: Protection::new([protected]),
            head_of_unit: vec![("sms".to_owned(), "+84900000001".to_owned())],
            ..Policy::default()
        },
        devices: vec![device("edge", "nftables"), device("dns", "rpz")],
        plans: vec![Playbook::read(plan).expect("the plan is sound")],
    }
}

fn people(now: Timestamp) -> Vec<User> {
    let hash = console::hash_password(PASSWORD, &CountingRandomness::default());
    let person = |number: u128, login: &str, name: &str, role| User {
        id: Id::from_bits(number),
        login: login.to_owned(),
        display_name: name.to_owned(),
        role,
        password_hash: hash.clone(),
        language: "vi".to_owned(),
        created_at: ago(now, 60 * 24 * 40),
        enabled: true,
        revision: 1,
    };
    vec![
        person(1, "ha", "Nguyễn Thu Hà", Role::Administrator),
        person(2, "minh", "Trần Quang Minh", Role::ShiftLead),
        person(3, "lan", "Lê Ngọc Lan", Role::DutyOfficer),
        person(4, "khach", "Phạm Gia Khánh", Role::Viewer),
        person(5, "kiem", "Đỗ Mai Chi", Role::Auditor),
    ]
}
