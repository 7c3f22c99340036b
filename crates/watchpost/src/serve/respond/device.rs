//! The lane of one device: takes errands from the outbox one after the other, decides with what the device answers, looks whether the
//! effect is there, and now and then whether the device still has what is in force.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use connectors::{
    channels::DeliveryError,
    enforcement::{Changed, Demand, OpenedDevice, Wanted},
};
use ledger::{ApplyError, Claimed, Ledger, NounFilter, Outcome};
use model::{Action, ActionKind, ActionState, Actor, Decision, Effect, Errand, Id, Language, Network, Proof, Scope};
use operations::response::{self, Answered, PlanRun};
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    time::{Instant, sleep, timeout},
};

use super::Means;
use crate::{clock, commit::commit};

/// Errands taken at once, and how long they are leased.
const CLAIMED_MAX: usize = 8;
const LEASE_SECONDS: u64 = 900;
/// How long the lane sleeps when nothing new is decided.
const IDLE: Duration = Duration::from_secs(2);
/// The pause after the ledger failed.
const MISHAP_PAUSE: Duration = Duration::from_secs(5);
/// How long an effect may take to be seen, and how often it is looked for.
const PROOF_WITHIN: Duration = Duration::from_secs(10);
const PROOF_PAUSE: Duration = Duration::from_millis(100);
/// How often the device is held against what is in force.
const COMPARE_EVERY: Duration = Duration::from_mins(1);
/// The states in which an action is or may be at its device.
const HOLDING: [&str; 3] = ["in_force", "lifting", "failed_in_force"];

/// The lane of a device.
pub(super) struct DeviceLane {
    name: String,
    ledger: Ledger,
    means: Arc<Means>,
    device: OpenedDevice,
    wake: UnboundedSender<Id<PlanRun>>,
    changes: watch::Receiver<u64>,
    compared_at: Option<Instant>,
}

