//! Actions at devices.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod show;

use maud::{Markup, html};
use model::{Action, ActionKind, ActionState};
use operations::response::in_language;

use crate::words::Words;

/// The state of an action as a badge; what is not known to work is never green.
pub(crate) fn badge(words: Words, action: &Action) -> Markup {
    let (class, word) = match &action.state {
        ActionState::Requested => ("badge", words.action_state_requested()),
        ActionState::Planned => ("badge badge-warn", words.action_state_planned()),
        ActionState::Approved { .. } => ("badge", words.action_state_approved()),
        ActionState::InForce { .. } => match action.proof.as_ref().and_then(|proof| proof.holds) {
            Some(true) => ("badge badge-good", words.action_state_in_force()),
            Some(false) => ("badge badge-bad", words.action_state_not_effective()),
            None => ("badge badge-warn", words.action_state_unproven()),
        },
        ActionState::Lifting { .. } => ("badge", words.action_state_lifting()),
        ActionState::Lifted { .. } => ("badge", words.action_state_lifted()),
        ActionState::Refused { .. } => ("badge", words.action_state_refused()),
        ActionState::Failed { in_force: false, .. } => ("badge badge-bad", words.action_state_failed()),
        ActionState::Failed { in_force: true, .. } => ("badge badge-bad", words.action_state_stuck()),
    };
    html! { span class=(class) { (word) } }
}

/// Why it was asked for; a step of a plan says it in both languages.
fn why(words: Words, action: &Action) -> &str {
    match &action.step {
        Some(_) => in_language(&action.why, " / ", words.0),
        None => &action.why,
    }
}

/// How long it lasts once it is in force.
fn lasting(words: Words, action: &Action) -> String {
    action
        .lasts_seconds
        .map_or_else(|| words.action_until_lifted().to_owned(), |seconds| words.span(seconds))
}

/// What an action does, in short.
pub(crate) fn summary(kind: &ActionKind) -> String {
    const SHOWN: usize = 4;
    let elements = kind.elements();
    match kind {
        ActionKind::BlockAddresses { .. } | ActionKind::BlockNames { .. } => {
            let first: Vec<&str> = elements.iter().take(SHOWN).map(String::as_str).collect();
            let more = elements.len().saturating_sub(SHOWN);
            if more == 0 {
                first.join(", ")
            } else {
                format!("{} +{more}", first.join(", "))
            }
        }
        ActionKind::Invoke { name, values } => {
            let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{name}({})", values.join(", "))
        }
        ActionKind::Ask { subject, .. } => subject.clone(),
    }
}
