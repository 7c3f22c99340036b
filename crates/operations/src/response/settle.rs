//! What devices answered, as decisions: a plan that people agree to, an action in force or not effective, one that was taken back, and
//! what a device had lost.

use model::{Action, ActionPlan, ActionState, Actor, Change, Decision, Errand, Proof, Timestamp};
use sha2::{Digest, Sha256};

use super::{
    Policy, Refusal,
    actions::{errand, needed, raised},
};

/// What a device says would change.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The exact change, line by line.
    pub lines: Vec<String>,
    /// Whether the device can take it back.
    pub undoable: bool,
}

/// The device said what would change: people are asked, or it is carried out when nobody needs to agree.
#[must_use]
pub fn planned(action: &Action, answered: &Answered, policy: &Policy, now: Timestamp) -> Decision {
    let mut next = raised(action);
    match plan_of(action, answered, policy, now) {
        Err(refusal) => {
            next.state = ActionState::Refused {
                at: now,
                why: refusal.to_string(),
            };
            settled("action.refuse", &next, now)
        }
        Ok(plan) => {
            next.plan = Some(plan);
            let free = needed(&next) == 0;
            next.state = if free {
                ActionState::Approved { at: now }
            } else {
                ActionState::Planned
            };
            let effect = free.then(|| errand(&next, Errand::Apply));
            let mut decision = settled("action.plan", &next, now);
            decision.effects.extend(effect);
            decision
        }
    }
}

/// Whether what would change is no longer what people agreed to: then they are asked anew. An action without agreement goes on.
#[must_use]
pub fn void(action: &Action, answered: &Answered, policy: &Policy, now: Timestamp) -> Option<Decision> {
    let agreed = action.plan.as_ref()?;
    let fresh = match plan_of(action, answered, policy, now) {
        Ok(fresh) => fresh,
        Err(refusal) => {
            let mut next = raised(action);
            next.state = ActionState::Refused {
                at: now,
                why: refusal.to_string(),
            };
            return Some(settled("action.refuse", &next, now));
        }
    };
    if fresh.hash == agreed.hash || action.broken_glass.is_some() {
        return None;
    }
    let mut next = raised(action);
    next.plan = Some(fresh);
    if needed(&next) == 0 {
        return None;
    }
    next.approvals.clear();
    next.state = ActionState::Planned;
    let mut decision = settled("action.void", &next, now);
    decision.reason = Some("what would change is no longer what was agreed to".to_owned());
    Some(decision)
}

fn plan_of(action: &Action, answered: &Answered, policy: &Policy, now: Timestamp) -> Result<ActionPlan, Refusal> {
    let touches = policy.protection.touches(&action.kind)?;
    let mut hash = Sha256::new();
    let mut take = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    take(&action.device);
    take(if answered.undoable { "undoable" } else { "final" });
    take(
        &action
            .lasts_seconds
            .map_or_else(String::new, |seconds| seconds.to_string()),
    );
    for touch in &touches {
        take(&touch.element);
        take(&touch.what);
        take(&touch.quorum.to_string());
    }
    for line in &answered.lines {
        take(line);
    }
    let digest = hash.finalize();
    Ok(ActionPlan {
        made_at: now,
        lines: answered.lines.iter().take(ActionPlan::LINES_MAX).cloned().collect(),
        touches,
        undoable: answered.undoable,
        hash: hexadecimal(&digest),
    })
}

/// The device did it; the proof says whether it has its effect.
#[must_use]
pub fn applied(action: &Action, proof: Proof, now: Timestamp) -> Decision {
    let mut next = raised(action);
    next.state = ActionState::InForce { since: now };
    next.expires_at = action.lasts_seconds.map(|seconds| super::later(now, seconds));
    let ineffective = proof.holds == Some(false);
    next.proof = Some(proof);
    let mut decision = settled("action.apply", &next, now);
    if ineffective {
        decision.reason = Some("applied, not effective".to_owned());
    }
    decision
}

/// The device could not, for good. What failed while it was taken back may be in force still.
#[must_use]
pub fn failed(action: &Action, why: &str, now: Timestamp) -> Decision {
    let mut next = raised(action);
    next.state = ActionState::Failed {
        at: now,
        why: why.to_owned(),
        in_force: action.holds(),
    };
    settled("action.fail", &next, now)
}

/// The device took it back.
#[must_use]
pub fn lifted(action: &Action, proof: Proof, now: Timestamp) -> Option<Decision> {
    let ActionState::Lifting { why, .. } = &action.state else {
        return None;
    };
    let mut next = raised(action);
    next.state = ActionState::Lifted {
        at: now,
        why: why.clone(),
    };
    next.expires_at = None;
    next.proof = Some(proof);
    Some(settled("action.lifted", &next, now))
}

/// A device had lost these actions, or something in it belonged to none; it was put right, and that is noted on each of them.
#[must_use]
pub fn restored(touched: &[Action], found: &str, now: Timestamp) -> Decision {
    let changes = touched
        .iter()
        .map(|action| {
            let mut next = raised(action);
            next.restored += 1;
            next.proof = Some(Proof {
                at: now,
                holds: Some(true),
                text: "thiết bị đã làm mất; đã đặt lại / the device had lost it; it was put right".to_owned(),
            });
            Change::put(&next)
        })
        .collect();
    Decision {
        at: now,
        actor: post(),
        action: "device.put_right".to_owned(),
        reason: Some(found.to_owned()),
        changes,
        effects: Vec::new(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn post() -> Actor {
    Actor::Post {
        part: "response".to_owned(),
    }
}

fn settled(name: &str, next: &Action, now: Timestamp) -> Decision {
    Decision {
        at: now,
        actor: post(),
        action: name.to_owned(),
        reason: None,
        changes: vec![Change::put(next)],
        effects: Vec::new(),
    }
}
