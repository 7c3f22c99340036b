//! The steps of people with actions: asking, agreeing, breaking the glass, confirming, lifting; and what happens when time is over.

use model::{
    Action, ActionApproval, ActionKind, ActionState, Actor, ApprovalRule, BrokenGlass, Change, Decision, Delivery,
    Effect, Errand, Id, LiftReason, Permission, Phrase, Rejected, RunStep, Timestamp, Unapproved,
};

use super::{Policy, Refusal, later, protection};
use crate::Step;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The device.
    pub device: String,
    /// What is changed.
    pub kind: ActionKind,
    /// Why.
    pub why: String,
    /// Under which letter.
    pub letter: Option<String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// How long it lasts, where that is said.
    pub lasts_seconds: Option<u64>,
}

/// Longest reason in characters.
const WHY_CHARACTERS_MAX: usize = 2_000;

/// Asks for an action. The device then says what would change.
///
/// # Errors
/// When the role does not allow it, the reason is missing, or something protected would be touched.
pub fn request(step: Step<'_>, asked: Asked, policy: &Policy, id: Id<Action>) -> Result<Decision, Refusal> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    reason(&asked.why)?;
    let rule = ApprovalRule {
        quorum: policy.quorum,
        other_than_requester: !policy.requester_may_approve,
        until: None,
        then: Unapproved::Wait,
    };
    let action = draft(asked, policy, (id, None, rule), (step.scope.actor(), step.at))?;
    let why = action.why.clone();
    let mut decision = step.decides("action.request", Some(&why), vec![Change::put(&action)]);
    decision.effects.push(errand(&action, Errand::Plan));
    Ok(decision)
}

/// An action that a step of a run asks for, with its effect; whoever decides about the run puts both into that decision.
///
/// # Errors
/// When something protected would be touched, or an element is none.
pub fn asked_in_run(
    asked: Asked,
    policy: &Policy,
    (id, run_step, rule): (Id<Action>, RunStep, ApprovalRule),
    (by, at): (&Actor, Timestamp),
) -> Result<(Action, Effect), Refusal> {
    let action = draft(asked, policy, (id, Some(run_step), rule), (by, at))?;
    let effect = errand(&action, Errand::Plan);
    Ok((action, effect))
}

fn draft(
    asked: Asked,
    policy: &Policy,
    (id, step, rule): (Id<Action>, Option<RunStep>, ApprovalRule),
    (by, at): (&Actor, Timestamp),
) -> Result<Action, Refusal> {
    let kind = protection::in_one_form(asked.kind)?;
    policy.protection.touches(&kind)?;
    Ok(Action {
        id,
        revision: 1,
        device: asked.device,
        kind,
        why: asked.why.trim().to_owned(),
        letter: asked.letter.filter(|letter| !letter.trim().is_empty()),
        incident: asked.incident,
        step,
        requested_by: by.clone(),
        requested_at: at,
        lasts_seconds: asked.lasts_seconds.or(policy.lasts_seconds),
        expires_at: None,
        rule,
        plan: None,
        approvals: Vec::new(),
        broken_glass: None,
        state: ActionState::Requested,
        proof: None,
        restored: 0,
    })
}

/// Agrees to the plan with a hash. With the last agreement that is needed, the action is carried out.
///
/// # Errors
/// When the plan is another one by now, the person asked for it themselves, or agreed before.
pub fn approve(step: Step<'_>, action: &Action, hash: &str) -> Result<Decision, Rejected> {
    step.needs(Permission::ApproveResponse)?;
    step.person()?;
    let plan = waiting(action)?;
    if plan.hash != hash {
        return Err(Rejected::Outdated);
    }
    let by = step.scope.actor();
    if action.rule.other_than_requester && same(by, &action.requested_by) {
        return Err(Rejected::NotNow(Phrase::new(
            "người yêu cầu không được tự phê duyệt",
            "whoever asked for it cannot agree to it",
        )));
    }
    if action.approvals.iter().any(|approval| same(&approval.by, by)) {
        return Err(Rejected::AlreadySo);
    }
    let mut next = raised(action);
    next.approvals.push(ActionApproval {
        by: by.clone(),
        at: step.at,
        hash: hash.to_owned(),
    });
    let enough = next.approvals.len() >= usize::try_from(needed(action)).unwrap_or(usize::MAX);
    if enough {
        next.state = ActionState::Approved { at: step.at };
    }
    let mut decision = step.decides("action.approve", None, vec![Change::put(&next)]);
    if enough {
        decision.effects.push(errand(&next, Errand::Apply));
    }
    Ok(decision)
}

