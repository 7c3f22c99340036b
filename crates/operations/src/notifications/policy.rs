//! Escalation policies: made and changed.

use model::{Change, Decision, Entropy, EscalationPolicy, EscalationStep, Id, Permission, Phrase, Rejected};

use crate::Step;

const NAME: Phrase = Phrase::new(
    "cần tên, không quá 200 ký tự",
    "is needed, and at most 200 characters long",
);
const STEPS: Phrase = Phrase::new(
    "cần từ 1 đến 20 bước, mỗi bước có người được gọi",
    "needs 1 to 20 steps, each with somebody to page",
);
const WAIT: Phrase = Phrase::new(
    "mỗi bước chờ từ 1 đến 1440 phút và nhắc không dày hơn thế",
    "each step waits 1 to 1440 minutes, and reminds within them",
);
const ANSWERS: Phrase = Phrase::new("cần từ 1 đến 20 người nhận", "needs 1 to 20 acknowledgements");
const ROUNDS: Phrase = Phrase::new("từ 1 đến 10 vòng", "must be 1 to 10 rounds");

/// Longest wait of a step in minutes.
const WAIT_MINUTES_MAX: u16 = 1440;

/// A policy as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDraft {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<EscalationStep>,
    /// Its rounds.
    pub rounds: u8,
}

/// Makes a policy (`standing` absent), or changes one that the editor saw as `seen`.
///
/// # Errors
/// When somebody else changed it meanwhile, or something is missing or out of bounds.
pub fn edit_policy(
    standing: Option<&EscalationPolicy>,
    seen: u64,
    draft: PolicyDraft,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteDuty)?;
    if standing.map_or(0, |standing| standing.revision) != seen {
        return Err(Rejected::Outdated);
    }
    let PolicyDraft { name, steps, rounds } = draft;
    let name = name.trim().to_owned();
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    if name.is_empty() || name.chars().count() > 200 {
        return invalid("name", NAME);
    }
    let peopled = |step: &EscalationStep| (1..=EscalationPolicy::TARGETS_MAX).contains(&step.who.len());
    if steps.is_empty() || steps.len() > EscalationPolicy::STEPS_MAX || !steps.iter().all(peopled) {
        return invalid("steps", STEPS);
    }
    let timed = |step: &EscalationStep| {
        (1..=WAIT_MINUTES_MAX).contains(&step.wait_minutes) && step.remind_minutes <= WAIT_MINUTES_MAX
    };
    if !steps.iter().all(timed) {
        return invalid("wait_minutes", WAIT);
    }
    if !steps.iter().all(|step| (1..=20).contains(&step.acknowledgements)) {
        return invalid("acknowledgements", ANSWERS);
    }
    if !(1..=EscalationPolicy::ROUNDS_MAX).contains(&rounds) {
        return invalid("rounds", ROUNDS);
    }
    let policy = EscalationPolicy {
        id: standing.map_or_else(|| Id::born(step.at, entropy), |standing| standing.id),
        name,
        steps,
        rounds,
        revision: seen + 1,
    };
    let action = if seen == 0 { "policy.create" } else { "policy.change" };
    Ok(step.decides(action, None, vec![Change::put(&policy)]))
}
