//! Once a second, and first of all at the start: actions whose time is over are lifted, those that nobody agreed to in time are decided.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ledger::{Ledger, NounFilter};
use model::{Action, Id, Scope};
use operations::response::{self, PlanRun};
use tokio::sync::mpsc::UnboundedSender;

use super::Means;
use crate::{clock, commit::commit};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the post ends.
pub(super) async fn watch(ledger: Ledger, means: Arc<Means>, wake: UnboundedSender<Id<PlanRun>>) {
    loop {
        let means = Arc::clone(&means);
        match ledger.off_thread(move |ledger| look(ledger, &means)).await {
            Ok(runs) => {
                for run in runs {
                    let _ = wake.send(run);
                }
            }
            Err(error) => tracing::error!("actions whose time is over were not looked for: {error:#}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn look(ledger: &Ledger, means: &Means) -> Result<Vec<Id<PlanRun>>> {
    let (scope, now) = (Scope::of_post("response"), clock::now());
    let over = |state: &str| {
        let filter = NounFilter {
            due_before: Some(now),
            ..NounFilter::in_state(state)
        };
        ledger.all_kept::<Action>(&scope, &filter)
    };
    let mut runs = Vec::new();
    // One decision each: a conflict about one holds up no other.
    for action in over("in_force")? {
        if let Some(decision) = response::expire(std::slice::from_ref(&action), now) {
            commit(ledger, &decision)?;
        }
    }
    for action in over("planned")? {
        if let Some(decision) = response::unapproved(&action, &means.policy, now) {
            commit(ledger, &decision)?;
            runs.extend(action.step.and_then(|step| step.run.parse::<Id<PlanRun>>().ok()));
        }
    }
    Ok(runs)
}
