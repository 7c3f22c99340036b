//! `POST /duty/handovers…`: a handover is made, signed, taken over or refused.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use ledger::{Ledger, NounFilter};
use model::{Change, Decision, Handover, Id, Notification, Occasion, Rejected, Scope, Team, Timestamp, User};
use operations::{
    duty::{HandoverDraft, answer_handover, begin_handover, sign_handover},
    notifications::hand_over,
};

use super::{
    gather::{Reader, sections},
    show::{found, render},
};
use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    rosters::{Rosters, lapses_at},
    secrets,
    trouble::Trouble,
};

/// How far a handover looks back when one's turn is not known.
const HOURS_BACK: i64 = 24;

/// Makes one.
pub(crate) async fn begin(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let team: Id<Team> = form.required("team")?.parse().map_err(|_| Trouble::BadRequest)?;
    let occasion = match form.one("occasion") {
        Some("day") => Occasion::Day,
        _ => Occasion::Shift,
    };
    let step = visit.step(&desk);
    let (scope, now, language) = (visit.scope.clone(), step.at, visit.view.words.0);
    let (rules, person) = (visit.view.rules.clone(), visit.user.id);
    let (found, since) = desk
        .read(move |ledger| {
            let rosters = Rosters::read(ledger, &scope, now)?;
            let since = since(&rosters, person, (occasion, now));
            let reader = Reader {
                rules: &rules,
                since,
                now,
                language,
            };
            Ok((sections(ledger, &scope, &rosters, reader)?, since))
        })
        .await?;
    let draft = HandoverDraft {
        team,
        occasion,
        since,
        to: form.one("to").and_then(|id| id.parse().ok()),
        sections: found,
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let id: Id<Handover> = Id::born(now, entropy);
    desk.apply(begin_handover(draft, step, entropy)?).await?;
    Ok(Redirect::to(&format!("/duty/handovers/{id}")))
}

/// From when on it tells: when one's turn began, or a day ago.
fn since(rosters: &Rosters, person: Id<User>, (occasion, now): (Occasion, Timestamp)) -> Timestamp {
    let day = now.checked_sub(SignedDuration::from_hours(HOURS_BACK)).unwrap_or(now);
    match occasion {
        Occasion::Day => day,
        Occasion::Shift => {
            let turns = rosters.shifts_of(person, day, now);
            turns.last().map_or(day, |(_, shift)| shift.from)
        }
    }
}

/// Signs as the outgoing person.
pub(crate) async fn sign(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let (handover, rosters) = found(&desk, &visit, &id).await?;
    let step = visit.step(&desk);
    let decision = sign_handover(&handover, form.one("remarks").unwrap_or_default(), step);
    finish(&visit, &desk, (&handover, &rosters), decision).await
}

/// Takes over, with what the outgoing person had acknowledged; or refuses.
pub(crate) async fn answer(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let (handover, rosters) = found(&desk, &visit, &id).await?;
    let step = visit.step(&desk);
    let refusal = form.one("refuse").map(|_| form.one("reason").unwrap_or_default());
    let mut decision = answer_handover(&handover, refusal, step);
    if let (Ok(decision), None) = (&mut decision, refusal) {
        let lapses = lapses_at(&rosters, visit.user.id, step.at);
        let (from, to, at) = (handover.from, visit.user.id, step.at);
        let handed = desk
            .state
            .ledger
            .off_thread(move |ledger| handed(ledger, (from, to), (lapses, at)))
            .await?;
        decision.changes.extend(handed);
    }
    finish(&visit, &desk, (&handover, &rosters), decision).await
}

/// What the outgoing person had acknowledged, in the name of the incoming one.
fn handed(
    ledger: &Ledger,
    people: (Id<User>, Id<User>),
    (lapses, now): (Timestamp, Timestamp),
) -> Result<Vec<Change>, Trouble> {
    let scope = Scope::of_post("console");
    let acknowledged: Vec<Notification> = ledger.all_kept(&scope, &NounFilter::in_state("acknowledged"))?;
    let moved = acknowledged
        .iter()
        .filter_map(|notification| hand_over(notification, people, lapses, now));
    Ok(moved.map(|notification| Change::put(&notification)).collect())
}

async fn finish(
    visit: &Visit,
    desk: &Desk,
    (handover, rosters): (&Handover, &Rosters),
    decision: Result<Decision, Rejected>,
) -> Result<Response, Trouble> {
    match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to(&format!("/duty/handovers/{}", handover.id)).into_response())
        }
        Err(rejected) => {
            let problem = rejected.text(visit.view.words.0);
            let page = render(&visit.view, rosters, handover, Some(&problem));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}
