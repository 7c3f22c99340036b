//! `POST /actions…`: asking, agreeing, refusing, breaking the glass, reviewing, confirming, lifting.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{Action, ActionKind, Change, Decision, Id, Permission, Rejected};
use operations::response::{self, Asked, PlanRun};

use super::form::render;
use crate::{
    desk::{Desk, anew},
    form::Form,
    guard::Visit,
    secrets,
    trouble::Trouble,
};

/// Asks for an action, or shows the form again with what is wrong.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let device = form.required("device")?.to_owned();
    let elements: Vec<String> = form
        .required("elements")?
        .split_whitespace()
        .map(|one| one.trim_matches(',').to_owned())
        .collect();
    let known = desk.state.response.devices.iter().find(|known| known.name == device);
    let kind = match known.map(|known| known.kind) {
        Some("nftables") => ActionKind::BlockAddresses { addresses: elements },
        Some("rpz") => ActionKind::BlockNames { names: elements },
        _ => return Err(Trouble::BadRequest),
    };
    let asked = Asked {
        device,
        kind,
        why: form.required("why")?.to_owned(),
        letter: form.one("letter").map(str::to_owned),
        incident: None,
        lasts_seconds: hours(&form),
    };
    let step = visit.step(&desk);
    let id = Id::<Action>::born(step.at, secrets::entropy(desk.state.randomness.as_ref()));
    match response::request(step, asked, &desk.state.response.policy, id) {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to(&format!("/actions/{id}")).into_response())
        }
        Err(refusal) => {
            let problem = refusal.text(visit.view.words.0);
            Ok((
                StatusCode::UNPROCESSABLE_ENTITY,
                render(&visit.view, &desk, (&form, Some(&problem))),
            )
                .into_response())
        }
    }
}

/// One step with an action, by its verb.
pub(crate) async fn step(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, verb)): Path<(String, String)>,
    form: Form,
) -> Result<Redirect, Trouble> {
    anew(|| step_once(&visit, &desk, (&id, &verb), &form)).await
}

async fn step_once(visit: &Visit, desk: &Desk, (id, verb): (&str, &str), form: &Form) -> Result<Redirect, Trouble> {
    let (scope, id) = (visit.scope.clone(), id.to_owned());
    let (action, run) = desk
        .read(move |ledger| {
            let action = ledger.kept::<Action>(&scope, &id)?;
            let run = action
                .as_ref()
                .and_then(|action| action.step.as_ref())
                .map(|step| step.run.clone());
            let run = run
                .map(|run| ledger.kept::<PlanRun>(&scope, &run))
                .transpose()?
                .flatten();
            Ok((action, run))
        })
        .await?;
    let action = action.ok_or(Trouble::NotFound)?;
    let mut decision = decide(visit, desk, &action, (verb, form))?;
    // A run that waits for what was refused goes on without it.
    let woken = run
        .filter(|_| verb == "refuse")
        .and_then(|run| response::woken(&run, desk.now()));
    decision.changes.extend(woken.map(|run| Change::put(&run)));
    desk.apply(decision).await?;
    Ok(Redirect::to(&format!("/actions/{}", action.id)))
}

fn decide(visit: &Visit, desk: &Desk, action: &Action, (verb, form): (&str, &Form)) -> Result<Decision, Trouble> {
    let step = visit.step(desk);
    // The route asks for the right to work; agreeing and lifting ask for more.
    if verb != "refuse" && verb != "break-glass" && !visit.scope.allows(Permission::ApproveResponse) {
        return Err(Rejected::NotAllowed.into());
    }
    let why = || form.required("why");
    Ok(match verb {
        "approve" => response::approve(step, action, form.required("hash")?)?,
        "refuse" => response::call_off(step, action, why()?)?,
        "break-glass" => response::break_glass(step, action, why()?, &desk.state.response.policy)?,
        "review" => response::review(step, action, why()?)?,
        "confirm" => response::confirm(step, action, hours(form))?,
        "lift" => response::lift(step, action, why()?)?,
        _ => return Err(Trouble::NotFound),
    })
}

fn hours(form: &Form) -> Option<u64> {
    let hours: u64 = form.one("hours")?.trim().parse().ok()?;
    (hours > 0).then(|| hours.saturating_mul(3600))
}
