//! What the alerts of incidents saw and what people did with them since goes into the incidents' timelines.

use ledger::{Ledger, NounFilter, ReadError};
use model::{AlertLink, Id, Incident, Scope, Timestamp};
use operations::incidents::{self, Gathered};

use super::open_incidents;
use crate::trouble::Trouble;

/// Brings into the timelines of all open incidents what their alerts saw and what people did with them since. The
/// composition root calls it every minute; gives how many incidents it looked at.
///
/// # Errors
/// When the ledger cannot be read or written; what was not brought in comes with the next call.
pub fn follow_alerts(ledger: &Ledger, now: Timestamp) -> Result<usize, FollowError> {
    let scope = Scope::of_post("incidents");
    let open = open_incidents(ledger, &scope)?;
    let mut ids = Vec::new();
    for incident in &open {
        ids.extend(
            incidents::family(incident, |id| ledger.kept(&scope, &id.to_string()))?
                .iter()
                .map(|member| member.id),
        );
    }
    for id in &ids {
        gather(ledger, &scope, *id, now)?;
    }
    Ok(open.len())
}

/// Brings in what alerts of some incidents saw since, for a page that is about to show it.
pub(crate) fn follow(ledger: &Ledger, ids: &[Id<Incident>], now: Timestamp) -> Result<(), Trouble> {
    let scope = Scope::of_post("incidents");
    for id in ids {
        match gather(ledger, &scope, *id, now) {
            // Another call brought the same in at the same time.
            Ok(()) | Err(FollowError::Apply(ledger::ApplyError::Conflict { .. })) => {}
            Err(FollowError::Read(error)) => return Err(error.into()),
            Err(FollowError::Apply(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

fn gather(ledger: &Ledger, scope: &Scope, incident: Id<Incident>, now: Timestamp) -> Result<(), FollowError> {
    let links: Vec<AlertLink> = ledger.all_kept(scope, &NounFilter::of_parent(&incident.to_string()))?;
    for link in links {
        let Some(alert) = ledger.alert(scope, link.alert)? else {
            continue;
        };
        let detections: Vec<_> = ledger
            .detections_after(scope, alert.id, link.detections_taken, incidents::GATHERED_MAX)?
            .into_iter()
            .map(|kept| (kept.ordinal, kept.detection))
            .collect();
        let steps = ledger.alert_steps_after(scope, alert.id, link.steps_taken, incidents::GATHERED_MAX)?;
        let found = Gathered {
            alert: &alert,
            link: &link,
            detections: &detections,
            steps: &steps,
        };
        if let Some(decision) = incidents::gather(&[found], now) {
            ledger.apply(&decision)?;
        }
    }
    Ok(())
}

/// Why what alerts saw could not be brought in.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger did not take it.
    #[error(transparent)]
    Apply(#[from] ledger::ApplyError),
}
