//! `GET` and `POST /watches/new`: opening a watch, with the next holidays of the calendar proposed as its time.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::ToSpan;
use ledger::{NounFilter, PageAt, Person};
use maud::{Markup, html};
use model::{Addressee, Directive, Id, Rejected};
use operations::{calendar::Break, watches};

use super::{Tab, choose_person, moment_text, tabs, typed_moment};
use crate::{
    addresses,
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::directive::{form::today, show::day},
    secrets,
    text::visible,
    trouble::Trouble,
};

/// Directives offered at most.
const DIRECTIVES_MAX: usize = 50;
/// Holidays offered.
const BREAKS: usize = 4;
/// A watch begins so many days before the first day off: the dispatch of 17 April 2024 asked for it from 27 April on.
const DAYS_BEFORE: i64 = 1;
/// What is offered before somebody fills in: two people, fifteen minutes.
const PEOPLE_MIN: u32 = 2;
const ACKNOWLEDGE_MINUTES: u32 = 15;

/// What the form offers.
struct Offered {
    directives: Vec<Directive>,
    persons: Vec<Person>,
    breaks: Vec<Break>,
}

/// Answers with the form, filled in from the address.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let offered = offered(&visit, &desk).await?;
    Ok(render(&visit, &offered, &form, None))
}

