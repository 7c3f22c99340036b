//! `GET /calendar`: the days of a year that are not ordinary ones, each with its source.

use axum::extract::{RawQuery, State};
use jiff::{ToSpan, civil::Date};
use maud::{Markup, html};
use operations::{Catalogue, calendar::Calendar};

use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    pages::{
        directive::{form::today, show::day},
        watch::{Tab, list::content_problems, tabs},
    },
    text::visible,
};

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Markup {
    let asked = Form::parse(query.unwrap_or_default().as_bytes());
    let year = asked
        .one("year")
        .and_then(|year| year.parse().ok())
        .filter(|year| Calendar::YEARS.contains(year))
        .unwrap_or_else(|| today(&visit.view).year());
    let catalogue = desk.state.catalogue.borrow().clone();
    render(&visit.view, &catalogue, year)
}

fn render(view: &View, catalogue: &Catalogue, year: i16) -> Markup {
    let words = view.words;
    let calendar = &catalogue.calendar;
    let title = format!("{} {year}", words.nav_calendar());
    let worked = days_of(year).filter(|date| calendar.is_working(*date)).count();
    let content = html! {
        (tabs(view, Tab::Calendar))
        div.page-head { h1 { (title) }
            span.end.actions { @for other in [year - 1, year + 1] { @if Calendar::YEARS.contains(&other) {
                a.button href={ "/calendar?year=" (other) } { (other) }
            } } }
            p.lead { (words.calendar_lead()) } }
        (content_problems(view, &catalogue.problems))
        @if !calendar.is_decided(year) { p.notice { (words.calendar_undecided()) } }
        section.card { header { h2 { (words.number(worked as u64)) " " (words.calendar_working_days()) } } div.scroll { table.stacked {
            thead { tr { th scope="col" { (words.calendar_day()) } th scope="col" { (words.calendar_kind()) } th scope="col" { (words.calendar_name()) } th scope="col" { (words.directive_source()) } } }
            tbody { @for (date, about) in calendar.year(year) { tr {
                th scope="row" data-label=(words.calendar_day()) { (words.weekday(date.weekday())) " " (day(date)) }
                td data-label=(words.calendar_kind()) { (words.day_kind(about.kind)) }
                td data-label=(words.calendar_name()) { (visible(about.name.text(words.0))) }
                td data-label=(words.directive_source()) { (visible(&about.source)) @if !about.confirmed { " " span.badge { (words.calendar_unconfirmed()) } } }
            } } }
        } } }
    };
    frame::page(view, Place::Watches, &title, &content)
}

fn days_of(year: i16) -> impl Iterator<Item = Date> {
    let first = Date::constant(year, 1, 1);
    first.series(1.day()).take_while(move |date| date.year() == year)
}
