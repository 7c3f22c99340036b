//! `GET /plans/{id}`: a plan as a runbook, printable, with the form that starts it.

use axum::extract::{Path, RawQuery, State};
use maud::{Markup, html};
use model::Permission;
use operations::response::{Playbook, RunbookStep, in_language, phase_words, runbook};

use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    text::visible,
    trouble::Trouble,
};

/// Answers with the plan; `incident` and `exercise` in the address are filled into the form that starts it.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let asked = Form::parse(query.unwrap_or_default().as_bytes());
    let view = visit.view;
    let plan = desk
        .state
        .response
        .plans
        .iter()
        .find(|plan| plan.id.as_str() == id)
        .ok_or(Trouble::NotFound)?;
    let words = view.words;
    let title = in_language(&plan.name, " / ", words.0);
    let content = html! {
        div.page-head { h1 { (visible(title)) } p.lead { (visible(in_language(plan.description.as_deref().unwrap_or_default(), "\n", words.0))) } }
        div.columns {
            section.card { header { h2 { (words.plan_steps()) } } (steps(&view, plan)) }
            @if view.may(Permission::WorkResponse) { (start(&view, plan, &asked)) }
        }
    };
    Ok(frame::page(&view, Place::Actions, title, &content))
}

fn steps(view: &View, plan: &Playbook) -> Markup {
    let steps = runbook(plan, view.words.0);
    // A phase stands once above its steps.
    let mut last = None;
    let marked: Vec<(&RunbookStep, bool)> = steps
        .iter()
        .map(|step| {
            let fresh = step.phase.is_some() && step.phase != last;
            last = step.phase.or(last);
            (step, fresh)
        })
        .collect();
    html! { div.scroll { table.runbook { tbody { @for (step, fresh) in marked {
        @if fresh && let Some(phase) = step.phase { tr.phase { th colspan="3" scope="colgroup" { (phase_words(phase).text(view.words.0)) } } }
        (row(view, step))
    } } } } }
}

fn row(view: &View, step: &RunbookStep) -> Markup {
    let words = view.words;
    html! { tr class={ "depth-" (step.depth.min(4)) } {
        td.num.muted { (step.number) }
        td { p { @if let Some(when) = &step.when { em { (visible(when)) } ": " } strong { (visible(&step.name)) } } @if !step.text.is_empty() { p { (visible(&step.text)) } } }
        td { @if !step.who.is_empty() { p.nowrap { (visible(&step.who)) } }
            @if step.automatic { p { span.badge { (words.plan_automatic()) } } }
            @if let Some(quorum) = step.quorum { p { small { (words.action_people()) " " (quorum) } } }
            @if let Some(seconds) = step.expires_in_seconds { p { small { (words.action_expires()) " " (words.span(seconds)) } } }
            @if let Some(undo) = step.undo { p { small { (undo.words().text(words.0)) } } } }
    } }
}

fn start(view: &View, plan: &Playbook, asked: &Form) -> Markup {
    let words = view.words;
    html! { section.card.no-print { header { h2 { (words.plan_start()) } } form.form.body method="post" action={ "/plans/" (plan.id) "/start" } {
        @for (name, variable) in plan.wanted() { div.field {
            label for=(name) { (visible(in_language(variable.description.as_deref().unwrap_or(name), " / ", words.0))) }
            input id=(name) name=(name) required maxlength="4000";
        } }
        div.field { label for="letter" { (words.action_letter()) } input #letter name="letter" maxlength="200"; }
        div.field { label for="incident" { (words.plan_incident()) } input #incident name="incident" value=[asked.one("incident")] maxlength="64"; }
        label.check { input type="checkbox" name="exercise" value="yes" checked[asked.one("exercise").is_some()]; span { (words.plan_exercise()) } }
        div.form-actions { button.button.primary type="submit" { (words.plan_start()) } }
    } } }
}
