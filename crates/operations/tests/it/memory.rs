//! A ledger of the tests: takes decisions as the real one does, and holds them against the rules that it must keep.

use std::collections::HashMap;

use model::{
    Alert, AlertContext, AlertKey, AlertState, Change, Decision, Detection, Effect, Entity, EntityKind, Entropy,
    FoundBy, Id, Role, RuleIdentity, RuleLevel, Scope, Silence, SourceId, Surroundings, Timestamp, User,
};
use operations::alerts::Contexts;

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) alerts: HashMap<Id<Alert>, Alert>,
    pub(crate) silences: HashMap<Id<Silence>, Silence>,
    pub(crate) details: HashMap<(Id<Alert>, u64), bool>,
    pub(crate) effects: Vec<Effect>,
}

impl Memory {
    pub(crate) fn apply(&mut self, decision: &Decision) {
        for change in &decision.changes {
            self.change(change);
        }
        self.effects.extend(decision.effects.iter().cloned());
        let mut open: Vec<&AlertKey> = self.open().map(|alert| &alert.key).collect();
        let all = open.len();
        open.sort();
        open.dedup();
        assert_eq!(open.len(), all, "two open alerts have one key");
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::PutAlert { alert } => {
                let before = self.alerts.insert(alert.id, (**alert).clone());
                assert_eq!(before.map_or(0, |before| before.revision) + 1, alert.revision);
            }
            Change::AddDetection {
                alert,
                ordinal,
                hidden_by,
                ..
            } => {
                let twice = self.details.insert((*alert, *ordinal), hidden_by.is_some());
                assert_eq!(twice, None, "one ordinal twice");
            }
            Change::PutSilence { silence } => {
                let before = self.silences.insert(silence.id, (**silence).clone());
                assert_eq!(before.map_or(0, |before| before.revision) + 1, silence.revision);
            }
            Change::PutUser { .. }
            | Change::CountSource { .. }
            | Change::PutSourceHealth { .. }
            | Change::PutToken { .. }
            | Change::PutSession { .. }
            | Change::PutSetupLink { .. }
            | Change::UseSetupLink { .. }
            | Change::PutSetting { .. }
            | Change::PutReport { .. }
            | Change::PutNoun { .. }
            | Change::AddMeasurements { .. }
            | Change::ForgetMeasurements { .. }
            | Change::ForgetDetections { .. }
            | Change::AdvancePipeline { .. } => {}
        }
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values().filter(|alert| alert.state.is_open())
    }

    pub(crate) fn with_key(&self, key: &AlertKey) -> Option<&Alert> {
        self.open().find(|alert| alert.key == *key)
    }

    pub(crate) fn contexts(&self, keys: impl IntoIterator<Item = AlertKey>) -> Contexts {
        keys.into_iter().map(|key| (key.clone(), self.context(&key))).collect()
    }

    fn context(&self, key: &AlertKey) -> AlertContext {
        let open = self.with_key(key).cloned();
        let closed_at = |alert: &Alert| match &alert.state {
            AlertState::Closed { at, .. } => Some(*at),
            AlertState::New | AlertState::Acknowledged { .. } => None,
        };
        let closed = self.alerts.values().filter(|alert| alert.key == *key && open.is_none());
        let others = |alert: &&Alert| alert.key.rule == key.rule && alert.key != *key;
        AlertContext {
            closed: closed.max_by_key(|alert| closed_at(alert)).cloned(),
            around: Surroundings {
                other_entities: self.open().filter(others).count() as u64,
                ..Surroundings::default()
            },
            open,
        }
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn entropy(n: u64) -> Entropy {
    Entropy((u128::from(n) << 64).to_be_bytes())
}

pub(crate) fn user(n: u64, role: Role) -> User {
    User {
        id: Id::born(at(0), entropy(1000 + n)),
        login: format!("user{n}"),
        display_name: format!("User {n}"),
        role,
        password_hash: String::new(),
        language: "vi".into(),
        created_at: at(0),
        enabled: true,
        revision: 1,
    }
}

pub(crate) fn scope(n: u64) -> Scope {
    Scope::of_session(&user(n, Role::ShiftLead))
}

/// A detection of rule `rule` about host `host`, on the event `event` that happened and was received at its second.
pub(crate) fn detection(rule: &str, host: &str, event: u64) -> Detection {
    let second = at(i64::try_from(event).unwrap());
    Detection {
        rule: RuleIdentity {
            id: rule.into(),
            title: format!("Rule {rule}"),
            title_vi: String::new(),
            level: RuleLevel::High,
            tags: vec!["attack.execution".into(), "attack.t1059.001".into()],
        },
        entity: Entity {
            kind: EntityKind::Host,
            name: host.into(),
        },
        event,
        contributing: Vec::new(),
        happened_at: second,
        received_at: second,
        source: SourceId::new("wef"),
        host: Some(host.into()),
        matched: Vec::new(),
        summary: format!("event {event}"),
        found_by: FoundBy::Stream,
        exercise: false,
    }
}

/// Triages detections that nothing hides, and applies what was decided.
pub(crate) fn receive(memory: &mut Memory, detections: &[Detection], now: Timestamp) {
    let batch: Vec<_> = detections
        .iter()
        .map(|detection| operations::alerts::Occurrence {
            detection,
            hidden_by: None,
        })
        .collect();
    let contexts = memory.contexts(operations::alerts::contexts_needed(detections));
    let seed = u64::try_from(now.as_second()).unwrap();
    let triaged = operations::alerts::triage(&batch, &contexts, now, entropy(seed));
    memory.apply(&Decision {
        at: now,
        actor: Scope::of_post("triage").actor().clone(),
        action: "triage.batch".into(),
        reason: None,
        changes: triaged.changes,
        effects: triaged.effects,
    });
}
