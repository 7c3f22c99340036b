//! `GET /runs/{id}`: a run of a plan: what is to be done now, by whom, and what was done.

use axum::extract::{Path, State};
use ledger::NounFilter;
use maud::{Markup, html};
use model::{Action, Permission};
use operations::response::{
    ExecutionState, Order, PlanRun, Playbook, StepKind, Work, filled, in_language, phase_words, plan_key, step_name,
    step_text, work_of,
};

use super::badge;
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::action,
    people::People,
    text::visible,
    trouble::Trouble,
};

/// A run with what belongs to it.
struct Shown {
    run: PlanRun,
    plan: Playbook,
    actions: Vec<Action>,
    people: People,
}

/// Answers with the run.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let asking = scope.clone();
    let (run, actions, people) = desk
        .read(move |ledger| {
            let scope = asking;
            let actions = ledger.all_kept::<Action>(&scope, &NounFilter::of_parent(&id))?;
            Ok((
                ledger.kept::<PlanRun>(&scope, &id)?,
                actions,
                People::new(&ledger.people(&scope)?),
            ))
        })
        .await?;
    let run = run.ok_or(Trouble::NotFound)?;
    let plan = super::change::version(&desk, &scope, &run).await?;
    let shown = Shown {
        run,
        plan,
        actions,
        people,
    };
    let title = in_language(&shown.run.title, " / ", view.words.0);
    let content = html! {
        div data-live="run-head" { (head(&view, &shown, title)) }
        div.columns {
            div.stack { div data-live="run-todo" { (todo(&view, &desk, &shown)) } div data-live="run-story" { (story(&view, &shown)) } }
            div.stack data-live="run-side" { (acted(&view, &shown)) (ending(&view, &shown)) }
        }
    };
    Ok(frame::page(&view, Place::Actions, title, &content))
}

fn head(view: &View, shown: &Shown, title: &str) -> Markup {
    let (words, run) = (view.words, &shown.run);
    html! {
        div.page-head { h1 { (visible(title)) }
            p.line { (badge(words, run.state_word())) @if run.exercise { span.badge.badge-exercise { (words.exercise()) } }
                span { (words.run_begun()) " " (view.moments.relative(run.started_at)) ", " (shown.people.actor(words, &run.started_by)) }
                @if let Some(letter) = &run.letter { span { (words.action_letter()) " " (visible(letter)) } }
                @if let Some(incident) = &run.incident { span { (words.plan_incident()) " " (visible(incident)) } } } }
        @if run.exercise { p.notice.exercise { (words.run_is_exercise()) } }
    }
}

fn todo(view: &View, desk: &Desk, shown: &Shown) -> Markup {
    let (words, run) = (view.words, &shown.run);
    let orders = run.run.orders();
    html! { section.card { header { h2 { (words.run_todo()) } @if !orders.is_empty() { span.muted { (orders.len()) } } }
        @if orders.is_empty() { div.body { p.muted { (words.run_nothing()) } } }
        @else { ol.items.steps { @for order in &orders { li { (open_step(view, shown, (order, work_of(order, &desk.state.response.devices, run.exercise)))) } } } }
    } }
}

