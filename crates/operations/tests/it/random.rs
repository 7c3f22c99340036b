//! Random lives of a post: whatever comes in and whatever people do, the counts are exact, revisions grow, one open alert has
//! a key, and every step can be taken back.

use std::collections::HashSet;

use model::{
    Alert, Change, Decision, Detection, Disposition, Id, PipelinePosition, Role, Silence, SilenceReason, SilenceScope,
};
use operations::{Known, Moment, Observed, Step, alerts, silences};
use proptest::prelude::*;

use crate::memory::{Memory, at, detection, entropy, scope, user};

#[derive(Debug, Clone)]
enum Happening {
    Batch(Vec<(u8, u8)>),
    Step { verb: u8, alert: usize, person: u64 },
    Wait(u16),
    Silence(u8),
    EndSilence,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => prop::collection::vec((0..3_u8, 0..3_u8), 0..40).prop_map(Happening::Batch),
        5 => (0..7_u8, 0..20_usize, 1..3_u64).prop_map(|(verb, alert, person)| Happening::Step { verb, alert, person }),
        1 => (1..2000_u16).prop_map(Happening::Wait),
        1 => (0..3_u8).prop_map(Happening::Silence),
        1 => Just(Happening::EndSilence),
    ]
}

struct Life {
    memory: Memory,
    second: i64,
    /// Detections that came in; each is another one.
    received: u64,
    /// Every step of a person on an alert: before and after.
    steps: Vec<(Alert, Alert)>,
}

impl Life {
    fn live(&mut self, happening: &Happening) {
        self.second += 1;
        match happening {
            Happening::Batch(pairs) => self.batch(pairs),
            Happening::Step { verb, alert, person } => self.step(*verb, *alert, *person),
            Happening::Wait(seconds) => self.second += i64::from(*seconds),
            Happening::Silence(rule) => self.silence(*rule),
            Happening::EndSilence => self.end_silence(),
        }
    }

    fn batch(&mut self, pairs: &[(u8, u8)]) {
        let detections: Vec<Detection> = pairs
            .iter()
            .map(|(rule, host)| {
                self.received += 1;
                let mut detection = detection(&format!("r{rule}"), &format!("h{host}"), self.received);
                detection.happened_at = at(self.second);
                detection.received_at = at(self.second);
                detection
            })
            .collect();
        let observed: Vec<_> = detections
            .iter()
            .map(|detection| Observed { detection, event: None })
            .collect();
        let silences: Vec<Silence> = self.memory.silences.values().cloned().collect();
        let contexts = self.memory.contexts(operations::keys_of_batch(&observed, &silences));
        let known = Known {
            contexts: &contexts,
            silences: &silences,
        };
        let moment = Moment {
            now: at(self.second),
            entropy: entropy(self.received + 1),
        };
        let decide = || operations::decide_batch(&observed, Vec::new(), PipelinePosition::default(), known, moment);
        let decision = decide();
        assert_eq!(decision, decide(), "the same batch is decided alike");
        self.memory.apply(&decision);
    }

    fn step(&mut self, verb: u8, nth: usize, person: u64) {
        let mut ids: Vec<Id<Alert>> = self.memory.alerts.keys().copied().collect();
        ids.sort();
        let Some(id) = ids.get(nth % ids.len().max(1)) else {
            return;
        };
        let alert = self.memory.alerts[id].clone();
        let rival = self
            .memory
            .with_key(&alert.key)
            .filter(|open| open.id != alert.id)
            .cloned();
        let scope = scope(person);
        let step = Step {
            scope: &scope,
            at: at(self.second),
        };
        let decided = match verb {
            0 => alerts::acknowledge(&alert, step),
            1 => alerts::unacknowledge(&alert, step),
            2 => alerts::assign(&alert, Some(&user(person, Role::ShiftLead)), step),
            3 => alerts::close(&alert, Disposition::FalsePositive, "noise", step),
            4 => alerts::close(&alert, Disposition::TruePositive, "real", step),
            5 => alerts::reopen(&alert, rival.as_ref(), step),
            _ => return self.undo(&alert, rival.as_ref(), step),
        };
        if let Ok(decision) = decided {
            self.memory.apply(&decision);
            self.steps.push((alert.clone(), self.memory.alerts[&alert.id].clone()));
        }
    }

