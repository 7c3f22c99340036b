//! The runs of plans that belong to an incident, and the way to start one for it.

use maud::{Markup, html};
use model::Permission;
use operations::response::in_language;

use super::show::Shown;
use crate::{frame::View, pages::plan, text::visible};

/// The card.
pub(crate) fn card(view: &View, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let may = view.may(Permission::WorkResponse) && incident.state.is_open();
    let exercise = ["", "&exercise=yes"][usize::from(incident.exercise)];
    let address = format!("/plans?incident={}{exercise}", incident.number);
    html! {
        @if may || !shown.runs.is_empty() { section.card #response {
            header { h2 { (words.plans_title()) } span.muted { (shown.runs.len()) } }
            ol.items { @for run in &shown.runs { li { p {
                (plan::badge(words, run.state_word())) " "
                a href={ "/runs/" (run.id) } { (visible(in_language(&run.title, " / ", words.0))) } }
                p.muted { (view.moments.relative(run.started_at)) } } } }
            @if may { div.body { a.button.small href=(address) { (words.plan_start_one()) "…" } } }
        } }
    }
}
