//! `POST /duty/me/…`, `POST /duty/leave…`: one's own addresses, calendar and leave.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use ledger::NounFilter;
use model::{ContactCard, Decision, Leave, Rejected, Scope};
use operations::{
    duty::{LeaveDraft, calendar, cancel_leave, import_leave, take_leave},
    notifications::{AddressDraft, add_address, ask_for_proof, drop_address, prefer, prove, put_feed, wrong_code},
};

use super::{
    fields::{MOMENT, invalid, moment},
    me::{Said, read, render},
};
use crate::{desk::Desk, form::Form, guard::Visit, rosters::zone_named, secrets, trouble::Trouble};

/// How many codes there are: six digits.
const CODES: u128 = 1_000_000;

/// One's own card, as it stands.
async fn card(desk: &Desk, visit: &Visit) -> Result<ContactCard, Trouble> {
    let person = visit.user.id;
    let found = desk
        .read(move |ledger| ledger.kept(&Scope::of_post("console"), &person.to_string()))
        .await?;
    Ok(found.unwrap_or_else(|| ContactCard::empty(person)))
}

/// Applies what was decided and shows the page again, with what was done or went wrong.
async fn finish(
    visit: &Visit,
    desk: &Desk,
    decision: Result<Decision, Rejected>,
    said: Said,
) -> Result<Response, Trouble> {
    let said = match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            if said.feed.is_none() && said.done.is_none() && said.problem.is_none() {
                return Ok(Redirect::to("/duty/me").into_response());
            }
            said
        }
        Err(rejected) => Said {
            problem: Some(rejected.text(visit.view.words.0)),
            ..Said::default()
        },
    };
    let status = if said.problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mine = read(desk, visit).await?;
    Ok((status, render(&visit.view, &desk.state.reach, &mine, &said)).into_response())
}

fn place(form: &Form) -> Result<usize, Trouble> {
    form.required("place")?.parse().map_err(|_| Trouble::BadRequest)
}

/// Adds an address.
pub(crate) async fn add(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let draft = AddressDraft {
        channel: form.required("channel")?.to_owned(),
        to: form.required("to")?.to_owned(),
    };
    let channels: Vec<&str> = desk
        .state
        .reach
        .channels
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let decision = add_address(&card, draft, &channels, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Drops one.
pub(crate) async fn drop_one(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let decision = drop_address(&card, place(&form)?, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Puts one first.
pub(crate) async fn first(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let decision = prefer(&card, place(&form)?, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Sends a code there.
pub(crate) async fn test(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let code = format!("{:06}", u128::from_be_bytes(entropy.0) % CODES);
    let decision = ask_for_proof(&card, place(&form)?, &code, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Takes the code that arrived.
pub(crate) async fn confirm(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let (decision, right) = match prove(&card, place(&form)?, form.required("code")?, visit.step(&desk)) {
        Ok((decision, right)) => (Ok(decision), right),
        Err(rejected) => (Err(rejected), true),
    };
    let problem = (!right).then(|| wrong_code().text(visit.view.words.0));
    let said = Said {
        problem,
        ..Said::default()
    };
    finish(&visit, &desk, decision, said).await
}

/// Makes a calendar feed; its link is shown once.
pub(crate) async fn share(visit: Visit, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let secret = secrets::secret("", desk.state.randomness.as_ref());
    let said = Said {
        feed: Some(format!("{}/calendar/{}.ics", desk.state.reach.address, secret.text)),
        ..Said::default()
    };
    let decision = put_feed(&card, Some(secret.digest), visit.step(&desk));
    finish(&visit, &desk, decision, said).await
}

/// Ends the feed.
pub(crate) async fn revoke(visit: Visit, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let card = card(&desk, &visit).await?;
    let decision = put_feed(&card, None, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Takes leave.
pub(crate) async fn take(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let zone = &visit.view.moments.zone;
    let at = |name| {
        let text = form.required(name)?;
        moment(text, zone).ok_or_else(|| invalid("from", MOMENT))
    };
    let draft = LeaveDraft {
        person: visit.user.id,
        from: at("from_at")?,
        until: at("until_at")?,
        note: form.one("note").unwrap_or_default().to_owned(),
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let decision = take_leave(draft, visit.step(&desk), entropy);
    finish(&visit, &desk, decision, Said::default()).await
}

/// Takes leave back.
pub(crate) async fn cancel(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let leave: Leave = desk.found(&visit.scope, &id).await?;
    let decision = cancel_leave(&leave, visit.step(&desk));
    finish(&visit, &desk, decision, Said::default()).await
}

/// Reads leave from a calendar.
pub(crate) async fn import(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let (scope, person) = (visit.scope.clone(), visit.user.id);
    let known: Vec<Leave> = desk
        .read(move |ledger| ledger.all_kept(&scope, &NounFilter::of_owner(&person.to_string())))
        .await?;
    let found = calendar::read(form.required("calendar")?, &visit.view.moments.zone, &zone_named);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let words = visit.view.words;
    let passed: Vec<String> = found
        .passed_over
        .iter()
        .map(|(why, count)| format!("{why}: {count}"))
        .collect();
    let mut done = format!("{} {}", words.mine_imported(), found.events.len());
    if !passed.is_empty() {
        done = format!("{done}; {} {}", words.mine_passed_over(), passed.join(", "));
    }
    let said = Said {
        done: Some(done),
        ..Said::default()
    };
    match import_leave(person, &found.events, &known, visit.step(&desk), entropy) {
        Ok(None) => {
            let mine = read(&desk, &visit).await?;
            Ok(render(&visit.view, &desk.state.reach, &mine, &said).into_response())
        }
        Ok(Some(decision)) => finish(&visit, &desk, Ok(decision), said).await,
        Err(rejected) => finish(&visit, &desk, Err(rejected), said).await,
    }
}
