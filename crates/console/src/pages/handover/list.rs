//! `GET /duty/handovers`: handovers and daily reports, and how to make one.

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Handover, HandoverState, Permission};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    pages::duty::now::{Tab, tabs},
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
    words::Words,
};

const SHOWN_MAX: usize = 60;

/// Answers with the newest.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let (page, rosters) = desk
        .read(move |ledger| {
            let page = ledger.kept_page::<Handover>(&scope, &NounFilter::default(), PageAt::first(SHOWN_MAX))?;
            Ok((page, Rosters::read(ledger, &scope, now)?))
        })
        .await?;
    Ok(render(&view, &rosters, &page.items))
}

fn render(view: &View, rosters: &Rosters, handovers: &[Handover]) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.handovers()) } (tabs(view, Tab::Handovers)) p.lead { (words.handover_lead()) } }
        div.stack {
            @if view.may(Permission::WorkAlerts) && rosters.all().next().is_some() { (beginning(view, rosters)) }
            section.card {
                @if handovers.is_empty() { div.body { p.muted { (words.handover_none()) } } }
                @else { div.scroll { table.stacked {
                    thead { tr { th scope="col" { (words.handover_made()) } th scope="col" { (words.duty_team()) } th scope="col" { (words.handover_from()) } th scope="col" { (words.handover_to()) } th scope="col" { (words.state()) } } }
                    tbody { @for handover in handovers { tr {
                        td data-label=(words.handover_made()) { a href={ "/duty/handovers/" (handover.id) } { (words.occasion(handover.occasion)) } " " (view.moments.exact(handover.made_at)) }
                        td data-label=(words.duty_team()) { (visible(&rosters.team(handover.team).map_or_else(String::new, |roster| roster.team.name.clone()))) }
                        td data-label=(words.handover_from()) { (visible(&rosters.name(handover.from))) }
                        td data-label=(words.handover_to()) { @if let Some(to) = handover.to { (visible(&rosters.name(to))) } }
                        td data-label=(words.state()) { (state(words, handover)) }
                    } } }
                } } }
            }
        }
    };
    frame::page(view, Place::Duty, words.handovers(), &content)
}

/// The badge of its state.
pub(super) fn state(words: Words, handover: &Handover) -> Markup {
    let class = match handover.state {
        HandoverState::Draft => "badge",
        HandoverState::Signed { .. } if handover.to.is_some() => "badge badge-warn",
        HandoverState::Signed { .. } | HandoverState::Accepted { .. } => "badge badge-good",
        HandoverState::Refused { .. } => "badge badge-bad",
    };
    html! { span class=(class) { (words.handover_state(handover.occasion, &handover.state)) } }
}

fn beginning(view: &View, rosters: &Rosters) -> Markup {
    let words = view.words;
    html! {
        section.card { div.body { form.form.wide method="post" action="/duty/handovers" {
            div.fields {
                div.field { label for="team" { (words.duty_team()) } select #team name="team" { @for roster in rosters.all() { option value=(roster.team.id) { (visible(&roster.team.name)) } } } }
                div.field { label for="to" { (words.handover_to()) } select #to name="to" { @for person in rosters.everybody() { @if view.user.as_ref().is_none_or(|user| user.id != person.id) { option value=(person.id) { (visible(&person.display_name)) } } } } }
            }
            div.form-actions {
                button.button.primary type="submit" name="occasion" value="shift" { (words.handover_begin()) }
                button.button type="submit" name="occasion" value="day" { (words.handover_report()) }
            }
        } } }
    }
}
