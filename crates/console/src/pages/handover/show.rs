//! `GET /duty/handovers/{id}`: one handover, with what is left and its signatures; it prints on one sheet.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Handover, HandoverAbout, HandoverSection, HandoverState, Permission, Timestamp};

use super::list::state;
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::duty::now::{Tab, tabs},
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
};

/// Answers with the handover.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let (handover, rosters) = found(&desk, &visit, &id).await?;
    Ok(render(&visit.view, &rosters, &handover, None))
}

/// The handover and the rosters.
pub(super) async fn found(desk: &Desk, visit: &Visit, id: &str) -> Result<(Handover, Rosters), Trouble> {
    Ok((desk.found(&visit.scope, id).await?, desk.rosters(&visit.scope).await?))
}

/// The page; `problem` says what kept a step from being taken.
pub(super) fn render(view: &View, rosters: &Rosters, handover: &Handover, problem: Option<&str>) -> Markup {
    let words = view.words;
    let team = rosters
        .team(handover.team)
        .map_or_else(String::new, |roster| roster.team.name.clone());
    let title = format!("{} · {team}", words.occasion(handover.occasion));
    let content = html! {
        div.page-head { h1 { (visible(&title)) } (state(words, handover)) (tabs(view, Tab::Handovers)) p.lead {
            (words.handover_made()) " " (view.moments.exact(handover.made_at)) " · " (words.handover_since()) " " (view.moments.exact(handover.since))
        } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (visible(problem)) } } }
        div.stack {
            @for section in handover.sections.iter().filter(|section| section.count > 0) { (part(view, section)) }
            (nothing(view, handover))
            @if !handover.remarks.is_empty() { section.card { header { h2 { (words.handover_remarks()) } } div.body { p.pre { (visible(&handover.remarks)) } } } }
            (signatures(view, rosters, handover))
            (steps(view, handover))
        }
    };
    frame::page(view, Place::Duty, &title, &content)
}

/// The parts in which there is nothing, in one line: what is there should be seen first.
fn nothing(view: &View, handover: &Handover) -> Markup {
    let words = view.words;
    let empty: Vec<&str> = handover
        .sections
        .iter()
        .filter(|section| section.count == 0)
        .map(|section| words.handover_about(section.about))
        .collect();
    html! { @if !empty.is_empty() {
        section.card { div.body { p { (Mark::Check.draw()) " " (words.handover_nothing()) ": " (empty.join(", ")) } } }
    } }
}

fn part(view: &View, section: &HandoverSection) -> Markup {
    let words = view.words;
    let has_owner = matches!(
        section.about,
        HandoverAbout::OpenAlerts | HandoverAbout::Incidents | HandoverAbout::Deadlines
    );
    let shown = section.lines.len() as u64;
    html! {
        section.card { header { h2 { (words.handover_about(section.about)) } span.end { strong { (words.number(section.count)) } } }
            div.scroll { table.stacked { tbody { @for line in &section.lines { tr {
                td { a href=(line.link) { @if section.about == HandoverAbout::Silences { (words.handover_hidden()) " " } (visible(&line.text)) }
                    @if let Some(next) = &line.next { br; small { (words.handover_next()) ": " (visible(next)) } } }
                td { @if has_owner { (words.handover_owner()) ": " @match &line.owner { Some(owner) => strong { (visible(owner)) }, None => span.badge.badge-warn { (words.handover_nobody()) } } } }
                td { @if let Some(at) = line.at { (view.moments.exact(at)) } }
            } } } } }
            @if section.count > shown { div.body { p.muted { "+ " (words.number(section.count - shown)) " " (words.handover_more()) } } }
        }
    }
}

fn signatures(view: &View, rosters: &Rosters, handover: &Handover) -> Markup {
    let words = view.words;
    let signed: Option<Timestamp> = match handover.state {
        HandoverState::Draft | HandoverState::Refused { .. } => None,
        HandoverState::Signed { at } => Some(at),
        HandoverState::Accepted { signed_at, .. } => Some(signed_at),
    };
    html! {
        div.signatures {
            div.signature { h3 { (words.handover_from()) } p { strong { (visible(&rosters.name(handover.from))) } }
                @match signed { Some(at) => p { (Mark::Check.draw()) " " (view.moments.exact(at)) }, None => p.muted { (words.handover_draft()) } } }
            @if let Some(to) = handover.to { div.signature { h3 { (words.handover_to()) } p { strong { (visible(&rosters.name(to))) } }
                @match &handover.state {
                    HandoverState::Accepted { at, .. } => p { (Mark::Check.draw()) " " (view.moments.exact(*at)) },
                    HandoverState::Refused { at, reason } => p { span.badge.badge-bad { (words.handover_refused()) } " " (view.moments.exact(*at)) ": " (visible(reason)) },
                    HandoverState::Draft | HandoverState::Signed { .. } => p.muted { (words.handover_draft()) },
                } } }
        }
    }
}

fn steps(view: &View, handover: &Handover) -> Markup {
    let words = view.words;
    let me = view.user.as_ref().map(|user| user.id);
    let may = view.may(Permission::WorkAlerts);
    let to_sign = matches!(handover.state, HandoverState::Draft | HandoverState::Refused { .. });
    let to_answer = matches!(handover.state, HandoverState::Signed { .. });
    html! {
        @if may && to_sign && me == Some(handover.from) { section.card.no-print { div.body {
            form.form method="post" action={ "/duty/handovers/" (handover.id) "/sign" } {
                div.field { label for="remarks" { (words.handover_remarks()) } textarea #remarks name="remarks" maxlength="4000" { (handover.remarks) } }
                div.form-actions { button.button.primary type="submit" { (words.handover_sign()) } }
            }
        } } }
        @if may && to_answer && me.is_some() && me == handover.to { section.card.no-print { div.body {
            form method="post" action={ "/duty/handovers/" (handover.id) "/answer" } { button.button.primary type="submit" { (words.handover_accept()) } }
            form.form method="post" action={ "/duty/handovers/" (handover.id) "/answer" } {
                input type="hidden" name="refuse" value="1";
                div.field { label for="reason" { (words.handover_refuse_reason()) } textarea #reason name="reason" required maxlength="4000" {} }
                div.form-actions { button.button.danger type="submit" { (words.handover_refuse()) } }
            }
        } } }
    }
}
