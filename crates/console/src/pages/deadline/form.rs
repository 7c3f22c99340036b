//! `GET` and `POST /deadlines/new`: starting clocks, of several regimes at once on one matter.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use ledger::Person;
use maud::{Markup, html};
use model::{Rejected, Timestamp};
use operations::{
    Catalogue,
    deadlines::{self, Reckoning, Rule, Start},
};

use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::{
        directive::form::today,
        watch::{Tab, choose_person, tabs, typed_moment},
    },
    secrets,
    text::visible,
    trouble::Trouble,
};

/// Answers with the form, filled in from the address.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    page(&visit, &desk, &form, None).await
}

/// Starts the clocks, or shows the form again with what is wrong.
pub(crate) async fn post(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let catalogue = desk.state.catalogue.borrow().clone();
    let text = form.one("started_at").unwrap_or_default().trim();
    let started = if text.is_empty() {
        Some(desk.now())
    } else {
        typed_moment(&visit.view, text)
    };
    let Some(started) = started else {
        let problem = visit.view.words.bad_moment(text);
        let page = page(&visit, &desk, &form, Some(&problem)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let decision = decide(&visit, &desk, &catalogue, (&form, started));
    match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to("/deadlines").into_response())
        }
        Err(rejected @ (Rejected::Invalid { .. } | Rejected::NotNow(_))) => {
            let problem = rejected.text(visit.view.words.0);
            let page = page(&visit, &desk, &form, Some(&problem)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(rejected) => Err(rejected.into()),
    }
}

fn decide(
    visit: &Visit,
    desk: &Desk,
    catalogue: &Catalogue,
    (form, started): (&Form, Timestamp),
) -> Result<model::Decision, Rejected> {
    let chosen: Vec<&Rule> = catalogue
        .deadlines
        .iter()
        .filter(|rule| form.all("rule").any(|id| id == rule.id))
        .collect();
    let working = |date| catalogue.calendar.is_working(date);
    let reckoning = Reckoning {
        zone: &visit.view.moments.zone,
        working: &working,
    };
    let start = Start {
        rules: &chosen,
        matter: form.one("matter").unwrap_or_default(),
        at: started,
        owner: form.one("person").and_then(|id| id.parse().ok()),
    };
    let step = visit.step(desk);
    deadlines::start(start, reckoning, step, secrets::entropy(desk.state.randomness.as_ref()))
}

async fn page(visit: &Visit, desk: &Desk, form: &Form, problem: Option<&str>) -> Result<Markup, Trouble> {
    let scope = visit.scope.clone();
    let persons = desk.read(move |ledger| ledger.people(&scope)).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    Ok(render(visit, (&catalogue, &persons), form, problem))
}

fn render(visit: &Visit, (catalogue, persons): (&Catalogue, &[Person]), form: &Form, problem: Option<&str>) -> Markup {
    let view = &visit.view;
    let words = view.words;
    let typed = |name: &str| form.one(name).unwrap_or_default().to_owned();
    let owner = form
        .one("person")
        .and_then(|id| id.parse().ok())
        .unwrap_or(visit.user.id);
    let today = today(view);
    let content = html! {
        (tabs(view, Tab::Deadlines))
        div.page-head { h1 { (words.deadline_start()) } p.lead { (words.deadlines_lead()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        form.form.wide method="post" action="/deadlines/new" {
            div.pair.even {
                div.field { label for="matter" { (words.deadline_matter()) } input #matter name="matter" value=(typed("matter")) required maxlength="300"; p.hint { (words.deadline_matter_hint()) } }
                div.field { label for="started_at" { (words.deadline_started()) } input #started_at name="started_at" value=(typed("started_at")) placeholder=(words.like_moment()); p.hint { (words.deadline_started_hint()) } }
            }
            div.field { span.label { (words.requirement_owner()) } (choose_person(view, persons, Some(owner))) }
            section.card { header { h2 { (words.deadline_rules()) } } ul.rows {
                @for rule in catalogue.deadlines.iter().filter(|rule| rule.in_force(today)) { li { (offered(view, rule, form.all("rule").any(|id| id == rule.id))) } }
            } }
            div.form-actions { button.button.primary type="submit" { (words.deadline_start()) } a.button href="/deadlines" { (words.cancel()) } }
        }
    };
    frame::page(view, Place::Watches, words.deadline_start(), &content)
}

fn offered(view: &View, rule: &Rule, chosen: bool) -> Markup {
    let words = view.words;
    html! {
        label.choice {
            input type="checkbox" name="rule" value=(rule.id) checked[chosen];
            span {
                strong { (visible(rule.what.text(words.0))) } " · " strong { (rule.within.words().text(words.0)) }
                @if !rule.confirmed { " " span.badge { (words.deadline_unconfirmed()) } }
                br; span.muted { (words.deadline_who()) ": " (visible(rule.who.text(words.0))) " · " (words.deadline_starts()) ": " (visible(rule.starts.text(words.0))) }
                br; span.muted { (visible(&rule.source)) }
                @if let Some(note) = &rule.note { br; span.muted { (visible(note.text(words.0))) } }
            }
        }
    }
}