/// One thing that is to be done now.
fn open_step(view: &View, shown: &Shown, (order, work): (&Order<'_>, Work)) -> Markup {
    let (words, run) = (view.words, &shown.run);
    let (execution, step) = (order.execution.0, &shown.plan.workflow[order.step]);
    let stuck = run.stuck.get(&execution);
    let by_hand = work == Work::ByHand;
    let own = |action: &&Action| action.step.as_ref().is_some_and(|of| of.execution == execution);
    html! {
        @if let Some(phase) = step.policy.phase { small { (phase_words(phase).text(words.0)) } }
        p.step-name { (visible(&step_name(&shown.plan, order.step, words.0))) }
        p { (visible(&filled(&step_text(step, words.0), |name| run.run.variables().get(name).cloned()))) }
        @if let StepKind::Action { agent, .. } = &step.kind && let Some(agent) = shown.plan.agents.get(agent) { p.muted { (words.plan_who()) ": " (visible(in_language(&agent.name, " / ", words.0))) } }
        @for action in shown.actions.iter().filter(own) { p { (action::badge(words, action)) " " a href={ "/actions/" (action.id) } { (visible(&action::summary(&action.kind))) } } }
        @if let Some(why) = stuck { p.notice.bad { (Mark::Warning.draw()) span { (visible(why)) } }
            @if view.may(Permission::WorkResponse) { form method="post" action={ "/runs/" (run.id) "/replay" } { input type="hidden" name="execution" value=(execution);
                button.button type="submit" { (words.run_replay()) } } } }
        @if !by_hand && stuck.is_none() { p.muted { (words.run_device_works()) } }
        @if (by_hand || stuck.is_some()) && view.may(Permission::WorkResponse) { (finish(view, shown, order)) }
    }
}

/// The form that finishes a step by hand.
fn finish(view: &View, shown: &Shown, order: &Order<'_>) -> Markup {
    let (words, execution) = (view.words, order.execution.0);
    let wanted: &[String] = match &shown.plan.workflow[order.step].kind {
        StepKind::Action { out_args, .. } => out_args,
        StepKind::Start
        | StepKind::End
        | StepKind::PlaybookAction { .. }
        | StepKind::Parallel { .. }
        | StepKind::If { .. }
        | StepKind::While { .. }
        | StepKind::Switch { .. } => &[],
    };
    html! { form.form method="post" action={ "/runs/" (shown.run.id) "/step" } {
        input type="hidden" name="execution" value=(execution);
        @for name in wanted { (result_field(view, &shown.plan, (name.strip_suffix(":value").unwrap_or(name), execution))) }
        div.field { label for={ "note" (execution) } { (words.run_note()) } textarea id={ "note" (execution) } name="note" rows="2" required maxlength="8000" {} }
        details id={ "more" (execution) } { summary { (words.run_evidence_add()) }
            div.field { label for={ "evidence" (execution) } { (words.run_evidence()) } input id={ "evidence" (execution) } name="evidence" maxlength="2000"; } }
        div.form-actions { button.button.primary type="submit" name="done" value="yes" { (words.run_done()) }
            button.button type="submit" name="done" value="no" { (words.run_failed()) } }
    } }
}

fn result_field(view: &View, plan: &Playbook, (name, execution): (&str, u32)) -> Markup {
    let words = view.words;
    let variable = plan.variables.get(name);
    let label = variable
        .and_then(|variable| variable.description.as_deref())
        .unwrap_or(name);
    let label = in_language(label, " / ", words.0);
    html! { @if variable.is_some_and(|variable| variable.kind.name() == "bool") {
        fieldset { legend { (visible(label)) } div.choices {
            label { input type="radio" name=(name) value="true" required; (words.yes()) }
            label { input type="radio" name=(name) value="false"; (words.no()) } } }
    } @else { div.field { label for={ (name) (execution) } { (visible(label)) } input id={ (name) (execution) } name=(name) maxlength="4000"; } } }
}

fn story(view: &View, shown: &Shown) -> Markup {
    let (words, run) = (view.words, &shown.run);
    // Where a line only branches, nobody did anything.
    let done = |step: &operations::response::Identifier| {
        matches!(
            shown.plan.workflow[step].kind,
            StepKind::Action { .. } | StepKind::PlaybookAction { .. }
        )
    };
    html! { section.card { header { h2 { (words.run_story()) } } div.body { ol.timeline {
        @for execution in run.run.executions().iter().rev().filter(|execution| done(&execution.step)) { li {
            p.when { (ended(view, &execution.state)) }
            p { strong { (visible(&step_name(&shown.plan, &execution.step, words.0))) }
                @if let ExecutionState::Failed { why, .. } = &execution.state { " " span.bad-number { (visible(why)) } } }
            @for note in run.notes.iter().filter(|note| note.execution == execution.id.0) { p { (shown.people.actor(words, &note.by)) ": " (visible(&note.note))
                @if !note.evidence.is_empty() { " [" (visible(&note.evidence.join(", "))) "]" } } }
        } }
    } } } }
}

/// What became of a step, and when.
fn ended(view: &View, state: &ExecutionState) -> Markup {
    let words = view.words;
    let at = |milliseconds: i64| {
        model::Timestamp::from_millisecond(milliseconds)
            .map(|at| view.moments.relative(at))
            .unwrap_or_default()
    };
    html! { @match state {
        ExecutionState::Succeeded { at_ms } => { span.badge.badge-good { (words.run_done()) } " " (at(*at_ms)) }
        ExecutionState::Failed { at_ms, .. } => { span.badge.badge-bad { (words.run_failed()) } " " (at(*at_ms)) }
        ExecutionState::Abandoned { at_ms } => { span.badge { (words.run_state_stopped()) } " " (at(*at_ms)) }
        ExecutionState::Waiting { until_ms } => { span.badge { (words.run_waits_until()) } " " (at(*until_ms)) }
        ExecutionState::Open { since_ms, .. } | ExecutionState::Branching { since_ms, .. } => { span.badge { (words.run_state_running()) } " " (at(*since_ms)) }
    } }
}

fn acted(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! { @if !shown.actions.is_empty() { section.card { header { h2 { (words.actions_title()) } } ol.items { @for action in &shown.actions { li {
        p { (action::badge(words, action)) }
        p { a.mono href={ "/actions/" (action.id) } { (visible(&action::summary(&action.kind))) } }
        @if let Some(at) = action.expires_at.filter(|_| action.holds()) { p.muted { (words.action_expires()) " " (view.moments.relative(at)) } }
    } } } } } }
}

fn ending(view: &View, shown: &Shown) -> Markup {
    let (words, run) = (view.words, &shown.run);
    let stops = run.state_word() == "running" && view.may(Permission::WorkResponse);
    let undoes = run.undoing.is_none() && !run.exercise && view.may(Permission::ApproveResponse);
    html! {
        @if let Some(undoing) = &run.undoing && !undoing.by_hand.is_empty() { section.card { header { h2 { (words.run_by_hand()) } } div.body { ul {
            @for text in &undoing.by_hand { li { (visible(text)) } } } } } }
        @if stops || undoes { section.card { div.body {
            @if stops { form method="post" action={ "/runs/" (run.id) "/stop" } { button.button type="submit" { (words.run_stop()) } }
                p.hint { (words.run_stop_hint()) } }
            @if undoes { form method="post" action={ "/runs/" (run.id) "/undo" } { button.button.danger type="submit" { (words.run_undo()) } }
                p.hint { (words.run_undo_hint()) } }
        } } }
    }
}

/// Whether a plan is the version that a run was started with.
pub(super) fn is_version(plan: &Playbook, run: &PlanRun) -> bool {
    plan_key(plan) == run.plan
}