impl DeviceLane {
    pub(super) fn new(
        ledger: Ledger,
        means: Arc<Means>,
        device: OpenedDevice,
        wake: UnboundedSender<Id<PlanRun>>,
    ) -> Self {
        Self {
            name: Effect::lane_of_device(&device.name),
            changes: ledger.subscribe(),
            ledger,
            means,
            device,
            wake,
            compared_at: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Works until the post ends.
    pub(super) async fn run(mut self) {
        loop {
            if let Err(error) = self.step().await {
                tracing::error!(lane = self.name, "the lane was not carried out: {error:#}");
                sleep(MISHAP_PAUSE).await;
            }
        }
    }

    async fn step(&mut self) -> Result<()> {
        let lane = self.name.clone();
        let claimed = self
            .ledger
            .off_thread(move |ledger| -> Result<Vec<Claimed>> {
                let now = clock::now();
                match ledger.next_due(&Scope::of_post("outbox"), &lane)? {
                    Some(due) if due <= now => Ok(ledger.claim(&lane, now, LEASE_SECONDS, CLAIMED_MAX)?),
                    Some(_) | None => Ok(Vec::new()),
                }
            })
            .await?;
        if claimed.is_empty() {
            if self.compared_at.is_none_or(|at| at.elapsed() >= COMPARE_EVERY) {
                self.compared_at = Some(Instant::now());
                if let Err(error) = self.compare().await {
                    tracing::warn!(
                        device = self.device.name,
                        "the device could not be compared with what is in force: {error:#}"
                    );
                }
            }
            if let Ok(gone) = timeout(IDLE, self.changes.changed()).await {
                gone?;
            }
            return Ok(());
        }
        for claim in claimed {
            let outcome = self.carry_out(&claim).await?;
            let settled = vec![(claim, outcome)];
            self.ledger
                .off_thread(move |ledger| ledger.settle(&settled, clock::now(), |_| None))
                .await?;
        }
        Ok(())
    }

    async fn carry_out(&self, claim: &Claimed) -> Result<Outcome> {
        let Effect::Enforce { action, errand, .. } = claim.effect else {
            return Ok(Outcome::Permanent("a device takes errands only".to_owned()));
        };
        let key = action.to_string();
        let found = self
            .ledger
            .off_thread(move |ledger| ledger.kept::<Action>(&scope(), &key))
            .await?;
        let Some(action) = found else {
            return Ok(Outcome::Permanent("there is no such action".to_owned()));
        };
        let demand = self.demand(&action).await?;
        let answered = match (errand, &action.state) {
            (Errand::Plan, ActionState::Requested) => self.plan(&action, &demand).await.map(Some),
            (Errand::Apply, ActionState::Approved { .. }) => self.apply(&action, &demand).await.map(Some),
            (Errand::Lift, ActionState::Lifting { .. }) => self.lift(&action, &demand).await,
            // It was carried out before the post died, or called off since.
            (Errand::Plan | Errand::Apply | Errand::Lift, _) => Ok(None),
        };
        match answered {
            Ok(None) => Ok(Outcome::Delivered("nothing was left to do".to_owned())),
            Ok(Some(decision)) => {
                self.decided(&action, decision, Outcome::Delivered("done".to_owned()))
                    .await
            }
            Err(DeliveryError::Retryable {
                reason,
                retry_after_seconds,
            }) if claim.attempt < Ledger::ATTEMPTS_MAX => Ok(Outcome::Retryable {
                reason,
                retry_after_seconds,
            }),
            Err(DeliveryError::Retryable { reason, .. } | DeliveryError::Permanent { reason }) => {
                let decision = response::failed(&action, &reason, clock::now());
                self.decided(&action, decision, Outcome::Permanent(reason)).await
            }
        }
    }

    /// Commits what was decided. When somebody changed the action meanwhile, the errand is looked at anew.
    async fn decided(&self, action: &Action, decision: Decision, outcome: Outcome) -> Result<Outcome> {
        let applied = self.ledger.off_thread(move |ledger| ledger.apply(&decision)).await;
        match applied {
            Ok(_) => {
                if let Some(run) = action.step.as_ref().and_then(|step| step.run.parse().ok()) {
                    let _ = self.wake.send(run);
                }
                Ok(outcome)
            }
            Err(ApplyError::Conflict { .. }) => Ok(Outcome::Retryable {
                reason: "it was changed in the meantime".to_owned(),
                retry_after_seconds: Some(1),
            }),
            Err(error) => Err(error.into()),
        }
    }

    async fn answered(&self, demand: &Demand) -> Result<Answered, DeliveryError> {
        let planned = self.device.enforcer.plan(demand).await?;
        Ok(Answered {
            lines: planned.lines,
            undoable: planned.undoable,
        })
    }

    async fn plan(&self, action: &Action, demand: &Demand) -> Result<Decision, DeliveryError> {
        let answered = self.answered(demand).await?;
        Ok(response::planned(action, &answered, &self.means.policy, clock::now()))
    }

    async fn apply(&self, action: &Action, demand: &Demand) -> Result<Decision, DeliveryError> {
        let answered = self.answered(demand).await?;
        if let Some(void) = response::void(action, &answered, &self.means.policy, clock::now()) {
            return Ok(void);
        }
        let changed = self.device.enforcer.apply(demand).await?;
        let proof = self.proof(demand, Wanted::InForce, &changed).await;
        Ok(response::applied(action, proof, clock::now()))
    }

    async fn lift(&self, action: &Action, demand: &Demand) -> Result<Option<Decision>, DeliveryError> {
        let changed = self.device.enforcer.revert(demand).await?;
        let proof = self.proof(demand, Wanted::Gone, &changed).await;
        Ok(response::lifted(action, proof, clock::now()))
    }

    /// Looks for the effect until it is there, or its time is over.
    async fn proof(&self, demand: &Demand, wanted: Wanted, changed: &Changed) -> Proof {
        let begun = Instant::now();
        loop {
            let seen = self.device.enforcer.verify(demand, wanted).await;
            let (holds, text) = match seen {
                Ok(seen) => (seen.holds, seen.text),
                Err(error) => (None, error.to_string()),
            };
            if holds != Some(false) || begun.elapsed() >= PROOF_WITHIN {
                let text = if changed.note.is_empty() {
                    text
                } else {
                    with_note(&text, &changed.note)
                };
                return Proof {
                    at: clock::now(),
                    holds,
                    text,
                };
            }
            sleep(PROOF_PAUSE).await;
        }
    }

    async fn holding(&self) -> Result<Vec<Action>> {
        let filter = NounFilter {
            states: HOLDING.map(str::to_owned).into(),
            owner: Some(Action::owner_of_device(&self.device.name).to_string()),
            ..NounFilter::default()
        };
        let found = self
            .ledger
            .off_thread(move |ledger| ledger.all_kept::<Action>(&scope(), &filter))
            .await?;
        // What is not seen here would be taken for something that nobody ordered.
        ensure!(
            found.len() < Ledger::NOUNS_MAX,
            "more than {} actions hold at the device: lift some, or put more addresses into one action",
            Ledger::NOUNS_MAX
        );
        Ok(found)
    }

    async fn demand(&self, action: &Action) -> Result<Demand> {
        let holding = self.holding().await?;
        let others = holding.iter().filter(|other| other.id != action.id);
        Ok(demand_of(
            action,
            others.flat_map(|other| other.kind.elements()).cloned().collect(),
        ))
    }

    /// Holds the device against what is in force: puts back what it lost, takes out what belongs to nothing.
    async fn compare(&self) -> Result<()> {
        let in_force: Vec<Action> = self
            .holding()
            .await?
            .into_iter()
            .filter(|action| matches!(action.state, ActionState::InForce { .. }))
            .collect();
        let desired: BTreeSet<String> = in_force
            .iter()
            .flat_map(|action| action.kind.elements())
            .cloned()
            .collect();
        let (touched, found) = match self.device.enforcer.drift(&desired).await? {
            Some(drift) if drift.is_none() => return Ok(()),
            Some(drift) => {
                let touched: Vec<Action> = in_force
                    .into_iter()
                    .filter(|action| action.kind.elements().iter().any(|one| drift.missing.contains(one)))
                    .collect();
                for action in &touched {
                    self.device.enforcer.apply(&demand_of(action, desired.clone())).await?;
                }
                if let Some(kind) = strays(&drift.stray) {
                    let demand = Demand {
                        key: "stray".to_owned(),
                        kind,
                        others: desired,
                        facts: std::collections::BTreeMap::new(),
                        at: clock::now(),
                    };
                    self.device.enforcer.revert(&demand).await?;
                }
                (
                    touched,
                    format!(
                        "missing {}, belonging to no action {}",
                        drift.missing.len(),
                        drift.stray.len()
                    ),
                )
            }
            None => self.look_at_each(in_force).await?,
        };
        if touched.is_empty() && found.is_empty() {
            return Ok(());
        }
        tracing::warn!(device = self.device.name, "the device was put right: {found}");
        let decision = response::restored(&touched, &format!("{}: {found}", self.device.name), clock::now());
        self.ledger.off_thread(move |ledger| commit(ledger, &decision)).await
    }

    /// A device that cannot be listed is asked for each action.
    async fn look_at_each(&self, in_force: Vec<Action>) -> Result<(Vec<Action>, String)> {
        let mut touched = Vec::new();
        for action in in_force {
            let demand = demand_of(&action, BTreeSet::new());
            let seen = self.device.enforcer.verify(&demand, Wanted::InForce).await?;
            if seen.holds == Some(false) && !action.is_not_effective() {
                self.device.enforcer.apply(&demand).await?;
                touched.push(action);
            }
        }
        let found = if touched.is_empty() {
            String::new()
        } else {
            format!("missing {}", touched.len())
        };
        Ok((touched, found))
    }
}

/// What was seen with what the device said when it changed something, in both languages.
fn with_note(seen: &str, note: &str) -> String {
    let (vi, en) = (Language::Vi, Language::En);
    let half = |language| {
        let seen = response::in_language(seen, " / ", language);
        format!("{seen}; {}", response::in_language(note, " / ", language))
    };
    format!("{} / {}", half(vi), half(en))
}

fn scope() -> Scope {
    Scope::of_post("response")
}

fn demand_of(action: &Action, others: BTreeSet<String>) -> Demand {
    let who = match &action.requested_by {
        Actor::Person { login, .. } => login.clone(),
        Actor::Post { part } => part.clone(),
    };
    let facts = [
        ("requester", Some(who)),
        ("reason", Some(action.why.clone())),
        ("letter", action.letter.clone()),
        ("incident", action.incident.clone()),
    ];
    Demand {
        key: action.id.to_string(),
        kind: action.kind.clone(),
        others,
        facts: facts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        at: clock::now(),
    }
}

/// Elements that belong to no action, as something that can be taken back.
fn strays(stray: &BTreeSet<String>) -> Option<ActionKind> {
    let (addresses, names): (Vec<String>, Vec<String>) =
        stray.iter().cloned().partition(|one| one.parse::<Network>().is_ok());
    if addresses.is_empty() && names.is_empty() {
        None
    } else if addresses.is_empty() {
        Some(ActionKind::BlockNames { names })
    } else {
        Some(ActionKind::BlockAddresses { addresses })
    }
}
