//! `GET /incidents/metrics`: how long it took to detect, acknowledge, contain and recover, month by month.

use std::collections::BTreeMap;

use axum::extract::State;
use ledger::NounFilter;
use maud::{Markup, html};
use model::Incident;
use operations::incidents::{MonthFigures, monthly};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    trouble::Trouble,
};

/// Months on the page.
const MONTHS_MAX: usize = 24;
/// The plot's box.
const WIDTH: f64 = 480.0;
/// See above.
const HEIGHT: f64 = 120.0;

/// Answers with the figures.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let incidents: Vec<Incident> = desk
        .read(move |ledger| ledger.all_kept(&scope, &NounFilter::default()))
        .await?;
    let figures = monthly(&incidents, &view.moments.zone);
    Ok(render(&view, &figures))
}

fn render(view: &View, figures: &BTreeMap<String, MonthFigures>) -> Markup {
    let words = view.words;
    let months: Vec<(&String, &MonthFigures)> = figures.iter().skip(figures.len().saturating_sub(MONTHS_MAX)).collect();
    let names = [
        words.metrics_detect(),
        words.metrics_acknowledge(),
        words.metrics_contain(),
        words.metrics_recover(),
    ];
    let content = html! {
        div.page-head { h1 { (words.metrics_title()) } p.lead { (words.metrics_lead()) } }
        @if months.is_empty() { div.card { div.empty { strong { (words.metrics_none()) } } } } @else {
            div.plots { @for (n, name) in names.iter().enumerate() { (plot(view, name, &months, n)) } }
            section.card { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.metrics_month()) } th.num scope="col" { (words.metrics_incidents()) } th.num scope="col" { (words.metrics_real()) }
                    @for name in names { th.num scope="col" { (name) } } } }
                tbody { @for (month, figures) in months.iter().rev() { tr {
                    th scope="row" { (month) }
                    td.num data-label=(words.metrics_incidents()) { (figures.incidents) }
                    td.num data-label=(words.metrics_real()) { (figures.real) }
                    @for (name, median) in names.iter().zip(figures.medians) { td.num data-label=(name) {
                        @match median { Some((seconds, of)) => { (words.span(seconds)) " " small { (words.metrics_of()) " " (of) } }, None => "–" }
                    } }
                } } }
            } } }
        }
    };
    frame::page(view, Place::Incidents, words.metrics_title(), &content)
}

/// A line of medians; months without one are gaps.
fn plot(view: &View, name: &str, months: &[(&String, &MonthFigures)], which: usize) -> Markup {
    let words = view.words;
    let values: Vec<Option<u64>> = months
        .iter()
        .map(|(_, figures)| figures.medians[which].map(|(seconds, _)| seconds))
        .collect();
    let highest = values.iter().flatten().copied().max().unwrap_or(0).max(1);
    let step = WIDTH / f64::from(u32::try_from(values.len().max(2) - 1).unwrap_or(u32::MAX));
    let place = |n: usize, seconds: u64| {
        let x = step * f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let share = f64::from(u32::try_from(seconds * 1000 / highest).unwrap_or(1000)) / 1000.0;
        (x, HEIGHT - 8.0 - share * (HEIGHT - 16.0))
    };
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(n, value)| Some(place(n, (*value)?)))
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let last = values.iter().rev().flatten().next();
    html! {
        section.card.plot { div.body {
            h2 { (name) }
            @if let Some(last) = last { p.big { (words.span(*last)) } } @else { p.big.muted { "–" } }
            svg viewBox=(format!("-6 0 {} {HEIGHT}", WIDTH + 12.0)) role="img" aria-label=(name) {
                line x1="0" x2=(format!("{WIDTH}")) y1=(format!("{}", HEIGHT - 8.0)) y2=(format!("{}", HEIGHT - 8.0)) {}
                polyline points=(line.join(" ")) {}
                @for (x, y) in &points { circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" {} }
            }
            p.muted { (months.first().map_or("", |(month, _)| month.as_str())) " – " (months.last().map_or("", |(month, _)| month.as_str())) " · 0 – " (words.span(highest)) }
        } }
    }
}