    fn undo(&mut self, alert: &Alert, rival: Option<&Alert>, step: Step<'_>) {
        let Some((before, after)) = self.steps.iter().rfind(|(before, _)| before.id == alert.id).cloned() else {
            return;
        };
        match alerts::undo(alert, (&before, &after), rival, step) {
            Ok(decision) => {
                self.memory.apply(&decision);
                let undone = &self.memory.alerts[&alert.id];
                assert_eq!((&undone.state, undone.assignee), (&before.state, before.assignee));
                assert_eq!((undone.detections, undone.hidden), (alert.detections, alert.hidden));
                self.steps.push((alert.clone(), undone.clone()));
            }
            Err(_) => assert!(rival.is_some(), "the last step can always be taken back"),
        }
    }

    fn silence(&mut self, rule: u8) {
        let draft = silences::Draft {
            scope: SilenceScope {
                rule: Some(format!("r{rule}").into()),
                ..SilenceScope::default()
            },
            reason: SilenceReason::FalsePositive,
            comment: "noise".into(),
            expires_at: at(self.second + 1500),
            expected_per_day: 1.0,
        };
        let scope = scope(1);
        let step = Step {
            scope: &scope,
            at: at(self.second),
        };
        let seed = entropy(u64::try_from(self.second).unwrap());
        self.memory.apply(&silences::create(draft, step, seed).unwrap());
    }

    fn end_silence(&mut self) {
        let scope = scope(1);
        let step = Step {
            scope: &scope,
            at: at(self.second),
        };
        let ended: Option<Decision> = self
            .memory
            .silences
            .values()
            .find_map(|silence| silences::end(silence, "over", step).ok());
        if let Some(decision) = ended {
            self.memory.apply(&decision);
        }
    }

    fn check(&self) {
        let of_rules: Vec<&Alert> = self
            .memory
            .alerts
            .values()
            .filter(|alert| alert.origin == model::AlertOrigin::Rule)
            .collect();
        let counted: u64 = of_rules.iter().map(|alert| alert.detections + alert.hidden).sum();
        assert_eq!(counted, self.received, "every detection is counted once");
        let hidden: u64 = of_rules.iter().map(|alert| alert.hidden).sum();
        let by_silences: u64 = self.memory.silences.values().map(|silence| silence.hidden).sum();
        assert_eq!(hidden, by_silences, "what is hidden is counted at both ends");
        for alert in of_rules {
            let details = self.memory.details.keys().filter(|(id, _)| *id == alert.id).count() as u64;
            assert_eq!(details + alert.detail_cut, alert.detections + alert.hidden);
            let points: i64 = alert.urgency.reasons.iter().map(|reason| reason.points).sum();
            assert_eq!(points, alert.urgency.points);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_invariant_is_kept(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut life = Life { memory: Memory::default(), second: 0, received: 0, steps: Vec::new() };
        for happening in &happenings {
            life.live(happening);
            life.check();
        }
    }

    #[test]
    fn ids_drawn_for_one_batch_differ(bytes in any::<[u8; 16]>(), count in 1..300_u64) {
        let detections: Vec<Detection> = (0..count).map(|n| detection("r", &format!("h{n}"), n + 1)).collect();
        let batch: Vec<_> = detections.iter().map(|detection| alerts::Occurrence { detection, hidden_by: None }).collect();
        let triaged = alerts::triage(&batch, &alerts::Contexts::new(), at(400), model::Entropy(bytes));
        let ids: HashSet<Id<Alert>> = triaged.changes.iter().filter_map(|change| {
            let Change::PutAlert { alert } = change else { return None };
            Some(alert.id)
        }).collect();
        prop_assert_eq!(ids.len() as u64, count);
    }
}
