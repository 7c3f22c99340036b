//! `GET /actions/{id}`: one action: exactly what would happen or did, who agreed, what proves it, and what can be done about it.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Action, ActionPlan, ActionState, Actor, Permission};
use operations::response::{self, in_language};

use super::{badge, lasting, summary, why};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    people::People,
    text::visible,
    trouble::Trouble,
};

/// Answers with the action.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let (action, people) = desk
        .read(move |ledger| {
            Ok((
                ledger.kept::<Action>(&scope, &id)?,
                People::new(&ledger.people(&scope)?),
            ))
        })
        .await?;
    Ok(render(&view, &action.ok_or(Trouble::NotFound)?, &people))
}

fn render(view: &View, action: &Action, people: &People) -> Markup {
    let title = summary(&action.kind);
    let content = html! {
        div data-live="action-head" {
            div.page-head { h1.break { (visible(&title)) }
                p.line { (badge(view.words, action)) span { (visible(&action.device)) } (holds_until(view, action)) } }
            (troubles(view, action))
        }
        div.columns {
            div.stack data-live="action-plan" { (plan(view, action)) (proof(view, action)) }
            div.stack { div.stack data-live="action-steps" { (steps(view, action)) } (facts(view, action, people)) }
        }
    };
    frame::page(view, Place::Actions, &title, &content)
}

fn holds_until(view: &View, action: &Action) -> Markup {
    let words = view.words;
    html! { @if action.holds() { span { @match action.expires_at {
        Some(at) => { (words.action_expires()) " " strong { (view.moments.relative(at)) } },
        None => (words.action_until_lifted()),
    } } } }
}

/// What somebody should see before everything else.
fn troubles(view: &View, action: &Action) -> Markup {
    let words = view.words;
    html! {
        @if action.is_not_effective() && let Some(proof) = &action.proof { p.notice.bad role="alert" { (Mark::Warning.draw())
            span { strong { (words.action_state_not_effective()) } ": " (visible(in_language(&proof.text, " / ", words.0))) } } }
        @if let ActionState::Failed { why, .. } | ActionState::Refused { why, .. } = &action.state { p.notice.bad { (Mark::Warning.draw()) span { (visible(why)) } } }
        @if action.owes_review() { p.notice.bad { (Mark::Warning.draw()) span { (words.action_glass_broken()) } } }
    }
}

fn plan(view: &View, action: &Action) -> Markup {
    let words = view.words;
    html! { section.card { header { h2 { (words.action_plan()) } } div.body {
        @match &action.plan {
            None => p.muted { (words.action_plan_pending()) },
            Some(plan) => (change(view, action, plan)),
        }
    } } }
}

fn change(view: &View, action: &Action, plan: &ActionPlan) -> Markup {
    let words = view.words;
    let rest = action.kind.elements().len().saturating_sub(plan.lines.len());
    html! {
        pre.raw { @for line in &plan.lines { (visible(line)) "\n" } @if rest > 0 { "… +" (words.number(rest as u64)) } }
        dl.facts {
            dt { (words.action_touches()) } dd {
                @if plan.touches.is_empty() { (words.action_touches_nothing()) }
                @else { ul { @for touch in &plan.touches { li { strong { (visible(&touch.element)) } ": " (visible(in_language(&touch.what, " / ", words.0))) " · " (words.action_people()) " " (touch.quorum)
                    @if let Some(users) = touch.users { " · ~" (words.number(users)) " " (words.action_users()) } } } } } }
            dt { (words.action_undo()) } dd { @if plan.undoable { (words.action_undoable()) } @else { strong.bad-number { (words.action_final()) } } }
            dt { (words.action_lasts()) } dd { (lasting(words, action)) }
            dt { (words.action_hash()) } dd { span.hash title=(plan.hash) { (plan.hash.chars().take(16).collect::<String>()) "…" } }
        }
    }
}

fn proof(view: &View, action: &Action) -> Markup {
    let words = view.words;
    html! { @if let Some(proof) = &action.proof { section.card { header { h2 { (words.action_proof()) } span.muted { (view.moments.relative(proof.at)) } } div.body {
        p { @match proof.holds {
            Some(true) => span.badge.badge-good { (words.action_proof_true()) },
            Some(false) => span.badge.badge-bad { (words.action_proof_false()) },
            None => span.badge.badge-warn { (words.action_proof_unknown()) },
        } " " (visible(in_language(&proof.text, " / ", words.0))) }
        @if action.restored > 0 { p.muted { (words.action_restored()) " " (action.restored) } }
    } } } }
}