/// Carries an action out without the agreement that it needs: the head of unit is called, and a review is owed.
///
/// # Errors
/// When it does not wait for agreement, or no reason is given.
pub fn break_glass(step: Step<'_>, action: &Action, why: &str, policy: &Policy) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    waiting(action)?;
    let why = reason(why)?;
    let (next, effects) = glass(action, (step.scope.actor(), step.at), &why, policy);
    let mut decision = step.decides("action.break_glass", Some(&why), vec![Change::put(&next)]);
    decision.effects = effects;
    Ok(decision)
}

fn glass(action: &Action, (by, at): (&Actor, Timestamp), why: &str, policy: &Policy) -> (Action, Vec<Effect>) {
    let mut next = raised(action);
    next.broken_glass = Some(BrokenGlass {
        by: by.clone(),
        at,
        why: why.to_owned(),
        reviewed: None,
    });
    next.state = ActionState::Approved { at };
    let mut effects = vec![errand(&next, Errand::Apply)];
    effects.extend(policy.head_of_unit.iter().map(|(channel, to)| Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: channel.clone(),
            to: to.clone(),
            subject: format!(
                "Thực hiện khẩn cấp chưa phê duyệt / done without approval: {}",
                action.device
            ),
            text: format!("{}\n{}\n{why}", summary(&action.kind), action.why),
            link: Some(format!("/actions/{}", action.id)),
            urgent: true,
            about: Some(format!("action:{}", action.id)),
        }),
    }));
    (next, effects)
}

/// What becomes of an action that nobody agreed to in time; none when it goes on waiting.
#[must_use]
pub fn unapproved(action: &Action, policy: &Policy, now: Timestamp) -> Option<Decision> {
    let over = action.state == ActionState::Planned && action.rule.until.is_some_and(|until| until <= now);
    if !over {
        return None;
    }
    let by = Actor::Post {
        part: "response".to_owned(),
    };
    let (name, next, effects) = match action.rule.then {
        Unapproved::Wait => return None,
        Unapproved::Refuse => {
            let mut next = raised(action);
            next.state = ActionState::Refused {
                at: now,
                why: "nobody agreed in time".to_owned(),
            };
            ("action.time_out", next, Vec::new())
        }
        Unapproved::BreakGlass => {
            let (next, effects) = glass(action, (&by, now), "nobody agreed in time", policy);
            ("action.break_glass", next, effects)
        }
    };
    Some(Decision {
        at: now,
        actor: by,
        action: name.to_owned(),
        reason: None,
        changes: vec![Change::put(&next)],
        effects,
    })
}

/// Looks at an action that was carried out without agreement.
///
/// # Errors
/// When none is owed, or the same person looks at it who did it.
pub fn review(step: Step<'_>, action: &Action, findings: &str) -> Result<Decision, Rejected> {
    step.needs(Permission::ApproveResponse)?;
    step.person()?;
    let findings = reason(findings)?;
    let mut next = raised(action);
    match &mut next.broken_glass {
        None => {
            return Err(Rejected::NotNow(Phrase::new(
                "không cần xem xét lại",
                "no review is owed",
            )));
        }
        Some(glass) if glass.reviewed.is_some() => return Err(Rejected::AlreadySo),
        Some(glass) if same(&glass.by, step.scope.actor()) => {
            return Err(Rejected::NotNow(Phrase::new(
                "người đã thực hiện không tự xem xét",
                "whoever did it cannot review it",
            )));
        }
        Some(glass) => glass.reviewed = Some((step.scope.actor().clone(), step.at, findings.clone())),
    }
    Ok(step.decides("action.review", Some(&findings), vec![Change::put(&next)]))
}

/// Confirms an action that is in force: it lasts that much longer from now, or until somebody lifts it.
///
/// # Errors
/// When it is not in force.
pub fn confirm(step: Step<'_>, action: &Action, lasts_seconds: Option<u64>) -> Result<Decision, Rejected> {
    step.needs(Permission::ApproveResponse)?;
    step.person()?;
    if !matches!(action.state, ActionState::InForce { .. }) {
        return Err(Rejected::NotNow(Phrase::new(
            "không còn hiệu lực",
            "it is not in force",
        )));
    }
    let mut next = raised(action);
    next.expires_at = lasts_seconds.map(|seconds| later(step.at, seconds));
    Ok(step.decides("action.confirm", None, vec![Change::put(&next)]))
}

/// Lifts an action that is or may be in force.
///
/// # Errors
/// When it is not, or no reason is given.
pub fn lift(step: Step<'_>, action: &Action, why: &str) -> Result<Decision, Rejected> {
    step.needs(Permission::ApproveResponse)?;
    let why = reason(why)?;
    if matches!(action.state, ActionState::Lifting { .. }) {
        return Err(Rejected::AlreadySo);
    }
    let because = LiftReason::Asked {
        by: step.scope.actor().clone(),
        why: why.clone(),
    };
    let (next, effect) = lifting(action, because).ok_or(Rejected::NotNow(Phrase::new(
        "không còn hiệu lực",
        "it is not in force",
    )))?;
    let mut decision = step.decides("action.lift", Some(&why), vec![Change::put(&next)]);
    decision.effects.push(effect);
    Ok(decision)
}

