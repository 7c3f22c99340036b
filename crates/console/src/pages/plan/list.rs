//! `GET /plans`: the plans there are, and the runs that are under way or were.

use axum::extract::{RawQuery, State};
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use operations::response::{PlanRun, Playbook, in_language, runbook};

use super::badge;
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    people::People,
    text::visible,
    trouble::Trouble,
};

/// So many runs are shown.
const RUNS_MAX: usize = 30;

/// Answers with the list; `incident` and `exercise` in the address are handed on to the plan that is chosen.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let (runs, people) = desk
        .read(move |ledger| {
            let runs = ledger.kept_page::<PlanRun>(&scope, &NounFilter::default(), PageAt::first(RUNS_MAX))?;
            Ok((runs.items, People::new(&ledger.people(&scope)?)))
        })
        .await?;
    let words = view.words;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let content = html! {
        div.page-head { h1 { (words.plans_title()) } a.button.end href="/actions" { (words.actions_title()) } p.lead { (words.plans_lead()) } }
        div.stack {
            div data-live="runs" { (runs_card(&view, &runs, &people)) }
            section.card { header { h2 { (words.plans_title()) } } ol.items { @for plan in &desk.state.response.plans { li { (offered(&view, plan, &query)) } } } }
        }
    };
    Ok(frame::page(&view, Place::Actions, words.plans_title(), &content))
}

fn offered(view: &View, plan: &Playbook, query: &str) -> Markup {
    let words = view.words;
    let steps = runbook(plan, words.0);
    let automatic = steps.iter().filter(|step| step.automatic).count();
    html! {
        p { a href={ "/plans/" (plan.id) (query) } { strong { (visible(in_language(&plan.name, " / ", words.0))) } }
            " " small { (steps.len()) " " (words.plan_steps_count()) ", " (automatic) " " (words.plan_automatic()) } }
        p { (visible(in_language(plan.description.as_deref().unwrap_or_default(), "\n", words.0))) }
    }
}

fn runs_card(view: &View, runs: &[PlanRun], people: &People) -> Markup {
    let words = view.words;
    html! { section.card { header { h2 { (words.plan_runs()) } }
        @if runs.is_empty() { div.body { p.muted { (words.plan_no_runs()) } } }
        @else { div.scroll { table.stacked { tbody { @for run in runs { tr {
            td.nowrap { (badge(words, run.state_word())) @if run.exercise { " " span.badge.badge-exercise { (words.exercise()) } } }
            td { a href={ "/runs/" (run.id) } { (visible(in_language(&run.title, " / ", words.0))) }
                @if !run.stuck.is_empty() { " " span.badge.badge-bad { (words.run_stuck()) } } }
            td { (people.actor(words, &run.started_by)) }
            td { (view.moments.relative(run.started_at)) }
        } } } } } }
    } }
}
