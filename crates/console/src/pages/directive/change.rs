//! `POST /directives…`: registers a letter, revises it, notes that a contact was reached.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{Directive, DirectiveContact, Id, LetterFile, Rejected};
use operations::{Catalogue, directives};

use super::form::{Mistyped, Typed, render, today};
use crate::{desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble, upload::Upload};

/// Registers a letter, or shows the form again with what is wrong.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, upload: Upload) -> Result<Response, Trouble> {
    let typed = Typed::of_form(&upload.form);
    let catalogue = desk.state.catalogue.borrow().clone();
    let entry = typed.entry(&catalogue);
    let known: Vec<DirectiveContact> = entry.map(|entry| entry.contacts.clone()).unwrap_or_default();
    let file = kept_file(&desk, upload.file).await?;
    let step = visit.step(&desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let decision = match typed.draft(&visit.view, &catalogue, &known, file) {
        Ok(draft) => directives::register(draft, step, entropy),
        Err(mistyped) => return Ok(again(&visit, &catalogue, &typed, mistyped)),
    };
    match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            let id: Id<Directive> = Id::born(step.at, entropy);
            Ok(Redirect::to(&format!("/directives/{id}")).into_response())
        }
        Err(rejected) => refused(&visit, &catalogue, &typed, rejected),
    }
}

/// Revises a letter. Whoever edited an older state than the one that is kept is told, and nothing is overwritten.
pub(crate) async fn revise(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    upload: Upload,
) -> Result<Response, Trouble> {
    let directive: Directive = desk.found(&visit.scope, &id).await?;
    let typed = Typed::of_form(&upload.form);
    if typed.revises.as_ref().map(|(_, revision)| *revision) != Some(directive.revision) {
        return Err(Trouble::Outdated);
    }
    let catalogue = desk.state.catalogue.borrow().clone();
    let file = kept_file(&desk, upload.file).await?;
    let step = visit.step(&desk);
    let decision = match typed.draft(&visit.view, &catalogue, &directive.contacts, file) {
        Ok(draft) => directives::revise(&directive, draft, step),
        Err(mistyped) => return Ok(again(&visit, &catalogue, &typed, mistyped)),
    };
    match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to(&format!("/directives/{id}")).into_response())
        }
        Err(rejected) => refused(&visit, &catalogue, &typed, rejected),
    }
}

/// Notes that a contact was reached today.
pub(crate) async fn confirm_contact(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let directive: Directive = desk.found(&visit.scope, &id).await?;
    let contact = form.required("contact")?.parse().map_err(|_| Trouble::BadRequest)?;
    let step = visit.step(&desk);
    let decision = directives::confirm_contact(&directive, contact, today(&visit.view), step)?;
    desk.apply(decision).await?;
    Ok(Redirect::to(&format!("/directives/{id}#contacts")))
}

/// Keeps a file under its hash before the decision that names it: a file that nothing names does no harm, a name without its
/// file would.
pub(crate) async fn kept_file(desk: &Desk, file: Option<(String, Bytes)>) -> Result<Option<LetterFile>, Trouble> {
    let Some((name, bytes)) = file else { return Ok(None) };
    let about = directives::letter_file(&name, &bytes)?;
    let letters = desk.state.letters.clone();
    let sha256 = about.sha256.clone();
    let kept = tokio::task::spawn_blocking(move || letters.put(&sha256, &bytes)).await;
    match kept {
        Ok(Ok(())) => Ok(Some(about)),
        Ok(Err(error)) => {
            tracing::error!("a letter was not kept: {error}");
            Err(Trouble::Unavailable)
        }
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn again(visit: &Visit, catalogue: &Catalogue, typed: &Typed, Mistyped(problem): Mistyped) -> Response {
    let page = render(&visit.view, catalogue, typed, Some(&problem));
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

fn refused(visit: &Visit, catalogue: &Catalogue, typed: &Typed, rejected: Rejected) -> Result<Response, Trouble> {
    match rejected {
        Rejected::Invalid { .. } => {
            let problem = rejected.text(visit.view.words.0);
            Ok(again(visit, catalogue, typed, Mistyped(problem)))
        }
        Rejected::NotAllowed | Rejected::AlreadySo | Rejected::NotNow(_) | Rejected::Outdated => Err(rejected.into()),
    }
}
