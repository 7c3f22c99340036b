//! `POST /duty/swaps…`: turns are offered and taken.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use model::{Decision, Id, Swap, Team, User};
use operations::duty::{SwapDraft, accept_swap, decline_swap, offer_swap, withdraw_swap};

use super::{
    change::fitness,
    fields::{MOMENT, invalid, moment},
};
use crate::{desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble};

async fn finish(desk: &Desk, decision: Decision) -> Result<Redirect, Trouble> {
    desk.apply(decision).await?;
    Ok(Redirect::to("/duty/me"))
}

/// Offers one's own turn.
pub(crate) async fn offer(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let team: Id<Team> = form.required("team")?.parse().map_err(|_| Trouble::BadRequest)?;
    let rosters = desk.rosters(&visit.scope).await?;
    let roster = rosters.team(team).ok_or(Trouble::NotFound)?;
    let at = |name| {
        let text = form.required(name)?;
        moment(text, roster.zone).ok_or_else(|| invalid("from", MOMENT))
    };
    let draft = SwapDraft {
        position: form.required("position")?.into(),
        from: at("from_at")?,
        until: at("until_at")?,
        asked: form.one("asked").and_then(|id| id.parse().ok()),
        note: form.one("note").unwrap_or_default().to_owned(),
    };
    let step = visit.step(&desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    finish(&desk, offer_swap(roster, draft, step, entropy)?).await
}

/// Takes a turn that somebody offers.
pub(crate) async fn accept(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let swap: Swap = desk.found(&visit.scope, &id).await?;
    let rosters = desk.rosters(&visit.scope).await?;
    let roster = rosters.team(swap.team).ok_or(Trouble::NotFound)?;
    let all: Vec<_> = rosters.all().collect();
    let fitness = fitness(&desk).await?;
    let known = |person: Id<User>| fitness.get(&person).cloned().unwrap_or_default();
    let step = visit.step(&desk);
    let decision = accept_swap(&swap, roster, &all, &known, step);
    finish(&desk, decision.map_err(|refused| Trouble::Rejected(refused.why))?).await
}

/// Says no.
pub(crate) async fn decline(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let swap: Swap = desk.found(&visit.scope, &id).await?;
    let step = visit.step(&desk);
    finish(&desk, decline_swap(&swap, step)?).await
}

/// Keeps the turn after all.
pub(crate) async fn withdraw(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let swap: Swap = desk.found(&visit.scope, &id).await?;
    let step = visit.step(&desk);
    finish(&desk, withdraw_swap(&swap, step)?).await
}
