//! `GET /controls/{id}`: a control's last measurement with everything needed to check it, its trend and what fell short.

use axum::extract::{Path, State};
use jiff::SignedDuration;
use maud::{Markup, html};
use model::{Finding, Measurement, TrendPoint};
use operations::watches::{Control, of_measurement};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    pages::watch::{Tab, spark, subject, tabs},
    text::visible,
    trouble::Trouble,
};

/// How far back the trend goes.
const TREND_DAYS: i64 = 366;
/// Measurements listed.
const RECENT_MAX: usize = 30;

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let catalogue = desk.state.catalogue.borrow().clone();
    let control = catalogue
        .controls
        .iter()
        .find(|control| control.id == id)
        .ok_or(Trouble::NotFound)?;
    let now = view.moments.now;
    let from = now - SignedDuration::from_hours(24 * TREND_DAYS);
    let (recent, days) = desk
        .read(move |ledger| {
            let recent = ledger.measurements(&scope, &id, (from, now), RECENT_MAX)?;
            Ok((recent, ledger.trend_by_day(&scope, &id, from)?))
        })
        .await?;
    Ok(render(&view, control, &recent, &days))
}

fn render(view: &View, control: &Control, recent: &[Measurement], days: &[TrendPoint]) -> Markup {
    let words = view.words;
    let title = control.title.text(words.0);
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (visible(title)) } @if let Some(last) = recent.first() { (marks::standing(words, of_measurement(last, view.moments.now))) }
            p.lead { (visible(control.about.text(words.0))) } }
        @match recent.first() {
            None => section.card { div.body { p.muted { (words.control_never()) } } },
            Some(last) => div.columns {
                div.stack {
                    @if !last.failed.is_empty() { section.card { header { h2 { (words.control_failed()) } span.muted { (words.number(last.failed_count)) } } div.body {
                        ul.subjects { @for name in &last.failed { li { (subject(name)) } } }
                    } } }
                    section.card { header { h2 { (words.control_trend()) } span.muted { (words.control_trend_days()) } } div.body.scroll { (spark(words, days)) } }
                    (recent_table(view, recent))
                }
                (last_facts(view, last))
            },
        }
    };
    frame::page(view, Place::Watches, title, &content)
}

fn last_facts(view: &View, last: &Measurement) -> Markup {
    let words = view.words;
    html! {
        aside.stack { section.card { div.body { dl.facts {
            dt { (words.control_value()) } dd { strong { (words.measured_value(last)) } @if let Some(note) = &last.note { br; small { (visible(note)) } } }
            dt { (words.control_bound()) } dd { (words.bound(last.bound, last.unit)) }
            dt { (words.control_population()) } dd { (words.number(last.population)) }
            dt { (words.control_failed()) } dd { (words.number(last.failed_count)) }
            dt { (words.control_measured()) } dd { (view.moments.both(last.at)) }
            @if last.window_from != last.at { dt { (words.control_window()) } dd { (view.moments.exact(last.window_from)) " – " (view.moments.exact(last.at)) } }
            dt { (words.control_expires()) } dd { (view.moments.both(last.expires_at)) }
            dt { (words.control_query()) } dd { code { (visible(&last.query)) } }
            dt { (words.control_query_hash()) } dd.hash { (last.query_hash) }
        } } } }
    }
}

fn recent_table(view: &View, recent: &[Measurement]) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.control_recent()) } } div.scroll { table.stacked {
            thead { tr { th scope="col" { (words.control_measured()) } th scope="col" { (words.control_value()) } th.num scope="col" { (words.control_failed()) } th.num scope="col" { (words.control_population()) } } }
            tbody { @for one in recent { tr {
                td data-label=(words.control_measured()) { (view.moments.exact(one.at)) }
                td data-label=(words.control_value()) { (marks::standing_shape(judged(one.finding))) " " (words.measured_value(one)) }
                td.num data-label=(words.control_failed()) { (words.number(one.failed_count)) }
                td.num data-label=(words.control_population()) { (words.number(one.population)) }
            } } }
        } } }
    }
}

/// How a finding stood when it was made.
fn judged(finding: Finding) -> operations::watches::Standing {
    use operations::watches::Standing;
    match finding {
        Finding::Holds => Standing::Holds,
        Finding::Unknown => Standing::Unknown,
        Finding::FallsShort => Standing::FallsShort,
    }
}
