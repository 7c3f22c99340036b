//! `GET /watches/{id}/requirements/{key}`: one requirement with everything that shows it, its questions and waivers.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Permission, Question, Waiver, WaiverState};
use operations::{
    Catalogue,
    watches::{RequirementStanding, Shown, waives},
};

use super::{Sight, Tab, choose_person, moment_text, show::evidence, tabs};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    text::visible,
    trouble::Trouble,
};

/// Answers with the page.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, key)): Path<(String, String)>,
) -> Result<Markup, Trouble> {
    let sight = Sight::of(&desk, &visit.scope, &id).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    let standings = sight.standing();
    let one = standings
        .iter()
        .find(|one| one.requirement.key.to_string() == key)
        .ok_or(Trouble::NotFound)?;
    Ok(render(&visit.view, &sight, &catalogue, one))
}

fn render(view: &View, sight: &Sight, catalogue: &Catalogue, one: &RequirementStanding<'_>) -> Markup {
    let words = view.words;
    let requirement = &one.requirement.requirement;
    let title = format!("{} · {}", one.requirement.number, requirement.key);
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (visible(&title)) } (marks::standing(words, one.standing))
            span.end { a href={ "/watches/" (sight.watch.id) } { (visible(&sight.watch.name)) } }
            p.lead.large { (visible(requirement.text.text(words.0))) }
        }
        div.columns {
            div.stack {
                section.card { header { h2 { (words.requirement_shown_by()) } } div.body {
                    ul.shown.wide { @for shown in &one.shown { li { (evidence(view, sight, catalogue, shown)) (failed(shown)) } } }
                } }
                @for shown in &one.shown { @if let Shown::Question { question, .. } = shown { (question_card(view, sight, question)) } }
                (waivers(view, sight, one))
            }
            (facts(view, sight, one))
        }
    };
    frame::page(view, Place::Watches, &title, &content)
}

/// Those that fell short in the last measurement, each with a way to it.
fn failed(shown: &Shown<'_>) -> Markup {
    let failed = match shown {
        Shown::Control {
            measured: Some((last, _)),
            ..
        } => last.failed.as_slice(),
        Shown::Control { measured: None, .. } | Shown::Question { .. } | Shown::NotAsked => &[],
    };
    html! { @if !failed.is_empty() { ul.subjects { @for name in failed { li { (super::subject(name)) } } } } }
}

fn facts(view: &View, sight: &Sight, one: &RequirementStanding<'_>) -> Markup {
    let words = view.words;
    let requirement = &one.requirement.requirement;
    html! {
        aside.stack { section.card { div.body {
            dl.facts {
                dt { (words.requirement_owner()) } dd { @match one.requirement.owner { Some(owner) => (sight.people.name(owner)), None => (words.requirement_no_owner()) } }
                dt { (words.directive_addressee()) } dd { (words.addressee(requirement.addressee)) }
                dt { (words.directive_number()) } dd { a href={ "/directives/" (one.requirement.directive) } { (visible(&one.requirement.number)) } }
                @if let Some(day) = requirement.due_on { dt { (words.requirement_due()) } dd { (day.strftime("%d/%m/%Y")) } }
                @if let Some(note) = &requirement.note { dt { (words.requirement_note()) } dd { (visible(note.text(words.0))) } }
                @if one.waiver.is_some() { dt { (words.waiver_beneath()) } dd { (marks::standing(words, one.beneath)) } }
            }
            @if view.may(Permission::WorkWatches) && sight.watch.closed.is_none() {
                form.form method="post" action={ "/watches/" (sight.watch.id) "/requirements/" (one.requirement.key) } {
                    @if let Some(owner) = one.requirement.owner { input type="hidden" name="seen" value=(owner); }
                    div.field { span.label { (words.requirement_owner()) } (choose_person(view, &sight.persons, one.requirement.owner)) }
                    div.form-actions { button.button type="submit" { (words.requirement_give()) } }
                }
            }
        } } }
    }
}

