//! `/api/v1/directives`: letters of authorities; registering one with its file, and proposals from a letter's text.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::civil::Date;
use ledger::{NounFilter, PageAt};
use model::{Directive, DirectiveContact, Id, Requirement, Wording};
use operations::directives;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    desk::Desk,
    guard::Visit,
    pages::directive::{change::kept_file, form::today},
    secrets,
    trouble::{ErrorBody, Trouble},
    upload::Upload,
};

/// Letters listed at most.
const DIRECTIVES_MAX: usize = 200;

/// Letters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectiveList {
    /// The letters, the last one first.
    #[schema(value_type = Vec<Object>)]
    directives: Vec<Directive>,
}

/// A letter in the making; what is not given is taken from the catalogue's entry, if one is named.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LetterDraft {
    /// The entry of the catalogue.
    catalogue: Option<String>,
    number: Option<String>,
    issuer: Option<String>,
    #[schema(value_type = Option<String>)]
    issued_on: Option<Date>,
    /// Today, when absent.
    #[schema(value_type = Option<String>)]
    received_on: Option<Date>,
    #[schema(value_type = Option<Object>)]
    subject: Option<Wording>,
    #[schema(value_type = Option<Vec<Object>>)]
    contacts: Option<Vec<DirectiveContact>>,
    #[schema(value_type = Option<Vec<Object>>)]
    requirements: Option<Vec<Requirement>>,
}

/// The id of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    pub(crate) id: String,
}

/// A letter's text.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LetterText {
    text: String,
}

/// What a letter's text seems to ask for. Nothing is decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalOfLetter {
    number: Option<String>,
    #[schema(value_type = Option<String>)]
    issued_on: Option<Date>,
    subject: Option<String>,
    requirements: Vec<ProposedRequirement>,
    /// Further requirements that were not looked at.
    left_out: usize,
}

/// A requirement that is proposed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposedRequirement {
    #[schema(value_type = Object)]
    requirement: Requirement,
    /// The words of the letter that chose its controls, tone marks removed.
    because: Vec<&'static str>,
}

/// Answers with the letters.
#[utoipa::path(get, path = "/api/v1/directives", responses((status = 200, body = DirectiveList)))]
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Json<DirectiveList>, Trouble> {
    let page = desk
        .read(move |ledger| ledger.kept_page(&visit.scope, &NounFilter::default(), PageAt::first(DIRECTIVES_MAX)))
        .await?;
    Ok(Json(DirectiveList { directives: page.items }))
}

/// Answers with one letter.
#[utoipa::path(get, path = "/api/v1/directives/{id}", params(("id" = String, Path)), responses((status = 200, body = Object), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<Directive>, Trouble> {
    Ok(Json(desk.found(&visit.scope, &id).await?))
}

/// Registers a letter: a form with the field `letter` (JSON) and, if there is one, the field `file`.
#[utoipa::path(post, path = "/api/v1/directives", request_body(content = LetterDraft, content_type = "multipart/form-data"), responses((status = 201, body = Made), (status = 422, body = ErrorBody)))]
pub(crate) async fn register(
    visit: Visit,
    State(desk): State<Desk>,
    upload: Upload,
) -> Result<(StatusCode, Json<Made>), Trouble> {
    let letter: LetterDraft = serde_json::from_str(upload.form.required("letter")?).map_err(|_| Trouble::BadRequest)?;
    let today = today(&visit.view);
    let catalogue = desk.state.catalogue.borrow().clone();
    let base = match &letter.catalogue {
        None => None,
        Some(id) => {
            let entry = catalogue.directives.iter().find(|entry| entry.id == *id);
            Some(directives::Draft::of_catalogue(entry.ok_or(Trouble::NotFound)?, today))
        }
    };
    let file = kept_file(&desk, upload.file).await?;
    let step = visit.step(&desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let draft = directives::Draft {
        file,
        ..letter.over(base, today)
    };
    desk.apply(directives::register(draft, step, entropy)?).await?;
    let id: Id<Directive> = Id::born(step.at, entropy);
    Ok((StatusCode::CREATED, Json(Made { id: id.to_string() })))
}

impl LetterDraft {
    /// What was given, over what the catalogue has.
    fn over(self, base: Option<directives::Draft>, today: Date) -> directives::Draft {
        let base = base.unwrap_or(directives::Draft {
            number: String::new(),
            issuer: String::new(),
            issued_on: today,
            received_on: today,
            subject: Wording::default(),
            catalogue: None,
            file: None,
            contacts: Vec::new(),
            requirements: Vec::new(),
        });
        directives::Draft {
            number: self.number.unwrap_or(base.number),
            issuer: self.issuer.unwrap_or(base.issuer),
            issued_on: self.issued_on.unwrap_or(base.issued_on),
            received_on: self.received_on.unwrap_or(base.received_on),
            subject: self.subject.unwrap_or(base.subject),
            catalogue: base.catalogue,
            file: None,
            contacts: self.contacts.unwrap_or(base.contacts),
            requirements: self.requirements.unwrap_or(base.requirements),
        }
    }
}

/// Proposes requirements from a letter's text; nothing is kept.
#[utoipa::path(post, path = "/api/v1/directives/propose", request_body = LetterText, responses((status = 200, body = ProposalOfLetter)))]
pub(crate) async fn propose(_: Visit, Body(letter): Body<LetterText>) -> Json<ProposalOfLetter> {
    let proposal = directives::propose(&letter.text);
    Json(ProposalOfLetter {
        number: proposal.head.number,
        issued_on: proposal.head.issued_on,
        subject: proposal.head.subject,
        requirements: proposal
            .requirements
            .into_iter()
            .map(|one| ProposedRequirement {
                requirement: one.requirement,
                because: one.because,
            })
            .collect(),
        left_out: proposal.left_out,
    })
}
