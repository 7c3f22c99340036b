//! `POST /watches/…`, `/questions/…`, `/waivers/…`: the steps of a watch.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use model::{Decision, Id, Question, Rejected, Scope, Timestamp, User, Waiver, Watch};
use operations::watches;

use super::typed_moment;
use crate::{desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble};

/// The person that a form chose, when they have an account that is open.
pub(crate) async fn person(desk: &Desk, scope: &Scope, form: &Form) -> Result<Id<User>, Trouble> {
    let id: Id<User> = form.required("person")?.parse().map_err(|_| Trouble::BadRequest)?;
    let scope = scope.clone();
    let people = desk.read(move |ledger| ledger.people(&scope)).await?;
    let known = people.iter().any(|person| person.id == id && person.enabled);
    if known { Ok(id) } else { Err(Trouble::BadRequest) }
}

async fn done(desk: &Desk, decision: Result<Decision, Rejected>, back: &str) -> Result<Redirect, Trouble> {
    desk.apply(decision?).await?;
    Ok(Redirect::to(back))
}

/// Whoever gives away what somebody else gave to another meanwhile is told.
fn still_as_seen(form: &Form, current: Option<Id<User>>) -> Result<(), Trouble> {
    let seen = form.one("seen").unwrap_or_default();
    if seen == current.map(|person| person.to_string()).unwrap_or_default() {
        Ok(())
    } else {
        Err(Trouble::Outdated)
    }
}

fn moment(visit: &Visit, form: &Form, name: &str) -> Result<Timestamp, Trouble> {
    typed_moment(&visit.view, form.required(name)?).ok_or(Trouble::BadRequest)
}

/// Closes a watch.
pub(crate) async fn close(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let words = form.one("words").unwrap_or_default();
    done(
        &desk,
        watches::close(&watch, words, visit.step(&desk)),
        &format!("/watches/{id}"),
    )
    .await
}

/// Adds a task.
pub(crate) async fn add_task(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let task = watches::NewTask {
        title: form.required("title")?.to_owned(),
        owner: person(&desk, &visit.scope, &form).await?,
        due_at: moment(&visit, &form, "due")?,
    };
    let decision = watches::add_task(&watch, &task, visit.step(&desk));
    done(&desk, decision, &format!("/watches/{id}#tasks")).await
}

/// Says that a task is done.
pub(crate) async fn finish_task(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, key)): Path<(String, String)>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let key = key.parse().map_err(|_| Trouble::NotFound)?;
    let words = form.one("words").unwrap_or_default();
    let decision = watches::finish_task(&watch, key, words, visit.step(&desk));
    done(&desk, decision, &format!("/watches/{id}#tasks")).await
}

/// Gives a requirement to somebody.
pub(crate) async fn give(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, key)): Path<(String, String)>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let number = key.parse().map_err(|_| Trouble::NotFound)?;
    let owner = person(&desk, &visit.scope, &form).await?;
    let current = watch
        .requirements
        .iter()
        .find(|one| one.key == number)
        .and_then(|one| one.owner);
    still_as_seen(&form, current)?;
    let decision = watches::give_requirement(&watch, number, owner, visit.step(&desk));
    done(&desk, decision, &format!("/watches/{id}/requirements/{key}")).await
}

/// Asks for a waiver.
pub(crate) async fn ask_waiver(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let requirement = form.required("requirement")?.parse().map_err(|_| Trouble::BadRequest)?;
    let until = moment(&visit, &form, "until")?;
    let why = (form.one("reason").unwrap_or_default(), until);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let decision = watches::ask(&watch, requirement, why, visit.step(&desk), entropy);
    done(
        &desk,
        decision,
        &format!("/watches/{id}/requirements/{requirement}#waivers"),
    )
    .await
}

/// Grants or refuses a waiver.
pub(crate) async fn decide_waiver(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let waiver: Waiver = desk.found(&visit.scope, &id).await?;
    let refused = match form.one("grant") {
        Some(_) => None,
        None => Some(form.one("reason").unwrap_or_default()),
    };
    let decision = watches::decide(&waiver, refused, visit.step(&desk));
    done(&desk, decision, &back_to(&waiver)).await
}

/// Ends a waiver.
pub(crate) async fn end_waiver(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let waiver: Waiver = desk.found(&visit.scope, &id).await?;
    done(&desk, watches::end(&waiver, visit.step(&desk)), &back_to(&waiver)).await
}

fn back_to(waiver: &Waiver) -> String {
    format!("/watches/{}/requirements/{}#waivers", waiver.watch, waiver.requirement)
}

/// Answers a question.
pub(crate) async fn answer(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let question: Question = desk.found(&visit.scope, &id).await?;
    let holds = match form.required("holds")? {
        "yes" => true,
        "no" => false,
        _ => return Err(Trouble::BadRequest),
    };
    let words = form.one("words").unwrap_or_default();
    let decision = watches::answer(&question, holds, words, visit.step(&desk));
    done(&desk, decision, &question_place(&question)).await
}

/// Asks somebody else.
pub(crate) async fn hand_question(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let question: Question = desk.found(&visit.scope, &id).await?;
    let person = person(&desk, &visit.scope, &form).await?;
    still_as_seen(&form, Some(question.person))?;
    let decision = watches::hand_to(&question, person, visit.step(&desk));
    done(&desk, decision, &question_place(&question)).await
}

fn question_place(question: &Question) -> String {
    format!(
        "/watches/{}/requirements/{}#q-{}",
        question.watch, question.requirement, question.id
    )
}
