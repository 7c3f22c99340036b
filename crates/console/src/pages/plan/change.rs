//! `POST /plans/{id}/start` and `POST /runs/{id}/…`: starting, doing steps by hand, replaying, stopping, undoing.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use ledger::NounFilter;
use model::{Action, Decision, Id, Scope};
use operations::response::{self, ManualResult, PlanRun, Playbook, RunStart, StoredPlan};

use super::run::is_version;
use crate::{
    desk::{Desk, anew},
    form::Form,
    guard::Visit,
    secrets,
    trouble::Trouble,
};

/// Starts a plan.
pub(crate) async fn start(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let plan = desk
        .state
        .response
        .plans
        .iter()
        .find(|plan| plan.id.as_str() == id)
        .ok_or(Trouble::NotFound)?;
    let text = |name: &str| {
        form.one(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let given = plan
        .wanted()
        .filter_map(|(name, _)| Some((name.to_owned(), text(name)?)))
        .collect();
    let with = RunStart {
        given,
        incident: text("incident"),
        letter: text("letter"),
        exercise: form.one("exercise").is_some(),
    };
    let step = visit.step(&desk);
    let run = Id::<PlanRun>::born(step.at, secrets::entropy(desk.state.randomness.as_ref()));
    desk.apply(response::start(step, plan, with, run)?).await?;
    Ok(Redirect::to(&format!("/runs/{run}")))
}

/// One step with a run, by its verb.
pub(crate) async fn step(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, verb)): Path<(String, String)>,
    form: Form,
) -> Result<Redirect, Trouble> {
    // The post goes on with runs by itself: whoever does a step is not to do it again because of that.
    anew(|| step_once(&visit, &desk, (&id, &verb), &form)).await
}

async fn step_once(visit: &Visit, desk: &Desk, (id, verb): (&str, &str), form: &Form) -> Result<Redirect, Trouble> {
    let (scope, id) = (visit.scope.clone(), id.to_owned());
    let (run, actions) = desk
        .read(move |ledger| {
            Ok((
                ledger.kept::<PlanRun>(&scope, &id)?,
                ledger.all_kept::<Action>(&scope, &NounFilter::of_parent(&id))?,
            ))
        })
        .await?;
    let run = run.ok_or(Trouble::NotFound)?;
    let step = visit.step(desk);
    let execution = || {
        form.required("execution")?
            .parse::<u32>()
            .map_err(|_| Trouble::BadRequest)
    };
    let decision: Decision = match verb {
        "step" => {
            let plan = version(desk, &visit.scope, &run).await?;
            response::finish_by_hand(step, &run, &plan, result(&plan, form, execution()?))?
        }
        "replay" => response::replay(step, &run, execution()?)?,
        "stop" => response::stop(step, &run)?,
        "undo" => response::undo(step, &run, &actions)?,
        _ => return Err(Trouble::NotFound),
    };
    desk.apply(decision).await?;
    Ok(Redirect::to(&format!("/runs/{}", run.id)))
}

fn result(plan: &Playbook, form: &Form, execution: u32) -> ManualResult {
    let results = plan
        .variables
        .keys()
        .filter_map(|name| Some((name.clone(), form.one(name)?.to_owned())))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let evidence = form
        .one("evidence")
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty());
    ManualResult {
        execution,
        done: form.one("done") == Some("yes"),
        results,
        note: form.one("note").unwrap_or_default().to_owned(),
        evidence: evidence.map(str::to_owned).collect(),
    }
}

/// The version of the plan that a run was started with.
pub(super) async fn version(desk: &Desk, scope: &Scope, run: &PlanRun) -> Result<Playbook, Trouble> {
    if let Some(plan) = desk.state.response.plans.iter().find(|plan| is_version(plan, run)) {
        return Ok(plan.clone());
    }
    let (scope, key) = (scope.clone(), run.plan.clone());
    let stored = desk
        .read(move |ledger| ledger.kept::<StoredPlan>(&scope, &key))
        .await?
        .ok_or(Trouble::NotFound)?;
    serde_json::from_str(&stored.text).map_err(|error| {
        tracing::error!(%error, plan = run.plan, "a kept version of a plan cannot be read");
        Trouble::Unavailable
    })
}