fn question_card(view: &View, sight: &Sight, question: &Question) -> Markup {
    let words = view.words;
    let may = view.may(Permission::WorkWatches) && sight.watch.closed.is_none();
    let mine = view.user.as_ref().is_some_and(|user| user.id == question.person);
    html! {
        section.card #{ "q-" (question.id) } {
            header { h2 { (words.question()) } span.muted { (words.question_asked()) " " (sight.people.name(question.person)) } }
            div.body {
                p { strong { (visible(question.words.text(words.0))) } }
                @if let Some(answer) = &question.answer {
                    p { (visible(&answer.words)) }
                    p.muted { (sight.people.name(answer.by)) " · " (view.moments.exact(answer.at)) " · " (words.question_good_until()) " " (view.moments.both(answer.expires_at)) }
                }
                @if may && mine {
                    form.form method="post" action={ "/questions/" (question.id) "/answer" } {
                        fieldset { legend { (words.question_answer()) } div.choices {
                            label { input type="radio" name="holds" value="yes" required; (words.question_holds()) }
                            label { input type="radio" name="holds" value="no"; (words.question_falls_short()) }
                        } }
                        div.field { label for={ "a-" (question.id) } { (words.question_words()) } textarea id={ "a-" (question.id) } name="words" required {} }
                        div.form-actions { button.button.primary type="submit" { (words.question_answer()) } }
                    }
                }
                @if may {
                    form.inline method="post" action={ "/questions/" (question.id) "/hand" } {
                        input type="hidden" name="seen" value=(question.person);
                        span { (words.question_hand()) } (choose_person(view, &sight.persons, None)) button.button.small type="submit" { (words.save()) }
                    }
                }
            }
        }
    }
}

fn waivers(view: &View, sight: &Sight, one: &RequirementStanding<'_>) -> Markup {
    let words = view.words;
    let mine: Vec<&Waiver> = sight
        .waivers
        .iter()
        .filter(|waiver| waiver.requirement == one.requirement.key)
        .collect();
    html! {
        section.card #waivers {
            header { h2 { (words.waivers()) } }
            @for waiver in mine.iter().rev() { div.body { (waiver_words(view, sight, waiver)) } }
            @if view.may(Permission::WorkWatches) && sight.watch.closed.is_none() {
                details { summary { (words.waiver_ask()) } div.body { form.form method="post" action={ "/watches/" (sight.watch.id) "/waivers" } {
                    input type="hidden" name="requirement" value=(one.requirement.key);
                    div.field { label for="waiver-reason" { (words.waiver_reason()) } textarea #waiver-reason name="reason" required {} }
                    div.field { label for="waiver-until" { (words.waiver_until()) } input #waiver-until name="until" value=(moment_text(view, sight.watch.until)) required; span.hint { (words.watch_moment_hint()) } }
                    div.form-actions { button.button type="submit" { (words.waiver_ask()) } }
                } } }
            }
        }
    }
}

fn waiver_words(view: &View, sight: &Sight, waiver: &Waiver) -> Markup {
    let words = view.words;
    let now = view.moments.now;
    let state = match &waiver.state {
        WaiverState::Asked => words.waiver_asked().to_owned(),
        WaiverState::Granted { by, .. } if waives(waiver, now) => {
            format!("{} · {}", words.waiver_granted(), sight.people.name(*by))
        }
        WaiverState::Granted { .. } => words.waiver_expired().to_owned(),
        WaiverState::Refused { by, reason, .. } => {
            format!("{} · {} · {reason}", words.waiver_refused(), sight.people.name(*by))
        }
        WaiverState::Ended { by, .. } => format!("{} · {}", words.waiver_ended(), sight.people.name(*by)),
    };
    let decides = view.may(Permission::WriteWatches);
    html! {
        p { strong { (visible(&state)) } " · " (words.waiver_until()) " " (view.moments.both(waiver.expires_at)) }
        p { (visible(&waiver.reason)) " " small { (sight.people.name(waiver.asked_by)) " · " (view.moments.exact(waiver.asked_at)) } }
        @if decides && waiver.state == WaiverState::Asked {
            div.actions {
                form.inline method="post" action={ "/waivers/" (waiver.id) "/decide" } { input type="hidden" name="grant" value="yes"; button.button.primary.small type="submit" { (words.waiver_grant()) } }
                form.inline method="post" action={ "/waivers/" (waiver.id) "/decide" } { input name="reason" required aria-label=(words.waiver_reason()) placeholder=(words.waiver_reason()); button.button.small type="submit" { (words.waiver_refuse()) } }
            }
        }
        @if decides && waives(waiver, now) {
            form.inline method="post" action={ "/waivers/" (waiver.id) "/end" } { button.button.small type="submit" { (words.waiver_end()) } }
        }
    }
}