/// Refuses an action, or calls it off, before it is carried out.
///
/// # Errors
/// When it is carried out already.
pub fn call_off(step: Step<'_>, action: &Action, why: &str) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    let why = reason(why)?;
    if !matches!(action.state, ActionState::Requested | ActionState::Planned) {
        return Err(Rejected::NotNow(Phrase::new(
            "đã thực hiện rồi",
            "it is carried out already",
        )));
    }
    let mut next = raised(action);
    next.state = ActionState::Refused {
        at: step.at,
        why: why.clone(),
    };
    Ok(step.decides("action.call_off", Some(&why), vec![Change::put(&next)]))
}

/// Lifts what is over by now; none when nothing is. Called about once a second, and first of all when the post starts.
#[must_use]
pub fn expire(in_force: &[Action], now: Timestamp) -> Option<Decision> {
    let over = |action: &&Action| action.expires_at.is_some_and(|expires| expires <= now);
    let lifted: Vec<(Action, Effect)> = in_force
        .iter()
        .filter(over)
        .filter_map(|action| lifting(action, LiftReason::Expired))
        .collect();
    if lifted.is_empty() {
        return None;
    }
    let (changes, effects) = lifted
        .iter()
        .map(|(action, effect)| (Change::put(action), effect.clone()))
        .unzip();
    Some(Decision {
        at: now,
        actor: Actor::Post {
            part: "response".to_owned(),
        },
        action: "action.expire".to_owned(),
        reason: None,
        changes,
        effects,
    })
}

/// The action on its way back, with its errand; none when it is not in force.
pub(super) fn lifting(action: &Action, why: LiftReason) -> Option<(Action, Effect)> {
    let since = match &action.state {
        ActionState::InForce { since } => *since,
        ActionState::Failed { at, in_force: true, .. } => *at,
        ActionState::Requested
        | ActionState::Planned
        | ActionState::Approved { .. }
        | ActionState::Lifting { .. }
        | ActionState::Lifted { .. }
        | ActionState::Refused { .. }
        | ActionState::Failed { .. } => return None,
    };
    let mut next = raised(action);
    next.state = ActionState::Lifting { since, why };
    let effect = errand(&next, Errand::Lift);
    Some((next, effect))
}

pub(super) fn errand(action: &Action, errand: Errand) -> Effect {
    Effect::Enforce {
        lane: Effect::lane_of_device(&action.device),
        action: action.id,
        errand,
    }
}

pub(super) fn raised(action: &Action) -> Action {
    let mut next = action.clone();
    next.revision += 1;
    next
}

/// How many people must agree: what the rule says, or what the action touches.
#[must_use]
pub fn needed(action: &Action) -> u32 {
    let touches = action
        .plan
        .iter()
        .flat_map(|plan| &plan.touches)
        .map(|touch| touch.quorum);
    touches.chain([action.rule.quorum]).max().unwrap_or(0)
}

fn waiting(action: &Action) -> Result<&model::ActionPlan, Rejected> {
    match (&action.state, &action.plan) {
        (ActionState::Planned, Some(plan)) => Ok(plan),
        _ => Err(Rejected::NotNow(Phrase::new(
            "không chờ phê duyệt",
            "it does not wait for agreement",
        ))),
    }
}

fn reason(why: &str) -> Result<String, Rejected> {
    let why = why.trim();
    let problem = if why.is_empty() {
        Phrase::new("phải nêu lý do", "a reason is needed")
    } else if why.chars().count() > WHY_CHARACTERS_MAX {
        Phrase::new("quá dài", "is too long")
    } else {
        return Ok(why.to_owned());
    };
    Err(Rejected::Invalid { field: "why", problem })
}

/// Whether two actors are one person.
fn same(one: &Actor, other: &Actor) -> bool {
    match (one, other) {
        (Actor::Person { user, .. }, Actor::Person { user: other, .. }) => user == other,
        (Actor::Person { .. } | Actor::Post { .. }, Actor::Person { .. } | Actor::Post { .. }) => false,
    }
}

/// What an action does, in one line for machines and telephones.
fn summary(kind: &ActionKind) -> String {
    let elements = kind.elements();
    match kind {
        ActionKind::BlockAddresses { .. } | ActionKind::BlockNames { .. } => {
            let first: Vec<&str> = elements.iter().take(5).map(String::as_str).collect();
            let more = if elements.len() > 5 {
                format!(" +{}", elements.len() - 5)
            } else {
                String::new()
            };
            format!("{}{more}", first.join(", "))
        }
        ActionKind::Invoke { name, .. } => name.clone(),
        ActionKind::Ask { subject, .. } => subject.clone(),
    }
}
