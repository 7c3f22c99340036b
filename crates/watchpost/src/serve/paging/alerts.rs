//! New alerts begin the policies of the teams that they concern, in the same decision.

use anyhow::Result;
use ledger::{Ledger, NounFilter};
use model::{Decision, Effect, Entropy, EscalationPolicy, Language, Scope, Team};

/// Adds, in the language of the post, what the decision's new alerts begin.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn add_notifications(
    ledger: &Ledger,
    decision: &mut Decision,
    language: Language,
    entropy: Entropy,
) -> Result<()> {
    let announces = |effect: &Effect| match effect {
        Effect::AnnounceAlert { .. } => true,
        Effect::Deliver { .. } | Effect::Enforce { .. } => false,
    };
    if !decision.effects.iter().any(announces) {
        return Ok(());
    }
    let scope = Scope::of_post(super::PART);
    let mut teams: Vec<Team> = ledger.all_kept(&scope, &NounFilter::default())?;
    teams.retain(|team| team.alerts_from.is_some() && team.policy.is_some());
    if !teams.is_empty() {
        let policies: Vec<EscalationPolicy> = ledger.all_kept(&scope, &NounFilter::default())?;
        operations::notifications::page_for_alerts(decision, (&teams, &policies), language, entropy);
    }
    Ok(())
}
