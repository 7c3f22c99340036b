//! A ledger in a temporary folder, and nouns to put into it.

use std::path::{Path, PathBuf};

use ledger::{ApplyError, Ledger, Options};
use model::{
    Actor, Alert, AlertKey, AlertOrigin, AlertState, Change, Decision, Detection, Entity, EntityKind, Entropy, FoundBy,
    Id, Role, RuleIdentity, RuleLevel, Scope, SourceId, Timestamp, Urgency, User,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) ledger: Ledger,
    born: u128,
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn post() -> Scope {
    Scope::of_post("test")
}

/// The folder of a ledger: one that goes with the test, or one that another process uses too.
pub(crate) enum Folder {
    Own(TempDir),
    Others(PathBuf),
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Others(path) => path,
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::open(Folder::Own(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::open(Folder::Others(folder.to_owned()))
    }

    fn open(folder: Folder) -> Self {
        let ledger = Ledger::open(Options::in_folder(folder.path()), at(0)).unwrap();
        Self {
            folder,
            ledger,
            born: 0,
        }
    }

    /// Goes on where another process stopped giving ids.
    pub(crate) fn skip_ids(&mut self, given: u64) {
        self.born += u128::from(given);
    }

    pub(crate) fn reopen(self) -> Self {
        drop(self.ledger);
        let ledger = Ledger::open(Options::in_folder(self.folder.path()), at(0)).unwrap();
        Self {
            folder: self.folder,
            ledger,
            born: self.born,
        }
    }

    pub(crate) fn id<T>(&mut self) -> Id<T> {
        self.born += 1;
        Id::born(at(0), Entropy((self.born << 48).to_be_bytes()))
    }

    pub(crate) fn alert(&mut self, title: &str, entity: &str, level: RuleLevel) -> Alert {
        let id = self.id();
        Alert {
            id,
            key: AlertKey {
                rule: title.to_lowercase().into(),
                entity: Entity {
                    kind: EntityKind::Host,
                    name: entity.into(),
                },
                exercise: false,
            },
            origin: AlertOrigin::Rule,
            rule: RuleIdentity {
                id: title.to_lowercase().into(),
                title: title.to_owned(),
                title_vi: String::new(),
                level,
                tags: vec!["attack.t1059".into()],
            },
            state: AlertState::New,
            assignee: None,
            detections: 1,
            hidden: 0,
            detail_cut: 0,
            urgency: Urgency {
                points: 0,
                reasons: Vec::new(),
                rank: i64::try_from(self.born).unwrap(),
            },
            first_seen: at(1),
            last_seen: at(1),
            opened_at: at(2),
            last_event: 1,
            source: SourceId::new("syslog/203.0.113.7"),
            host: Some(entity.into()),
            summary: "powershell -enc …".to_owned(),
            previous: None,
            revision: 1,
        }
    }

    pub(crate) fn user(&mut self, login: &str, role: Role) -> User {
        User {
            id: self.id(),
            login: login.to_owned(),
            display_name: login.to_uppercase(),
            role,
            password_hash: "$argon2id$secret".to_owned(),
            language: "vi".to_owned(),
            created_at: at(0),
            enabled: true,
            revision: 1,
        }
    }

    pub(crate) fn put(&self, actor: Actor, action: &str, changes: Vec<Change>) -> Result<ledger::Applied, ApplyError> {
        self.ledger.apply(&decision(actor, action, changes))
    }

    /// Runs SQL on the file behind the ledger's back.
    pub(crate) fn meddle(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

pub(crate) fn decision(actor: Actor, action: &str, changes: Vec<Change>) -> Decision {
    Decision {
        at: at(10),
        actor,
        action: action.to_owned(),
        reason: None,
        changes,
        effects: Vec::new(),
    }
}

pub(crate) fn triage() -> Actor {
    Actor::Post {
        part: "triage".to_owned(),
    }
}

pub(crate) fn person(user: &User) -> Actor {
    Scope::of_session(user).actor().clone()
}

pub(crate) fn put_alert(alert: &Alert) -> Change {
    Change::PutAlert {
        alert: Box::new(alert.clone()),
    }
}

pub(crate) fn detection(alert: &Alert, event: u64) -> Detection {
    Detection {
        rule: alert.rule.clone(),
        entity: alert.key.entity.clone(),
        event,
        contributing: Vec::new(),
        happened_at: at(i64::try_from(event).unwrap()),
        received_at: at(i64::try_from(event).unwrap()),
        source: alert.source.clone(),
        host: alert.host.clone(),
        matched: Vec::new(),
        summary: format!("event {event}"),
        found_by: FoundBy::Stream,
        exercise: false,
    }
}

pub(crate) fn add_detection(alert: &Alert, ordinal: u64, hidden_by: Option<Id<model::Silence>>) -> Change {
    Change::AddDetection {
        alert: alert.id,
        ordinal,
        detection: Box::new(detection(alert, ordinal)),
        hidden_by,
    }
}