fn facts(view: &View, action: &Action, people: &People) -> Markup {
    let words = view.words;
    html! { section.card data-live="action-facts" { header { h2 { (words.action_who_and_why()) } } div.body { dl.facts {
        dt { (words.action_why()) } dd { (visible(why(words, action))) }
        dt { (words.action_who()) } dd { (people.actor(words, &action.requested_by)) br; small { (view.moments.exact(action.requested_at)) } }
        @if let Some(letter) = &action.letter { dt { (words.action_letter()) } dd { (visible(letter)) } }
        @if let Some(incident) = &action.incident { dt { (words.plan_incident()) } dd { (visible(incident)) } }
        @if let Some(step) = &action.step { dt { (words.action_of_plan()) } dd { a href={ "/runs/" (step.run) } { (words.action_to_run()) } } }
        @if !action.approvals.is_empty() { dt { (words.action_approvals()) } dd { @for approval in &action.approvals {
            p { (people.actor(words, &approval.by)) br; small { (view.moments.exact(approval.at)) } } } } }
        @if let Some(glass) = &action.broken_glass { dt { (words.action_break_glass()) } dd { p { (people.actor(words, &glass.by)) ": " (visible(&glass.why)) }
            @if let Some((by, at, found)) = &glass.reviewed { p { (people.actor(words, by)) ", " (view.moments.exact(*at)) ": " (visible(found)) } } } }
    } } } }
}

/// What can be done about it by who looks.
fn steps(view: &View, action: &Action) -> Markup {
    let words = view.words;
    let approves = view.may(Permission::ApproveResponse);
    html! {
        @if matches!(action.state, ActionState::Planned) { (deciding(view, action)) }
        @if approves && action.owes_review() { section.card { header { h2 { (words.action_review()) } }
            div.body { (reasoned(action, ("review", words.action_review(), "primary"), words.action_findings())) } } }
        @if approves && action.holds() && !matches!(action.state, ActionState::Lifting { .. }) { section.card #lift {
            header { h2 { (words.action_lift()) } }
            div.body { (reasoned(action, ("lift", words.action_lift(), "danger"), words.action_why()))
                @if matches!(action.state, ActionState::InForce { .. }) { details #confirm { summary { (words.action_confirm()) }
                    form.form method="post" action={ "/actions/" (action.id) "/confirm" } {
                        div.field { label for="hours" { (words.action_hours()) } input #hours name="hours" type="number" min="1" max="87600" value="24"; }
                        button.button type="submit" { (words.action_confirm()) }
                    } } }
            } } }
    }
}

/// Agreeing, refusing, breaking the glass.
fn deciding(view: &View, action: &Action) -> Markup {
    let words = view.words;
    let needed = response::needed(action);
    let own = view
        .user
        .as_ref()
        .is_some_and(|user| matches!(&action.requested_by, Actor::Person { user: by, .. } if *by == user.id));
    html! { section.card { header { h2 { (words.action_state_planned()) } span.muted { (action.approvals.len()) "/" (needed) } } div.body {
        @if view.may(Permission::ApproveResponse) && let Some(plan) = &action.plan {
            @if own && action.rule.other_than_requester { p.muted { (words.action_not_own()) } }
            @else { form method="post" action={ "/actions/" (action.id) "/approve" } {
                input type="hidden" name="hash" value=(plan.hash);
                button.button.primary type="submit" { (words.action_approve()) }
            } }
        } @else { p.muted { (words.action_waits_for_lead()) } }
        @if view.may(Permission::WorkResponse) {
            details #refuse { summary { (words.action_refuse()) } (reasoned(action, ("refuse", words.action_refuse(), ""), words.action_why())) }
            details #break-glass { summary { (words.action_break_glass()) } p.hint { (words.action_break_glass_hint()) }
                (reasoned(action, ("break-glass", words.action_break_glass(), "danger"), words.action_why())) }
        }
    } } }
}

/// A form that asks for a reason.
fn reasoned(action: &Action, (verb, word, class): (&str, &str, &str), label: &str) -> Markup {
    html! { form.form method="post" action={ "/actions/" (action.id) "/" (verb) } {
        div.field { label for={ "why-" (verb) } { (label) } input id={ "why-" (verb) } name="why" required maxlength="2000"; }
        button class={ "button " (class) } type="submit" { (word) }
    } }
}