/// Opens the watch, or shows the form again with what is wrong.
pub(crate) async fn post(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let offered = offered(&visit, &desk).await?;
    let words = visit.view.words;
    let again = |problem: &str| {
        let page = render(&visit, &offered, &form, Some(problem));
        (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
    };
    let mut moments = Vec::new();
    for name in ["from", "until"] {
        let text = form.one(name).unwrap_or_default();
        match typed_moment(&visit.view, text) {
            Some(at) => moments.push(at),
            None => return Ok(again(&words.bad_moment(text))),
        }
    }
    let number = |name| {
        form.one(name)
            .and_then(|text| text.trim().parse::<u32>().ok())
            .unwrap_or(0)
    };
    let lead = form
        .one("person")
        .and_then(|id| id.parse().ok())
        .unwrap_or(visit.user.id);
    let known = offered.persons.iter().any(|person| person.id == lead && person.enabled);
    if !known {
        return Err(Trouble::BadRequest);
    }
    let draft = watches::Draft {
        name: form.one("name").unwrap_or_default().to_owned(),
        from: moments[0],
        until: moments[1],
        people_min: number("people_min"),
        acknowledge_minutes: number("acknowledge_minutes"),
        directives: chosen(&offered.directives, &form),
        lead,
    };
    let step = visit.step(&desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    match watches::open(&draft, step, entropy) {
        Ok(decision) => {
            desk.apply(decision).await?;
            let id: Id<model::Watch> = Id::born(step.at, entropy);
            Ok(Redirect::to(&format!("/watches/{id}")).into_response())
        }
        Err(rejected @ (Rejected::Invalid { .. } | Rejected::NotNow(_))) => Ok(again(&rejected.text(words.0))),
        Err(rejected) => Err(rejected.into()),
    }
}

/// The directives that were ticked, each with the requirements that address this organisation.
fn chosen<'a>(directives: &'a [Directive], form: &Form) -> Vec<(&'a Directive, Vec<String>)> {
    let provider = form.one("provider").is_some();
    directives
        .iter()
        .filter(|directive| form.all("directive").any(|id| id == directive.id.to_string()))
        .map(|directive| {
            let ours = directive.requirements.iter().filter(|one| match one.addressee {
                Addressee::Organisation | Addressee::Both => true,
                Addressee::Provider => provider,
            });
            (directive, ours.map(|one| one.key.to_string()).collect())
        })
        .collect()
}

async fn offered(visit: &Visit, desk: &Desk) -> Result<Offered, Trouble> {
    let scope = visit.scope.clone();
    let (directives, persons) = desk
        .read(move |ledger| {
            let page = ledger.kept_page(&scope, &NounFilter::default(), PageAt::first(DIRECTIVES_MAX))?;
            Ok((page.items, ledger.people(&scope)?))
        })
        .await?;
    let breaks = desk
        .state
        .catalogue
        .borrow()
        .calendar
        .next_breaks(today(&visit.view), BREAKS);
    Ok(Offered {
        directives,
        persons,
        breaks,
    })
}

fn render(visit: &Visit, offered: &Offered, form: &Form, problem: Option<&str>) -> Markup {
    let view = &visit.view;
    let words = view.words;
    let typed = |name: &str, otherwise: String| form.one(name).map_or(otherwise, str::to_owned);
    let lead = form
        .one("person")
        .and_then(|id| id.parse().ok())
        .unwrap_or(visit.user.id);
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (words.watch_new()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        @if offered.directives.is_empty() { p.notice { (Mark::Letter.draw()) span { (words.watch_no_directives()) " " a href="/directives/new" { (words.directive_register()) } } } }
        div.columns {
            form.form method="post" action="/watches/new" {
                div.field { label for="name" { (words.watch_name()) } input #name name="name" value=(typed("name", String::new())) required maxlength="300"; p.hint { (words.watch_name_hint()) } }
                (choose_directives(view, &offered.directives, form))
                div.pair.even {
                    div.field { label for="from" { (words.watch_from()) } input #from name="from" placeholder=(words.like_moment()) value=(typed("from", moment_text(view, view.moments.now))) required; }
                    div.field { label for="until" { (words.watch_until()) } input #until name="until" placeholder=(words.like_moment()) value=(typed("until", String::new())) required; }
                }
                p.hint { (words.watch_moment_hint()) }
                (staffing(view, &typed))
                div.field { span.label { (words.watch_lead()) } (choose_person(view, &offered.persons, Some(lead))) }
                div.form-actions { button.button.primary type="submit" { (words.watch_new()) } a.button href="/watches" { (words.cancel()) } }
            }
            (proposed(view, &offered.breaks, form))
        }
    };
    frame::page(view, Place::Watches, words.watch_new(), &content)
}

fn choose_directives(view: &View, directives: &[Directive], form: &Form) -> Markup {
    let words = view.words;
    html! {
        fieldset { legend { (words.watch_directives()) } div.choices.column {
            @for directive in directives {
                label { input type="checkbox" name="directive" value=(directive.id) checked[form.all("directive").any(|id| id == directive.id.to_string())];
                    span { strong { (visible(&directive.number)) } " · " (day(directive.issued_on)) " · " (words.requirements(directive.requirements.len() as u64)) } }
            }
            label { input type="checkbox" name="provider" value="yes" checked[form.one("provider").is_some()]; (words.watch_provider()) }
        } }
    }
}

/// The next holidays, each with a way to fill in its time.
fn proposed(view: &View, breaks: &[Break], form: &Form) -> Markup {
    let words = view.words;
    html! {
        aside.stack { section.card {
            header { h2 { (words.watch_breaks()) } a.end href="/calendar" { (words.nav_calendar()) } }
            ul.rows { @for one in breaks { li {
                p { strong { @for (n, name) in one.names.iter().enumerate() { @if n > 0 { ", " } (visible(name.text(words.0))) } }
                    @if !one.confirmed { " " span.badge { (words.calendar_unconfirmed()) } } }
                p.muted { (words.weekday(one.first.weekday())) " " (day(one.first)) " – " (words.weekday(one.last.weekday())) " " (day(one.last)) }
                a.button.small href=(address(view, one, form)) { (words.watch_use_break()) }
            } } }
        } }
    }
}

fn address(view: &View, one: &Break, form: &Form) -> String {
    let from = one.first.checked_sub(DAYS_BEFORE.days()).unwrap_or(one.first);
    let until = one.last.checked_add(1.day()).unwrap_or(one.last);
    let name = one
        .names
        .first()
        .map(|name| name.text(view.words.0))
        .unwrap_or_default();
    let name = format!("{name} {}", one.first.year());
    let mut address = format!(
        "/watches/new{}",
        addresses::query(&[
            ("name", &name),
            ("from", &format!("{} 00:00", day(from))),
            ("until", &format!("{} 00:00", day(until))),
        ])
    );
    for directive in form.all("directive") {
        address.push_str("&directive=");
        address.push_str(&addresses::segment(directive));
    }
    address
}

fn staffing(view: &View, typed: &dyn Fn(&str, String) -> String) -> Markup {
    let words = view.words;
    html! {
        div.field { label for="people_min" { (words.watch_people_min()) } input #people_min name="people_min" type="number" min="1" value=(typed("people_min", PEOPLE_MIN.to_string())) required; }
        div.field { label for="acknowledge_minutes" { (words.watch_acknowledge()) } input #acknowledge_minutes name="acknowledge_minutes" type="number" min="1" max="1440" value=(typed("acknowledge_minutes", ACKNOWLEDGE_MINUTES.to_string())) required; }
    }
}
